"""The policies that a question may name: those bundled with the project, and a user's own files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.documents import SUFFIXES, Fields, read_document
from simulation.errors import InputError, did_you_mean, shown
from simulation.levers import Levers, Policy
from simulation.parameters import parameters

POLICY_KEYS = ("name", "title", "description", "levers")
LONGEST_NAME = 100
LONGEST_DESCRIPTION = 2000
STATUS_QUO = "status-quo"

_BUNDLED = Path(__file__).parent / "policies"
_ORDER = (
    STATUS_QUO,
    "forced-aggregation",
    "regional-hubs",
    "maximum-risk-transfer",
    "shared-risk",
    "revolving-fund",
)
_FURTHER = ("grant-with-deadline",)
"""Bundled policies that are compared only where they are named."""


@dataclass(frozen=True)
class NamedPolicy:
    """A policy as a question holds it: its levers, and what people call it.

    Attributes:
        name: what tables and files call it; unique within a question.
        title: the same for people.
        description: what it does, in a sentence or two.
        levers: the levers that it sets, each a value or a list of ``{from_year, value}``.
        where: what errors call the place that says so.
    """

    name: str
    title: str
    description: str
    levers: Mapping[str, Any]
    where: str = field(default="policy", compare=False)
    policy: Policy = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Make ``policy``, the form that the model takes.

        Raises:
            InputError: a lever is unknown, planned, or out of its bounds.
        """
        policy = Policy(self.name, self.description, where=self.where, **self.levers)
        object.__setattr__(self, "policy", policy)

    def same(self, other: "NamedPolicy") -> bool:
        """Say whether ``other`` sets the same levers under the same name."""
        return self.name == other.name and self.policy == other.policy

    def effective(self) -> dict[str, Any]:
        """Return what a manifest says of it; equal policies say the same to the letter."""
        levers = self.policy.as_levers()
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "levers": {name: _canonical(name, levers[name]) for name in sorted(levers)},
        }


def bundled_names() -> tuple[str, ...]:
    """Return the names of the bundled policies, the status quo first."""
    return (*_ORDER, *_FURTHER)


def bundled_policies() -> tuple[NamedPolicy, ...]:
    """Return the bundled policies, the status quo first."""
    return tuple(map(_bundled, bundled_names()))


def compared_policies() -> tuple[NamedPolicy, ...]:
    """Return the bundled policies that are compared where none is named, the status quo first."""
    return tuple(map(_bundled, _ORDER))


def find_policy(reference: str, folder: Path | None = None) -> NamedPolicy:
    """Return the bundled policy called ``reference``, or the one in the file of that path.

    Args:
        reference: name of a bundled policy, or path of a policy file.
        folder: where a relative path starts; the working directory if None.

    Raises:
        InputError: there is no such policy, or its file is not a good one.
    """
    known = bundled_names()
    if reference in known:
        return _bundled(reference)
    path = Path(reference) if folder is None else folder / reference
    if _looks_like_a_path(reference) or is_file(path):
        return _read(path, str(path))
    raise InputError(
        f"no policy is called {shown(reference)}{did_you_mean(reference, known)}; "
        f"bundled: {', '.join(known)}; or give the path of a policy file"
    )


def policy_from(document: object, where: str, name: str = "") -> NamedPolicy:
    """Return the policy that the mapping ``document`` describes.

    Args:
        document: mapping of name, title, description and levers.
        where: what errors call the place where it stands.
        name: its name where it gives none.

    Raises:
        InputError: a key, a text or a lever is wrong, or there is no name.
    """
    fields = Fields.of(where, document, "a policy", POLICY_KEYS)
    name = fields.text("name", name, LONGEST_NAME)
    if not name.strip():
        raise InputError(f"{where}: a policy needs a name")
    title = fields.text("title", _title(name), LONGEST_NAME)
    description = fields.text("description", "", LONGEST_DESCRIPTION)
    return NamedPolicy(name, title, description, fields.mapping("levers"), where)


def is_file(path: Path) -> bool:
    """Say whether a file is at ``path``; a path that cannot be is not a file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _bundled(name: str) -> NamedPolicy:
    return _read(_BUNDLED / f"{name}.yaml", f"{name}.yaml")


def _read(path: Path, where: str) -> NamedPolicy:
    return policy_from(read_document(path, "a policy file"), where, path.stem)


def _looks_like_a_path(reference: str) -> bool:
    return os.sep in reference or reference.endswith(SUFFIXES)


def _title(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").capitalize()


def _canonical(lever: str, given: Any) -> Any:
    if isinstance(given, list):
        return [{**change, "value": canonical(Levers, lever, change["value"])} for change in given]
    return canonical(Levers, lever, given)


def canonical(declaring: type, name: str, value: Any) -> Any:
    """Return ``value`` as the parameter ``name`` of ``declaring`` stores it: 50 as 50.0."""
    whole = parameters(declaring)[name].whole
    return float(value) if isinstance(value, int) and not whole else value
