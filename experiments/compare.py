"""Comparing policies: every policy under the same luck, replication by replication."""

from pathlib import Path

from experiments.campaign import Conduct, Progress, conduct
from experiments.executors import Executor, InProcess
from experiments.question import Question
from experiments.recording import RUNS
from simulation.errors import InputError


def compare(
    question: Question,
    place: Path | None = None,
    executor: Executor | None = None,
    *,
    everything: bool = False,
    progress: Progress | None = None,
) -> Conduct:
    """Run every policy of ``question`` in every replication, and report on their differences.

    Args:
        question: what is asked.
        place: of the run directory; ``runs/`` and the question's identity if None.
        executor: makes the runs; this process if None.
        everything: whether event tables are kept of all main runs, not of the first only.
        progress: called with the number of runs done and of all runs.

    Raises:
        InputError: there is nothing to compare, or ``place`` cannot be used.
    """
    check_comparison(question)
    place = place or RUNS / question.identity
    return conduct(
        question,
        "compare",
        place,
        executor or InProcess(),
        everything=everything,
        progress=progress,
    )


def check_comparison(question: Question) -> None:
    """Refuse a question that compares nothing.

    Raises:
        InputError: it has one policy, or asks for one replication of several.
    """
    if question.replication is not None:
        raise InputError(
            f"{question.where}: asks for replication {question.replication} alone; "
            "use tenderlab run"
        )
    if len(question.policies) == 1:
        raise InputError(
            f"{question.where}: nothing to compare with the baseline {question.baseline.name!r}; "
            "name another policy, or set a lever"
        )
