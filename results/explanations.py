"""Explanations of one history: what a run beside its baseline's shows of causes, as it is stored.

They take two runs a policy, stepped quarter by quarter, which `experiments` makes on request and
keeps as ``why.json`` in the run directory. What is read is checked against the stored runs: it must
be of this question, and save what they saved.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from results.store import RunDirectory, first_fault
from simulation.errors import InputError

WHY = "why.json"
CURE = "remove it, or make it again with --why"
NEAR = 1e-6
"""How near, £m, a saving that is explained must come to the one that is stored."""


@dataclass(frozen=True)
class Sides:
    """A number under the baseline, under the policy, and how much more that is."""

    baseline: float
    policy: float
    difference: float


@dataclass(frozen=True)
class Cause:
    """What one cause saved, £m NPV."""

    name: str
    title: str
    npv: Sides


@dataclass(frozen=True)
class First:
    """The first decision that went another way, in words."""

    quarter: int
    phase: str
    sentence: str


@dataclass(frozen=True)
class Kind:
    """Decisions of one kind: how many in either run, and how many went another way."""

    title: str
    another_way: int
    baseline: int | None = None
    policy: int | None = None


@dataclass(frozen=True)
class Explained:
    """What made the difference between two runs: a policy's, and the baseline's."""

    first: First | None
    decisions: Sequence[Kind]
    causes: Sequence[Cause]
    total: Cause


@dataclass(frozen=True)
class Explanations:
    """Explanations of policies by name, all of one replication."""

    question_id: str
    replication: int
    policies: Mapping[str, Explained]


def read_explanations(run: RunDirectory) -> Explanations | None:
    """Return the explanations kept in ``run``; None where there are none.

    Raises:
        InputError: they are damaged, or not of these runs.
    """
    path = run.path / WHY
    try:
        content: Any = json.loads(path.read_bytes())
        told = TypeAdapter(Explanations).validate_python(content)
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise InputError(f"{path}: damaged explanations: {first_fault(error)}; {CURE}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged explanations: {error}; {CURE}") from None
    _check(told, run, str(path))
    return told


def _check(told: Explanations, run: RunDirectory, where: str) -> None:
    if told.question_id != run.manifest.question_id or told.replication not in run.replications:
        raise InputError(
            f"{where}: explains runs of question {told.question_id!r}, replication "
            f"{told.replication}, not those stored here; {CURE}"
        )
    place = run.replications.index(told.replication)
    measures = run.measures(run.replications)
    saved = (measures["public_saving"] * measures["discount"]).sum(axis=-1)[:, place]
    stored = dict(zip(run.policies, saved.tolist(), strict=True))
    kinds = {(tuple(_names(one)), tuple(_titles(one))) for one in told.policies.values()}
    if len(kinds) > 1:
        raise InputError(
            f"{where}: damaged explanations: policies differ in what they tell; {CURE}"
        )
    for policy, one in told.policies.items():
        _check_total(one.total.npv, stored, run.baseline, policy, where)


def _names(one: Explained) -> list[str]:
    return [cause.name for cause in one.causes]


def _titles(one: Explained) -> list[str]:
    return [kind.title for kind in one.decisions]


def _check_total(
    npv: Sides, stored: Mapping[str, float], baseline: str, policy: str, where: str
) -> None:
    near = policy in stored and all(
        math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=NEAR)
        for mine, theirs in ((npv.policy, stored[policy]), (npv.baseline, stored[baseline]))
    )
    if not near:
        raise InputError(
            f"{where}: what it explains of {policy!r} is not what the stored runs saved; {CURE}"
        )
