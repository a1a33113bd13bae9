"""One council's story in one run, as its tables tell it, and what might have been.

Everything but the last is read off the tables that the run has kept. What might have been comes
from a second run under the same luck in which one decision goes another way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from agents.partnership import CAUSES
from agents.partnership import FELL_APART as LEFT_CODE
from agents.partnership import NO_GAIN as NO_GAIN_CODE
from experiments.otherwise import Otherwise, Turn, relive
from experiments.own_services import OwnServices
from experiments.question import Question
from experiments.runs import Failed
from experiments.witness import AS_MEMBERS_LEFT, NO_AGREEMENT
from results.store import RunDirectory, open_run
from simulation.ledger import COUNCIL_COSTS, PENCE, PURPOSES, Purpose

VOTED_FOR, VOTED_AGAINST, WALKED_AWAY = "voted for it", "voted against it", "walked away"
JOINED, WITHDREW, WAS_LEFT = (
    "entered its joint contract",
    "withdrew from it",
    "was left when it fell apart",
)
NO_CAUSE, NO_GAIN, FELL_APART = (CAUSES[one] for one in (0, NO_GAIN_CODE, LEFT_CODE))
"""Causes of decisions that tell something else: nothing, a vote against, a group's end."""


@dataclass(frozen=True)
class Portrait:
    """Who a council is, at the end; readiness in %."""

    name: str
    type: str
    region: str
    county: str
    population: float
    control: str
    readiness: float
    sharing_stage: str
    services: int
    joint_services: int
    joint_quarters: int


@dataclass(frozen=True)
class Decided:
    """A decision on a group: whose, when, what, what spoke most against, and what its case showed.

    ``gain`` is in % of annual cost, None where there was no case.
    """

    quarter: int
    council: str
    what: str
    cause: str
    gain: float | None

    @property
    def stays(self) -> bool:
        """Whether it goes on, or in."""
        return self.what in (VOTED_FOR, JOINED)


@dataclass(frozen=True)
class Vote:
    """A vote of a group."""

    quarter: int
    ayes: int
    noes: int


@dataclass(frozen=True)
class FailedTender:
    """A tender of a group that failed, and why."""

    quarter: int
    reason: str


@dataclass(frozen=True)
class Group:
    """A group to which the council belonged for a while; quarters are 0 where never.

    Attributes:
        row: row in partnerships.
        partners: the others that belonged to it when the council came in.
        leader: who brought it together.
        since, until: the council's own time in it; ``until`` is 0 while it lasts.
        shared: from when a joint contract of the group served it; None if none did.
        value: in-house cost of what it shares, £m a year.
        own: what the council decided on it.
        left: what others decided that left it meanwhile.
        joined: what others decided that entered its joint contract meanwhile.
        failed: its tenders that failed meanwhile.
        renewed: quarters in which later joint contracts of it began meanwhile.
        set_up: set-up cost that its business case reckons, £m; 0 before there is one.
        number: place of the service among the council's of that segment; 0 for the only one.
        first_value: in-house cost of what its members shared when the council came in, £m a year.
        own_value: the council's own part of that.
    """

    row: int
    segment: str
    governance: str
    leader: str
    partners: tuple[str, ...]
    since: int
    until: int
    shared: int | None
    formed: int
    stormed: int | None
    normed: int | None
    performed: int | None
    ended: int
    ended_how: str
    stage: str
    value: float
    own: tuple[Decided, ...]
    left: tuple[Decided, ...]
    joined: tuple[Decided, ...]
    votes: tuple[Vote, ...]
    failed: tuple[FailedTender, ...] = ()
    renewed: tuple[int, ...] = ()
    set_up: float = 0.0
    number: int = 0
    first_value: float = 0.0
    own_value: float = 0.0


@dataclass(frozen=True)
class Deal:
    """A contract that delivered a service of the council; ``ended`` is 0 while in force.

    Money is of the whole contract: value and price in £m a year, overrun in £m. Only ``own_value``,
    in-house cost in £m a year when it began, is of the council's own service, which is the
    ``number``th of that segment; 0 for the only one. ``councils`` is how many it then served.
    """

    start: int
    ended: int
    ended_how: str
    segment: str
    councils: int
    lead: str
    supplier: str
    supplier_type: str
    value: float
    price: float
    price_ratio: float
    events: int
    rescues: int
    disputed: bool
    cost_overrun: float
    number: int = 0
    own_value: float = 0.0

    @property
    def own_price(self) -> float:
        """What the council pays for its own service, £m a year: prices fall on members by size."""
        return self.price * self.own_value / self.value if self.value else 0.0

    @property
    def troubled(self) -> bool:
        """Whether a risk event, a dispute or a failure befell it."""
        failed = self.ended_how in ("collapsed", "supplier failed", "disputed")
        return failed or self.disputed or self.events > 0


