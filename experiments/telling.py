"""What a command has to tell, as a document for JSON and as text for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import yaml
from rich.table import Table
from rich.text import Text

from experiments.catalogue import NamedPolicy
from experiments.circumstances import Circumstances
from experiments.terminal import clean, comparison, listing, rendered, values, width
from results.words import counted
from simulation.assumptions import Assumptions
from simulation.outcomes import Outcome
from simulation.parameters import Parameter, Scalar, parameters

if TYPE_CHECKING:
    from experiments.campaign import Conduct
    from experiments.precision import Precise
    from experiments.question import Question

CAVEAT = (
    "These are results of a simulation: an aid to a decision, not a prediction of what any council "
    "or supplier will do."
)


# Comparisons and runs


def conduct_document(
    question: Question, done: Conduct, reached: Precise | None = None
) -> dict[str, Any]:
    """Return what became of a question, for JSON; a number that is not defined is None.

    Args:
        question: what was asked.
        done: what became of it.
        reached: how narrow its intervals have become, where that was asked.
    """
    return {
        "question_id": question.identity,
        "question": question.effective(),
        "directory": str(done.directory),
        "status": done.status,
        "runs": done.runs,
        "complete_replications": done.complete,
        "failed": len(done.failed),
        "caveat": CAVEAT,
        "summary": [_defined(row) for row in done.summary],
        **(_precision_document(reached) if reached else {}),
    }


def _precision_document(reached: Precise) -> dict[str, Any]:
    from experiments.precision import document

    return {"precision": document(reached)}


def comparison_text(question: Question, done: Conduct, reached: Precise | None = None) -> str:
    """Return tables of differences from the baseline, and how to read them.

    Args:
        question: what was asked.
        done: what became of it.
        reached: how narrow its intervals have become, where that was asked.
    """
    titles = {policy.name: policy.title for policy in question.policies}
    tables = comparison(done.summary, titles, width())
    said = [*_precision_words(reached), ""] if reached else []
    return "\n".join([*map(rendered, tables), _reading(question, done), *said, _end(done)])


def _precision_words(reached: Precise) -> list[str]:
    from experiments.precision import words

    return words(reached)


def run_text(question: Question, done: Conduct) -> str:
    """Return a table of the outcomes of one run."""
    about = f"{question.baseline.title}, replication {question.replication}"
    about = f"{about}, {counted(question.years, 'year')}, assumptions {question.mode}"
    return "\n".join([about, "", rendered(values(done.summary)), _end(done)])


def what_went_wrong(done: Conduct) -> str:
    """Say in a line what did not end well; empty where all did."""
    if done.status == "interrupted":
        return _interrupted(done)
    if not done.failed:
        return "" if done.complete else "no replication is complete"
    first = done.failed[0]
    return (
        f"{len(done.failed)} of {done.runs + len(done.failed)} runs failed, first "
        f"{first.run.policy.name} in replication {first.run.replication} at {first.stage}: "
        f"{first.error}; see {done.directory}/manifest.json"
    )


def _reading(question: Question, done: Conduct) -> str:
    pairs = counted(done.complete, "paired replication")
    text = (
        f"{pairs} of {counted(question.years, 'year')}, assumptions {question.mode}. "
        f"First column: mean of {clean(question.baseline.title)}. Others: difference from it, "
        "[its 95% interval], and a verdict that holds for the whole table; pts are points, the "
        "difference of two percentages. Undecided: 'not 0' is a difference that is real, but may "
        "be too small to matter, or matters by itself but not with all verdicts of the table "
        "allowed for; 'maybe 0' one that may be nothing."
    )
    return rendered(Text(text))


def _end(done: Conduct) -> str:
    return f"{rendered(Text(CAVEAT))}Report: {clean(f'{done.directory}/report.html')}"


def _interrupted(done: Conduct) -> str:
    if done.directory:
        complete = counted(done.complete, "complete replication")
        return f"interrupted; kept {complete} in {done.directory}"
    if done.complete:
        return "interrupted; the run directory that was there holds as many runs and is kept"
    return "interrupted before the first replication was complete; nothing was kept"


def _defined(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


# Levers, assumptions, outcomes, policies


def parameter_document(parameter: Parameter) -> dict[str, Any]:
    """Return a lever or an assumption, for JSON."""
    return {**asdict(parameter), "allowed": parameter.allowed}


def parameters_text(known: Sequence[Parameter], kind: str) -> str:
    """Return a table of parameters; ``kind`` is "lever" or "assumption"."""
    live = [parameter for parameter in known if not parameter.planned]
    planned = [parameter for parameter in known if parameter.planned]
    text = rendered(_parameters_table(live, kind))
    if planned:
        heading = "Planned, not built yet; only the default is accepted:"
        text = f"{text}\n{heading}\n\n{rendered(_parameters_table(planned, kind))}"
    return text.rstrip("\n")


def parameter_text(parameter: Parameter) -> str:
    """Return all that is declared of a lever or an assumption."""
    return rendered(listing((), list(_details(parameter)))).strip("\n")


def set_document(one: Circumstances) -> dict[str, Any]:
    """Return a named set of assumptions, for JSON."""
    return {
        "name": one.name,
        "title": one.title,
        "meaning": one.description,
        "values": dict(one.assumptions),
    }


def sets_text(known: Sequence[Circumstances]) -> str:
    """Return a table of the named sets of assumptions."""
    rows = [(one.name, one.description) for one in known]
    heading = "Named sets, each held with --assume NAME:"
    return f"{heading}\n\n{rendered(listing(('set', 'what it stands for'), rows))}".rstrip("\n")


def set_text(one: Circumstances) -> str:
    """Return all that a named set of assumptions holds."""
    known = parameters(Assumptions)
    rows = [
        (name, _with_unit(value, known[name].unit), known[name].meaning)
        for name, value in one.assumptions.items()
    ]
    about = rendered(Text(f"{one.title}. {one.description}"))
    return f"{about}\n{rendered(listing(('name', 'held at', 'meaning'), rows))}".rstrip("\n")


def policies_text(policies: Sequence[NamedPolicy]) -> str:
    """Return a table of policies."""
    rows = [(policy.name, policy.description) for policy in policies]
    return rendered(listing(("policy", "what it does"), rows)).rstrip("\n")


def policy_text(policy: NamedPolicy) -> str:
    """Return a policy as a policy file."""
    document = policy.effective()
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=96).rstrip("\n")


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome, for JSON."""
    shown = ("name", "title", "unit", "better", "matters", "relative_to", "headline", "definition")
    return {name: getattr(outcome, name) for name in shown}


