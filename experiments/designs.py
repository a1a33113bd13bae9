"""A design: which runs a sweep makes, of which levers, assumptions, policies and replications.

A design is a question and what varies around it. Its points are values of the factors; every policy
is run at every point, in as many replications as the question asks. Policy, point, sample of the
assumptions and replication are four ids that never merge.
"""

import dataclasses
import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, overload

from experiments.catalogue import NamedPolicy
from experiments.design_methods import METHODS
from experiments.documents import Fields
from experiments.factors import Column, Factor, FloatArray, column_of
from experiments.point_tables import Table
from experiments.question import REGISTER, SAMPLE_BLOCK, Question, check_dates
from results.store import question_id
from simulation.assumptions import Assumptions, assumptions_from, sample
from simulation.errors import InputError, did_you_mean, shown
from simulation.levers import Policy
from simulation.parameters import Scalar, plain
from simulation.randomness import derive

POINTS = "points.csv"
MOST_RUNS = 1_000_000
"""Runs that a design may ask for unless its ``cap`` says otherwise."""
CAP = (1, 100_000_000)


@dataclasses.dataclass(frozen=True)
class Points(Sequence[Mapping[str, Scalar]]):
    """The points of a design: a column a factor, a row a point."""

    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, at: int) -> Mapping[str, Scalar]: ...
    @overload
    def __getitem__(self, at: slice) -> "Points": ...
    def __getitem__(self, at: int | slice) -> "Mapping[str, Scalar] | Points":
        """Return the value of each factor at one point, or some of the points."""
        if isinstance(at, slice):
            return Points({name: column[at] for name, column in self.columns.items()})
        return {name: plain(column[at]) for name, column in self.columns.items()}  # type: ignore[misc]


@dataclasses.dataclass(frozen=True)
class SweepRun:
    """One run of a sweep.

    Attributes:
        point: which of the design's points.
        policy: one of the question's, with the levers of the point laid over it.
        sample: which sample of the assumptions that are not factors; 0 where they are fixed.
        replication: which luck, shared by all points and policies.
        seed: the seed of that luck.
        assumptions: those of the sample, with those of the point laid over them.
    """

    point: int
    policy: Policy
    sample: int
    replication: int
    seed: int
    assumptions: Assumptions


