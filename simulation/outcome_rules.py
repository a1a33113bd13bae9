"""How an outcome is made from quarterly measures: the rules, without the sums themselves.

What they come to over a horizon, and in a single quarter, is for `simulation.horizon` to reckon.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sum:
    """Total of one measure over the horizon."""

    measure: str


@dataclass(frozen=True)
class Last:
    """The measure in the last quarter, as a percentage of ``per_cent_of`` where that is given."""

    measure: str
    per_cent_of: str = ""


@dataclass(frozen=True)
class NetPresentValue:
    """Discounted total of one measure, at the assumption ``discount_rate``, to April 2006."""

    measure: str


@dataclass(frozen=True)
class Ratio:
    """Total of the numerator over total of the denominator; NaN only where that is zero.

    ``scale`` multiplies the ratio (100 for per cent or per hundred); ``discounted`` discounts both
    totals.
    """

    numerator: str
    denominator: str
    scale: float = 1.0
    discounted: bool = False


@dataclass(frozen=True)
class Gap:
    """One ratio less another."""

    first: Ratio
    second: Ratio


Rule = Sum | Last | NetPresentValue | Ratio | Gap
