"""Targets: numbers of the record that the simulated market is held against.

They stand in ``targets.yaml``, each a wanted range and the moment of a run that it is measured by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from experiments.documents import Fields, read_document
from experiments.moments import MOMENTS, arguments
from simulation.errors import InputError, did_you_mean

TARGETS = Path(__file__).with_name("targets.yaml")
KEYS = (
    "name", "title", "unit", "low", "high", "certainty", "source", "moment", "of", "mend",
)  # fmt: skip
NEEDED = ("name", "title", "unit", "low", "high", "certainty", "source", "moment")
CERTAINTIES = ("high", "medium", "low", "assumed")
LONGEST_TEXT = 400
LONGEST_REMEDY = 1000


@dataclass(frozen=True)
class Target:
    """One number of the record, and how a run is measured against it.

    Attributes:
        name: name by which it is asked for.
        title: name for people.
        unit: unit of ``low``, ``high`` and what is measured.
        low: lower end of the wanted range.
        high: upper end, above ``low``.
        certainty: of the record, one of `CERTAINTIES`.
        source: where the figure comes from.
        moment: name of a moment.
        of: what the moment is told.
        mend: what would mend a miss; empty where nothing is known.
    """

    name: str
    title: str
    unit: str
    low: float
    high: float
    certainty: str
    source: str
    moment: str
    of: Mapping[str, Any]
    mend: str = ""

    def distance(self, value: float) -> float:
        """Return 0 inside the wanted range, else by how many halves of it ``value`` is outside."""
        outside = max(self.low - value, value - self.high)
        if math.isnan(value):
            return math.nan
        return max(outside, 0.0) / ((self.high - self.low) / 2)


def read_targets(path: Path = TARGETS) -> tuple[Target, ...]:
    """Return the targets that the file at ``path`` declares, in its order.

    Raises:
        InputError: it cannot be read, or an entry is wrong.
    """
    document = read_document(path, "a file of targets")
    where = path.name if path == TARGETS else str(path)
    if not isinstance(document, list) or not document:
        raise InputError(f"{where}: must be a list of targets that is not empty")
    targets = tuple(_target(entry, f"{where}, target {n}") for n, entry in enumerate(document, 1))
    names = [target.name for target in targets]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{where}: target {name!r} stands there twice")
    return targets


def chosen(targets: Sequence[Target], names: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets called ``names``, in their own order; all where none is named.

    Raises:
        InputError: there is no such target.
    """
    known = [target.name for target in targets]
    for name in names:
        if name not in known:
            raise InputError(f"--only: unknown target {name!r}{did_you_mean(name, known)}")
    return tuple(target for target in targets if not names or target.name in names)


def _target(entry: object, where: str) -> Target:
    fields = Fields.of(where, entry, "a target", KEYS)
    for key in NEEDED:
        if not fields.given(key):
            raise InputError(f"{where}: {key} is missing")
    name = fields.text("name", "", LONGEST_TEXT)
    texts = {key: fields.text(key, "", LONGEST_TEXT) for key in ("title", "unit", "source")}
    mend = fields.text("mend", "", LONGEST_REMEDY)
    fields = Fields(f"{where} ({name})", fields.values)
    low, high = _number(fields, "low"), _number(fields, "high")
    if low >= high:
        raise fields.refusal("high", f"above low, which is {low:g}")
    moment = fields.choice("moment", "", tuple(MOMENTS))
    certainty = fields.choice("certainty", "", CERTAINTIES)
    of = _told(fields, moment)
    return Target(name, **texts, low=low, high=high, certainty=certainty, moment=moment, of=of,
                  mend=mend)  # fmt: skip


def _number(fields: Fields, key: str) -> float:
    value = fields.values[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise fields.refusal(key, "a number")
    return float(value)


def _told(fields: Fields, moment: str) -> dict[str, Any]:
    """Return what ``of`` tells the moment, each value of the type that it declares."""
    given, known = fields.mapping("of"), arguments(moment)
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"; known: {', '.join(known) or 'none'}"
            raise InputError(f"{fields.where}: {moment} knows no {name!r}{hint}")
    for name, about in known.items():
        if name not in given and about.default is about.empty:
            raise InputError(f"{fields.where}: of lacks {name}, which {moment} needs")
    inside = Fields(fields.where, given, "of.")
    return {name: _typed(inside, name, known[name].annotation) for name in given}


def _typed(fields: Fields, name: str, wanted: Any) -> Any:
    options = get_args(getattr(wanted, "__value__", wanted))
    if options:
        return fields.choice(name, "", options)
    try:
        return TypeAdapter(wanted).validate_python(fields.values[name], strict=True)
    except ValidationError:
        kind = "a whole number" if wanted is int else "a number"
        raise fields.refusal(name, kind) from None
