"""Sensitivity: known indices are found, luck and small samples are owned up to."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page
from SALib.sample import morris as morris_sample
from SALib.sample import sobol as sobol_sample
from SALib.test_functions import Ishigami, Sobol_G
from scipy.stats import qmc

from experiments.sensitivity import csv, document, means_of, sensitivity_of, text, write_page
from results.sensitivity import Sampled, Sensitivity, luck_left, morris, pawn, sobol
from simulation.errors import InputError

ISHIGAMI = ("x1", "x2", "x3")
FIRST, TOTAL = (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437)
"""Sobol indices of Ishigami's function with a = 7 and b = 0.1 (Saltelli et al. 2008)."""
G = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0)


def unit_problem(names: tuple[str, ...]) -> dict[str, Any]:
    return {"num_vars": len(names), "names": [*names], "bounds": [[0.0, 1.0]] * len(names)}


def ishigami(places: np.ndarray) -> np.ndarray:
    return np.asarray(Ishigami.evaluate(math.pi * (2 * places - 1)))


def saltelli(names: tuple[str, ...], base: int, second_order: bool = False) -> Sampled:
    places = sobol_sample.sample(unit_problem(names), base, calc_second_order=second_order, seed=5)
    return Sampled(names, "saltelli", places, {"second_order": second_order})


def trajectories(names: tuple[str, ...], count: int) -> Sampled:
    places = morris_sample.sample(unit_problem(names), count, num_levels=4, seed=5)
    return Sampled(names, "morris", places, {"levels": 4})


def hypercube(names: tuple[str, ...], count: int) -> Sampled:
    places = qmc.LatinHypercube(len(names), rng=np.random.default_rng(5)).random(count)
    return Sampled(names, "latin hypercube", places)


def exact_g() -> tuple[np.ndarray, np.ndarray]:
    """Return first and total indices of Sobol's G function (Saltelli et al. 2010)."""
    alone = 1 / (3 * (1 + np.array(G)) ** 2)
    product = np.prod(1 + alone)
    return alone / (product - 1), alone * (product / (1 + alone)) / (product - 1)


# Sobol


@pytest.mark.parametrize("second_order", [False, True])
def test_sobol_finds_the_indices_of_ishigami(second_order: bool) -> None:
    design = saltelli(ISHIGAMI, 1024, second_order)
    found = sobol(design, ishigami(design.places)).loc[[*ISHIGAMI]]
    assert found["first"].to_numpy() == pytest.approx(FIRST, abs=0.04)
    assert found["total"].to_numpy() == pytest.approx(TOTAL, abs=0.04)
    for part, exact in (("first", FIRST), ("total", TOTAL)):
        assert (found[f"{part}_low"] - 0.01 <= np.array(exact)).all()
        assert (found[f"{part}_high"] + 0.01 >= np.array(exact)).all()


def test_sobol_finds_the_indices_of_the_g_function_and_ranks_by_them() -> None:
    names = tuple(f"a{place}" for place in range(len(G)))
    design = saltelli(names, 1024)
    found = sobol(design, np.asarray(Sobol_G.evaluate(design.places, np.array(G))))
    first, total = exact_g()
    assert list(found.index[:4]) == list(names[:4])
    assert found.loc[[*names], "first"].to_numpy() == pytest.approx(first, abs=0.04)
    assert found.loc[[*names], "total"].to_numpy() == pytest.approx(total, abs=0.04)


def test_the_same_values_give_the_same_intervals_whatever_numpy_drew_before() -> None:
    design = saltelli(ISHIGAMI, 64)
    values = ishigami(design.places)
    before = sobol(design, values)
    np.random.default_rng().random(3)
    assert sobol(design, values).equals(before)


def test_a_row_with_a_failed_point_is_left_out_whole() -> None:
    design = saltelli(ISHIGAMI, 256)
    values = ishigami(design.places)
    values[[7, 8, 60]] = math.nan
    kept = np.delete(np.arange(len(values)).reshape(-1, 5), [1, 12], axis=0).ravel()
    without = Sampled(ISHIGAMI, "saltelli", design.places[kept], design.options)
    assert sobol(design, values).equals(sobol(without, values[kept]))


