"""Phase 4, route to market: stay in house, buy alone or buy jointly, and with what cash."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray
from agents.council import passes_business_case
from agents.government import PRIORITIES
from agents.partnership import set_up_cost
from agents.supplier import demand_scale
from simulation.contracts import Ended, sum_by
from simulation.ledger import PENCE, Account, to_pence
from simulation.partnering import Group, dissolve
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
    cost: float
    saving: float
    population: float
    fund_first: bool


def choose(model: "MarketModel", alone: IntArray, groups: list[Group]) -> Plan:
    """Decide how each need is met, and return what goes to the market."""
    alone = alone[~_taken_back(model, alone)]
    needs = Needs(alone, groups)
    paid = _finance_projects(model, needs)
    given_up = [place for place, plan in paid.items() if plan is None]
    requirements = gather(model, *needs.without(given_up))
    order = np.delete(np.arange(len(needs)), given_up).tolist()
    set_up = {new: plan for new, old in enumerate(order) if (plan := paid.get(old)) is not None}
    return Plan(requirements, set_up)


class Needs:
    """The needs of a quarter: services that are met alone, then groups; a place numbers both."""

    def __init__(self, alone: IntArray, groups: list[Group]) -> None:
        """Keep services ``alone`` and ``groups``."""
        self.alone = alone
        self.groups = groups
        self.lead: IntArray = np.concatenate([alone, [int(one.services[0]) for one in groups]])
        self.lead = self.lead.astype(np.int64)
        self.group: IntArray = np.full(len(self.lead), NONE, dtype=np.int64)
        self.group[len(alone) :] = [one.partnership for one in groups]

    def __len__(self) -> int:
        return len(self.lead)

    def members(self, place: int) -> IntArray:
        """Return the services of one need, the leader's first."""
        singles = len(self.alone)
        return self.alone[place : place + 1] if place < singles else self.groups[place - singles][1]

    def without(self, places: list[int]) -> tuple[IntArray, list[Group]]:
        """Return what is left, services alone and groups, when ``places`` are given up."""
        gone, singles = set(places), len(self.alone)
        alone = np.delete(self.alone, [place for place in places if place < singles])
        return alone, [one for n, one in enumerate(self.groups) if n + singles not in gone]


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
    over = np.zeros(len(model.contracts) + 1, dtype=bool)
    over[model.services.contract[services]] = True
    model.services.contract[services] = NONE
    over[model.services.contract] = False
    over[NONE] = False
    rows = np.flatnonzero(over)
    model.contracts.close(rows[model.contracts.live[rows]], model.quarter, how)


# --- cash for projects ---------------------------------------------------------------------------


def _finance_projects(model: "MarketModel", needs: Needs) -> dict[int, SetUp | None]:
    """Return each project's set-up by place; None where it is given up and must not be tendered."""
    places = _need_set_up(model, needs)
    saving = _expected_saving(model, needs, places)
    viable = _viable(model, needs.lead[places], saving)
    for place in places[~viable].tolist():
        _give_up(model, needs, place, "no business case")
    outcome: dict[int, SetUp | None] = dict.fromkeys(places[~viable].tolist())
    projects = _projects(model, needs, places[viable], saving[viable])
    model.tally["projects_viable"] += len(projects)
    return outcome | _find_cash(model, needs, projects)


def _need_set_up(model: "MarketModel", needs: Needs) -> IntArray:
    """Return the places of needs to be set up: new groups, and programmes that leave the house."""
    services, contracts = model.services, model.contracts
    contract = services.contract[needs.lead]
    at_home = contract == NONE
    programme = at_home & segment_table().programme[services.segment[needs.lead]]
    renewed = np.zeros(len(needs), dtype=bool)
    renewed[~at_home] = contracts.partnership[contract[~at_home]] == needs.group[~at_home]
    return np.flatnonzero(np.where(needs.group != NONE, ~renewed, programme))


def _expected_saving(model: "MarketModel", needs: Needs, places: IntArray) -> FloatArray:
    """Return what members expect to save together, £m a year, at prices that were paid lately.

    A service that is outside already would otherwise be bought alone at the going price.
    """
    members = [needs.members(place) for place in places.tolist()]
    service = np.concatenate([np.zeros(0, dtype=np.int64), *members])
    number = np.array([len(ours) for ours in members], dtype=np.int64)
    project = np.repeat(np.arange(len(places)), number)
    segment = model.services.segment[needs.lead[places]]
    own = model.services.baseline[service] * model.index
    value = sum_by(project, own, len(places))
    own_value = sum_by(project, own**2, len(places)) / value
    elasticity = segment_table().scale_elasticity[segment] * model.assumptions.demand_scale
    scale = demand_scale(value, own_value, number, elasticity, model.coordination[segment])
    going = model.award_price[segment]
    outside = model.services.contract[service] != NONE
    otherwise = np.where(outside, np.minimum(going, 1.0)[project], 1.0)
    return sum_by(project, own * otherwise, len(places)) - value * going * scale


def _viable(model: "MarketModel", lead: IntArray, saving: FloatArray) -> BoolArray:
    assumptions = model.assumptions
    years = segment_table().years[model.services.segment[lead]]
    cost = set_up_cost(saving, assumptions.set_up_years, assumptions.set_up_floor)
    return passes_business_case(
        saving, years, cost, assumptions.discount_rate, assumptions.claim_optimism
    )


def _projects(
    model: "MarketModel", needs: Needs, places: IntArray, saving: FloatArray
) -> list[Project]:
    """Return the viable projects with what they cost and are expected to save."""
    services, assumptions = model.services, model.assumptions
    cost = set_up_cost(saving, assumptions.set_up_years, assumptions.set_up_floor)
    key = services.key[needs.lead[places]]
    first = model.draws.happens("fund first", assumptions.fund_first, key)
    population = model.councils.population[services.council]
    return [
        Project(place, ours := needs.members(place), price, worth, float(population[ours].mean()), own)
        for place, price, worth, own in zip(
            places.tolist(), cost.tolist(), saving.tolist(), first.tolist(), strict=True
        )
    ]


def _find_cash(
    model: "MarketModel", needs: Needs, projects: list[Project]
) -> dict[int, SetUp | None]:
    """Return how viable projects are paid, the fund's favourites first; None where cash lacks."""
    own_cash, fund = _OwnCash(model), int(model.ledger.balance[Account.FUND])
    outcome: dict[int, SetUp | None] = {}
    for project in _ranked(model, projects):
        outcome[project.place] = plan = _raise_cash(model, project, own_cash, fund)
        if plan is None:
            model.tally["projects_unfunded"] += 1
            _give_up(model, needs, project.place, "no cash")
        else:
            fund -= int(plan.from_fund.sum())
    return outcome


def _ranked(model: "MarketModel", projects: list[Project]) -> list[Project]:
    rank = PRIORITIES[model.levers.pump_priming_priority]
    order = rank(
        [one.saving for one in projects],
        [one.cost for one in projects],
        [one.population for one in projects],
    )
    return [projects[place] for place in order]


def _give_up(model: "MarketModel", needs: Needs, place: int, why: str) -> None:
    """Leave a project's services as they are; contracts that end are tendered again."""
    group, members = int(needs.group[place]), needs.members(place)
    if group != NONE:
        dissolve(model, group, why)
    postpone(model, members)
    at_home = members[model.services.contract[members] == NONE]
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


def value_in_house(model: "MarketModel") -> FloatArray:
    """Return each council's in-house cost this quarter, £m a year."""
    services = model.services
    at_home = np.where(services.contract == NONE, services.council, NONE)
    return sum_by(at_home, services.baseline * model.index, len(model.councils))
