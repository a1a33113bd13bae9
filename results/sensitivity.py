"""Which factors an outcome depends on: Morris, Sobol and PAWN on the points of a design.

A run is noisy, so values are means over replications, and what luck leaves in them is told beside
the indices: no index of a noisy number is free of it. Intervals come from resampling what is
independent in a design: trajectories, rows of the base sample, or points.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from results.intervals import LEVEL, FloatArray, holm
from simulation.errors import InputError
from simulation.randomness import Draws

type Estimate = Mapping[str, FloatArray]
type Estimator = Callable[[FloatArray, FloatArray], Estimate]
type Whole = NDArray[np.int64]

RESAMPLES = 200
SEED = 2006
"""Of the resampling, so that the same values give the same intervals."""
SLICES = 10
"""Parts into which PAWN cuts the range of a factor that takes more values than that."""
DUMMIES = 1000
"""Shuffles by which PAWN learns how much a factor without influence shows, at least."""
DUMMY_LEVEL = 0.95
TELLING = 0.05
"""Share of the greatest index below which a factor is not asked to be known well."""
SKEWED = 2.0
"""Skewness beyond which a variance says little of an outcome."""
MOSTLY_LUCK = 0.5

MORRIS, SALTELLI = "morris", "saltelli"
SOBOL, PAWN = "sobol", "pawn"
INDICES = {MORRIS: "mu_star", SOBOL: "total", PAWN: "median"}
"""The column by which each analysis ranks factors."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Where the points of a design lie, and how they were chosen.

    Attributes:
        names: of the factors.
        method: by which the points were chosen.
        places: shape (points, factors); rising with the factor's value, for "morris" from 0 to 1.
        options: of the method: ``levels`` of "morris", ``second_order`` of "saltelli".
    """

    names: tuple[str, ...]
    method: str
    places: FloatArray
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def block(self) -> int:
        """Number of consecutive points that only together say something."""
        if self.method == MORRIS:
            return len(self.names) + 1
        if self.method == SALTELLI:
            return (2 if self.options.get("second_order") else 1) * len(self.names) + 2
        return 1

    @property
    def problem(self) -> dict[str, Any]:
        """What SALib asks to know of the factors."""
        count = len(self.names)
        return {"num_vars": count, "names": [*self.names], "bounds": [[0.0, 1.0]] * count}


# The three analyses


def morris(design: Sampled, values: FloatArray) -> pd.DataFrame:
    """Return the elementary effects of every factor (Morris 1991, Campolongo et al. 2007).

    Args:
        design: its method is "morris".
        values: one number a point; trajectories with one that is not finite are left out.

    Returns:
        A row a factor: mu, mu_star, sigma, mu_star_low, mu_star_high, and first_places, the share
        of resamples in which it stays among the first (see `leading`). Effects are what the
        outcome changes by over a factor's whole range, in its unit.

    Raises:
        InputError: the design is another, or fewer than two trajectories are whole.
    """
    places, values = _enough_blocks(design, values, MORRIS, "Morris", "trajectories")

    def estimate(at: FloatArray, numbers: FloatArray) -> Estimate:
        from SALib.analyze import morris as analysis

        found = analysis.analyze(
            design.problem, at, numbers, 2, num_levels=design.options["levels"], seed=SEED
        )
        return {name: np.asarray(found[name], np.float64) for name in ("mu", "mu_star", "sigma")}

    drawn = _resampled(estimate, places, values, design.block)
    found = estimate(places, values)
    low, high = _interval(found["mu_star"], drawn["mu_star"])
    stay = _first_places(drawn["mu_star"], leading(len(design.names)))
    columns = {**found, "mu_star_low": low, "mu_star_high": high, "first_places": stay}
    return _table(design, columns, MORRIS)


def sobol(design: Sampled, values: FloatArray) -> pd.DataFrame:
    """Return the shares of variance that factors have (Saltelli et al. 2010).

    Args:
        design: its method is "saltelli".
        values: one number a point; rows of the base sample with one that is not finite are left
            out.

    Returns:
        A row a factor: first, first_low, first_high, total, total_low, total_high; shares of the
        variance over points. First is what the factor does alone, total what it has part in.

    Raises:
        InputError: the design is another, or fewer than two rows are whole.
    """
    rows = "rows of the base sample"
    places, values = _enough_blocks(design, values, SALTELLI, "Sobol", rows)

    def estimate(_: FloatArray, numbers: FloatArray) -> Estimate:
        from SALib.analyze import sobol as analysis

        if np.ptp(numbers) == 0.0:
            return {"first": np.zeros(len(design.names)), "total": np.zeros(len(design.names))}
        both = bool(design.options.get("second_order"))
        found = analysis.analyze(design.problem, numbers, both, 2, seed=SEED)
        return {"first": np.asarray(found["S1"]), "total": np.asarray(found["ST"])}

    drawn = _resampled(estimate, places, values, design.block)
    found = estimate(places, values)
    columns: dict[str, FloatArray] = {}
    for name in ("first", "total"):
        low, high = _interval(found[name], drawn[name], floor=0.0 if name == "total" else -math.inf)
        columns |= {name: found[name], f"{name}_low": low, f"{name}_high": high}
    return _table(design, columns, SOBOL)


def pawn(
    design: Sampled, values: FloatArray, region: tuple[float, float] = (0.0, 1.0)
) -> pd.DataFrame:
    """Return how far knowing a factor moves the distribution of an outcome (Pianosi, Wagener 2018).

    The median, over parts of the factor's range, of the Kolmogorov-Smirnov distance between the
    outcome there and the outcome anywhere; so skewed outcomes are told as well as any. A factor of
    few values is parted by value, which SALib's analysis does not do.

    Args:
        design: any but "morris"; of "saltelli" the independent rows are taken.
        values: one number a point; those that are not finite are left out.
        region: between which quantiles of the outcome the distance is looked for: (0.9, 1) asks
            what makes for its highest tenth.

    Returns:
        A row a factor: median, low, high; dummy, what 95% of shuffled copies of the factor, which
        have no influence, stay below; and p_value, the share of them that reach the median.

    Raises:
        InputError: the design is "morris", or the values are fewer than four a slice.
    """
    if design.method == MORRIS:
        raise InputError("PAWN: points of a Morris design are not independent; take another method")
    places, values = _independent(design, values)
    if len(values) < 4 * SLICES:
        raise InputError(
            f"PAWN: {len(values)} points are too few: it cuts the range of a factor into {SLICES} "
            f"slices and takes four points for each, so at least {4 * SLICES} with a value"
        )
    found = np.array([_distance(column, values, region) for column in places.T])
    drawn = _resampled(
        lambda at, numbers: {"median": np.array([_distance(c, numbers, region) for c in at.T])},
        places,
        values,
        1,
    )
    low, high = _interval(found, drawn["median"], floor=0.0)
    shuffled = _shuffled(places, values, region)
    reached = (shuffled >= found[:, None]).sum(axis=1)
    columns = {
        "median": found,
        "low": low,
        "high": high,
        "dummy": np.quantile(shuffled, DUMMY_LEVEL, axis=1),
        "p_value": (1 + reached) / (1 + shuffled.shape[1]),
    }
    return _table(design, columns, PAWN)


def fitting(method: str) -> str:
    """Return the analysis that fits points of a design's method best."""
    return {MORRIS: MORRIS, SALTELLI: SOBOL}.get(method, PAWN)


