"""Charts of sensitivity, the most telling factor on top, and of switching values."""

import numpy as np
import plotly.graph_objects as go

from results.charts.theme import (
    BASELINE,
    INK,
    PALETTE,
    SPREAD,
    TEMPLATE,
    at_left,
    faded,
    numbers,
    panels,
    places,
    plain_text,
)
from results.sensitivity import MORRIS, PAWN, SOBOL, Sensitivity
from results.sensitivity_words import unit
from results.switching import Pair, Switching, Turn

ROW_HEIGHT = 24
SERIES = {
    MORRIS: (("mu_star", "size of effect", "circle", PALETTE[0]),),
    SOBOL: (
        ("total", "total", "circle", PALETTE[0]),
        ("first", "first order", "diamond-open", PALETTE[1]),
    ),
    PAWN: (("median", "index", "circle", PALETTE[0]),),
}
"""Column, name, marker and colour of what each analysis draws."""


def ranked_chart(found: Sensitivity) -> go.Figure:
    """Draw the factors, the most telling on top, each index with its 95% interval."""
    figure = go.Figure()
    series = SERIES[found.method]
    for place, (column, name, symbol, colour) in enumerate(series):
        shift = (place - (len(series) - 1) / 2) * 0.3
        figure.add_trace(_dots(found, column, name, symbol, colour, shift))
    if found.method == PAWN:
        figure.add_trace(_dummies(found))
    labels = [plain_text(str(name), 60) for name in found.table.index]
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(labels))),
        ticktext=labels,
        range=[len(labels) - 0.4, -0.6],
        automargin=True,
        showgrid=True,
        zeroline=False,
    )
    title = unit(found) if found.method == MORRIS else "index"
    figure.update_xaxes(title=plain_text(title, 80), rangemode="tozero", zeroline=True)
    height = ROW_HEIGHT * len(labels) + 120
    figure.update_layout(template=TEMPLATE, height=height, showlegend=len(figure.data) > 1)
    return figure.update_layout(margin={"b": 64, "r": 28}, xaxis_title_standoff=8)


def _dots(
    found: Sensitivity, column: str, name: str, symbol: str, colour: str, shift: float
) -> go.Scatter:
    low, high = ("low", "high") if found.method == PAWN else (f"{column}_low", f"{column}_high")
    value = found.table[column]
    reach = {
        "type": "data",
        "symmetric": False,
        "array": numbers(found.table[high] - value),
        "arrayminus": numbers(value - found.table[low]),
        "color": SPREAD,
        "thickness": 3,
        "width": 0,
    }
    words = [
        f"<b>{plain_text(str(factor), 60)}</b><br>{name} {at:.3g} ({least:.3g} to {most:.3g})"
        for factor, at, least, most in zip(
            found.table.index, value, found.table[low], found.table[high], strict=True
        )
    ]
    return go.Scatter(
        x=numbers(value),
        y=[place + shift for place in range(len(value))],
        error_x=reach,
        mode="markers",
        name=name,
        marker={"symbol": symbol, "color": colour, "size": 10},
        text=words,
        hovertemplate="%{text}<extra></extra>",
    )


def _dummies(found: Sensitivity) -> go.Scatter:
    return go.Scatter(
        x=numbers(found.table["dummy"]),
        y=list(range(len(found.table))),
        mode="markers",
        name="a factor without influence stays below",
        marker={
            "symbol": "line-ns",
            "size": 16,
            "color": BASELINE,
            "line": {"width": 2, "color": BASELINE},
        },
        hoverinfo="skip",
    )


# Switching values

MOST_PANELS = 6
"""Assumptions that are drawn for a pair of policies."""


def switching_chart(found: Switching, pair: Pair) -> go.Figure:
    """Draw a pair's difference over the assumptions that turn its ranking, a panel each.

    Dots are pairs of runs, the line the fit with its 95% band; shaded is where it turns. Where
    nothing turns it, the assumptions are drawn that come nearest.
    """
    shown = _worth_drawing(pair)
    columns = min(2, len(shown))
    titles = [f"<b>{plain_text(turn.assumption, 60)}</b>: {turn.fate}" for turn in shown]
    figure = at_left(panels(titles, columns, 70, 250))
    for turn, (row, column) in zip(shown, places(len(shown), columns), strict=True):
        for trace in _fit_traces(pair, turn):
            figure.add_trace(trace, row=row, col=column)
        figure.add_hline(y=0, line_width=1.2, line_color=INK, row=row, col=column)
        for _, low, high in turn.at:
            band = {"fillcolor": PALETTE[1], "opacity": 0.2, "line_width": 0, "layer": "below"}
            figure.add_vrect(x0=low, x1=high, row=row, col=column, **band)
    figure.update_yaxes(automargin=True)
    return figure.update_layout(showlegend=False)


def _worth_drawing(pair: Pair) -> list[Turn]:
    turning = [*pair.of("turns"), *pair.of("may turn")]
    return (turning or sorted(pair.turns, key=_clearance))[:MOST_PANELS]


def _clearance(turn: Turn) -> float:
    """Return how far the band of the fit keeps from 0 where it comes nearest."""
    return float(np.min(np.abs(turn.fit.mean) - turn.fit.reach))


def _fit_traces(pair: Pair, turn: Turn) -> list[go.Scatter]:
    fit = turn.fit
    upper, lower = fit.mean + fit.reach, fit.mean - fit.reach
    return [
        go.Scatter(
            x=numbers(turn.values),
            y=numbers(pair.differences),
            mode="markers",
            marker={"color": SPREAD, "size": 5, "opacity": 0.6},
            hoverinfo="skip",
        ),
        go.Scatter(
            x=[*numbers(fit.at), *numbers(fit.at[::-1])],
            y=[*numbers(upper), *numbers(lower[::-1])],
            fill="toself",
            fillcolor=faded(PALETTE[0], 0.2),
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
        ),
        go.Scatter(
            x=numbers(fit.at),
            y=numbers(fit.mean),
            mode="lines",
            line={"color": PALETTE[0], "width": 2.2},
            hovertemplate="%{x:.4g}: %{y:.4g}<extra></extra>",
        ),
    ]