@dataclass(frozen=True)
class Savings:
    """Money over the whole horizon, £m undiscounted.

    Attributes:
        counterfactual: in-house cost carried forward.
        saving: counterfactual and what the fund paid, less all costs.
        fund: what the fund paid.
        costs: by purpose of the ledger.
        rank: place among its type by saving as a share of counterfactual, from 1.
        of: councils of its type.
        median: of its type, % of counterfactual.
    """

    counterfactual: float
    saving: float
    fund: float
    costs: Mapping[str, float]
    rank: int
    of: int
    median: float

    @property
    def percent(self) -> float:
        """Saving in % of counterfactual."""
        return percent(self.saving, self.counterfactual)


@dataclass(frozen=True)
class Likes:
    """The other councils of its type in this run: those that ever shared a service, and the rest.

    Savings are in % of counterfactual, of each kind together; NaN where there are none.
    """

    sharing: int
    sharing_percent: float
    alone: int
    alone_percent: float


@dataclass(frozen=True)
class Story:
    """What is told of a council.

    Attributes:
        directory: where the run is kept.
        otherwise: what might have been; None where nothing that members decided could be turned.
    """

    question: Question
    directory: Path
    portrait: Portrait
    groups: tuple[Group, ...]
    deals: tuple[Deal, ...]
    savings: Savings
    likes: Likes
    otherwise: Otherwise | None


def percent(part: float, whole: float) -> float:
    """Return ``part`` in % of ``whole``; NaN where there is nothing to be part of."""
    return 100.0 * part / whole if whole else math.nan


def story_of(question: Question, directory: Path, council: int) -> Story | Failed:
    """Return the story of the council in row ``council``.

    Args:
        question: the one run that was asked.
        directory: of that run, made by ``tenderlab run``: it holds the ledger row by row.
        council: row in the register.

    Returns:
        The story; or the second run, where it went wrong.
    """
    known = _Known(open_run(directory), question, council)
    groups = tuple(known.groups())
    turn = turning_point(groups)
    otherwise = relive(question, turn, council, known.tables) if turn else None
    if isinstance(otherwise, Failed):
        return otherwise
    return Story(
        question=question,
        directory=directory,
        portrait=known.portrait(),
        groups=groups,
        deals=tuple(known.deals(groups)),
        savings=known.savings(),
        likes=known.likes(),
        otherwise=otherwise,
    )


def turning_point(groups: Sequence[Group]) -> Turn | None:
    """Return which decision is to go another way in the second run.

    The first end of a membership that members decided, if any: then they stay. Otherwise the first
    service that was shared: then the council stays out.
    """
    ended = (_undone(group) for group in groups)
    shared = (Turn("out", one.row, _entered(one), one.segment) for one in groups if _shares(one))
    return next(filter(None, ended), None) or next(shared, None)


def _undone(group: Group) -> Turn | None:
    over = group.ended == group.until > 0
    if over and group.ended_how == NO_AGREEMENT:
        return Turn("settle", group.row, group.until, group.segment)
    left = any(not one.stays and one.quarter == group.until for one in group.own)
    if group.until and (left or (over and group.ended_how in AS_MEMBERS_LEFT)):
        return Turn("stay", group.row, group.until, group.segment)
    return None


def _shares(group: Group) -> bool:
    return group.shared is not None


def _entered(group: Group) -> int:
    """Return the first quarter in which the council may leave ``group``, or does not join it."""
    if group.since > group.formed:
        return group.since
    return max((group.stormed or group.formed) + 1, 1)


