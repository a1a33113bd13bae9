"""The assumptions: uncertain parameters that no policy sets, each with its range and source.

Prices are real, at 2006. An assumption with a ``uniform`` distribution is sampled over its sweep range.
"""

from collections.abc import Mapping
from functools import wraps
from typing import Any, Literal

from pydantic import ValidationError
from pydantic.dataclasses import dataclass

from simulation.errors import InputError, did_you_mean, shown
from simulation.parameters import Scalar, check_name, declare, parameters, plain

ASSUMED = "assumed"
WHERE = "assumptions"
"""What errors call the place of values that code gives, no file or option."""


def _fixed(default: float, unit: str, low: float, high: float, meaning: str,
           source: str = ASSUMED, **about: Any) -> Any:  # fmt: skip
    return declare(default, unit=unit, meaning=meaning, source=source, bounds=(low, high), **about)


def _sampled(default: float, unit: str, bounds: tuple[float, float], spread: tuple[float, float],
             meaning: str, source: str = ASSUMED, **about: Any) -> Any:  # fmt: skip
    return declare(
        default, unit=unit, meaning=meaning, source=source, bounds=bounds, sweep=spread,
        distribution="uniform", **about,
    )  # fmt: skip


def _in_one_line[T](declared: type[T]) -> type[T]:
    """Let ``declared`` refuse what it is constructed from as levers are refused: in one line."""
    construct = declared.__init__

    @wraps(construct)
    def init(self: T, *given: Any, **values: Any) -> None:
        for name in values:
            check_name(name, declared, "assumption", WHERE)
        try:
            construct(self, *given, **{name: plain(value) for name, value in values.items()})
        except ValidationError as error:
            raise InputError(f"{WHERE}: {_refused(declared, error)}") from None

    declared.__init__ = init  # type: ignore[method-assign, assignment]
    return declared


def _refused(declared: type[object], error: ValidationError) -> str:
    """Say what is wrong with the first value that a constructor refused."""
    first, known = error.errors()[0], list(parameters(declared).values())
    place, value = first["loc"][0], first["input"]
    one = known[place] if isinstance(place, int) else parameters(declared)[place]
    hint = did_you_mean(value, one.choices) if isinstance(value, str) else ""
    return f"assumption {one.name} = {shown(value)}: must be {one.allowed}{hint}"


