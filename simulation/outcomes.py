"""The outcomes (M of XLRM) and the quarterly measures from which they are made.

A *measure* is a raw quantity counted in one quarter. An *outcome* is what is reported: a measure
or a ratio of measures, with the rule that turns sixty quarters of it into one number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Better = Literal["higher", "lower", "neutral"]


@dataclass(frozen=True)
class Sum:
    """Total of one measure over the horizon."""

    measure: str


@dataclass(frozen=True)
class Last:
    """The measure in the last quarter, as a percentage of ``per_cent_of`` where that is given."""

    measure: str
    per_cent_of: str = ""


@dataclass(frozen=True)
class NetPresentValue:
    """Discounted total of one measure, at the assumption ``discount_rate``, to April 2006."""

    measure: str


@dataclass(frozen=True)
class Ratio:
    """Total of the numerator over total of the denominator; NaN only where that is zero.

    ``scale`` multiplies the ratio (100 for per cent or per hundred); ``discounted`` discounts both
    totals.
    """

    numerator: str
    denominator: str
    scale: float = 1.0
    discounted: bool = False


@dataclass(frozen=True)
class Gap:
    """One ratio less another."""

    first: Ratio
    second: Ratio


Rule = Sum | Last | NetPresentValue | Ratio | Gap


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


MEASURES: Mapping[str, str] = {
    "discount": "factor; value in April 2006 of £1 in this quarter",
    "counterfactual": "£m; in-house cost of every service carried forward",
    "councils_saving": "£m; counterfactual less every resource cost that councils bore",
    "exchequer_saving": "£m; fund repaid less fund paid out and support to partnerships",
    "public_saving": "£m; councils_saving plus exchequer_saving",
    "claimed_saving": "£m; saving that contracts in force promise, optimism included",
    "saving_ahead": "£m; in-house cost less agreed price to the end of contracts in force",
    "district_saving": "£m; councils_saving of districts",
    "district_counterfactual": "£m; counterfactual of districts",
    "upper_saving": "£m; councils_saving of counties and unitaries",
    "upper_counterfactual": "£m; counterfactual of counties and unitaries",
    "tenders": "count; tenders put to the market",
    "contested_tenders": "count; tenders with at least one bid",
    "single_bid_tenders": "count; tenders with exactly one bid",
    "failed_tenders": "count; tenders without an award",
    "bids": "count; bids that stayed to the end",
    "large_bids": "count; of these by large suppliers",
    "awards": "count; contracts awarded",
    "sme_awards": "count; of these to SMEs",
    "award_value": "£m; price of awarded contracts over their life",
    "sme_award_value": "£m; of this to SMEs",
    "award_price": "£m a year; price of awarded contracts",
    "award_in_house_cost": "£m a year; in-house cost of the same services",
    "retenders": "count; awards on services of which a supplier still active held a part",
    "incumbent_wins": "count; of these won by the holder of the largest part",
    "buyer_procurement_cost": "£m; councils' cost of tendering",
    "bidder_procurement_cost": "£m; suppliers' cost of bidding",
    "contract_years": "years; contracts in force, over four",
    "collapses": "count; contracts that a loss too great for the supplier ended",
    "early_terminations": "count; contracts ended by a loss, a dispute or their supplier's failure",
    "events": "count; contracts struck by risk events",
    "rescues": "count; of these, contracts whose supplier made good its part",
    "disputes": "count; contracts in dispute as true cost came to light",
    "comparable_prices": "count; recent awards in its segment for each tender, added up",
    "unchanged_retenders": "count; awards on just what one contract of an active supplier covered",
    "unchanged_incumbent_wins": "count; of these won by the supplier of that contract",
    "capable_large": (
        "count; large suppliers in each of managed services, outsourcing and strategic "
        "partnerships, added up"
    ),
    "capable_strategic": "count; of these, large suppliers in strategic partnerships",
    "large_entrants": "count; large suppliers that entered",
    "submitted_bids": "count; bids made, those withdrawn or not shortlisted included",
    "projects_by_supplier": "count; projects whose set-up a supplier paid",
    "overrun_cost": "£m; losses from risk events that either party bore",
    "project_cost": "£m; project cost of contracts signed",
    "concentration": (
        "£m a year; contract value in force, weighted by its segment's Herfindahl index"
    ),
    "value_in_force": "£m a year; price of contracts in force",
    "quality_weighted": "£m; counterfactual times quality of service",
    "suppliers_active": "count; suppliers in the market at the end of the quarter",
    "smes_active": "count; of these SMEs",
    "entrants": "count; suppliers that entered",
    "leavers": "count; suppliers that left for want of wins",
    "supplier_failures": "count; suppliers that ran out of capital",
    "supplier_profit": "£m; suppliers' income from councils less their costs, capital apart",
    "partnerships_formed": "count; groups that began to form",
    "partnerships_agreed": "count; joint contracts signed by groups, renewals included",
    "partnership_members": "count; members of these",
    "walked_away": "count; members that walked away before agreement",
    "partnership_members_sought": "count; members of groups that began to form",
    "late_exits": "count; members that left after their group had settled its differences",
    "voted": "count; members' votes on a business case",
    "voted_against": "count; of these against",
    "withdrew": "count; members that left a joint contract",
    "joined_later": "count; services that joined a joint contract in force",
    "partnerships_started": "count; groups whose first joint contract began",
    "quarters_to_agree": "quarters; from first talks to it, added up over these groups",
    "partnerships_ended": "count; groups that dissolved",
    "partnerships_preparing": "count; groups that form, storm or prepare a contract",
    "sharing_members": "count; members of joint contracts in force",
    "preparing_members": "count; members of groups at odds or that prepare a first contract",
    "partners": "count; members of groups beyond first talks",
    "troubled_members": "count; of these, members of groups in trouble within a year",
    "readiness": "share; readiness to share, added up over councils",
    "partnerships_performing": "count; groups whose joint contract is in force",
    "shared_councils": "count; councils with at least one service in a joint contract",
    "councils": "count; councils",
    "projects_viable": "count; business cases passed, each attempt of a project counted",
    "projects_started": "count; projects set up and signed",
    "projects_unfunded": "count; attempts that passed their business case and found no cash",
    "fund_paid": "£m; paid out by the fund",
    "fund_repaid": "£m; repaid to the fund",
    "fund_written_off": "£m; outstanding claims written off",
    "fund_claims": "count; projects that the fund paid for in part",
    "fund_deadweight": "count; of these, projects whose councils could have found the cash",
    "supplier_investment": "£m; what suppliers put in up front, set-up that they paid included",
}


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
