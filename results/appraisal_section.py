"""The report's part on the appraisal: its sentences and tables, put together."""

import math
from collections.abc import Sequence

import pandas as pd

from results.appraisal import EVERYONE, GROUPINGS, PUBLIC, SIZES, TOTALS, Appraisal
from results.appraisal_words import VERDICT_WORDS, interval, money, who_gains
from results.narrative import Row, rows_of
from results.page import escape, hidden, paragraph, table
from results.verdicts import parted, verdict_mark
from results.words import EN_DASH, change, number, span
from simulation.outcomes import OUTCOMES

METHOD = (
    "Money is net present value in April 2006, £m at 2006 prices, at each replication's discount "
    "rate; a plus is a gain against the baseline. What councils gain is counterfactual in-house "
    "cost less every resource cost that they bear, with what the fund pays them and what they "
    "repay. What suppliers gain is their surplus: prices received less the cost of bidding, "
    "delivery, idle teams, investment, finance and losses in this market. Prices, claims and "
    "repayments are transfers: they move a gain from one line to another and cancel in the last "
    "one, so that it holds resources saved. Not valued: the quality of services, wages and jobs, "
    "business outside this market, the cost of raising taxes. No distributional weights are used."
)
READING = (
    "In brackets the 95% interval of each difference by itself. Verdicts hold together in each "
    "table, all its policies allowed for (Holm's correction, 5%), but the public's and the "
    "Exchequer's, which are those of the table of outcomes. Points are % of the councils' own "
    "counterfactual: mean gain over mean counterfactual, where the table of outcomes has the mean "
    "of each replication's share."
)
SIZE_NOTE = (
    "Size is by population within each type of council, so that it does not stand for the type: "
    f"{SIZES[0].lower()} of the counties, of the districts and so on."
)
FUND_METHOD = (
    "Differences from the baseline. Money is discounted here; the table of outcomes gives what "
    "the fund paid and was repaid as it stood. The net public saving has the Exchequer's cost "
    "taken off already; the benefit-cost ratio sets what councils gain before transfers against "
    "that cost. A ratio is of means, with Fieller's 95% interval, and is not defined where the "
    "runs do not rule out that what stands below the line is nought. Net cost and ratios rest on "
    "where the horizon ends: what is still out then is due later and counts as nought, and so do "
    "savings after it; were all of it repaid, the net cost would be less by about as much. "
    "Deadweight is told twice: "
    "claims by projects whose councils had the cash, judged within the run; and projects more "
    "than without the policy under the same luck, to each claim. What is missing from one project"
    " a claim happens anyway, or takes the place of another project."
)
NO_GROUPS = (
    "Gains of groups of councils are not shown: the table of councils in this run directory, made "
    "by an earlier version, has no discounted savings. The same runs made again will have them."
)
NO_FIRMS = (
    "Large suppliers and SMEs are not shown apart: the ledger in this run directory does not keep "
    "them apart."
)


def content(about: Appraisal, chart: str) -> str:
    """Return the whole part as HTML, with the ``chart``; nothing where nothing is compared."""
    compared = list(about.run.policies)[1:]
    if not compared or not about.run.replications:
        return ""
    told = "".join(f"<li>{escape(who_gains(about, each))}</li>" for each in compared)
    return "".join(
        [
            f"<ul>{told}</ul>",
            paragraph(READING, "note"),
            _gains(about, TOTALS),
            *_missing(about),
            chart,
            _groups(about),
            "<h3>What the Exchequer's money buys</h3>",
            _funds(about),
            hidden("How gains and losses are reckoned", paragraph(METHOD)),
        ]
    )


def _missing(about: Appraisal) -> list[str]:
    notes = {NO_GROUPS: about.knows_groups, NO_FIRMS: about.knows_firms}
    return [paragraph(note, "note") for note, known in notes.items() if not known]


def _groups(about: Appraisal) -> str:
    if not about.knows_groups:
        return ""
    return (
        _gains(about, "type")
        + hidden(GROUPINGS["size"], paragraph(SIZE_NOTE, "note") + _gains(about, "size"))
        + hidden(GROUPINGS["region"], _gains(about, "region"))
    )


def _gains(about: Appraisal, grouping: str) -> str:
    compared = list(about.run.policies)[1:]
    return "".join(_gains_table(about, grouping, part) for part in parted(compared))


def _gains_table(about: Appraisal, grouping: str, policies: Sequence[str]) -> str:
    gains = about.gains[about.gains["grouping"] == grouping]
    labels = [about.run.policies[name].label for name in (about.run.baseline, *policies)]
    caption = f"{GROUPINGS[grouping]}: the baseline's mean, and differences from it, £m NPV"
    rows = [
        [_head(of_party[policies[0]]), _baseline(of_party[policies[0]])]
        + [_cell(of_party[policy]) for policy in policies]
        for of_party in _by_party(gains)
    ]
    return table(caption, ["Who", *map(escape, labels)], rows)