@_in_one_line
@dataclass(frozen=True)
class Assumptions:
    """What the world is taken to be like; the defaults are the central case.

    Raises:
        InputError: an unknown name or a value out of bounds.
    """

    # fmt: off
    # money and growth
    discount_rate: float = _fixed(0.035, "a year", 0, 0.15, "social discount rate, real", "Green Book")
    demand_growth: float = _sampled(0.01, "a year", (-0.05, 0.1), (0.0, 0.02), "growth of demand for services")
    wage_growth: float = _sampled(0.01, "a year", (-0.05, 0.1), (0.0, 0.02), "growth of real wages")
    growth_spread: float = _fixed(0.005, "a year", 0, 0.05, "standard deviation of growth in one year")
    technology_spend: float = _sampled(2800.0, "£m a year", (500, 10000), (2500.0, 3100.0), "technology spend of England's councils in 2006", "D0 ¶7, 59")
    size_exponent: float = _sampled(0.85, "exponent", (0.3, 1.5), (0.7, 1.0), "how spend grows with population within a type of council", "D0 ¶59")
    # councils
    client_commitment: float = _sampled(0.5, "share", (0, 1), (0.4, 0.6), "mean commitment of councils that suppliers see", "D0 ¶17")
    commitment_award: float = _fixed(0.06, "share", 0, 0.5, "what full commitment adds to the chance that a tender goes ahead, against none", "D0 ¶17")
    commitment_price: float = _fixed(0.04, "of in-house cost", 0, 0.5, "what full commitment adds to the highest price accepted, against none", "D0 ¶17")
    champion_share: float = _fixed(0.35, "share", 0, 1, "councils with a champion of change at the start", "D1 §1.8")
    champion_emerges: float = _fixed(0.03, "a quarter", 0, 1, "chance that a champion emerges")
    champion_lost: float = _fixed(0.02, "a quarter", 0, 1, "chance that a champion moves on", "D1 §1.8")
    control_changes: float = _sampled(0.25, "an election", (0, 1), (0.15, 0.35), "chance that a whole-council election changes control")
    pressure_gap: float = _fixed(0.10, "share", 0.01, 1, "shortfall of savings that is full pressure")
    evaluation_noise: float = _sampled(0.06, "share", (0, 0.5), (0.03, 0.09), "spread of evaluation errors of an unskilled buyer", "D0 ¶14-15")
    quality_weight: float = _sampled(0.3, "share", (0, 2), (0.1, 0.5), "weight of quality against price")
    reserves: float = _sampled(0.05, "share", (0, 0.5), (0.03, 0.07), "reserves kept for change over the cost of all services")
    reserve_refill: float = _fixed(0.05, "a quarter", 0, 1, "part of the reserves that is refilled")
    borrowing_rate: float = _sampled(0.05, "a year", (0, 0.3), (0.04, 0.06), "interest on prudential borrowing")
    credit: float = _fixed(0.25, "share", 0, 2, "most loans outstanding over the cost of all services a year")
    loan_years: float = _fixed(5.0, "years", 1, 30, "term of a loan")
    buyer_cost: float = _fixed(1.0, "factor", 0, 10, "on buyers' cost of each procedure")
    specification: float = _sampled(0.5, "share", (0, 1), (0.35, 0.65), "how well requirements are specified to a standard; 0.5 as usual", "D0 ¶14")
    specification_weight: float = _fixed(1.0, "factor", 0, 2, "how strongly poor specification adds to the effort and the errors of bids", "D0 ¶14")
    price_blur: float = _fixed(0.10, "share", 0, 1, "error in buyers' reference prices where no award is recent; more awards lower it", "D0 ¶54")
    abnormal_price: float = _fixed(0.8, "ratio", 0, 1, "bid over the going price below which it is looked into and may be rejected")
    ageing: float = _sampled(0.05, "of annual value", (0, 0.5), (0.03, 0.07), "cost a year of changes to a contract five years old, times complexity; it grows with age squared", "D1 §4.5")
    double_running: float = _sampled(0.05, "of annual value", (0, 1), (0.02, 0.08), "cost a year of running old and new side by side while a supplier takes over, times complexity", "D1 §1.4")
    client_side: float = _sampled(0.02, "of price", (0, 0.2), (0.01, 0.03), "cost of managing a contract")
    front_line: float = _sampled(0.15, "of saving", (0, 1), (0.05, 0.25), "saving lost as work moves to the front line", "D1 §6.6; D3 ¶123")
    claim_optimism: float = _sampled(0.25, "share", (0, 2), (0.1, 0.4), "saving claimed in business cases beyond the price agreed", "D1 §4.3")
    renewal_in_house: float = _fixed(0.3, "chance", 0, 1, "chance to take back a service whose last price was above in-house cost")
    # sharing
    readiness: float = _sampled(0.4, "share", (0, 1), (0.3, 0.5), "mean readiness to share in 2006", "D4; D1 §3.1")
    joining_spread: float = _fixed(0.03, "share", 0, 0.5, "spread of what else draws or repels a partner")
    mandate_force: float = _sampled(0.15, "share", (0, 1), (0.1, 0.2), "pull of a full mandate, as a share of cost", "D0 ¶62-64")
    search_share: float = _fixed(0.5, "share", 0, 1, "chance that a council with a champion looks for partners unasked", tuned=True)
    search_ahead: float = _fixed(8.0, "quarters", 0, 40, "before a need comes up at which a council looks for partners", "D0 ¶67; D1 §7.2")
    alignment_window: float = _fixed(4.0, "quarters", 0, 40, "how far apart contracts may end that one joint contract replaces", "D0 ¶67")
    forming_quarters: float = _fixed(2.0, "quarters", 1, 20, "first talks, before members begin to differ", "D1 §7.2")
    settling: float = _sampled(0.35, "a quarter", (0, 1), (0.25, 0.45), "chance that a group settles its differences, at a mean tension of a half", "D1 app. 1")
    patience: float = _fixed(10.0, "quarters", 1, 100, "after which a group that has not settled gives up")
    walk_away: float = _sampled(0.07, "a quarter", (0, 1), (0.04, 0.10), "chance that a member walks away while members differ, at a tension of 1", "D1 §1.8, 4.2")
    friction: float = _fixed(0.3, "tension", 0, 5, "tension that any sharing brings", "D1 app. 1")
    autonomy: float = _fixed(1.0, "factor", 0, 10, "on councils' fear of a dominant partner and of reorganisation", "D1 §4.4")
    trust_weight: float = _fixed(1.0, "factor", 0, 10, "on what councils' trust in each other counts for", "D1 §4.2")
    experience: float = _fixed(1.0, "factor", 0, 10, "on the trust, readiness and maturity that working together brings, or a group that came to nothing costs", "D1 §1.7; D4")
    hidden_differences: float = _sampled(0.2, "tension", (0, 5), (0.1, 0.3), "mean of what members do not see of their differences at first; a model process brings it up in time", "D0 ¶66")
    late_differences: float = _fixed(0.1, "share", 0, 1, "part of what was known to set members apart that is left once they have settled it", "D1 app. 1")
    vote_spread: float = _sampled(0.04, "of annual cost", (0, 1), (0.02, 0.06), "what members do not know of their case, at a maturity of a half", "D1 chart 5")
    minimum_participants: float = _fixed(0.5, "share", 0, 1, "members without which a group gives up", "D0 ¶67")
    phased_entry: float = _fixed(0.2, "share", 0, 1, "groups whose members enter one after the other", "D0 ¶67")
    menus: float = _fixed(0.1, "share", 0, 1, "groups whose members choose from a menu what they share", "D1 §1.5")
    lease_spread: float = _sampled(2.0, "years", (0, 10), (1.0, 3.0), "over which members' leases and contracts end apart", "D0 ¶67")
    compromise: float = _sampled(0.5, "share", (0, 1), (0.4, 0.6), "ability to compromise; 0.5 as usual", "D1 §3.3, app. 1")
    site_remoteness: float = _fixed(1.0, "factor", 0, 10, "on what distance to the place of the service counts", "D1 §1.8")
    staff_transfers: float = _sampled(0.5, "share", (0, 1), (0.3, 0.7), "how hard it is to transfer staff", "D1 §4.4, 6.5")
    neutral_cases: float = _sampled(0.3, "share", (0, 1), (0.15, 0.45), "cases that are made across parties", "D1 §4.3")
    funding_uncertainty: float = _fixed(0.0, "chance", 0, 1, "chance that the fund does not pay the later stages of a project", "D1 §1.2")
    deadline_pull: float = _fixed(1.5, "factor", 0, 10, "how a deadline presses where a grant pays all", "D1 §1.1")
    governance: Literal["chosen", "informal_collaboration", "joint_venture", "consortium", "contractual_partnership", "lead_client", "prime_contractor", "trading_company"] = declare("chosen", unit="", meaning="model of collaboration that groups choose, or are held to", source="D1 §5")
    cost_sharing: Literal["equal", "size", "use"] = declare("size", unit="", meaning="rule by which members share set-up cost", source="D1 §3.2")
    metering: float = _fixed(0.3, "of client side", 0, 5, "what charging by use adds to the cost of managing a joint contract", "D1 §3.2, 6.7")
    metering_strife: float = _fixed(0.15, "tension", 0, 5, "what charging by use adds to members' tension", "D1 §3.2, 6.7")
    withdrawal: float = _sampled(0.004, "a quarter", (0, 1), (0.002, 0.006), "chance that a member leaves a joint contract, at a tension of 1", "D1 §3.2, 4.5")
    remoteness: float = _fixed(1.0, "factor", 0, 10, "on how a standardised service becomes remote", "D1 §3.2, 4.5")
    reorganisation_threat: float = _fixed(0.0, "share", 0, 1, "threat of reorganisation while it lasts", "D1 §4.4; D4")
    reorganisation_start: float = _fixed(1.0, "quarter", 1, 200, "first quarter of the threat")
    reorganisation_quarters: float = _fixed(12.0, "quarters", 0, 200, "how long the threat lasts")
    squeeze: float = _fixed(0.0, "% a year", 0, 20, "cashable saving asked on top while spending is squeezed")
    squeeze_start: float = _fixed(17.0, "quarter", 1, 200, "first quarter of the squeeze")
    squeeze_quarters: float = _fixed(20.0, "quarters", 0, 200, "how long the squeeze lasts")
    first_sharers: float = _sampled(0.2, "share", (0, 1), (0.15, 0.25), "councils with a shared service in 2006", "D4")
    first_buyers: float = _fixed(0.32, "share", 0, 1, "councils that share procurement in 2006, and so know each other", "D4")
    first_trust: float = _fixed(0.2, "trust", 0, 1, "trust among councils that share procurement", "D4")
    maturity: float = _sampled(0.5, "share", (0, 1), (0.4, 0.6), "mean maturity of services: how well cost and performance are known and owned", "D1 chart 5")
    peers: float = _sampled(0.03, "share", (0, 1), (0.01, 0.05), "readiness that a council gains or loses by hearing of others' success or failure", "D1 §2.5; D4")
    support_cost: float = _fixed(5.0, "£m a year", 0, 500, "what full support to partnerships costs the Exchequer for England's councils")
    taught: float = _fixed(0.004, "a quarter", 0, 1, "readiness that full support to partnerships teaches", "D1 §4.2")
    coordination: float = _sampled(0.012, "share", (0, 0.2), (0.005, 0.02), "rise of cost with one more council to coordinate")
    standardisation: float = _sampled(0.3, "share", (0, 1), (0.2, 0.4), "how far councils' services are alike", "D1 §4.5")
    set_up_saving: float = _sampled(0.05, "of annual value", (0, 1), (0.03, 0.07), "usual saving by which set-up cost is reckoned", "D1 §4.3")
    set_up_years: float = _sampled(2.0, "years", (0, 10), (1.5, 2.5), "set-up cost in years of savings", "D1 §4.3")
    set_up_floor: float = _sampled(0.3, "£m", (0, 5), (0.1, 0.5), "least set-up cost of a project", "D1 §4.3")
    supplier_funding: float = _sampled(0.3, "share", (0, 1), (0.1, 0.5), "projects without cash whose set-up cost a supplier would fund", "D1 §4.3")
    fund_first: float = _sampled(0.5, "share", (0, 1), (0.0, 1.0), "projects that draw on the fund before their own cash")
    # cost and scale
    efficiency: float = _sampled(0.88, "factor", (0.5, 1.5), (0.865, 0.895), "mean cost of suppliers against councils", tuned=True)
    efficiency_spread_large: float = _fixed(0.06, "factor", 0, 0.5, "its standard deviation among large suppliers")
    efficiency_spread_sme: float = _fixed(0.09, "factor", 0, 0.5, "its standard deviation among SMEs")
    fit_spread: float = _sampled(0.09, "factor", (0, 0.5), (0.06, 0.11), "standard deviation of a firm's fit to a tender", tuned=True)
    demand_scale: float = _sampled(1.0, "factor", (0, 3), (0.5, 1.5), "on segments' elasticity of cost to pooled demand", "D0 ¶47, 58")
    hub_scale: float = _sampled(1.0, "factor", (0, 3), (0.5, 1.5), "on segments' elasticity of cost to a supplier's hub volume", "D0 ¶24, 47")
    hub_volume: float = _fixed(15.0, "£m a year", 1, 500, "hub volume that counts as one unit")
    overhead_large: float = _fixed(0.04, "£m a year", 0, 1, "a large supplier's overhead on each contract", tuned=True)
    overhead_sme: float = _fixed(0.004, "£m a year", 0, 1, "an SME's overhead on each contract", tuned=True)
    idle_cost: float = _fixed(0.05, "share", 0, 1, "cost of idle teams over their capacity a year", "D0 ¶36-41")
    big_bang: float = _sampled(0.10, "factor", (0, 1), (0.05, 0.15), "rise of complexity with the logarithm of the number of councils", "D0 ¶53")
    platform: float = _fixed(1.0, "£m", 0.001, 100, "cost of a platform of its own that a contract may be given, where suppliers invest", "D0 ¶54; D1 §1.3")
    platform_gain: float = _sampled(0.03, "of cost", (0, 0.5), (0.02, 0.04), "delivery cost that such a platform saves", "D0 ¶54; D1 §1.3")
    # bidding
    common_error: float = _sampled(0.09, "share", (0, 0.5), (0.06, 0.12), "error in cost that all bidders share, times complexity")
    own_error: float = _sampled(0.05, "share", (0, 0.5), (0.03, 0.07), "a bidder's own error in cost")
    markup_base: float = _fixed(0.04, "share", 0, 0.5, "mark-up that competition cannot remove", tuned=True)
    markup_width: float = _sampled(0.40, "share", (0, 1), (0.34, 0.46), "range of rivals' costs behind the mark-up", "auction theory", tuned=True)
    shading: float = _fixed(0.8, "factor", 0, 3, "shading for the winner's curse over the common error")
    shortage: float = _fixed(0.15, "share", 0, 1, "mark-up of teams that are used up", "D0 ¶36")
    win_spread: float = _sampled(0.20, "share", (0.02, 1), (0.15, 0.25), "spread of log prices in beliefs on winning", tuned=True)
    least_win_chance: float = _sampled(0.065, "chance", (0, 1), (0.045, 0.085), "chance of winning below which nobody bids for a complex deal", "D1 §6.2", tuned=True)
    shortlist: int = declare(3, unit="bidders", bounds=(1, 20), meaning="bidders kept in competitive dialogue", source="D1 §6.2")
    incumbent_fear: float = _sampled(1.5, "odds", (1, 5), (1.2, 1.8), "odds of losing that rivals see against an incumbent", tuned=True)
    incumbent_advantage: float = _fixed(0.05, "of cost", 0, 0.5, "cost that knowing the service saves")
    known_differences: float = _fixed(0.5, "share", 0, 1, "part of the cost of coordinating councils that their present supplier is spared", "D0 ¶54")
    switching_cost: float = _fixed(0.03, "of cost", 0, 0.5, "cost of taking a service over", "D0 ¶54")
    hurdle: float = _sampled(0.007, "x bid cost", (0, 5), (0.004, 0.01), "expected profit wanted over bid cost", tuned=True)
    client_view: float = _fixed(3.0, "log", 0, 10, "how strongly firms judge their clients: commitment, skill and the strength of the case", "D0 ¶17")
    bid_fixed: float = _fixed(1.0, "factor", 0, 10, "on the fixed cost of bids")
    leak: float = _sampled(0.08, "chance", (0, 1), (0.04, 0.12), "chance for each further client that a bidder learns its rank", "D1 §6.2")
    diligence: float = _sampled(0.6, "share", (0, 1), (0.4, 0.8), "part of the common error that complete due diligence removes", "D1 §6.4; D0 ¶21")
    diligence_cost: float = _fixed(0.15, "share", 0, 2, "cost that complete due diligence adds to a bid", "D1 §6.4")
    allure: float = _fixed(0.9, "log", 0, 3, "spread of the hurdle between tenders, the same for all bidders", tuned=True)
    pre_sales_fixed: float = _fixed(1.0, "£m a quarter", 0, 10, "a large supplier's least pre-sales money", tuned=True)
    pre_sales_share: float = _fixed(0.06, "of turnover", 0, 0.5, "pre-sales money over turnover", tuned=True)
    learning: float = _fixed(0.15, "an occasion", 0, 1, "speed at which beliefs follow what is seen")
    # risk
    event_level: float = _sampled(0.76, "factor", (0, 2), (0.65, 0.85), "level of the chance of risk events", "overruns of public IT", tuned=True)
    care: float = _sampled(0.85, "share", (0, 1), (0.7, 0.9), "chance of an event that full care by who controls it removes", "D0 ¶18-21")
    care_exponent: float = _sampled(0.35, "exponent", (0.05, 2), (0.25, 0.5), "how care grows with the share borne")
    control_technology: float = _sampled(0.8, "share", (0, 1), (0.7, 0.9), "supplier's control of technology risk", "D0 ¶20")
    control_transformation: float = _sampled(0.2, "share", (0, 1), (0.1, 0.3), "supplier's control of transformation risk", "D0 ¶20")
    control_delivery: float = _sampled(0.85, "share", (0, 1), (0.75, 0.95), "supplier's control of delivery risk", "D0 ¶20")
    loss_median: float = _fixed(0.98, "of project cost", 0, 10, "median loss from an event", "overruns of public IT", tuned=True)
    loss_spread: float = _sampled(0.8, "log", (0, 2), (0.6, 0.9), "spread of log losses; one in six is large", "overruns of public IT")
    own_loss_surcharge: float = _sampled(0.25, "share", (0, 3), (0.1, 0.4), "what a loss that the council bears costs it on top")
    risk_tolerance: float = _sampled(0.6, "factor", (0.01, 10), (0.45, 0.75), "variance a supplier bears on its free capital", tuned=True)
    exposure_weight: float = _fixed(1.25, "factor", 0, 10, "capital tied up by the losses that contracts could bring")
    exposure_limit: float = _fixed(1.5, "of free capital", 0.01, 50, "largest standard deviation of loss that a supplier takes on with a contract")
    rescue_limit: float = _sampled(0.22, "of capital", (0, 2), (0.15, 0.3), "loss on one contract that a supplier makes good", "D0 ¶30", tuned=True)
    stake: float = _fixed(0.03, "of turnover", 0, 1, "loss on one contract that a supplier makes good for the sake of its name", "D0 ¶30")
    reputation_weight: float = _fixed(0.1, "of price", 0, 1, "weight of a supplier's record in evaluation", "D0 ¶30")
    dispute_above: float = _fixed(0.16, "of in-house cost", 0, 1, "shortfall of an estimate from true cost above which it comes to a dispute")
    dispute_cost: float = _sampled(0.03, "of annual value", (0, 1), (0.01, 0.05), "cost of a dispute to either party")
    dispute_share: float = _sampled(0.4, "share", (0, 1), (0.3, 0.5), "part of the shortfall that the council ends up paying")
    dispute_exit: float = _fixed(0.05, "chance", 0, 1, "chance that a dispute ends the contract")
    disruption: float = _sampled(1.2, "of annual value", (0, 5), (0.8, 1.5), "council's cost of a collapse")
    supplier_finance: float = _sampled(0.12, "a year", (0, 0.5), (0.09, 0.15), "suppliers' cost of capital", "D1 §4.3")
    investment: float = _sampled(1.0, "factor", (0, 5), (0.8, 1.2), "on up-front investment asked of suppliers", "D0 ¶37-38")
    investment_limit: float = _fixed(1.0, "of free capital", 0.01, 50, "most that a supplier puts in up front for a contract")
    payback_years: float = _fixed(4.0, "years", 0.5, 20, "over which up-front investment is earned back")
    # suppliers
    large_suppliers: int = declare(25, unit="firms", bounds=(0, 200), meaning="large suppliers in England", source=ASSUMED)
    smes: int = declare(250, unit="firms", bounds=(0, 5000), meaning="SMEs in England", source=ASSUMED)
    capital_large: float = _sampled(90.0, "£m", (0.1, 2000), (60.0, 130.0), "median capital of a large supplier")
    capital_sme: float = _sampled(0.6, "£m", (0.01, 50), (0.4, 0.9), "median capital of an SME")
    outside_large: float = _fixed(400.0, "£m a year", 0, 10000, "median turnover of a large supplier outside this market", tuned=True)
    outside_sme: float = _fixed(4.0, "£m a year", 0, 200, "median turnover of an SME outside this market", tuned=True)
    capacity_large: float = _sampled(9.0, "£m a year", (0.1, 200), (7.0, 11.0), "work in transition that a large supplier can carry", "D0 ¶36-41", tuned=True)
    capacity_sme: float = _sampled(0.25, "£m a year", (0.01, 10), (0.2, 0.3), "work in transition that an SME can carry", tuned=True)
    capacity_growth: float = _fixed(0.03, "a quarter", 0, 0.5, "fastest growth of teams", "D0 ¶36")
    capacity_shrinkage: float = _fixed(0.015, "a quarter", 0, 0.5, "shrinkage of teams without work")
    transition_load: float = _fixed(0.3, "of annual value", 0, 2, "work in transition, times complexity")
    sme_reach: float = _fixed(43.0, "councils", 1, 10000, "nearest councils that an SME serves: an average region of England")
    sme_entry: float = _fixed(0.04, "a quarter", 0, 1, "chance that an SME at the door enters in a normal market")
    large_entry: float = _fixed(0.01, "a quarter", 0, 1, "the same for a large supplier")
    wave: float = _fixed(1.0, "factor", 0, 20, "on the chance that in-house services are put to the market while a wave of deals lasts", "D0 ¶36-41")
    wave_start: float = _fixed(17.0, "quarter", 1, 200, "first quarter of the wave")
    wave_quarters: float = _fixed(8.0, "quarters", 0, 200, "how long the wave lasts")
    sme_normal: float = _fixed(0.009, "£m a quarter", 0.00001, 100, "what tenders within reach promise each SME in a normal market", tuned=True)
    large_normal: float = _fixed(1.25, "£m a quarter", 0.00001, 100, "the same for each large supplier", tuned=True)
    sme_patience: float = _fixed(1.0, "contract lengths", 0.05, 100, "time without a win after which an SME gives a segment up")
    large_patience: float = _fixed(0.45, "contract lengths", 0.05, 100, "the same for a large supplier")
    # fmt: on


