"""Ranked charts of sensitivity, charts of switching values, and the pages that hold them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from results import switching_words
from results.charts import (
    BASELINE,
    INK,
    PALETTE,
    SPREAD,
    TEMPLATE,
    at_left,
    faded,
    panels,
    places,
    plain_text,
)
from results.page import Figure, Front, Section, escape, paragraph, table, whole_page
from results.sensitivity import MORRIS, PAWN, SOBOL, Sensitivity
from results.sensitivity_words import SAID, heading, headings, rows, sentences, unit
from results.switching import Pair, Switching, Turn
from simulation.outcomes import OUTCOMES

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
        "array": _numbers(found.table[high] - value),
        "arrayminus": _numbers(value - found.table[low]),
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
        x=_numbers(value),
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
        x=_numbers(found.table["dummy"]),
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


def _numbers(values: object) -> list[float | None]:
    """Return rounded numbers, None for NaN."""
    return [
        None if math.isnan(value) else float(f"{value:.6g}")
        for value in values  # type: ignore[attr-defined]
    ]


# Pages


def sensitivity_page(found: Sensitivity) -> str:
    """Return a page that stands alone: what the outcome depends on."""
    first, *rest = sentences(found)
    figure = Figure("ranked", f"{heading(found)}: {SAID[found.method]}.", ranked_chart(found))
    cells = ([escape(cell) for cell in row] for row in rows(found))
    ranked = table(SAID[found.method], [*map(escape, headings(found))], cells)
    answer = paragraph(first, "lead") + figure.html
    sections = [
        Section("answer", "The answer", answer),
        Section("table", "All factors", ranked),
        Section("trust", "How far to trust it", "".join(map(paragraph, rest))),
    ]
    return page(heading(found), SAID[found.method], sections, [figure])


def page(
    title: str, standfirst: str, sections: Sequence[Section], figures: Sequence[Figure]
) -> str:
    """Return a page of ``sections`` in the style of the report."""
    from results.report import CAVEAT

    return whole_page(Front(title, standfirst, CAVEAT, "Made by tenderlab."), sections, figures)


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
            x=_numbers(turn.values),
            y=_numbers(pair.differences),
            mode="markers",
            marker={"color": SPREAD, "size": 5, "opacity": 0.6},
            hoverinfo="skip",
        ),
        go.Scatter(
            x=[*_numbers(fit.at), *_numbers(fit.at[::-1])],
            y=[*_numbers(upper), *_numbers(lower[::-1])],
            fill="toself",
            fillcolor=faded(PALETTE[0], 0.2),
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
        ),
        go.Scatter(
            x=_numbers(fit.at),
            y=_numbers(fit.mean),
            mode="lines",
            line={"color": PALETTE[0], "width": 2.2},
            hovertemplate="%{x:.4g}: %{y:.4g}<extra></extra>",
        ),
    ]


def switching_page(found: Switching, titles: Mapping[str, str] | None = None) -> str:
    """Return a page that stands alone: what turns the ranking of the policies."""
    ranking, *pairs = switching_words.sentences(found, titles)
    named = {name: (titles or {}).get(name) or name for name in found.ranking}
    sections, figures = [], []
    for place, (pair, words) in enumerate(zip(found.pairs, pairs, strict=True)):
        content = paragraph(words)
        if pair.turns:
            said = f"{named[pair.first]} less {named[pair.second]}; above 0 the first is better"
            figures.append(Figure(f"pair-{place}", said, switching_chart(found, pair)))
            content += figures[-1].html
        title = escape(f"{named[pair.first]} or {named[pair.second]}")
        sections.append(Section(f"pair-{place}-words", title, content))
    lead = Section("answer", "The ranking", paragraph(ranking, "lead"))
    how = Section("how", "How it was found", paragraph(switching_words.HOW))
    outcome = OUTCOMES[found.outcome].title
    return page(f"What turns the ranking by {outcome}", "", [lead, *sections, how], figures)
