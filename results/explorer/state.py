"""What is asked on the page: a question, which of its policies is in hand, and how both change.

Everything here is a plain document that a browser can keep. A change returns a new document;
whether the question that it makes is a good one is for the desk to say.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from results.explorer.asking import Document, Offer
from results.store import StoredPolicy
from simulation.assumptions import Assumptions
from simulation.errors import InputError
from simulation.levers import Levers, live_levers, parse_lever
from simulation.parameters import parameters, parse_scalar

LINK = "q"
"""Name under which a link holds its question."""
LONGEST_LINK = 20_000
MOST_BYTES = 200_000
"""Most that a link may unpack to."""
NOT_A_QUESTION = "link: does not hold a question; it may come from another version"
MINE = "my-policy"
CHANGED = ", changed"
SAMPLED, FIXED = "sampled", "fixed"

type State = dict[str, Any]
"""``question``, a document, and ``place``, the position of the policy in hand."""


def first_state(question: Document) -> State:
    """Return the state in which ``question`` is asked and its first policy in hand."""
    return {"question": dict(question), "place": 0}


# Policies


def policies(state: State) -> list[dict[str, Any]]:
    """Return the policies that are compared with the baseline."""
    return list(state["question"]["policies"])


def in_hand(state: State) -> dict[str, Any]:
    """Return the policy in hand."""
    return policies(state)[state["place"]]


def chosen(state: State, place: int) -> State:
    """Take the policy at ``place`` in hand."""
    return {**state, "place": max(0, min(place, len(policies(state)) - 1))}


def added(state: State, most: int) -> State:
    """Add a copy of the policy in hand, under a name of its own, and take it in hand.

    Where there are as many as ``most`` nothing changes.
    """
    listed = policies(state)
    if len(listed) >= most:
        return state
    one = in_hand(state)
    name = _free_name(listed, MINE)
    title = _marked(_title(one))
    copy = {"name": name, "title": title, "description": "", "levers": dict(one["levers"])}
    return {**_with_policies(state, [*listed, copy]), "place": len(listed)}


def removed(state: State) -> State:
    """Remove the policy in hand, unless it is the only one."""
    listed = policies(state)
    if len(listed) == 1:
        return state
    del listed[state["place"]]
    return chosen(_with_policies(state, listed), state["place"])


def started_from(state: State, name: str, offer: Offer) -> State:
    """Make the policy in hand a copy of the bundled one called ``name``."""
    taken = [state["question"]["baseline"], *_others(state)]
    document = document_of(offer.policies[name])
    return _changed(state, **{**document, "name": _free_name(taken, name)})


def document_of(policy: StoredPolicy) -> dict[str, Any]:
    """Return ``policy`` as a question file holds it."""
    return {
        "name": policy.name,
        "title": policy.label,
        "description": policy.description,
        "levers": dict(policy.levers or {}),
    }


def renamed(state: State, title: str) -> State:
    """Give the policy in hand a title."""
    return _changed(state, title=" ".join(title.split())[:100] or in_hand(state)["name"])


def with_levers(state: State, texts: Mapping[str, str]) -> State:
    """Set levers of the policy in hand as they were typed; those of the status quo are left out.

    An empty text is the status quo.

    A policy that no longer is the bundled one whose name it bears gets a name of its own.

    Raises:
        InputError: dated values are not written as such.
    """
    known = live_levers()
    values = lever_values(in_hand(state))
    values |= {
        name: parse_lever(text, _called(name)) if text.strip() else known[name].default
        for name, text in texts.items()
    }
    moved = {name: value for name, value in values.items() if value != known[name].default}
    one = in_hand(state)
    if _alike(moved, one["levers"]):
        return state
    name = one["name"] if one["name"].startswith(MINE) else _free_name(_others(state), MINE)
    return _changed(state, name=name, title=_own_title(one), description="", levers=moved)


def _others(state: State) -> list[dict[str, Any]]:
    return [each for place, each in enumerate(policies(state)) if place != state["place"]]


def lever_values(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return every lever that may be moved as ``policy`` sets it."""
    set_by = policy["levers"]
    return {name: set_by.get(name, lever.default) for name, lever in live_levers().items()}


def _called(name: str) -> str:
    return name.replace("_", " ")


def _own_title(policy: Mapping[str, Any]) -> str:
    title = _title(policy)
    return title if policy["name"].startswith(MINE) else _marked(title)


def _marked(title: str) -> str:
    """Say in a title that its policy is no longer the one that bore it; once is enough."""
    plain = re.sub(r"( \([0-9]+\))$", "", title)
    return plain if plain.endswith(CHANGED) else f"{plain[:80]}{CHANGED}"


