"""The left side of the page: policies, levers, assumptions and the setting of the question."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dash import dcc, html

from results.explorer import groups, state
from results.explorer.asking import Offer
from results.words import lever_words
from simulation.levers import lever_text
from simulation.parameters import Parameter

STEPS = 100
"""Positions of a slider, about."""
DRAG_SECONDS = 0.15
"""How long a slider must rest before its value is taken."""

type Children = Sequence[Any]


def identity(kind: str, name: str) -> dict[str, str]:
    """Return the id of the control of one parameter."""
    return {"kind": kind, "name": name}


def written(wanted: Mapping[str, str]) -> str:
    """Return an id as the page's elements bear it."""
    return json.dumps(wanted, sort_keys=True, separators=(",", ":"))


# Policies


def policy_bar(now: state.State, offer: Offer) -> Children:
    """Return one button a policy, those to add and remove one, and the title of the one in hand."""
    listed = state.policies(now)
    return [
        html.Div(
            [
                *(_policy_button(place, one, now) for place, one in enumerate(listed)),
                html.Button(
                    "Add", id="add", className="quiet", disabled=len(listed) == offer.most_policies,
                    title=f"Compare one more; {offer.most_policies} at most",
                ),
                html.Button(
                    "Remove", id="remove", className="quiet", disabled=len(listed) == 1,
                    title="Leave out the policy in hand",
                ),
            ],
            className="policies", role="group", **{"aria-label": "Policies compared"},
        ),
        *_named(now, offer),
    ]  # fmt: skip


def _policy_button(place: int, policy: Mapping[str, Any], now: state.State) -> Any:
    current = place == now["place"]
    return html.Button(
        [html.Span(className=f"swatch swatch-{place + 1}", **{"aria-hidden": "true"}),
         policy["title"] or policy["name"]],
        id=identity("policy", str(place)),
        className="policy current" if current else "policy",
        **{"aria-pressed": "true" if current else "false"},
    )  # fmt: skip


def _named(now: state.State, offer: Offer) -> Children:
    options = [{"label": one.label, "value": name} for name, one in offer.policies.items()]
    return [
        html.Div(
            [
                html.Label("Title", htmlFor="title"),
                dcc.Input(
                    id="title", value=state.in_hand(now)["title"], debounce=True, maxLength=100,
                    type="text", autoComplete="off",
                ),
            ],
            className="row",
        ),
        html.Div(
            [
                html.Label("Start from", id="start-label", htmlFor="start"),
                choice("start", options, None, "choose a policy"),
            ],
            className="row",
        ),
    ]  # fmt: skip


def choice(
    name: str, options: Sequence[Mapping[str, str]], value: str | None, words: str = ""
) -> Any:
    """Return a list from which one is chosen."""
    return dcc.Dropdown(
        id=name, options=list(options), value=value, placeholder=words, clearable=False,
        searchable=False,
    )  # fmt: skip


# Levers


def lever_panel(now: state.State) -> Children:
    """Return every lever that may be moved, under its heading."""
    values = state.lever_values(state.in_hand(now))
    return [
        html.Fieldset(
            [html.Legend(heading), *(_lever(one, values[one.name]) for one in listed)],
            className="group",
        )
        for heading, listed in groups.levers().items()
    ]


def _lever(lever: Parameter, value: Any) -> Any:
    control = _options(lever, value) if lever.choices else _slider(lever, value)
    return html.Div(
        control,
        className="lever moved" if value != lever.default else "lever",
        id=identity("lever-box", lever.name),
    )


def _about(lever: Parameter) -> Any:
    unit = f"; {lever.unit}" if lever.unit else ""
    return html.P(
        [
            f"{lever.meaning}{unit}. ",
            html.Span(f"Status quo: {lever_words(lever.default)}. ", className="status-quo"),
            html.Span(f"Source: {lever.source}", className="source"),
        ],
        id=written(identity("about", lever.name)),
        className="about",
    )


def _slider(lever: Parameter, value: Any) -> Children:
    low, high = lever.sweep or (0.0, 1.0)
    label = written(identity("lever", lever.name))
    shown = value if isinstance(value, int | float) else low
    return [
        html.Div(
            [
                html.Label(groups.title(lever), htmlFor=label),
                dcc.Input(
                    id=identity("lever", lever.name), value=lever_text(value), debounce=True,
                    type="text", className="field", autoComplete="off", inputMode="decimal",
                    maxLength=200,
                ),
            ],
            className="row",
        ),
        html.Div(
            [
                dcc.Input(
                    id=identity("slider", lever.name), type="range", min=low, max=high,
                    step=_step(lever), value=min(max(shown, low), high), debounce=DRAG_SECONDS,
                    className="slider",
                ),
                _mark(lever, low, high),
            ],
            className="track",
        ),
        _about(lever),
    ]  # fmt: skip


