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
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.executors import Executor, InProcess, Stop, Work
from experiments.interruption import interruption
from experiments.question import REPLICATES, SAMPLE_BLOCK, Question
from experiments.recording import RUNS, Recording, stored_identity
from experiments.runs import Made, Run, make, plan, setting
from simulation.errors import InputError, did_you_mean, shown
from simulation.horizon import over_horizon
from simulation.outcomes import OUTCOMES, Outcome

if TYPE_CHECKING:
    from experiments.campaign import Conduct, Progress
    from experiments.designs import Design
    from experiments.sweep import SweepConduct
    from results.intervals import FloatArray

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


# Comparisons


def compare_precisely(
    question: Question,
    aims: Sequence[Aim],
    place: Path | None = None,
    executor: Executor | None = None,
    *,
    most: int = MOST,
    everything: bool = False,
    progress: Progress | None = None,
) -> tuple[Question, Conduct, Precise]:
    """Compare with as many replications as it takes, at least those of ``question``.

    The run directory is that of the question with this number of replications, to the byte, its
    samples of the assumptions in blocks where they are drawn.

    Args:
        question: what is asked.
        aims: how narrow the intervals shall be.
        place: of the run directory; ``runs/`` and the final question's identity if None.
        executor: makes the runs; this process if None.
        most: replications that are not exceeded.
        everything: as for `compare`.
        progress: called with the number of runs done and of all runs until the next look.

    Returns:
        The question with this number of replications, what became of it, and what was reached.

    Raises:
        InputError: as for `compare`, or ``most`` is too small or too large.
        KeyboardInterrupt: the user stopped before the intervals were narrow enough.
    """
    from experiments.compare import check_comparison, compare

    check_comparison(question)
    _check_place(question, place, most)
    with Kept(executor or InProcess()) as kept:
        found, precise = enough(
            question, aims, kept, most=most, everything=everything, progress=progress
        )
        done = compare(found, place, kept, everything=everything, progress=progress)
    return found, done, precise


def enough(
    question: Question,
    aims: Sequence[Aim],
    kept: Kept,
    *,
    most: int = MOST,
    everything: bool = False,
    progress: Progress | None = None,
) -> tuple[Question, Precise]:
    """Return ``question`` with as many replications as its aims take, and what they reach.

    Runs are made by ``kept``, which gives them again to who asks the question that is returned.
    Samples of the assumptions come in blocks, so that more of them leave the first ones as they
    are.

    Raises:
        InputError: ``most`` is too small or too large.
        KeyboardInterrupt: the user asked to stop.
    """
    question = _in_blocks(question)

    def look(replicates: int) -> tuple[Reached, ...]:
        asked = replace(question, replicates=replicates)
        return _look(asked, plan(asked, everything=everything), aims, kept, progress)

    precise = _grown(look, _start(question.replicates, most), most)
    return replace(question, replicates=precise.replicates), precise


def _in_blocks(question: Question) -> Question:
    """Return ``question`` with samples that stay the same when there are more of them."""
    return replace(question, block=SAMPLE_BLOCK if question.sampled else 0)


def _check_place(question: Question, place: Path | None, most: int) -> None:
    """Refuse a place at which none of the comparisons that may come of it could be kept."""
    asked = _in_blocks(question)
    looks = _looks(_start(question.replicates, most), most)
    ours = {replace(asked, replicates=replicates).identity for replicates in looks}
    place = place or RUNS / asked.identity
    there = stored_identity(place)
    with Recording(place, there if there in ours else asked.identity):
        pass


def _start(replicates: int, most: int) -> int:
    """Return how many replications there are at the first look."""
    if not FEWEST <= most <= REPLICATES[1]:
        raise InputError(f"--most {most}: must be from {FEWEST} to {REPLICATES[1]}")
    return min(max(FEWEST, replicates), most)


type Look = Callable[[int], tuple[Reached, ...]]


def _grown(look: Look, start: int, most: int) -> Precise:
    """Look after ever more replications until all is narrow or there are the most."""
    looked: list[int] = []
    reached: tuple[Reached, ...] = ()
    for replicates in _looks(start, most):
        reached = look(replicates)
        looked.append(replicates)
        if all(one.narrow for one in reached):
            break
    return Precise(looked[-1], tuple(looked), most, reached)


