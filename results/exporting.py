"""Everything that a run directory shows as files of its own: pictures, pages, tables.

A picture carries its title and where it comes from, so that it can stand alone on a slide.
"""

import textwrap
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from results import charts, frames, partnership_section
from results.appraisal_section import NO_GROUPS
from results.charts.theme import MUTED, plain_text
from results.exported_tables import GROUPINGS, TABLES
from results.page import Figure, Front, Section, whole_page
from results.report import CAVEAT, Report
from results.statistics import as_csv, summarise
from results.store import RunDirectory, open_run, write_text
from results.words import counted
from simulation.errors import InputError, did_you_mean
from simulation.outcomes import OUTCOMES

FOLDER = "export"
PAGE, TABLE = "html", "csv"
FORMATS = (*charts.FORMATS, PAGE, TABLE)
LONGEST_TITLE = 90
LETTERS_ACROSS = 128
"""Small letters across a picture."""
ABOVE, BELOW, LINE = 44, 34, 15
"""What a title takes above a picture, and a line and each more below, pixels."""
SIMULATED = "Simulated, not a record"
NOTHING_HELD = "these runs hold nothing to make it from"


@dataclass(frozen=True, eq=False)
class Shown:
    """A run directory, and what its charts have in common."""

    run: RunDirectory

    @cached_property
    def report(self) -> Report:
        """The report of these runs, whose charts are also exported."""
        return Report(self.run, summarise(self.run))

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Paired differences by replication."""
        return frames.differences(self.run)

    @property
    def labels(self) -> list[str]:
        """What policies are called, the baseline first."""
        return [policy.label for policy in self.run.policies.values()]

    def source(self, chart: "Chart") -> str:
        """Return where a picture comes from, in a line."""
        manifest = self.run.manifest
        many = counted(chart.replications(self), "replication")
        return (
            f"{SIMULATED}. tenderlab {manifest.tenderlab}, question {manifest.question_id}, {many}"
        )


def _every(shown: Shown) -> int:
    return len(shown.run.replications)


def _one(_: Shown) -> int:
    return 1


def _with_events(shown: Shown) -> int:
    sharing = shown.report.sharing
    return len(sharing.replications) if sharing else 0


class Chart(NamedTuple):
    """One chart: its title, how it is drawn, and how many replications it shows.

    It is drawn as None where the run directory has no data for it.
    """

    title: str
    draw: Callable[[Shown], Figure | None]
    replications: Callable[[Shown], int] = _every


# The charts


def charts_of(run: RunDirectory) -> dict[str, Chart]:
    """Return every chart of a run directory by name, also those that it lacks the data for."""
    baseline = run.policies[run.baseline].label
    return {
        "differences": Chart(f"Differences from {baseline}", _differences),
        "response": Chart("Outcomes against the lever that policies move", _response),
        **_spreads(run),
        "trajectories": Chart("Outcomes over time", partial(_of_report, "trajectories")),
        "competition": Chart("Competition over time", _competition),
        "fund": Chart("The fund's books", _fund),
        "sharing": Chart("Who shares services at the end", partial(_of_report, "map")),
        "savings-by-type": Chart("Who gains, by type of council", partial(_savings, "type")),
        "savings-by-region": Chart("Who gains, by region of councils", partial(_savings, "region")),
        "network": Chart("Who shares with whom at the end", _network, _one),
        **_partnerships(),
    }


def _partnerships() -> dict[str, Chart]:
    told = {
        partnership_section.MAP: ("Partnerships at the end", _one),
        partnership_section.FLOW: ("How far groups of councils come", _with_events),
        partnership_section.AGREEMENT: ("How long groups take to agree", _with_events),
    }
    return {
        name: Chart(title, partial(_of_report, name), many) for name, (title, many) in told.items()
    }


def _of_report(name: str, shown: Shown) -> Figure | None:
    return shown.report.charts.get(name)


def _differences(shown: Shown) -> Figure | None:
    made = _of_report("intervals", shown)
    words = f"Differences from {shown.labels[0]}. {charts.INTERVALS_KEY}"
    return made and Figure("differences", words, made.figure)


def _response(shown: Shown) -> Figure | None:
    made = charts.response(shown.report.summary, shown.run.policies)
    return made and Figure("response", charts.RESPONSE_KEY, made)


def _spreads(run: RunDirectory) -> dict[str, Chart]:
    return {
        f"spread-{name.replace('_', '-')}": Chart(
            f"Differences by replication: {OUTCOMES[name].title}", partial(_spread, name)
        )
        for name in run.shown
    }


def _spread(outcome: str, shown: Shown) -> Figure | None:
    words = (
        "Paired differences from the baseline, a point a replication; below them the mean, its 95% "
        "interval and the 10 to 90% range. Grey band: too small to matter."
    )
    made = charts.spread(shown.differences, outcome, shown.run.policies)
    return made and Figure("spread", words, made)


def _competition(shown: Shown) -> Figure:
    over_time = frames.over_time(shown.run, charts.COMPETITION)
    words = charts.COMPETITION_KEY + charts.left_out(shown.labels[1:], charts.MOST_SIDE_BY_SIDE)
    return Figure("competition", words, charts.competition(over_time, shown.run.policies))


def _fund(shown: Shown) -> Figure | None:
    made = charts.fund(frames.fund(shown.run), shown.run.policies)
    return made and Figure("fund", charts.FUND_KEY, made)


def _savings(by: frames.Grouping, shown: Shown) -> Figure | None:
    frame = frames.savings_of(shown.report.appraisal, by)
    made = charts.savings_by_group(frame, shown.run.policies)
    words = charts.SAVINGS_KEY + charts.left_out(shown.labels[1:], charts.MOST_PANELS)
    return made and Figure(f"savings-by-{by}", words, made)


def _network(shown: Shown) -> Figure | None:
    words = (
        "Partnerships that perform at the end, in one replication. Councils stand near those with "
        "which they share, at the same place under every policy, and are larger with more partners."
        + charts.left_out(shown.labels, charts.MOST_PANELS)
    )
    run = shown.run
    made = charts.network(frames.links(run), run.register, run.policies)
    return made and Figure("network", words, made)


def framed(figure: go.Figure, title: str, source: str, words: str = "") -> go.Figure:
    """Return a copy of ``figure`` with ``title`` above it; below, ``words`` and its ``source``."""
    framed = go.Figure(figure)
    margin = framed.layout.margin
    lines = [*textwrap.wrap(words, LETTERS_ACROSS), source]
    room = BELOW + LINE * (len(lines) - 1)
    above, below = (margin.t or 0) + ABOVE, (margin.b or 0) + room
    framed.add_annotation(
        text="<br>".join(plain_text(line, LETTERS_ACROSS) for line in lines),
        xref="paper", x=0, xanchor="left", yref="paper", y=0, yanchor="bottom", yshift=4 - below,
        showarrow=False, font={"size": 11, "color": MUTED}, align="left",
    )  # fmt: skip
    height = (framed.layout.height or charts.HEIGHT) + ABOVE + room
    if framed.layout.legend.yref == "container":
        framed.update_layout(legend={"y": 1 - ABOVE / height})
    return framed.update_layout(
        title={
            "text": f"<b>{plain_text(title, LONGEST_TITLE)}</b>",
            "font": {"size": 18}, "x": 0.01, "y": 1, "yanchor": "top", "pad": {"t": 14},
        },
        margin={"t": above, "b": below},
        height=height,
    )  # fmt: skip


# Export


class Exported(NamedTuple):
    """Files that were written, and names of what cannot be made of these runs, with the reason."""

    files: list[Path]
    lacking: dict[str, str]


def names(directory: Path, form: str) -> dict[str, str]:
    """Return all that is exported of run directories by name, and what it is, in words.

    Raises:
        InputError: no run directory.
    """
    return _names(open_run(directory), form)


def listed(directory: Path, form: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what can be exported of these very runs, in words, and what cannot, with the reason.

    Raises:
        InputError: no run directory, or no replication is complete.
    """
    shown = Shown(_opened(directory))
    known = _names(shown.run, form)
    made = _filled(shown, known) if form == TABLE else drawn(shown, known)
    can = {name: words for name, words in known.items() if name in made}
    return can, _lacking(shown, known, made)


