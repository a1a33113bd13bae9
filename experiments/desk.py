"""The explorer's desk: several questions at once, one crew of workers, one memory of runs.

A run is known by everything on which its bits depend, so that whoever asks for it again, under
whatever name, gets it from memory: the baseline of a changed policy above all. Questions take
turns, run by run, in the order of replications; one whose asker has not looked for a while waits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import cached_property, partial
from time import monotonic

from experiments.catalogue import bundled_policies
from experiments.circumstances import bundled_circumstances
from experiments.crew import StandingCrew
from experiments.job import Job, Result
from experiments.live import LiveRun, live_run
from experiments.question import Question, Territory, check_dates, question_of
from experiments.runs import Failed, Run, Setting, described, make
from experiments.tale import tale_of
from experiments.writing import document_of, program, question_text
from results.explorer.asking import Document, Offer, Standing, Tale
from results.store import StoredPolicy
from simulation.errors import InputError, did_you_mean

type Key = tuple[Setting, Run]

MOST_POLICIES = 4
MOST_YEARS = 25
MOST_REPLICATES = 100
MOST_SEED = 2**53 - 1
"""Larger whole numbers lose their last digits in a browser."""
MOST_REMEMBERED = 1_000
"""Runs kept in memory, some 200 kB each for England."""
MOST_HELD = 3_000
"""Runs of all questions whose tickets are known; the one not looked at for longest goes first."""
MOST_SHOWN = 8
"""Answers that are kept as frames, some 80 kB a run."""
MOST_TALES = 2
"""Stories told at once."""
TALE_SECONDS = 120.0
LONGEST_ERROR = 300


class Desk:
    """Takes questions, several at once, and has their runs made; see `results.explorer.asking`."""

    def __init__(self, start: Question, crew: StandingCrew) -> None:
        """Make ready to answer, first of all ``start``; its councils are those of every question.

        The runs of its baseline are made while nobody asks for anything else.

        Raises:
            InputError: ``start`` is too heavy.
        """
        _check_weight(start)
        self._start = start
        self._crew = crew
        self._lock = threading.RLock()
        self._showing = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._asked = 0
        self._turns: deque[str] = deque()
        self._memory: OrderedDict[Key, Result] = OrderedDict()
        self._flying: set[Key] = set()
        self._shown: OrderedDict[str, tuple[int, LiveRun]] = OrderedDict()
        self._tellers = threading.BoundedSemaphore(MOST_TALES)
        self._prepare()

    # What can be asked

    @cached_property
    def offer(self) -> Offer:
        """What can be asked."""
        return Offer(
            policies={one.name: StoredPolicy(**one.effective()) for one in bundled_policies()},
            circumstances={
                one.name: (one.title, one.description, one.assumptions)
                for one in bundled_circumstances()
            },
            register=self._territory.name,
            councils=self._territory.register.told_apart,
            most_policies=MOST_POLICIES,
            most_years=MOST_YEARS,
            most_replicates=MOST_REPLICATES,
            most_seed=MOST_SEED,
            start=document_of(self._start),
        )

    @property
    def _territory(self) -> Territory:
        return self._start.territory

    def check(self, question: Document) -> Document:
        """Return ``question`` as it is taken, every default filled in.

        Raises:
            InputError: something in it is wrong, or it is too heavy.
        """
        return document_of(self._read(question))

    def _read(self, document: Document) -> Question:
        question = question_of(document, self._territory)
        _check_weight(question)
        check_dates(question)
        return question

    # Questions at work

    def pose(self, question: Document, instead_of: str = "") -> str:
        """Have the runs of ``question`` made, and return its ticket.

        Raises:
            InputError: something in the question is wrong, or it is too heavy.
        """
        read = self._read(question)
        with self._lock:
            if instead_of in self._jobs:
                self._jobs[instead_of].left = "replaced"
            ticket = self._take_on(Job(read))
            self._hand_out()
        return ticket

    def standing(self, ticket: str) -> Standing:
        """Return how far the answer is.

        Raises:
            InputError: the ticket is not known.
        """
        with self._lock:
            job = self._job(ticket)
            job.looked = monotonic()
            self._jobs.move_to_end(ticket)
            self._hand_out()
            return Standing(
                state="done" if job.done else job.left or "at work",
                complete=job.complete(),
                asked=job.question.replicates,
                twins=job.complete(twins=True),
                twins_asked=job.question.twins,
                failed=tuple(map(_what_failed, job.failed())),
            )

    def run(self, ticket: str) -> LiveRun | None:
        """Return the replications that are complete, None before the first one is.

        Raises:
            InputError: the ticket is not known.
        """
        with self._lock:
            job = self._job(ticket)
            if not job.complete():
                return None
            made, failed, count = job.made(), job.failed(), len(job.results)
        with self._showing:
            seen, shown = self._shown.pop(ticket, (0, None))
            if shown is None or seen != count:
                shown = live_run(job.question, made, failed)
            self._shown[ticket] = (count, shown)
            while len(self._shown) > MOST_SHOWN:
                self._shown.popitem(last=False)
            return shown

    def cancel(self, ticket: str) -> None:
        """Leave the runs that are not back yet, so that what is shown stays as it is.

        Raises:
            InputError: the ticket is not known.
        """
        with self._lock:
            self._job(ticket).left = "cancelled"

    def resume(self, ticket: str) -> None:
        """Have the runs made that were left.

        Raises:
            InputError: the ticket is not known.
        """
        with self._lock:
            job = self._job(ticket)
            job.left = None
            job.looked = monotonic()
            self._recall(job)
            if ticket not in self._turns:
                self._turns.append(ticket)
            self._hand_out()

    def _job(self, ticket: str) -> Job:
        if ticket not in self._jobs:
            raise InputError("this question is no longer known here; ask it again")
        return self._jobs[ticket]

    def _take_on(self, job: Job) -> str:
        """Give ``job`` a ticket, and what is remembered of its runs; forget what is old."""
        self._asked += 1
        ticket = f"{job.question.identity}-{self._asked}"
        self._jobs[ticket] = job
        self._turns.append(ticket)
        self._recall(job)
        while len(self._jobs) > 1 and sum(len(one.runs) for one in self._jobs.values()) > MOST_HELD:
            self._jobs.popitem(last=False)
        return ticket

    def _recall(self, job: Job) -> None:
        """Give ``job`` what is remembered of its runs."""
        for run in job.runs:
            if (known := self._memory.get((job.setting, run))) is not None:
                job.take(run, known)

    def _prepare(self) -> None:
        """Have the baseline's runs made while nobody asks for anything else."""
        alone = replace(self._start, policies=(self._start.baseline,))
        with self._lock:
            self._take_on(Job(alone, idle=True))
            self._hand_out()

    # Runs

    def _hand_out(self) -> None:
        """Give every worker that is free the next run."""
        while self._is_free and (key := self._next()):
            self._flying.add(key)
            future = self._crew.submit(partial(make, key[0]), key[1])
            future.add_done_callback(partial(self._take_back, key))

    @property
    def _is_free(self) -> bool:
        return not self._crew.closed and len(self._flying) < self._crew.workers

    def _next(self) -> Key | None:
        """Return the next run of the question whose turn it is; of idle ones only at last."""
        for idle in (False, True):
            for _ in range(len(self._turns)):
                self._turns.rotate(-1)
                job = self._jobs.get(self._turns[0])
                if job is None or job.idle != idle or job.waits:
                    continue
                for run in job.lacking():
                    if (job.setting, run) not in self._flying:
                        return job.setting, run
        return None

    def _take_back(self, key: Key, future: Future[Result]) -> None:
        shared, run = key
        error = future.exception()
        result: Result = Failed(run, "worker", described(error)) if error else future.result()
        with self._lock:
            self._flying.discard(key)
            self._remember(key, result)
            for job in self._jobs.values():
                if job.setting == shared and not job.left:
                    job.take(run, result)
            self._turns = deque(ticket for ticket in self._turns if self._at_work(ticket))
            self._hand_out()

    def _at_work(self, ticket: str) -> bool:
        return ticket in self._jobs and not self._jobs[ticket].done

    def _remember(self, key: Key, result: Result) -> None:
        self._memory[key] = result
        while len(self._memory) > MOST_REMEMBERED:
            self._memory.popitem(last=False)

    # Stories and files

    def tale(self, ticket: str, policy: str, council: str) -> Tale:
        """Tell the story of one council under one policy, in the first replication.

        Raises:
            InputError: there is no such policy or council, its run failed, or too many wait.
        """
        question = self._job(ticket).question
        names = [one.name for one in question.policies]
        if policy not in names:
            raise InputError(f"no policy {policy!r} is asked{did_you_mean(policy, names)}")
        told = self._told(partial(tale_of, question, policy), council)
        if isinstance(told, str):
            raise InputError(told)
        return told

    def _told(self, tell: Callable[[str], Tale | str], council: str) -> Tale | str:
        if not self._tellers.acquire(blocking=False):
            return "other stories are being told; try again in a moment"
        try:
            return self._crew.submit(tell, council).result(TALE_SECONDS)
        except TimeoutError:
            return "the story takes too long; try again when fewer runs are at work"
        except BrokenProcessPool:
            return "the story's worker process ended; try again"
        finally:
            self._tellers.release()

    def question_file(self, ticket: str) -> str:
        """Return the question as a YAML file that ``tenderlab compare`` takes.

        Raises:
            InputError: the ticket is not known.
        """
        return question_text(self._job(ticket).question)

    def program(self, ticket: str) -> str:
        """Return a Python program that asks the same question.

        Raises:
            InputError: the ticket is not known.
        """
        return program(self._job(ticket).question)


def _check_weight(question: Question) -> None:
    """Refuse a question that would keep the machine busy for too long.

    Raises:
        InputError: it has too many policies, years or replications, or one replication alone.
    """
    most: Mapping[str, tuple[int, int]] = {
        "policies": (len(question.policies) - 1, MOST_POLICIES),
        "years": (question.years, MOST_YEARS),
        "replicates": (question.replicates, MOST_REPLICATES),
        "seed": (question.seed, MOST_SEED),
    }
    for field_name, (given, limit) in most.items():
        if given > limit:
            raise InputError(
                f"{question.where}: {field_name}: {given} is more than the explorer takes; at most "
                f"{limit}; ask it with tenderlab compare"
            )
    if question.replication is not None:
        raise InputError(f"{question.where}: asks for one replication alone; use tenderlab run")


def _what_failed(failed: Failed) -> str:
    run = failed.run
    return (
        f"the run of {run.policy.name} in replication {run.replication} failed at {failed.stage}: "
        f"{failed.error[:LONGEST_ERROR]}"
    )
