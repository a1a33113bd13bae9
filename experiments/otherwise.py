"""What might have been: the same run once more, with one kind of decision settled beforehand.

Draws are keyed by what is decided, by whom and when. So a second run under the same seed is the
first to the last bit until the quarter from which decisions are settled; what then differs follows
from them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from traceback import format_exc
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.columns import BoolArray, FloatArray, IntArray, KeyArray
from experiments.question import Question
from experiments.runs import Failed, described, founded, plan
from simulation.model import MarketModel
from simulation.randomness import Draws, Key

type Kind = Literal["stay", "settle", "out"]

SETTLED: Mapping[Kind, Mapping[str, bool]] = {
    "stay": {"walk away": False, "vote": False, "withdraw": False},
    "settle": {"settle": True},
    "out": {"walk away": True, "withdraw": True, "join": False},
}
"""The draws that a turn settles, by purpose; a vote "happens" where it goes against."""


@dataclass(frozen=True)
class Turn:
    """What goes another way: from which quarter on, in which group, for which segment.

    ``kind`` is "stay": none of the group's members of that time leaves a group for this service or
    votes against it; "settle": groups for this service that they lead settle their differences at
    once; "out": the council itself stays out of any group for it.
    """

    kind: Kind
    partnership: int
    quarter: int
    segment: str


@dataclass(frozen=True)
class Fate:
    """How a run ended for a council and for its group.

    Attributes:
        saving: the council's realised saving, £m undiscounted.
        together: that of the council and the group's members of that time, £m.
        counterfactual: the council's in-house cost carried forward, £m.
        joint_quarters: quarters in which the council had a service in a joint contract.
        stage: stage of the group at the end.
        performed: quarter in which its first joint contract began; None if never.
        ended: quarter in which it dissolved; 0 while it stands.
        ended_how: why.
    """

    saving: float
    together: float
    counterfactual: float
    joint_quarters: int
    stage: str
    performed: int | None
    ended: int
    ended_how: str


@dataclass(frozen=True)
class Otherwise:
    """Two runs that part at a turn.

    Attributes:
        councils: the council and the group's members when the quarter of the turn began.
        was, might: how the run ended as it was, and with the turn.
    """

    turn: Turn
    councils: tuple[str, ...]
    was: Fate
    might: Fate


class Resolved(Draws):
    """Draws of which some, by purpose and first key, are settled beforehand."""

    def __init__(self, seed: int, settled: Mapping[str, bool], keys: KeyArray) -> None:
        """Draw under ``seed``; for ``keys`` the purposes of ``settled`` happen or do not."""
        super().__init__(seed)
        self._settled = settled
        self._keys = keys

    def happens(self, purpose: str, chance: float | FloatArray, *keys: Key) -> BoolArray:
        """Return whether events of probability ``chance`` happen."""
        happens = super().happens(purpose, chance, *keys)
        if purpose not in self._settled:
            return happens
        ours = np.isin(np.asarray(keys[0]), self._keys)
        resolved: NDArray[np.bool_] = np.where(ours, self._settled[purpose], happens)
        return resolved


def relive(
    question: Question, turn: Turn, council: int, tables: Mapping[str, pd.DataFrame]
) -> Otherwise | Failed:
    """Make the one run of ``question`` once more, with ``turn``.

    Args:
        question: the one run that was asked.
        turn: what goes another way.
        council: row of the council whose story it is.
        tables: of the run as it was: ``councils`` and ``partnerships``.

    Returns:
        Both runs; or the second, where it went wrong.
    """
    (run,) = plan(question)
    stage, model = "set-up", None
    try:
        model = founded(run, question.territory.register, question.years)
        stage = "run"
        _advance(model, turn.quarter - 1)
        members = _members(model, turn)
        settled = SETTLED[turn.kind]
        model.draws = Resolved(run.seed, settled, _keys(model, turn, council, members))
        model.run()
        stage = "tables"
        concerned = np.union1d(model.services.council[members], [council])
        names = tuple(model.register.told_apart[row] for row in concerned.tolist())
        fates = (_fate(each, turn, council, concerned) for each in (tables, model.tables))
        return Otherwise(turn, names, *fates)
    except Exception as error:
        reached = f"quarter {model.quarter + 1}" if model and stage == "run" else stage
        return Failed(run, reached, described(error), format_exc())


def _advance(model: MarketModel, quarter: int) -> None:
    while model.quarter < quarter:
        model.step()


def _members(model: MarketModel, turn: Turn) -> IntArray:
    """Return the services in the group of ``turn``, as the model stands."""
    spells = model.tie_history.spells
    within = (spells.partnership == turn.partnership) & (spells.until == 0)
    members: IntArray = np.sort(spells.service[within])
    return members


def _keys(model: MarketModel, turn: Turn, council: int, members: IntArray) -> KeyArray:
    """Return the keys of the services whose decisions are settled."""
    own = model.service_of[council, model.partnerships.kind[turn.partnership]]
    settled = np.array([own]) if turn.kind == "out" else members
    keys: KeyArray = model.services.key[settled]
    return keys


def _fate(
    tables: Mapping[str, pd.DataFrame], turn: Turn, council: int, concerned: IntArray
) -> Fate:
    councils, group = tables["councils"], tables["partnerships"].iloc[turn.partnership]
    performed = group["performed"]
    return Fate(
        saving=float(councils["saving_m"].iloc[council]),
        together=float(councils["saving_m"].iloc[concerned].sum()),
        counterfactual=float(councils["counterfactual_m"].iloc[council]),
        joint_quarters=int(councils["joint_quarters"].iloc[council]),
        stage=str(group["stage"]),
        performed=None if pd.isna(performed) else int(performed),
        ended=int(group["ended"]),
        ended_how=str(group["ended_how"]),
    )
