"""Pages on what policies change: the answer, all outcomes at a glance, and each one that moved."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from results import narrative, statistics, words
from results.charts import INK, SYMBOLS
from results.charts.differences import HINTS
from results.deck.native import Chart, Series
from results.deck.notes import definition, outcome_notes
from results.deck.slides import BODY, Bars, Page
from results.deck.tables import Cell, Grid, evenly, parted
from results.deck.template import ROOM
from results.narrative import Row, verdict_of
from results.statistics import outcome_of
from results.store import RunDirectory
from results.verdicts import MARKS, NO_WORDS
from results.words import (
    NO_INTERVAL,
    amount,
    amounts,
    briefly,
    change,
    count,
    counted,
    difference_unit,
    with_unit,
)
from simulation.outcomes import Outcome

DECIDED = (statistics.BETTER, statistics.WORSE)
UNJUDGED = ""
KEY = {
    words.UNDECIDED_LARGE: "undecided, but not 0",
    words.UNDECIDED_SMALL: "undecided, but not 0",
    words.UNDECIDED_NOTHING: "undecided, may be 0",
}
"""What marks mean where a line has to tell it: not 0 is what has an interval that leaves out 0."""
LONGEST_TITLE = 130
"""About as many characters have room in a title of two lines."""
MOST_ROWS = 12
"""Policies on one slide; more go on another one."""
MOST_ACROSS = 5
"""Policies side by side in a table."""
WIDTHS = (190.0, 90.0, 150.0, 170.0)
"""Of the columns beside bars: policy, difference, interval, verdict."""


def outcome_pages(run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    """Yield the answer, the outcomes at a glance, and a slide for each other one that moved."""
    if len(run.policies) == 1:
        yield from _values(run, summary)
        return
    lead = narrative.lead_outcome(run).name
    yield from _compared(run, summary, lead)
    if len(run.shown) > 1:
        yield from _glance(run, summary)
    for name in run.shown:
        if name != lead and _moved(summary, name):
            yield from _compared(run, summary, name)


def _moved(summary: pd.DataFrame, name: str) -> bool:
    """Say whether the runs tell something of an outcome: a difference that is there for sure."""
    rows = narrative.rows_of(summary, name).values()
    clear = [row for row in rows if row["low"] > 0 or row["high"] < 0]
    return any(not row["verdict"] or verdict_of(row) in narrative.TELLING for row in clear)


# One outcome, a bar a policy


def _compared(run: RunDirectory, summary: pd.DataFrame, name: str) -> Iterator[Page]:
    rows = list(narrative.rows_of(summary, name).values())
    outcome = outcome_of(rows[0])
    title = narrative.message(run, summary, name, LONGEST_TITLE)
    notes = outcome_notes(run, summary, name)
    below = _reading(run, outcome, rows[0])
    shorter = [narrative.message(run, summary, name, 0), f"{outcome.title}: policy by policy"]
    for part in evenly(rows[1:], MOST_ROWS):
        content = Bars(_beside(run, outcome, part), _bars(run, outcome, part))
        yield Page(title, content, notes, below, shorter)


def _reading(run: RunDirectory, outcome: Outcome, baseline: Row) -> str:
    """Return how to read the bars, in a line or two."""
    name, mean = run.policies[run.baseline].label, with_unit(baseline["policy_mean"], outcome)
    pairs = len(run.replications)
    said = f"Bars: difference from {name} ({mean}); unit: {difference_unit(outcome)}"
    said += "; thin lines: 95% interval. " if pairs > 1 else ". "
    if outcome.better != "neutral" and not math.isnan(outcome.matters):
        said += f"A difference matters from {change(outcome.matters, outcome, signed=False)}. "
    return f"{said}{_replications(pairs)}."


def _replications(pairs: int) -> str:
    return f"{count(pairs).capitalize()} paired replication{'' if pairs == 1 else 's'}"


def _beside(run: RunDirectory, outcome: Outcome, rows: Sequence[Row]) -> Grid:
    heads = ["Policy", "Difference", "95% interval", "Verdict"]
    words = f"{outcome.title}: differences from {run.policies[run.baseline].label}, with verdicts"
    cells = [_row(run.policies[row["policy"]].label, outcome, row) for row in rows]
    return Grid(heads, cells, WIDTHS, words)


def _row(label: str, outcome: Outcome, row: Row) -> list[Cell]:
    colour = colour_of(row)
    ends = " to ".join(amounts(row["low"], row["high"], outcome, signed=True))
    verdict = verdict_of(row)
    mark, said = MARKS[verdict], verdict or "not judged"
    return [
        Cell(label),
        Cell(amount(row["difference"], outcome, signed=True), bold=True, colour=colour),
        Cell(NO_INTERVAL if math.isnan(row["low"]) else ends, otherwise="none"),
        Cell(f"{mark} {said}".strip(), colour=colour, otherwise=f"{mark} {briefly(said)}".strip()),
    ]


def colour_of(row: Row) -> str:
    """Return the colour of a row's figures: that of its verdict where it is decided."""
    return SYMBOLS[row["verdict"]][1] if row["verdict"] in DECIDED else INK


def _bars(run: RunDirectory, outcome: Outcome, rows: Sequence[Row]) -> Chart:
    labels = [run.policies[row["policy"]].label for row in rows]
    colours = [SYMBOLS[verdict_of(row)][1] for row in rows]
    values, low, high = ([row[name] for row in rows] for name in ("difference", "low", "high"))
    name = f"{outcome.title}, difference from {run.policies[run.baseline].label}"
    series = Series(f"{name} ({difference_unit(outcome)})", values, colours, low, high)
    told = [
        f"{label} {change(row['difference'], outcome)}, {verdict_of(row) or 'not judged'}"
        for label, row in zip(labels, rows, strict=True)
    ]
    words = f"Bar chart. {name}: {'; '.join(told)}."
    return Chart(HINTS[outcome.better], words, labels, [series], signed=True)


