"""Reading sweeps: frames, datasets, SQL, replays, and merging."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from experiments import sweep as sweeping
from experiments.asking import only
from experiments.designs import Design
from experiments.question import Territory, read_question
from experiments.run import run
from experiments.sweep import sweep
from results.merging import merge
from results.store import open_run
from results.sweep_files import QUARTERS_SCHEMA, RUNS_SCHEMA, checksum, parquet
from results.sweeps import Sweep
from simulation.errors import InputError
from simulation.outcomes import OUTCOMES
from tests.test_sweep import content, design, interrupt_at, quick
from tests.worlds import shire

PART_RUNS = 10


@pytest.fixture(scope="module")
def asked() -> Design:
    """Return a design whose levers are laid over one policy only, and whose values are mixed."""
    return Design.of(
        ["status-quo", "shared-risk"],
        {
            "risk_transfer": {"low": 0, "high": 1, "only": ["shared-risk"]},
            "aggregation_reach": None,
            "pump_priming_deadline": (2, 20),
            "demand_growth": None,
        },
        points=5,
        replicates=3,
        years=2,
        territory=Territory(shire(3), "shire"),
    )


@pytest.fixture(scope="module")
def swept(asked: Design, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    place = tmp_path_factory.mktemp("sweeps") / "swept"
    sweep(asked, place, part_runs=PART_RUNS)
    return Sweep.open(place)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make runs quickly, and return a sweep that was interrupted in its second part."""
    monkeypatch.setattr(sweeping, "tell", quick)
    monkeypatch.setattr("experiments.sweep_journal.FLUSH_SECONDS", 0.0)
    sweep(design(), tmp_path / "part", part_runs=PART_RUNS, progress=interrupt_at(17))
    return tmp_path / "part"


# Frames


def test_a_frame_has_a_row_a_run_with_its_factors(swept: Sweep, asked: Design) -> None:
    frame = swept.frame()
    assert list(frame.columns) == [
        *("run", "point", "policy", "sample", "replication"),
        *("aggregation_reach", "demand_growth", "pump_priming_deadline", "risk_transfer"),
        *OUTCOMES,
    ]
    assert len(frame) == asked.size == swept.runs
    assert swept.status == "complete"
    for number, run_made in enumerate(asked.runs()):
        row = frame.iloc[number]
        keys = (row["point"], row["policy"], row["sample"], row["replication"])
        assert keys == (
            *(run_made.point, run_made.policy.name),
            *(run_made.sample, run_made.replication),
        )
        values = asked.points[run_made.point]
        assert {name: row[name] for name in values} == values


def test_a_frame_may_hold_some_outcomes(swept: Sweep) -> None:
    frame = swept.frame(["bids_per_tender"])
    assert list(frame.columns)[-2:] == ["risk_transfer", "bids_per_tender"]
    assert frame["bids_per_tender"].dtype == np.float64
    with pytest.raises(InputError, match=r"unknown outcome 'bids_per_tende'.*bids_per_tender"):
        swept.frame(["bids_per_tende"])


def test_a_frame_of_quarters(swept: Sweep) -> None:
    frame = swept.frame(["suppliers_active"], over="quarters")
    assert len(frame) == 30 * 8
    assert frame["quarter"].tolist() == [*range(1, 9)] * 30
    last = frame[frame["quarter"] == 8]["suppliers_active"].to_numpy()
    assert (last == swept.frame(["suppliers_active"])["suppliers_active"].to_numpy()).all()


def test_points_and_samples_are_at_hand(swept: Sweep, asked: Design) -> None:
    assert swept.points.loc[3].to_dict() == dict(asked.points[3])
    assert swept.samples.shape[0] == 3
    drawn = asked.runs()[10].assumptions
    assert swept.samples.loc[1, "wage_growth"] == drawn.wage_growth
    assert "demand_growth" not in swept.samples


# Other ways in


def test_sql_reads_runs_quarters_points_and_failures(swept: Sweep) -> None:
    means = swept.sql(
        "SELECT policy, avg(net_public_saving) AS mean, count(*) AS runs "
        "FROM runs JOIN points USING (point) GROUP BY policy ORDER BY policy"
    )
    expected = swept.frame().groupby("policy")["net_public_saving"].mean()
    assert means["runs"].tolist() == [15, 15]
    assert means["mean"].tolist() == pytest.approx(expected.tolist(), rel=1e-5)
    assert swept.sql("SELECT count(*) AS n FROM quarters")["n"].item() == 240
    assert swept.sql("SELECT count(*) AS n FROM failed")["n"].item() == 0
    assert swept.sql("SELECT max(sample) AS n FROM samples")["n"].item() == 2


