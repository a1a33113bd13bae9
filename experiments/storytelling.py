"""What ``tenderlab run --council`` has to tell, as a document for JSON and as text for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.table import Table
from rich.text import Text

from agents.governance import GOVERNANCE
from experiments.otherwise import Fate, Otherwise
from experiments.story import (
    NO_CAUSE,
    NO_GAIN,
    VOTED_AGAINST,
    VOTED_FOR,
    WALKED_AWAY,
    WAS_LEFT,
    Deal,
    Decided,
    Group,
    Story,
    Vote,
    percent,
)
from experiments.telling import CAVEAT
from experiments.terminal import clean, listing, rendered
from experiments.witness import ROUTE_ENDS
from results.words import counted, dated, listed
from simulation.segments import SEGMENTS

MOST_DEALS = 15
"""Contracts that the table of the text holds; the document holds all."""

DEAL_COLUMNS = (
    "service",
    "from",
    "to",
    "councils",
    "supplier",
    "own price, £m a year",
    "over in-house",
    "trouble",
)
FIGURES = (3, 5, 6)
"""Columns of contracts that are figures."""
DEALS_READ = (
    "Own price: the council's own part in the price, by the size of its service, when the contract "
    "began. Trouble is told of the whole contract: its risk events, and what they cost in all."
)
MADE_GOOD = (
    "Made good: how often the supplier paid its part of such a loss, and the contract went on."
)
QUARTERS_READ = "Quarters are those of financial years: Q1 2006-07 is April to June 2006."
CAUTION = (
    "One seed is one history: it shows what followed here, not what would follow as a rule; "
    "tenderlab compare weighs many."
)
UNLIKE = "They differ in more than sharing, so this is no measure of its effect."
TITLES = {one.name: one.title.lower() for one in GOVERNANCE}
MODELS = {
    "in_house_centralisation": "a council's own units brought together",
    "simple_outsource": "one council buys from one supplier",
    "informal_collaboration": "they work together, and nothing binds them",
    "joint_venture": "a few councils bound by contract to one project",
    "consortium": "many members under rules of its founders, open to others",
    "contractual_partnership": "a shared service under a close contract between its members",
    "lead_client": "one member buys for all, and others may join its contract",
    "prime_contractor": "one supplier answers for all others, and members keep their distance",
    "trading_company": "a company that members own, and that others may join",
}
"""What the models of collaboration mean (D1 §5), each in a line."""
EXIT_COST = {one.name: one.exit_cost for one in GOVERNANCE}
TWO_TESTS = (
    "The vote and the test of the project are two: a member votes on what its own case shows, a "
    "plain saving a year with its part of the set-up spread evenly and any grant that it counts "
    "on; the project must repay all of its set-up, £{set_up:,.2f}m, out of what all members "
    "together save against what they pay otherwise, in savings that build up and are discounted."
)
NO_VOTE = "Its project was not expected to repay its set-up, so that it did not come to a vote."
NO_CASH = (
    "Its set-up would have cost £{set_up:,.2f}m: at least one member could not find its part in "
    "reserves or loans, and neither the fund nor a supplier made that up. Which member, and how "
    "much it lacked, is not kept."
)
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
        "contracts": [
            {**asdict(one), "own_price": one.own_price, "troubled": one.troubled}
            for one in story.deals
        ],
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
        _paragraph(QUARTERS_READ),
        _title("Partnerships"),
        *map(_paragraph, partnerships(story)),
        _title("Contracts"),
        *map(_paragraph, contracts(story)),
        *(rendered(one) for one in _deals(story)),
        *map(_paragraph, _deals_read(story)),
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


def _service(segment: str, number: int = 0) -> str:
    title = SEGMENT_TITLES.get(segment, segment).lower().replace("it services", "IT services")
    return f"{title}{_numbered(number)}"


def _numbered(number: int) -> str:
    return f" no. {number}" if number else ""


# Partnerships


def partnerships(story: Story) -> Iterator[str]:
    """Tell each group to which the council belonged."""
    if not story.groups:
        yield f"No group with {story.portrait.name} in it formed in this run."
    for group in story.groups:
        yield " ".join(_group(group, story.portrait.name))


def _group(group: Group, name: str) -> Iterator[str]:
    yield _beginning(group, name)
    if group.since == group.formed and group.stormed is None:
        yield "The group never got beyond first talks."
    course = sorted(_course(group, name), key=lambda step: step[:2])
    for told, steps in groupby(course, key=lambda step: step[2]):
        yield told or _renewals([quarter for quarter, _, _ in steps])
    yield _ending(group, name)


type Step = tuple[int, int, str]
"""A quarter, the place in it, and what is told; nothing of a renewal that nobody was against."""


def _renewals(quarters: Sequence[int]) -> str:
    dates = ", ".join(map(dated, quarters))
    return f"In {dates} all members voted for the next joint contract, which began."


def _quiet(group: Group) -> set[int]:
    """Return the quarters in which the group renewed its contract and nothing else happened."""
    failed = {one.quarter for one in group.failed}
    agreed = {one.quarter for one in group.votes if not one.noes}
    return (agreed & set(group.renewed)) - failed


def _course(group: Group, name: str) -> Iterator[Step]:
    """Yield what happened in a group while the council belonged to it, in any order."""
    quiet = _quiet(group)
    yield from _stages(group, quiet)
    for vote in group.votes:
        told = "" if vote.quarter in quiet else _vote(vote, group, name)
        yield vote.quarter, 3, told
    for tender in group.failed:
        yield tender.quarter, 5, f"The tender of {dated(tender.quarter)} failed: {tender.reason}."
    came = (group.since, name) if group.since > group.formed else None
    for one in (*group.left, *group.joined, *group.own):
        if one.what not in (VOTED_FOR, VOTED_AGAINST) and (one.quarter, one.council) != came:
            yield one.quarter, 4 if one.stays else 1, _sentence(one, group)


def _stages(group: Group, quiet: set[int]) -> Iterator[Step]:
    """Yield how far the group came while the council belonged to it."""
    steps = [
        (group.stormed, 0, "its members began to differ"),
        (group.normed, 2, f"they settled {_model(group)}"),
        (group.performed, 6, "its first joint contract went to work"),
        *((one, 6, "its next joint contract began") for one in group.renewed if one not in quiet),
    ]
    last = group.until or math.inf
    for quarter, place, did in steps:
        if quarter is not None and max(group.since, 0) < quarter <= last:
            yield quarter, place, f"In {dated(quarter)} {did}."


def _model(group: Group) -> str:
    """Return under what model a group shares, and what that means."""
    title = TITLES[group.governance]
    article = "an" if title[0] in "aeiou" else "a"
    return f"as {article} {title} ({MODELS[group.governance]})"


def _vote(vote: Vote, group: Group, name: str) -> str:
    """Say how a vote went, who was against it, and how the council voted, on what case."""
    cast = (*group.own, *group.left)
    ballots = [one for one in cast if one.quarter == vote.quarter and one.gain is not None]
    own = [one for one in ballots if one.council == name]
    against = [one for one in ballots if one.council != name]
    told = [f"{vote.ayes or 'none'} for and {vote.noes or 'none'} against", *map(_ballot, own)]
    told += map(_ballot, against)
    return f"In {dated(vote.quarter)} the members voted {_occasion(vote, group)}: " + (
        f"{'; '.join(told)}."
    )


def _occasion(vote: Vote, group: Group) -> str:
    """Say what a vote was on, and why if it was not the first on that."""
    starts = [one for one in (group.performed, *group.renewed) if one is not None]
    signed = max((one for one in starts if one < vote.quarter), default=-math.inf)
    matter = "on a joint contract" if math.isinf(signed) else "on the next joint contract"
    before = [one.quarter for one in group.votes if signed <= one.quarter < vote.quarter]
    if not before or (before == [signed]):
        return matter
    failed = any(max(before) <= one.quarter < vote.quarter for one in group.failed)
    return f"{matter} again, for the tender had failed" if failed else f"{matter} again"


def _ballot(one: Decided) -> str:
    """Say how a member voted and on what case."""
    why = f"; most against it: {one.cause}" if not one.stays and _says_why(one) else ""
    return f"{one.council} {one.what} ({gain_words(one.gain or 0.0)}{why})"


def gain_words(gain: float) -> str:
    """Say what the case of a member showed; ``gain`` is in % of annual cost."""
    shown = round(abs(gain), 1)
    if not shown:
        return "its case showed no gain" if gain <= 0 else "its case showed a gain below 0.1%"
    did = "gain" if gain > 0 else "loss"
    return f"its case showed a {did} of {shown:.1f}% of annual cost"


def _says_why(one: Decided) -> bool:
    return one.cause not in (NO_CAUSE, NO_GAIN)


def _beginning(group: Group, name: str) -> str:
    cost = f"£{group.first_value:,.2f}m a year in house, £{group.own_value:,.2f}m of it its own"
    what = f"{_service(group.segment, group.number)}, {cost}"
    if group.since <= 0:
        partners = listed(group.partners)
        return f"Before April 2006 it began to share with {partners}: {what}. {_is(group)}"
    if group.since > group.formed:
        joined = f"In {dated(group.since)} it joined {listed(group.partners)}: {what}."
        return joined if group.normed is None else f"{joined} {_is(group)}"
    if group.leader == name:
        return f"In {dated(group.since)} it gathered {listed(group.partners)} to share {what}."
    others = [one for one in group.partners if one != group.leader]
    along = f" with {listed(others)}" if others else ""
    return f"In {dated(group.since)} {group.leader} gathered {name}{along} to share {what}."


def _is(group: Group) -> str:
    return f"They share {_model(group)}."


def _sentence(one: Decided, group: Group) -> str:
    """Say what a council decided other than in a vote, when, and why."""
    told = f"In {dated(one.quarter)} {one.council} {one.what}"
    if not one.stays and _says_why(one) and one.what != WAS_LEFT:
        told += f" (most against it: {one.cause})"
    if one.what == WALKED_AWAY and group.performed is not None and one.quarter > group.performed:
        told += ", before the next joint contract"
    return f"{told}."


def _ending(group: Group, name: str) -> str:
    if group.until and group.until != group.ended:
        rest = f"ended in {dated(group.ended)}: {group.ended_how}" if group.ended else "stands"
        return f"{name} was out of it from {dated(group.until)}; the group {rest}."
    if group.ended:
        return " ".join([f"It ended in {dated(group.ended)}: {group.ended_how}.", *_why(group)])
    return f"It stands at the end: {group.stage}."


def _why(group: Group) -> Iterator[str]:
    """Explain ends on the way to the market, which no member decided."""
    no_case, no_cash = ROUTE_ENDS
    voted = any(one.quarter == group.ended for one in group.votes)
    if group.ended_how == no_cash:
        yield NO_CASH.format(set_up=group.set_up)
    if group.ended_how == no_case:
        yield TWO_TESTS.format(set_up=group.set_up) if voted else NO_VOTE


# Contracts


def contracts(story: Story) -> Iterator[str]:
    """Sum up the council's contracts."""
    deals = story.deals
    if not deals:
        yield "No service was delivered from outside."
        return
    joint, troubled = (sum(ways) for ways in _ways(deals))
    worth = sum(one.own_value for one in deals)
    ratio = sum(one.price_ratio * one.own_value for one in deals) / worth
    yield (
        f"{counted(len(deals), 'contract')} with "
        f"{counted(len({one.supplier for one in deals}), 'supplier')}, {joint} of them joint, "
        f"{troubled} in trouble at some time (a risk event, a dispute or a failure). Price over "
        f"in-house cost, weighted by what the council's own service costs in house: {ratio:.2f}."
    )
    if len(deals) > MOST_DEALS:
        yield f"The {MOST_DEALS} that are joint, troubled or largest; --json holds all."


