"""What ``tenderlab run --council`` has to tell, as a document for JSON and as text for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from agents.governance import GOVERNANCE
from experiments.explaining import MONTHS
from experiments.otherwise import Fate, Otherwise
from experiments.story import (
    NO_CAUSE,
    VOTED_FOR,
    WALKED_AWAY,
    WITHDREW,
    Deal,
    Decided,
    Group,
    Story,
    percent,
)
from experiments.telling import CAVEAT
from experiments.terminal import clean, listing, rendered
from results.words import EN_DASH, counted, listed
from results.words import listing as _words
from simulation.calendar import year_of
from simulation.levers import QUARTERS_PER_YEAR
from simulation.segments import SEGMENTS

MOST_DEALS = 15
"""Contracts that the table of the text holds; the document holds all."""

DEAL_COLUMNS = (
    "service",
    "quarters",
    "councils",
    "supplier",
    "price, £m a year",
    "over in-house",
    "trouble",
)
CAUTION = (
    "One seed is one history: it shows what followed here, not what would follow as a rule; "
    "tenderlab compare weighs many."
)
UNLIKE = "They differ in more than sharing, so this is no measure of its effect."
TITLES = {one.name: one.title.lower() for one in GOVERNANCE}
SEGMENT_TITLES = {one.name: one.title for one in SEGMENTS}


def document(story: Story) -> dict[str, Any]:
    """Return a story, for JSON; money in £m, a number that is not defined is None."""
    question = story.question
    told = {
        "directory": str(story.directory),
        "policy": question.baseline.effective(),
        "register": question.territory.name,
        "years": question.years,
        "seed": question.seed,
        "replication": question.replication,
        "assumptions": question.effective()["assumptions"],
        "council": asdict(story.portrait),
        "partnerships": [asdict(one) for one in story.groups],
        "contracts": [{**asdict(one), "troubled": one.troubled} for one in story.deals],
        "savings": {**asdict(story.savings), "percent": story.savings.percent},
        "others_of_its_type": asdict(story.likes),
        "what_might_have_been": story.otherwise and asdict(story.otherwise),
        "reading": reading(story),
        "caution": CAUTION,
        "caveat": CAVEAT,
    }
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# As text


def text(story: Story) -> str:
    """Return a story as paragraphs and tables."""
    parts = [
        _paragraph(heading(story)),
        _paragraph(portrait(story)),
        _title("Partnerships"),
        *map(_paragraph, partnerships(story)),
        _title("Contracts"),
        *map(_paragraph, contracts(story)),
        *(rendered(one) for one in _deals(story)),
        _title("Savings"),
        _paragraph(savings(story)),
        rendered(_money(story)),
        _paragraph(others(story)),
        _title("What might have been"),
        _paragraph(reading(story)),
        *(rendered(one) for one in _both(story)),
        f"{rendered(Text(f'{CAUTION} {CAVEAT}'))}Report: {clean(f'{story.directory}/report.html')}",
    ]
    return "\n".join(parts)


def _paragraph(words: str) -> str:
    return rendered(Text(clean(words)))


def _title(words: str) -> str:
    return rendered(Text(words, style="bold")).rstrip("\n")


def heading(story: Story) -> str:
    """Return whose story it is, and of which run."""
    asked = story.question
    luck = f"seed {asked.seed}, replication {asked.replication}, {counted(asked.years, 'year')}"
    return f"{story.portrait.name} under {asked.baseline.title}: {luck}, assumptions {asked.mode}"


def portrait(story: Story) -> str:
    """Say who the council is."""
    one = story.portrait
    county = f", in {one.county}" if one.county else ""
    kind = one.type.replace("_", " ")
    return (
        f"{one.name} is a council of type {kind} ({one.region}{county}) of "
        f"{one.population:,.0f} people. At the end its control is {one.control.replace('_', ' ')}, "
        f"its readiness to share {one.readiness:.0f}% (stage: {one.sharing_stage}), and "
        f"{one.joint_services} of its {counted(one.services, 'service')} "
        f"{'is' if one.joint_services == 1 else 'are'} in a joint contract. It shared a service in "
        f"{counted(one.joint_quarters, 'quarter')}."
    )


def when(quarter: int) -> str:
    """Return a quarter with its months."""
    place = (quarter - 1) % QUARTERS_PER_YEAR
    year = year_of(quarter) + (place == QUARTERS_PER_YEAR - 1)
    return f"quarter {quarter} ({MONTHS[place]} {year})"


def _service(segment: str) -> str:
    return SEGMENT_TITLES.get(segment, segment).lower().replace("it services", "IT services")


# Partnerships


def partnerships(story: Story) -> Iterator[str]:
    """Tell each group to which the council belonged."""
    if not story.groups:
        yield f"No group with {story.portrait.name} in it formed in this run."
    for group in story.groups:
        yield " ".join(_group(group, story.portrait.name))


def _group(group: Group, name: str) -> Iterator[str]:
    yield _beginning(group, name)
    yield from _stages(group)
    told = sorted((*group.left, *group.joined, *group.own), key=lambda one: one.quarter)
    came = (group.since, name) if group.since > group.formed else None
    yield from (
        _sentence(one, group)
        for one in told
        if one.what != VOTED_FOR and (one.quarter, one.council) != came
    )
    yield from _ayes([one for one in group.own if one.what == VOTED_FOR], name)
    yield from _votes(group)
    yield _ending(group, name)


def _ayes(votes: Sequence[Decided], name: str) -> Iterator[str]:
    if votes:
        shown = [f"{gain:.1f}%" for gain in sorted(one.gain or 0.0 for one in votes)]
        gains = shown[0] if shown[0] == shown[-1] else f"{shown[0]} to {shown[-1]}"
        yield (
            f"{name} voted for it in {_quarters([one.quarter for one in votes])}: its case showed "
            f"a gain of {gains} of annual cost."
        )


def _votes(group: Group) -> Iterator[str]:
    """Say how the group's votes went, those with one result together."""
    results: dict[str, list[int]] = {}
    for one in group.votes:
        results.setdefault(f"{one.ayes}{EN_DASH}{one.noes}", []).append(one.quarter)
    if results:
        each = [f"{result} in {_quarters(when)}" for result, when in results.items()]
        yield f"The group's votes, for and against: {'; '.join(each)}."


