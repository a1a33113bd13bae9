"""What becomes of the page when something on it is moved: the question changes, or is refused.

The page keeps its question as a link that holds it whole; the server keeps nothing of a page.
"""

import re
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from pydantic import BaseModel, ValidationError

from results.explorer import controls, state
from results.explorer.asked import Pressed, Typed, after, as_typed
from results.explorer.asking import Desk
from results.page import escape
from simulation.errors import InputError

MOST_SAID = 600


class Change(BaseModel, frozen=True):
    """A change of the question, as the page sends it.

    Attributes:
        link: holds the question as the page knows it; empty before the first.
        ticket: of that question; empty before the first.
        typed: what stands in the fields, None where they are not to be read.
        pressed: the button that was pressed.
        to: link that holds the question to go to; empty for the one that is asked first.
    """

    link: str
    ticket: str
    typed: Typed | None = None
    pressed: Pressed | None = None
    to: str | None = None


def serve_questions(server: Flask, desk: Desk) -> None:
    """Let ``server`` take changes of questions, and pose them to ``desk``."""

    @server.post("/ask")
    def ask() -> Response:
        try:
            change = Change.model_validate(request.get_json())
        except ValidationError:
            abort(400)
        return jsonify(answered(desk, change))


def answered(desk: Desk, change: Change) -> dict[str, Any]:
    """Return what becomes of the page: a message, and what changes unless it was refused.

    ``panels`` holds the HTML of those parts of the page that are to be drawn anew.
    """
    now = state.first_state(desk.offer.start)
    try:
        now = state.state_of_search(change.link, desk.offer)
        return _posed(desk, change, now, _wanted(desk, change, now))
    except InputError as error:
        message = _refusal(str(error), now)
    if change.ticket:
        return {"message": message}
    return {**_posed(desk, change, now, now), "message": message}


def _wanted(desk: Desk, change: Change, now: state.State) -> state.State:
    if change.to is not None:
        return state.state_of_search(change.to, desk.offer)
    wanted = as_typed(now, change.typed, desk.offer) if change.typed else now
    return after(change.pressed, wanted, desk.offer) if change.pressed else wanted


def _posed(desk: Desk, change: Change, now: state.State, wanted: state.State) -> dict[str, Any]:
    apart = state.told_apart(wanted)
    checked = {**apart, "question": desk.check(apart["question"])}
    question = checked["question"]
    same = bool(change.ticket) and question == now["question"]
    return {
        "message": "",
        "link": state.link_of(checked),
        "ticket": change.ticket if same else desk.pose(question, change.ticket),
        "policy": state.in_hand(checked)["name"],
        "policies": [each["name"] for each in (question["baseline"], *question["policies"])],
        "panels": _panels(desk, change, now, checked),
    }


def _panels(desk: Desk, change: Change, before: state.State, now: state.State) -> dict[str, str]:
    """Return the parts that are drawn anew: none of the fields in which something was typed."""
    offer = desk.offer
    panels: dict[str, str] = {}
    drawn = bool(change.pressed) or change.to is not None
    if drawn or state.in_hand(now) != state.in_hand(before):
        panels |= {"policies": controls.policy_bar(now, offer), "tellers": controls.tellers(now)}
    if drawn:
        panels |= {
            "levers": controls.lever_panel(now),
            "assumptions": controls.assumption_panel(now, offer),
            "setting": controls.setting_panel(now, offer),
            "outcomes": controls.outcomes(now),
        }
    return panels if change.ticket else panels | {"councils": controls.councils(offer)}


def _refusal(words: str, now: state.State) -> str:
    plain = _with_titles(words.removeprefix("question: "), now)[:MOST_SAID]
    return f"<p><strong>Not asked.</strong> {escape(plain)}</p>"


def _with_titles(words: str, now: state.State) -> str:
    """Return ``words`` in which a policy has its title, not its place in the question's file."""
    titles = [each["title"] or each["name"] for each in state.policies(now)]

    def title(found: re.Match[str]) -> str:
        place = int(found[1])
        return f"{titles[place]!r}" if place < len(titles) else found[0]

    return re.sub(r"policies\[([0-9]{1,3})\]", title, words)
