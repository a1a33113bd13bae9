"""Switching values: a turn that is there is found where it is, and none is made up."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page

from experiments.switching import (
    document,
    switching_in,
    switching_of_run,
    switching_of_sweep,
    text,
    write_page,
)
from results.charts import switching_chart
from results.store import open_run
from results.switching import FEWEST_RUNS, Switching, Turn, fitted, switching
from simulation.errors import InputError
from tests import stored_runs

OUTCOME = "net_public_saving"
TURN = 0.017
TITLES = {"status-quo": "Status quo", "forced-aggregation": "Forced aggregation"}


def assumptions(count: int, seed: int = 5, others: int = 10) -> pd.DataFrame:
    draws = np.random.default_rng(seed)
    columns = {f"other_{place}": draws.uniform(0, 1, count) for place in range(others)}
    return pd.DataFrame({"coordination": draws.uniform(0.005, 0.025, count), **columns})


def outcomes(known: pd.DataFrame, effect: Any, noise: float = 2.0, seed: int = 6) -> pd.DataFrame:
    """Return outcomes of two policies that share their luck, and differ by ``effect`` and noise."""
    draws = np.random.default_rng(seed)
    shared = draws.normal(100, 50, len(known))
    other = shared + effect(known) + draws.normal(0, noise, len(known))
    return pd.DataFrame({"status-quo": shared, "forced-aggregation": other})


def against_coordination(known: pd.DataFrame) -> Any:
    return 1000 * (TURN - known["coordination"])


def turn(found: Switching, assumption: str, pair: int = 0) -> Turn:
    (one,) = (each for each in found.pairs[pair].turns if each.assumption == assumption)
    return one


@pytest.fixture(scope="module")
def found() -> Switching:
    known = assumptions(400)
    return switching(OUTCOME, outcomes(known, against_coordination), known)


def test_the_value_at_which_the_ranking_turns_is_found_with_its_interval(found: Switching) -> None:
    one = turn(found, "coordination")
    assert one.fate == "turns"
    ((at, low, high),) = one.at
    assert low < TURN < high
    assert at == pytest.approx(TURN, abs=0.0005)
    assert high - low < 0.001
    assert found.ranking == ("forced-aggregation", "status-quo")


def test_other_assumptions_do_not_turn_it(found: Switching) -> None:
    fates = {each.fate for each in found.pairs[0].turns if each.assumption != "coordination"}
    assert fates <= {"stays", "open", "may turn"}


def test_it_is_told_in_words(found: Switching) -> None:
    told = text(found, TITLES)
    assert "Forced aggregation beats Status quo unless coordination is above 0.017 (0.01" in told
    assert "Holm's correction, 5%" in told


def test_the_interval_holds_the_truth_in_nineteen_of_twenty() -> None:
    held = 0
    for seed in range(200):
        known = assumptions(60, seed, 0)
        values = outcomes(known, against_coordination, 2.0, seed + 1000)
        ((_, low, high),) = turn(switching(OUTCOME, values, known), "coordination").at
        held += low <= TURN <= high
    assert 180 <= held <= 199


def test_where_nothing_matters_nothing_turns() -> None:
    """In at most one table of twenty, however many assumptions there are."""
    wrong = 0
    for seed in range(100):
        known = assumptions(40, seed, 20)
        values = outcomes(known, lambda _: 0.0, 2.0, seed + 1000)
        wrong += bool(switching(OUTCOME, values, known).pairs[0].of("turns"))
    assert wrong <= 8


def test_what_is_better_everywhere_is_turned_by_nothing() -> None:
    known = assumptions(200)
    values = outcomes(known, lambda rows: 30 - 500 * rows["coordination"])
    found = switching(OUTCOME, values, known)
    assert {each.fate for each in found.pairs[0].turns} == {"stays"}
    assert "Nothing turns it within the range of any of 11 assumptions" in text(found)


def test_where_nothing_turns_what_comes_nearest_is_drawn_first() -> None:
    known = assumptions(200)
    values = outcomes(known, lambda rows: 30 - 500 * rows["coordination"])
    found = switching(OUTCOME, values, known[sorted(known, reverse=True)])
    first = switching_chart(found, found.pairs[0]).layout.annotations[0]
    assert first.text.startswith("<b>coordination</b>")


def test_a_curve_that_turns_twice_is_seen() -> None:
    known = assumptions(300)
    values = outcomes(known, lambda rows: 40 * (rows["other_0"] - 0.5) ** 2 - 2.5, 1.0)
    one = turn(switching(OUTCOME, values, known), "other_0")
    assert one.fate == "turns"
    assert [at for at, _, _ in one.at] == pytest.approx([0.25, 0.75], abs=0.03)
    assert one.fit.terms == 3


def test_a_lower_outcome_is_better_where_it_is_declared_so() -> None:
    known = assumptions(200)
    values = outcomes(known, lambda rows: -against_coordination(rows))
    found = switching("price_ratio", values, known, better="lower")
    assert found.ranking[0] == "forced-aggregation"
    assert turn(found, "coordination").fate == "turns"
    assert "forced-aggregation beats status-quo unless coordination is above" in text(found)


def test_errors_that_grow_along_the_range_are_allowed_for() -> None:
    """The sure sign is at the quiet end; the noisy end alone must not bring a turn about."""
    known = assumptions(200, others=0)
    noise = np.random.default_rng(5).normal(0, 1, 200) * (known["coordination"] - 0.005) * 4000
    values = outcomes(known, lambda _: 1.0 + noise, 0.1)
    assert turn(switching(OUTCOME, values, known), "coordination").fate != "turns"


def test_a_difference_that_may_be_nothing_on_average_is_told_by_its_sides() -> None:
    known = assumptions(400)
    values = outcomes(known, lambda rows: 1000 * (rows["coordination"] - 0.015))
    found = switching(OUTCOME, values, known)
    found_text = text(found, TITLES)
    assert "turns on coordination: it does" in found_text or "unless coordination" in found_text


def test_an_exact_difference_needs_no_luck() -> None:
    fit = fitted(np.linspace(0, 1, 20), np.linspace(0, 1, 20) - 0.25)
    assert fit.crossings == pytest.approx([0.25])
    assert fit.around(0.25) == pytest.approx((0.25, 0.25), abs=0.01)


def test_too_few_runs_say_nothing() -> None:
    known = assumptions(FEWEST_RUNS - 1)
    found = switching(OUTCOME, outcomes(known, against_coordination), known)
    assert not found.pairs[0].turns
    assert "are too few to say what turns their ranking" in text(found)


def test_neighbours_and_the_baseline_are_compared_once_each() -> None:
    known = assumptions(50)
    values = outcomes(known, against_coordination)
    values["better"] = values["status-quo"] + 50
    values["worse"] = values["status-quo"] - 50
    found = switching(OUTCOME, values, known)
    assert found.ranking == ("better", "forced-aggregation", "status-quo", "worse")
    pairs = [(pair.first, pair.second) for pair in found.pairs]
    assert sorted(pairs) == [
        ("better", "forced-aggregation"),
        ("better", "status-quo"),
        ("forced-aggregation", "status-quo"),
        ("status-quo", "worse"),
    ]


def test_missing_values_leave_their_sample_out() -> None:
    known = assumptions(50)
    values = outcomes(known, against_coordination)
    values.loc[3, "forced-aggregation"] = math.nan
    assert len(switching(OUTCOME, values, known).pairs[0].differences) == 49


def test_there_must_be_something_to_rank_and_something_that_varies() -> None:
    known = assumptions(50)
    values = outcomes(known, against_coordination)
    with pytest.raises(InputError, match="there is one policy"):
        switching(OUTCOME, values[["status-quo"]], known)
    with pytest.raises(InputError, match="no assumption varies"):
        switching(OUTCOME, values, known * 0)


# Where it is read from


def less_saving(measures: dict[str, Any]) -> None:
    measures["public_saving"] = measures["public_saving"] - 5


def test_a_comparison_is_read(tmp_path: Path) -> None:
    policies = {"status-quo": stored_runs.nothing, "worse": less_saving}
    path = stored_runs.store(tmp_path / "run", policies, replicates=20, twins=0)
    found = switching_in(path, OUTCOME)
    assert found.ranking == ("status-quo", "worse")
    assert "coordination" in found.assumptions
    with pytest.raises(InputError, match="did you mean 'net_public_saving'"):
        switching_of_run(open_run(path), "net_public_savin")
    with pytest.raises(InputError, match="unknown policy 'wrse'"):
        switching_of_run(open_run(path), OUTCOME, [("wrse", "status-quo")])


def test_fixed_assumptions_turn_nothing(tmp_path: Path) -> None:
    policies = {"status-quo": stored_runs.nothing, "worse": less_saving}
    mode = {"mode": "fixed", "set": {}}
    path = stored_runs.store(tmp_path / "run", policies, twins=0, assumptions=mode)
    with pytest.raises(InputError, match="assumptions were fixed"):
        switching_in(path, OUTCOME)


type Fate = Callable[[int, int], bool]
"""Whether the runs of a point and replication are so."""


def always(point: int, replication: int) -> bool:
    return True


class MadeUpSweep:
    """What an opened sweep offers, with numbers made up."""

    policies = ("status-quo", "forced-aggregation")
    path = Path("swept")

    def __init__(
        self,
        points: pd.DataFrame,
        samples: pd.DataFrame,
        replicates: int,
        *,
        made: Fate = always,
        well: Fate = always,
        shared: float = 0.0,
    ) -> None:
        self.points, self.samples, self.replicates = points, samples, replicates
        self.made, self.well, self.shared = made, well, shared
        self.design = {"replicates": replicates}

    def numbers(self) -> list[int]:
        shape = (self.replicates, len(self.points), len(self.policies))
        return [
            run
            for run, (replication, point, _) in enumerate(np.ndindex(shape))
            if self.made(point, replication)
        ]

    def frame(self, outcomes: list[str]) -> pd.DataFrame:
        draws, rows = np.random.default_rng(5), []
        by_point = len(self.points) > 1
        for replication in range(self.replicates):
            for point in range(len(self.points)):
                known = self.points.loc[point] if by_point else self.samples.loc[replication]
                for place, policy in enumerate(self.policies):
                    value = place * against_coordination(known) + draws.normal(0, 1)
                    value += place * self.shared * replication
                    if self.made(point, replication) and self.well(point, replication):
                        rows.append((point, policy, replication, replication, value))
        keys = ["point", "policy", "sample", "replication"]
        return pd.DataFrame(rows, columns=[*keys, outcomes[0]])


@pytest.mark.parametrize("by_point", [True, False])
def test_a_sweep_is_read_by_point_or_by_sample(by_point: bool) -> None:
    many, one = assumptions(200), pd.DataFrame({"risk_transfer": [0.5]})
    sweep: Any = MadeUpSweep(many, many * 0, 3) if by_point else MadeUpSweep(one, many, 200)
    found = switching_of_sweep(sweep, OUTCOME)
    assert turn(found, "coordination").fate == "turns"
    assert len(found.pairs[0].differences) == 200


@pytest.mark.parametrize("kind", ["made", "well"])
def test_the_luck_of_a_replication_that_some_points_lack_turns_nothing(kind: str) -> None:
    """Points of low coordination lack the last replication, in which the difference is greater."""
    many = assumptions(200).sort_values("coordination", ignore_index=True)
    fate: Any = {kind: lambda point, replication: replication < 2 or point > 100}
    sweep: Any = MadeUpSweep(many, many * 0, 3, shared=100.0, **fate)
    whole: Any = MadeUpSweep(many, many * 0, 2 if kind == "made" else 3, shared=100.0)
    found, before = (switching_of_sweep(each, OUTCOME) for each in (sweep, whole))
    assert len(found.pairs[0].differences) == 200
    assert found.pairs[0].mean == pytest.approx(before.pairs[0].mean, abs=0.5)
    slope = turn(found, "coordination").fit.mean - turn(before, "coordination").fit.mean
    assert np.abs(slope).max() < 1.0
    told = "The sweep is incomplete: 998 of 1,200 runs are stored"
    assert (told in text(found)) == (kind == "made")


def test_samples_of_a_replication_that_was_not_made_are_left_out_and_told() -> None:
    many, one = assumptions(200), pd.DataFrame({"risk_transfer": [0.5]})
    sweep: Any = MadeUpSweep(one, many, 200, made=lambda _, replication: replication < 150)
    found = switching_of_sweep(sweep, OUTCOME)
    assert len(found.pairs[0].differences) == 150
    assert "300 of 400 runs are stored" in text(found)


def test_a_sweep_of_which_nothing_is_whole_or_well_is_refused_for_that_reason() -> None:
    many = assumptions(50)
    few: Any = MadeUpSweep(many, many * 0, 1, made=lambda point, _: point < 20)
    with pytest.raises(InputError, match=r"swept: incomplete: 40 of 100 runs .* --resume"):
        switching_of_sweep(few, OUTCOME)
    failed: Any = MadeUpSweep(many, many * 0, 2, well=lambda *_: False)
    with pytest.raises(InputError, match=f"no run has a finite {OUTCOME} under every policy"):
        switching_of_sweep(failed, OUTCOME)


@pytest.mark.parametrize("missing", [math.nan, math.inf])
def test_an_outcome_that_is_never_there_is_said_to_be_the_cause(missing: float) -> None:
    known = assumptions(50)
    values = outcomes(known, lambda _: missing)
    with pytest.raises(InputError, match="no run has a finite"):
        switching(OUTCOME, values, known)
    values.loc[3:, "forced-aggregation"] = 1.0
    assert len(switching(OUTCOME, values, known).pairs[0].differences) == 47


def test_a_lever_that_may_be_none_is_fitted_where_it_is_a_number() -> None:
    known = pd.DataFrame({"pump_priming_deadline": np.tile([math.nan, 4.0, 8.0], 40)})
    values = outcomes(known, lambda rows: rows["pump_priming_deadline"].fillna(6.0) - 6.0, 0.2)
    one = turn(switching(OUTCOME, values, known), "pump_priming_deadline")
    assert one.fate == "turns"
    assert [at for at, _, _ in one.at] == pytest.approx([6.0], abs=0.2)
    few = known.where((known.index > 110)[:, None])
    assert "no assumption varies, as a number, in" in text(switching(OUTCOME, values, few))


def test_levers_are_not_called_assumptions() -> None:
    points = assumptions(200).rename(columns={"other_0": "risk_transfer"})
    sweep: Any = MadeUpSweep(points, points * 0, 2)
    told = text(switching_of_sweep(sweep, OUTCOME))
    assert "No other factor surely turns it" in told
    assert "assumption surely" not in told


def test_an_acronym_keeps_its_capitals(found: Switching) -> None:
    assert "By mean SME" in text(replace(found, outcome="sme_value_share"))


def test_the_answer_is_told_as_json(found: Switching) -> None:
    content = json.loads(json.dumps(document(found, TITLES), allow_nan=False))
    first = content["pairs"][0]["assumptions"][0]
    assert (first["assumption"], first["fate"]) == ("coordination", "turns")
    assert first["turns_at"][0]["low"] < TURN < first["turns_at"][0]["high"]


def test_the_page_draws_off_the_network(found: Switching, tmp_path: Path, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    hostile = {"forced-aggregation": "<script>alert(1)</script>"}
    page.goto(write_page(found, tmp_path / "page.html", hostile).as_uri())
    page.wait_for_selector("html[data-drawn=yes]")
    assert not errors
    assert page.locator(".chart svg.main-svg").count()
    assert "<script>alert(1)</script> beats status-quo unless" in page.inner_text("main")