def _looks(start: int, most: int) -> Iterator[int]:
    """Yield after how many replications there is a look."""
    replicates = start
    yield replicates
    while replicates < most:
        replicates = min(most, math.ceil(GROWTH * replicates))
        yield replicates


def _look(
    question: Question,
    planned: Sequence[Run],
    aims: Sequence[Aim],
    kept: Kept,
    progress: Progress | None,
) -> tuple[Reached, ...]:
    """Make the main runs of ``question`` and return how narrow its intervals are."""
    runs = [run for run in planned if run.replication < question.replicates]
    outcomes = [OUTCOMES[aim.outcome] for aim in aims]
    place = {policy.name: number for number, policy in enumerate(question.policies)}
    values = np.full((len(aims), len(place), question.replicates), math.nan)
    done = 0
    with interruption() as stop:
        for result in kept.run(partial(make, setting(question)), runs, stop):
            done += 1
            if isinstance(result, Made):
                run = result.run
                values[:, place[run.policy.name], run.replication] = _values(result, outcomes)
            if progress:
                progress(done, len(runs))
    if done < len(runs):
        raise KeyboardInterrupt
    return tuple(
        _reached(aim, policy, values[number, 0], values[number, row], question.seed)
        for number, aim in enumerate(aims)
        for policy, row in place.items()
        if row
    )


def _values(made: Made, outcomes: Sequence[Outcome]) -> list[float]:
    """Return outcomes of a run over its horizon."""
    from results.store import MEASURE_PREFIX

    names = [name for name in made.outcomes.column_names if name.startswith(MEASURE_PREFIX)]
    measures: dict[str, FloatArray] = {
        name.removeprefix(MEASURE_PREFIX): made.outcomes[name].to_numpy() for name in names
    }
    return [float(over_horizon(outcome.rule, measures)) for outcome in outcomes]


def _reached(aim: Aim, policy: str, baseline: FloatArray, values: FloatArray, seed: int) -> Reached:
    """Return the width of the interval that the summary of a comparison will show."""
    from results.statistics import Comparison

    outcome = OUTCOMES[aim.outcome]
    rare = (0.0, 0.0) if outcome.events else None
    one = Comparison(policy, outcome, True, baseline, values, rare, False, seed)
    low, high = one.interval
    return Reached(aim.outcome, policy, aim.width, high - low, len(one.differences))


# Runs that are kept until they are asked for again


@dataclass
class Kept:
    """An executor that makes each run once, and gives it again from a file.

    A context: the files go when it ends.
    """

    executor: Executor
    _made: dict[tuple[str, int], tuple[Run, Path]] = field(default_factory=dict, init=False)
    _folder: TemporaryDirectory[str] | None = field(default=None, init=False)

    def __enter__(self) -> Kept:
        self._folder = TemporaryDirectory(prefix="tenderlab-")
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            self._folder.cleanup()
        self._made.clear()

    def run(self, work: Work[Any, Any], tasks: Sequence[Any], stop: Stop) -> Iterator[Any]:
        """Yield a result for every run, in their order, until ``stop()`` is true."""
        held = [self._held(run) for run in tasks]
        missing = [run for run, path in zip(tasks, held, strict=True) if not path]
        fresh = iter(self.executor.run(work, missing, stop))
        for run, path in zip(tasks, held, strict=True):
            if stop():
                return
            if path:
                yield pickle.loads(path.read_bytes())
                continue
            try:
                result = next(fresh)
            except StopIteration:
                return
            self._keep(run, result)
            yield result

    def _held(self, run: Run) -> Path | None:
        """Return the file that holds what became of just this run, if it was made."""
        made, path = self._made.get(_key(run), (None, None))
        return path if made == run else None

    def _keep(self, run: Run, result: object) -> None:
        if self._folder is None:
            raise RuntimeError("runs are kept within a with block only")
        _, path = self._made.get(_key(run), (run, Path(self._folder.name, str(len(self._made)))))
        path.write_bytes(pickle.dumps(result))
        self._made[_key(run)] = run, path


def _key(run: Run) -> tuple[str, int]:
    return run.policy.name, run.replication


# Sweeps