def _names(run: RunDirectory, form: str) -> dict[str, str]:
    if form == TABLE:
        return {name: table.words for name, table in TABLES.items()}
    return {name: chart.title for name, chart in charts_of(run).items()}


def _lacking(shown: Shown, wanted: Iterable[str], made: Container[str]) -> dict[str, str]:
    return {name: _why(shown, name) for name in wanted if name not in made}


def _why(shown: Shown, name: str) -> str:
    """Return why a chart or a table cannot be made of these runs."""
    grouped = name in [f"savings-by-{by}" for by in GROUPINGS]
    if grouped and len(shown.run.policies) > 1 and not shown.report.appraisal.knows_groups:
        return NO_GROUPS
    return NOTHING_HELD


def export(
    directory: Path, form: str = "png", only: Sequence[str] = (), folder: Path | None = None
) -> Exported:
    """Write every chart of a run directory in ``form``, or its tables as CSV.

    Args:
        directory: of the runs.
        form: one of ``FORMATS``.
        only: names of what is written; everything if empty.
        folder: where to; ``export`` in the run directory if None.

    Raises:
        InputError: no run directory, a name that is not known, one named for which there is no
            data, no replication is complete, or no browser to draw with.
    """
    wanted = _wanted(only, names(directory, form), form)
    shown = Shown(_opened(directory))
    folder = folder or shown.run.path / FOLDER
    write = _write_tables if form == TABLE else _write_pages if form == PAGE else _write_pictures
    written = write(shown, wanted, folder, form)
    lacking = _lacking(shown, wanted, written)
    if lacking and only:
        name, why = next(iter(lacking.items()))
        reason = "" if why == NOTHING_HELD else f": {why}"
        raise InputError(f"{directory}: holds nothing to draw {name!r} from{reason}")
    return Exported(list(written.values()), lacking)


