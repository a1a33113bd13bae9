"""Statistics: hand-worked cases, known values, and error rates measured on keyed draws."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_runs import nothing, store

from results.intervals import (
    LEVEL,
    RESAMPLES,
    FloatArray,
    bootstrap_interval,
    holm,
    resampled_means,
    t_interval,
)
from results.luck import LuckShare, luck_share, telling_assumption
from results.statistics import (
    VERDICTS,
    Comparison,
    as_csv,
    strongest_claim,
    summarise,
    verdicts,
    write_summary,
)
from results.store import open_run
from results.words import verdict_words
from simulation.outcome_rules import Sum
from simulation.outcomes import HEADLINE, OUTCOMES, Outcome
from simulation.randomness import Draws

HIGHER = Outcome("x", "X", "unit", "higher", 1.0, Sum("bids"), "")
LOWER = Outcome("x", "X", "unit", "lower", 1.0, Sum("bids"), "")
NEUTRAL = Outcome("x", "X", "unit", "neutral", 1.0, Sum("bids"), "")


def numbers(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float64)


def compared(
    outcome: Outcome,
    differences: FloatArray,
    *,
    events: tuple[float, float] | None = None,
    inert: bool = False,
) -> Comparison:
    baseline = np.zeros(len(differences))
    return Comparison("p", outcome, True, baseline, differences, events, inert, seed=1)


# Intervals


def test_the_t_interval_of_a_textbook_case() -> None:
    """Five differences with mean 3 and variance 2.5; t of 4 degrees of freedom is 2.776."""
    assert t_interval(numbers(1, 2, 3, 4, 5)) == pytest.approx((1.0367, 4.9633), abs=1e-4)


def test_one_difference_has_no_interval() -> None:
    assert all(map(math.isnan, t_interval(numbers(1))))
    assert all(map(math.isnan, bootstrap_interval(numbers(1), numbers(1, 1))))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_an_interval_holds_the_mean(values: list[float]) -> None:
    differences = numbers(*values)
    slack = 1e-9 * np.abs(differences).max()
    for low, high in (
        t_interval(differences),
        bootstrap_interval(differences, resampled_means(differences, 3)),
    ):
        assert low - slack <= differences.mean() <= high + slack


def test_intervals_cover_as_often_as_they_say() -> None:
    samples = Draws(5).normal("samples", np.arange(4000 * 8)).reshape(4000, 8)
    ends = np.array([t_interval(sample) for sample in samples])
    covered = np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0))
    assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 4000))


def test_the_bootstrap_interval_leans_to_the_side_of_the_tail() -> None:
    skewed = numbers(*[0.0] * 20, 1.0, 2.0, 8.0)
    low, high = bootstrap_interval(skewed, resampled_means(skewed, 1))
    assert high - skewed.mean() > skewed.mean() - low
    assert low > 0.0


def test_bootstrap_samples_are_the_same_for_the_same_seed() -> None:
    values = numbers(1, 2, 4, 8)
    assert len(resampled_means(values, 1)) == RESAMPLES
    np.testing.assert_array_equal(resampled_means(values, 1), resampled_means(values, 1))
    assert (resampled_means(values, 1) != resampled_means(values, 2)).any()
    assert resampled_means(values, 1).mean() == pytest.approx(values.mean(), abs=0.1)


# Holm


def test_holm_on_a_worked_case() -> None:
    """0.005 < 0.05/4 and 0.01 < 0.05/3, but 0.03 > 0.05/2, and there it stops."""
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]


def test_holm_stops_at_the_first_that_fails() -> None:
    assert holm([0.04, 0.045], 0.05) == [False, False]
    assert holm([0.02, 0.045], 0.05) == [True, True]
    assert holm([], 0.05) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_bonferroni_and_no_correction(p_values: list[float]) -> None:
    rejected = holm(p_values, 0.05)
    for p_value, held in zip(p_values, rejected, strict=True):
        assert held or p_value > 0.05 / len(p_values)
        assert not held or p_value <= 0.05


# Claims and verdicts


@pytest.mark.parametrize(
    ("values", "outcome", "verdict"),
    [
        ((4, 5, 6), HIGHER, "better"),
        ((-4, -5, -6), HIGHER, "worse"),
        ((4, 5, 6), LOWER, "worse"),
        ((-4, -5, -6), LOWER, "better"),
        ((0.2, 0, -0.1), HIGHER, "negligible"),
        ((0.9, 1.1, 1.0), HIGHER, "undecided"),
        ((-9, 0, 9), HIGHER, "undecided"),
        ((0, 0, 0), HIGHER, "identical"),
        ((5,), HIGHER, "too few pairs"),
        ((5, math.nan), HIGHER, "too few pairs"),
        ((math.nan, math.nan), HIGHER, "too few pairs"),
        ((4, 5, 6), NEUTRAL, ""),
    ],
)
def test_a_verdict(values: tuple[float, ...], outcome: Outcome, verdict: str) -> None:
    assert verdicts([compared(outcome, numbers(*values))]) == [verdict]


def test_a_claim_holds_where_the_interval_lies_wholly_within_it() -> None:
    samples = Draws(9).normal("samples", np.arange(2000 * 6)).reshape(2000, 6)
    shifts = Draws(9).normal("shifts", np.arange(2000))[:, None] * 2
    seen = set()
    for sample in samples / 2 + shifts:
        low, high = t_interval(sample)
        says = {"better": low > 1, "worse": high < -1, "negligible": low > -1 and high < 1}
        claim = strongest_claim(sample, HIGHER)
        assert says[claim.verdict] == (claim.p_value < LEVEL)
        assert sum(says.values()) <= 1
        seen.update(name for name, holds in says.items() if holds)
    assert seen == {"better", "worse", "negligible"}


@pytest.mark.parametrize("spread", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("truth", [1.0, -1.0])
def test_at_the_margin_a_wrong_claim_is_as_rare_as_promised(truth: float, spread: float) -> None:
    draws = Draws(11).normal("samples", np.arange(2000 * 10)).reshape(2000, 10)
    claims = [strongest_claim(truth + spread * sample, HIGHER) for sample in draws]
    wrong = np.mean([claim.p_value <= LEVEL for claim in claims])
    assert wrong <= 2 * LEVEL + 3 * math.sqrt(0.05 * 0.95 / 2000)


def test_a_table_of_no_effects_is_wrong_as_rarely_as_one_cell() -> None:
    draws = Draws(13).normal("tables", np.arange(300 * 20 * 8)).reshape(300, 20, 8)
    wrong = [
        any(
            verdict != "undecided"
            for verdict in verdicts([compared(HIGHER, 1 + cell) for cell in table])
        )
        for table in draws
    ]
    alone = [verdicts([compared(HIGHER, 1 + cell)])[0] for table in draws for cell in table]
    assert np.mean(wrong) <= 2 * LEVEL + 3 * math.sqrt(0.05 * 0.95 / 300)
    assert sum(verdict != "undecided" for verdict in alone) > 20


def test_equal_differences_need_many_pairs_to_prove_anything() -> None:
    assert verdicts([compared(HIGHER, np.full(3, 5.0))]) == ["undecided"]
    assert verdicts([compared(HIGHER, np.full(6, 5.0))]) == ["better"]


@pytest.mark.parametrize(
    ("events", "verdict"),
    [((9, 9), "too few events"), ((10, 0), "better"), ((0, 10), "better"), (None, "better")],
)
def test_rare_events(events: tuple[float, float] | None, verdict: str) -> None:
    differences = 10 + Draws(1).normal("rare", np.arange(12))
    assert verdicts([compared(HIGHER, differences, events=events)]) == [verdict]


def test_a_rare_outcome_that_did_not_happen_is_no_proof_of_equality() -> None:
    nothing_seen = compared(LOWER, np.zeros(4), events=(0, 0))
    assert verdicts([nothing_seen]) == ["too few events"]
    assert verdicts([compared(LOWER, np.zeros(4), events=(0, 0), inert=True)]) == ["identical"]


def test_the_interval_of_a_rare_outcome_is_a_bootstrap() -> None:
    rare = compared(LOWER, numbers(0, 0, 0, 0, 3, 1, 0, 0, 2, 0), events=(30, 34))
    assert rare.numbers["interval"] == "bootstrap"
    assert compared(LOWER, numbers(0, 3, 1)).numbers["interval"] == "t"


def test_of_few_pairs_the_interval_is_a_t_even_of_a_rare_outcome() -> None:
    """Resampled, three pairs would give 0.003 either way; the t of two degrees is 4.3."""
    few = compared(LOWER, numbers(-0.136, -0.134, -0.129), events=(30, 34))
    assert few.numbers["interval"] == "t"
    low, high = few.interval
    assert (low, high) == t_interval(few.differences)
    assert high - low > 2 * np.ptp(few.differences)


# Luck against assumptions


def twins(luck: float, assumptions: float, many: int) -> tuple[FloatArray, FloatArray]:
    draws, pairs = Draws(17), np.arange(many)
    common = assumptions * draws.normal("assumptions", pairs)
    first, second = (luck * draws.normal("luck", pairs, np.uint64(each)) for each in (0, 1))
    return common + first, common + second


@pytest.mark.parametrize(
    ("luck", "assumptions", "share", "rules"),
    [
        (1, 0, 1.0, "luck"),
        (0, 1, 0.0, "assumptions"),
        (1, 1, 0.5, "both"),
        (1, 3, 0.1, "assumptions"),
    ],
)
def test_luck_is_told_from_assumptions(
    luck: float, assumptions: float, share: float, rules: str
) -> None:
    main, twin = twins(luck, assumptions, 2000)
    found = luck_share(main, main[:400], twin[:400])
    assert found.share == pytest.approx(share, abs=0.08)
    assert found.low <= found.share <= found.high
    assert found.rules == rules


def test_with_a_wide_interval_neither_source_rules() -> None:
    assert LuckShare(0.1, 0.02, 0.9).rules == "both"
    assert LuckShare(0.1, 0.02, 0.5).rules == "assumptions"
    assert LuckShare(0.9, 0.2, 1.0).rules == "both"
    assert LuckShare(0.9, 0.5, 1.0).rules == "luck"


def test_the_interval_of_the_share_of_luck_covers() -> None:
    held = 0
    for block in range(200):
        main, twin = twins(1, 1, 200 * 30)
        part = slice(30 * block, 30 * block + 30)
        found = luck_share(main[part], main[part][:6], twin[part][:6])
        held += found.low <= 0.5 <= found.high
    assert held / 200 >= 0.85


def test_without_twins_the_share_of_luck_is_not_known() -> None:
    assert math.isnan(luck_share(numbers(1, 2, 3), numbers(), numbers()).share)
    assert math.isnan(luck_share(numbers(2, 2), numbers(2), numbers(2)).share)
    assert luck_share(numbers(1, 2), numbers(math.nan), numbers(1)).rules == ""


def drawn_assumptions(rows: int, columns: int) -> pd.DataFrame:
    values = Draws(19).uniform("assumptions", np.arange(rows * columns)).reshape(rows, columns)
    return pd.DataFrame(values, columns=[f"a{column}" for column in range(columns)])


def test_the_assumption_behind_a_difference_is_named() -> None:
    assumptions = drawn_assumptions(30, 40)
    noise = Draws(20).normal("noise", np.arange(30))
    difference = -5 * assumptions["a7"].to_numpy() ** 3 + 0.1 * noise
    assert telling_assumption(difference, assumptions) == "a7"
    assert telling_assumption(difference, assumptions, family=50) == "a7"
    weak = difference + 2 * noise
    assert telling_assumption(weak, assumptions) == "a7"
    assert telling_assumption(weak, assumptions, family=10_000) is None


def test_no_assumption_is_named_by_chance() -> None:
    assumptions = drawn_assumptions(30, 40)
    noise = Draws(21).normal("noise", np.arange(100 * 30)).reshape(100, 30)
    named = sum(telling_assumption(each, assumptions) is not None for each in noise)
    assert named <= 5 + 3 * math.sqrt(100 * 0.05 * 0.95)


def test_a_perfect_rank_correlation_is_no_trouble() -> None:
    assumptions = drawn_assumptions(10, 2)
    assert telling_assumption(assumptions["a1"].to_numpy(), assumptions) == "a1"
    assert telling_assumption(np.ones(10), assumptions) is None
    assert telling_assumption(assumptions["a1"].to_numpy()[:7], assumptions[:7]) is None


# The summary


def more_bids(measures: dict[str, Any]) -> None:
    measures["bids"] = measures["bids"] + measures["contested_tenders"]


def no_tenders(measures: dict[str, Any]) -> None:
    measures["contested_tenders"] = measures["contested_tenders"] * 0


def summary_of(path: Path, policies: dict[str, Callable[..., None]], **about: Any) -> pd.DataFrame:
    return summarise(open_run(store(path, policies, **about))).set_index(["policy", "outcome"])


def test_an_inert_policy_is_identical_in_everything_that_is_judged(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, {"base": nothing, "inert": nothing}).loc["inert"]
    judged = summary["better"] != "neutral"
    assert set(summary.loc[judged, "verdict"]) == {"identical"}
    assert set(summary.loc[~judged, "verdict"]) == {""}
    assert set(summary["narrow_by"]) == {""}
    assert (summary["difference"].dropna() == 0.0).all()


def test_a_summary_has_every_policy_and_outcome(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, {"base": nothing, "more": more_bids, "none": no_tenders})
    assert list(summary.index) == [(p, o) for p in ("base", "more", "none") for o in OUTCOMES]
    assert list(summary.index[summary["headline"]])[:10] == [("base", name) for name in HEADLINE]
    assert set(summary["verdict"]) <= {"", *VERDICTS}


def test_one_bid_more_a_tender_is_found(tmp_path: Path) -> None:
    row = summary_of(tmp_path, {"base": nothing, "more": more_bids}).loc[
        ("more", "bids_per_tender")
    ]
    assert row["difference"] == pytest.approx(1.0)
    assert row["policy_mean"] - row["baseline_mean"] == pytest.approx(row["difference"])
    assert (row["better_in"], row["pairs"], row["verdict"]) == (10, 10, "better")


def test_a_pair_without_a_value_is_dropped_and_counted(tmp_path: Path) -> None:
    row = summary_of(tmp_path, {"base": nothing, "none": no_tenders}).loc[
        ("none", "bids_per_tender")
    ]
    assert (row["pairs"], row["dropped"], row["verdict"]) == (0, 10, "too few pairs")
    assert math.isnan(row["difference"])
    assert verdict_words(row) == "not defined: no value to compare with"


def test_twins_never_enter_means(tmp_path: Path) -> None:
    policies = {"base": nothing, "more": more_bids}
    with_twins = summary_of(tmp_path / "a", policies)
    without = summary_of(tmp_path / "b", policies, skip=[("more", 10), ("base", 11)])
    columns = ["baseline_mean", "policy_mean", "low", "high", "p10", "p90", "pairs"]
    pd.testing.assert_frame_equal(with_twins[columns], without[columns])


def test_with_fixed_assumptions_all_spread_is_luck(tmp_path: Path) -> None:
    fixed = {"assumptions": {"mode": "fixed", "set": {}}, "twins": 0}

    def noisier(measures: dict[str, Any]) -> None:
        measures["bids"] = measures["bids"] * 1.5

    row = summary_of(tmp_path, {"base": nothing, "more": noisier}, **fixed).loc[
        ("more", "bids_per_tender")
    ]
    assert row["luck_share"] == 1.0
    assert row["narrow_by"].startswith("more replications (assumptions are fixed")


def test_a_single_policy_has_means_and_ranges_only(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, {"only": nothing})
    assert len(summary) == len(OUTCOMES)
    assert summary["difference"].isna().all()
    assert set(summary["verdict"]) == {""}
    assert summary["policy_mean"].notna().sum() > 30
    assert (summary["p10"].dropna() <= summary["p90"].dropna()).all()


def test_without_a_complete_replication_nothing_is_claimed(tmp_path: Path) -> None:
    summary = summary_of(
        tmp_path, {"base": nothing, "gone": nothing}, skip=[("gone", r) for r in range(12)]
    )
    assert (summary["pairs"] == 0).all()
    assert set(summary.loc["gone", "verdict"]) <= {"", "too few pairs", "too few events"}


def test_what_matters_grows_with_the_market(tmp_path: Path) -> None:
    """The verdict is the same for a market a thousand times smaller, in pounds too."""

    def shrink(measures: dict[str, Any]) -> None:
        for name in measures.keys() - {"discount"}:
            measures[name] = measures[name] / 1000

    def small_saving(measures: dict[str, Any]) -> None:
        saves(measures)
        shrink(measures)

    def saves(measures: dict[str, Any]) -> None:
        measures["public_saving"] = measures["public_saving"] + 20.0

    large = summary_of(tmp_path / "large", {"base": nothing, "other": saves})
    small = summary_of(tmp_path / "small", {"base": shrink, "other": small_saving})
    row, tiny = (each.loc[("other", "net_public_saving")] for each in (large, small))
    assert (row["verdict"], tiny["verdict"]) == ("better", "better")
    assert tiny["matters"] == pytest.approx(row["matters"] / 1000)


def test_a_share_of_the_counterfactual_is_what_matters(tmp_path: Path) -> None:
    run = open_run(store(tmp_path, {"base": nothing, "more": more_bids}))
    measures = run.measures(run.replications)
    totals = (measures["counterfactual"] * measures["discount"])[0].sum(axis=-1)
    summary = summarise(run).set_index(["policy", "outcome"])
    matters = summary.loc[("more", "net_public_saving"), "matters"]
    assert matters == pytest.approx(totals.mean() / 1000)
    assert summary.loc[("more", "single_bid_share"), "matters"] == 1.0


def test_verdicts_depend_on_what_the_question_shows(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, {"base": nothing}, outcomes=["failed_share"])
    assert list(summary.index[summary["headline"]]) == [("base", "failed_share")]


# The summary as a file


def test_cells_that_a_spreadsheet_would_run_are_neutralised(tmp_path: Path) -> None:
    hostile = "=1+1"
    run = open_run(store(tmp_path, {"@base": nothing, hostile: more_bids}))
    summary = write_summary(run)
    rows = list(csv.DictReader((tmp_path / "summary.csv").read_text().splitlines()))
    assert {row["policy"] for row in rows} == {"'@base", "'=1+1"}
    assert set(summary["policy"]) == {"@base", hostile}
    read = [float(row["difference"]) for row in rows if row["difference"]]
    np.testing.assert_array_equal(read, summary["difference"].dropna())


def test_a_text_that_is_a_number_is_left_alone() -> None:
    cells = pd.DataFrame({"x": ["-1.5", "+2", "-", "\t=1", "a=b", "+nan"], "y": -1.0})
    written = [row["x"] for row in csv.DictReader(as_csv(cells).splitlines())]
    assert written == ["-1.5", "+2", "'-", "'\t=1", "a=b", "'+nan"]
