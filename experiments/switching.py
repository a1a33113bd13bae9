"""Asking a comparison or a sweep which assumption turns the ranking of policies, and telling it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from experiments.sensitivity import Whole, means_of, square_of, whole_replications
from results.store import MANIFEST, RunDirectory, open_run, write_text
from results.switching import Kind, Pair, Switching, Turn, switching
from simulation.assumptions import Assumptions
from simulation.errors import InputError, did_you_mean
from simulation.levers import Levers
from simulation.outcomes import OUTCOMES
from simulation.parameters import parameters

if TYPE_CHECKING:
    from results.sweeps import Sweep

__all__ = ["document", "switching_in", "switching_of_run", "switching_of_sweep", "text",
           "write_page"]  # fmt: skip

type Names = Sequence[tuple[str, str]]


def switching_in(directory: Path, outcome: str, pairs: Names | None = None) -> Switching:
    """Return what turns the ranking of policies in a run directory or a sweep.

    Raises:
        InputError: it is neither, a name is unknown, or nothing was sampled.
    """
    if (directory / MANIFEST).is_file():
        return switching_of_run(open_run(directory), outcome, pairs)
    from results.sweep_files import MANIFEST as SWEEP_MANIFEST
    from results.sweeps import Sweep

    if not (directory / SWEEP_MANIFEST).is_file():
        raise InputError(
            f"{directory}: holds neither a comparison nor a sweep: there is no {MANIFEST}, and no "
            f"{SWEEP_MANIFEST}"
        )
    return switching_of_sweep(Sweep.open(directory), outcome, pairs)


def switching_of_run(run: RunDirectory, outcome: str, pairs: Names | None = None) -> Switching:
    """Return what turns the ranking of the policies of a comparison, over its samples.

    Raises:
        InputError: a name is unknown, there is one policy, or assumptions were fixed.
    """
    from results.luck import sampled_assumptions
    from results.statistics import horizon_values

    _check(outcome, OUTCOMES, "outcome")
    _check_pairs(pairs, list(run.policies))
    values = horizon_values(run, run.replications)[outcome]
    frame = pd.DataFrame(values.T, columns=list(run.policies))
    if run.question.assumptions.mode == "fixed":
        raise InputError(f"{run.path}: assumptions were fixed; compare with them sampled")
    return _switching(outcome, frame, sampled_assumptions(run), pairs)


def switching_of_sweep(sweep: Sweep, outcome: str, pairs: Names | None = None) -> Switching:
    """Return what turns the ranking of the policies of a sweep.

    Over its points, each the mean of its replications, where there is more than one; otherwise over
    the samples of the assumptions. Only replications that are stored at every point are used.

    Raises:
        InputError: a name is unknown, there is one policy, no replication is stored at every point,
            no run has the outcome under every policy, or nothing varies.
    """
    _check(outcome, OUTCOMES, "outcome")
    _check_pairs(pairs, sweep.policies)
    whole = whole_replications(sweep, sweep.policies)
    many = len(sweep.points) > 1
    known, means = sweep.points if many else sweep.samples, _means(sweep, outcome, whole, many)
    found = _switching(outcome, means, known.loc[means.index].select_dtypes("number"), pairs)
    return replace(found, stored=whole.stored, asked=whole.asked)


def _means(sweep: Sweep, outcome: str, whole: Whole, by_point: bool) -> pd.DataFrame:
    """Return mean outcomes, a column a policy, over runs known under all of them.

    A row a point, or a row a sample of the assumptions where there is one point.
    """
    frame = sweep.frame([outcome])
    squares = {
        policy: square_of(sweep, frame, outcome, policy)[:, whole.replications]
        for policy in sweep.policies
    }
    known = np.all([np.isfinite(square) for square in squares.values()], axis=0)
    runs = {name: np.where(known, square, math.nan) for name, square in squares.items()}
    if by_point:
        means = pd.DataFrame({name: means_of(each) for name, each in runs.items()})
        return means.set_index(sweep.points.index).dropna()
    sampled = np.isin(whole.replications, sweep.samples.index)
    sample = pd.Index(np.where(sampled, whole.replications, 0), name="sample")
    values = pd.DataFrame({name: each[0] for name, each in runs.items()}, index=sample)
    return values.dropna().groupby(level="sample").mean()


def _switching(
    outcome: str, values: pd.DataFrame, assumptions: pd.DataFrame, pairs: Names | None
) -> Switching:
    levers = parameters(Levers)
    declared = {**parameters(Assumptions), **levers}
    units = {str(name): declared[name].unit for name in assumptions if name in declared}
    kind: Kind = "factor" if any(name in levers for name in assumptions) else "assumption"
    better = OUTCOMES[outcome].better
    return switching(
        outcome, values, assumptions, better=better, pairs=pairs, units=units, kind=kind
    )


def _check_pairs(pairs: Names | None, policies: Sequence[str]) -> None:
    for name in (name for pair in pairs or () for name in pair):
        _check(name, policies, "policy")


def _check(name: str, known: Sequence[str] | Mapping[str, Any], what: str) -> None:
    if name not in known:
        raise InputError(f"--{what}: unknown {what} {name!r}{did_you_mean(name, known)}")


# Telling


def text(found: Switching, titles: Mapping[str, str] | None = None) -> str:
    """Return what turns the ranking, as text."""
    from results.switching_words import HOW, sentences

    return "\n\n".join([*sentences(found, titles), HOW])


def document(found: Switching, titles: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what turns the ranking, for JSON."""
    from results.switching_words import sentences

    return {
        "outcome": found.outcome,
        "stored": found.stored,
        "asked": found.asked,
        "ranking": [{"policy": name, "mean": found.means[name]} for name in found.ranking],
        "pairs": [_pair_document(pair) for pair in found.pairs],
        "words": sentences(found, titles),
    }


def _pair_document(pair: Pair) -> dict[str, Any]:
    low, high = pair.interval if len(pair.differences) else (math.nan, math.nan)
    return {
        "first": pair.first,
        "second": pair.second,
        "pairs": len(pair.differences),
        "difference": _defined(pair.mean) if len(pair.differences) else None,
        "low": _defined(low),
        "high": _defined(high),
        "assumptions": [_turn_document(turn) for turn in pair.turns],
    }


def _turn_document(turn: Turn) -> dict[str, Any]:
    return {
        "assumption": turn.assumption,
        "fate": turn.fate,
        "p_value": turn.fit.p_turn,
        "least": float(turn.fit.at[0]),
        "greatest": float(turn.fit.at[-1]),
        "turns_at": [{"value": at, "low": low, "high": high} for at, low, high in turn.at],
    }


def write_page(found: Switching, path: Path, titles: Mapping[str, str] | None = None) -> Path:
    """Write a page that stands alone, with words and charts, and return its path."""
    from results.sensitivity_pages import switching_page

    write_text(path, switching_page(found, titles))
    return path


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
