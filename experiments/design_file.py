"""Designs in files: a question file that also says what varies and by which method."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.design_making import How, check_table_options, designed
from experiments.design_methods import METHOD_NAMES, TABLE
from experiments.designs import CAP, MOST_RUNS, Design
from experiments.documents import Fields, read_document
from experiments.point_tables import Table, read_table
from experiments.question import (
    LONGEST_PATH,
    QUESTION_KEYS,
    Question,
    Territory,
    england,
    kept_territory,
    question_from,
    territory,
    within,
)
from simulation.errors import InputError

DESIGN_KEYS = (*QUESTION_KEYS, "design", "vary", "cap")


def read_design(path: Path) -> Design:
    """Return the design that the file at ``path`` describes; paths in it start from its folder.

    The effective form of a design, with its files beside it, is such a file too.

    Raises:
        InputError: the file cannot be read, or something in it is wrong.
    """
    return design_from(read_document(path, "a design"), str(path), path.parent)


def design_from(document: object, where: str, folder: Path) -> Design:
    """Return the design that the mapping ``document`` describes.

    Args:
        document: a question, and with it ``design``, ``vary`` and perhaps ``cap``.
        where: what errors call the place where it stands.
        folder: where relative paths in it start.

    Raises:
        InputError: something in it is wrong.
    """
    fields = Fields.of(where, document, "a design", DESIGN_KEYS)
    said = _said(fields)
    vary = fields.mapping("vary")
    asked = {key: fields.values[key] for key in QUESTION_KEYS if key in fields.values}
    question = question_from(Fields(where, asked), folder, _place(fields, folder))
    design = _how(said, fields, vary, folder)
    return designed(_freed(question, design, _own(fields)), design, where)


def _said(fields: Fields) -> Fields:
    """Return what is said under ``design``: a text alone is the method."""
    given = fields.values.get("design")
    said = {"method": given} if isinstance(given, str) else given
    if not isinstance(said, Mapping) or "method" not in said:
        raise InputError(
            f"{fields.where}: design must say its method, one of {', '.join(METHOD_NAMES)}"
        )
    return Fields(fields.where, said, "design.")


def _how(said: Fields, fields: Fields, vary: Mapping[str, Any], folder: Path) -> How:
    method = said.choice("method", "", METHOD_NAMES)
    table = _kept_points(said, folder) if method == TABLE else None
    return How(method, said.values, vary, table, fields.whole("cap", MOST_RUNS, CAP))


def _kept_points(said: Fields, folder: Path) -> Table:
    check_table_options(said.values, said.where)
    name = said.text("file", "", LONGEST_PATH)
    if not name:
        raise InputError(f"{said.where}: design.file must name the CSV or Parquet file of points")
    with within(f"{said.where}: design.file"):
        table = read_table(folder / name)
    if said.given("sha256") and said.values["sha256"] != table.digest:
        raise InputError(f"{folder / name}: not the points of this design: sha256 differs")
    return table


def _place(fields: Fields, folder: Path) -> Territory:
    """Return the councils: England's, those of a file, or those kept beside an effective design."""
    if not fields.given("register"):
        return england()
    if isinstance(fields.values["register"], Mapping):
        return kept_territory(folder, fields)
    name = fields.text("register", "", LONGEST_PATH)
    with within(f"{fields.where}: register"):
        return territory(folder / name)


def _own(fields: Fields) -> Mapping[str, Any]:
    """Return the values that assumptions are set to one by one, not by a named set."""
    given = fields.values.get("assumptions")
    return Fields(fields.where, given).mapping("set") if isinstance(given, Mapping) else {}


def _freed(question: Question, how: How, own: Mapping[str, Any]) -> Question:
    """Return the question with what varies no longer held by a named set of assumptions."""
    varied = (how.table.columns.keys() if how.table else how.vary.keys()) - own.keys()
    held = {name: value for name, value in question.assumptions.items() if name not in varied}
    return replace(question, assumptions=held)
