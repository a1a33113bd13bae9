"""Why a policy makes a difference: what was decided otherwise, and what that did to costs.

How often things were decided, and what councils paid for what, is known of every replication, so
differences have intervals. What was decided first, and how contracts went, is told of the first
replication, whose events are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from results.books import Books
from results.intervals import FloatArray, t_interval
from results.store import RunDirectory

COUNTERFACTUAL = "Counterfactual: the same services in-house, carried forward"
FUND = "Received from the fund, less repaid"
TOTAL = "Councils' realised saving"
DECIDED: Mapping[str, str] = {
    "tenders": "Tenders put to the market",
    "failed_tenders": "Tenders without an award",
    "submitted_bids": "Bids made",
    "awards": "Contracts awarded",
    "sme_awards": "Contracts awarded to SMEs",
    "partnerships_formed": "Groups that began to form",
    "walked_away": "Members that walked away before agreement",
    "voted_against": "Votes against a business case",
    "partnerships_agreed": "Joint contracts signed by groups",
    "withdrew": "Members that left a joint contract",
    "joined_later": "Services that joined a joint contract in force",
    "projects_started": "Projects set up and signed",
    "projects_unfunded": "Attempts at projects without cash",
    "disputes": "Disputes over price",
    "rescues": "Losses that suppliers made good",
    "early_terminations": "Contracts ended early by a loss, a dispute or a failure",
    "supplier_failures": "Suppliers that failed",
    "entrants": "Suppliers that entered",
    "leavers": "Suppliers that left",
}
"""Measures that count what was decided or happened, and what they are called, as a quarter goes."""
COLUMNS = ("policy", "title", "baseline", "difference", "low", "high", "pairs")
TENDER = ("quarter", "lead", "segment", "councils", "procedure", "winner", "reason")
"""What is compared of tenders."""


@dataclass(frozen=True, eq=False)
class Changes:
    """What each policy changes.

    Attributes:
        run: the run directory.
        books: its ledgers; None where they are not kept by class of account.
    """

    run: RunDirectory
    books: Books | None

    @cached_property
    def decided(self) -> pd.DataFrame:
        """How often what was decided: a row a policy and kind, columns ``COLUMNS``; counts a run.

        ``difference`` is the mean paired difference with its 95% interval ``low`` to ``high``.
        """
        measures = self.run.measures(self.run.replications)
        counted = {name: measures[name].sum(axis=-1) for name in DECIDED}
        return self._frame({DECIDED[name]: values for name, values in counted.items()})

    @cached_property
    def costs(self) -> pd.DataFrame | None:
        """What councils saved by what for: a row a policy and purpose, columns ``COLUMNS``.

        £m NPV, and a plus is a saving. From the counterfactual on, the values of the baseline and
        the differences of a policy add up to the last row, that of councils' realised saving. None
        without ledgers.
        """
        if self.books is None:
            return None
        measures = self.run.measures(self.run.replications)
        discount = measures["discount"]
        fund = ((measures["fund_paid"] - measures["fund_repaid"]) * discount).sum(axis=-1)
        total = (measures["councils_saving"] * discount).sum(axis=-1)
        saved = {title: -paid for title, paid in self.books.council_costs().items()}
        whole = (measures["counterfactual"] * discount).sum(axis=-1)
        return self._frame({COUNTERFACTUAL: whole, **saved, FUND: fund, TOTAL: total})

    def _frame(self, values: Mapping[str, FloatArray]) -> pd.DataFrame:
        rows = [
            _row(policy, title, each[0], each[place])
            for place, policy in enumerate(self.run.policies)
            if place
            for title, each in values.items()
            if each.any()
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @cached_property
    def tenders(self) -> pd.DataFrame | None:
        """Tenders of the first complete replication whose events are kept; None without any."""
        return _first_of(self.run, "tenders", TENDER)

    @cached_property
    def contracts(self) -> pd.DataFrame | None:
        """Contracts of that replication; None without any."""
        return _first_of(self.run, "contracts", ("councils", "ended_how"))

    def first_tender(self, policy: str) -> "Turning | None":
        """Return the first tender that went another way; None where none did, or none is kept."""
        if self.tenders is None:
            return None
        ours, theirs = (_of(self.tenders, name) for name in (self.run.baseline, policy))
        both = ours.merge(theirs, how="outer", on=[*TENDER, "repeat"], indicator=True)
        parted = both[both["_merge"] != "both"]
        if parted.empty:
            return None
        now = parted[parted["quarter"] == parted["quarter"].min()]
        return _turning(now)

    def counted(self) -> dict[str, dict[str, int]]:
        """Return how tenders and contracts went in that replication, by kind and policy."""
        found: dict[str, dict[str, int]] = {}
        for policy in self.run.policies:
            for kind, many in _kinds(self.tenders, self.contracts, policy).items():
                found.setdefault(kind, dict.fromkeys(self.run.policies, 0))[policy] = many
        return {kind: many for kind, many in found.items() if any(many.values())}


@dataclass(frozen=True)
class Turning:
    """The first tender that went another way: when, whose, for what, and how it went in either run.

    ``baseline`` and ``policy`` are words; empty where that run has no such tender.
    """

    quarter: int
    lead: str
    segment: str
    baseline: str
    policy: str


def _row(policy: str, title: str, ours: FloatArray, theirs: FloatArray) -> dict[str, object]:
    differences = theirs - ours
    low, high = t_interval(differences)
    return {
        "policy": policy,
        "title": title,
        "baseline": ours.mean(),
        "difference": differences.mean(),
        "low": low,
        "high": high,
        "pairs": len(differences),
    }


def _first_of(run: RunDirectory, name: str, columns: tuple[str, ...]) -> pd.DataFrame | None:
    if name not in run.events():
        return None
    table = run.event(name)
    kept = sorted(set(table["replication"].unique()) & set(run.replications))
    enough = bool(kept) and set(columns) <= set(table.columns)
    return pd.DataFrame(table[table["replication"] == kept[0]]) if enough else None


def _of(tenders: pd.DataFrame, policy: str) -> pd.DataFrame:
    """Return what is compared of one policy's tenders, those alike told apart by number."""
    chosen = tenders.loc[tenders["policy"] == policy, list(TENDER)].astype(
        {name: object for name in TENDER if name not in ("quarter", "councils")}
    )
    chosen = chosen.fillna("")
    return chosen.assign(repeat=chosen.groupby(list(TENDER)).cumcount())


