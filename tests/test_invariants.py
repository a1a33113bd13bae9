"""What holds in every quarter of every world, whatever the policy and the assumptions."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.columns import NONE
from agents.partnership import Stage
from simulation import MarketModel
from simulation.ledger import COUNCIL_COSTS, Account, Purpose
from simulation.outcomes import MEASURES, OUTCOMES, Gap, Last, Ratio
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


def assert_partnerships_are_sound(model):
    services, partnerships = model.services, model.partnerships
    in_group = services.partnership[services.partnership != NONE]
    assert (partnerships.stage[in_group] == Stage.FORMING).all()
    council_and_group = list(
        zip(services.council[services.partnership != NONE], in_group, strict=True)
    )
    assert len(council_and_group) == len(set(council_and_group))
    assert (partnerships.members_sought >= 2).all()
    performing = partnerships.stage == Stage.PERFORMING
    assert model.contracts.live[partnerships.contract[performing]].all()


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
        opening = model.ledger.balance.tolist()
        model.step()
        assert_accounts_balance(model, opening)
        assert_services_are_delivered_once(model)
        assert_nobody_is_overloaded(model)
        assert_shares_are_shares(model)
        assert_partnerships_are_sound(model)
        assert_savings_come_from_the_postings(model)
    assert_nan_only_without_a_denominator(model)
    assert list(model.measures) == list(MEASURES)