def _mark(lever: Parameter, low: float, high: float) -> Any:
    """Return the mark of the status quo beside the slider, nothing where it is no number."""
    if not isinstance(lever.default, int | float):
        return None
    part = (lever.default - low) / (high - low)
    return html.Span(
        className="mark", title=f"Status quo: {lever_words(lever.default)}",
        style={"--part": f"{part:.4f}"}, **{"aria-hidden": "true"},
    )  # fmt: skip


def _step(lever: Parameter) -> float:
    if lever.whole:
        return 1
    low, high = lever.sweep or (0.0, 1.0)
    rough = (high - low) / STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    return float(min(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999))


def _options(lever: Parameter, value: Any) -> Children:
    return [
        html.Fieldset(
            [
                html.Legend(groups.title(lever)),
                dcc.RadioItems(
                    id=identity("lever", lever.name),
                    options=[
                        {"label": each.replace("_", " "), "value": each} for each in lever.choices
                    ],
                    value=value, inline=True,
                ),
            ],
            className="options",
        ),
        _about(lever),
    ]  # fmt: skip


# Assumptions


def assumption_panel(now: state.State, offer: Offer) -> Children:
    """Return how assumptions stand: sampled or fixed, and those that are held."""
    assumed = now["question"]["assumptions"]
    held = assumed["set"]
    sets = [{"label": one[0], "value": name} for name, one in offer.circumstances.items()]
    return [
        html.P(
            "Assumptions are what no policy sets. Those with a range are drawn anew for each "
            "replication, or stand at their middle where they are fixed. A figure typed here holds "
            "one for every policy.",
            className="about",
        ),
        html.Fieldset(
            [
                html.Legend("In each replication"),
                dcc.RadioItems(
                    id="mode", inline=True, value=assumed["mode"],
                    options=[
                        {"label": "drawn from their ranges", "value": state.SAMPLED},
                        {"label": "fixed", "value": state.FIXED},
                    ],
                ),
            ],
            className="options",
        ),
        html.Div(
            [html.Label("Hold a named set", id="circumstances-label", htmlFor="circumstances"),
             choice("circumstances", sets, None, "choose a set")],
            className="row",
        ),
        html.Button("Hold none", id="release", className="quiet", disabled=not held),
        *_assumption_groups(held),
    ]  # fmt: skip


def _assumption_groups(held: Mapping[str, Any]) -> Iterable[Any]:
    for heading, listed in groups.assumptions().items():
        many = sum(one.name in held for one in listed)
        words = f"{heading} ({len(listed)}{f', {many} held' if many else ''})"
        yield html.Details(
            [html.Summary(words), *(_assumption(one, held) for one in listed)],
            open=bool(many),
            className="group",
        )


def _assumption(one: Parameter, held: Mapping[str, Any]) -> Any:
    value = lever_text(held[one.name]) if one.name in held else ""
    return html.Div(
        [
            html.Div(
                [
                    html.Label(
                        groups.title(one), htmlFor=written(identity("assumption", one.name))
                    ),
                    dcc.Input(
                        id=identity("assumption", one.name), value=value, debounce=True,
                        type="text", className="field", placeholder=_usual(one),
                        autoComplete="off", maxLength=50,
                    ),
                ],
                className="row",
            ),
            html.P(_meaning(one), className="about"),
        ],
        className="lever moved" if value else "lever",
    )  # fmt: skip


def _usual(one: Parameter) -> str:
    """Return what stands where nothing is held."""
    if one.distribution == "fixed" or one.sweep is None:
        return lever_words(one.default)
    return f"{one.sweep[0]:g} to {one.sweep[1]:g}"


def _meaning(one: Parameter) -> str:
    unit = f"; {one.unit}" if one.unit else ""
    drawn = "" if one.distribution == "fixed" else f" Middle: {lever_words(one.default)}."
    return f"{one.meaning}{unit}.{drawn} Source: {one.source}"


# The setting


def setting_panel(now: state.State, offer: Offer) -> Children:
    """Return years, replications, seed and baseline."""
    question = now["question"]
    known = {one.label: name for name, one in offer.policies.items()}
    baseline = question["baseline"]
    own = {} if baseline["name"] in known.values() else {baseline["title"]: baseline["name"]}
    options = [{"label": label, "value": name} for label, name in (known | own).items()]
    return [
        html.P(f"Councils: {offer.register}.", className="about"),
        html.Div(
            [html.Label("Baseline", id="baseline-label", htmlFor="baseline"),
             choice("baseline", options, baseline["name"])],
            className="row",
        ),
        _whole("years", "Years from April 2006", question["years"], offer.most_years),
        _whole("replicates", "Replications", question["replicates"], offer.most_replicates),
        _whole("seed", "Seed of the luck", question["seed"], 2**53 - 1, 0),
    ]  # fmt: skip


def _whole(name: str, words: str, value: int, most: int, least: int = 1) -> Any:
    return html.Div(
        [
            html.Label(words, htmlFor=name),
            dcc.Input(
                id=name, type="text", inputMode="numeric", value=str(value), debounce=True,
                className="field", maxLength=16, autoComplete="off",
                title=f"A whole number from {least:,} to {most:,}",
            ),
        ],
        className="row",
    )  # fmt: skip
