"""Phase 4, route to market: stay in house, buy alone or buy jointly, and with what cash."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, rows_where
from agents.compiled import compiled
from agents.government import PRIORITIES
from simulation.business_case import Case, assess, set_up_shares
from simulation.contracts import Ended, sum_by
from simulation.ending import release
from simulation.ledger import PENCE, Account, to_pence
from simulation.membership import join
from simulation.partnering import Group, dissolve
from simulation.requirements import Requirements, gather
from simulation.segments import segment_table, tender_quarters

if TYPE_CHECKING:
    from simulation.model import MarketModel


PROJECT_RETRY = 8
"""Quarters after which a project that was given up comes up again."""

SOONEST_RETRY = 2
"""Fewest quarters before a tender that failed is repeated."""


class SetUp(NamedTuple):
    """How the members of one tender would pay for setting it up, in pence a member.

    Attributes:
        council: members.
        service: their services.
        cost: what each pays, with what the fund and a loan give it.
        from_fund: part of it that the fund pays.
        from_loan: part of it that is borrowed.
        ceiling: highest price that the business case bears, £m a year.
        expected: price that it expects, £m a year.
        funded: set-up cost that the supplier is to pay instead, £m.
        deadweight: the fund pays although the members had the cash.
    """

    council: list[int]
    service: list[int]
    cost: list[int]
    from_fund: list[int]
    from_loan: list[int]
    ceiling: float
    expected: float
    funded: float
    deadweight: bool


class Plan(NamedTuple):
    """The quarter's tenders, and the set-up of those that are projects, by tender."""

    requirements: Requirements
    set_up: dict[int, SetUp]


class Projects(NamedTuple):
    """Candidates for set-up money, one entry a project; members' entries project by project.

    Attributes:
        place: its place among the quarter's needs.
        first: where its members begin; one entry more marks the end.
        council: members.
        service: their services.
        share: what it costs each member, pence.
        claim: what the fund may pay of that, pence.
        saving: what it is expected to save, £m a year.
        ceiling: highest price that its business case bears, £m a year.
        bare: the same where a supplier pays the set-up.
        expected: price that it expects, £m a year.
        supplier_pays: a supplier would pay the set-up where cash lacks.
        population: mean number of residents of its members.
        fund_first: it draws on the fund before its own cash.
        turn: a draw that decides between equal claims.
    """

    place: IntArray
    first: IntArray
    council: IntArray
    service: IntArray
    share: IntArray
    claim: IntArray
    saving: FloatArray
    ceiling: FloatArray
    bare: FloatArray
    expected: FloatArray
    supplier_pays: BoolArray
    population: FloatArray
    fund_first: BoolArray
    turn: FloatArray


class Cash(NamedTuple):
    """What councils can find themselves this quarter, in pence, less what is already planned."""

    reserves: IntArray
    credit: IntArray


class Funding(NamedTuple):
    """How projects are paid, one entry a project; loans and claims one a member, pence."""

    paid: BoolArray
    from_fund: IntArray
    from_loan: IntArray
    deadweight: BoolArray


def choose(model: "MarketModel", alone: IntArray, groups: list[Group]) -> Plan:
    """Decide how each need is met, and return what goes to the market."""
    alone = alone[~_taken_back(model, alone)]
    alone = join(model, alone)
    needs = Needs(alone, groups)
    paid = _finance_projects(model, needs)
    kept = np.ones(len(needs), dtype=bool)
    kept[[place for place, plan in paid.items() if plan is None]] = False
    tender, service = needs.members(rows_where(kept))
    requirements = gather(model, tender, service, needs.group[kept])
    number = (np.cumsum(kept) - 1).tolist()
    set_up = {number[place]: plan for place, plan in paid.items() if plan}
    for tender, plan in set_up.items():
        requirements.ceiling[tender] = plan.ceiling
        requirements.expected[tender] = plan.expected
        requirements.funded[tender] = plan.funded
    return Plan(requirements, set_up)


class Needs:
    """The needs of a quarter: services that are met alone, then groups; a place numbers both."""

    def __init__(self, alone: IntArray, groups: list[Group]) -> None:
        """Keep services ``alone`` and ``groups``."""
        self._service = np.concatenate([alone, *(one.services for one in groups)])
        sizes = [1] * len(alone) + [len(one.services) for one in groups]
        self._size = np.array(sizes, dtype=np.int64)
        self._first = np.cumsum(self._size) - self._size
        self.lead: IntArray = self._service[self._first]
        self.group: IntArray = np.full(len(self.lead), NONE, dtype=np.int64)
        self.group[len(alone) :] = [one.partnership for one in groups]

    def __len__(self) -> int:
        return len(self.lead)

    def members(self, places: IntArray) -> tuple[IntArray, IntArray]:
        """Return the services of the needs at ``places``, each need's leader first.

        Returns:
            To which of ``places`` each entry belongs, and its service.
        """
        return _listed(places, self._first, self._size, self._service)


