"""The explorer as a Dash application: `create_app` is handed a desk, which makes the runs."""

from collections.abc import Collection

from dash import Dash
from flask import Flask, Response, abort, request

from results.explorer.answers import Answers
from results.explorer.asking import Desk
from results.explorer.callbacks import connect
from results.explorer.files import serve_files
from results.explorer.page import TITLE, layout
from results.explorer.posing import serve_questions
from results.explorer.progress import serve_progress

MOST_REQUEST_BYTES = 2_000_000
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
"""What the page may load and from where: nothing from anywhere else."""


def create_app(desk: Desk, hosts: Collection[str] = ()) -> Dash:
    """Return the application that asks ``desk``.

    Its scripts and styles come with the packages, so that it works with the network off.

    Args:
        desk: makes the runs.
        hosts: names by which a browser may call the server; any if there are none.
    """
    app = Dash(
        __name__,
        title=TITLE,
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        assets_folder="assets",
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.index_string = _frame(app.index_string)
    answers = Answers(desk)
    app.layout = layout()
    _guard(app.server, hosts)
    serve_questions(app.server, desk)
    serve_progress(app.server, desk, answers)
    serve_files(app.server, desk, answers)
    connect(app, desk, answers)
    return app


def _frame(page: str) -> str:
    """Return Dash's page in this page's language; what holds its scripts is no part of the text."""
    named = page.replace("<html>", '<html lang="en-GB">')
    return named.replace("<footer>", "<div>").replace("</footer>", "</div>")


def _guard(server: Flask, hosts: Collection[str]) -> None:
    """Refuse strange names of the server and too much to read; let pages load nothing foreign."""
    server.config["MAX_CONTENT_LENGTH"] = MOST_REQUEST_BYTES

    @server.before_request
    def check_host() -> None:
        if hosts and request.host not in hosts:
            abort(403)

    @server.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
