"""Reading a file of directions: its figures, its arms, and what it claims of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.directions import (
    LEFT,
    Ablation,
    Arm,
    Change,
    Contrast,
    Direction,
    Directions,
    Grid,
    Kind,
)
from experiments.documents import Fields, kind, read_document
from experiments.figures import LAST_QUARTER, MEASURES_TABLE, QUANTITIES, Condition, Figure
from simulation.assumptions import Assumptions
from simulation.errors import InputError, did_you_mean
from simulation.events import COLUMNS
from simulation.levers import Levers
from simulation.measures import MEASURES
from simulation.outcomes import OUTCOMES
from simulation.parameters import parameters

KINDS: tuple[Kind, ...] = ("difference", "difference in differences", "interior")
KEYS = ("seed", "replications", "years", "arms", "figures", "directions")
FIGURE_KEYS = (
    "title", "unit", "scale", "outcome", "quarters", "table", "where", "weight", "like",
    *QUANTITIES,
)  # fmt: skip
CONDITION_KEYS = ("from", "to", "above", "below", "not", "known")
ARM_KEYS = ("levers", "assumptions", "years")
ABLATION_KEYS = ("levers", "assumptions", "leaves_at_most", "replications")
CONTRAST_KEYS = ("arm", "against", "figure")
DIRECTION_KEYS = (
    "row", "title", "because", "kind", "replications", "arm", "against", "figure", "expected",
    "than", "grid", "best", "ablation", "beside", "finding", "near",
)  # fmt: skip
SEED = (0, 2**63 - 1)
REPLICATIONS = (2, 1000)
YEARS = (1, 50)
ROWS = (1, 999)
LONGEST_TEXT = 600
LONGEST_TITLE = 200
FEWEST_IN_GRID = 3


def read_directions(path: Path) -> Directions:
    """Return what the file at ``path`` declares.

    Raises:
        InputError: it cannot be read, or something in it is wrong.
    """
    fields = Fields.of(str(path), read_document(path, "a file of directions"), "the file", KEYS)
    return _Reader(fields).directions()


def rows_of(text: str) -> tuple[int, ...]:
    """Return the rows that a user listed as ``"1,6"``; none for an empty text.

    Raises:
        InputError: one of them is not a number.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    for part in parts:
        if not (part.isascii() and part.isdigit()):
            raise InputError(f"--only {text}: must be numbers of rows, such as 1,6; not {part!r}")
    return tuple(map(int, parts))