@dataclasses.dataclass(frozen=True)
class Design:
    """Which runs are made: a question, what varies around it, and by which method.

    Attributes:
        question: policies (baseline first), territory, years, seed, replications, assumptions that
            are held or sampled, outcomes.
        factors: what varies, in order of their names.
        method: one of ``METHOD_NAMES``.
        options: every option of the method; empty for a table.
        table: points of the user's own, where the method is "table".
        cap: most runs that the design may ask for.
        where: what errors call the place that says so.
    """

    question: Question
    factors: tuple[Factor, ...]
    method: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    table: Table | None = None
    cap: int = MOST_RUNS
    where: str = dataclasses.field(default="design", compare=False)

    def __post_init__(self) -> None:
        """Check everything that is not a matter of one factor.

        Raises:
            InputError: nothing varies, a policy or the question is wrong, or the runs are too many.
        """
        Fields(self.where, vars(self)).whole("cap", MOST_RUNS, CAP)
        if self.question.replication is not None:
            raise InputError(f"{self.where}: a design makes all replications, not one of them")
        check_dates(self.question)
        self._check_factors()
        self._check_size()

    @classmethod
    def of(
        cls,
        policies: Iterable[str | NamedPolicy | Mapping[str, Any]],
        vary: Mapping[str, Any] | None = None,
        method: str = "latin hypercube",
        *,
        table: Path | str | Mapping[str, Sequence[object]] | None = None,
        register: Path | str | None = None,
        cap: int = MOST_RUNS,
        **given: Any,
    ) -> "Design":
        """Return a design without a file.

        Args:
            policies: names, files or policies; the status quo is put first where it is not among
                them and ``baseline`` names none.
            vary: for each lever or assumption a range ``(low, high)``, a mapping such as
                ``{"values": [...]}`` or ``{"low": 0, "only": ["shared-risk"]}``, or None for the
                range that its declaration gives.
            method: one of ``METHOD_NAMES``.
            table: points of your own: a file, or a mapping of names to columns of values, such as a
                data frame.
            register: a register file; England's councils if None.
            cap: most runs.
            **given: options of the method, such as ``points``, and what a `Question` takes, such
                as ``years``, ``seed`` and ``replicates``; ``baseline`` as in a question file.

        Raises:
            InputError: something of it is wrong.
        """
        from experiments.design_making import design_of

        return design_of(policies, vary, method, table, register, cap, given)

    def effective(self) -> dict[str, Any]:
        """Return the design in full, as a manifest holds it; equal designs give equal ones.

        It is itself a design file, beside which the files of `kept` stand.
        """
        question = self.question.effective()
        del question["twins"]
        said = {"method": self.method, **self.options}
        if self.table is not None:
            said |= {"file": POINTS, "sha256": self.table.digest}
        vary = {factor.name: self._said_of(factor) for factor in self.factors}
        cap = {} if self.cap == MOST_RUNS else {"cap": self.cap}
        return {**question, "design": said, "vary": vary, **cap}

    @cached_property
    def identity(self) -> str:
        """Twelve hexadecimal digits that name this design and no other."""
        return question_id(self.effective())

    @cached_property
    def family(self) -> str:
        """Twelve digits shared by designs that differ in the number of replications alone."""
        return question_id({**self.effective(), "replicates": None, "cap": None})

    @property
    def kept(self) -> dict[str, bytes]:
        """Files that must stand beside `effective`, by name: the register, and a table's points."""
        files = {REGISTER: self.question.territory.register.raw}
        return files if self.table is None else {**files, POINTS: self.table.raw}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know before starting, a sentence each."""
        points = len(self)
        if self.method == "sobol" and points & (points - 1):
            near = 2 ** (points.bit_length() - 1)
            return (
                f"{points:,} points of a Sobol sequence are less even than a power of two, such as "
                f"{near:,} or {2 * near:,}",
            )
        return ()

    def __len__(self) -> int:
        """Return the number of points."""
        if self.table is not None:
            return len(self.table)
        return METHODS[self.method].count(self.factors, self.options)

    @property
    def places(self) -> FloatArray | None:
        """Where the points lie along each factor, from 0 to 1; shape (points, factors).

        None for a table. These are what the analyses of Morris and Saltelli designs take.
        """
        return self._placed if self.table is None else None

    @cached_property
    def points(self) -> Points:
        """The value of each factor at each point."""
        if self.table is not None:
            listed = self.table.columns.items()
            return Points({name: column_of(values) for name, values in listed})
        placed = zip(self.factors, self._placed.T, strict=True)
        return Points({factor.name: factor.column(places) for factor, places in placed})

    def runs(self) -> "SweepRuns":
        """Return the runs, by replication, then point, then policy; each is made when asked for."""
        return SweepRuns(self, range(self.size))

    @property
    def size(self) -> int:
        """Number of runs."""
        return len(self) * len(self.question.policies) * self.question.replicates

    def run(self, index: int) -> SweepRun:
        """Return the run whose id is ``index``, from 0 to ``size`` - 1."""
        rest, place = divmod(range(self.size)[index], len(self.question.policies))
        replication, point = divmod(rest, len(self))
        values = self.points[point]
        return SweepRun(
            point=point,
            policy=self._policy(place, values),
            sample=replication if self.question.sampled else 0,
            replication=replication,
            seed=derive(self.question.seed, "replication", replication),
            assumptions=self._assumptions(replication, values),
        )

    def _policy(self, place: int, values: Mapping[str, Scalar]) -> Policy:
        policy = self.question.policies[place].policy
        laid = {f.name: values[f.name] for f in self._levers if f.covers(policy.name)}
        return policy.changed(policy.name, policy.description, **laid) if laid else policy

    def _assumptions(self, replication: int, values: Mapping[str, Scalar]) -> Assumptions:
        laid: dict[str, Any] = {factor.name: values[factor.name] for factor in self._assumed}
        drawn = self._drawn(replication)
        return dataclasses.replace(drawn, **laid) if laid else drawn

    def _drawn(self, replication: int) -> Assumptions:
        """Return the assumptions of a replication before those of a point are laid over them.

        Samples come in blocks, each a Latin hypercube of its own, so that sample r stays the same
        when there are more replications.
        """
        varied = {factor.name: factor.parameter.default for factor in self._assumed}
        held = tuple(sorted({**varied, **self.question.assumptions}.items()))
        if not self.question.sampled:
            return _fixed(held)
        block, row = divmod(replication, SAMPLE_BLOCK)
        return _block(derive(self.question.seed, "samples", block), held)[row]

    @cached_property
    def _placed(self) -> FloatArray:
        seed = derive(self.question.seed, "design")
        return METHODS[self.method].places(self.factors, self.options, seed).clip(0.0, 1.0)

    @cached_property
    def _levers(self) -> tuple[Factor, ...]:
        return tuple(factor for factor in self.factors if factor.of == "lever")

    @cached_property
    def _assumed(self) -> tuple[Factor, ...]:
        return tuple(factor for factor in self.factors if factor.of == "assumption")

    def _said_of(self, factor: Factor) -> dict[str, Any]:
        if self.table is None:
            return factor.effective()
        return {"only": list(factor.only)} if factor.only else {}

    def _check_factors(self) -> None:
        if not self.factors:
            raise InputError(f"{self.where}: nothing varies; name levers or assumptions in vary")
        for factor in self.factors:
            if factor.name in self.question.assumptions:
                value = shown(self.question.assumptions[factor.name])
                raise InputError(
                    f"{self.where}: vary: assumption {factor.name} is held at {value} too; let it "
                    "either vary or be held"
                )
        known = [policy.name for policy in self.question.policies]
        for varied, name in ((one.name, name) for one in self.factors for name in one.only):
            if name not in known:
                raise InputError(
                    f"{self.where}: vary.{varied}.only: no policy is called {shown(name)}"
                    f"{did_you_mean(name, known)}; asked: {', '.join(known)}"
                )

    def _check_size(self) -> None:
        if self.size > self.cap:
            policies, many = len(self.question.policies), self.question.replicates
            raise InputError(
                f"{self.where}: {self.size:,} runs ({len(self):,} points x {policies} policies x "
                f"{many} replications) are more than the cap of {self.cap:,}; ask for fewer, or "
                "set a higher cap"
            )


@dataclasses.dataclass(frozen=True)
class SweepRuns(Sequence[SweepRun]):
    """Runs of a design by id; each is made when it is asked for, and none is kept.

    A slice is as lazy. It travels to another process as the list of its runs.
    """

    design: Design
    ids: range

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> SweepRun: ...
    @overload
    def __getitem__(self, at: slice) -> "SweepRuns": ...
    def __getitem__(self, at: int | slice) -> "SweepRun | SweepRuns":
        """Return one run, or some of them."""
        if isinstance(at, slice):
            return SweepRuns(self.design, self.ids[at])
        return self.design.run(self.ids[operator.index(at)])

    def __reduce__(self) -> tuple[type[list[SweepRun]], tuple[list[SweepRun]]]:
        return list, ([*self],)


# Samples of the assumptions that do not vary


@lru_cache(maxsize=8)
def _block(seed: int, held: tuple[tuple[str, Scalar], ...]) -> tuple[Assumptions, ...]:
    return tuple(sample(seed, SAMPLE_BLOCK, dict(held)))


@lru_cache(maxsize=8)
def _fixed(held: tuple[tuple[str, Scalar], ...]) -> Assumptions:
    return assumptions_from(dict(held))
