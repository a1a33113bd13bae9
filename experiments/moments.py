"""Moments of a run: single numbers of the simulated market that the record gives for the real one.

Each is a small function of a `Record`, kept in `MOMENTS` under its name; a new one is added there
without touching who asks for it. The first year leans on how the market was founded and is left
out, unless a moment says otherwise.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from agents.columns import FloatArray
from simulation.delivery import EXPOSED_PART
from simulation.levers import QUARTERS_PER_YEAR
from simulation.model import MarketModel
from simulation.segments import PROCEDURES, SEGMENT_NAMES

FIRST = QUARTERS_PER_YEAR + 1
"""First quarter that counts."""
DIALOGUE = "competitive dialogue"
TECHNOLOGY = ("commodity", "applications", "architecture", "managed", "change")
"""Segments that make up technology spend; the others come on top of it."""
FLAGS = ("failed", "disputed")
"""Columns of event tables that hold yes or no."""
LASTED = ("in force", "completed", "realigned")
"""How a contract stands or ends that was not cut short."""
MONTHS_PER_YEAR, QUARTER_MONTHS = 12, 3
THOUSANDS, PERCENT = 1000.0, 100.0

type Kind = Literal["simple", "complex", "all"]
TO_DECIDE = 9
"""Quarters that groups usually take from first talks to a joint contract."""

type SupplierType = Literal["large", "sme"]
type Segment = Literal[
    "commodity", "applications", "architecture", "managed", "change", "functional", "strategic"
]


@dataclass(frozen=True)
class Record:
    """What one run leaves behind for its moments.

    Attributes:
        tenders: event table of the model.
        contracts: event table of the model.
        suppliers: event table of the model.
        measures: one row a quarter, one column a measure.
        spend: £m a year by segment; in-house cost of all services in April 2006.
        cost: £m by segment; in-house cost of services outside, first year left out.
        paid: £m by segment; price paid for them.
    """

    tenders: pd.DataFrame
    contracts: pd.DataFrame
    suppliers: pd.DataFrame
    measures: pd.DataFrame
    spend: Mapping[str, float]
    cost: Mapping[str, float]
    paid: Mapping[str, float]


class Moment(NamedTuple):
    """A total over a weight, so that runs can be taken together; undefined where that is zero."""

    total: float
    weight: float

    @property
    def value(self) -> float:
        """Total over weight, NaN where the weight is zero."""
        return self.total / self.weight if self.weight else math.nan


type Measurer = Callable[..., Moment]
MOMENTS: dict[str, Measurer] = {}


def moment(function: Measurer) -> Measurer:
    """Enter ``function`` into `MOMENTS` under its name."""
    MOMENTS[function.__name__] = function
    return function


def arguments(name: str) -> Mapping[str, inspect.Parameter]:
    """Return what the moment ``name`` can be told, by name."""
    known = inspect.signature(MOMENTS[name], eval_str=True).parameters
    return {each: about for each, about in known.items() if each != "record"}


def record_of(model: MarketModel) -> Record:
    """Run ``model`` to its horizon and return what it leaves behind."""
    services = model.services
    cost, paid = np.zeros(len(SEGMENT_NAMES)), np.zeros(len(SEGMENT_NAMES))
    while model.running:
        model.step()
        if model.quarter >= FIRST:
            segment = services.segment[model.paid.service]
            cost += np.bincount(segment, model.paid.cost, minlength=len(cost))
            paid += np.bincount(segment, model.paid.price, minlength=len(paid))
    spend = np.bincount(services.segment, services.baseline, minlength=len(SEGMENT_NAMES))
    return Record(
        tenders=typed(model.tables["tenders"]),
        contracts=typed(model.tables["contracts"]),
        suppliers=typed(model.tables["suppliers"]),
        measures=model.measures,
        spend=_by_segment(spend),
        cost=_by_segment(cost),
        paid=_by_segment(paid),
    )


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table``; one without rows has no types yet and gets them here."""
    types = {name: bool if name in FLAGS else float for name in table}
    return table if len(table) else table.astype(types)


