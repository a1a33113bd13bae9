"""The left side of the page: policies, levers, assumptions and the setting of the question."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dash import dcc, html

from results.explorer import groups, state
from results.explorer.asking import Offer
from results.explorer.parts import UNSAID, kept, labelled, pressed
from results.words import lever_words
from simulation.levers import lever_text
from simulation.outcomes import OUTCOMES
from simulation.parameters import Parameter

MODES = {state.SAMPLED: "drawn from their ranges", state.FIXED: "fixed"}
STEPS = 100
"""Positions of a slider, about."""

type Children = Sequence[Any]


def identity(kind: str, name: Any) -> dict[str, Any]:
    """Return the id of the control of one parameter."""
    return {"kind": kind, "name": name}


def action(what: str, name: str = "", value: str = "") -> dict[str, Any]:
    """Return the id of a button that changes the question."""
    return {"do": what, "name": name, "value": value}


def written(wanted: Mapping[str, str]) -> str:
    """Return an id as the page's elements bear it."""
    return json.dumps(wanted, sort_keys=True, separators=(",", ":"))


def picks(words: str, what: str, name: str, options: Mapping[str, str], value: str | None) -> Any:
    """Return buttons that change the question, of which one is down; titles by value."""
    return _group(
        words, {title: (action(what, name, each), each == value) for each, title in options.items()}
    )


def tellers(now: state.State) -> Any:
    """Return buttons that choose under which policy a council's story is told."""
    question = now["question"]
    policies = [question["baseline"], *question["policies"]]
    titles = {each["name"]: each["title"] or each["name"] for each in policies}
    return _choices("Policy of the story", "teller", titles, state.in_hand(now)["name"])


def outcomes(now: state.State) -> Any:
    """Return buttons that choose of which outcome the spread is shown."""
    titles = {name: OUTCOMES[name].title for name in now["question"]["outcomes"]}
    return _choices("Outcome", "outcome", titles, next(iter(titles)))


def _choices(words: str, what: str, titles: Mapping[str, str], usual: str) -> Any:
    """Return buttons that choose what is looked at; the page's script presses one of them."""
    return html.Div(
        [
            html.Button(title, className="pick", **kept(name=name))
            for name, title in titles.items()
        ],
        className="picks", role="group", **labelled(words), **kept(pick=what, usual=usual),
    )  # fmt: skip


def _group(words: str, buttons: Mapping[str, tuple[dict[str, Any], bool]]) -> Any:
    return html.Div(
        [_pick(title, *about) for title, about in buttons.items()],
        className="picks",
        role="group",
        **labelled(words),
    )


def _pick(title: str, identity: dict[str, Any], down: bool) -> Any:
    return html.Button(title, id=identity, className="pick", **pressed(down))


# Policies


def policy_bar(now: state.State, offer: Offer) -> Children:
    """Return one button a policy, those to add and remove one, and the title of the one in hand."""
    listed = state.policies(now)
    return [
        html.Div(
            [
                *(_policy_button(place, one, now) for place, one in enumerate(listed)),
                html.Button(
                    "Add", id=action("add"), className="quiet",
                    disabled=len(listed) == offer.most_policies,
                    title=f"Compare one more; {offer.most_policies} at most",
                ),
                html.Button(
                    "Remove", id=action("remove"), className="quiet", disabled=len(listed) == 1,
                    title="Leave out the policy in hand",
                ),
            ],
            className="policies", role="group", **labelled("Policies compared"),
        ),
        html.Div(
            [
                html.Label("Title", htmlFor=written(identity("setting", "title"))),
                dcc.Input(
                    id=identity("setting", "title"), value=state.in_hand(now)["title"],
                    debounce=True, maxLength=100, type="text", autoComplete="off",
                ),
            ],
            className="row",
        ),
        html.P(
            f"Compared with {now['question']['baseline']['title']}, which Setting changes.",
            className="about",
        ),
        _starts(offer),
    ]  # fmt: skip


def _policy_button(place: int, policy: Mapping[str, Any], now: state.State) -> Any:
    current = place == now["place"]
    return html.Button(
        [html.Span(className=f"swatch swatch-{place + 1}", **UNSAID),
         policy["title"] or policy["name"]],
        id=action("policy", str(place)),
        className="policy current" if current else "policy",
        **pressed(current),
    )  # fmt: skip


def _starts(offer: Offer) -> Any:
    """Return the bundled policies to start from, behind a line that opens them."""
    items = [
        html.Div(
            [html.Button(one.label, id=action("start", name)),
             html.P(one.description, className="about")],
            className="start",
        )
        for name, one in offer.policies.items()
    ]  # fmt: skip
    return html.Details([html.Summary("Start from a bundled policy"), *items], className="starts")


# Levers


