"""The answer in words: sentences made from a summary, that claim no more than its verdicts."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from results import statistics, words
from results.statistics import outcome_of
from results.store import RunDirectory
from results.words import (
    NOTHING,
    SMALL,
    UNDECIDED_NOTHING,
    UNDECIDED_SMALL,
    amounts,
    change,
    count,
    interval_words,
    listing,
    of_what,
    verdict_words,
    with_unit,
)
from simulation.outcomes import OUTCOMES, Outcome

SHARE_OF = {"net_public_saving": "net_public_saving_share"}
"""Outcomes whose value is told with a second one, as a share."""

Row = Mapping[Any, Any]
GROUPS = (
    (statistics.BETTER, "Better"),
    (statistics.WORSE, "Worse"),
    (statistics.NEGLIGIBLE, "No difference that matters"),
    (UNDECIDED_SMALL, f"Undecided: {SMALL}"),
    (UNDECIDED_NOTHING, f"Undecided: {NOTHING}"),
    (statistics.IDENTICAL, "Identical"),
    (statistics.TOO_FEW_EVENTS, "Too few events to say"),
    (statistics.TOO_FEW_PAIRS, "Too few replications to say"),
    ("", "Not judged"),
)
"""Every verdict, in the words of `verdict_of`, and what opens its list, in the order of reading."""
TELLING = (statistics.BETTER, statistics.WORSE, UNDECIDED_SMALL)
"""Verdicts that tell of a difference which is there for sure."""
MOST_NAMED = 6
"""With more policies than this the first sentence counts them."""


def verdict_of(row: Row) -> str:
    """Return the verdict of a row in words; where it is undecided, with what is left open."""
    return verdict_words(row["verdict"], row["low"], row["high"])


def lead_outcome(run: RunDirectory) -> Outcome:
    """Return the outcome that the answer is about: the first shown one that can be judged."""
    judged = [name for name in run.shown if OUTCOMES[name].better != "neutral"]
    return OUTCOMES[(judged or list(run.shown))[0]]


def rows_of(summary: pd.DataFrame, outcome: str) -> dict[str, Row]:
    """Return the summary's rows of one outcome by policy, the baseline's first."""
    chosen = summary[summary["outcome"] == outcome]
    return {str(row["policy"]): row for row in chosen.to_dict("records")}


def lead(run: RunDirectory, summary: pd.DataFrame) -> str:
    """Return one sentence that answers the question, for the lead outcome."""
    rows = rows_of(summary, lead_outcome(run).name)
    baseline = rows.pop(run.baseline)
    outcome = outcome_of(baseline)
    if not rows:
        return _single(run, outcome, baseline)
    tell = _counting if len(rows) > MOST_NAMED else _clause
    name = run.policies[run.baseline].label
    told = _clauses(run, outcome, list(rows.values()), tell)
    return f"{outcome.title} over {years(run)}, against {name}: {told}."


def message(run: RunDirectory, summary: pd.DataFrame, outcome: str, longest: int) -> str:
    """Return what the runs say of one outcome, as a title of about ``longest`` characters.

    Policies are named where there is room, else counted; those of which the runs tell nothing are
    left out where they tell something of others. Of a neutral outcome it tells the policy that
    differs most, with its interval.
    """
    rows = rows_of(summary, outcome)
    baseline = rows.pop(run.baseline)
    known, others = outcome_of(baseline), list(rows.values())
    if not others:
        return f"{known.title}: {with_unit(baseline['policy_mean'], known)} over {years(run)}"
    if known.better == "neutral":
        return f"{known.title}: {_most_different(run, known, others)}"
    telling = [row for row in others if verdict_of(row) in TELLING]
    named, counted = (
        _clauses(run, known, telling or others, tell) for tell in (_clause, _counting)
    )
    told = named if len(named) + len(known.title) < longest else counted
    return f"{known.title}: {told}"


def _most_different(run: RunDirectory, outcome: Outcome, rows: Sequence[Row]) -> str:
    first = max(rows, key=lambda row: abs(row["difference"]) if row["pairs"] else -1.0)
    if not first["difference"]:
        return "the same with every policy"
    many = "differs" if len(rows) == 1 else "differs most"
    by = change(first["difference"], outcome)
    interval = interval_words(first["low"], first["high"], outcome)
    return f"{run.policies[first['policy']].label} {many}, by {by} ({interval}); not judged"


def _clauses(
    run: RunDirectory,
    outcome: Outcome,
    rows: Sequence[Row],
    tell: Callable[[RunDirectory, Outcome, str, Sequence[Row]], str],
) -> str:
    """Return a clause for each verdict, the policies with the best effects first."""
    groups = _by_verdict(by_effect(rows, outcome))
    return "; ".join(tell(run, outcome, verdict, group) for verdict, group in groups.items())


def by_effect(rows: Sequence[Row], outcome: Outcome) -> list[Row]:
    """Return ``rows`` of one outcome, the best difference first; the largest where none is."""
    return sorted(rows, key=lambda row: _rank(row, outcome))


def _rank(row: Row, outcome: Outcome) -> float:
    """Return what puts the best effect first, and the largest where none is better."""
    if math.isnan(row["difference"]):
        return math.inf
    return float(row["difference"] if outcome.better == "lower" else -row["difference"])


def _by_verdict(rows: Sequence[Row]) -> dict[str, list[Row]]:
    groups = {verdict: [row for row in rows if verdict_of(row) == verdict] for verdict, _ in GROUPS}
    return {verdict: group for verdict, group in groups.items() if group}


def years(run: RunDirectory) -> str:
    """Return the length of the runs in words."""
    length = run.question.years
    return f"{count(length)} year{'s' if length > 1 else ''}"


def _single(run: RunDirectory, outcome: Outcome, row: Row) -> str:
    name = run.policies[run.baseline].label
    mean = with_unit(row["policy_mean"], outcome)
    if row["pairs"] < 2:
        return (
            f"{name}, over {years(run)}: {lower_title(outcome)} is {mean} in a single replication."
        )
    spread = " to ".join(amounts(row["p10"], row["p90"], outcome))
    return (
        f"{name}, over {years(run)}: {lower_title(outcome)} is {mean} on average over "
        f"{row['pairs']} replications (10 to 90% of them: {spread})."
    )


def _clause(run: RunDirectory, outcome: Outcome, verdict: str, rows: Sequence[Row]) -> str:
    """Say of the policies with one verdict what it is, in a clause that calls the outcome "it"."""
    plain = [run.policies[row["policy"]].label for row in rows]
    names, many = listing(plain), len(rows) > 1
    match verdict:
        case statistics.BETTER | statistics.WORSE:
            moved = [f"{name} ({_by(outcome, row)})" for name, row in zip(plain, rows, strict=True)]
            return f"{listing(moved)} {_moves(rows[0]['difference'], many)} it"
        case statistics.NEGLIGIBLE:
            return f"{names} {'do' if many else 'does'} not change it by as much as matters"
        case statistics.IDENTICAL:
            return f"{names} {'leave' if many else 'leaves'} it exactly as it is"
        case words.UNDECIDED_SMALL:
            return f"for {names} the runs show a difference that may be too small to matter"
        case words.UNDECIDED_NOTHING:
            return f"for {names} the runs do not settle it"
        case "":
            return f"for {names} it is not judged"
    return f"for {names} there are {verdict} to say"


def _counting(run: RunDirectory, outcome: Outcome, verdict: str, rows: Sequence[Row]) -> str:
    """Say of how many policies a verdict holds, and which of them stands out."""
    many = f"{count(len(rows))} {'policy' if len(rows) == 1 else 'policies'}"
    first, last = (run.policies[rows[place]["policy"]].label for place in (0, -1))
    match verdict:
        case statistics.BETTER:
            return f"better with {many}, most with {first} ({_by(outcome, rows[0])})"
        case statistics.WORSE:
            return f"worse with {many}, most with {last} ({_by(outcome, rows[-1])})"
        case words.UNDECIDED_SMALL:
            return f"a difference that may be too small to matter with {many}"
        case words.UNDECIDED_NOTHING:
            return f"not settled for {many}"
    return f"{dict(GROUPS)[verdict].lower()} with {many}"


def _by(outcome: Outcome, row: Row) -> str:
    return change(row["difference"], outcome)


def _moves(difference: float, many: bool) -> str:
    verb = "raise" if difference > 0 else "lower"
    return verb if many else f"{verb}s"


def lower_title(outcome: Outcome) -> str:
    """Return an outcome's title as it stands inside a sentence, words in capitals kept."""
    title = outcome.title
    return title if title[1:2].isupper() else title[0].lower() + title[1:]