@compiled
def _listed(
    places: IntArray, first: IntArray, size: IntArray, service: IntArray
) -> tuple[IntArray, IntArray]:
    """Return the entries of ``service`` that belong to ``places``, and to which each belongs."""
    total = size[places].sum()
    whose, members = np.empty(total, dtype=np.int64), np.empty(total, dtype=np.int64)
    count = 0
    for place in range(len(places)):
        for member in range(size[places[place]]):
            whose[count] = place
            members[count] = service[first[places[place]] + member]
            count += 1
    return whose, members


def _taken_back(model: "MarketModel", alone: IntArray) -> BoolArray:
    """Take services back in house whose last price was above in-house cost, as chance has it."""
    services, contracts = model.services, model.contracts
    contract = services.contract[alone]
    held = contract != NONE
    dear = np.zeros(len(alone), dtype=bool)
    dear[held] = contracts.price_ratio[contract[held]] > 1.0
    key = services.key[alone], services.ordinal[alone]
    back = dear & model.draws.happens("take back", model.assumptions.renewal_in_house, *key)
    back &= segment_table().in_house_share[services.segment[alone]] > 0
    release(model, alone[back], Ended.COMPLETED)
    return back


# --- cash for projects ---------------------------------------------------------------------------


def _finance_projects(model: "MarketModel", needs: Needs) -> dict[int, SetUp | None]:
    """Return each project's set-up by place; None where it is given up and must not be tendered."""
    places = _need_set_up(model, needs)
    case = assess(model, *needs.members(places), needs.group[places])
    viable = case.viable
    _give_up(model, needs, places[~viable], "no business case")
    outcome: dict[int, SetUp | None] = dict.fromkeys(places[~viable].tolist())
    projects = _projects(model, needs, places[viable], Case(*(one[viable] for one in case)))
    model.tally["projects_viable"] += len(projects.place)
    return outcome | _find_cash(model, needs, projects)


def _need_set_up(model: "MarketModel", needs: Needs) -> IntArray:
    """Return the places of needs to be set up: new groups, and programmes that leave the house."""
    services, contracts = model.services, model.contracts
    contract = services.contract[needs.lead]
    at_home = contract == NONE
    programme = at_home & segment_table().programme[services.segment[needs.lead]]
    renewed = np.zeros(len(needs), dtype=bool)
    renewed[~at_home] = contracts.partnership[contract[~at_home]] == needs.group[~at_home]
    return rows_where(np.where(needs.group != NONE, ~renewed, programme))


def _projects(model: "MarketModel", needs: Needs, places: IntArray, case: Case) -> Projects:
    """Return the viable projects with what they cost and are expected to save."""
    assumptions, draws = model.assumptions, model.draws
    project_of, service = needs.members(places)
    key = model.services.key[needs.lead[places]]
    council = model.services.council[service]
    number = np.bincount(project_of, minlength=len(places))
    residents = sum_by(project_of, model.councils.population[council], len(places))
    share = _member_costs(model, case.set_up, project_of, service)
    return Projects(
        place=places, first=np.concatenate([[0], np.cumsum(number)]),
        council=council, service=service, share=share,
        claim=np.floor(share * _claimable(model, needs.group[places])[project_of]).astype(np.int64),
        saving=case.saving, ceiling=case.ceiling, bare=case.bare, expected=case.price,
        supplier_pays=draws.happens("supplier pays", assumptions.supplier_funding, key),
        population=residents / number,
        fund_first=draws.happens("fund first", assumptions.fund_first, key),
        turn=draws.uniform("turn of claim", key, model.quarter),
    )  # fmt: skip


def _claimable(model: "MarketModel", group: IntArray) -> FloatArray:
    """Return the part of set-up that each project may claim: groups by their deadline only."""
    share = np.full(len(group), model.levers.pump_priming_share)
    joint = group != NONE
    deadline = model.partnerships.deadline[group[joint]]
    share[joint] *= (deadline == 0) | (deadline >= model.quarter)
    return share


def _member_costs(
    model: "MarketModel", cost: FloatArray, project_of: IntArray, service: IntArray
) -> IntArray:
    """Return what each member pays of its project's cost, by the rule of sharing, pence."""
    share = set_up_shares(model, project_of, service, len(cost))
    return to_pence(cost[project_of] * share)


def _find_cash(model: "MarketModel", needs: Needs, projects: Projects) -> dict[int, SetUp | None]:
    """Return how viable projects are paid, the fund's favourites first; None where cash lacks."""
    if not len(projects.place):
        return {}
    fund = int(model.ledger.balance[Account.FUND]) - model.stages.promised()
    funding = _raised(
        _ranked(model, projects), projects.first, projects.council, projects.share,
        projects.claim, projects.fund_first, _own_cash(model), fund,
    )  # fmt: skip
    earned_back = projects.expected <= projects.bare
    by_supplier = ~funding.paid & projects.supplier_pays & earned_back
    unpaid = projects.place[~funding.paid & ~by_supplier]
    model.tally["projects_unfunded"] += len(unpaid)
    _give_up(model, needs, unpaid, "no cash")
    return dict.fromkeys(unpaid.tolist()) | _set_ups(projects, funding, by_supplier)


