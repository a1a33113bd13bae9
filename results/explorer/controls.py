"""The controls of the question as HTML: policies, levers, assumptions and the setting.

The page's script puts them where they belong, and tells the server when one of them is moved. They
are no parts of the Dash application, which would look at each of them again at every change.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from results.explorer import groups, state
from results.explorer.asking import Offer
from results.words import lever_words
from simulation.levers import lever_text
from simulation.outcomes import OUTCOMES
from simulation.parameters import Parameter

MODES = {state.SAMPLED: "drawn from their ranges", state.FIXED: "fixed"}
STEPS = 100
"""Positions of a slider, about."""


def policy_bar(now: state.State, offer: Offer) -> str:
    """Return one button a policy, those to add and remove one, and the title of the one in hand."""
    return _made("policies", now["question"], now["place"], offer)


def lever_panel(now: state.State) -> str:
    """Return every lever that may be moved, under its heading."""
    values = state.lever_values(state.in_hand(now))
    return _made("levers", groups.levers(), values, groups.SOURCES)


def assumption_panel(now: state.State, offer: Offer) -> str:
    """Return how assumptions stand: sampled or fixed, and those that are held."""
    assumed = now["question"]["assumptions"]
    return _made("assumptions", groups.assumptions(), assumed, MODES, offer)


def setting_panel(now: state.State, offer: Offer) -> str:
    """Return years, replications, seed and baseline."""
    question = now["question"]
    baseline = question["baseline"]
    baselines = {baseline["name"]: baseline["title"]}
    baselines |= {name: one.label for name, one in offer.policies.items()}
    numbers = {
        "years": ("Years from April 2006", 1, offer.most_years),
        "replicates": ("Replications", 1, offer.most_replicates),
        "seed": ("Seed of the luck", 0, offer.most_seed),
    }
    return _made("setting", question, offer, baselines, numbers)


def tellers(now: state.State) -> str:
    """Return buttons that choose under which policy a council's story is told."""
    question = now["question"]
    policies = [question["baseline"], *question["policies"]]
    titles = {each["name"]: each["title"] or each["name"] for each in policies}
    return _made("choices_of", "Policy of the story", "teller", titles, state.in_hand(now)["name"])


def outcomes(now: state.State) -> str:
    """Return buttons that choose of which outcome the spread is shown."""
    titles = {name: OUTCOMES[name].title for name in now["question"]["outcomes"]}
    return _made("choices_of", "Outcome", "outcome", titles, next(iter(titles)))


def councils(offer: Offer) -> str:
    """Return the councils among which the field for a story offers some while one is typed."""
    return _made("options", offer.councils)


# What the templates make use of


@dataclass(frozen=True)
class Slider:
    """What a slider shows: its ends, its step, where it is and where the status quo is marked.

    ``mark`` is a part of the way from the low end; empty where the status quo is no number. What is
    ``dated`` has no one place.
    """

    low: str
    high: str
    step: str
    at: str
    mark: str
    dated: bool


def slider_of(lever: Parameter, value: Any) -> Slider:
    """Return the slider of a lever that stands at ``value``, a number or what is no number."""
    low, high = lever.sweep or (0.0, 1.0)
    usual = lever.default
    return Slider(
        low=f"{low:.12g}",
        high=f"{high:.12g}",
        step=f"{_step(lever, low, high):.12g}",
        at=f"{value:.12g}" if isinstance(value, int | float) else "",
        mark=f"{(usual - low) / (high - low):.4f}" if isinstance(usual, int | float) else "",
        dated=isinstance(value, list),
    )


def _step(lever: Parameter, low: float, high: float) -> float:
    if lever.whole:
        return 1
    rough = (high - low) / STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    return float(min(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999))


def _identity(kind: str, name: str) -> str:
    """Return the id of the field of one parameter or setting."""
    return _written({"kind": kind, "name": name})


def _action(what: str, name: str = "", value: str = "") -> str:
    """Return the id of a button, which says how it changes the question."""
    return _written({"do": what, "name": name, "value": value})


def _written(identity: Mapping[str, str]) -> str:
    return json.dumps(identity, separators=(",", ":"))


def _choices(lever: Parameter) -> dict[str, str]:
    return {each: each.replace("_", " ") for each in lever.choices or ()}


def _usual(one: Parameter) -> str:
    """Return what stands where nothing is held."""
    if one.distribution == "fixed" or one.sweep is None:
        return lever_words(one.default)
    return f"{one.sweep[0]:g} to {one.sweep[1]:g}"


_TEMPLATES = Environment(
    loader=PackageLoader("results.explorer"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "action": _action,
    "choices": _choices,
    "identity": _identity,
    "idle_words": groups.idle,
    "lever_text": lever_text,
    "lever_words": lever_words,
    "slider_of": slider_of,
    "title": groups.title,
    "usual": _usual,
}
_MACROS = _TEMPLATES.get_template("controls.html").module


def _made(macro: str, *about: Any) -> str:
    return str(getattr(_MACROS, macro)(*about))
