"""Why a policy makes a difference: one run of it beside one of the baseline, under the same luck.

Both runs are stepped quarter by quarter. What was decided is compared decision by decision, and
every penny of either saving is put down to a cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from traceback import format_exc

import numpy as np
from numpy.typing import NDArray

from experiments.asking import Changes, comparison_of, run_of
from experiments.catalogue import NamedPolicy
from experiments.decisions import KINDS, Decision, Parting, partings
from experiments.likeness import suggestion
from experiments.question import Question, check_dates
from experiments.runs import Failed, Run, described, founded, plan
from experiments.witness import Witness
from simulation.attribution import CAUSES, public_saving_by_cause, saving_by_cause
from simulation.errors import InputError
from simulation.ledger import PENCE
from simulation.levers import QUARTERS_PER_YEAR
from simulation.measures import MEASURES
from simulation.model import MarketModel
from simulation.register import Register

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

PUBLIC, OF_COUNCILS = "public_saving", "councils_saving"
UNFUNDED = "projects_unfunded"


@dataclass(frozen=True)
class Pair:
    """What is asked: one replication of a policy and of its baseline.

    Attributes:
        question: the run of the policy.
        baseline: the policy with which it is compared.
        council: row of the only council that is looked at; None for all.
    """

    question: Question
    baseline: NamedPolicy
    council: int | None = None

    @property
    def policies(self) -> tuple[NamedPolicy, NamedPolicy]:
        """The baseline and the policy."""
        return self.baseline, self.question.baseline

    @property
    def council_name(self) -> str | None:
        """Name of the only council that is looked at."""
        if self.council is None:
            return None
        return self.question.territory.register.told_apart[self.council]

    @property
    def titles(self) -> tuple[str, str]:
        """What the baseline and the policy are called; never the same."""
        baseline, policy = (policy.title for policy in self.policies)
        return f"{baseline}, the baseline" if baseline == policy else baseline, policy

    def runs(self) -> list[Run]:
        """Return the two runs, the baseline's first."""
        asked = [replace(self.question, policies=(policy,)) for policy in self.policies]
        return [plan(one)[0] for one in asked]


@dataclass(frozen=True)
class Amount:
    """A saving of the baseline, of the policy: £m NPV, and undiscounted."""

    name: str
    title: str
    npv: tuple[float, float]
    plain: tuple[float, float]

    @property
    def npv_difference(self) -> float:
        """How much more the policy saves, £m NPV."""
        return self.npv[1] - self.npv[0]

    @property
    def plain_difference(self) -> float:
        """How much more the policy saves, £m undiscounted."""
        return self.plain[1] - self.plain[0]


@dataclass
class Tally:
    """How often decisions of one kind were met in either run, and how often they parted.

    Attributes:
        kind: key of `KINDS`.
        met: number in the baseline's run and in the policy's.
        parted: number that went another way.
        first: the first of these.
    """

    kind: str
    met: list[int] = field(default_factory=lambda: [0, 0])
    parted: int = 0
    first: Parting | None = None


@dataclass(frozen=True)
class Explanation:
    """What made the difference between two runs.

    Attributes:
        pair: what was asked.
        tallies: every kind of decisions, in the order of a quarter.
        unfunded: attempts of projects given up for want of cash, in either run; None for a council.
        causes: every cause of a saving.
        total: the saving, the sum of its causes.
    """

    pair: Pair
    tallies: tuple[Tally, ...]
    unfunded: tuple[int, int] | None
    causes: tuple[Amount, ...]
    total: Amount

    @property
    def first(self) -> Parting | None:
        """The first decision that went another way."""
        firsts = [tally.first for tally in self.tallies if tally.first]
        return min(firsts, key=lambda one: one.quarter, default=None)


def pair_of(
    reference: str,
    *,
    choice: str | None,
    replication: int | None,
    baseline: str | None,
    council: str | None,
    levers: Sequence[str],
    changes: Changes,
) -> Pair:
    """Return what ``tenderlab why`` asks.

    Args:
        reference: name or file of a policy, question file, run directory, manifest, or empty.
        choice: name of one of the policies of a question.
        replication: the one to look at; None for the first.
        baseline: name or file of the baseline; None for the question's own, or the status quo.
        council: name of the only council to look at; None for all.
        levers: ``lever=value`` each, set on the policy, or on the baseline where none is named.
        changes: what the other options say.

    Raises:
        InputError: something that was typed, or a file that it names, is wrong.
    """
    if not reference and not levers:
        raise InputError("nothing to explain; name a policy, or set a lever")
    against = comparison_of((reference,) if reference else (), baseline, (), Changes()).baseline
    question = run_of(reference or baseline or "", choice, replication, levers, changes)
    for policy in (against, question.baseline):
        check_dates(replace(question, policies=(policy,)))
    row = None if council is None else find_council(council, question)
    return Pair(question, against, row)


