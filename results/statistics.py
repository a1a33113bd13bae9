"""From stored runs to statements: paired differences, their verdicts, and the summary of a run.

A run is valued over its whole horizon. A difference is policy less baseline within one
replication, so both meet the same assumptions and, wherever their histories allow, the same luck.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from results.intervals import (
    FEWEST_PAIRS,
    LEVEL,
    FloatArray,
    bootstrap_interval,
    holm,
    resampled_means,
    standard_error,
    t_interval,
)
from results.luck import LuckShare, luck_share, sampled_assumptions, telling_assumption
from results.store import SUMMARY, RunDirectory, write_text
from simulation.horizon import over_horizon
from simulation.outcome_rules import NetPresentValue
from simulation.outcomes import OUTCOMES, Outcome

type BoolArray = NDArray[np.bool_]

FEWEST_EVENTS = 10
FEWEST_RESAMPLED_PAIRS = 10
"""With fewer pairs than this bootstrap samples repeat the few values that there are, and their
interval is far too narrow; Student's t, which allows for so few, takes its place."""
MOST_RESAMPLED_PAIRS = 1_000
"""With more pairs than this the mean is close to normal, and resampling would only take time."""

IDENTICAL = "identical"
BETTER = "better"
WORSE = "worse"
NEGLIGIBLE = "negligible"
UNDECIDED = "undecided"
TOO_FEW_PAIRS = "too few pairs"
TOO_FEW_EVENTS = "too few events"
SILENT = (TOO_FEW_PAIRS, TOO_FEW_EVENTS)
"""Verdicts that say nothing of the difference."""
VERDICTS = (BETTER, WORSE, NEGLIGIBLE, UNDECIDED, IDENTICAL, *SILENT)

COLUMNS = (
    "policy",
    "outcome",
    "title",
    "unit",
    "better",
    "headline",
    "matters",
    "baseline_mean",
    "policy_mean",
    "difference",
    "low",
    "high",
    "p10",
    "p90",
    "better_in",
    "pairs",
    "dropped",
    "verdict",
    "luck_share",
    "luck_low",
    "luck_high",
    "narrow_by",
    "interval",
)


# Values over the horizon


def horizon_values(run: RunDirectory, replications: Sequence[int]) -> dict[str, FloatArray]:
    """Return every outcome over the whole horizon, each of shape (policies, replications)."""
    measures = run.measures(replications)
    return {name: over_horizon(outcome.rule, measures) for name, outcome in OUTCOMES.items()}


def scaled_outcomes(run: RunDirectory) -> dict[str, Outcome]:
    """Return every outcome with what matters in its own unit, at the size of this run's market.

    A share is taken of the baseline's mean discounted total over the complete replications; what
    it gives is NaN where there are none.
    """
    measures = run.measures(run.replications)
    return {name: _scaled(outcome, measures) for name, outcome in OUTCOMES.items()}


def _scaled(outcome: Outcome, measures: Mapping[str, FloatArray]) -> Outcome:
    if not outcome.relative_to:
        return outcome
    total = _mean(over_horizon(NetPresentValue(outcome.relative_to), measures)[0])
    return outcome.with_margin(outcome.matters / 100 * abs(total))


def outcome_of(row: Mapping[Any, Any]) -> Outcome:
    """Return the outcome of a row of a summary, with what matters in its own unit."""
    return OUTCOMES[row["outcome"]].with_margin(row["matters"])


# Verdicts


@dataclass(frozen=True)
class Claim:
    """What a difference most nearly proves, and the chance of seeing as much if it were untrue."""

    verdict: str
    p_value: float


def strongest_claim(
    differences: FloatArray, outcome: Outcome, means: FloatArray | None = None
) -> Claim:
    """Return the best supported of three claims that exclude one another.

    The true difference lies beyond ``outcome.matters`` in the better direction, or in the worse
    one, or it is smaller than that either way. Each is tested one-sided; at ``LEVEL`` a claim
    holds just where the 95% interval lies wholly within what it says, so that for any one
    difference a wrong claim has a chance of at most twice ``LEVEL``. Where bootstrap ``means`` are
    given, a claim must hold by them as well.
    """
    sign = -1.0 if outcome.better == "lower" else 1.0
    above, below = (
        _p_above(sign * differences, outcome.matters, None if means is None else sign * means),
        _p_above(-sign * differences, outcome.matters, None if means is None else -sign * means),
    )
    within = max(
        _p_above(each * differences, -outcome.matters, None if means is None else each * means)
        for each in (1.0, -1.0)
    )
    claims = (Claim(BETTER, above), Claim(WORSE, below), Claim(NEGLIGIBLE, within))
    return min(claims, key=lambda claim: claim.p_value)


