"""Maps of councils drawn with Plotly: a hexagon a council, shaded by what happens to it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from results.charts import (
    MOST_PANELS,
    MUTED,
    PAPER,
    longest_title,
    panels,
    places,
    plain_text,
)
from results.hexagons import HexagonMap, hexagon_map
from results.store import RunDirectory
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


def sharing_map(run: RunDirectory, columns: int = 3) -> go.Figure | None:
    """Draw who shares services at the end, a hexagon a council and a panel a policy.

    Of several replications the share in which a council is in a joint contract, of a single one
    the number of its services that are. Only the first ``MOST_PANELS`` policies are drawn. None
    where there is no table of councils, or too many of them.
    """
    placed = hexagon_map(run.register)
    if placed is None or "councils" not in run.events() or not run.replications:
        return None
    values, scale = _sharing(run)
    shown = list(run.policies.values())[:MOST_PANELS]
    columns = min(columns, len(shown))
    longest = longest_title(columns)
    titles = [f"<b>{plain_text(policy.label, longest)}</b>" for policy in shown]
    wide, high = np.ptp(placed.outlines, axis=(0, 1))
    figure = panels(titles, columns, 44, min(620.0, 1000 / columns * float(high / wide)) + 44)
    for panel, (row, column) in enumerate(places(len(titles), columns)):
        for trace in _map_traces(run, placed, values[panel], scale):
            trace.showlegend = panel == 0 and bool(trace.name)
            figure.add_trace(trace, row=row, col=column)
    return as_map(figure, placed)


def _sharing(run: RunDirectory) -> tuple[FloatArray, Scale]:
    """Return a value a council, shape (policies, councils), in the register's order."""
    table = run.event("councils")
    table = table[table["replication"].isin(run.replications)]
    identity = table["type"] + "|" + table["name"]
    single = len(run.replications) == 1
    joint = table["joint_services"] if single else table["joint_services"] > 0
    means = joint.groupby([table["policy"], identity], observed=True).mean().unstack()
    ordered = means.reindex(index=list(run.policies), columns=list(run.register.identities))
    return ordered.to_numpy(np.float64), COUNT_SCALE if single else SHARE_SCALE


def _map_traces(
    run: RunDirectory, placed: HexagonMap, values: FloatArray, scale: Scale
) -> list[go.Scatter]:
    form = "{:.0%} of replications" if scale is SHARE_SCALE else "{:.0f} services"
    told = [form.format(value) for value in values]
    return [*ground(run.register, placed, values, scale), over_councils(run.register, placed, told)]


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

    ``told`` is what Plotly may read markup in, a council each.
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
        hovertemplate="%{text}<extra></extra>",
    )


def as_map(figure: go.Figure, placed: HexagonMap) -> go.Figure:
    """Give all panels one scale, north up, and the legend a place above them."""
    low, high = placed.outlines.min(axis=(0, 1)) - 0.2, placed.outlines.max(axis=(0, 1)) + 0.2
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_xaxes(**hidden, range=[float(low[0]), float(high[0])])
    figure.update_yaxes(**hidden, range=[float(low[1]), float(high[1]) + 1.5], scaleratio=1)
    for axis, across in zip(figure.select_yaxes(), figure.select_xaxes(), strict=True):
        axis.update(scaleanchor=across.plotly_name.replace("axis", ""))
    legend = {"y": 1 + 36 / (figure.layout.height - 90), "itemclick": False}
    return figure.update_layout(
        legend={**legend, "itemdoubleclick": False}, margin={"t": 84, "b": 8}, hovermode="closest"
    )
