"""The first page of the report: the question, the answer, and how sure it is, on one sheet.

Every sentence is made from the summary and the appraisal, and says no more than their verdicts.
"""

from collections.abc import Iterator, Sequence

import pandas as pd

from results import narrative, statistics
from results.appraisal import Appraisal
from results.appraisal_words import clearest, elsewhere, who_gains
from results.intervals import FEWEST_PAIRS
from results.luck import LuckShare
from results.narrative import Row
from results.page import escape, paragraph
from results.robustness import Robustness
from results.store import RunDirectory
from results.verdicts import verdict_mark
from results.words import change, count, counted, listing, rounded_up

FEWEST_FINDINGS, MOST_FINDINGS = 3, 5
MOST_ON_LEAD = 3
"""Findings on the lead outcome before others have their turn."""
MOST_ASKED = 4
"""With more policies than this the question counts them."""


def content(appraisal: Appraisal, robustness: Robustness, chart: str) -> str:
    """Return the page as HTML.

    Args:
        appraisal: who gains and who loses.
        robustness: what would narrow the lead outcome's differences.
        chart: HTML of the chart of the lead outcome's differences; empty where there is none.
    """
    run, summary = appraisal.run, appraisal.summary
    if not run.replications:
        return paragraph("No replication is complete for every policy: there is no answer yet.")
    return "".join(
        [
            paragraph(question(run), "question"),
            paragraph(narrative.lead(run, summary), "lead"),
            _findings(run, summary),
            chart,
            _brief(appraisal, robustness),
        ]
    )


def question(run: RunDirectory) -> str:
    """Return what was asked, in one line."""
    baseline, *compared = (policy.label for policy in run.policies.values())
    outcome = narrative.lower_title(narrative.lead_outcome(run))
    if not compared:
        return f"What does the market do under {baseline}, and what is {outcome}?"
    many = len(compared) > MOST_ASKED
    whose = f"{count(len(compared))} policies" if many else listing(compared)
    return f"What would {whose} do to {outcome} and to the market, against {baseline}?"


# Findings


def findings(run: RunDirectory, summary: pd.DataFrame) -> list[Row]:
    """Return the rows of the summary that are told first: three to five where there are as many.

    First the lead outcome, of at most ``MOST_ON_LEAD`` policies: those whose interval leaves out
    zero before all others, by effect (of more, the best and the last); then what else is decided
    among the outcomes shown, the largest against what matters first, an outcome once; then the rest
    of the lead outcome.
    """
    outcome = narrative.lead_outcome(run)
    rows = narrative.rows_of(summary, outcome.name)
    del rows[run.baseline]
    lead = narrative.by_effect(list(rows.values()), outcome)
    clear = [row for row in lead if narrative.moved(row)]
    unclear = [row for row in lead if not narrative.moved(row)]
    first = _ends(clear, MOST_ON_LEAD)
    first += _ends(unclear, MOST_ON_LEAD - len(first))
    decided = list(_decided(run, summary, outcome.name))[: MOST_FINDINGS - len(first)]
    told = [*first, *decided]
    rest = [row for row in lead if not any(row is one for one in told)]
    return [*told, *rest[: max(FEWEST_FINDINGS - len(told), 0)]]


def _ends(rows: Sequence[Row], most: int) -> list[Row]:
    """Return at most ``most`` rows: the first ones, and of two or more the last."""
    if len(rows) <= most:
        return list(rows)
    return [*rows[: most - 1], rows[-1]] if most > 1 else list(rows[:most])


def _decided(run: RunDirectory, summary: pd.DataFrame, lead: str) -> Iterator[Row]:
    """Yield rows of other outcomes, better or worse, the clearest first, an outcome once."""
    clear = summary["verdict"].isin([statistics.BETTER, statistics.WORSE])
    rows = summary[clear & summary["headline"] & (summary["outcome"] != lead)]
    size = (rows["difference"] / rows["matters"]).abs()
    order = size.sort_values(ascending=False, kind="stable").index
    yield from rows.loc[order].drop_duplicates("outcome").to_dict("records")


def _findings(run: RunDirectory, summary: pd.DataFrame) -> str:
    items = "".join(
        f"<li>{escape(narrative.headline(run, summary, row['policy'], row['outcome']))}"
        f"{verdict_mark(row)}</li>"
        for row in findings(run, summary)
    )
    return f'<ol class="key">{items}</ol>' if items else ""


# Who gains, and how sure it all is


def _brief(appraisal: Appraisal, robustness: Robustness) -> str:
    run = appraisal.run
    if len(run.policies) == 1:
        return ""
    told = {
        "Who gains, who loses (net present value)": gainers(appraisal),
        "How sure": how_sure(run, appraisal.summary),
        "What it would take to be surer": surer(robustness),
    }
    items = "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in told.items())
    return f'<dl class="brief">{items}</dl>'


