"""What the page tells beside its charts, as HTML: cards, sentences and charts in figures."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from results import narrative
from results.outcome_section import OutcomeTables
from results.page import escape, hidden, paragraph, table
from results.statistics import outcome_of
from results.store import RunDirectory
from results.verdicts import verdict_mark
from results.words import amount, amounts, change, counted, interval_words, span
from simulation.outcomes import OUTCOMES, Outcome

IN_FIGURES = "The same in figures"
LEAST_PERIODS = 4
"""Periods that a table of a chart over time shows, at most one more than these."""


# The answer


def answer(run: RunDirectory, summary: pd.DataFrame) -> str:
    """Return the lead outcome in a sentence, and a card a policy with difference and verdict."""
    rows = narrative.rows_of(summary, narrative.lead_outcome(run).name)
    outcome = outcome_of(rows[run.baseline])
    cards = [
        _card(place, run.policies[name].label, outcome, rows[name])
        for place, name in enumerate(list(run.policies)[1:], start=1)
    ]
    lead = paragraph(narrative.lead(run, summary), "lead")
    return f'{lead}<div class="cards">{"".join(cards)}</div>'


def _card(place: int, label: str, outcome: Outcome, row: narrative.Row) -> str:
    swatch = f'<span class="swatch swatch-{place}" aria-hidden="true"></span>'
    return (
        f'<div class="card"><p class="whose">{swatch}{escape(label)}</p>'
        f"{paragraph(change(row['difference'], outcome), 'figure')}"
        f"{paragraph(interval_words(row['low'], row['high'], outcome), 'interval')}"
        f"{verdict_mark(row)}</div>"
    )


def headline(run: RunDirectory, summary: pd.DataFrame) -> str:
    """Return the outcomes shown first as a table, and each policy's in sentences."""
    told = "".join(_sentences(run, summary, name) for name in list(run.policies)[1:])
    return f"{OutcomeTables(run, summary).shown()}<h3>In words</h3>{told}"


def _sentences(run: RunDirectory, summary: pd.DataFrame, policy: str) -> str:
    rest = narrative.others(run, summary, policy)
    items = "".join(f"<dt>{escape(opening)}</dt><dd>{escape(told)}</dd>" for opening, told in rest)
    return f"{paragraph(narrative.headline(run, summary, policy), 'sentence')}<dl>{items}</dl>"


# Charts in figures


def over_time(frame: pd.DataFrame, run: RunDirectory) -> str:
    """Return what a chart over time shows, a few periods of it, behind a line that opens it.

    ``frame`` is that of `frames.over_time`.
    """
    means = frame.groupby(["outcome", "policy", "time"], observed=True, sort=False)["value"].mean()
    titles = {name: f"{OUTCOMES[name].title}, {OUTCOMES[name].unit}" for name in OUTCOMES}
    return _by_period("Means over time", "Outcome", means, run, titles, OUTCOMES)


def fund(frame: pd.DataFrame, run: RunDirectory) -> str:
    """Return the books of funds, a few periods of them; ``frame`` is that of `frames.fund`."""
    means = frame.groupby(["quantity", "policy", "time"], observed=True, sort=False)["value"].mean()
    return _by_period("Means over time, £m", "Quantity", means, run, {}, {})


