"""Asking a sweep which factors an outcome depends on, and telling the answer.

`results.sensitivity` has the analyses; here a sweep's runs become what they take: one number a
point, the mean over replications of an outcome or of its paired difference between two policies.
All points must have the same replications, or the luck of one would pass for what points differ by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from results.intervals import FloatArray
from results.sensitivity import (
    MORRIS,
    PAWN,
    SOBOL,
    Sampled,
    Sensitivity,
    fitting,
    luck_left,
    morris,
    pawn,
    sobol,
    whole_blocks,
)
from simulation.assumptions import Assumptions
from simulation.errors import InputError, did_you_mean
from simulation.levers import Levers
from simulation.outcomes import OUTCOMES
from simulation.parameters import parameters

if TYPE_CHECKING:
    from results.sweeps import Sweep

__all__ = ["METHODS", "csv", "document", "morris", "pawn", "sensitivity_of", "sobol", "text",
           "write_page"]  # fmt: skip

METHODS = {MORRIS: morris, SOBOL: sobol, PAWN: pawn}


def sensitivity_of(
    sweep: Sweep,
    outcome: str,
    policy: str | None = None,
    against: str | None = None,
    method: str | None = None,
) -> Sensitivity:
    """Return what an outcome of a sweep depends on.

    Args:
        sweep: that was opened.
        outcome: its name.
        policy: of which policy; the only one, or the only one besides the baseline, if None.
        against: the policy whose outcome is taken off, pair by pair; the outcome itself if None.
        method: "morris", "sobol" or "pawn"; what fits the design if None.

    Raises:
        InputError: a name is unknown, the method does not fit the design, too few runs are
            stored, or no replication is stored at every point.
    """
    _check(outcome, OUTCOMES, "outcome")
    policy = _policy(sweep, policy)
    if against is not None:
        _check(against, sweep.policies, "policy")
        _check_differs(policy, against)
    design = sampled_of(sweep)
    method = method or fitting(design.method)
    _check(method, METHODS, "method")
    whole = whole_replications(sweep, [policy] if against is None else [policy, against])
    runs = runs_of(sweep, outcome, policy, against)[:, whole.replications]
    values = means_of(runs)
    _, used = whole_blocks(design, values)
    return Sensitivity(
        outcome=outcome,
        policy=policy,
        against=against or "",
        method=method,
        table=METHODS[method](design, values),
        points=len(used),
        dropped=len(values) - len(used),
        replications=runs.shape[1],
        luck=luck_left(runs),
        skewness=float(stats.skew(used)) if np.ptp(used) else 0.0,
        units=_units(sweep),
        stored=whole.stored,
        asked=whole.asked,
        patched=_patched(runs),
    )


def sampled_of(sweep: Sweep) -> Sampled:
    """Return where the points of a sweep lie, factor by factor."""
    said = sweep.design["design"]
    method = said if isinstance(said, str) else said["method"]
    options = {} if isinstance(said, str) else said
    vary = sweep.design.get("vary") or {}
    places = [_places(sweep.points[name], vary.get(name) or {}) for name in sweep.points]
    return Sampled(tuple(map(str, sweep.points)), method, np.column_stack(places), options)


@dataclass(frozen=True, eq=False)
class Whole:
    """Which replications of a sweep are stored at every point.

    Attributes:
        replications: their numbers, ascending.
        stored: number of runs of the sweep that are stored, failed ones included.
        asked: number of runs of its design.
    """

    replications: NDArray[np.int64]
    stored: int
    asked: int


def whole_replications(sweep: Sweep, policies: Sequence[str]) -> Whole:
    """Return the replications in which the runs of ``policies`` were made at every point.

    Runs that failed were made; those that an interrupted sweep, or a share of one, lacks were not.

    Raises:
        InputError: there is no such replication.
    """
    shape = (int(sweep.design["replicates"]), len(sweep.points), len(sweep.policies))
    stored = np.zeros(math.prod(shape), dtype=np.bool_)
    stored[sweep.numbers()] = True
    asked = [list(sweep.policies).index(policy) for policy in policies]
    whole = stored.reshape(shape)[:, :, asked].all(axis=(1, 2))
    count = int(stored.sum())
    if not whole.any():
        raise InputError(
            f"{sweep.path}: incomplete: {count:,} of {len(stored):,} runs are stored, and no "
            "replication at every point; go on with --resume, or merge the shares"
        )
    return Whole(np.flatnonzero(whole), count, len(stored))


def runs_of(sweep: Sweep, outcome: str, policy: str, against: str | None) -> FloatArray:
    """Return an outcome, or its difference, run by run: shape (points, replications).

    NaN where a run failed, is not stored, or has no such outcome, or an infinite one.
    """
    frame = sweep.frame([outcome])
    runs = square_of(sweep, frame, outcome, policy)
    return runs if against is None else runs - square_of(sweep, frame, outcome, against)


def square_of(sweep: Sweep, frame: pd.DataFrame, outcome: str, policy: str) -> FloatArray:
    """Return an outcome of one policy from a sweep's frame: shape (points, replications)."""
    rows = frame[frame["policy"] == policy]
    square = np.full((len(sweep.points), int(sweep.design["replicates"])), math.nan)
    places = tuple(rows[name].to_numpy(np.int64) for name in ("point", "replication"))
    square[places] = rows[outcome].to_numpy(np.float64)
    return np.where(np.isfinite(square), square, math.nan)