class _Stored(Mapping[str, pd.DataFrame]):
    """The event tables of a run directory, each read once."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._read:
            self._read[name] = self._run.event(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.events())

    def __len__(self) -> int:
        return len(self._run.events())


class _Known:
    """What the tables of a run know of one council."""

    def __init__(self, run: RunDirectory, question: Question, council: int) -> None:
        self.tables = _Stored(run)
        self._row = council
        register = question.territory.register
        self._name = register.told_apart[council]
        self._account = f"council: {register.identity(council)}"
        grows = run.measures(run.replications)["counterfactual"][0, 0]
        self._own = OwnServices(question, grows, council)

    @property
    def _councils(self) -> pd.DataFrame:
        return self.tables["councils"]

    def portrait(self) -> Portrait:
        """Return who the council is."""
        row = self._councils.iloc[self._row]
        kept = {name: row[name] for name in _PORTRAYED}
        whole: dict[str, Any] = {name: int(row[name]) for name in _COUNTED}
        return Portrait(name=self._name, **kept, **whole)

    # Partnerships

    @cached_property
    def _members(self) -> pd.DataFrame:
        return self.tables["members"].sort_values(["since", "partnership"], kind="stable")

    @cached_property
    def _decisions(self) -> dict[int, list[Decided]]:
        """Decisions by partnership, in their order."""
        known: dict[int, list[Decided]] = {}
        for row in self.tables["decisions"].to_dict("records"):
            known.setdefault(int(row["partnership"]), []).append(_decided(row))
        return known

    def groups(self) -> Iterator[Group]:
        """Yield the groups to which the council belonged, one a spell, in their order."""
        partnerships = self.tables["partnerships"]
        mine = self._members[self._members["council"] == self._name]
        for spell in mine.to_dict("records"):
            row = int(spell["partnership"])
            yield self._group(row, spell, partnerships.iloc[row].to_dict())

    def _group(self, row: int, spell: Mapping[Any, Any], group: Mapping[Any, Any]) -> Group:
        since, until = int(spell["since"]), int(spell["until"])
        met = [one for one in self._decisions.get(row, []) if _during(one.quarter, since, until)]
        members = self._members[self._members["partnership"] == row]
        inside = (members["until"] == 0) | (members["until"] > since)
        partners = members.loc[inside & (members["since"] <= since), "council"]
        others = [one for one in met if one.council != self._name]
        reached: dict[str, Any] = {name: _quarter(group[name]) for name in _REACHED}
        began = [one for one in self._starts(row) if _during(one, since, until)]
        together = [one for one in partners if one != self._name]
        kind = self._kind_of_group(row, group)
        return Group(
            row=row,
            **{name: group[name] for name in _OF_GROUP},
            leader=members.loc[members["leads"], "council"].iloc[0],
            partners=tuple(together),
            since=since,
            until=until,
            shared=_quarter(spell["shared"]),
            formed=int(group["formed"]),
            **reached,
            ended=int(group["ended"]),
            ended_how=group["ended_how"],
            own=tuple(one for one in met if one.council == self._name),
            left=tuple(one for one in others if _leaves(one)),
            joined=tuple(one for one in others if one.what == JOINED),
            votes=tuple(_votes(met)),
            failed=tuple(one for one in self._failed(row) if _during(one.quarter, since, until)),
            renewed=tuple(one for one in began if one > (reached["performed"] or 0)),
            number=self._own.number(group["segment"], kind),
            first_value=self._own.cost(kind, [self._name, *together], since),
            own_value=self._own.cost(kind, [self._name], since),
        )

    def _contracts_of(self, row: int) -> pd.DataFrame:
        table = self.tables["contracts"]
        return table[table["partnership"] == row].sort_values("start", kind="stable")

    def _starts(self, row: int) -> list[int]:
        return [int(one) for one in self._contracts_of(row)["start"]]

    def _failed(self, row: int) -> Iterator[FailedTender]:
        tenders = self.tables["tenders"]
        failed = tenders[(tenders["partnership"] == row) & tenders["failed"].astype(bool)]
        for one in failed.to_dict("records"):
            yield FailedTender(int(one["quarter"]), str(one["reason"]))

    def _kind_of_group(self, row: int, group: Mapping[Any, Any]) -> int:
        """Return the kind of service that a group shares, by what that cost when last reckoned."""
        signed = self._contracts_of(row)
        if len(signed):
            return self._kind_of_contract(signed.iloc[-1].to_dict())
        members, formed = self._members, int(group["formed"])
        first = members[(members["partnership"] == row) & (members["since"] <= formed)]
        return self._own.kind(group["segment"], list(first["council"]), group["value"], formed)

    def _kind_of_contract(self, contract: Mapping[Any, Any]) -> int:
        served, start = self._served(contract), int(contract["start"])
        return self._own.kind(contract["segment"], served, contract["value"], start)

    def _served(self, contract: Mapping[Any, Any]) -> list[str]:
        """Return the councils that a contract served when it began."""
        start, members = int(contract["start"]), self._members
        of_group = members[members["partnership"] == contract["partnership"]]
        of_group = of_group[of_group["shared"].notna()]
        left = (of_group["until"] > 0) & (of_group["until"] <= start)
        served = of_group.loc[(of_group["shared"] <= start) & ~left, "council"]
        return list(served) or [contract["lead"]]

    # Contracts

    def deals(self, groups: Sequence[Group]) -> Iterator[Deal]:
        """Yield the contracts that delivered services of the council, by start."""
        table = self.tables["contracts"]
        own = (table["partnership"] < 0) & (table["lead"] == self._name)
        joint = table["partnership"].isin([group.row for group in groups])
        for row in table[own | joint].sort_values("start", kind="stable").to_dict("records"):
            if row["partnership"] < 0 or any(_under(row, group) for group in groups):
                yield self._deal(row)

    def _deal(self, contract: Mapping[Any, Any]) -> Deal:
        kind, start = self._kind_of_contract(contract), int(contract["start"])
        return Deal(
            **{name: contract[name] for name in _OF_DEAL},
            councils=len(self._served(contract)),
            number=self._own.number(contract["segment"], kind),
            own_value=self._own.cost(kind, [self._name], start),
        )

    # Money

    def savings(self) -> Savings:
        """Return what the council saved, and what it paid for what."""
        ledger, councils = self.tables["ledger"], self._councils
        row = councils.iloc[self._row]
        alike = councils[councils["type"] == row["type"]]
        rates = 100.0 * alike["saving_m"] / alike["counterfactual_m"]
        own = 100.0 * row["saving_m"] / row["counterfactual_m"]
        claimed = ledger[(ledger["to"] == self._account) & (ledger["purpose"] == _CLAIM)]
        return Savings(
            counterfactual=float(row["counterfactual_m"]),
            saving=float(row["saving_m"]),
            fund=int(claimed["amount"].sum()) / PENCE,
            costs=_costs(ledger[ledger["from"] == self._account]),
            rank=1 + int((rates > own).sum()),
            of=len(alike),
            median=float(rates.median()),
        )

    def likes(self) -> Likes:
        """Return how the other councils of its type fared."""
        councils = self._councils
        row = councils.iloc[self._row]
        others = councils[councils["type"] == row["type"]].drop(index=self._row)
        shares = others["joint_quarters"] > 0
        return Likes(
            sharing=int(shares.sum()),
            sharing_percent=_rate(others[shares]),
            alone=int((~shares).sum()),
            alone_percent=_rate(others[~shares]),
        )


_PORTRAYED = ("type", "region", "county", "population", "control", "readiness", "sharing_stage")
_COUNTED = ("services", "joint_services", "joint_quarters")
_REACHED = ("stormed", "normed", "performed")
_OF_GROUP = ("segment", "governance", "stage", "value", "set_up")
_RECKONED = ("councils", "number", "own_value")
_OF_DEAL = [name for name in Deal.__dataclass_fields__ if name not in _RECKONED]
_CLAIM = PURPOSES[Purpose.FUND_CLAIM]
_COSTS = [PURPOSES[one] for one in Purpose if one in COUNCIL_COSTS | {Purpose.FUND_REPAYMENT}]


def _decided(row: Mapping[Any, Any]) -> Decided:
    stage, stays, vote, cause = row["stage"], bool(row["stays"]), bool(row["vote"]), row["cause"]
    return Decided(
        int(row["quarter"]), str(row["council"]), _what(stage, stays, vote, cause), str(cause),
        float(row["gain"]) if vote else None,
    )  # fmt: skip


def _what(stage: str, stays: bool, vote: bool, cause: str) -> str:
    """Return what was decided."""
    if cause == FELL_APART:
        return WAS_LEFT
    if stage == "performing":
        return JOINED if stays else WITHDREW
    if vote:
        return VOTED_FOR if stays else VOTED_AGAINST
    return WALKED_AWAY


def _leaves(one: Decided) -> bool:
    return not one.stays and one.what != WAS_LEFT


def _during(quarter: int, since: int, until: int) -> bool:
    return since <= quarter and (until == 0 or quarter <= until)


def _votes(decisions: Sequence[Decided]) -> Iterator[Vote]:
    voted = [one for one in decisions if one.what in (VOTED_FOR, VOTED_AGAINST)]
    for quarter in sorted({one.quarter for one in voted}):
        ayes = [one.what == VOTED_FOR for one in voted if one.quarter == quarter]
        yield Vote(quarter, sum(ayes), len(ayes) - sum(ayes))


def _quarter(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _under(contract: Mapping[Any, Any], group: Group) -> bool:
    """Return whether a contract of a group served the council."""
    if contract["partnership"] != group.row or group.shared is None:
        return False
    ends, left = contract["ended"] or math.inf, group.until or math.inf
    return bool(contract["start"] < left and group.shared < ends)


def _costs(paid: pd.DataFrame) -> dict[str, float]:
    """Return what was paid by purpose, in the order of the ledger's purposes, £m."""
    pence = paid.groupby("purpose")["amount"].sum()
    return {name: int(pence[name]) / PENCE for name in _COSTS if name in pence.index}


def _rate(councils: pd.DataFrame) -> float:
    return percent(float(councils["saving_m"].sum()), float(councils["counterfactual_m"].sum()))
