"""How the market behaves: worked situations, each a rule once broken or easily broken."""

import numpy as np
import pytest

from agents.columns import NONE
from agents.partnership import Stage
from experiments.circumstances import find_circumstances
from simulation import MarketModel, route
from simulation.assumptions import assumptions_from
from simulation.finance import STAGES
from simulation.ledger import to_pence
from simulation.needs import council_pressure
from simulation.register import COUNCIL_TYPES
from simulation.seeking import reorganisation_threat
from simulation.segments import FUNCTIONAL
from tests.worlds import shire

SHARING = {"aggregation_threshold": 3.0, "aggregation_mandate": 1.0}


def test_a_threshold_that_nobody_falls_below_changes_nothing():
    plain = MarketModel(rng=1, years=5).run()
    tiny = MarketModel(rng=1, years=5, aggregation_threshold=1e-6, aggregation_mandate=1.0).run()
    assert plain.outcomes.equals(tiny.outcomes)


def test_a_closed_fund_pays_what_it_promised_and_returns_what_comes_back():
    dated = [{"from_year": 1, "value": 50.0}, {"from_year": 4, "value": 0.0}]
    model = MarketModel(rng=1, years=8, pump_priming_fund=dated, **SHARING)
    while model.running:
        model.step()
        assert model.fund_balance >= model.stages.promised()
        if model.quarter == 12:
            promised = model.stages.promised()
    paid = model.measures["fund_paid"]
    assert paid.loc[:12].sum() > 0
    assert 0 < round(paid.loc[13:].sum() * 1e8) <= promised
    assert paid.loc[12 + STAGES :].sum() == 0
    assert model.measures["fund_repaid"].loc[13:].sum() > 0
    np.testing.assert_allclose(model.measures["fund_lent"], paid, rtol=1e-12)
    repaid_last = round(model.measures["fund_repaid"].iloc[-1] * 1e8)
    assert model.fund_balance == repaid_last


def test_a_fund_never_holds_more_than_its_capital():
    model = MarketModel(rng=2, years=6, pump_priming_fund=5.0, **SHARING)
    while model.running:
        model.step()
        assert 0 <= model.fund_balance <= 5 * 10**8


def test_a_grant_is_never_repaid_and_never_free_to_the_public():
    grant = {"pump_priming_fund": 40.0, "pump_priming_repayment": 0.0}
    assumed = assumptions_from({"fund_first": 1.0})
    model = MarketModel(assumptions=assumed, rng=3, years=5, **grant, **SHARING).run()
    measures = model.measures
    assert measures["fund_paid"].sum() > 0
    assert measures["fund_repaid"].sum() == measures["fund_lent"].sum() == 0
    public = measures["councils_saving"] - measures["fund_paid"]
    np.testing.assert_allclose(measures["public_saving"], public, atol=1e-6)


def test_without_smes_there_are_none_and_without_large_suppliers_none():
    no_smes = MarketModel(assumptions=assumptions_from({"smes": 0}), rng=1, years=3).run()
    assert no_smes.suppliers.large.all()
    no_large = MarketModel(
        assumptions=assumptions_from({"large_suppliers": 0}), rng=1, years=3
    ).run()
    assert not no_large.suppliers.large.any()


@pytest.mark.parametrize("name", ["common_error", "own_error", "fit_spread", "evaluation_noise"])
def test_the_widest_errors_break_nothing(name):
    model = MarketModel(assumptions=assumptions_from({name: 0.5}), rng=1, years=4).run()
    prices = model.tables["tenders"]["price"].dropna()
    assert (prices > 0).all()


def test_a_joint_project_is_never_signed_above_what_its_members_pay_otherwise():
    model = MarketModel(rng=4, years=6, **SHARING).run()
    contracts = model.contracts
    groups, first = np.unique(contracts.partnership, return_index=True)
    first = first[(groups != NONE) & (contracts.start[first] > 0)]
    first = first[model.partnerships.formed[contracts.partnership[first]] > 0]
    assert len(first) > 50
    assert (contracts.price[first] < contracts.value[first]).all()


def test_members_of_a_group_are_neighbours_by_steps_where_reach_says_so():
    model = MarketModel(rng=5, years=3, **SHARING).run()
    adjacent, services = model.geography.adjacent, model.services
    forming = np.flatnonzero(model.partnerships.stage == Stage.FORMING)
    assert len(forming) > 10
    for row in forming:
        members = set(services.council[services.partnership == row].tolist())
        reached = {min(members)}
        while more := {m for m in members - reached if adjacent[m] & reached}:
            reached |= more
        assert reached == members


