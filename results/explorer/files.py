"""The files that the explorer gives away: report, slides, figures, policy and question."""

from collections.abc import Callable, Mapping
from typing import Any

import yaml
from flask import Flask, Response, request

from results.explorer.answers import Answer, Answers
from results.explorer.asking import Desk
from results.report import render
from results.statistics import as_csv
from simulation.errors import InputError, did_you_mean

KINDS: Mapping[str, str] = {
    "report.html": "text/html; charset=utf-8",
    "deck.pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "summary.csv": "text/csv; charset=utf-8",
    "policy.yaml": "application/yaml; charset=utf-8",
    "question.yaml": "application/yaml; charset=utf-8",
    "question.py": "text/x-python; charset=utf-8",
}
"""What can be asked for, and of what kind it is."""

type Maker = Callable[[], str | bytes]


def serve_files(server: Flask, desk: Desk, answers: Answers) -> None:
    """Let ``server`` give away the files of questions that ``desk`` knows."""

    @server.get("/files/<ticket>/<name>")
    def file(ticket: str, name: str) -> Response:
        try:
            content = _content(desk, answers, ticket, name, request.args.get("policy", ""))
        except InputError as error:
            return Response(f"{error}\n", 404, mimetype="text/plain")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, 200, headers, content_type=KINDS[name])


def _content(desk: Desk, answers: Answers, ticket: str, name: str, policy: str) -> str | bytes:
    makers: Mapping[str, Maker] = {
        "report.html": lambda: _report(_answer(answers, ticket)),
        "deck.pptx": lambda: _deck(_answer(answers, ticket)),
        "summary.csv": lambda: as_csv(_answer(answers, ticket).summary),
        "policy.yaml": lambda: _policy(desk, ticket, policy),
        "question.yaml": lambda: desk.question_file(ticket),
        "question.py": lambda: desk.program(ticket),
    }
    if name not in makers:
        raise InputError(f"no such file: {name!r}{did_you_mean(name, makers)}")
    return makers[name]()


def _answer(answers: Answers, ticket: str) -> Answer:
    answer = answers.of(ticket)
    if answer is None:
        raise InputError("no replication is complete yet; wait for the first answer")
    return answer


def _report(answer: Answer) -> str:
    return render(answer.run, answer.summary)


def _deck(answer: Answer) -> bytes:
    from results.deck import deck_bytes

    return deck_bytes(answer.run, answer.summary)


def _policy(desk: Desk, ticket: str, name: str) -> str:
    question: Mapping[str, Any] = yaml.safe_load(desk.question_file(ticket))
    listed = {each["name"]: each for each in question["policies"]}
    if name not in listed:
        raise InputError(f"no policy {name!r} is asked{did_you_mean(name, listed)}")
    return as_yaml(listed[name])


def as_yaml(document: Mapping[str, Any]) -> str:
    """Return ``document`` as YAML in its own order."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100)
