"""Charts drawn with Plotly, in one theme that is handed over explicitly.

Every name that a user could have chosen goes through `plain_text` before Plotly, which reads a
subset of HTML in labels, sees it.
"""

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from results import statistics
from results.narrative import verdict_of
from results.store import RunDirectory, StoredPolicy
from results.words import (
    UNDECIDED_NOTHING,
    UNDECIDED_SMALL,
    amount,
    change,
    difference_unit,
    interval_words,
    span,
)
from simulation.horizon import over_horizon
from simulation.levers import FIRST_YEAR, QUARTERS_PER_YEAR
from simulation.outcomes import OUTCOMES, Outcome

type FloatArray = NDArray[np.float64]

FONT = (
    'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif'
)
INK, MUTED, RULE, PAPER = "#1d2733", "#5b6672", "#d8dde2", "#ffffff"
BASELINE = "#6b7480"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#3a9bdc")
"""After Okabe and Ito: told apart with any colour vision, and dark enough for thin lines."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
BETTER, WORSE, OPEN = "#00664b", "#b23a00", "#4a5560"
SPREAD = "#8796a5"
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
LONGEST_LABEL = 30
LETTERS_ACROSS = 104
"""Letters of titles that have room side by side above all panels of a row."""
MOST_PANELS = 12
MOST_TICKS = 8
MOST_BANDS = 3
"""With more policies than this only the baseline has a band: others would hide one another."""
FEWEST_YEARS = 5
"""Shorter runs are drawn by quarter, longer ones by financial year."""


TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "colorway": list(PALETTE),
        "margin": {"l": 8, "r": 8, "t": 40, "b": 40},
        "hoverlabel": {
            "bgcolor": PAPER,
            "bordercolor": RULE,
            "font": {"family": FONT, "color": INK, "size": 13},
            "align": "left",
        },
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"},
        "xaxis": {"gridcolor": "#eceff2", "linecolor": RULE, "zerolinecolor": RULE},
        "yaxis": {"gridcolor": "#eceff2", "linecolor": RULE, "zerolinecolor": RULE},
    }
)


# Words on charts


def plain_text(text: str, longest: int = LONGEST_LABEL) -> str:
    """Return ``text`` cut to ``longest`` characters, its markup shown and not obeyed."""
    cut = text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
    return html.escape(cut, quote=False)


def longest_title(columns: int) -> int:
    """Return how long the title of a panel may be where ``columns`` stand side by side."""
    return LETTERS_ACROSS // columns


# Colours of policies


@dataclass(frozen=True)
class Look:
    """How one policy looks on every chart."""

    label: str
    colour: str
    dash: str


def looks(policies: Mapping[str, StoredPolicy]) -> dict[str, Look]:
    """Return a look for each policy: the first, the baseline, grey; the others by palette."""
    others = [
        Look(plain_text(policy.label), PALETTE[i % len(PALETTE)], DASHES[i // len(PALETTE) % 6])
        for i, policy in enumerate(list(policies.values())[1:])
    ]
    first = Look(plain_text(next(iter(policies.values())).label), BASELINE, "solid")
    return dict(zip(policies, [first, *others], strict=True))


def faded(colour: str, opacity: float) -> str:
    """Return the hexadecimal ``colour`` with an opacity in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


# Panels


def panels(titles: Sequence[str], columns: int, gap: float, row_height: float) -> go.Figure:
    """Return a figure of as many panels as ``titles``, filled row by row.

    ``gap`` and ``row_height`` are in pixels, the gap between two rows of panels.
    """
    rows = -(-len(titles) // columns)
    height = rows * row_height + 90
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=list(titles),
        vertical_spacing=gap / (height - 90) if rows > 1 else 0,
        horizontal_spacing=0.07,
    )
    figure.update_layout(template=TEMPLATE, height=height, margin={"t": 56, "b": 34})
    figure.update_annotations(font={"size": 13, "color": INK}, yanchor="bottom")
    return figure


def at_left(figure: go.Figure) -> go.Figure:
    """Start the titles of panels at their left edge."""
    axes = figure.select_xaxes()
    for title, axis in zip(figure.layout.annotations, axes, strict=False):
        title.update(x=axis.domain[0], xanchor="left", align="left")
    return figure


def _title(outcome: Outcome, below: str) -> str:
    return f'<b>{outcome.title}</b><br><span style="color:{MUTED};font-size:12px">{below}</span>'