def _p_above(differences: FloatArray, margin: float, means: FloatArray | None) -> float:
    """Return the p-value against "the true mean is at most ``margin``"."""
    by_t = _t_above(differences, margin)
    if means is None:
        return by_t
    return max(by_t, (1 + np.count_nonzero(means <= margin)) / (1 + len(means)))


def _t_above(differences: FloatArray, margin: float) -> float:
    count, excess = len(differences), differences.mean() - margin
    error = standard_error(differences)
    if error == 0.0:  # t knows no bound here; a sign test does
        return 0.5**count if excess > 0 else 1.0
    return float(stats.t.sf(excess / error, count - 1))


# One policy's difference in one outcome


@dataclass(frozen=True, eq=False)
class Comparison:
    """One outcome of one policy against the baseline.

    Attributes:
        policy: name of the policy.
        outcome: what is compared.
        shown: whether the outcome is among those shown first.
        baseline: the baseline's value by replication, NaN where it has none.
        values: the policy's value by replication.
        events: events behind a rare outcome, total over the runs of either; None if it is not rare.
        inert: whether the policy changed no outcome of any run.
        seed: seed of the question, for bootstrap draws.
    """

    policy: str
    outcome: Outcome
    shown: bool
    baseline: FloatArray
    values: FloatArray
    events: tuple[float, float] | None
    inert: bool
    seed: int

    @property
    def paired(self) -> BoolArray:
        """Which replications have a value on both sides."""
        return ~np.isnan(self.values - self.baseline)

    @cached_property
    def differences(self) -> FloatArray:
        """Policy less baseline, for the replications that have both."""
        difference: FloatArray = (self.values - self.baseline)[self.paired]
        return difference

    @cached_property
    def means(self) -> FloatArray | None:
        """Bootstrap means of a rare outcome's difference, None for any other and for few pairs."""
        count = len(self.differences)
        if self.events is None or not FEWEST_RESAMPLED_PAIRS <= count <= MOST_RESAMPLED_PAIRS:
            return None
        return resampled_means(self.differences, self.seed)

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the mean difference."""
        if self.means is None:
            return t_interval(self.differences)
        return bootstrap_interval(self.differences, self.means)

    @property
    def better_in(self) -> float:
        """Number of pairs in which the policy did strictly better; NaN for a neutral outcome."""
        if self.outcome.better == "neutral":
            return math.nan
        sign = -1 if self.outcome.better == "lower" else 1
        return float(np.count_nonzero(sign * self.differences > 0))

    @property
    def too_few_events(self) -> bool:
        """Whether a rare outcome saw too few events to say anything, under either policy."""
        return self.events is not None and max(self.events) < FEWEST_EVENTS

    @property
    def settled(self) -> str | None:
        """The verdict where no test is needed, else None."""
        if self.outcome.better == "neutral":
            return ""
        if self.inert:
            return IDENTICAL
        if self.too_few_events:
            return TOO_FEW_EVENTS
        if len(self.differences) and not self.differences.any():
            return IDENTICAL
        return TOO_FEW_PAIRS if len(self.differences) < FEWEST_PAIRS else None

    @cached_property
    def claim(self) -> Claim:
        """The best supported claim about the true difference."""
        return strongest_claim(self.differences, self.outcome, self.means)

    @property
    def numbers(self) -> dict[str, object]:
        """The cells of a row of the summary that need no other row."""
        low, high = self.interval
        return {
            **_about(self.policy, self.outcome, self.shown),
            "baseline_mean": _mean(self.baseline[self.paired]),
            "policy_mean": _mean(self.values[self.paired]),
            "difference": _mean(self.differences),
            "low": low,
            "high": high,
            "p10": _quantile(self.differences, 0.1),
            "p90": _quantile(self.differences, 0.9),
            "better_in": self.better_in,
            "pairs": len(self.differences),
            "dropped": len(self.values) - len(self.differences),
            "interval": "t" if self.means is None else "bootstrap",
        }


def verdicts(comparisons: Sequence[Comparison]) -> list[str]:
    """Return one verdict a comparison, all of them held to one family-wise error.

    The chance that any claim of the table is wrong is at most twice ``LEVEL``, 5%.
    """
    tested = [comparison for comparison in comparisons if comparison.settled is None]
    held = holm([comparison.claim.p_value for comparison in tested], LEVEL) if tested else []
    claims = {
        id(comparison): comparison.claim.verdict if holds else UNDECIDED
        for comparison, holds in zip(tested, held, strict=True)
    }
    return [
        claims[id(comparison)] if comparison.settled is None else comparison.settled
        for comparison in comparisons
    ]


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else math.nan


def _quantile(values: FloatArray, share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else math.nan


def _about(policy: str, outcome: Outcome, shown: bool) -> dict[str, object]:
    return {
        "policy": policy,
        "outcome": outcome.name,
        "title": outcome.title,
        "unit": outcome.unit,
        "better": outcome.better,
        "headline": shown,
        "matters": outcome.matters,
    }


# The summary


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that the rows of a summary are made from."""

    run: RunDirectory
    main: Mapping[str, FloatArray]
    twins: Mapping[str, FloatArray]
    assumptions: pd.DataFrame
    outcomes: Mapping[str, Outcome]

    @property
    def fixed(self) -> bool:
        """Whether all runs stand on one set of assumptions, so that luck is all that varies."""
        return self.run.question.assumptions.mode == "fixed"

    def comparisons(self) -> list[Comparison]:
        """Return every policy but the baseline in every outcome."""
        events = self._events()
        return [
            self._comparison(position, policy, outcome, events)
            for position, policy in enumerate(self.run.policies)
            if position
            for outcome in self.outcomes.values()
        ]

    def _comparison(
        self, position: int, policy: str, outcome: Outcome, events: Mapping[str, FloatArray]
    ) -> Comparison:
        seen = events.get(outcome.events)
        return Comparison(
            policy=policy,
            outcome=outcome,
            shown=outcome.name in self.run.shown,
            baseline=self.main[outcome.name][0],
            values=self.main[outcome.name][position],
            events=None if seen is None else (float(seen[0]), float(seen[position])),
            inert=self._inert(position),
            seed=self.run.question.seed,
        )

    def _events(self) -> dict[str, FloatArray]:
        """Return the total of every counted event over all main runs, by policy."""
        measures = self.run.measures(self.run.replications)
        counted = {outcome.events for outcome in OUTCOMES.values() if outcome.events}
        return {name: measures[name].sum(axis=(1, 2)) for name in counted}

    def _inert(self, position: int) -> bool:
        pairs = [(values[0], values[position]) for values in self.main.values()]
        seen = bool(self.run.replications)
        return seen and all(np.array_equal(*pair, equal_nan=True) for pair in pairs)

    def luck(self, comparison: Comparison) -> LuckShare:
        """Return how much of a difference's variance is luck."""
        if self.fixed:
            return LuckShare(1.0, 1.0, 1.0) if comparison.differences.any() else LuckShare()
        position = list(self.run.policies).index(comparison.policy)
        paired = [item in {main for main, _ in self.run.twins} for item in self.run.replications]
        main, twin = self.main[comparison.outcome.name], self.twins[comparison.outcome.name]
        first, second = (each[position] - each[0] for each in (main[:, paired], twin))
        return luck_share(comparison.differences, first, second)

    def narrow_by(self, comparison: Comparison, luck: LuckShare) -> str:
        """Say what would narrow the spread of a difference; empty where that is not known."""
        match luck.rules:
            case "luck" if self.fixed:
                return "more replications (assumptions are fixed, so all spread is luck)"
            case "luck":
                return "more replications"
            case "assumptions":
                return f"evidence on {self._named(comparison)}"
            case "both":
                return f"more replications, and evidence on {self._named(comparison)}"
        return ""

    def _named(self, comparison: Comparison) -> str:
        if len(self.assumptions) != len(comparison.paired):
            return "assumptions"
        rows = self.assumptions[comparison.paired]
        shown = len(self.run.shown) if comparison.shown else len(OUTCOMES)
        family = shown * (len(self.run.policies) - 1)
        named = telling_assumption(comparison.differences, rows, family)
        return named or "assumptions (too few replications to say which)"


