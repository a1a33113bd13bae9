"""The report's part on robustness: luck, assumptions, turning points, what would narrow it."""

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from results import narrative, statistics
from results.intervals import FEWEST_PAIRS
from results.luck import FEWEST_RANKED
from results.page import escape, hidden, paragraph, table
from results.robustness import Robustness, Third
from results.switching import FEWEST_RUNS, Pair, Switching
from results.switching_words import HOW, rest_words, turn_words
from results.verdicts import verdict_mark
from results.words import EN_DASH, change, count, counted, rounded_up, span
from simulation.assumptions import Assumptions
from simulation.parameters import parameters

TURNING = (
    "Whether an assumption turns the sign of a difference, read off the samples that these runs "
    "have drawn themselves."
)
MORE = (
    "Comparisons draw few samples. A switching analysis that holds takes many: tenderlab sweep "
    "varies assumptions by a design, and tenderlab switching reads off what turns the ranking."
)
THIRDS_NOTE = (
    "The difference in the third of the replications in which the assumption that goes most with "
    "it is lowest, in the middle, and highest. It was picked for that, and each interval stands by "
    "itself: look for the direction, not for proof."
)


def content(about: Robustness, chart: str) -> str:
    """Return the whole part as HTML, with the ``chart``; nothing where nothing is compared."""
    if len(about.run.policies) < 2 or not about.run.replications:
        return ""
    return "".join(
        [
            "<h3>Luck against assumptions</h3>",
            chart,
            _luck(about),
            "<h3>How many replications it would take</h3>",
            _wanted(about),
            "<h3>What turns the sign</h3>",
            _turning(about),
        ]
    )


# Luck and assumptions


def _luck(about: Robustness) -> str:
    """Return how much of each difference is luck, and what would narrow it."""
    summary = about.summary
    told = summary[summary["headline"] & (summary["narrow_by"] != "")]
    if told.empty:
        return paragraph(_no_luck(about))
    lead = about.outcome
    first = told[told["outcome"] == lead.name]
    rest = told[(told["outcome"] != lead.name) & (told["verdict"] == statistics.UNDECIDED)]
    caption = f"Where the spread of differences comes from: {lead.title}"
    return (
        paragraph(_about_luck(about))
        + _luck_table(about, caption, first)
        + hidden(
            "Other outcomes that are undecided",
            _luck_table(about, "Undecided", rest),
            printed=False,
        )
    )


def _luck_table(about: Robustness, caption: str, told: pd.DataFrame) -> str:
    heads = ["Policy", "Outcome", "Verdict", "Share of luck", "What would narrow it"]
    rows = [_luck_row(about, row) for row in told.to_dict("records")]
    return table(caption, heads, rows, "words") if rows else ""


def _no_luck(about: Robustness) -> str:
    if about.run.twins or _fixed(about):
        return "No difference that is shown first has any spread to explain."
    return (
        "How much of the spread is luck was not measured: it takes twin runs, with the same "
        "assumptions and other luck, which are made from five replications on."
    )


def _about_luck(about: Robustness) -> str:
    if _fixed(about):
        return (
            "All runs stand on one set of assumptions, so all their spread is luck. How far "
            "the assumptions themselves may be wrong is not in these intervals."
        )
    return (
        "Each replication draws its own assumptions and its own luck. "
        f"Twin runs, {count(len(about.run.twins))} of them, with the same assumptions and other "
        "luck tell the two apart, roughly: the ranges are 90% intervals. More replications pin "
        "down a mean whatever its spread comes from, but spread that comes from assumptions stays "
        "until the assumptions are better known."
    )


def _luck_row(about: Robustness, row: narrative.Row) -> list[str]:
    ends = f"{row['luck_low']:.0%} to {row['luck_high']:.0%}"
    share = f"<b>{row['luck_share']:.0%}</b>"
    return [
        escape(about.run.policies[row["policy"]].label),
        escape(row["title"]),
        verdict_mark(row),
        share + ("" if _fixed(about) else f"<small>{ends}</small>"),
        escape(row["narrow_by"].replace("_", " ")),
    ]


def _fixed(about: Robustness) -> bool:
    return about.run.question.assumptions.mode == "fixed"


# Replications


