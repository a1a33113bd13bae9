"""Who gains and who loses, in words that claim no more than the verdicts."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from results import narrative, statistics, words
from results.appraisal import EXCHEQUER, TOTALS, Appraisal
from results.books import FIRMS
from results.narrative import Row
from results.words import (
    NOTHING,
    UNDECIDED_NOTHING,
    change,
    listing,
    span,
)
from simulation.outcomes import OUTCOMES, Outcome

VERDICT_WORDS: Mapping[str, str] = {statistics.BETTER: "gain", statistics.WORSE: "loss"}
"""What a verdict is called where somebody gains or loses."""
IN_SENTENCE = {EXCHEQUER: "the Exchequer", "london_borough": "London boroughs", "sme": "SMEs"}


def money_of(row: Row) -> Outcome:
    """Return the outcome in whose unit and figures a row's money is told."""
    return OUTCOMES["net_public_saving"].with_margin(row["matters"])


def money(value: float, row: Row, *, signed: bool = False) -> str:
    """Return £m NPV of a row as it is read aloud, without "NPV", which is said once."""
    return change(value, money_of(row), signed=signed).removesuffix(" NPV")


def interval(row: Row) -> str:
    """Return the 95% interval of a row; nothing where there is none."""
    return "" if math.isnan(row["low"]) else span(row["low"], row["high"], money_of(row))


def rows_told(appraisal: Appraisal, policy: str) -> Sequence[Row]:
    """Return the rows of which sentences tell: types of councils, suppliers and the Exchequer."""
    gains = appraisal.gains
    firms = list(FIRMS) if appraisal.knows_firms else ["suppliers"]
    councils = "type" if appraisal.knows_groups else TOTALS
    named = [*firms, EXCHEQUER, *([] if appraisal.knows_groups else ["councils"])]
    chosen = gains["party"].isin(named) | (gains["grouping"] == councils) & (councils == "type")
    return gains[(gains["policy"] == policy) & chosen].to_dict("records")


def who_gains(appraisal: Appraisal, policy: str, *, short: bool = False) -> str:
    """Return who gains and who loses by one policy, in a sentence; £m NPV and 95% intervals.

    A ``short`` one gives no figures of those for whom a change may be nothing.
    """
    rows = rows_told(appraisal, policy)
    groups = [(name, group) for name, _ in narrative.GROUPS for group in _with(rows, name)]
    clauses = [_clause(verdict, group, short) for verdict, group in groups]
    label = appraisal.run.policies[policy].label
    return f"{label}: {'; '.join(clauses)}."


def _with(rows: Sequence[Row], verdict: str) -> list[list[Row]]:
    """Return the rows with a verdict; where it leaves a gain or a loss open, these apart."""
    found = [row for row in rows if narrative.verdict_of(row) == verdict]
    largest = sorted(found, key=lambda row: -abs(row["difference"]))
    if verdict not in narrative.LEFT_OPEN:
        return [largest] if largest else []
    sides = [[row for row in largest if (row["difference"] > 0) == gain] for gain in (True, False)]
    return [side for side in sides if side]


def _clause(verdict: str, rows: Sequence[Row], short: bool) -> str:
    match verdict:
        case statistics.BETTER:
            return listing([_moved(row, "gain") for row in rows])
        case statistics.WORSE:
            return listing([_moved(row, "lose") for row in rows])
    names = listing([in_sentence(row) for row in rows])
    match verdict:
        case statistics.NEGLIGIBLE:
            return f"what changes for {names} is too little to matter"
        case statistics.IDENTICAL:
            return f"nothing changes for {names}"
        case words.NOT_DEFINED:
            return f"for {names} there is no value to compare with"
        case statistics.TOO_FEW_PAIRS:
            return f"for {names} there are too few pairs to say"
    if short and verdict == UNDECIDED_NOTHING:
        return f"for {names} the runs do not settle it"
    told = listing([_estimated(row) for row in rows])
    if verdict == UNDECIDED_NOTHING:
        return f"for {told} a change {NOTHING}"
    way = "gain" if rows[0]["difference"] > 0 else "loss"
    return f"for {told} the runs show a {way} {narrative.LEFT_OPEN[verdict]}"


def _moved(row: Row, verb: str) -> str:
    plural = "s" if row["party"] == EXCHEQUER else ""
    by = money(abs(row["difference"]), row)
    return f"{in_sentence(row)} {verb}{plural} {by} ({interval(row)})"


def _estimated(row: Row) -> str:
    by = money(row["difference"], row, signed=True)
    return f"{in_sentence(row)} ({', '.join(filter(None, [by, interval(row)]))})"


def in_sentence(row: Row) -> str:
    """Return a party's name inside a sentence."""
    title = str(row["title"])
    return IN_SENTENCE.get(str(row["party"]), title[0].lower() + title[1:])


def clearest(appraisal: Appraisal) -> str:
    """Return the policy whose gains and losses are told first.

    It has the largest effect on the public, among those whose interval leaves out zero if there
    are any.
    """
    gains: pd.DataFrame = appraisal.gains
    public = gains[gains["party"] == "public"]
    sure = public[(public["low"] > 0) | (public["high"] < 0)]
    chosen = (public if sure.empty else sure).set_index("policy")["difference"].abs()
    return str(chosen.idxmax())


def elsewhere(appraisal: Appraisal, policy: str) -> str:
    """Return the largest gain or loss by another policy than this one that is there for sure.

    It is one whose 95% interval leaves out zero; nothing where there is none.
    """
    rows = [
        row
        for other in list(appraisal.run.policies)[1:]
        if other != policy
        for row in rows_told(appraisal, other)
        if narrative.verdict_of(row) in narrative.TELLING
    ]
    if not rows:
        return ""
    row = max(rows, key=lambda row: abs(row["difference"]))
    whose = appraisal.run.policies[row["policy"]].label
    return f"With {whose}, {_clause(narrative.verdict_of(row), [row], short=True)}."