def test_a_wrong_query_is_one_line(swept: Sweep) -> None:
    with pytest.raises(InputError, match=r"query: .*nothing") as refused:
        swept.sql("SELECT nothing FROM runs")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("query", ["", " ", ";", "-- nothing"])
def test_a_query_that_asks_for_nothing_is_refused(query: str, swept: Sweep) -> None:
    with pytest.raises(InputError, match="asks for nothing"):
        swept.sql(query)


def test_a_frame_over_something_else_is_refused(swept: Sweep) -> None:
    over: Any = "years"
    with pytest.raises(InputError, match="over = 'years': must be one of horizon, quarters"):
        swept.frame(over=over)


def test_quarters_are_a_dataset(swept: Sweep) -> None:
    chosen = swept.quarters().to_table(filter=ds.field("quarter") == 8, columns=["run"])
    assert sorted(chosen["run"].to_pylist()) == [*range(30)]


def test_parts_are_small_and_split_by_byte(swept: Sweep) -> None:
    for folder, schema in (("runs", RUNS_SCHEMA), ("quarters", QUARTERS_SCHEMA)):
        for path in (swept.path / folder).iterdir():
            file = pq.ParquetFile(path)
            assert file.schema_arrow.equals(schema)
            column = file.metadata.row_group(0).column(len(schema) - 1)
            assert column.compression == "ZSTD"
            assert "BYTE_STREAM_SPLIT" in column.encodings


# While it is made


def test_what_waits_in_the_journal_is_read_too(quickly: Path) -> None:
    part = Sweep.open(quickly)
    assert (part.runs, part.status) == (17, "incomplete")
    assert part.frame()["run"].tolist() == [*range(17)]
    assert part.sql("SELECT count(*) AS n FROM runs")["n"].item() == 17
    assert len(part.frame(["bids_per_tender"], over="quarters")) == 17 * 4


def test_failed_runs_are_apart(quickly: Path) -> None:
    sweep(design(), quickly, resume=True)
    part = Sweep.open(quickly)
    assert part.failed.index.tolist() == [18, 19]
    assert part.failed["seed"].tolist() == [design().runs()[18].seed] * 2
    assert part.runs == 32
    assert len(part.frame()) == 30
    assert part.sql("SELECT run FROM failed ORDER BY run")["run"].tolist() == [18, 19]


def test_an_empty_sweep_can_be_read(quickly: Path, tmp_path: Path) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as early:
        early.setattr(sweeping, "as_they_come", stop)
        sweep(design(), tmp_path / "empty")
    empty = Sweep.open(tmp_path / "empty")
    assert (empty.runs, len(empty.frame()), len(empty.failed)) == (0, 0, 0)
    assert empty.sql("SELECT count(*) AS n FROM quarters")["n"].item() == 0


# Damaged


@pytest.mark.parametrize("name", ["points.parquet", "samples.parquet"])
def test_a_damaged_description_is_refused(name: str, quickly: Path) -> None:
    (quickly / name).write_bytes(b"half")
    with pytest.raises(InputError, match=f"{name}: damaged"):
        Sweep.open(quickly)
    sweep(design(), quickly, resume=True)
    assert Sweep.open(quickly).status == "complete"


BROKEN = [
    {"share": None},
    {"share": "x"},
    {"share": [2, 1]},
    {"share": [0, 1]},
    {"part_runs": 0},
    {"runs": "x"},
    {"runs": 31},
    {"runs": True},
    {"points": None},
    {"files": None},
    {"files": {"../register.csv": ""}},
    {"design": None},
    {"design": {}},
    {"factors": ["demand_growth"]},
    {"environment": 3},
]


@pytest.mark.parametrize("change", BROKEN, ids=str)
def test_a_field_that_is_wrong_is_one_line(
    change: dict[str, Any], quickly: Path, tmp_path: Path
) -> None:
    path = quickly / "sweep.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    (field,) = change
    for use in (
        lambda: Sweep.open(quickly),
        lambda: merge([quickly, quickly], tmp_path / "whole"),
        lambda: sweep(design(), quickly, resume=True),
    ):
        with pytest.raises(InputError, match=rf"sweep\.json: damaged.*: {field}"):
            use()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"design": {}}', "null", "[" * 100_000])
def test_a_damaged_manifest_is_refused(text: str, quickly: Path) -> None:
    (quickly / "sweep.json").write_text(text)
    with pytest.raises(InputError, match=r"sweep\.json: damaged"):
        Sweep.open(quickly)


def test_no_sweep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no sweep"):
        Sweep.open(tmp_path)


