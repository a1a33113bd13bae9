"""Partnerships of a run directory: who shares with whom, how far groups came, how long they took.

All is read from the tables `partnerships` and `decisions`, which most run directories hold of the
first replication only; so everything here is one simulated history a policy, and no verdict.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agents.columns import IntArray
from agents.partnership import CAUSES, ENDED_HOW, FELL_APART, Stage
from results.store import RunDirectory
from results.words import count, listed, listing

STAGES = ("began to talk", "began to differ", "settled", "signed")
"""What groups reach one after the other; the first joint contract is what they sign."""
ON, STILL = "went on", "still on the way"
"""What became of a group at a stage, beside the reasons for which groups end."""
NOTHING, LEFT_BEHIND = "nothing in particular", "left behind when the group fell apart"
"""What is said of members against whose group nothing spoke, and of those that others left."""
CAUSE_WORDS = {CAUSES[0]: NOTHING, CAUSES[FELL_APART]: LEFT_BEHIND}
COLUMNS = {
    "partnerships": {"formed", "stormed", "normed", "performed", "lead", "segment", "stage",
                     "ended_how"},
    "members": {"partnership", "council", "until"},
}  # fmt: skip
"""What is read of tables; directories made by earlier versions lack some of it."""
MOST_TOLD = 6
"""Policies that one sentence tells of."""
FEWEST = 5
"""Times to agreement below which no spread is told."""
UNTOLD = (
    "How partnerships fared is not shown: this run directory does not hold their stages and "
    "members. Directories made by earlier versions do not, nor do those whose first replication is "
    "not complete."
)
NONE_FORMED = (
    "No partnership stood in 2006 and none formed in the replication whose events are kept."
)


@dataclass(frozen=True, eq=False)
class Partnerships:
    """What the tables of a run directory say of partnerships.

    Attributes:
        labels: policies by name, in words, the baseline first.
        groups: the table `partnerships`, complete replications only, and a column ``together``:
            a list of the names of members that a group has at the end, the leader's first.
        decisions: the table `decisions`, likewise; None where it is not stored.
        replications: those of which there are tables, in order; at least one.
        alone: whether they are of one run that stands by itself.
    """

    labels: Mapping[str, str]
    groups: pd.DataFrame
    decisions: pd.DataFrame | None
    replications: tuple[int, ...]
    alone: bool = False

    @property
    def baseline(self) -> str:
        """Name of the policy against which the others are compared."""
        return next(iter(self.labels))

    @property
    def whole(self) -> str:
        """Which replications these are, in words."""
        many = len(self.replications)
        return _first(self) if many == 1 else f"{count(many)} replications together"

    def of(self, policy: str) -> pd.DataFrame:
        """Return the groups of one policy that formed in its runs, without those of 2006."""
        return self.groups[(self.groups["policy"] == policy) & (self.groups["formed"] > 0)]

    def founding(self, policy: str) -> pd.DataFrame:
        """Return the groups of one policy that stood in 2006."""
        return self.groups[(self.groups["policy"] == policy) & (self.groups["formed"] <= 0)]

    def performing(self, policy: str) -> pd.DataFrame:
        """Return the groups of one policy that perform at the end, in the first replication."""
        table = self.groups
        chosen = (table["policy"] == policy) & (table["replication"] == self.replications[0])
        return table[chosen & (table["stage"] == _performing())]

    @property
    def told(self) -> list[str]:
        """The policies of which sentences tell: the first ``MOST_TOLD``."""
        return list(self.labels)[:MOST_TOLD]


def read_partnerships(run: RunDirectory) -> Partnerships | None:
    """Return what ``run`` holds of partnerships; None where it lacks their stages and members."""
    if not _tells(run):
        return None
    groups = _with_members(run.event("partnerships"), run.event("members"))
    groups = groups[groups["replication"].isin(run.replications)]
    if groups.empty:
        return None
    labels = {name: policy.label for name, policy in run.policies.items()}
    held = tuple(sorted({int(each) for each in groups["replication"]}))
    alone = len(labels) == len(run.replications) == 1
    return Partnerships(labels, groups, _decisions(run), held, alone)


def why_untold(run: RunDirectory) -> str:
    """Return why `read_partnerships` has nothing to say of ``run``."""
    return NONE_FORMED if _tells(run) and run.event("partnerships").empty else UNTOLD


def _tells(run: RunDirectory) -> bool:
    """Say whether ``run`` holds the tables that are read, with their columns."""
    held = run.events()
    return all(name in held and wanted <= set(run.event(name)) for name, wanted in COLUMNS.items())


def _with_members(groups: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Return ``groups`` with the column ``together``."""
    together: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    last = members[members["until"] == 0]
    keys = last[["policy", "replication", "partnership"]].itertuples(index=False, name=None)
    for key, council in zip(keys, last["council"].astype(str), strict=True):
        together[key].append(council)
    rows = groups.groupby(["policy", "replication"], sort=False, observed=True).cumcount()
    keys = zip(groups["policy"], groups["replication"], rows, strict=True)
    leads = groups["lead"].astype(str)
    named = [_led(together[key], lead) for key, lead in zip(keys, leads, strict=True)]
    return groups.assign(together=pd.Series(named, index=groups.index, dtype=object))


