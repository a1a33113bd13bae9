"""Levers, policies and assumptions: declared once, checked where they enter."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.governance import COST_SHARING, GOVERNANCE, NOT_CHOSEN, shared_cost
from simulation.assumptions import Assumptions, assumptions_from, sample, sampled_names
from simulation.errors import InputError
from simulation.levers import STATUS_QUO, Levers, Policy, live_levers
from simulation.parameters import parameters, parse_scalar
from tests.worlds import policies, value_of

DECLARED = [*parameters(Levers).values(), *parameters(Assumptions).values()]

LIVE = {
    "aggregation_threshold", "aggregation_mandate", "aggregation_reach", "max_partners",
    "risk_transfer", "risk_allocation", "pump_priming_fund", "pump_priming_share",
    "pump_priming_repayment", "pump_priming_priority", "prudential_borrowing",
    "qualification_multiple", "efficiency_target", "contract_length_factor", "local_delivery",
    "early_due_diligence", "pump_priming_deadline", "partnership_support", "publicity",
}  # fmt: skip
PLANNED = [name for name, lever in parameters(Levers).items() if lever.planned]


def test_the_live_levers_are_those_whose_mechanism_is_built():
    assert set(live_levers()) == LIVE
    assert len(PLANNED) == len(parameters(Levers)) - len(LIVE)


@pytest.mark.parametrize("declared", DECLARED, ids=lambda one: one.name)
def test_every_parameter_is_described_and_its_default_is_allowed(declared):
    assert declared.meaning
    assert declared.source
    if declared.choices:
        assert declared.default in declared.choices
        return
    assert declared.unit
    low, high = declared.sweep
    assert declared.low <= low < high <= declared.high
    assert np.isfinite([low, high]).all()
    if declared.default is not None:
        assert low <= declared.default <= high


def test_the_empty_policy_is_the_status_quo():
    assert Policy().at(1) == STATUS_QUO == Policy().at(60)


@pytest.mark.parametrize("name", PLANNED)
def test_a_planned_lever_is_accepted_at_its_default_alone(name):
    lever = parameters(Levers)[name]
    assert Policy(**{name: lever.default}).at(5) == STATUS_QUO
    other = lever.low if lever.default != lever.low else lever.high
    with pytest.raises(InputError, match=f"{name}.*planned"):
        Policy(**{name: int(other) if lever.whole else other})


@given(policies(), st.integers(1, 60))
def test_a_snapshot_holds_what_the_policy_sets_and_the_status_quo_else(policy, quarter):
    snapshot, levers = policy.at(quarter), policy.as_levers()
    for name, lever in parameters(Levers).items():
        assert getattr(snapshot, name) == levers.get(name, lever.default)


@given(policies())
def test_a_policy_survives_its_own_file_form_and_pickling(policy):
    assert Policy("again", **policy.as_levers()) == policy
    assert pickle.loads(pickle.dumps(policy)) == policy


@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0, 1)), min_size=1, max_size=4), st.data())
def test_dated_values_hold_from_their_year_until_the_next(steps, data):
    steps = sorted(dict(steps).items())
    policy = Policy(risk_transfer=[{"from_year": y, "value": v} for y, v in steps])
    quarter = data.draw(st.integers(1, 90))
    year = 1 + (quarter - 1) // 4
    expected = [value for start, value in steps if start <= year]
    assert policy.at(quarter).risk_transfer == (expected[-1] if expected else 0.6)


def test_a_snapshot_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        STATUS_QUO.risk_transfer = 0.1


@pytest.mark.parametrize("lever", live_levers().values(), ids=lambda one: one.name)
@given(st.data())
def test_values_within_bounds_are_accepted_and_others_named(lever, data):
    value = data.draw(value_of(lever))
    assert getattr(Policy(**{lever.name: value}).at(1), lever.name) == value
    for wrong in [lever.high + 1, lever.low - 1] if not lever.choices else ["nonsense"]:
        with pytest.raises(InputError) as caught:
            Policy(where="file.yaml", **{lever.name: wrong})
        for part in ("file.yaml", lever.name, repr(wrong), lever.allowed):
            assert part in str(caught.value)


@pytest.mark.parametrize(
    ("levers", "message"),
    [
        ({"risk_transfr": 1}, "unknown lever 'risk_transfr' (did you mean 'risk_transfer'?)"),
        ({"zzz": 1}, "unknown lever 'zzz'"),
        ({"risk_transfer": True}, "risk_transfer = True: must be a number from 0 to 1"),
        ({"risk_transfer": float("nan")}, "risk_transfer = nan"),
        ({"risk_transfer": "0.4"}, "risk_transfer = '0.4'"),
        ({"risk_transfer": None}, "risk_transfer = None"),
        ({"max_partners": 2.5}, "max_partners = 2.5: must be a whole number from 2 to 40"),
        ({"aggregation_reach": "regio"}, "did you mean 'region'?"),
        ({"pump_priming_fund": []}, "dated values need rising from_year, got []"),
        ({"pump_priming_fund": [{"from_year": 0, "value": 1}]}, "from_year = 0"),
        (
            {"pump_priming_fund": [{"from_year": 2}]},
            "a dated value is {from_year: ..., value: ...}",
        ),
        ({"pump_priming_fund": [3.0]}, "a dated value is"),
        (
            {"pump_priming_fund": [{"from_year": 2, "value": 1}, {"from_year": 2, "value": 3}]},
            "rising from_year, got [2, 2]",
        ),
        ({"pump_priming_fund": {"from_year": 2, "value": 1}}, "pump_priming_fund = "),
    ],
)
def test_wrong_levers_get_one_clear_line(levers, message):
    with pytest.raises(InputError) as caught:
        Policy(**levers)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.4", 0.4), ("-1e3", -1000.0), ("none", None), ("by_control", "by_control")],
)
def test_values_from_the_command_line_are_read_as_what_they_are(text, value):
    read = parse_scalar(text)
    assert read == value
    assert type(read) is type(value)


def test_assumptions_refuse_unknown_names_and_values_out_of_bounds():
    with pytest.raises(InputError, match="did you mean 'discount_rate'"):
        assumptions_from({"discount_rat": 0.1})
    with pytest.raises(InputError, match=r"discount_rate = 5: must be a number from 0 to 0\.15"):
        assumptions_from({"discount_rate": 5})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"governance": "lead_clint"},
            r"governance = 'lead_clint': must be one of .* 'lead_client'",
        ),
        ({"patience": 0}, "assumptions: assumption patience = 0: must be a number from 1 to"),
        ({"shortlist": 2.5}, "assumption shortlist = 2.5: must be a whole number"),
        ({"discount_rat": 0.1}, "unknown assumption 'discount_rat'.*'discount_rate'"),
    ],
)
def test_assumptions_refuse_in_one_line_what_they_are_made_from(values, message):
    with pytest.raises(InputError, match=message) as refused:
        Assumptions(**values)
    assert "\n" not in str(refused.value)


def test_assumptions_take_numbers_of_numpy_and_are_copied_and_checked_like_any():
    made = Assumptions(shortlist=np.int64(4))
    assert made == pickle.loads(pickle.dumps(made)) == Assumptions(shortlist=4)
    assert type(made.shortlist) is int
    with pytest.raises(InputError, match="shortlist = 500"):
        dataclasses.replace(made, shortlist=500)
    with pytest.raises(InputError, match="discount_rate = 5"):
        Assumptions(5)


CHOICES = {name: one for name, one in parameters(Assumptions).items() if one.choices}


def test_what_is_chosen_among_are_the_models_and_the_rules_that_there_are():
    models = {one.name for one in GOVERNANCE if one.fewest > 1}
    assert CHOICES.keys() == {"governance", "cost_sharing"}
    assert set(CHOICES["governance"].choices) == {NOT_CHOSEN, *models}
    assert CHOICES["cost_sharing"].choices == tuple(COST_SHARING)
    weights = [
        shared_cost(rule, np.array([1.0, 3.0]), np.array([1.0, 2.0])).tolist()
        for rule in CHOICES["cost_sharing"].choices
    ]
    assert weights == [[1.0, 1.0], [1.0, 3.0], [1.0, 6.0]]


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_one_of_its_names(name):
    for value in CHOICES[name].choices:
        assert getattr(assumptions_from({name: value}), name) == value
    for wrong in ("nonsense", 3, None, True, ["size"]):
        with pytest.raises(InputError) as caught:
            assumptions_from({name: wrong}, "file.yaml")
        assert f"file.yaml: assumption {name} = {wrong!r}: must be one of" in str(caught.value)
    with pytest.raises(InputError, match="did you mean"):
        assumptions_from({name: CHOICES[name].choices[-1][:-1]})


def test_choices_are_held_in_samples_and_never_drawn():
    held = {"governance": "lead_client", "cost_sharing": "equal"}
    assert not held.keys() & set(sampled_names({}))
    drawn = sample(1, 3, held)
    assert {(one.governance, one.cost_sharing) for one in drawn} == {("lead_client", "equal")}
    assert {(one.governance, one.cost_sharing) for one in sample(1, 3, {})} == {("chosen", "size")}


@given(st.integers(0, 2**63 - 1), st.integers(1, 40))
def test_samples_use_each_part_of_each_range_once(seed, count):
    drawn = sample(seed, count, {})
    for name in sampled_names({}):
        low, high = parameters(Assumptions)[name].sweep
        place = [(getattr(one, name) - low) / (high - low) * count for one in drawn]
        assert sorted(int(min(p, count - 1e-9)) for p in place) == list(range(count))


def test_fixed_assumptions_are_held_in_every_sample():
    drawn = sample(1, 5, {"coordination": 0.03, "smes": 100})
    assert {(one.coordination, one.smes) for one in drawn} == {(0.03, 100)}
    assert len({one.efficiency for one in drawn}) == 5