def find_council(name: str, question: Question) -> int:
    """Return the row of the council called ``name``, whatever its case.

    Spaces and quotes around it are no matter. Any council may be told apart by its type, as in
    "Durham (county)"; those that share a name must be.

    Raises:
        InputError: there is none, or more than one.
    """
    register, called = question.territory
    names, known = register.told_apart, _called(register)
    bare = " ".join(name.split()).strip(QUOTES).strip()
    for typed in (name, bare):
        if (row := known.get(typed.casefold())) is not None:
            return row
    if alike := [one for one in names if one.casefold().startswith(f"{bare} (".casefold())]:
        both = " and of ".join(alike)
        raise InputError(f"--council: {name!r} is the name of {both}; give one of these")
    raise InputError(f"--council: no council {name!r} in {called}{suggestion(bare, names)}")


QUOTES = "\"'`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}" + (
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
)


def _called(register: Register) -> dict[str, int]:
    """Return rows by what councils may be called, in lower case: alone, or with their type."""
    known = {}
    for row, (name, kind) in enumerate(zip(register.name, register.type, strict=True)):
        for each in (kind, kind.replace("_", " ")):
            known[f"{name} ({each})".casefold()] = row
    return known | {name.casefold(): row for row, name in enumerate(register.told_apart)}


def explain(pair: Pair) -> Explanation | Failed:
    """Make both runs and return what parts them; a run that goes wrong is returned, not raised."""
    tallies = {kind: Tally(kind) for kind in KINDS}
    sides = [_Side(run, pair) for run in pair.runs()]
    acting = sides[0]
    try:
        for quarter in range(1, QUARTERS_PER_YEAR * pair.question.years + 1):
            made = []
            for acting in sides:
                made.append(acting.step())
            _count(tallies, quarter, made, pair.council)
    except Exception as error:
        return Failed(acting.run, acting.stage, described(error), format_exc())
    return _explanation(pair, tallies, sides)


class _Side:
    """One of the two runs, with its decisions and its saving by cause."""

    def __init__(self, run: Run, pair: Pair) -> None:
        self.run = run
        self.stage = "set-up"
        self.causes: list[IntArray] = []
        self._pair = pair

    @cached_property
    def model(self) -> MarketModel:
        """The market, founded when it is first asked for."""
        question = self._pair.question
        return founded(self.run, question.territory.register, question.years)

    @cached_property
    def _witness(self) -> Witness:
        return Witness(self.model)

    def step(self) -> list[Decision]:
        """Simulate a quarter, keep what it saved by cause, and return its decisions."""
        witness, council = self._witness, self._pair.council
        self.stage = f"quarter {self.model.quarter + 1}"
        decisions = witness.step()
        saving = saving_by_cause(self.model)
        one = public_saving_by_cause(self.model, saving) if council is None else saving[council]
        self.causes.append(one)
        return decisions

    def measure(self, name: str) -> FloatArray:
        """Return a measure by quarter."""
        place = list(MEASURES).index(name)
        return np.array([row[place] for row in self.model.record])


def _count(
    tallies: dict[str, Tally], quarter: int, made: Sequence[list[Decision]], council: int | None
) -> None:
    """Count the decisions of a quarter, those that concern ``council`` if there is one."""
    for place, decisions in enumerate(made):
        for one in decisions:
            concerned = council is None or council in one.councils
            tallies[one.kind].met[place] += one.counts and concerned
    for parting in _concerning(partings(quarter, *made), council):
        tally = tallies[parting.kind]
        tally.parted += 1
        tally.first = tally.first or parting


def _concerning(found: Iterable[Parting], council: int | None) -> list[Parting]:
    return [one for one in found if council is None or council in one.councils]


def _explanation(pair: Pair, tallies: dict[str, Tally], sides: list[_Side]) -> Explanation:
    unfunded = [int(side.measure(UNFUNDED).sum()) for side in sides]
    causes = [np.array(side.causes) for side in sides]
    discount = [side.measure("discount") for side in sides]
    amounts = tuple(
        _amount(name, title, [one[:, place] for one in causes], discount)
        for place, (name, title) in enumerate(CAUSES.items())
    )
    measure = PUBLIC if pair.council is None else OF_COUNCILS
    total = _amount(measure, "total", [one.sum(axis=1) for one in causes], discount)
    return Explanation(
        pair=pair,
        tallies=tuple(tallies.values()),
        unfunded=(unfunded[0], unfunded[1]) if pair.council is None else None,
        causes=amounts,
        total=total,
    )


def _amount(
    name: str, title: str, pence: Sequence[IntArray], discount: Sequence[FloatArray]
) -> Amount:
    npv = [float((one / PENCE * factor).sum()) for one, factor in zip(pence, discount, strict=True)]
    plain = [int(one.sum()) / PENCE for one in pence]
    return Amount(name, title, (npv[0], npv[1]), (plain[0], plain[1]))