def _by_segment(values: FloatArray) -> dict[str, float]:
    return dict(zip(SEGMENT_NAMES, values.tolist(), strict=True))


# --- what moments share --------------------------------------------------------------------------


def _tenders(record: Record, kind: Kind = "all", over: float = 0.0) -> pd.DataFrame:
    """Return tenders after the first year of in-house cost ``over`` £m and more over their life."""
    tenders = record.tenders
    dialogue = tenders["procedure"] == DIALOGUE
    wanted = {"simple": ~dialogue, "complex": dialogue, "all": dialogue | ~dialogue}[kind]
    return tenders[wanted & (tenders["quarter"] >= FIRST) & (tenders["estimate"] >= over)]


def _awards(record: Record, over: float = 0.0) -> pd.DataFrame:
    """Return tenders awarded at ``over`` £m and more, with ``years`` and ``award_value`` in £m."""
    tenders = _tenders(record)
    tenders = tenders[~tenders["failed"]]
    years = tenders["length"] / QUARTERS_PER_YEAR
    awards = tenders.assign(years=years, award_value=tenders["price"] * years)
    return awards[awards["award_value"] >= over]


def _contracts(record: Record, segment: Segment) -> pd.DataFrame:
    """Return contracts of ``segment`` signed after the first year, with ``signed_value`` in £m."""
    contracts = record.contracts
    signed = contracts[(contracts["start"] >= FIRST) & (contracts["segment"] == segment)]
    years = (signed["signed_end"] - signed["start"]) / QUARTERS_PER_YEAR
    return signed.assign(years=years, signed_value=signed["price"] * years)


def _projects(record: Record) -> pd.Series:
    """Return losses over project cost, of contracts signed so early that their fate is complete."""
    projects = _completed(record, record.contracts)
    projects = projects[projects["project_cost"] > 0]
    return projects["cost_overrun"] / projects["project_cost"]


def _completed(record: Record, contracts: pd.DataFrame) -> pd.DataFrame:
    """Return those of ``contracts`` whose project, in which risk events strike, is over."""
    length = contracts["signed_end"] - contracts["start"]
    over = contracts["start"] + EXPOSED_PART * length <= len(record.measures)
    return contracts[(contracts["start"] >= FIRST) & over]


def _share(yes: "pd.Series[bool]") -> Moment:
    return Moment(PERCENT * float(yes.sum()), len(yes))


def _mean(values: "pd.Series[float]") -> Moment:
    return Moment(float(values.sum()), len(values))


def _once(value: float) -> Moment:
    """Return a value of a run that weighs the same in every run, NaN left out."""
    return Moment(0.0, 0.0) if math.isnan(value) else Moment(value, 1.0)


# --- competition ---------------------------------------------------------------------------------


@moment
def bids_per_tender(record: Record, kind: Kind) -> Moment:
    """Return final bids per tender that drew at least one."""
    bids = _tenders(record, kind)["bids"]
    return _mean(bids[bids > 0])


@moment
def share_with_bids(record: Record, bids: int, kind: Kind) -> Moment:
    """Return the share of contested tenders with exactly ``bids`` final bids, %."""
    found = _tenders(record, kind)["bids"]
    return _share(found[found > 0] == bids)


@moment
def wins_per_bid(record: Record, kind: Kind, over: float = 0.0) -> Moment:
    """Return awards over final bids, tenders of in-house cost ``over`` £m and more over life."""
    tenders = _tenders(record, kind, over)
    return Moment(float((~tenders["failed"]).sum()), float(tenders["bids"].sum()))


@moment
def failed_tenders(record: Record) -> Moment:
    """Return the share of tenders without an award, %."""
    return _share(_tenders(record)["failed"])


@moment
def sme_value_share(record: Record) -> Moment:
    """Return SMEs' share of the value of awards, %."""
    awards = _awards(record)
    smes = awards["award_value"][awards["winner_type"] == "sme"]
    return Moment(PERCENT * float(smes.sum()), float(awards["award_value"].sum()))


