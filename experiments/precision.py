"""Enough replications: paired ones are added until differences are known as narrowly as asked.

A width is that of the whole 95% interval, from its low to its high end, in the outcome's unit; a
difference is policy less baseline, pair by pair. It is looked at the interval only after batches,
the first of ten pairs at least, each next look after half as many again. Stopping as soon as an
interval happens to be narrow makes it a little narrower than it should be, for a small spread by
luck stops early; few looks, and none at fewer than ten pairs, keep that small (Chow and Robbins
1965; Glynn and Whitt 1992). No look asks where the interval lies, so which policy does better has
no say in when to stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.question import REPLICATES
from simulation.errors import InputError, did_you_mean, shown
from simulation.outcomes import OUTCOMES

FEWEST = 10
"""Pairs before the first look."""
GROWTH = 1.5
"""How many times as many pairs there are at the next look, at least."""
MOST = 1_000
"""Replications that are not exceeded unless someone says otherwise."""


@dataclass(frozen=True)
class Aim:
    """How narrow the 95% interval of a difference in an outcome shall be, in its unit."""

    outcome: str
    width: float


def aims_of(texts: Sequence[str], option: str = "--precision") -> tuple[Aim, ...]:
    """Return what ``OUTCOME=WIDTH`` texts aim at.

    Raises:
        InputError: an outcome is unknown or named twice, or a width is no number above 0.
    """
    from experiments.asking import pairs

    return tuple(_aim(name, text, option) for name, text in pairs(texts, option).items())


def _aim(name: str, text: str, option: str) -> Aim:
    if name not in OUTCOMES:
        raise InputError(
            f"{option}: unknown outcome {shown(name)}{did_you_mean(name, OUTCOMES)}; `tenderlab "
            "outcomes` lists them"
        )
    try:
        width = float(text)
    except ValueError:
        width = math.nan
    if not (width > 0 and math.isfinite(width)):
        raise InputError(f"{option}: {name}={text}: must be a number above 0, in {_unit(name)}")
    return Aim(name, width)


def _unit(name: str) -> str:
    from results.words import difference_unit

    return difference_unit(OUTCOMES[name]) or "the outcome's unit"


@dataclass(frozen=True)
class Reached:
    """How narrow an interval has become.

    Attributes:
        outcome: of which outcome.
        policy: the policy that is compared with the baseline.
        asked: the width that was asked.
        width: the width that there is; NaN where it is not known.
        pairs: how many pairs of runs it rests on.
    """

    outcome: str
    policy: str
    asked: float
    width: float
    pairs: int

    @property
    def narrow(self) -> bool:
        """Whether it is as narrow as asked."""
        return self.width <= self.asked


@dataclass(frozen=True)
class Precise:
    """What became of the aims.

    Attributes:
        replicates: how many replications there are.
        looks: after how many replications it was looked.
        most: how many were allowed.
        reached: what was reached, by outcome and policy.
    """

    replicates: int
    looks: tuple[int, ...]
    most: int
    reached: tuple[Reached, ...]

    @property
    def enough(self) -> bool:
        """Whether every interval is as narrow as asked."""
        return all(one.narrow for one in self.reached)


# Looking


def start_of(replicates: int, most: int) -> int:
    """Return how many replications there are at the first look.

    Raises:
        InputError: ``most`` is too small or too large.
    """
    if not FEWEST <= most <= REPLICATES[1]:
        raise InputError(f"--most {most}: must be from {FEWEST} to {REPLICATES[1]}")
    return min(max(FEWEST, replicates), most)


type Look = Callable[[int], tuple[Reached, ...]]


def grown(look: Look, start: int, most: int) -> Precise:
    """Look after ever more replications until all is narrow or there are the most."""
    looked: list[int] = []
    reached: tuple[Reached, ...] = ()
    for replicates in looks_of(start, most):
        reached = look(replicates)
        looked.append(replicates)
        if all(one.narrow for one in reached):
            break
    return Precise(looked[-1], tuple(looked), most, reached)


def looks_of(start: int, most: int) -> Iterator[int]:
    """Yield after how many replications there is a look."""
    replicates = start
    yield replicates
    while replicates < most:
        replicates = min(most, math.ceil(GROWTH * replicates))
        yield replicates


# Telling


def words(precise: Precise, what: str = "the difference") -> list[str]:
    """Return what was reached, a sentence for each outcome and policy, and one on the looks.

    Args:
        precise: what was reached.
        what: of what the intervals are.
    """
    told = [_told(one, what) for one in precise.reached]
    looks = ", ".join(f"{look:,}" for look in precise.looks)
    end = "" if precise.enough else f"; the most allowed is {precise.most:,}"
    note = (
        f"Looked at after {looks} replications{end}. Stopping once an interval is narrow makes it "
        "slightly too narrow."
    )
    return [*told, note]


def _told(one: Reached, what: str) -> str:
    from results.words import change

    outcome = OUTCOMES[one.outcome]
    verdict = "as narrow as asked" if one.narrow else "wider than asked"
    width, asked = (change(each, outcome, signed=False) for each in (one.width, one.asked))
    return (
        f"{outcome.title}, {one.policy}: the 95% interval of {what} is {width} wide, "
        f"{verdict} ({asked}), after {one.pairs:,} pairs."
    )


def document(precise: Precise) -> dict[str, Any]:
    """Return what was reached, for JSON."""
    return {
        "replicates": precise.replicates,
        "looks": list(precise.looks),
        "most": precise.most,
        "enough": precise.enough,
        "reached": [
            {
                "outcome": one.outcome,
                "policy": one.policy,
                "asked": one.asked,
                "width": one.width if math.isfinite(one.width) else None,
                "pairs": one.pairs,
                "narrow": one.narrow,
            }
            for one in precise.reached
        ],
    }
