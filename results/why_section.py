"""The report's part on why: what was decided otherwise, and what that did to councils' costs."""

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from results.changes import TOTAL, Changes, Turning
from results.explanations import Explained, Explanations, Kind
from results.narrative import Row
from results.page import escape, hidden, paragraph, table
from results.verdicts import parted
from results.words import change, dated, listing, number, span
from simulation.outcomes import OUTCOMES
from simulation.segments import SEGMENTS

READING = (
    "Mean differences from the baseline over all replications, in brackets the 95% interval of "
    "each by itself; what follows from a policy is not told apart here from what follows from "
    "that."
)
COSTS = (
    "What councils save by what for, £m NPV: what they would have spent and, with a minus, what "
    "they spend; differences with a plus are savings against the baseline. Each column adds up to "
    "its last line."
)
ONE_HISTORY = (
    "One history shows how a difference came about there, not how large it is as a rule: it bears "
    "no verdict."
)
UNEXPLAINED = (
    "How one history parts from the other decision by decision, and its pounds by cause, takes two "
    "more runs a policy: tenderlab report DIRECTORY --why makes them, and tells it here."
)
MOST_TOLD = 3
"""Costs that a sentence names."""
MANY = 100.0
"""From here on what is counted, and £m, is told without decimals."""
MONEY = OUTCOMES["net_public_saving"]


def content(about: Changes, explained: Explanations | None) -> str:
    """Return the whole part as HTML; nothing where nothing is compared."""
    if len(about.run.policies) < 2 or not about.run.replications:
        return ""
    told = "".join(f"<li>{escape(each)}</li>" for each in reasons(about))
    return "".join(
        [
            f"<ul>{told}</ul>" if told else "",
            paragraph(READING, "note"),
            _costs(about),
            _table(about, about.decided, "How often what was decided or happened, a run"),
            "<h3>One history</h3>",
            _history(about, explained),
        ]
    )


def reasons(about: Changes) -> list[str]:
    """Return a sentence a policy on the costs that move its saving, surely and most."""
    if about.costs is None:
        return []
    return [_reason(about, policy) for policy in list(about.run.policies)[1:]]


def _reason(about: Changes, policy: str) -> str:
    assert about.costs is not None
    rows = about.costs[(about.costs["policy"] == policy) & (about.costs["title"] != TOTAL)]
    sure = rows[(rows["low"] > 0) | (rows["high"] < 0)]
    label = about.run.policies[policy].label
    if sure.empty:
        return f"{label}: no item of councils' costs moves for sure."
    order = sure["difference"].abs().sort_values(ascending=False, kind="stable").index
    most = sure.loc[order[:MOST_TOLD]].to_dict("records")
    saves = [_item(row) for row in most if row["difference"] > 0]
    costs = [_item(row) for row in most if row["difference"] < 0]
    parts = [f"councils save on {listing(saves)}"] if saves else []
    parts += [f"they pay more for {listing(costs)}"] if costs else []
    text = "; ".join(parts)
    return f"{label}: {text if saves else text.replace('they', 'councils', 1)}."


def _item(row: Row) -> str:
    title = str(row["title"])
    return f"{title[0].lower()}{title[1:]} ({_money(row)})"


def _money(row: Row) -> str:
    fine = MONEY.with_margin(10.0)
    by = change(row["difference"], fine).removesuffix(" NPV")
    return by if math.isnan(row["low"]) else f"{by}, {span(row['low'], row['high'], fine)}"


# Tables


def _costs(about: Changes) -> str:
    if about.costs is None:
        return ""
    return _table(about, about.costs, COSTS)


def _table(about: Changes, frame: pd.DataFrame, caption: str) -> str:
    compared = list(about.run.policies)[1:]
    return "".join(_part(about, frame, caption, part) for part in parted(compared))


def _part(about: Changes, frame: pd.DataFrame, caption: str, policies: Sequence[str]) -> str:
    labels = [about.run.policies[name].label for name in (about.run.baseline, *policies)]
    rows = []
    for title, lines in frame.groupby("title", sort=False):
        of = {str(row["policy"]): row for row in lines.to_dict("records")}
        baseline = next(iter(of.values()))["baseline"]
        fine = 10.0 if abs(baseline) >= MANY else 1.0
        name = f"<b>{escape(title)}</b>" if title == TOTAL else escape(title)
        rows.append([name, _figure(baseline, fine), *(_cell(of[each], fine) for each in policies)])
    return table(caption, ["What", *map(escape, labels)], rows)


def _figure(value: float, fine: float) -> str:
    return f"<b>{number(value, fine)}</b>"


def _cell(row: Row, fine: float) -> str:
    by = number(row["difference"], fine, signed=True)
    if math.isnan(row["low"]) or row["low"] == row["high"]:
        return f"<b>{by}</b>"
    low, high = (number(row[end], fine, signed=True) for end in ("low", "high"))
    return f"<b>{by}</b><small>({low} to {high})</small>"


# One history