def test_a_damaged_part_is_named_when_it_is_read(quickly: Path) -> None:
    (path,) = (quickly / "runs").iterdir()
    opened = Sweep.open(quickly)
    path.write_bytes(path.read_bytes()[:50])
    for read in (opened.frame, opened.numbers, lambda: opened.runs, lambda: opened.status):
        with pytest.raises(InputError, match=f"damaged: runs/{path.name}; tenderlab sweep .*part"):
            read()


def rename(path: Path, part: int) -> Path:
    return path.rename(path.with_name(f"{part:06d}{path.name[6:]}"))


def truncated(place: Path) -> str:
    path = sorted((place / "runs").iterdir())[1]
    path.write_bytes(path.read_bytes()[:-20])
    return f"runs/{path.name}"


def renumbered(place: Path) -> str:
    for folder in ("runs", "quarters"):
        rename(sorted((place / folder).iterdir())[1], 5)
    return "runs/000005"


def doubled(place: Path) -> str:
    first, second = sorted((place / "runs").iterdir())[:2]
    copy = second.with_name(f"{second.name[:6]}{first.name[6:]}")
    copy.write_bytes(first.read_bytes())
    return f"runs/{second.name[:6]}"


def swapped(place: Path) -> str:
    first, second = sorted((place / "quarters").iterdir())[:2]
    rename(second, 0)
    rename(first, 1)
    return "quarters/000000"


def emptied(place: Path) -> str:
    path = sorted((place / "quarters").iterdir())[0]
    raw = parquet(QUARTERS_SCHEMA.empty_table())
    path.unlink()
    (path.parent / f"000000-{checksum(raw)}.parquet").write_bytes(raw)
    return f"quarters/000000-{checksum(raw)}.parquet"


def exchanged(place: Path) -> str:
    first, second = (min((place / folder).iterdir()) for folder in ("runs", "quarters"))
    first.write_bytes(second.read_bytes())
    return f"runs/{first.name}"


@pytest.mark.parametrize(
    "spoil",
    [truncated, renumbered, doubled, swapped, emptied, exchanged],
    ids=lambda one: one.__name__,
)
def test_what_is_no_part_is_noticed_on_opening_and_mended(
    spoil: Callable[[Path], str], quickly: Path
) -> None:
    sweep(design(), quickly, resume=True)
    before, opened = content(quickly), Sweep.open(quickly)
    name = spoil(quickly)
    with pytest.raises(InputError, match=rf"damaged: {name}.*sweep \S*part --resume mends it"):
        Sweep.open(quickly)
    assert any(each.startswith(name) for each in opened.check())
    done = sweep(design(), quickly, resume=True)
    assert (done.status, bool(done.damaged)) == ("complete", True)
    assert content(quickly) == before


def test_a_chunk_in_the_place_of_another_is_noticed_and_mended(quickly: Path) -> None:
    folder = quickly / "journal" / "000001"
    folder.rename(folder.with_name("000002"))
    opened = Sweep.open(quickly)
    assert (opened.runs, len(opened.check())) == (10, 7)
    done = sweep(design(), quickly, resume=True)
    assert (done.status, done.taken_over, len(done.damaged)) == ("complete", 10, 7)
    assert Sweep.open(quickly).numbers() == [*range(32)]


# Replaying


@pytest.mark.parametrize(
    ("point", "policy", "replication"), [(0, "status-quo", 0), (3, "shared-risk", 2)]
)
def test_a_run_can_be_replayed_to_the_bit(
    point: int, policy: str, replication: int, swept: Sweep, tmp_path: Path
) -> None:
    question = read_question(swept.replay(point, policy, replication))
    again = open_run(
        run(only(question, replication=replication), tmp_path / "again").directory or tmp_path
    ).outcomes
    frame = swept.frame(over="quarters")
    chosen = (frame["point"] == point) & (frame["policy"] == policy)
    kept = frame[chosen & (frame["replication"] == replication)]
    for name in OUTCOMES:
        new, old = (table[name].to_numpy(np.float32) for table in (again, kept))
        np.testing.assert_array_equal(new, old, err_msg=name)


def test_a_run_that_is_not_there_cannot_be_replayed(swept: Sweep) -> None:
    cases: tuple[tuple[Any, str], ...] = (
        (("1", "shared-risk", 0), "point '1': must be a whole number from 0 to 4"),
        ((0.5, "shared-risk", 0), "point 0.5: must be a whole number from 0 to 4"),
        ((0, "shared-risk", True), "replication True: must be a whole number from 0 to 2"),
        ((0, 3, 0), "no policy is called 3"),
        ((0, "shared", 0), r"no policy is called 'shared'.*shared-risk"),
        ((5, "shared-risk", 0), "point 5: must be a whole number from 0 to 4"),
        ((0, "shared-risk", -1), "replication -1: must be a whole number from 0 to 2"),
    )
    for keys, said in cases:
        with pytest.raises(InputError, match=said):
            swept.replay(*keys)
    with pytest.raises(InputError, match="run 30: must be a whole number from 0 to 29"):
        swept.replay_of(30)


