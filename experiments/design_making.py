"""Making a design of what is said of it: in Python here, in a file in `experiments.design_file`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.catalogue import STATUS_QUO, NamedPolicy, find_policy, policy_from
from experiments.design_methods import METHOD_NAMES, METHODS, TABLE, options_of
from experiments.designs import Design
from experiments.documents import Fields
from experiments.factors import Factor, factors_from
from experiments.point_tables import Table, read_table, table_of
from experiments.question import Question, territory
from simulation.errors import InputError, did_you_mean, shown
from simulation.parameters import plain

type Points = Path | str | Mapping[str, Sequence[object]] | None

_ASKED = frozenset(
    {"baseline", "territory", "years", "seed", "replicates", "mode", "assumptions", "outcomes"}
)
"""What `Design.of` hands on to a question."""


@dataclass(frozen=True)
class How:
    """What is said of a design besides its question."""

    method: str
    options: Mapping[str, Any]
    vary: Mapping[str, Any]
    table: Table | None
    cap: int


def designed(question: Question, how: How, where: str) -> Design:
    """Return the design of ``question`` that ``how`` describes.

    Raises:
        InputError: something of it is wrong; ``where`` is what errors call the place.
    """
    if how.method == TABLE:
        return _tabled(question, how, where)
    if how.table is not None:
        raise InputError(f"{where}: a table of points goes with method table, not {how.method}")
    Fields(where, {"method": how.method}, "design.").choice("method", "", METHOD_NAMES)
    options = options_of(how.method, how.options, where)
    factors = factors_from(how.vary, where)
    _check_levels(factors, how.method, where)
    return Design(question, factors, how.method, options, None, how.cap, where)


def _tabled(question: Question, how: How, where: str) -> Design:
    check_table_options(how.options, where)
    if how.table is None:
        raise InputError(f"{where}: method table needs the table of points")
    factors = how.table.factors(_only(how.vary, how.table, where))
    return Design(question, factors, TABLE, {}, how.table, how.cap, where)


def check_table_options(options: Mapping[str, Any], where: str) -> None:
    """Refuse options that a table does not take.

    Raises:
        InputError: there is one.
    """
    Fields.of(where, options, "design table", ("method", "file", "sha256"), "design.")


def _check_levels(factors: Sequence[Factor], method: str, where: str) -> None:
    for factor in factors:
        if factor.levels is not None and method != "grid":
            raise InputError(
                f"{where}: vary.{factor.name}.levels: only a grid takes levels; this is {method}"
            )


def _only(vary: Mapping[str, Any], table: Table, where: str) -> dict[str, tuple[str, ...]]:
    """Return over which policies the columns of a table are laid."""
    for name in vary:
        if name not in table.columns:
            hint = did_you_mean(name, table.columns)
            raise InputError(f"{where}: vary.{name}: the table has no such column{hint}")
    found = factors_from({name: said for name, said in vary.items() if said}, where)
    for factor in found:
        if set(vary[factor.name]) != {"only"}:
            raise InputError(f"{where}: vary.{factor.name}: with a table, only `only` can be said")
    return {factor.name: factor.only for factor in found}


# In Python


def design_of(
    policies: Iterable[str | NamedPolicy | Mapping[str, Any]],
    vary: Mapping[str, Any] | None,
    method: str,
    table: Points,
    register: Path | str | None,
    cap: int,
    said: Mapping[str, Any],
) -> Design:
    """Return a design without a file; arguments and errors are those of `Design.of`."""
    where, given = "design", {name: plain(value) for name, value in said.items()}
    _check_known(given, method, where)
    options = {name: value for name, value in given.items() if name not in _ASKED}
    asked = {name: value for name, value in given.items() if name in _ASKED}
    if register is not None:
        asked["territory"] = territory(Path(register))
    varied = Fields(where, {"vary": {} if vary is None else vary}).mapping("vary")
    question = _asked(policies, asked, where)
    return designed(question, How(method, options, varied, _points(table), cap), where)


def _check_known(given: Mapping[str, Any], method: str, where: str) -> None:
    """Refuse what neither the method nor a question takes."""
    own = METHODS[method].options if method in METHODS else {}
    for name in given:
        if name not in (known := (*own, *sorted(_ASKED), "table", "register", "cap")):
            raise InputError(
                f"{where}: unknown key {shown(name)}{did_you_mean(name, known)}; known: "
                f"{', '.join(known)}"
            )


def _points(table: Points) -> Table | None:
    if table is None:
        return None
    if isinstance(table, Path | str):
        return read_table(Path(table))
    try:
        return table_of({str(name): [*table[name]] for name in table})
    except TypeError:
        raise InputError(
            f"design: table is a {type(table).__name__}: must be a file, or a mapping of names to "
            "columns of values"
        ) from None


def _asked(policies: Iterable[Any], given: Mapping[str, Any], where: str) -> Question:
    listed = [_named(item, where) for item in policies]
    name = given.get("baseline") or STATUS_QUO
    known = {policy.name: policy for policy in listed}
    baseline = known.get(name) or find_policy(name)
    others = (policy for policy in listed if not policy.same(baseline))
    rest = {key: value for key, value in given.items() if key != "baseline"}
    return Question((baseline, *others), **rest, where=where)


def _named(item: str | NamedPolicy | Mapping[str, Any], where: str) -> NamedPolicy:
    if isinstance(item, NamedPolicy):
        return item
    return find_policy(item) if isinstance(item, str) else policy_from(item, where)
