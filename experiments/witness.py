"""A witness: steps a model and tells what was decided in each quarter.

Everything is read from the model's columns, ledger and log of tenders before and after a step;
nothing in the model knows of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.columns import NONE, IntArray
from agents.governance import GOVERNANCE
from agents.partnership import CAUSES, ENDED_HOW, FELL_APART, Stage
from experiments.decisions import Decision
from results.words import counted, listed, pounds
from simulation.contracts import Ended
from simulation.ledger import Account, Purpose
from simulation.segments import RISKS, SEGMENTS
from simulation.tendering import REASONS

if TYPE_CHECKING:
    from simulation.model import MarketModel

NO_AGREEMENT = "no agreement"
ROUTE_ENDS = ("no business case", "no cash")
"""Why groups give up on the route to market."""
BY_OTHERS = ("", NO_AGREEMENT, *ROUTE_ENDS, "tender failed", "collapsed")
AS_MEMBERS_LEFT = tuple(how for how in ENDED_HOW if how not in BY_OTHERS)
"""Why groups end because of what their members decide one by one."""

EARLY = (Ended.COLLAPSED, Ended.SUPPLIER_FAILED, Ended.DISPUTED)


class Gathering(NamedTuple):
    """A group as it stood before a quarter: leading service, when it formed, its services."""

    lead: int
    formed: int
    services: tuple[int, ...]


class Called(NamedTuple):
    """A tender of the quarter: its leading service, its group or NONE, and its place in the log."""

    lead: int
    group: int
    place: int
    services: tuple[int, ...]


class Witness:
    """Steps one model, quarter by quarter, and tells what was decided."""

    def __init__(self, model: MarketModel) -> None:
        """Watch ``model``, which nobody else may step."""
        self.model = model
        self._councils = model.register.told_apart
        self._council_of: list[int] = model.services.council.tolist()
        self._baseline: list[float] = model.services.baseline.tolist()
        self._named: dict[int, str] = {}
        self._services_of: dict[tuple[int, int], list[int]] = {}
        services = model.services
        pairs = zip(services.council.tolist(), services.segment.tolist(), strict=True)
        for row, pair in enumerate(pairs):
            self._services_of.setdefault(pair, []).append(row)

    def step(self) -> list[Decision]:
        """Simulate a quarter and return its decisions."""
        before = _Before(self.model)
        self.model.step()
        return list(_Quarter(self, before).decisions())

    # What things are called

    def council(self, service: int) -> int:
        """Return the row of the council that runs ``service``."""
        return self._council_of[service]

    def council_name(self, service: int) -> str:
        """Return the name of the council that runs ``service``."""
        return self._councils[self.council(service)]

    def matter(self, service: int) -> str:
        """Return what ``service`` is, without its council."""
        services = self.model.services
        segment = SEGMENTS[int(services.segment[service])]
        alike = self._services_of[self.council(service), int(services.segment[service])]
        number = f" no. {alike.index(service) + 1}" if len(alike) > 1 else ""
        return f"{segment.title[0].lower()}{segment.title[1:]}{number}"

    def named(self, service: int) -> str:
        """Return council and service."""
        if service not in self._named:
            self._named[service] = f"{self.council_name(service)}'s {self.matter(service)}"
        return self._named[service]

    def size(self, services: Iterable[int]) -> float:
        """Return what ``services`` cost in house now, £m a year."""
        return sum(map(self._baseline.__getitem__, services)) * self.model.index

    def supplier_name(self, supplier: int) -> str:
        """Return the invented name of ``supplier``."""
        return self.model.supplier_names[supplier]

    def alone(self, council: int, segment: int, value: float) -> int:
        """Return the service of ``council`` in ``segment`` that costs ``value`` in house now."""
        cost = self.model.services.baseline * self.model.index
        rows = self._services_of[council, segment]
        return min(rows, key=lambda row: abs(float(cost[row]) - value))


class _Before:
    """What must be kept of a model to tell, after a step, what it changed."""

    def __init__(self, model: MarketModel) -> None:
        services, contracts = model.services, model.contracts
        self.contract = services.contract.copy()
        self.partnership = services.partnership.copy()
        self.live = contracts.live.copy()
        self.disputed = contracts.disputed.copy()
        self.active = model.suppliers.active.copy()
        self.claims = len(model.claims)
        self.ballots = len(model.ballots)
        self.groups = dict(self._groups(model))

    def _groups(self, model: MarketModel) -> Iterator[tuple[int, Gathering]]:
        """Yield the groups that stand, by row."""
        groups = model.partnerships
        for row in np.flatnonzero(groups.stage != Stage.DISSOLVED).tolist():
            members = self.partnership == row
            if groups.stage[row] == Stage.PERFORMING:
                members |= self.contract == groups.contract[row]
            yield row, Gathering(int(groups.lead[row]), int(groups.formed[row]), _rows(members))


def _rows(holds: Any) -> tuple[int, ...]:
    return tuple(np.flatnonzero(holds).tolist())


_AS_MEMBER: Mapping[str, tuple[tuple[str, ...], str]] = {
    "withdraw": (("withdrew from",), "did not withdraw"),
    "walk away": (("walked away from",), "did not walk away"),
    "vote": (("voted against the case of", "voted for the case of"), "did not vote"),
    "join": (("joined the joint contract of",), "did not join a joint contract"),
}
"""What a member did, in words, by whether it stays in where that is open; and if it did not."""


def _kind_of_ballot(stage: int, stays: bool, vote: bool) -> str:
    """Return as which kind of decision a member's ballot counts."""
    if stage == Stage.PERFORMING:
        return "join" if stays else "withdraw"
    return "vote" if vote else "walk away"