def _quarters(quarters: Sequence[int]) -> str:
    many = "s" if len(quarters) > 1 else ""
    return f"quarter{many} {_words([str(one) for one in quarters])}"


def _beginning(group: Group, name: str) -> str:
    what = f"{_service(group.segment)}, £{group.value:,.2f}m a year in all"
    if group.since <= 0:
        return f"Before April 2006 it began to share with {listed(group.partners)}: {what}."
    if group.since > group.formed:
        return f"In {when(group.since)} it joined {listed(group.partners)}: {what}."
    if group.leader == name:
        return f"In {when(group.since)} it gathered {listed(group.partners)} to share {what}."
    others = [one for one in group.partners if one != group.leader]
    along = f" with {listed(others)}" if others else ""
    return f"In {when(group.since)} {group.leader} gathered {name}{along} to share {what}."


def _stages(group: Group) -> Iterator[str]:
    """Say how far the group came."""
    if group.since <= 0 or group.since > group.formed:
        return
    steps = [
        (group.stormed, "began to differ"),
        (group.normed, f"settled as a {TITLES[group.governance]}"),
        (group.performed, "put its first joint contract to work"),
    ]
    reached = [f"{did} in quarter {quarter}" for quarter, did in steps if quarter is not None]
    yield f"The group {listed(reached)}." if reached else "The group never got beyond first talks."


