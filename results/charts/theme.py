"""The one theme of all charts: fonts, colours, dashes, the looks of policies, panels.

It is handed over explicitly, so that no default of Plotly's changes. Every name that a user could
have chosen goes through `plain_text` before Plotly sees it, which reads a subset of HTML in labels.
"""

import html
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from results.store import StoredPolicy
from results.words import listed

FONT = (
    'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif'
)
INK, MUTED, RULE, PAPER = "#1d2733", "#5b6672", "#d8dde2", "#ffffff"
BASELINE = "#6b7480"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#3a9bdc")
"""After Okabe and Ito: told apart with any colour vision, and dark enough for thin lines."""
SHAPES = ("circle", "square", "diamond", "triangle-up", "x", "triangle-down", "star", "cross")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SPREAD = "#8796a5"
LONGEST_LABEL = 32
"""Letters of a policy's name on charts; those of the bundled policies are shorter."""
LONGEST_TITLE = 36
"""Letters of a panel's title on one line, of two panels side by side."""
LETTERS_ACROSS = 76
"""Letters of titles that have room side by side above all panels of a row, on a small screen."""
MANY_COLUMNS = 4
"""Panels side by side from which on titles are narrow, and folded more than once."""
LEGEND_WIDTH, LEGEND_ROW = 600.0, 20.0
"""Pixels across which a legend is folded on a small screen, and the height of one of its rows."""
SWATCH, LETTER = 46.0, 6.8
"""Pixels of a legend's sample with the room beside it, and of a letter."""
MOST_PANELS = 12

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


def folded(text: str, width: int, lines: int = 2) -> str:
    """Return ``text`` on at most so many lines of ``width`` characters, its markup not obeyed."""
    wrapped = textwrap.wrap(text, width, max_lines=lines, placeholder="…") or [""]
    return "<br>".join(plain_text(line, width) for line in wrapped)


def headed(label: str, columns: int) -> str:
    """Return what a policy is called above its panel, of which ``columns`` stand side by side."""
    few = columns < MANY_COLUMNS
    width = LETTERS_ACROSS // columns if few else max(60 // columns, 12)
    return f"<b>{folded(label, width, 2 if few else columns - 1)}</b>"


def small(text: str) -> str:
    """Return ``text``, in which Plotly may read markup, as it stands below a title."""
    return f'<span style="color:{MUTED};font-size:12px">{text}</span>'


def titled(title: str, below: str) -> str:
    """Return the title of a panel, and what stands below it; Plotly may read markup in both."""
    return f"<b>{title}</b><br>{small(below)}"


def numbers(values: Iterable[float]) -> list[float | None]:
    """Return rounded numbers, None for NaN: what JSON can hold, and no longer than is seen."""
    return [None if math.isnan(value) else float(f"{value:.6g}") for value in values]


def left_out(labels: Sequence[str], most: int) -> str:
    """Return which of so many policies have no room on a chart of ``most``, after a space."""
    return f" Left out for want of room: {listed(labels[most:])}." if len(labels) > most else ""


# Colours of policies


@dataclass(frozen=True)
class Look:
    """How one policy looks on every chart."""

    label: str
    colour: str
    dash: str


def looks(policies: Mapping[str, StoredPolicy]) -> dict[str, Look]:
    """Return a look for each policy: the first, the baseline, grey and solid.

    The others are told apart by colour and, for whoever sees no colours, by dashes.
    """
    others = [
        Look(plain_text(policy.label), PALETTE[place % 6], DASHES[(place + place // 6) % 6])
        for place, policy in enumerate(list(policies.values())[1:])
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


def places(count: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yield row and column of each panel, from 1."""
    return ((1 + i // columns, 1 + i % columns) for i in range(count))


# Legends


def legend_above(figure: go.Figure, titles: float, below: float) -> go.Figure:
    """Put the legend at the very top, in rows of its own also where the screen is small.

    ``titles`` is the height of the titles of the first panels, ``below`` the room under the last,
    pixels; panels keep their height.
    """
    above = titles + LEGEND_ROW * _rows_of_legend(figure) + 10
    inner = figure.layout.height - 90
    place = {"xref": "container", "yref": "container", "x": 0, "y": 1, "yanchor": "top"}
    return figure.update_layout(
        legend=place, margin={"t": above, "b": below}, height=inner + above + below
    )


def _rows_of_legend(figure: go.Figure) -> int:
    """Return on how many rows the legend stands where the screen is small."""
    rows, left = 0, 0.0
    for trace in figure.data:
        if trace.showlegend is not False and trace.name:
            wide = SWATCH + LETTER * len(html.unescape(trace.name))
            rows, left = (rows, left - wide) if wide <= left else (rows + 1, LEGEND_WIDTH - wide)
    return rows