@moment
def sme_number_share(record: Record, over: float = 0.0) -> Moment:
    """Return SMEs' share of the number of awards of ``over`` £m and more, %."""
    return _share(_awards(record, over)["winner_type"] == "sme")


@moment
def cost_of_bid(record: Record, kind: Kind) -> Moment:
    """Return what a bid costs in a usual tender: the median over tenders, £ thousand."""
    tenders = _tenders(record, kind)
    tenders = tenders[tenders["submitted"] > 0]
    each = tenders["cost_of_bids"] / tenders["submitted"]
    return _once(THOUSANDS * float(each.median()))


@moment
def procurement_months(record: Record, kind: Kind) -> Moment:
    """Return the mean length of procedures, from the decision to buy to the award, months."""
    months = {one.name: QUARTER_MONTHS * one.quarters for one in PROCEDURES}
    return _mean(_tenders(record, kind)["procedure"].astype(str).map(months).astype(float))


@moment
def cost_of_bid_share(record: Record, kind: Kind) -> Moment:
    """Return the cost of a submitted bid over the in-house cost of the contract's life, %."""
    tenders = _tenders(record, kind)
    tenders = tenders[tenders["submitted"] > 0]
    each = tenders["cost_of_bids"] / tenders["submitted"]
    return _mean(PERCENT * each / tenders["estimate"])


# --- contracts -----------------------------------------------------------------------------------


@moment
def award_value(record: Record, quantile: float, over: float) -> Moment:
    """Return a quantile of the price over life of awards of ``over`` £m and more, £m."""
    return _once(float(_awards(record, over)["award_value"].quantile(quantile)))


@moment
def award_value_spread(record: Record, over: float) -> Moment:
    """Return the standard deviation of log values of awards of ``over`` £m and more."""
    return _once(float(np.log(_awards(record, over)["award_value"]).std()))


@moment
def award_months(record: Record, quantile: float, over: float) -> Moment:
    """Return a quantile of the length of awards of ``over`` £m and more, months."""
    months = MONTHS_PER_YEAR * _awards(record, over)["years"]
    return _once(float(months.quantile(quantile)))


@moment
def contracts_signed(record: Record, segment: Segment) -> Moment:
    """Return the number of contracts of ``segment`` signed in the run, first year included."""
    contracts = record.contracts
    return _once(float(((contracts["start"] > 0) & (contracts["segment"] == segment)).sum()))


@moment
def contract_value(record: Record, segment: Segment, quantile: float) -> Moment:
    """Return a quantile of the price over life of contracts of ``segment``, £m."""
    return _once(float(_contracts(record, segment)["signed_value"].quantile(quantile)))


@moment
def contract_price(record: Record, segment: Segment, over: float) -> Moment:
    """Return the mean price of contracts of ``segment`` worth ``over`` £m and more, £m a year."""
    contracts = _contracts(record, segment)
    return _mean(contracts["price"][contracts["signed_value"] >= over])


@moment
def contract_years(record: Record, segment: Segment, over: float) -> Moment:
    """Return the mean length of contracts of ``segment`` worth ``over`` £m and more, years."""
    contracts = _contracts(record, segment)
    return _mean(contracts["years"][contracts["signed_value"] >= over])


@moment
def price_ratio(record: Record, segment: Segment) -> Moment:
    """Return price when signed over in-house cost, contracts of ``segment``, weighted by cost."""
    contracts = _contracts(record, segment)
    return Moment(float(contracts["price"].sum()), float(contracts["value"].sum()))


@moment
def saving_paid(record: Record, segment: Segment) -> Moment:
    """Return what services of ``segment`` outside saved on the price paid, % of in-house cost."""
    cost = record.cost[segment]
    return Moment(PERCENT * (cost - record.paid[segment]), cost)


@moment
def largest_suppliers(record: Record, segment: Segment, firms: int) -> Moment:
    """Return the ``firms`` largest suppliers' share of contracts of ``segment`` by value, %."""
    contracts = _contracts(record, segment)
    held = contracts.groupby("supplier", observed=True)["signed_value"].sum()
    return Moment(PERCENT * float(held.nlargest(firms).sum()), float(held.sum()))