class _Quarter:
    """The quarter that a model has just been through."""

    def __init__(self, witness: Witness, before: _Before) -> None:
        self.witness = witness
        self.model = witness.model
        self.before = before
        self.quarter = witness.model.quarter
        self.log: Mapping[str, Any] = witness.model.tender_log[-1]

    def decisions(self) -> Iterator[Decision]:
        """Yield what was decided, by phase."""
        yield from self._needs()
        yield from self._members()
        yield from self._settled()
        yield from self._fell_apart()
        yield from self._groups_formed()
        yield from self._routes()
        yield from self._tenders()
        yield from self._contracts()
        yield from self._suppliers()

    # Needs and partnering

    @cached_property
    def _fresh(self) -> dict[int, tuple[int, ...]]:
        """Groups that began to form this quarter, with their services."""
        groups, services = self.model.partnerships, self.model.services
        rows = np.flatnonzero(groups.formed == self.quarter).tolist()
        return {row: _rows(services.partnership == row) for row in rows}

    @cached_property
    def _needy(self) -> tuple[int, ...]:
        """Services whose need came up this quarter."""
        return _rows(self.model.services.came_up == self.quarter)

    def _needs(self) -> Iterator[Decision]:
        for service in self._needy:
            yield self._of_service("need", service, True, "came up", "did not come up")

    def _of_service(
        self, kind: str, service: int, value: Hashable, told: str, otherwise: str
    ) -> Decision:
        council = frozenset({self.witness.council(service)})
        subject, size = self.witness.named(service), self.witness.size([service])
        return Decision(kind, (service,), value, council, subject, told, otherwise, size)

    def _councils_of(self, services: Iterable[int]) -> frozenset[int]:
        return frozenset(map(self.witness.council, services))

    def _groups_formed(self) -> Iterator[Decision]:
        for row, members in self._fresh.items():
            lead, name = int(self.model.partnerships.lead[row]), self.witness.council_name
            others = [name(one) for one in members if one != lead]
            matter = self.witness.matter(lead)
            yield Decision(
                kind="group",
                about=(lead,),
                value=members,
                councils=self._councils_of(members),
                subject=name(lead),
                told=f"formed a group for {matter} with {listed(others)}",
                otherwise=f"formed no group for {matter}",
                size=self.witness.size(members),
            )

    # What members and groups decide

    def _members(self) -> Iterator[Decision]:
        """Yield what members decided one by one: to go, to vote for or against, to join."""
        ballots = self.model.ballots
        for row in range(self.before.ballots, len(ballots)):
            cause, stays = int(ballots.cause[row]), bool(ballots.stays[row])
            if cause != FELL_APART:
                kind = _kind_of_ballot(int(ballots.stage[row]), stays, bool(ballots.vote[row]))
                group = self.before.groups[int(ballots.partnership[row])]
                yield self._of_member(kind, int(ballots.service[row]), group, stays, cause)

    def _of_member(
        self, kind: str, service: int, group: Gathering, stays: bool, cause: int
    ) -> Decision:
        did, otherwise = _AS_MEMBER[kind]
        told = did[stays] if kind == "vote" else did[0]
        why = f" ({CAUSES[cause]})" if kind != "join" and cause else ""
        return Decision(
            kind=kind,
            about=(service,),
            value=stays,
            councils=self._councils_of((service, *group.services)),
            subject=self.witness.named(service),
            told=f"{told} {self._group_of(service, group)}{why}",
            otherwise=otherwise,
            size=self.witness.size([service]),
            counts=kind != "vote" or not stays,
        )

    def _group_of(self, service: int, group: Gathering) -> str:
        """Return a group as one of its members would call it."""
        if service == group.lead:
            return "the group that it leads"
        return f"the group that {self.witness.council_name(group.lead)} leads"

    def _settled(self) -> Iterator[Decision]:
        """Yield which groups that were at odds settled, and under what model, or gave up."""
        groups = self.model.partnerships
        for row, group in self.before.groups.items():
            if groups.normed[row] == self.quarter:
                model = GOVERNANCE[int(groups.governance[row])]
                told = f"settled its differences, to share as: {model.title.lower()}"
                yield self._of_group("settle", group, model.name, told, "did not settle")
            elif self._dissolved(row) == NO_AGREEMENT:
                told = "gave up without agreement"
                yield self._of_group("settle", group, NO_AGREEMENT, told, "did not give up")

    def _fell_apart(self) -> Iterator[Decision]:
        for row, group in self.before.groups.items():
            if (why := self._dissolved(row)) in AS_MEMBERS_LEFT:
                told, otherwise = f"fell apart: {why}", "did not fall apart"
                yield self._of_group("fell apart", group, why, told, otherwise)

    def _of_group(
        self, kind: str, group: Gathering, value: Hashable, told: str, otherwise: str
    ) -> Decision:
        return Decision(
            kind=kind,
            about=(group.lead, group.formed),
            value=value,
            councils=self._councils_of(group.services),
            subject=self._group_name(group),
            told=told,
            otherwise=otherwise,
            size=self.witness.size(group.services),
        )

    def _group_name(self, group: Gathering) -> str:
        lead = group.lead
        name = self.witness.council_name(lead)
        return f"the group that {name} leads for {self.witness.matter(lead)}"

    def _dissolved(self, row: int) -> str:
        """Return why the group ``row`` was dissolved this quarter; empty where it was not."""
        groups = self.model.partnerships
        now = groups.ended[row] == self.quarter and groups.stage[row] == Stage.DISSOLVED
        return ENDED_HOW[int(groups.ended_how[row])] if now else ""

    # The route to market

    def _routes(self) -> Iterator[Decision]:
        for service in self._untendered:
            held = int(self.before.contract[service])
            if held == NONE:
                told = f"was given up for want of {self._missing}"
                yield self._of_service("given up", service, True, told, "was not given up")
            elif self.model.services.contract[service] == NONE:
                told = "was taken back in house"
                yield self._of_service("taken back", service, True, told, "was not taken back")
        for row, group in self.before.groups.items():
            if (why := self._dissolved(row)) in ROUTE_ENDS:
                told = f"gave up: {why}{self._to_set_up(row)}"
                yield self._of_group("given up", group, why, told, "did not give up")

    def _to_set_up(self, row: int) -> str:
        """Say what the project of the group ``row`` would cost to set up, where it was reckoned."""
        cost = float(self.model.partnerships.set_up[row])
        return f" ({pounds(cost)} to set up)" if cost else ""

    @cached_property
    def _untendered(self) -> tuple[int, ...]:
        """Services with a need of their own that neither went to the market nor joined others."""
        services, ballots = self.model.services, self.model.ballots
        tendered = {one for call in self._called for one in call.services}
        free = [one for one in self._needy if services.partnership[one] == NONE]
        grouped = {one for group in self.before.groups.values() for one in group.services}
        decided = set(ballots.service[self.before.ballots :].tolist())
        elsewhere = tendered | grouped | decided
        return tuple(one for one in free if one not in elsewhere)

    @cached_property
    def _missing(self) -> str:
        """What projects that councils gave up alone this quarter did not have."""
        alone = [one for one in self._untendered if self.before.contract[one] == NONE]
        groups = sum(self._dissolved(row) == "no cash" for row in self.before.groups)
        unpaid = int(self.model.measured["projects_unfunded"]) - groups
        if not unpaid:
            return "a business case"
        return "cash" if unpaid == len(alone) else "a business case or of cash"

    # Tendering

    @cached_property
    def _called(self) -> list[Called]:
        """The quarter's tenders."""
        columns = (self.log[name].tolist() for name in ("lead", "segment", "annual_value"))
        groups = self.log["partnership"].tolist()
        calls = []
        for place, (group, *alone) in enumerate(zip(groups, *columns, strict=True)):
            if group == NONE:
                lead = self.witness.alone(*alone)
                calls.append(Called(lead, NONE, place, (lead,)))
            else:
                lead = int(self.model.partnerships.lead[group])  # the first may have walked away
                calls.append(Called(lead, group, place, self.before.groups[group].services))
        return calls

    def _tenders(self) -> Iterator[Decision]:
        for call, bidders in zip(self._called, self._bidders(), strict=True):
            held = self._held(call)
            yield held
            yield from self._set_up(call, held)
            yield self._who_bid(bidders, held)
            yield from self._award(call, held)

    def _held(self, call: Called) -> Decision:
        number, worth = (self.log[name][call.place] for name in ("councils", "annual_value"))
        others = int(number) - 1
        who = f"with {others} other{'s' * (others > 1)}" if others else "alone"
        return Decision(
            kind="tender",
            about=(call.lead,),
            value=(int(number), float(worth)),
            councils=self._councils_of(call.services),
            subject=f"the tender for {self.witness.named(call.lead)}",
            told=f"was held {who}, {pounds(float(worth))} a year in house",
            otherwise="was not held",
            size=self.witness.size(call.services),
        )

    def _set_up(self, call: Called, held: Decision) -> Iterator[Decision]:
        """Yield whether the fund or the supplier paid for set-up; only what is signed can tell."""
        contract = self._signed.get((call.lead if call.group == NONE else NONE, call.group))
        subject = f"the set-up of {self.witness.named(call.lead)}"
        for kind, paid_by, yes, no in (
            ("fund", self._claimed, "drew on the fund", "did not draw on the fund"),
            ("supplier", self._funded, "was paid by the supplier", "was not paid by the supplier"),
        ):
            if contract is None:
                yield Decision(kind, held.about, None, held.councils, subject, "", no, counts=False)
            elif contract in paid_by:
                yield Decision(kind, held.about, True, held.councils, subject, yes, no, held.size)

    @cached_property
    def _signed(self) -> dict[tuple[int, int], int]:
        """The quarter's contracts, by leading service where signed alone, or by group."""
        contracts = self.model.contracts
        rows = np.flatnonzero(contracts.start == self.quarter)
        lead = np.where(contracts.partnership[rows] == NONE, contracts.lead[rows], NONE)
        keys = zip(lead.tolist(), contracts.partnership[rows].tolist(), strict=True)
        return dict(zip(keys, rows.tolist(), strict=True))

    @cached_property
    def _claimed(self) -> set[int]:
        """Contracts for whose projects the fund granted claims this quarter."""
        return set(self.model.claims.contract[self.before.claims :].tolist())

    @cached_property
    def _funded(self) -> set[int]:
        """Contracts whose suppliers pay the set-up."""
        return set(np.flatnonzero(self.model.contracts.funded > 0).tolist())

    def _who_bid(self, bidders: IntArray | None, held: Decision) -> Decision:
        if bidders is None:
            return replace(held, kind="bidders", value=None)
        keys = self.model.suppliers.key[bidders].tolist()
        known = sorted(zip(keys, map(self.witness.supplier_name, bidders.tolist()), strict=True))
        return Decision(
            "bidders",
            held.about,
            tuple(key for key, _ in known),
            held.councils,
            held.subject,
            f"drew {counted(len(known), 'bid')}",
            held.otherwise,
            held.size,
            names=tuple(name for _, name in known),
        )

    def _bidders(self) -> Iterator[IntArray | None]:
        """Yield who paid for a bid for each tender; None where the ledger does not tell."""
        first = len(Account) + len(self.model.councils)
        paid = [one for one in self.model.ledger.this_quarter() if one.purpose == Purpose.BIDDING]
        payers = np.concatenate([one.source for one in paid]) - first if paid else np.zeros(0, int)
        made = self.log["submitted"]
        told = int(made.sum()) == len(payers)
        for start, stop in zip(np.cumsum(made) - made, np.cumsum(made), strict=True):
            yield payers[start:stop] if told else None

    def _award(self, call: Called, held: Decision) -> Iterator[Decision]:
        winner = int(self.log["winner"][call.place])
        rest = held.councils, held.subject
        if winner == NONE:
            why = f"failed: {REASONS[int(self.log['reason'][call.place])]}"
            yield Decision("award", held.about, why, *rest, why, held.otherwise, held.size)
            return
        key, price = int(self.model.suppliers.key[winner]), float(self.log["price"][call.place])
        won = f"was won by {self.witness.supplier_name(winner)}"
        yield Decision("award", held.about, key, *rest, won, held.otherwise, held.size)
        about, paid = (*held.about, key), pounds(price)
        won = f"{won} at {paid} a year"
        yield Decision("price", about, paid, *rest, won, held.otherwise, held.size)

    # Delivery

    def _contracts(self) -> Iterator[Decision]:
        contracts = self.model.contracts
        struck = (contracts.event_quarter == self.quarter) & self._in_force[:, None]
        for contract in np.flatnonzero(struck.any(axis=1)).tolist():
            risks = tuple(np.flatnonzero(struck[contract]).tolist())
            told = f"was struck by a {listed([RISKS[risk] for risk in risks])} event"
            yield self._of_contract("event", contract, risks, told, "was struck by no event")
        fresh = np.zeros(len(contracts), dtype=bool)
        fresh[: len(self.before.disputed)] = self.before.disputed
        for contract in np.flatnonzero(contracts.disputed & ~fresh).tolist():
            yield self._of_contract("dispute", contract, True, "was disputed", "was not disputed")
        for contract in self._ended(EARLY):
            how = Ended(int(contracts.ended_how[contract]))
            told = f"ended early: {how.name.lower().replace('_', ' ')}"
            yield self._of_contract("collapse", contract, int(how), told, "did not end early")

    @cached_property
    def _in_force(self) -> Any:
        """Which contracts were in force when this quarter's events struck."""
        contracts = self.model.contracts
        there = contracts.start == self.quarter
        there[: len(self.before.live)] = self.before.live
        released = [int(how) for how in Ended if how not in EARLY]
        gone = (contracts.ended == self.quarter) & np.isin(contracts.ended_how, released)
        return there & ~gone

    def _ended(self, hows: Sequence[Ended]) -> list[int]:
        contracts = self.model.contracts
        ended = contracts.ended == self.quarter
        return np.flatnonzero(ended & np.isin(contracts.ended_how, list(hows))).tolist()

    def _of_contract(
        self, kind: str, contract: int, value: Hashable, told: str, otherwise: str
    ) -> Decision:
        contracts, lead = self.model.contracts, int(self.model.contracts.lead[contract])
        return Decision(
            kind=kind,
            about=(lead, int(contracts.start[contract])),
            value=value,
            councils=self._councils_of((lead, *self._delivered(contract))),
            subject=f"the contract for {self.witness.named(lead)}",
            told=told,
            otherwise=otherwise,
            size=float(contracts.value[contract]),
        )

    def _delivered(self, contract: int) -> tuple[int, ...]:
        """Return the services that ``contract`` delivered before or after the quarter."""
        now = self.model.services.contract
        return _rows((self.before.contract == contract) | (now == contract))

    # The market

    def _suppliers(self) -> Iterator[Decision]:
        suppliers = self.model.suppliers
        was = np.zeros(len(suppliers), dtype=bool)
        was[: len(self.before.active)] = self.before.active
        gone = was & ~suppliers.active
        for kind, holds, told, otherwise in (
            ("failure", gone & suppliers.failed, "ran out of capital", "did not fail"),
            ("exit", gone & ~suppliers.failed, "left for want of wins", "did not leave"),
            ("entry", suppliers.entered == self.quarter, "entered", "did not enter"),
        ):
            for row in np.flatnonzero(holds).tolist():
                yield self._of_supplier(kind, row, told, otherwise)

    def _of_supplier(self, kind: str, row: int, told: str, otherwise: str) -> Decision:
        suppliers = self.model.suppliers
        theirs = np.flatnonzero(self.model.contracts.supplier == row)
        served = _rows(np.isin(self.before.contract, theirs)) if len(theirs) else ()
        large = "large supplier" if suppliers.large[row] else "SME"
        return Decision(
            kind=kind,
            about=(int(suppliers.key[row]),),
            value=True,
            councils=self._councils_of(served),
            subject=f"{self.witness.supplier_name(row)} ({large})",
            told=told,
            otherwise=otherwise,
            size=float(suppliers.outside_turnover[row]),
        )
