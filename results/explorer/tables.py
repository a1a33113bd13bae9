"""Tables of the page: the headline outcomes, and charts told in figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from dash import html

from results import narrative, statistics
from results.explorer.parts import UNSAID, labelled
from results.narrative import verdict_of
from results.statistics import outcome_of
from results.store import RunDirectory
from results.verdicts import MARKS
from results.words import amount, change, interval_words, span, with_unit
from simulation.outcomes import OUTCOMES, Outcome

LEAST_PERIODS = 4
"""Periods that a table of a chart over time shows, at most one more than these."""


# The headline


def headline(run: RunDirectory, summary: pd.DataFrame) -> Any:
    """Return the outcomes shown first: the baseline's mean, and each policy's difference."""
    compared = list(run.policies)[1:]
    heads = ["Outcome", *(run.policies[name].label for name in (run.baseline, *compared))]
    rows = [_headline_row(run, summary, name, compared) for name in run.shown]
    return html.Div(
        html.Table(
            [
                html.Caption("The baseline's mean, and differences from it with 95% intervals"),
                html.Thead(html.Tr([html.Th(each, scope="col") for each in heads])),
                html.Tbody(rows),
            ]
        ),
        className="scroll", tabIndex="0", role="region", **labelled("Headline outcomes"),
    )  # fmt: skip


def _headline_row(
    run: RunDirectory, summary: pd.DataFrame, name: str, compared: Sequence[str]
) -> Any:
    rows = narrative.rows_of(summary, name)
    outcome = outcome_of(rows[run.baseline])
    direction = {"higher": "higher is better", "lower": "lower is better"}.get(outcome.better)
    about = html.Small(f"{outcome.unit}; {direction or 'not judged'}")
    return html.Tr(
        [
            html.Th([outcome.title, about], scope="row", title=outcome.definition),
            html.Td([html.B(with_unit(rows[run.baseline]["policy_mean"], outcome))]),
            *(_difference(outcome, rows[policy]) for policy in compared),
        ]
    )


def _difference(outcome: Outcome, row: Mapping[Any, Any]) -> Any:
    interval = interval_words(row["low"], row["high"], outcome, name="")
    return html.Td(
        [
            html.B(change(row["difference"], outcome)),
            html.Small(interval if row["pairs"] else "no value on both sides"),
            _verdict(row),
        ]
    )


# The lead outcome


def cards(run: RunDirectory, summary: pd.DataFrame) -> list[Any]:
    """Return the lead outcome of each policy: its difference, interval and verdict."""
    rows = narrative.rows_of(summary, narrative.lead_outcome(run).name)
    outcome = outcome_of(rows[run.baseline])
    return [
        _card(place, run.policies[name].label, outcome, rows[name])
        for place, name in enumerate(list(run.policies)[1:], start=1)
    ]


def _card(place: int, label: str, outcome: Outcome, row: Mapping[Any, Any]) -> Any:
    swatch = html.Span(className=f"swatch swatch-{place}", **UNSAID)
    return html.Div(
        [
            html.P([swatch, label], className="whose"),
            html.P(change(row["difference"], outcome), className="figure"),
            html.P(interval_words(row["low"], row["high"], outcome), className="interval"),
            _verdict(row),
        ],
        className="card",
    )


def _verdict(row: Mapping[Any, Any]) -> Any:
    verdict = verdict_of(row)
    kind = verdict if verdict in (statistics.BETTER, statistics.WORSE) else ""
    mark = html.Span(MARKS[verdict], **UNSAID)
    return html.Span([mark, " ", verdict or "not judged"], className=f"verdict {kind}")


# Charts in figures


def over_time(frame: pd.DataFrame, run: RunDirectory) -> Any:
    """Return what a chart over time shows, a few periods of it, behind a line that opens it.

    ``frame`` is that of `frames.over_time`.
    """
    means = frame.groupby(["outcome", "policy", "time"], observed=True, sort=False)["value"].mean()
    titles = {name: f"{OUTCOMES[name].title}, {OUTCOMES[name].unit}" for name in OUTCOMES}
    return _by_period("Means over time", "Outcome", means, run, titles, OUTCOMES)


def fund(frame: pd.DataFrame, run: RunDirectory) -> Any:
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
) -> Any:
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
    return in_figures(caption, [head, "Policy", *(_period(each, times) for each in shown)], rows)


def _figure(value: Any, outcome: Outcome | None) -> str:
    if pd.isna(value):
        return ""
    return amount(float(value), outcome) if outcome else f"{float(value):,.2f}"


def spread(summary: pd.DataFrame, run: RunDirectory, name: str) -> Any:
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
    return in_figures(outcome.title, heads, cells)


def _period(time: float, times: Sequence[float]) -> str:
    whole = len(times) < 2 or times[1] - times[0] == 1.0
    year = int(time)
    named = f"{year}-{(year + 1) % 100:02d}"
    return named if whole else f"{named} Q{1 + round((time - year) * 4)}"


def in_figures(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    """Return a table behind a line that opens it."""
    return html.Details(
        [
            html.Summary("The same in figures"),
            html.Div(
                html.Table(
                    [
                        html.Caption(caption),
                        html.Thead(html.Tr([html.Th(each, scope="col") for each in heads])),
                        html.Tbody([_row(row) for row in rows]),
                    ]
                ),
                className="scroll", tabIndex="0", role="region", **labelled(caption),
            ),
        ]
    )  # fmt: skip


def _row(cells: Sequence[str]) -> Any:
    first, *rest = cells
    return html.Tr([html.Th(first, scope="row"), *(html.Td(cell) for cell in rest)])
