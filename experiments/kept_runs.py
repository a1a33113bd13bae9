"""Runs that are kept until they are asked for again."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from experiments.executors import Executor, Stop, Work
from experiments.runs import Run


@dataclass
class Kept:
    """An executor that makes each run once, and gives it again from a file.

    A context: the files go when it ends.
    """

    executor: Executor
    _made: dict[tuple[str, int], tuple[Run, Path]] = field(default_factory=dict, init=False)
    _folder: TemporaryDirectory[str] | None = field(default=None, init=False)

    def __enter__(self) -> Kept:
        self._folder = TemporaryDirectory(prefix="tenderlab-")
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            self._folder.cleanup()
        self._made.clear()

    def run(self, work: Work[Any, Any], tasks: Sequence[Any], stop: Stop) -> Iterator[Any]:
        """Yield a result for every run, in their order, until ``stop()`` is true."""
        held = [self._held(run) for run in tasks]
        missing = [run for run, path in zip(tasks, held, strict=True) if not path]
        fresh = iter(self.executor.run(work, missing, stop))
        for run, path in zip(tasks, held, strict=True):
            if stop():
                return
            if path:
                yield pickle.loads(path.read_bytes())
                continue
            try:
                result = next(fresh)
            except StopIteration:
                return
            self._keep(run, result)
            yield result

    def _held(self, run: Run) -> Path | None:
        """Return the file that holds what became of just this run, if it was made."""
        made, path = self._made.get(_key(run), (None, None))
        return path if made == run else None

    def _keep(self, run: Run, result: object) -> None:
        if self._folder is None:
            raise RuntimeError("runs are kept within a with block only")
        _, path = self._made.get(_key(run), (run, Path(self._folder.name, str(len(self._made)))))
        path.write_bytes(pickle.dumps(result))
        self._made[_key(run)] = run, path


def _key(run: Run) -> tuple[str, int]:
    return run.policy.name, run.replication