# Merging


def test_shares_merge_into_the_whole(quickly: Path, tmp_path: Path) -> None:
    sweep(design(), quickly, resume=True)
    shares = [tmp_path / str(which) for which in (1, 2)]
    for which, place in enumerate(shares, 1):
        sweep(design(), place, part_runs=PART_RUNS, share=(which, 2))
    whole = merge(shares, tmp_path / "whole")
    assert whole.status == "complete"
    assert content(whole.path) == content(quickly)
    assert sweep(design(), whole.path, resume=True).taken_over == 32


def test_sweeps_are_not_merged_into_the_folder_that_is_worked_in(
    quickly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for place in (".", here):
        with pytest.raises(InputError, match=f"^{place}: is the folder that this runs in"):
            merge([quickly], place)
    assert not list(here.iterdir())


def test_fewer_and_more_replications_merge(quickly: Path, tmp_path: Path) -> None:
    few, many = design(replicates=3), design(replicates=5)
    sweep(few, tmp_path / "few", part_runs=PART_RUNS)
    sweep(many, tmp_path / "many", part_runs=PART_RUNS, progress=interrupt_at(2))
    whole = merge([tmp_path / "few", quickly, tmp_path / "many"], tmp_path / "whole")
    assert (whole.runs, whole.layout.runs) == (24, 40)
    done = sweep(many, whole.path, resume=True)
    assert (done.taken_over, done.stored) == (24, 40)
    sweep(many, tmp_path / "many", resume=True)
    assert content(whole.path) == content(tmp_path / "many")


def test_what_does_not_fit_is_not_merged(quickly: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    sweep(design(seed=3), other, part_runs=PART_RUNS)
    with pytest.raises(InputError, match="is a sweep of another design than"):
        merge([quickly, other], tmp_path / "whole")
    sweep(design(), tmp_path / "large", part_runs=20)
    with pytest.raises(InputError, match="files of another number of runs"):
        merge([quickly, tmp_path / "large"], tmp_path / "whole")
    with pytest.raises(InputError, match="is not empty"):
        merge([quickly], other)
    assert not (tmp_path / "whole").exists()


def test_sweeps_that_disagree_are_not_merged(
    quickly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def otherwise(shared: Any, run_asked: Any) -> Any:
        told = quick(shared, run_asked)
        if told.quarters is not None and run_asked.point == 2:
            told.quarters[0] += 1
        return told

    monkeypatch.setattr(sweeping, "tell", otherwise)
    sweep(design(), tmp_path / "other", part_runs=PART_RUNS)
    with pytest.raises(InputError, match="disagree on runs"):
        merge([quickly, tmp_path / "other"], tmp_path / "whole")


def test_a_damaged_sweep_is_not_merged(quickly: Path, tmp_path: Path) -> None:
    (path,) = (quickly / "quarters").iterdir()
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=f"damaged: quarters/{path.name}; tenderlab sweep"):
        merge([quickly], tmp_path / "whole")


def test_a_run_that_ended_well_somewhere_has_ended_well(
    quickly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(shared: Any, run_asked: Any) -> Any:
        told = quick(shared, run_asked)
        failed = told.point == 0 and not told.failed
        return sweeping.settled(sweeping_lost(run_asked)) if failed else told

    monkeypatch.setattr(sweeping, "tell", fails)
    sweep(design(), tmp_path / "other", part_runs=PART_RUNS)
    assert len(Sweep.open(tmp_path / "other").failed) == 10
    monkeypatch.setattr(sweeping, "tell", quick)
    sweep(design(), quickly, resume=True)
    whole = merge([tmp_path / "other", quickly], tmp_path / "whole")
    assert len(whole.failed) == 2
    assert content(whole.path) == content(quickly)


def sweeping_lost(run_asked: Any) -> Any:
    from experiments.executors import Lost

    return Lost(run_asked, "its worker process ended with exit code -9")


def test_the_frame_of_a_sweep_pairs_policies(swept: Sweep) -> None:
    frame = swept.frame(["net_public_saving"])
    wide = frame.pivot_table("net_public_saving", ["point", "replication"], "policy")
    assert wide.shape == (15, 2)
    assert isinstance(wide, pd.DataFrame)
    assert (wide["shared-risk"] != wide["status-quo"]).any()
