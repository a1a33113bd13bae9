"""Frames of a run directory: what charts are drawn from and what is exported as CSV.

A row is one observation. Policies stand in the run's own order, the baseline first; only
replications that are complete for every policy are counted. `COLUMNS` says what each column holds
and in what unit.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results import statistics
from results.appraisal import Appraisal, appraise
from results.charts.checks import check_outcomes
from results.partnerships import links as links_between
from results.partnerships import read_partnerships
from results.store import RunDirectory
from simulation import horizon
from simulation.errors import InputError
from simulation.ledger import PENCE
from simulation.levers import FIRST_YEAR, QUARTERS_PER_YEAR
from simulation.outcomes import OUTCOMES

type FloatArray = NDArray[np.float64]
type Grouping = Literal["type", "size", "region"]

FEWEST_YEARS = 5
"""Shorter runs are told by quarter, longer ones by financial year."""

_RUN = {"policy": "name of the policy", "replication": "number of the replication"}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "over_horizon": _RUN | {
        "outcome": "name of the outcome",
        "value": "over the whole horizon, in the outcome's unit; empty where it has none",
    },
    "over_time": _RUN | {
        "time": "start of the financial year or quarter, as a year: 2006.25 is July 2006",
        "outcome": "name of the outcome",
        "value": "in that period by the outcome's rule, in its unit; empty where it has none",
    },
    "differences": _RUN | {
        "outcome": "name of the outcome",
        "difference": "policy less baseline in the replication, in the outcome's unit",
        "low": "lower end of the 95% interval of the mean difference, the same in all its rows",
        "high": "upper end of it; both empty with one replication",
        "matters": "the smallest difference that matters, in the same unit",
    },
    "sharing": {
        "policy": "name of the policy",
        "council": "name of the council, with its type where a name stands twice",
        "share": "share, 0 to 1, of replications in which it is in a joint contract at the end",
        "services": "its services in joint contracts at the end, mean over replications",
        "replications": "replications counted",
    },
    "fund": _RUN | {
        "time": "start of the financial year or quarter, as a year: 2006.25 is July 2006",
        "quantity": "balance, paid out, repaid or written off",
        "value": "£m at the end of that period, the last three added up since 2006",
    },
    "links": {
        "policy": "name of the policy",
        "replication": "number of the replication: the first of which events are kept",
        "lead": "name of the council that leads",
        "member": "name of the other council",
        "services": "count of services that they share in partnerships that perform at the end",
    },
    "savings_by_group": {
        "group": "councils of one type, size or region",
        "councils": "count of these",
        "policy": "name of the policy",
        "gain": "what they gain, £m NPV: discounted saving, mean difference from the baseline",
        "gain_low": "lower end of its 95% interval",
        "gain_high": "upper end of it; both empty with one replication",
        "difference": "the gain in % of the group's mean discounted counterfactual: points",
        "low": "lower end of its 95% interval in points",
        "high": "upper end of it; both empty with one replication",
        "verdict": "on the gain: better for a gain, all of one grouping held to one error of 5%",
        "pairs": "replications counted",
    },
}  # fmt: skip
"""What the columns of each frame hold, and in what unit."""


def over_horizon(run: RunDirectory) -> pd.DataFrame:
    """Return every outcome over the whole horizon: a row a policy, replication and outcome."""
    values = statistics.horizon_values(run, run.replications)
    return pd.concat([_run_rows(run, name, each) for name, each in values.items()])[
        list(COLUMNS["over_horizon"])
    ].reset_index(drop=True)


def _run_rows(run: RunDirectory, name: str, values: FloatArray) -> pd.DataFrame:
    """Return rows of one outcome; ``values`` has shape (policies, replications)."""
    many = len(run.replications)
    return pd.DataFrame(
        {
            "policy": _policies(run, many),
            "replication": np.tile(np.array(run.replications, dtype=np.int64), len(run.policies)),
            "outcome": name,
            "value": values.ravel(),
        }
    )


def _policies(run: RunDirectory, many: int) -> pd.Categorical:
    """Return the names of the policies in the run's order, each so many times."""
    return pd.Categorical(np.repeat(list(run.policies), many), list(run.policies))


