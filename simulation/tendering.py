"""Phase 5, tendering: who bids, at what price, and who wins.

All tenders of a quarter are cleared together from sealed bids. The work is done on pairs of a
tender and a supplier that could bid for it, so that a supplier without capability touches nothing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from agents import council as buyer
from agents import supplier as firm
from agents.columns import NONE, BoolArray, FloatArray, IntArray
from agents.compiled import compiled
from simulation.bidding import (
    LARGEST_ERROR,
    Beliefs,
    Bid,
    Lot,
    Lots,
    Rules,
    Seller,
    Sellers,
    View,
    look,
    make_bids,
    prospects_of,
)
from simulation.clearing import REASONS, Customs, award, compete
from simulation.contracts import sum_by
from simulation.randomness import combine
from simulation.records import empty_records, records
from simulation.requirements import Requirements, draw_normal
from simulation.risk import Outlook, event_chance, outlook, own_loss_factor
from simulation.segments import procedure_table, segment_table, worth_of_saving

if TYPE_CHECKING:
    from simulation.model import MarketModel

__all__ = ["REASONS", "Bids", "Prospects", "Result", "Terms", "clear", "cost_of_bids"]

STRATEGIC_EFFICIENCY = 0.5
"""In strategic partnerships a firm's own efficiency matters little: exponent on it."""


@dataclass
class Terms:
    """What is common to all bids of a tender, one entry a tender; £m, annual unless said.

    Attributes:
        pooling: factor on cost from pooled demand and coordination.
        scale: the same, and from what volume lets suppliers build.
        error: error in estimates of cost that all bidders share.
        repulsion: what puts every firm off the tender, on the log scale.
        chance: chance of a risk event by category, tenders x 3.
        risk: losses that the parties expect over the contract's life.
        own_loss: what £1 of a loss that the buyers bear costs them.
        project_cost: £m, over the contract's life.
        investment: £m, supplier's up-front investment.
        platform: £m, what a platform of its own for the contract costs, where volume pays for it.
        work: transition work, £m a year.
    """

    pooling: FloatArray
    scale: FloatArray
    error: FloatArray
    repulsion: FloatArray
    chance: FloatArray
    risk: Outlook
    own_loss: FloatArray
    project_cost: FloatArray
    investment: FloatArray
    platform: FloatArray
    work: FloatArray


@dataclass
class Prospects:
    """Pairs of a tender and a supplier that qualifies for it, in order of tenders.

    Attributes:
        tender: tender.
        supplier: supplier.
    """

    tender: IntArray
    supplier: IntArray


@dataclass
class Bids:
    """Bids, in order of tenders; money £m a year unless said.

    Attributes:
        tender: tender.
        supplier: supplier.
        cost: true cost of delivery.
        estimate: what the bidder takes it to be.
        margin: mark-up and shading for the winner's curse.
        risk: price of the risk that it takes on.
        finance: price of up-front investment, and set-up cost to be earned back.
        price: price offered, the sum of the last four.
        judged: price as evaluators see it.
        rejected: evaluators find it abnormally low.
        cost_of_bid: £m.
    """

    tender: IntArray
    supplier: IntArray
    cost: FloatArray
    estimate: FloatArray
    margin: FloatArray
    risk: FloatArray
    finance: FloatArray
    price: FloatArray
    judged: FloatArray
    rejected: BoolArray
    cost_of_bid: FloatArray

    @classmethod
    def of(cls, table: Any) -> "Bids":
        """Return the bids of a ``table`` of records."""
        return cls(*(np.ascontiguousarray(table[name]) for name in cls.__dataclass_fields__))

    def count(self, tenders: int) -> IntArray:
        """Return the number of bids for each of ``tenders``."""
        return np.bincount(self.tender, minlength=tenders).astype(np.int64)


@dataclass
class Result:
    """The outcome of a quarter's tenders.

    Attributes:
        terms: what was common to the bids of each tender.
        prospects: suppliers that qualified for each tender.
        qualified: number of suppliers that qualified for each tender.
        submitted: bids that were made and paid for.
        bids: final bids.
        winning: place of each tender's winner in ``bids``, or NONE where it failed.
        reason: why, a place in ``REASONS``.
    """

    terms: Terms
    prospects: Prospects
    qualified: IntArray
    submitted: Bids
    bids: Bids
    winning: IntArray
    reason: IntArray


