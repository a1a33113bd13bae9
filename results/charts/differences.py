"""Differences from the baseline: their intervals, and their spread over replications."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from results import statistics
from results.charts.checks import check_frame, check_outcomes
from results.charts.theme import (
    INK,
    LONGEST_LABEL,
    LONGEST_TITLE,
    PAPER,
    SPREAD,
    Look,
    at_left,
    folded,
    legend_above,
    looks,
    numbers,
    panels,
    places,
    plain_text,
    titled,
)
from results.frames import COLUMNS
from results.narrative import verdict_of
from results.store import StoredPolicy
from results.words import (
    NOT_DEFINED,
    UNDECIDED_LARGE,
    UNDECIDED_NOTHING,
    UNDECIDED_SMALL,
    change,
    difference_unit,
    interval_words,
    span,
)
from simulation.outcomes import OUTCOMES, Outcome

BETTER, WORSE, OPEN = "#00664b", "#b23a00", "#4a5560"
SYMBOLS = {
    statistics.BETTER: ("triangle-up", BETTER),
    statistics.WORSE: ("triangle-down", WORSE),
    statistics.NEGLIGIBLE: ("square", OPEN),
    statistics.IDENTICAL: ("line-ns", OPEN),
    UNDECIDED_LARGE: ("circle-open-dot", OPEN),
    UNDECIDED_SMALL: ("circle-open-dot", OPEN),
    UNDECIDED_NOTHING: ("circle-open", OPEN),
    statistics.TOO_FEW_EVENTS: ("x-thin", OPEN),
    statistics.TOO_FEW_PAIRS: ("x-thin", OPEN),
    NOT_DEFINED: ("x-thin", OPEN),
    "": ("diamond-open", OPEN),
}
"""Marker and colour of each verdict, in the words of `narrative.verdict_of`."""
VERDICT_SHAPES = (
    "triangle up better, triangle down worse, square negligible, bar identical, circle undecided, "
    "with a dot where the interval leaves out zero, cross too few to say, diamond not judged"
)
"""The same markers in words."""
LINES = (
    "Thick line: its 95% interval. Thin line: 10 to 90% of replications. Grey band: too small to "
    "matter."
)
INTERVALS_KEY = f"Marker: mean difference, by its verdict ({VERDICT_SHAPES}). {LINES}"
"""How an interval plot is read."""
SUMMARY = "statistics.summarise"
MARGIN = "#e9edf1"
HINTS = {"higher": "better →", "lower": "← better", "neutral": "not judged"}


def interval_plot(
    summary: pd.DataFrame, policies: Mapping[str, StoredPolicy], columns: int = 2
) -> go.Figure:
    """Draw differences from the baseline, a panel an outcome shown first, a row a policy.

    The thick line is the 95% interval of the mean difference, the thin one the 10 to 90% range
    over replications; the marker tells the verdict, and the grey band what is too small to matter.
    ``summary`` is that of `statistics.summarise`.

    Raises:
        InputError: it is not, or lacks one of the ``policies``.
    """
    check_frame(summary, SUMMARY, statistics.COLUMNS, list(policies)[1:])
    shown = summary[summary["headline"] & (summary["policy"] != next(iter(policies)))]
    drawn = [
        (statistics.outcome_of(rows.iloc[0].to_dict()), rows)
        for _, rows in shown.groupby("outcome", sort=False)
    ]
    titles = [
        titled(
            folded(outcome.title, LONGEST_TITLE),
            f"{difference_unit(outcome)}, {HINTS[outcome.better]}",
        )
        for outcome, _ in drawn
    ]
    many = len(policies) - 1
    figure = at_left(panels(titles, columns, 98, 26 * many + 112))
    for (outcome, rows), (row, column) in zip(drawn, places(len(drawn), columns), strict=True):
        for trace in _interval_traces(outcome, rows, policies):
            figure.add_trace(trace, row=row, col=column)
        _mark_margin(figure, outcome, rows, row, column)
    _name_rows(figure, [plain_text(policies[name].label) for name in list(policies)[1:]])
    return figure.update_layout(showlegend=False, margin={"r": 28})


def _interval_traces(
    outcome: Outcome, rows: pd.DataFrame, policies: Mapping[str, StoredPolicy]
) -> list[go.Scatter]:
    order = rows["policy"].map(list(policies).index) - 1
    looks_of = [SYMBOLS[verdict_of(row)] for row in rows.to_dict("records")]
    colours = [colour for _, colour in looks_of]
    text = [interval_text(outcome, row, policies) for _, row in rows.iterrows()]
    marker = {
        "symbol": [symbol for symbol, _ in looks_of],
        "color": colours,
        "size": 11,
        "line": {"width": 1.5, "color": colours},
    }
    return [
        _segments(rows["p10"], rows["p90"], order, 1.5, SPREAD),
        _segments(rows["low"], rows["high"], order, 6, SPREAD),
        go.Scatter(
            x=numbers(rows["difference"]),
            y=numbers(order),
            mode="markers",
            marker=marker,
            text=text,
            hovertemplate="%{text}<extra></extra>",
        ),
    ]


def _segments(
    low: Iterable[float], high: Iterable[float], at: Iterable[float], width: float, ink: str
) -> go.Scatter:
    x = [end for pair in zip(low, high, strict=True) for end in (*numbers(pair), None)]
    y = [place for row in at for place in (row, row, None)]
    line = {"width": width, "color": ink}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")


def interval_text(
    outcome: Outcome, row: "pd.Series[Any]", policies: Mapping[str, StoredPolicy]
) -> str:
    """Return what a row of a summary says, as Plotly shows it under the pointer."""
    lines = [
        f"<b>{plain_text(policies[row['policy']].label)}</b>",
        change(float(row["difference"]), outcome),
        interval_words(float(row["low"]), float(row["high"]), outcome),
        f"10 to 90% of replications {span(float(row['p10']), float(row['p90']), outcome)}",
        verdict_of(row.to_dict()),
    ]
    return "<br>".join(line for line in lines if line)


def _mark_margin(
    figure: go.Figure, outcome: Outcome, rows: pd.DataFrame, row: int, column: int
) -> None:
    """Shade differences too small to matter, and draw the line of no difference."""
    figure.update_xaxes(range=_reach(outcome, rows), row=row, col=column)
    _mark_zero(figure, outcome, row, column)


def _mark_zero(figure: go.Figure, outcome: Outcome, row: int = 1, column: int = 1) -> None:
    place = {"row": row, "col": column}
    band = {"fillcolor": MARGIN, "line_width": 0, "layer": "below"}
    if outcome.better != "neutral" and outcome.matters > 0:
        figure.add_vrect(x0=-outcome.matters, x1=outcome.matters, **band, **place)
    figure.update_xaxes(zeroline=True, zerolinewidth=1.2, zerolinecolor=INK, **place)


def _reach(outcome: Outcome, rows: pd.DataFrame) -> list[float]:
    """Return the ends of an axis that shows every line and what is too small to matter."""
    values = rows[["low", "high", "p10", "p90", "difference"]].to_numpy(np.float64).ravel()
    seen = [*values[~np.isnan(values)], -1.15 * outcome.matters, 1.15 * outcome.matters]
    room = 0.05 * (max(seen) - min(seen))
    return [min(seen) - room, max(seen) + room]


def _name_rows(figure: go.Figure, labels: Sequence[str]) -> None:
    figure.update_yaxes(
        range=[len(labels) - 0.4, -0.6], showgrid=False, zeroline=False, showticklabels=False
    )
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(labels))),
        ticktext=list(labels),
        showticklabels=True,
        automargin=True,
        col=1,
    )
    figure.update_xaxes(nticks=6)


# Their spread

STRIP = 74.0
"""Height of a policy's strip, pixels."""
GOLDEN = (math.sqrt(5) - 1) / 2
MOST_SOLID = 60
"""Points of a strip from which on each is drawn fainter."""


