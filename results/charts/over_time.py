"""Outcomes over time."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd
import plotly.graph_objects as go

from results.charts.theme import (
    Look,
    at_left,
    faded,
    looks,
    numbers,
    panels,
    places,
    titled,
)
from results.store import StoredPolicy
from results.words import amount
from simulation.levers import FIRST_YEAR, QUARTERS_PER_YEAR
from simulation.outcomes import OUTCOMES, Outcome

MOST_TICKS = 8
MOST_BANDS = 3
"""With more policies than this only the baseline has a band: others would hide one another."""


def trajectories(
    frame: pd.DataFrame,
    outcomes: Sequence[str],
    policies: Mapping[str, StoredPolicy],
    columns: int = 2,
) -> go.Figure:
    """Draw outcomes over time: for each policy the mean of replications and their 10 to 90% range.

    ``frame`` is that of `frames.over_time`. Of more than ``MOST_BANDS`` policies only the baseline
    has a range.
    """
    titles = [titled(OUTCOMES[name].title, unit_over_time(OUTCOMES[name])) for name in outcomes]
    figure = at_left(panels(titles, columns, 76, 225))
    style = looks(policies)
    for name, (row, column) in zip(outcomes, places(len(outcomes), columns), strict=True):
        told = partial(amount, outcome=OUTCOMES[name])
        rows = frame[frame["outcome"] == name]
        for rank, (policy, look) in enumerate(style.items()):
            table = by_replication(rows[rows["policy"] == policy])
            band = rank == 0 or len(style) <= MOST_BANDS
            for trace in trajectory(table, look, told, band):
                trace.showlegend = (row, column) == (1, 1) and bool(trace.name) and len(style) > 1
                figure.add_trace(trace, row=row, col=column)
    return over_years(figure, frame)


def unit_over_time(outcome: Outcome) -> str:
    """Return the unit of an outcome in one period."""
    return outcome.unit.replace("£m NPV", "£m a year, discounted to 2006")


def by_replication(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the values of one policy and quantity, a row a replication, a column a time."""
    return rows.pivot(index="replication", columns="time", values="value")


def over_years(figure: go.Figure, frame: pd.DataFrame) -> go.Figure:
    """Give all panels ticks at whole years, as many as there is room for, and a legend above."""
    times = frame["time"].unique()
    years = math.ceil(times.max() + 0.25 - times.min()) if len(times) else 1
    figure.update_xaxes(
        showgrid=False, tick0=FIRST_YEAR, dtick=math.ceil(years / MOST_TICKS), tickformat="d"
    )
    figure.update_yaxes(nticks=5, automargin=True)
    lift = {"y": 1 + 44 / (figure.layout.height - 90)}
    return figure.update_layout(margin={"t": 96, "r": 28}, legend=lift, hovermode="closest")


def trajectory(
    table: pd.DataFrame, look: Look, told: Callable[[float], str], band: bool
) -> list[go.Scatter]:
    """Return band and line of one policy; ``table`` is that of `by_replication`.

    ``told`` puts a value in words.
    """
    times = table.columns.to_list()
    line = go.Scatter(
        x=times,
        y=numbers(table.mean()),
        name=look.label,
        legendgroup=look.label,
        mode="lines+markers" if len(times) < 4 else "lines",
        line={"color": look.colour, "dash": look.dash, "width": 2.2},
        text=_period_words(table, look, told),
        hovertemplate="%{text}<extra></extra>",
    )
    return [_band(table, look), line] if band and len(table) > 1 else [line]


def _band(table: pd.DataFrame, look: Look) -> go.Scatter:
    times = table.columns.to_list()
    low, high = (numbers(table.quantile(share)) for share in (0.1, 0.9))
    return go.Scatter(
        x=[*times, *times[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=faded(look.colour, 0.14),
        line={"width": 0},
        mode="lines",
        legendgroup=look.label,
        hoverinfo="skip",
    )


def _period_words(table: pd.DataFrame, look: Look, told: Callable[[float], str]) -> list[str]:
    times = [float(time) for time in table.columns]
    whole = len(times) < 2 or times[1] - times[0] == 1.0
    means = zip(times, table.mean(), strict=True)
    return [
        f"<b>{look.label}</b><br>{_period(time, whole)}: {told(float(mean))}"
        for time, mean in means
    ]


def _period(time: float, whole: bool) -> str:
    """Name a financial year or a quarter that starts at ``time``, in years from April of year 0."""
    year = int(time)
    named = f"{year}-{(year + 1) % 100:02d}"
    return named if whole else f"{named}, quarter {1 + round((time - year) * QUARTERS_PER_YEAR)}"
