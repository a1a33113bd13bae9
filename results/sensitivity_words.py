"""What an outcome depends on, in words and in the cells of tables."""

import math
from collections.abc import Mapping

from results.sensitivity import (
    INDICES,
    MORRIS,
    MOSTLY_LUCK,
    PAWN,
    SKEWED,
    SOBOL,
    Sensitivity,
    leading,
)
from results.words import amount, amounts, change, counted, difference_unit, listed
from simulation.outcomes import OUTCOMES

SAID = {
    MORRIS: "Morris: what the outcome changes by over a factor's range, mean of sizes",
    SOBOL: "Sobol: shares of the variance between points",
    PAWN: "PAWN: how far knowing the factor moves the outcome's distribution, 0 to 1",
}
"""What each analysis gives."""


def heading(found: Sensitivity) -> str:
    """Return what was asked, in a line."""
    return f"What {subject(found)} depends on"


def subject(found: Sensitivity) -> str:
    """Return what the indices are of."""
    title = within(OUTCOMES[found.outcome].title)
    if found.against:
        return f"the difference in {title} between {found.policy} and {found.against}"
    return f"{title} under {found.policy}"


def within(title: str) -> str:
    """Return a title as it stands within a sentence: in lower case, unless it is an acronym."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def incomplete(stored: int, asked: int) -> str:
    """Return that runs of a sweep were never made, and what was used; nothing if all were."""
    if stored >= asked:
        return ""
    return (
        f"The sweep is incomplete: {stored:,} of {asked:,} runs are stored; only replications that "
        "are stored at every point are used."
    )


def unit(found: Sensitivity) -> str:
    """Return the unit of what the indices are of."""
    outcome = OUTCOMES[found.outcome]
    return difference_unit(outcome) if found.against or found.method == MORRIS else outcome.unit


def headings(found: Sensitivity) -> tuple[str, ...]:
    """Return the heads of the ranked table."""
    match found.method:
        case "morris":
            effect = f"size of effect, {unit(found)}"
            return ("factor", effect, "95% interval", "mean effect", "spread (sigma)")
        case "sobol":
            return ("factor", "total", "95% interval", "first", "95% interval")
        case _:
            return ("factor", "index", "95% interval", "without influence")


def rows(found: Sensitivity) -> list[list[str]]:
    """Return the cells of the ranked table, a row a factor."""
    return [[str(name), *_cells(found, name)] for name in found.table.index]


def _cells(found: Sensitivity, name: str) -> list[str]:
    row, outcome = _numbers(found, name), OUTCOMES[found.outcome]
    if found.method == MORRIS:
        low, high = amounts(row["mu_star_low"], row["mu_star_high"], outcome)
        mean = amount(row["mu"], outcome, signed=True)
        ends = f"{low} to {high}"
        return [amount(row["mu_star"], outcome), ends, mean, amount(row["sigma"], outcome)]
    if found.method == SOBOL:
        return [cell for part in ("total", "first") for cell in _share_cells(row, part)]
    ends = f"{row['low']:.2f} to {row['high']:.2f}"
    return [f"{row['median']:.2f}", ends, f"below {row['dummy']:.2f}"]


def _numbers(found: Sensitivity, name: str) -> dict[str, float]:
    """Return the row of a factor."""
    row: Mapping[str, float] = found.table.to_dict("index")[name]  # type: ignore[assignment]
    return dict(row)


def _share_cells(row: Mapping[str, float], part: str) -> list[str]:
    value, low, high = (row[f"{part}{end}"] for end in ("", "_low", "_high"))
    return [_plain(value), f"{_plain(low)} to {_plain(high)}"]


def _plain(value: float) -> str:
    return f"{value + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def sentences(found: Sensitivity) -> list[str]:
    """Return what the table says and how far it can be trusted, sentence by sentence."""
    partial = incomplete(found.stored, found.asked)
    told = [_lead(found), partial, _sample(found), _luck(found), _skewness(found)]
    return [sentence for sentence in (*told, *_too_small(found)) if sentence]


def _lead(found: Sensitivity) -> str:
    if found.silent:
        return f"{_capital(subject(found))} is the same at every point: no factor matters to it."
    names = found.influential
    if not names:
        return f"No factor surely has an influence on {subject(found)}."
    first = _index_words(found, names[0])
    rest = [name for name in names[1 : 1 + leading(len(found.table))] if name]
    then = f", then on {listed(rest)}" if rest else ""
    return f"{_capital(subject(found))} depends most on {names[0]} ({first}){then}."


def _index_words(found: Sensitivity, name: str) -> str:
    row, outcome = _numbers(found, name), OUTCOMES[found.outcome]
    if found.method == MORRIS:
        low, high = amounts(row["mu_star_low"], row["mu_star_high"], outcome)
        size = change(row["mu_star"], outcome, signed=False)
        return f"{size} over its range, {low} to {high}"
    column = INDICES[found.method]
    low, high = ("low", "high") if found.method == PAWN else (f"{column}_low", f"{column}_high")
    what = "a total share of" if found.method == SOBOL else "an index of"
    return f"{what} {row[column]:.2f}, {row[low]:.2f} to {row[high]:.2f}"


def _sample(found: Sensitivity) -> str:
    text = f"{SAID[found.method]}; {counted(found.points, 'point')}, "
    text += f"{counted(found.replications, 'replication')} at each."
    if found.dropped:
        lost = f"{found.dropped:,} point{' is' if found.dropped == 1 else 's are'}"
        text += f" {lost} left out, for runs that failed or have no such outcome."
    if found.patched:
        text += (
            f" At {counted(found.patched, 'point')} some replications failed or have no such "
            "outcome; what a replication adds everywhere was taken out of the others."
        )
    return text


def _luck(found: Sensitivity) -> str:
    if found.silent:
        return ""
    if math.isnan(found.luck):
        return (
            "How much of this is luck is not known: that takes at least two replications at each "
            "point, and points of which none failed."
        )
    told = f"Luck is {100 * found.luck:.0f}% of the variance between points"
    if found.method == SOBOL:
        told += ": totals may hold up to as much that is no factor's doing"
    if found.luck > MOSTLY_LUCK:
        return f"{told}. That is most of it: more replications would tell more than more points."
    return f"{told}."


def _skewness(found: Sensitivity) -> str:
    if found.method == SOBOL and abs(found.skewness) > SKEWED:
        return (
            f"The values are skewed ({found.skewness:.1f}), so that a few points make up the "
            "variance; PAWN tells more of such an outcome."
        )
    return ""


def _too_small(found: Sensitivity) -> list[str]:
    """Say where the sample is too small, and what would help."""
    if found.enough:
        return []
    more = _more(found)
    if found.method == PAWN:
        return [f"The sample is too small: {_without_influence(found)}; take more {more}."]
    told = []
    if found.vague:
        told.append(
            f"The sample is too small for {listed(found.vague)}: the interval is wider than the "
            f"index; take more {more}."
        )
    if found.unstable:
        first, share = found.table.index[0], found.table["first_places"].iloc[0]
        told.append(
            f"The ranking is not settled: {first} is among the first "
            f"{leading(len(found.table))} in {100 * share:.0f}% of resamples only; take more "
            f"{more}."
        )
    return told


def _more(found: Sensitivity) -> str:
    """Return what to take more of."""
    if found.luck > MOSTLY_LUCK:
        return "replications"
    return {MORRIS: "trajectories", SOBOL: "base points", PAWN: "points"}[found.method]


def _without_influence(found: Sensitivity) -> str:
    if not found.vague:
        return "no factor shows more than one without influence would"
    show = "shows" if len(found.vague) == 1 else "show"
    return (
        f"{listed(found.vague)} {show} more than 95% of factors without influence would, but of "
        f"{counted(len(found.table), 'factor')} one may by chance"
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