def _ways(deals: Sequence[Deal]) -> tuple[list[bool], list[bool]]:
    return [one.councils > 1 for one in deals], [one.troubled for one in deals]


def _deals(story: Story) -> Iterator[Table]:
    """Yield a table of the contracts that say most, by start."""
    if shown := _shown(story):
        yield _figures(DEAL_COLUMNS, [_deal(one) for one in shown], FIGURES)


def _shown(story: Story) -> list[Deal]:
    ranked = sorted(
        story.deals, key=lambda one: (one.councils < 2, not one.troubled, -one.own_value)
    )
    return sorted(ranked[:MOST_DEALS], key=lambda one: one.start)


def _deals_read(story: Story) -> Iterator[str]:
    """Say how the table of contracts is to be read."""
    if shown := _shown(story):
        yield f"{DEALS_READ} {MADE_GOOD}" if any(one.rescues for one in shown) else DEALS_READ


def _deal(one: Deal) -> tuple[str, ...]:
    return (
        f"{SEGMENT_TITLES.get(one.segment, one.segment)}{_numbered(one.number)}",
        dated(one.start),
        dated(one.ended - 1) if one.ended else "in force",
        str(one.councils),
        one.supplier,
        f"{one.own_price:,.2f}",
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
        f"{_compared(told, name)}{_exit(story)} Until then it is the first run to the last draw; "
        f"all else follows from it under the same luck. There the group {_fate(told.might)}; as it "
        f"was, it {_fate(told.was)}."
    )


