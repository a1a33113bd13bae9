"""The store of runs: a directory with a manifest, the register's own bytes and Parquet tables.

Whatever is written goes to a temporary name first and is renamed when it is whole, so a reader
never meets half a file. Whatever is read is checked where it enters.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from simulation.assumptions import assumptions_from
from simulation.errors import InputError, did_you_mean
from simulation.levers import QUARTERS_PER_YEAR, Policy
from simulation.measures import MEASURES
from simulation.outcomes import HEADLINE, OUTCOMES
from simulation.register import Register, parse_register

type FloatArray = NDArray[np.float64]

MANIFEST = "manifest.json"
REGISTER = "register.csv"
OUTCOMES_FILE = "outcomes.parquet"
EVENTS = "events"
SUMMARY = "summary.csv"
REPORT = "report.html"
DECK = "deck.pptx"

KEYS = ("policy", "sample", "replication", "quarter")
MEASURE_PREFIX = "measure_"


# Writing


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which takes its place once the block has ended well.

    Parent directories are made. When the block raises, nothing is left and ``path`` is untouched.

    Raises:
        OSError: ``path`` is a directory, or the disk refuses it.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        _flush(part)
        part.replace(path)
    except OSError as error:
        if str(error.filename) == str(part):
            error.filename = str(path)  # the name that whoever reads of it knows
        raise
    finally:
        part.unlink(missing_ok=True)


def check_elsewhere(place: Path) -> None:
    """Refuse a directory that could not be replaced but under the feet of who works in it.

    Raises:
        InputError: it is, or holds, the folder that this process runs in.
    """
    if Path.cwd().is_relative_to(place.resolve()):
        raise InputError(f"{place}: is the folder that this runs in; choose another --out")


def _flush(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` whole or not at all."""
    with replacing(path) as part:
        part.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write ``content`` to ``path`` as UTF-8, line ends as they are, whole or not at all."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` to ``path`` as indented JSON in its own order, whole or not at all.

    Raises:
        ValueError: it holds a number that JSON has no word for (NaN or an infinity).
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write the columns of ``frame`` (not its index) as zstd Parquet, whole or not at all."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with replacing(path) as part:
        pq.write_table(table, part, compression="zstd")


# What a manifest says


