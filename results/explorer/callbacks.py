"""What happens on the page when an answer has come or another view of it is chosen."""

from collections.abc import Mapping
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update

from results.explorer.answers import Answer, Answers
from results.explorer.asking import Desk
from results.explorer.views import VIEWS, View
from results.page import paragraph
from simulation.errors import InputError


def connect(app: Dash, desk: Desk, answers: Answers) -> None:
    """Connect the parts of the page with one another, with ``desk`` and with ``answers``."""
    _connect_due(app)
    for view in VIEWS:
        _connect_view(app, view, answers)
    _connect_tale(app, desk)


# Views of the answer


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
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("explorer", "tell"),
        Input(f"told-{view.name}", "data"),
        State(f"told-{view.name}", "id"),
        prevent_initial_call=True,
    )

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
            none = paragraph("No replication is complete yet.")
            return (none, *[no_update] * len(boxes), *[True] * len(boxes))
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
        Input("again", "data"),
        State("asked", "data"),
        prevent_initial_call=True,
    )
    def tell(
        council: str | None, teller: str, ticket: str, _: Any, asked: Mapping[str, Any]
    ) -> Any:
        if not council or not ticket:
            return no_update
        if ctx.triggered_id == "ticket":
            return _outdated(council)
        policy = teller if teller in asked["policies"] else asked["policy"]
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
    again = html.Button(f"Tell the story of {council} again", id="tell-again")
    return [html.P("The question has changed since this story was told."), again]