class _Reader:
    """Reads a file from its arms and figures to its directions."""

    def __init__(self, fields: Fields) -> None:
        self.where = fields.where
        self.fields = fields
        self.years = fields.whole("years", 15, YEARS)
        self.replications = fields.whole("replications", 10, REPLICATIONS)
        self.figures = {
            name: figure_from(self.where, name, one)
            for name, one in fields.mapping("figures").items()
        }
        self.arms = {name: self._arm(name, one) for name, one in fields.mapping("arms").items()}

    def directions(self) -> Directions:
        listed = self.fields.items("directions") if self.fields.given("directions") else ()
        read = tuple(self._direction(f"directions[{n}]", one) for n, one in enumerate(listed))
        _check_titles(self.where, [one.title for one in read])
        return Directions(self.where, self.fields.whole("seed", 2006, SEED), read)

    # arms

    def _arm(self, name: str, document: object) -> Arm:
        inside = f"arms.{name}"
        given = {} if document is None else document
        one = self._part(inside, given, "an arm", ARM_KEYS)
        arm = Arm(_change(one), one.whole("years", self.years, YEARS))
        where = f"{self.where}: {inside}"
        arm.policy(where)
        arm.assumed(where)
        return arm

    def _part(self, inside: str, document: object, what: str, known: Sequence[str]) -> Fields:
        checked = Fields.of(f"{self.where}: {inside}", document, what, known)
        return Fields(self.where, checked.values, f"{inside}.")

    def _named_arm(self, fields: Fields, name: str) -> Arm:
        given = fields.values.get(name)
        if isinstance(given, str) and given in self.arms:
            return self.arms[given]
        hint = did_you_mean(given, self.arms) if isinstance(given, str) else ""
        raise InputError(
            f"{self.where}: {fields.inside}{name} = {given!r}: must be the name of an arm{hint}; "
            f"known: {', '.join(self.arms)}"
        )

    def _figure(self, fields: Fields) -> Figure:
        name = fields.text("figure", "", LONGEST_TITLE)
        return declared_figure(name, self.figures, f"{self.where}: {fields.inside}figure")

    # directions

    def _direction(self, inside: str, document: object) -> Direction:
        fields = self._part(inside, document, "a direction", DIRECTION_KEYS)
        kind: Kind = fields.choice("kind", "difference", KINDS)  # type: ignore[assignment]
        needed = ("arm", "grid", "best") if kind == "interior" else ("arm", "against", "expected")
        require(fields, ("row", "title", "figure", *needed))
        direction = Direction(
            row=fields.whole("row", 0, ROWS),
            title=fields.text("title", "", LONGEST_TITLE),
            because=fields.text("because", "", LONGEST_TEXT),
            kind=kind,
            replications=fields.whole("replications", self.replications, REPLICATIONS),
            sign=_sign(fields, kind),
            contrasts=() if kind == "interior" else self._contrasts(fields, kind),
            grid=self._grid(fields) if kind == "interior" else None,
            beside=self._beside(fields),
            ablation=self._ablation(fields),
            finding=fields.text("finding", "", LONGEST_TEXT),
            near=fields.text("near", "", LONGEST_TEXT),
        )
        self._check_ablated(direction, inside)
        return direction

    def _contrasts(self, fields: Fields, kind: Kind) -> tuple[Contrast, ...]:
        refuse_others(fields, [key for key in DIRECTION_KEYS if key != "grid"], f"of a {kind}")
        first = self._contrast(fields)
        if kind == "difference":
            return (first,)
        inside = f"{fields.inside}than"
        than = self._part(inside, fields.mapping("than"), "what it is compared with", CONTRAST_KEYS)
        keys = {key: fields.values.get(key) for key in CONTRAST_KEYS}
        return first, self._contrast(Fields(self.where, {**keys, **than.values}, f"{inside}."))

    def _contrast(self, fields: Fields) -> Contrast:
        arm, against = (self._named_arm(fields, name) for name in ("arm", "against"))
        if arm.years != against.years:
            raise InputError(
                f"{self.where}: {fields.inside}against: runs {against.years} years, but "
                f"{fields.inside}arm runs {arm.years}"
            )
        return Contrast(arm, against, self._figure(fields))

    def _beside(self, fields: Fields) -> tuple[Contrast, ...]:
        told = fields.items("beside") if fields.given("beside") else ()
        keys = {key: fields.values.get(key) for key in CONTRAST_KEYS}
        return tuple(
            self._contrast(Fields(self.where, {**keys, **one.values}, one.inside))
            for one in (
                self._part(f"{fields.inside}beside[{n}]", item, "what stands beside", CONTRAST_KEYS)
                for n, item in enumerate(told)
            )
        )

    def _grid(self, fields: Fields) -> Grid:
        refuse_others(
            fields,
            [key for key in DIRECTION_KEYS if key not in ("against", "than", "expected")],
            "of an interior best",
        )
        grid, base = fields.mapping("grid"), self._named_arm(fields, "arm")
        if len(grid) != 1:
            raise fields.refusal("grid", "one lever or assumption and its values, {name: [...]}")
        ((name, values),) = grid.items()
        if not _numbers(values) or sorted(set(values)) != values:
            raise fields.refusal("grid", f"at least {FEWEST_IN_GRID} values, low to high")
        where = f"{self.where}: {fields.inside}grid"
        arms = tuple(base.with_change(_set(name, value, where)) for value in values)
        for arm in arms:
            arm.policy(where)
            arm.assumed(where)
        return Grid(name, tuple(map(float, values)), arms, self._figure(fields))

    def _ablation(self, fields: Fields) -> Ablation | None:
        if not fields.given("ablation"):
            return None
        inside = f"{fields.inside}ablation"
        one = self._part(inside, fields.values["ablation"], "an ablation", ABLATION_KEYS)
        most = number(one, "leaves_at_most", -1.0) if one.given("leaves_at_most") else LEFT
        runs = one.whole("replications", REPLICATIONS[0], REPLICATIONS)
        return Ablation(_change(one), most, runs if one.given("replications") else None)

    def _check_ablated(self, direction: Direction, inside: str) -> None:
        ablated, where = direction.ablated(), f"{self.where}: {inside}.ablation"
        arms = ablated.grid.arms if ablated.grid else ()
        for arm in (*arms, *(one.arm for one in ablated.contrasts)):
            arm.policy(where)
            arm.assumed(where)