def _opened(directory: Path) -> RunDirectory:
    run = open_run(directory)
    if not run.replications:
        raise InputError(f"{directory}: no replication is complete for every policy")
    return run


def _wanted(only: Sequence[str], known: Iterable[str], form: str) -> list[str]:
    known = list(known)
    for name in only:
        if name not in known:
            hint = did_you_mean(name, known)
            raise InputError(f"no {form} called {name!r}{hint}; known: {', '.join(known)}")
    return list(dict.fromkeys(only)) or known


def drawn(shown: Shown, wanted: Iterable[str]) -> dict[str, tuple[Chart, Figure]]:
    """Return the charts named ``wanted`` that can be drawn, each with its title and its words."""
    known = charts_of(shown.run)
    made = {name: (known[name], known[name].draw(shown)) for name in wanted}
    return {name: (chart, figure) for name, (chart, figure) in made.items() if figure}


def write_pictures(
    shown: Shown, charted: Mapping[str, tuple[Chart, Figure]], folder: Path, form: str = "png"
) -> dict[str, Path]:
    """Write what `drawn` returned into ``folder`` as framed pictures, by one browser for all.

    Returns their paths by name.

    Raises:
        InputError: there is no browser, or it fails.
    """
    paths = {name: folder / f"{name}.{form}" for name in charted}
    pictures = {
        paths[name]: framed(figure.figure, chart.title, shown.source(chart), figure.words)
        for name, (chart, figure) in charted.items()
    }
    charts.write_pictures(pictures)
    return paths


def _write_pictures(
    shown: Shown, wanted: Iterable[str], folder: Path, form: str
) -> dict[str, Path]:
    return write_pictures(shown, drawn(shown, wanted), folder, form)


def _write_pages(shown: Shown, wanted: Iterable[str], folder: Path, form: str) -> dict[str, Path]:
    paths = {}
    for name, (chart, figure) in drawn(shown, wanted).items():
        paths[name] = folder / f"{name}.{form}"
        write_text(paths[name], _page(shown.run, chart.title, figure))
    return paths


def _page(run: RunDirectory, title: str, figure: Figure) -> str:
    about = Report(run, pd.DataFrame())
    front = Front(title, about.standfirst, CAVEAT, about.colophon, about.warning())
    return whole_page(front, [Section("answer", "The chart", figure.html)], [figure])


def _write_tables(shown: Shown, wanted: Iterable[str], folder: Path, form: str) -> dict[str, Path]:
    made = _filled(shown, wanted)
    paths = {name: folder / f"{name}.{form}" for name in made}
    for name, path in paths.items():
        write_text(path, as_csv(made[name]))
    return paths


def _filled(shown: Shown, wanted: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Return the tables named ``wanted`` that hold anything."""
    made = {name: TABLES[name].make(shown.report) for name in wanted}
    return {name: table for name, table in made.items() if not table.empty}
