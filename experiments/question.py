"""A question: which policies are compared, on which register, over how long, how often.

A question is one file. Its effective form, with every default filled in, stands in the manifest of
its run directory, and the hash of that form is a short name by which it can be cited.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from experiments.catalogue import (
    LONGEST_NAME,
    STATUS_QUO,
    NamedPolicy,
    bundled_names,
    canonical,
    compared_policies,
    find_policy,
    policy_from,
)
from experiments.circumstances import circumstances_names, find_circumstances
from experiments.documents import Fields, read_document
from results.store import question_id
from simulation.assumptions import Assumptions, assumptions_from
from simulation.errors import InputError, did_you_mean, shown
from simulation.outcomes import HEADLINE, OUTCOMES
from simulation.register import Register, load_register

YEARS = (1, 50)
REPLICATES = (1, 10_000)
SEED = (0, 2**63 - 1)
MODES = ("sampled", "fixed")
ENGLAND = "England, 2006-07"
LONGEST_PATH = 1000
SAMPLE_BLOCK = 10
"""Replications that share one Latin hypercube of the assumptions, where more may be added later."""

QUESTION_KEYS = (
    "register",
    "years",
    "seed",
    "baseline",
    "policies",
    "assumptions",
    "replicates",
    "outcomes",
)
MANIFEST = "manifest.json"
REGISTER = "register.csv"


class Territory(NamedTuple):
    """The councils of a question, and what people call them."""

    register: Register
    name: str


def england() -> Territory:
    """Return the principal councils of England in 2006-07."""
    return Territory(load_register(), ENGLAND)


def territory(path: Path) -> Territory:
    """Return the councils of the register file at ``path``.

    Raises:
        InputError: it cannot be read, or a row breaks a rule.
    """
    return Territory(load_register(path), path.name)


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked, with every default filled in.

    Attributes:
        policies: the baseline, then the policies compared with it; names are unique.
        territory: the councils.
        years: horizon, from April 2006.
        seed: from it follows the luck of every replication.
        replicates: replications of each policy.
        mode: whether assumptions are "sampled" from their distributions or "fixed".
        assumptions: values that assumptions are set to, by name, whatever the mode.
        outcomes: names of the outcomes that are shown first.
        replication: the only one that is run; None for all.
        block: replications that share one Latin hypercube of the assumptions, so that more of them
            leave the first ones as they are; 0 for one hypercube of all.
    """

    policies: tuple[NamedPolicy, ...]
    territory: Territory = dataclasses.field(default_factory=england)
    years: int = 15
    seed: int = 2006
    replicates: int = 30
    mode: str = "sampled"
    assumptions: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    outcomes: tuple[str, ...] = HEADLINE
    replication: int | None = None
    block: int = 0
    where: str = dataclasses.field(default="question", compare=False)

    def __post_init__(self) -> None:
        """Check everything that the types do not say.

        Raises:
            InputError: a number or a name is wrong, or two policies have one name.
        """
        fields = Fields(self.where, vars(self))
        fields.whole("years", 0, YEARS)
        fields.whole("seed", 0, SEED)
        fields.whole("replicates", 0, REPLICATES)
        fields.choice("mode", "", MODES)
        if self.replication is not None:
            fields.whole("replication", 0, (0, self.replicates + self.twins - 1))
        assumptions_from(self.assumptions, self.where)
        _check_outcomes(self.outcomes, self.where)
        _check_names([policy.name for policy in self.policies], self.where)

    @property
    def baseline(self) -> NamedPolicy:
        """The policy with which the others are compared."""
        return self.policies[0]

    @property
    def sampled(self) -> bool:
        """Whether assumptions are drawn from their distributions."""
        return self.mode == "sampled"

    @property
    def twins(self) -> int:
        """Number of replications that are run again with the same assumptions and other luck."""
        return -(-self.replicates // 5) if self.sampled and self.replicates >= 5 else 0

    def effective(self) -> dict[str, Any]:
        """Return the question in full, as a manifest holds it; equal questions give equal ones."""
        only = {} if self.replication is None else {"replication": self.replication}
        block = {"block": self.block} if self.block else {}
        return {
            "register": self._register(),
            "years": self.years,
            "seed": self.seed,
            "baseline": self.baseline.name,
            "policies": [policy.effective() for policy in self.policies],
            "assumptions": {"mode": self.mode, "set": self._assumptions()},
            "replicates": self.replicates,
            "twins": self.twins,
            "outcomes": list(self.outcomes),
            **only,
            **block,
        }

    @cached_property
    def identity(self) -> str:
        """Twelve hexadecimal digits that name this question and no other."""
        return question_id(self.effective())

    def against(self, baseline: NamedPolicy) -> "Question":
        """Return the same question with another baseline.

        Raises:
            InputError: one of the policies has the baseline's name and other levers.
        """
        others = [policy for policy in self.policies if not policy.same(baseline)]
        return dataclasses.replace(self, policies=(baseline, *others))

    def _register(self) -> dict[str, Any]:
        register, name = self.territory
        digest = hashlib.sha256(register.raw).hexdigest()
        return {"file": REGISTER, "sha256": digest, "councils": len(register), "name": name}

    def _assumptions(self) -> dict[str, Any]:
        return {
            name: canonical(Assumptions, name, self.assumptions[name])
            for name in sorted(self.assumptions)
        }


def read_question(path: Path) -> Question:
    """Return the question that the file at ``path`` asks; paths in it start from its folder.

    Raises:
        InputError: the file cannot be read, or something in it is wrong.
    """
    fields = Fields.of(str(path), read_document(path, "a question"), "a question", QUESTION_KEYS)
    place = england()
    if fields.given("register"):
        name = fields.text("register", "", LONGEST_PATH)
        with within(f"{path}: register"):
            place = territory(path.parent / name)
    return question_from(fields, path.parent, place)


def question_of(
    document: object, place: Territory | None = None, where: str = "question"
) -> Question:
    """Return the question that a mapping asks, as a question file would.

    Args:
        document: what the file would hold, but for its register; policies are names of bundled
            ones, or mappings.
        place: the councils; England if None.
        where: what errors call the mapping.

    Raises:
        InputError: something in it is wrong.
    """
    known = tuple(key for key in QUESTION_KEYS if key != "register")
    fields = Fields.of(where, document, "a question", known)
    for key in ("policies", "baseline"):
        given = fields.values.get(key)
        for item in given if isinstance(given, list) else [given]:
            if isinstance(item, str):
                _check_bundled(item, f"{where}: {key}")
    return question_from(fields, Path(), place or england())


def _check_bundled(name: str, where: str) -> None:
    """Refuse a name that would be read as the path of a file."""
    if name not in bundled_names():
        raise InputError(
            f"{where}: no policy is called {name!r}{did_you_mean(name, bundled_names())}"
        )


def read_run_question(directory: Path) -> Question:
    """Return the question whose run directory this is, from its manifest and its register.

    Raises:
        InputError: the manifest or the register is missing, damaged, or does not fit the other.
    """
    path = directory / MANIFEST
    fields = Fields(str(path), _asked(path))
    known = (*QUESTION_KEYS, "twins", "replication", "block")
    fields = Fields.of(f"{path}: question", fields.mapping("question"), "a question", known)
    return question_from(fields, directory, kept_territory(directory, fields))


def check_dates(question: Question) -> None:
    """Refuse levers that would change only after the last year.

    Raises:
        InputError: there is one.
    """
    for policy in question.policies:
        for lever, changes in policy.policy.changes.items():
            if changes[0].from_year > question.years:
                raise InputError(
                    f"{policy.where}: lever {lever}: from_year = {changes[0].from_year}: must be "
                    f"at most {question.years}, the last year of the question"
                )


def is_question(document: object) -> bool:
    """Say whether a YAML document is a question rather than a policy."""
    return isinstance(document, Mapping) and bool(set(document) & set(QUESTION_KEYS))


def question_from(fields: Fields, folder: Path, place: Territory) -> Question:
    """Return the question that ``fields`` ask, with every default filled in.

    Args:
        fields: those of a question file or of a manifest; which of them are known is checked.
        folder: where the paths of policy files start.
        place: the councils.

    Raises:
        InputError: the value of a field is wrong.
    """
    assumptions = _assumptions(fields)
    held = _held(assumptions)
    return Question(
        policies=_policies(fields, folder),
        territory=place,
        years=fields.whole("years", 15, YEARS),
        seed=fields.whole("seed", 2006, SEED),
        replicates=fields.whole("replicates", 30, REPLICATES),
        mode=assumptions.choice("mode", "sampled", MODES),
        assumptions=held,
        outcomes=_outcomes(fields),
        replication=_replication(fields),
        block=fields.whole("block", 1, REPLICATES) if fields.given("block") else 0,
        where=fields.where,
    )


def _assumptions(fields: Fields) -> Fields:
    """Return mode, named set and values; a text alone is the mode, or the name of a set."""
    given = fields.values.get("assumptions")
    document = {_says(given): given} if isinstance(given, str) else fields.mapping("assumptions")
    return Fields.of(fields.where, document, "assumptions", ("mode", "as", "set"), "assumptions.")


def _says(text: str) -> str:
    """Return what a text alone says of assumptions: a set, where it is nearly one, or the mode."""
    names = circumstances_names()
    return "as" if text in names or did_you_mean(text, names) else "mode"


def _held(assumptions: Fields) -> dict[str, Any]:
    """Return the values that assumptions are held at: those of the named set, then its own."""
    where = f"{assumptions.where}: assumptions"
    own = assumptions.mapping("set")
    assumptions_from(own, f"{where}.set")
    name = assumptions.text("as", "", LONGEST_NAME)
    return {**find_circumstances(name, f"{where}.as").assumptions, **own} if name else dict(own)


def _policies(fields: Fields, folder: Path) -> tuple[NamedPolicy, ...]:
    listed = compared_policies()
    if fields.given("policies"):
        given = fields.items("policies")
        listed = tuple(
            _policy(item, f"{fields.where}: policies[{place}]", folder)
            for place, item in enumerate(given)
        )
    baseline = _baseline(fields, listed, folder)
    return (baseline, *(policy for policy in listed if not policy.same(baseline)))


def _policy(item: object, where: str, folder: Path) -> NamedPolicy:
    if not isinstance(item, str):
        return policy_from(item, where)
    with within(where):
        return find_policy(item, folder)


@contextmanager
def within(where: str) -> Iterator[None]:
    """Put the place ``where`` before whatever is wrong with the file that it names.

    Raises:
        InputError: the block raised one.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _baseline(fields: Fields, listed: Sequence[NamedPolicy], folder: Path) -> NamedPolicy:
    item = fields.values.get("baseline") or STATUS_QUO
    for policy in listed:
        if policy.name == item:
            return policy
    return _policy(item, f"{fields.where}: baseline", folder)


def _outcomes(fields: Fields) -> tuple[str, ...]:
    if not fields.given("outcomes"):
        return HEADLINE
    return tuple(str(item) for item in fields.items("outcomes"))


def _replication(fields: Fields) -> int | None:
    if not fields.given("replication"):
        return None
    return fields.whole("replication", 0, (0, 2 * REPLICATES[1]))


def _asked(path: Path) -> Mapping[str, object]:
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: the manifest cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("question"), dict):
        raise InputError(f"{path}: not the manifest of a run directory: it has no question")
    return manifest


def kept_territory(directory: Path, fields: Fields) -> Territory:
    """Return the councils that are kept in ``directory``, as the field ``register`` describes them.

    Raises:
        InputError: the file is missing, damaged, or not the one that is described.
    """
    known = ("file", "sha256", "councils", "name")
    about = Fields.of(f"{fields.where}: register", fields.mapping("register"), "a register", known)
    path = directory / REGISTER
    register = load_register(path)
    if hashlib.sha256(register.raw).hexdigest() != about.values.get("sha256"):
        raise InputError(f"{path}: not the register of this run: sha256 differs from {MANIFEST}")
    return Territory(register, about.text("name", REGISTER, LONGEST_PATH))


def _check_names(names: Sequence[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{where}: two policies are called {name!r}; give each its own name")


def _check_outcomes(names: Sequence[str], where: str) -> None:
    for name in names:
        if name not in OUTCOMES:
            raise InputError(
                f"{where}: unknown outcome {shown(name)}{did_you_mean(name, OUTCOMES)}; "
                "`tenderlab outcomes` lists them"
            )
    if len(set(names)) < len(names):
        raise InputError(f"{where}: outcomes name one of them twice: {', '.join(names)}")
