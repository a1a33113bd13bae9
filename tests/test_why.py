"""Why a policy makes a difference: decisions told apart, pounds by cause, and the command."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.governance import GOVERNANCE
from agents.partnership import ENDED_HOW
from experiments import why
from experiments.asking import Changes
from experiments.decisions import KINDS, Decision, Parting, partings
from experiments.explaining import document, sentence, text
from experiments.question import Question, Territory
from experiments.runs import Failed
from experiments.why import Explanation, Pair, explain, find_council, pair_of
from experiments.witness import Witness
from simulation import MarketModel, Policy
from simulation.assumptions import assumptions_from
from simulation.attribution import (
    CAUSE_OF,
    CAUSES,
    PLACE,
    PRICED,
    public_saving_by_cause,
    saving_by_cause,
)
from simulation.billing import Paid
from simulation.errors import InputError
from simulation.finance import council_savings
from simulation.horizon import over_horizon
from simulation.ledger import COUNCIL_COSTS, PENCE, Account, Ledger, Purpose
from simulation.measures import MEASURES
from simulation.outcomes import OUTCOMES
from tests.worlds import QUICK, assumptions, policies, register_of, registers, shire

pytestmark = pytest.mark.usefixtures("short_report")

COUNTED = {
    "tender": "tenders",
    "award": "tenders",
    "price": "awards",
    "group": "partnerships_formed",
    "vote": "voted_against",
    "withdraw": "withdrew",
    "join": "joined_later",
    "fund": "fund_claims",
    "supplier": "projects_by_supplier",
    "event": "events",
    "dispute": "disputes",
    "collapse": "early_terminations",
    "failure": "supplier_failures",
    "exit": "leavers",
    "entry": "entrants",
}
"""The model's own measure of how many decisions of a kind there were."""


# What is decided, and what makes up a saving, in any world


def assert_a_quarter_adds_up(model: MarketModel) -> None:
    saving = saving_by_cause(model)
    assert saving.sum(axis=1).tolist() == council_savings(model).tolist()
    public = public_saving_by_cause(model, saving)
    assert int(public.sum()) / PENCE == model.measured["public_saving"]
    assert public[PLACE["fund"]] == 0


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(registers(), policies(), assumptions(), st.integers(0, 2**63 - 1), st.integers(1, 3))
def test_causes_add_up_and_no_decision_is_missed(
    register: Any, policy: Policy, assumed: Any, seed: int, years: int
) -> None:
    model = MarketModel(policy, assumed, years=years, register=register, rng=seed)
    witness, met, bids = Witness(model), Counter[str](), 0
    while model.running:
        decisions = witness.step()
        met.update(one.kind for one in decisions if one.counts)
        bids += sum(len(one.names) for one in decisions)
        named = [(one.kind, one.about) for one in decisions]
        assert len(set(named)) == len(named)
        assert all(0 <= row < len(register) for one in decisions for row in one.councils)
        assert_a_quarter_adds_up(model)
    total = model.measures.sum()
    assert {kind: met[kind] for kind in COUNTED} == {
        kind: total[measure] for kind, measure in COUNTED.items()
    }
    assert met["walk away"] == total["walked_away"]
    assert bids == total["submitted_bids"]


def test_a_leader_that_walks_away_is_told_apart_from_its_group() -> None:
    levers = {"aggregation_threshold": 3.0, "aggregation_mandate": 0.6, "max_partners": 12}
    assumed, alone = assumptions_from({"walk_away": 0.8}), 0
    model = MarketModel(Policy("p", **levers), assumed, years=6, register=shire(25), rng=4)
    witness = Witness(model)
    while model.running:
        before = model.partnerships.lead.copy()
        decisions = witness.step()
        tendered = [one.about for one in decisions if one.kind == "tender"]
        assert len(set(tendered)) == len(tendered)
        left = before[model.partnerships.lead[: len(before)] != before]
        alone += sum((service,) in tendered for service in left.tolist())
    assert alone


MEMBERS = {
    "walk away": {"walk_away": 0.8},
    "vote": {"vote_spread": 0.5},
    "withdraw": {"withdrawal": 0.2},
    "join": {"governance": "lead_client", "readiness": 1.0},
}
"""Assumptions under which members decide often, by the kind of what they decide."""


