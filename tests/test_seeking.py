"""Who looks for partners, when, and among whom."""

import numpy as np
import pytest

from agents.columns import NONE
from simulation import MarketModel, Policy
from simulation.assumptions import Assumptions
from simulation.geography import geography
from simulation.seeking import BROKERED
from simulation.synthetic import synthetic
from tests.worlds import shire

YEARS = 10
BOUND = Policy("bound", aggregation_threshold=3.0, aggregation_mandate=1.0)


class Begun:
    """What groups found when they began: when their members' contracts end, from then on."""

    def __init__(self, seed: int = 3, policy: Policy = BOUND, **assumed: float) -> None:
        self.left: list[list[int]] = []
        self.leaders: list[int] = []
        model = MarketModel(
            policy, Assumptions(**assumed), years=YEARS, register=shire(12), rng=seed
        )
        while model.running:
            end, contract = model.contracts.end.copy(), model.services.contract.copy()
            known = len(model.partnerships)
            model.step()
            for row in range(known, len(model.partnerships)):
                leads = contract[model.partnerships.lead[row]]
                if leads != NONE:
                    self.leaders.append(int(end[leads]) - model.quarter)
                held = contract[model.services.partnership == row]
                self.left.append((end[held[held != NONE]] - model.quarter).tolist())


@pytest.fixture(scope="module")
def begun() -> Begun:
    return Begun()


def test_who_must_share_looks_for_partners_before_the_contract_ends(begun: Begun) -> None:
    assert max(begun.leaders) > 0
    assert max(Begun(search_ahead=0.0).leaders) <= 0


def test_nobody_looks_further_ahead_than_they_plan(begun: Begun) -> None:
    window, ahead = Assumptions().alignment_window, Assumptions().search_ahead
    assert max(begun.leaders) <= ahead
    assert all(left <= ahead + window for group in begun.left for left in group)


def test_without_foresight_talks_begin_when_a_contract_runs_out() -> None:
    late = Begun(search_ahead=0.0, alignment_window=0.0)
    assert late.left
    assert all(left <= 0 for group in late.left for left in group)


def test_contracts_of_a_new_group_end_at_about_the_same_time(begun: Begun) -> None:
    """Each within the window of the leader's, so that no two are further than twice that apart."""
    window = Assumptions().alignment_window
    assert all(max(left) - min(left) <= 2 * window for left in begun.left if left)


def test_a_council_decides_once_for_each_occasion() -> None:
    model = MarketModel(BOUND, years=YEARS, register=shire(12), rng=3)
    while model.running:
        was, occasions = model.services.considered.copy(), model.services.ordinal.copy()
        model.step()
        services = model.services
        assert (services.considered >= was).all()
        assert (services.considered <= services.ordinal + 1).all()
        raised = services.ordinal > occasions
        assert (services.came_up[~raised] < model.quarter).all()


@pytest.mark.parametrize("councils", [9, 60, 388])
def test_a_broker_finds_those_of_one_s_type_and_nearest_in_size(councils: int) -> None:
    register = synthetic(councils, 3)
    found = geography(register).candidates(BROKERED).rows
    for row in range(0, councils, 7):
        apart = np.abs(np.log(register.population / register.population[row]))
        alike = [one for one in range(councils) if register.type[one] == register.type[row]]
        nearest = sorted(alike, key=lambda one: (apart[one], one))[:20]
        assert set(nearest) - {row} <= set(found[row].tolist())
