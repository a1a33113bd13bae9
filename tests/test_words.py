"""Figures, lists and levers in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results import words
from results.side_by_side import levers_table
from results.store import StoredPolicy
from simulation.outcomes import OUTCOMES


@pytest.mark.parametrize(
    ("value", "matters", "shown"),
    [
        (1234.56, 50, "1,235"),
        (0.256, 0.1, "0.26"),
        (-0.0412, 0.005, "\N{MINUS SIGN}0.0412"),
        (-0.001, 1, "0.0"),
        (float("nan"), 1, "\N{EN DASH}"),
    ],
)
def test_figures_are_as_fine_as_what_matters(value: float, matters: float, shown: str) -> None:
    assert words.number(value, matters) == shown


@given(st.floats(-1e9, 1e9), st.sampled_from([0.005, 0.1, 1, 2, 50]))
def test_a_shown_figure_is_right_to_a_tenth_of_what_matters(value: float, matters: float) -> None:
    shown = words.number(value, matters, signed=True).replace("\N{MINUS SIGN}", "-")
    assert float(shown.replace(",", "")) == pytest.approx(value, abs=0.1 * matters, rel=1e-12)


def test_units_are_put_where_they_are_read() -> None:
    money = OUTCOMES["net_public_saving"].with_margin(50.0)
    share = OUTCOMES["sme_value_share"]
    assert words.with_unit(120.4, money) == "£120m NPV"
    assert words.change(-20, money) == "\N{MINUS SIGN}£20m NPV"
    assert words.change(20, money, signed=False) == "£20m NPV"
    assert words.span(-5, 20, money) == "\N{MINUS SIGN}£5m to +£20m"
    assert words.with_unit(30.25, share) == "30.2%"
    assert words.change(1.5, share) == "+1.5 points"
    assert words.with_unit(3.2, OUTCOMES["bids_per_tender"]) == "3.20 bids"


@pytest.mark.parametrize(
    ("value", "matters", "shown"),
    [
        (0.32, 33.0, "+£0.32m"),
        (9.3, 33.0, "+£9.3m"),
        (930.4, 33.0, "+£930m"),
        (0.00012, 33.0, "£0.000m"),
        (0.0123456, 0.002, "+£0.0123m"),
        (0.0, 33.0, "£0m"),
        (1.0, float("nan"), "+£1.0m"),
    ],
)
def test_small_money_is_not_rounded_to_nothing(value: float, matters: float, shown: str) -> None:
    money = OUTCOMES["saving_ahead"].with_margin(matters)
    assert words.change(value, money) == shown


def test_the_ends_of_a_range_are_equally_fine() -> None:
    money = OUTCOMES["saving_ahead"].with_margin(33.0)
    assert words.span(-0.05, 0.3, money) == "\N{MINUS SIGN}£0.05m to +£0.30m"


def test_lists_and_counts_in_words() -> None:
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert [words.count(many) for many in (0, 3, 12, 1200)] == ["no", "three", "12", "1,200"]


def test_levers_in_words() -> None:
    dated = [{"from_year": 1, "value": 50.0}, {"from_year": 8, "value": 0}]
    assert words.lever_words(dated) == "50 from year 1; 0 from year 8"
    assert words.lever_words("by_control") == "by control"
    assert words.lever_words(None) == "none"
    assert words.lever_words(2000.0) == "2,000"


def test_only_levers_that_differ_stand_side_by_side() -> None:
    policies = {
        "a": StoredPolicy("a"),
        "b": StoredPolicy("b", levers={"risk_transfer": 1.0, "max_partners": 20}),
    }
    side = levers_table(policies)
    assert side[["lever", "a", "b"]].to_numpy().tolist() == [
        ["max_partners", "10", "20"],
        ["risk_transfer", "0.6", "1"],
    ]
    assert levers_table({"a": StoredPolicy("a")}).empty


def test_terms_of_a_mechanism_that_is_off_are_left_out() -> None:
    off = StoredPolicy("a", levers={"pump_priming_fund": 0.0, "pump_priming_share": 1.0})
    on = StoredPolicy("b", levers={"pump_priming_fund": 50.0, "pump_priming_share": 1.0})
    assert levers_table({"a": off})["lever"].tolist() == ["pump_priming_fund"]
    share = levers_table({"a": off, "b": on}).set_index("lever").loc["pump_priming_share"]
    assert (share["a"], share["b"]) == (words.EN_DASH, "1")
