"""Pages on who gains and who loses by each policy, from the appraisal."""

from collections.abc import Iterator, Sequence

import pandas as pd

from results import statistics
from results.appraisal import EVERYONE, TOTALS, Appraisal, appraise
from results.appraisal_section import FUND_LINES, METHOD, OF_FUNDS, READING, fund_figure
from results.appraisal_words import (
    VERDICT_WORDS,
    in_sentence,
    money,
    money_of,
    rows_told,
    who_gains,
)
from results.deck.outcome_pages import DECIDED, MOST_ACROSS, colour_of, marked, marks_key
from results.deck.slides import BODY, Page
from results.deck.tables import Cell, Grid, evenly, parted
from results.deck.template import ROOM
from results.narrative import LEFT_OPEN, Row, verdict_of
from results.store import RunDirectory
from results.words import amount

WHO = "Who gains, who loses"
FIRST = 300.0
"""Width of the column of parties, in points."""


def appraisal_pages(run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    """Yield who gains and who loses, £m NPV, with verdicts; nothing where nothing is compared."""
    if len(run.policies) == 1:
        return
    about = appraise(run, summary)
    titles = _titles(about)
    notes = [who_gains(about, name) for name in list(run.policies)[1:]]
    notes += [*_fund_notes(about), READING, METHOD]
    for policies in evenly(list(run.policies)[1:], MOST_ACROSS):
        for part in parted(_grid(about, policies), BODY[3]):
            yield Page(titles[0], part, notes, _reading(about), titles[1:])


# What the title says


def _titles(about: Appraisal) -> list[str]:
    """Return titles, the longest first: the largest gains and losses that verdicts bear."""
    rows = [row for name in list(about.run.policies)[1:] for row in rows_told(about, name)]
    rows.sort(key=lambda row: -abs(row["difference"]) if row["pairs"] else 0.0)
    largest: dict[str, str] = {}
    for row in rows:
        if row["verdict"] in DECIDED:
            largest.setdefault(row["party"], _decided(about, row))
    decided = list(largest.values())
    if decided:
        return [f"{WHO}: {'; '.join(decided[:2])}", f"{WHO}: {decided[0]}", f"{WHO}, by policy"]
    nothing = f"{WHO}: no gain or loss is settled"
    if all(row["verdict"] in (statistics.IDENTICAL, *statistics.SILENT) for row in rows):
        return [f"{WHO}: too few runs to settle anything"]
    open_ones = [_open(about, row) for row in rows if verdict_of(row) in LEFT_OPEN]
    return [*(f"{nothing}; {each}" for each in open_ones[:1]), nothing]


def _decided(about: Appraisal, row: Row) -> str:
    verb = "gain" if row["verdict"] == statistics.BETTER else "lose"
    plural = "s" if row["party"] == "exchequer" else ""
    by = money(abs(row["difference"]), row)
    return f"{in_sentence(row)} {verb}{plural} {by} with {about.run.policies[row['policy']].label}"


def _open(about: Appraisal, row: Row) -> str:
    way = "gain" if row["difference"] > 0 else "loss"
    label = about.run.policies[row["policy"]].label
    return f"an undecided {way} for {in_sentence(row)} with {label}"


# The table


def _grid(about: Appraisal, policies: Sequence[str]) -> Grid:
    labels = [about.run.policies[name].label for name in (about.run.baseline, *policies)]
    widths = [FIRST, *[(ROOM - FIRST) / len(labels)] * len(labels)]
    gains = about.gains[about.gains["grouping"].isin((TOTALS, "type"))]
    rows = [
        _row({str(row["policy"]): row for row in party.to_dict("records")}, policies)
        for _, party in gains.groupby("party", sort=False)
    ]
    words = f"Who gains and who loses, £m NPV: {labels[0]}, and differences from it"
    return Grid(["Who, £m NPV", *labels], rows, widths, words)


def _row(by_policy: dict[str, Row], policies: Sequence[str]) -> list[Cell]:
    first = by_policy[policies[0]]
    many = f" ({first['councils']:,})" if first["grouping"] == "type" else ""
    told = [
        Cell(marked(row, money_of(row)), bold=row["verdict"] in DECIDED, colour=colour_of(row))
        for row in (by_policy[policy] for policy in policies)
    ]
    value = amount(first["baseline"], money_of(first))
    return [Cell(f"{first['title']}{many}", bold=first["party"] == EVERYONE), Cell(value), *told]


def _reading(about: Appraisal) -> str:
    gains = about.gains[about.gains["grouping"].isin((TOTALS, "type"))]
    key = marks_key(gains.to_dict("records"), VERDICT_WORDS)
    return (
        f"Mean differences, discounted: {key}. Verdicts hold together over all policies, those of "
        "the types of councils (in brackets how many) apart."
    )


# Notes


def _fund_notes(about: Appraisal) -> list[str]:
    """Return a line a policy that costs the Exchequer: what it pays, and what comes of it."""
    return [
        f"{about.run.policies[row['policy']].label}: "
        + "; ".join(
            f"{name} {fund_figure(about, row, key)}"
            for key, name in FUND_LINES.items()
            if key not in OF_FUNDS or row["claims"] > 0
        )
        + "."
        for row in about.funds.to_dict("records")
    ]
