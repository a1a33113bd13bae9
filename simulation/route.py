"""Phase 4, route to market: stay in house, buy alone or buy jointly, and with what cash."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, rows_where
from agents.government import PRIORITIES
from simulation.business_case import Case, assess
from simulation.contracts import Ended, sum_by
from simulation.ledger import PENCE, Account, to_pence
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


class Project(NamedTuple):
    """A candidate for set-up money.

    Attributes:
        place: its place among the quarter's needs.
        council: its members.
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

    place: int
    council: list[int]
    service: list[int]
    share: list[int]
    claim: list[int]
    saving: float
    ceiling: float
    bare: float
    expected: float
    supplier_pays: bool
    population: float
    fund_first: bool
    turn: float


def choose(model: "MarketModel", alone: IntArray, groups: list[Group]) -> Plan:
    """Decide how each need is met, and return what goes to the market."""
    alone = alone[~_taken_back(model, alone)]
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
        size = self._size[places]
        whose = np.repeat(np.arange(len(places)), size)
        within = np.arange(len(whose)) - np.repeat(np.cumsum(size) - size, size)
        return whose, self._service[self._first[places][whose] + within]


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
    if not len(services):
        return
    over = np.zeros(len(model.contracts) + 1, dtype=bool)
    over[model.services.contract[services]] = True
    model.services.contract[services] = NONE
    over[model.services.contract] = False
    over[NONE] = False
    rows = rows_where(over)
    model.contracts.close(rows[model.contracts.live[rows]], model.quarter, how)


# --- cash for projects ---------------------------------------------------------------------------


def _finance_projects(model: "MarketModel", needs: Needs) -> dict[int, SetUp | None]:
    """Return each project's set-up by place; None where it is given up and must not be tendered."""
    places = _need_set_up(model, needs)
    case = assess(model, *needs.members(places))
    viable = case.viable
    _give_up(model, needs, places[~viable], "no business case")
    outcome: dict[int, SetUp | None] = dict.fromkeys(places[~viable].tolist())
    projects = _projects(model, needs, places[viable], Case(*(one[viable] for one in case)))
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
    return rows_where(np.where(needs.group != NONE, ~renewed, programme))


def _projects(model: "MarketModel", needs: Needs, places: IntArray, case: Case) -> list[Project]:
    """Return the viable projects with what they cost and are expected to save."""
    assumptions, project_of, service = model.assumptions, *needs.members(places)
    key = model.services.key[needs.lead[places]]
    first = model.draws.happens("fund first", assumptions.fund_first, key)
    council = model.services.council[service]
    residents = sum_by(project_of, model.councils.population[council], len(places))
    share = _member_costs(model, case.set_up, project_of, service)
    claim = np.floor(share * model.levers.pump_priming_share).astype(np.int64)
    ends = np.cumsum(np.bincount(project_of, minlength=len(places)))
    members = [_cut(column, ends) for column in (council, service, share, claim)]
    population = residents / np.diff(ends, prepend=0)
    turn = model.draws.uniform("turn of claim", key, model.quarter)
    funding = model.draws.happens("supplier pays", assumptions.supplier_funding, key)
    facts = [
        column.tolist()
        for column in (
            case.saving, case.ceiling, case.bare, case.price, funding, population, first, turn
        )
    ]  # fmt: skip
    return list(map(Project, places.tolist(), *members, *facts))