def clear(model: "MarketModel", requirements: Requirements) -> Result:
    """Clear the quarter's tenders: qualification, bids, evaluation, award."""
    terms = _terms(model, requirements)
    lots, sellers = _lots(model, requirements, terms), _sellers(model)
    tender, supplier, qualified = prospects_of(
        lots, sellers, model.suppliers.capability, model.coverage
    )
    submitted = _submitted(model, lots, sellers, tender, supplier)
    final: Any = empty_records(Bid, len(submitted))
    final = final[: compete(submitted, lots, sellers, _customs(model), final)]
    winning, reason = award(final, lots, sellers, _turns(model, requirements))
    bids = Bids.of(final)
    _load(model, bids, winning, terms.work)
    prospects = Prospects(tender, supplier)
    return Result(terms, prospects, qualified, Bids.of(submitted), bids, winning, reason)


def _submitted(
    model: "MarketModel", lots: Lots, sellers: Sellers, tender: IntArray, supplier: IntArray
) -> Any:
    """Return the bids that are made by the pairs of ``tender`` and ``supplier`` that qualify."""
    rules, bids = _rules(model), empty_records(Bid, len(tender))
    views = _views(model, rules)
    return bids[: make_bids(lots, sellers, views, tender, supplier, rules, bids)]


def _terms(model: "MarketModel", requirements: Requirements) -> Terms:
    table, assumptions, segment = segment_table(), model.assumptions, requirements.segment
    complexity, contract_value = requirements.complexity, requirements.contract_value
    project_cost = table.project_share[segment] * contract_value
    chance = event_chance(
        requirements.share, table.risk[segment], complexity, model.control, assumptions
    )
    scale = firm.demand_scale(
        requirements.value, requirements.own_value, requirements.councils,
        table.scale_elasticity[segment] * assumptions.demand_scale
        * requirements.pooled,
        model.coordination[segment],
    )  # fmt: skip
    own_loss = own_loss_factor(requirements.risk_skill, assumptions.own_loss_surcharge)
    invests = _invests(model, requirements)
    return Terms(
        pooling=scale,
        scale=scale * (1.0 - assumptions.platform_gain * invests),
        error=_common_error(model, requirements),
        repulsion=assumptions.allure * draw_normal(model, "allure", requirements),
        chance=chance,
        risk=outlook(chance, requirements.share, project_cost, own_loss, assumptions),
        own_loss=own_loss,
        project_cost=project_cost,
        investment=assumptions.investment * table.investment_share[segment] * contract_value,
        platform=np.where(invests, assumptions.investment * assumptions.platform, 0.0),
        work=assumptions.transition_load * complexity * requirements.value,
    )


def _invests(model: "MarketModel", requirements: Requirements) -> BoolArray:
    """Return for which contracts suppliers build a platform: volume must pay for it."""
    assumptions, segment = model.assumptions, requirements.segment
    worth = worth_of_saving(assumptions.supplier_finance)[segment, requirements.quarters]
    pays = firm.invests(requirements.value, worth, assumptions.platform_gain, assumptions.platform)
    built: BoolArray = pays & segment_table().programme[segment]
    return built


def _common_error(model: "MarketModel", requirements: Requirements) -> FloatArray:
    """Return the error in cost that all bidders share: less where it is well looked into."""
    assumptions = model.assumptions
    spread = assumptions.common_error * requirements.complexity * _vagueness(model)
    spread = spread * _unknown(model, requirements)
    drawn = spread * draw_normal(model, "common error", requirements)
    return np.minimum(np.maximum(drawn, -LARGEST_ERROR), LARGEST_ERROR)


def _unknown(model: "MarketModel", requirements: Requirements) -> FloatArray:
    """Return the part of the error in cost that due diligence leaves (D1 §6.4)."""
    return np.where(requirements.diligent, 1.0 - model.assumptions.diligence, 1.0)


def _vagueness(model: "MarketModel") -> float:
    """Return the factor on errors and effort from poor specification: 1 as usual (D0 ¶14)."""
    assumptions = model.assumptions
    return 1.0 + assumptions.specification_weight * (0.5 - assumptions.specification)


# --- what bidders see ----------------------------------------------------------------------------


def _going(model: "MarketModel", requirements: Requirements, terms: Terms) -> FloatArray:
    """Return the price that each tender is expected to fetch, £m a year."""
    paid = model.reference_price[requirements.segment]
    going: FloatArray = paid * requirements.value * terms.scale
    return going


