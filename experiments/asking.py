"""From what was typed on the command line to a question."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.catalogue import (
    STATUS_QUO,
    NamedPolicy,
    bundled_names,
    compared_policies,
    find_policy,
    is_file,
)
from experiments.circumstances import find_circumstances
from experiments.documents import read_document
from experiments.question import (
    MANIFEST,
    REPLICATES,
    Question,
    is_question,
    read_question,
    read_run_question,
    territory,
)
from simulation.assumptions import Assumptions, assumptions_from
from simulation.errors import InputError, did_you_mean, shown
from simulation.levers import Levers, parse_lever
from simulation.parameters import parameters, parse_scalar

CUSTOM = "custom"
COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Changes:
    """What options say of a question; None where they are silent."""

    years: int | None = None
    seed: int | None = None
    replicates: int | None = None
    mode: str | None = None
    assumed: tuple[str, ...] = ()
    register: Path | None = None

    def applied(self, question: Question) -> Question:
        """Return ``question`` with these changes.

        Raises:
            InputError: the register or an assumption is wrong.
        """
        return replace(question, **self._plain(), **self._assumptions(question), **self._register())

    def _plain(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("years", "seed", "replicates", "mode")}
        return {name: value for name, value in given.items() if value is not None}

    def _assumptions(self, question: Question) -> dict[str, Any]:
        values = held(self.assumed)
        return {"assumptions": {**question.assumptions, **values}} if values else {}

    def _register(self) -> dict[str, Any]:
        return {"territory": territory(self.register)} if self.register else {}


def comparison_of(
    references: Sequence[str], baseline: str | None, levers: Sequence[str], changes: Changes
) -> Question:
    """Return the question of ``tenderlab compare``.

    Args:
        references: names or files of policies; or one question file, run directory or manifest.
        baseline: name or file of the baseline; None for the question's own.
        levers: ``lever=value`` each, of the policy "custom".
        changes: what the other options say.

    Raises:
        InputError: something that was typed, or a file that it names, is wrong.
    """
    question = _asked(references[0]) if len(references) == 1 else None
    if question is None:
        question = Question(_policies(references, baseline, levers), where=COMMAND_LINE)
    if baseline is not None:
        question = question.against(_known_or_found(question, baseline))
    if levers:
        custom = changed_policy(question.baseline, levers)
        question = replace(question, policies=(*question.policies, custom))
    return changes.applied(question)


def run_of(
    reference: str,
    policy: str | None,
    replication: int | None,
    levers: Sequence[str],
    changes: Changes,
) -> Question:
    """Return the question of ``tenderlab run``.

    Args:
        reference: name or file of a policy, question file, run directory, manifest, or empty.
        policy: name of one of the policies of a question.
        replication: the one to run; None for the first.
        levers: ``lever=value`` each, set on the policy.
        changes: what the other options say.

    Raises:
        InputError: something that was typed, or a file that it names, is wrong.
    """
    question = _asked(reference)
    if question is None:
        found = find_policy(reference or STATUS_QUO)
        count = (replication or 0) + 1
        if count > REPLICATES[1]:
            raise InputError(f"--replication {replication}: must be at most {REPLICATES[1] - 1}")
        question = Question((found,), mode="fixed", replicates=count, where=COMMAND_LINE)
    question = only(changes.applied(question), policy, replication)
    if levers:
        question = replace(question, policies=(changed_policy(question.baseline, levers),))
    return question


def only(question: Question, policy: str | None = None, replication: int | None = None) -> Question:
    """Return the question that asks for one run of ``question``.

    Args:
        question: what is asked in all.
        policy: name of one of its policies; may be left out where it has one.
        replication: the one to run; its own, or 0, if None.

    Raises:
        InputError: there is no such policy or replication.
    """
    known = {each.name: each for each in question.policies}
    if policy is None and len(known) > 1:
        raise InputError(f"{question.where}: choose one with --policy: {', '.join(known)}")
    name = policy or question.baseline.name
    if name not in known:
        raise InputError(_not_asked(name, question))
    chosen = question.replication or 0 if replication is None else replication
    return replace(question, policies=(known[name],), replication=chosen)


def _not_asked(name: str, question: Question) -> str:
    """Say that no policy of ``question`` is called ``name``, and where such a policy belongs."""
    asked = [policy.name for policy in question.policies]
    bundled = bundled_names() if question.where == COMMAND_LINE else ()
    if name in bundled or (question.where == COMMAND_LINE and is_file(Path(name))):
        return (
            f"--policy: {shown(name)} is not asked; it chooses among the policies of a question "
            "file or run directory, and a policy by itself is the argument: "
            f"tenderlab run {shlex.quote(name)}"
        )
    hint = did_you_mean(name, [*asked, *bundled])
    return f"--policy: {shown(name)} is not asked{hint}; asked: {', '.join(asked)}"


def changed_policy(policy: NamedPolicy, levers: Sequence[str]) -> NamedPolicy:
    """Return ``policy`` with ``levers`` set on it, under the name "custom".

    Raises:
        InputError: a lever is unknown or its value wrong.
    """
    given = pairs(levers, "--set")
    for name in given.keys() & parameters(Assumptions):
        raise InputError(f"--set: {name} is an assumption; use --assume")
    values = {name: parse_lever(text, "--set") for name, text in given.items()}
    described = f"{policy.title} with {', '.join(levers)}"
    merged = {**policy.policy.as_levers(), **values}
    return NamedPolicy(CUSTOM, "Custom", described[:2000], merged, where="--set")


def held(texts: Sequence[str]) -> dict[str, Any]:
    """Return the values of assumptions that ``--assume`` texts hold.

    Each is ``name=value`` or the name of a set; a value typed outweighs that of a set.

    Raises:
        InputError: a set or an assumption is unknown, or a value wrong.
    """
    typed = pairs([text for text in texts if not _is_set(text)], "--assume")
    for name in typed.keys() & parameters(Levers):
        raise InputError(f"--assume: {name} is a lever; use --set")
    values: dict[str, Any] = {}
    for name in filter(_is_set, texts):
        values |= find_circumstances(name.strip(), "--assume").assumptions
    values |= {name: parse_scalar(text) for name, text in typed.items()}
    assumptions_from(values, "--assume")
    return values


def _is_set(text: str) -> bool:
    """Say whether an ``--assume`` text must be the name of a set: it is no pair, and no half."""
    return "=" not in text and bool(text.strip()) and text.strip() not in parameters(Assumptions)


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """Return ``name=value`` texts as a mapping.

    Raises:
        InputError: one has no equals sign, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise InputError(f"{option} {shown(text)}: must be NAME=VALUE")
        if name in found:
            raise InputError(f"{option}: {name} is given twice: {found[name]} and {value}")
        found[name] = value
    return found


def _asked(reference: str) -> Question | None:
    """Return the question that ``reference`` is the file or run directory of, or None."""
    path = Path(reference)
    if not reference or reference in bundled_names():
        return None
    if path.name == MANIFEST:
        return read_run_question(path.parent)
    if _is_directory(path):
        return read_run_question(path)
    if is_file(path) and is_question(read_document(path, "a policy or question file")):
        return read_question(path)
    return None


def _policies(
    references: Sequence[str], baseline: str | None, levers: Sequence[str]
) -> tuple[NamedPolicy, ...]:
    if not references and not levers:
        return compared_policies()
    first = find_policy(baseline or STATUS_QUO)
    others = (_policy(reference) for reference in references)
    return (first, *(policy for policy in others if not first.same(policy)))


def _policy(reference: str) -> NamedPolicy:
    if _asked(reference) is not None:
        raise InputError(f"{reference}: is a question; name it alone, without other policies")
    return find_policy(reference)


def _known_or_found(question: Question, reference: str) -> NamedPolicy:
    known = {policy.name: policy for policy in question.policies}
    return known.get(reference) or find_policy(reference)


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