def _sentence(one: Decided, group: Group) -> str:
    """Say what a council decided, when, and why or on what case."""
    told = f"{one.council} {one.what} in quarter {one.quarter}"
    if one.what in (WALKED_AWAY, WITHDREW) and one.cause != NO_CAUSE:
        told += f" (most against it: {one.cause})"
    if one.gain is not None:
        told += f": its case showed a gain of {one.gain:.1f}% of annual cost"
    if one.what == WALKED_AWAY and group.performed is not None and one.quarter > group.performed:
        told += ", before the next joint contract"
    return f"{told}."


def _ending(group: Group, name: str) -> str:
    if group.until and group.until != group.ended:
        rest = f"ended in quarter {group.ended}: {group.ended_how}" if group.ended else "stands"
        return f"{name} was out of it from quarter {group.until}; the group {rest}."
    if group.ended:
        return f"It ended in {when(group.ended)}: {group.ended_how}."
    return f"It stands at the end: {group.stage}."


# Contracts


def contracts(story: Story) -> Iterator[str]:
    """Sum up the council's contracts."""
    deals = story.deals
    if not deals:
        yield "No service was delivered from outside."
        return
    joint, troubled = (sum(ways) for ways in _ways(deals))
    worth = sum(one.value for one in deals)
    ratio = sum(one.price_ratio * one.value for one in deals) / worth
    yield (
        f"{counted(len(deals), 'contract')} with "
        f"{counted(len({one.supplier for one in deals}), 'supplier')}, {joint} of them joint, "
        f"{troubled} in trouble at some time (a risk event, a dispute or a failure). Price over "
        f"in-house cost, weighted by value: {ratio:.2f}."
    )
    if len(deals) > MOST_DEALS:
        yield f"The {MOST_DEALS} that are joint, troubled or largest; --json holds all."


def _ways(deals: Sequence[Deal]) -> tuple[list[bool], list[bool]]:
    return [one.councils > 1 for one in deals], [one.troubled for one in deals]


def _deals(story: Story) -> Iterator[Table]:
    """Yield a table of the contracts that say most, by start."""
    ranked = sorted(story.deals, key=lambda one: (one.councils < 2, not one.troubled, -one.value))
    shown = sorted(ranked[:MOST_DEALS], key=lambda one: one.start)
    if shown:
        yield _figures(DEAL_COLUMNS, [_deal(one) for one in shown], (1, 2, 4, 5))


def _deal(one: Deal) -> tuple[str, ...]:
    ends = str(one.ended - 1) if one.ended else ""
    return (
        SEGMENT_TITLES.get(one.segment, one.segment),
        f"{one.start}{EN_DASH}{ends}",
        str(one.councils),
        one.supplier,
        f"{one.price:,.2f}",
        f"{one.price_ratio:.2f}",
        trouble(one),
    )


def trouble(one: Deal) -> str:
    """Say what went wrong with a contract; empty where nothing did."""
    words = []
    if one.events:
        words.append(f"{counted(one.events, 'event')}, £{one.cost_overrun:,.2f}m")
    if one.rescues:
        words.append(f"made good {counted(one.rescues, 'time')}")
    if one.disputed and one.ended_how != "disputed":
        words.append("disputed")
    if one.troubled and one.ended_how not in ("completed", "realigned", "in force"):
        words.append(one.ended_how)
    return "; ".join(words)


# Money


def savings(story: Story) -> str:
    """Say what the council saved, beside others of its type."""
    one = story.savings
    kind = story.portrait.type.replace("_", " ")
    did = "saved" if one.saving >= 0 else "lost"
    return (
        f"Against a counterfactual of £{one.counterfactual:,.2f}m (its in-house cost carried "
        f"forward) it {did} £{abs(one.saving):,.2f}m, {one.percent:.1f}%: place {one.rank} of "
        f"{one.of} among councils of type {kind}, whose median is {one.median:.1f}%. "
        "Undiscounted, at 2006 prices."
    )