def _lots(model: "MarketModel", requirements: Requirements, terms: Terms) -> Lots:
    assumptions = model.assumptions
    takes_over, holds = _incumbency(model, requirements)
    median = assumptions.loss_median * requirements.share * terms.project_cost[:, None]
    going = _going(model, requirements, terms)
    return records(
        Lot,
        segment=requirements.segment,
        council=model.services.council[requirements.lead],
        clients=requirements.councils,
        key=requirements.key,
        incumbent=requirements.incumbent,
        local=requirements.local,
        asked=model.levers.qualification_multiple * requirements.value,
        spread=np.sqrt(terms.risk.supplier_variance),
        invested=terms.investment + terms.platform + requirements.funded,
        work=terms.work,
        value=requirements.value,
        scale=terms.scale,
        misfit=assumptions.fit_spread * (0.6 + 0.6 * requirements.complexity),
        takes_over=takes_over,
        holds=holds,
        error=terms.error,
        chance=terms.chance,
        median=median,
        log_median=np.log(np.maximum(median, 1e-12)),
        variance=terms.risk.supplier_variance / requirements.earning,
        unknown=_unknown(model, requirements),
        finance=_priced_finance(model, requirements, terms),
        cost_of_bid=cost_of_bids(model, requirements),
        shortened=procedure_table().shortlist[requirements.procedure],
        going=going,
        earning=requirements.earning,
        hurdle=_hurdle(model, requirements, terms),
        skill=requirements.skill,
        noise=_noise(model, requirements),
        low=assumptions.abnormal_price * going,
        most=_limit(model, requirements, terms),
        held=_goes_ahead(model, requirements),
    )


def _incumbency(model: "MarketModel", requirements: Requirements) -> tuple[FloatArray, FloatArray]:
    """Return the factors on cost from taking a service over and from knowing it.

    Who knows a service is spared the cost of taking it over, as far as it holds it. Who holds all
    that is re-tendered knows the councils' differences, too (D0 ¶54).
    """
    assumptions = model.assumptions
    takes_over = 1.0 + assumptions.switching_cost * requirements.renewal
    others = 1.0 + assumptions.switching_cost * (requirements.renewal - requirements.held)
    knows = 1.0 - assumptions.incumbent_advantage * requirements.held
    differences = model.coordination[requirements.segment] * (requirements.councils - 1)
    known = assumptions.known_differences * requirements.unchanged * differences
    holds = others * knows * (1.0 - known / (1.0 + differences))
    return takes_over, holds


def _priced_finance(model: "MarketModel", requirements: Requirements, terms: Terms) -> FloatArray:
    """Return what a price holds for capital put in up front, £m a year.

    Investment is spent instead of later cost, so only its finance is priced; a platform and set-up
    that is paid for the councils are earned back as well.
    """
    assumptions, years = model.assumptions, requirements.years
    payback = 0.25 * firm.payback_quarters(
        terms.investment, requirements.value, 4.0 * assumptions.payback_years, 4.0 * years
    )
    earned_back = requirements.funded + terms.platform
    finance = (terms.investment + earned_back) * assumptions.supplier_finance * payback / 2.0
    yearly: FloatArray = (finance + earned_back) / requirements.earning
    return yearly


def cost_of_bids(model: "MarketModel", requirements: Requirements) -> FloatArray:
    """Return what a bid for each tender costs a large supplier, £m."""
    table, assumptions = procedure_table(), model.assumptions
    fixed = assumptions.bid_fixed * table.bid_fixed[requirements.procedure]
    complexity = segment_table().complexity[requirements.segment]
    rate = table.bid_rate[requirements.procedure] * complexity**2 * _vagueness(model)
    cost = firm.bid_cost(fixed, rate, requirements.contract_value)
    added: FloatArray = cost * (1.0 + assumptions.diligence_cost * requirements.diligent)
    return added


def _hurdle(model: "MarketModel", requirements: Requirements, terms: Terms) -> FloatArray:
    """Return the profit over the cost of a bid that firms in general want of each tender."""
    regard = firm.regard(requirements.commitment, requirements.skill, _resilience(requirements))
    return firm.bid_hurdle(
        model.assumptions.hurdle, regard, model.assumptions.client_view, terms.repulsion
    )


def _resilience(requirements: Requirements) -> FloatArray:
    """Return how well each buyer's case would bear bad news, 0-1; 0.5 where there is no case."""
    return _room_for_bad_news(requirements.ceiling, requirements.expected)


@compiled
def _room_for_bad_news(ceiling: FloatArray, expected: FloatArray) -> FloatArray:
    resilience = np.full(len(ceiling), 0.5)
    for one in range(len(ceiling)):
        if expected[one] > 0.0:
            room = ceiling[one] / expected[one] - 1.0
            resilience[one] = min(max(5.0 * room, 0.0), 1.0)
    return resilience


