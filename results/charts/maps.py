"""Maps of councils drawn with Plotly: a hexagon a council, shaded by what happens to it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from results.charts.checks import check_frame
from results.charts.hexagons import HexagonMap, hexagon_map
from results.charts.theme import (
    MOST_PANELS,
    MUTED,
    PAPER,
    headed,
    legend_above,
    panels,
    places,
    plain_text,
)
from results.frames import COLUMNS
from results.store import StoredPolicy
from simulation.register import Register

type FloatArray = NDArray[np.float64]

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
COUNTS = (0.0, 1.0, 2.0, 4.0, 8.0, math.inf)
SHADES = ("#e3e7eb", "#c6dcec", "#96c0dd", "#5e9bc6", "#2a6ca3", "#08396b")
"""From none to most; lightness alone tells them apart, also in grey."""


@dataclass(frozen=True)
class Scale:
    """Classes of shading: values up to each edge, in words, and what they count."""

    edges: tuple[float, ...]
    words: tuple[str, ...]
    title: str

    def classes(self, values: FloatArray) -> NDArray[np.int64]:
        """Return the class of each value."""
        return np.searchsorted(np.asarray(self.edges), values, side="left").astype(np.int64)


SHARE_SCALE = Scale(
    SHARES,
    ("never", "up to 10%", "to 25%", "to 50%", "to 75%", "to 100%"),
    "Share of replications in which a council is in a shared service at the end",
)
COUNT_SCALE = Scale(
    COUNTS,
    ("none", "1", "2", "3 or 4", "5 to 8", "more than 8"),
    "Number of a council's services that are in a joint contract at the end",
)


def sharing_map(
    frame: pd.DataFrame,
    register: Register,
    policies: Mapping[str, StoredPolicy],
    columns: int = 3,
) -> go.Figure | None:
    """Draw who shares services at the end, a hexagon a council and a panel a policy.

    ``frame`` is that of `frames.sharing`. Of several replications the share in which a council is
    in a joint contract is drawn, of a single one the number of its services that are. Only the
    first ``MOST_PANELS`` of ``policies`` are drawn. A marker that cannot be seen holds the name of
    its council (as told apart) as ``customdata``, for who clicks on it. None where the frame is
    empty or there are too many councils.
    """
    check_frame(frame, "frames.sharing", COLUMNS["sharing"], policies)
    placed = hexagon_map(register)
    if placed is None or frame.empty:
        return None
    shown = dict(list(policies.items())[:MOST_PANELS])
    columns = min(columns, len(shown))
    titles = [headed(policy.label, columns) for policy in shown.values()]
    wide, high = np.ptp(placed.outlines, axis=(0, 1))
    figure = panels(titles, columns, 44, min(620.0, 1000 / columns * float(high / wide)) + 44)
    for policy, (row, column) in zip(shown, places(len(titles), columns), strict=True):
        for trace in _map_traces(frame[frame["policy"] == policy], register, placed):
            trace.showlegend = (row, column) == (1, 1) and bool(trace.name)
            figure.add_trace(trace, row=row, col=column)
    return as_map(figure, placed)


def scale_of(frame: pd.DataFrame) -> Scale:
    """Return the scale by which a frame of `frames.sharing` is drawn."""
    return COUNT_SCALE if frame["replications"].max() == 1 else SHARE_SCALE


def _map_traces(frame: pd.DataFrame, register: Register, placed: HexagonMap) -> list[go.Scatter]:
    """Return the map of one policy, of which ``frame`` holds a row a council."""
    scale = scale_of(frame)
    column, form = (
        ("services", "{:.0f} services")
        if scale is COUNT_SCALE
        else ("share", "{:.0%} of replications")
    )
    values = frame.set_index("council")[column].reindex(list(register.told_apart))
    told = [form.format(value) for value in values]
    shaded = ground(register, placed, values.to_numpy(np.float64), scale)
    return [*shaded, over_councils(register, placed, told)]


def ground(
    register: Register, placed: HexagonMap, values: FloatArray, scale: Scale
) -> list[go.Scatter]:
    """Return the hexagons of a map shaded by ``values`` (a council each), and gaps of regions."""
    classes = scale.classes(np.nan_to_num(values))
    fills = [
        _hexagons(placed.outlines[classes == each], scale.words[each], SHADES[each])
        for each in range(len(SHADES))
    ]
    regions = np.unique(register.region, return_inverse=True)[1]
    return [*fills, _borders(placed.borders(regions)), *_counties(placed)]


def _hexagons(outlines: FloatArray, words: str, shade: str) -> go.Scatter:
    x, y = ([None] if not len(outlines) else gapped(outlines[..., axis]) for axis in (0, 1))
    return go.Scatter(
        x=x,
        y=y,
        fill="toself",
        fillcolor=shade,
        line={"color": PAPER, "width": 0.7},
        mode="lines",
        name=words,
        legendgroup=words,
        hoverinfo="skip",
    )


def _borders(sides: FloatArray) -> go.Scatter:
    x, y = ([None] if not len(sides) else gapped(sides[..., axis]) for axis in (0, 1))
    line = {"color": PAPER, "width": 2.6}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")


def _counties(placed: HexagonMap) -> list[go.Scatter]:
    """Return the title of the smaller map aside, where there is one."""
    if not placed.aside.any():
        return []
    outlines = placed.outlines[placed.aside]
    middle, top = outlines[..., 0].mean(), outlines[..., 1].max()
    font = {"size": 11, "color": MUTED}
    return [
        go.Scatter(
            x=[round(float(middle), 2)],
            y=[round(float(top) + 0.3, 2)],
            mode="text",
            text=["Counties"],
            textposition="top center",
            textfont=font,
            hoverinfo="skip",
        )
    ]


def gapped(lines: FloatArray) -> list[float | None]:
    """Return lines one after another with None between; ``lines`` has shape (lines, points)."""
    return [place for line in np.round(lines, 2).tolist() for place in (*line, None)]


def over_councils(register: Register, placed: HexagonMap, told: Sequence[str]) -> go.Scatter:
    """Return markers that cannot be seen and show what is ``told`` of the council under them.

    ``told`` is what Plotly may read markup in, a council each; ``customdata`` the councils' names.
    """
    kinds = [kind.replace("_", " ") for kind in register.type]
    text = [
        f"<b>{plain_text(name)}</b><br>{kind}<br>{words}"
        for name, kind, words in zip(register.name, kinds, told, strict=True)
    ]
    return go.Scatter(
        x=np.round(placed.centres[:, 0], 2).tolist(),
        y=np.round(placed.centres[:, 1], 2).tolist(),
        mode="markers",
        marker={"size": 12, "opacity": 0},
        text=text,
        customdata=list(register.told_apart),
        hovertemplate="%{text}<extra></extra>",
    )


def as_map(figure: go.Figure, placed: HexagonMap) -> go.Figure:
    """Give all panels one scale, north up, and the legend a place above them."""
    low, high = placed.outlines.min(axis=(0, 1)) - 0.2, placed.outlines.max(axis=(0, 1)) + 0.2
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_xaxes(**hidden, range=[float(low[0]), float(high[0])])
    figure.update_yaxes(**hidden, range=[float(low[1]), float(high[1]) + 1.5], scaleratio=1)
    for axis, across in zip(figure.select_yaxes(), figure.select_xaxes(), strict=True):
        axis.update(scaleanchor=across.plotly_name.replace("axis", ""), constraintoward="top")
    legend = {"itemclick": False, "itemdoubleclick": False}
    return legend_above(figure, 40, 8).update_layout(legend=legend, hovermode="closest")
