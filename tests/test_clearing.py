"""The compiled clearing of tenders against the plain one: the same bids, prices and winners."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation import MarketModel, tendering
from simulation.tendering import Bids, Terms
from tests import plain_clearing
from tests.worlds import assumptions, policies, registers

SHARING = {"aggregation_threshold": 3.0, "aggregation_mandate": 1.0, "pump_priming_fund": 20.0}
BY_CONTROL = {"risk_allocation": "by_control", "qualification_multiple": 3.0}
POOR = {"contract_length_factor": 1.5, "risk_transfer": 1.0, "early_due_diligence": 1.0}


def same(found, expected):
    assert found.shape == expected.shape
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    else:
        np.testing.assert_array_equal(found, expected)


def assert_same_result(found, expected):
    same(found.prospects.tender, expected.prospects.tender)
    same(found.prospects.supplier, expected.prospects.supplier)
    for one in fields(Terms):
        if one.name != "risk":
            same(getattr(found.terms, one.name), getattr(expected.terms, one.name))
    for one, other in zip(found.terms.risk, expected.terms.risk, strict=True):
        same(one, other)
    for one in fields(Bids):
        same(getattr(found.submitted, one.name), getattr(expected.submitted, one.name))
        same(getattr(found.bids, one.name), getattr(expected.bids, one.name))
    for name in ("qualified", "winning", "reason"):
        same(getattr(found, name), getattr(expected, name))


def run_both(monkeypatch, model):
    """Run ``model``, clear each quarter both ways, and return the number of bids."""
    compiled, bids = tendering.clear, []

    def clear(model, requirements):
        before = model.suppliers.load.copy()
        expected = plain_clearing.clear(model, requirements)
        load = model.suppliers.load.copy()
        model.suppliers.load[:] = before
        found = compiled(model, requirements)
        assert_same_result(found, expected)
        same(model.suppliers.load, load)
        bids.append(len(found.submitted.tender))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(tendering, "clear", clear)
        model.run()
    return bids


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "levers", [{}, SHARING, BY_CONTROL, POOR], ids=["status quo", "sharing", "by control", "poor"]
)
def test_compiled_and_plain_clearing_agree(monkeypatch, seed, levers):
    bids = run_both(monkeypatch, MarketModel(rng=seed, years=3, **levers))
    assert len(bids) == 12
    assert min(bids) > 300


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(registers(20), policies(), assumptions(), st.integers(0, 2**32))
def test_they_agree_in_any_world(monkeypatch, register, policy, assumed, seed):
    run_both(
        monkeypatch,
        MarketModel(policy=policy, assumptions=assumed, register=register, rng=seed, years=2),
    )
