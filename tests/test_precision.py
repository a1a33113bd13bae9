"""Enough replications: added until intervals are narrow, within a cap, and none made twice."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from experiments import precise_comparisons, precise_sweeps, precision
from experiments.asking import Changes
from experiments.campaign import Conduct
from experiments.catalogue import find_policy
from experiments.compare import compare
from experiments.designs import Design
from experiments.executors import InProcess
from experiments.kept_runs import Kept
from experiments.precise_comparisons import compare_precisely, enough
from experiments.precise_sweeps import sweep_precisely
from experiments.precision import Aim, Precise, Reached, aims_of, document, words
from experiments.question import SAMPLE_BLOCK, Question, Territory, read_run_question
from experiments.runs import samples
from results.store import open_run
from results.sweeps import Sweep
from simulation.errors import InputError
from tests.worlds import shire

pytestmark = pytest.mark.usefixtures("short_report")

OUTCOME = "net_public_saving"


def question(**changes: Any) -> Question:
    policies = tuple(map(find_policy, ("status-quo", "forced-aggregation")))
    about = {"years": 1, "replicates": 4, "mode": "fixed", **changes}
    return Question(policies, Territory(shire(3), "shire"), **about)


class Counting:
    """An executor that counts the runs that it makes."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def run(self, work: Any, tasks: Sequence[Any], stop: Any) -> Iterator[Any]:
        self.made += tasks
        yield from InProcess().run(work, tasks, stop)


