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
    UNDECIDED_LARGE,
    UNDECIDED_NOTHING,
    UNDECIDED_SMALL,
    amounts,
    change,
    count,
    direction,
    interval_words,
    least_size,
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
    (UNDECIDED_LARGE, "Undecided"),
    (UNDECIDED_SMALL, "Undecided"),
    (UNDECIDED_NOTHING, f"Undecided: {NOTHING}"),
    (statistics.IDENTICAL, "Identical"),
    (statistics.TOO_FEW_EVENTS, "Too few events to say"),
    (statistics.TOO_FEW_PAIRS, "Too few replications to say"),
    (words.NOT_DEFINED, "Not defined, for want of a value to compare with"),
    ("", "Not judged"),
)
"""Every verdict, in the words of `verdict_of`, and what opens its list, in the order of reading."""
LEFT_OPEN = {
    UNDECIDED_LARGE: "beyond what matters, but not with all verdicts of the table allowed for",
    UNDECIDED_SMALL: "that may be too small to matter",
}
"""What is left open of a gain or a loss that the runs show."""
LEFT_OPEN_BRIEFLY = LEFT_OPEN | {UNDECIDED_LARGE: "beyond what matters, taken by itself,"}
TELLING = (statistics.BETTER, statistics.WORSE, *LEFT_OPEN)
"""Verdicts that tell of a difference which is there for sure."""
MOST_NAMED = 6
"""With more policies than this the first sentence counts them."""


def verdict_of(row: Row) -> str:
    """Return the verdict of a row in words; where it is undecided, with what is left open."""
    return verdict_words(row)


