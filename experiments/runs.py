"""The runs that a question asks for, and how one of them is made.

Main runs are replications 0 to R-1; replication r takes sample r of the assumptions and its own
luck, both shared by all policies, so that differences between policies are paired. Twins come
last: the same sample under other luck, which only serves to tell luck from assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import count, islice
from traceback import format_exc
from typing import TYPE_CHECKING, Any, Literal, Protocol

from experiments.question import Question
from simulation.assumptions import Assumptions, assumptions_from, sample
from simulation.levers import Policy
from simulation.randomness import derive
from simulation.register import Register, parse_register

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from simulation.model import MarketModel

type Detail = Literal["few", "many", "all"]
"""Which event tables a run keeps: `FEW`, `MANY`, or these with the ledger row by row."""

FEW = ("councils", "ledger")
MANY = (*FEW, "tenders", "contracts", "partnerships", "decisions", "members", "suppliers", "fund")
LONGEST_ERROR = 500


@dataclass(frozen=True)
class Run:
    """One run that is to be made: policy, sample of assumptions, replication and its luck."""

    policy: Policy
    sample: int
    replication: int
    seed: int
    assumptions: Assumptions
    detail: Detail


@dataclass(frozen=True)
class Made:
    """A run that ended well: its tables, each with policy, sample and replication first."""

    run: Run
    outcomes: pa.Table
    events: Mapping[str, pa.Table] = field(repr=False)


@dataclass(frozen=True)
class Failed:
    """A run that did not end well, at which stage, why, and where in the program."""

    run: Run
    stage: str
    error: str
    trace: str = field(default="", repr=False)


@dataclass(frozen=True)
class Setting:
    """What all runs of a question share: the register as it was read, and the horizon."""

    register: bytes
    years: int


def setting(question: Question) -> Setting:
    """Return what all runs of ``question`` share."""
    return Setting(question.territory.register.raw, question.years)


def samples(question: Question) -> list[Assumptions]:
    """Return the samples of the assumptions, one a replication, or one if they are fixed."""
    if question.sampled and question.block:
        return list(islice(_blocks(question), question.replicates))
    if question.sampled:
        return sample(question.seed, question.replicates, question.assumptions)
    return [assumptions_from(question.assumptions)]


def _blocks(question: Question) -> Iterator[Assumptions]:
    """Yield samples in blocks, each a Latin hypercube of its own."""
    for block in count():
        seed = derive(question.seed, "samples", block)
        yield from sample(seed, question.block, question.assumptions)


def plan(question: Question, *, everything: bool = False) -> list[Run]:
    """Return the runs of ``question`` by replication, so that what is done first is complete.

    Args:
        question: what is asked.
        everything: whether event tables are kept of all main runs, not of the first only.
    """
    drawn = samples(question)
    return [
        _run(question, policy.policy, replication, drawn, everything)
        for replication in _replications(question)
        for policy in question.policies
    ]


def _replications(question: Question) -> Iterable[int]:
    if question.replication is not None:
        return (question.replication,)
    return range(question.replicates + question.twins)


def _run(
    question: Question, policy: Policy, replication: int, drawn: list[Assumptions], everything: bool
) -> Run:
    place = replication % question.replicates if question.sampled else 0
    return Run(
        policy=policy,
        sample=place,
        replication=replication,
        seed=derive(question.seed, "replication", replication),
        assumptions=drawn[place],
        detail=_detail(question, replication, everything),
    )


def _detail(question: Question, replication: int, everything: bool) -> Detail:
    if question.replication is not None:
        return "all"
    main = replication < question.replicates
    return "many" if replication == 0 or (everything and main) else "few"


class Planned(Protocol):
    """What the model must know of a run, whoever planned it."""

    @property
    def policy(self) -> Policy:
        """The policy under which it is made."""
        ...

    @property
    def assumptions(self) -> Assumptions:
        """What it takes for granted."""
        ...

    @property
    def seed(self) -> int:
        """The seed of its luck."""
        ...


def founded(run: Planned, register: Register, years: int) -> MarketModel:
    """Return the market of ``run`` as it stands at the start."""
    from simulation.model import MarketModel

    return MarketModel(run.policy, run.assumptions, years=years, register=register, rng=run.seed)


@dataclass(frozen=True)
class Failure:
    """At which stage the making of a run failed, why, and where in the program."""

    stage: str
    error: str
    trace: str


def taken_of[K](
    shared: Setting, run: Planned, take: Callable[[MarketModel], K], taking: str
) -> K | Failure:
    """Make one run and return what ``take`` takes of it; what goes wrong is returned, not raised.

    Args:
        shared: what all runs share.
        run: the one to make.
        take: called with the model once it has run.
        taking: the name of that stage.
    """
    stage, model = "set-up", None
    try:
        model = founded(run, _register(shared.register), shared.years)
        stage = "run"
        model.run()
        stage = taking
        return take(model)
    except Exception as error:
        reached = f"quarter {model.quarter + 1}" if model and stage == "run" else stage
        return Failure(reached, described(error), format_exc())


@lru_cache(maxsize=1)
def _register(raw: bytes) -> Register:
    return parse_register(raw, "register.csv")


def described(error: BaseException) -> str:
    """Return what went wrong on one line, cut where it is long."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_ERROR]


def make(shared: Setting, run: Run) -> Made | Failed:
    """Make one run; whatever goes wrong in it is returned, not raised."""
    made = taken_of(shared, run, partial(_tables, run), "tables")
    if isinstance(made, Failure):
        return Failed(run, made.stage, made.error, made.trace)
    return made


def _tables(run: Run, model: MarketModel) -> Made:
    return Made(run, _outcomes(model, run), _events(model, run))


def _outcomes(model: MarketModel, run: Run) -> pa.Table:
    import pyarrow as pa

    outcomes, measures = model.outcomes, model.measures
    names = ["quarter", *outcomes.columns, *[f"measure_{name}" for name in measures.columns]]
    columns = [outcomes.index.to_numpy(), *outcomes.to_numpy().T, *measures.to_numpy().T]
    arrays = [pa.array(column, from_pandas=True) for column in columns]
    return _keyed(pa.table(arrays, names), run)


def _events(model: MarketModel, run: Run) -> dict[str, pa.Table]:
    names = FEW if run.detail == "few" else MANY
    frames = {name: model.tables[name] for name in names if name != "ledger"}
    by_row = run.detail == "all"
    frames["ledger"] = model.tables["ledger"] if by_row else _by_class(model)
    return {name: _keyed(_arrow(frame), run) for name, frame in frames.items()}


def _by_class(model: MarketModel) -> pd.DataFrame:
    return model.ledger.by_class(model.suppliers.large)


def _arrow(frame: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def _keyed(table: pa.Table, run: Run) -> pa.Table:
    """Return ``table`` with first columns that say which run it is of."""
    import pyarrow as pa

    rows = len(table)
    names = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [run.policy.name])
    keys: dict[str, Any] = {
        "policy": names,
        "sample": pa.array([run.sample] * rows, pa.int32()),
        "replication": pa.array([run.replication] * rows, pa.int32()),
    }
    columns = {name: _uniform(name, table[name]) for name in table.column_names}
    return pa.table({**keys, **columns})


def _uniform(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ``column`` in a type that does not depend on which values a run came upon."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type):
        return column.cast(pa.string())
    return column.cast(pa.int32()) if name == "quarter" else column
