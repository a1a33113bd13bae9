"""A run directory that is in memory: what has come back of a question's runs so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pydantic import TypeAdapter

from experiments.campaign import Status, manifest_of
from experiments.question import Question
from experiments.recording import RUNS
from experiments.runs import Failed, Made, Run
from results.store import Manifest, RunDirectory
from simulation.errors import InputError, did_you_mean

MANIFESTS = TypeAdapter(Manifest)


@dataclass(frozen=True, eq=False)
class LiveRun(RunDirectory):
    """Runs that are in memory, in the form in which a run directory is read.

    Attributes:
        tables: event tables of the runs, by name.
    """

    tables: Mapping[str, pa.Table]

    @property
    def kept(self) -> bool:
        """False: nothing stands at its path."""
        return False

    def events(self) -> tuple[str, ...]:
        """Return the names of the event tables that are held."""
        return tuple(sorted(self.tables))

    def event(self, name: str) -> pd.DataFrame:
        """Return the event table ``name``; policy, sample and replication come first.

        Raises:
            InputError: it is not held.
        """
        if name not in self.tables:
            raise InputError(f"no such table: {name!r}{did_you_mean(name, self.tables)}")
        return _frame(self.tables[name])


def live_run(question: Question, made: Sequence[Made], failed: Sequence[Failed]) -> LiveRun:
    """Return what has been ``made`` of ``question``, in the order of its runs; at least one run.

    What it holds of a run is what `compare` would have stored of it.
    """
    whole = len(made) + len(failed) == _asked(question)
    status: Status = "complete" if whole else "interrupted"
    manifest = manifest_of(question, "compare", len(made), failed, status)
    names = list(dict.fromkeys(name for each in made for name in each.events))
    return LiveRun(
        path=Path(RUNS) / question.identity,
        manifest=MANIFESTS.validate_python(manifest),
        register=question.territory.register,
        outcomes=_frame(_joined([each.outcomes for each in made])),
        tables={
            name: _joined([each.events[name] for each in made if name in each.events])
            for name in names
        },
    )


def _asked(question: Question) -> int:
    return len(question.policies) * (question.replicates + question.twins)


def named(made: Made, run: Run) -> Made:
    """Return ``made`` as the run ``run``: the same levers, perhaps under another policy's name."""
    if made.run.policy.name == run.policy.name:
        return made
    events = {key: _renamed(table, run.policy.name) for key, table in made.events.items()}
    outcomes = _renamed(made.outcomes, run.policy.name)
    return replace(made, run=run, outcomes=outcomes, events=events)


def _renamed(table: pa.Table, name: str) -> pa.Table:
    rows = pa.array([0] * len(table), pa.int32())
    column = pa.DictionaryArray.from_arrays(rows, [name])
    return table.set_column(table.column_names.index("policy"), "policy", column)


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame.assign(policy=frame["policy"].astype(object))