def _wanted(about: Robustness) -> str:
    if len(about.run.replications) < FEWEST_PAIRS:
        return paragraph("One replication does not show how far replications differ, nor how many "
                         "it would take.")  # fmt: skip
    rows = narrative.rows_of(about.summary, about.outcome.name)
    compared = list(about.run.policies)[1:]
    made = [_wanted_row(about, rows[policy]) for policy in compared]
    margin = change(about.outcome.matters, about.outcome, signed=False)
    title = narrative.lower_title(about.outcome)
    heads = ["Policy", "Difference, 95% interval", "Verdict", "Replications wanted, about"]
    words = (
        f"How many replications would bring the 95% interval of {title} "
        f"to the {margin} that matters either side of the mean: an estimate, as the spread itself "
        f"is only known from {len(about.run.replications):,}."
    )
    return paragraph(words) + table(about.outcome.title, heads, made, "words")


def _wanted_row(about: Robustness, row: narrative.Row) -> list[str]:
    many = about.replications_wanted(row["policy"])
    shown = EN_DASH if many is None else _many(many, len(about.run.replications))
    within = "" if math.isnan(row["low"]) else f" ({span(row['low'], row['high'], about.outcome)})"
    return [
        escape(about.run.policies[row["policy"]].label),
        escape(f"{change(row['difference'], about.outcome)}{within}"),
        verdict_mark(row),
        shown,
    ]


def _many(wanted: int, made: int) -> str:
    return "no more than there are" if wanted <= made else f"{rounded_up(wanted):,}"


# What turns the sign


def _turning(about: Robustness) -> str:
    if about.assumptions.empty:
        return paragraph("Assumptions do not vary among these runs.") + paragraph(MORE, "note")
    return (
        paragraph(TURNING)
        + "".join(paragraph(each) for each in turning_words(about))
        + _thirds(about)
        + paragraph(MORE, "note")
        + (hidden("How a turn is found", paragraph(HOW)) if about.switching else "")
    )


def turning_words(about: Robustness) -> list[str]:
    """Return a paragraph a policy on what turns the sign of its difference."""
    found = about.switching
    if found is None:
        known = counted(len(about.values.dropna()), "replication")
        title = narrative.lower_title(about.outcome)
        return [
            f"To find what turns the sign takes {FEWEST_RUNS} replications in which every policy "
            f"has a value of {title}; here are {known}."
        ]
    titles = {name: policy.label for name, policy in about.run.policies.items()}
    compared = list(about.run.policies)[1:]
    return [
        _pair_words(about, found, pair, titles, policy)
        for policy, pair in zip(compared, found.pairs, strict=True)
    ]


def _pair_words(
    about: Robustness, found: Switching, pair: Pair, titles: Mapping[str, str], policy: str
) -> str:
    """Return what turns the sign of one policy's difference, without figures told elsewhere."""
    verb = "is above" if about.outcome.better == "neutral" else "beats"
    whether = f"Whether {titles[policy]} {verb} {titles[about.run.baseline]}"
    if not pair.turns:
        return f"{whether}: too few replications have a value, or all differ by the same."
    turns = [turn_words(found, pair, turn, titles) for turn in pair.of("turns")]
    return f"{whether}: {' '.join([*turns, rest_words(pair, found.kind)])}"


def _thirds(about: Robustness) -> str:
    rows = [row for policy in list(about.run.policies)[1:] for row in _third_rows(about, policy)]
    if not rows:
        enough = len(about.values.dropna()) >= FEWEST_RANKED
        none = "No assumption goes with a difference so clearly that it could be named."
        few = f"To name the assumption that goes most with a difference takes {FEWEST_RANKED}."
        return paragraph(none if enough else few, "note")
    heads = ["Policy", "Assumption", "Where it is", "Replications", "Difference"]
    caption = f"{about.outcome.title} by the assumption that goes most with the difference"
    return table(caption, heads, rows, "words") + paragraph(THIRDS_NOTE, "note")


def _third_rows(about: Robustness, policy: str) -> Iterator[list[str]]:
    assumption = about.telling(policy)
    if assumption is None:
        return
    thirds: Sequence[Third] = about.thirds(policy, assumption)
    known = parameters(Assumptions)[assumption]
    for third in thirds:
        yield [
            escape(about.run.policies[policy].label),
            f"{escape(assumption.replace('_', ' '))}<small>{escape(known.meaning)}</small>",
            escape(f"{third.name}: {third.least:.3g} to {third.most:.3g} {known.unit}"),
            f"{third.pairs:,}",
            escape(_third_words(about, third)),
        ]


def _third_words(about: Robustness, third: Third) -> str:
    by = change(third.mean, about.outcome)
    if math.isnan(third.low):
        return by
    return f"{by} ({span(third.low, third.high, about.outcome)})"
