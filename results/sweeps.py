"""Reading a sweep: its runs as a pandas frame, as an Arrow dataset, or by SQL.

A sweep can be read while it is being made: what its journal holds is read, too.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import yaml

from results.store import write_text
from results.sweep_files import (
    MANIFEST,
    POINTS,
    QUARTERS,
    REGISTER,
    REPLAYS,
    RUNS,
    SAMPLES,
    SCHEMAS,
    Layout,
    Tables,
    chunks_of,
    journal_parts,
    parts_in,
    sound,
    unpacked,
    whole_parts,
)
from simulation.errors import InputError, did_you_mean
from simulation.outcomes import OUTCOMES

type Over = Literal["horizon", "quarters"]

KEYS = ("run", "point", "policy", "sample", "replication")
TRIES = 5
"""How often files are looked for again that a sweep at work moves meanwhile."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """A sweep that has been opened: what its manifest says; its runs are read when asked for.

    Attributes:
        path: where it is.
        manifest: what its manifest says.
        points: the value of every factor at every point; index ``point``, a column a factor.
        samples: the assumptions of every sample that are not factors; index ``sample``.
    """

    path: Path
    manifest: Mapping[str, Any]
    points: pd.DataFrame
    samples: pd.DataFrame

    @classmethod
    def open(cls, directory: Path | str) -> "Sweep":
        """Open the sweep at ``directory``.

        Raises:
            InputError: there is none, or what describes it is missing or damaged.
        """
        path = Path(directory)
        manifest = read_manifest(path)
        points, samples = (_described(path, manifest, name) for name in (POINTS, SAMPLES))
        return cls(path, manifest, points.set_index("point"), samples.set_index("sample"))

    @property
    def design(self) -> Mapping[str, Any]:
        """The effective design in full."""
        design: Mapping[str, Any] = self.manifest["design"]
        return design

    @property
    def layout(self) -> Layout:
        """How its runs fall into parts."""
        which, many = self.manifest["share"]
        return Layout(self.manifest["runs"], self.manifest["part_runs"], (which, many))

    @property
    def factors(self) -> Mapping[str, str]:
        """Whether each factor is a "lever" or an "assumption", by name."""
        factors: Mapping[str, str] = self.manifest["factors"]
        return factors

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of the policies, the baseline first."""
        return tuple(policy["name"] for policy in self.design["policies"])

    @property
    def baseline(self) -> str:
        """Name of the policy with which the others are compared."""
        baseline: str = self.design["baseline"]
        return baseline

    @property
    def runs(self) -> int:
        """Number of runs that are stored, failed ones included."""
        count: int = self.runs_dataset().count_rows()
        return count

    @property
    def status(self) -> Literal["complete", "incomplete"]:
        """Whether every run that is asked here is stored."""
        return "complete" if self.runs >= self.layout.asked else "incomplete"

    @property
    def failed(self) -> pd.DataFrame:
        """The runs that failed: which, with what seed, at which stage, why, and how to replay.

        Index ``run``. The file that ``replay`` names is there for the first hundred; `replay_of`
        makes that of any.
        """
        table = self._read(
            self.runs_dataset(),
            columns=[*KEYS, "seed", "stage", "error"],
            filter=ds.field("stage").is_valid(),
        )
        failed: pd.DataFrame = table.sort_by("run").to_pandas().set_index("run")
        pairs = zip(failed.index, failed["replication"], strict=True)
        return failed.assign(replay=[self._command(run, one) for run, one in pairs])

    def frame(
        self, outcomes: Sequence[str] | None = None, *, over: Over = "horizon"
    ) -> pd.DataFrame:
        """Return the runs that ended well, in their order, with the factors' values.

        Args:
            outcomes: names of outcomes; all if None.
            over: "horizon" for a row a run, "quarters" for a row a run and quarter.

        Returns:
            run, point, policy, sample, replication (and quarter), a column a factor, a column an
            outcome in its unit.

        Raises:
            InputError: an outcome is unknown, or a file is damaged.
        """
        names = _known(outcomes)
        keys = KEYS if over == "horizon" else (*KEYS, "quarter")
        source = self.runs_dataset() if over == "horizon" else self.quarters()
        well = ds.field("stage").is_null() if over == "horizon" else None
        table = self._read(source, columns=[*keys, *names], filter=well)
        order = [(key, "ascending") for key in keys if key in ("run", "quarter")]
        frame: pd.DataFrame = table.sort_by(order).to_pandas()
        frame = frame.astype(dict.fromkeys(names, "float64")).astype({"policy": object})
        joined = frame[[*keys]].join(self.points, on="point")
        return pd.concat([joined, frame[[*names]]], axis=1)

    def quarters(self) -> ds.Dataset:
        """Return the outcomes of every run and quarter, as a dataset: a row each."""
        return self._dataset(QUARTERS)

    def runs_dataset(self) -> ds.Dataset:
        """Return the outcomes of every run over the horizon, as a dataset: failed runs included."""
        return self._dataset(RUNS)

    def sql(self, query: str) -> pd.DataFrame:
        """Return what ``query`` selects from ``runs``, ``quarters``, ``points``, ``samples``.

        ``runs`` holds those that ended well; the others are in ``failed``. The files are read in
        place, and only as far as the query asks.

        Raises:
            InputError: the query is wrong, or a file is damaged.
        """
        import duckdb

        files, waiting = self._stored()
        with duckdb.connect() as connection:
            for folder, name in ((RUNS, "all_runs"), (QUARTERS, "quarters")):
                connection.register(f"waiting_{name}", getattr(waiting, folder))
                connection.execute(_view(name, [each[folder] for each in files]))
            connection.execute(
                "CREATE VIEW runs AS SELECT * EXCLUDE (stage, error) FROM all_runs "
                "WHERE stage IS NULL"
            )
            connection.register("points", self.points.reset_index())
            connection.register("samples", self.samples.reset_index())
            connection.register("failed", self.failed.reset_index())
            try:
                return connection.execute(query).df()
            except duckdb.Error as error:
                first = str(error).strip().split("\n")[0]
                raise InputError(f"{self.path}: query: {first}") from None

    def check(self) -> list[str]:
        """Return the names of files that are damaged, or lack the other file of their part.

        A sweep that is resumed makes their runs again.
        """
        paths = [path for name in SCHEMAS for each in parts_in(self.path, name).values()
                 for path in each]  # fmt: skip
        paths += [path for part in journal_parts(self.path) for path in chunks_of(self.path, part)]
        whole = {path for files in whole_parts(self.path).values() for path in files.values()}
        bad = [path for path in paths if not sound(path) or self._alone(path, whole)]
        return [path.relative_to(self.path).as_posix() for path in bad]

    def numbers(self) -> list[int]:
        """Return the numbers of the runs that are stored, in order."""
        return sorted(self._read(self.runs_dataset(), columns=["run"])["run"].to_pylist())

    # Replaying

    def replay(self, point: int, policy: str, replication: int) -> Path:
        """Write a question that asks for one run of this sweep, to the bit, and return its path.

        ``tenderlab run PATH --replication REPLICATION`` makes it, with every table.

        Raises:
            InputError: there is no such point, policy or replication.
        """
        if policy not in self.policies:
            hint = did_you_mean(policy, self.policies)
            raise InputError(f"{self.path}: no policy is called {policy!r}{hint}")
        for name, value, count in (
            ("point", point, len(self.points)),
            ("replication", replication, self.design["replicates"]),
        ):
            if not 0 <= value < count:
                raise InputError(f"{self.path}: {name} {value}: must be from 0 to {count - 1}")
        place = self.policies.index(policy)
        run = (replication * len(self.points) + point) * len(self.policies) + place
        return self.replay_of(run)

    def replay_of(self, run: int) -> Path:
        """Write a question that asks for the run of that number; see `replay`."""
        rest, place = divmod(run, len(self.policies))
        replication, point = divmod(rest, len(self.points))
        path = self._replay(run)
        write_text(path, yaml.safe_dump(self._question(place, point, replication), sort_keys=False))
        return path

    def _question(self, place: int, point: int, replication: int) -> dict[str, Any]:
        policy, design = dict(self.design["policies"][place]), self.design
        values = {str(name): _plain(column[point]) for name, column in self.points.items()}
        policy["levers"] = {**policy["levers"], **self._laid(values, policy["name"])}
        sample = replication if replication in self.samples.index else 0
        drawn = {str(name): _plain(column[sample]) for name, column in self.samples.items()}
        varied = {name: value for name, value in values.items() if self.factors[name] != "lever"}
        return {
            "register": f"../{REGISTER}",
            "years": design["years"],
            "seed": design["seed"],
            "baseline": policy["name"],
            "policies": [policy],
            "assumptions": {"mode": "fixed", "set": {**drawn, **varied}},
            "replicates": replication + 1,
        }

    def _laid(self, values: Mapping[str, Any], policy: str) -> dict[str, Any]:
        """Return the levers of a point that are laid over ``policy``."""
        only = {name: (said or {}).get("only") for name, said in self.design["vary"].items()}
        return {
            name: value
            for name, value in values.items()
            if self.factors[name] == "lever" and policy in (only.get(name) or self.policies)
        }

    def _replay(self, run: int) -> Path:
        return self.path / REPLAYS / f"run-{run:09d}.yaml"

    def _command(self, run: int, replication: int) -> str:
        return f"tenderlab run {self._replay(run).as_posix()} --replication {replication}"

    # Files

    def _dataset(self, folder: str) -> ds.Dataset:
        files, waiting = self._stored()
        stored = ds.dataset(
            [str(each[folder]) for each in files], schema=SCHEMAS[folder], format="parquet"
        )
        table = getattr(waiting, folder)
        return ds.dataset([stored, ds.dataset(table)]) if len(table) else stored

    def _read(self, source: ds.Dataset, **what: Any) -> pa.Table:
        try:
            return source.to_table(**what)
        except (pa.ArrowException, OSError) as error:
            names = ", ".join(self.check()) or str(error)
            raise InputError(f"{self.path}: damaged: {names}; a resumed sweep mends it") from None

    def _stored(self) -> tuple[list[dict[str, Path]], Tables]:
        """Return the files of whole parts, and what waits in the journal."""
        for _ in range(TRIES - 1):
            try:
                return self._looked_up()
            except FileNotFoundError:  # a part was made of what had just been found
                continue
        return self._looked_up()

    def _looked_up(self) -> tuple[list[dict[str, Path]], Tables]:
        found = {part: list(chunks_of(self.path, part)) for part in journal_parts(self.path)}
        content = {part: [path.read_bytes() for path in paths if sound(path)]
                   for part, paths in found.items()}  # fmt: skip
        files = whole_parts(self.path)
        chunks = [
            unpacked(each) for part in content.keys() - files.keys() for each in content[part]
        ]
        return list(files.values()), Tables.joined(chunks)

    def _alone(self, path: Path, whole: set[Path]) -> bool:
        """Say whether ``path`` is of a part that lacks its other file, and is no chunk."""
        return path.suffix == ".parquet" and path not in whole