@pytest.mark.parametrize("kind", MEMBERS)
def test_what_members_decide_is_told_with_the_council_and_its_group(kind: str) -> None:
    levers = {"aggregation_threshold": 3.0, "aggregation_mandate": 0.3}
    assumed = assumptions_from(MEMBERS[kind])
    model = MarketModel(Policy("p", **levers), assumed, years=8, register=shire(25), rng=4)
    witness, told = Witness(model), []
    while model.running:
        told += [one for one in witness.step() if one.kind == kind and one.counts]
    assert told
    for one in told:
        (service,) = one.about
        own = int(model.services.council[service])
        assert own in one.councils
        assert len(one.councils) > 1
        assert one.subject.startswith(model.register.told_apart[own])
        assert one.value is (kind == "join")
        assert "leads" in one.told
    words = {"walk away": "walked away from", "vote": "voted against the case of",
             "withdraw": "withdrew from", "join": "joined the joint contract of"}  # fmt: skip
    assert all(one.told.startswith(words[kind]) for one in told)


def test_a_vote_in_favour_is_met_and_does_not_count() -> None:
    model = MarketModel(aggregation_threshold=3.0, years=6, register=shire(25), rng=4)
    witness, votes, against = Witness(model), 0, 0
    while model.running:
        made = [one for one in witness.step() if one.kind == "vote"]
        votes, against = votes + len(made), against + sum(one.counts for one in made)
        assert all(one.counts is not one.value for one in made)
    measures = model.measures.sum()
    assert (votes, against) == (measures["voted"], measures["voted_against"])
    assert against < votes


def test_groups_settle_or_give_up_or_fall_apart() -> None:
    levers = {"aggregation_threshold": 3.0, "aggregation_mandate": 0.3}
    assumed = assumptions_from({"patience": 2.0, "settling": 0.2, "walk_away": 0.2})
    model = MarketModel(Policy("p", **levers), assumed, years=8, register=shire(25), rng=4)
    witness, values = Witness(model), []
    while model.running:
        decisions = witness.step()
        values += [one.value for one in decisions if one.kind in ("settle", "fell apart")]
    groups = model.partnerships
    ended = Counter(ENDED_HOW[how] for how in groups.ended_how[groups.ended > 0].tolist())
    counted = Counter(values)
    for how in ("no agreement", "walked away", "voted down", "members withdrew"):
        assert counted[how] == ended[how]
    assert min(ended["no agreement"], ended["walked away"]) > 0
    settled = sum(counted[one.name] for one in GOVERNANCE)
    assert settled == ((groups.normed > 0) & (groups.formed > 0)).sum() > 0


def test_who_joins_others_has_not_given_up() -> None:
    """A need that is met by joining a joint contract is no project given up."""
    assumed = assumptions_from({"governance": "lead_client", "readiness": 1.0})
    model = MarketModel(None, assumed, years=10, register=shire(25), rng=4)
    witness, joined = Witness(model), 0
    while model.running:
        decisions = witness.step()
        joins = {one.about for one in decisions if one.kind == "join"}
        elsewhere = {one.about for one in decisions if one.kind in ("given up", "taken back")}
        assert not joins & elsewhere
        joined += len(joins)
    assert joined


def test_watching_changes_nothing() -> None:
    seen = MarketModel(aggregation_threshold=3.0, years=2, register=shire(), rng=3)
    witness = Witness(seen)
    while seen.running:
        witness.step()
    alone = MarketModel(aggregation_threshold=3.0, years=2, register=shire(), rng=3).run()
    assert seen.measures.equals(alone.measures)


def test_every_cost_of_councils_has_a_cause() -> None:
    assert CAUSE_OF.keys() | {Purpose.IN_HOUSE, Purpose.PRICE} == COUNCIL_COSTS
    assert {*CAUSE_OF.values(), *PRICED, "fund", "support"} == CAUSES.keys()


