"""What the explorer asks of whoever runs the model, and what it is told.

The explorer shows; it never runs a model. `create_app` is handed a `Desk`, which takes questions as
plain documents, the same that question files hold, and answers as runs come in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from results.store import RunDirectory, StoredPolicy

type Document = Mapping[str, Any]
"""A question as its file holds it: years, seed, replicates, baseline, policies, assumptions."""
type State = Literal["at work", "done", "cancelled", "replaced"]


@dataclass(frozen=True)
class Standing:
    """How far the answer to a question is.

    Attributes:
        state: whether runs are still made, all are, someone has cancelled the rest, or another
            question has taken the place of this one.
        complete: replications that every policy has.
        asked: replications that were asked.
        twins: of the runs that tell luck from assumptions, those that are done.
        twins_asked: how many of these were asked.
        failed: what went wrong with runs that failed, a line each.
    """

    state: State
    complete: int
    asked: int
    twins: int = 0
    twins_asked: int = 0
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tale:
    """One council's story: a heading, and parts of a title and paragraphs each."""

    heading: str
    parts: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class Offer:
    """What a desk has to offer.

    Attributes:
        policies: bundled policies by name, the status quo first.
        circumstances: named sets of assumptions: title, description and values, by name.
        register: what people call the councils.
        councils: their names, told apart.
        most_policies: policies that are compared with a baseline at once.
        most_years: longest horizon.
        most_replicates: most replications of each policy.
        most_seed: largest seed.
        start: the question that is asked first.
    """

    policies: Mapping[str, StoredPolicy]
    circumstances: Mapping[str, tuple[str, str, Mapping[str, Any]]]
    register: str
    councils: tuple[str, ...] = field(repr=False)
    most_policies: int
    most_years: int
    most_replicates: int
    most_seed: int
    start: Document


class Desk(Protocol):
    """Takes questions, several at once, and has their runs made.

    A question is known by its ticket. Every method that is given an unknown or forgotten ticket
    raises `InputError`.
    """

    @property
    def offer(self) -> Offer:
        """What can be asked."""
        ...

    def check(self, question: Document) -> Document:
        """Return ``question`` as it is taken, every default filled in.

        Raises:
            InputError: something in it is wrong, or it is too heavy.
        """
        ...

    def pose(self, question: Document, instead_of: str = "") -> str:
        """Have the runs of ``question`` made, and return its ticket.

        Runs of ``instead_of``, a ticket, that are not at work yet are left.

        Raises:
            InputError: something in the question is wrong, or it is too heavy.
        """
        ...

    def standing(self, ticket: str) -> Standing:
        """Return how far the answer is."""
        ...

    def run(self, ticket: str) -> RunDirectory | None:
        """Return the replications that are complete, None before the first one is."""
        ...

    def cancel(self, ticket: str) -> None:
        """Leave the runs that are not back yet."""
        ...

    def resume(self, ticket: str) -> None:
        """Have the runs made that were left."""
        ...

    def tale(self, ticket: str, policy: str, council: str) -> Tale:
        """Tell the story of one council under one policy, in the first replication.

        Raises:
            InputError: there is no such policy or council, or its run failed.
        """
        ...

    def question_file(self, ticket: str) -> str:
        """Return the question as a YAML file that ``tenderlab compare`` takes."""
        ...

    def program(self, ticket: str) -> str:
        """Return a Python program that asks the same question."""
        ...
