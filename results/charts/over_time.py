"""Outcomes over time."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd
import plotly.graph_objects as go

from results.charts.checks import check_frame, check_outcomes
from results.charts.theme import (
    INK,
    LONGEST_TITLE,
    MOST_PANELS,
    PALETTE,
    Look,
    at_left,
    faded,
    folded,
    headed,
    legend_above,
    looks,
    numbers,
    panels,
    places,
    small,
    titled,
)
from results.frames import COLUMNS
from results.store import StoredPolicy
from results.words import amount
from simulation.levers import FIRST_YEAR, QUARTERS_PER_YEAR
from simulation.outcomes import OUTCOMES, Outcome

MOST_TICKS = 8
CLEAR_OF_VALUES = 6
"""Pixels by which years stand below their axis, beside whose end a value may be told."""
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
    check_outcomes(outcomes)
    check_frame(frame, "frames.over_time", COLUMNS["over_time"], policies)
    titles = [
        titled(folded(OUTCOMES[name].title, LONGEST_TITLE), unit_over_time(OUTCOMES[name]))
        for name in outcomes
    ]
    figure = at_left(panels(titles, columns, 92, 225))
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


def over_years(
    figure: go.Figure, frame: pd.DataFrame, most: int = MOST_TICKS, titles: float = 58
) -> go.Figure:
    """Give all panels at most so many ticks, at whole years, and the legend a place above them.

    ``titles`` is the height of the titles of the first panels, pixels.
    """
    times = frame["time"].unique()
    years = math.ceil(times.max() + 0.25 - times.min()) if len(times) else 1
    figure.update_xaxes(
        showgrid=False, tick0=FIRST_YEAR, dtick=math.ceil(years / most), tickformat="d",
        ticklabelstandoff=CLEAR_OF_VALUES,
    )  # fmt: skip
    figure.update_yaxes(nticks=5, automargin=True)
    return legend_above(figure, titles, 34).update_layout(margin={"r": 28}, hovermode="closest")


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
    whole = _whole(times)
    means = zip(times, table.mean(), strict=True)
    return [
        f"<b>{look.label}</b><br>{_period(time, whole)}: {told(float(mean))}"
        for time, mean in means
    ]


def _whole(times: Sequence[float]) -> bool:
    """Say whether periods that start at ``times`` are years, not quarters."""
    return len(times) < 2 or times[1] - times[0] == 1.0


def _period(time: float, whole: bool) -> str:
    """Name a financial year or a quarter that starts at ``time``, in years from April of year 0."""
    year = int(time)
    named = f"{year}-{(year + 1) % 100:02d}"
    return named if whole else f"{named}, quarter {1 + round((time - year) * QUARTERS_PER_YEAR)}"


# Competition

COMPETITION = (
    "bids_per_tender",
    "single_bid_share",
    "sme_value_share",
    "supplier_concentration",
    "failed_share",
)
COMPETITION_KEY = (
    "How contested the market is under each policy: the line is the mean of replications, the band "
    "holds 10 to 90% of them; thin and grey, the baseline."
)
"""How it is read."""
MOST_SIDE_BY_SIDE = 6
"""Policies that have room side by side; of more the first are drawn."""


def competition(frame: pd.DataFrame, policies: Mapping[str, StoredPolicy]) -> go.Figure:
    """Draw how contested the market is: a column a policy, a row an outcome of ``COMPETITION``.

    The line is the mean of replications, the band their 10 to 90% range, the thin grey line the
    baseline. ``frame`` is that of `frames.over_time`.
    """
    check_frame(frame, "frames.over_time", COLUMNS["over_time"], policies)
    style = looks(policies)
    baseline = next(iter(style))
    shown = list(style)[1 : MOST_SIDE_BY_SIDE + 1] or [baseline]
    figure = at_left(panels(_grid_titles(policies, shown), len(shown), 62, 165))
    for name, row in zip(COMPETITION, range(1, len(COMPETITION) + 1), strict=True):
        told = partial(amount, outcome=OUTCOMES[name])
        rows = frame[frame["outcome"] == name]
        for column, policy in enumerate(shown, start=1):
            behind = [] if policy == baseline else _behind(rows, baseline, style[baseline], told)
            table = by_replication(rows[rows["policy"] == policy])
            for trace in (*behind, *trajectory(table, style[policy], told, band=True)):
                first = (row, column) == (1, 1) and trace.legendgroup == style[baseline].label
                trace.showlegend = first and bool(trace.name)
                figure.add_trace(trace, row=row, col=column)
        figure.update_yaxes(matches=f"y{(row - 1) * len(shown) + 1}", row=row)
    figure.update_yaxes(showticklabels=False)
    figure.update_yaxes(showticklabels=True, col=1)
    return over_years(
        figure, frame, max(3, MOST_TICKS // len(shown)), 24 + 17 * max(2, len(shown) - 1)
    )


def _grid_titles(policies: Mapping[str, StoredPolicy], shown: Sequence[str]) -> list[str]:
    """Return titles of panels: policies above the first row, outcomes above each first panel."""
    heads = [headed(policies[policy].label, len(shown)) for policy in shown]
    blank = [" "] * (len(shown) - 1)
    titles: list[str] = []
    for name in COMPETITION:
        outcome = OUTCOMES[name]
        titles += [small(f"{outcome.title}, {unit_over_time(outcome)}"), *blank]
    first = [f"{head}<br>{below}" for head, below in zip(heads, titles, strict=False)]
    return [*first, *titles[len(shown) :]]


def _behind(
    rows: pd.DataFrame, baseline: str, look: Look, told: Callable[[float], str]
) -> list[go.Scatter]:
    """Return the baseline as it stands behind another policy."""
    line = trajectory(by_replication(rows[rows["policy"] == baseline]), look, told, band=False)
    return [trace.update(line={"width": 1.4}) for trace in line]


# The fund

FUND_KEY = (
    "What is in the fund, and what it has paid out, had back and written off so far: lines are "
    "means of replications, bands hold 10 to 90% of them. Policies under which no fund pays have "
    "no panel."
)
"""How it is read."""
BOOKS = {
    "balance": Look("in the fund", PALETTE[0], "solid"),
    "paid out": Look("paid out so far", PALETTE[1], "dash"),
    "repaid": Look("repaid so far", PALETTE[2], "dot"),
    "written off": Look("written off so far", INK, "dashdot"),
}
"""How each quantity of the fund's books looks."""


