"""The store: what is written is whole, what is read is checked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from stored_runs import SMALL, nothing, rewrite, store

from results.store import (
    open_run,
    replacing,
    write_bytes,
    write_json,
    write_parquet,
    write_text,
)
from simulation.errors import InputError
from simulation.register import parse_register

Damage = Callable[[Path], object]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    register = parse_register(SMALL, "small.csv")
    policies = {"status-quo": nothing, "other": nothing}
    return store(tmp_path / "run", policies, register=register, replicates=5, twins=1, years=1)


def test_what_was_written_is_read_back(directory: Path) -> None:
    run = open_run(directory)
    assert list(run.policies) == ["status-quo", "other"]
    assert run.replications == (0, 1, 2, 3, 4)
    assert run.twins == ((0, 5),)
    assert run.quarters == 4
    assert run.register.name == ("Delta", "Gamma", "Alpha", "Beta")
    assert run.events() == ("councils",)
    assert len(run.event("councils")) == 2 * 6 * 4


def test_a_cube_has_policies_replications_and_quarters_in_order(directory: Path) -> None:
    table = open_run(directory).outcomes
    write_parquet(directory / "outcomes.parquet", table.iloc[::-1])
    cube = open_run(directory).cube(["replication", "quarter"], (1, 3))
    assert cube["replication"].tolist() == [[[1.0] * 4, [3.0] * 4]] * 2
    assert cube["quarter"].tolist() == [[[1.0, 2.0, 3.0, 4.0]] * 2] * 2


def test_measures_are_the_columns_that_carry_the_prefix(directory: Path) -> None:
    run = open_run(directory)
    bids = run.outcomes.query("policy == 'other' and replication == 2")["measure_bids"]
    np.testing.assert_array_equal(run.measures([2])["bids"][1, 0], bids)


def test_a_replication_counts_only_when_every_policy_has_it(tmp_path: Path) -> None:
    policies = {"status-quo": nothing, "other": nothing}
    skip = [("other", 1), ("status-quo", 5)]
    run = open_run(store(tmp_path, policies, skip=skip, replicates=3, twins=3, years=1))
    assert run.replications == (0, 2)
    assert run.twins == ((0, 3),)


def test_interrupted_runs_may_hold_fewer(directory: Path) -> None:
    table = open_run(directory).outcomes
    edit(lambda m: m.update(status="interrupted"))(directory)
    write_parquet(directory / "outcomes.parquet", table[table["replication"] < 3])
    assert open_run(directory).replications == (0, 1, 2)


def test_a_single_replication_keeps_its_number(tmp_path: Path) -> None:
    skip = [("one", replication) for replication in (0, 1, 3)]
    path = store(
        tmp_path, {"one": nothing}, kind="run", skip=skip, replicates=4, twins=0, replication=2
    )
    assert open_run(path).replications == (2,)


def test_policies_may_be_stored_as_a_dictionary(directory: Path) -> None:
    table = open_run(directory).outcomes
    write_parquet(directory / "outcomes.parquet", table.astype({"policy": "category"}))
    pd.testing.assert_frame_equal(open_run(directory).outcomes, table)


# What is damaged


def edit(change: Callable[[dict[str, Any]], object]) -> Damage:
    def damage(path: Path) -> None:
        manifest = json.loads((path / "manifest.json").read_text())
        change(manifest)
        write_json(path / "manifest.json", manifest)

    return damage


def named(change: Callable[[dict[str, Any]], object]) -> Damage:
    """Change the question and the name that follows from it."""
    return lambda path: rewrite(path, lambda manifest: change(manifest["question"]))


def rework(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Damage:
    def damage(path: Path) -> None:
        table = pq.read_table(path / "outcomes.parquet").to_pandas()
        write_parquet(path / "outcomes.parquet", change(table))

    return damage


DAMAGES: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "no manifest": (lambda p: (p / "manifest.json").unlink(), ("manifest.json", "cannot be read")),
    "not JSON": (lambda p: (p / "manifest.json").write_text("{"), ("manifest.json", "not JSON")),
    "deep JSON": (lambda p: (p / "manifest.json").write_text("[" * 10**6), ("manifest.json",)),
    "not an object": (lambda p: (p / "manifest.json").write_text("[]"), ("manifest.json",)),
    "not text": (lambda p: (p / "manifest.json").write_bytes(b"\xff\xfe\x00"), ("not JSON",)),
    "no question": (edit(lambda m: m.pop("question")), ("manifest.json", "question")),
    "no years": (
        edit(lambda m: m["question"].pop("years")),
        ("damaged", "years is missing"),
    ),
    "wrong years": (
        edit(lambda m: m["question"].update(years="ten")),
        ("years must be a whole",),
    ),
    "wrong kind": (
        edit(lambda m: m.update(kind="sweep")),
        ("kind = 'sweep': must", "'run'"),
    ),
    "no sha256": (edit(lambda m: m["question"]["register"].pop("sha256")), ("register.sha256",)),
    "baseline": (edit(lambda m: m["question"].update(baseline="x")), ("question.baseline", "'x'")),
    "outcome": (
        edit(lambda m: m["question"].update(outcomes=["bids_per_tendr"])),
        ("question.outcomes", "did you mean 'bids_per_tender'"),
    ),
    "twice": (
        edit(lambda m: m["question"]["policies"].append(m["question"]["policies"][0])),
        ("question.policies", "one name"),
    ),
    "levers": (
        edit(lambda m: m["question"]["policies"][1].update(levers={"risk_transfr": 0.1})),
        ("'other'", "did you mean 'risk_transfer'"),
    ),
    "lever out of bounds": (
        edit(lambda m: m["question"]["policies"][1].update(levers={"risk_transfer": 7})),
        ("'other'", "risk_transfer"),
    ),
    "assumptions": (
        edit(lambda m: m["question"]["assumptions"]["set"].update(discount_rate="x")),
        ("question.assumptions", "discount_rate"),
    ),
    "seed": (edit(lambda m: m["question"].update(seed=8)), ("question_id", "changed after")),
    "title": (
        edit(lambda m: m["question"]["policies"][1].update(title="Best")),
        ("question_id", "changed after"),
    ),
    "name of the question": (edit(lambda m: m.update(question_id="0" * 12)), ("'000000000000'",)),
    "fewer years": (named(lambda q: q.update(years=2)), ("4 quarters, 8 asked for",)),
    "more replications": (
        named(lambda q: q.update(replicates=6)),
        ("replication 6 is missing, though manifest.json calls the runs complete",),
    ),
    "fewer replications": (named(lambda q: q.update(replicates=4)), ("replication 5: not asked",)),
    "another policy": (
        named(lambda q: q["policies"].append(q["policies"][0] | {"name": "third"})),
        ("'third', replication 0 is missing",),
    ),
    "a run cut short": (rework(lambda t: t.iloc[1:]), ("replication 0: 3 quarters, 4 asked",)),
    "no register": (lambda p: (p / "register.csv").unlink(), ("register.csv", "cannot be read")),
    "register": (lambda p: (p / "register.csv").write_bytes(SMALL + b"\n"), ("sha256", "changed")),
    "no outcomes": (lambda p: (p / "outcomes.parquet").unlink(), ("outcomes.parquet", "no such")),
    "cut": (
        lambda p: (p / "outcomes.parquet").write_bytes((p / "outcomes.parquet").read_bytes()[:-9]),
        ("outcomes.parquet", "damaged"),
    ),
    "column": (rework(lambda t: t.drop(columns="measure_bids")), ("'measure_bids'", "missing")),
    "text": (rework(lambda t: t.assign(measure_bids="many")), ("'measure_bids'", "numbers")),
    "fraction": (rework(lambda t: t.assign(quarter=0.5)), ("'quarter'", "whole numbers")),
    "policy": (rework(lambda t: t.assign(policy="x")), ("outcomes.parquet", "'x'")),
    "quarter": (rework(lambda t: t.assign(quarter=t["quarter"] + 1)), ("quarter 5", "1 to 4")),
    "repeated": (rework(lambda t: pd.concat([t, t])), ("outcomes.parquet", "more than once")),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_damage_is_named_in_one_line(case: str, directory: Path) -> None:
    damage, words = DAMAGES[case]
    damage(directory)
    with pytest.raises(InputError) as raised:
        open_run(directory)
    message = str(raised.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_file_is_no_run_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(InputError, match="not a directory"):
            open_run(path)


def test_a_missing_event_table_is_named_with_the_nearest(directory: Path) -> None:
    with pytest.raises(InputError, match=r"council\.parquet: no such .*'councils'"):
        open_run(directory).event("council")


def test_a_damaged_event_table_is_named(directory: Path) -> None:
    table = pd.read_parquet(directory / "events" / "councils.parquet")
    for column in ("joint_services", "saving_m", "replication"):
        write_parquet(directory / "events" / "councils.parquet", table.assign(**{column: "many"}))
        with pytest.raises(InputError, match=rf"councils\.parquet: column '{column}' holds"):
            open_run(directory).event("councils")
    (directory / "events" / "councils.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"councils\.parquet: damaged"):
        open_run(directory).event("councils")


# What is written


def test_writers_make_directories_and_leave_no_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    write_json(folder / "one.json", {"b": "£", "a": [1, None]})
    write_text(folder / "two.txt", "é\r\n")
    write_parquet(folder / "three.parquet", pd.DataFrame({"x": [1.5]}))
    assert sorted(path.name for path in folder.iterdir()) == [
        "one.json",
        "three.parquet",
        "two.txt",
    ]
    assert list(json.loads((folder / "one.json").read_bytes())) == ["b", "a"]
    assert (folder / "two.txt").read_bytes() == "é\r\n".encode()
    assert pq.read_table(folder / "three.parquet").column_names == ["x"]


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "file") as part:
        part.write_bytes(b"half")
        raise ZeroDivisionError
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_writer_that_fails_names_the_file_that_was_wanted(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="wanted") as caught:
        write_bytes(tmp_path / ("wanted" * 50), b"")
    assert caught.value.filename == str(tmp_path / ("wanted" * 50))


def test_json_without_a_word_for_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_equal_frames_give_equal_bytes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"policy": ["a", "b"], "x": [1.0, np.nan]})
    for name in ("one", "two"):
        write_parquet(tmp_path / name, frame)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