def test_county_reach_keeps_groups_within_a_county():
    model = MarketModel(rng=6, years=4, aggregation_reach="county", **SHARING)
    services, groups = model.services, model.partnerships
    district, parent = COUNCIL_TYPES.index("district"), model.councils.county
    family = np.where(parent == NONE, np.arange(len(parent)), parent)
    seen = 0
    while model.running:
        model.step()
        led_by = model.councils.type[services.council[groups.lead]]
        fresh = np.flatnonzero((groups.formed == model.quarter) & (led_by == district))
        for group in fresh:
            members = services.council[services.partnership == group]
            assert len(members) > 1
            assert len(set(family[members].tolist())) == 1
        seen += len(fresh)
    assert seen > 50


def test_national_reach_lets_far_councils_share():
    near = MarketModel(rng=7, years=4, **SHARING).run()
    far = MarketModel(rng=7, years=4, aggregation_reach="national", **SHARING).run()

    def widest(model):
        services, contracts = model.services, model.contracts
        held = (services.contract != NONE) & (contracts.councils[services.contract] > 1)
        lead = contracts.lead[services.contract[held]]
        return model.kilometres(services.council[held], services.council[lead]).max()

    assert widest(far) > widest(near)


@pytest.mark.parametrize("most", [3, 4])
def test_no_group_is_larger_than_allowed_whoever_joins_later(most):
    assumed = assumptions_from({"governance": "lead_client", "readiness": 1.0, "phased_entry": 1.0})
    model = MarketModel(None, assumed, rng=8, years=8, max_partners=most, **SHARING)
    services, groups = model.services, model.partnerships
    founded = groups.members.max()
    while model.running:
        model.step()
        waiting = services.partnership[services.partnership != NONE]
        sought = np.bincount(waiting, minlength=len(groups))
        performs = groups.stage == Stage.PERFORMING
        sought[performs] += model.contracts.councils[groups.contract[performs]]
        assert sought.max() <= max(most, founded)
    assert model.partnerships.members_sought[groups.formed > 0].max() == most
    assert model.measures["joined_later"].sum() > 0


def test_qualification_screens_on_turnover():
    model = MarketModel(rng=9, years=3, qualification_multiple=8.0).run()
    tenders = model.tables["tenders"]
    plain = MarketModel(rng=9, years=3).run().tables["tenders"]
    assert tenders["qualified"].mean() < plain["qualified"].mean()


def test_a_council_alone_shares_nothing():
    model = MarketModel(rng=1, years=5, register=shire(0), **SHARING).run()
    assert model.measures["councils"].iloc[0] == 2
    lonely = MarketModel(rng=1, years=5, register=shire(0), max_partners=2).run()
    assert (lonely.partnerships.members_sought <= 2).all()


def test_risk_by_control_leaves_each_risk_with_who_controls_it():
    model = MarketModel(rng=1, years=2, risk_allocation="by_control").run()
    signed = model.contracts.start >= 1
    assert np.unique(model.contracts.share[signed], axis=0).tolist() == [[0.9, 0.1, 0.9]]


def test_a_collapse_brings_services_home_and_costs_the_members():
    assumed = assumptions_from({"event_level": 2.0, "rescue_limit": 0.0, "loss_spread": 1.5})
    model = MarketModel(assumptions=assumed, rng=1, years=4).run()
    ended = model.tables["contracts"]["ended_how"]
    assert (ended == "collapsed").sum() > 20
    assert model.measures["collapses"].sum() == (ended == "collapsed").sum()
    ledger = model.tables["ledger"]
    assert ledger.loc[ledger["purpose"] == "disruption", "amount"].sum() > 0


def test_a_price_is_reached_on_a_ramp_and_set_up_is_paid_in_stages():
    model = MarketModel(rng=1, years=6)
    seen = {}
    while model.running:
        model.step()
        paid, contracts = model.paid, model.contracts
        outsourced = contracts.segment[paid.contract] == FUNCTIONAL
        outsourced &= contracts.start[paid.contract] > 0
        for place in np.flatnonzero(outsourced).tolist():
            ratio = float(paid.price[place] / paid.cost[place])
            seen.setdefault(int(paid.contract[place]), {})[model.quarter] = ratio
    long = [c for c, paid in seen.items() if len(paid) > 11 and not model.contracts.disputed[c]]
    assert len(long) > 5
    for contract in long:
        was, agreed = model.contracts.was_ratio[contract], model.contracts.price_ratio[contract]
        paid = list(seen[contract].values())
        assert abs(paid[0] - was) < abs(paid[5] - was) < abs(paid[10] - was) + 1e-12
        assert paid[10] == pytest.approx(agreed)


