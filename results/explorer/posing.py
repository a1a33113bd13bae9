"""What becomes of the page when something on it is moved: the question changes, or is refused.

The page keeps its question as a link that holds it whole; the server keeps nothing of a page.
"""

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from pydantic import BaseModel, ValidationError

from results.explorer import controls, groups, state
from results.explorer.asked import Pressed, Typed, after, as_typed
from results.explorer.asking import Desk
from results.page import escape
from simulation.assumptions import Assumptions
from simulation.errors import InputError
from simulation.levers import Levers, lever_text
from simulation.parameters import parameters

MOST_SAID = 600


class Change(BaseModel, frozen=True):
    """A change of the question, as the page sends it.

    Attributes:
        link: holds the question as the page knows it; empty before the first.
        ticket: of that question; empty before the first.
        typed: what was entered in fields since the last change.
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
    question, link = checked["question"], state.link_of(checked)
    same = question == now["question"] and _is_known(desk, change.ticket)
    return {
        "message": "",
        "link": link,
        "ticket": change.ticket if same else desk.pose(question, change.ticket),
        "policy": state.in_hand(checked)["name"],
        "policies": [each["name"] for each in (question["baseline"], *question["policies"])],
        "panels": _panels(desk, change, now, checked),
    }


def _is_known(desk: Desk, ticket: str) -> bool:
    try:
        desk.standing(ticket)
    except InputError:
        return False
    return True


def _panels(desk: Desk, change: Change, before: state.State, now: state.State) -> dict[str, str]:
    """Return the parts that are drawn anew: those that do not show what is asked already.

    What was typed shows itself in its field, unless the question says the same in other words.
    """
    offer, typed = desk.offer, change.typed
    asked, policy = now["question"], state.in_hand(now)
    drawn = bool(change.pressed) or change.to is not None
    panels: dict[str, str] = {}
    if drawn or policy != state.in_hand(before) or (typed and "title" in typed.setting):
        panels |= {"policies": controls.policy_bar(now, offer), "tellers": controls.tellers(now)}
    if drawn or (typed and not _shows(typed.levers, state.lever_values(policy))):
        panels["levers"] = controls.lever_panel(now)
    if drawn or asked["assumptions"] != before["question"]["assumptions"]:
        panels["assumptions"] = controls.assumption_panel(now, offer)
    if drawn or (
        typed and not _shows(typed.setting, asked | {"title": typed.setting.get("title")})
    ):
        panels["setting"] = controls.setting_panel(now, offer)
    if drawn:
        panels["outcomes"] = controls.outcomes(now)
    return panels if change.ticket else panels | {"councils": controls.councils(offer)}


def _shows(texts: Mapping[str, str], values: Mapping[str, Any]) -> bool:
    """Say whether fields in which ``texts`` were typed show the ``values`` that are asked."""
    return all(text == lever_text(values[name]) for name, text in texts.items())


def _refusal(words: str, now: state.State) -> str:
    plain = _with_titles(words.removeprefix("question: "), now)[:MOST_SAID]
    return f"<p><strong>Not asked.</strong> {escape(plain)}</p>"


def _with_titles(words: str, now: state.State) -> str:
    """Return ``words`` in which policies, levers and assumptions have the titles of the page."""
    policies = [each["title"] or each["name"] for each in state.policies(now)]
    known = {**parameters(Levers), **parameters(Assumptions)}

    def policy(found: re.Match[str]) -> str:
        place = int(found[1])
        return f"{policies[place]!r}" if place < len(policies) else found[0]

    def parameter(found: re.Match[str]) -> str:
        one = known.get(found[1])
        return f"{groups.title(one)} = " if one else found[0]

    told = re.sub(r"policies\[([0-9]{1,3})\]", policy, words)
    return re.sub(r"(?:lever |assumption )?\b([a-z_]+) = ", parameter, told)
