"""Phase 9, outcomes: count the quarter's measures from the ledger and the columns."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, rows_where
from agents.compiled import compiled
from agents.partnership import Stage
from simulation.delivery import quality_now
from simulation.finance import council_savings, remember_savings
from simulation.ledger import COUNCIL_COSTS, PENCE, SUPPLIER_COSTS, Purpose
from simulation.measures import MEASURES
from simulation.register import COUNCIL_TYPES
from simulation.requirements import Requirements
from simulation.segments import SEGMENT_NAMES, STRATEGIC
from simulation.tendering import Result

if TYPE_CHECKING:
    from simulation.model import MarketModel

DISTRICT = COUNCIL_TYPES.index("district")
UPPER = (COUNCIL_TYPES.index("county"), COUNCIL_TYPES.index("unitary"))

Measured = dict[str, float]

TROUBLE_REMEMBERED = 4
"""Quarters for which members still report a trouble that is over."""

LARGE_DEALS = tuple(SEGMENT_NAMES.index(name) for name in ("managed", "functional", "strategic"))
"""Segments whose deals are for large suppliers."""

TALLIED = (
    "collapses", "early_terminations", "overrun_cost", "rescues", "entrants", "leavers",
    "supplier_failures", "partnerships_formed", "partnerships_agreed", "partnership_members",
    "walked_away", "projects_viable", "projects_started", "projects_unfunded", "fund_claims",
    "fund_deadweight", "fund_lent", "fund_written_off", "supplier_investment", "events", "disputes",
    "large_entrants", "projects_by_supplier", "partnership_members_sought", "withdrew",
    "joined_later", "voted", "voted_against", "late_exits", "partnerships_ended",
    "partnerships_started", "quarters_to_agree",
)  # fmt: skip
"""Measures that phases count as they go."""


def record(
    model: "MarketModel", requirements: Requirements, result: Result, signed: IntArray
) -> None:
    """Append the quarter's measures to the model's record."""
    saving = council_savings(model)
    measured: Measured = dict.fromkeys(TALLIED, 0.0) | model.tally
    measured |= _money(model, saving)
    measured |= _tenders(model, requirements, result)
    measured |= _awards(model, requirements, result, signed)
    measured |= _stock(model)
    measured |= _suppliers(model)
    remember_savings(model, saving, measured["discount"])
    model.measured = {name: float(measured[name]) for name in MEASURES}
    model.record.append(list(model.measured.values()))
    model.ledger.check()


def _money(model: "MarketModel", saving: IntArray) -> Measured:
    ledger, councils = model.ledger, model.councils
    budget = ledger.flow([Purpose.BUDGET], into=True)
    saved = _by_type(saving, councils.type, len(COUNCIL_TYPES))
    counterfactual = _by_type(budget, councils.type, len(COUNCIL_TYPES))
    exchequer = ledger.total(Purpose.FUND_REPAYMENT) - ledger.total(Purpose.FUND_CLAIM)
    exchequer -= ledger.total(Purpose.SUPPORT)
    pence = {
        "counterfactual": sum(counterfactual),
        "councils_saving": sum(saved),
        "exchequer_saving": exchequer,
        "public_saving": sum(saved) + exchequer,
        "district_saving": saved[DISTRICT],
        "district_counterfactual": counterfactual[DISTRICT],
        "upper_saving": sum(saved[kind] for kind in UPPER),
        "upper_counterfactual": sum(counterfactual[kind] for kind in UPPER),
        "fund_paid": ledger.total(Purpose.FUND_CLAIM),
        "fund_repaid": ledger.total(Purpose.FUND_REPAYMENT),
        "buyer_procurement_cost": ledger.total(Purpose.PROCUREMENT),
        "bidder_procurement_cost": ledger.total(Purpose.BIDDING),
        "supplier_profit": _profit(model),
    }
    discount = (1.0 + model.assumptions.discount_rate) ** (-model.quarter / 4.0)
    return {"discount": discount} | {name: amount / PENCE for name, amount in pence.items()}


def _by_type(amount: IntArray, kind: IntArray, kinds: int) -> list[int]:
    """Return ``amount`` added up by type of council."""
    total: list[int] = _added(amount, kind, kinds).tolist()
    return total


@compiled
def _added(amount: IntArray, kind: IntArray, kinds: int) -> IntArray:
    total = np.zeros(kinds, dtype=np.int64)
    for row in range(len(amount)):
        total[kind[row]] += amount[row]
    return total


def _profit(model: "MarketModel") -> int:
    """Return suppliers' income from councils less their costs in this market, pence."""
    costs = SUPPLIER_COSTS - COUNCIL_COSTS
    lost = model.ledger.borne_by_suppliers(*(SUPPLIER_COSTS & COUNCIL_COSTS))
    return model.ledger.total(Purpose.PRICE) - model.ledger.total(*costs) - lost