def means_of(runs: FloatArray) -> FloatArray:
    """Return the mean of each point over its replications; NaN where no run is known.

    Args:
        runs: shape (points, replications), NaN where a run is not known. Where some are not, what
            a replication adds at every point alike is taken out of the others first: a point's
            mean must not depend on which of its runs failed.
    """
    if not _patched(runs):
        return _row_means(runs)
    return _rounded(_row_means(runs - _replication_effects(runs)), float(np.nanmax(np.abs(runs))))


def _rounded(values: FloatArray, largest: float) -> FloatArray:
    """Return values to ten digits of the largest, so that equal ones stay equal."""
    digits = 9 - math.floor(math.log10(largest)) if largest else 0
    return np.round(values, digits)


def _row_means(runs: FloatArray) -> FloatArray:
    known = ~np.isnan(runs)
    count = known.sum(axis=1)
    total = np.where(known, runs, 0.0).sum(axis=1)
    means: FloatArray = np.full(len(runs), math.nan)
    np.divide(total, count, out=means, where=count > 0)
    return means


def _replication_effects(runs: FloatArray) -> FloatArray:
    """Return what each replication adds, by least squares of points plus replications."""
    known = (~np.isnan(runs)).astype(np.float64)
    rest = np.nansum(runs - _row_means(runs)[:, None], axis=0)
    share = known / np.maximum(known.sum(axis=1, keepdims=True), 1.0)
    normal = np.diag(known.sum(axis=0)) - known.T @ share
    effects: FloatArray = np.linalg.pinv(normal, rcond=1e-9, hermitian=True) @ rest
    return effects


def _patched(runs: FloatArray) -> int:
    """Return the number of points at which some replications are known, but not all."""
    known = ~np.isnan(runs)
    return int((known.any(axis=1) & ~known.all(axis=1)).sum())


def _places(column: pd.Series[Any], said: Mapping[str, Any]) -> FloatArray:
    """Return where values lie along a factor: in its range from 0 to 1, or in the list of values.

    A table of the user's own has no declared range; its numbers stand as they are.
    """
    if said.get("low") is not None and said.get("high") is not None:
        low, high = float(said["low"]), float(said["high"])
        numbers: FloatArray = np.asarray(column, dtype=np.float64)
        return (numbers - low) / (high - low)
    numeric = pd.api.types.is_numeric_dtype(column) and not column.isna().any()
    if not said.get("values") and numeric:
        return np.asarray(column, dtype=np.float64)
    known = list(said.get("values") or sorted(map(str, column.unique())))
    named = column if said.get("values") else column.map(str)
    return np.array([_found(value, known) for value in named], np.float64)


def _found(value: object, known: Sequence[Any]) -> int:
    missing = value is None or value != value
    return next(
        place for place, each in enumerate(known) if (each is None if missing else each == value)
    )


def _units(sweep: Sweep) -> dict[str, str]:
    declared = {**parameters(Assumptions), **parameters(Levers)}
    return {str(name): declared[name].unit for name in sweep.points if name in declared}


def _policy(sweep: Sweep, policy: str | None) -> str:
    if policy is not None:
        _check(policy, sweep.policies, "policy")
        return policy
    if len(sweep.policies) > 2:
        raise InputError(f"--policy: choose one of {', '.join(sweep.policies)}")
    return sweep.policies[-1]


def _check(name: str, known: Sequence[str] | Mapping[str, Any], what: str) -> None:
    if name not in known:
        hint = did_you_mean(name, known)
        raise InputError(f"--{what}: unknown {what} {name!r}{hint}; known: {', '.join(known)}")


def _check_differs(policy: str, against: str) -> None:
    if policy == against:
        raise InputError(f"--against: {against!r} is the policy itself; name another")


# Telling


def text(found: Sensitivity) -> str:
    """Return the ranked table and what it says, as text."""
    from experiments.terminal import listing, rendered
    from results.sensitivity_words import heading, headings, rows, sentences

    table = rendered(listing(headings(found), rows(found))).rstrip("\n")
    return "\n".join([heading(found), "", table, "", *sentences(found)])


def document(found: Sensitivity) -> dict[str, Any]:
    """Return the answer for JSON; a number that is not known is None."""
    from results.sensitivity_words import sentences

    told = ("outcome", "policy", "against", "method", "points", "dropped", "patched",
            "replications", "stored", "asked", "luck")  # fmt: skip
    records = found.table.reset_index().to_dict("records")
    return {
        **{name: _defined(getattr(found, name)) for name in told},
        "enough": found.enough,
        "influential": found.influential,
        "not_known_well": found.vague,
        "factors": [{str(name): _defined(value) for name, value in row.items()} for row in records],
        "words": sentences(found),
    }


def csv(found: Sensitivity) -> str:
    """Return the ranked table as CSV: a row a factor."""
    return str(found.table.to_csv(lineterminator="\n"))


def write_page(found: Sensitivity, path: Path) -> Path:
    """Write a page that stands alone, with the ranked chart and table, and return its path."""
    from results.sensitivity_pages import sensitivity_page
    from results.store import write_text

    write_text(path, sensitivity_page(found))
    return path


def _defined(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
