"""Explaining the policies of a run directory: two stepped runs each, kept for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from experiments import explaining
from experiments.asking import only
from experiments.executors import Executor, InProcess, Lost
from experiments.interruption import heed, interruption
from experiments.question import read_run_question
from experiments.runs import Failed
from experiments.why import Explanation, Pair, explain
from results.explanations import WHY
from results.store import open_run, write_json
from simulation.errors import InputError

type Document = dict[str, Any]


def explain_run(directory: Path, executor: Executor | None = None) -> Path:
    """Explain the first complete replication of every policy compared, and keep it.

    Each policy takes two runs, stepped quarter by quarter beside each other. What is kept,
    ``why.json`` in the run directory, is told by the report.

    Args:
        directory: the run directory of a comparison.
        executor: makes the runs; this process if None.

    Returns:
        Where the explanations are.

    Raises:
        InputError: it is no run directory of a comparison, no replication is complete, or a run
            that was well when it was stored fails now.
        KeyboardInterrupt: the user stopped it; nothing is kept.
    """
    run = open_run(directory)
    compared = list(run.policies)[1:]
    if not compared or not run.replications:
        raise InputError(f"{directory}: nothing to explain: no comparison that is complete")
    replication = run.replications[0]
    question = read_run_question(directory)
    pairs = [Pair(only(question, name, replication), question.baseline) for name in compared]
    with interruption() as stop:
        told = list((executor or InProcess()).run(_explained, pairs, stop))
        heed(stop)
    write_json(
        directory / WHY,
        {
            "question_id": run.manifest.question_id,
            "replication": replication,
            "policies": dict(zip(compared, map(_checked, told), strict=True)),
        },
    )
    return directory / WHY


def _explained(pair: Pair) -> Document | Failed:
    told = explain(pair)
    return explaining.document(told) if isinstance(told, Explanation) else told


def _checked(told: Document | Failed | Lost[Pair]) -> Document:
    if isinstance(told, Failed):
        raise InputError(f"the run of {told.run.policy.name} failed at {told.stage}: {told.error}")
    if isinstance(told, Lost):
        raise InputError(f"a run to explain was lost: {told.error}")
    return told
