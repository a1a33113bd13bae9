"""The rules of sharing, as functions: who is drawn to whom, what divides them, how they govern."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import council, partnership
from agents.governance import (
    GOVERNANCE,
    NAMES,
    choose_governance,
    governance_held_to,
    shared_cost,
)
from simulation.ties import trust_between, trust_of_pair
from tests.worlds import one, shares

# --- who is drawn to whom -------------------------------------------------------------------------


def drawn(**changed):
    """Return what draws a pair of alike neighbours together, but for what is ``changed``."""
    usual = {"trust": 0.0, "kilometres": 20.0, "politics": 0.0, "size_ratio": 1.0, "threat": 0.0,
             "readiness": 0.5, "pressure": 0.5}  # fmt: skip
    champion = np.array([changed.pop("champion", True)])
    given = {name: one(value) for name, value in {**usual, **changed}.items()}
    return council.joining_attraction(**given, champion=champion)[0]


@given(shares, shares)
def test_trust_readiness_and_pressure_draw_partners_together(low, high):
    low, high = sorted((low, high))
    for name in ("trust", "readiness", "pressure"):
        assert drawn(**{name: low}) <= drawn(**{name: high})


@pytest.mark.parametrize(
    "worse",
    [{"kilometres": 90}, {"politics": 1}, {"size_ratio": 9}, {"champion": False}, {"threat": 0.7}],
    ids=str,
)
def test_distance_politics_dominance_a_threat_and_a_lost_champion_repel(worse):
    assert drawn(**worse) < drawn()


def test_victims_of_a_reorganisation_close_ranks():
    assert drawn(threat=-0.4) > drawn()


@given(shares)
def test_councils_climb_five_stages_of_sharing(readiness):
    stage = council.sharing_stage(one(readiness))[0]
    assert 0 <= stage < len(council.SHARING_STAGES)
    assert stage == min(int(5 * readiness), 4)


COUNTIES = np.array([0, 0, 2])


@given(st.lists(st.floats(-1, 1), min_size=9, max_size=9))
def test_trust_is_what_was_earned_and_a_fifth_more_within_a_county(earned):
    first, second = np.divmod(np.arange(9), 3)
    table = np.reshape(earned, (3, 3))
    trust = trust_between(table, COUNTIES, first, second)
    alike = COUNTIES[first] == COUNTIES[second]
    assert trust[~alike].tolist() == table.ravel()[~alike].tolist()
    assert trust[alike] == pytest.approx(table.ravel()[alike] + 0.2)
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    assert trust.tolist() == [trust_of_pair(table, COUNTIES, *pair) for pair in pairs]


# --- partnerships: what sets members apart, and what holds them ----------------------------------


AT_ODDS = {
    "politics": (0.0, 1.0), "kilometres": (0.0, 500.0), "size_ratio": (0.01, 100.0),
    "threat": (0.0, 1.0), "staff": (0.0, 1.0), "caution": (0.0, 1.0),
}  # fmt: skip
"""What sets a member against a partnership, and between what bounds."""

CAUSE_OF = {
    "politics": "politics", "kilometres": "place of the service",
    "size_ratio": "fear of a dominant partner", "threat": "fear of a dominant partner",
    "staff": "staff and employers", "caution": "new members",
}  # fmt: skip
AGREED = {"politics": 0.0, "kilometres": 0.0, "size_ratio": 1.0, "threat": 0.0, "staff": 0.0,
          "caution": 0.0}  # fmt: skip


def conflict(**changed):
    """Return by cause what sets a member apart that nothing else does, with a champion in post."""
    remoteness, champion = changed.pop("remoteness", 1.0), changed.pop("champion", True)
    given = {name: one(value) for name, value in {**AGREED, **changed}.items()}
    by_cause = partnership.conflict(**given, remoteness=remoteness, champion=np.array([champion]))
    return np.array(by_cause)[:, 0]


def test_where_nothing_sets_them_apart_there_is_no_conflict():
    assert conflict().tolist() == [0.0] * partnership.HIDDEN


@pytest.mark.parametrize("name", AT_ODDS)
@given(st.data())
def test_each_thing_that_sets_members_apart_does_so_for_its_own_cause(name, data):
    low, high = sorted(data.draw(st.tuples(*[st.floats(*AT_ODDS[name])] * 2)))
    some, more = conflict(**{name: low}), conflict(**{name: high})
    assert (some >= 0).all()
    assert (some <= more).all()
    changed = np.flatnonzero(some != more).tolist()
    assert [partnership.CAUSES[cause] for cause in changed] in ([], [CAUSE_OF[name]])


def test_a_lost_champion_and_a_remote_site_set_members_apart():
    assert conflict(champion=False).argmax() == partnership.CAUSES.index("no champion")
    away = partnership.CAUSES.index("place of the service")
    far, further = (conflict(kilometres=80, remoteness=factor)[away] for factor in (1.0, 2.0))
    assert 0 < 2 * far == pytest.approx(further)


def test_who_does_not_fear_for_autonomy_minds_no_dominant_partner_and_no_threat():
    feared = conflict(size_ratio=20.0, threat=0.7)
    assert feared.sum() > 0
    assert conflict(size_ratio=20.0, threat=0.7, autonomy=0.0).sum() == 0
    assert drawn(size_ratio=20.0, threat=0.7, autonomy=0.0) == drawn() > drawn(size_ratio=20.0)


def tense(
    against, trust, menu=False, compromise=0.5, support=0.0, hidden=0.0, left=1.0, friction=0.3
):
    return partnership.tension(
        one(against), one(hidden), one(trust), np.array([menu]), one(left), friction, compromise,
        support,
    )[0]  # fmt: skip


@given(st.floats(0, 5), st.floats(0, 5), st.floats(-1, 1), shares, shares, st.booleans())
def test_conflict_makes_tension(some, more, trust, compromise, support, menu):
    low, high = sorted((some, more))
    rest = {"menu": menu, "compromise": compromise, "support": support}
    assert 0 < tense(low, trust, **rest) <= tense(high, trust, **rest)


@given(st.floats(0, 5), st.floats(-1, 1), st.floats(-1, 1), shares, shares)
def test_trust_compromise_a_facilitator_and_a_menu_calm(against, trust, other, one_, another):
    low, high = sorted((trust, other))
    assert tense(against, low) >= tense(against, high)
    low, high = sorted((one_, another))
    assert tense(against, trust, compromise=low) >= tense(against, trust, compromise=high)
    assert tense(against, trust, support=low) >= tense(against, trust, support=high)
    assert tense(against, trust, menu=True) <= tense(against, trust)


@given(st.floats(0, 5), st.floats(-1, 1), st.floats(0, 2), shares, shares)
def test_what_is_settled_divides_less_and_what_comes_to_light_more(
    against, trust, hidden, some, more
):
    low, high = sorted((some, more))
    assert tense(against, trust, left=low) <= tense(against, trust, left=high)
    assert tense(against, trust, hidden=hidden) >= tense(against, trust)


@given(st.floats(0, 5), shares, shares)
def test_a_process_brings_up_in_time_what_would_come_to_light_late(hidden, some, more):
    low, high = sorted((some, more))

    def shown(late, support):
        return partnership.come_to_light(one(hidden), np.array([late]), support)[0]

    assert shown(False, low) <= shown(False, high)
    assert shown(True, low) >= shown(True, high)
    assert shown(False, low) + shown(True, low) == pytest.approx(hidden)


def walks(base=0.07, held=1.0, withdrawal=1.0, pressed=0.0, obliged=0.0):
    columns = map(one, (held, withdrawal, pressed, obliged))
    return partnership.walk_away_chance(base, *columns)[0]


GROWING = {"base": (0, 1), "held": (0, 5), "withdrawal": (0, 3)}
FALLING = {"pressed": (0, 1), "obliged": (0, 1)}


@pytest.mark.parametrize("name", [*GROWING, *FALLING])
@given(st.data())
def test_members_walk_away_by_tension_and_stay_for_a_deadline_or_a_mandate(name, data):
    bounds = (GROWING | FALLING)[name]
    low, high = sorted(data.draw(st.tuples(*[st.floats(*bounds)] * 2)))
    rest = {other: data.draw(st.floats(*(GROWING | FALLING)[other]))
            for other in (GROWING | FALLING).keys() - {name}}  # fmt: skip
    some, more = walks(**{name: low}, **rest), walks(**{name: high}, **rest)
    assert 0 <= min(some, more) <= max(some, more) <= 0.95
    assert some <= more if name in GROWING else some >= more


def test_neither_a_deadline_nor_a_mandate_brings_walking_away_to_zero():
    assert walks(pressed=1.0, obliged=1.0) > 0


def settles(pace=0.35, held=0.5, support=0.0, pressed=0.0):
    return partnership.settle_chance(pace, one(held), support, one(pressed))[0]


def test_at_the_usual_a_group_settles_at_its_pace():
    assert settles() == pytest.approx(0.35)


@pytest.mark.parametrize("name", ["pace", "held", "support", "pressed"])
@given(st.data())
def test_tension_delays_a_settlement_and_all_else_speeds_it(name, data):
    low, high = sorted(data.draw(st.tuples(shares, shares)))
    some, more = settles(**{name: low}), settles(**{name: high})
    assert 0 <= min(some, more) <= max(some, more) <= 0.95
    assert some >= more if name == "held" else some <= more


def pressed(left, grant=0.5, pull=1.5):
    return partnership.urgency(np.array([left]), one(grant), pull)[0]


@given(st.integers(0, 60), st.integers(0, 60), shares, shares, st.floats(0, 10))
def test_a_deadline_presses_the_more_the_nearer_and_the_greater_the_grant(
    some, more, grant, other, pull
):
    near, far = sorted((some, more))
    low, high = sorted((grant, other))
    assert 0 <= pressed(far, low, pull) <= pressed(near, low, pull) <= 1
    assert pressed(near, low, pull) <= pressed(near, high, pull) <= 1


@given(st.integers(-60, -1), shares)
def test_no_deadline_and_one_that_has_passed_do_not_press(left, grant):
    assert pressed(left, grant) == 0.0


def short(gain=0.05, caution=0.0, readiness=0.5, trust=0.0, leaving=0.0, pull=0.0):
    columns = map(one, (gain, caution, readiness, trust, leaving, pull))
    return partnership.no_vote_margin(*columns)[0]


@pytest.mark.parametrize("name", ["gain", "caution", "readiness", "trust", "leaving", "pull"])
@given(shares, shares)
def test_only_caution_speaks_against_a_case(name, some, more):
    low, high = sorted((some, more))
    low, high = short(**{name: low}), short(**{name: high})
    assert low <= high if name == "caution" else low >= high


def leaves(base=0.004, held=1.0, troubled=False, remote=0.0, withdrawal=1.0, exit_cost=0.2):
    return partnership.withdrawal_chance(
        base, one(held), np.array([troubled]), one(remote), one(withdrawal), one(exit_cost)
    )[0]


@pytest.mark.parametrize("name", ["base", "held", "remote", "withdrawal", "exit_cost"])
@given(st.floats(0, 5), st.floats(0, 5))
def test_members_withdraw_by_tension_and_remoteness_and_exit_cost_holds_them(name, some, more):
    low, high = sorted((some, more))
    some, more = leaves(**{name: low}), leaves(**{name: high})
    assert 0 <= min(some, more) <= max(some, more) <= 0.95
    assert some >= more if name == "exit_cost" else some <= more


def test_trouble_makes_members_withdraw():
    assert leaves(troubled=True) == pytest.approx(3 * leaves())


def looks(readiness=0.5, champion=False, obliged=0.0):
    return partnership.looking_chance(one(readiness), np.array([champion]), one(obliged))[0]


@given(shares, shares, shares, st.booleans())
def test_the_ready_look_at_joint_contracts_of_others_and_so_do_champions(
    some, more, obliged, champion
):
    low, high = sorted((some, more))
    assert 0 <= looks(low, champion, obliged) <= looks(high, champion, obliged) <= 1
    assert looks(some, False, obliged) <= looks(some, True, obliged)
    assert looks(obliged, champion, low) <= looks(obliged, champion, high)


def test_who_must_aggregate_looks_as_often_as_the_mandate_says_at_least():
    assert looks(1.0, True) == pytest.approx(0.5)
    assert looks(1.0, True, obliged=0.4) == looks(1.0, True)
    assert looks(0.2, True, obliged=0.4) == 0.4
    assert looks(0.0, False, obliged=1.0) == 1.0


@given(shares, shares)
def test_the_readier_a_council_the_less_it_must_gain_by_joining(some, more):
    low, high = sorted((some, more))
    wary = [partnership.wariness(one(readiness))[0] for readiness in (low, high, 1.0)]
    assert wary[0] >= wary[1] >= wary[2] == 0.0


# --- governance ----------------------------------------------------------------------------------


def chosen(members, control, luck=None):
    luck = np.zeros((1, len(GOVERNANCE))) if luck is None else luck
    return GOVERNANCE[choose_governance(np.array([members]), one(control), luck)[0]]


LUCK = st.lists(st.floats(-3, 3), min_size=len(GOVERNANCE), max_size=len(GOVERNANCE))


@given(st.integers(2, 40), shares, LUCK)
def test_a_group_chooses_a_formal_model_that_is_made_for_as_many(members, control, luck):
    model = chosen(members, control, np.array([luck]))
    assert model.formal
    assert 2 <= model.fewest <= members


@given(st.integers(2, 40), shares, shares)
def test_who_wants_more_control_chooses_no_model_with_less(members, some, more):
    low, high = sorted((some, more))
    assert chosen(members, low).control <= chosen(members, high).control


@pytest.mark.parametrize("model", [one for one in GOVERNANCE if one.fewest > 1 and one.formal])
def test_each_model_is_somebody_s_choice(model):
    assert chosen(round(model.usual), model.control) is model


def held_to(name, members):
    return GOVERNANCE[governance_held_to(NAMES.index(name), np.array([members]))[0]]


@pytest.mark.parametrize("model", [one for one in GOVERNANCE if one.fewest > 1])
@given(st.integers(2, 40))
def test_groups_are_held_to_a_model_or_to_one_that_allows_their_number(model, members):
    held = held_to(model.name, members)
    assert 2 <= held.fewest <= members
    assert (held is model) == (members >= model.fewest)


@pytest.mark.parametrize(
    ("name", "members", "taken"),
    [
        ("consortium", 2, "joint_venture"),
        ("trading_company", 2, "contractual_partnership"),
        ("prime_contractor", 2, "lead_client"),
        ("prime_contractor", 3, "lead_client"),
    ],
)
def test_a_group_too_small_for_its_model_takes_the_nearest_in_control(name, members, taken):
    assert held_to(name, members).name == taken


def test_of_models_equally_near_the_cheaper_is_chosen():
    """Between a lead client and a contractual partnership, as far from the one as the other."""
    cheap = GOVERNANCE[NAMES.index("contractual_partnership")]
    lead = GOVERNANCE[NAMES.index("lead_client")]
    luck = np.full((1, len(GOVERNANCE)), 50.0)
    for model in (cheap, lead):
        near = abs(np.log2(5 / model.usual)) + 2.0 * abs(0.4 - model.control)
        luck[0, NAMES.index(model.name)] = -near
    assert cheap.set_up < lead.set_up
    assert chosen(5, 0.4, luck) is cheap


@given(st.lists(st.tuples(st.floats(0.01, 50), st.floats(0.3, 3)), min_size=1, max_size=9))
def test_costs_are_shared_equally_by_size_or_by_use(members):
    size, use = np.array(members).T
    assert shared_cost("equal", size, use).tolist() == [1.0] * len(size)
    assert (shared_cost("size", size, use) == size).all()
    assert (shared_cost("use", size, use) == size * use).all()


# --- how groups grow ------------------------------------------------------------------------------


def grown(attraction, *, borders=None, elasticity=0.0, coordination=0.0, most=10, enough=np.inf):
    """Return who joins a leader of £1m a year; candidates are as large, and adjoin unless said."""
    size = len(attraction)
    adjoins = np.ones((size, size + 1), dtype=bool) if borders is None else np.array(borders, bool)
    chosen = partnership.grow_group(
        np.array(attraction), np.ones(size), adjoins, 1.0, elasticity, coordination, most, enough
    )
    return chosen.tolist()


def test_a_group_takes_the_most_attractive_first_and_stops_at_enough():
    assert grown([0.1, 0.3, 0.2], enough=3.0) == [1, 2]


def test_a_group_stops_at_its_largest_size_and_takes_nobody_at_a_loss():
    assert grown([0.1, 0.3, -0.2], most=2) == [1]
    assert grown([0.1, 0.3, -0.2], most=9) == [1, 0]


def test_a_group_reaches_only_who_adjoins_a_member():
    beyond = [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert grown([0.3, 0.2, 0.1], borders=beyond) == [0, 1]
    assert grown([0.2, 0.3, 0.1], borders=beyond) == [0]


def test_coordination_ends_growth_before_scale_does():
    chosen = grown([0.0] * 50, elasticity=0.1, coordination=0.012, most=100)
    assert 2 < len(chosen) < 50