def spread(
    frame: pd.DataFrame, outcome: str, policies: Mapping[str, StoredPolicy]
) -> go.Figure | None:
    """Draw how the differences of one outcome spread over replications, a strip a policy.

    A point is the paired difference of one replication. Below them the diamond is their mean, the
    thick line its 95% interval (from two replications on), the thin one their 10 to 90% range; the
    grey band is what is too small to matter. ``frame`` is that of `frames.differences`. None where
    it has nothing of ``outcome``.

    Raises:
        InputError: no such outcome, another frame, or one without some of the ``policies``.
    """
    check_outcomes([outcome])
    check_frame(frame, "frames.differences", COLUMNS["differences"], list(policies)[1:])
    rows = frame[frame["outcome"] == outcome]
    shown = [policy for policy in list(policies)[1:] if (rows["policy"] == policy).any()]
    if not shown:
        return None
    about = OUTCOMES[outcome].with_margin(float(rows["matters"].iloc[0]))
    title = titled(about.title, f"{difference_unit(about)}, {HINTS[about.better]}")
    figure = at_left(panels([title], 1, 0, STRIP * len(shown) + 40))
    for place, policy in enumerate(shown):
        look = looks(policies)[policy]
        for trace in _strip(rows[rows["policy"] == policy], place, look, about):
            trace.showlegend = place == 0 and bool(trace.name)
            figure.add_trace(trace, row=1, col=1)
    _mark_zero(figure, about)
    if about.better != "neutral":
        figure.add_trace(_band_in_legend())
    _name_rows(figure, [folded(policies[policy].label, LONGEST_LABEL) for policy in shown])
    figure.update_xaxes(nticks=9)
    figure.update_yaxes(range=[len(shown) - 0.5, -0.5])
    return legend_above(figure, 44, 34).update_layout(
        margin={"r": 28}, legend={"itemclick": False}, hovermode="closest"
    )


