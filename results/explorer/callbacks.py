"""What happens on the page when something is moved: the question changes, the answer follows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update

from results.explorer import controls, state, tables
from results.explorer.answers import Answer, Answers
from results.explorer.asked import Typed, after, as_typed
from results.explorer.asking import Desk
from results.explorer.page import undo
from results.explorer.pages import Asked, Pages
from results.explorer.views import VIEWS, View
from results.page import paragraph
from simulation.errors import InputError

PANELS = ("policies", "levers", "assumptions", "setting", "tellers", "outcomes")
FIELDS = ("lever", "assumption", "setting")
"""Kinds of fields, in the order of `Typed`."""
LEFT = [no_update] * len(PANELS)
MOST_SAID = 600


def connect(app: Dash, desk: Desk, answers: Answers) -> None:
    """Connect the parts of the page with one another, with ``desk`` and with ``answers``."""
    _connect_question(app, desk)
    _connect_watch(app)
    _connect_answer(app, answers)
    _connect_due(app)
    for view in VIEWS:
        _connect_view(app, view, answers)
    _connect_tale(app, desk)


# The question


def _connect_question(app: Dash, desk: Desk) -> None:
    _connect_sliders(app)
    pages = Pages()

    @app.callback(
        Output("state", "data"),
        Output("past", "data"),
        Output("ticket", "data"),
        Output("message", "children"),
        Output("place", "search"),
        Output("undoing", "children"),
        Output("link", "data"),
        Output("page", "data"),
        *(Output(name, "children") for name in PANELS),
        Input({"do": ALL, "name": ALL, "value": ALL}, "n_clicks"),
        *(Input(controls.identity(kind, ALL), "value") for kind in FIELDS),
        Input("place", "search"),
        *(State(controls.identity(kind, ALL), "id") for kind in FIELDS),
        State("state", "data"),
        State("past", "data"),
        State("ticket", "data"),
        State("page", "data"),
        running=[(Output("question", "className"), "left busy", "left")],
    )
    def ask(*given: Any) -> tuple[Any, ...]:
        _, *values, search = given[:5]
        fields = [
            {each["name"]: str(value or "") for each, value in zip(ids, texts, strict=True)}
            for ids, texts in zip(given[5:8], values, strict=True)
        ]
        *standing, page = given[8:]
        with pages.at(page, Asked(*standing)) as (now, stale):
            answer = _Asking(desk, now, page, stale).answer(Typed(*fields), _link(search))
            pages.keep(answer)
        return answer


def _connect_sliders(app: Dash) -> None:
    """Let a slider follow the field beside it, and mark a lever that is moved, in the browser."""
    lever, box, usual = (controls.identity(kind, MATCH) for kind in ("lever", "lever-box", "usual"))
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("explorer", "follow"),
        Output(box, "className"),
        Input(lever, "value"),
        State(box, "id"),
        State(usual, "data"),
    )


class _Asking:
    """One change of the question."""

    def __init__(self, desk: Desk, asked: Asked, page: str, stale: bool) -> None:
        self._desk = desk
        self._now = asked.state
        self._past = asked.past
        self._ticket = asked.ticket
        self._page = page
        self._stale = stale

    def answer(self, typed: Typed, link: str) -> tuple[Any, ...]:
        """Return what becomes of the page."""
        try:
            wanted, drawn = self._wanted(typed, link)
            return self._posed(wanted, drawn or self._stale)
        except InputError as error:
            return self._refused(str(error))

    def _wanted(self, typed: Typed, link: str) -> tuple[state.State, bool]:
        """Return the state that is wanted, and whether the controls must be drawn anew."""
        now, offer = self._now, self._desk.offer
        if not self._ticket or ctx.triggered_id == "place":
            first = state.first_state(offer.start)
            return state.state_of_link(link, offer) if link else first, bool(link or self._ticket)
        pressed = _pressed()
        afresh = any(each["do"] in ("undo", "reset") for each in pressed)
        wanted = now if afresh else as_typed(now, typed, offer)
        for each in pressed:
            wanted = after(each, wanted, self._past, offer)
        return wanted, bool(pressed)

    def _posed(self, wanted: state.State, drawn: bool) -> tuple[Any, ...]:
        apart = state.told_apart(wanted)
        checked = {**apart, "question": self._desk.check(apart["question"])}
        first, same = not self._ticket, checked == self._now
        if same and not first and not self._stale:
            return self._left("", self._panels(checked, drawn, drawn))
        asked = first or checked["question"] != self._now["question"]
        ticket = self._desk.pose(checked["question"], self._ticket) if asked else self._ticket
        past = self._past if same else self._past_after(first)
        renamed = state.in_hand(checked) != state.in_hand(self._now)
        return (
            checked,
            past,
            ticket,
            "",
            no_update if first else state.link_of(checked),
            undo(len(past)),
            state.link_of(checked),
            self._page or ticket,
            *self._panels(checked, drawn, drawn or renamed),
        )

    def _panels(self, now: state.State, drawn: bool, bar: bool) -> list[Any]:
        offer = self._desk.offer
        return [
            controls.policy_bar(now, offer) if bar else no_update,
            controls.lever_panel(now) if drawn else no_update,
            controls.assumption_panel(now, offer) if drawn else no_update,
            controls.setting_panel(now, offer) if drawn else no_update,
            controls.tellers(now) if bar else no_update,
            controls.outcomes(now) if drawn else no_update,
        ]

    def _past_after(self, first: bool) -> list[state.State]:
        if first:
            return []
        if any(each["do"] == "undo" for each in _pressed()):
            return self._past[:-1]
        return [*self._past, self._now][-state.MOST_PAST :]

    def _left(self, message: Any, panels: Sequence[Any] = LEFT) -> tuple[Any, ...]:
        """Leave the question as it is, with a message or without."""
        return (*[no_update] * 3, message, *[no_update] * 4, *panels)

    def _refused(self, words: str) -> tuple[Any, ...]:
        """Say why, and leave the question as it was; at first ask what is asked at first."""
        plain = _with_titles(words.removeprefix("question: "), self._now)
        message = html.P([html.Strong("Not asked. "), plain[:MOST_SAID]])
        if self._ticket:
            return self._left(message)
        start = state.first_state(self._desk.offer.start)
        ticket, link = self._desk.pose(start["question"]), state.link_of(start)
        panels = self._panels(start, True, True)
        return (start, [], ticket, message, "", undo(0), link, ticket, *panels)


def _pressed() -> list[Mapping[str, str]]:
    """Return the ids of the buttons that were pressed; several where they came together."""
    triggered = zip(ctx.triggered_prop_ids.values(), ctx.triggered, strict=True)
    return [
        identity
        for identity, each in triggered
        if isinstance(identity, Mapping) and "do" in identity and each["value"]
    ]


def _with_titles(words: str, now: state.State) -> str:
    """Return ``words`` in which a policy has its title, not its place in the question's file."""
    titles = [each["title"] or each["name"] for each in state.policies(now)]

    def title(found: re.Match[str]) -> str:
        place = int(found[1])
        return f"{titles[place]!r}" if place < len(titles) else found[0]

    return re.sub(r"policies\[([0-9]{1,3})\]", title, words)