def fund(frame: pd.DataFrame, policies: Mapping[str, StoredPolicy]) -> go.Figure | None:
    """Draw the books of the fund, a panel a policy under which it pays: £m at each period's end.

    Lines are means of replications, bands their 10 to 90% range. ``frame`` is that of
    `frames.fund`. Of more than ``MOST_PANELS`` policies the first are drawn. None where no fund
    ever paid.
    """
    check_frame(frame, "frames.fund", COLUMNS["fund"], policies)
    paid = frame[(frame["quantity"] != "written off") & (frame["value"] > 0)]
    shown = [policy for policy in policies if (paid["policy"] == policy).any()][:MOST_PANELS]
    if not shown:
        return None
    columns = min(2, len(shown))
    period = "year" if _whole(sorted(frame["time"].unique())) else "quarter"
    below = small(f"£m at the end of each {period}")
    titles = [f"{headed(policies[policy].label, columns)}<br>{below}" for policy in shown]
    figure = at_left(panels(titles, columns, 76, 300))
    for policy, (row, column) in zip(shown, places(len(shown), columns), strict=True):
        rows = frame[frame["policy"] == policy]
        for quantity, look in BOOKS.items():
            table = by_replication(rows[rows["quantity"] == quantity])
            for trace in trajectory(table, look, _pounds, band=True):
                trace.showlegend = (row, column) == (1, 1) and bool(trace.name)
                figure.add_trace(trace, row=row, col=column)
    figure.update_yaxes(rangemode="tozero")
    return over_years(figure, frame)


def _pounds(millions: float) -> str:
    return f"£{millions:,.1f}m"
