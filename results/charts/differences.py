"""Differences from the baseline: their intervals, and their spread over replications."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from results import statistics
from results.charts.theme import (
    INK,
    SPREAD,
    at_left,
    numbers,
    panels,
    places,
    plain_text,
    titled,
)
from results.narrative import verdict_of
from results.store import StoredPolicy
from results.words import (
    UNDECIDED_NOTHING,
    UNDECIDED_SMALL,
    change,
    difference_unit,
    interval_words,
    span,
)
from simulation.outcomes import Outcome

BETTER, WORSE, OPEN = "#00664b", "#b23a00", "#4a5560"
SYMBOLS = {
    statistics.BETTER: ("triangle-up", BETTER),
    statistics.WORSE: ("triangle-down", WORSE),
    statistics.NEGLIGIBLE: ("square", OPEN),
    statistics.IDENTICAL: ("line-ns", OPEN),
    UNDECIDED_SMALL: ("circle-open-dot", OPEN),
    UNDECIDED_NOTHING: ("circle-open", OPEN),
    statistics.TOO_FEW_EVENTS: ("x-thin", OPEN),
    statistics.TOO_FEW_PAIRS: ("x-thin", OPEN),
    "": ("diamond-open", OPEN),
}
"""Marker and colour of each verdict, in the words of `narrative.verdict_of`."""
HINTS = {"higher": "better →", "lower": "← better", "neutral": "not judged"}


def interval_plot(
    summary: pd.DataFrame, policies: Mapping[str, StoredPolicy], columns: int = 2
) -> go.Figure:
    """Draw differences from the baseline, a panel an outcome shown first, a row a policy.

    The thick line is the 95% interval of the mean difference, the thin one the 10 to 90% range
    over replications; the marker tells the verdict, and the grey band what is too small to matter.
    ``summary`` is that of `statistics.summarise`.
    """
    shown = summary[summary["headline"] & (summary["policy"] != next(iter(policies)))]
    drawn = [
        (statistics.outcome_of(rows.iloc[0].to_dict()), rows)
        for _, rows in shown.groupby("outcome", sort=False)
    ]
    titles = [
        titled(outcome.title, f"{difference_unit(outcome)}, {HINTS[outcome.better]}")
        for outcome, _ in drawn
    ]
    many = len(policies) - 1
    figure = at_left(panels(titles, columns, 84, 26 * many + 112))
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
    text = [_interval_words(outcome, row, policies) for _, row in rows.iterrows()]
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
    low: "pd.Series[float]", high: "pd.Series[float]", at: "pd.Series[int]", width: float, ink: str
) -> go.Scatter:
    x = [end for pair in zip(low, high, strict=True) for end in (*numbers(pair), None)]
    y = [place for row in at for place in (row, row, None)]
    line = {"width": width, "color": ink}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")


def _interval_words(
    outcome: Outcome, row: "pd.Series[Any]", policies: Mapping[str, StoredPolicy]
) -> str:
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
    place = {"row": row, "col": column}
    figure.update_xaxes(range=_reach(outcome, rows), **place)
    band = {"fillcolor": "#e9edf1", "line_width": 0, "layer": "below"}
    if outcome.better != "neutral" and outcome.matters > 0:
        figure.add_vrect(x0=-outcome.matters, x1=outcome.matters, **band, **place)
    figure.add_vline(x=0, line_width=1.2, line_color=INK, layer="below", **place)


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
    figure.update_xaxes(zeroline=False, nticks=6)