def _link(search: Any) -> str:
    return parse_qs(str(search or "").lstrip("?")).get(state.LINK, [""])[0]


# The answer


def _connect_watch(app: Dash) -> None:
    """Have the page ask how far its answer is, and point its files to it."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("explorer", "watch"),
        Input("ticket", "data"),
        Input("state", "data"),
        Input("link", "data"),
    )


def _connect_telling(app: Dash, place: str) -> None:
    """Show what is told at a place, HTML of `results.page`, without a part for each word."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("explorer", "tell"),
        Input(f"told-{place}", "data"),
        State(f"told-{place}", "id"),
        prevent_initial_call=True,
    )


def _connect_answer(app: Dash, answers: Answers) -> None:
    _connect_telling(app, "answer")

    @app.callback(
        Output("told-answer", "data"),
        Input("shown", "data"),
        prevent_initial_call=True,
    )
    def show(shown: Mapping[str, Any]) -> str:
        answer = _answer(answers, shown)
        told = (
            paragraph("No replication is complete yet.")
            if answer is None
            else tables.answer(answer.run, answer.summary)
        )
        return tables.of_question(shown, told)


def _answer(answers: Answers, shown: Mapping[str, Any]) -> Answer | None:
    try:
        return answers.of(shown["ticket"]) if shown else None
    except InputError:
        return None