def lever_panel(now: state.State) -> Children:
    """Return every lever that may be moved, under its heading."""
    values = state.lever_values(state.in_hand(now))
    return [
        html.Fieldset(
            [html.Legend(heading), *(_lever(one, values) for one in listed)],
            className="group",
        )
        for heading, listed in groups.levers().items()
    ] + [_sources()]


def _sources() -> Any:
    """Return what the codes of sources stand for, behind a line that opens it."""
    items = [(html.Dt(code), html.Dd(words)) for code, words in groups.SOURCES.items()]
    listed = html.Dl([part for item in items for part in item], className="about")
    return html.Details([html.Summary("Sources"), listed])


def _lever(lever: Parameter, values: Mapping[str, Any]) -> Any:
    value = values[lever.name]
    control = _options(lever, value) if lever.choices else _slider(lever, value)
    idle = groups.idle(lever.name, values)
    return html.Div(
        [*control, html.P(idle, className="idle")] if idle else control,
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
    return [
        html.Div(
            [
                html.Label(groups.title(lever), htmlFor=label),
                dcc.Input(
                    id=identity("lever", lever.name), value=lever_text(value), debounce=True,
                    type="text", className="field", autoComplete="off",
                    maxLength=200,
                ),
            ],
            className="row",
        ),
        html.Div(
            [
                html.Div(className="slider", **_range(lever, low, high)),
                _mark(lever, low, high),
            ],
            className="track",
        ),
        _about(lever),
        dcc.Store(id=identity("usual", lever.name), data=lever_text(lever.default)),
    ]  # fmt: skip


def _range(lever: Parameter, low: float, high: float) -> dict[str, Any]:
    """Return what the page's script makes a slider of."""
    return kept(
        lever=lever.name,
        label=f"{groups.title(lever)}, slider",
        low=f"{low:.12g}",
        high=f"{high:.12g}",
        step=f"{_step(lever):.12g}",
    )


def _mark(lever: Parameter, low: float, high: float) -> Any:
    """Return the mark of the status quo beside the slider, nothing where it is no number."""
    if not isinstance(lever.default, int | float):
        return None
    part = (lever.default - low) / (high - low)
    return html.Span(
        className="mark", title=f"Status quo: {lever_words(lever.default)}",
        style={"--part": f"{part:.4f}"}, **UNSAID,
    )  # fmt: skip


def _step(lever: Parameter) -> float:
    if lever.whole:
        return 1
    low, high = lever.sweep or (0.0, 1.0)
    rough = (high - low) / STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    return float(min(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999))


def _options(lever: Parameter, value: Any) -> Children:
    options = {each: each.replace("_", " ") for each in lever.choices}
    title = groups.title(lever)
    return [
        html.P(title, className="name"),
        picks(title, "lever", lever.name, options, value),
        _about(lever),
    ]


# Assumptions


def assumption_panel(now: state.State, offer: Offer) -> Children:
    """Return how assumptions stand: sampled or fixed, and those that are held."""
    assumed = now["question"]["assumptions"]
    held = assumed["set"]
    return [
        html.P(
            "Assumptions are what no policy sets. Those with a range are drawn anew for each "
            "replication, or stand at their middle where they are fixed. A figure typed here holds "
            "one for every policy.",
            className="about",
        ),
        html.P("In each replication they are", className="name"),
        picks("In each replication they are", "mode", "", MODES, assumed["mode"]),
        html.P("Hold a set of them", className="name"),
        *(_set(name, *one) for name, one in offer.circumstances.items()),
        html.Button("Hold none", id=action("release"), className="quiet", disabled=not held),
        *_assumption_groups(held),
    ]  # fmt: skip


def _set(name: str, title: str, description: str, _: Mapping[str, Any]) -> Any:
    button = html.Button(title, id=action("circumstances", name))
    return html.Div([button, html.P(description, className="about")], className="start")


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
    known = {name: one.label for name, one in offer.policies.items()}
    baseline = question["baseline"]
    options = {baseline["name"]: baseline["title"]} | known
    return [
        html.P(f"Councils: {offer.register}.", className="about"),
        html.P("Baseline", className="name"),
        picks("Baseline", "baseline", "", options, baseline["name"]),
        _whole("years", "Years from April 2006", question["years"], offer.most_years),
        _whole("replicates", "Replications", question["replicates"], offer.most_replicates),
        _whole("seed", "Seed of the luck", question["seed"], offer.most_seed, 0),
    ]


def _whole(name: str, words: str, value: int, most: int, least: int = 1) -> Any:
    return html.Div(
        [
            html.Label(
                [words, html.Small(f"{least:,} to {most:,}")],
                htmlFor=written(identity("setting", name)),
            ),
            dcc.Input(
                id=identity("setting", name), type="text", inputMode="numeric", value=str(value),
                debounce=True, className="field", maxLength=16, autoComplete="off",
            ),
        ],
        className="row",
    )  # fmt: skip
