"""Turn quarterly measures into outcomes: one value a quarter, and one value over the horizon.

Every function takes measures as arrays whose last axis is the quarter, so that one run or a whole
table of runs is evaluated by the same lines.
"""

import math
from collections.abc import Callable, Mapping
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from simulation.outcome_rules import Gap, Last, NetPresentValue, Ratio, Rule, Sum

FloatArray = NDArray[np.float64]
Measures = Mapping[str, FloatArray]
Reader = Callable[[Mapping[str, float]], float]

DISCOUNT = "discount"
"""Measure that holds each quarter's discount factor."""


def divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return the ratio, NaN exactly where the denominator is zero."""
    defined = denominator != 0
    ratio = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=ratio, where=defined)
    return ratio


def quarterly(rule: Rule, measures: Measures) -> FloatArray:
    """Return what ``rule`` shows in each single quarter."""
    match rule:
        case Ratio():
            return divide(measures[rule.numerator], measures[rule.denominator]) * rule.scale
        case Gap():
            return quarterly(rule.first, measures) - quarterly(rule.second, measures)
        case Last() if rule.per_cent_of:
            return quarterly(Ratio(rule.measure, rule.per_cent_of, 100.0), measures)
        case _:
            return measures[rule.measure]


def in_quarter(rule: Rule, measured: Mapping[str, float]) -> float:
    """Return what `quarterly` shows for one quarter's measures, without arrays."""
    return reader(rule)(measured)


def reader(rule: Rule) -> Reader:
    """Return what reads off `in_quarter` for ``rule``: quicker where many quarters are read."""
    match rule:
        case Ratio():
            return _ratio_reader(rule.numerator, rule.denominator, rule.scale)
        case Gap():
            first, second = reader(rule.first), reader(rule.second)
            return lambda measured: first(measured) - second(measured)
        case Last() if rule.per_cent_of:
            return _ratio_reader(rule.measure, rule.per_cent_of, 100.0)
        case _:
            return itemgetter(rule.measure)


def _ratio_reader(numerator: str, denominator: str, scale: float) -> Reader:
    def ratio(measured: Mapping[str, float]) -> float:
        below = measured[denominator]
        return measured[numerator] / below * scale if below else math.nan

    return ratio


def over_horizon(rule: Rule, measures: Measures) -> FloatArray:
    """Return the value of ``rule`` over all quarters (the last axis disappears)."""
    match rule:
        case Sum():
            return measures[rule.measure].sum(axis=-1)
        case Last():
            return quarterly(rule, measures)[..., -1]
        case NetPresentValue():
            return (measures[rule.measure] * measures[DISCOUNT]).sum(axis=-1)
        case Ratio():
            weight = measures[DISCOUNT] if rule.discounted else np.float64(1.0)
            totals = [(measures[name] * weight).sum(axis=-1) for name in _parts(rule)]
            return divide(totals[0], totals[1]) * rule.scale
        case Gap():
            return over_horizon(rule.first, measures) - over_horizon(rule.second, measures)


def _parts(rule: Ratio) -> tuple[str, str]:
    return rule.numerator, rule.denominator