def test_a_constant_has_no_sensitivity() -> None:
    design = saltelli(ISHIGAMI, 16)
    found = sobol(design, np.ones(len(design.places)))
    assert not found[["first", "total"]].to_numpy().any()
    screened = trajectories(ISHIGAMI, 4)
    assert not morris(screened, np.ones(len(screened.places)))["mu_star"].any()
    assert not pawn(hypercube(ISHIGAMI, 100), np.ones(100))["median"].any()


@pytest.mark.parametrize(("analysis", "name"), [(sobol, "saltelli"), (morris, "morris")])
def test_an_analysis_refuses_points_of_another_design(analysis: Any, name: str) -> None:
    with pytest.raises(InputError, match=f"method is {name}; .* latin hypercube, .* pawn fits"):
        analysis(hypercube(ISHIGAMI, 50), np.zeros(50))


# Morris


def test_morris_finds_slopes_and_tells_interactions() -> None:
    names = ("straight", "against", "none", "bent")
    design = trajectories(names, 40)
    one, two, _, four = design.places.T
    found = morris(design, 3 * one - 2 * two + 4 * (four - 0.5) * one)
    assert found.loc["straight", "mu"] == pytest.approx(3, abs=0.5)
    assert found.loc["against", ["mu", "mu_star", "sigma"]].to_numpy() == pytest.approx((-2, 2, 0))
    assert found.loc["none", "mu_star"] == 0.0
    assert found.loc["bent", "sigma"] > 0.5
    assert (found["mu_star_low"] <= found["mu_star"]).all()
    assert list(found.index)[-1] == "none"


def test_morris_takes_rounded_places_for_what_they_are() -> None:
    """A factor whose step is lost in rounding changes nothing, and has no effect."""
    design = trajectories(("fine", "coarse"), 20)
    places = np.column_stack([design.places[:, 0], np.zeros(len(design.places))])
    rounded = Sampled(design.names, "morris", places, design.options)
    found = morris(rounded, 2 * places[:, 0])
    assert found.loc["coarse", "mu_star"] == 0.0
    assert found.loc["fine", "mu_star"] == pytest.approx(2.0)


# PAWN


def test_pawn_agrees_with_salib_on_numbers() -> None:
    from SALib.analyze import pawn as theirs

    design = hypercube(ISHIGAMI, 1000)
    values = ishigami(design.places)
    ours = pawn(design, values).loc[[*ISHIGAMI], "median"].to_numpy()
    exact = theirs.analyze(unit_problem(ISHIGAMI), design.places, values, S=10)["median"]
    assert ours == pytest.approx(exact, abs=0.03)


def test_pawn_tells_influence_from_none_in_a_skewed_outcome() -> None:
    names = ("strong", "weak", "none", "nothing")
    design = hypercube(names, 1500)
    values = np.exp(4 * design.places[:, 0]) * (1 + 3 * design.places[:, 1])
    found = pawn(design, values)
    assert list(found.index[:2]) == ["strong", "weak"]
    assert (found["p_value"][["strong", "weak"]] < 0.01).all()
    assert (found["p_value"][["none", "nothing"]] > 0.05).all()


def of_pawn(design: Sampled, values: np.ndarray, luck: float = math.nan) -> Sensitivity:
    table = pawn(design, values)
    return Sensitivity(OUTCOME, "a", "", "pawn", table, len(values), 0, 1, luck, 0.0)


def test_pawn_finds_a_factor_with_two_fifths_of_the_variance_in_a_hundred_points() -> None:
    """Mostly; and of tables without any influence hardly one in twenty shows one."""
    names = tuple(f"x{place}" for place in range(6))
    design = hypercube(names, 100)
    hits, wrong = 0, 0
    for seed in range(8):
        noise = np.random.default_rng(seed).normal(0, 1, 100)
        slope = math.sqrt(12 * 0.4) * design.places[:, 0] + math.sqrt(0.6) * noise
        hits += "x0" in of_pawn(design, slope).influential
        wrong += bool(of_pawn(design, noise).influential)
    assert hits >= 7
    assert wrong <= 1


