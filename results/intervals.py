"""How sure a mean is: standard errors, intervals, and many hypotheses at once."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr, ndtri

from simulation.randomness import Draws

type FloatArray = NDArray[np.float64]

LEVEL = 0.025
"""Chance of error of each one-sided claim; a two-sided interval of 95% has it at either end."""
FEWEST_PAIRS = 2
RESAMPLES = 9_999


def t_interval(differences: FloatArray) -> tuple[float, float]:
    """Return the 95% interval of the mean by Student's t; NaN for fewer than two differences."""
    count = len(differences)
    if count < FEWEST_PAIRS:
        return math.nan, math.nan
    reach = stats.t.ppf(1 - LEVEL, count - 1) * standard_error(differences)
    mean = differences.mean()
    return float(mean - reach), float(mean + reach)


def ratio_interval(above: FloatArray, below: FloatArray) -> tuple[float, float]:
    """Return the 95% interval of mean ``above`` over mean ``below``, by Fieller's theorem.

    Both have a number a replication, paired. It holds every ratio r for which the mean of
    ``above`` less r times ``below`` may be nought by Student's t. NaN where it has no ends: where
    the mean of ``below`` may itself be nought, or there are fewer than two numbers.
    """
    count = len(above)
    if count < FEWEST_PAIRS:
        return math.nan, math.nan
    reach = stats.t.ppf(1 - LEVEL, count - 1) ** 2 / count
    spread = np.cov(above, below)
    square = below.mean() ** 2 - reach * spread[1, 1]
    middle = above.mean() * below.mean() - reach * spread[0, 1]
    rest = above.mean() ** 2 - reach * spread[0, 0]
    if square <= 0.0:
        return math.nan, math.nan
    half = math.sqrt(max(middle**2 - square * rest, 0.0))
    return float((middle - half) / square), float((middle + half) / square)


def replications_for(differences: FloatArray, margin: float) -> int | None:
    """Return about how many replications narrow the 95% interval of the mean to ``margin`` a side.

    An estimate from the spread of ``differences``, which is itself only known so far. None where
    there is no spread to go by, or no margin.
    """
    if len(differences) < FEWEST_PAIRS or not margin > 0.0:
        return None
    spread = float(differences.std(ddof=1))
    if standard_error(differences) == 0.0:
        return None
    count = FEWEST_PAIRS
    for _ in range(60):
        wanted = math.ceil((stats.t.ppf(1 - LEVEL, count - 1) * spread / margin) ** 2)
        if wanted <= count:
            return count
        count = min(wanted, 2 * count)
    return count


def standard_error(differences: FloatArray) -> float:
    """Return the standard error of the mean; exactly zero where all differences are one number."""
    if np.ptp(differences) <= 1e-12 * np.abs(differences).max():
        return 0.0
    return float(differences.std(ddof=1) / math.sqrt(len(differences)))


def resampled_means(differences: FloatArray, seed: int) -> FloatArray:
    """Return the means of ``RESAMPLES`` bootstrap samples, drawn by key under ``seed``."""
    count = len(differences)
    keys = np.arange(RESAMPLES * count)
    picks = (Draws(seed).uniform("bootstrap", keys) * count).astype(np.int64)
    means: FloatArray = differences[picks].reshape(RESAMPLES, count).mean(axis=1)
    return means


def bootstrap_interval(differences: FloatArray, means: FloatArray) -> tuple[float, float]:
    """Return the 95% interval of the mean by Efron's bias-corrected, accelerated bootstrap.

    ``means`` are those of the bootstrap samples. NaN for fewer than two differences.
    """
    if len(differences) < FEWEST_PAIRS:
        return math.nan, math.nan
    mean = differences.mean()
    below = (np.count_nonzero(means < mean) + np.count_nonzero(means == mean) / 2) / len(means)
    bias = ndtri(np.clip(below, 1 / len(means), 1 - 1 / len(means)))
    reach = bias + ndtri(np.array([LEVEL, 1 - LEVEL]))
    ends = ndtr(bias + reach / (1 - _acceleration(differences) * reach))
    low, high = np.quantile(means, ends)
    return float(low), float(high)


def _acceleration(differences: FloatArray) -> float:
    """Return the bootstrap's acceleration of a mean, from its jackknife values."""
    if standard_error(differences) == 0.0:
        return 0.0
    centred = differences - differences.mean()
    scaled = centred / np.abs(centred).max()
    return float((scaled**3).sum() / (6 * (scaled**2).sum() ** 1.5))


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Say which hypotheses Holm's step-down procedure rejects at family-wise ``level``."""
    order = np.argsort(p_values, kind="stable")
    limits = level / np.arange(len(p_values), 0, -1)
    passed = np.cumprod(np.asarray(p_values)[order] <= limits).astype(bool)
    rejected = np.zeros(len(p_values), dtype=bool)
    rejected[order] = passed
    return [bool(item) for item in rejected]
