"""Pages on what happens over time: the lead outcome, competition, sharing, and the fund."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from results import narrative
from results.charts import looks
from results.charts.over_time import unit_over_time
from results.deck.native import Chart, Series
from results.deck.notes import definition, outcome_notes, series_notes
from results.deck.slides import Columns, Lines, Page
from results.frames import FEWEST_YEARS, over_time
from results.partnerships import map_words, read_partnerships, stages_words
from results.statistics import outcome_of
from results.store import RunDirectory
from results.words import FINEST_MONEY, count, counted, dated, listing, with_unit
from simulation.levers import FIRST_YEAR, QUARTERS_PER_YEAR
from simulation.outcomes import Outcome

COMPETITION = (
    "bids_per_tender",
    "sme_value_share",
    "single_bid_share",
    "supplier_concentration",
    "sme_number_share",
)
"""Outcomes on competition and SMEs; the first two that are shown are drawn side by side."""
SHARING = "shared_councils"
MESSAGE = 90
"""About as many characters of a title are left for what the verdicts say."""
MOST_LINES = 7
"""More lines than this cannot be told apart."""
FUND = ("fund_paid", "fund_repaid", "fund_written_off")
MOST_FUNDS = 4
"""Policies with a fund on one slide."""


def time_pages(run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    """Yield what happened over time, as means over the complete replications."""
    paths = _paths(run, summary)
    lead = narrative.lead_outcome(run).name
    yield _page(paths, [lead])
    competition = [name for name in COMPETITION if name in run.shown and name != lead][:2]
    if competition:
        yield _page(paths, competition)
    if SHARING in run.shown and lead != SHARING:
        yield _page(paths, [SHARING], _partnership_notes(run))
    yield from _fund(run, summary)


@dataclass(frozen=True, eq=False)
class Paths:
    """Every outcome over time.

    Attributes:
        means: over replications; a row a period, columns outcome and policy.
        periods: their names.
    """

    run: RunDirectory
    summary: pd.DataFrame
    means: pd.DataFrame
    periods: Sequence[str]

    def outcome(self, name: str) -> Outcome:
        """Return an outcome in the unit that it has within one period."""
        known = outcome_of(narrative.rows_of(self.summary, name)[self.run.baseline])
        yearly = self.run.question.years >= FEWEST_YEARS
        unit = unit_over_time(known) if yearly else unit_over_time(known).replace("year", "quarter")
        return replace(known, unit=unit)

    def apart(self, name: str) -> list[str]:
        """Return the compared policies, that which differs most in an outcome first."""
        rows = narrative.rows_of(self.summary, name)
        gaps = {policy: abs(rows[policy]["difference"]) for policy in list(self.run.policies)[1:]}
        return sorted(gaps, key=lambda policy: (math.isnan(gaps[policy]), -gaps[policy]))

    def drawn(self, name: str) -> list[str]:
        """Return the policies that are drawn, in their own order."""
        chosen = {self.run.baseline, *self.apart(name)[: MOST_LINES - 1]}
        return [policy for policy in self.run.policies if policy in chosen]

    def of(self, name: str, policy: str) -> list[float]:
        """Return the values of an outcome under a policy, one a period."""
        return [float(each) for each in self.means[name, policy]]


def _paths(run: RunDirectory, summary: pd.DataFrame) -> Paths:
    frame = over_time(run)
    means = frame.pivot_table(
        index="time",
        columns=["outcome", "policy"],
        values="value",
        aggfunc="mean",
        dropna=False,
        observed=True,
    )
    named = _year if run.question.years >= FEWEST_YEARS else _quarter
    return Paths(run, summary, means, [named(float(time)) for time in means.index])


def _year(time: float) -> str:
    return f"{int(time)}-{(int(time) + 1) % 100:02d}"


def _quarter(time: float) -> str:
    return dated(1 + round((time - FIRST_YEAR) * QUARTERS_PER_YEAR))


def _page(paths: Paths, names: Sequence[str], more: Sequence[str] = ()) -> Page:
    charts = [_chart(paths, name, paths.drawn(names[0])) for name in names]
    titles = _titles(paths, names)
    notes = [line for name in names for line in _notes(paths, name)]
    return Page(titles[0], Lines(charts), [*notes, *more], _reading(paths, names[0]), titles[1:])


def _titles(paths: Paths, names: Sequence[str]) -> list[str]:
    """Return titles, the longest first: what the baseline comes to, then what verdicts bear.

    Only differences over the whole horizon have a verdict, so none of a single period is told.
    """
    when, label = paths.periods[-1], paths.run.policies[paths.run.baseline].label
    ends = [_at_the_end(paths, name) for name in names]
    known = len(paths.run.replications) > 1
    start = f"In {when}" if known else f"In {when} of the one replication"
    both, one = (f"{start}: {told} with {label}" for told in (listing(ends), ends[0]))
    plain = f"{listing([paths.outcome(name).title for name in names])} until {when}"
    if len(names) > 1 or len(paths.run.policies) == 1 or not known:
        return [both, one, plain]
    head = f"{paths.outcome(names[0]).title}: "
    told = [narrative.message(paths.run, paths.summary, names[0], most) for most in (MESSAGE, 0)]
    over = narrative.years(paths.run)
    return [*(f"{one}; over {over}: {each.removeprefix(head)}" for each in told), one, plain]


def _at_the_end(paths: Paths, name: str) -> str:
    """Say where an outcome stands in the last period with the baseline."""
    outcome = paths.outcome(name)
    unit = "%" if outcome.unit.startswith("%") else outcome.unit
    value = with_unit(paths.of(name, paths.run.baseline)[-1], replace(outcome, unit=unit))
    return f"{narrative.lower_title(outcome)} {value}"


def _reading(paths: Paths, name: str) -> str:
    run = paths.run
    many = len(run.replications)
    said = f"Means of {counted(many, 'replication')}" if many > 1 else "One replication"
    yearly = run.question.years >= FEWEST_YEARS
    said += ", by financial year from April" if yearly else ", by quarter"
    if missing := len(run.policies) - len(paths.drawn(name)):
        said += f"; {count(missing)} more, nearer to the baseline, in the notes"
    if len(run.policies) == 1:
        return f"{said}."
    return (
        f"{said}. Lines bear no verdict: what separates them may be luck; verdicts are on the "
        "whole horizon."
    )


def _chart(paths: Paths, name: str, policies: Sequence[str]) -> Chart:
    outcome = paths.outcome(name)
    look = looks(paths.run.policies)
    labels = [paths.run.policies[policy].label for policy in policies]
    series = [
        Series(label, paths.of(name, policy), [look[policy].colour])
        for policy, label in zip(policies, labels, strict=True)
    ]
    title = f"{outcome.title}, {outcome.unit}"
    ends = [with_unit(one.values[-1], outcome) for one in series]
    told = "; ".join(f"{a} {b}" for a, b in zip(labels, ends, strict=True))
    words = f"Line chart. {title}, {paths.periods[0]} to {paths.periods[-1]}. At the end: {told}."
    return Chart(title, words, paths.periods, series)


def _notes(paths: Paths, name: str) -> list[str]:
    outcome = paths.outcome(name)
    told = [
        series_notes(policy.label, paths.periods, paths.of(name, policy.name), outcome)
        for policy in paths.run.policies.values()
    ]
    whole = outcome_of(narrative.rows_of(paths.summary, name)[paths.run.baseline])
    return [definition(whole), f"Over time, {outcome.unit}:", *told]


def _partnership_notes(run: RunDirectory) -> list[str]:
    about = read_partnerships(run)
    return [] if about is None else [map_words(about), stages_words(about)]


# The fund


def _fund(run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    """Yield what the fund paid and got back, where a policy has one that pays."""
    rows = {name: narrative.rows_of(summary, name) for name in FUND}
    paying = [policy for policy in run.policies if rows["fund_paid"][policy]["policy_mean"] > 0]
    if not paying:
        return
    paying.sort(key=lambda policy: -rows["fund_paid"][policy]["policy_mean"])
    drawn = paying[:MOST_FUNDS]
    look = looks(run.policies)
    series = [
        Series(
            run.policies[policy].label,
            [rows[name][policy]["policy_mean"] for name in FUND],
            [look[policy].colour],
        )
        for policy in drawn
    ]
    known = [outcome_of(rows[name][run.baseline]) for name in FUND]
    paid, repaid, lost = map(_sum, series[0].values, known)
    title = f"{series[0].name}: the fund pays out {paid}, is repaid {repaid} and writes off {lost}"
    words = f"Column chart. Totals of the fund in £m, mean over replications. {title}."
    chart = Chart("£m over the whole horizon", words, [each.title for each in known], series)
    notes = [
        line for name in (*FUND, "fund_deadweight") for line in outcome_notes(run, summary, name)
    ]
    yield Page(title, Columns(chart), notes, _about_fund(run, len(paying) - len(drawn)))


def _sum(value: float, outcome: Outcome) -> str:
    """Return a sum of money in words; one too small for its figures is not told as nought."""
    least = 10.0**-FINEST_MONEY
    if 0.0 < value < least:
        return f"less than {with_unit(least, outcome)}"
    return with_unit(value, outcome) if value else "nothing"


def _about_fund(run: RunDirectory, left_out: int) -> str:
    said = f"Means of {counted(len(run.replications), 'replication')}, over {narrative.years(run)}"
    if left_out:
        said += f"; {count(left_out)} more with a fund in the notes"
    return f"{said}. What is neither repaid nor written off is still out at the end, and due later."
