"""What the explorer's server makes of changes of the question, and of what no page would send."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.explorer import state
from results.explorer.app import create_app
from simulation.levers import live_levers
from tests.small_questions import watched

DESK, _ = watched()
CLIENT = create_app(DESK).server.test_client()
FIRST: dict[str, Any] = {"link": "", "ticket": "", "to": ""}


def ask(**change: Any) -> dict[str, Any]:
    """Send a change, and return what becomes of the page."""
    answer = CLIENT.post("/ask", json=change)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.get_json()
    return document


def after(first: dict[str, Any], **change: Any) -> dict[str, Any]:
    """Return what becomes of a page on which ``first`` was asked before."""
    return ask(link=first["link"], ticket=first["ticket"], **change)


def typed(lever: str, text: str) -> dict[str, Any]:
    return {"levers": {lever: text}, "assumptions": {}, "setting": {}}


def shown(answer: dict[str, Any]) -> state.State:
    return state.state_of_search(answer["link"], DESK.offer)


@pytest.fixture(scope="module")
def first() -> dict[str, Any]:
    return ask(**FIRST)


def test_the_first_question_comes_with_all_that_can_be_moved(first: dict[str, Any]) -> None:
    panels = first["panels"]
    assert first["message"] == ""
    assert first["policies"] == ["status-quo", "mine"]
    numbers = [lever for lever in live_levers().values() if not lever.choices]
    assert panels["levers"].count('type="range"') == len(numbers)
    assert '<option value="Borsetshire">' in panels["councils"]
    assert shown(first) == state.first_state(DESK.offer.start)


def test_what_is_typed_is_asked_and_leaves_its_field_alone(first: dict[str, Any]) -> None:
    answer = after(first, typed=typed("risk_transfer", "0.9"))
    assert state.in_hand(shown(answer))["levers"] == {"risk_transfer": 0.9}
    assert answer["ticket"] != first["ticket"]
    assert "levers" not in answer["panels"]


def test_the_way_back_brings_the_question_and_its_controls(first: dict[str, Any]) -> None:
    moved = after(first, typed=typed("risk_transfer", "0.9"))
    back = after(moved, to=first["link"])
    assert back["link"] == first["link"]
    assert 'value="0.3"' in back["panels"]["levers"]


def test_a_question_that_stays_the_same_keeps_its_ticket(first: dict[str, Any]) -> None:
    again = after(first, typed=typed("risk_transfer", "0.30"))
    assert (again["ticket"], again["link"]) == (first["ticket"], first["link"])
    assert 'value="0.3"' in again["panels"]["levers"]
    assert after(first, typed=typed("risk_transfer", "0.3"))["panels"] == {}


def test_an_emptied_field_is_the_status_quo(first: dict[str, Any]) -> None:
    answer = after(first, typed=typed("risk_transfer", " "))
    assert state.in_hand(shown(answer))["levers"] == {}
    assert 'value="0.6"' in answer["panels"]["levers"]


def test_what_is_held_is_counted_and_can_be_let_go(first: dict[str, Any]) -> None:
    one, two = (
        {"levers": {}, "assumptions": {name: "0.05"}, "setting": {}}
        for name in ("discount_rate", "common_error")
    )
    held = after(after(first, typed=one), typed=two)
    assert set(shown(held)["question"]["assumptions"]["set"]) == {"discount_rate", "common_error"}
    assert ", 1 held)" in held["panels"]["assumptions"]
    free = after(held, pressed={"do": "release"})
    assert shown(free)["question"]["assumptions"]["set"] == {}


def test_a_dated_choice_is_told(first: dict[str, Any]) -> None:
    now = shown(first)
    dated = [{"from_year": 2, "value": "by_control"}]
    question = state.with_setting(now, years=3)
    one = {**state.in_hand(question), "levers": {"risk_allocation": dated}}
    question["question"]["policies"] = [one]
    answer = after(first, to=state.link_of(question))
    assert "Dated: by_control@2." in answer["panels"]["levers"]


def test_a_question_that_is_not_known_any_more_is_asked_anew(first: dict[str, Any]) -> None:
    answer = ask(link=first["link"], ticket="of-another-server", to=first["link"])
    assert answer["ticket"] != "of-another-server"
    assert CLIENT.get("/standing/of-another-server").get_json()["lost"]


@pytest.mark.parametrize(
    "change",
    [
        {"typed": typed("risk_transfer", "7")},
        {"typed": typed("risk_transfr", "0.5")},
        {"typed": {"levers": {}, "assumptions": {"x": "1"}, "setting": {}}},
        {"typed": {"levers": {}, "assumptions": {}, "setting": {"years": "soon"}}},
        {"typed": {"levers": {}, "assumptions": {}, "setting": {"years": "1" * 5000}}},
        {"typed": typed("risk_transfer", "0.5@" + "1" * 5000)},
        {"pressed": {"do": "policy", "name": "1" * 5000}},
        {"pressed": {"do": "jump"}},
        {"pressed": {"do": "lever", "name": "risk_transfr", "value": "1"}},
        {"to": "?q=nonsense"},
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(
    first: dict[str, Any], change: dict[str, Any]
) -> None:
    answer = after(first, **change)
    assert list(answer) == ["message"]
    assert answer["message"].startswith("<p><strong>Not asked.</strong> ")


def test_a_refusal_speaks_as_the_page_does(first: dict[str, Any]) -> None:
    answer = after(first, typed=typed("risk_transfer", "7"))
    assert "&#x27;Mine&#x27;: Risk transfer = 7: must be a number from 0 to 1" in answer["message"]


def test_a_refusal_repeats_nothing_harmful(first: dict[str, Any]) -> None:
    answer = after(first, typed=typed("risk_transfer", "<img src=x onerror=alert(1)>"))
    assert "<img" not in answer["message"]
    assert "&lt;img" in answer["message"]


def test_a_bad_link_at_first_is_told_beside_the_first_question() -> None:
    answer = ask(link="", ticket="", to="?q=nonsense")
    assert "link: damaged" in answer["message"]
    assert shown(answer) == state.first_state(DESK.offer.start)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["link", "ticket", "typed", "pressed", "to"]), documents))
def test_no_document_breaks_the_server(document: dict[str, Any]) -> None:
    assert CLIENT.post("/ask", json=document).status_code in (200, 400)


@given(
    st.sampled_from(["baseline", "policies", "assumptions", "years", "outcomes", "seed"]),
    documents | st.lists(st.fixed_dictionaries({"name": st.text(max_size=3)}), max_size=2),
)
def test_no_question_in_a_link_breaks_the_server(name: str, document: Any) -> None:
    asked = state.with_setting(state.first_state(DESK.offer.start), **{name: document})
    assert ask(link="", ticket="", to=state.link_of(asked))["link"]


@pytest.mark.parametrize("body", ["", "{", "[1]", "null"])
def test_what_is_no_change_is_refused(body: str) -> None:
    assert CLIENT.post("/ask", data=body, content_type="application/json").status_code == 400
    assert CLIENT.post("/ask", data=body).status_code == 415