def gather(run: RunDirectory) -> Evidence:
    """Value all complete runs of ``run`` over their horizon."""
    twins = horizon_values(run, [twin for _, twin in run.twins])
    main = horizon_values(run, run.replications)
    return Evidence(run, main, twins, sampled_assumptions(run), scaled_outcomes(run))


def summarise(run: RunDirectory) -> pd.DataFrame:
    """Return the summary of ``run``: a row a policy and outcome, the baseline's rows first.

    Columns are ``COLUMNS``. ``matters`` is the smallest difference that matters, in ``unit``.
    ``p10`` and ``p90`` are the 10 to 90% range over replications of the
    difference, in the baseline's own rows of its value, as those have no difference. ``pairs`` are
    the replications counted; ``dropped`` those without a value on either side.

    ``headline`` says whether the question shows the outcome first. The verdicts of these outcomes
    hold together, as one table of all policies; those of the others hold together with every
    verdict of the summary.
    """
    evidence = gather(run)
    comparisons = evidence.comparisons()
    rows = [*_baseline_rows(evidence), *_policy_rows(evidence, comparisons)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _baseline_rows(evidence: Evidence) -> list[dict[str, object]]:
    return [_value_row(evidence, outcome) for outcome in evidence.outcomes.values()]


def _value_row(evidence: Evidence, outcome: Outcome) -> dict[str, object]:
    values = evidence.main[outcome.name][0]
    defined = values[~np.isnan(values)]
    return {
        **_about(evidence.run.baseline, outcome, outcome.name in evidence.run.shown),
        "baseline_mean": _mean(defined),
        "policy_mean": _mean(defined),
        "p10": _quantile(defined, 0.1),
        "p90": _quantile(defined, 0.9),
        "pairs": len(defined),
        "dropped": len(values) - len(defined),
        "verdict": "",
        "narrow_by": "",
        "interval": "",
    }


def _policy_rows(evidence: Evidence, comparisons: Sequence[Comparison]) -> list[dict[str, object]]:
    shown = [comparison for comparison in comparisons if comparison.shown]
    over_all = verdicts(comparisons)
    over_shown = dict(zip(map(id, shown), verdicts(shown), strict=True))
    return [
        _policy_row(evidence, comparison, over_shown.get(id(comparison), verdict))
        for comparison, verdict in zip(comparisons, over_all, strict=True)
    ]


def _policy_row(evidence: Evidence, comparison: Comparison, verdict: str) -> dict[str, object]:
    luck = evidence.luck(comparison)
    return {
        **comparison.numbers,
        "verdict": verdict,
        "luck_share": luck.share,
        "luck_low": luck.low,
        "luck_high": luck.high,
        "narrow_by": evidence.narrow_by(comparison, luck),
    }


# The summary as a file

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: object) -> object:
    """Return a text that a spreadsheet would run as a formula with an apostrophe before it."""
    if not isinstance(cell, str) or not cell.startswith(FORMULA_STARTS) or _is_number(cell):
        return cell
    return f"'{cell}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def as_csv(frame: pd.DataFrame) -> str:
    """Return ``frame`` as CSV in full precision, its texts harmless to a spreadsheet."""
    buffer = io.StringIO(newline="")
    texts = frame.select_dtypes(exclude=["number", "bool"]).columns
    cells = {column: frame[column].map(harmless) for column in texts}
    frame.assign(**cells).to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def write_summary(run: RunDirectory) -> pd.DataFrame:
    """Summarise ``run``, write ``summary.csv`` into its directory and return the summary."""
    summary = summarise(run)
    write_text(run.path / SUMMARY, as_csv(summary))
    return summary