def _tenders(model: "MarketModel", requirements: Requirements, result: Result) -> Measured:
    count = result.bids.count(len(requirements))
    return {
        "tenders": len(requirements),
        "contested_tenders": int((count > 0).sum()),
        "single_bid_tenders": int((count == 1).sum()),
        "failed_tenders": int((result.winning == NONE).sum()),
        "bids": int(count.sum()),
        "submitted_bids": len(result.submitted.tender),
        "comparable_prices": float(model.price_sample[requirements.segment].sum()),
    }


def _awards(
    model: "MarketModel", requirements: Requirements, result: Result, signed: IntArray
) -> Measured:
    contracts, large = model.contracts, model.suppliers.large
    new = slice(len(contracts) - len(signed), len(contracts))
    supplier, price = contracts.supplier[new], contracts.price[new]
    sme = ~large[supplier]
    value = price * ((contracts.signed_end[new] - contracts.start[new]) / 4.0)
    awarded = result.winning != NONE
    held_before = requirements.incumbent[awarded]
    unchanged = requirements.unchanged[awarded] & (held_before != NONE)
    kept = held_before == supplier
    return {
        "large_bids": int(np.count_nonzero(large[result.bids.supplier])),
        "awards": len(signed),
        "sme_awards": int(np.count_nonzero(sme)),
        "award_value": float(value.sum()),
        "sme_award_value": float((value * sme).sum()),
        "award_price": float(price.sum()),
        "award_in_house_cost": float(contracts.value[new].sum()),
        "retenders": int(np.count_nonzero(held_before != NONE)),
        "incumbent_wins": int(np.count_nonzero(kept)),
        "unchanged_retenders": int(np.count_nonzero(unchanged)),
        "unchanged_incumbent_wins": int(np.count_nonzero(unchanged & kept)),
        "project_cost": float(contracts.project_cost[new].sum()),
    }


class Stock(NamedTuple):
    """What services outside amount to: £m a year, but for the number of councils that share."""

    claimed: float
    ahead: float
    worth: float
    delivered: float
    quality: float
    sharing: int


class Outside(NamedTuple):
    """Columns of contracts that tell what they amount to."""

    price_ratio: FloatArray
    claimed_ratio: FloatArray
    end: IntArray
    councils: IntArray
    quality: FloatArray
    load_end: IntArray
    troubled_until: IntArray


def _stock(model: "MarketModel") -> Measured:
    contracts, services = model.contracts, model.services
    stock = _added_up(
        services.contract, services.council, services.baseline, model.index, model.quarter,
        Outside(*(getattr(contracts, name) for name in Outside._fields)),
        model.councils.joint_quarters,
    )  # fmt: skip
    in_house = float(services.baseline.sum()) * model.index - stock.delivered
    return {
        "claimed_saving": stock.claimed / 4,
        "saving_ahead": stock.ahead,
        "contract_years": len(contracts.in_force()) / 4,
        "value_in_force": stock.worth,
        "concentration": _concentration(model.volume),
        "quality_weighted": (stock.quality + in_house) / 4,
        "partnerships_performing": int((model.partnerships.stage == Stage.PERFORMING).sum()),
        "partnerships_preparing": len(model.partnerships.preparing()),
        "readiness": float(model.councils.readiness.sum()),
        **_members(model),
        "shared_councils": stock.sharing,
        "councils": len(model.councils),
    }