# All outcomes shown


def _glance(run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    baselines = [narrative.rows_of(summary, name)[run.baseline] for name in run.shown]
    notes = [definition(outcome_of(row)) for row in baselines]
    shown = summary[summary["headline"] & (summary["policy"] != run.baseline)]
    key = marks_key(shown.to_dict("records"))
    below = (
        f"Mean differences, with verdicts that hold for the whole table at once: {key}. Outcomes "
        "without a better direction have none. Percentages differ by points."
    )
    for policies in evenly(list(run.policies)[1:], MOST_ACROSS):
        for part in parted(_glance_grid(run, summary, policies), BODY[3]):
            yield Page(_settled(run, summary), part, notes, below)


def marks_key(rows: Sequence[Row], names: Mapping[str, str] = NO_WORDS) -> str:
    """Return the marks of a table's rows, each with what it means; ``names`` of verdicts go first.

    What is not judged, or not defined, has no mark.
    """
    seen = {verdict_of(row) for row in rows} - {UNJUDGED, words.NOT_DEFINED}
    called = KEY | dict(names)
    told = (f"{mark} {called.get(each, each)}" for each, mark in MARKS.items() if each in seen)
    return ", ".join(dict.fromkeys(told))


def _settled(run: RunDirectory, summary: pd.DataFrame) -> str:
    """Return how many verdicts on the outcomes shown are what, as a title."""
    shown = summary[summary["headline"] & (summary["policy"] != run.baseline)]
    rows = shown.to_dict("records")
    met = Counter(
        words.NOT_DEFINED if verdict_of(row) == words.NOT_DEFINED else row["verdict"]
        for row in rows
        if row["verdict"]
    )
    undefined = met.pop(words.NOT_DEFINED, 0)
    told = {verdict: met[verdict] for verdict in statistics.VERDICTS if verdict in met}
    silent = "".join(f"; {told.pop(why)} with {why}" for why in statistics.SILENT if why in told)
    silent += f"; {undefined} not defined" if undefined else ""
    if not told:
        return f"At a glance: none of the outcomes shown is judged{silent}"
    open_ones = sum(verdict_of(row) in narrative.LEFT_OPEN for row in rows)
    parts = ", ".join(f"{many} {verdict}" for verdict, many in told.items())
    if open_ones and statistics.UNDECIDED in told:
        parts = parts.replace(statistics.UNDECIDED, f"{statistics.UNDECIDED} ({open_ones} not 0)")
    return f"At a glance, {counted(sum(told.values()), 'verdict')}: {parts}{silent}"


def _glance_grid(run: RunDirectory, summary: pd.DataFrame, policies: Sequence[str]) -> Grid:
    columns = [run.baseline, *policies]
    labels = [run.policies[name].label for name in columns]
    first = 300.0
    widths = [first, *[(ROOM - first) / len(columns)] * len(columns)]
    rows = [_glance_row(summary, name, columns) for name in run.shown]
    words = f"Outcomes at a glance: {labels[0]}, and differences from it"
    return Grid(["Outcome", *labels], rows, widths, words)


def _glance_row(summary: pd.DataFrame, name: str, columns: Sequence[str]) -> list[Cell]:
    rows = narrative.rows_of(summary, name)
    first, *others = (rows[policy] for policy in columns)
    outcome = outcome_of(first)
    told = [
        Cell(
            marked(row, outcome),
            bold=row["verdict"] in DECIDED,
            colour=colour_of(row),
        )
        for row in others
    ]
    unit = "%" if outcome.unit.startswith("%") else outcome.unit
    head, value = f"{outcome.title}, {unit}", amount(first["policy_mean"], outcome)
    return [Cell(head), Cell(value), *told]


def marked(row: Row, outcome: Outcome) -> str:
    """Return a difference in figures with the mark of its verdict."""
    figure = amount(row["difference"], outcome, signed=True)
    return f"{figure} {MARKS[verdict_of(row)]}".strip() if row["verdict"] else figure


# One policy alone


def _values(run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    """Yield the values of one policy, which is compared with none."""
    lead = narrative.lead_outcome(run).name
    title = narrative.message(run, summary, lead, LONGEST_TITLE)
    rows = [narrative.rows_of(summary, name)[run.baseline] for name in run.shown]
    many = len(run.replications)
    heads = ["Outcome", "Mean", "10 to 90% of replications"] if many > 1 else ["Outcome", "Value"]
    cells = [_value_row(outcome_of(row), row)[: len(heads)] for row in rows]
    widths = (400.0, 220.0, 260.0)[: len(heads)]
    grid = Grid(heads, cells, widths, "Outcomes over the whole horizon")
    name = run.policies[run.baseline].label
    below = f"{name}, over {narrative.years(run)}; compared with nothing."
    notes = [line for name in run.shown for line in outcome_notes(run, summary, name)]
    for part in parted(grid, BODY[3]):
        yield Page(title, part, notes, below)


def _value_row(outcome: Outcome, row: Row) -> list[Cell]:
    spread = " to ".join(amounts(row["p10"], row["p90"], outcome))
    return [
        Cell(outcome.title),
        Cell(with_unit(row["policy_mean"], outcome), bold=True),
        Cell(spread),
    ]
