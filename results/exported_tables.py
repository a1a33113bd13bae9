"""The tables of a run directory that are exported as CSV, and what their columns hold."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

from results import frames
from results.report import Report
from results.side_by_side import levers_table

SUMMARY_COLUMNS: Mapping[str, str] = {
    "policy": "name of the policy; the baseline's rows hold its values and no difference",
    "outcome": "name of the outcome",
    "title": "the outcome's name in words",
    "unit": "unit of the outcome",
    "better": "whether higher or lower is better, or neutral: not judged",
    "headline": "whether the question shows the outcome first",
    "matters": "the smallest difference that matters, in the outcome's unit",
    "baseline_mean": "mean of the baseline over the replications counted",
    "policy_mean": "mean of the policy over the same",
    "difference": "mean paired difference: policy less baseline",
    "low": "lower end of the 95% interval of the mean difference",
    "high": "upper end of it; both empty with one replication",
    "p10": "10% of replications differ by less; in the baseline's rows 10% have a lower value",
    "p90": "10% of replications differ by more; in the baseline's rows 10% have a higher value",
    "better_in": "number of replications in which the policy is better",
    "pairs": "replications counted",
    "dropped": "replications left out, in which the outcome has no value on one side",
    "verdict": "better, worse, negligible, undecided, identical or too few to say; empty: not "
    "judged; all verdicts of a table hold together",
    "luck_share": "share of the variance of the difference that is luck, 0 to 1; the rest is that "
    "of assumptions",
    "luck_low": "lower end of the 95% interval of that share",
    "luck_high": "upper end of it",
    "narrow_by": "what would narrow the spread of the difference; empty where not known",
    "interval": "how it is made: t is Student's, or bootstrap; empty in the baseline's rows",
}  # fmt: skip
"""What the columns of the summary hold; differences are in the outcome's unit."""
LEVERS_COLUMNS: Mapping[str, str] = {
    "lever": "name of the lever",
    "meaning": "what it does",
    "unit": "its unit",
}
"""What the first columns of the table of levers hold; each policy has one more."""
GROUPINGS = ("type", "region")


class Table(NamedTuple):
    """One table: what it holds, in words, and how it is made."""

    words: str
    make: Callable[[Report], pd.DataFrame]


def columns(report: Report) -> pd.DataFrame:
    """Return what the columns of all tables hold: a row a column, tables as files are called."""
    rows = [
        (name, column, meaning)
        for name, told in _told(report).items()
        for column, meaning in told.items()
    ]
    return pd.DataFrame(rows, columns=["table", "column", "meaning"])


def _told(report: Report) -> dict[str, Mapping[str, str]]:
    """Return what the columns of each table hold, by the name of its file."""
    held = {name.replace("_", "-"): each for name, each in frames.COLUMNS.items()}
    groups = held.pop("savings-by-group")
    values = {name: f"its value under {policy.label}" for name, policy in report.policies.items()}
    return (
        {"summary": SUMMARY_COLUMNS}
        | held
        | {f"savings-by-{by}": groups for by in GROUPINGS}
        | {"levers": {**LEVERS_COLUMNS, **values}}
    )


TABLES: Mapping[str, Table] = {
    "summary": Table(
        "differences, intervals and verdicts, as in summary.csv", lambda report: report.summary
    ),
    "over-horizon": Table("every outcome of every run", lambda of: frames.over_horizon(of.run)),
    "over-time": Table(
        "the same by financial year, or by quarter", lambda of: frames.over_time(of.run)
    ),
    "differences": Table(
        "paired differences by replication", lambda of: frames.differences(of.run)
    ),
    "sharing": Table(
        "how widely each council shares at the end", lambda of: frames.sharing(of.run)
    ),
    "fund": Table("the books of the fund", lambda of: frames.fund(of.run)),
    "links": Table(
        "which councils share at the end, in one replication", lambda of: frames.links(of.run)
    ),
    "savings-by-type": Table(
        "what councils gain, by type of council",
        lambda of: frames.savings_of(of.appraisal, "type"),
    ),
    "savings-by-region": Table(
        "the same by region", lambda of: frames.savings_of(of.appraisal, "region")
    ),
    "levers": Table("the levers on which policies differ", lambda of: levers_table(of.policies)),
    "columns": Table("what the columns of these tables hold", columns),
}