def _by_period(
    caption: str,
    head: str,
    means: "pd.Series[float]",
    run: RunDirectory,
    titles: Mapping[str, str],
    outcomes: Mapping[str, Outcome],
) -> str:
    wide = means.unstack("time")
    times = [float(each) for each in wide.columns]
    shown = times[:: max(1, len(times) // LEAST_PERIODS)]
    rows = [
        [
            titles.get(name, name),
            run.policies[policy].label,
            *(_figure(wide.at[(name, policy), time], outcomes.get(name)) for time in shown),
        ]
        for name, policy in wide.index
    ]
    return _in_figures(caption, [head, "Policy", *(_period(each, times) for each in shown)], rows)


def _figure(value: Any, outcome: Outcome | None) -> str:
    if pd.isna(value):
        return ""
    return amount(float(value), outcome) if outcome else f"{float(value):,.2f}"


def _period(time: float, times: list[float]) -> str:
    whole = len(times) < 2 or times[1] - times[0] == 1.0
    year = int(time)
    named = f"{year}-{(year + 1) % 100:02d}"
    return named if whole else f"{named} Q{1 + round((time - year) * 4)}"


def spread(summary: pd.DataFrame, run: RunDirectory, name: str) -> str:
    """Return mean, interval and range of an outcome's differences, behind a line that opens it."""
    rows = narrative.rows_of(summary, name)
    outcome = outcome_of(rows[run.baseline])
    cells = [
        [
            run.policies[policy].label,
            change(row["difference"], outcome),
            span(row["low"], row["high"], outcome),
            span(row["p10"], row["p90"], outcome),
            f"{row['better_in']:.0f} of {row['pairs']}" if outcome.better != "neutral" else "",
        ]
        for policy, row in rows.items()
        if policy != run.baseline
    ]
    heads = ["Policy", "Mean", "95% interval", "10 to 90% of replications", "Better in"]
    return _in_figures(outcome.title, heads, cells)


def gains(told: Mapping[str, pd.DataFrame], run: RunDirectory) -> str:
    """Return what groups of councils gain, behind a line that opens it.

    ``told`` holds frames of `frames.savings_of` by what they tell, in words.
    """
    made = [_gains(frame, run, caption) for caption, frame in told.items()]
    return hidden(IN_FIGURES, "".join(made))


def _gains(frame: pd.DataFrame, run: RunDirectory, caption: str) -> str:
    money, points = OUTCOMES["net_public_saving"].with_margin(1.0), OUTCOMES["councils_saving"]
    cells = [
        [
            row["group"],
            f"{row['councils']:,}",
            run.policies[row["policy"]].label,
            *_with_interval([row["gain"], row["gain_low"], row["gain_high"]], money),
            *_with_interval([row["difference"], row["low"], row["high"]], points),
        ]
        for row in frame.to_dict("records")
    ]
    heads = ["Who", "Councils", "Policy", "Gain, £m NPV", "95% interval", "Points of their "
             "counterfactual", "95% interval"]  # fmt: skip
    return _escaped(f"{caption}: gains against the baseline", heads, cells)


def _with_interval(told: list[float], outcome: Outcome) -> list[str]:
    difference, low, high = told
    return [
        amount(difference, outcome, signed=True),
        "" if math.isnan(low) else " to ".join(amounts(low, high, outcome, signed=True)),
    ]


def sharing(frame: pd.DataFrame, run: RunDirectory) -> str:
    """Return how widely councils share at the end, behind a line that opens it.

    Councils that share under no policy are only counted. ``frame`` is that of `frames.sharing`.
    """
    wide = frame.pivot(index="council", columns="policy", values="share").reindex(
        index=frame["council"].unique()
    )
    some = wide[(wide > 0).any(axis=1)]
    labels = [run.policies[name].label for name in wide.columns]
    rows = [
        [council, *(f"{share:.0%}" for share in shares)]
        for council, *shares in some.itertuples(name=None)
    ]
    caption = "Share of replications in which a council is in a joint contract at the end"
    if never := len(wide) - len(some):
        caption += f"; {counted(never, 'council')} more under no policy"
    return _in_figures(caption, ["Council", *labels], rows)


def _in_figures(caption: str, heads: list[str], rows: list[list[str]]) -> str:
    return hidden(IN_FIGURES, _escaped(caption, heads, rows))


def _escaped(caption: str, heads: list[str], rows: list[list[str]]) -> str:
    escaped = [list(map(escape, row)) for row in rows]
    return table(caption, list(map(escape, heads)), escaped)
