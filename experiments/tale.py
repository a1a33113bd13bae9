"""One council's story for the explorer: a run of its own, told in paragraphs."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from experiments import storytelling as telling
from experiments.asking import only
from experiments.question import Question
from experiments.run import run
from experiments.runs import Failed
from experiments.story import Story, story_of
from experiments.why import find_council
from results.explorer.asking import Tale
from simulation.errors import InputError


def tale_of(question: Question, policy: str, council: str) -> Tale | str:
    """Return the story of ``council`` under ``policy`` in replication 0, or why there is none."""
    asked = only(question, policy, 0)
    try:
        row = find_council(council, asked)
    except InputError as error:
        return str(error).removeprefix("--council: ")
    with TemporaryDirectory() as folder:
        place = Path(folder) / "run"
        done = run(asked, place)
        if done.failed:
            return f"the run failed at {done.failed[0].stage}: {done.failed[0].error}"
        told = story_of(asked, place, row)
    if isinstance(told, Failed):
        return f"the second run failed at {told.stage}: {told.error}"
    return Tale(telling.heading(told), _parts(told))


def _parts(told: Story) -> list[tuple[str, list[str]]]:
    return [
        ("The council", [telling.portrait(told), telling.QUARTERS_READ]),
        ("Partnerships", list(telling.partnerships(told))),
        ("Contracts", list(telling.contracts(told))),
        ("Savings", [telling.savings(told), telling.others(told)]),
        ("What might have been", [telling.reading(told), telling.CAUTION]),
    ]
