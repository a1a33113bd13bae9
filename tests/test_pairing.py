"""Common random numbers by identity: what cannot matter changes not one bit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation import MarketModel, Policy
from simulation.levers import live_levers
from simulation.randomness import name_key
from simulation.register import load_register, parse_register
from tests.worlds import assumptions, policies, registers, shire

SHARING = {"aggregation_threshold": 3.0, "aggregation_mandate": 1.0, "pump_priming_fund": 20.0}


class WithIdleSupplier(MarketModel):
    """The market with one more supplier, first in every table, that can do nothing."""

    def add_suppliers(self, key, large, quarter):
        if quarter:
            return super().add_suppliers(key, large, quarter)
        idle = np.array([name_key("idle")])
        rows = super().add_suppliers(
            np.concatenate([idle, key]), np.concatenate([[True], large]), quarter
        )
        self.suppliers.capability[rows[0]] = 0.0
        return rows


def assert_same_bits(one: MarketModel, other: MarketModel) -> None:
    pd.testing.assert_frame_equal(one.outcomes, other.outcomes, check_exact=True)
    pd.testing.assert_frame_equal(one.measures, other.measures, check_exact=True)


@pytest.mark.parametrize("levers", [{}, SHARING], ids=["status quo", "sharing"])
def test_an_irrelevant_supplier_changes_no_other_trajectory(levers):
    plain = MarketModel(rng=11, years=6, **levers).run()
    crowded = WithIdleSupplier(rng=11, years=6, **levers).run()
    assert_same_bits(plain, crowded)
    assert (crowded.suppliers.key[1:] == plain.suppliers.key).all()
    for column in ("capacity", "load", "rivals", "margin", "turnover", "exposure", "left"):
        with_idle = getattr(crowded.suppliers, column)[1:]
        assert (with_idle == getattr(plain.suppliers, column)).all(), column
    capital = crowded.ledger.supplier_balance()[1:]
    assert (capital == plain.ledger.supplier_balance()).all()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(registers(20), policies(), assumptions(), st.integers(0, 2**32))
def test_an_irrelevant_supplier_matters_in_no_world(register, policy, assumed, seed):
    world = {"policy": policy, "assumptions": assumed, "register": register, "rng": seed}
    assert_same_bits(MarketModel(years=2, **world).run(), WithIdleSupplier(years=2, **world).run())


@pytest.mark.parametrize("levers", [{}, SHARING], ids=["status quo", "sharing"])
def test_the_order_of_a_register_s_rows_never_matters(levers):
    england = load_register()
    header, *rows = england.raw.decode().strip().splitlines()
    shuffled = [rows[place] for place in np.argsort([hash(row) for row in rows])]
    other = parse_register("\n".join([header, *shuffled]).encode(), "shuffled")
    one = MarketModel(rng=5, years=4, **levers).run()
    assert_same_bits(one, MarketModel(rng=5, years=4, register=other, **levers).run())


def test_the_same_seed_gives_the_same_tables():
    one, other = (MarketModel(rng=3, years=4, **SHARING).run() for _ in range(2))
    for name in one.tables:
        pd.testing.assert_frame_equal(one.tables[name], other.tables[name], check_exact=True)


def test_another_seed_gives_another_history():
    one, other = (MarketModel(rng=seed, years=2, register=shire()).run() for seed in (1, 2))
    assert not one.outcomes.equals(other.outcomes)


@pytest.mark.parametrize(
    "inert",
    [
        {"pump_priming_priority": "small_first"},
        {"pump_priming_share": 0.9, "pump_priming_repayment": 0.0},
        {"aggregation_mandate": 1.0},
        {"pump_priming_deadline": 4},
        {"pump_priming_fund": [{"from_year": 90, "value": 100.0}]},
        {"risk_transfer": 0.6},
    ],
    ids=lambda levers: ", ".join(levers),
)
def test_a_placebo_differs_from_its_baseline_by_exactly_zero(inert):
    baseline = MarketModel(Policy("status-quo"), rng=9, years=5).run()
    placebo = MarketModel(Policy("placebo", **inert), rng=9, years=5).run()
    assert_same_bits(baseline, placebo)


def test_a_dated_lever_changes_nothing_before_its_date():
    later = [{"from_year": 4, "value": 5.0}]
    baseline = MarketModel(rng=2, years=5).run()
    dated = MarketModel(rng=2, years=5, aggregation_threshold=later, aggregation_mandate=1.0).run()
    before = baseline.outcomes.loc[:12]
    pd.testing.assert_frame_equal(before, dated.outcomes.loc[:12], check_exact=True)
    assert not baseline.outcomes.loc[13:].equals(dated.outcomes.loc[13:])


MOVED = {
    "aggregation_threshold": 3.0, "aggregation_reach": "region", "max_partners": 3,
    "risk_transfer": 0.3, "risk_allocation": "by_control", "pump_priming_fund": 50.0,
    "prudential_borrowing": 1.0, "qualification_multiple": 6.0, "efficiency_target": 0.0,
    "contract_length_factor": 0.75, "local_delivery": 0.0, "early_due_diligence": 1.0,
    "partnership_support": 1.0, "publicity": 1.0,
}  # fmt: skip
NEEDS_A_FUND = {
    "pump_priming_share": 1.0, "pump_priming_repayment": 0.0,
    "pump_priming_priority": "small_first", "pump_priming_deadline": 3,
}  # fmt: skip
NEEDS_A_THRESHOLD = {"aggregation_mandate": 1.0}


@pytest.mark.parametrize("lever", sorted(live_levers()))
def test_every_live_lever_moves_something(lever):
    """No lever is for show: each changes what happens, given what it needs to bite."""
    setting = {}
    if lever in NEEDS_A_FUND:
        setting = {"pump_priming_fund": 2.0, "aggregation_threshold": 2.0}
    if lever in NEEDS_A_THRESHOLD:
        setting = {"aggregation_threshold": 2.0}
    value = (MOVED | NEEDS_A_FUND | NEEDS_A_THRESHOLD)[lever]
    still = MarketModel(rng=4, years=4, **setting).run()
    moved = MarketModel(rng=4, years=4, **{**setting, lever: value}).run()
    assert not still.outcomes.equals(moved.outcomes)