def _alike(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    known = parameters(Levers)
    plain = [
        {name: value for name, value in each.items() if value != known[name].default}
        for each in (first, second)
    ]
    return plain[0] == plain[1]


def _changed(state: State, **changes: Any) -> State:
    listed = policies(state)
    listed[state["place"]] = {**listed[state["place"]], **changes}
    return _with_policies(state, listed)


def _with_policies(state: State, listed: Sequence[Mapping[str, Any]]) -> State:
    return {**state, "question": {**state["question"], "policies": list(listed)}}


def _free_name(others: Sequence[Mapping[str, Any]], wanted: str) -> str:
    taken = {each["name"] for each in others}
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def told_apart(state: State) -> State:
    """Number the titles of policies that bear the title of one before them, or the baseline's."""
    taken, titled = [_title(state["question"]["baseline"])], []
    for one in policies(state):
        title = _title(one)
        taken.append(_free_title(taken, title))
        titled.append(one if taken[-1] == title else {**one, "title": taken[-1]})
    return _with_policies(state, titled)


def _title(policy: Mapping[str, Any]) -> str:
    return str(policy.get("title") or policy["name"])


def _free_title(taken: Sequence[str], wanted: str) -> str:
    titles = [wanted, *(f"{wanted[:90]} ({number})" for number in range(2, len(taken) + 3))]
    return next(title for title in titles if title not in taken)


# The rest of the question


def with_setting(state: State, **values: Any) -> State:
    """Set years, seed, replicates or the baseline."""
    return {**state, "question": {**state["question"], **values}}


def with_assumptions(state: State, texts: Mapping[str, str]) -> State:
    """Hold assumptions at what was typed; those of which the text is empty are let go."""
    assumed = state["question"]["assumptions"]
    held = {name: parse_scalar(text.strip()) for name, text in texts.items() if text.strip()}
    known = parameters(Assumptions)
    stays = {name: value for name, value in assumed["set"].items() if name not in texts}
    now = {name: _as_kept(known[name].whole, value) for name, value in held.items()}
    return with_setting(state, assumptions={**assumed, "set": {**stays, **now}})


def with_none_held(state: State) -> State:
    """Let every assumption go that is held."""
    return with_setting(state, assumptions={**state["question"]["assumptions"], "set": {}})


def _as_kept(whole: bool, value: Any) -> Any:
    return float(value) if isinstance(value, int) and not whole else value


def with_mode(state: State, mode: str) -> State:
    """Have assumptions sampled or fixed."""
    return with_setting(state, assumptions={**state["question"]["assumptions"], "mode": mode})


def with_circumstances(state: State, values: Mapping[str, Any]) -> State:
    """Hold the assumptions of a named set at its ``values``, on top of those held."""
    assumed = state["question"]["assumptions"]
    return with_setting(state, assumptions={**assumed, "set": {**assumed["set"], **values}})


# Links


def link_of(state: State) -> str:
    """Return the part of a link that holds the whole of ``state``.

    Raises:
        InputError: it is longer than a link may be.
    """
    text = json.dumps(state, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
    if len(packed) > LONGEST_LINK:
        raise InputError("too long for a link; shorten descriptions, or date fewer levers")
    return f"?{LINK}={packed}"


def state_of_search(search: str, offer: Offer) -> State:
    """Return the state that the end of an address holds, the first one where it holds none.

    Raises:
        InputError: it holds a link that is cut short, changed, too long or not of this explorer.
    """
    packed = parse_qs(search.lstrip("?")).get(LINK, [""])[0]
    return state_of_link(packed, offer) if packed else first_state(offer.start)


def state_of_link(packed: str, offer: Offer) -> State:
    """Return the state that a link holds; whether its question is a good one is not checked.

    Raises:
        InputError: the link is cut short, changed, too long or not of this explorer.
    """
    match _unpacked(packed):
        case {"question": {"policies": [_, *_]} as asked, "place": int(place)}:
            question = {**offer.start, **asked}
            question["policies"] = [_policy_of(one) for one in question["policies"]]
            question["baseline"] = _policy_of(question["baseline"])
            question["assumptions"] = _assumed_of(question["assumptions"])
            return chosen({"question": question, "place": 0}, place)
    raise InputError(NOT_A_QUESTION)


def _policy_of(document: Any) -> dict[str, Any]:
    match document:
        case {"name": str(), **rest} if isinstance(rest.get("levers", {}), dict):
            known: dict[str, Any] = {"title": "", "description": "", "levers": {}, **document}
            if isinstance(known["title"], str):
                return known
    raise InputError(NOT_A_QUESTION)


def _assumed_of(document: Any) -> dict[str, Any]:
    match document:
        case {"mode": str(), "set": {}}:
            return dict(document)
    raise InputError(NOT_A_QUESTION)


def _unpacked(packed: str) -> Any:
    if len(packed) > LONGEST_LINK:
        raise InputError(f"link: too long; at most {LONGEST_LINK:,} characters")
    try:
        raw = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(raw, MOST_BYTES)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise ValueError("cut short or too long")
        return json.loads(text)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        raise InputError("link: damaged; it may have been cut short when it was copied") from None