def sweep_precisely(
    design: Design,
    aims: Sequence[Aim],
    place: Path | None = None,
    executor: Executor | None = None,
    *,
    most: int = MOST,
    resume: bool = False,
    **about: Any,
) -> tuple[SweepConduct, Precise | None]:
    """Sweep with as many replications as it takes for the widest interval of any point.

    Every look extends the sweep: runs that are there are kept, those of earlier sittings too.

    Args:
        design: which runs are made, at least.
        aims: how narrow the interval of each policy's difference shall be at every point.
        place: directory of the sweep; that of ``design`` if None.
        executor: makes the runs; this process if None.
        most: replications that are not exceeded.
        resume: go on with the sweep that ``place`` holds.
        **about: what `sweep` takes besides.

    Returns:
        What became of the sweep, and what was reached; None where the user interrupted it.

    Raises:
        InputError: as for `sweep`, or there is one policy, or ``most`` is too small or too large.
    """
    from experiments.sweep import place_of

    where = place or place_of(design)
    start = first_look(design, where, most, resume=resume).question.replicates
    conducts: list[SweepConduct] = []

    def look(replicates: int) -> tuple[Reached, ...]:
        grown, again = _lengthened(design, replicates), resume or bool(conducts)
        conducts.append(_swept(grown, where, executor, again, about))
        return widest_in(where, aims)

    try:
        precise = _grown(look, start, most)
    except _Interrupted as interrupted:
        return interrupted.conduct, None
    return conducts[-1], precise


def first_look(design: Design, place: Path, most: int, *, resume: bool) -> Design:
    """Return ``design`` with the replications of a precise sweep's first look.

    They are those of the sweep at ``place``, where that is gone on with and has more.

    Raises:
        InputError: there is one policy, ``most`` is too small or too large, or the manifest at
            ``place`` is damaged.
    """
    if len(design.question.policies) == 1:
        raise InputError(f"{design.where}: --precision: there is one policy, and no difference")
    there = _replicates_there(place) if resume else 0
    return _lengthened(design, _start(max(design.question.replicates, there), most))


def _lengthened(design: Design, replicates: int) -> Design:
    return replace(design, question=replace(design.question, replicates=replicates))


def _replicates_there(place: Path) -> int:
    from experiments.sweep_directory import stored_manifest

    manifest = stored_manifest(place)
    return int(manifest["design"]["replicates"]) if manifest else 0


class _Interrupted(Exception):
    """The user stopped a sweep; what became of it is kept here."""

    def __init__(self, conduct: SweepConduct) -> None:
        super().__init__(conduct.status)
        self.conduct = conduct


def _swept(
    design: Design, place: Path, executor: Executor | None, resume: bool, about: dict[str, Any]
) -> SweepConduct:
    from experiments.sweep import sweep

    done = sweep(design, place, executor, resume=resume, more=resume, **about)
    if done.status == "interrupted":
        raise _Interrupted(done)
    return done


def widest_in(place: Path, aims: Sequence[Aim]) -> tuple[Reached, ...]:
    """Return the widest interval of any point of a sweep, by outcome and policy."""
    from results.sweeps import Sweep

    opened = Sweep.open(place)
    frame = opened.frame([aim.outcome for aim in aims])
    found = []
    for aim in aims:
        wide = frame.pivot(index=["point", "replication"], columns="policy", values=aim.outcome)
        for policy in (name for name in opened.policies if name != opened.baseline):
            differences = (wide[policy] - wide[opened.baseline]).dropna()
            found.append(_widest(aim, policy, differences, len(opened.points)))
    return tuple(found)


def _widest(aim: Aim, policy: str, differences: Any, points: int) -> Reached:
    from scipy import stats

    from results.intervals import LEVEL

    by_point = differences.groupby(level="point").agg(["count", "std"])
    widths = (
        2 * stats.t.isf(LEVEL, by_point["count"] - 1) * by_point["std"] / by_point["count"] ** 0.5
    )
    known = len(widths) == points and bool(widths.notna().all())
    pairs = by_point["count"].reindex(range(points), fill_value=0)
    width = float(widths.max()) if known else math.nan
    return Reached(aim.outcome, policy, aim.width, width, int(pairs.min()))


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
