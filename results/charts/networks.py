"""Councils' partnerships as a network."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import networkx
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from results.charts.checks import check_frame
from results.charts.hexagons import FloatArray, HexagonMap, hexagon_map
from results.charts.partnerships import WIDTHS, link_lines, standing
from results.charts.theme import (
    MOST_PANELS,
    PALETTE,
    PAPER,
    SHAPES,
    headed,
    legend_above,
    numbers,
    panels,
    places,
    plain_text,
    small,
)
from results.frames import COLUMNS
from results.store import StoredPolicy
from results.words import counted
from simulation.register import Register

STEPS = 120
"""Steps by which the layout moves councils from where they are towards those they share with."""
APART = 2.6
"""How far apart the layout holds councils, in parts of what their number leaves room for."""
FARTHEST = 0.25
"""How far the layout may move a council, where England reaches from -1 to 1."""
SMALLEST, LARGEST = 6.0, 16.0
"""Size of councils that share with one other and with many, pixels."""
MOST_TOLD = 6
"""Partners that are told of a council under the pointer."""
LINE = "#7d8893"
IDLE = "shares nothing here"


class Group(NamedTuple):
    """A kind of councils, and how it looks."""

    name: str
    colour: str
    symbol: str


def network(
    frame: pd.DataFrame,
    register: Register,
    policies: Mapping[str, StoredPolicy],
    colour_by: Literal["type", "region"] = "type",
) -> go.Figure | None:
    """Draw councils' partnerships at the end as a network, a panel a policy.

    A council is a node near those with which it shares, at the same place in every panel, and
    larger with more partners; one that shares nothing under a policy is a small grey dot there. A
    line joins leader and member, thicker with more services. ``frame`` is that of `frames.links`;
    only the first ``MOST_PANELS`` of ``policies`` are drawn. None where it is empty or the register
    has too many councils.
    """
    check_frame(frame, "frames.links", COLUMNS["links"])
    shown = list(policies)[:MOST_PANELS]
    frame = frame[frame["policy"].isin(shown)]
    placed = hexagon_map(register)
    if placed is None or frame.empty:
        return None
    seats = _seats(frame, register, placed)
    groups = _groups(register, colour_by)
    columns = min(2, len(shown))
    by_policy = [frame[frame["policy"] == policy] for policy in shown]
    titles = [
        _title(rows, policies[policy].label, columns)
        for policy, rows in zip(shown, by_policy, strict=True)
    ]
    figure = panels(titles, columns, 60, 470)
    for rows, (row, column) in zip(by_policy, places(len(shown), columns), strict=True):
        for trace in _traces(rows, seats, groups):
            trace.showlegend = (row, column) == (1, 1) and bool(trace.name)
            figure.add_trace(trace, row=row, col=column)
    return _bare(figure)


def _title(rows: pd.DataFrame, label: str, columns: int) -> str:
    councils = len({*rows["lead"], *rows["member"]})
    below = f"{counted(councils, 'council')}, {counted(len(rows), 'pair')} of leader and member"
    return f"{headed(label, columns)}<br>{small(below)}"


def _seats(frame: pd.DataFrame, register: Register, placed: HexagonMap) -> dict[str, FloatArray]:
    """Return where each council stands that shares under any policy drawn.

    It starts from its place on the map, a county amid its districts, and is drawn to those with
    which it shares, yet never far from there. The same frame always gives the same layout.
    """
    centres = standing(register, placed)
    centres = centres - centres.mean(axis=0)
    known = dict(zip(register.told_apart, centres / np.abs(centres).max(), strict=True))
    pairs = dict.fromkeys(zip(frame["lead"], frame["member"], strict=True))
    graph: networkx.Graph[str] = networkx.Graph()
    graph.add_edges_from((a, b) for a, b in pairs if a in known and b in known)
    start = {name: known[name] for name in graph}
    apart = APART / math.sqrt(max(len(graph), 1))
    drawn = networkx.spring_layout(graph, k=apart, pos=start, iterations=STEPS, seed=0)
    return {name: _near(start[name], drawn[name]) for name in graph}


def _near(start: FloatArray, end: FloatArray) -> FloatArray:
    """Return ``end``, or the point on the way there that is ``FARTHEST`` from ``start``."""
    move = end - start
    return start + move * min(1.0, FARTHEST / max(float(np.linalg.norm(move)), 1e-12))


def _groups(register: Register, by: Literal["type", "region"]) -> dict[str, Group]:
    """Return the group of each council."""
    of: Sequence[str] = getattr(register, by)
    looks = {
        name: Group(name, PALETTE[place % len(PALETTE)], SHAPES[place % len(SHAPES)])
        for place, name in enumerate(dict.fromkeys(of))
    }
    return {council: looks[name] for council, name in zip(register.told_apart, of, strict=True)}


def _traces(
    rows: pd.DataFrame, seats: Mapping[str, FloatArray], groups: Mapping[str, Group]
) -> list[go.Scatter]:
    """Return lines by width, then councils that share nothing, then the others by group."""
    known = rows[rows["lead"].isin(seats.keys()) & rows["member"].isin(seats.keys())]
    partners = _partners(known)
    idle = [council for council in seats if council not in partners]
    return [
        *_lines(known, seats),
        _nodes(idle, seats, Group(IDLE, "#b9c1c9", "circle"), {}),
        *(
            _nodes([each for each in partners if groups[each] == group], seats, group, partners)
            for group in dict.fromkeys(groups.values())
        ),
    ]


def _lines(rows: pd.DataFrame, seats: Mapping[str, FloatArray]) -> Iterable[go.Scatter]:
    pairs = zip(rows["lead"], rows["member"], strict=True)
    ends = np.array([(seats[lead], seats[member]) for lead, member in pairs]).reshape(-1, 2, 2)
    width = np.minimum(rows["services"].to_numpy(np.int64), len(WIDTHS)) - 1
    return (
        link_lines(100 * ends[width == each], each).update(line={"color": LINE})
        for each in range(len(WIDTHS))
    )


def _partners(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return with whom each council shares, in words."""
    partners: defaultdict[str, list[str]] = defaultdict(list)
    for lead, member, many in rows[["lead", "member", "services"]].itertuples(index=False):
        partners[lead].append(f"leads {plain_text(member)}: {counted(many, 'service')}")
        partners[member].append(f"led by {plain_text(lead)}: {counted(many, 'service')}")
    return dict(partners)