def _by_party(gains: pd.DataFrame) -> list[dict[str, Row]]:
    """Return the rows of each party by policy."""
    return [
        {str(row["policy"]): row for row in rows.to_dict("records")}
        for _, rows in gains.groupby("party", sort=False)
    ]


def _head(row: Row) -> str:
    many = f"{row['councils']:,} council{'' if row['councils'] == 1 else 's'}; "
    below = (many if row["councils"] else "") + f"matters from {money(row['matters'], row)}"
    name = f"<b>{escape(row['title'])}</b>" if row["party"] in (PUBLIC, EVERYONE) else ""
    return f"{name or escape(row['title'])}<small>{escape(below)}</small>"


def _baseline(row: Row) -> str:
    return f"<b>{escape(money(row['baseline'], row))}</b>"


def _cell(row: Row) -> str:
    within = "" if row["low"] == row["high"] else interval(row)
    known = not math.isnan(row["per_cent"])
    share = f"{number(row['per_cent'], 0.1, signed=True)} points" if known else ""
    small = "".join(
        f"<small>{escape(each)}</small>" for each in (share, within and f"({within})") if each
    )
    by = escape(money(row["difference"], row, signed=True))
    return f"<b>{by}</b>{small}{verdict_mark(row, VERDICT_WORDS)}"


# What a fund buys


def _funds(about: Appraisal) -> str:
    if about.funds.empty:
        return paragraph("No policy here costs the Exchequer more than the baseline does.")
    told = about.funds.to_dict("records")
    lines = [
        [escape(name), *(escape(fund_figure(about, row, key)) for row in told)]
        for key, name in FUND_LINES.items()
        if key not in OF_FUNDS or any(row["claims"] > 0 for row in told)
    ]
    heads = ["What", *(escape(about.run.policies[row["policy"]].label) for row in told)]
    made = table("What the Exchequer pays, and what comes of it: £m NPV", heads, lines, "narrow")
    return made + paragraph(FUND_METHOD, "note")


FUND_LINES = {
    "paid": "Fund paid out",
    "repaid": "Fund repaid",
    "written_off": "Fund written off",
    "still_out": "Still out at the end: due after the horizon, counted as nought",
    "net_cost": "Net cost to the Exchequer, support included",
    "saving": "Net public saving",
    "per_paid": "Net public saving per £ paid out by the fund",
    "per_net": "Net public saving per £ not repaid to the fund",
    "benefit_cost": "Benefit-cost ratio: councils' gain before transfers per £ of net cost",
    "claims": "Projects that the fund paid for in part",
    "claims_with_cash": "Deadweight within the run: claims whose councils had the cash",
    "projects": "Projects more than without the policy",
    "projects_per_claim": "Additionality, paired: projects more, to each claim",
}
OF_FUNDS = (
    "paid", "repaid", "written_off", "still_out", "per_paid", "per_net", "claims",
    "claims_with_cash", "projects", "projects_per_claim",
)  # fmt: skip
"""Lines that say nothing where no fund pays."""


def fund_figure(about: Appraisal, row: Row, key: str) -> str:
    """Return a figure of what a fund buys as it is read aloud; ``key`` is of ``FUND_LINES``."""
    match key:
        case "saving":
            outcome = rows_of(about.summary, "net_public_saving")[row["policy"]]
            whole = OUTCOMES["net_public_saving"].with_margin(outcome["matters"])
            shown = change(outcome["difference"], whole).removesuffix(" NPV")
            within = span(outcome["low"], outcome["high"], whole)
            return shown if math.isnan(outcome["low"]) else f"{shown} ({within})"
        case "paid" | "repaid" | "written_off" | "still_out" | "net_cost":
            return change(row[key], OUTCOMES["fund_paid"].with_margin(1.0), signed=False)
        case "claims":
            return number(row[key], 1.0)
        case "claims_with_cash":
            return _defined(f"{row[key]:.0f}%", row[key])
        case "projects":
            return _with_interval(row, key, 1.0)
    return _with_interval(row, key, 0.1)


def _with_interval(row: Row, key: str, fine: float) -> str:
    low, high = (number(row[f"{key}_{end}"], fine, signed=True) for end in ("low", "high"))
    shown = number(row[key], fine, signed=True)
    within = "" if math.isnan(row[f"{key}_low"]) else f" ({low} to {high})"
    return _defined(f"{shown}{within}", row[key])


def _defined(shown: str, value: float) -> str:
    return f"{EN_DASH} not defined" if math.isnan(value) else shown
