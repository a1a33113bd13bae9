"""Charts of partnerships: who shares with whom, how far groups came, how long they took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from agents.columns import IntArray
from agents.partnership import STAGE_NAMES
from results.charts.hexagons import HexagonMap, hexagon_map
from results.charts.maps import COUNTS, Scale, as_map, gapped, ground, over_councils
from results.charts.theme import (
    INK,
    MOST_PANELS,
    MUTED,
    PALETTE,
    PAPER,
    at_left,
    headed,
    legend_above,
    panels,
    places,
    plain_text,
    small,
)
from results.partnerships import (
    ON,
    STAGES,
    STILL,
    Flow,
    Partnerships,
    flow,
    links,
    quarters_to_agree,
    services_shared,
    within,
)
from simulation.register import Register, parents

type FloatArray = NDArray[np.float64]

LINK = "#c04f00"
WIDTHS = (1.1, 2.2, 3.6)
"""Lines between councils that share one service, two, and more."""
LINKS = ("line from leader to member: one service", "two", "three or more")
COUNTY = "county, amid its districts"
SERVICES = Scale(
    COUNTS,
    ("services shared: none", "1", "2", "3 or 4", "5 to 8", "more than 8"),
    "Services of a council that it shares in partnerships that perform at the end",
)
CROWDED = 200
"""Links on one map from which on each is drawn fainter, so that hexagons can be seen under them."""
MOST_SERVICES = 6
"""Services that are told of a council under the pointer."""
ON_WORDS = "went on, or still perform"
LEAST_LABELLED = 0.07
"""Part of the groups that began from which on a part of a bar is wide enough for its number."""


@dataclass(frozen=True)
class Fill:
    """How a part of a bar looks; hatching tells apart what colour alone might not."""

    colour: str
    hatch: str = ""
    ink: str = PAPER


FILLS: Mapping[str, Fill] = {
    ON: Fill("#2a6ca3"),
    "walked away": Fill("#c04f00"),
    "no agreement": Fill("#e9a23b", ink=INK),
    "voted down": Fill("#8f3d8a"),
    "no business case": Fill("#7fb8a4", ink=INK),
    "no cash": Fill("#7fb8a4", "/", INK),
    "tender failed": Fill("#4a5560"),
    "collapsed": Fill("#4a5560", "x"),
    "members withdrew": Fill("#c04f00", "/"),
    STILL: Fill("#dfe4e9", ink=INK),
}
"""What became of groups; what is alike has one colour and differs by hatching."""
RANK = {fate: rank for rank, fate in enumerate(FILLS)}
OTHER = Fill("#9aa5b0", ".", INK)


def _titled(label: str, columns: int, below: str) -> str:
    return f"{headed(label, columns)}<br>{small(below)}"


# Who shares with whom


def partnership_map(about: Partnerships, register: Register, columns: int = 2) -> go.Figure | None:
    """Draw who shares with whom at the end, a panel a policy: the first replication.

    A line leads from each leader of a performing partnership to each other member; a hexagon is
    the darker the more services its council shares so. Only the first ``MOST_PANELS`` policies are
    drawn. None where there are too many councils.
    """
    placed = hexagon_map(register)
    if placed is None:
        return None
    shown = list(about.labels)[:MOST_PANELS]
    columns = min(columns, len(shown))
    titles = [headed(about.labels[policy], columns) for policy in shown]
    wide, high = np.ptp(placed.outlines, axis=(0, 1))
    figure = panels(titles, columns, 44, min(640.0, 1000 / columns * float(high / wide)) + 44)
    for policy, (row, column) in zip(shown, places(len(shown), columns), strict=True):
        for trace in _map_traces(about.performing(policy), register, placed):
            trace.showlegend = (row, column) == (1, 1) and bool(trace.name)
            figure.add_trace(trace, row=row, col=column)
    return as_map(figure, placed)


def _map_traces(groups: pd.DataFrame, register: Register, placed: HexagonMap) -> list[go.Scatter]:
    shared = services_shared(groups)
    services = [shared.get(name, []) for name in register.told_apart]
    values = np.array([len(each) for each in services], dtype=np.float64)
    told = [_services_words(each) for each in services]
    return [
        *ground(register, placed, values, SERVICES),
        *_links(groups, register, placed),
        over_councils(register, placed, told),
    ]


def _services_words(services: Sequence[str]) -> str:
    many = len(services)
    lines = [f"shares {many} service{'' if many == 1 else 's'}"]
    lines += [plain_text(each, 90) for each in services[:MOST_SERVICES]]
    return "<br>".join([*lines, "…"] if many > MOST_SERVICES else lines)


def _links(groups: pd.DataFrame, register: Register, placed: HexagonMap) -> list[go.Scatter]:
    """Return lines from leaders to members, a trace a width; then a point on each leader."""
    row = {name: place for place, name in enumerate(register.told_apart)}
    known = {
        (row[one], row[other]): many
        for (one, other), many in links(groups).items()
        if one in row and other in row
    }
    pairs = np.array(list(known), dtype=np.int64).reshape(-1, 2)
    width = np.minimum(np.array(list(known.values()), dtype=np.int64), len(WIDTHS)) - 1
    seats = standing(register, placed)
    lines = [link_lines(seats[pairs[width == each]], each) for each in range(len(WIDTHS))]
    for line in lines:
        line.opacity = 0.45 if len(pairs) > CROWDED else 1.0
    leads = np.isin(np.arange(len(register)), pairs[:, 0])
    return [
        *lines,
        _points(seats[leads & ~placed.aside], "leader", "circle"),
        _points(seats[np.isin(np.arange(len(register)), pairs) & placed.aside], COUNTY, "diamond"),
    ]


def standing(register: Register, placed: HexagonMap) -> FloatArray:
    """Return where councils stand, shape (councils, 2): a county aside is amid its districts."""
    seats, parent = placed.centres.copy(), parents(register)
    for county in np.flatnonzero(placed.aside):
        seats[county] = placed.centres[(parent == county) & ~placed.aside].mean(axis=0)
    return seats


def link_lines(ends: FloatArray, width: int) -> go.Scatter:
    """Return lines of one width of ``WIDTHS``; ``ends`` has shape (lines, 2 ends, x and y)."""
    x, y = ([None] if not len(ends) else gapped(ends[..., axis]) for axis in (0, 1))
    line = {"color": LINK, "width": WIDTHS[width]}
    name = LINKS[width]
    return go.Scatter(
        x=x, y=y, mode="lines", line=line, name=name, legendgroup=name, hoverinfo="skip"
    )


def _points(centres: FloatArray, name: str, symbol: str) -> go.Scatter:
    x, y = (np.round(centres[:, axis], 2).tolist() or [None] for axis in (0, 1))
    size, ink = (9, INK) if symbol == "diamond" else (5, LINK)
    marker = {"symbol": symbol, "size": size, "color": PAPER, "line": {"color": ink, "width": 1.5}}
    return go.Scatter(
        x=x, y=y, mode="markers", marker=marker, name=name, legendgroup=name, hoverinfo="skip"
    )


# How far groups came


def stages_chart(about: Partnerships, columns: int = 2) -> go.Figure:
    """Draw what became of groups at each stage, a panel a policy.

    A bar is as long as the part of the groups that reached its stage; it is cut into those that
    went on, those that ended by reason, and those still on the way at the end.
    """
    shown = list(about.labels)[:MOST_PANELS]
    flows = [flow(about.of(policy)) for policy in shown]
    columns = min(columns, len(shown))
    titles = [
        _titled(about.labels[policy], columns, f"{seen.reached[0]:,} began to talk")
        for policy, seen in zip(shown, flows, strict=True)
    ]
    figure = at_left(panels(titles, columns, 78, 236))
    seen: set[str] = set()
    for one, (row, column) in zip(flows, places(len(flows), columns), strict=True):
        for trace in _stage_bars(one):
            trace.showlegend = trace.name not in seen
            trace.legendrank = 1 + RANK.get(trace.legendgroup, len(RANK))
            seen.add(trace.name)
            figure.add_trace(trace, row=row, col=column)
    figure.update_yaxes(range=[3.5, -0.5], showgrid=False, showticklabels=False)
    figure.update_yaxes(
        tickvals=list(range(len(STAGES))), ticktext=_stage_names(), showticklabels=True,
        automargin=True, col=1,
    )  # fmt: skip
    figure.update_xaxes(range=[0, 100], ticksuffix="%", dtick=25, zeroline=False)
    return legend_above(figure, 58, 34).update_layout(
        barmode="stack", bargap=0.28, margin={"r": 28}, hovermode="closest",
        legend={"traceorder": "grouped", "itemclick": False},
    )  # fmt: skip


def _stage_names() -> list[str]:
    """Return what groups did at each stage, and its name."""
    return [f"{stage}<br>{small(named)}" for stage, named in zip(STAGES, STAGE_NAMES, strict=False)]


def _stage_bars(seen: Flow) -> list[go.Bar]:
    """Return a trace a fate, with a bar at each stage."""
    total = max(seen.reached[0], 1)
    each = zip(seen.fates, seen.counts.T.tolist(), strict=True)
    return [_stage_bar(fate, many, total) for fate, many in each]


def _stage_bar(fate: str, many: Sequence[int], total: int) -> go.Bar:
    fill = FILLS.get(fate, OTHER)
    wide = LEAST_LABELLED * total
    return go.Bar(
        x=[round(100 * one / total, 3) for one in many],
        y=list(range(len(STAGES))),
        orientation="h",
        name=ON_WORDS if fate == ON else plain_text(fate),
        legendgroup=fate,
        marker={
            "color": fill.colour,
            "line": {"color": PAPER, "width": 1},
            "pattern": {
                "shape": fill.hatch,
                "fillmode": "overlay",
                "fgcolor": PAPER,
                "fgopacity": 1,
                "size": 6,
                "solidity": 0.2,
            },
        },
        customdata=list(many),
        text=[f"{one:,}" if one >= wide else "" for one in many],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": fill.ink, "size": 12},
        hovertext=[_fate_words(fate, *each) for each in zip(STAGES, many, strict=True)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _fate_words(fate: str, stage: str, many: int) -> str:
    groups = f"{many:,} group{'' if many == 1 else 's'}"
    last = "still perform at the end" if stage == STAGES[-1] and fate == ON else plain_text(fate)
    return f"<b>{stage}</b><br>{groups}: {last}"


# How long they took


def agreement_chart(about: Partnerships, columns: int = 3) -> go.Figure | None:
    """Draw quarters from first talks to the joint contract, a panel a policy, a bar a quarter.

    None where no group of any policy signed.
    """
    shown = list(about.labels)[:MOST_PANELS]
    took = {policy: quarters_to_agree(about.of(policy)) for policy in shown}
    if not any(map(len, took.values())):
        return None
    longest = max(int(each.max()) for each in took.values() if len(each))
    columns = min(columns, len(shown))
    titles = [
        _titled(about.labels[policy], columns, f"{len(took[policy]):,} signed") for policy in shown
    ]
    figure = at_left(panels(titles, columns, 84, 200))
    for policy, (row, column) in zip(shown, places(len(shown), columns), strict=True):
        figure.add_trace(_quarters_bars(took[policy], longest), row=row, col=column)
        _mark_half(figure, took[policy], row, column)
    highest = max(max(trace.y) for trace in figure.data)
    below = {"text": "quarters", "font": {"size": 12, "color": MUTED}, "standoff": 4}
    figure.update_xaxes(range=[-0.5, longest + 1], showgrid=False, nticks=8, title=below)
    figure.update_yaxes(range=[0, 1.22 * highest], ticksuffix="%", nticks=5, automargin=True)
    return figure.update_layout(
        showlegend=False, bargap=0.12, margin={"t": 52, "r": 28, "b": 46}, hovermode="closest"
    )


def _quarters_bars(took: IntArray, longest: int) -> go.Bar:
    many = np.bincount(took, minlength=longest + 1).tolist()
    return go.Bar(
        x=list(range(longest + 1)),
        y=[round(100 * one / max(len(took), 1), 3) for one in many],
        marker={"color": PALETTE[0]},
        customdata=many,
        hovertemplate="after %{x} quarters: %{customdata} groups, %{y:.0f}%<extra></extra>",
    )


def _mark_half(figure: go.Figure, took: IntArray, row: int, column: int) -> None:
    """Draw a line at the quarter by which half of those that signed had done so."""
    if not len(took):
        return
    half = within(took, 0.5)
    figure.add_vline(
        x=half, line_width=1.6, line_dash="dot", line_color=INK, row=row, col=column,
        annotation={"text": f"half by {half}", "font": {"size": 12, "color": INK}},
        annotation_position="top right",
    )  # fmt: skip