def _money(story: Story) -> Table:
    one = story.savings
    rows = [("counterfactual", f"{one.counterfactual:,.3f}")]
    rows += [("from the fund", f"{one.fund:,.3f}")] if one.fund else []
    rows += [(name.replace("_", " "), f"{-cost:,.3f}") for name, cost in one.costs.items()]
    table = _figures(("£m", ""), [*rows, ("saving", f"{one.saving:,.3f}")], (1,))
    table.rows[-2].end_section = True
    return table


def others(story: Story) -> str:
    """Say how other councils of its type fared that shared a service, and that did not."""
    one, kind = story.likes, story.portrait.type.replace("_", " ")
    known = [
        (one.sharing, one.sharing_percent, "shared a service at some time"),
        (one.alone, one.alone_percent, "never did"),
    ]
    parts = [f"{many} {did} and saved {rate:.1f}% together" for many, rate, did in known if many]
    if not parts:
        return f"No other council of this run is of type {kind}."
    return f"Of the other councils of type {kind} in this run, {listed(parts)}. {UNLIKE}"


# What might have been


def reading(story: Story) -> str:
    """Say what was compared, and how the second run ended."""
    name = story.portrait.name
    if story.otherwise is None:
        return f"{_nothing(story)} No second run was made."
    told = story.otherwise
    return (
        f"{_compared(told, name)} Until then it is the first run to the last draw; all else "
        f"follows from it under the same luck. There the group {_fate(told.might)}; as it was, it "
        f"{_fate(told.was)}."
    )


def _nothing(story: Story) -> str:
    if not story.groups:
        return f"{story.portrait.name} was in no group, so none of its decisions could be turned."
    return (
        f"No group that {story.portrait.name} was in ended, or was left by it, because members so "
        "decided, and it shared no service."
    )


def _compared(told: Otherwise, name: str) -> str:
    turn = told.turn
    since, service = f"from {when(turn.quarter)} on", _service(turn.segment)
    match turn.kind:
        case "stay":
            return (
                f"The first group that members ended or {name} left was for {service}. In a second "
                f"run {since} none of {listed(told.councils)} walks away from a group for this "
                "service, votes against it or withdraws from it."
            )
        case "settle":
            return (
                f"The first group that members ended was for {service}. In a second run {since} a "
                f"group for this service that one of {listed(told.councils)} leads settles its "
                "differences at once."
            )
        case _:
            return (
                f"The first service that {name} shared was {service}. In a second run {since} it "
                "stays out of any group for this service: it walks away, withdraws or does not "
                "join."
            )


def _fate(one: Fate) -> str:
    began = "" if one.performed is None else f"performed from quarter {one.performed} and "
    if one.ended:
        return f"{began}ended in quarter {one.ended}: {one.ended_how}"
    return f"{began}stands at the end" if began else f"was still {one.stage} at the end"


def _both(story: Story) -> Iterator[Table]:
    """Yield a table of the two runs side by side."""
    told = story.otherwise
    if told is None:
        return
    name, group = story.portrait.name, f"{len(told.councils)} councils together"
    rows = [
        _row(f"saving of {name}, £m", told.was.saving, told.might.saving, 3),
        _row("the same, % of counterfactual", _share(told.was), _share(told.might), 2),
        _row(f"saving of {group}, £m", told.was.together, told.might.together, 3),
        _row("quarters with a shared service", told.was.joint_quarters, told.might.joint_quarters),
    ]
    yield _figures(("", "as it was", "as it might have been", "difference"), rows, (1, 2, 3))


def _share(one: Fate) -> float:
    return percent(one.saving, one.counterfactual)


def _row(title: str, was: float, might: float, places: int = 0) -> tuple[str, ...]:
    return (
        title, f"{was:,.{places}f}", f"{might:,.{places}f}", f"{might - was:+,.{places}f}"
    )  # fmt: skip


def _figures(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> Table:
    """Return a table of which the columns ``right`` are figures."""
    table = listing(headings, rows)
    table.columns[0].no_wrap = False
    for place in right:
        table.columns[place].justify = "right"
    return table