def _strip(rows: pd.DataFrame, place: int, look: Look, outcome: Outcome) -> list[go.Scatter]:
    values = rows["difference"]
    ends = rows[["low", "high"]].iloc[:1]
    reach = values.quantile([0.1, 0.9])
    below = pd.Series([place + 0.3])
    mean = _mean_words(values, ends.iloc[0], look, outcome)
    return [
        _points(rows, place, look, outcome),
        _named(_segments(ends["low"], ends["high"], below, 8, SPREAD), "its 95% interval"),
        _named(_segments(reach[:0.1], reach[0.9:], below, 2, INK), "10 to 90%"),
        go.Scatter(
            x=numbers([values.mean()]),
            y=numbers(below),
            mode="markers",
            marker={"symbol": "diamond", "size": 11, "color": INK},
            name="mean",
            legendrank=900,
            text=[mean],
            hovertemplate="%{text}<extra></extra>",
        ),
    ]


def _band_in_legend() -> go.Scatter:
    marker = {"symbol": "square", "size": 14, "color": MARGIN}
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name="too small to matter")


def _named(trace: go.Scatter, name: str) -> go.Scatter:
    return trace.update(name=name, legendgroup=name)


def _points(rows: pd.DataFrame, place: int, look: Look, outcome: Outcome) -> go.Scatter:
    """Return a point a replication; those near one another in value lie apart in height."""
    rank = rows["difference"].rank(method="first")
    values = zip(rows["replication"], rows["difference"], strict=True)
    return go.Scatter(
        x=numbers(rows["difference"]),
        y=numbers(place - 0.36 + 0.48 * ((rank * GOLDEN) % 1.0)),
        mode="markers",
        marker={
            "size": 8,
            "color": look.colour,
            "opacity": 0.75 if len(rows) <= MOST_SOLID else 0.4,
            "line": {"width": 0.5, "color": PAPER},
        },
        name="one replication",
        legendrank=800,
        text=[
            f"<b>{look.label}</b><br>replication {number}: {change(value, outcome)}"
            for number, value in values
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def _mean_words(
    values: "pd.Series[float]", ends: "pd.Series[float]", look: Look, outcome: Outcome
) -> str:
    mean = change(float(values.mean()), outcome)
    interval = interval_words(float(ends["low"]), float(ends["high"]), outcome)
    return f"<b>{look.label}</b><br>mean {mean}<br>{interval}"