def moved(row: Row) -> str:
    """Return "gain" or "loss", "rise" or "fall" where the interval of a row says so, else ""."""
    return direction(row["low"], row["high"], outcome_of(row))


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

    Policies are named where there is room, else counted, without figures if need be; those of
    which the runs tell nothing are left out where they tell something of others. Of a neutral
    outcome it tells the policy that differs most, with its interval.
    """
    rows = rows_of(summary, outcome)
    baseline = rows.pop(run.baseline)
    known, others = outcome_of(baseline), list(rows.values())
    if not others:
        return f"{known.title}: {with_unit(baseline['policy_mean'], known)} over {years(run)}"
    if known.better == "neutral":
        return f"{known.title}: {_most_different(run, known, others)}"
    telling = [row for row in others if verdict_of(row) in TELLING]
    if not telling:
        return f"{known.title}: {_of_nothing(run, known, others, longest)}"
    told = [_clauses(run, known, telling, tell) for tell in (_clause, _counting)]
    titled = [f"{known.title}: {each}" for each in (*told, _tally(run, known, telling))]
    return next((each for each in titled if len(each) < longest), titled[-1])


def _of_nothing(run: RunDirectory, outcome: Outcome, rows: Sequence[Row], longest: int) -> str:
    """Return what is said of an outcome of which the runs tell nothing for any policy."""
    named, counted = (_clauses(run, outcome, rows, tell) for tell in (_clause, _counting))
    return named if len(named) + len(outcome.title) < longest else counted


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
    """Return a clause for each verdict and direction, the policies with the best effects first."""
    groups = _by_verdict(by_effect(rows, outcome))
    return "; ".join(tell(run, outcome, verdict, group) for verdict, group in groups)


def by_effect(rows: Sequence[Row], outcome: Outcome) -> list[Row]:
    """Return ``rows`` of one outcome, the best difference first; the largest where none is."""
    return sorted(rows, key=lambda row: _rank(row, outcome))


def _rank(row: Row, outcome: Outcome) -> float:
    """Return what puts the best effect first, and the largest where none is better."""
    if math.isnan(row["difference"]):
        return math.inf
    return float(row["difference"] if outcome.better == "lower" else -row["difference"])


def _by_verdict(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return ``rows`` by verdict, what is left open of a gain apart from that of a loss."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        verdict = verdict_of(row)
        way = moved(row) if verdict in LEFT_OPEN else ""
        groups.setdefault((verdict, way), []).append(row)
    order = [verdict for verdict, _ in GROUPS]
    ways = sorted(groups, key=lambda each: (order.index(each[0]), each[1]))
    return [(verdict, groups[verdict, way]) for verdict, way in ways]


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
            return f"{_with_changes(run, outcome, rows)} {_moves(rows[0]['difference'], many)} it"
        case statistics.NEGLIGIBLE:
            return f"{names} {'do' if many else 'does'} not change it by as much as matters"
        case statistics.IDENTICAL:
            return f"{names} {'leave' if many else 'leaves'} it exactly as it is"
        case words.UNDECIDED_LARGE | words.UNDECIDED_SMALL:
            told = f"a {moved(rows[0])} {LEFT_OPEN[verdict]}"
            return f"for {_with_changes(run, outcome, rows)} the runs show {told}"
        case words.UNDECIDED_NOTHING:
            return f"for {names} the runs do not settle it"
        case words.NOT_DEFINED:
            return f"for {names} there is no value to compare with"
        case "":
            return f"for {names} it is not judged"
    return f"for {names} there are {verdict} to say"


def _with_changes(run: RunDirectory, outcome: Outcome, rows: Sequence[Row]) -> str:
    return listing([f"{run.policies[row['policy']].label} ({_by(outcome, row)})" for row in rows])


def _counting(run: RunDirectory, outcome: Outcome, verdict: str, rows: Sequence[Row]) -> str:
    """Say of how many policies a verdict holds, and which of them stands out."""
    many = f"{count(len(rows))} {'policy' if len(rows) == 1 else 'policies'}"
    best = verdict == statistics.BETTER or moved(rows[0]) == "gain"
    most = _with_changes(run, outcome, [rows[0 if best else -1]])
    whom = most if len(rows) == 1 else f"{many}, most with {most}"
    match verdict:
        case statistics.BETTER | statistics.WORSE:
            return f"{verdict} with {whom}"
        case words.UNDECIDED_LARGE | words.UNDECIDED_SMALL:
            return f"a {moved(rows[0])} {LEFT_OPEN_BRIEFLY[verdict]} with {whom}"
        case words.UNDECIDED_NOTHING:
            return f"not settled for {many}"
    return f"{dict(GROUPS)[verdict].lower()} with {many}"


def _tally(run: RunDirectory, outcome: Outcome, rows: Sequence[Row]) -> str:
    """Say with which policy, or with how many, a verdict holds, in few words."""
    told: dict[str, list[Row]] = {}
    for verdict, group in _by_verdict(by_effect(rows, outcome)):
        what = f"an undecided {moved(group[0])}" if verdict in LEFT_OPEN else verdict
        told.setdefault(what, []).extend(group)
    return "; ".join(f"{what} with {_whom(run, outcome, of)}" for what, of in told.items())


def _whom(run: RunDirectory, outcome: Outcome, rows: Sequence[Row]) -> str:
    """Return the one policy, with its change where that is decided, or how many there are."""
    if len(rows) > 1:
        return f"{count(len(rows))} policies"
    if verdict_of(rows[0]) in LEFT_OPEN:
        return run.policies[rows[0]["policy"]].label
    return _with_changes(run, outcome, rows)


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
        case words.UNDECIDED_LARGE | words.UNDECIDED_SMALL as verdict:
            return f"With {name} the runs show {_open(outcome, row, verdict)} ({figures})."
        case words.UNDECIDED_NOTHING:
            by = change(row["difference"], outcome)
            return f"For {name} the runs do not settle {title}: the estimate is {by} ({figures})."
        case words.NOT_DEFINED:
            return f"For {name} there is no value of {title} to compare with."
        case "":
            return _not_judged(name, title, figures, row)
    return f"For {name} there are {row['verdict']} to say anything of {title}."


def _open(outcome: Outcome, row: Row, verdict: str) -> str:
    """Say which way a difference goes that is there, and what is left open of it."""
    way = "rise" if row["difference"] > 0 else "fall"
    by = change(abs(row["difference"]), outcome, signed=False)
    return f"a {way} of {by} in {lower_title(outcome)}, a {moved(row)} {LEFT_OPEN[verdict]}"


def _not_judged(name: str, title: str, figures: str, row: Row) -> str:
    """Say how an outcome without a better direction moves, where the runs show that it does."""
    if row["low"] == row["high"] == 0.0:
        return f"{name} leaves {title}, which is not judged, unchanged."
    if least_size(row["low"], row["high"]):
        return f"{name} {_moves(row['low'], False)} {title}, which is not judged, by {figures}."
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
    groups = _by_verdict(rest)
    return [(_opening(verdict, group), "; ".join(map(_item, group))) for verdict, group in groups]


def _opening(verdict: str, rows: Sequence[Row]) -> str:
    opening = dict(GROUPS)[verdict]
    if verdict not in LEFT_OPEN:
        return opening
    return f"{opening}: a {moved(rows[0])} {LEFT_OPEN[verdict]}"


def _item(row: Row) -> str:
    outcome = outcome_of(row)
    title = lower_title(outcome)
    if row["verdict"] in (statistics.IDENTICAL, *statistics.SILENT) or not row["pairs"]:
        return title
    if row["low"] == row["high"] == 0.0:
        return f"{title} unchanged"
    interval = interval_words(row["low"], row["high"], outcome, name="")
    return f"{title} {change(row['difference'], outcome)} ({interval})"
