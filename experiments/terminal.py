"""What the command line shows: tables as wide as the terminal, progress, and clean text."""

import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from experiments.pace import Pace, lasting
from results.words import POINTS, briefly, decimals_for, difference_unit, verdict_words
from simulation.outcomes import OUTCOMES, Outcome

PIPE_WIDTH = 160
"""Width of tables that go to a file or a pipe."""
UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
OUTCOME_WIDTH, CELL_WIDTH, GAP = 30, 18, 2
STEPS = 10
"""How many lines of progress a log gets."""

type Row = Mapping[str, Any]


def width() -> int:
    """Return how many characters a line of standard output may take."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return PIPE_WIDTH


def rendered(what: RenderableType) -> str:
    """Return ``what`` as text for standard output, in colour only on a terminal."""
    console = Console(width=width(), markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(what)
    return "\n".join(line.rstrip() for line in capture.get().split("\n"))


def clean(text: str) -> str:
    """Return ``text`` without characters that could steer a terminal."""
    return "".join(letter if letter.isprintable() else UNPRINTABLE for letter in text)


def listing(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table of texts, under ``headings`` if there are any."""
    table = _table(headings or [""] * len(rows[0]))
    table.columns[0].no_wrap = True
    table.show_header = bool(headings)
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table


def _table(headings: Sequence[str], *widest: int) -> Table:
    """Return an empty table; ``widest`` are the most characters that each column takes."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        most = widest[place] if widest else None
        table.add_column(Text(clean(heading)), overflow="fold", max_width=most)
    return table


# Comparisons


def comparison(rows: Sequence[Row], titles: Mapping[str, str], width: int) -> Iterator[Table]:
    """Yield tables of differences, outcomes down and policies across, as many as ``width`` asks.

    Args:
        rows: the summary; a row a policy and outcome, with the columns of ``summary.csv``.
        titles: names of the policies for people, by name, the baseline first.
        width: of the terminal, in characters.
    """
    baseline, *others = titles
    cells = {(row["policy"], row["outcome"]): row for row in rows}
    shown = [row["outcome"] for row in rows if row["policy"] == baseline and row["headline"]]
    first = min(OUTCOME_WIDTH, width // 4)
    room = max(1, (width - first - CELL_WIDTH - GAP) // (CELL_WIDTH + GAP))
    for start in range(0, len(others), room):
        block = {name: titles[name] for name in (baseline, *others[start : start + room])}
        yield _block(cells, shown, block, first)


def values(rows: Sequence[Row]) -> Table:
    """Return a table of the outcomes of one policy."""
    cells = {(row["policy"], row["outcome"]): row for row in rows}
    table = _table(["outcome", "value"])
    for row in rows:
        if row["headline"]:
            table.add_row(_heading(row["outcome"]), _mean(cells, row["policy"], row["outcome"]))
    return table


def _block(
    cells: Mapping[tuple[str, str], Row],
    shown: Sequence[str],
    titles: Mapping[str, str],
    first: int,
) -> Table:
    table = _table(["outcome", *titles.values()], first, *[CELL_WIDTH] * len(titles))
    baseline, *others = titles
    for name in shown:
        differences = [_difference(cells, policy, name) for policy in others]
        table.add_row(_heading(name), _mean(cells, baseline, name), *differences, end_section=True)
    return table


def _heading(name: str) -> Text:
    outcome = OUTCOMES[name]
    return Text(outcome.title).append(f"\n{outcome.unit}", style="dim")


def _mean(cells: Mapping[tuple[str, str], Row], policy: str, name: str) -> Text:
    def show(outcome: str) -> str:
        row = cells[policy, outcome]
        return amount(row["policy_mean"], _scaled(row))

    return Text(_with_share(name, show))


def _scaled(row: Row) -> Outcome:
    return OUTCOMES[row["outcome"]].with_margin(row["matters"])


def _difference(cells: Mapping[tuple[str, str], Row], policy: str, name: str) -> Text:
    def show(outcome: str) -> str:
        row = cells[policy, outcome]
        return difference(row["difference"], _scaled(row))

    row = cells[policy, name]
    text = Text(_with_share(name, show))
    if row["low"] < row["high"]:
        text.append(f"\n{interval(row['low'], row['high'], _scaled(row))}")
    verdict = briefly(verdict_words(row))
    return text.append(f"\n{verdict}", style="bold") if verdict else text


def _with_share(name: str, show: Callable[[str], str]) -> str:
    share = f"{name}_share"
    return f"{show(name)} ({show(share)})" if share in OUTCOMES else show(name)


def amount(value: float, outcome: Outcome) -> str:
    """Return a value of ``outcome`` as fine as what matters, with the sign of its unit."""
    shown = _figure(value, outcome, decimals_for(value, outcome))
    return f"{shown}%" if outcome.unit.startswith("%") and math.isfinite(value) else shown


def difference(value: float, outcome: Outcome) -> str:
    """Return a difference in ``outcome`` with its sign; percentages differ by points."""
    shown = _figure(value, outcome, decimals_for(value, outcome), sign="+")
    points = difference_unit(outcome) == POINTS and math.isfinite(value)
    return f"{shown} pts" if points else shown


def interval(low: float, high: float, outcome: Outcome) -> str:
    """Return the ends of an interval of a difference, equally fine."""
    places = decimals_for(max(abs(low), abs(high)), outcome)
    return f"[{', '.join(_figure(end, outcome, places, sign='+') for end in (low, high))}]"


def _figure(value: float, outcome: Outcome, places: int, sign: str = "") -> str:
    if math.isnan(value):
        return "n/a"
    rounded = round(value, places)
    number = f"{abs(rounded):,.{places}f}"
    prefix = "-" if rounded < 0 else sign if rounded > 0 else ""
    return f"{prefix}£{number}m" if outcome.unit.startswith("£m") else f"{prefix}{number}"


# Progress


@contextmanager
def progress(stream: TextIO, twins: int = 0) -> Iterator[Callable[[int, int], None]]:
    """Yield what is told of runs done and all runs: a bar on a terminal, a few lines in a log.

    Args:
        stream: where it is shown.
        twins: how many of all runs are twins; they come last.
    """
    if stream.isatty():
        with _bar(stream) as bar:
            task = bar.add_task("runs", total=None)
            yield lambda done, total: bar.update(
                task, completed=done, total=total, description=counted(done, total, twins)
            )
    else:
        yield _Lines(stream, twins).tell


def counted(done: int, total: int, twins: int) -> str:
    """Say how many runs are done, and how many of the ``twins`` that come last."""
    runs = total - twins
    text = f"{min(done, runs):,} of {runs:,} runs"
    return f"{text} and {max(0, done - runs):,} of {twins:,} twins" if twins else text


def _bar(stream: TextIO) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("time left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(file=stream), transient=True)


class _Lines:
    """Progress as a few plain lines."""

    def __init__(self, stream: TextIO, twins: int) -> None:
        self._stream = stream
        self._twins = twins
        self._started = monotonic()
        self._pace = Pace()
        self._told = 0
        self._total = 0

    def tell(self, done: int, total: int) -> None:
        if total != self._total:
            self._total, self._told, self._pace = total, 0, Pace()
        rate = self._pace.rate(monotonic() - self._started, done)
        step = STEPS * done // total
        if step > self._told:
            self._told = step
            left = f", about {lasting((total - done) / rate)} left" if rate else ""
            self._stream.write(f"{counted(done, total, self._twins)}{left}\n")
            self._stream.flush()
