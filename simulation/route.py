"""Phase 4, route to market: stay in house, buy alone or buy jointly, and with what cash."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from agents.compiled import compiled
from agents.government import PRIORITIES
from simulation.business_case import Case, assess, set_up_shares
from simulation.contracts import Ended, sum_by
from simulation.ending import release
from simulation.groups import Group, end_in_vain
from simulation.ledger import PENCE, Account, shared_to_the_penny, to_pence
from simulation.membership import join
from simulation.randomness import extended, uniform_at
from simulation.requirements import Requirements, gather
from simulation.segments import segment_table, tender_quarters

if TYPE_CHECKING:
    from simulation.model import MarketModel


PROJECT_RETRY = 8
"""Quarters after which a project that was given up comes up again."""

SOONEST_RETRY = 2
"""Fewest quarters before a tender that failed is repeated."""


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
    """How projects are paid, one entry a project, or one a member.

    Attributes:
        paid: by members and the fund.
        by_supplier: by the supplier instead, for cash lacks.
        deadweight: the fund pays although the members had the cash.
        from_fund: what the fund pays of a member's cost, pence.
        from_loan: what is borrowed of it, pence.
    """

    paid: BoolArray
    by_supplier: BoolArray
    deadweight: BoolArray
    from_fund: IntArray
    from_loan: IntArray


class Plan(NamedTuple):
    """The quarter's tenders, and the projects among them.

    Attributes:
        requirements: what goes to the market.
        projects: projects with a business case.
        funding: how they are paid.
        tender: theirs; NONE where a project is given up because nobody pays.
    """

    requirements: Requirements
    projects: Projects
    funding: Funding
    tender: IntArray


def choose(model: "MarketModel", alone: IntArray, groups: list[Group]) -> Plan:
    """Decide how each need is met, and return what goes to the market."""
    alone = alone[~_taken_back(model, alone)]
    alone = join(model, alone)
    needs = Needs(alone, groups)
    projects, funding, given_up = _finance_projects(model, needs)
    kept = np.ones(len(needs), dtype=bool)
    kept[given_up] = False
    tender, service = needs.members(rows_where(kept))
    requirements = gather(model, tender, service, needs.group[kept])
    number = np.where(kept, np.cumsum(kept) - 1, NONE)
    plan = Plan(requirements, projects, funding, number[projects.place])
    _ask_for_set_up(plan)
    return plan


def _ask_for_set_up(plan: Plan) -> None:
    """Write into the requirements what projects ask of suppliers.

    A supplier that pays the set-up earns it back in the price, at its dearer capital.
    """
    requirements, projects, by_supplier = plan.requirements, plan.projects, plan.funding.by_supplier
    goes = plan.tender != NONE
    tender = plan.tender[goes]
    total = np.add.reduceat(projects.share, projects.first[:-1]) / PENCE
    ceiling = np.where(by_supplier, projects.bare, projects.ceiling)
    requirements.ceiling[tender] = ceiling[goes]
    requirements.expected[tender] = projects.expected[goes]
    requirements.funded[tender] = np.where(by_supplier, total, 0.0)[goes]


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
    back = _to_take_back(
        alone, services.contract, services.segment, services.key, services.ordinal,
        contracts.price_ratio, segment_table().in_house_share, model.assumptions.renewal_in_house,
        model.draws.root("take back"),
    )  # fmt: skip
    release(model, alone[back], Ended.COMPLETED)
    return back


@compiled
def _to_take_back(
    alone: IntArray, contract: IntArray, segment: IntArray, key: KeyArray, ordinal: IntArray,
    price_ratio: FloatArray, in_house_share: FloatArray, chance: float, root: np.uint64,
) -> BoolArray:  # fmt: skip
    """Return which services ``alone`` come back, where any of their segment is in house."""
    back = np.zeros(len(alone), dtype=np.bool_)
    for place in range(len(alone)):
        service = alone[place]
        dear = contract[service] != NONE and price_ratio[contract[service]] > 1.0
        if dear and in_house_share[segment[service]] > 0:
            need = extended(extended(root, key[service]), np.uint64(ordinal[service]))
            back[place] = uniform_at(need) < chance
    return back


# --- cash for projects ---------------------------------------------------------------------------


def _finance_projects(model: "MarketModel", needs: Needs) -> tuple[Projects, Funding, IntArray]:
    """Return viable projects, how they are paid, and places of those given up: not to tender."""
    places = _need_set_up(model, needs)
    case = assess(model, *needs.members(places), needs.group[places])
    viable = case.viable
    group = needs.group[places]
    model.partnerships.set_up[group[group != NONE]] = case.set_up[group != NONE]
    _give_up(model, needs, places[~viable], "no business case")
    projects = _projects(model, needs, places[viable], Case(*(one[viable] for one in case)))
    funding = _find_cash(model, projects)
    unpaid = projects.place[~funding.paid & ~funding.by_supplier]
    model.tally["projects_viable"] += len(projects.place)
    model.tally["projects_unfunded"] += len(unpaid)
    _give_up(model, needs, unpaid, "no cash")
    return projects, funding, np.concatenate([places[~viable], unpaid])


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
    return shared_to_the_penny(to_pence(cost), project_of, share)


def _find_cash(model: "MarketModel", projects: Projects) -> Funding:
    """Return how viable projects are paid, the fund's favourites first."""
    fund = int(model.ledger.balance[Account.FUND]) - model.stages.promised()
    return _raised(
        _ranked(model, projects), projects.first, projects.council, projects.share,
        projects.claim, projects.fund_first,
        projects.supplier_pays & (projects.expected <= projects.bare), _own_cash(model), fund,
    )  # fmt: skip


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
    end_in_vain(model, group[group != NONE], why)
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
    fund_first: BoolArray, earned_back: BoolArray, cash: Cash, fund: int,
) -> Funding:  # fmt: skip
    """Return how projects are paid in ``order``: fund and own cash, each as it prefers.

    The fund pays where it can pay all that is claimed; where neither can, the supplier does if it
    would be ``earned_back``. ``cash`` is used up; the other arguments are those of `Projects`.
    """
    paid, by_supplier, deadweight = np.zeros((3, len(order)), dtype=np.bool_)
    from_fund, from_loan = np.zeros((2, len(share)), dtype=np.int64)
    funding = Funding(paid, by_supplier, deadweight, from_fund, from_loan)
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
        else:
            funding.by_supplier[one] = earned_back[one]
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