def _set_ups(projects: Projects, funding: Funding, by_supplier: BoolArray) -> dict[int, SetUp]:
    """Return the set-ups of the projects that are paid, by place.

    A supplier that pays earns it back in the price, at its dearer capital.
    """
    ends = projects.first[1:]
    cost = projects.share * np.repeat(~by_supplier, np.diff(projects.first))
    members = projects.council, projects.service, cost, funding.from_fund, funding.from_loan
    total = np.add.reduceat(projects.share, projects.first[:-1]) / PENCE
    rows = zip(
        *(_cut(column, ends) for column in members),
        np.where(by_supplier, projects.bare, projects.ceiling).tolist(),
        projects.expected.tolist(),
        np.where(by_supplier, total, 0.0).tolist(),
        funding.deadweight.tolist(),
        strict=True,
    )
    paid = (funding.paid | by_supplier).tolist()
    set_up = zip(projects.place.tolist(), map(SetUp._make, rows), paid, strict=True)
    return {place: one for place, one, is_paid in set_up if is_paid}


def _cut(column: IntArray, ends: IntArray) -> list[list[int]]:
    """Return ``column`` cut into lists that end before ``ends``."""
    values, stops = column.tolist(), ends.tolist()
    return [values[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]


def _ranked(model: "MarketModel", projects: Projects) -> IntArray:
    """Return the order in which projects come to the fund."""
    drawn = np.argsort(projects.turn, kind="stable")
    claimed = np.add.reduceat(projects.claim, projects.first[:-1])
    rank = PRIORITIES[model.levers.pump_priming_priority]
    facts = projects.saving, claimed, projects.population
    return drawn[rank(*(column[drawn].tolist() for column in facts))]


def _give_up(model: "MarketModel", needs: Needs, places: IntArray, why: str) -> None:
    """Leave projects' services as they are; contracts that end are tendered again."""
    if not len(places):
        return
    group, (_, members) = needs.group[places], needs.members(places)
    dissolve(model, group[group != NONE], why)
    postpone(model, members)
    at_home = members[model.services.contract[members] == NONE]
    model.services.retry[at_home] = model.quarter + PROJECT_RETRY


def postpone(model: "MarketModel", services: IntArray) -> None:
    """Extend the contracts of ``services`` that end, and bring up those in house again later.

    Whoever has to tender again needs the time that the procedure takes.
    """
    contract, segment = model.services.contract[services], model.services.segment[services]
    again = model.quarter + np.maximum(tender_quarters(segment), SOONEST_RETRY)
    held = rows_where(contract != NONE)
    at_home = contract == NONE
    model.services.retry[services[at_home]] = (again + SOONEST_RETRY)[at_home]
    ending = held[model.contracts.end[contract[held]] <= model.quarter]
    model.contracts.end[contract[ending]] = again[ending]


def _own_cash(model: "MarketModel") -> Cash:
    councils = model.councils
    own, borrowed = model.stages.committed(len(councils))
    reserves = np.maximum(model.ledger.council_balance() - own, 0)
    free = councils.borrowing_rank < model.levers.prudential_borrowing
    credit = np.where(free, np.maximum(councils.credit - councils.loan - borrowed, 0), 0)
    return Cash(reserves, credit)


@compiled
def _raised(
    order: IntArray, first: IntArray, council: IntArray, share: IntArray, claim: IntArray,
    fund_first: BoolArray, cash: Cash, fund: int,
) -> Funding:  # fmt: skip
    """Return how projects are paid in ``order``: fund and own cash, each as it prefers.

    The fund pays where it can pay all that is claimed. ``cash`` is used up; the other arguments
    are those of `Projects`.
    """
    funding = Funding(
        np.zeros(len(order), dtype=np.bool_), np.zeros(len(share), dtype=np.int64),
        np.zeros(len(share), dtype=np.int64), np.zeros(len(order), dtype=np.bool_),
    )  # fmt: skip
    for one in order:
        start, stop = first[one], first[one + 1]
        members, need, asked = council[start:stop], share[start:stop], claim[start:stop]
        loan = funding.from_loan[start:stop]
        alone = _borrowed(members, need, cash, loan)
        takes_fund = 0 < asked.sum() <= fund and (fund_first[one] or not alone)
        if takes_fund:
            need = need - asked
        if _borrowed(members, need, cash, loan):
            for member in range(len(members)):
                cash.reserves[members[member]] -= need[member] - loan[member]
                cash.credit[members[member]] -= loan[member]
            funding.paid[one], funding.deadweight[one] = True, takes_fund and alone
            if takes_fund:
                for member in range(start, stop):
                    funding.from_fund[member] = claim[member]
                fund -= int(asked.sum())
    return funding


@compiled
def _borrowed(council: IntArray, need: IntArray, cash: Cash, loan: IntArray) -> bool:
    """Write into ``loan`` what members must borrow beyond their reserves, and return if they can.

    Where they cannot, none borrows.
    """
    for member in range(len(council)):
        loan[member] = max(need[member] - cash.reserves[council[member]], 0)
    for member in range(len(council)):
        if loan[member] > cash.credit[council[member]]:
            loan[:] = 0
            return False
    return True
