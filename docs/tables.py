"""Rewrite the generated tables of ODD.md from the declarations in the code.

Run it as ``uv run python docs/tables.py`` after any change of a declaration. A block starts with
``<!-- generated: name -->`` and ends with ``<!-- end -->``; what stands between is replaced.
"""

import ast
import inspect
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from agents.columns import Column, Table
from agents.council import Councils, Services
from agents.governance import GOVERNANCE, Governance
from agents.government import Claims, Stages
from agents.partnership import Ballots, Partnerships
from agents.supplier import Suppliers
from docs.entries import CONSTANTS, EXAMPLES, PURPOSES
from experiments.circumstances import bundled_circumstances
from simulation.assumptions import Assumptions
from simulation.contracts import Contracts
from simulation.events import COLUMNS
from simulation.ledger import COUNCIL_COSTS, Account, Purpose
from simulation.levers import Levers, live_levers
from simulation.measures import MEASURES
from simulation.outcome_rules import Gap, Last, NetPresentValue, Ratio, Rule, Sum
from simulation.outcomes import OUTCOMES, Outcome
from simulation.parameters import Parameter, Scalar, parameters
from simulation.randomness import Draws, combine, name_key
from simulation.segments import PROCEDURES, RISKS, SEGMENTS, SOURCES, Procedure, Segment

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "ODD.md"
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

STATE: tuple[type[Table], ...] = (
    Councils, Services, Suppliers, Contracts, Partnerships, Ballots, Claims, Stages,
)  # fmt: skip
"""Tables of state variables, in the order in which the document shows them."""

KINDS = MappingProxyType({"f": "number", "i": "whole", "b": "flag", "u": "key"})

type Rows = Iterable[Sequence[str]]


def resolve(dotted: str) -> Any:
    """Return the module, or what a module holds, under the name ``dotted``.

    Raises:
        AttributeError: a module that holds nothing of that name.
        ModuleNotFoundError: no such module.
    """
    parts = dotted.split(".")
    known: Any = import_module(parts[0])
    for place, part in enumerate(parts[1:], start=1):
        if not hasattr(known, part) and hasattr(known, "__path__"):
            import_module(".".join(parts[: place + 1]))
        known = getattr(known, part)
    return known


