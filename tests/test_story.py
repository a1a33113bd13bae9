"""The story of one council: what the tables hold, the second run, and what the command refuses."""

import dataclasses
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from agents.governance import NAMES
from experiments import otherwise
from experiments.asking import Changes, run_of
from experiments.otherwise import SETTLED, Resolved, Turn, relive
from experiments.question import Question
from experiments.run import run
from experiments.runs import founded, plan
from experiments.story import (
    FELL_APART,
    JOINED,
    NO_AGREEMENT,
    VOTED_AGAINST,
    VOTED_FOR,
    WALKED_AWAY,
    WAS_LEFT,
    WITHDREW,
    Deal,
    Decided,
    FailedTender,
    Group,
    Story,
    Vote,
    story_of,
    turning_point,
)
from experiments.storytelling import (
    MODELS,
    document,
    gain_words,
    partnerships,
    portrait,
    reading,
    text,
    trouble,
)
from results.store import open_run
from simulation import MarketModel
from simulation.randomness import Draws
from tests.worlds import QUICK, shire

pytestmark = pytest.mark.usefixtures("short_report")

LEVERS = "aggregation_threshold=3", "aggregation_mandate=0.8"
YEARS = 12
SEEDS = range(5, 40)
FAR_AWAY = b"\nLandsend,unitary,South West,,30000,50.1,-5.2,,\n"
"""A council that finds nobody to share with."""


class Ran(NamedTuple):
    """A run that is kept, and the turning points of its councils by row."""

    question: Question
    directory: Path
    turns: dict[int, Turn | None]

    def table(self, name: str) -> pd.DataFrame:
        """Return an event table."""
        return open_run(self.directory).event(name)


