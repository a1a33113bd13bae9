"""How answers look in a terminal: tables, cells, values, text that cannot steer it."""

import io
from typing import Any

import pytest

from experiments import terminal
from experiments.catalogue import compared_policies
from experiments.terminal import amount, comparison, difference, listing, rendered
from simulation.errors import InputError
from simulation.levers import parse_lever
from simulation.outcomes import HEADLINE, OUTCOMES


def row(policy: str, outcome: str, **numbers: Any) -> dict[str, Any]:
    empty = {"policy_mean": 1234.5, "difference": 0.0, "low": 0.0, "high": 0.0, "verdict": ""}
    shown = {"headline": OUTCOMES[outcome].headline, "matters": OUTCOMES[outcome].matters}
    if OUTCOMES[outcome].relative_to:
        shown["matters"] = 50.0
    return {"policy": policy, "outcome": outcome, **shown, **empty, **numbers}


def rows(policy: str, **numbers: Any) -> list[dict[str, Any]]:
    return [row(policy, outcome, **numbers) for outcome in OUTCOMES]


POLICIES = {policy.name: policy.title for policy in compared_policies()}


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 160, 300])
def test_tables_are_as_wide_as_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    numbers = {"difference": -1234.5, "low": -2345.6, "high": -123.4, "verdict": "worse"}
    table = [each for policy in POLICIES for each in rows(policy, **numbers)]
    text = "".join(map(rendered, comparison(table, POLICIES, width)))
    assert max(map(len, text.splitlines())) <= width
    assert text.count("worse") == len(HEADLINE) * 5 or width < 40


def test_a_cell_says_difference_interval_and_verdict() -> None:
    numbers = {"difference": 12.3, "low": 1.0, "high": 23.4, "verdict": "better"}
    table = [*rows("a", policy_mean=7.25), *rows("b", **numbers)]
    text = "".join(map(rendered, comparison(table, {"a": "A", "b": "B"}, 100)))
    first = text.splitlines()[2:5]
    assert "£7.2m (7.25%)" in first[0]
    assert "+£12m (+12.30 pts)" in first[0]
    assert "[+£1m, +£23m]" in first[1]
    assert "better" in first[2]


def test_what_is_not_defined_is_said() -> None:
    assert amount(float("nan"), OUTCOMES["bids_per_tender"]) == "n/a"


@pytest.mark.parametrize(
    ("value", "outcome", "shown"),
    [
        (-1234.56, "net_public_saving", "-£1,235m"),
        (1234.56, "net_public_saving", "+£1,235m"),
        (0.0, "bids_per_tender", "0.00"),
        (-0.0001, "bids_per_tender", "0.00"),
        (-0.0049, "supplier_concentration", "-0.005"),
        (1.26, "single_bid_share", "+1.3 pts"),
        (0.0321, "net_public_saving", "+£0.032m"),
        (0.0, "net_public_saving", "£0m"),
    ],
)
def test_differences_are_shown_as_fine_as_what_matters(
    value: float, outcome: str, shown: str
) -> None:
    margin = 50.0 if OUTCOMES[outcome].relative_to else OUTCOMES[outcome].matters
    assert difference(value, OUTCOMES[outcome].with_margin(margin)) == shown


def test_a_value_keeps_its_unit_where_differences_are_points() -> None:
    assert amount(1.26, OUTCOMES["single_bid_share"]) == "1.3%"


@pytest.mark.parametrize(("low", "words"), [(0.5, "undecided: not 0"), (-1.0, "maybe 0")])
def test_an_undecided_difference_says_whether_it_may_be_nothing(low: float, words: str) -> None:
    numbers = {"difference": 12.3, "low": low, "high": 23.4, "verdict": "undecided"}
    table = [*rows("a"), *rows("b", **numbers)]
    assert words in "".join(map(rendered, comparison(table, {"a": "A", "b": "B"}, 100)))


def test_markup_and_control_characters_are_only_text() -> None:
    text = rendered(listing(("name",), [["[red]x[/red] \x1b[31m :smile:"]]))
    assert "[red]x[/red] \N{REPLACEMENT CHARACTER}[31m :smile:" in text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.4", 0.4),
        ("5", 5),
        ("none", None),
        ("by_control", "by_control"),
        ("50@3", [{"from_year": 3, "value": 50}]),
        (
            "0.5@1, none@4",
            [{"from_year": 1, "value": 0.5}, {"from_year": 4, "value": None}],
        ),
    ],
)
def test_a_value_may_be_dated(text: str, value: object) -> None:
    assert parse_lever(text, "--set") == value


def test_the_shortest_way_to_two_values_is_refused_early() -> None:
    with pytest.raises(InputError, match="separated by commas"):
        parse_lever("1@2;3@4x", "--set")


def test_the_time_left_does_not_count_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 30.0, *(30.0 + second for second in range(1, 10))])
    monkeypatch.setattr(terminal, "monotonic", lambda: next(clock))
    log = io.StringIO()
    with terminal.progress(log) as told:
        for done in range(1, 11):
            told(done, 10)
    first, second, *_, last = log.getvalue().splitlines()
    assert first == "1 of 10 runs"
    assert second == "2 of 10 runs, about 8 s left"
    assert last == "10 of 10 runs, about 0 s left"