def _nodes(
    councils: Sequence[str],
    seats: Mapping[str, FloatArray],
    group: Group,
    partners: Mapping[str, Sequence[str]],
) -> go.Scatter:
    """Return councils of one group; ``partners`` tells in words with whom each shares."""
    at = 100 * np.array([seats[council] for council in councils]).reshape(-1, 2)
    many = np.array([len(partners.get(council, ())) for council in councils])
    size = np.where(many > 0, np.clip(SMALLEST - 1.0 + many, SMALLEST, LARGEST), 4.0)
    return go.Scatter(
        x=numbers(at[:, 0]) or [None],
        y=numbers(at[:, 1]) or [None],
        mode="markers",
        name=plain_text(group.name.replace("_", " ")),
        legendgroup=group.name,
        marker={
            "symbol": group.symbol,
            "color": group.colour,
            "size": size.tolist() or 9,
            "line": {"color": PAPER, "width": 1},
        },
        text=[_words(council, group, partners.get(council, ())) for council in councils],
        customdata=list(councils),
        hovertemplate="%{text}<extra></extra>",
    )


def _words(council: str, group: Group, partners: Sequence[str]) -> str:
    lines = [f"<b>{plain_text(council)}</b>", plain_text(group.name.replace("_", " "))]
    more = ["…"] if len(partners) > MOST_TOLD else []
    return "<br>".join([*lines, *partners[:MOST_TOLD], *more])


def _bare(figure: go.Figure) -> go.Figure:
    """Take away the axes, and give the legend a place above the panels."""
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain")
    for axis, across in zip(figure.select_yaxes(), figure.select_xaxes(), strict=True):
        axis.update(scaleanchor=across.plotly_name.replace("axis", ""), constraintoward="top")
    return legend_above(figure, 58, 8).update_layout(hovermode="closest")
