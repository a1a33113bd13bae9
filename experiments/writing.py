"""A question written down: as a document, as a YAML file and as a Python program."""

from pprint import pformat
from typing import Any

import yaml

from experiments.question import ENGLAND, Question
from simulation.outcomes import HEADLINE

PROGRAM = '''"""Ask one question of tenderlab, and print how its headline outcomes differ.

The results are simulated: an aid to a decision, not a prediction.
"""

from pathlib import Path

from experiments.compare import compare
from experiments.executors import LocalPool, default_workers
from experiments.question import question_of{imports}

QUESTION = {question}

if __name__ == "__main__":
    question = question_of(QUESTION{place})
    done = compare(question, Path("runs") / question.identity, LocalPool(default_workers()))
    wanted = ("policy", "title", "difference", "low", "high", "verdict")
    for row in done.summary:
        if row["headline"] and row["policy"] != question.baseline.name:
            print(*(row[name] for name in wanted), sep="; ")
    print(done.directory)
'''


def document_of(question: Question) -> dict[str, Any]:
    """Return ``question`` as a document that `question_of` takes; the baseline stands by itself."""
    full = question.effective()
    baseline, *others = full["policies"]
    return {
        "years": question.years,
        "seed": question.seed,
        "replicates": question.replicates,
        "baseline": baseline,
        "policies": others,
        "assumptions": full["assumptions"],
        "outcomes": full["outcomes"],
    }


def question_text(question: Question) -> str:
    """Return ``question`` as a file that ``tenderlab compare`` takes.

    A register of one's own is named as the file that it was read from.
    """
    document = document_of(question)
    if question.outcomes == HEADLINE:
        del document["outcomes"]
    own = {} if _is_england(question) else {"register": question.territory.name}
    return yaml.safe_dump({**own, **document}, sort_keys=False, allow_unicode=True, width=100)


def program(question: Question) -> str:
    """Return a Python program that asks ``question``; with its seed it gets the same figures."""
    england = _is_england(question)
    register = f"Path({question.territory.name!r})"
    return PROGRAM.format(
        question=pformat(document_of(question), sort_dicts=False, width=95),
        imports="" if england else ", territory",
        place="" if england else f", territory({register})",
    )


def _is_england(question: Question) -> bool:
    return question.territory.name == ENGLAND