# --- what goes wrong -----------------------------------------------------------------------------


@moment
def ended_early(record: Record, segment: Segment) -> Moment:
    """Return the share of contracts of ``segment`` that collapse, failure or dispute ended, %."""
    return _share(~_contracts(record, segment)["ended_how"].isin(LASTED))


@moment
def ended_early_within(record: Record, segment: Segment, first: int, last: int) -> Moment:
    """Return the share of early ends that fell in years ``first`` to ``last`` of a contract, %."""
    contracts = _contracts(record, segment)
    short = contracts[~contracts["ended_how"].isin(LASTED)]
    year = (short["ended"] - short["start"]) // QUARTERS_PER_YEAR + 1
    return _share(year.between(first, last))


@moment
def in_trouble(record: Record, segment: Segment, above: float) -> Moment:
    """Return the share of contracts of ``segment`` in serious trouble, %.

    That is losses above ``above`` project costs, a dispute over the price, or an early end. Only
    contracts whose project is over count.
    """
    contracts = _completed(record, _contracts(record, segment))
    losses = contracts["cost_overrun"] > above * contracts["project_cost"]
    cut_short = ~contracts["ended_how"].isin(LASTED)
    return _share(losses | contracts["disputed"] | cut_short)


@moment
def overrun(record: Record) -> Moment:
    """Return the mean loss of contracts over their project cost, %."""
    return _mean(PERCENT * _projects(record))


@moment
def large_overruns(record: Record, above: float) -> Moment:
    """Return the share of contracts whose losses were above ``above`` project costs, %."""
    return _share(_projects(record) > above)


@moment
def large_overrun_size(record: Record, above: float) -> Moment:
    """Return the mean of losses above ``above`` project costs over project cost, %."""
    projects = _projects(record)
    return _mean(PERCENT * projects[projects > above])


# --- the market ----------------------------------------------------------------------------------


@moment
def technology_spend(record: Record) -> Moment:
    """Return the in-house cost of all technology services in April 2006, £m a year."""
    return _once(sum(record.spend[segment] for segment in TECHNOLOGY))


@moment
def suppliers_left(record: Record, kind: SupplierType) -> Moment:
    """Return the number of suppliers of ``kind`` in the market at the end."""
    suppliers = record.suppliers
    return _once(float(((suppliers["type"] == kind) & (suppliers["left"] == 0)).sum()))


@moment
def sharing_councils(record: Record, quarter: int) -> Moment:
    """Return the share of councils with a service in a joint contract in ``quarter``, %."""
    if quarter > len(record.measures):
        return Moment(0.0, 0.0)
    shared, councils = (record.measures[name] for name in ("shared_councils", "councils"))
    return Moment(PERCENT * float(shared[quarter]), float(councils[quarter]))


@moment
def groups_that_perform(record: Record) -> Moment:
    """Return the share of groups that began and came to an end or to a joint contract, %.

    Groups of the last `TO_DECIDE` quarters are left out: they may still prepare.
    """
    measures = record.measures
    early = len(measures) - TO_DECIDE
    formed = measures["partnerships_formed"].iloc[: max(early, 0)].sum()
    return Moment(PERCENT * float(measures["partnerships_started"].sum()), float(formed))


@moment
def quarters_to_agree(record: Record) -> Moment:
    """Return the quarters from first talks to the first joint contract, mean over groups."""
    measures = record.measures
    total, started = measures["quarters_to_agree"].sum(), measures["partnerships_started"].sum()
    return Moment(float(total), float(started))


@moment
def members_in_trouble(record: Record) -> Moment:
    """Return the share of members of groups beyond first talks with trouble to report, %."""
    measures = record.measures[record.measures.index >= FIRST]
    troubled, partners = measures["troubled_members"].sum(), measures["partners"].sum()
    return Moment(PERCENT * float(troubled), float(partners))