def question_id(question: Mapping[str, Any]) -> str:
    """Return the twelve hexadecimal digits that name this effective question and no other."""
    text = json.dumps(question, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class StoredPolicy:
    """One policy as the manifest holds it: its sparse levers, each a value or dated values."""

    name: str
    title: str = ""
    description: str = ""
    levers: Mapping[str, Any] | None = None

    @property
    def label(self) -> str:
        """Name for people."""
        return self.title or self.name


@dataclass(frozen=True)
class StoredRegister:
    """Which register was used; ``sha256`` is of the bytes stored beside the manifest."""

    file: str
    sha256: str
    councils: int
    name: str


@dataclass(frozen=True)
class AssumptionPlan:
    """Whether assumptions were sampled or fixed, and which were set by hand."""

    mode: Literal["sampled", "fixed"]
    set: Mapping[str, Any]


@dataclass(frozen=True)
class StoredQuestion:
    """The effective question in full.

    Attributes:
        outcomes: those shown first; empty for the headline outcomes.
        replication: the only one that was run; None for all.
    """

    register: StoredRegister
    years: int
    seed: int
    baseline: str
    policies: Sequence[StoredPolicy]
    assumptions: AssumptionPlan
    replicates: int
    twins: int = 0
    outcomes: Sequence[str] = ()
    replication: int | None = None

    @property
    def main_replications(self) -> Sequence[int]:
        """The replications that enter means and intervals."""
        return range(self.replicates) if self.replication is None else (self.replication,)

    @property
    def all_replications(self) -> Sequence[int]:
        """The same, and their twins."""
        whole = self.replication is None
        return range(self.replicates + self.twins) if whole else self.main_replications


@dataclass(frozen=True)
class Failure:
    """A run that failed: which, at which stage, why, and the command that makes it again."""

    policy: str
    sample: int
    replication: int
    stage: str
    error: str
    replay: str = ""


@dataclass(frozen=True)
class Environment:
    """Versions under which the runs were made."""

    python: str
    packages: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """What ``manifest.json`` says of a run directory."""

    tenderlab: str
    kind: Literal["compare", "run"]
    question: StoredQuestion
    question_id: str
    environment: Environment
    status: Literal["complete", "interrupted"]
    runs: int
    failed: Sequence[Failure]
    assumption_samples: Sequence[Mapping[str, Any]]


# Reading


EVENT_NUMBERS = frozenset(
    ("sample", "replication", "quarter", "councils", "members", "services", "joint_services",
     "joint_quarters", "population", "latitude", "longitude", "amount")
)  # fmt: skip
"""Columns of event tables that hold numbers wherever they stand, apart from sums in £m."""


@dataclass(frozen=True, eq=False)
class RunDirectory:
    """A run directory that has been read and checked.

    Attributes:
        path: where it is.
        manifest: what its manifest says.
        register: the councils of its runs.
        outcomes: one row a policy, replication and quarter; ``KEYS``, then every outcome as it
            stands in that quarter, then every measure prefixed ``measure_``.
    """

    path: Path
    manifest: Manifest
    register: Register
    outcomes: pd.DataFrame

    @property
    def kept(self) -> bool:
        """Whether the directory is there to run it again from; not so of runs in memory only."""
        return True

    @property
    def question(self) -> StoredQuestion:
        """The effective question."""
        return self.manifest.question

    @property
    def quarters(self) -> int:
        """Length of a run in quarters."""
        return QUARTERS_PER_YEAR * self.question.years

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the outcomes that are shown first."""
        return tuple(self.question.outcomes) or HEADLINE

    @property
    def baseline(self) -> str:
        """Name of the policy against which the others are compared."""
        return self.question.baseline

    @cached_property
    def policies(self) -> Mapping[str, StoredPolicy]:
        """Policies by name, the baseline first."""
        named = {policy.name: policy for policy in self.question.policies}
        return {self.baseline: named.pop(self.baseline), **named}

    @cached_property
    def complete(self) -> frozenset[int]:
        """Replications that every policy has; only these count."""
        held = self.outcomes.groupby("replication")["policy"].nunique()
        return frozenset(int(item) for item in held.index[held == len(self.policies)])

    @cached_property
    def replications(self) -> tuple[int, ...]:
        """Complete main replications, in order."""
        return tuple(item for item in self.question.main_replications if item in self.complete)

    @cached_property
    def twins(self) -> tuple[tuple[int, int], ...]:
        """Complete pairs of a main replication and its twin: same assumptions, other luck."""
        pairs = [(item, self.question.replicates + item) for item in self.replications]
        return tuple(pair for pair in pairs if pair[1] in self.complete)

    def cube(self, columns: Sequence[str], replications: Sequence[int]) -> dict[str, FloatArray]:
        """Return columns of ``outcomes``, each of shape (policies, replications, quarters)."""
        shape = (len(self.policies), len(replications), self.quarters)
        chosen = self.outcomes[self.outcomes["replication"].isin(replications)]
        keys = ["policy", "replication", "quarter"]
        rank = {name: order for order, name in enumerate(self.policies)}
        order = chosen[keys].assign(policy=chosen["policy"].map(rank)).sort_values(keys).index
        ordered = chosen.loc[order, list(columns)].to_numpy(np.float64)
        return {name: ordered[:, i].reshape(shape) for i, name in enumerate(columns)}

    def measures(self, replications: Sequence[int]) -> dict[str, FloatArray]:
        """Return every measure, each of shape (policies, replications, quarters); not to write."""
        asked = tuple(replications)
        if asked not in self._measured:
            cube = self.cube([MEASURE_PREFIX + name for name in MEASURES], replications)
            for values in cube.values():
                values.flags.writeable = False
            named = {name.removeprefix(MEASURE_PREFIX): values for name, values in cube.items()}
            self._measured[asked] = named
        return dict(self._measured[asked])

    @cached_property
    def _measured(self) -> dict[tuple[int, ...], dict[str, FloatArray]]:
        return {}

    def events(self) -> tuple[str, ...]:
        """Return the names of the event tables that are stored."""
        return tuple(sorted(path.stem for path in (self.path / EVENTS).glob("*.parquet")))

    def event(self, name: str) -> pd.DataFrame:
        """Return the event table ``name``; policy, sample and replication come first.

        Raises:
            InputError: it is not stored, or damaged.
        """
        path = self.path / EVENTS / f"{name}.parquet"
        if not path.is_file():
            raise InputError(f"{path}: no such table{did_you_mean(name, self.events())}")
        table = _read_table(path)
        _check_columns(table, KEYS[:3], path)
        _check_counts(table, path)
        return _plain_policies(table)


def open_run(path: Path | str) -> RunDirectory:
    """Read the run directory at ``path``.

    Raises:
        InputError: it is no run directory, or something in it is missing or damaged; one line that
            names the file and the field.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"{path}: not a directory; a run directory holds {MANIFEST}")
    manifest = read_manifest(path / MANIFEST)
    register = _read_register(path / REGISTER, manifest.question.register)
    return RunDirectory(path, manifest, register, _read_outcomes(path / OUTCOMES_FILE, manifest))


