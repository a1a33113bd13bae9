"""Reading what a user wrote: YAML files, and the fields in them, with errors that say where."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from simulation.errors import InputError, did_you_mean, shown
from simulation.files import read_text

SUFFIXES = (".yaml", ".yml", ".json")
MOST_BYTES = 1024 * 1024
DEEPEST = 20
LONGEST_SCALAR = 2000


@dataclass(frozen=True)
class Fields:
    """A mapping that a user wrote, and where it stands; every reader checks what it returns.

    Attributes:
        where: what errors call the place, such as the name of a file.
        values: what stands there.
        inside: what errors put before the name of a field, such as ``"assumptions."``.
    """

    where: str
    values: Mapping[str, object]
    inside: str = ""

    @classmethod
    def of(
        cls, where: str, document: object, what: str, known: Sequence[str], inside: str = ""
    ) -> "Fields":
        """Return ``document`` as fields, each of which is ``known``.

        Raises:
            InputError: it is not a mapping, or has a key that is not known.
        """
        if not isinstance(document, Mapping):
            raise InputError(
                f"{where}: {what} must be a mapping of {', '.join(known)}; it is {kind(document)}"
            )
        for key in document:
            if key not in known:
                hint = did_you_mean(str(key), known)
                raise InputError(
                    f"{where}: unknown key {shown(f'{inside}{key}' if inside else key)}{hint}; "
                    f"known: {', '.join(known)}"
                )
        return cls(where, document, inside)

    def refusal(self, field: str, rule: str) -> InputError:
        """Return the error that says why the value of ``field`` is refused."""
        value = shown(self.values[field])
        return InputError(f"{self.where}: {self.inside}{field} = {value}: must be {rule}")

    def given(self, field: str) -> bool:
        """Say whether ``field`` stands there with a value."""
        return self.values.get(field) is not None

    def text(self, field: str, default: str, longest: int) -> str:
        """Return a text of at most ``longest`` characters, none of them a control character."""
        value = self.values.get(field)
        if value is None:
            return default
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise self.refusal(field, f"text of at most {longest} characters, on one line")
        return value

    def whole(self, field: str, default: int, bounds: tuple[int, int]) -> int:
        """Return a whole number within ``bounds``, both included."""
        value = self.values.get(field, default)
        low, high = bounds
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.refusal(field, f"a whole number from {low:,} to {high:,}")
        return value

    def choice(self, field: str, default: str, options: Sequence[str]) -> str:
        """Return one of ``options``."""
        value = self.values.get(field, default)
        if value not in options:
            hint = did_you_mean(value, options) if isinstance(value, str) else ""
            raise self.refusal(field, f"one of {', '.join(options)}{hint}")
        return str(value)

    def mapping(self, field: str) -> Mapping[str, Any]:
        """Return a mapping whose keys are text; empty where the field is absent."""
        value = self.values.get(field)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise self.refusal(field, "a mapping of names to values")
        return value

    def items(self, field: str) -> Sequence[object]:
        """Return a list that is not empty."""
        value = self.values[field]
        if not isinstance(value, list) or not value:
            raise self.refusal(field, "a list that is not empty")
        return value


def kind(value: object) -> str:
    """Say in words what sort of YAML value ``value`` is."""
    match value:
        case None:
            return "empty"
        case list():
            return "a list"
        case _:
            return shown(value)


def read_document(path: Path, what: str) -> object:
    """Return what the YAML file at ``path`` holds; ``what`` is what errors call such a file.

    Raises:
        InputError: it cannot be read, is not UTF-8, is too long, or is not plain YAML.
    """
    text = read_text(path, what, MOST_BYTES, SUFFIXES)
    try:
        return yaml.load(text, _PlainLoader)
    except yaml.MarkedYAMLError as error:
        raise InputError(f"{path}{_line(error)}: not plain YAML: {_problem(error)}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path}: not plain YAML: {error}") from None


def _line(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f", line {mark.line + 1}" if mark else ""


def _problem(error: yaml.MarkedYAMLError) -> str:
    return " ".join(part for part in (error.context, error.problem) if part)


class _PlainLoader(yaml.SafeLoader):
    """Plain data only: no repeated key, no reference to another part, no endless nesting."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node: short, no deeper than ``DEEPEST``, and never a reference."""
        self._check_next()
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _check_next(self) -> None:
        if self.check_event(yaml.AliasEvent):
            raise self._refusal("references (*name) are not accepted")
        if self.check_event(yaml.ScalarEvent) and len(self.current_event.value) > LONGEST_SCALAR:
            raise self._refusal(f"a value is longer than {LONGEST_SCALAR} characters")
        if self.depth == DEEPEST:
            raise self._refusal(f"nested deeper than {DEEPEST} levels")

    def _refusal(self, problem: str) -> yaml.MarkedYAMLError:
        return yaml.MarkedYAMLError(None, None, problem, self.current_event.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Construct a mapping, each of whose keys stands there once."""
        seen: set[object] = set()
        for key, _ in node.value:
            name = (key.tag, str(key.value))
            if name in seen:
                raise yaml.MarkedYAMLError(None, None, f"{key.value!r} twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)
