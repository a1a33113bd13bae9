"""Figures, units and levers in words, the same on charts, in tables and in sentences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from simulation.levers import FIRST_YEAR, QUARTERS_PER_YEAR
from simulation.outcomes import Outcome

POINTS = "points"
FINEST_MONEY = 3
"""Most decimals of £m that a small sum is given."""
JOINER = "\N{WORD JOINER}"
EN_DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def decimals(matters: float) -> int:
    """Return how many decimals show a difference of ``matters`` to two figures."""
    return max(0, 1 - _magnitude(matters))


def decimals_for(value: float, outcome: Outcome) -> int:
    """Return how many decimals show ``value`` of ``outcome``.

    They are as many as what matters asks for; money gets two figures at least, down to £1,000.
    """
    enough = decimals(outcome.matters)
    if not outcome.unit.startswith("£m"):
        return enough
    return max(enough, min(FINEST_MONEY, decimals(value))) if value else enough


def _magnitude(value: float) -> int:
    """Return the power of ten of the first figure of ``value``; 0 where it has none."""
    return math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0


def number(value: float, matters: float, *, signed: bool = False) -> str:
    """Return ``value`` in figures as fine as ``matters`` asks, an en dash where it is NaN."""
    return _figure(value, decimals(matters), signed=signed)


def _figure(value: float, places: int, *, signed: bool = False) -> str:
    if math.isnan(value):
        return EN_DASH
    rounded = round(value, places) + 0.0
    sign = "+" if signed and rounded > 0 else ""
    return f"{sign}{rounded:,.{places}f}".replace("-", MINUS)


def amount(value: float, outcome: Outcome, *, signed: bool = False) -> str:
    """Return ``value`` of ``outcome`` in figures, without its unit."""
    return _figure(value, decimals_for(value, outcome), signed=signed)


def amounts(low: float, high: float, outcome: Outcome, *, signed: bool = False) -> list[str]:
    """Return the ends of a range in figures, both as fine as the larger of them asks."""
    places = decimals_for(max(abs(low), abs(high)), outcome)
    return [_figure(end, places, signed=signed) for end in (low, high)]


def with_unit(value: float, outcome: Outcome) -> str:
    """Return a value of ``outcome`` as it is read aloud: "£120m NPV", "14.9%", "3.24 bids"."""
    shown = amount(value, outcome)
    return shown if math.isnan(value) else _joined(shown, outcome.unit.partition(",")[0])


def difference_unit(outcome: Outcome) -> str:
    """Return the unit of a difference in ``outcome``; percentages differ by points."""
    return POINTS if outcome.unit.startswith("%") else outcome.unit


def of_what(outcome: Outcome) -> str:
    """Return of what an outcome is a percentage: " of counterfactual", or nothing."""
    return outcome.unit.removeprefix("%") if outcome.unit.startswith("% of") else ""


def change(value: float, outcome: Outcome, *, signed: bool = True) -> str:
    """Return a difference in ``outcome`` as it is read aloud; percentages differ by points."""
    shown = amount(value, outcome, signed=signed)
    unit = difference_unit(outcome).partition(",")[0]
    return shown if math.isnan(value) else _joined(shown, unit)


def span(low: float, high: float, outcome: Outcome) -> str:
    """Return the range of a difference in figures, with the pound sign where the unit has one."""
    ends = amounts(low, high, outcome, signed=True)
    if outcome.unit.startswith("£m"):
        ends = [_joined(end, "£m") for end in ends]
    return " to ".join(ends)


def interval_words(low: float, high: float, outcome: Outcome, name: str = "95% interval ") -> str:
    """Return the 95% interval of a difference after its ``name``, or that there is none."""
    return NO_INTERVAL if math.isnan(low) else f"{name}{span(low, high, outcome)}"


def _joined(shown: str, unit: str) -> str:
    if unit.startswith("£m"):
        sign = shown[0] if shown[0] in ("+", MINUS) else ""
        return f"{sign}£{shown.removeprefix(sign)}m{unit.removeprefix('£m')}"
    return f"{shown}{unit}" if unit.startswith("%") else f"{shown} {unit}"


def unbroken(text: str) -> str:
    """Return ``text`` with every sign and the pound sign after it kept on one line."""
    return text.replace("+£", f"+{JOINER}£").replace(f"{MINUS}£", f"{MINUS}{JOINER}£")


SMALL, NOTHING = "real, but may be too small to matter", "may be nothing"
LARGE = "beyond what matters by itself, but not with all verdicts of the table allowed for"
"""What an undecided difference may be."""
UNDECIDED_SMALL, UNDECIDED_NOTHING = f"undecided: {SMALL}", f"undecided: {NOTHING}"
UNDECIDED_LARGE = f"undecided: {LARGE}"
NOT_ZERO, MAYBE_ZERO = "not 0", "maybe 0"
"""The same where there is little room."""
NOT_DEFINED = "not defined: no value to compare with"
"""Said where no replication has a value under both policies."""
NO_INTERVAL = "one replication: no interval"


def verdict_words(row: Mapping[Any, Any]) -> str:
    """Return the verdict of a row of a summary; where it is undecided, with what is left open.

    An interval that lies wholly beyond what matters would settle it alone, but not in a table of
    many verdicts; one that leaves out zero speaks of a difference that is real, yet not beyond
    doubt as large as matters; any other of one that may be nothing.
    """
    if row["verdict"] == "too few pairs" and not row["pairs"]:
        return NOT_DEFINED
    if row["verdict"] != "undecided":
        return str(row["verdict"])
    least = least_size(row["low"], row["high"])
    if least > row["matters"]:
        return UNDECIDED_LARGE
    return UNDECIDED_SMALL if least > 0.0 else UNDECIDED_NOTHING


def least_size(low: float, high: float) -> float:
    """Return how far from zero an interval lies; 0 where it holds zero, or has no ends."""
    return max(low, -high, 0.0) if low <= high else 0.0


def direction(low: float, high: float, outcome: Outcome) -> str:
    """Return which way a difference goes whose 95% interval leaves out zero, else nothing.

    It is a gain or a loss where ``outcome`` has a better direction, else a rise or a fall.
    """
    if not least_size(low, high):
        return ""
    if outcome.better == "neutral":
        return "rise" if low > 0.0 else "fall"
    return "gain" if (low > 0.0) == (outcome.better == "higher") else "loss"


def briefly(verdict: str) -> str:
    """Return the words of a verdict as short as the cell of a table may ask."""
    short = {SMALL: NOT_ZERO, LARGE: NOT_ZERO, NOTHING: MAYBE_ZERO, NOT_DEFINED: "not defined"}
    for whole, brief in short.items():
        verdict = verdict.replace(whole, brief)
    return verdict


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


MOST_NAMES = 8
"""Names in a list before the rest is only counted."""


def listed(names: Sequence[str]) -> str:
    """Return ``names`` as a list in words, cut short where it is long."""
    shown = list(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        shown.append(f"{len(names) - MOST_NAMES} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def counted(count: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{count} {thing}" if count == 1 else f"{count:,} {thing}s"


def rounded_up(many: int) -> int:
    """Return an estimated number of things to two figures, upwards."""
    unit = int(10 ** max(len(str(many)) - 2, 0))
    return -(-many // unit) * unit


def pounds(millions: float) -> str:
    """Return £m as pounds."""
    return f"£{millions * 1e6:,.0f}"


def dated(quarter: int) -> str:
    """Return a quarter, of which 1 is the first, with its financial year: "Q1 2006-07"."""
    years, place = divmod(quarter - 1, QUARTERS_PER_YEAR)
    first = FIRST_YEAR + years
    return f"Q{place + 1} {first}-{(first + 1) % 100:02d}"