def _before_the_first_contract(model: "MarketModel") -> IntArray:
    """Return the groups beyond first talks that have had no joint contract yet."""
    stage = model.partnerships.stage
    prepares = (stage == Stage.STORMING) | (stage == Stage.NORMING)
    return rows_where(prepares & (model.partnerships.contract == NONE))


def _members(model: "MarketModel") -> Measured:
    """Count members of groups beyond first talks, and those with trouble to report.

    A group is in trouble while its members differ, and for a year after it lost a member or its
    contract was struck by an event or a dispute.
    """
    partnerships, contracts = model.partnerships, model.contracts
    groups, since = len(partnerships), model.quarter - TROUBLE_REMEMBERED
    preparing = model.services.partnership[model.services.partnership != NONE]
    members = np.bincount(preparing, minlength=groups)
    performing = rows_where(partnerships.stage == Stage.PERFORMING)
    contract = partnerships.contract[performing]
    members[performing] = contracts.councils[contract]
    troubled = (partnerships.stage == Stage.STORMING) | (partnerships.lost > since)
    troubled[performing] |= contracts.troubled_until[contract] > since
    talks = partnerships.stage > Stage.FORMING
    return {
        "sharing_members": int(members[performing].sum()),
        "preparing_members": int(members[_before_the_first_contract(model)].sum()),
        "partners": int(members[talks].sum()),
        "troubled_members": int(members[talks & troubled].sum()),
    }


@compiled
def _added_up(
    contract: IntArray, council: IntArray, baseline: FloatArray, index: float, quarter: int,
    contracts: Outside, joint_quarters: IntArray,
) -> Stock:  # fmt: skip
    """Add up services outside, and count a quarter more for councils in a joint contract."""
    claimed = ahead = worth = delivered = good = 0.0
    shares = np.zeros(len(joint_quarters), dtype=np.bool_)
    for service in range(len(contract)):
        row = contract[service]
        if row != NONE:
            value = baseline[service] * index
            delivered += value
            worth += value * contracts.price_ratio[row]
            claimed += value * contracts.claimed_ratio[row]
            years = max(contracts.end[row] - quarter - 1, 0) / 4
            ahead += value * (1.0 - contracts.price_ratio[row]) * years
            good += value * quality_now(
                contracts.quality[row], contracts.load_end[row], contracts.troubled_until[row],
                quarter,
            )  # fmt: skip
            shares[council[service]] |= contracts.councils[row] > 1
    for row in range(len(shares)):
        joint_quarters[row] += shares[row]
    return Stock(claimed, ahead, worth, delivered, good, int(shares.sum()))


@compiled
def _concentration(volume: FloatArray) -> float:
    """Return contract value weighted by its segment's Herfindahl index, £m a year."""
    weighted = 0.0
    for segment in range(volume.shape[1]):
        total = squares = 0.0
        for supplier in range(volume.shape[0]):
            total += volume[supplier, segment]
            squares += volume[supplier, segment] ** 2
        weighted += squares / total if total > 0 else 0.0
    return weighted


def _suppliers(model: "MarketModel") -> Measured:
    suppliers = model.suppliers
    counts = _counted(suppliers.active, suppliers.large, suppliers.capability)
    names = ("suppliers_active", "smes_active", "capable_large", "capable_strategic")
    return dict(zip(names, counts, strict=True))


@compiled
def _counted(
    active: BoolArray, large: BoolArray, capability: FloatArray
) -> tuple[int, int, int, int]:
    """Count firms that work here, SMEs among them, and where large firms work on large deals."""
    firms = smes = capable = strategic = 0
    for row in range(len(active)):
        if active[row] and (capability[row] > 0).any():
            firms += 1
            smes += not large[row]
            for segment in LARGE_DEALS:
                capable += large[row] and capability[row, segment] > 0
            strategic += large[row] and capability[row, STRATEGIC] > 0
    return firms, smes, capable, strategic