# --- parts of a direction


def _check_titles(where: str, titles: Sequence[str]) -> None:
    for place, title in enumerate(titles):
        if title in titles[:place]:
            raise InputError(f"{where}: directions[{place}].title = {title!r}: stands there twice")


def _sign(fields: Fields, kind: Kind) -> int:
    if kind == "interior":
        return 1 if fields.choice("best", "", ("highest", "lowest")) == "highest" else -1
    return 1 if fields.choice("expected", "", ("rises", "falls")) == "rises" else -1


def _change(fields: Fields) -> Change:
    return Change(dict(fields.mapping("levers")), dict(fields.mapping("assumptions")))


def _numbers(values: object) -> bool:
    """Say whether ``values`` are numbers, enough for a grid: words have no order."""
    return (
        isinstance(values, list)
        and len(values) >= FEWEST_IN_GRID
        and all(isinstance(one, int | float) for one in values)
    )


def _set(name: str, value: object, where: str) -> Change:
    """Return the change that sets the lever or assumption ``name``."""
    if name in parameters(Levers):
        return Change(levers={name: value})
    if name in parameters(Assumptions):
        return Change(assumptions={name: value})
    known = [*parameters(Levers), *parameters(Assumptions)]
    hint = did_you_mean(name, known)
    raise InputError(f"{where}: unknown lever or assumption {name!r}{hint}")


# --- figures


def declared_figure(name: str, known: Mapping[str, Figure], where: str) -> Figure:
    """Return the figure called ``name`` in a file, or the declared outcome of that name.

    Raises:
        InputError: there is neither; ``where`` names the file and the field.
    """
    if name in known:
        return known[name]
    if name in OUTCOMES:
        return Figure(name, OUTCOMES[name].title, OUTCOMES[name].unit, outcome=name)
    hint = did_you_mean(name, [*known, *OUTCOMES])
    raise InputError(f"{where} = {name!r}: no figure and no declared outcome is called so{hint}")


def figure_from(where: str, name: str, document: object) -> Figure:
    """Return the figure ``name`` that the mapping ``document`` declares; ``where`` is the file.

    Raises:
        InputError: something in it is wrong.
    """
    inside = f"figures.{name}."
    fields = Fields.of(f"{where}: figures.{name}", document, "a figure", FIGURE_KEYS)
    fields = Fields(where, fields.values, inside)
    return _of_outcome(fields, name) if fields.given("outcome") else _of_table(fields, name)


def _of_outcome(fields: Fields, name: str) -> Figure:
    outcome = OUTCOMES[fields.choice("outcome", "", tuple(OUTCOMES))]
    refuse_others(fields, ("title", "unit", "outcome", "quarters"), "of an outcome")
    title = fields.text("title", outcome.title, LONGEST_TITLE)
    unit = fields.text("unit", outcome.unit, LONGEST_TITLE)
    return Figure(name, title, unit, outcome=outcome.name, quarters=_window(fields))


def _window(fields: Fields) -> tuple[int, int]:
    if not fields.given("quarters"):
        return 1, LAST_QUARTER
    match fields.values["quarters"]:
        case [int(first), int(last)] if 1 <= first <= last <= LAST_QUARTER:
            return first, last
    raise fields.refusal("quarters", f"[first, last], from 1 to {LAST_QUARTER}")


def _of_table(fields: Fields, name: str) -> Figure:
    require(fields, ("table",))
    table = fields.choice("table", "", (*COLUMNS, MEASURES_TABLE))
    quantity = _only_quantity(fields)
    return Figure(
        name,
        title=fields.text("title", name, LONGEST_TITLE),
        unit=fields.text("unit", "", LONGEST_TITLE),
        scale=number(fields, "scale", 1.0),
        table=table,
        where=_conditions(fields, "where", table),
        quantity=quantity,
        columns=_columns(fields, quantity, table),
        shared=_conditions(fields, "share", table) if quantity == "share" else (),
        weight=_named(fields, "weight", fields.values.get("weight", ""), table, optional=True),
        like=tuple(_named(fields, "like", item, table) for item in _listed(fields, "like")),
    )


