"""What holds in every quarter of every world, whatever the policy and the assumptions."""

from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.columns import NONE
from agents.partnership import ENDED_HOW, FELL_APART, Stage
from simulation import MarketModel
from simulation.ledger import COUNCIL_COSTS, Account, Purpose
from simulation.measures import MEASURES
from simulation.membership import LONGEST_WAIT
from simulation.outcome_rules import Gap, Last, Ratio
from simulation.outcomes import OUTCOMES
from tests.worlds import assumptions, policies, registers


def denominators(rule):
    match rule:
        case Ratio():
            return [rule.denominator]
        case Gap():
            return [rule.first.denominator, rule.second.denominator]
        case Last() if rule.per_cent_of:
            return [rule.per_cent_of]
        case _:
            return []


def assert_accounts_balance(model, opening):
    """Recompute every balance from the posted rows, by another path than the ledger's own."""
    closing = np.zeros(len(model.ledger.balance), dtype=object)
    closing[: len(opening)] = opening
    for batch in model.ledger.this_quarter():
        for source, target, amount in zip(batch.source, batch.target, batch.amount, strict=True):
            closing[source] -= int(amount)
            closing[target] += int(amount)
            assert amount > 0
    assert closing.tolist() == model.ledger.balance.tolist()
    assert sum(model.ledger.balance.tolist()) == 0
    assert model.ledger.balance[Account.FUND] >= 0


def assert_services_are_delivered_once(model):
    services, contracts = model.services, model.contracts
    held = services.contract != NONE
    assert contracts.live[services.contract[held]].all()
    delivering = np.unique(services.contract[held])
    assert delivering.tolist() == np.flatnonzero(contracts.live).tolist()
    prices = [b for b in model.ledger.this_quarter() if b.purpose == Purpose.PRICE]
    payers = np.concatenate([b.source for b in prices]) if prices else np.zeros(0, np.int64)
    payments = np.bincount(payers - len(Account), minlength=len(model.councils))
    assert (payments <= np.bincount(services.council, minlength=len(model.councils))).all()


def assert_nobody_is_overloaded(model):
    suppliers = model.suppliers
    assert (suppliers.load <= suppliers.capacity + 1e-9).all()
    assert (suppliers.load >= 0).all()
    assert (suppliers.contracts[~suppliers.active] == 0).all()


def assert_shares_are_shares(model):
    councils, contracts = model.councils, model.contracts
    for column in (councils.procurement_skill, councils.risk_skill, councils.commitment,
                   councils.readiness, contracts.share):  # fmt: skip
        assert ((column >= 0) & (column <= 1)).all()
    last = model.measures.iloc[-1]
    for part, whole in (
        ("single_bid_tenders", "contested_tenders"), ("contested_tenders", "tenders"),
        ("failed_tenders", "tenders"), ("sme_awards", "awards"), ("large_bids", "bids"),
        ("sme_award_value", "award_value"), ("incumbent_wins", "retenders"),
        ("shared_councils", "councils"), ("fund_deadweight", "fund_claims"),
        ("fund_lent", "fund_paid"),
        ("projects_unfunded", "projects_viable"), ("concentration", "value_in_force"),
        ("smes_active", "suppliers_active"),
    ):  # fmt: skip
        assert 0 <= last[part] <= last[whole] * (1 + 1e-12)


def assert_nan_only_without_a_denominator(model):
    measures, outcomes = model.measures, model.outcomes
    assert np.isfinite(measures.to_numpy()).all()
    for name, outcome in OUTCOMES.items():
        empty = [measures[one] == 0 for one in denominators(outcome.rule)]
        expected = np.logical_or.reduce(empty) if empty else np.zeros(len(measures), bool)
        assert (outcomes[name].isna().to_numpy() == np.asarray(expected)).all(), name
        assert not np.isinf(outcomes[name].to_numpy()).any(), name


PREPARING = (Stage.FORMING, Stage.STORMING, Stage.NORMING)


def assert_partnerships_are_sound(model):
    groups = model.partnerships
    assert (groups.members_sought >= 2).all()
    dissolved = groups.stage == Stage.DISSOLVED
    assert ((groups.ended > 0) == dissolved).all()
    assert ((groups.ended_how > 0) == dissolved).all()
    assert_joint_contracts_count_their_members(model)
    assert_nobody_is_in_two_groups_for_one_service(model)
    assert_groups_that_prepare_are_sound(model)
    assert_stages_follow_each_other(groups)


def assert_joint_contracts_count_their_members(model):
    services, contracts, groups = model.services, model.contracts, model.partnerships
    performing = np.flatnonzero(groups.stage == Stage.PERFORMING)
    joint = groups.contract[performing]
    assert contracts.live[joint].all()
    assert (contracts.partnership[joint] == performing).all()
    held = np.bincount(services.contract[services.contract != NONE], minlength=len(contracts))
    assert (held[joint] >= 2).all()
    in_force = np.flatnonzero(contracts.live & (contracts.partnership != NONE))
    assert (contracts.councils[in_force] == held[in_force]).all()