def whole(found: list[Turn | None]) -> bool:
    return {"stay", "settle", "out"} <= {turn.kind for turn in found if turn} and None in found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return the first run in which some stay, settle or stay out of what they did, some not."""
    folder = tmp_path_factory.mktemp("story")
    (folder / "shire.csv").write_bytes(shire(12).raw + FAR_AWAY)
    for seed in SEEDS:
        changes = Changes(seed=seed, years=YEARS, register=folder / "shire.csv")
        question = run_of("", None, None, LEVERS, changes)
        directory = folder / str(seed)
        run(question, directory)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("experiments.story.relive", lambda *_: None)
            rows = range(len(question.territory.register))
            told = [story_of(question, directory, row) for row in rows]
        turns = [turning_point(one.groups) for one in told if isinstance(one, Story)]
        if whole(turns):
            return Ran(question, directory, dict(enumerate(turns)))
    pytest.fail("no such run among the seeds")


def council_of(ran: Ran, kind: str | None) -> int:
    """Return the first council whose turning point is of ``kind``."""
    return next(row for row, turn in ran.turns.items() if (turn.kind if turn else None) == kind)


def story(ran: Ran, row: int) -> Story:
    told = story_of(ran.question, ran.directory, row)
    assert isinstance(told, Story)
    return told


@pytest.fixture(scope="module")
def stories(ran: Ran) -> dict[str | None, Story]:
    """Return a story for each kind of turning point, and one without."""
    return {kind: story(ran, council_of(ran, kind)) for kind in ("stay", "settle", "out", None)}


KINDS = ("stay", "settle", "out", None)
each_kind = pytest.mark.parametrize("kind", KINDS)


# Numbers are those of the tables


@each_kind
def test_the_portrait_is_the_row_of_the_council(
    ran: Ran, stories: dict[str | None, Story], kind: str | None
) -> None:
    row = ran.table("councils").iloc[council_of(ran, kind)]
    told = stories[kind].portrait
    for name in ("name", "type", "population", "control", "readiness", "sharing_stage"):
        assert getattr(told, name) == row[name]
    assert told.joint_quarters == row["joint_quarters"]
    assert f"{row['readiness']:.0f}% (stage: {row['sharing_stage']})" in portrait(stories[kind])


@each_kind
def test_savings_are_what_came_in_less_every_cost(
    ran: Ran, stories: dict[str | None, Story], kind: str | None
) -> None:
    row = ran.table("councils").iloc[council_of(ran, kind)]
    money = stories[kind].savings
    assert (money.saving, money.counterfactual) == (row["saving_m"], row["counterfactual_m"])
    left = money.counterfactual + money.fund - sum(money.costs.values())
    assert left == pytest.approx(money.saving, abs=1e-9)


def test_ranks_of_one_type_are_all_there(ran: Ran) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.story.relive", lambda *_: None)
        kinds = ran.question.territory.register.type
        rows = [row for row, kind in enumerate(kinds) if kind == "district"]
        told = [story(ran, row) for row in rows]
    assert sorted(one.savings.rank for one in told) == list(range(1, len(rows) + 1))
    for one in told:
        assert one.likes.sharing + one.likes.alone == len(rows) - 1


@each_kind
def test_groups_and_decisions_are_those_of_the_council(
    ran: Ran, stories: dict[str | None, Story], kind: str | None
) -> None:
    told = stories[kind]
    name = told.portrait.name
    members, decisions = ran.table("members"), ran.table("decisions")
    mine = members[members["council"] == name]
    assert sorted(one.row for one in told.groups) == sorted(mine["partnership"])
    assert [one.since for one in told.groups] == sorted(mine["since"])
    own = sum(len(one.own) for one in told.groups)
    assert own == (decisions["council"] == name).sum()


def test_votes_add_up(stories: dict[str | None, Story]) -> None:
    groups = [group for one in stories.values() for group in one.groups]
    assert any(group.votes for group in groups)
    for group in groups:
        for vote in group.votes:
            against = [one for one in group.left if one.what == VOTED_AGAINST]
            against += [one for one in group.own if one.what == VOTED_AGAINST]
            assert vote.noes == sum(one.quarter == vote.quarter for one in against)
            assert vote.ayes + vote.noes >= 2


@each_kind
def test_contracts_served_the_council(
    ran: Ran, stories: dict[str | None, Story], kind: str | None
) -> None:
    told = stories[kind]
    table = ran.table("contracts")
    alone = table[(table["lead"] == told.portrait.name) & (table["partnership"] < 0)]
    own = [one for one in told.deals if one.lead == told.portrait.name]
    assert len(own) >= len(alone)
    assert {one.supplier for one in told.deals} <= set(table["supplier"])
    known = set(zip(table["start"], table["price"], table["price_ratio"], strict=True))
    assert {(one.start, one.price, one.price_ratio) for one in told.deals} <= known


@each_kind
def test_the_council_s_part_is_what_its_own_service_costs(
    ran: Ran, stories: dict[str | None, Story], kind: str | None
) -> None:
    told = stories[kind]
    question = ran.question
    services = founded(plan(question)[0], question.territory.register, question.years).services
    costs = services.baseline[services.council == council_of(ran, kind)]
    for deal in told.deals:
        if deal.councils == 1 and deal.lead == told.portrait.name:
            assert deal.own_value == pytest.approx(deal.value, rel=1e-6)
        assert deal.own_price / deal.own_value == pytest.approx(deal.price / deal.value)
        assert deal.start > 4 or np.isclose(costs, deal.own_value, rtol=1e-6).any()
    for one in told.groups:
        assert 0 < one.own_value < one.first_value
        assert one.since > 4 or np.isclose(costs, one.own_value, rtol=1e-6).any()


def test_a_joint_contract_is_told_of_those_that_it_serves_only(ran: Ran) -> None:
    members = ran.table("members")
    waited = members[members["shared"].isna()]
    assert len(waited)
    register = ran.question.territory.register
    row = register.told_apart.index(str(waited["council"].iloc[0]))
    never = set(waited.loc[waited["council"] == register.told_apart[row], "partnership"])
    never -= set(members.loc[members["shared"].notna(), "partnership"])
    table = ran.table("contracts")
    unserved = table[table["partnership"].isin(never)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.story.relive", lambda *_: None)
        told = {(one.start, one.price) for one in story(ran, row).deals}
    assert not told & set(zip(unserved["start"], unserved["price"], strict=True))


@each_kind
def test_the_document_is_json_with_the_same_numbers(
    stories: dict[str | None, Story], kind: str | None
) -> None:
    told = json.loads(json.dumps(document(stories[kind]), allow_nan=False))
    assert told["savings"]["saving"] == stories[kind].savings.saving
    assert len(told["contracts"]) == len(stories[kind].deals)
    assert (told["what_might_have_been"] is None) == (kind is None)


@each_kind
def test_the_text_names_partners_and_says_what_was_compared(
    stories: dict[str | None, Story], kind: str | None
) -> None:
    told = " ".join(text(stories[kind]).split())
    for group in stories[kind].groups:
        assert group.partners[0] in told
    said = {
        "stay": "walks away from a group for this service, votes against it or withdraws",
        "settle": "leads settles its differences at once",
        "out": "stays out of any group for this service",
        None: "No second run was made",
    }
    assert said[kind] in told
    assert "One seed is one history" in told


# What might have been


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[MarketModel]:
    """Return the models of second runs."""
    models: list[MarketModel] = []

    def found(*about: Any) -> MarketModel:
        models.append(founded(*about))
        return models[-1]

    monkeypatch.setattr(otherwise, "founded", found)
    return models


def relived(ran: Ran, row: int, turn: Turn) -> otherwise.Otherwise:
    tables = {name: ran.table(name) for name in ("councils", "partnerships")}
    told = relive(ran.question, turn, row, tables)
    assert isinstance(told, otherwise.Otherwise)
    return told


@pytest.mark.parametrize("kind", ["stay", "settle", "out"])
def test_with_nothing_settled_it_is_the_same_run(
    ran: Ran, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otherwise, "SETTLED", {kind: {} for kind in SETTLED})
    row = council_of(ran, kind)
    told = relived(ran, row, ran.turns[row])
    assert told.was == told.might


@pytest.mark.parametrize("kind", ["stay", "settle", "out"])
def test_until_the_turn_it_is_the_same_run(ran: Ran, made: list[MarketModel], kind: str) -> None:
    row = council_of(ran, kind)
    turn = ran.turns[row]
    relived(ran, row, turn)
    outcomes = open_run(ran.directory).outcomes
    before = outcomes.loc[outcomes["quarter"] < turn.quarter, "net_public_saving"]
    again = made[0].outcomes["net_public_saving"].to_numpy()[: len(before)]
    assert np.array_equal(before.to_numpy(), again, equal_nan=True)


def decisions_from(model: MarketModel, turn: Turn) -> pd.DataFrame:
    """Return what was decided on the segment of ``turn`` since, by who left of its own will."""
    table = model.tables["decisions"]
    own = (table["quarter"] >= turn.quarter) & (table["cause"] != FELL_APART)
    return table[own & (table["segment"] == turn.segment)]


def test_who_is_to_stay_never_leaves_that_group(ran: Ran, made: list[MarketModel]) -> None:
    row = council_of(ran, "stay")
    turn = ran.turns[row]
    told = relived(ran, row, turn)
    later = decisions_from(made[0], turn)
    ours = later["council"].isin(told.councils) & (later["partnership"] == turn.partnership)
    assert later.loc[ours, "stays"].all()
    assert told.might.ended != turn.quarter


def test_who_is_to_settle_settles(ran: Ran, made: list[MarketModel]) -> None:
    row = council_of(ran, "settle")
    turn = ran.turns[row]
    told = relived(ran, row, turn)
    assert (told.was.ended, told.was.ended_how) == (turn.quarter, NO_AGREEMENT)
    assert told.might.ended_how != NO_AGREEMENT
    normed = made[0].tables["partnerships"]["normed"].iloc[turn.partnership]
    assert normed == turn.quarter


def test_who_is_to_stay_out_shares_it_no_more(ran: Ran, made: list[MarketModel]) -> None:
    row = council_of(ran, "out")
    turn = ran.turns[row]
    relived(ran, row, turn)
    name = made[0].register.told_apart[row]
    members = made[0].tables["members"]
    mine = (members["council"] == name) & (members["partnership"] == turn.partnership)
    assert (members.loc[mine, "until"] == turn.quarter).all()


def test_both_ends_are_those_of_the_tables(ran: Ran, made: list[MarketModel]) -> None:
    row = council_of(ran, "stay")
    told = relived(ran, row, ran.turns[row])
    assert told.was.saving == ran.table("councils")["saving_m"].iloc[row]
    assert told.might.saving == made[0].tables["councils"]["saving_m"].iloc[row]
    rows = [made[0].register.told_apart.index(one) for one in told.councils]
    together = made[0].tables["councils"]["saving_m"].iloc[rows].sum()
    assert told.might.together == pytest.approx(together)


def test_only_what_is_settled_is_settled() -> None:
    keys = np.arange(50, dtype=np.uint64)
    plain, settled = Draws(7), Resolved(7, {"vote": False, "settle": True}, keys[:5])
    for purpose, value in (("vote", False), ("settle", True)):
        happens = settled.happens(purpose, 0.5, keys, 3)
        assert (happens[:5] == value).all()
        assert np.array_equal(happens[5:], plain.happens(purpose, 0.5, keys, 3)[5:])
    assert np.array_equal(settled.happens("join", 0.5, keys), plain.happens("join", 0.5, keys))


def group(**changes: Any) -> Group:
    """Return a group that stands, with changes."""
    facts: dict[str, Any] = {
        "row": 3, "segment": "managed", "governance": "lead_client", "leader": "A",
        "partners": ("A",), "since": 4, "until": 0, "shared": None, "formed": 4, "stormed": 6,
        "normed": None, "performed": None, "ended": 0, "ended_how": "", "stage": "storming",
        "value": 1.0, "own": (), "left": (), "joined": (), "votes": (),
    }  # fmt: skip
    return Group(**facts | changes)


def decided(what: str, quarter: int = 9) -> Decided:
    return Decided(quarter, "B", what, "politics", None)


@pytest.mark.parametrize(
    ("changes", "kind", "quarter"),
    [
        ({}, None, 0),
        ({"until": 9, "own": (decided(WALKED_AWAY),)}, "stay", 9),
        ({"until": 9, "own": (decided(WITHDREW),), "shared": 5}, "stay", 9),
        ({"until": 9, "ended": 9, "ended_how": "voted down"}, "stay", 9),
        ({"until": 9, "ended": 9, "ended_how": "no agreement"}, "settle", 9),
        ({"until": 9, "ended": 9, "ended_how": "no cash"}, None, 0),
        ({"until": 9, "ended": 9, "ended_how": "collapsed", "shared": 8}, "out", 7),
        ({"shared": 12}, "out", 7),
        ({"shared": 0, "since": -9, "formed": -9, "stormed": -9}, "out", 1),
        ({"shared": 20, "since": 20}, "out", 20),
    ],
)
def test_the_turn_is_what_members_decided(
    changes: dict[str, Any], kind: str | None, quarter: int
) -> None:
    turn = turning_point([group(**changes)])
    assert turn == (None if kind is None else Turn(kind, 3, quarter, "managed"))


def test_the_first_end_comes_before_what_was_shared() -> None:
    shared, ended = group(shared=12), group(row=4, until=20, own=(decided(WALKED_AWAY, 20),))
    turn = turning_point([shared, ended])
    assert turn and (turn.kind, turn.partnership) == ("stay", 4)


def test_decisions_know_whether_they_stay() -> None:
    stay = {what for what in (VOTED_FOR, JOINED, WALKED_AWAY, WITHDREW, WAS_LEFT, VOTED_AGAINST)
            if decided(what).stays}  # fmt: skip
    assert stay == {VOTED_FOR, JOINED}


# In words


def told_of(*groups: Group) -> str:
    """Return what is told of groups of the council "A"."""

    class Of:
        portrait = type("Portrait", (), {"name": "A"})

    one = Of()
    one.groups = groups
    return " ".join(partnerships(one))


def voted(quarter: int, what: str, gain: float, council: str = "A") -> Decided:
    return Decided(quarter, council, what, "no gain" if what == VOTED_AGAINST else "none", gain)


def test_renewals_that_nobody_was_against_are_told_together() -> None:
    votes = tuple(Vote(quarter, 2, int(quarter == 20)) for quarter in (12, 16, 20, 24))
    told = told_of(
        group(normed=2, performed=8, renewed=(12, 16, 20, 24), stage="performing", votes=votes)
    )
    quiet = "In Q4 2008-09, Q4 2009-10 all members voted for the next joint contract, which began."
    assert quiet in told
    assert told.count("the members voted on the next joint contract") == 1
    assert told.index("In Q4 2011-12 all members voted") > told.index("In Q4 2010-11 the members")


def test_a_group_is_told_in_order_of_time() -> None:
    told = told_of(
        group(
            partners=("B", "C"), normed=8, performed=15, stage="performing", renewed=(30,),
            own=(voted(14, VOTED_FOR, 0.4), voted(15, VOTED_FOR, -0.7), voted(30, VOTED_FOR, 2.0)),
            left=(voted(14, VOTED_AGAINST, -0.01, "C"), decided(WITHDREW, 20)),
            votes=(Vote(14, 2, 1), Vote(15, 2, 0), Vote(30, 2, 0)),
            failed=(FailedTender(14, "no bids"),),
        )
    )  # fmt: skip
    steps = (
        "In Q4 2006-07 it gathered B and C to share managed IT services",
        "In Q2 2007-08 its members began to differ.",
        "In Q4 2007-08 they settled as a lead client (one member buys for all",
        "In Q2 2009-10 the members voted on a joint contract: 2 for and 1 against; A voted for it "
        "(its case showed a gain of 0.4% of annual cost); C voted against it (its case showed no "
        "gain).",
        "The tender of Q2 2009-10 failed: no bids.",
        "In Q3 2009-10 the members voted on a joint contract again, for the tender had failed: 2 "
        "for and none against; A voted for it (its case showed a loss of 0.7% of annual cost).",
        "In Q3 2009-10 its first joint contract went to work.",
        "In Q4 2010-11 B withdrew from it (most against it: politics).",
        "In Q2 2013-14 all members voted for the next joint contract, which began.",
        "It stands at the end: performing.",
    )
    places = [told.index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (-0.72, "a loss of 0.7% of annual cost"),
        (-0.04, "no gain"),
        (0.0, "no gain"),
        (0.04, "a gain below 0.1%"),
        (12.34, "a gain of 12.3% of annual cost"),
    ],
)
def test_a_gain_below_nothing_is_a_loss(gain: float, words: str) -> None:
    assert gain_words(gain) == f"its case showed {words}"


def test_ends_on_the_way_to_the_market_are_explained() -> None:
    ended = {"normed": 8, "until": 14, "ended": 14, "set_up": 1.234}
    cash = told_of(group(**ended, ended_how="no cash", votes=(Vote(14, 2, 0),)))
    assert "set-up would have cost £1.23m: at least one member could not find its part" in cash
    case = {**ended, "ended_how": "no business case"}
    assert "test of the project are two" in told_of(group(**case, votes=(Vote(14, 2, 0),)))
    assert "did not come to a vote" in told_of(group(**case))


def test_every_model_of_collaboration_is_explained() -> None:
    assert set(MODELS) == set(NAMES)


@pytest.mark.parametrize(("shared", "pays"), [(0, True), (20, False)])
def test_what_leaving_costs_is_part_of_the_difference(
    stories: dict[str | None, Story], shared: int, pays: bool
) -> None:
    told = stories["out"]
    assert told.otherwise
    turn = dataclasses.replace(told.otherwise.turn, partnership=3, quarter=1)
    one = group(shared=shared, since=-9, formed=-9, own_value=0.5)
    otherwise_ = dataclasses.replace(told.otherwise, turn=turn)
    said = reading(dataclasses.replace(told, groups=(one,), otherwise=otherwise_))
    assert ("20% of the service's annual cost, about £0.100m" in said) == pays


def test_services_of_one_segment_are_numbered(stories: dict[str | None, Story]) -> None:
    deals = [deal for one in stories.values() for deal in one.deals]
    assert {deal.number for deal in deals if deal.segment == "applications"} >= {1, 2}
    assert {deal.number for deal in deals if deal.segment == "managed"} <= {0}
    assert any("pplications no. 2" in text(one) for one in stories.values())


def test_trouble_is_told_once() -> None:
    deal = Deal(1, 9, "disputed", "managed", 1, "A", "S", "sme", 1.0, 0.9, 0.9, 2, 1, True, 0.5)
    assert trouble(deal) == "2 events, £0.50m; made good 1 time; disputed"
    fine = Deal(1, 9, "completed", "managed", 1, "A", "S", "sme", 1.0, 0.9, 0.9, 0, 0, False, 0.0)
    assert (trouble(fine), fine.troubled) == ("", False)


# The command


def test_the_command_keeps_the_run_and_tells_the_story(say: Any, folder: Path) -> None:
    said = say(f"run forced-aggregation --council casterbridge --out one {QUICK}")
    assert (said.code, said.err) == (0, "")
    first, *_, last = said.out.splitlines()
    assert first.startswith("Casterbridge under Forced aggregation: seed 2006, replication 0")
    assert last == "Report: one/report.html"
    for title in ("Partnerships", "Contracts", "Savings", "What might have been"):
        assert title in said.out.splitlines()
    row = open_run(folder / "one").event("councils").query("name == 'Casterbridge'").iloc[0]
    assert f"£{row['counterfactual_m']:,.2f}m" in said.out


def test_a_run_directory_tells_the_same_story(say: Any, folder: Path) -> None:
    first = say(f"run forced-aggregation --council Casterbridge --out one {QUICK}")
    assert say("run one --council Casterbridge --out one").out == first.out


def test_json_is_the_story(say: Any, folder: Path) -> None:
    command = f"run --council 'Felpersham (unitary)' --out one --json {QUICK}"
    told = json.loads(say(command).out)
    assert told["council"]["name"] == "Felpersham (unitary)"
    assert told["council"]["type"] == "unitary"
    assert told["directory"] == "one"


def test_hostile_names_are_only_text(say: Any, folder: Path) -> None:
    said = say(f"run --council '[bold]Ambridge[/bold]' {QUICK}")
    assert said.out.startswith("[bold]Ambridge[/bold] under Status quo")


@pytest.mark.parametrize(
    ("council", "message"),
    [
        ("Casterbrige", "no council 'Casterbrige' in councils.csv (did you mean 'Casterbridge'?)"),
        ("Felpersham", "Felpersham (district) and of Felpersham (unitary); give one of these"),
        ("Felper", "(did you mean 'Felpersham (district)' or 'Felpersham (unitary)'?)"),
        ("", "no council '' in councils.csv"),
    ],
)
def test_a_name_that_is_wrong_is_one_line_and_nothing_is_run(
    refused: Any, folder: Path, council: str, message: str
) -> None:
    assert message in refused(f"run --council {shlex.quote(council)} {QUICK}")
    assert [path.name for path in folder.iterdir()] == ["councils.csv"]


def second_run(monkeypatch: pytest.MonkeyPatch, error: Callable[[], BaseException]) -> None:
    """Let every story have a second run, which ends with ``error``."""

    def breaks(*_: Any) -> None:
        raise error()

    monkeypatch.setattr("experiments.story.turning_point", lambda _: Turn("stay", 0, 1, "managed"))
    monkeypatch.setattr(otherwise, "_advance", breaks)


def test_a_second_run_that_fails_ends_with_code_one(
    say: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_run(monkeypatch, lambda: ArithmeticError("accounts do not balance"))
    said = say(f"run --council Casterbridge {QUICK}")
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[-1] == (
        "tenderlab: the run of status-quo failed at quarter 1: ArithmeticError: "
        "accounts do not balance"
    )


def test_a_second_run_that_is_interrupted_says_what_is_kept(
    say: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_run(monkeypatch, KeyboardInterrupt)
    said = say(f"run --council Casterbridge --out one {QUICK}")
    assert said == (130, "", "tenderlab: interrupted; the run is kept in one\n")
    assert open_run(folder / "one")