def read_manifest(directory: Path) -> Mapping[str, Any]:
    """Return what the manifest of the sweep at ``directory`` says.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = directory / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{directory}: holds no sweep: there is no {MANIFEST}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: damaged, not JSON: {error}") from None
    for field in ("design", "factors", "runs", "part_runs", "share", "files", "environment"):
        if not isinstance(manifest, dict) or field not in manifest:
            raise InputError(f"{path}: damaged, or not of a sweep: {field} is missing")
    return manifest


def _described(directory: Path, manifest: Mapping[str, Any], name: str) -> pd.DataFrame:
    path = directory / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != manifest["files"].get(name):
        raise InputError(f"{path}: damaged: it is not what {MANIFEST} vouches for")
    frame: pd.DataFrame = pq.read_table(pa.BufferReader(content)).to_pandas()
    return frame


def _known(outcomes: Sequence[str] | None) -> list[str]:
    for name in outcomes or ():
        if name not in OUTCOMES:
            raise InputError(f"unknown outcome {name!r}{did_you_mean(name, OUTCOMES)}")
    return list(OUTCOMES) if outcomes is None else list(outcomes)


def _view(name: str, files: Sequence[Path]) -> str:
    """Return the statement that makes ``name`` of ``files`` and of what waits in the journal."""
    waiting = f"SELECT * FROM waiting_{name}"
    if not files:
        return f"CREATE VIEW {name} AS {waiting}"
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    return f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}]) UNION ALL {waiting}"


def _plain(value: Any) -> Any:
    """Return what pandas holds as YAML knows it: plain numbers, and None for no value."""
    if value is None or value is pd.NA:
        return None
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and plain != plain else plain