def test_what_pawn_says_does_not_contradict_its_table() -> None:
    """Above what 95% without influence show, and yet not sure: of so many one may by chance."""
    table = pd.DataFrame(
        {"median": [0.45, 0.2], "low": [0.3, 0.1], "high": [0.6, 0.3], "dummy": [0.36, 0.36],
         "p_value": [0.04, 0.5]},
        index=pd.Index(["risk_transfer", "coordination"], name="factor"),
    )  # fmt: skip
    told = Sensitivity(OUTCOME, "a", "", "pawn", table, 60, 0, 1, 0.8, 0.0)
    assert told.vague == ["risk_transfer"]
    assert "risk_transfer shows more than 95% of factors without influence would" in text(told)
    assert "no factor shows more" not in text(told)
    assert "take more replications" in text(told)
    assert "take more points" not in text(told)
    assert Sensitivity(
        OUTCOME, "a", "", "pawn", table.assign(p_value=[0.02, 0.5]), 60, 0, 1, 0.8, 0.0
    ).influential == ["risk_transfer"]


def test_pawn_sees_both_values_of_a_choice() -> None:
    design = hypercube(("choice", "none"), 400)
    choice = (design.places[:, 0] > 0.5).astype(float)
    places = np.column_stack([choice, design.places[:, 1]])
    found = pawn(Sampled(design.names, "latin hypercube", places), choice)
    assert found.loc["choice", "median"] == pytest.approx(0.5, abs=0.01)


def test_pawn_can_look_at_a_region_alone() -> None:
    """What makes for the highest tenth may leave the rest alone."""
    design = hypercube(("level", "tail"), 2000)
    level, tail = design.places.T
    values = level + 2 * ((tail > 0.9) & (level > 0.3))
    top = pawn(design, values, region=(0.93, 1.0)).loc["level", "median"]
    assert top < pawn(design, values).loc["level", "median"] / 2


def test_pawn_refuses_what_it_cannot_use() -> None:
    with pytest.raises(InputError, match="not independent"):
        pawn(trajectories(ISHIGAMI, 20), np.zeros(80))
    with pytest.raises(InputError, match=r"30 points are too few: .* at least 40"):
        pawn(hypercube(ISHIGAMI, 30), np.zeros(30))


# Luck


def test_luck_is_what_replications_of_a_point_differ_by() -> None:
    draws = np.random.default_rng(5)
    points, common = draws.normal(0, 1, (4000, 1)), draws.normal(0, 9, (1, 4))
    runs = points + common + draws.normal(0, 2, (4000, 4))
    assert luck_left(runs) == pytest.approx(0.5, abs=0.03)
    assert luck_left(points + np.zeros((1, 4))) == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(luck_left(points))


# A sweep


@dataclass
class MadeUp:
    """What an opened sweep offers, with numbers made up."""

    points: pd.DataFrame
    design: dict[str, Any]
    effect: Any
    policies: tuple[str, ...] = ("status-quo", "shared-risk")
    broken: tuple[int, ...] = ()
    noise: float = 0.0
    factors: dict[str, str] = field(default_factory=dict)
    failed: Callable[[int, int], bool] = lambda point, replication: False
    made: Callable[[int, int], bool] = lambda point, replication: True
    path: Path = Path("swept")

    def numbers(self) -> list[int]:
        shape = (self.design["replicates"], len(self.points), len(self.policies))
        return [
            run
            for run, (replication, point, _) in enumerate(np.ndindex(shape))
            if self.made(point, replication)
        ]

    def frame(self, outcomes: list[str]) -> pd.DataFrame:
        draws = np.random.default_rng(5)
        rows = []
        for replication in range(self.design["replicates"]):
            luck = draws.normal(0, 50)
            for point in range(len(self.points)):
                for place, policy in enumerate(self.policies):
                    value = luck + place * self.effect(self.points.loc[point])
                    value += draws.normal(0, self.noise) if self.noise else 0.0
                    if self.ended_well(point, replication):
                        rows.append((point, policy, replication, value))
        return pd.DataFrame(rows, columns=["point", "policy", "replication", outcomes[0]])

    def ended_well(self, point: int, replication: int) -> bool:
        gone = point in self.broken or self.failed(point, replication)
        return self.made(point, replication) and not gone


