"""Writing a run directory: under a temporary name, and in its place once it is whole."""

import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.question import MANIFEST, REGISTER
from experiments.runs import Made
from results.store import EVENTS, OUTCOMES_FILE, check_elsewhere, write_bytes, write_json
from simulation.errors import InputError

RUNS = Path("runs")
"""Where run directories and sweeps stand unless someone says."""
RUNS_AT_ONCE = 100
"""Runs whose rows are written as one group."""


class Recording:
    """A run directory in the making, beside the place that it will take and that no other may.

    Results must be added in the order of their runs; the bytes that are written depend on nothing
    else. Used as a context it leaves nothing behind unless `publish` was called.
    """

    def __init__(self, place: Path, identity: str) -> None:
        """Claim ``place`` for the question ``identity``, and make the temporary directory.

        Raises:
            InputError: the place holds something else, is claimed, or cannot be written.
        """
        check_place(place, identity)
        self.place = Path(os.path.abspath(place))
        self._identity = identity
        self._shown = place
        self._lock = self.place.with_name(f".{self.place.name}.lock")
        self._part = self.place.with_name(f".{self.place.name}.{os.getpid()}.part")
        self._made = self._part / self.place.name
        self._tables: defaultdict[Path, _TableFile] = defaultdict(_TableFile)
        with _writing(place):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            claim(self._lock, place)
            _remove_abandoned(self.place)
            shutil.rmtree(self._part, ignore_errors=True)
            (self._made / EVENTS).mkdir(parents=True)

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            for table in self._tables.values():
                table.close()
        shutil.rmtree(self._part, ignore_errors=True)
        self._lock.unlink(missing_ok=True)

    def add(self, made: Made) -> None:
        """Add one run that ended well.

        Raises:
            InputError: the disk refuses it.
        """
        with _writing(self.place):
            self._add(OUTCOMES_FILE, made.outcomes)
            for name, table in made.events.items():
                self._add(f"{EVENTS}/{name}.parquet", table)

    def publish(
        self, manifest: Mapping[str, Any], register: bytes, complete: Callable[[Path], None]
    ) -> None:
        """Write what is left and take the place.

        What stood there is replaced, except for files that are not part of a run directory.

        Args:
            manifest: content of its file.
            register: content of its file.
            complete: writes what is drawn from the rest into the directory that it is given.

        Raises:
            InputError: the disk refuses it, or something else has come to stand there.
        """
        with _writing(self.place):
            for path, table in self._tables.items():
                table.flush(path)
                table.close()
            write_bytes(self._made / REGISTER, register)
            write_json(self._made / MANIFEST, manifest)
            complete(self._made)
            check_place(self._shown, self._identity)
            _take_place(self._made, self.place)

    def _add(self, name: str, table: pa.Table) -> None:
        path = self._made / name
        self._tables[path].add(table, path)


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{place}: cannot be written: {error.strerror or error}") from None


def claim(lock: Path, place: Path) -> None:
    """Make the file ``lock`` with this process's number in it, unless a living process has it.

    Args:
        lock: file that says who writes at ``place``; who claims it removes it when done.
        place: what errors name.

    Raises:
        InputError: a living process has claimed it.
        OSError: the disk refuses it.
    """
    _break_abandoned(lock)
    try:
        with lock.open("x") as handle:
            handle.write(str(os.getpid()))
    except FileExistsError:
        raise InputError(
            f"{place}: is being written by process {_holder(lock)}, nothing was changed; "
            f"wait for it, or choose another --out ({lock.name} beside it says so)"
        ) from None


def _break_abandoned(lock: Path) -> None:
    """Remove ``lock`` if its process has died; what another has claimed meanwhile is put back."""
    if _lives(_holder(lock)):
        return
    aside = lock.with_name(f"{lock.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        lock.rename(aside)
        if _lives(_holder(aside)):
            aside.rename(lock)
        aside.unlink()


def _holder(lock: Path) -> int | None:
    """Return the number of the process that has ``lock``; None if it is not written yet."""
    try:
        return int(lock.read_text())
    except (OSError, ValueError):
        return None


def _lives(process: int | None) -> bool:
    """Say whether ``process`` is there, or not known."""
    if process is None:
        return True
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _remove_abandoned(place: Path) -> None:
    """Remove what processes that were killed left beside ``place``."""
    pattern = re.compile(rf"\.{re.escape(place.name)}\.(\d+)\.part")
    for path in place.parent.iterdir():
        left = pattern.fullmatch(path.name)
        if left and not _lives(int(left[1])):
            shutil.rmtree(path, ignore_errors=True)


class _TableFile:
    """One Parquet file to which tables are added."""

    def __init__(self) -> None:
        self._waiting: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, table: pa.Table, path: Path) -> None:
        self._waiting.append(table)
        if len(self._waiting) == RUNS_AT_ONCE:
            self.flush(path)

    def flush(self, path: Path) -> None:
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting, promote_options="permissive")
        self._waiting = []
        if self._writer is None:
            self._writer = pq.ParquetWriter(path, _settled(table.schema), compression="zstd")
        self._writer.write_table(table.unify_dictionaries().cast(self._writer.schema))

    def close(self) -> None:
        if self._writer is not None and self._writer.is_open:
            self._writer.close()


def check_place(place: Path, identity: str) -> None:
    """Refuse a place whose present content would be lost.

    Args:
        place: where a run directory shall be.
        identity: of the question that it will answer; a run directory of the same is replaced.

    Raises:
        InputError: it is a file, a directory that holds something else, or one that is worked in.
    """
    try:
        content = {path.name for path in place.iterdir()}
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{place}: cannot hold a run directory: {reason}") from None
    if content and stored_identity(place) != identity:
        what = "the run directory of another question" if MANIFEST in content else "not empty"
        raise InputError(f"{place}: is {what}, nothing was changed; choose another --out")
    check_elsewhere(place)


def stored_runs(place: Path) -> int:
    """Return how many runs the run directory at ``place`` holds, 0 if there is none."""
    runs = _manifest(place).get("runs")
    return runs if isinstance(runs, int) else 0


def stored_identity(place: Path) -> object:
    """Return the identity of the question whose run directory is at ``place``, None without one."""
    return _manifest(place).get("question_id")


def _manifest(place: Path) -> dict[str, Any]:
    try:
        content = json.loads((place / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _take_place(made: Path, place: Path) -> None:
    """Rename ``made`` to ``place``; keep whatever else stood there."""
    old = place.with_name(f".{place.name}.{os.getpid()}.old")
    if place.exists():
        place.rename(old)
    made.rename(place)
    if old.exists():
        for path in old.iterdir():
            if not (place / path.name).exists():
                path.rename(place / path.name)
        shutil.rmtree(old)


def _settled(schema: pa.Schema) -> pa.Schema:
    """Return the schema with text for a column of which no value is known yet."""
    return pa.schema(
        [
            field.with_type(pa.string()) if pa.types.is_null(field.type) else field
            for field in schema
        ]
    )
