"""What stands in the notes of a slide: the figures behind it, in full."""

import math
from collections.abc import Sequence

import pandas as pd

from results import narrative
from results.narrative import Row
from results.statistics import outcome_of
from results.store import RunDirectory
from results.words import amounts, change, interval_words, span, with_unit
from simulation.outcomes import Outcome

DIRECTIONS = {"higher": "Higher is better", "lower": "Lower is better", "neutral": "Not judged"}


def outcome_notes(run: RunDirectory, summary: pd.DataFrame, name: str) -> list[str]:
    """Return the definition of an outcome, the baseline's value, and a line a policy."""
    rows = narrative.rows_of(summary, name)
    baseline = rows.pop(run.baseline)
    outcome = outcome_of(baseline)
    told = [_difference(run.policies[policy].label, outcome, row) for policy, row in rows.items()]
    return [definition(outcome), _value(run.policies[run.baseline].label, outcome, baseline), *told]


def definition(outcome: Outcome) -> str:
    """Return what an outcome is, its unit, and from where on a difference in it matters."""
    said = f"{outcome.title} ({outcome.unit}): {outcome.definition}. {DIRECTIONS[outcome.better]}"
    if outcome.better == "neutral" or math.isnan(outcome.matters):
        return f"{said}."
    return f"{said}; a difference matters from {change(outcome.matters, outcome, signed=False)}."


def _value(label: str, outcome: Outcome, row: Row) -> str:
    mean = f"{label}: mean {with_unit(row['policy_mean'], outcome)}"
    if row["pairs"] < 2:
        return f"{mean}, in {row['pairs']} replication{'' if row['pairs'] == 1 else 's'}."
    spread = " to ".join(amounts(row["p10"], row["p90"], outcome))
    return f"{mean}, 10 to 90% of {row['pairs']} replications {spread}."


def _difference(label: str, outcome: Outcome, row: Row) -> str:
    if not row["pairs"]:
        return f"{label}: no replication has a value on both sides."
    parts = [
        f"{label}: {change(row['difference'], outcome)}",
        interval_words(row["low"], row["high"], outcome),
        f"10 to 90% of replications {span(row['p10'], row['p90'], outcome)}",
        f"{row['pairs']} pairs",
    ]
    if not math.isnan(row["better_in"]):
        parts.append(f"better in {row['better_in']:.0f} of them")
    return f"{'; '.join([*parts, narrative.verdict_of(row) or 'not judged'])}."


def series_notes(
    label: str, periods: Sequence[str], values: Sequence[float], outcome: Outcome
) -> str:
    """Return the values of one policy over time, in a line."""
    told = [
        f"{when} {with_unit(value, outcome)}" for when, value in zip(periods, values, strict=True)
    ]
    return f"{label}: {', '.join(told)}."