def table(header: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`"


def _number(value: Scalar) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else f"{value:.6g}"


# --- parameters ----------------------------------------------------------------------------------


def levers() -> str:
    """Return the table of levers."""
    known = parameters(Levers)
    planned = sum(lever.planned for lever in known.values())
    head = f"{len(known)} levers, of which {planned} are planned and accept only their default.\n\n"
    header = ("lever", "unit", "status quo", "allowed", "state", "meaning", "source")
    return head + table(header, map(_lever, known.values()))


def _lever(one: Parameter) -> Sequence[str]:
    state = "planned" if one.planned else "built"
    about = (state, one.meaning, one.source)
    return (_code(one.name), one.unit, _number(one.default), one.allowed, *about)


def readers() -> str:
    """Return the table of built levers and the functions that read each."""
    found = reading_functions()
    rows = [(_code(name), ", ".join(map(_code, found.get(name, ())))) for name in live_levers()]
    return table(("lever", "read by"), rows)


def reading_functions() -> Mapping[str, Sequence[str]]:
    """Return by lever the dotted names of the functions that read it off a model's levers."""
    found: dict[str, list[str]] = {}
    for path in sorted(ROOT.glob("agents/*.py")) + sorted(ROOT.glob("simulation/*.py")):
        module = f"{path.parent.name}.{path.stem}"
        for function, lever in _lever_reads(ast.parse(path.read_bytes())):
            found.setdefault(lever, []).append(f"{module}.{function}")
    return {lever: list(dict.fromkeys(names)) for lever, names in found.items()}


def _lever_reads(tree: ast.AST, within: str = "") -> Iterator[tuple[str, str]]:
    """Yield every read of ``levers.<name>`` with the function or method that holds it."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield from _lever_reads(node, f"{within}.{name}".removeprefix("."))
                continue
            case ast.Attribute(
                value=ast.Attribute(attr="levers") | ast.Name(id="levers"), attr=lever
            ):
                yield within, lever
        yield from _lever_reads(node, within)


def assumptions() -> str:
    """Return the table of assumptions."""
    known = parameters(Assumptions)
    sampled = sum(one.distribution == "uniform" for one in known.values())
    head = f"{len(known)} assumptions, of which {sampled} are sampled.\n\n"
    header = ("assumption", "unit", "central", "sampled over", "bounds", "meaning", "source")
    return head + table(header, map(_assumption, known.values()))


def _assumption(one: Parameter) -> Sequence[str]:
    over = _range(one.sweep) if one.distribution == "uniform" else "held"
    source = one.source + ("; tuned" if one.tuned else "")
    bounds = ", ".join(one.choices) or _range((one.low, one.high))
    return (_code(one.name), one.unit, _number(one.default), over, bounds, one.meaning, source)


def _range(ends: tuple[float | None, float | None] | None) -> str:
    return " to ".join(map(_number, ends)) if ends else ""


def segments() -> str:
    """Return the table of segments: a row a property, a column a segment."""
    meanings = _attributes(Segment)
    names = [one.name for one in fields(Segment) if one.name not in ("name", "risk", "sources")]
    rows: list[Sequence[str]] = [
        (_code(name), *(_number(getattr(one, name)) for one in SEGMENTS), meanings[name])
        for name in names
    ]
    rows += _parts("risk", RISKS, "share of its risk")
    rows += _parts("sources", SOURCES, "share of its savings")
    return table(("property", *(_code(one.name) for one in SEGMENTS), "meaning"), rows)


def _parts(name: str, kinds: Sequence[str], meaning: str) -> list[Sequence[str]]:
    """Return a row for each kind of a property that has several numbers a segment."""
    return [
        (f"`{name}`, {kind}", *(_number(getattr(one, name)[place]) for one in SEGMENTS), meaning)
        for place, kind in enumerate(kinds)
    ]


def procedures() -> str:
    """Return the table of procedures: a row a property, a column a procedure."""
    meanings = _attributes(Procedure)
    rows = [
        (_code(name), *(_property(getattr(one, name)) for one in PROCEDURES), meanings[name])
        for name in meanings
        if name != "name"
    ]
    return table(("property", *(one.name for one in PROCEDURES), "meaning"), rows)


def _property(value: Scalar) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else _number(value)


def _attributes(documented: type) -> Mapping[str, str]:
    """Return what the docstring of a class says of each attribute, on one line."""
    section = inspect.cleandoc(documented.__doc__ or "").split("Attributes:\n")[1]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()).removesuffix(".") for name, text in found}


def governance() -> str:
    """Return the table of models of collaboration: a row a property, a column a model."""
    meanings = _attributes(Governance)
    rows = [
        (_code(name), *(_property(getattr(one, name)) for one in GOVERNANCE), meanings[name])
        for name in meanings
        if name not in ("name", "title")
    ]
    return table(("property", *(one.title for one in GOVERNANCE), "meaning"), rows)


def circumstances() -> str:
    """Return the table of named sets of assumptions."""
    rows = [
        (
            _code(one.name), one.description,
            ", ".join(f"{_code(name)} {_number(value)}" for name, value in one.assumptions.items()),
        )
        for one in bundled_circumstances()
    ]  # fmt: skip
    return table(("set", "stands for", "holds"), rows)


def constants() -> str:
    """Return the table of numbers that are fixed in the code."""
    rows = [(_code(name), _shown(resolve(name)), meaning) for name, meaning in CONSTANTS]
    return table(("constant", "value", "meaning"), rows)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_number(one)}" for name, one in value.items())
    return ", ".join(map(_number, value)) if isinstance(value, tuple) else _number(value)


# --- state and results ---------------------------------------------------------------------------


def columns() -> str:
    """Return a table of state variables for each kind of row."""
    return "\n".join(map(_state, STATE))


def _state(kind: type[Table]) -> str:
    head = f"`{kind.__module__}.{kind.__name__}`: {_first_sentence(kind)}\n\n"
    rows = [(_code(name), *_column(one)) for name, one in kind.columns.items()]
    return head + table(("column", "type", "unit", "at first", "meaning"), rows)


def _first_sentence(documented: type) -> str:
    return inspect.cleandoc(documented.__doc__ or "").split("\n")[0]


def _column(one: Column) -> Sequence[str]:
    kind = KINDS[np.dtype(one.dtype).kind] + "".join(f" x {size}" for size in one.width)
    first = ("yes" if one.initial else "no") if kind.startswith("flag") else _number(one.initial)
    return kind, one.unit, first, one.meaning


def _margin(outcome: Outcome) -> str:
    """Return the smallest difference that matters, or the share of what it is."""
    number = _number(outcome.matters)
    return f"{number} % of {outcome.relative_to}" if outcome.relative_to else number


def outcomes() -> str:
    """Return the table of outcomes."""
    header = ("outcome", "unit", "better", "matters", "over the horizon", "definition")
    rows = [
        (
            _code(one.name) + (" (headline)" if one.headline else ""),
            one.unit, one.better, _margin(one), _rule(one.rule), one.definition,
        )
        for one in OUTCOMES.values()
    ]  # fmt: skip
    return table(header, rows)


def _rule(rule: Rule) -> str:
    match rule:
        case Sum():
            return f"sum of `{rule.measure}`"
        case NetPresentValue():
            return f"sum of `{rule.measure}` x `discount`"
        case Last():
            over = f" over `{rule.per_cent_of}`, x 100" if rule.per_cent_of else ""
            return f"`{rule.measure}` of the last quarter{over}"
        case Ratio():
            scale = f", x {rule.scale:g}" if rule.scale != 1 else ""
            weighted = ", both x `discount`" if rule.discounted else ""
            return f"sum of `{rule.numerator}` over sum of `{rule.denominator}`{scale}{weighted}"
        case Gap():
            return f"({_rule(rule.first)}) less ({_rule(rule.second)})"


def measures() -> str:
    """Return the table of quarterly measures."""
    rows = [(_code(name), *about.split("; ", 1)) for name, about in MEASURES.items()]
    return table(("measure", "unit", "meaning"), rows)


def events() -> str:
    """Return a table of columns for each event table."""
    return "\n".join(map(_event_table, COLUMNS))


def _event_table(name: str) -> str:
    rows = [(_code(column), about) for column, about in COLUMNS[name].items()]
    return f"Table `{name}`:\n\n" + table(("column", "unit and meaning"), rows)


def purposes() -> str:
    """Return the table of purposes for which money is moved."""
    rows = [
        (_code(one.name.lower()), PURPOSES[one], "yes" if one in COUNCIL_COSTS else "no")
        for one in Purpose
    ]
    accounts = ", ".join(_code(one.name.lower()) for one in Account)
    head = f"Accounts of institutions: {accounts}. Each council and each supplier has its own.\n\n"
    return head + table(("purpose", "meaning", "cost to a council"), rows)


# --- worked numbers ------------------------------------------------------------------------------


def examples() -> str:
    """Return what rules give for some arguments, so that another implementation can be checked."""
    rows = [_example(name, given) for name, given in EXAMPLES]
    return table(("rule", "for", "gives"), rows)


def _example(name: str, given: Mapping[str, Any]) -> Sequence[str]:
    rule = resolve(name)
    takes = inspect.signature(rule).parameters
    result = rule(**{one: _argument(value, takes[one].annotation) for one, value in given.items()})
    shown = ", ".join(f"{one.replace('_', ' ')} {_given(value)}" for one, value in given.items())
    return _code(name), shown, _result(result)


def _argument(value: Any, annotation: Any) -> Any:
    plain = annotation in (float, int) or isinstance(value, Assumptions)
    return value if plain else np.array([value])


def _given(value: Any) -> str:
    if isinstance(value, Assumptions):
        return "central"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"({', '.join(map(_number, value))})" if isinstance(value, tuple) else _number(value)


def _result(value: Any) -> str:
    entries = np.ravel(np.asarray(value)).tolist()
    return ", ".join(
        ("yes" if one else "no") if isinstance(one, bool) else _number(one) for one in entries
    )


def keys() -> str:
    """Return some keys and draws, so that another implementation of the draws can be checked."""
    rows = [
        ('name_key("need")', str(name_key("need"))),
        ("combine(1, 2)", str(combine(1, 2)[0])),
        ('Draws(7).uniform("need", 1, 2)', repr(float(Draws(7).uniform("need", 1, 2)[0]))),
        ('Draws(7).normal("need", 1, 2)', f"{float(Draws(7).normal('need', 1, 2)[0]):.12f}"),
    ]
    return table(("of", "is"), rows)


GENERATORS: Mapping[str, Callable[[], str]] = {
    "levers": levers,
    "readers": readers,
    "assumptions": assumptions,
    "segments": segments,
    "procedures": procedures,
    "governance": governance,
    "circumstances": circumstances,
    "constants": constants,
    "columns": columns,
    "outcomes": outcomes,
    "measures": measures,
    "events": events,
    "purposes": purposes,
    "examples": examples,
    "keys": keys,
}


def refreshed(text: str) -> str:
    """Return ``text`` with every generated block made anew.

    Raises:
        KeyError: a block that nothing generates.
    """
    return BLOCK.sub(lambda found: f"{found[1]}\n{GENERATORS[found[2]]()}\n{found[4]}", text)


def rewrite(path: Path) -> bool:
    """Refresh the file at ``path`` whole or not at all; return whether it changed."""
    before = path.read_text(encoding="utf-8")
    after = refreshed(before)
    if after != before:
        beside = path.with_suffix(".new")
        beside.write_text(after, encoding="utf-8")
        os.replace(beside, path)
    return after != before


if __name__ == "__main__":
    rewrite(DOCUMENT)