def _history(about: Changes, explained: Explanations | None) -> str:
    if explained is not None and explained.policies:
        return (
            paragraph(ONE_HISTORY, "note")
            + _firsts(about, explained)
            + _each_part(about, explained, _causes)
            + hidden(
                "Decisions that went another way, by kind",
                _each_part(about, explained, _parted_decisions),
            )
        )
    return (
        paragraph(ONE_HISTORY, "note")
        + _first_tenders(about)
        + hidden("How tenders and contracts went there", _counts(about))
        + paragraph(UNEXPLAINED, "note")
    )


def _first_tenders(about: Changes) -> str:
    if about.tenders is None:
        return paragraph("This run directory holds no tenders of a complete replication.")
    items = "".join(
        f"<li>{escape(first_words(about, policy, about.first_tender(policy)))}</li>"
        for policy in list(about.run.policies)[1:]
    )
    return f"<ul>{items}</ul>"


def first_words(about: Changes, policy: str, turning: Turning | None) -> str:
    """Return the first tender that went another way under ``policy``, in a sentence."""
    ours, theirs = (about.run.policies[name].label for name in (about.run.baseline, policy))
    if turning is None:
        return f"{theirs}: no tender went another way."
    what = _segments().get(turning.segment, turning.segment)
    sides = [
        f"{side} under {name}" if side else f"not tendered then under {name}"
        for side, name in ((turning.baseline, ours), (turning.policy, theirs))
    ]
    return (
        f"{theirs}: the first tender that went another way is that of {turning.lead} for {what} in "
        f"{dated(turning.quarter)}: {sides[0]}; {sides[1]}."
    )


def _segments() -> dict[str, str]:
    """Return segments' titles by name, as they are read inside a sentence."""
    return {one.name: f"{one.title[0].lower()}{one.title[1:]}" for one in SEGMENTS}


def _counts(about: Changes) -> str:
    counted = about.counted()
    made = []
    for part in parted(list(about.run.policies), 6):
        heads = ["What", *(escape(about.run.policies[name].label) for name in part)]
        rows = [
            [escape(kind), *(f"{many[name]:,}" for name in part)] for kind, many in counted.items()
        ]
        made.append(table("Tenders and contracts of that replication", heads, rows))
    return "".join(made) if counted else ""


# What two stepped runs explain

type Told = Mapping[str, Explained]


def _firsts(about: Changes, explained: Explanations) -> str:
    items = "".join(
        f"<li>{escape(about.run.policies[policy].label)}: {escape(_first(one))}</li>"
        for policy, one in explained.policies.items()
    )
    return f"<ul>{items}</ul>"


def _first(one: Explained) -> str:
    if one.first is None:
        return "no decision went another way."
    when = f"{dated(one.first.quarter)}, {one.first.phase}"
    return f"the first decision that went another way, in {when}: {one.first.sentence}"


def _each_part(
    about: Changes, explained: Explanations, made: Callable[[Told, Sequence[str]], str]
) -> str:
    """Return a table for every few policies; ``made`` takes these, and what columns are called."""
    labels = {name: policy.label for name, policy in about.run.policies.items()}
    parts = []
    for part in parted(list(explained.policies)):
        told = {name: explained.policies[name] for name in part}
        parts.append(made(told, [labels[about.run.baseline], *(labels[name] for name in part)]))
    return "".join(parts)


def _causes(told: Told, labels: Sequence[str]) -> str:
    lines = [
        dict((each.name, each.npv) for each in (*one.causes, one.total)) for one in told.values()
    ]
    first = next(iter(told.values()))
    rows = [
        [
            escape(_capital(each.title)),
            f"<b>{number(each.npv.baseline, 10.0)}</b>",
            *(f"<b>{number(line[each.name].difference, 10.0, signed=True)}</b>" for line in lines),
        ]
        for each in (*first.causes, first.total)
        if any(line[each.name].baseline or line[each.name].policy for line in lines)
    ]
    caption = "What the public saves by cause there: the baseline, and differences from it, £m NPV"
    return table(caption, ["What", *map(escape, labels)], rows)


def _parted_decisions(told: Told, labels: Sequence[str]) -> str:
    by_kind = {
        each.title: [_kind(one, each.title) for one in told.values()]
        for each in next(iter(told.values())).decisions
    }
    rows = [
        [escape(_capital(title)), _met(kinds[0].baseline), *map(_decision, kinds)]
        for title, kinds in by_kind.items()
        if any(kind.another_way for kind in kinds)
    ]
    caption = "Decisions there: how many, and how many of either run went another way"
    return table(caption, ["What", *map(escape, labels)], rows) if rows else ""


def _kind(one: Explained, title: str) -> Kind:
    return next(kind for kind in one.decisions if kind.title == title)


def _met(many: int | None) -> str:
    return "" if many is None else f"{many:,}"


def _decision(kind: Kind) -> str:
    return f"{_met(kind.policy)}<small>another way: {kind.another_way:,}</small>"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