def _connect_due(app: Dash) -> None:
    """Have only the view in front drawn, when it is chosen or something new is to be shown."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("explorer", "due"),
        [Output(f"due-{view.name}", "data") for view in VIEWS],
        Input("shown", "data"),
        Input("view", "data"),
        Input("outcome", "data"),
        State("views", "data"),
        prevent_initial_call=True,
    )


def _connect_view(app: Dash, view: View, answers: Answers) -> None:
    boxes = [f"{view.name}-{name}" for name in view.charts]
    _connect_telling(app, view.name)

    @app.callback(
        [
            Output(f"told-{view.name}", "data"),
            *(Output(f"graph-{box}", "figure") for box in boxes),
            *(Output(f"box-{box}", "hidden") for box in boxes),
        ],
        Input(f"due-{view.name}", "data"),
        State("shown", "data"),
        State("outcome", "data"),
        prevent_initial_call=True,
    )
    def draw(_: Any, shown: Mapping[str, Any], outcome: str | None) -> tuple[Any, ...]:
        answer = _answer(answers, shown)
        if answer is None:
            return (no_update,) * (1 + 2 * len(boxes))
        drawn = view.draw(answer.run, answer.summary, outcome or "")
        figures = [drawn.figures[name] for name in view.charts]
        return (
            drawn.said,
            *(no_update if each is None else each for each in figures),
            *(each is None for each in figures),
        )


# A council's story


def _connect_tale(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output("council", "value"),
        Input("graph-map-sharing", "clickData"),
        Input("graph-map-partnerships", "clickData"),
        prevent_initial_call=True,
    )
    def click(*clicked: Any) -> Any:
        value = ctx.triggered[0]["value"] if ctx.triggered else None
        points = (value or {}).get("points") or [{}]
        name = points[0].get("customdata")
        return name if isinstance(name, str) else no_update

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("explorer", "showTale"),
        Input("council", "value"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("tale", "children"),
        Input("council", "value"),
        Input("teller", "data"),
        Input("ticket", "data"),
        Input({"tell": ALL}, "n_clicks"),
        State("state", "data"),
        prevent_initial_call=True,
    )
    def tell(council: str | None, teller: str, ticket: str, _: Any, now: state.State) -> Any:
        if not council or not ticket:
            return no_update
        if ctx.triggered_id == "ticket":
            return _outdated(council)
        if isinstance(ctx.triggered_id, Mapping) and not ctx.triggered[0]["value"]:
            return no_update
        asked = now["question"]
        known = [each["name"] for each in (asked["baseline"], *asked["policies"])]
        policy = teller if teller in known else state.in_hand(now)["name"]
        try:
            told = desk.tale(ticket, policy, council)
        except InputError as error:
            return html.P(str(error), className="message")
        parts: list[Any] = [html.H4(told.heading)]
        for title, paragraphs in told.parts:
            parts += [html.H5(title), *(html.P(each) for each in paragraphs)]
        return parts


def _outdated(council: str) -> Any:
    """Return what stands in the place of a story whose question has changed since."""
    again = html.Button(f"Tell the story of {council} again", id={"tell": "again"})
    return [html.P("The question has changed since this story was told."), again]
