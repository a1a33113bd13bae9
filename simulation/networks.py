"""Networks: who shares which service with whom, and who trusts whom, quarter by quarter.

While a model runs, its history of ties is kept: spells of membership in groups, readiness to
share, and trust. From it, or from event tables alone, comes the network of a quarter as a graph.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import combinations
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

import numpy as np
import pandas as pd

from agents.columns import NONE, BoolArray, FloatArray, IntArray, Table, flag, rows_where, whole
from simulation.errors import InputError
from simulation.needs import of_performing_group
from simulation.ties import Ties

if TYPE_CHECKING:
    import networkx

    from simulation.model import MarketModel


NEVER = -(2**62)
"""A quarter that means "never"; 0 and less are quarters before the first."""


class Spells(Table):
    """One row a spell of one service in one group, in the order in which spells began."""

    partnership: IntArray = whole("row", "group")
    service: IntArray = whole("row", "the member's service")
    since: IntArray = whole("quarter", "first at whose end it belonged; 0 or less before the first")
    until: IntArray = whole("quarter", "first at whose end it did not any more; 0 while it lasts")
    shared: IntArray = whole("quarter", "first at whose end it was shared", initial=NEVER)
    leads: BoolArray = flag("it brought the group together")


class TieHistory:
    """What is kept of ties while a model runs; the end of a quarter is what counts.

    Attributes:
        spells: spells of membership.
        readiness: councils' readiness to share, one array a quarter from 0.
    """

    def __init__(self, model: "MarketModel") -> None:
        """Keep the ties with which ``model`` was founded."""
        self.spells = Spells()
        self.readiness: list[FloatArray] = []
        self._open: IntArray = np.full(len(model.services), NONE)
        self._group: IntArray = self._open.copy()
        self._ties = model.ties
        self._logged: list[int] = []
        self.note(model)

    def note(self, model: "MarketModel") -> None:
        """Keep the ties of the quarter just simulated."""
        group, shared = standing(model)
        changed = rows_where(group != self._group)
        if len(changed):
            self._end(changed[self._group[changed] != NONE], model.quarter)
            self._begin(model, changed[group[changed] != NONE], group)
            self._group = group
        self._share(model, shared)
        self.readiness.append(model.councils.readiness.copy())
        self._logged.append(len(self._ties.log))

    def _end(self, services: IntArray, quarter: int) -> None:
        self.spells.until[self._open[services]] = quarter

    def _begin(self, model: "MarketModel", services: IntArray, group: IntArray) -> None:
        rows, groups = self.spells.extend(len(services)), group[services]
        formed = model.partnerships.formed[groups]
        spells, quarter = self.spells, model.quarter
        spells.partnership[rows], spells.service[rows] = groups, services
        spells.since[rows] = formed if quarter == 0 else quarter
        spells.leads[rows] = (formed >= quarter) | (quarter == 0)
        spells.leads[rows] &= model.partnerships.lead[groups] == services
        self._open[services] = rows

    def _share(self, model: "MarketModel", services: IntArray) -> None:
        rows = self._open[services]
        first = self.spells.shared[rows] == NEVER
        start = model.contracts.start[model.services.contract[services[first]]]
        quarter = np.minimum(start, 0) if model.quarter == 0 else model.quarter
        self.spells.shared[rows[first]] = quarter

    def trust(self, quarter: int) -> FloatArray:
        """Return earned trust between councils at the end of ``quarter``, in [-1, 1]."""
        then = Ties(len(self._ties.trust))
        for members, change in self._ties.log[: self._logged[quarter]]:
            then.add(members, change)
        return then.trust


class Standing(NamedTuple):
    """Where services stand.

    Attributes:
        group: the one group in which each is prepared or shared; NONE where it is alone.
        shared: those that a joint contract of their group delivers, apart from those of groups
            that prepare the next.
    """

    group: IntArray
    shared: IntArray


def standing(model: "MarketModel") -> Standing:
    """Return where services stand now."""
    services = model.services
    group: IntArray = services.partnership.copy()
    held = rows_where((group == NONE) & (services.contract != NONE))
    contract = services.contract[held]
    joint = of_performing_group(model, contract)
    group[held[joint]] = model.contracts.partnership[contract[joint]]
    return Standing(group, held[joint])


# --- pairs ---------------------------------------------------------------------------------------


class Shared(NamedTuple):
    """One service that two councils share.

    Attributes:
        partnership: row in partnerships.
        segment: segment of the service.
        since: quarter in which sharing began; 0 or less before the first.
        until: first quarter in which it did not last any more; 0 while it lasts.
    """

    partnership: int
    segment: str
    since: int
    until: int

    def holds(self, quarter: int) -> bool:
        """Return whether they share it at the end of ``quarter``."""
        return self.since <= quarter and (self.until == 0 or self.until > quarter)


def shared_services(members: pd.DataFrame) -> Iterator[tuple[str, str, Shared]]:
    """Yield each service that two councils ever shared, with the two names, told apart.

    Two members share from when the joint contract of their group serves both, until one of them
    leaves or the group dissolves.

    Args:
        members: the event table of one run.
    """
    served = members[members["shared"].notna()]
    for _, group in served.groupby("partnership", sort=True):
        spells = zip(*(group[name].tolist() for name in _SPELL), strict=True)
        for one, other in combinations(spells, 2):
            shared = _shared(one, other)
            if shared and one[1] != other[1]:
                yield str(one[1]), str(other[1]), shared


_SPELL = ("partnership", "council", "segment", "shared", "until")


def _shared(one: tuple[Any, ...], other: tuple[Any, ...]) -> Shared | None:
    """Return what two spells in one group have in common; None where they do not overlap."""
    since = max(one[3], other[3])
    until = min((end for end in (one[4], other[4]) if end), default=0)
    if until and until <= since:
        return None
    return Shared(int(one[0]), str(one[2]), int(since), int(until))


# --- graphs --------------------------------------------------------------------------------------


def sharing_network(
    tables: Mapping[str, pd.DataFrame], quarter: int | None = None
) -> "networkx.Graph[str]":
    """Return the network of shared services at the end of ``quarter``, from event tables alone.

    Nodes are councils by name, told apart where a name stands twice; their attributes are columns
    of the table ``councils``. An edge joins two councils that share a service; its attribute
    ``shares`` lists each as `Shared`, ``services`` counts them.

    Args:
        tables: event tables of one run: ``councils`` and ``members``.
        quarter: 0 for the start; the last that is known where absent.
    """
    import networkx

    graph: networkx.Graph[str] = networkx.Graph(quarter=quarter)
    graph.add_nodes_from(_nodes(tables["councils"]))
    for one, other, shared in shared_services(tables["members"]):
        if shared.until == 0 if quarter is None else shared.holds(quarter):
            known = graph.get_edge_data(one, other, {"shares": ()})["shares"]
            graph.add_edge(one, other, shares=(*known, shared), services=len(known) + 1)
    return graph


NODE_COLUMNS = (
    "name",
    "type",
    "region",
    "county",
    "latitude",
    "longitude",
    "population",
    "readiness",
)
"""Columns of councils that are attributes of nodes."""


def _nodes(councils: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = councils[list(NODE_COLUMNS)].to_dict("records")
    for name, row in zip(told_apart(councils), rows, strict=True):
        yield name, {str(column): value for column, value in row.items()}


def told_apart(councils: pd.DataFrame) -> list[str]:
    """Return the names of a table of councils, with the type where a name stands twice."""
    pairs = [(str(name), str(kind)) for name, kind in councils[["name", "type"]].to_numpy()]
    many = Counter(name for name, _ in pairs)
    return [f"{name} ({kind})" if many[name] > 1 else name for name, kind in pairs]


def network(model: "MarketModel", quarter: SupportsIndex | None = None) -> "networkx.Graph[str]":
    """Return the network of ties at the end of ``quarter``: services shared, and trust.

    It is `sharing_network` with councils' readiness (%) of that quarter, and with the trust that
    earlier groups earned or lost, in [-1, 1], as the attribute ``trust`` of edges. Councils that
    share nothing have an edge where trust is not 0; its ``shares`` is empty and ``services`` 0.

    Args:
        model: a model; where it stands does not matter.
        quarter: 0 for the start; the last simulated where absent.

    Raises:
        InputError: ``quarter`` is not one of those simulated.
    """
    quarter = model.quarter if quarter is None else _known(quarter, model.quarter)
    tables = {name: model.tables[name] for name in ("councils", "members")}
    history, names = model.tie_history, model.register.told_apart
    tables["councils"]["readiness"] = 100.0 * history.readiness[quarter]
    graph = sharing_network(tables, quarter)
    for one, other, trust in _trusting(history.trust(quarter)):
        known = graph.get_edge_data(names[one], names[other], {"shares": (), "services": 0})
        graph.add_edge(names[one], names[other], **{**known, "trust": trust})
    for _, _, tie in graph.edges(data=True):
        tie.setdefault("trust", 0.0)
    return graph


def _trusting(trust: FloatArray) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs between which there is trust or distrust."""
    one, other = np.nonzero(np.triu(trust, 1))
    yield from zip(one.tolist(), other.tolist(), trust[one, other].tolist(), strict=True)


def _known(quarter: SupportsIndex, last: int) -> int:
    with suppress(TypeError):
        if not isinstance(quarter, bool) and 0 <= (known := index(quarter)) <= last:
            return known
    raise InputError(f"quarter = {quarter!r}: must be a whole number from 0 to {last}")
