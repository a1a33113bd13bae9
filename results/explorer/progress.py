"""How far an answer is, which the page asks for again and again, and the answer when it is due."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request

from results.explorer import tables
from results.explorer.answers import Answers
from results.explorer.asking import Desk, Standing
from results.page import escape, paragraph
from simulation.errors import InputError

FIRST_SHOWN = 2
"""Complete replications from which on an answer is shown, if more than one is asked."""
NEXT_SHOWN = 1.35
"""By how much they must have grown since they were shown last."""


def serve_progress(server: Flask, desk: Desk, answers: Answers) -> None:
    """Let ``server`` tell answers and how far they are, and let them be cut short."""

    @server.get("/standing/<ticket>")
    def standing(ticket: str) -> Response:
        seen = request.args.get("seen", 0, int)
        try:
            now = told(desk.standing(ticket), seen)
            answer = _answer(answers, ticket, now["over"]) if now["due"] else ""
            return jsonify({**now, "answer": answer})
        except InputError as error:
            lost = {"words": str(error), "over": True, "due": False, "lost": True}
            return jsonify(lost)

    @server.post("/stop/<ticket>")
    def stop(ticket: str) -> Response:
        return _done(desk.cancel, ticket)

    @server.post("/resume/<ticket>")
    def resume(ticket: str) -> Response:
        return _done(desk.resume, ticket)


def _answer(answers: Answers, ticket: str, over: bool) -> str:
    """Return the answer so far as HTML, which bears its question and whether no more is to come."""
    so_far = answers.of(ticket)
    told = (
        paragraph("No replication is complete yet.")
        if so_far is None
        else tables.answer(so_far.run, so_far.summary)
    )
    return f'<div data-ticket="{escape(ticket)}" data-over="{str(over).lower()}">{told}</div>'


def _done(what: Callable[[str], None], ticket: str) -> Response:
    try:
        what(ticket)
    except InputError as error:
        return Response(f"{error}\n", 404, mimetype="text/plain")
    return Response(status=204)


def told(now: Standing, seen: int) -> dict[str, Any]:
    """Return what the page is told; ``seen`` replications are shown already."""
    over = now.state != "at work"
    replaced = now.state == "replaced"
    return {
        "words": words(now),
        "stopped": now.state == "cancelled",
        "made": now.complete + now.twins,
        "asked": now.asked + now.twins_asked,
        "complete": now.complete,
        "over": over,
        "due": not replaced and (over or is_due(now, seen)),
    }


def is_due(now: Standing, seen: int) -> bool:
    """Say whether what has come in since ``seen`` replications were shown is worth showing."""
    enough = min(now.asked, max(FIRST_SHOWN, NEXT_SHOWN * seen))
    return now.complete >= enough and now.complete > seen


def words(now: Standing) -> str:
    """Say how far an answer is."""
    pairs = f"{now.complete:,} of {now.asked:,} paired replications"
    if now.failed:
        pairs += f"; {now.failed[0]}"
    if now.state == "cancelled":
        return f"{pairs}; stopped"
    if now.complete == now.asked and now.twins < now.twins_asked:
        return f"{pairs}; now telling luck from assumptions"
    if 0 < now.complete < now.asked and now.state == "at work":
        return f"{pairs}; what is shown may still change"
    return pairs
