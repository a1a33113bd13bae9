"""What ``tenderlab why`` has to tell, as a document for JSON and as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from experiments.decisions import KINDS, Decision, Parting
from experiments.telling import CAVEAT
from experiments.terminal import clean, listing, rendered
from experiments.why import Amount, Explanation, Tally
from results.words import counted, listed
from simulation.calendar import year_of
from simulation.levers import QUARTERS_PER_YEAR

CAUTION = (
    "One seed is one history: it shows how the difference came about here, not how large it is as "
    "a rule; tenderlab compare weighs many."
)
READING = (
    "A plus is a saving; net present value in April 2006 unless it says undiscounted. "
    "Prices are taken apart in the order in which they are made; services in house contribute "
    "nothing. The lines add up to the total before they are rounded for show."
)
TWICE = "A decision that was made in another quarter counts as two that went another way."
UNFUNDED_TITLE = "of these, projects without cash, each attempt"
MONTHS = ("April to June", "July to September", "October to December", "January to March")


def document(told: Explanation) -> dict[str, Any]:
    """Return an explanation, for JSON; money in £m."""
    question = told.pair.question
    baseline, policy = told.pair.policies
    return {
        "baseline": baseline.effective(),
        "policy": policy.effective(),
        "council": told.pair.council_name,
        "register": question.territory.name,
        "years": question.years,
        "seed": question.seed,
        "replication": question.replication,
        "assumptions": question.effective()["assumptions"],
        "first": _parting(told, told.first),
        "decisions": [_tally(told, one) for one in told.tallies],
        "projects_unfunded": told.unfunded and dict(zip(_SIDES, told.unfunded, strict=True)),
        "causes": [_amount(one) for one in told.causes],
        "total": _amount(told.total),
        "caution": CAUTION,
        "caveat": CAVEAT,
    }


_SIDES = ("baseline", "policy")


def _amount(one: Amount) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "npv": {**dict(zip(_SIDES, one.npv, strict=True)), "difference": one.npv_difference},
        "undiscounted": {
            **dict(zip(_SIDES, one.plain, strict=True)),
            "difference": one.plain_difference,
        },
    }


def _tally(told: Explanation, one: Tally) -> dict[str, Any]:
    kind = KINDS[one.kind]
    met = [None, None] if kind.paired else one.met
    return {
        "kind": one.kind,
        "phase": kind.phase,
        "title": kind.title,
        **dict(zip(_SIDES, met, strict=True)),
        "another_way": one.parted,
        "first": _parting(told, one.first),
    }


def _parting(told: Explanation, one: Parting | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "quarter": one.quarter,
        "phase": KINDS[one.kind].phase,
        "kind": one.kind,
        "about": one.either.subject,
        "baseline": one.ours.told if one.ours else one.either.otherwise,
        "policy": one.theirs.told if one.theirs else one.either.otherwise,
        "sentence": sentence(one, *told.pair.titles),
    }


def sentence(parting: Parting, baseline: str, policy: str) -> str:
    """Say in a sentence what was decided in either run.

    Args:
        parting: a decision that went another way.
        baseline: what the baseline is called.
        policy: what the policy is called.
    """
    either = parting.either
    ours = parting.ours.told if parting.ours else either.otherwise
    theirs = parting.theirs.told if parting.theirs else either.otherwise
    subject = either.subject[0].upper() + either.subject[1:]
    but = "also" if ours == theirs else "but"
    said = f"{subject} {ours} under {baseline}, {but} {theirs} under {policy}"
    return f"{said}{''.join(_only(parting, baseline, policy))}."


def _only(parting: Parting, baseline: str, policy: str) -> Iterator[str]:
    """Yield who is named by one of two decisions and not by the other."""
    if parting.ours is None or parting.theirs is None:
        return
    for one, other, where in (
        (parting.ours, parting.theirs, baseline),
        (parting.theirs, parting.ours, policy),
    ):
        if names := _named_only(one, other):
            yield f"; only under {where}: {listed(names)}"


def _named_only(one: Decision, other: Decision) -> list[str]:
    if not (isinstance(one.value, tuple) and isinstance(other.value, tuple) and one.names):
        return []
    pairs = zip(one.value, one.names, strict=True)
    return sorted(name for key, name in pairs if key not in other.value)


# As text


def text(told: Explanation) -> str:
    """Return an explanation as a sentence, two tables and how to read them."""
    parts = [
        _heading(told),
        *map(_paragraph, _first(told)),
        *_decisions(told),
        _paragraph(_money_heading(told)),
        rendered(_money(told)),
        _paragraph(READING),
        rendered(Text(f"{CAUTION} {CAVEAT}")).rstrip("\n"),
    ]
    return "\n".join(parts)


def _paragraph(words: str) -> str:
    return rendered(Text(clean(words)))


def _heading(told: Explanation) -> str:
    question = told.pair.question
    baseline, policy = told.pair.titles
    about = f"{policy} against {baseline}"
    about += f", {told.pair.council_name}" if told.pair.council_name else ""
    luck = f"seed {question.seed}, replication {question.replication}"
    return _paragraph(
        f"{about}: {luck}, {counted(question.years, 'year')}, assumptions {question.mode}"
    )


def _first(told: Explanation) -> Iterator[str]:
    whose = f" that concerns {told.pair.council_name}" if told.pair.council_name else ""
    if told.first is None:
        yield f"No decision{whose} went another way."
        return
    when, phase = _when(told.first.quarter), KINDS[told.first.kind].phase
    concerning = f"{whose} and went" if whose else " that went"
    yield f"The first decision{concerning} another way: quarter {when}, {phase}."
    yield sentence(told.first, *told.pair.titles)


def _when(quarter: int) -> str:
    place = (quarter - 1) % QUARTERS_PER_YEAR
    year = year_of(quarter) + (place == QUARTERS_PER_YEAR - 1)
    return f"{quarter} ({MONTHS[place]} {year})"


def _decisions(told: Explanation) -> Iterator[str]:
    """Yield a table of the kinds of decisions that went another way, and how to read it."""
    rows = [row for one in told.tallies if one.first for row in _rows(told, one)]
    if rows:
        headings = ("decisions", "first in quarter", *told.pair.titles, "went another way")
        yield rendered(_figures(headings, rows))
        yield _paragraph(TWICE)


def _rows(told: Explanation, one: Tally) -> Iterator[tuple[str, ...]]:
    kind, quarter = KINDS[one.kind], one.first.quarter if one.first else 0
    met = ("", "") if kind.paired else tuple(f"{number:,}" for number in one.met)
    yield kind.title, str(quarter), *met, f"{one.parted:,}"
    if one.kind == "given up" and told.unfunded:
        yield UNFUNDED_TITLE, "", *(f"{number:,}" for number in told.unfunded), ""


def _figures(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table whose columns but the first are figures."""
    table = listing(headings, rows)
    table.columns[0].no_wrap = False
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _money_heading(told: Explanation) -> str:
    if told.pair.council_name:
        return f"What {told.pair.council_name} saves, by cause"
    return "What the public saves, by cause"


def _money(told: Explanation) -> Table:
    shown = [one for one in told.causes if any((*one.npv, *one.plain))]
    amounts = [*shown, told.total]
    largest = max(abs(value) for one in amounts for value in (*one.npv, *one.plain))
    places = 1 if largest >= 100 else 3
    rows = [
        (
            one.title,
            *(_millions(value, places) for value in one.npv),
            _millions(one.npv_difference, places, "+"),
            _millions(one.plain_difference, places, "+"),
        )
        for one in amounts
    ]
    headings = ("£m", *told.pair.titles, "difference", "undiscounted")
    table = _figures(headings, rows)
    table.rows[-2].end_section = len(rows) > 1
    return table


def _millions(value: float, places: int, sign: str = "") -> str:
    rounded = round(value, places) + 0.0
    prefix = "-" if rounded < 0 else sign if rounded > 0 else ""
    return f"{prefix}{abs(rounded):,.{places}f}"