def content(directory: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def width() -> float:
    """Return the width of the interval after ten pairs."""
    with Kept(InProcess()) as kept:
        _, precise = enough(question(), [Aim(OUTCOME, 1e9)], kept)
    assert precise.looks == (10,)
    return precise.reached[0].width


def test_ten_pairs_do_where_they_are_enough(width: float) -> None:
    assert width > 0


class Narrowed(NamedTuple):
    """A comparison that was to be a little more precise than ten pairs make it."""

    asked: float
    place: Path
    made: int
    done: Conduct
    precise: Precise


@pytest.fixture(scope="module")
def narrowed(width: float, tmp_path_factory: pytest.TempPathFactory) -> Narrowed:
    executor, asked = Counting(), 0.85 * width
    place = tmp_path_factory.mktemp("narrowed") / "runs"
    _, done, precise = compare_precisely(question(), [Aim(OUTCOME, asked)], place, executor)
    return Narrowed(asked, place, len(executor.made), done, precise)


def test_replications_are_added_until_the_interval_is_narrow(narrowed: Narrowed) -> None:
    precise = narrowed.precise
    assert precise.enough
    assert precise.looks[:2] == (10, 15)
    assert precise.reached[0].width <= narrowed.asked
    assert precise.reached[0].pairs == precise.replicates == precise.looks[-1]
    assert narrowed.made == 2 * precise.replicates
    (row,) = (
        row for row in narrowed.done.summary
        if (row["policy"], row["outcome"]) == ("forced-aggregation", OUTCOME)
    )  # fmt: skip
    assert row["high"] - row["low"] == pytest.approx(precise.reached[0].width, rel=1e-9)


def test_the_run_directory_is_that_of_the_final_question(
    narrowed: Narrowed, tmp_path: Path
) -> None:
    again = tmp_path / narrowed.place.name
    compare(question(replicates=narrowed.precise.replicates), again)
    assert content(narrowed.place) == content(again)


def test_samples_are_those_of_a_sweep() -> None:
    asked = question(mode="sampled", replicates=13, block=SAMPLE_BLOCK)
    swept = Design.of(
        ["forced-aggregation"],
        {"risk_transfer": (0, 1)},
        points=1,
        replicates=13,
        territory=asked.territory,
    )
    assert [run.assumptions for run in swept.runs()[::2]] == samples(asked)


def test_the_cap_holds_and_is_told(tmp_path: Path) -> None:
    aims = [Aim(OUTCOME, 1e-9)]
    _, _, precise = compare_precisely(question(), aims, tmp_path / "runs", most=12)
    assert precise.looks == (10, 12)
    assert not precise.enough
    assert "wider than asked" in words(precise)[0]
    assert "the most allowed is 12" in words(precise)[-1]
    assert document(precise)["enough"] is False
    assert open_run(tmp_path / "runs").question.replicates == 12


def test_no_run_is_made_twice_where_assumptions_are_sampled(tmp_path: Path) -> None:
    executor = Counting()
    _, _, precise = compare_precisely(
        question(mode="sampled"), [Aim(OUTCOME, 1e-9)], tmp_path / "runs", executor, most=20
    )
    assert precise.looks == (10, 15, 20)
    assert len(executor.made) == 2 * (20 + 4)
    assert read_run_question(tmp_path / "runs").block == 10
    stored = open_run(tmp_path / "runs")
    assert stored.question.replicates == 20
    assert len(stored.twins) == 4


def test_stopping_early_does_not_narrow_intervals_much() -> None:
    """With these looks nineteen of twenty intervals still hold the truth, or nearly so."""
    held = 0
    for seed in range(400):
        luck = np.random.default_rng(seed).normal(0, 1, 1000)

        def look(count: int, luck: Any = luck) -> tuple[Reached, ...]:
            reached = precise_comparisons._reached(
                Aim(OUTCOME, 0.8), "a", np.zeros(count), luck[:count], 5
            )
            return (reached,)

        stopped = precision.grown(look, 10, 1000)
        held += abs(luck[: stopped.replicates].mean()) <= stopped.reached[0].width / 2
    assert held >= 370


def test_an_interruption_is_not_taken_for_an_answer() -> None:
    class Stopping:
        def run(self, work: Any, tasks: Sequence[Any], stop: Any) -> Iterator[Any]:
            yield from InProcess().run(work, tasks[:3], stop)

    with Kept(Stopping()) as kept, pytest.raises(KeyboardInterrupt):
        enough(question(), [Aim(OUTCOME, 1.0)], kept)


# Sweeps


def test_a_sweep_is_extended_until_every_point_is_narrow(tmp_path: Path) -> None:
    def design(replicates: int) -> Design:
        return Design.of(
            ["forced-aggregation"],
            {"risk_transfer": (0.2, 0.8)},
            points=2,
            years=1,
            mode="fixed",
            replicates=replicates,
            territory=Territory(shire(3), "shire"),
        )

    first, precise = sweep_precisely(
        design(2), [Aim(OUTCOME, 1e-9)], tmp_path / "sweep", most=15, part_runs=100
    )
    assert precise is not None
    assert precise.looks == (10, 15)
    assert (first.status, first.stored, first.taken_over) == ("complete", 60, 40)
    frame = Sweep.open(tmp_path / "sweep").frame([OUTCOME])
    assert len(frame) == 60
    assert precise.reached[0].pairs == 15
    differences = frame.pivot(index=["point", "replication"], columns="policy", values=OUTCOME)
    gap = differences["forced-aggregation"] - differences["status-quo"]
    errors = gap.groupby("point").sem()
    assert precise.reached[0].width == pytest.approx(2 * 2.1447867 * errors.max(), rel=1e-6)


def test_a_point_without_pairs_is_not_narrow() -> None:
    index = pd.MultiIndex.from_tuples([(0, 0), (0, 1), (1, 0)], names=["point", "replication"])
    reached = precise_sweeps._widest(Aim(OUTCOME, 1e9), "a", pd.Series([1.0, 2.0, 3.0], index), 2)
    assert math.isnan(reached.width)
    assert (reached.narrow, reached.pairs) == (False, 1)
    nothing = pd.Series([], index=index[:0], dtype=float)
    assert precise_sweeps._widest(Aim(OUTCOME, 1e9), "a", nothing, 2).pairs == 0


def test_a_precise_sweep_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    def precisely(most: int) -> tuple[Any, Any]:
        design = Design.of(
            ["forced-aggregation"],
            {"risk_transfer": (0.2, 0.8)},
            points=1,
            years=1,
            replicates=2,
            territory=Territory(shire(3), "shire"),
        )
        aims, place = [Aim(OUTCOME, 1e-9)], tmp_path / "sweep"
        return sweep_precisely(design, aims, place, most=most, resume=True, part_runs=100)

    precisely(most=12)
    done, precise = precisely(most=14)
    assert precise.looks == (12, 14)
    assert (done.stored, done.taken_over) == (28, 24)


# What is typed


def test_widths_are_read() -> None:
    assert aims_of([f"{OUTCOME}=5", "price_ratio=0.01"]) == (
        Aim(OUTCOME, 5.0),
        Aim("price_ratio", 0.01),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("net_public_savin=5", "did you mean 'net_public_saving'"),
        (OUTCOME, "must be NAME=VALUE"),
        (f"{OUTCOME}=wide", "must be a number above 0, in £m"),
        (f"{OUTCOME}=0", "must be a number above 0"),
        (f"{OUTCOME}=nan", "must be a number above 0"),
    ],
)
def test_a_wrong_width_is_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        aims_of([text])


def test_a_cap_below_the_first_look_is_refused() -> None:
    with pytest.raises(InputError, match="--most 5: must be from 10 to 10000"):
        compare_precisely(question(), [Aim(OUTCOME, 1.0)], most=5)


def test_the_rest_of_the_question_stays(width: float) -> None:
    asked = Changes(seed=7).applied(question())
    with Kept(InProcess()) as kept:
        found, precise = enough(asked, [Aim(OUTCOME, 1e9)], kept)
    assert found == dataclasses.replace(asked, replicates=precise.replicates)