def gainers(appraisal: Appraisal) -> str:
    """Return who gains and loses by one policy, the largest of it by others, and where more is."""
    told = clearest(appraisal)
    compared = list(appraisal.run.policies)[1:]
    first = who_gains(appraisal, told, short=True)
    if len(compared) == 1:
        return first
    every = "Both policies" if len(compared) == 2 else f"All {count(len(compared))} policies"
    more = [elsewhere(appraisal, told), f"{every}: see Who gains and who loses, below."]
    return " ".join([first, *filter(None, more)])


def how_sure(run: RunDirectory, summary: pd.DataFrame) -> str:
    """Return how many verdicts are decided, and what the lead outcome's spread comes from."""
    shown = summary[summary["headline"] & ~summary["verdict"].isin(["", *statistics.SILENT])]
    open_ones = int((shown["verdict"] == statistics.UNDECIDED).sum())
    pairs = counted(len(run.replications), "paired replication")
    if len(run.replications) < FEWEST_PAIRS:
        return f"{pairs}: too few for a verdict."
    if shown.empty:
        return f"{pairs}; none of the outcomes shown first has a verdict."
    settled = (
        f"{pairs}; of {counted(len(shown), 'verdict')} on the outcomes shown first "
        f"{_settled(len(shown) - open_ones)}."
    )
    return " ".join([settled, *spread_words(run, summary)])


def _settled(many: int) -> str:
    if not many:
        return "none is settled"
    whole = f"{many:,} {'is' if many == 1 else 'are'} settled"
    wrong = "it" if many == 1 else "any of them"
    return f"{whole}, with a chance of 5% at most that {wrong} is wrong"


def spread_words(run: RunDirectory, summary: pd.DataFrame) -> list[str]:
    """Return what rules the spread of the lead outcome's differences, where it is known."""
    if run.question.assumptions.mode == "fixed":
        return ["Assumptions are fixed: how far they may be wrong is not in the intervals."]
    by_rule: dict[str, list[str]] = {}
    for row in narrative.rows_of(summary, narrative.lead_outcome(run).name).values():
        rule = LuckShare(row["luck_share"], row["luck_low"], row["luck_high"]).rules
        by_rule.setdefault(rule, []).append(run.policies[row["policy"]].label)
    named = {
        "luck": "mostly by luck",
        "assumptions": "mostly by assumptions",
        "both": "by both luck and assumptions",
    }
    told = [f"{how} for {listing(by_rule[rule])}" for rule, how in named.items() if rule in by_rule]
    outcome = narrative.lower_title(narrative.lead_outcome(run))
    return [f"Replications differ in {outcome} {'; '.join(told)}."] if told else []


def surer(robustness: Robustness) -> str:
    """Return how many replications would narrow the lead outcome, and what evidence would help."""
    run, outcome = robustness.run, robustness.outcome
    if len(run.replications) < FEWEST_PAIRS:
        return "More replications: an interval takes two at least, a narrow one many."
    rows = narrative.rows_of(robustness.summary, outcome.name)
    unsettled = [name for name, row in rows.items() if row["verdict"] == statistics.UNDECIDED]
    title = narrative.lower_title(outcome)
    if outcome.better == "neutral":
        return f"Differences in {title} are not judged; more replications narrow their intervals."
    if any(row["verdict"] in statistics.SILENT for row in rows.values()) and not unsettled:
        return f"More replications: there is too little yet to judge {title} by."
    if not unsettled:
        return f"No difference in {title} is left undecided by these runs."
    wanted = {name: robustness.replications_wanted(name) for name in unsettled}
    known = {name: many for name, many in wanted.items() if many}
    told = [_wanted(run, known, robustness)] if known else []
    evidence = _evidence(run, rows, unsettled)
    return " ".join([*told, *evidence]) or "More replications."


def _wanted(run: RunDirectory, known: dict[str, int], robustness: Robustness) -> str:
    """Return about how many replications narrow the undecided differences to what matters."""
    most = max(known, key=lambda name: known[name])
    margin = change(robustness.outcome.matters, robustness.outcome, signed=False)
    if known[most] <= len(run.replications):
        return (
            f"Every undecided difference in {narrative.lower_title(robustness.outcome)} is known "
            f"to {margin} either way, but lies too near what matters, with all verdicts of the "
            "table allowed for: more replications would tell."
        )
    return (
        f"To know every undecided difference in {narrative.lower_title(robustness.outcome)} to "
        f"{margin} either way takes about {rounded_up(known[most]):,} replications "
        f"(there are {len(run.replications):,})."
    )


def _evidence(run: RunDirectory, rows: dict[str, Row], unsettled: Sequence[str]) -> list[str]:
    named = {
        each.removeprefix("more replications, and ").replace("_", " ")
        for each in (str(rows[name]["narrow_by"]) for name in unsettled)
        if "evidence on" in each and "too few" not in each and not each.endswith("on assumptions")
    }
    return [f"Beyond that it takes {listing(sorted(named))}."] if named else []


def lead_rows(run: RunDirectory, summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the summary of which the first page's chart is drawn."""
    return summary[summary["outcome"] == narrative.lead_outcome(run).name]
