"""The report's part on outcomes: tables of the baseline's values and of differences from them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from results import narrative
from results.page import escape, hidden, paragraph, table
from results.statistics import outcome_of
from results.store import RunDirectory
from results.verdicts import parted, verdict_mark
from results.words import (
    NO_INTERVAL,
    POINTS,
    amount,
    amounts,
    change,
    difference_unit,
    of_what,
    span,
    with_unit,
)
from simulation.outcomes import OUTCOMES, Outcome


@dataclass(frozen=True, eq=False)
class OutcomeTables:
    """The tables of outcomes of one run directory.

    Attributes:
        run: the run directory.
        summary: its summary.
    """

    run: RunDirectory
    summary: pd.DataFrame

    @property
    def compared(self) -> list[str]:
        """Names of the policies that are compared with the baseline."""
        return list(self.run.policies)[1:]

    def content(self, chart: str) -> str:
        """Return the tables of outcomes and the ``chart`` of their differences, as HTML."""
        if not self.run.replications:
            return ""
        rest = [name for name in OUTCOMES if name not in self.run.shown]
        return "".join(
            [
                self.shown(),
                self._reading(),
                chart,
                hidden(f"The other {len(rest)} outcomes", self._outcome_tables(rest)),
            ]
        )

    def shown(self) -> str:
        """Return the outcomes that are shown first, as HTML."""
        return self._outcome_tables(self.run.shown)

    def _reading(self) -> str:
        if not self.compared:
            return ""
        return paragraph(
            "Differences are policy less baseline within one replication, where both meet the "
            "same assumptions and, as far as their histories allow, the same luck; in brackets "
            "their 95% interval. A verdict is given only where it stands against the smallest "
            "difference that matters, with all verdicts of the table allowed for together (Holm's "
            "correction, 5%). Of an undecided difference its own interval speaks: where that "
            "clears zero, it is real, but may be too small to matter; where it lies beyond what "
            "matters, it would have a verdict alone, and has none among so many; else it may be "
            "nothing.",
            "note",
        )

    def _outcome_tables(self, names: Sequence[str]) -> str:
        parts = parted(self.compared) or [[]]
        return "".join(self._outcome_table(names, part) for part in parts)

    def _outcome_table(self, names: Sequence[str], policies: Sequence[str]) -> str:
        named = [self.run.policies[name].label for name in (self.run.baseline, *policies)]
        caption = "Outcomes over the whole horizon"
        if policies:
            caption += ": the baseline's mean, and differences from it"
        rows = [self._outcome_row(OUTCOMES[name], policies) for name in names]
        kind = "" if policies else "narrow"
        return table(caption, ["Outcome", *map(escape, named)], rows, kind)

    def _outcome_row(self, outcome: Outcome, policies: Sequence[str]) -> list[str]:
        rows = narrative.rows_of(self.summary, outcome.name)
        outcome = outcome_of(rows[self.run.baseline])
        direction = {"higher": "higher is better", "lower": "lower is better"}.get(outcome.better)
        below = f"{outcome.unit}; {direction or 'not judged'}"
        matters = f"<small>{escape(_threshold(outcome))}</small>" if policies else ""
        return [
            f"{escape(outcome.title)}<small>{escape(below)}</small>{matters}",
            self._value(outcome, rows[self.run.baseline]),
            *(self._difference(outcome, rows[policy]) for policy in policies),
        ]

    def _value(self, outcome: Outcome, row: narrative.Row) -> str:
        mean = amount(row["policy_mean"], outcome)
        spread = " to ".join(amounts(row["p10"], row["p90"], outcome))
        below = f"<small>10 to 90%: {spread}</small>" if row["pairs"] > 1 else ""
        return f"<b>{mean}</b>{self._share_of(outcome, row)}{below}"

    def _difference(self, outcome: Outcome, row: narrative.Row) -> str:
        difference = _difference_figure(row["difference"], outcome)
        share, interval = self._share_of(outcome, row), ""
        if row["low"] < row["high"]:
            interval = f"<small>({escape(span(row['low'], row['high'], outcome))})</small>"
        elif math.isnan(row["low"]) and row["pairs"]:
            interval = f"<small>{NO_INTERVAL}</small>"
        return f"<b>{difference}</b>{share}{interval}{verdict_mark(row)}"

    def _share_of(self, outcome: Outcome, row: narrative.Row) -> str:
        if outcome.name not in narrative.SHARE_OF:
            return ""
        other = narrative.rows_of(self.summary, narrative.SHARE_OF[outcome.name])[row["policy"]]
        share = outcome_of(other)
        if row["policy"] == self.run.baseline:
            words = with_unit(other["policy_mean"], share)
        else:
            words = f"{change(other['difference'], share)}{of_what(share)}"
        return f"<small>{escape(words)}</small>"


def _difference_figure(value: float, outcome: Outcome) -> str:
    """Return a difference in figures, with its unit only where the value has another."""
    if difference_unit(outcome) == POINTS:
        return change(value, outcome)
    return amount(value, outcome, signed=True)


def _threshold(outcome: Outcome) -> str:
    """Return from where on a difference matters, nothing where no verdict is given."""
    if outcome.better == "neutral" or math.isnan(outcome.matters):
        return ""
    return f"matters from {change(outcome.matters, outcome, signed=False)}"
