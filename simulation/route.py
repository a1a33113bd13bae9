"""Phase 4, route to market: stay in house, buy alone or buy jointly, and with what cash."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray
from agents.council import passes_business_case
from agents.government import PRIORITIES
from agents.partnership import set_up_cost
from simulation.contracts import Ended, sum_by
from simulation.ledger import PENCE, Account, to_pence
from simulation.partnering import Group, dissolve
from simulation.randomness import combine
from simulation.requirements import Requirements, gather
from simulation.segments import segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel


PROJECT_RETRY = 8
"""Quarters after which a project that was given up comes up again."""


class SetUp(NamedTuple):
    """How the members of one tender would pay for setting it up, in pence a member."""

    cost: IntArray
    from_fund: IntArray
    from_reserves: IntArray
    from_loan: IntArray
    deadweight: bool


class Plan(NamedTuple):
    """The quarter's tenders, and the set-up of those that are projects, by tender."""

    requirements: Requirements
    set_up: dict[int, SetUp]


class Project(NamedTuple):
    """A candidate for set-up money: its members and what it costs and is expected to save."""

    place: int
    members: IntArray
    partnership: int
    cost: float
    saving: float
    population: float
    fund_first: bool


def choose(model: "MarketModel", alone: IntArray, groups: list[Group]) -> Plan:
    """Decide how each need is met, and return what goes to the market."""
    alone = alone[~_taken_back(model, alone)]
    members = [alone[place : place + 1] for place in range(len(alone))]
    members += [group.services for group in groups]
    partnership = [NONE] * len(alone) + [group.partnership for group in groups]
    paid = _finance_projects(model, members, partnership)
    kept = [place for place in range(len(members)) if paid.get(place, True) is not None]
    requirements = gather(model, [members[p] for p in kept], [partnership[p] for p in kept])
    set_up = {new: plan for new, old in enumerate(kept) if (plan := paid.get(old)) is not None}
    return Plan(requirements, set_up)


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


def release(model: "MarketModel", services: IntArray, how: Ended) -> None:
    """Detach ``services`` from their contracts, and close those that are left with none."""
    contracts = np.unique(model.services.contract[services])
    contracts = contracts[contracts != NONE]
    model.services.contract[services] = NONE
    still = np.isin(contracts, model.services.contract)
    over = contracts[~still]
    model.contracts.close(over[model.contracts.live[over]], model.quarter, how)


# --- cash for projects ---------------------------------------------------------------------------


def _finance_projects(
    model: "MarketModel", members: list[IntArray], partnership: list[int]
) -> dict[int, SetUp | None]:
    """Return each project's set-up by place; None where it is given up and must not be tendered."""
    projects = _projects(model, members, partnership)
    outcome: dict[int, SetUp | None] = {}
    own_cash = _OwnCash(model)
    fund = int(model.ledger.balance[Account.FUND])
    for project in _ranked(model, projects):
        if not _viable(model, project):
            outcome[project.place] = _give_up(model, project, "no business case")
            continue
        model.tally["projects_viable"] += 1
        plan = _raise_cash(model, project, own_cash, fund)
        if plan is None:
            model.tally["projects_unfunded"] += 1
            outcome[project.place] = _give_up(model, project, "no cash")
            continue
        fund -= int(plan.from_fund.sum())
        outcome[project.place] = plan
    return outcome


def _projects(
    model: "MarketModel", members: list[IntArray], partnership: list[int]
) -> list[Project]:
    """Return which tenders are projects: all joint ones, and large moves out of the house."""
    services, assumptions = model.services, model.assumptions
    projects = []
    for place, (ours, group) in enumerate(zip(members, partnership, strict=True)):
        if not _is_project(model, ours, group):
            continue
        saving = _expected_saving(model, ours)
        cost = set_up_cost(saving, assumptions.set_up_years, assumptions.set_up_floor)
        people = float(model.councils.population[services.council[ours]].mean())
        fund_first = model.draws.happens("fund first", assumptions.fund_first, services.key[ours[0]])
        projects.append(Project(place, ours, group, cost, saving, people, bool(fund_first[0])))
    return projects


def _is_project(model: "MarketModel", members: IntArray, group: int) -> bool:
    """Return whether a tender needs setting up: a new group, or a programme that leaves the house."""
    contract, segment = model.services.contract[members[0]], model.services.segment[members[0]]
    if group != NONE:
        return bool(contract == NONE or model.contracts.partnership[contract] != group)
    return bool(contract == NONE and segment_table().programme[segment])