def headline(run: RunDirectory, summary: pd.DataFrame, policy: str, about: str = "") -> str:
    """Return a sentence on one policy and the outcome ``about``, the lead one if none is named."""
    row = rows_of(summary, about or lead_outcome(run).name)[policy]
    outcome = outcome_of(row)
    name, title, figures = run.policies[policy].label, lower_title(outcome), _figures(outcome, row)
    match verdict_of(row):
        case statistics.BETTER | statistics.WORSE:
            by = change(abs(row["difference"]), outcome, signed=False)
            by += _share(outcome, summary, policy)
            return f"{name} {_moves(row['difference'], False)} {title} by {by} ({figures})."
        case statistics.NEGLIGIBLE:
            limit = change(outcome.matters, outcome, signed=False)
            return f"{name} changes {title} by less than the {limit} that matters ({figures})."
        case statistics.IDENTICAL:
            where = (
                f"all {row['pairs']} replications" if row["pairs"] > 1 else "the one replication"
            )
            return f"{name} leaves {title} exactly as it is in {where}."
        case words.UNDECIDED_SMALL:
            by = change(row["difference"], outcome)
            return f"{name} changes {title}, by {by} as estimated; {SMALL} ({figures})."
        case words.UNDECIDED_NOTHING:
            by = change(row["difference"], outcome)
            return f"For {name} the runs do not settle {title}: the estimate is {by} ({figures})."
        case "":
            return _not_judged(name, title, figures, row)
    return f"For {name} there are {row['verdict']} to say anything of {title}."


