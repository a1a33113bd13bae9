"""Keeping what a sweep's runs give, so that no kill at any moment loses or doubles a finished run.

Results are journalled in small chunks as they come; as soon as all runs of a part are in the
journal, they become a part and leave it. Every file is whole or not there, and says by its name
whether it is sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from time import monotonic

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.sweep_runs import Told, tables
from results.sweep_files import (
    RUNS,
    SCHEMAS,
    Layout,
    chunk_in,
    chunks_of,
    compact,
    drop_chunks,
    journal_parts,
    misfit,
    parts_in,
    read_part,
    remove_unfinished,
    sound,
    write_chunk,
)

FLUSH_SECONDS = 0.5
"""How long results may wait for others before they are journalled."""
MOST_WAITING = 1000
"""How many may wait."""


@dataclass
class Journal:
    """What a sweep's directory holds of its runs, and what waits to be written there.

    Attributes:
        directory: of the sweep.
        layout: its runs and parts.
        stored: whether each run of the design is held, those that wait included.
        failures: number of stored runs that failed.
        damaged: files that were found damaged and removed.
    """

    directory: Path
    layout: Layout
    stored: NDArray[np.bool_] = field(init=False)
    failures: int = 0
    damaged: list[Path] = field(default_factory=list)
    _waiting: dict[int, Told] = field(default_factory=dict)
    _flushed: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self.stored = np.zeros(self.layout.runs, bool)

    def take_over(self) -> None:
        """Take over what the directory holds, and remove what is damaged or of no more use."""
        remove_unfinished(self.directory)
        for part, files in self._sound_parts():
            self._note_part(part, files)
        for part in journal_parts(self.directory):
            if not self._whole(part):
                self._take_over_chunks(part)

    @property
    def missing(self) -> NDArray[np.int64]:
        """Numbers of the runs of this share that are still to be made, in order."""
        mine = np.zeros(self.layout.runs, bool)
        for part in self.layout.parts:
            runs = self.layout.runs_of(part)
            mine[runs.start : runs.stop] = True
        return np.flatnonzero(mine & ~self.stored)

    @property
    def held(self) -> int:
        """Number of runs that are stored."""
        return int(self.stored.sum())

    def add(self, run: int, told: Told) -> None:
        """Take what became of ``run``; a run that is stored already is left as it is."""
        if self.stored[run]:
            return
        self.stored[run] = True
        self.failures += told.failed
        self._waiting[run] = told

    def flush_if_due(self) -> None:
        """Write what waits, if it has waited long enough.

        Raises:
            OSError: the disk refuses it; what waits goes on waiting.
        """
        if monotonic() - self._flushed >= FLUSH_SECONDS or len(self._waiting) >= MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits into the journal, and make parts of what is whole.

        Raises:
            OSError: the disk refuses it; what waits goes on waiting.
        """
        for part, group in groupby(sorted(self._waiting), self.layout.part_of):
            runs = list(group)
            write_chunk(self.directory, part, tables({run: self._waiting[run] for run in runs}))
            for run in runs:
                del self._waiting[run]
            self._compact_if_whole(part)
        self._flushed = monotonic()

    def _compact_if_whole(self, part: int) -> None:
        if self._whole(part):
            compact(self.directory, part, self.layout.runs_of(part))

    def _whole(self, part: int) -> bool:
        runs = self.layout.runs_of(part)
        return bool(self.stored[runs.start : runs.stop].all())

    def _sound_parts(self) -> Iterator[tuple[int, Mapping[str, Path]]]:
        """Yield parts that have both files, sound and of its runs; remove those of any other."""
        files = {folder: parts_in(self.directory, folder) for folder in SCHEMAS}
        for part in sorted(set().union(*files.values())):
            kept = {folder: self._sound(files[folder].get(part, [])) for folder in SCHEMAS}
            whole = {folder: path for folder, path in kept.items() if path}
            if len(whole) == len(SCHEMAS) and not self._misfit(part, whole):
                yield part, whole
            else:
                _remove(whole.values())

    def _misfit(self, part: int, files: Mapping[str, Path]) -> bool:
        """Say whether sound files are no part of that number; note them, if so."""
        if not misfit(files, self.layout.runs_of(part)):
            return False
        self.damaged += files.values()
        return True

    def _sound(self, paths: Sequence[Path]) -> Path | None:
        """Return the sound one of the files of a part in a folder; remove and note the others."""
        good = [path for path in paths if sound(path)]
        bad = [path for path in paths if path not in good[:1]]
        self.damaged += bad
        _remove(bad)
        return good[0] if good else None

    def _take_over_chunks(self, part: int) -> None:
        for chunk in list(chunks_of(self.directory, part)):
            if held := chunk_in(chunk, self.layout.runs_of(part)):
                self._note(held.runs)
            else:
                self.damaged.append(chunk)
                _remove([chunk])
        self._compact_if_whole(part)

    def _note_part(self, part: int, files: Mapping[str, Path]) -> None:
        """Note the runs of a sound part; one that lacks runs goes back into the journal."""
        held = pq.read_table(files[RUNS], columns=["run", "stage"])
        self._note(held)
        if self._whole(part):
            drop_chunks(self.directory, part)
        else:
            write_chunk(self.directory, part, read_part(files))
            _remove(files.values())

    def _note(self, held: pa.Table) -> None:
        runs, failed = held["run"].to_numpy(), held["stage"].is_valid().to_numpy()
        self.failures += int((failed & ~self.stored[runs]).sum())
        self.stored[runs] = True


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
