"""Asking a sweep which factors an outcome depends on, and telling the answer.

`results.sensitivity` has the analyses; here a sweep's runs become what they take: one number a
point, the mean over replications of an outcome or of its paired difference between two policies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from results.intervals import FloatArray
from results.sensitivity import (
    MORRIS,
    PAWN,
    SALTELLI,
    SOBOL,
    Sampled,
    Sensitivity,
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
        InputError: a name is unknown, the method does not fit the design, or too few runs are
            stored.
    """
    _check(outcome, OUTCOMES, "outcome")
    policy = _policy(sweep, policy)
    if against is not None:
        _check(against, sweep.policies, "policy")
        _check_differs(policy, against)
    design = sampled_of(sweep)
    method = method or {MORRIS: MORRIS, SALTELLI: SOBOL}.get(design.method, PAWN)
    _check(method, METHODS, "method")
    runs = runs_of(sweep, outcome, policy, against)
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
    )


def sampled_of(sweep: Sweep) -> Sampled:
    """Return where the points of a sweep lie, factor by factor."""
    said = sweep.design["design"]
    method = said if isinstance(said, str) else said["method"]
    options = {} if isinstance(said, str) else said
    vary = sweep.design.get("vary") or {}
    places = [_places(sweep.points[name], vary.get(name) or {}) for name in sweep.points]
    return Sampled(tuple(map(str, sweep.points)), method, np.column_stack(places), options)


def runs_of(sweep: Sweep, outcome: str, policy: str, against: str | None) -> FloatArray:
    """Return an outcome, or its difference, run by run: shape (points, replications).

    NaN where a run failed, is not stored, or has no such outcome.
    """
    frame = sweep.frame([outcome])
    runs = _square(frame, outcome, policy, sweep)
    return runs if against is None else runs - _square(frame, outcome, against, sweep)


def means_of(runs: FloatArray) -> FloatArray:
    """Return the mean of each row of runs, leaving NaN out; NaN where nothing is left."""
    known = ~np.isnan(runs)
    count = known.sum(axis=1)
    total = np.where(known, runs, 0.0).sum(axis=1)
    means: FloatArray = np.full(len(runs), math.nan)
    np.divide(total, count, out=means, where=count > 0)
    return means


def _square(frame: pd.DataFrame, outcome: str, policy: str, sweep: Sweep) -> FloatArray:
    rows = frame[frame["policy"] == policy]
    square = np.full((len(sweep.points), int(sweep.design["replicates"])), math.nan)
    square[rows["point"].to_numpy(), rows["replication"].to_numpy()] = rows[outcome].to_numpy()
    return square


def _places(column: pd.Series[Any], said: Mapping[str, Any]) -> FloatArray:
    """Return where values lie along a factor: in its range from 0 to 1, or in the list of values.

    A table of the user's own has no declared range; its numbers stand as they are.
    """
    if said.get("low") is not None and said.get("high") is not None:
        low, high = float(said["low"]), float(said["high"])
        numbers: FloatArray = np.asarray(column, dtype=np.float64)
        return (numbers - low) / (high - low)
    if not said.get("values") and pd.api.types.is_numeric_dtype(column):
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

    told = ("outcome", "policy", "against", "method", "points", "dropped", "replications", "luck")
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
    from results.sensitivity_charts import sensitivity_page
    from results.store import write_text

    write_text(path, sensitivity_page(found))
    return path


def _defined(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
