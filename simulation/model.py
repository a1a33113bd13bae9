"""The model: the state of the market, and a quarter as a list of phases."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
import pandas as pd
from mesa.datacollection import DataCollector

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray
from agents.council import Council, Councils
from agents.government import Claims, Government, Stages
from agents.partnership import Ballots, Partnership, Partnerships
from agents.supplier import LargeSupplier, Sme, Suppliers
from simulation import (
    calendar,
    delivery,
    finance,
    market,
    measuring,
    membership,
    needs,
    partnering,
    population,
    route,
    tendering,
)
from simulation.assumptions import CENTRAL, Assumptions
from simulation.billing import Paid
from simulation.contracts import Contracts
from simulation.errors import InputError
from simulation.events import Tables, note_tenders
from simulation.founding import found_contracts, found_partnerships
from simulation.geography import geography
from simulation.horizon import in_quarter, quarterly, reader
from simulation.ledger import PENCE, Account, Ledger, Purpose
from simulation.levers import QUARTERS_PER_YEAR, Levers, Policy
from simulation.measures import MEASURES
from simulation.networks import TieHistory, network
from simulation.outcomes import OUTCOMES
from simulation.randomness import Draws, fresh_seed
from simulation.register import Register, kilometres
from simulation.segments import segment_table
from simulation.ties import Ties, grow_ready

if TYPE_CHECKING:
    import networkx

MOST_YEARS = 50
STARTING_PRICES = 20.0
"""Recent awards known in April 2006 in a segment of one service."""


class MarketModel(mesa.Model):  # type: ignore[type-arg]
    """The English local-government market for technology services, by quarter from April 2006.

    Attributes:
        outcomes: one row a quarter, one column an outcome.
        measures: the raw quantities behind them.
        tables: event tables by name.
        volume: what suppliers hold by segment, £m a year (suppliers x segments).
        hub_volume: the part of it that their hubs may deliver.
        free_capital: suppliers' capital that no contract ties up, £m.
        paid: what was paid for services outside in the last quarter.
        price_sample: recent awards from which buyers know prices, by segment.
        promise: what this year's tenders promised firms that are large or SMEs, over the normal.
        rivals_seen: bids that lately came for a tender, by segment.
    """

    volume: FloatArray
    hub_volume: FloatArray
    free_capital: FloatArray
    paid: Paid

    def __init__(
        self,
        policy: Policy | None = None,
        assumptions: Assumptions | None = None,
        *,
        years: int = 15,
        register: Register | None = None,
        rng: int | None = None,
        **levers: Any,
    ) -> None:
        """Found the market.

        Args:
            policy: the policy; the status quo where absent.
            assumptions: the assumptions; the central case where absent.
            years: horizon, 1 to 50.
            register: the councils; England in 2006-07 where absent.
            rng: seed, an integer; drawn from the system's entropy where absent.
            **levers: levers set on top of ``policy``, as plain values or dated ones.

        Raises:
            InputError: an unknown lever, a value out of bounds, or a seed that is no integer.
        """
        seed = _seed(rng)
        super().__init__(rng=seed)
        self.policy = (policy or Policy("status-quo")).changed("custom", **levers) if levers else (
            policy or Policy("status-quo")
        )  # fmt: skip
        self.assumptions = assumptions or CENTRAL
        self.quarters = QUARTERS_PER_YEAR * _years(years)
        self.register = register or population.england()
        self.draws = Draws(seed)
        self._found()

    def _found(self) -> None:
        """Set up the state of April 2006."""
        self.quarter = 0
        self.index = 1.0
        self.levers: Levers = self.policy.at(1)
        self.geography = geography(self.register)
        self._find_rules()
        self._open_records()
        self._found_councils()
        self._found_suppliers()
        found_contracts(self)
        found_partnerships(self)
        self.tie_history = TieHistory(self)
        market.take_stock(self)

    def _find_rules(self) -> None:
        table, assumptions = segment_table(), self.assumptions
        unlike = (1.0 - assumptions.standardisation) * (0.5 + table.specificity)
        self.coordination: FloatArray = assumptions.coordination * unlike
        self.control: FloatArray = np.array(
            [
                assumptions.control_technology,
                assumptions.control_transformation,
                assumptions.control_delivery,
            ]
        )
        self.reference_price: FloatArray = np.full(len(table.years), 0.95)
        self.award_rate = 0.8
        self.award_price: FloatArray = np.full(len(table.years), 0.93)
        self.price_sample: FloatArray = STARTING_PRICES * np.sqrt(table.services)
        self.promise: defaultdict[str, float] = defaultdict(float)
        self.rivals_seen: FloatArray = np.where(table.complex, 2.6, 5.0)

    def _open_records(self) -> None:
        self.tally: defaultdict[str, float] = defaultdict(float)
        self.record: list[list[float]] = []
        self.measured: dict[str, float] = {}
        self.tender_log: list[dict[str, Any]] = []
        self.supplier_names: list[str] = []
        self._names_taken: set[str] = set()
        self.fund_capital = 0
        self.ledger = Ledger(len(self.register))
        self.tables = Tables(self)
        reporters = {name: _reporter(name) for name in OUTCOMES}
        self.datacollector = DataCollector(model_reporters=reporters)

    def _found_councils(self) -> None:
        self.councils: Councils = population.found_councils(
            self.register, self.assumptions, self.draws
        )
        self.services = population.found_services(self.councils, self.assumptions, self.draws)
        population.set_reserves(self.councils, self.services, self.assumptions)
        self.service_of: IntArray = np.full((len(self.councils), len(population.KINDS)), NONE)
        self.service_of[self.services.council, self.services.kind] = np.arange(len(self.services))
        self.contracts = Contracts()
        self.partnerships = Partnerships()
        self.ballots = Ballots()
        self.claims = Claims()
        self.stages = Stages()
        self.ties = Ties(len(self.councils))
        everyone = self.ledger.council(np.arange(len(self.councils)))
        reserves = self.councils.reserve_target
        self.ledger.post(Account.TAXPAYERS, everyone, Purpose.RESERVES, reserves)
        self.government = Government(self)
        for row in range(len(self.councils)):
            Council(self, row)

    def _found_suppliers(self) -> None:
        self.suppliers = Suppliers()
        self.coverage: BoolArray = np.zeros((len(self.councils), 0), dtype=bool)
        self.founders = population.founders(self.register, self.assumptions)
        large, smes = self.founders
        keys = population.founder_keys(large, smes)
        self.add_suppliers(keys, np.arange(large + smes) < large, 0)

    # --- a quarter -------------------------------------------------------------------------------

    def step(self) -> None:
        """Simulate one quarter.

        Raises:
            RuntimeError: the horizon has been reached.
        """
        if not self.running:
            raise RuntimeError(f"the model has reached its horizon of {self.quarters} quarters")
        self.quarter += 1
        self.tally.clear()
        calendar.turn(self)
        grow_ready(self)
        membership.attend(self)
        arisen = needs.arise(self)
        alone, groups = partnering.advance(self, arisen)
        plan = route.choose(self, alone, groups)
        result = tendering.clear(self, plan.requirements)
        signed = delivery.deliver(self, plan, result)
        finance.settle(self, plan.requirements, result)
        market.adapt(self, plan.requirements, result)
        measuring.record(self, plan.requirements, result, signed)
        note_tenders(self, plan.requirements, result)
        self.tie_history.note(self)
        self.datacollector.collect(self)
        self.running = self.quarter < self.quarters

    def run(self) -> "MarketModel":
        """Simulate to the horizon and return the model."""
        while self.running:
            self.step()
        return self

    # --- what is reported ------------------------------------------------------------------------

    @property
    def measures(self) -> pd.DataFrame:
        """One row a quarter, one column a measure."""
        quarters = pd.RangeIndex(1, len(self.record) + 1, name="quarter")
        return pd.DataFrame(self.record, index=quarters, columns=list(MEASURES), dtype=float)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row a quarter, one column an outcome."""
        measures = self.measures
        columns = dict(zip(MEASURES, measures.to_numpy().T, strict=True))
        shown = {name: quarterly(one.rule, columns) for name, one in OUTCOMES.items()}
        return pd.DataFrame(shown, index=measures.index)

    def last(self, outcome: str) -> float:
        """Return ``outcome`` in the last quarter."""
        return in_quarter(OUTCOMES[outcome].rule, self.measured)

    def network(self, quarter: int | None = None) -> "networkx.Graph[str]":
        """Return the network of ties between councils at the end of ``quarter``, or now.

        Raises:
            InputError: ``quarter`` is not one of those simulated.
        """
        return network(self, quarter)

    # --- what phases ask of the model ------------------------------------------------------------

    def capital(self) -> FloatArray:
        """Return suppliers' capital, £m."""
        return self.ledger.supplier_balance() / PENCE

    def annual_baseline(self) -> FloatArray:
        """Return the in-house cost that each contract delivers, £m a year at today's index."""
        return finance.annual_baseline(self)

    def kilometres(self, one: IntArray, other: IntArray) -> FloatArray:
        """Return distances between pairs of councils, km."""
        latitude, longitude = self.register.latitude, self.register.longitude
        return kilometres(latitude[one], longitude[one], latitude[other], longitude[other])

    def add_suppliers(self, key: KeyArray, large: BoolArray, quarter: int) -> IntArray:
        """Let suppliers with ``key`` into the market in ``quarter`` and return their rows."""
        rows = population.add_suppliers(self.suppliers, key, large, self.assumptions, self.draws)
        self.suppliers.entered[rows] = quarter
        self.suppliers.home[rows] = population.home_councils(self.councils, key, self.draws)
        self._cover(rows)
        self.ledger.open_suppliers(len(rows))
        account = self.ledger.supplier(rows)
        capital = self.suppliers.capital_target[rows]
        self.ledger.post(Account.OWNERS, account, Purpose.CAPITAL, capital)
        for row in rows.tolist():
            self.supplier_names.append(
                population.supplier_name(self.suppliers.key[row], self._names_taken)
            )
            (LargeSupplier if self.suppliers.large[row] else Sme)(self, row)
        return rows

    def _cover(self, rows: IntArray) -> None:
        suppliers = self.suppliers
        covers = population.coverage(
            self.register, suppliers.home[rows], suppliers.large[rows],
            int(self.assumptions.sme_reach),
        )  # fmt: skip
        self.coverage = np.concatenate([self.coverage, covers], axis=1)

    def add_partnership(self, row: int) -> None:
        """Give the group ``row`` its handle."""
        Partnership(self, row)

    @property
    def fund_balance(self) -> int:
        """Money in the fund, pence."""
        return int(self.ledger.balance[Account.FUND])

    def charge_members(self, rows: IntArray, cost: FloatArray, purpose: Purpose) -> None:
        """Post a cost of each contract in ``rows`` (£m) to its members."""
        finance.charge_members(self, rows, cost, purpose)

    def book_set_up(
        self, contract: IntArray, projects: route.Projects, funding: route.Funding
    ) -> None:
        """Book the stages in which projects are set up under their ``contract``, and claims."""
        finance.book_set_up(self, contract, projects, funding)


def _reporter(name: str) -> Any:
    read = reader(OUTCOMES[name].rule)
    return lambda model: read(model.measured)


def _years(years: object) -> int:
    if isinstance(years, bool) or not isinstance(years, int) or not 1 <= years <= MOST_YEARS:
        raise InputError(f"years = {years!r}: must be a whole number from 1 to {MOST_YEARS}")
    return years


def _seed(rng: object) -> int:
    if rng is None:
        return fresh_seed()
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer):
        raise InputError(
            f"rng = {type(rng).__name__}: must be an integer; draws are keyed by event, so a "
            "Generator's stream cannot be used"
        )
    if not 0 <= int(rng) < 2**63:
        raise InputError(f"rng = {rng}: must be an integer from 0 to 2**63 - 1")
    return int(rng)