def one_service(price: float, **ratios: float) -> Any:
    """Return what attribution reads of a model with one service outside, at £100 in house."""
    ledger, first = Ledger(1), np.array([0])
    ledger.open_suppliers(1)
    ledger.open_quarter(1)
    council, cost = ledger.council(first), 1e-4
    ledger.post(Account.TAXPAYERS, council, Purpose.BUDGET, round(cost * PENCE))
    ledger.post(council, ledger.supplier(first), Purpose.PRICE, round(price * PENCE))
    contract = {name: np.array([value]) for name, value in ratios.items()}
    return SimpleNamespace(
        ledger=ledger,
        councils=[None],
        services=SimpleNamespace(council=first),
        contracts=SimpleNamespace(**contract),
        paid=Paid(first, first, np.array([cost]), np.array([price])),
        assumptions=SimpleNamespace(dispute_share=0.5),
    )


RATIOS = {
    "scale": 0.9,
    "estimate_ratio": 0.84,
    "margin_ratio": 0.05,
    "risk_ratio": 0.03,
    "finance_ratio": 0.02,
    "price_ratio": 0.94,
    "shortfall": 0.08,
    "disputed": True,
}


def test_a_price_is_taken_apart_as_it_was_made() -> None:
    """£100 in house; of the estimate of £84 £4 came by a dispute; £95 is paid on the way to £94."""
    (saving,) = saving_by_cause(one_service(0.95e-4, **RATIOS))
    pounds = {name: saving[place] / 100 for name, place in PLACE.items() if saving[place]}
    assert pounds == {
        "scale": 10,
        "efficiency": 10,
        "margin": -5,
        "risk_premium": -3,
        "finance": -2,
        "disputes": -4,
        "ramp": -1,
    }


def test_a_price_that_is_not_its_parts_is_refused() -> None:
    with pytest.raises(ArithmeticError, match="differ from their parts by up to 100 pence"):
        saving_by_cause(one_service(0.95e-4, **{**RATIOS, "margin_ratio": 0.06}))


# Two runs side by side


def asked(register: Any, policy: Any = (), council: int | None = None, **changes: Any) -> Pair:
    question = Question((named("policy", dict(policy)),), Territory(register, "here"), mode="fixed")
    changes = {"years": 2, "seed": 11, "replicates": 1, "replication": 0, **changes}
    question = why.replace(question, **changes)
    return Pair(question, named("baseline"), council)


def named(name: str, levers: Any = ()) -> Any:
    return why.NamedPolicy(name, name.capitalize(), "", dict(levers), where="test")


def explained(pair: Pair) -> Explanation:
    told = explain(pair)
    assert isinstance(told, Explanation), told
    return told


FORCED = {"aggregation_threshold": 3.0, "aggregation_mandate": 1.0}
POLICIES = {
    "forced aggregation": FORCED,
    "all risk": {"risk_transfer": 1.0},
    "a fund": {"pump_priming_fund": 50.0, "pump_priming_repayment": 0.5, **FORCED},
}


def saving_of(pair: Pair, side: int) -> float:
    """Return net public saving of one of the runs, made on its own."""
    run = pair.runs()[side]
    model = MarketModel(
        run.policy, run.assumptions, years=pair.question.years,
        register=pair.question.territory.register, rng=run.seed,
    ).run()  # fmt: skip
    measures = {name: model.measures[name].to_numpy() for name in MEASURES}
    return float(over_horizon(OUTCOMES["net_public_saving"].rule, measures))