def outcomes_text(outcomes: Sequence[Outcome]) -> str:
    """Return a table of outcomes."""
    headings = ("name", "unit", "better", "matters from", "definition")
    rows = [
        (each.name, each.unit, each.better, _matters(each), each.definition) for each in outcomes
    ]
    return rendered(listing(headings, rows)).rstrip("\n")


def outcome_text(outcome: Outcome) -> str:
    """Return all that is declared of an outcome."""
    rows = [
        (outcome.name, outcome.title),
        ("unit", outcome.unit),
        ("better", outcome.better),
        ("matters from", f"{_matters(outcome)}, the smallest difference that matters"),
        ("headline", "yes" if outcome.headline else "no"),
        ("definition", outcome.definition),
    ]
    return rendered(listing((), rows)).strip("\n")


def _matters(outcome: Outcome) -> str:
    relative = f"% of {outcome.relative_to}" if outcome.relative_to else ""
    return f"{outcome.matters:g}{relative}"


def _parameters_table(parameters: Sequence[Parameter], kind: str) -> Table:
    lever = kind == "lever"
    headings = ("status quo", "allowed") if lever else ("default", "sampled")
    rows = [
        (
            each.name,
            _with_unit(each.default, each.unit),
            _allowed(each) if lever else _sampled(each),
            each.meaning,
        )
        for each in parameters
    ]
    return listing(("name", *headings, "meaning"), rows)


def _allowed(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(parameter.choices)
    text = f"{parameter.low:g} to {parameter.high:g}"
    return f"{text}, or none" if parameter.optional else text


def _sampled(parameter: Parameter) -> str:
    if parameter.distribution == "fixed" or not parameter.sweep:
        return "no"
    low, high = parameter.sweep
    return f"{low:g} to {high:g}"


def _details(parameter: Parameter) -> Iterator[tuple[str, str]]:
    yield parameter.name, parameter.meaning
    yield "default", _with_unit(parameter.default, parameter.unit)
    yield "allowed", parameter.allowed
    if parameter.distribution != "fixed":
        yield "sampled", f"{parameter.distribution} from {_sampled(parameter)}"
    yield "source", parameter.source
    if parameter.planned:
        yield "planned", "its mechanism is not built yet; only the default is accepted"


def _with_unit(value: Scalar, unit: str) -> str:
    if value is None:
        return "none"
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{number} {unit}" if unit and unit != "share" else number
