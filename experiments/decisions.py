"""What was decided in a quarter of a run, told apart so that two runs can be laid side by side.

A decision is known by what it is about, in terms that hold in any run of the same councils: rows of
services, which no policy changes, and the keys of suppliers.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    pass


class Kind(NamedTuple):
    """A kind of decisions: its phase of a quarter, its name in the plural.

    Attributes:
        phase: phase of a quarter.
        title: name in the plural.
        paired: only decisions that both runs met are compared.
    """

    phase: str
    title: str
    paired: bool = False


KINDS: Mapping[str, Kind] = {
    "withdraw": Kind("membership", "members that withdrew from a joint contract"),
    "need": Kind("needs", "needs that came up"),
    "walk away": Kind("partnering", "members that walked away from a group"),
    "settle": Kind("partnering", "groups that settled their differences, or gave up"),
    "vote": Kind("partnering", "members that voted against"),
    "fell apart": Kind("partnering", "groups that fell apart as members left"),
    "group": Kind("partnering", "groups formed"),
    "join": Kind("route to market", "services that joined a joint contract"),
    "taken back": Kind("route to market", "services taken back in house"),
    "given up": Kind("route to market", "projects given up for want of a case or of cash"),
    "tender": Kind("route to market", "tenders"),
    "fund": Kind("route to market", "projects set up with money from the fund"),
    "supplier": Kind("route to market", "projects set up with money from the supplier"),
    "bidders": Kind("tendering", "tenders with other bidders", paired=True),
    "award": Kind("tendering", "tenders with another winner", paired=True),
    "price": Kind("tendering", "awards to the same winner, £1 a year or more apart", paired=True),
    "event": Kind("delivery", "contracts struck by risk events"),
    "dispute": Kind("delivery", "contracts disputed"),
    "collapse": Kind("delivery", "contracts that ended early"),
    "failure": Kind("market", "suppliers that failed"),
    "exit": Kind("market", "suppliers that left"),
    "entry": Kind("market", "suppliers that entered"),
}
"""Kinds of decisions in the order of a quarter."""

ORDER: Mapping[str, int] = {kind: place for place, kind in enumerate(KINDS)}


@dataclass(slots=True)
class Decision:
    """One decision of one run.

    Attributes:
        kind: key of `KINDS`.
        about: what it is about, the same in any run.
        value: what was decided; None where it cannot be told, and then it never differs.
        councils: rows of the councils that it concerns.
        subject: what it is about, in words.
        told: what was decided, in words that go on from ``subject``.
        otherwise: the words where the other run has no such decision.
        size: £m a year at stake, by which decisions of a kind are ranked.
        counts: whether it is one of what the kind's title says; what is not, as a vote in favour,
            goes another way only where both runs have it.
        names: what the members of ``value`` are called, in their order, where they have names.
    """

    kind: str
    about: tuple[Hashable, ...]
    value: Hashable
    councils: frozenset[int]
    subject: str
    told: str
    otherwise: str
    size: float = 0.0
    counts: bool = True
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parting:
    """A decision that went another way: as it was in either run, None where there was none."""

    quarter: int
    kind: str
    ours: Decision | None
    theirs: Decision | None

    @property
    def either(self) -> Decision:
        """One of the two decisions, ours where there is one."""
        one = self.ours or self.theirs
        assert one is not None
        return one

    @property
    def councils(self) -> frozenset[int]:
        """Rows of the councils that it concerns in either run."""
        return frozenset().union(*(one.councils for one in (self.ours, self.theirs) if one))


def partings(quarter: int, ours: Iterable[Decision], theirs: Iterable[Decision]) -> list[Parting]:
    """Return the decisions of a quarter that went another way, in its order, the largest first."""
    mine = {(one.kind, one.about): one for one in ours}
    other = {(one.kind, one.about): one for one in theirs}
    found = [
        Parting(quarter, key[0], mine.get(key), other.get(key))
        for key in mine.keys() | other.keys()
        if _differ(key[0], mine.get(key), other.get(key))
    ]
    return sorted(found, key=lambda one: (ORDER[one.kind], -one.either.size, one.either.about))


def _differ(kind: str, ours: Decision | None, theirs: Decision | None) -> bool:
    if any(one is not None and one.value is None for one in (ours, theirs)):
        return False
    if ours is not None and theirs is not None:
        return ours.value != theirs.value
    alone = ours or theirs
    return alone is not None and alone.counts and not KINDS[kind].paired