def _led(members: list[str], lead: str) -> list[str]:
    """Return ``members`` with the leader first."""
    return sorted(members, key=lambda member: member != lead)


def _decisions(run: RunDirectory) -> pd.DataFrame | None:
    if "decisions" not in run.events():
        return None
    table = run.event("decisions")
    return table[table["replication"].isin(run.replications)]


def _performing() -> str:
    return Stage.PERFORMING.name.lower()


# Who shares with whom


def links(groups: pd.DataFrame) -> Counter[tuple[str, str]]:
    """Return how many services a leader (first) and a member share, by the pair of their names."""
    return Counter(
        (together[0], member) for together in groups["together"] for member in together[1:]
    )


def services_shared(groups: pd.DataFrame) -> dict[str, list[str]]:
    """Return what each council shares, by name: for each service its segment and partners."""
    shared: dict[str, list[str]] = {}
    segments = groups["segment"].astype(str).str.replace("_", " ")
    for together, what in zip(groups["together"], segments, strict=True):
        for council in together:
            partners = listing([name for name in together if name != council] or ["nobody else"])
            shared.setdefault(council, []).append(f"{what} with {partners}")
    return shared


# How far groups came


@dataclass(frozen=True, eq=False)
class Flow:
    """What became of groups at each stage.

    Attributes:
        fates: ``ON`` (reached the next stage, or, for the last, performs at the end), then reasons
            for ending in the order of `ENDED_HOW`, then ``STILL``.
        counts: groups, shape (stages of `STAGES`, fates); a row adds up to those that reached it.
    """

    fates: tuple[str, ...]
    counts: IntArray

    @property
    def reached(self) -> list[int]:
        """How many groups reached each stage."""
        return [int(many) for many in self.counts.sum(axis=1)]

    @property
    def performing(self) -> int:
        """How many groups perform at the end."""
        return int(self.counts[-1, 0])

    @property
    def still(self) -> int:
        """How many groups are on the way at the end, to their first joint contract or the next."""
        return int(self.counts[:, -1].sum())

    @property
    def ends(self) -> dict[str, int]:
        """How many groups ended for what reason, most frequent first."""
        total = dict(zip(self.fates, self.counts.sum(axis=0).tolist(), strict=True))
        return dict(sorted(list(total.items())[1:-1], key=lambda each: -each[1]))

    @property
    def ends_by_stage(self) -> dict[str, int]:
        """How many groups ended for what reason after what stage, in words."""
        return {
            f"{why}, after they {stage}": int(many)
            for stage, row in zip(STAGES, self.counts, strict=True)
            for why, many in list(zip(self.fates, row, strict=True))[1:-1]
            if many
        }


def flow(groups: pd.DataFrame) -> Flow:
    """Return what became of ``groups`` at each stage that they reached."""
    depth = groups[["stormed", "normed", "performed"]].notna().sum(axis=1).to_numpy(np.int64)
    fate = [_fate(*each) for each in zip(groups["stage"], groups["ended_how"], strict=True)]
    known = [reason for reason in ENDED_HOW if reason in fate]
    fates = (ON, *known, *sorted(set(fate) - {ON, STILL, *known}), STILL)
    counts = np.zeros((len(STAGES), len(fates)), dtype=np.int64)
    np.add.at(counts, (depth, np.array([fates.index(each) for each in fate], dtype=np.int64)), 1)
    counts[:-1, 0] += [int((depth > place).sum()) for place in range(len(STAGES) - 1)]
    return Flow(fates, counts)