def _cut(column: IntArray, ends: IntArray) -> list[list[int]]:
    """Return ``column`` cut into lists that end before ``ends``."""
    values, stops = column.tolist(), ends.tolist()
    return [values[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]


def _member_costs(
    model: "MarketModel", cost: FloatArray, project_of: IntArray, service: IntArray
) -> IntArray:
    """Return what each member pays of its project's cost, by the size of its service, pence."""
    baseline = model.services.baseline[service]
    total = sum_by(project_of, baseline, len(cost))
    return to_pence(cost[project_of] * baseline / total[project_of])


def _find_cash(
    model: "MarketModel", needs: Needs, projects: list[Project]
) -> dict[int, SetUp | None]:
    """Return how viable projects are paid, the fund's favourites first; None where cash lacks."""
    own_cash = _OwnCash(model)
    fund = int(model.ledger.balance[Account.FUND]) - model.stages.promised()
    outcome: dict[int, SetUp | None] = {}
    for project in _ranked(model, projects):
        outcome[project.place] = plan = _raise_cash(project, own_cash, fund)
        fund -= sum(plan.from_fund) if plan else 0
    unpaid = [place for place, plan in outcome.items() if plan is None]
    model.tally["projects_unfunded"] += len(unpaid)
    _give_up(model, needs, np.array(unpaid, dtype=np.int64), "no cash")
    return outcome


def _ranked(model: "MarketModel", projects: list[Project]) -> list[Project]:
    rank = PRIORITIES[model.levers.pump_priming_priority]
    drawn = sorted(projects, key=lambda one: one.turn)
    order = rank(
        [one.saving for one in drawn],
        [sum(one.claim) for one in drawn],
        [one.population for one in drawn],
    )
    return [drawn[place] for place in order]


def _give_up(model: "MarketModel", needs: Needs, places: IntArray, why: str) -> None:
    """Leave projects' services as they are; contracts that end are tendered again."""
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
    held = contract != NONE
    model.services.retry[services[~held]] = (again + SOONEST_RETRY)[~held]
    ending = held & (model.contracts.end[contract] <= model.quarter)
    model.contracts.end[contract[ending]] = again[ending]


class _OwnCash:
    """What councils can find themselves this quarter, in pence, less what is already planned."""

    def __init__(self, model: "MarketModel") -> None:
        councils = model.councils
        own, borrowed = model.stages.committed(len(councils))
        self.reserves: list[int] = np.maximum(model.ledger.council_balance() - own, 0).tolist()
        free = councils.borrowing_rank < model.levers.prudential_borrowing
        credit = np.where(free, np.maximum(councils.credit - councils.loan - borrowed, 0), 0)
        self.credit: list[int] = credit.tolist()

    def loans(self, council: list[int], need: list[int]) -> list[int] | None:
        """Return what members must borrow beyond their reserves, or None where they cannot."""
        owed = [
            max(asked - self.reserves[one], 0) for one, asked in zip(council, need, strict=True)
        ]
        short = any(more > self.credit[one] for one, more in zip(council, owed, strict=True))
        return None if short else owed

    def spend(self, council: list[int], need: list[int], loans: list[int]) -> None:
        """Set planned cash aside."""
        for one, asked, loan in zip(council, need, loans, strict=True):
            self.reserves[one] -= asked - loan
            self.credit[one] -= loan


def _raise_cash(project: Project, own: _OwnCash, fund: int) -> SetUp | None:
    """Return how a project is paid, or None: fund and own cash in its own order, then a supplier.

    The fund pays where it can pay all that is claimed.
    """
    council, need = project.council, project.share
    alone = own.loans(council, need)
    fundable = 0 < sum(project.claim) <= fund
    takes_fund = fundable and (project.fund_first or alone is None)
    claim = project.claim if takes_fund else [0] * len(need)
    rest = [asked - paid for asked, paid in zip(need, claim, strict=True)]
    loans = own.loans(council, rest) if takes_fund else alone
    if loans is None:
        return _left_to_supplier(project) if project.supplier_pays else None
    own.spend(council, rest, loans)
    return SetUp(
        council, project.service, need, claim, loans, project.ceiling, project.expected,
        funded=0.0, deadweight=takes_fund and alone is not None,
    )  # fmt: skip


def _left_to_supplier(project: Project) -> SetUp | None:
    """Return a set-up that the supplier pays and earns back in the price, at its dearer capital."""
    if project.expected > project.bare:
        return None
    nothing = [0] * len(project.share)
    return SetUp(
        project.council, project.service, nothing, nothing, nothing, project.bare,
        project.expected, funded=sum(project.share) / PENCE, deadweight=False,
    )  # fmt: skip
