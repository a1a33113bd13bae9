"""Reading a sweep: its runs as a pandas frame, as an Arrow dataset, or by SQL.

A sweep can be read while it is being made: what its journal holds is read, too.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
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
    chunk_in,
    chunks_of,
    journal_parts,
    layout_in,
    misfit,
    parse_manifest,
    parts_in,
    sound,
    whole_parts,
)
from simulation.errors import InputError, did_you_mean
from simulation.outcomes import OUTCOMES

type Over = Literal["horizon", "quarters"]
OVER = ("horizon", "quarters")

KEYS = ("run", "point", "policy", "sample", "replication")
MOST_NAMED = 3
"""Damaged files that an error names."""
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

        Of its parts no more than the footers are read; `check` reads them whole.

        Raises:
            InputError: there is none, what describes it is missing or damaged, or a file in the
                place of a part is none.
        """
        path = Path(directory)
        manifest = read_manifest(path)
        points, samples = (_described(path, manifest, name) for name in (POINTS, SAMPLES))
        swept = cls(path, manifest, points.set_index("point"), samples.set_index("sample"))
        if strays := _while_moving(swept._strays):
            raise swept._damaged(swept._names(strays))
        return swept

    @property
    def design(self) -> Mapping[str, Any]:
        """The effective design in full."""
        design: Mapping[str, Any] = self.manifest["design"]
        return design

    @property
    def layout(self) -> Layout:
        """How its runs fall into parts."""
        return layout_in(self.manifest)

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
        count: int = self._reading(lambda: self.runs_dataset().count_rows())
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
            InputError: an outcome is unknown, ``over`` is neither, or a file is damaged.
        """
        names = _known(outcomes)
        if over not in OVER:
            raise InputError(f"over = {over!r}: must be one of {', '.join(OVER)}")
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
                found = connection.execute(query)
                if found is None:
                    raise InputError(f"{self.path}: query: {query!r} asks for nothing")
                return found.df()
            except duckdb.Error as error:
                first = str(error).strip().split("\n")[0]
                raise InputError(f"{self.path}: query: {first}") from None

    def check(self) -> list[str]:
        """Return the names of files that are damaged, misplaced, or alone of their part.

        A sweep that is resumed makes their runs again.
        """
        parts = [path for name in SCHEMAS for each in parts_in(self.path, name).values()
                 for path in each]  # fmt: skip
        paired = {path for files in whole_parts(self.path).values() for path in files.values()}
        paired -= {*self._strays()}
        bad = [path for path in parts if path not in paired or not sound(path)]
        for part in journal_parts(self.path):
            runs = self.layout.runs_of(part)
            bad += [path for path in chunks_of(self.path, part) if not chunk_in(path, runs)]
        return self._names(bad)

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
            hint = did_you_mean(str(policy), self.policies)
            raise InputError(f"{self.path}: no policy is called {policy!r}{hint}")
        self._check_number("point", point, len(self.points))
        self._check_number("replication", replication, self.design["replicates"])
        place = self.policies.index(policy)
        run = (replication * len(self.points) + point) * len(self.policies) + place
        return self.replay_of(run)

    def replay_of(self, run: int) -> Path:
        """Write a question that asks for the run of that number; see `replay`."""
        self._check_number("run", run, self.layout.runs)
        rest, place = divmod(run, len(self.policies))
        replication, point = divmod(rest, len(self.points))
        path = self._replay(run)
        write_text(path, yaml.safe_dump(self._question(place, point, replication), sort_keys=False))
        return path

    def _check_number(self, name: str, value: object, count: int) -> None:
        number = isinstance(value, Integral) and not isinstance(value, bool)
        if not number or value not in range(count):
            raise InputError(
                f"{self.path}: {name} {value!r}: must be a whole number from 0 to {count - 1}"
            )

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
        return self._reading(lambda: source.to_table(**what))

    def _reading[T](self, read: Callable[[], T]) -> T:
        try:
            return read()
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(self.check() or [str(error)]) from None

    def _damaged(self, names: Sequence[str]) -> InputError:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        return InputError(
            f"{self.path}: damaged: {', '.join(names[:MOST_NAMED])}{more}; "
            f"tenderlab sweep {self.path} --resume mends it"
        )

    def _names(self, paths: Iterable[Path]) -> list[str]:
        return [path.relative_to(self.path).as_posix() for path in paths]

    def _strays(self) -> list[Path]:
        """Return files in the place of a part that by their footers, or their number, are none."""
        whole = whole_parts(self.path)
        found = (misfit(files, self.layout.runs_of(part)) for part, files in whole.items())
        strays = [path for path in found if path]
        for name in SCHEMAS:
            held = parts_in(self.path, name)
            strays += [path for part in whole for path in held.get(part, [])[1:]]
        return strays

    def _stored(self) -> tuple[list[dict[str, Path]], Tables]:
        """Return the files of whole parts, and what waits in the journal."""
        return _while_moving(self._looked_up)

    def _looked_up(self) -> tuple[list[dict[str, Path]], Tables]:
        found = {part: list(chunks_of(self.path, part)) for part in journal_parts(self.path)}
        content = {part: [chunk_in(path, self.layout.runs_of(part)) for path in paths]
                   for part, paths in found.items()}  # fmt: skip
        files = whole_parts(self.path)
        chunks = [each for part in content.keys() - files.keys() for each in content[part] if each]
        return list(files.values()), Tables.joined(chunks)


def _while_moving[T](look: Callable[[], T]) -> T:
    """Return what ``look`` finds, tried again while a sweep at work moves what it has seen."""
    for _ in range(TRIES - 1):
        try:
            return look()
        except FileNotFoundError:  # a part was made of what had just been found
            continue
    return look()


def read_manifest(directory: Path) -> Mapping[str, Any]:
    """Return what the manifest of the sweep at ``directory`` says.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = directory / MANIFEST
    try:
        return parse_manifest(path.read_bytes(), path)
    except FileNotFoundError:
        raise InputError(f"{directory}: holds no sweep: there is no {MANIFEST}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _described(directory: Path, manifest: Mapping[str, Any], name: str) -> pd.DataFrame:
    path = directory / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != manifest["files"].get(name):
        raise InputError(f"{path}: damaged: it is not what {MANIFEST} vouches for")
    try:
        frame: pd.DataFrame = pq.read_table(pa.BufferReader(content)).to_pandas()
    except pa.ArrowException as error:
        raise InputError(f"{path}: damaged, not readable as Parquet: {error}") from None
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