CENTRAL = Assumptions()


def assumptions_from(values: Mapping[str, object], where: str = WHERE) -> Assumptions:
    """Return the defaults with ``values`` in their place.

    Raises:
        InputError: an unknown name or a value out of bounds; ``where`` names the file or option.
    """
    for name in values:
        check_name(name, Assumptions, "assumption", where)
    given: dict[str, Any] = dict(values)
    try:
        return Assumptions(**given)
    except InputError as error:
        said = str(error).removeprefix(f"{WHERE}: ")
        raise InputError(f"{where}: {said}") from None


def sampled_names(fixed: Mapping[str, object]) -> list[str]:
    """Return the names that sampling varies while ``fixed`` are held."""
    known = parameters(Assumptions)
    return [n for n, one in known.items() if one.distribution == "uniform" and n not in fixed]


def sample(seed: int, count: int, fixed: Mapping[str, Scalar]) -> list[Assumptions]:
    """Return ``count`` samples: a Latin hypercube over the declared ranges, ``fixed`` held.

    Each range is cut in ``count`` equal parts and each part is used once (McKay et al. 1979).
    """
    import numpy as np

    from simulation.randomness import Draws, name_key

    draws, rows, columns = Draws(seed), np.arange(count), {}
    for name in sampled_names(fixed):
        stratum = np.argsort(np.argsort(draws.uniform("stratum", name_key(name), rows)))
        place = (stratum + draws.uniform("within stratum", name_key(name), rows)) / count
        low, high = parameters(Assumptions)[name].sweep or (0.0, 0.0)
        columns[name] = low + place * (high - low)
    return [
        assumptions_from({**{n: float(c[row]) for n, c in columns.items()}, **fixed}, "sample")
        for row in range(count)
    ]
