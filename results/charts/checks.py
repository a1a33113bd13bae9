"""What charts ask of the frames, outcomes and policies that they are given."""

from collections.abc import Iterable

import pandas as pd

from simulation.errors import InputError, did_you_mean
from simulation.outcomes import OUTCOMES


def check_outcomes(names: Iterable[str]) -> None:
    """Raise an InputError that tells the nearest name unless each of ``names`` is an outcome."""
    for name in names:
        _check("outcome", name, OUTCOMES)


def check_frame(
    frame: pd.DataFrame, source: str, columns: Iterable[str], policies: Iterable[str] = ()
) -> None:
    """Raise an InputError unless ``frame`` can be what ``source`` returns.

    It needs the ``columns``; and, unless it is empty, rows of all ``policies``.
    """
    for name in columns:
        if name not in frame.columns:
            raise InputError(f"no column {name!r} in this frame; one of {source} is needed")
    held = [] if frame.empty else list(map(str, frame["policy"].unique()))
    for name in policies if held else ():
        _check("policy", name, held, " in this frame")


def _check(kind: str, name: str, known: Iterable[str], where: str = "") -> None:
    if name not in (known := list(known)):
        hint = did_you_mean(name, known)
        raise InputError(f"no {kind} called {name!r}{where}{hint}; known: {', '.join(known)}")
