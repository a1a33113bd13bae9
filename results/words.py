"""Figures, units and levers in words, the same on charts, in tables and in sentences."""

import math
from collections.abc import Sequence
from typing import Any

from simulation.outcomes import Outcome

EN_DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def decimals(matters: float) -> int:
    """Return how many decimals show a difference of ``matters`` to two figures."""
    return max(0, 1 - math.floor(math.log10(matters)))


def number(value: float, matters: float, *, signed: bool = False) -> str:
    """Return ``value`` in figures as fine as ``matters`` asks, an en dash where it is NaN."""
    if math.isnan(value):
        return EN_DASH
    rounded = round(value, decimals(matters)) + 0.0
    sign = "+" if signed and rounded > 0 else ""
    return f"{sign}{rounded:,.{decimals(matters)}f}".replace("-", MINUS)


def with_unit(value: float, outcome: Outcome) -> str:
    """Return a value of ``outcome`` as it is read aloud: "£120m NPV", "14.9%", "3.24 bids"."""
    figure = number(value, outcome.matters)
    return figure if math.isnan(value) else _joined(figure, outcome.unit.partition(",")[0])


def change(value: float, outcome: Outcome, *, signed: bool = True) -> str:
    """Return a difference in ``outcome`` as it is read aloud; shares differ by points."""
    figure = number(value, outcome.matters, signed=signed)
    unit = "points" if outcome.unit.startswith("%") else outcome.unit.partition(",")[0]
    return figure if math.isnan(value) else _joined(figure, unit)


def span(low: float, high: float, outcome: Outcome) -> str:
    """Return the range of a difference in figures, with the pound sign where the unit has one."""
    ends = [number(end, outcome.matters, signed=True) for end in (low, high)]
    if outcome.unit.startswith("£m"):
        ends = [_joined(end, "£m") for end in ends]
    return " to ".join(ends)


def _joined(figure: str, unit: str) -> str:
    if unit.startswith("£m"):
        sign = figure[0] if figure[0] in ("+", MINUS) else ""
        return f"{sign}£{figure.removeprefix(sign)}m{unit.removeprefix('£m')}"
    return f"{figure}{unit}" if unit.startswith("%") else f"{figure} {unit}"


def listing(items: Sequence[str]) -> str:
    """Return items joined by commas and a last "and"."""
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last


def count(many: int) -> str:
    """Return a small number in letters, a larger one in figures."""
    names = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return names[many] if many < len(names) else f"{many:,}"


def lever_words(value: Any) -> str:
    """Return a lever's value in words; dated values with the years from which they hold."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(
            f"{_scalar(each['value'])} from year {each['from_year']}" for each in value
        )
    return _scalar(value)


def _scalar(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:,g}" if isinstance(value, int | float) else str(value).replace("_", " ")
