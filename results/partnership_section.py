"""The report's part on partnerships: its sentences, charts and tables, put together."""

from collections import Counter
from collections.abc import Mapping

from results import charts
from results.charts import MOST_PANELS
from results.intervals import FloatArray
from results.page import Figure, escape, hidden, paragraph, table
from results.partnerships import (
    LEFT_BEHIND,
    STAGES,
    Partnerships,
    agreement_words,
    causes,
    flow,
    map_words,
    quarters_to_agree,
    stages_words,
    within,
)
from results.store import RunDirectory
from results.words import EN_DASH, count
from simulation.register import Register

MAP, FLOW, AGREEMENT = "partnership-map", "partnership-stages", "partnership-agreement"
MOST_COLUMNS = 6
"""Policies in one table; more go into a table of their own below."""


def figures(about: Partnerships, register: Register) -> list[Figure]:
    """Return the charts that can be drawn, in order."""
    drawn = {
        MAP: (_map_caption(about), charts.partnership_map(about, register)),
        FLOW: (_flow_caption(about), charts.stages_chart(about)),
        AGREEMENT: (_agreement_caption(about), charts.agreement_chart(about)),
    }
    return [Figure(name, words, figure) for name, (words, figure) in drawn.items() if figure]


def content(about: Partnerships, drawn: Mapping[str, Figure], run: RunDirectory) -> str:
    """Return the whole part as HTML; ``drawn`` holds the charts of the page by name."""
    said = {MAP: map_words(about), FLOW: stages_words(about), AGREEMENT: agreement_words(about)}
    heads = {
        MAP: "Who shares with whom",
        FLOW: "How far groups come, and why they end",
        AGREEMENT: "How long it takes to agree",
    }
    parts = [
        f"<h3>{heads[name]}</h3>{paragraph(words)}{drawn[name].html if name in drawn else ''}"
        for name, words in said.items()
    ]
    said_first = f"{_about(about)} {standing(about, run)}".strip()
    return paragraph(said_first, "note") + parts[0] + parts[1] + _tables(about) + parts[2]


def _about(about: Partnerships) -> str:
    told = (
        f"This part tells what happened in {about.whole}, of which every event is kept (simulated)"
    )
    if len(about.labels) == 1:
        return f"{told}. Another run would differ, if only by luck: it bears no verdict."
    return f"{told}. What differs between policies here may be luck: it bears no verdict."


def standing(about: Partnerships, run: RunDirectory) -> str:
    """Return where the one replication that is told stands among all, by councils that share.

    Nothing where more than one is told, or there is no other.
    """
    many = len(run.replications)
    if len(about.replications) > 1 or many == 1:
        return ""
    place = run.replications.index(about.replications[0])
    shared = run.measures(run.replications)["shared_councils"][:, :, -1]
    policies = list(run.policies)[: MOST_COLUMNS if len(run.policies) <= MOST_COLUMNS else 1]
    told = [
        f"{run.policies[name].label} {_standing(shared[list(run.policies).index(name)], place)}"
        for name in policies
    ]
    return (
        f"Among all {count(many)} replications it stands so, by councils in a shared service at "
        f"the end: {'; '.join(told)}."
    )


def _standing(values: FloatArray, place: int) -> str:
    """Return the value at ``place``, and how many of the others have fewer and more."""
    own = values[place]
    fewer, more = (_how_many(int(each.sum())) for each in (values < own, values > own))
    return f"{own:,.0f} (mean {values.mean():,.0f}; fewer in {fewer}, more in {more})"


def _how_many(many: int) -> str:
    return count(many) if many else "none"


def _map_caption(about: Partnerships) -> str:
    return (
        "Partnerships that perform at the end (simulated). A line joins a member to the council "
        "that leads, thicker where they share more services; the darker a hexagon, the more "
        "services its council shares. Counties whose districts are drawn stand aside, and their "
        f"lines start from a diamond amid their districts.{_cut(about)}"
    )


def _flow_caption(about: Partnerships) -> str:
    return (
        "What became of groups at each stage, as a share of the groups that began to talk "
        "(simulated); figures in the bars count groups. A bar holds those that reached a stage: "
        "how many went on (after signing: still perform at the end), how many ended there and why, "
        "and how many are still on the way at the end. Groups that stood in 2006 are left out."
        f"{_cut(about)}"
    )


def _cut(about: Partnerships) -> str:
    return charts.left_out(list(about.labels.values()), MOST_PANELS)


def _agreement_caption(about: Partnerships) -> str:
    return (
        "Quarters from first talks to the first joint contract, as a share of the groups that "
        "signed one (simulated). Groups that ended before, or were still preparing at the end, "
        "have no such time, so that for all that began it may well take longer. The dotted line: "
        f"by then half of those that signed had done so.{_cut(about)}"
    )


# Tables


def _tables(about: Partnerships) -> str:
    return (
        _funnel_table(about)
        + hidden("Why groups ended, in numbers", _ends_table(about))
        + hidden("What moved members who left, in numbers", _causes_table(about))
    )


def _funnel_table(about: Partnerships) -> str:
    heads = ["Policy", *(stage.capitalize() for stage in STAGES), "Perform at the end", "Ended",
             "Still on the way", "Half of those that signed, within",
             "Of those of 2006, perform"]  # fmt: skip
    rows = [_funnel_row(about, policy) for policy in about.labels]
    return table("Groups by the stage that they reached", heads, rows)


def _funnel_row(about: Partnerships, policy: str) -> list[str]:
    groups, old = about.of(policy), about.founding(policy)
    seen, took = flow(groups), quarters_to_agree(groups)
    numbers = [*seen.reached, seen.performing, sum(seen.ends.values()), seen.still]
    half = f"{within(took, 0.5)} quarters" if len(took) else EN_DASH
    stood = flow(old).performing
    figures = [f"{each:,}" for each in numbers]
    return [escape(about.labels[policy]), *figures, half, f"{stood:,} of {len(old):,}"]


def _ends_table(about: Partnerships) -> str:
    by_policy = {policy: flow(about.of(policy)).ends_by_stage for policy in about.labels}
    caption = "Groups that ended, by reason and by the last stage that they had reached"
    return _counts(about, "Reason and stage", caption, by_policy)


def _causes_table(about: Partnerships) -> str:
    if about.decisions is None:
        return ""
    all_of = about.decisions
    by_policy = {policy: causes(all_of[all_of["policy"] == policy]) for policy in about.labels}
    caption = (
        "Members that left, walked away or voted no, by what spoke most against staying; apart "
        "from these, members that stayed until others ended their group"
    )
    return _counts(about, "Cause", caption, by_policy, last=LEFT_BEHIND)


def _counts(
    about: Partnerships,
    head: str,
    caption: str,
    by_policy: Mapping[str, Mapping[str, int]],
    last: str = "",
) -> str:
    """Return tables of counts, a row a reason, and a column a policy.

    The most frequent reason comes first; the one called ``last`` comes last.
    """
    total: Counter[str] = Counter()
    for counted in by_policy.values():
        total.update(counted)
    names = list(about.labels)
    parts = [names[start : start + MOST_COLUMNS] for start in range(0, len(names), MOST_COLUMNS)]
    made = []
    for part in parts:
        heads = [head, *(escape(about.labels[policy]) for policy in part)]
        rows = [
            [escape(why), *(f"{by_policy[policy].get(why, 0):,}" for policy in part)]
            for why, _ in sorted(total.most_common(), key=lambda each: each[0] == last)
        ]
        made.append(table(caption, heads, rows))
    return "".join(made) if total else ""