def places(count: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yield row and column of each panel, from 1."""
    return ((1 + i // columns, 1 + i % columns) for i in range(count))


# Differences

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
        _title(outcome, f"{difference_unit(outcome)}, {HINTS[outcome.better]}")
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
            x=_listed(rows["difference"]),
            y=_listed(order),
            mode="markers",
            marker=marker,
            text=text,
            hovertemplate="%{text}<extra></extra>",
        ),
    ]


def _segments(
    low: "pd.Series[float]", high: "pd.Series[float]", at: "pd.Series[int]", width: float, ink: str
) -> go.Scatter:
    x = [end for pair in zip(low, high, strict=True) for end in (*map(_or_none, pair), None)]
    y = [place for row in at for place in (row, row, None)]
    line = {"width": width, "color": ink}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")


def _listed(values: "pd.Series[Any]") -> list[float | None]:
    return [_or_none(float(value)) for value in values]


def _or_none(value: float) -> float | None:
    """Return a rounded number, None for NaN: what JSON can hold, and no longer than is seen."""
    return None if math.isnan(value) else float(f"{value:.6g}")


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


# Trajectories


def trajectories(run: RunDirectory, outcomes: Sequence[str], columns: int = 2) -> go.Figure:
    """Draw outcomes over time: for each policy the mean of replications and their 10 to 90% range.

    Of more than ``MOST_BANDS`` policies only the baseline has a range.
    Runs of five years or more are drawn by financial year, from April: a year's own value by the
    outcome's rule. Shorter ones are drawn by quarter.
    """
    values, times = _by_period(run)
    titles = [_title(OUTCOMES[name], _unit_over_time(OUTCOMES[name])) for name in outcomes]
    figure = at_left(panels(titles, columns, 76, 225))
    style = looks(run.policies)
    for name, (row, column) in zip(outcomes, places(len(outcomes), columns), strict=True):
        for position, look in enumerate(style.values()):
            band = position == 0 or len(style) <= MOST_BANDS
            first = (row, column) == (1, 1)
            for trace in _trajectory(values[name][position], times, look, OUTCOMES[name], band):
                trace.showlegend = first and bool(trace.name) and len(style) > 1
                figure.add_trace(trace, row=row, col=column)
    step = math.ceil(run.question.years / MOST_TICKS)
    figure.update_xaxes(showgrid=False, tick0=FIRST_YEAR, dtick=step, tickformat="d")
    figure.update_yaxes(nticks=5, automargin=True)
    lift = {"y": 1 + 44 / (figure.layout.height - 90)}
    return figure.update_layout(margin={"t": 96, "r": 28}, legend=lift, hovermode="closest")


def _unit_over_time(outcome: Outcome) -> str:
    return outcome.unit.replace("£m NPV", "£m a year, discounted to 2006")


def _by_period(run: RunDirectory) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return every outcome by period, each (policies, replications, periods), and when they are."""
    length = QUARTERS_PER_YEAR if run.question.years >= FEWEST_YEARS else 1
    periods = run.quarters // length
    measures = {
        name: values.reshape(*values.shape[:2], periods, length)
        for name, values in run.measures(run.replications).items()
    }
    values = {name: over_horizon(outcome.rule, measures) for name, outcome in OUTCOMES.items()}
    return values, FIRST_YEAR + np.arange(periods) * length / QUARTERS_PER_YEAR


def _trajectory(
    values: FloatArray, times: FloatArray, look: Look, outcome: Outcome, band: bool
) -> list[go.Scatter]:
    """Return band and line of one policy; ``values`` has shape (replications, periods)."""
    table = pd.DataFrame(values)
    line = go.Scatter(
        x=times.tolist(),
        y=_listed(table.mean()),
        name=look.label,
        legendgroup=look.label,
        mode="lines+markers" if len(times) < 4 else "lines",
        line={"color": look.colour, "dash": look.dash, "width": 2.2},
        text=_period_words(table, times, look, outcome),
        hovertemplate="%{text}<extra></extra>",
    )
    return [_band(table, times, look), line] if band and len(values) > 1 else [line]


def _band(table: pd.DataFrame, times: FloatArray, look: Look) -> go.Scatter:
    low, high = (_listed(table.quantile(share)) for share in (0.1, 0.9))
    return go.Scatter(
        x=[*times.tolist(), *times[::-1].tolist()],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=faded(look.colour, 0.14),
        line={"width": 0},
        mode="lines",
        legendgroup=look.label,
        hoverinfo="skip",
    )


def _period_words(
    table: pd.DataFrame, times: FloatArray, look: Look, outcome: Outcome
) -> list[str]:
    whole = len(times) < 2 or times[1] - times[0] == 1.0
    means = zip(times, table.mean(), strict=True)
    return [
        f"<b>{look.label}</b><br>{_period(time, whole)}: {amount(float(mean), outcome)}"
        for time, mean in means
    ]


def _period(time: float, whole: bool) -> str:
    """Name a financial year or a quarter that starts at ``time``, in years from April of year 0."""
    year = int(time)
    named = f"{year}-{(year + 1) % 100:02d}"
    return named if whole else f"{named}, quarter {1 + round((time - year) * QUARTERS_PER_YEAR)}"
