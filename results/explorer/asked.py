"""From what was pressed or typed on the page to the next question."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from results.explorer import state
from results.explorer.asking import Offer
from results.explorer.state import State
from simulation.assumptions import Assumptions
from simulation.errors import InputError, did_you_mean
from simulation.levers import live_levers
from simulation.parameters import parameters

WHOLE: Mapping[str, Callable[[Offer], tuple[int, int]]] = {
    "years": lambda offer: (1, offer.most_years),
    "replicates": lambda offer: (1, offer.most_replicates),
    "seed": lambda offer: (0, offer.most_seed),
}
"""Settings that are whole numbers, the least and the most of each."""
LONGEST_NUMBER = 30


@dataclass(frozen=True)
class Typed:
    """What was entered in fields, by the name of each.

    Attributes:
        levers: those of the policy in hand that are numbers; empty for the status quo.
        assumptions: figures at which assumptions are held; empty where they are not.
        setting: ``title``, ``years``, ``replicates`` and ``seed``.
    """

    levers: Mapping[str, str]
    assumptions: Mapping[str, str]
    setting: Mapping[str, str]


@dataclass(frozen=True)
class Pressed:
    """The button that was pressed: what it does, to what, and the value that it gives."""

    do: str
    name: str = ""
    value: str = ""


def as_typed(now: State, typed: Typed, offer: Offer) -> State:
    """Return the state that the fields say.

    Raises:
        InputError: a field does not hold what it should, or there is none by its name.
    """
    for names, known, what in (
        (typed.levers, live_levers(), "lever"),
        (typed.assumptions, parameters(Assumptions), "assumption"),
        (typed.setting, {"title", *WHOLE}, "setting"),
    ):
        for name in names:
            _check(name, known, what)
    changed = state.with_levers(now, typed.levers)
    title = typed.setting.get("title", state.in_hand(now)["title"])
    if title != state.in_hand(now)["title"]:
        changed = state.renamed(changed, title)
    changed = state.with_assumptions(changed, typed.assumptions)
    whole = {
        name: _whole(name, typed.setting[name], *span(offer))
        for name, span in WHOLE.items()
        if name in typed.setting
    }
    return state.with_setting(changed, **whole)


def _whole(name: str, text: str, least: int, most: int) -> int:
    plain = text.strip()
    grouped = re.fullmatch(r"[0-9]+|[0-9]{1,3}(,[0-9]{3})+", plain)
    if (
        not grouped
        or len(plain) > LONGEST_NUMBER
        or not least <= (value := int(plain.replace(",", ""))) <= most
    ):
        raise InputError(
            f"{name} = {text[:40]!r}: must be a whole number from {least:,} to {most:,}"
        )
    return value


def after(pressed: Pressed, now: State, offer: Offer) -> State:
    """Return the state after a button was pressed.

    Raises:
        InputError: there is nothing by the name that it gives.
    """
    name, value = pressed.name, pressed.value
    match pressed.do:
        case "policy" if name.isdecimal() and len(name) < LONGEST_NUMBER:
            return state.chosen(now, int(name))
        case "add":
            return state.added(now, offer.most_policies)
        case "remove":
            return state.removed(now)
        case "start":
            _check(name, offer.policies, "policy")
            return state.started_from(now, name, offer)
        case "lever":
            _check(name, live_levers(), "lever")
            return state.with_levers(now, {name: value})
        case "mode":
            return state.with_mode(now, value)
        case "circumstances":
            _check(name, offer.circumstances, "set of assumptions")
            return state.with_circumstances(now, offer.circumstances[name][2])
        case "release":
            return state.with_none_held(now)
        case "baseline":
            return _with_baseline(now, value, offer)
    raise InputError(f"no such button: {pressed.do!r}")


def _with_baseline(now: State, name: str, offer: Offer) -> State:
    if name == now["question"]["baseline"]["name"]:
        return now
    _check(name, offer.policies, "policy")
    return state.with_setting(now, baseline=state.document_of(offer.policies[name]))


def _check(name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        raise InputError(f"no {what} is called {name!r}{did_you_mean(name, known)}")
