"""Names as slides can bear them: no character that a file forbids, none that turns text around.

Long ones are cut, so that sentences keep their figures; notes hold them whole.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain, count

from results.store import RunDirectory, StoredPolicy

LONGEST = 36
"""Most characters of a policy's name on a slide."""
UNNAMED = "unnamed"
FORBIDDEN = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
"""Unicode's categories of characters that are left out: control, format, surrogate, unassigned."""
KEPT = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Of these, what words of some scripts need."""
RIGHT_TO_LEFT = ("R", "AL")
ISOLATE, RELEASE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def clean(text: object, kept: str = KEPT) -> str:
    """Return ``text`` on one line, with spaces for what no slide should hold."""
    allowed = (each if _allowed(each, kept) else " " for each in str(text))
    return " ".join("".join(allowed).split())


def _allowed(character: str, kept: str) -> bool:
    return character in kept or unicodedata.category(character) not in FORBIDDEN


def writable(text: object) -> str:
    """Return ``text``, made of clean names and own words, as a file can hold it."""
    return clean(text, KEPT + ISOLATE + RELEASE)


def short(text: str, longest: int = LONGEST) -> str:
    """Return ``text`` clean and cut to ``longest`` characters."""
    cleaned = clean(text) or UNNAMED
    return cleaned if len(cleaned) <= longest else cleaned[: longest - 1].rstrip() + "…"


def isolated(text: str) -> str:
    """Return ``text`` so that letters written from right to left do not move their neighbours."""
    turns = any(unicodedata.bidirectional(each) in RIGHT_TO_LEFT for each in text)
    return f"{ISOLATE}{text}{RELEASE}" if turns else text


def short_names(policies: Mapping[str, StoredPolicy]) -> dict[str, str]:
    """Return a short name for each policy, no two alike."""
    names: dict[str, str] = {}
    for name, policy in policies.items():
        names[name] = isolated(_unlike(short(policy.label), names))
    return names


def _unlike(name: str, taken: Mapping[str, str]) -> str:
    others = set(taken.values())
    tries = chain([name], (short(f"({n}) {name}") for n in count(2)))
    return next(each for each in tries if isolated(each) not in others)


def with_short_names(run: RunDirectory) -> RunDirectory:
    """Return ``run`` as it is told on slides: its policies under their short names."""
    names = short_names(run.policies)
    asked = run.question
    policies = [replace(each, title=names[each.name]) for each in asked.policies]
    question = replace(asked, policies=policies)
    return replace(run, manifest=replace(run.manifest, question=question))
