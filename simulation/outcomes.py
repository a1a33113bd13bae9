"""The outcomes (M of XLRM): what is reported of a run, all in one list.

An *outcome* is a measure (`simulation.measures`) or a ratio of measures, with the rule that turns
sixty quarters of it into one number (`simulation.outcome_rules`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from simulation.outcome_rules import Gap, Last, NetPresentValue, Ratio, Rule, Sum

Better = Literal["higher", "lower", "neutral"]


@dataclass(frozen=True)
class Outcome:
    """One reported outcome.

    Attributes:
        name: column name.
        title: name for people.
        unit: unit of the value over the horizon.
        better: which direction is better, or neutral.
        matters: smallest difference over the horizon that matters: in ``unit``, or where
            ``relative_to`` is set, in % of that measure's discounted total over the horizon.
        rule: how quarters become one value, and what a single quarter shows.
        definition: what it is, in a sentence.
        headline: one of the ten shown first.
        events: measure that counts the events behind a rare outcome, or empty.
        relative_to: measure with whose total the smallest difference that matters grows, so that
            it fits a market of any size; empty where ``matters`` is absolute.
    """

    name: str
    title: str
    unit: str
    better: Better
    matters: float
    rule: Rule
    definition: str
    headline: bool = False
    events: str = ""
    relative_to: str = ""

    def with_margin(self, margin: float) -> "Outcome":
        """Return this outcome with ``margin``, in its unit, as what matters."""
        return replace(self, matters=margin, relative_to="")


def _percent(numerator: str, denominator: str) -> Ratio:
    return Ratio(numerator, denominator, scale=100.0)


_MONEY = (
    Outcome(
        "net_public_saving",
        "Net public saving",
        "£m NPV",
        "higher",
        0.1,
        NetPresentValue("public_saving"),
        "counterfactual cost less every resource cost, councils and Exchequer together",
        headline=True,
        relative_to="counterfactual",
    ),
    Outcome(
        "net_public_saving_share",
        "Net public saving, share",
        "% of counterfactual",
        "higher",
        0.1,
        Ratio("public_saving", "counterfactual", 100.0, discounted=True),
        "net public saving over the counterfactual, both discounted",
    ),
    Outcome(
        "councils_saving",
        "Councils' realised saving",
        "% of counterfactual",
        "higher",
        0.1,
        _percent("councils_saving", "counterfactual"),
        "counterfactual cost less what councils bore, fund receipts and repayments included",
        headline=True,
    ),
    Outcome(
        "claimed_gap",
        "Claimed minus realised saving",
        "% of counterfactual",
        "lower",
        0.1,
        Gap(
            _percent("claimed_saving", "counterfactual"),
            _percent("councils_saving", "counterfactual"),
        ),
        "saving that contracts promise, optimism included, less what councils realised",
        headline=True,
    ),
    Outcome(
        "saving_ahead",
        "Saving contracted beyond the horizon",
        "£m",
        "neutral",
        0.1,
        Last("saving_ahead"),
        "in-house cost less price, to their end, of contracts in force in the last quarter",
        relative_to="counterfactual",
    ),
    Outcome(
        "exchequer_saving",
        "Exchequer",
        "£m NPV",
        "higher",
        0.01,
        NetPresentValue("exchequer_saving"),
        "fund repaid less fund paid out and support to partnerships",
        relative_to="counterfactual",
    ),
    Outcome(
        "supplier_profit",
        "Suppliers' profit",
        "£m NPV",
        "neutral",
        0.05,
        NetPresentValue("supplier_profit"),
        "suppliers' income from councils less all their costs in this market",
        relative_to="counterfactual",
    ),
    Outcome(
        "district_gap",
        "Districts' saving against counties' and unitaries'",
        "points",
        "neutral",
        0.2,
        Gap(
            _percent("district_saving", "district_counterfactual"),
            _percent("upper_saving", "upper_counterfactual"),
        ),
        "districts' realised saving, % of their counterfactual, "
        "less that of counties and unitaries",
        headline=True,
    ),
)

_MARKET = (
    Outcome(
        "bids_per_tender",
        "Bids per tender",
        "bids",
        "higher",
        0.1,
        Ratio("bids", "contested_tenders"),
        "final bids per tender that drew at least one",
        headline=True,
    ),
    Outcome(
        "single_bid_share",
        "Single-bid tenders",
        "%",
        "lower",
        1.0,
        _percent("single_bid_tenders", "contested_tenders"),
        "share of contested tenders with exactly one bid",
        headline=True,
    ),
    Outcome(
        "sme_value_share",
        "SMEs' share of awards by value",
        "%",
        "higher",
        1.0,
        _percent("sme_award_value", "award_value"),
        "value of awards to SMEs over value of all awards",
        headline=True,
    ),
    Outcome(
        "sme_number_share",
        "SMEs' share of awards by number",
        "%",
        "higher",
        1.0,
        _percent("sme_awards", "awards"),
        "awards to SMEs over all awards",
    ),
    Outcome(
        "supplier_concentration",
        "Supplier concentration",
        "HHI, 0-1",
        "lower",
        0.01,
        Ratio("concentration", "value_in_force"),
        "Herfindahl index of contract value in force, by segment, weighted by value",
        headline=True,
    ),
    Outcome(
        "price_ratio",
        "Price against in-house cost",
        "ratio",
        "lower",
        0.005,
        Ratio("award_price", "award_in_house_cost"),
        "price of awards over the in-house cost of the same services",
    ),
    Outcome(
        "failed_share",
        "Failed tenders",
        "%",
        "lower",
        1.0,
        _percent("failed_tenders", "tenders"),
        "tenders that ended without an award",
    ),
    Outcome(
        "incumbent_win_rate",
        "Incumbents' win rate",
        "%",
        "neutral",
        1.0,
        _percent("unchanged_incumbent_wins", "unchanged_retenders"),
        "re-tenders of just what one contract covered, won by the supplier that held it",
    ),
    Outcome(
        "comparable_prices",
        "Prices to compare",
        "recent awards a tender",
        "neutral",
        1.0,
        Ratio("comparable_prices", "tenders"),
        "recent awards in the same segment by which a buyer can judge a bid, mean over tenders",
    ),
    Outcome(
        "buyer_procurement_cost",
        "Cost of procurement to buyers",
        "£m",
        "lower",
        0.01,
        Sum("buyer_procurement_cost"),
        "councils' cost of tendering",
        relative_to="counterfactual",
    ),
    Outcome(
        "bidder_procurement_cost",
        "Cost of procurement to bidders",
        "£m",
        "lower",
        0.01,
        Sum("bidder_procurement_cost"),
        "suppliers' cost of bidding, won or lost",
        relative_to="counterfactual",
    ),
)

_DELIVERY = (
    Outcome(
        "collapse_rate",
        "Contract collapses",
        "per 100 contract-years",
        "lower",
        0.05,
        Ratio("collapses", "contract_years", 100.0),
        "contracts ended by a loss too great for their supplier",
        headline=True,
        events="collapses",
    ),
    Outcome(
        "dispute_rate",
        "Disputes",
        "per 100 contract-years",
        "lower",
        0.05,
        Ratio("disputes", "contract_years", 100.0),
        "contracts in dispute over their price as true cost came to light",
        events="disputes",
    ),
    Outcome(
        "early_terminations",
        "Early terminations",
        "count",
        "lower",
        5.0,
        Sum("early_terminations"),
        "contracts ended by a loss, a dispute or the failure of their supplier",
        events="early_terminations",
    ),
    Outcome(
        "cost_overrun",
        "Cost overrun",
        "% of project cost",
        "lower",
        1.0,
        _percent("overrun_cost", "project_cost"),
        "losses that either party bore over the project cost of contracts signed",
    ),
    Outcome(
        "service_quality",
        "Quality of service",
        "index, in-house 1",
        "higher",
        0.005,
        Ratio("quality_weighted", "counterfactual"),
        "quality of services, weighted by their cost",
    ),
)

_SUPPLIERS = (
    Outcome(
        "suppliers_active",
        "Suppliers in the market",
        "count",
        "neutral",
        5.0,
        Last("suppliers_active"),
        "suppliers active in the last quarter",
    ),
    Outcome(
        "smes_active",
        "SMEs in the market",
        "count",
        "neutral",
        5.0,
        Last("smes_active"),
        "SMEs active in the last quarter",
    ),
    Outcome(
        "entrants",
        "Suppliers that entered",
        "count",
        "neutral",
        5.0,
        Sum("entrants"),
        "suppliers that entered the market",
    ),
    Outcome(
        "leavers",
        "Suppliers that left",
        "count",
        "neutral",
        5.0,
        Sum("leavers"),
        "suppliers that left for want of wins",
    ),
    Outcome(
        "supplier_failures",
        "Suppliers that failed",
        "count",
        "lower",
        2.0,
        Sum("supplier_failures"),
        "suppliers that ran out of capital",
        events="supplier_failures",
    ),
)

_SHARING = (
    Outcome(
        "shared_councils",
        "Councils in a shared service",
        "% of councils",
        "neutral",
        2.0,
        Last("shared_councils", per_cent_of="councils"),
        "councils with at least one service in a joint contract in the last quarter",
        headline=True,
    ),
    Outcome(
        "partnerships_formed",
        "Partnerships begun",
        "count",
        "neutral",
        5.0,
        Sum("partnerships_formed"),
        "groups that began to form",
    ),
    Outcome(
        "walked_away",
        "Members that walked away",
        "count",
        "neutral",
        5.0,
        Sum("walked_away"),
        "members that left a group before agreement",
    ),
    Outcome(
        "partnerships_performing",
        "Partnerships performing",
        "count",
        "neutral",
        5.0,
        Last("partnerships_performing"),
        "groups whose joint contract is in force in the last quarter",
    ),
    Outcome(
        "walk_away_rate",
        "Members that walk away before agreement",
        "% a year",
        "neutral",
        2.0,
        Ratio("walked_away", "preparing_members", 400.0),
        "members that walked away, over members of groups at odds or that prepare a first contract",
    ),
    Outcome(
        "quarters_to_agree",
        "Time to set a partnership up",
        "quarters",
        "lower",
        0.5,
        Ratio("quarters_to_agree", "partnerships_started"),
        "from first talks to the start of the first joint contract, on average",
    ),
    Outcome(
        "withdrew",
        "Members that withdrew",
        "count",
        "neutral",
        5.0,
        Sum("withdrew"),
        "members that left a joint contract before its end",
        events="withdrew",
    ),
    Outcome(
        "joined_later",
        "Services that joined later",
        "count",
        "neutral",
        5.0,
        Sum("joined_later"),
        "services that joined a joint contract in force",
        events="joined_later",
    ),
    Outcome(
        "troubled_members",
        "Members in trouble",
        "% of members",
        "lower",
        2.0,
        _percent("troubled_members", "partners"),
        "members of groups that differ, lost a member or had trouble with a contract in a year",
    ),
    Outcome(
        "readiness",
        "Readiness to share",
        "%",
        "neutral",
        1.0,
        Last("readiness", per_cent_of="councils"),
        "mean readiness of councils to share in the last quarter",
    ),
    Outcome(
        "partnership_size",
        "Size of partnerships",
        "councils",
        "neutral",
        0.5,
        Ratio("partnership_members", "partnerships_agreed"),
        "members of a group that signs, on average",
    ),
    Outcome(
        "projects_started",
        "Projects started",
        "count",
        "neutral",
        5.0,
        Sum("projects_started"),
        "new groups and programmes that were set up and signed",
    ),
    Outcome(
        "projects_unfunded",
        "Projects lost for want of cash",
        "count",
        "lower",
        5.0,
        Sum("projects_unfunded"),
        "attempts that passed their business case and found no cash",
    ),
    Outcome(
        "fund_paid",
        "Fund paid out",
        "£m",
        "neutral",
        0.005,
        Sum("fund_paid"),
        "claims paid by the fund",
        relative_to="counterfactual",
    ),
    Outcome(
        "fund_repaid",
        "Fund repaid",
        "£m",
        "neutral",
        0.005,
        Sum("fund_repaid"),
        "repayments to the fund",
        relative_to="counterfactual",
    ),
    Outcome(
        "fund_written_off",
        "Fund written off",
        "£m",
        "lower",
        0.005,
        Sum("fund_written_off"),
        "outstanding claims written off",
        relative_to="counterfactual",
    ),
    Outcome(
        "fund_deadweight",
        "Deadweight of the fund",
        "% of claims",
        "lower",
        5.0,
        _percent("fund_deadweight", "fund_claims"),
        "claims by projects whose councils could have found the cash themselves",
    ),
)

OUTCOMES: Mapping[str, Outcome] = {
    item.name: item for item in (*_MONEY, *_MARKET, *_DELIVERY, *_SUPPLIERS, *_SHARING)
}
HEADLINE: tuple[str, ...] = tuple(name for name, item in OUTCOMES.items() if item.headline)
