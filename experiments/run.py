"""Making a single run: one policy, one replication, with every table that the model keeps."""

from dataclasses import replace
from pathlib import Path

from experiments.campaign import RUNS, Conduct, conduct, present
from experiments.executors import InProcess
from experiments.question import Question
from simulation.errors import InputError, did_you_mean


def only(question: Question, policy: str | None = None, replication: int | None = None) -> Question:
    """Return the question that asks for one run of ``question``.

    Args:
        question: what is asked in all.
        policy: name of one of its policies; may be left out where it has one.
        replication: the one to run; its own, or 0, if None.

    Raises:
        InputError: there is no such policy or replication.
    """
    known = {each.name: each for each in question.policies}
    if policy is None and len(known) > 1:
        raise InputError(f"{question.where}: choose one with --policy: {', '.join(known)}")
    name = policy or question.baseline.name
    if name not in known:
        hint = did_you_mean(name, known)
        raise InputError(f"--policy: {name!r} is not asked{hint}; asked: {', '.join(known)}")
    chosen = question.replication or 0 if replication is None else replication
    return replace(question, policies=(known[name],), replication=chosen)


def run(question: Question, place: Path | None = None) -> Conduct:
    """Make the one run of ``question`` and keep all its tables.

    Args:
        question: what is asked, as `only` returns it.
        place: of the run directory; ``runs/`` and the question's identity if None.

    Raises:
        InputError: ``place`` cannot be used.
    """
    place = place or RUNS / question.identity
    done = conduct(question, "run", place, InProcess())
    return present(done)