def read_manifest(path: Path) -> Manifest:
    """Read and check one manifest.

    Raises:
        InputError: it cannot be read, is not JSON, or a field is missing or wrong.
    """
    content = _parse_json(_read_bytes(path), path)
    try:
        manifest = TypeAdapter(Manifest).validate_python(content)
    except ValidationError as error:
        raise InputError(f"{path}: a damaged manifest: {first_fault(error)}") from None
    _check_question(manifest.question, path)
    _check_identity(content, manifest.question_id, path)
    return manifest


WANTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "sequence": "a list",
    "is": "a list",
    "mapping": "an object",
    "dict": "an object",
    "dataclass": "an object",
}
"""What a field should have held, by the first word of the kind of error that pydantic reports."""


def first_fault(error: ValidationError) -> str:
    """Return the first field that is wrong, and why, in plain words."""
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"])) or "content"
    match first["type"]:
        case "missing":
            return f"{field} is missing"
        case "literal_error":
            return f"{field} = {first['input']!r}: must be {first['ctx']['expected']}"
    wanted = WANTED.get(first["type"].partition("_")[0], "something else")
    return f"{field} must be {wanted}"


def _check_identity(content: Any, identity: str, path: Path) -> None:
    try:
        own = question_id(content["question"])
    except ValueError:
        raise InputError(f"{path}: a damaged manifest: a number is not finite") from None
    if own != identity:
        raise InputError(
            f"{path}: question_id = {identity!r}, but the question in it is {own!r}; "
            "the manifest was changed after the runs"
        )


def _parse_json(content: bytes, path: Path) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None


def _check_question(question: StoredQuestion, path: Path) -> None:
    names = [policy.name for policy in question.policies]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: question.policies: two policies have one name: {names}")
    if question.baseline not in names:
        raise InputError(
            f"{path}: question.baseline = {question.baseline!r}: must be one of {names}"
        )
    for name in question.outcomes:
        if name not in OUTCOMES:
            hint = did_you_mean(name, OUTCOMES)
            raise InputError(f"{path}: question.outcomes: no outcome {name!r}{hint}")
    for policy in question.policies:
        where = f"{path}: question.policies: {policy.name!r}"
        Policy(policy.name, policy.description, where=where, **(policy.levers or {}))
    assumptions_from(question.assumptions.set, f"{path}: question.assumptions")


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _read_register(path: Path, stored: StoredRegister) -> Register:
    raw = _read_bytes(path)
    if hashlib.sha256(raw).hexdigest() != stored.sha256:
        raise InputError(
            f"{path}: sha256 differs from question.register.sha256 in {MANIFEST}; "
            "the register was changed after the runs"
        )
    return parse_register(raw, str(path))