def _expected_saving(model: "MarketModel", members: IntArray) -> float:
    """Return what members expect to save together, £m a year, at prices that were paid lately.

    A service that is outside already would otherwise be bought alone at the going price.
    """
    segment = int(model.services.segment[members[0]])
    going = float(model.award_price[segment])
    own = model.services.baseline[members] * model.index
    value = float(own.sum())
    scale = value / float((own**2).sum() / value)
    elasticity = float(segment_table().scale_elasticity[segment]) * model.assumptions.demand_scale
    joint = scale**-elasticity * (1.0 + float(model.coordination[segment]) * (len(members) - 1))
    otherwise = np.where(model.services.contract[members] == NONE, 1.0, min(going, 1.0))
    return float((own * otherwise).sum()) - value * going * joint


def _viable(model: "MarketModel", project: Project) -> bool:
    segment = int(model.services.segment[project.members[0]])
    years = float(segment_table().years[segment])
    assumptions = model.assumptions
    return passes_business_case(
        project.saving, years, project.cost, assumptions.discount_rate, assumptions.claim_optimism
    )


def _ranked(model: "MarketModel", projects: list[Project]) -> list[Project]:
    rank = PRIORITIES[model.levers.pump_priming_priority]
    order = rank(
        [one.saving for one in projects],
        [one.cost for one in projects],
        [one.population for one in projects],
    )
    return [projects[place] for place in order]


def _give_up(model: "MarketModel", project: Project, why: str) -> None:
    """Leave a project's services as they are; contracts that end are tendered again next year."""
    if project.partnership != NONE:
        dissolve(model, project.partnership, why)
    postpone(model, project.members)
    at_home = project.members[model.services.contract[project.members] == NONE]
    model.services.retry[at_home] = model.quarter + PROJECT_RETRY


def postpone(model: "MarketModel", services: IntArray, quarters: int = 2) -> None:
    """Extend the contracts of ``services`` that end, and bring up the rest again later.

    Where the supplier is gone the service is taken back in house.
    """
    contract = model.services.contract[services]
    held = contract != NONE
    model.services.retry[services[~held]] = model.quarter + 2 * quarters
    ending = contract[held][model.contracts.end[contract[held]] <= model.quarter]
    model.contracts.end[ending] = model.quarter + quarters


class _OwnCash:
    """What councils can find themselves this quarter, in pence, less what is already planned."""

    def __init__(self, model: "MarketModel") -> None:
        councils = model.councils
        self.reserves = np.maximum(model.ledger.council_balance(), 0)
        free = councils.borrowing_rank < model.levers.prudential_borrowing
        self.credit = np.where(free, np.maximum(councils.credit - councils.loan, 0), 0)

    def split(self, council: IntArray, need: IntArray) -> tuple[IntArray, IntArray] | None:
        """Return what comes from reserves and from loans, or None where it is not enough."""
        reserves = np.minimum(self.reserves[council], need)
        loan = need - reserves
        return None if (loan > self.credit[council]).any() else (reserves, loan)

    def spend(self, council: IntArray, reserves: IntArray, loan: IntArray) -> None:
        """Set planned cash aside."""
        self.reserves[council] -= reserves
        self.credit[council] -= loan


def _raise_cash(
    model: "MarketModel", project: Project, own: _OwnCash, fund: int
) -> SetUp | None:
    """Return how a project is paid: the fund before or after the members' own cash."""
    council = model.services.council[project.members]
    cost = _member_costs(model, project)
    alone = own.split(council, cost)
    claim = _claim(model, cost, fund)
    takes_fund = claim.any() and (project.fund_first or alone is None)
    parts = own.split(council, cost - claim) if takes_fund else alone
    if parts is None:
        return None
    own.spend(council, *parts)
    from_fund = claim if takes_fund else np.zeros_like(cost)
    return SetUp(cost, from_fund, *parts, deadweight=bool(takes_fund and alone is not None))


def _member_costs(model: "MarketModel", project: Project) -> IntArray:
    part: FloatArray = model.services.baseline[project.members]
    return to_pence(project.cost * part / part.sum())


def _claim(model: "MarketModel", cost: IntArray, fund: int) -> IntArray:
    """Return each member's claim on the fund: nothing where the fund cannot pay it all."""
    claim = np.floor(cost * model.levers.pump_priming_share).astype(np.int64)
    return claim if 0 < int(claim.sum()) <= fund else np.zeros_like(cost)


def project_key(model: "MarketModel", lead: int) -> np.uint64:
    """Return the stable key of a project: its lead service and the ordinal of its need."""
    return np.uint64(combine(model.services.key[lead], model.services.ordinal[lead])[0])


def value_in_house(model: "MarketModel") -> FloatArray:
    """Return each council's in-house cost this quarter, £m a year."""
    services = model.services
    at_home = np.where(services.contract == NONE, services.council, NONE)
    return sum_by(at_home, services.baseline * model.index, len(model.councils))
