"""Who gains: savings of groups of councils."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from results.charts.checks import check_frame
from results.charts.theme import (
    INK,
    MOST_PANELS,
    at_left,
    folded,
    headed,
    looks,
    numbers,
    panels,
    places,
    plain_text,
    small,
)
from results.store import StoredPolicy
from results.words import change, interval_words
from simulation.outcomes import OUTCOMES

SAVINGS_KEY = (
    "What groups of councils gain against the baseline, discounted, in points of their own "
    "counterfactual: mean gain over mean counterfactual. The line on a bar is the 95% interval of "
    "each by itself: of many groups a few clear zero by luck."
)
"""What the chart shows, in words."""
DRAWN = ("group", "councils", "policy", "difference", "low", "high")
"""Columns that are drawn."""
POINTS = "points of each group's own counterfactual"
SAVING = OUTCOMES["councils_saving"]
BAR = 26.0
"""Height of a bar and the gap below it, pixels."""


def savings_by_group(
    frame: pd.DataFrame, policies: Mapping[str, StoredPolicy], columns: int = 2
) -> go.Figure | None:
    """Draw what groups of councils gain by each policy, a bar a group.

    A line on a bar is the 95% interval. Bars are in points: the discounted gain against the
    baseline in % of the group's own discounted counterfactual. ``frame`` is that of
    `frames.savings_by_group`. Only the first ``MOST_PANELS`` policies are drawn. None where the
    frame is empty.
    """
    check_frame(frame, "frames.savings_by_group", DRAWN, list(policies)[1:])
    shown = [policy for policy in policies if (frame["policy"] == policy).any()][:MOST_PANELS]
    if not shown:
        return None
    groups = list(dict.fromkeys(frame["group"]))
    columns = min(columns, len(shown))
    titles = [headed(policies[policy].label, columns) for policy in shown]
    below = [POINTS, *["\N{NO-BREAK SPACE}"] * (columns - 1)]
    titles[:columns] = [f"{a}<br>{small(b)}" for a, b in zip(titles, below, strict=False)]
    figure = at_left(panels(titles, columns, 72, BAR * len(groups) + 78))
    style = looks(policies)
    for policy, (row, column) in zip(shown, places(len(shown), columns), strict=True):
        bars = _bars(frame[frame["policy"] == policy], groups, style[policy].colour)
        figure.add_trace(bars, row=row, col=column)
    return _named(figure, groups)


def _bars(rows: pd.DataFrame, groups: list[str], colour: str) -> go.Bar:
    rows = rows.set_index("group").reindex(groups)
    return go.Bar(
        x=numbers(rows["difference"]),
        y=list(range(len(groups))),
        orientation="h",
        marker={"color": colour, "opacity": 0.75},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": numbers(rows["high"] - rows["difference"]),
            "arrayminus": numbers(rows["difference"] - rows["low"]),
            "color": INK,
            "thickness": 2,
            "width": 4,
        },
        text=[_words(str(group), row) for group, row in rows.iterrows()],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )


def _words(group: str, row: "pd.Series[float]") -> str:
    interval = interval_words(float(row["low"]), float(row["high"]), SAVING)
    many = f"{row['councils']:,.0f} council{'' if row['councils'] == 1 else 's'}"
    return (
        f"<b>{plain_text(group.replace('_', ' '))}</b>, {many}<br>"
        f"{change(float(row['difference']), SAVING)}<br>{interval}"
    )


def _named(figure: go.Figure, groups: list[str]) -> go.Figure:
    """Name the bars at the left, and give all panels one scale."""
    labels = [folded(group, 26) for group in groups]
    figure.update_yaxes(
        range=[len(groups) - 0.4, -0.6], showgrid=False, zeroline=False, showticklabels=False
    )
    figure.update_yaxes(
        tickvals=list(range(len(groups))),
        ticktext=labels,
        showticklabels=True,
        automargin=True,
        col=1,
    )
    figure.update_xaxes(zeroline=True, zerolinecolor=INK, zerolinewidth=1.2, nticks=7)
    figure.update_xaxes(matches="x", selector=lambda axis: axis.plotly_name != "xaxis")
    return figure.update_layout(
        showlegend=False, bargap=0.34, margin={"t": 60, "r": 28}, hovermode="closest"
    )