@pytest.mark.parametrize("levers", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_causes_make_up_the_saving_of_both_runs(levers: dict[str, Any], seed: int) -> None:
    told = explained(pair := asked(shire(9), levers, seed=seed, years=3))
    assert told.total.npv == pytest.approx([saving_of(pair, 0), saving_of(pair, 1)], rel=1e-12)
    for side in (0, 1):
        npv, plain = (sum(getattr(one, of)[side] for one in told.causes) for of in ("npv", "plain"))
        assert npv == pytest.approx(told.total.npv[side], abs=1e-9)
        assert plain == pytest.approx(told.total.plain[side], abs=1e-9)
    assert told.first is not None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_under_the_same_policy_nothing_goes_another_way(seed: int) -> None:
    told = explained(asked(shire(), seed=seed))
    assert told.first is None
    assert not any(one.parted for one in told.tallies)
    assert {one.npv_difference for one in (*told.causes, told.total)} == {0.0}
    assert "No decision went another way." in text(told)


def test_the_causes_of_councils_make_up_those_of_the_public() -> None:
    register = shire()
    public = explained(asked(register, POLICIES["a fund"], years=3))
    each = [
        explained(asked(register, POLICIES["a fund"], row, years=3)) for row in range(len(register))
    ]
    for place, cause in enumerate(public.causes):
        of_councils = [sum(one.causes[place].plain[side] for one in each) for side in (0, 1)]
        if cause.name != "fund":
            assert of_councils == pytest.approx(cause.plain, abs=1e-9)
    for row, one in enumerate(each):
        model = one.pair.runs()[1]
        alone = MarketModel(model.policy, years=3, register=register, rng=model.seed).run()
        saved = alone.tables["councils"]["saving_m"][row]
        assert one.total.plain[1] == pytest.approx(saved, abs=1e-9)
        assert sum(cause.plain[1] for cause in one.causes) == pytest.approx(saved, abs=1e-9)


def test_what_the_fund_pays_is_a_council_s_gain_and_no_gain_of_the_public() -> None:
    levers = {"pump_priming_fund": 200.0, "pump_priming_repayment": 0.0, "pump_priming_share": 1.0}
    public = explained(asked(shire(15), {**FORCED, **levers}, years=8))
    claims = next(one for one in public.tallies if one.kind == "fund")
    assert claims.met[0] == 0 < claims.met[1]
    assert claims.first is not None
    council = min(claims.first.councils)
    alone = explained(asked(shire(15), {**FORCED, **levers}, council, years=8))
    of_public, of_council = (told.causes[PLACE["fund"]].plain for told in (public, alone))
    assert of_public == (0.0, 0.0)
    assert of_council[0] == 0.0 < of_council[1]


def test_who_is_forced_to_aggregate_first_forms_a_group() -> None:
    first = explained(asked(shire(), FORCED)).first
    assert first is not None
    assert (first.kind, first.ours) == ("group", None)
    assert KINDS[first.kind].phase == "partnering"


def test_who_must_carry_all_risk_first_bids_otherwise() -> None:
    first = explained(asked(shire(), {"risk_transfer": 1.0})).first
    assert first is not None
    assert first.kind in ("bidders", "award", "price")
    assert first.quarter == 1


def test_a_council_s_first_decision_concerns_it() -> None:
    for row in range(4):
        told = explained(asked(shire(), FORCED, row, years=3))
        assert all(row in one.first.councils for one in told.tallies if one.first)
        assert told.unfunded is None


def test_a_run_that_fails_is_told_with_its_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    step = MarketModel.step

    def stumbles(model: MarketModel) -> None:
        if model.quarter == 2 and model.policy.name == "policy":
            raise ArithmeticError("accounts do not balance")
        step(model)

    monkeypatch.setattr(why.Witness, "step", lambda one: stumbles(one.model) or [])
    told = explain(asked(shire(), FORCED))
    assert isinstance(told, Failed)
    assert (told.stage, told.run.policy.name) == ("quarter 3", "policy")
    assert told.error == "ArithmeticError: accounts do not balance"


# How decisions are laid side by side


def decision(kind: str, about: int, value: Any, **further: Any) -> Decision:
    words = {"subject": "it", "told": str(value), "otherwise": "nothing"}
    return Decision(kind, (about,), value, frozenset({0}), **{**words, **further})


def parted(ours: list[Decision], theirs: list[Decision]) -> list[tuple[str, Any]]:
    return [(one.kind, one.either.about[0]) for one in partings(1, ours, theirs)]


def test_decisions_are_compared_in_the_order_of_a_quarter() -> None:
    kinds = list(KINDS)
    ours = [decision(kind, 1, "a") for kind in reversed(kinds)]
    theirs = [decision(kind, 1, "b") for kind in kinds]
    assert parted(ours, theirs) == [(kind, 1) for kind in kinds]
    assert parted(ours, list(reversed(ours))) == []


def test_the_largest_of_a_kind_comes_first() -> None:
    ours = [decision("need", row, True, size=size) for row, size in ((1, 0.5), (2, 3.0), (3, 0.5))]
    assert parted(ours, []) == parted([], ours) == [("need", 2), ("need", 1), ("need", 3)]


def test_what_only_one_run_met_counts_unless_it_must_be_paired() -> None:
    assert parted([decision("tender", 1, "a")], []) == [("tender", 1)]
    assert parted([decision("award", 1, "a")], []) == []
    assert parted([decision("vote", 1, 0, counts=False)], []) == []
    assert parted([decision("vote", 1, 0, counts=False)], [decision("vote", 1, 2)]) == [("vote", 1)]


def test_what_cannot_be_told_never_went_another_way() -> None:
    unknown, known = decision("vote", 1, None, counts=False), decision("vote", 1, 2)
    assert parted([unknown], [known]) == parted([known], [unknown]) == []
    assert parted([unknown], []) == []


def test_a_sentence_says_what_it_was_in_either_run() -> None:
    ours = decision("need", 1, True, subject="its applications", told="came up", otherwise="slept")
    parting = Parting(3, "need", None, ours)
    assert sentence(parting, "Old", "New") == (
        "Its applications slept under Old, but came up under New."
    )


def test_a_sentence_names_who_bid_in_one_run_only() -> None:
    ours = decision("bidders", 1, (7, 8), told="drew 2 bids", names=("Ardwick", "Brenmora"))
    theirs = decision("bidders", 1, (8, 9), told="drew 2 bids", names=("Brenmora", "Corthane"))
    assert sentence(Parting(1, "bidders", ours, theirs), "Old", "New") == (
        "It drew 2 bids under Old, also drew 2 bids under New; only under Old: Ardwick; "
        "only under New: Corthane."
    )


# The command


def test_the_command_tells_the_first_decision_and_the_causes(say: Any, folder: Path) -> None:
    said = say(f"why forced-aggregation {QUICK}")
    assert (said.code, said.err) == (0, "")
    for words in (
        "Forced aggregation against Status quo: seed 2006, replication 0, 2 years",
        "The first decision that went another way: quarter ", "under Status quo, but ",
        "What the public saves, by cause", "One seed is one history", "not a prediction",
    ):  # fmt: skip
        assert words in " ".join(said.out.split())
    assert [path.name for path in folder.iterdir()] == ["councils.csv"]


def test_json_holds_what_adds_up(say: Any) -> None:
    told = json.loads(say(f"why forced-aggregation --json {QUICK}").out)
    assert [one["kind"] for one in told["decisions"]] == list(KINDS)
    assert [one["name"] for one in told["causes"]] == list(CAUSES)
    for way in ("npv", "undiscounted"):
        for side in ("baseline", "policy", "difference"):
            total = sum(one[way][side] for one in told["causes"])
            assert told["total"][way][side] == pytest.approx(total, abs=1e-9)
    assert told["first"]["sentence"].endswith("under Forced aggregation.")
    assert told["total"]["name"] == "public_saving"


def test_it_is_the_run_that_run_makes(say: Any) -> None:
    told = json.loads(say(f"why shared-risk --seed 5 --json {QUICK}").out)
    made = json.loads(say(f"run shared-risk --seed 5 --json {QUICK}").out)
    (mean,) = (
        row["policy_mean"] for row in made["summary"] if row["outcome"] == "net_public_saving"
    )
    assert told["total"]["npv"]["policy"] == pytest.approx(mean, rel=1e-9)


def test_a_replication_of_an_earlier_comparison_is_explained(say: Any) -> None:
    say(f"compare shared-risk forced-aggregation --replicates 3 --workers 1 --out runs/one {QUICK}")
    told = json.loads(say("why runs/one --policy shared-risk --replication 2 --json").out)
    assert (told["policy"]["name"], told["replication"]) == ("shared-risk", 2)
    assert told["assumptions"]["mode"] == "sampled"
    made = json.loads(say("run runs/one --policy shared-risk --replication 2 --json").out)
    (mean,) = (
        row["policy_mean"] for row in made["summary"] if row["outcome"] == "net_public_saving"
    )
    assert told["total"]["npv"]["policy"] == pytest.approx(mean, rel=1e-9)


def test_levers_alone_are_explained_against_the_baseline(say: Any) -> None:
    told = json.loads(
        say(f"why --baseline shared-risk --set risk_allocation=uniform --json {QUICK}").out
    )
    assert (told["baseline"]["name"], told["policy"]["name"]) == ("shared-risk", "custom")
    assert told["policy"]["levers"] == {"risk_allocation": "uniform"}
    assert told["baseline"]["levers"] == {"risk_allocation": "by_control"}


def test_a_council_is_looked_at_alone(say: Any) -> None:
    said = say(f"why forced-aggregation --council casterbridge {QUICK}")
    assert said.code == 0
    assert "The first decision that concerns Casterbridge and went another way" in said.out
    assert "What Casterbridge saves, by cause" in said.out
    told = json.loads(say(f"why forced-aggregation --council Casterbridge --json {QUICK}").out)
    assert (told["council"], told["total"]["name"]) == ("Casterbridge", "councils_saving")
    assert told["projects_unfunded"] is None


def test_hostile_names_are_only_text(say: Any) -> None:
    said = say(f"why forced-aggregation --council '[bold]Ambridge[/bold]' {QUICK}")
    assert "What [bold]Ambridge[/bold] saves" in said.out


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("--council Casterbrige", "no council 'Casterbrige' in councils.csv (did you mean 'Cast"),
        ("--council Felpersham", "Felpersham (district) and of Felpersham (unitary); give one of"),
        ("--council Bridge", "(did you mean '[bold]Ambridge[/bold]' or 'Casterbridge'?)"),
        ("--council ''", "no council '' in councils.csv"),
        ("--seed -1", "-1': must be a whole number from 0"),
        ("--baseline staus-quo", "did you mean 'status-quo'?"),
        ("--set risk_transfr=1", "did you mean 'risk_transfer'?"),
        ("--assume risk_transfer=1", "risk_transfer is a lever; use --set"),
        ("--set risk_transfer=0.2@7", "must be at most 2, the last year"),
        ("--policy shared-risk", "'shared-risk' is not asked"),
        ("--out here", "No such option"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(refused: Any, command: str, message: str) -> None:
    assert message in refused(f"why forced-aggregation {command} {QUICK}")


def test_an_unknown_policy_is_refused_with_the_nearest(say: Any) -> None:
    said = say("why forced-agregation")
    assert said.code == 2
    assert "did you mean 'forced-aggregation'?" in said.err


def test_nothing_to_explain_is_said(say: Any) -> None:
    assert say("why") == (
        2, "", "tenderlab: nothing to explain; name a policy, or set a lever\n"
    )  # fmt: skip


def test_a_failed_run_ends_with_code_one(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_: Any) -> None:
        raise ArithmeticError("accounts do not balance")

    monkeypatch.setattr(MarketModel, "_found", breaks)
    said = say(f"why forced-aggregation {QUICK}")
    assert said.code == 1
    assert said.err.splitlines()[-1] == (
        "tenderlab: the run of status-quo failed at set-up: ArithmeticError: "
        "accounts do not balance"
    )


@pytest.mark.parametrize(
    "name", ["FELPERSHAM (UNITARY)", "Felpersham (unitary)", " 'Felpersham  (unitary)' "]
)
def test_councils_of_one_name_are_told_apart_by_type(folder: Path, name: str) -> None:
    pair = pair_of(
        "shared-risk", choice=None, replication=None, baseline=None, council=name, levers=(),
        changes=Changes(register=Path("councils.csv")),
    )  # fmt: skip
    assert pair.council_name == "Felpersham (unitary)"


def test_a_council_of_no_register_is_refused() -> None:
    rows = [("Ambridge", "district", "", 90_000, 52.0, -1.0, "")]
    pair = asked(register_of(rows))
    for name in ("ambridge", ' "Ambridge" ', "Ambridge (district)"):
        assert find_council(name, pair.question) == 0
    with pytest.raises(InputError, match="no council 'Borchester' in here"):
        find_council("Borchester", pair.question)
    assert document(explained(pair))["register"] == "here"