def over_time(run: RunDirectory, outcomes: Sequence[str] = tuple(OUTCOMES)) -> pd.DataFrame:
    """Return ``outcomes`` period by period: a row a policy, replication, time and outcome.

    Runs of ``FEWEST_YEARS`` or more are told by financial year, from April: a year's own value by
    the outcome's rule. Shorter ones are told by quarter.

    Raises:
        InputError: no such outcome.
    """
    outcomes = [outcomes] if isinstance(outcomes, str) else outcomes
    check_outcomes(outcomes)
    measures, times = by_period(run)
    cubes = {name: horizon.over_horizon(OUTCOMES[name].rule, measures) for name in outcomes}
    frames = [_period_rows(run, times, cube).assign(outcome=name) for name, cube in cubes.items()]
    return pd.concat(frames)[list(COLUMNS["over_time"])].reset_index(drop=True)


def by_period(run: RunDirectory) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return every measure cut into periods, and when these start.

    Measures are of shape (policies, replications, periods, quarters of a period).
    """
    length = QUARTERS_PER_YEAR if run.question.years >= FEWEST_YEARS else 1
    periods = run.quarters // length
    measures = {
        name: values.reshape(*values.shape[:2], periods, length)
        for name, values in run.measures(run.replications).items()
    }
    return measures, FIRST_YEAR + np.arange(periods) * length / QUARTERS_PER_YEAR


def _period_rows(run: RunDirectory, times: FloatArray, values: FloatArray) -> pd.DataFrame:
    """Return rows of one quantity; ``values`` has shape (policies, replications, periods)."""
    policies, replications, periods = values.shape
    numbers = np.repeat(np.array(run.replications, dtype=np.int64), periods)
    return pd.DataFrame(
        {
            "policy": _policies(run, replications * periods),
            "replication": np.tile(numbers, policies),
            "time": np.tile(times, policies * replications),
            "value": values.ravel(),
        }
    )


def differences(run: RunDirectory) -> pd.DataFrame:
    """Return paired differences from the baseline: a row a policy, replication and outcome.

    Replications in which an outcome has no value on one side are left out. Empty for a policy
    alone.
    """
    rows = [_paired_rows(run, one) for one in statistics.gather(run).comparisons()]
    empty = pd.DataFrame(columns=list(COLUMNS["differences"]))
    return pd.concat(rows, ignore_index=True) if rows else empty


def _paired_rows(run: RunDirectory, one: statistics.Comparison) -> pd.DataFrame:
    low, high = one.interval
    return pd.DataFrame(
        {
            "policy": one.policy,
            "replication": np.array(run.replications, dtype=np.int64)[one.paired],
            "outcome": one.outcome.name,
            "difference": one.differences,
            "low": low,
            "high": high,
            "matters": one.outcome.matters,
        }
    )


def sharing(run: RunDirectory) -> pd.DataFrame:
    """Return how widely each council shares at the end: a row a policy and council.

    Councils stand in the register's order. Empty where there is no table of councils or no
    replication is complete.
    """
    if "councils" not in run.events() or not run.replications:
        return pd.DataFrame(columns=list(COLUMNS["sharing"]))
    table = run.event("councils")
    table = table[table["replication"].isin(run.replications)]
    place = {identity: row for row, identity in enumerate(run.register.identities)}
    named = table.assign(
        policy=pd.Categorical(table["policy"], list(run.policies)),
        place=(table["type"] + "|" + table["name"]).map(place),
        share=table["joint_services"] > 0,
        services=table["joint_services"],
    )
    means = named.groupby(["policy", "place"], observed=True)[["share", "services"]].mean()
    means = means.assign(replications=len(run.replications)).reset_index()
    council = means["place"].map(dict(enumerate(run.register.told_apart)))
    return means.assign(council=council)[list(COLUMNS["sharing"])]


# The fund

MOVED = {"paid out": "fund_paid", "repaid": "fund_repaid", "written off": "fund_written_off"}
"""What the fund did, and the measure of it."""
BALANCE = "balance"


def fund(run: RunDirectory) -> pd.DataFrame:
    """Return the books of the fund: a row a policy, replication, time and quantity.

    The balance is read from the ledger, and left out of run directories that hold none.
    """
    measures, times = by_period(run)
    books = {name: measures[each].sum(axis=-1).cumsum(axis=-1) for name, each in MOVED.items()}
    balance = _balance(run)
    if balance is not None:
        books = {BALANCE: balance.reshape(*balance.shape[:2], len(times), -1)[..., -1]} | books
    frames = [_period_rows(run, times, each).assign(quantity=name) for name, each in books.items()]
    return pd.concat(frames)[list(COLUMNS["fund"])].reset_index(drop=True)


def _balance(run: RunDirectory) -> FloatArray | None:
    """Return what is in the fund, £m, shape (policies, replications, quarters)."""
    table = run.event("ledger") if "ledger" in run.events() else pd.DataFrame()
    if not {"from_class", "to_class"} <= set(table) or not set(run.replications) <= set(
        table["replication"]
    ):
        return None
    sign = (table["to_class"] == "fund").astype(int) - (table["from_class"] == "fund").astype(int)
    moved = (sign * table["amount"] / PENCE).groupby(
        [table["policy"], table["replication"], table["quarter"].clip(lower=1)]
    )
    every = pd.MultiIndex.from_product(
        [list(run.policies), run.replications, range(1, run.quarters + 1)]
    )
    changes = moved.sum().reindex(every, fill_value=0.0).to_numpy(np.float64)
    shape = (len(run.policies), len(run.replications), run.quarters)
    balance: FloatArray = changes.reshape(shape).cumsum(axis=-1)
    return balance


# Who shares with whom, and who gains


def links(run: RunDirectory) -> pd.DataFrame:
    """Return pairs of councils that share at the end: a row a policy, leader and member.

    They are of one replication, the first of which events are kept. Empty where none are.
    """
    about = read_partnerships(run)
    rows = (
        []
        if about is None
        else [
            (policy, about.replications[0], lead, member, many)
            for policy in about.labels
            for (lead, member), many in links_between(about.performing(policy)).items()
        ]
    )
    return pd.DataFrame(rows, columns=list(COLUMNS["links"]))


def savings_by_group(run: RunDirectory, by: Grouping = "type") -> pd.DataFrame:
    """Return what groups of councils gain by each policy, discounted, with intervals.

    Empty where there is no policy to compare, or the table of councils, made by an earlier
    version, tells no discounted savings.

    Raises:
        InputError: councils are not grouped so.
    """
    return savings_of(appraise(run, statistics.summarise(run)), by)


def savings_of(about: Appraisal, by: Grouping = "type") -> pd.DataFrame:
    """Return the rows of an appraisal on one kind of groups, as `savings_by_group` does."""
    kinds = get_args(Grouping.__value__)
    if by not in kinds:
        raise InputError(f"no grouping of councils by {by!r}; known: {', '.join(kinds)}")
    if not about.knows_groups:
        return pd.DataFrame(columns=list(COLUMNS["savings_by_group"]))
    rows = about.gains[about.gains["grouping"] == by]
    ends = {f"gain_{end}": rows[end] for end in ("low", "high")}
    points = {end: 100.0 * rows[end] / rows["counterfactual"] for end in ("low", "high")}
    told = rows.rename(columns={"title": "group", "difference": "gain"})
    return told.assign(difference=rows["per_cent"], **ends, **points)[
        list(COLUMNS["savings_by_group"])
    ].reset_index(drop=True)
