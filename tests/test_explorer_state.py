"""What is asked on the explorer's page: links that hold it whole, and every change of it."""

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.explorer import groups, state
from results.explorer.asked import Pressed, Typed, after, as_typed
from simulation.assumptions import Assumptions
from simulation.errors import InputError
from simulation.levers import Levers, lever_text, live_levers, parse_lever
from simulation.parameters import Parameter, parameters
from tests.small_questions import watched

DESK, _ = watched()
OFFER = DESK.offer
START = state.first_state(OFFER.start)

titles = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


def values(lever: Parameter) -> st.SearchStrategy[Any]:
    if lever.choices:
        return st.sampled_from(lever.choices)
    low, high = lever.low or 0.0, lever.high or 0.0
    numbers: st.SearchStrategy[Any] = (
        st.integers(int(low), int(high)) if lever.whole else st.floats(low, high)
    )
    return st.none() | numbers if lever.optional else numbers


def levers() -> st.SearchStrategy[dict[str, Any]]:
    every = {name: values(lever) for name, lever in live_levers().items()}
    return st.fixed_dictionaries({}, optional=every)


@st.composite
def states(draw: st.DrawFn) -> state.State:
    many = draw(st.integers(1, 4))
    listed = [
        {"name": f"p{n}", "title": draw(titles), "description": "", "levers": draw(levers())}
        for n in range(many)
    ]
    question = {**OFFER.start, "policies": listed, "years": draw(st.integers(1, 25))}
    return {"question": question, "place": draw(st.integers(0, many - 1))}


@given(states())
def test_a_link_restores_the_question_exactly(asked: state.State) -> None:
    link = state.link_of(asked)
    assert link.isascii()
    assert link.isprintable()
    packed = link.removeprefix("?q=")
    assert state.state_of_link(packed, OFFER) == asked


@given(st.text(max_size=300))
def test_no_link_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        state.state_of_link(text, OFFER)
    assert "\n" not in str(refused.value)


@given(states(), st.data())
def test_a_damaged_link_is_refused_or_another_question(
    asked: state.State, data: st.DataObject
) -> None:
    packed = state.link_of(asked).removeprefix("?q=")
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(InputError, match="link"):
        state.state_of_link(packed[:cut], OFFER)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"question": 3, "place": 0},
        {"question": {"policies": []}, "place": 0},
        {"question": {"policies": ["shared-risk"]}, "place": 0},
        {"question": {"policies": [{}]}, "place": "0"},
    ],
)
def test_a_link_without_a_question_is_refused(document: Any) -> None:
    packed = base64.urlsafe_b64encode(zlib.compress(json.dumps(document).encode())).decode()
    with pytest.raises(InputError, match="link"):
        state.state_of_link(packed, OFFER)


def test_a_link_that_unpacks_to_too_much_is_refused() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"0" * 5_000_000, 9)).decode()
    with pytest.raises(InputError, match="link"):
        state.state_of_link(bomb, OFFER)
    with pytest.raises(InputError, match="too long"):
        state.state_of_link("A" * 30_000, OFFER)


def test_a_question_too_long_for_a_link_is_refused() -> None:
    rng = np.random.default_rng(1)
    long = {**state.in_hand(START), "description": rng.bytes(20_000).hex()}
    asked = state.with_setting(START, policies=[long])
    with pytest.raises(InputError, match="too long for a link"):
        state.link_of(asked)


@given(levers())
def test_what_a_field_shows_is_what_it_reads(chosen: dict[str, Any]) -> None:
    texts = {name: lever_text(value) for name, value in chosen.items()}
    read = {name: parse_lever(text, "test") for name, text in texts.items()}
    for name, value in chosen.items():
        near = pytest.approx(value, rel=1e-11) if isinstance(value, float) else value
        assert read[name] == near


def test_dated_values_are_shown_as_they_are_typed() -> None:
    dated = [{"from_year": 3, "value": 50.0}, {"from_year": 8, "value": 0.0}]
    assert lever_text(dated) == "50@3,0@8"
    assert parse_lever("50@3,0@8", "test") == dated


def test_a_lever_back_at_the_status_quo_is_left_out() -> None:
    moved = state.with_levers(START, {"max_partners": "4"})
    assert state.in_hand(moved)["levers"]["max_partners"] == 4
    back = state.with_levers(moved, {"max_partners": "10"})
    assert "max_partners" not in state.in_hand(back)["levers"]


def test_a_changed_policy_has_a_name_of_its_own() -> None:
    moved = state.with_levers(START, {"max_partners": "4"})
    was, now = state.in_hand(START), state.in_hand(moved)
    assert now["name"] != was["name"]
    assert now["title"] == f"{was['title']}, changed"
    again = state.with_levers(moved, {"max_partners": "5"})
    assert state.in_hand(again)["name"] == now["name"]
    assert state.in_hand(again)["title"] == now["title"]


