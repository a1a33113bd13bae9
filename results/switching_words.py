"""What turns the ranking of policies, in words."""

from collections.abc import Mapping

from results.intervals import LEVEL
from results.sensitivity_words import incomplete, within
from results.switching import FEWEST_RUNS, Kind, Pair, Switching, Turn
from results.words import change, counted, interval_words, listed
from simulation.outcomes import OUTCOMES, Outcome

MOST_TOLD = 5
"""Assumptions that may turn a ranking of which more than the number is told."""

type Titles = Mapping[str, str]


def sentences(found: Switching, titles: Titles | None = None) -> list[str]:
    """Return what turns the ranking, a paragraph a pair of policies.

    ``titles`` are the policies' names for people, by name.
    """
    named = {name: (titles or {}).get(name) or name for name in found.ranking}
    return [ranking_words(found, named), *(pair_words(found, pair, named) for pair in found.pairs)]


def ranking_words(found: Switching, titles: Titles) -> str:
    """Return the ranking on average, and whether it is of an incomplete sweep."""
    outcome = OUTCOMES[found.outcome]
    order = "highest" if outcome.better == "neutral" else "best"
    names = ", ".join(titles[name] for name in found.ranking)
    ranked = f"By mean {within(outcome.title)}, {order} first: {names}."
    return " ".join(filter(None, [ranked, incomplete(found.stored, found.asked)]))


def pair_words(found: Switching, pair: Pair, titles: Titles) -> str:
    """Return what turns the ranking of two policies, and what only may."""
    if len(pair.differences) < FEWEST_RUNS:
        return (
            f"{_names(pair, titles)}: {counted(len(pair.differences), 'pair')} of runs are too few "
            f"to say what turns their ranking; it takes {FEWEST_RUNS}."
        )
    if not pair.turns:
        return f"{_names(pair, titles)}: {_why_nothing(found, pair)}."
    told = [_on_average(found, pair, titles)]
    told += [turn_words(found, pair, turn, titles) for turn in pair.of("turns")]
    return " ".join([*told, rest_words(pair, found.kind)])


def _why_nothing(found: Switching, pair: Pair) -> str:
    if pair.differences.min() == pair.differences.max():
        return "they differ by the same in every pair of runs"
    return f"no {found.kind} varies, as a number, in the {FEWEST_RUNS} pairs of runs that it takes"


def turn_words(found: Switching, pair: Pair, turn: Turn, titles: Titles) -> str:
    """Return at which values one assumption turns the ranking of two policies, in a sentence."""
    values = listed([_value(found, turn, *each) for each in turn.at])
    first, second = titles[pair.first], titles[pair.second]
    verb, rising = _verb(OUTCOMES[found.outcome]), bool(turn.fit.mean[-1] > 0)
    if len(turn.at) > 1:
        side = "outside" if rising else "between"
        return f"{first} {verb} {second} unless {turn.assumption} is {_other(side)} {values}."
    if pair.better:
        side = "below" if rising else "above"
        return f"{first} {verb} {second} unless {turn.assumption} is {side} {values}."
    side = "above" if rising else "below"
    return (
        f"Whether {first} {verb} {second} turns on {turn.assumption}: it does {side} {values}, and "
        "does not on the other side."
    )


def _other(side: str) -> str:
    return {"outside": "between", "between": "outside"}[side]


def _on_average(found: Switching, pair: Pair, titles: Titles) -> str:
    outcome = OUTCOMES[found.outcome]
    sign = -1.0 if outcome.better == "lower" else 1.0
    low, high = sorted(sign * end for end in pair.interval)
    size = f"{change(sign * pair.mean, outcome)}, {interval_words(low, high, outcome)}"
    first, second = titles[pair.first], titles[pair.second]
    sure = "" if pair.better else "which may be nothing, "
    return f"{first} against {second}: on average {size}, {sure}{counted(_many(pair), 'pair')}."


def _many(pair: Pair) -> int:
    return len(pair.differences)


def rest_words(pair: Pair, kind: Kind) -> str:
    """Return of the assumptions that do not surely turn it how far that is known."""
    may, stays, unsure = (pair.of(fate) for fate in ("may turn", "stays", "open"))
    total, turns = len(pair.turns), len(pair.of("turns"))
    if turns + len(may) == 0 and not unsure:
        return f"Nothing turns it within the range of any of {counted(total, kind)}."
    if turns:
        text = f"No other {kind} surely turns it within its range"
    else:
        text = f"No {kind} of {total:,} surely turns it within its range"
    if may:
        names = listed([turn.assumption for turn in may[:MOST_TOLD]])
        more = f" and {len(may) - MOST_TOLD} more" if len(may) > MOST_TOLD else ""
        text += f"; {names}{more} may, of which more runs would tell"
    if stays:
        do = "does" if len(stays) == 1 else "do"
        text += f"; {counted(len(stays), kind)} surely {do} not"
    return f"{text}."


def _verb(outcome: Outcome) -> str:
    return "is above" if outcome.better == "neutral" else "beats"


def _value(found: Switching, turn: Turn, at: float, low: float, high: float) -> str:
    unit = found.units.get(turn.assumption, "")
    words = f" {unit}" if unit and unit not in ("share", "factor") else ""
    places = _places(turn)
    return f"{at:.{places}f}{words} ({low:.{places}f} to {high:.{places}f})"


def _places(turn: Turn) -> int:
    """Return how many decimals tell a hundredth of an assumption's range from the next."""
    width = float(turn.fit.at[-1] - turn.fit.at[0])
    return next((places for places in range(8) if 10.0**-places <= width / 15), 8)


def _names(pair: Pair, titles: Titles) -> str:
    return f"{titles[pair.first]} and {titles[pair.second]}"


HOW = (
    "Each factor, an assumption or a lever that varies, is looked at alone, while the others vary "
    "with it: the mean paired difference is fitted over its values; where a lever is none, its fit "
    "leaves that out. A turn is called sure where both signs are, with all factors and pairs of "
    f"policies allowed for together (Holm's correction, {200 * LEVEL:.0f}%); the value is given "
    "with its 95% interval."
)
"""How switching values are found, for readers."""
