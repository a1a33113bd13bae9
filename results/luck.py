"""Luck against assumptions: what each makes of a difference, and which assumption tells most."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from results.intervals import FEWEST_PAIRS, LEVEL, FloatArray, holm
from results.store import RunDirectory

FEWEST_RANKED = 8
"""Fewest differences among which an assumption is looked for."""
MOSTLY = 2 / 3
"""Share of the variance from which on one source is said to rule."""


@dataclass(frozen=True)
class LuckShare:
    """Share of a difference's variance over replications that is luck, with its 90% interval."""

    share: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def rules(self) -> str:
        """Which source rules: "luck", "assumptions", "both", or "" where it is not known.

        One rules when its share is at least ``MOSTLY``, and the interval leaves the other one less.
        """
        if math.isnan(self.share):
            return ""
        if self.share >= MOSTLY and self.low > 1 - MOSTLY:
            return "luck"
        return "assumptions" if self.share <= 1 - MOSTLY and self.high < MOSTLY else "both"


def luck_share(differences: FloatArray, first: FloatArray, second: FloatArray) -> LuckShare:
    """Split the variance of a difference by twins: same assumptions, other luck.

    Within a sample of assumptions the variance is half the mean square of ``first`` less
    ``second``, the differences of twin pairs (NaN where undefined); ``differences`` are those of
    the main runs, whose variance holds luck and assumptions together. The interval takes both
    variances for independent and normal, with as many degrees of freedom as there are twin pairs,
    and one less than main runs.
    """
    gaps = first - second
    gaps = gaps[~np.isnan(gaps)]
    total = float(differences.var(ddof=1)) if len(differences) >= FEWEST_PAIRS else 0.0
    if not len(gaps) or not total:
        return LuckShare()
    ratio = float((gaps**2).mean()) / 2 / total
    few, many = len(gaps), len(differences) - 1
    low, high = (ratio / float(stats.f.ppf(share, few, many)) for share in (0.95, 0.05))
    return LuckShare(*(min(1.0, float(item)) for item in (ratio, low, high)))


def telling_assumption(
    differences: FloatArray, assumptions: pd.DataFrame, family: int = 1
) -> str | None:
    """Return the assumption that goes most with a difference, None where none does for sure.

    ``assumptions`` has a row a difference. The largest absolute rank correlation of Spearman is
    taken, and must be significant at 5% with Holm's correction over all assumptions, among
    ``family`` differences for each of which one is looked for.
    """
    if len(differences) < FEWEST_RANKED or assumptions.empty or np.ptp(differences) == 0.0:
        return None
    correlations = np.abs(_rank_correlations(assumptions.to_numpy(np.float64), differences))
    strongest = int(np.argmax(correlations))
    p_values = list(_correlation_p(correlations, len(differences)))
    held = holm(p_values, 2 * LEVEL / family)
    return str(assumptions.columns[strongest]) if held[strongest] else None


def _rank_correlations(columns: FloatArray, values: FloatArray) -> FloatArray:
    """Return Spearman's correlation of every column with ``values``; shape (columns,)."""
    ranked, against = (_standard(stats.rankdata(each, axis=0)) for each in (columns, values))
    correlations: FloatArray = ranked.T @ against
    return correlations


def _standard(ranks: FloatArray) -> FloatArray:
    centred = ranks - ranks.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=0)))


def _correlation_p(correlations: FloatArray, count: int) -> FloatArray:
    freedom = count - 2
    gap = np.maximum(1.0 - correlations**2, np.finfo(np.float64).eps)
    return np.asarray(2 * stats.t.sf(np.abs(correlations) * np.sqrt(freedom / gap), freedom))


def sampled_assumptions(run: RunDirectory) -> pd.DataFrame:
    """Return the numbers that vary among samples: a row a main replication, a column each."""
    samples = run.manifest.assumption_samples
    rows = [samples[item] for item in run.replications if item < len(samples)]
    frame = pd.DataFrame(rows, index=range(len(rows)))
    numbers = frame.select_dtypes("number")
    varying = numbers.columns[numbers.nunique() > 1]
    return numbers[varying] if len(rows) == len(run.replications) else pd.DataFrame()
