"""Who waits to enter a joint contract, who goes, and to what groups are held."""

import numpy as np
import pytest

from agents.columns import NONE, IntArray
from agents.governance import GOVERNANCE, NAMES
from agents.partnership import (
    DOUBTS,
    ENDED_HOW,
    NEW_MEMBERS,
    NO_GAIN,
    RELUCTANCE,
    Stage,
)
from simulation import MarketModel, Policy
from simulation.assumptions import assumptions_from
from simulation.business_case import fund_in_sight
from simulation.groups import end_in_vain
from simulation.ledger import PENCE
from simulation.membership import LONGEST_WAIT, _leave_with_the_bill
from simulation.needs import mandate, must_aggregate
from tests.worlds import shire

BOUND = Policy("bound", aggregation_threshold=3.0, aggregation_mandate=1.0)
ASKED = Policy("asked", aggregation_threshold=3.0, aggregation_mandate=0.0)
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
    return [Waits(seed) for seed in (9, 10)]


def test_nobody_waits_for_ever_for_the_money_to_come_in(waits: list[Waits]) -> None:
    assert max(one.longest for one in waits) == LONGEST_WAIT - 1


@pytest.mark.parametrize("where", ["in house", "contract over"])
def test_who_gives_up_waiting_has_a_need_of_its_own_at_once(waits: list[Waits], where: str) -> None:
    needy = [each for one in waits for each in one.needy[where]]
    assert needy
    assert all(needy)


def test_who_goes_pays_what_is_left_of_set_up_without_the_fund() -> None:
    model = MarketModel(years=1, register=shire(), rng=1)
    stages = model.stages
    rows = stages.extend(5)
    stages.contract[rows], stages.council[rows] = [3, 3, 4, 4, 4], [1, 2, 1, 2, 1]
    stages.cost[rows], stages.from_fund[rows] = 100, 60
    stages.open[rows[4]] = False
    _leave_with_the_bill(model, np.array([3, 4]), np.array([1, 2]))
    assert stages.from_fund.tolist() == [0, 60, 60, 0, 60]
    assert stages.open.tolist() == [True, True, True, True, False]
    assert stages.cost.tolist() == [100] * 5


# What the fund and its deadline are worth to groups


GRANTS = {"pump_priming_share": 1.0, "pump_priming_repayment": 0.0}


def endings(model: MarketModel) -> list[str]:
    ended: list[str] = model.tables["partnerships"]["ended_how"].astype(str).tolist()
    return ended


@pytest.mark.parametrize("deadline", [None, 8])
def test_a_fund_that_cannot_pay_changes_nothing(deadline: int | None) -> None:
    """Neither at the vote nor through a deadline: there is nothing to lose."""
    levers = {"aggregation_threshold": 3.0, **GRANTS, "pump_priming_deadline": deadline}
    without, pennies = (
        MarketModel(years=6, register=shire(15), rng=4, **levers, pump_priming_fund=fund).run()
        for fund in (0.0, 0.001)
    )
    assert pennies.measures["fund_paid"].sum() == 0
    assert len(without.partnerships) > 10
    assert endings(without) == endings(pennies)
    assert without.ballots.stays.tolist() == pennies.ballots.stays.tolist()


def test_groups_hope_for_what_the_fund_has_not_promised_to_others() -> None:
    model = MarketModel(
        years=1, register=shire(), rng=1, pump_priming_fund=1.0, pump_priming_share=0.5
    )
    model.step()
    groups, stages = model.partnerships, model.stages
    rows = groups.extend(2)
    groups.value[rows] = [2.0, 50.0]  # their set-up: £0.3m, the least, and £5m
    assert fund_in_sight(model, rows).tolist() == [0.5, 0.0]
    promised = stages.extend(1)
    stages.from_fund[promised] = round(0.9 * PENCE)
    assert fund_in_sight(model, rows).tolist() == [0.0, 0.0]


def test_a_deadline_that_has_passed_leaves_nothing_to_hope_for() -> None:
    model = MarketModel(years=1, register=shire(), rng=1, pump_priming_fund=9.0)
    model.step()
    model.step()
    groups = model.partnerships
    rows = groups.extend(3)
    groups.value[rows], groups.deadline[rows] = 2.0, [0, 1, 2]
    assert (fund_in_sight(model, rows) > 0).tolist() == [True, False, True]


@pytest.fixture(scope="module")
def voted() -> MarketModel:
    return MarketModel(ASKED, years=12, register=shire(25), rng=7).run()


def test_who_is_voted_down_was_voted_against(voted: MarketModel) -> None:
    """Also where all who began must take part, so that one that walks away ends the group."""
    all_needed = assumptions_from({"minimum_participants": 1.0})
    strict = MarketModel(ASKED, all_needed, years=12, register=shire(25), rng=7).run()
    for model in (voted, strict):
        ballots, groups = model.ballots, model.partnerships
        against = ballots.partnership[ballots.vote & ~ballots.stays]
        (down,) = np.nonzero(groups.ended_how == ENDED_HOW.index("voted down"))
        assert len(down)
        assert np.isin(down, against).all()


def test_a_vote_against_has_a_cause_that_its_case_bears(voted: MarketModel) -> None:
    ballots = voted.ballots
    against = ballots.vote & ~ballots.stays
    cause, gain = ballots.cause[against], ballots.gain[against]
    assert against.any()
    assert set(cause.tolist()) <= {NEW_MEMBERS, RELUCTANCE, DOUBTS, NO_GAIN}
    assert ((cause == NO_GAIN) == (gain <= 0)).all()


def test_no_case_that_fails_comes_to_a_vote_of_a_new_group(voted: MarketModel) -> None:
    groups, ballots = voted.partnerships, voted.ballots
    (failed,) = np.nonzero(groups.ended_how == ENDED_HOW.index("no business case"))
    ended = groups.ended[ballots.partnership] == ballots.quarter
    at_the_end = ballots.partnership[ballots.vote & ended & ~ballots.stays]
    assert len(failed)
    new = failed[(groups.contract[failed] == NONE) & ~groups.phased[failed]]
    some_left = np.isin(new, at_the_end)
    assert not np.isin(new[~some_left], ballots.partnership[ballots.vote & ended]).any()


def test_a_group_that_agreed_in_vain_leaves_its_members_less_ready() -> None:
    model = MarketModel(years=1, register=shire(), rng=1)
    groups, services = model.partnerships, model.services
    row = groups.extend(1)
    services.partnership[:2] = row
    members = services.council[:2]
    before, trust = model.councils.readiness.copy(), model.ties.trust.copy()
    end_in_vain(model, row, "no cash")
    change = model.councils.readiness - before
    assert (change[members] < 0).all()
    assert (np.delete(change, members) == 0).all()
    assert (model.ties.trust == trust).all()


def test_who_joins_later_joins_a_leader_within_reach() -> None:
    policy = Policy(
        "county", aggregation_threshold=3.0, aggregation_mandate=1.0, aggregation_reach="county"
    )
    model = MarketModel(policy, assumptions_from({"governance": "lead_client"}), years=10, rng=3)
    reached, joined = model.geography.candidates("county").rows, 0
    while model.running:
        model.step()
        new = model.ballots.quarter == model.quarter
        new &= model.ballots.stays & (model.ballots.stage == Stage.PERFORMING)
        lead = model.partnerships.lead[model.ballots.partnership[new]]
        council = model.services.council[model.ballots.service[new]]
        leader = model.services.council[lead]
        assert (reached[council] == leader[:, None]).any(axis=1).all()
        joined += len(council)
    assert joined > 0


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