def leading(factors: int) -> int:
    """Return how many factors of so many count as the first in a ranking."""
    return max(1, min(3, factors // 2))


# Parts of the analyses


def whole_blocks(design: Sampled, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the points and values of blocks in which every value is finite."""
    if len(values) != len(design.places):
        raise InputError(f"{len(values)} values do not fit {len(design.places)} points")
    whole = np.isfinite(values).reshape(-1, design.block).all(axis=1)
    kept = np.repeat(whole, design.block)
    return design.places[kept], values[kept]


def _enough_blocks(
    design: Sampled, values: FloatArray, method: str, analysis: str, things: str
) -> tuple[FloatArray, FloatArray]:
    """Return `whole_blocks`, of which there must be two, of a design made by ``method``."""
    if design.method != method:
        raise InputError(
            f"{analysis} indices: need a design whose method is {method}; the method of this one "
            f"is {design.method}, which the analysis {fitting(design.method)} fits"
        )
    places, whole = whole_blocks(design, values)
    if len(whole) < 2 * design.block:
        raise InputError(f"{len(whole) // design.block} {things} without a failed run: too few")
    return places, whole


def _independent(design: Sampled, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return points that were drawn independently of one another, and that have a value."""
    place = np.arange(len(values)) % design.block
    kept = ((place == 0) | (place == design.block - 1)) & np.isfinite(values)
    return design.places[kept], values[kept]


def _resampled(
    estimate: Estimator, places: FloatArray, values: FloatArray, block: int
) -> dict[str, FloatArray]:
    """Return estimates from resampled blocks, each of shape (``RESAMPLES``, factors)."""
    found = [estimate(places[rows], values[rows]) for rows in _picks(len(values) // block, block)]
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def _picks(blocks: int, block: int) -> list[Whole]:
    """Return which points each resample takes: whole blocks, drawn with replacement."""
    draws = Draws(SEED)
    within = np.arange(block)
    picks = []
    for resample in range(RESAMPLES):
        drawn = draws.uniform("resampled blocks", resample, np.arange(blocks))
        chosen = (drawn * blocks).astype(np.int64)
        picks.append((chosen[:, None] * block + within).ravel())
    return picks


def _interval(
    found: FloatArray, drawn: FloatArray, floor: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Return 95% intervals by the spread of resamples, as SALib does; none below ``floor``."""
    reach = float(stats.norm.isf(LEVEL)) * drawn.std(axis=0, ddof=1)
    return np.maximum(found - reach, floor), found + reach


def _first_places(drawn: FloatArray, first: int) -> FloatArray:
    """Return in which share of resamples each factor is among the ``first``."""
    ranks = stats.rankdata(-drawn, axis=1, method="min")
    share: FloatArray = (ranks <= first).mean(axis=0)
    return share


def _distance(column: FloatArray, values: FloatArray, region: tuple[float, float]) -> float:
    """Return PAWN's index of one factor: the median distance over its slices."""
    return _sliced_distance(_slices(column), values, region)


def _sliced_distance(slices: Whole, values: FloatArray, region: tuple[float, float]) -> float:
    levels, level = np.unique(values, return_inverse=True)
    counts = np.zeros((slices.max() + 1, len(levels)))
    np.add.at(counts, (slices, level), 1.0)
    within = counts.cumsum(axis=1) / counts.sum(axis=1, keepdims=True)
    anywhere = counts.sum(axis=0).cumsum() / len(values)
    low, high = np.quantile(values, region)
    seen = (levels >= low) & (levels <= high)
    return float(np.median(np.abs(within - anywhere)[:, seen].max(axis=1)))


def _slices(column: FloatArray) -> Whole:
    """Return the slice of each place: one a value where there are few, else of equal numbers."""
    known, which = np.unique(column, return_inverse=True)
    if len(known) <= SLICES:
        return which.astype(np.int64)
    edges = np.quantile(column, np.linspace(0.0, 1.0, SLICES + 1)[1:-1])
    return np.unique(np.searchsorted(edges, column, side="right"), return_inverse=True)[1]


def _shuffled(places: FloatArray, values: FloatArray, region: tuple[float, float]) -> FloatArray:
    """Return the index of shuffled copies of every factor, shape (factors, copies).

    What a copy shows depends on the sizes of the slices alone; factors of the same sizes share
    their copies.
    """
    copies = max(DUMMIES, 2 * math.ceil(places.shape[1] / (2 * LEVEL)))
    known: dict[tuple[int, ...], FloatArray] = {}
    rows = []
    for column in places.T:
        sizes = tuple(np.sort(np.bincount(_slices(column))).tolist())
        if sizes not in known:
            known[sizes] = _without_influence(sizes, values, region, copies)
        rows.append(known[sizes])
    return np.array(rows)


def _without_influence(
    sizes: tuple[int, ...], values: FloatArray, region: tuple[float, float], copies: int
) -> FloatArray:
    draws, rows = Draws(SEED), np.arange(len(values))
    slices = np.repeat(np.arange(len(sizes)), sizes)
    orders = (np.argsort(draws.uniform("shuffled factor", copy, rows)) for copy in range(copies))
    return np.array([_sliced_distance(slices[order], values, region) for order in orders])


def _table(design: Sampled, columns: Mapping[str, FloatArray], analysis: str) -> pd.DataFrame:
    """Return a row a factor, the most telling first."""
    frame = pd.DataFrame(dict(columns), index=pd.Index(design.names, name="factor"))
    return frame.sort_values(INDICES[analysis], ascending=False, kind="stable")


# Luck


def luck_left(runs: FloatArray) -> float:
    """Return the share of the variance of point means that is luck; NaN where it is not known.

    Args:
        runs: shape (points, replications). What a replication adds at every point alike says
            nothing against the points, and is taken out first.
    """
    whole = runs[~np.isnan(runs).any(axis=1)]
    points, replications = whole.shape
    if points < 2 or replications < 2:
        return math.nan
    means = whole.mean(axis=1)
    rest = whole - means[:, None] - whole.mean(axis=0) + whole.mean()
    left = float((rest**2).sum()) / ((points - 1) * (replications - 1)) / replications
    variance = float(means.var(ddof=1))
    return min(1.0, left / variance) if variance else math.nan


# What is known


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What an outcome depends on.

    Attributes:
        outcome: its name.
        policy: of which policy.
        against: the policy whose outcome is taken off; empty for the outcome itself.
        method: "morris", "sobol" or "pawn".
        table: a row a factor, most telling first; columns as the analysis gives them.
        points: number of points that were used.
        dropped: number of points that were left out, as runs failed or have no such outcome.
        replications: that were used, stored at each point.
        luck: share of the variance of the points' means that is luck; NaN where it is not known.
        skewness: of the values.
        units: of the factors, by name.
        stored: number of the sweep's runs that are stored, failed ones included.
        asked: number of runs of its design; more than stored while it is incomplete.
        patched: number of points of which some replications failed or have no such outcome.
    """

    outcome: str
    policy: str
    against: str
    method: str
    table: pd.DataFrame
    points: int
    dropped: int
    replications: int
    luck: float
    skewness: float
    units: Mapping[str, str] = field(default_factory=dict)
    stored: int = 0
    asked: int = 0
    patched: int = 0

    @property
    def index(self) -> "pd.Series[float]":
        """The index by which factors are ranked."""
        return self.table[INDICES[self.method]]

    @property
    def silent(self) -> bool:
        """Whether the outcome is the same at all points."""
        return not self.index.max() > 0.0

    @property
    def vague(self) -> list[str]:
        """Telling factors whose index is not known well: the sample is too small for them.

        Morris and Sobol: the interval is wider than the index. PAWN: the index is above what 95%
        of factors without influence show, but one among so many may be there by chance.
        """
        table, index = self.table, self.index
        if self.method == PAWN:
            above = table.index[index > table["dummy"]]
            return [str(name) for name in above if name not in self.influential]
        low, high = table[f"{index.name}_low"], table[f"{index.name}_high"]
        unsure = (index >= max(2 * TELLING * index.max(), 0.0)) & (high - low > index)
        return [str(name) for name in table.index[unsure]]

    @property
    def influential(self) -> list[str]:
        """Factors that surely have an influence.

        Morris and Sobol: the interval is above nearly nothing. PAWN: shuffled copies of the factor
        do not reach the index, with all factors held to one error of 5% (Holm).
        """
        if self.silent:
            return []
        if self.method == PAWN:
            sure = np.asarray(holm(self.table["p_value"].to_list(), 2 * LEVEL), dtype=np.bool_)
        else:
            low = self.table[f"{self.index.name}_low"]
            sure = (low > TELLING * self.index.max()).to_numpy()
        return [str(name) for name in self.table.index[sure]]

    @property
    def unstable(self) -> bool:
        """Whether resampling pushes Morris' first factor out of the first ones."""
        if self.method != MORRIS or self.silent:
            return False
        return bool(self.table["first_places"].iloc[0] < 1 - 2 * LEVEL)

    @property
    def enough(self) -> bool:
        """Whether the sample is large enough to rank the telling factors."""
        if self.silent:
            return True
        known = bool(self.influential) if self.method == PAWN else not self.vague
        return known and not self.unstable
