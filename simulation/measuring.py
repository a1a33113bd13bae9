"""Phase 9, outcomes: count the quarter's measures from the ledger and the columns."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, IntArray
from agents.partnership import Stage
from agents.supplier import works_here
from simulation.delivery import quality_of_services
from simulation.finance import council_savings, remember_savings
from simulation.ledger import PENCE, SUPPLIER_CLASS, Purpose
from simulation.outcomes import MEASURES
from simulation.register import COUNCIL_TYPES
from simulation.requirements import Requirements
from simulation.segments import SEGMENT_NAMES, SEGMENTS
from simulation.tendering import Result

if TYPE_CHECKING:
    from simulation.model import MarketModel

DISTRICT = COUNCIL_TYPES.index("district")
UPPER = (COUNCIL_TYPES.index("county"), COUNCIL_TYPES.index("unitary"))

Measured = dict[str, float]

LARGE_DEALS = [SEGMENT_NAMES.index(name) for name in ("managed", "functional", "strategic")]
"""Segments whose deals are for large suppliers."""

TALLIED = (
    "collapses", "early_terminations", "overrun_cost", "rescues", "entrants", "leavers",
    "supplier_failures", "partnerships_formed", "partnerships_agreed", "partnership_members",
    "walked_away", "projects_viable", "projects_started", "projects_unfunded", "fund_claims",
    "fund_deadweight", "fund_written_off", "supplier_investment", "events", "disputes",
    "large_entrants", "projects_by_supplier",
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
    remember_savings(model, saving)
    model.measured = {name: float(measured[name]) for name in MEASURES}
    model.record.append(list(model.measured.values()))
    model.ledger.check()


def _money(model: "MarketModel", saving: IntArray) -> Measured:
    ledger, councils = model.ledger, model.councils
    counterfactual = ledger.flow([Purpose.BUDGET], into=True)
    district, upper = councils.type == DISTRICT, np.isin(councils.type, UPPER)
    exchequer = ledger.total(Purpose.FUND_REPAYMENT) - ledger.total(Purpose.FUND_CLAIM)
    pence = {
        "counterfactual": int(counterfactual.sum()),
        "councils_saving": int(saving.sum()),
        "exchequer_saving": exchequer,
        "public_saving": int(saving.sum()) + exchequer,
        "district_saving": int(saving[district].sum()),
        "district_counterfactual": int(counterfactual[district].sum()),
        "upper_saving": int(saving[upper].sum()),
        "upper_counterfactual": int(counterfactual[upper].sum()),
        "fund_paid": ledger.total(Purpose.FUND_CLAIM),
        "fund_repaid": ledger.total(Purpose.FUND_REPAYMENT),
        "buyer_procurement_cost": ledger.total(Purpose.PROCUREMENT),
        "bidder_procurement_cost": ledger.total(Purpose.BIDDING),
        "supplier_profit": _profit(model),
    }
    discount = (1.0 + model.assumptions.discount_rate) ** (-model.quarter / 4.0)
    return {"discount": discount} | {name: amount / PENCE for name, amount in pence.items()}


def _profit(model: "MarketModel") -> int:
    """Return suppliers' income from councils less their costs in this market, pence."""
    costs = (Purpose.DELIVERY, Purpose.OVERHEAD, Purpose.BIDDING, Purpose.INVESTMENT,
             Purpose.SUPPLIER_FINANCE)  # fmt: skip
    lost = 0
    for batch in model.ledger.this_quarter():
        if batch.purpose in (Purpose.RISK_LOSS, Purpose.DISPUTE):
            by_supplier = model.ledger.account_class(batch.source) == SUPPLIER_CLASS
            lost += int(batch.amount[by_supplier].sum())
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
    contracts, suppliers = model.contracts, model.suppliers
    sme = ~suppliers.large[contracts.supplier[signed]]
    years = (contracts.signed_end - contracts.start)[signed] / 4.0
    value = contracts.price[signed] * years
    awarded = result.winning != NONE
    held_before = requirements.incumbent[awarded]
    unchanged = requirements.unchanged[awarded] & (held_before != NONE)
    kept = held_before == contracts.supplier[signed]
    return {
        "large_bids": int(suppliers.large[result.bids.supplier].sum()),
        "awards": len(signed),
        "sme_awards": int(sme.sum()),
        "award_value": float(value.sum()),
        "sme_award_value": float((value * sme).sum()),
        "award_price": float(contracts.price[signed].sum()),
        "award_in_house_cost": float(contracts.value[signed].sum()),
        "retenders": int((held_before != NONE).sum()),
        "incumbent_wins": int(kept.sum()),
        "unchanged_retenders": int(unchanged.sum()),
        "unchanged_incumbent_wins": int((unchanged & kept).sum()),
        "project_cost": float(contracts.project_cost[signed].sum()),
    }


def _stock(model: "MarketModel") -> Measured:
    contracts, services = model.contracts, model.services
    now = model.annual_baseline()
    worth = contracts.price_ratio * now
    ahead = np.maximum(contracts.end - model.quarter - 1, 0) / 4
    joint = _joint_councils(model)
    model.councils.joint_quarters[joint] += 1
    quality = quality_of_services(model) * services.baseline * model.index / 4
    return {
        "claimed_saving": float((contracts.claimed_ratio * now).sum()) / 4,
        "saving_ahead": float((now * (1.0 - contracts.price_ratio) * ahead).sum()),
        "contract_years": int(contracts.live.sum()) / 4,
        "value_in_force": float(worth.sum()),
        "concentration": _concentration(model),
        "quality_weighted": float(quality.sum()),
        "partnerships_performing": int((model.partnerships.stage == Stage.PERFORMING).sum()),
        "shared_councils": len(joint),
        "councils": len(model.councils),
    }


def _joint_councils(model: "MarketModel") -> IntArray:
    """Return the councils with at least one service in a joint contract."""
    services, contracts = model.services, model.contracts
    held = services.contract != NONE
    joint = contracts.councils[services.contract[held]] > 1
    return np.flatnonzero(np.bincount(services.council[held][joint], minlength=len(model.councils)))


def _concentration(model: "MarketModel") -> float:
    """Return contract value weighted by its segment's Herfindahl index, £m a year."""
    volume = model.hub_volume
    total = volume.sum(axis=0)
    squares = (volume**2).sum(axis=0)
    return float(np.divide(squares, total, out=np.zeros(len(SEGMENTS)), where=total > 0).sum())


def _suppliers(model: "MarketModel") -> Measured:
    suppliers = model.suppliers
    there = suppliers.active & works_here(suppliers.capability)
    for_deals = suppliers.capability[there & suppliers.large][:, LARGE_DEALS]
    return {
        "suppliers_active": int(there.sum()),
        "smes_active": int((there & ~suppliers.large).sum()),
        "capable_large": int((for_deals > 0).sum()),
    }
