"""The appraisal that an economist expects: who gains what, and what a fund buys.

All money is net present value in April 2006, £m at 2006 prices, at the discount rate of each
replication. What councils, the Exchequer and suppliers gain are parts of one sum: prices, claims
and repayments move money between them and cancel; what is left is resources saved. Everything is a
paired difference: policy less baseline within one replication.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from results.books import FIRMS, Books, by_run, read_books
from results.intervals import FloatArray, ratio_interval, t_interval
from results.statistics import Comparison, verdicts
from results.store import RunDirectory
from simulation.outcomes import OUTCOMES, Outcome
from simulation.register import COUNCIL_TYPES

PUBLIC, EXCHEQUER, COUNCILS = "public", "exchequer", "councils"
SUPPLIERS, EVERYONE = "suppliers", "everyone"
TOTALS = "total"
GROUPINGS: Mapping[str, str] = {
    TOTALS: "Together",
    "type": "Councils by type",
    "size": "Councils by size within their type",
    "region": "Councils by region",
}
"""Kinds of parties, and what opens their table."""
TYPE_TITLES = dict(
    zip(
        COUNCIL_TYPES,
        ("Counties", "Districts", "Unitaries", "Metropolitan districts", "London boroughs"),
        strict=True,
    )
)
SIZES = ("Smallest quarter", "Second quarter", "Third quarter", "Largest quarter")
NPV_COLUMNS = ("saving_npv_m", "counterfactual_npv_m")
COLUMNS = (
    "policy", "grouping", "party", "title", "councils", "counterfactual", "baseline", "difference",
    "low", "high", "p10", "p90", "per_cent", "matters", "gains_in", "pairs", "verdict",
)  # fmt: skip
FUND_COLUMNS = (
    "policy", "paid", "repaid", "written_off", "still_out", "net_cost", "saving",
    "per_paid", "per_paid_low", "per_paid_high",
    "per_net", "per_net_low", "per_net_high",
    "benefit", "benefit_cost", "benefit_cost_low", "benefit_cost_high",
    "claims", "claims_with_cash", "projects", "projects_low", "projects_high",
    "projects_per_claim", "projects_per_claim_low", "projects_per_claim_high", "pairs",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Party:
    """Somebody who gains or loses.

    Attributes:
        grouping: one of ``GROUPINGS``.
        name: its name in frames.
        title: its name for people.
        values: what it has under each policy, £m NPV, policies x replications.
        counterfactual: in-house cost of its services carried forward, likewise; None for others
            than councils.
        councils: how many they are, 0 for others.
        margin: smallest change that matters, £m NPV.
    """

    grouping: str
    name: str
    title: str
    values: FloatArray
    counterfactual: FloatArray | None
    councils: int
    margin: float


@dataclass(frozen=True, eq=False)
class Appraisal:
    """Who gains and who loses by each policy, and what its fund buys.

    Attributes:
        run: the run directory.
        summary: its summary, whose verdicts on the public and the Exchequer stand.
        books: its ledgers; None where they are not kept by class of account.
    """

    run: RunDirectory
    summary: pd.DataFrame
    books: Books | None

    @cached_property
    def _measures(self) -> Mapping[str, FloatArray]:
        return self.run.measures(self.run.replications)

    def discounted(self, measure: str) -> FloatArray:
        """Return the discounted total of a measure, policies x replications."""
        return np.asarray((self._measures[measure] * self._measures["discount"]).sum(axis=-1))

    @cached_property
    def parties(self) -> list[Party]:
        """Everybody of whom the run directory tells, totals first."""
        return [*self._totals(), *self._groups()]

    @property
    def knows_groups(self) -> bool:
        """Whether the table of councils tells discounted savings; earlier versions' does not."""
        return self._councils is not None

    @property
    def knows_firms(self) -> bool:
        """Whether large suppliers are told apart from SMEs."""
        return self.books is not None and len(self.books.firms) == len(FIRMS)

    @cached_property
    def gains(self) -> pd.DataFrame:
        """Who gains and who loses: a row a policy and party, columns ``COLUMNS``.

        Money in £m NPV. ``baseline`` and ``counterfactual`` are the baseline's means,
        ``difference`` the mean paired difference with its 95% interval ``low`` to ``high`` and the
        10 to 90% range over replications; ``per_cent`` is the difference in % of the councils' own
        counterfactual, NaN for others. ``verdict`` is one of `statistics.VERDICTS`, "better" for a
        gain: those on the public and the Exchequer are the summary's; the others of one grouping,
        all policies together, are held to one error of 5% (Holm's correction).
        """
        compared = [
            (party, self._comparison(party, place))
            for place in range(1, len(self.run.policies))
            for party in self.parties
        ]
        held: dict[int, str] = {}
        for grouping in GROUPINGS:
            own = [
                one
                for party, one in compared
                if party.grouping == grouping and party.name not in _SUMMARISED
            ]
            held |= zip(map(id, own), verdicts(own), strict=True)
        rows = [
            _row(party, one, held.get(id(one)) or self._summarised(party, one.policy))
            for party, one in compared
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _comparison(self, party: Party, place: int) -> Comparison:
        return Comparison(
            policy=list(self.run.policies)[place],
            outcome=_outcome(party),
            shown=True,
            baseline=party.values[0],
            values=party.values[place],
            events=None,
            inert=False,
            seed=self.run.question.seed,
        )

    def _summarised(self, party: Party, policy: str) -> str:
        rows = self.summary[self.summary["outcome"] == _SUMMARISED[party.name]]
        return str(rows.loc[rows["policy"] == policy, "verdict"].item())

    # Parties

    def _totals(self) -> Iterator[Party]:
        whole, councils = self.discounted("counterfactual"), self._number_of_councils
        public = self.discounted("public_saving")
        suppliers = self.discounted("supplier_profit")
        made: list[tuple[str, str, FloatArray, FloatArray | None, int, str]] = [
            (PUBLIC, "The public: councils and Exchequer", public, whole, 0, "net_public_saving"),
            (COUNCILS, "Councils", self.discounted("councils_saving"), whole, councils,
             "net_public_saving"),
            (EXCHEQUER, "Exchequer", self.discounted("exchequer_saving"), None, 0,
             "exchequer_saving"),
            (SUPPLIERS, "Suppliers", suppliers, None, 0, "supplier_profit"),
        ]  # fmt: skip
        if self.books is not None:
            made += [
                (name, FIRMS[name], self.books.surplus(name), None, 0, "supplier_profit")
                for name in self.books.firms
            ]
        made.append(
            (EVERYONE, "All in this market: the public and suppliers", public + suppliers, whole,
             0, "net_public_saving")
        )  # fmt: skip
        for name, title, values, cost, many, like in made:
            yield Party(TOTALS, name, title, values, cost, many, _margin(like, whole))

    @property
    def _number_of_councils(self) -> int:
        return self.run.question.register.councils

    @cached_property
    def _councils(self) -> pd.DataFrame | None:
        """The table of councils with a column a grouping; None where it tells too little."""
        if "councils" not in self.run.events():
            return None
        table = self.run.event("councils")
        if not set(NPV_COLUMNS) <= set(table.columns):
            return None
        table = table[table["replication"].isin(self.run.replications)]
        return table.assign(size=_quarter_of(table)) if len(table) else None

    def _groups(self) -> Iterator[Party]:
        if self._councils is None:
            return
        for grouping in list(GROUPINGS)[1:]:
            names = self._councils[grouping].astype(object)
            for name in _ordered(grouping, names):
                yield self._group(grouping, name, self._councils[names == name])

    def _group(self, grouping: str, name: str, rows: pd.DataFrame) -> Party:
        shape = (len(self.run.policies), -1)
        sums = by_run(self.run, rows, list(NPV_COLUMNS))
        saving, cost = (sums[each].to_numpy(np.float64).reshape(shape) for each in NPV_COLUMNS)
        many = int(rows.groupby(["policy", "replication"]).size().max())
        title = TYPE_TITLES.get(name, name)
        margin = _margin("net_public_saving", cost)
        return Party(grouping, name, title, saving, cost, many, margin)

    # What a fund buys

    @cached_property
    def funds(self) -> pd.DataFrame:
        """What the Exchequer's money buys: a row a policy that pays, columns ``FUND_COLUMNS``.

        Differences from the baseline: money in £m NPV, the rest in numbers. ``net_cost`` is what
        the Exchequer paid, support to partnerships included, less what it was repaid; ``still_out``
        what is due to the fund after the horizon, discounted from its end; ``saving``
        the net public saving, from which that cost is already taken; ``benefit`` what councils
        gain before what the fund paid and was repaid. ``per_paid`` is the saving per £ paid by the
        fund, ``per_net`` per £ not repaid, ``benefit_cost`` the benefit per £ of net cost. Ratios
        are of means, their 95% intervals Fieller's; NaN where the denominator may be nought.
        ``claims_with_cash`` are the claims, in %, by projects whose councils had the cash;
        ``projects_per_claim`` the projects more than without the policy, per claim.
        """
        rows = [
            self._fund_row(place, name)
            for place, name in enumerate(self.run.policies)
            if place and self._costs(place)
        ]
        return pd.DataFrame(rows, columns=list(FUND_COLUMNS))

    def _costs(self, place: int) -> bool:
        """Say whether the Exchequer pays out more under the policy at ``place``."""
        cost = self._difference("exchequer_saving", place)
        paid = self._difference("fund_paid", place)
        return bool(paid.mean() > 0.0 or cost.mean() < 0.0) if len(cost) else False

    def _difference(self, measure: str, place: int, *, discounted: bool = True) -> FloatArray:
        plain = self._measures[measure].sum(axis=-1)
        values = self.discounted(measure) if discounted else plain
        return np.asarray(values[place] - values[0])

    def _fund_row(self, place: int, policy: str) -> dict[str, object]:
        paid, repaid = (self._difference(name, place) for name in ("fund_paid", "fund_repaid"))
        saving, cost = self._difference("public_saving", place), -self._difference(
            "exchequer_saving", place
        )  # fmt: skip
        claims, projects = (
            self._difference(name, place, discounted=False)
            for name in ("fund_claims", "projects_started")
        )
        low, high = t_interval(projects)
        lost = self._difference("fund_written_off", place)
        return {
            "policy": policy,
            "paid": paid.mean(),
            "repaid": repaid.mean(),
            "written_off": lost.mean(),
            "still_out": self._still_out(place).mean(),
            "net_cost": cost.mean(),
            "saving": saving.mean(),
            "benefit": (saving + cost).mean(),
            **_ratio("per_paid", saving, paid),
            **_ratio("per_net", saving, paid - repaid),
            **_ratio("benefit_cost", saving + cost, cost),
            "claims": claims.mean(),
            "claims_with_cash": self._with_cash(place),
            "projects": projects.mean(),
            "projects_low": low,
            "projects_high": high,
            **_ratio("projects_per_claim", projects, claims),
            "pairs": len(paid),
        }

    def _still_out(self, place: int) -> FloatArray:
        """Return what the fund is owed at the end, discounted from there, by replication."""
        lent, repaid, lost = (
            self._difference(name, place, discounted=False)
            for name in ("fund_lent", "fund_repaid", "fund_written_off")
        )
        return np.asarray((lent - repaid - lost) * self._measures["discount"][0, :, -1])

    def _with_cash(self, place: int) -> float:
        """Return the claims, in %, by projects whose councils could have found the cash."""
        with_cash, claims = (
            self._measures[name][place].sum() for name in ("fund_deadweight", "fund_claims")
        )
        return float(100.0 * with_cash / claims) if claims else math.nan


_SUMMARISED = {PUBLIC: "net_public_saving", EXCHEQUER: "exchequer_saving"}
"""Parties on whom the summary gives the verdict, and by which outcome."""


def appraise(run: RunDirectory, summary: pd.DataFrame) -> Appraisal:
    """Return the appraisal of the complete main replications of ``run``.

    Args:
        run: the run directory; one that lacks columns, made by an earlier version, gives less.
        summary: what `statistics.summarise` says of it.

    Raises:
        InputError: a table in it is damaged.
    """
    return Appraisal(run, summary, read_books(run))


def _margin(like: str, counterfactual: FloatArray) -> float:
    """Return what matters of an outcome, at the size of the baseline's mean counterfactual."""
    total = float(counterfactual[0].mean()) if counterfactual.size else math.nan
    return OUTCOMES[like].matters / 100 * abs(total)


def _quarter_of(table: pd.DataFrame) -> "pd.Series[str]":
    """Return in which quarter of its type, by population, each council is."""
    keys = ["policy", "replication", "type"]
    rank = table.groupby(keys)["population"].rank(method="first", pct=True)
    places = np.ceil(4 * rank.to_numpy(np.float64) - 1e-9).astype(np.int64) - 1
    return pd.Series(np.array(SIZES, dtype=object)[places], index=table.index)


def _ordered(grouping: str, names: "pd.Series[str]") -> Sequence[str]:
    known: Mapping[str, Sequence[str]] = {"type": COUNCIL_TYPES, "size": SIZES}
    seen = set(names.unique())
    return [name for name in known.get(grouping, sorted(seen)) if name in seen]


def _outcome(party: Party) -> Outcome:
    whole = OUTCOMES["net_public_saving"]
    return Outcome(
        party.name, party.title, whole.unit, "higher", party.margin, whole.rule, whole.definition
    )


def _row(party: Party, one: Comparison, verdict: str) -> dict[str, object]:
    numbers, cost = one.numbers, party.counterfactual
    mean = math.nan if cost is None else float(np.nanmean(cost[0]))
    difference = float(one.differences.mean()) if len(one.differences) else math.nan
    return {
        "policy": one.policy,
        "grouping": party.grouping,
        "party": party.name,
        "title": party.title,
        "councils": party.councils,
        "counterfactual": mean,
        "baseline": numbers["baseline_mean"],
        "difference": difference,
        "per_cent": 100.0 * difference / mean if mean else math.nan,
        "matters": party.margin,
        "gains_in": numbers["better_in"],
        "verdict": verdict,
        **{name: numbers[name] for name in ("low", "high", "p10", "p90", "pairs")},
    }


def _ratio(name: str, above: FloatArray, below: FloatArray) -> dict[str, float]:
    """Return a ratio of means with its interval; NaN where ``below`` may be nought or less."""
    low, high = ratio_interval(above, below)
    if math.isnan(low) or below.mean() <= 0.0:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), math.nan)
    ratio = float(above.mean() / below.mean())
    return {name: ratio, f"{name}_low": low, f"{name}_high": high}