def test_policies_come_and_go() -> None:
    now = START
    for _ in range(6):
        now = state.added(now, OFFER.most_policies)
    names = [each["name"] for each in state.policies(now)]
    assert len(names) == len(set(names)) == OFFER.most_policies
    assert now["place"] == OFFER.most_policies - 1
    for _ in range(6):
        now = state.removed(now)
    assert len(state.policies(now)) == 1
    assert now["place"] == 0


@given(states())
def test_names_stay_apart_whatever_is_done(asked: state.State) -> None:
    for name in OFFER.policies:
        started = state.started_from(asked, name, OFFER)
        names = [each["name"] for each in state.policies(started)]
        assert len(set(names)) == len(names)
        assert started["question"]["baseline"]["name"] not in names


def typed(now: state.State, **fields: str) -> Typed:
    question = now["question"]
    numbers = {name: str(question[name]) for name in ("years", "replicates", "seed")}
    setting = {"title": state.in_hand(now)["title"], **numbers}
    shown = {
        name: lever_text(value) for name, value in state.lever_values(state.in_hand(now)).items()
    }
    known = {name: text for name, text in fields.items() if name in shown}
    held = {name: text for name, text in fields.items() if name in parameters(Assumptions)}
    return Typed(shown | known, held, setting | {k: v for k, v in fields.items() if k in setting})


def test_what_stands_in_the_fields_unchanged_changes_nothing() -> None:
    assert as_typed(START, typed(START), OFFER) == START


def test_fields_are_read() -> None:
    now = as_typed(START, typed(START, years="7", risk_transfer="0.2", discount_rate="0.05"), OFFER)
    assert now["question"]["years"] == 7
    assert state.in_hand(now)["levers"]["risk_transfer"] == 0.2
    assert now["question"]["assumptions"]["set"] == {"discount_rate": 0.05}


@pytest.mark.parametrize(
    "field",
    [
        {"years": "soon"}, {"years": "1,5"}, {"years": "0"}, {"replicates": "101"},
        {"seed": "-1"}, {"seed": "9" * 16}, {"risk_transfer": "1@x"},
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_read_is_refused(field: dict[str, str]) -> None:
    with pytest.raises(InputError):
        as_typed(START, typed(START, **field), OFFER)


def test_thousands_may_be_parted() -> None:
    asked = as_typed(START, typed(START, seed="1,234,567"), OFFER)["question"]
    assert asked["seed"] == 1_234_567


@given(states())
def test_no_two_policies_bear_one_title(asked: state.State) -> None:
    apart = state.told_apart(asked)
    question = apart["question"]
    titles = [one["title"] or one["name"] for one in (question["baseline"], *question["policies"])]
    assert len(set(titles)) == len(titles)
    assert state.told_apart(apart) == apart


def test_a_title_says_once_that_a_policy_is_changed() -> None:
    now = START
    for _ in range(3):
        now = state.told_apart(press(now, "add"))
    titles = [one["title"] for one in state.policies(now)]
    assert len(titles) == 4
    assert [title.count("changed") for title in titles] == [0, 1, 1, 1]


def press(now: state.State, what: str, name: str = "", value: str = "") -> state.State:
    return after(Pressed(what, name, value), now, OFFER)


def test_buttons_change_the_question() -> None:
    pooled = press(START, "start", "forced-aggregation")
    assert state.in_hand(pooled)["levers"]["aggregation_mandate"] == 1.0
    assert press(START, "lever", "risk_allocation", "by_control") != START
    assert press(START, "mode", value="fixed")["question"]["assumptions"]["mode"] == "fixed"
    held = press(START, "circumstances", "as-history-happened")
    assert held["question"]["assumptions"]["set"]
    assert press(held, "release")["question"]["assumptions"]["set"] == {}
    against = press(START, "baseline", value="forced-aggregation")
    assert against["question"]["baseline"]["name"] == "forced-aggregation"


@pytest.mark.parametrize(
    "pressed", [("start", "shared-rsk"), ("circumstances", "x"), ("lever", "x"), ("jump", "")]
)
def test_buttons_that_are_not_there_are_refused(pressed: tuple[str, str]) -> None:
    with pytest.raises(InputError):
        press(START, *pressed)


def test_every_lever_stands_under_one_heading() -> None:
    grouped = [name for names in groups.LEVERS.values() for name in names]
    assert sorted(grouped) == sorted(parameters(Levers))
    shown = [lever.name for listed in groups.levers().values() for lever in listed]
    assert sorted(shown) == sorted(live_levers())


def test_every_assumption_stands_under_one_heading() -> None:
    shown = [one.name for listed in groups.assumptions().values() for one in listed]
    assert shown == list(parameters(Assumptions))
    assert all(groups.assumptions().values())
