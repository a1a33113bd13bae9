"""Outcomes against the value of one lever."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from results import statistics
from results.charts.checks import check_frame
from results.charts.differences import (
    HINTS,
    LINES,
    MARGIN,
    SUMMARY,
    SYMBOLS,
    VERDICT_SHAPES,
    interval_text,
)
from results.charts.theme import (
    BASELINE,
    INK,
    MUTED,
    PALETTE,
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
from results.words import difference_unit
from simulation.levers import Levers
from simulation.outcomes import Outcome
from simulation.parameters import parameters

RESPONSE_KEY = (
    "Mean differences from the baseline, the filled diamond, against the lever's value. Marker: "
    f"the verdict ({VERDICT_SHAPES.replace('diamond', 'open diamond')}). {LINES} Dotted lines only "
    "join the values that were tried."
)
"""How it is read."""
FEWEST_VALUES = 3
"""Values of a lever from which on outcomes are drawn against it."""


def lever_of(policies: Mapping[str, StoredPolicy]) -> str | None:
    """Return the one lever that has another number under every policy.

    None where there is none, or more than one, or there are fewer than ``FEWEST_VALUES`` policies.
    """
    moved = {name for policy in policies.values() for name in policy.levers or {}}
    known = parameters(Levers)
    found = [name for name in known if name in moved and _all_differ(policies, name)]
    return found[0] if len(found) == 1 and len(policies) >= FEWEST_VALUES else None


def _all_differ(policies: Mapping[str, StoredPolicy], lever: str) -> bool:
    values = [_value(policy, lever) for policy in policies.values()]
    return None not in values and len(set(values)) == len(values)


def _value(policy: StoredPolicy, lever: str) -> float | None:
    """Return a lever's value, None where it is no single number."""
    value = (policy.levers or {}).get(lever, parameters(Levers)[lever].default)
    return float(value) if isinstance(value, int | float) else None


def response(
    summary: pd.DataFrame, policies: Mapping[str, StoredPolicy], columns: int = 2
) -> go.Figure | None:
    """Draw differences from the baseline against the value of the lever that policies move.

    A panel an outcome shown first: a dotted line joins mean differences, with markers that tell
    their verdicts; the thick line is the 95% interval, the thin one the 10 to 90% range over
    replications, the grey band what is too small to matter. ``summary`` is that of
    `statistics.summarise`. None where policies do not differ so (`lever_of`).
    """
    check_frame(summary, SUMMARY, statistics.COLUMNS, policies)
    lever = lever_of(policies)
    if lever is None:
        return None
    shown = [rows for _, rows in summary[summary["headline"]].groupby("outcome", sort=False)]
    outcomes = [statistics.outcome_of(rows.iloc[-1].to_dict()) for rows in shown]
    titles = [
        titled(outcome.title, f"{difference_unit(outcome)}, {_hint(outcome)}")
        for outcome in outcomes
    ]
    figure = at_left(panels(titles, columns, 92, 190))
    for outcome, rows, (row, column) in zip(
        outcomes, shown, places(len(shown), columns), strict=True
    ):
        for trace in _traces(_by_value(rows, policies, lever), outcome, policies):
            figure.add_trace(trace, row=row, col=column)
        if outcome.better != "neutral" and outcome.matters > 0:
            band = {"fillcolor": MARGIN, "line_width": 0, "layer": "below"}
            figure.add_hrect(-outcome.matters, outcome.matters, **band, row=row, col=column)
    unit = parameters(Levers)[lever].unit
    below = plain_text(f"{lever.replace('_', ' ')}{', ' if unit else ''}{unit}", 60)
    title = {"text": below, "font": {"size": 12, "color": MUTED}, "standoff": 4}
    figure.update_xaxes(title=title, showgrid=False, zeroline=False, nticks=7)
    figure.update_yaxes(
        zeroline=True, zerolinewidth=1.2, zerolinecolor=INK, nticks=6, automargin=True
    )
    return figure.update_layout(
        showlegend=False, margin={"r": 28, "b": 54}, height=figure.layout.height + 20,
        hovermode="closest",
    )  # fmt: skip


def _hint(outcome: Outcome) -> str:
    return HINTS[outcome.better].replace("→", "↑").replace("← better", "better ↓")


def _by_value(rows: pd.DataFrame, policies: Mapping[str, StoredPolicy], lever: str) -> pd.DataFrame:
    """Return the rows of one outcome in the order of the lever's value; the baseline's are 0."""
    values = rows["policy"].map({name: _value(each, lever) for name, each in policies.items()})
    base = rows["policy"] == next(iter(policies))
    zero = dict.fromkeys(("difference", "low", "high", "p10", "p90"), 0.0)
    filled = rows.assign(value=values.astype(float), base=base)
    filled.loc[base, list(zero)] = list(zero.values())
    return filled.sort_values("value")


def _traces(
    rows: pd.DataFrame, outcome: Outcome, policies: Mapping[str, StoredPolicy]
) -> list[go.Scatter]:
    looks_of = [
        ("diamond", BASELINE) if row["base"] else SYMBOLS[verdict_of(row)]
        for row in rows.to_dict("records")
    ]
    colours = [colour for _, colour in looks_of]
    told = [interval_text(outcome, row, policies) for _, row in rows.iterrows()]
    return [
        _reaches(rows, "low", "high", 7, SPREAD),
        _reaches(rows, "p10", "p90", 1.5, INK),
        go.Scatter(
            x=numbers(rows["value"]),
            y=numbers(rows["difference"]),
            mode="lines+markers",
            line={"color": PALETTE[0], "width": 2, "dash": "dot"},
            marker={
                "symbol": [symbol for symbol, _ in looks_of],
                "color": colours,
                "size": 10,
                "line": {"width": 1.5, "color": colours},
            },
            text=told,
            hovertemplate="%{text}<extra></extra>",
        ),
    ]


def _reaches(rows: pd.DataFrame, low: str, high: str, width: float, ink: str) -> go.Scatter:
    """Return upright lines between two columns, where the lever has moved."""
    moved = rows[~rows["base"]]
    values = zip(moved["value"], moved[low], moved[high], strict=True)
    ends = [(numbers([value, value]), numbers([below, above])) for value, below, above in values]
    return go.Scatter(
        x=[x for at, _ in ends for x in (*at, None)],
        y=[y for _, reach in ends for y in (*reach, None)],
        mode="lines",
        line={"color": ink, "width": width},
        hoverinfo="skip",
    )