def _only_quantity(fields: Fields) -> str:
    given = [name for name in QUANTITIES if fields.given(name)]
    if len(given) != 1:
        told = f"it has {', '.join(given) or 'none'}"
        raise InputError(
            f"{fields.where}: {fields.inside[:-1]}: needs one of {', '.join(QUANTITIES)}; {told}"
        )
    return given[0]


def _columns(fields: Fields, quantity: str, table: str) -> tuple[tuple[str, ...], ...]:
    """Return the columns to add up: a name, a product of names, or two such for a ratio."""
    match quantity, fields.values[quantity]:
        case ("count", True) | ("share", _):
            return ()
        case "ratio", [above, below]:
            return tuple(_product(fields, quantity, one, table) for one in (above, below))
        case (("sum" | "mean" | "last"), one):
            return (_product(fields, quantity, one, table),)
    rule = "true" if quantity == "count" else "[above the line, below the line]"
    raise fields.refusal(quantity, rule)


def _product(fields: Fields, field: str, given: object, table: str) -> tuple[str, ...]:
    names = given if isinstance(given, list) else [given]
    return tuple(_named(fields, field, name, table) for name in names)


def _named(fields: Fields, field: str, name: object, table: str, *, optional: bool = False) -> str:
    if optional and name == "":
        return ""
    known = _known_columns(table)
    if name in known:
        return str(name)
    hint = did_you_mean(str(name), known)
    raise InputError(
        f"{fields.where}: {fields.inside}{field} = {name!r}: {table} has no such column{hint}; "
        f"known: {', '.join(known)}"
    )


def _known_columns(table: str) -> list[str]:
    if table == MEASURES_TABLE:
        return ["quarter", *MEASURES]
    return list(COLUMNS[table])


def _conditions(fields: Fields, field: str, table: str) -> tuple[Condition, ...]:
    given = fields.mapping(field)
    return tuple(
        _condition(fields, field, _named(fields, field, column, table), wanted)
        for column, wanted in given.items()
    )


def _condition(fields: Fields, field: str, column: str, wanted: object) -> Condition:
    inside = f"{fields.inside}{field}.{column}"
    if not isinstance(wanted, Mapping):
        return Condition(column, among=_values(fields.where, inside, wanted))
    one = Fields.of(f"{fields.where}: {inside}", wanted, "a condition", CONDITION_KEYS)
    one = Fields(fields.where, one.values, f"{inside}.")
    known = wanted.get("known")
    if known is not None and not isinstance(known, bool):
        raise one.refusal("known", "true or false")
    apart = _values(fields.where, f"{inside}.not", wanted["not"]) if "not" in wanted else ()
    return Condition(
        column,
        apart=apart,
        least=number(one, "from", -math.inf),
        most=number(one, "to", math.inf),
        above=number(one, "above", -math.inf),
        below=number(one, "below", math.inf),
        known=known,
    )


def _values(where: str, inside: str, given: object) -> tuple[object, ...]:
    values = given if isinstance(given, list) else [given]
    if values and all(isinstance(value, str | int | float) for value in values):
        return tuple(values)
    raise InputError(
        f"{where}: {inside}: must be a value, a list of values, or a mapping of "
        f"{', '.join(CONDITION_KEYS)}; it is {kind(given)}"
    )


def _listed(fields: Fields, field: str) -> Sequence[object]:
    return fields.items(field) if fields.given(field) else ()


def number(fields: Fields, field: str, default: float) -> float:
    """Return a finite number that a user wrote."""
    value = fields.values.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise fields.refusal(field, "a number")
    return float(value)


def require(fields: Fields, needed: Sequence[str]) -> None:
    """Refuse a mapping in which a field is missing.

    Raises:
        InputError: one of ``needed`` is absent.
    """
    for field in needed:
        if not fields.given(field):
            raise InputError(f"{fields.where}: {fields.inside}{field}: is needed")


def refuse_others(fields: Fields, known: Sequence[str], what: str) -> None:
    """Refuse fields that say nothing about a thing of this sort.

    Raises:
        InputError: there is one.
    """
    for field in fields.values:
        if field not in known:
            raise InputError(
                f"{fields.where}: {fields.inside}{field}: says nothing {what}; "
                f"known: {', '.join(known)}"
            )