def _fate(stage: object, ended_how: object) -> str:
    if stage == Stage.DISSOLVED.name.lower():
        return str(ended_how)
    return ON if stage == _performing() else STILL


def causes(decisions: pd.DataFrame) -> dict[str, int]:
    """Return why members left groups of one policy: decisions to leave by cause, in words.

    Under ``LEFT_BEHIND`` are members that had not decided to go.
    """
    left = decisions.loc[~decisions["stays"].astype(bool), "cause"].astype(str)
    return dict(Counter(CAUSE_WORDS.get(cause, cause) for cause in left))


# How long they took


def quarters_to_agree(groups: pd.DataFrame) -> IntArray:
    """Return quarters from first talks to the first joint contract, sorted; of who signed one."""
    signed = groups[groups["performed"].notna()]
    return np.sort((signed["performed"] - signed["formed"]).to_numpy(np.int64))


def within(took: IntArray, share: float) -> int:
    """Return the least number of quarters within which a ``share`` of those that signed did."""
    return int(np.quantile(took, share, method="inverted_cdf"))


# In words


def map_words(about: Partnerships) -> str:
    """Return one sentence on how many share at the end, in the first replication."""
    told = [_sharing_clause(about, policy) for policy in about.told]
    return f"In {_first(about)}, {'; '.join(told)}.{_untold(about)}"


def stages_words(about: Partnerships) -> str:
    """Return one sentence on how far groups came, and why they ended."""
    told = [_stages_clause(about, policy) for policy in about.told]
    return f"In {about.whole}, {'; '.join(told)}.{_untold(about)}"


def agreement_words(about: Partnerships) -> str:
    """Return one sentence on how long groups took to agree."""
    told = [_agreement_clause(about, policy) for policy in about.told]
    return f"In {about.whole}, {'; '.join(told)}.{_untold(about)}"


def _untold(about: Partnerships) -> str:
    """Return which policies the sentences leave out, if any."""
    left = [label for policy, label in about.labels.items() if policy not in about.told]
    return f" Left out here: {listed(left)}." if left else ""


def _first(about: Partnerships) -> str:
    if about.alone:
        return "this run"
    return "the first replication" if about.replications[0] == 0 else "one replication"


def _sharing_clause(about: Partnerships, policy: str) -> str:
    groups = about.performing(policy)
    councils = {name for together in groups["together"] for name in together}
    return (
        f"under {about.labels[policy]} {_many(len(groups), 'partnership')} perform"
        f"{'s' if len(groups) == 1 else ''} at the end, between {len(councils):,} councils"
    )


def _stages_clause(about: Partnerships, policy: str) -> str:
    seen = flow(about.of(policy))
    if not seen.reached[0]:
        return f"under {about.labels[policy]} no group formed"
    return (
        f"under {about.labels[policy]} {seen.reached[-1]:,} of {_many(seen.reached[0], 'group')} "
        f"that began to talk signed a joint contract and {seen.performing:,} of these still "
        f"perform at the end, while {sum(seen.ends.values()):,} ended, before they signed or "
        f"after{_reasons(seen.ends)}"
    )


def _reasons(ends: Mapping[str, int]) -> str:
    """Return the two most frequent reasons with their numbers, and how many had another."""
    first = dict(list(ends.items())[:2])
    rest = sum(ends.values()) - sum(first.values())
    told = [
        f"{why} {many:,}" for why, many in (first | ({"otherwise": rest} if rest else {})).items()
    ]
    return f": {', '.join(told)}" if told else ""


def _agreement_clause(about: Partnerships, policy: str) -> str:
    took, label = quarters_to_agree(about.of(policy)), about.labels[policy]
    if not len(took):
        return f"under {label} no group signed"
    if len(took) < FEWEST:
        each = listing([str(one) for one in took.tolist()])
        return f"under {label} {_many(len(took), 'group')} signed, after {each} quarters"
    return (
        f"under {label} half of the {len(took):,} groups that signed did so within "
        f"{within(took, 0.5)} quarters of their first talks, and three in four within "
        f"{within(took, 0.75)}"
    )


def _many(many: int, thing: str) -> str:
    return f"{many:,} {thing}{'' if many == 1 else 's'}"