def _exit(story: Story) -> str:
    """Say what staying out costs a council that is in already."""
    turn = story.otherwise.turn if story.otherwise else None
    for group in story.groups:
        if turn and turn.kind == "out" and group.row == turn.partnership:
            if group.shared is None or group.shared >= turn.quarter:
                return ""
            cost = EXIT_COST[group.governance]
            if not cost:
                return " It shares that already and must withdraw, which costs nothing here."
            return (
                f" It shares that already, so that it must withdraw and pay what leaving costs, "
                f"{100 * cost:.0f}% of the service's annual cost, about "
                f"£{cost * group.own_value:,.3f}m: the difference below includes that."
            )
    return ""


def _nothing(story: Story) -> str:
    if not story.groups:
        return f"{story.portrait.name} was in no group, so none of its decisions could be turned."
    return (
        f"No group that {story.portrait.name} was in ended, or was left by it, because members so "
        "decided, and it shared no service."
    )


def _compared(told: Otherwise, name: str) -> str:
    turn = told.turn
    since, service = f"from {dated(turn.quarter)} on", _service(turn.segment)
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
    began = "" if one.performed is None else f"performed from {dated(one.performed)} and "
    if one.ended:
        return f"{began}ended in {dated(one.ended)}: {one.ended_how}"
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
