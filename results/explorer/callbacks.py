"""What happens on the page when something is moved: the question changes, the answer follows."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update

from results.explorer import controls, state, tables
from results.explorer.answers import Answer, Answers
from results.explorer.asked import Typed, after, as_typed
from results.explorer.asking import Desk
from results.explorer.page import undo
from results.explorer.views import VIEWS, View
from results.page import paragraph
from simulation.errors import InputError

PANELS = ("policies", "levers", "assumptions", "setting", "tellers", "outcomes")
FIELDS = ("lever", "assumption", "setting")
"""Kinds of fields, in the order of `Typed`."""
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

    @app.callback(
        Output("state", "data"),
        Output("past", "data"),
        Output("ticket", "data"),
        Output("message", "children"),
        Output("place", "search"),
        Output("undoing", "children"),
        *(Output(name, "children") for name in PANELS),
        Input({"do": ALL, "name": ALL, "value": ALL}, "n_clicks"),
        *(Input(controls.identity(kind, ALL), "value") for kind in FIELDS),
        Input("place", "search"),
        *(State(controls.identity(kind, ALL), "id") for kind in FIELDS),
        State("state", "data"),
        State("past", "data"),
        State("ticket", "data"),
    )
    def ask(*given: Any) -> tuple[Any, ...]:
        _, *values, search = given[:5]
        fields = [
            {each["name"]: str(value or "") for each, value in zip(ids, texts, strict=True)}
            for ids, texts in zip(given[5:8], values, strict=True)
        ]
        return _Asking(desk, *given[8:]).answer(Typed(*fields), _link(search))


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

    def __init__(self, desk: Desk, now: state.State, past: list[state.State], ticket: str) -> None:
        self._desk = desk
        self._now = now
        self._past = past
        self._ticket = ticket

    def answer(self, typed: Typed, link: str) -> tuple[Any, ...]:
        """Return what becomes of the page."""
        try:
            wanted, drawn = self._wanted(typed, link)
            return self._posed(wanted, drawn)
        except InputError as error:
            return self._refused(str(error))

    def _wanted(self, typed: Typed, link: str) -> tuple[state.State, bool]:
        """Return the state that is wanted, and whether the controls must be drawn anew."""
        now, offer, pressed = self._now, self._desk.offer, ctx.triggered_id
        if not self._ticket or pressed == "place":
            return (state.state_of_link(link, offer), True) if link else (now, False)
        if not isinstance(pressed, Mapping) or "do" not in pressed:
            return as_typed(now, typed), False
        if not ctx.triggered[0]["value"]:
            return now, False
        kept = now if pressed["do"] in ("undo", "reset") else as_typed(now, typed)
        return after(pressed, kept, self._past, offer), True

    def _posed(self, wanted: state.State, drawn: bool) -> tuple[Any, ...]:
        checked = {**wanted, "question": self._desk.check(wanted["question"])}
        first, same = not self._ticket, checked == self._now
        if same and not first:
            return self._left("")
        asked = first or checked["question"] != self._now["question"]
        ticket = self._desk.pose(checked["question"], self._ticket) if asked else no_update
        past = self._past_after(first)
        renamed = state.in_hand(checked) != state.in_hand(self._now)
        return (
            checked,
            past,
            ticket,
            "",
            no_update if first else state.link_of(checked),
            undo(len(past)),
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
        pressed = ctx.triggered_id
        if first:
            return []
        if isinstance(pressed, Mapping) and pressed.get("do") == "undo":
            return self._past[:-1]
        return [*self._past, self._now][-state.MOST_PAST :]

    def _left(self, message: Any) -> tuple[Any, ...]:
        """Leave all as it is, with a message or without."""
        return (no_update, no_update, no_update, message, *[no_update] * (2 + len(PANELS)))

    def _refused(self, words: str) -> tuple[Any, ...]:
        """Say why, and leave the question as it was; at first ask what is asked at first."""
        message = html.P([html.Strong("Not asked. "), words[:MOST_SAID]])
        if self._ticket:
            return self._left(message)
        start = state.first_state(self._desk.offer.start)
        ticket = self._desk.pose(start["question"])
        return (start, [], ticket, message, "", undo(0), *self._panels(start, True, True))


def _link(search: Any) -> str:
    return parse_qs(str(search or "").lstrip("?")).get(state.LINK, [""])[0]


# The answer


def _connect_watch(app: Dash) -> None:
    """Have the page ask how far its answer is, and point its files to it."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("explorer", "watch"),
        Input("ticket", "data"),
        Input("state", "data"),
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
        if answer is None:
            return paragraph("No replication is complete yet.")
        return tables.answer(answer.run, answer.summary)


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

    @app.callback(
        Output("tale", "children"),
        Input("council", "value"),
        Input("teller", "data"),
        State("ticket", "data"),
        State("state", "data"),
        prevent_initial_call=True,
    )
    def tell(council: str | None, teller: str, ticket: str, now: state.State) -> Any:
        if not council or not ticket:
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