def _sellers(model: "MarketModel") -> Sellers:
    suppliers, assumptions = model.suppliers, model.assumptions
    name = assumptions.stake * suppliers.turnover
    capital = np.maximum(model.capital(), 0.0)
    most = firm.commits(capital, np.zeros(len(capital)), name, assumptions.rescue_limit)
    merit = assumptions.quality_weight * (suppliers.quality - 1.0)
    merit += assumptions.reputation_weight * (suppliers.reputation - 0.5)
    return records(
        Seller,
        key=combine(suppliers.key),
        large=suppliers.large,
        active=suppliers.active,
        efficiency=suppliers.efficiency,
        strategic_efficiency=suppliers.efficiency**STRATEGIC_EFFICIENCY,
        turnover=suppliers.outside_turnover * model.index + suppliers.turnover,
        capacity=suppliers.capacity,
        load=suppliers.load,
        free_capital=model.free_capital,
        most=most,
        log_most=np.log(np.maximum(most, 1e-12)),
        overhead=np.where(suppliers.large, assumptions.overhead_large, assumptions.overhead_sme),
        bid_share=np.where(suppliers.large, 1.0, 0.5),
        pre_sales=suppliers.pre_sales,
        merit=merit,
    )


def _views(model: "MarketModel", rules: Rules) -> Any:
    """Return each supplier's view of each segment."""
    suppliers, assumptions, table = model.suppliers, model.assumptions, segment_table()
    curse = assumptions.shading * assumptions.common_error * table.complexity * _vagueness(model)
    held = suppliers.capability, model.hub_volume, suppliers.rivals, suppliers.margin
    views = empty_records(View, *suppliers.capability.shape)
    look(views, Beliefs(*held), table.hub_elasticity * assumptions.hub_scale, curse, rules)
    return views


def _rules(model: "MarketModel") -> Rules:
    assumptions, draws = model.assumptions, model.draws
    return Rules(
        exposure_limit=assumptions.exposure_limit,
        investment_limit=assumptions.investment_limit,
        hub_volume=assumptions.hub_volume,
        markup_base=assumptions.markup_base,
        markup_width=assumptions.markup_width,
        shortage=assumptions.shortage,
        own_error=assumptions.own_error,
        loss_spread=assumptions.loss_spread,
        risk_tolerance=assumptions.risk_tolerance,
        win_spread=assumptions.win_spread,
        incumbent_fear=assumptions.incumbent_fear,
        least_win_chance=assumptions.least_win_chance,
        award_rate=model.award_rate,
        fit=draws.root("fit"),
        own=draws.root("own error"),
        hurdle=draws.root("hurdle"),
    )


# --- what buyers see -----------------------------------------------------------------------------


def _noise(model: "MarketModel", requirements: Requirements) -> FloatArray:
    """Return the standard deviation of evaluation errors of each tender."""
    assumptions = model.assumptions
    blur = buyer.reference_blur(assumptions.price_blur, model.price_sample)
    return buyer.evaluation_noise(
        assumptions.evaluation_noise, requirements.skill, blur[requirements.segment]
    )


def _limit(model: "MarketModel", requirements: Requirements, terms: Terms) -> FloatArray:
    table, segment = segment_table(), requirements.segment
    new, renewal = table.accept_new[segment], table.accept_renewal[segment]
    limit = new + (renewal - new) * requirements.renewal
    retained = terms.risk.council_loss / requirements.years
    most = buyer.highest_price(
        requirements.value, limit, retained, requirements.commitment,
        model.assumptions.commitment_price,
    )  # fmt: skip
    return np.minimum(most, requirements.ceiling - retained)


def _goes_ahead(model: "MarketModel", requirements: Requirements) -> BoolArray:
    """Return which tenders are not cancelled: commitment and the strength of the case decide."""
    committed = model.assumptions.commitment_award * (requirements.commitment - 0.5)
    chance = 0.94 + committed + 0.03 * _resilience(requirements)
    return ndtr(draw_normal(model, "goes ahead", requirements)) < chance


def _customs(model: "MarketModel") -> Customs:
    return Customs(
        leak=model.assumptions.leak,
        shortlist=model.assumptions.shortlist,
        evaluation=model.draws.root("evaluation"),
        scrutiny=model.draws.root("scrutiny"),
        rank=model.draws.root("rank"),
    )


def _turns(model: "MarketModel", requirements: Requirements) -> IntArray:
    """Return the order in which tenders are awarded."""
    return np.argsort(model.draws.uniform("order of award", requirements.key), kind="stable")


def _load(model: "MarketModel", bids: Bids, winning: IntArray, work: FloatArray) -> None:
    awarded = winning != NONE
    supplier = bids.supplier[winning[awarded]]
    model.suppliers.load += sum_by(supplier, work[awarded], len(model.suppliers))
