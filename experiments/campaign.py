"""Making the runs of a question and keeping what they give, whatever happens on the way."""

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from experiments.executors import Executor, Lost
from experiments.installation import surroundings
from experiments.interruption import interruption
from experiments.question import MANIFEST, Question, check_dates
from experiments.recording import Recording, stored_runs
from experiments.runs import Failed, Made, Run, make, plan, samples, setting
from results.report import render
from results.statistics import write_summary
from results.store import REPORT, open_run, write_text

type Kind = Literal["compare", "run"]
type Status = Literal["complete", "interrupted"]
type Row = Mapping[str, Any]
type Progress = Callable[[int, int], None]

PACKAGES = ("mesa", "networkx", "numpy", "pandas", "pyarrow", "pydantic", "scipy")
"""Packages whose versions a run directory names."""


@dataclass(frozen=True)
class Conduct:
    """What became of the runs of a question.

    Attributes:
        directory: the run directory; None where nothing was kept.
        status: "complete", or "interrupted" by the user.
        runs: number of runs that ended well.
        complete: number of replications of which every policy's run ended well.
        failed: the runs that did not end well.
        summary: the rows of ``summary.csv``; empty where no replication is complete.
    """

    directory: Path | None
    status: Status
    runs: int
    complete: int
    failed: tuple[Failed, ...]
    summary: tuple[Row, ...] = field(default=(), repr=False)


@dataclass
class _Tally:
    """What has come back so far."""

    question: Question
    runs: int = 0
    failed: list[Failed] = field(default_factory=list)
    by_replication: Counter[int] = field(default_factory=Counter)

    def add(self, result: Made | Failed) -> None:
        if isinstance(result, Failed):
            self.failed.append(result)
            return
        self.runs += 1
        self.by_replication[result.run.replication] += 1

    @property
    def done(self) -> int:
        return self.runs + len(self.failed)

    @property
    def complete(self) -> int:
        """Number of replications, twins aside, of which every policy's run ended well."""
        asked = self.question
        return sum(
            count == len(asked.policies)
            and (replication < asked.replicates or replication == asked.replication)
            for replication, count in self.by_replication.items()
        )


def conduct(
    question: Question,
    kind: Kind,
    place: Path,
    executor: Executor,
    *,
    everything: bool = False,
    progress: Progress | None = None,
) -> Conduct:
    """Make the runs of ``question`` and keep what they give in a run directory.

    The summary and the report are drawn where there is a complete replication to draw from.
    Interrupted, it keeps what is done if at least one replication is complete, and no run directory
    of the same question is there already that holds as many runs.

    Args:
        question: what is asked.
        kind: which command asks.
        place: of the run directory.
        executor: makes the runs.
        everything: whether event tables are kept of all main runs, not of the first only.
        progress: called with the number of runs done and of all runs.

    Raises:
        InputError: a lever changes too late, or ``place`` holds something else, is being written
            by another process, or cannot be written.
    """
    check_dates(question)
    runs = plan(question, everything=everything)
    with Recording(place, question.identity) as recording, interruption() as stop:
        tally = _Tally(question)
        for result in executor.run(partial(make, setting(question)), runs, stop):
            _take(_settled(result), tally, recording)
            if progress:
                progress(tally.done, len(runs))
        stop.deaf = True
        interrupted = tally.done < len(runs)
        status: Status = "interrupted" if interrupted else "complete"
        manifest = manifest_of(question, kind, tally.runs, tally.failed, status)
        keep = not interrupted or (tally.complete > 0 and tally.runs > stored_runs(place))
        summary: list[Row] = []
        if keep:
            draw = partial(_present, summary) if tally.complete else _leave
            recording.publish(manifest, question.territory.register.raw, draw)
    return Conduct(
        directory=place if keep else None,
        status=status,
        runs=tally.runs,
        complete=tally.complete,
        failed=tuple(tally.failed),
        summary=tuple(summary),
    )


def _present(summary: list[Row], directory: Path) -> None:
    """Draw the summary and the report into ``directory``, and add the rows to ``summary``."""
    stored = open_run(directory)
    frame = write_summary(stored)
    write_text(directory / REPORT, render(stored, frame))
    summary.extend({str(name): row[name] for name in row} for row in frame.to_dict("records"))


def _leave(_: Path) -> None:
    """Draw nothing, where no replication is complete to draw from."""


def _settled(result: Made | Failed | Lost[Run]) -> Made | Failed:
    return Failed(result.task, "worker", result.error) if isinstance(result, Lost) else result


def _take(result: Made | Failed, tally: _Tally, recording: Recording) -> None:
    if isinstance(result, Made):
        recording.add(result)
    tally.add(result)


def manifest_of(
    question: Question, kind: Kind, runs: int, failed: Sequence[Failed], status: Status
) -> dict[str, Any]:
    """Return what the manifest of a run directory says.

    Args:
        question: what was asked.
        kind: which command asked.
        runs: number of runs that ended well.
        failed: the runs that did not.
        status: whether all that was asked has been done.
    """
    return {
        "tenderlab": version("tenderlab"),
        "kind": kind,
        "status": status,
        "question_id": question.identity,
        "question": question.effective(),
        "runs": runs,
        "failed": [_failure(each) for each in failed],
        "environment": surroundings(PACKAGES),
        "assumption_samples": [asdict(assumptions) for assumptions in samples(question)],
    }


def _failure(failed: Failed) -> dict[str, Any]:
    policy, replication = failed.run.policy.name, failed.run.replication
    return {
        "policy": policy,
        "sample": failed.run.sample,
        "replication": replication,
        "stage": failed.stage,
        "error": failed.error,
        "replay": f"tenderlab run {MANIFEST} --policy={shlex.quote(policy)} "
        f"--replication={replication}",
    }
