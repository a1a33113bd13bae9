"""Frames of a run directory: what charts are drawn from and what is exported as CSV.

A row is one observation. Policies stand in the run's own order, the baseline first; only
replications that are complete for every policy are counted. `COLUMNS` says what each column holds
and in what unit.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results import statistics
from results.store import RunDirectory
from simulation import horizon
from simulation.levers import FIRST_YEAR, QUARTERS_PER_YEAR
from simulation.outcomes import OUTCOMES

type FloatArray = NDArray[np.float64]

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
        "matters": "the smallest difference that matters, in the same unit",
    },
    "sharing": {
        "policy": "name of the policy",
        "council": "name of the council, with its type where a name stands twice",
        "share": "share, 0 to 1, of replications in which it is in a joint contract at the end",
        "services": "its services in joint contracts at the end, mean over replications",
        "replications": "replications counted",
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
    """
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
    values = statistics.horizon_values(run, run.replications)
    scaled = statistics.scaled_outcomes(run)
    rows = [
        _run_rows(run, name, each - each[:1]).assign(matters=scaled[name].matters)
        for name, each in values.items()
    ]
    frame = pd.concat(rows).rename(columns={"value": "difference"})
    kept = frame[(frame["policy"] != run.baseline) & frame["difference"].notna()]
    return kept[list(COLUMNS["differences"])].reset_index(drop=True)


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