@pytest.mark.parametrize("rule", ["equal", "size", "use"])
def test_members_pay_a_project_s_set_up_to_the_penny(rule, monkeypatch):
    """However it is shared, what members pay adds up to what the project costs (D1 §3.2)."""
    seen = []
    costs = route._member_costs

    def watched(model, cost, project_of, service):
        paid = costs(model, cost, project_of, service)
        seen.append((cost, np.bincount(project_of, paid), np.bincount(project_of)))
        assert (paid >= 0).all()
        return paid

    monkeypatch.setattr(route, "_member_costs", watched)
    MarketModel(None, assumptions_from({"cost_sharing": rule}), rng=3, years=5, **SHARING).run()
    cost, paid, members = (np.concatenate(column) for column in zip(*seen, strict=True))
    assert (members > 2).sum() > 20
    assert paid.tolist() == to_pence(cost).tolist()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_grant_never_brings_walk_aways_to_zero(seed):
    """The most generous grant under the best facilitation keeps some members from staying."""
    levers = {
        "pump_priming_fund": 2000.0, "pump_priming_share": 1.0, "pump_priming_repayment": 0.0,
        "pump_priming_deadline": 20, "partnership_support": 1.0,
    }  # fmt: skip
    measures = MarketModel(rng=seed, years=6, **levers).run().measures.sum()
    assert measures["fund_paid"] > 0
    assert measures["walked_away"] > measures["voted_against"] >= 0


def test_set_up_is_paid_in_equal_stages_to_the_penny():
    model = MarketModel(rng=3, years=5, pump_priming_fund=40.0, **SHARING).run()
    stages = model.stages
    first = stages.due == stages.due.reshape(-1)[0]
    assert first.any()
    for contract in np.unique(stages.contract):
        ours = stages.contract == contract
        due = np.unique(stages.due[ours])
        assert (np.diff(due) == 1).all()
        assert len(due) == STAGES
        for column in (stages.cost, stages.from_loan):
            total = [int(column[ours & (stages.due == quarter)].sum()) for quarter in due]
            assert total[1] == total[2] == total[3] <= total[0]
            assert total[0] - total[1] < STAGES * ours.sum()
        fund = [int(stages.from_fund[ours & (stages.due == quarter)].sum()) for quarter in due]
        assert fund == sorted(fund, reverse=True)  # it pays nothing more for who has left


def test_the_local_clause_binds_none_half_or_all():
    bound = [
        MarketModel(rng=4, years=2, local_delivery=share).run().tables["contracts"]
        for share in (0.0, 1.0)
    ]
    free, local = (one[one["start"] > 0]["estimate_ratio"].mean() for one in bound)
    assert free < local


def test_procedures_take_their_time():
    """A service that no supplier holds reaches the market no sooner than its procedure allows."""
    model = MarketModel(rng=5, years=4).run()
    tenders = model.tables["tenders"]
    fresh = tenders[(tenders["procedure"] == "competitive dialogue") & tenders["incumbent"].isna()]
    assert len(fresh) > 10
    assert fresh["quarter"].min() > 8


def test_history_threatens_for_three_years_and_squeezes_for_five():
    """April 2006 to March 2009, and April 2010 to March 2015."""
    history = find_circumstances("as-history-happened", "here").assumptions
    model = MarketModel(None, assumptions_from(history), register=shire(2), rng=1, years=15)
    calm = MarketModel(register=shire(2), rng=1, years=15)
    threatened, squeezed = [], []
    for quarter in range(1, 61):
        for one in (model, calm):
            one.quarter, one.councils.saving_rate[:] = quarter, 0.08
        threatened += [quarter] * (reorganisation_threat(model) == 0.7)
        squeezed += [quarter] * bool((council_pressure(model) > council_pressure(calm)).all())
        assert reorganisation_threat(calm) == 0.0
    assert threatened == list(range(1, 13))
    assert squeezed == list(range(17, 37))


def test_firms_give_up_where_they_do_not_win_and_the_market_keeps_the_rest():
    impatient = {"large_patience": 0.3, "sme_patience": 0.3}
    model = MarketModel(assumptions=assumptions_from(impatient), rng=6, years=5).run()
    patient = MarketModel(rng=6, years=5).run()
    kept, more = ((one.suppliers.capability > 0).sum() for one in (model, patient))
    assert kept < 0.95 * more
    left = ~model.suppliers.active
    assert (model.suppliers.capability[left & ~model.suppliers.failed] == 0).all()
