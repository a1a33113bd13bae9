"""The page of the explorer: what stands where, before anything is asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html

from results.explorer.parts import labelled, labelled_by, tab_of
from results.explorer.views import VIEWS, View

TITLE = "tenderlab explorer"
CAVEAT = (
    "Simulated results: an aid to a decision, not a prediction. Councils that exist bear their own "
    "names, what happens to them here is simulated; suppliers are invented."
)
FILES: Mapping[str, str] = {
    "report.html": "Report",
    "deck.pptx": "Slides (PowerPoint)",
    "summary.csv": "Figures (CSV)",
    "policy.yaml": "This policy (YAML)",
    "question.yaml": "Whole question (YAML)",
    "question.py": "The same in Python",
}
"""What can be downloaded, and what the page calls it."""
OF_ANSWER = ("report.html", "deck.pptx", "summary.csv")
"""Files that can be had only once there is an answer."""


PARTS = {"levers": "Levers", "assumptions": "Assumptions", "setting": "Setting"}
"""Parts of the question beside its policies, and what the page calls them."""


def layout() -> Any:
    """Return the page as it stands when it is opened; its script fills in what can be asked."""
    return html.Div(
        [
            dcc.Store(id="ticket", data=""),
            dcc.Store(id="asked", data={}),
            dcc.Store(id="shown", data={}),
            dcc.Store(id="view", data=VIEWS[0].name),
            dcc.Store(id="views", data=[view.name for view in VIEWS]),
            *(dcc.Store(id=f"due-{view.name}") for view in VIEWS),
            dcc.Store(id="outcome", data=""),
            dcc.Store(id="teller", data=""),
            dcc.Store(id="again"),
            *(dcc.Store(id=f"told-{name}") for name in (view.name for view in VIEWS)),
            html.A("Skip to the answer", href="#answer", className="skip"),
            _header(),
            html.Div([_left(), _right()], className="columns"),
            html.Footer(html.P(CAVEAT)),
        ],
        className="explorer",
    )


def _header() -> Any:
    return html.Header(
        [
            html.Div(
                [html.H1("tenderlab explorer"), html.P(CAVEAT, className="caveat")],
                className="heading",
            ),
            html.Div(
                [
                    html.Button("Undo", id="undo", disabled=True),
                    html.Button("Reset", id="reset"),
                    html.Button("Copy link", id="copy"),
                    html.Span(id="copied", role="status", className="copied"),
                ],
                className="actions",
            ),
        ]
    )


# Left


def _left() -> Any:
    return html.Section(
        [
            html.H2("The question", className="unseen"),
            html.Div(id="policies"),
            html.Div(id="message", role="alert", className="message"),
            tabs("Parts of the question", PARTS),
            *(panel(name, []) for name in PARTS),
        ],
        id="question",
        className="left",
        **labelled("The question"),
    )


def tabs(words: str, titles: Mapping[str, str]) -> Any:
    """Return a row of tabs; those who use a keyboard move among them with the arrow keys."""
    first = next(iter(titles))
    return html.Div(
        [
            html.Button(
                title, id=f"tab-{name}", role="tab", className="tab",
                tabIndex="0" if name == first else "-1",
                **tab_of(f"panel-{name}", name == first),
            )
            for name, title in titles.items()
        ],
        role="tablist", className="tabs", **labelled(words),
    )  # fmt: skip


def panel(name: str, content: Sequence[Any], *, first: str = "levers") -> Any:
    """Return what a tab shows; only the first is open at first."""
    return html.Div(
        html.Div(content, id=name),
        id=f"panel-{name}", role="tabpanel", tabIndex="0", hidden=name != first,
        className="panel", **labelled_by(f"tab-{name}"),
    )  # fmt: skip


# Right


def _right() -> Any:
    return html.Main(
        [
            html.Section(
                [
                    html.H2("The answer"),
                    _progress(),
                    html.Div(id="said-answer"),
                ],
                id="answer",
                tabIndex="-1",
            ),
            html.Section(
                [
                    html.H2("A closer look", className="unseen"),
                    tabs("Views of the answer", {one.name: one.title for one in VIEWS}),
                    *(_view(one) for one in VIEWS),
                ]
            ),
            _files(),
        ],
        className="right",
    )


def _progress() -> Any:
    return html.Div(
        [
            html.Progress(id="progress", value="0", max="1", **labelled("Runs made")),
            html.Span(id="progress-words", role="status"),
            html.Button("Stop", id="stop", className="quiet"),
        ],
        className="progress",
    )


def _view(view: View) -> Any:
    graphs = [
        html.Figure(
            dcc.Graph(
                id=f"graph-{view.name}-{name}", figure={"data": [], "layout": {}}, config=SETTINGS,
                responsive=False,
            ),
            id=f"box-{view.name}-{name}", hidden=True, className="graph",
            **labelled(shows),
        )
        for name, shows in view.charts.items()
    ]  # fmt: skip
    waiting = html.P("Waiting for the answer.")
    content = [html.Div(waiting, id=f"said-{view.name}", className="said"), *graphs]
    if view.name == "map":
        content.append(_tale())
    if view.name == "spread":
        content.insert(0, html.Div(id="outcomes"))
    return panel(view.name, content, first=VIEWS[0].name)


SETTINGS: Any = {
    "responsive": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
}
"""What Plotly shows beside a chart."""


def _tale() -> Any:
    return html.Section(
        [
            html.H3("A council's story"),
            html.P(
                "Click a council on the map, or type its name. The story is told of the first "
                "replication, in one policy; it takes a few seconds.",
                className="about",
            ),
            html.Div(
                [
                    html.Label("Council", htmlFor="council"),
                    dcc.Input(
                        id="council", type="text", value="", debounce=True, list="councils",
                        autoComplete="off", maxLength=100,
                    ),
                    html.Datalist(id="councils"),
                ],
                className="row",
            ),
            html.Div(id="tellers"),
            dcc.Loading(
                html.Div(id="tale", role="status"),
                custom_spinner=html.P("The story is being told…", className="about"),
            ),
        ],
        className="tale",
    )  # fmt: skip


def _files() -> Any:
    return html.Section(
        [
            html.H2("Take it along"),
            html.P(
                "Files hold the replications that are complete at that moment. The same question "
                "asked on the command line gives the same figures to the bit.",
                className="about",
            ),
            html.Div(
                [html.A(words, id=f"file-{name.replace('.', '-')}", download=name, target="_self",
                        className="file of-answer" if name in OF_ANSWER else "file")
                 for name, words in FILES.items()],
                className="files",
            ),
        ]
    )  # fmt: skip
