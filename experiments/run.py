"""Making a single run: one policy, one replication, with every table that the model keeps."""

from pathlib import Path

from experiments.campaign import Conduct, conduct
from experiments.executors import InProcess
from experiments.question import Question
from experiments.recording import RUNS


def run(question: Question, place: Path | None = None) -> Conduct:
    """Make the one run of ``question`` and keep all its tables.

    Args:
        question: what is asked, with a replication of its own.
        place: of the run directory; ``runs/`` and the question's identity if None.

    Raises:
        InputError: ``place`` cannot be used.
    """
    place = place or RUNS / question.identity
    return conduct(question, "run", place, InProcess())
