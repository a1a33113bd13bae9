"""Who waits to enter a joint contract, who goes, and to what groups are held."""

import numpy as np
import pytest

from agents.columns import NONE, IntArray
from agents.governance import GOVERNANCE, NAMES
from agents.partnership import Stage
from simulation import MarketModel, Policy
from simulation.assumptions import assumptions_from
from simulation.membership import LONGEST_WAIT, _cancel_stages
from simulation.needs import mandate, must_aggregate
from tests.worlds import shire

BOUND = Policy("bound", aggregation_threshold=3.0, aggregation_mandate=1.0)
POOR = {"phased_entry": 1.0, "lease_spread": 4.0, "reserves": 0.0}
"""Members come in one after the other, and have nothing to pay for it."""


def world(seed: int, **assumed: float | str) -> MarketModel:
    assumptions = assumptions_from(assumed)
    return MarketModel(BOUND, assumptions, years=10, register=shire(25), rng=seed)


class Waits:
    """For how long members waited in a run, and whether those that gave up had a need at once."""

    def __init__(self, seed: int) -> None:
        self.model = world(seed, **POOR)
        self.longest = 0
        self.needy: dict[str, list[bool]] = {"in house": [], "contract over": []}
        while self.model.running:
            self._step()
            since = self.model.services.enters[self._waiting()]
            self.longest = max([self.longest, *(self.model.quarter - since).tolist()])

    def _waiting(self) -> IntArray:
        """Return the services that are free to enter the joint contract of their group."""
        services, groups = self.model.services, self.model.partnerships
        rows = np.flatnonzero(services.partnership != NONE)
        performs = groups.stage[services.partnership[rows]] == Stage.PERFORMING
        free: IntArray = rows[performs & (services.enters[rows] <= self.model.quarter)]
        return free

    def _step(self) -> None:
        model, services = self.model, self.model.services
        waiting, quarter = self._waiting(), model.quarter + 1
        late = waiting[quarter - services.enters[waiting] == LONGEST_WAIT]
        held, group = services.contract[late], services.partnership[late]
        over = (held != NONE) & (model.contracts.end[held] <= quarter)
        model.step()
        assert (services.partnership[late] != group).all()
        assert (model.partnerships.lost[group] == quarter).all()
        needy = services.came_up[late] == quarter
        self.needy["in house"] += needy[held == NONE].tolist()
        self.needy["contract over"] += needy[over].tolist()


@pytest.fixture(scope="module")
def waits() -> list[Waits]:
    return [Waits(seed) for seed in (2, 3)]


def test_nobody_waits_for_ever_for_the_money_to_come_in(waits: list[Waits]) -> None:
    assert max(one.longest for one in waits) == LONGEST_WAIT - 1


@pytest.mark.parametrize("where", ["in house", "contract over"])
def test_who_gives_up_waiting_has_a_need_of_its_own_at_once(waits: list[Waits], where: str) -> None:
    needy = [each for one in waits for each in one.needy[where]]
    assert needy
    assert all(needy)


def test_set_up_is_cancelled_for_who_goes_and_nobody_else() -> None:
    model = MarketModel(years=1, register=shire(), rng=1)
    stages = model.stages
    rows = stages.extend(5)
    stages.contract[rows], stages.council[rows] = [3, 3, 4, 4, 4], [1, 2, 1, 2, 1]
    stages.open[rows[4]] = False
    _cancel_stages(model, np.array([3, 4]), np.array([1, 2]))
    assert stages.open.tolist() == [False, True, True, False, False]


def test_the_mandate_holds_below_the_threshold_and_nowhere_else() -> None:
    policy = Policy("half", aggregation_threshold=1.0, aggregation_mandate=0.4)
    model = MarketModel(policy, years=1, register=shire(), rng=1)
    everything = np.arange(len(model.services))
    model.index = 1.1
    below = model.services.baseline * 1.1 < 1.0
    assert 0 < below.sum() < len(below)
    assert must_aggregate(model, everything).tolist() == below.tolist()
    assert mandate(model, everything).tolist() == [0.4 if one else 0.0 for one in below]


def test_who_is_held_to_a_model_that_is_too_large_takes_another() -> None:
    held, sizes = NAMES.index("prime_contractor"), set[bool]()
    model = world(1, governance="prime_contractor")
    groups = model.partnerships
    while model.running:
        model.step()
        for row in np.flatnonzero((groups.normed == model.quarter) & (groups.formed > 0)):
            members = (model.services.partnership == row).sum()
            large = bool(members >= GOVERNANCE[held].fewest)
            assert (groups.governance[row] == held) == large
            assert GOVERNANCE[groups.governance[row]].fewest <= members
            sizes.add(large)
    assert sizes == {True, False}
