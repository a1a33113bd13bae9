"""Views of an answer: what each says in words, and the charts that it draws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from results import charts, frames
from results.appraisal import appraise
from results.appraisal_section import NO_GROUPS
from results.explorer import tables
from results.page import paragraph
from results.partnerships import map_words, read_partnerships, stages_words, why_untold
from results.store import RunDirectory
from results.words import counted
from simulation.outcomes import OUTCOMES


@dataclass(frozen=True)
class Drawn:
    """One view of an answer: what it says, as HTML, and its charts by name.

    A chart that cannot be drawn is None.
    """

    said: str
    figures: Mapping[str, go.Figure | None]


GROUPINGS: Mapping[frames.Grouping, str] = {"type": "By type of council", "region": "By region"}
"""Groups of councils of which it is told who gains."""

type Draw = Callable[[RunDirectory, pd.DataFrame, str], Drawn]


@dataclass(frozen=True)
class View:
    """A view: its name, what its tab says, what its charts show by name, and how it is drawn.

    ``draw`` takes the run, its summary and the name of the outcome in hand.
    """

    name: str
    title: str
    charts: Mapping[str, str]
    draw: Draw


def _headline(run: RunDirectory, summary: pd.DataFrame, _: str) -> Drawn:
    return Drawn(tables.headline(run, summary), {})


def _differences(run: RunDirectory, summary: pd.DataFrame, _: str) -> Drawn:
    said = paragraph(f"Differences from {run.policies[run.baseline].label}. {charts.INTERVALS_KEY}")
    return Drawn(said, {"intervals": charts.interval_plot(summary, run.policies, columns=1)})


def _time(run: RunDirectory, _: pd.DataFrame, __: str) -> Drawn:
    frame = frames.over_time(run, run.shown)
    said = paragraph(_bands(run)) + tables.over_time(frame, run)
    return Drawn(said, {"time": charts.trajectories(frame, run.shown, run.policies)})


def _bands(run: RunDirectory) -> str:
    many = counted(len(run.replications), "replication")
    return f"Lines are means of {many}; bands hold 10 to 90% of them."


def _labels(run: RunDirectory) -> list[str]:
    return [policy.label for policy in run.policies.values()]


def _map(run: RunDirectory, _: pd.DataFrame, __: str) -> Drawn:
    about, frame = read_partnerships(run), frames.sharing(run)
    shares = charts.sharing_map(frame, run.register, run.policies, 2)
    links = charts.partnership_map(about, run.register) if about else None
    said = paragraph(
        "Each council is one hexagon near its neighbours. First: in which share of "
        "replications it holds a service in a joint contract at the end. Below: who shares "
        f"with whom. {map_words(about) if about else why_untold(run)}"
        f"{charts.left_out(_labels(run), charts.MOST_PANELS)}"
    )
    return Drawn(said + tables.sharing(frame, run), {"sharing": shares, "partnerships": links})


def _partnerships(run: RunDirectory, _: pd.DataFrame, __: str) -> Drawn:
    about = read_partnerships(run)
    network = charts.network(frames.links(run), run.register, run.policies)
    if about is None:
        return Drawn(paragraph(why_untold(run)), {"stages": None, "network": network})
    said = paragraph(stages_words(about))
    return Drawn(said, {"network": network, "stages": charts.stages_chart(about)})


def _competition(run: RunDirectory, _: pd.DataFrame, __: str) -> Drawn:
    frame = frames.over_time(run, charts.COMPETITION)
    words = charts.COMPETITION_KEY + charts.left_out(_labels(run)[1:], charts.MOST_SIDE_BY_SIDE)
    said = paragraph(words) + tables.over_time(frame, run)
    return Drawn(said, {"market": charts.competition(frame, run.policies)})


def _fund(run: RunDirectory, _: pd.DataFrame, __: str) -> Drawn:
    books = frames.fund(run)
    drawn = charts.fund(books, run.policies)
    if drawn is None:
        words = (
            "No policy in this question has a fund that paid. The lever pump priming fund, under "
            "Money for set-up, gives it capital."
        )
        return Drawn(paragraph(words), {"books": None})
    return Drawn(paragraph(charts.FUND_KEY) + tables.fund(books, run), {"books": drawn})


def _gains(run: RunDirectory, summary: pd.DataFrame, _: str) -> Drawn:
    about = appraise(run, summary)
    told = {by: frames.savings_of(about, by) for by in GROUPINGS}
    drawn: dict[str, go.Figure | None] = {
        by: charts.savings_by_group(frame, run.policies, columns=1) for by, frame in told.items()
    }
    if not about.knows_groups:
        return Drawn(paragraph(NO_GROUPS), drawn)
    said = tables.gains({GROUPINGS[by]: frame for by, frame in told.items()}, run)
    return Drawn(paragraph(charts.SAVINGS_KEY) + said, drawn)


def _spread(run: RunDirectory, summary: pd.DataFrame, chosen: str) -> Drawn:
    outcome = chosen if chosen in OUTCOMES else run.shown[0]
    figure = charts.spread(frames.differences(run), outcome, run.policies)
    words = (
        "A point is the difference in one replication: policy less baseline under the same luck "
        "and the same assumptions."
    )
    return Drawn(paragraph(words) + tables.spread(summary, run, outcome), {"points": figure})


VIEWS = (
    View("headline", "Headlines", {}, _headline),
    View("differences", "Differences", {"intervals": "Differences with intervals"}, _differences),
    View("time", "Over time", {"time": "Outcomes over time"}, _time),
    View(
        "map",
        "Map",
        {"sharing": "Map of councils that share", "partnerships": "Map of who shares with whom"},
        _map,
    ),
    View(
        "partnerships",
        "Partnerships",
        {"network": "Network of councils that share", "stages": "How far groups come"},
        _partnerships,
    ),
    View("market", "Competition and SMEs", {"market": "The market over time"}, _competition),
    View("fund", "Fund", {"books": "Books of the fund"}, _fund),
    View("gains", "Who gains", {str(by): title for by, title in GROUPINGS.items()}, _gains),
    View("spread", "Spread", {"points": "Differences in each replication"}, _spread),
)
"""What can be looked at, in the order of the tabs."""