def _not_judged(name: str, title: str, figures: str, row: Row) -> str:
    """Say how an outcome without a better direction moves, where the runs show that it does."""
    if row["low"] == row["high"] == 0.0:
        return f"{name} leaves {title}, which is not judged, unchanged."
    if row["low"] > 0.0 or row["high"] < 0.0:
        return f"{name} changes {title}, which is not judged, by {figures}."
    about = f"{title}, which is not judged"
    return f"For {name} the runs do not settle {about}: the estimate is {figures}."


def _figures(outcome: Outcome, row: Row) -> str:
    interval = interval_words(row["low"], row["high"], outcome)
    if outcome.better == "neutral":
        return f"{change(row['difference'], outcome)} ({interval})"
    return f"{interval}; better in {row['better_in']:.0f} of {row['pairs']} paired replications"


def _share(outcome: Outcome, summary: pd.DataFrame, policy: str) -> str:
    if outcome.name not in SHARE_OF:
        return ""
    row = rows_of(summary, SHARE_OF[outcome.name])[policy]
    by = change(abs(row["difference"]), outcome_of(row), signed=False)
    return f", {by}{of_what(outcome_of(row))}"


def others(run: RunDirectory, summary: pd.DataFrame, policy: str) -> list[tuple[str, str]]:
    """Return what the other shown outcomes of one policy say, gathered by verdict.

    Each item is the opening word of a verdict and the outcomes that have it, with differences and
    95% intervals where these say something.
    """
    rows = summary[(summary["policy"] == policy) & summary["headline"]].to_dict("records")
    rest = [row for row in rows if row["outcome"] != lead_outcome(run).name]
    opening = dict(GROUPS)
    groups = _by_verdict(rest).items()
    return [(opening[verdict], "; ".join(map(_item, group))) for verdict, group in groups]


def _item(row: Row) -> str:
    outcome = outcome_of(row)
    title = lower_title(outcome)
    if row["verdict"] in (statistics.IDENTICAL, *statistics.SILENT) or not row["pairs"]:
        return title
    if row["low"] == row["high"] == 0.0:
        return f"{title} unchanged"
    interval = interval_words(row["low"], row["high"], outcome, name="")
    return f"{title} {change(row['difference'], outcome)} ({interval})"