def _turning(now: pd.DataFrame) -> Turning:
    """Return the change that is easiest to tell: of a tender that both runs have, if there is one.

    ``now`` holds the tenders of one quarter that only one of two runs has.
    """
    now = now.sort_values(["lead", "segment"], kind="stable")
    sides = now.groupby(["lead", "segment"])["_merge"].nunique()
    shared = sides.index[sides == 2]
    lead, segment = shared[0] if len(shared) else now.iloc[0][["lead", "segment"]]
    chosen = now[(now["lead"] == lead) & (now["segment"] == segment)]
    ours, theirs = (_told(chosen[chosen["_merge"] == side]) for side in ("left_only", "right_only"))
    return Turning(int(chosen["quarter"].iloc[0]), str(lead), str(segment), ours, theirs)


def _told(rows: pd.DataFrame) -> str:
    """Return how a tender went in words; nothing where there is none."""
    if rows.empty:
        return ""
    row = rows.iloc[0]
    many = int(row["councils"])
    together = "alone" if many == 1 else f"for {many} councils together"
    procedure = str(row["procedure"]).replace("_", " ")
    won = f"won by {row['winner']}" if row["winner"] else f"not awarded ({row['reason']})"
    return f"{together}, by {procedure}, {won}"


def _kinds(
    tenders: pd.DataFrame | None, contracts: pd.DataFrame | None, policy: str
) -> dict[str, int]:
    """Return how tenders and contracts of one policy went, counted."""
    found: dict[str, int] = {}
    if tenders is not None:
        own = tenders[tenders["policy"] == policy]
        joint = own["councils"].to_numpy(np.int64) > 1
        found |= {"Tenders by one council": int((~joint).sum())}
        found |= {"Tenders by councils together": int(joint.sum())}
        found |= _named("Tenders:", own["reason"])
    if contracts is not None:
        own = contracts[contracts["policy"] == policy]
        found |= _named("Contracts:", own["ended_how"])
    return found


def _named(kind: str, values: "pd.Series[str]") -> dict[str, int]:
    return {f"{kind} {name}": int(many) for name, many in values.value_counts().items()}