OUTCOME = "net_public_saving"
VARY = {
    "coordination": {"low": 0.005, "high": 0.02},
    "risk_transfer": {"low": 0.0, "high": 1.0},
    "governance": {"values": ["chosen", "lead_client"]},
}


def made_up(base: int = 256, **about: Any) -> MadeUp:
    places = saltelli(tuple(VARY), base).places
    points = pd.DataFrame(
        {
            "coordination": 0.005 + 0.015 * places[:, 0],
            "risk_transfer": places[:, 1],
            "governance": np.where(places[:, 2] < 0.5, "chosen", "lead_client"),
        }
    )
    options = {"method": "saltelli", "base": base, "second_order": False}
    design = {"design": options, "vary": VARY, "replicates": 3}
    return MadeUp(points, design, effect, **about)


def effect(point: Any) -> float:
    named = 10.0 * (point["governance"] == "lead_client")
    return float(1000 * point["coordination"] + named)


@pytest.fixture(scope="module")
def found() -> Sensitivity:
    sweep: Any = made_up(noise=1.0)
    return sensitivity_of(sweep, OUTCOME, "shared-risk", "status-quo")


def test_a_paired_difference_is_free_of_the_luck_that_both_share(found: Sensitivity) -> None:
    assert found.method == "sobol"
    assert list(found.table.index) == ["governance", "coordination", "risk_transfer"]
    assert found.table["total"].iloc[0] == pytest.approx(0.57, abs=0.06)
    assert 0.005 < found.luck < 0.03
    assert found.enough
    assert found.influential == ["governance", "coordination"]


def test_the_answer_is_told_as_text_json_csv_and_words(found: Sensitivity) -> None:
    told = text(found)
    assert "depends most on governance (a total share of 0.5" in told
    assert "Luck is" in told
    assert "1,280 points, 3 replications at each" in told
    content = json.loads(json.dumps(document(found), allow_nan=False))
    assert [row["factor"] for row in content["factors"]] == list(found.table.index)
    assert content["enough"] is True
    assert (
        csv(found).splitlines()[0] == "factor,first,first_low,first_high,total,total_low,total_high"
    )


def test_points_with_failed_runs_are_left_out_and_counted() -> None:
    sweep: Any = made_up(64, broken=(3, 200))
    found = sensitivity_of(sweep, OUTCOME, "shared-risk")
    assert (found.points, found.dropped) == (62 * 5, 10)
    assert "10 points are left out" in text(found)


def test_a_replication_that_not_every_point_has_is_left_out_and_told() -> None:
    """Otherwise its luck, which all points share, would pass for what points differ by."""
    whole: Any = made_up(64)
    cut: Any = made_up(64, made=lambda point, replication: replication < 2 or point < 150)
    before, after = (sensitivity_of(each, OUTCOME, "shared-risk") for each in (whole, cut))
    assert after.table["total"].to_numpy() == pytest.approx(before.table["total"], abs=1e-6)
    assert (after.replications, after.points, after.dropped) == (2, 320, 0)
    assert (after.stored, after.asked) == (1580, 1920)
    told = text(after)
    assert "The sweep is incomplete: 1,580 of 1,920 runs are stored" in told
    assert "320 points, 2 replications at each" in told
    assert "failed" not in told
    assert "incomplete" not in text(before)


@pytest.mark.parametrize("made", [lambda point, _: point < 100, lambda *_: False])
def test_a_sweep_without_a_whole_replication_is_refused(made: Any) -> None:
    sweep: Any = made_up(64, made=made)
    with pytest.raises(InputError, match=r"swept: incomplete: .* of 1,920 runs .* --resume"):
        sensitivity_of(sweep, OUTCOME, "shared-risk")


def test_the_luck_of_a_failed_replication_is_no_effect_of_its_point() -> None:
    whole: Any = made_up(64)
    torn: Any = made_up(64, failed=lambda point, replication: (point + replication) % 7 == 0)
    before, after = (sensitivity_of(each, OUTCOME, "shared-risk") for each in (whole, torn))
    assert after.table["total"].to_numpy() == pytest.approx(before.table["total"], abs=1e-6)
    assert after.dropped == 0
    assert "At 136 points some replications failed" in text(after)