def assert_nobody_is_in_two_groups_for_one_service(model):
    """Who is in a group shares under no other's contract; where it performs, it waits to enter.

    Nobody waits for longer than for the money.
    """
    services, contracts, groups = model.services, model.contracts, model.partnerships
    member = np.flatnonzero(services.partnership != NONE)
    group, under = services.partnership[member], services.contract[member]
    assert (services.kind[member] == groups.kind[group]).all()
    pairs = list(zip(services.council[member].tolist(), group.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    waits = groups.stage[group] == Stage.PERFORMING
    assert (waits | np.isin(groups.stage[group], PREPARING)).all()
    assert groups.phased[group[waits]].all()
    assert (services.enters[member[waits]] > model.quarter - LONGEST_WAIT).all()
    shared = np.where(under == NONE, NONE, contracts.partnership[under])
    performs = (shared != NONE) & (groups.stage[shared] == Stage.PERFORMING)
    assert not (performs & (groups.contract[shared] == under)).any()


def assert_groups_that_prepare_are_sound(model):
    services, groups = model.services, model.partnerships
    preparing = groups.preparing()
    group = services.partnership[services.partnership != NONE]
    assert (np.bincount(group, minlength=len(groups))[preparing] >= 2).all()
    assert (services.partnership[groups.lead[preparing]] == preparing).all()


def assert_stages_follow_each_other(groups):
    began = np.stack([groups.formed, groups.stormed, groups.normed, groups.performed])
    seen = groups.formed > 0
    for earlier, later in pairwise(began[:, seen]):
        reached = later != 0
        assert (earlier[reached] != 0).all()
        assert (earlier[reached] <= later[reached]).all()


def assert_votes_add_up(model, first):
    """Yes votes are the members that committed and those whom others' no left stranded."""
    ballots, groups = model.ballots, model.partnerships
    new = np.arange(first, len(ballots))
    norming, stays = ballots.stage[new] == Stage.NORMING, ballots.stays[new]
    no = norming & ~stays & ballots.vote[new]
    stranded = norming & (ballots.cause[new] == FELL_APART)
    assert (model.measured["voted"], model.measured["voted_against"]) == (
        (norming & stays).sum() + no.sum(), no.sum()
    )  # fmt: skip
    for group in np.unique(ballots.partnership[new[norming & (stays | no)]]).tolist():
        ours = ballots.partnership[new] == group
        ended = groups.ended[group] == model.quarter and ENDED_HOW[groups.ended_how[group]]
        if ended == "voted down":
            assert (ours & stranded).sum() == (ours & norming & stays).sum()
        elif ended not in ("no business case", "no cash"):
            assert_yes_votes_commit(model, group, set(ballots.service[new[ours & norming & stays]]))


def assert_yes_votes_commit(model, group, yes):
    """Who voted for a tender takes part in it, or waits to come in where its group is phased."""
    services, groups, log = model.services, model.partnerships, model.tender_log[-1]
    (committed,) = log["councils"][log["partnership"] == group].tolist()
    if groups.stage[group] == Stage.PERFORMING:
        part = np.flatnonzero(services.contract == groups.contract[group])
        waiting = np.flatnonzero(services.partnership == group)
        assert len(part) == committed
        assert yes == {*part, *waiting}
    assert committed <= len(yes)
    assert committed == len(yes) or groups.phased[group]


def assert_members_that_go_are_counted(model, first):
    ballots, measured = model.ballots, model.measured
    new = np.arange(first, len(ballots))
    performs, stays = ballots.stage[new] == Stage.PERFORMING, ballots.stays[new]
    left = ~stays & ~performs & ~ballots.vote[new] & (ballots.cause[new] != FELL_APART)
    assert measured["walked_away"] == left.sum()
    assert measured["late_exits"] == (left & (ballots.stage[new] == Stage.NORMING)).sum()
    assert measured["withdrew"] == (performs & ~stays).sum()
    assert measured["joined_later"] == (performs & stays).sum()


def claims_on_the_fund(model):
    """Return what the fund has paid on claims and got back so far, pence."""
    return int(model.claims.paid.sum()), int(model.claims.repaid.sum())


def assert_the_fund_keeps_its_books(model, opening):
    """What claims say of the fund is what was posted, and it can pay what it promised."""
    claims, ledger = model.claims, model.ledger
    moved = Purpose.FUND_CLAIM, Purpose.FUND_REPAYMENT
    closing = claims_on_the_fund(model)
    posted = [ledger.total(purpose) for purpose in moved]
    assert [after - before for after, before in zip(closing, opening, strict=True)] == posted
    assert (claims.repaid + claims.written_off <= claims.repayable).all()
    assert (claims.repayable <= claims.paid).all()
    assert 0 <= model.stages.promised() <= model.fund_balance


def assert_savings_come_from_the_postings(model):
    rows = [batch for batch in model.ledger.this_quarter()]
    first, last = len(Account), len(Account) + len(model.councils)

    def of_councils(accounts, amounts):
        return int(amounts[(accounts >= first) & (accounts < last)].sum())

    granted = sum(
        of_councils(b.target, b.amount)
        for b in rows
        if b.purpose in (Purpose.BUDGET, Purpose.FUND_CLAIM)
    )
    borne = sum(
        of_councils(b.source, b.amount)
        for b in rows
        if b.purpose in COUNCIL_COSTS or b.purpose == Purpose.FUND_REPAYMENT
    )
    assert model.measures["councils_saving"].iloc[-1] == (granted - borne) / 1e8


@settings(
    max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(registers(), policies(), assumptions(), st.integers(0, 2**63 - 1), st.integers(1, 3))
def test_every_quarter_of_every_world_is_sound(register, policy, assumed, seed, years):
    model = MarketModel(policy, assumed, years=years, register=register, rng=seed)
    while model.running:
        opening, decided = model.ledger.balance.tolist(), len(model.ballots)
        claims = claims_on_the_fund(model)
        model.step()
        assert_accounts_balance(model, opening)
        assert_services_are_delivered_once(model)
        assert_nobody_is_overloaded(model)
        assert_shares_are_shares(model)
        assert_partnerships_are_sound(model)
        assert_votes_add_up(model, decided)
        assert_members_that_go_are_counted(model, decided)
        assert_the_fund_keeps_its_books(model, claims)
        assert_savings_come_from_the_postings(model)
    assert_nan_only_without_a_denominator(model)
    assert list(model.measures) == list(MEASURES)
