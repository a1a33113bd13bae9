"""Switching values: at which value of an assumption the ranking of two policies turns.

Over samples of the assumptions, the paired difference of two policies is fitted by one assumption
at a time: by a straight line, or a curve where a line plainly does not do. Where the fit crosses
nought the ranking turns; between which values is read off the 95% band of the fit, which for a line
is Fieller's interval. Errors may differ in size from one value to another (HC3).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from results.intervals import LEVEL, FloatArray, holm, t_interval
from simulation.errors import InputError

type Kind = Literal["assumption", "factor"]
type Fate = Literal["turns", "may turn", "stays", "open"]

FEWEST_RUNS = 12
"""Fewest pairs in which a turn is looked for."""
FEWEST_FOR_CURVES = 30
CURVED = 0.01
"""Level at which a curve is preferred to a line, all assumptions allowed for."""
STEPS = 201
"""Values of an assumption at which a fit is looked at."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The mean difference of two policies over one assumption, from its least to its greatest.

    Attributes:
        at: values of the assumption, in its unit.
        mean: the difference to be expected there.
        error: its standard error.
        terms: how many coefficients were fitted: 2 for a line, 3 for a curve.
        freedom: degrees of freedom of the errors.
    """

    at: FloatArray
    mean: FloatArray
    error: FloatArray
    terms: int
    freedom: int

    @property
    def reach(self) -> FloatArray:
        """Half the width of the 95% band at each value."""
        return np.asarray(stats.t.isf(LEVEL, self.freedom) * self.error)

    @property
    def p_turn(self) -> float:
        """The p-value against "the sign is nowhere another".

        The greater of the p-values of the two signs: of a line at the ends of the range, of a
        curve where each is surest, with looking for that place allowed for (Scheffe).
        """
        if np.all(self.mean > 0) or np.all(self.mean < 0):
            return 1.0
        place = [0, -1] if self.terms == 2 else slice(None)
        mean, error = self.mean[place], self.error[place]
        endless = np.copysign(np.inf, mean)
        sure = np.divide(mean, error, out=endless, where=error > 0)
        return max(self._p(float(sure.max())), self._p(float(-sure.min())))

    def _p(self, sure: float) -> float:
        if self.terms == 2:
            return float(stats.t.sf(sure, self.freedom))
        return float(stats.f.sf(max(sure, 0.0) ** 2 / self.terms, self.terms, self.freedom))

    @property
    def crossings(self) -> list[float]:
        """The values at which the fit crosses nought."""
        before, after = self.mean[:-1], self.mean[1:]
        places = np.flatnonzero((before > 0) != (after > 0))
        share = before[places] / (before[places] - after[places])
        step = np.diff(self.at)[places]
        return [float(value) for value in self.at[places] + share * step]

    @property
    def sure(self) -> bool:
        """Whether the band leaves out nought all along."""
        return bool(np.all(np.abs(self.mean) > self.reach)) and len(self.crossings) == 0

    def around(self, crossing: float) -> tuple[float, float]:
        """Return between which values, around ``crossing``, the band holds nought."""
        holds = np.abs(self.mean) <= self.reach
        place = int(np.searchsorted(self.at, crossing))
        low = high = min(max(place, 1), len(self.at) - 1)
        low -= 1
        while low > 0 and holds[low]:
            low -= 1
        while high < len(self.at) - 1 and holds[high]:
            high += 1
        return self._end(low, holds, +1, crossing), self._end(high, holds, -1, crossing)

    def _end(self, place: int, holds: NDArray[np.bool_], inwards: int, crossing: float) -> float:
        """Return where the band leaves nought between ``place``, outside, and the next inside."""
        inner = place + inwards
        if holds[place] or not holds[inner]:
            return float(self.at[place]) if holds[place] else crossing
        excess = np.abs(self.mean) - self.reach
        share = excess[place] / (excess[place] - excess[inner])
        return float(self.at[place] + share * (self.at[inner] - self.at[place]))


@dataclass(frozen=True, eq=False)
class Turn:
    """What one assumption does to the ranking of two policies.

    Attributes:
        assumption: its name.
        values: of the assumption, a pair each; NaN where a lever is none, which the fit leaves out.
        fit: the difference over it.
        fate: "turns" for sure, with all assumptions allowed for; "may turn"; "stays" over its whole
            range for sure; or "open".
    """

    assumption: str
    values: FloatArray
    fit: Fit
    fate: Fate

    @property
    def at(self) -> list[tuple[float, float, float]]:
        """Each value at which the ranking turns, and the ends of its 95% interval."""
        return [(each, *self.fit.around(each)) for each in self.fit.crossings]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two policies under sampled assumptions, and what turns their ranking.

    Attributes:
        first: the policy whose outcome is on average the better one.
        second: the other.
        differences: outcome of the first less the second, a pair of runs each, such that a
            positive one is in favour of the first.
        turns: what each assumption does, the surest first; those left out of which too few pairs
            have a number.
    """

    first: str
    second: str
    differences: FloatArray
    turns: tuple[Turn, ...] = field(default=(), repr=False)

    @property
    def mean(self) -> float:
        """Mean difference, in favour of the first where it is positive."""
        return float(self.differences.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the mean difference."""
        return t_interval(self.differences)

    @property
    def better(self) -> bool:
        """Whether the first is surely the better one on average."""
        return self.interval[0] > 0.0

    def of(self, fate: Fate) -> list[Turn]:
        """Return the turns of that fate."""
        return [turn for turn in self.turns if turn.fate == fate]


@dataclass(frozen=True, eq=False)
class Switching:
    """What turns the ranking of policies by one outcome.

    Attributes:
        outcome: its name.
        ranking: names of the policies, the best on average first.
        means: the mean outcome of each.
        pairs: neighbours in the ranking, and each policy with the baseline.
        assumptions: names of the assumptions that vary.
        units: of the assumptions, by name.
        kind: "factor" where levers are among the assumptions.
        stored: number of runs of a sweep that are stored, failed ones included.
        asked: number of runs of its design; more than stored while it is incomplete.
    """

    outcome: str
    ranking: tuple[str, ...]
    means: dict[str, float]
    pairs: tuple[Pair, ...]
    assumptions: tuple[str, ...]
    units: dict[str, str] = field(default_factory=dict)
    kind: Kind = "assumption"
    stored: int = 0
    asked: int = 0


def switching(
    outcome: str,
    values: pd.DataFrame,
    assumptions: pd.DataFrame,
    *,
    better: Literal["higher", "lower", "neutral"] = "higher",
    pairs: Sequence[tuple[str, str]] | None = None,
    units: dict[str, str] | None = None,
    kind: Kind = "assumption",
) -> Switching:
    """Return which assumption turns the ranking of policies, and at which value.

    Args:
        outcome: name of what is compared.
        values: a row a sample of the assumptions, a column a policy, the baseline first; what is
            not finite is left out.
        assumptions: numbers, a row a sample and a column each; NaN where a lever is none.
        better: which direction of the outcome is better; where neutral the higher ranks first.
        pairs: of policies; neighbours in the ranking, and each with the baseline, if None.
        units: of the assumptions, by name.
        kind: what they are called, "factor" if levers are among them.

    Raises:
        InputError: there is one policy, nothing varies, or no row has a value of every policy.
    """
    if len(values.columns) < 2:
        raise InputError("switching values: nothing to rank: there is one policy")
    values = values.where(np.isfinite(values))
    complete = values.dropna()
    if complete.empty:
        raise InputError(f"switching values: no run has a finite {outcome} under every policy")
    varying = _varying(assumptions)
    assumptions = assumptions[varying]
    sign = -1.0 if better == "lower" else 1.0
    ranking = list((sign * complete.mean()).sort_values(ascending=False, kind="stable").index)
    asked = pairs or _pairs(ranking, str(values.columns[0]))
    found = [_pair(*_ordered(sign * values, *names), assumptions) for names in asked]
    return Switching(
        outcome,
        tuple(map(str, ranking)),
        {str(name): float(mean) for name, mean in complete.mean().items()},
        tuple(_judged(found)),
        tuple(map(str, varying)),
        units or {},
        kind,
    )


def _varying(assumptions: pd.DataFrame) -> list[str]:
    varying = assumptions.columns[assumptions.nunique() > 1]
    if not len(varying):
        raise InputError(
            "switching values: no assumption varies, nor a lever of numbers; sample the assumptions"
        )
    return list(varying)


def _pairs(ranking: Sequence[str], baseline: str) -> list[tuple[str, str]]:
    """Return neighbours in the ranking, and each policy with the baseline, none twice."""
    neighbours = list(pairwise(ranking))
    place = ranking.index(baseline)
    others = [(each, baseline) for each in ranking[:place]]
    others += [(baseline, each) for each in ranking[place + 1 :]]
    return list(dict.fromkeys([*others, *neighbours]))


def _ordered(values: pd.DataFrame, one: str, other: str) -> tuple[str, str, "pd.Series[float]"]:
    difference = (values[one] - values[other]).dropna()
    return (one, other, difference) if difference.mean() >= 0 else (other, one, -difference)


def _pair(
    first: str, second: str, difference: "pd.Series[float]", assumptions: pd.DataFrame
) -> Pair:
    differences = np.asarray(difference, dtype=np.float64)
    if len(differences) < FEWEST_RUNS or not np.ptp(differences):
        return Pair(first, second, differences)
    rows = assumptions.loc[difference.index]
    columns = {str(name): np.asarray(rows[name], dtype=np.float64) for name in rows}
    turns = [_turn(name, values, differences, len(columns)) for name, values in columns.items()]
    return Pair(first, second, differences, tuple(turn for turn in turns if turn))


def _turn(name: str, values: FloatArray, differences: FloatArray, family: int) -> Turn | None:
    """Return the fit over one assumption; None where too few numbers, or one, are known of it."""
    known = np.isfinite(values)
    if known.sum() < FEWEST_RUNS or not np.ptp(values[known]):
        return None
    return Turn(name, values, fitted(values[known], differences[known], family), "open")


def _judged(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs with the fate of every assumption, all of them held to one error of 5%."""
    fits = [turn.fit for pair in pairs for turn in pair.turns]
    held = iter(holm([fit.p_turn for fit in fits], LEVEL) if fits else [])
    judged = []
    for pair in pairs:
        turns = [
            Turn(turn.assumption, turn.values, turn.fit, _fate(turn.fit, next(held)))
            for turn in pair.turns
        ]
        turns.sort(key=lambda turn: turn.fit.p_turn)
        judged.append(Pair(pair.first, pair.second, pair.differences, tuple(turns)))
    return judged


def _fate(fit: Fit, held: bool) -> Fate:
    if held:
        return "turns"
    if fit.crossings:
        return "may turn"
    return "stays" if fit.sure else "open"


# Fitting


def fitted(values: FloatArray, differences: FloatArray, family: int = 1) -> Fit:
    """Return the mean of ``differences`` over ``values``: a line, or a curve where it is needed.

    A square is added where it is significant at ``CURVED`` among ``family`` assumptions.
    """
    line = _least_squares(values, differences, 2)
    if len(differences) < FEWEST_FOR_CURVES or len(np.unique(values)) < 4:
        return line.over()
    curve = _least_squares(values, differences, 3)
    return (curve if curve.p_last < CURVED / family else line).over()


@dataclass(frozen=True, eq=False)
class _Solved:
    """Coefficients of a polynomial in a value laid between -1 and 1, and how sure they are."""

    middle: float
    half: float
    coefficients: FloatArray
    covariance: FloatArray
    freedom: int

    @property
    def p_last(self) -> float:
        """Return the p-value of the highest term."""
        error = math.sqrt(self.covariance[-1, -1])
        if error == 0.0:
            return 0.0 if abs(self.coefficients[-1]) > 1e-12 else 1.0
        return float(2 * stats.t.sf(abs(self.coefficients[-1]) / error, self.freedom))

    def over(self) -> Fit:
        """Return the fit over the whole range."""
        terms = len(self.coefficients)
        place = np.linspace(-1.0, 1.0, STEPS)
        rows = np.vander(place, terms, increasing=True)
        variance = np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        mean, error = rows @ self.coefficients, np.sqrt(np.maximum(variance, 0.0))
        return Fit(self.middle + self.half * place, mean, error, terms, self.freedom)


def _least_squares(values: FloatArray, differences: FloatArray, terms: int) -> _Solved:
    middle, half = (values.max() + values.min()) / 2, np.ptp(values) / 2
    rows = np.vander((values - middle) / half, terms, increasing=True)
    inverse = np.linalg.pinv(rows.T @ rows)
    coefficients = inverse @ rows.T @ differences
    leverage = np.einsum("ij,jk,ik->i", rows, inverse, rows)
    residuals = (differences - rows @ coefficients) / np.maximum(1 - leverage, 1e-9)
    weighted = rows * residuals[:, None]
    covariance = inverse @ (weighted.T @ weighted) @ inverse
    return _Solved(float(middle), float(half), coefficients, covariance, len(differences) - terms)