def test_means_are_plain_ones_where_all_is_known() -> None:
    runs = np.random.default_rng(5).normal(0, 1, (20, 3))
    assert np.array_equal(means_of(runs), runs.mean(axis=1))
    runs[4] = math.nan
    assert np.isnan(means_of(runs)).nonzero()[0].tolist() == [4]


def test_what_is_the_same_at_every_point_stays_so_where_runs_failed() -> None:
    sweep: Any = made_up(64, failed=lambda point, replication: (point + replication) % 7 == 0)
    found = sensitivity_of(sweep, OUTCOME, "status-quo")
    assert found.silent
    assert "no factor matters to it" in text(found)


def test_an_infinite_outcome_is_left_out() -> None:
    sweep: Any = made_up(64)
    plain = sweep.effect
    endless = dict(sweep.points.loc[7])
    sweep.effect = lambda point: math.inf if dict(point) == endless else plain(point)
    found = sensitivity_of(sweep, OUTCOME, "shared-risk", "status-quo")
    assert (found.points, found.dropped) == (63 * 5, 5)
    assert np.isfinite(found.table.to_numpy()).all()
    values = np.where(np.arange(100) == 3, -math.inf, 1.0)
    assert not pawn(hypercube(ISHIGAMI, 100), values)["median"].any()


def test_a_small_sample_is_owned_up_to() -> None:
    sweep: Any = made_up(4, noise=3.0)
    found = sensitivity_of(sweep, OUTCOME, "shared-risk", "status-quo")
    assert not found.enough
    assert "The sample is too small for" in text(found)


def test_an_unsettled_ranking_of_morris_is_told() -> None:
    names = tuple(f"factor {place}" for place in range(8))
    design = trajectories(names, 10)
    values = np.random.default_rng(1).normal(0, 1, len(design.places))
    told = Sensitivity(OUTCOME, "a", "", "morris", morris(design, values), 27, 0, 1, math.nan, 0.0)
    assert told.unstable
    assert not told.enough
    assert "The ranking is not settled" in text(told)


def test_pawn_without_influence_says_take_more_points() -> None:
    design = hypercube(ISHIGAMI, 60)
    values = np.random.default_rng(5).normal(0, 1, 60)
    told = of_pawn(design, values)
    assert not told.enough
    assert "no factor shows more than one without influence would" in text(told)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"outcome": "net_public_savin"}, "unknown outcome .*did you mean 'net_public_saving'"),
        ({"policy": "shared-rsk"}, "unknown policy .*did you mean 'shared-risk'"),
        ({"method": "morriss"}, "unknown method .*did you mean 'morris'"),
        (
            {"method": "morris"},
            "method is morris; the method of this one is saltelli",
        ),
        ({"policy": "shared-risk", "against": "shared-risk"}, "is the policy itself"),
    ],
)
def test_bad_input_is_one_line(given: dict[str, str], message: str) -> None:
    sweep: Any = made_up(8)
    with pytest.raises(InputError, match=message):
        sensitivity_of(sweep, **{"outcome": OUTCOME, **given})


def test_several_policies_must_be_chosen_among() -> None:
    sweep: Any = made_up(8, policies=("status-quo", "a", "b"))
    with pytest.raises(InputError, match="--policy: choose one of status-quo, a, b"):
        sensitivity_of(sweep, OUTCOME)


@pytest.mark.parametrize("method", ["sobol", "pawn"])
def test_the_page_draws_off_the_network(tmp_path: Path, page: Page, method: str) -> None:
    sweep: Any = made_up(64, policies=("status-quo", "<b>hostile</b>"))
    found = sensitivity_of(sweep, OUTCOME, "<b>hostile</b>", "status-quo", method)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(write_page(found, tmp_path / "page.html").as_uri())
    page.wait_for_selector("html[data-drawn=yes]")
    assert not errors
    assert "<b>hostile</b>" in page.inner_text("h1")
    assert page.locator("#table tbody tr").count() == len(VARY)