def _read_outcomes(path: Path, manifest: Manifest) -> pd.DataFrame:
    table = _read_table(path)
    _check_columns(table, (*KEYS, *OUTCOMES, *map(MEASURE_PREFIX.__add__, MEASURES)), path)
    _check_numbers(table, path)
    table = _plain_policies(table)
    _check_rows(table, manifest.question, path)
    _check_runs(table, manifest, path)
    return table


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: damaged, not readable as Parquet: {error}") from None
    return frame.reset_index(drop=True)


def _plain_policies(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(policy=table["policy"].astype(object))


def _check_columns(table: pd.DataFrame, wanted: Sequence[str], path: Path) -> None:
    for column in wanted:
        if column not in table:
            raise InputError(f"{path}: column {column!r} is missing")


def _check_numbers(table: pd.DataFrame, path: Path) -> None:
    for column in table.columns.drop("policy"):
        kind = table[column].dtype
        if column in KEYS and not pd.api.types.is_integer_dtype(kind):
            raise InputError(f"{path}: column {column!r} holds {kind}, it must hold whole numbers")
        if not pd.api.types.is_numeric_dtype(kind):
            raise InputError(f"{path}: column {column!r} holds {kind}, it must hold numbers")


def _check_counts(table: pd.DataFrame, path: Path) -> None:
    """Check the columns of an event table that are reckoned with."""
    for column in table.columns:
        kind = table[column].dtype
        reckoned = column in EVENT_NUMBERS or str(column).endswith("_m")
        if reckoned and not pd.api.types.is_numeric_dtype(kind):
            raise InputError(f"{path}: column {column!r} holds {kind}, it must hold numbers")


def _check_rows(table: pd.DataFrame, question: StoredQuestion, path: Path) -> None:
    names = [policy.name for policy in question.policies]
    unknown = table.loc[~table["policy"].isin(names), "policy"]
    if len(unknown):
        raise InputError(f"{path}: policy {unknown.iloc[0]!r} is not in {MANIFEST}: {names}")
    last = QUARTERS_PER_YEAR * question.years
    wrong = table.loc[~table["quarter"].between(1, last), "quarter"]
    if len(wrong):
        raise InputError(f"{path}: quarter {wrong.iloc[0]}: must be from 1 to {last}")
    if table.duplicated(["policy", "replication", "quarter"]).any():
        raise InputError(f"{path}: a policy, replication and quarter appears more than once")


def _check_runs(table: pd.DataFrame, manifest: Manifest, path: Path) -> None:
    """Check that the runs are those of the question, each whole; interrupted ones may lack some."""
    asked = manifest.question
    wanted = {(each.name, one) for each in asked.policies for one in asked.all_replications}
    counted = table.groupby(["policy", "replication"]).size().reset_index().to_numpy()
    quarters = {(str(policy), int(one)): int(many) for policy, one, many in counted}
    for run in sorted(quarters.keys() - wanted):
        raise InputError(f"{path}: {_run_words(*run)}: not asked for in {MANIFEST}")
    _check_whole(quarters, QUARTERS_PER_YEAR * asked.years, path)
    failed = {(failure.policy, failure.replication) for failure in manifest.failed}
    missing = sorted(wanted - failed - quarters.keys())
    if manifest.status == "complete" and missing:
        raise InputError(
            f"{path}: {_run_words(*missing[0])} is missing, though {MANIFEST} calls the runs "
            "complete"
        )


def _check_whole(quarters: Mapping[tuple[str, int], int], wanted: int, path: Path) -> None:
    for run, many in quarters.items():
        if many != wanted:
            raise InputError(
                f"{path}: {_run_words(*run)}: {many} quarters, {wanted} asked for in {MANIFEST}"
            )


def _run_words(policy: str, replication: int) -> str:
    return f"policy {policy!r}, replication {replication}"
