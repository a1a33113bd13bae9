"""Designs: which points and runs a sweep makes, and what is made of them in Python."""

import pickle
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.design_file import read_design
from experiments.designs import Design
from experiments.question import SAMPLE_BLOCK, Territory
from simulation.errors import InputError
from simulation.levers import Levers
from simulation.model import MarketModel
from simulation.randomness import derive
from simulation.synthetic import write_synthetic
from tests.small_designs import (
    METHOD,
    SHIRE,
    TWO,
    VARY,
    VARYING,
    design,
    factors,
    kept,
)
from tests.worlds import shire

# Points


@settings(max_examples=60)
@given(METHOD, factors(), st.integers(0, 2**63 - 1))
def test_every_point_lies_within_what_was_asked(method, vary, seed):
    asked = design(method, vary, seed=seed)
    assert len(asked.points) == len(asked)
    for factor in asked.factors:
        column = asked.points.columns[factor.name]
        if factor.values:
            assert set(column) <= set(factor.values)
        else:
            assert factor.low <= column.min() <= column.max() <= factor.high
        assert column.dtype == np.int64 or not factor.parameter.whole
    Levers(**{f.name: asked.points[0][f.name] for f in asked.factors if f.of == "lever"})
    asked.run(asked.size - 1)


@given(factors(), st.integers(1, 40))
def test_a_latin_hypercube_has_one_point_in_each_part_of_a_factor(vary, points):
    asked = design(vary=vary, points=points)
    for places in asked.places.T:
        assert sorted(np.floor(places * points)) == list(range(points))


@given(st.integers(1, 6), st.integers(1, 30))
def test_choices_are_taken_evenly(many, times):
    reaches = ("county", "neighbours", "region", "national")[: 1 + many % 4]
    vary = {"aggregation_reach": {"values": [*dict.fromkeys((*reaches, "county", "national"))]}}
    asked = design(vary=vary, points=times * len(vary["aggregation_reach"]["values"]))
    assert set(Counter(asked.points.columns["aggregation_reach"]).values()) == {times}


@given(factors(), st.sampled_from([2, 4, 16]), st.booleans())
def test_a_saltelli_design_has_its_number_of_points(vary, base, second):
    asked = design("saltelli", vary, base=base, second_order=second)
    blocks = 2 * len(vary) + 2 if second else len(vary) + 2
    assert len(asked) == len(asked.points) == base * blocks


@given(factors(), st.integers(2, 6), st.sampled_from([2, 4, 6]))
def test_a_trajectory_changes_one_factor_at_a_time(vary, trajectories, levels):
    asked = design("morris", vary, trajectories=trajectories, levels=levels)
    paths = asked.places.reshape(trajectories, len(vary) + 1, len(vary))
    changed = ~np.isclose(np.diff(paths, axis=1), 0)
    assert (changed.sum(axis=1) == 1).all()
    assert (changed.sum(axis=2) == 1).all()


@given(factors(), st.sampled_from([2, 4, 8]))
def test_what_a_trajectory_changes_is_another_value(vary, levels):
    """A step along a choice or a whole number is never too short to count."""
    vary = {n: e for n, e in vary.items() if VARYING[n].choices or VARYING[n].whole}
    vary["governance"] = None
    asked = design("morris", vary, levels=levels)
    columns = [column.reshape(3, -1) for column in asked.points.columns.values()]
    changed = sum((column[:, 1:] != column[:, :-1]).astype(int) for column in columns)
    assert (changed == 1).all()


@given(factors(), st.integers(1, 40), st.integers(0, 40))
def test_more_points_of_a_sobol_sequence_keep_the_first(vary, points, more):
    few, many = (design("sobol", vary, points=n) for n in (points, points + more))
    assert np.array_equal(few.places, many.places[:points])


def test_a_power_of_two_needs_no_note():
    assert design("sobol", points=64).notes == ()
    assert design("sobol", points=65).notes == (
        "65 points of a Sobol sequence are less even than a power of two, such as 64 or 128",
    )


def test_a_grid_holds_every_combination_once():
    vary = {
        "risk_transfer": (0, 1),
        "max_partners": [2, 3],
        "publicity": {"low": 0.2, "high": 0.6, "levels": 2},
        "pump_priming_deadline": {"values": [None, 4]},
    }
    columns = design("grid", vary).points.columns
    wanted = product([2, 3], [0.2, 0.6], [None, 4], [0.0, 0.5, 1.0])
    assert [*zip(*map(list, columns.values()), strict=True)] == [*wanted]


@given(METHOD, st.integers(1, 4))
def test_points_depend_neither_on_replications_nor_on_policies(method, replicates):
    first, other = design(method), design(method, replicates=replicates, policies=["shared-risk"])
    assert np.array_equal(first.places, other.places)


def test_another_seed_gives_other_points():
    assert not np.array_equal(design(seed=1).places, design(seed=2).places)


def test_what_is_left_out_is_the_declared_range():
    asked = design(vary={"aggregation_threshold": None, "demand_scale": {"high": 1.2}})
    ends = {factor.name: (factor.low, factor.high) for factor in asked.factors}
    assert ends == {"aggregation_threshold": (0.0, 30.0), "demand_scale": (0.5, 1.2)}
    assert design(vary={"governance": None}).factors[0].values[0] == "chosen"


# Runs


def ids(run):
    return run.replication, run.point, run.policy.name


@settings(max_examples=30)
@given(METHOD, factors(most=3), st.integers(1, 3))
def test_ids_are_unique_and_in_order(method, vary, replicates):
    asked = design(method, vary, replicates=replicates)
    runs = asked.runs()
    order = product(range(replicates), range(len(asked)), sorted(TWO, reverse=True))
    assert [ids(run) for run in runs] == [*order]
    assert len(runs) == asked.size == len({ids(run) for run in runs})


@settings(max_examples=30)
@given(st.data())
def test_a_run_is_the_same_whenever_it_is_asked_for(data):
    first, again = design(), design()
    index = data.draw(st.integers(-first.size, first.size - 1))
    many = first.runs()
    assert many[index] == again.runs()[index] == [*many][index]
    assert pickle.loads(pickle.dumps(many[index])) == many[index]


@given(st.slices(48), st.slices(12))
def test_a_slice_holds_the_runs_of_its_ids(first, second):
    runs = design(points=12, replicates=2).runs()
    everything = [*runs]
    assert [*runs[first][second]] == everything[first][second]
    assert pickle.loads(pickle.dumps(runs[first])) == everything[first]


def test_a_slice_travels_light():
    runs = design(replicates=1000).runs()
    assert len(pickle.dumps(runs[:10])) < 60_000


def test_no_run_beyond_the_last():
    asked = design()
    with pytest.raises(IndexError):
        asked.runs()[asked.size]
    with pytest.raises(IndexError):
        asked.run(asked.size)


def test_a_replication_shares_its_luck_and_its_sample():
    asked = design(vary={"risk_transfer": None, "demand_scale": None}, replicates=3, seed=5)
    for run in asked.runs():
        assert run.seed == derive(5, "replication", run.replication)
        assert run.sample == run.replication
        laid = asked.points[run.point]
        assert run.assumptions.demand_scale == laid["demand_scale"]
        assert run.policy.at(1).risk_transfer == laid["risk_transfer"]
    apart = {(run.replication, run.assumptions.hub_scale) for run in asked.runs()}
    assert len(apart) == 3


def test_fixed_assumptions_have_one_sample():
    asked = design(mode="fixed", assumptions={"hub_scale": 1.3})
    assert {run.sample for run in asked.runs()} == {0}
    assert {run.assumptions.hub_scale for run in asked.runs()} == {1.3}
    assert {run.assumptions.standardisation for run in asked.runs()} == {0.3}


@given(st.integers(1, 25), st.integers(1, 25))
def test_samples_stay_the_same_with_more_replications(few, more):
    first, longer = (
        design(points=1, replicates=n, policies=["status-quo"]) for n in (few, few + more)
    )
    assert [*first.runs()] == [*longer.runs()][: first.size]
    assert first.family == longer.family
    assert first.identity != longer.identity


def test_a_block_of_samples_is_a_latin_hypercube():
    asked = design(points=1, replicates=2 * SAMPLE_BLOCK, policies=["status-quo"])
    low, high = VARYING["hub_scale"].sweep
    drawn = np.array([run.assumptions.hub_scale for run in asked.runs()])
    parts = np.floor((drawn - low) / (high - low) * SAMPLE_BLOCK).reshape(2, -1)
    assert (np.sort(parts, axis=1) == np.arange(SAMPLE_BLOCK)).all()


def test_what_does_not_vary_is_sampled_alike_whatever_varies():
    asked = [design(vary={"demand_scale": None}), design(vary={"hub_scale": None})]
    one, other = (each.runs()[-1].assumptions for each in asked)
    assert one.standardisation == other.standardisation
    assert one.hub_scale != other.hub_scale


def test_a_lever_may_be_laid_over_some_policies_only():
    vary = {"risk_transfer": {"low": 0.7, "high": 0.8, "only": ["forced-aggregation"]}}
    transfer = {run.policy.name: set() for run in design(vary=vary).runs()}
    for run in design(vary=vary).runs():
        transfer[run.policy.name].add(run.policy.at(1).risk_transfer)
    assert transfer["status-quo"] == {0.6}
    assert len(transfer["forced-aggregation"]) == 12


def test_a_lever_outweighs_the_policy_it_is_laid_over():
    asked = design(vary={"aggregation_threshold": (8, 9)}, policies=["forced-aggregation"])
    assert all(8 <= run.policy.at(1).aggregation_threshold <= 9 for run in asked.runs())
    assert [run.policy.name for run in asked.runs()[:2]] == ["status-quo", "forced-aggregation"]


def test_a_run_can_be_made():
    run = design().runs()[-1]
    model = MarketModel(run.policy, run.assumptions, years=1, register=SHIRE.register, rng=run.seed)
    model.run()
    assert len(model.outcomes) == 4


# Identity and files


@settings(max_examples=25)
@given(METHOD, factors(), st.integers(1, 20), st.sampled_from(["sampled", "fixed"]))
def test_the_effective_form_is_a_design_file(tmp_path_factory, method, vary, replicates, mode):
    asked = design(method, vary, replicates=replicates, mode=mode)
    again = read_design(kept(asked, tmp_path_factory.mktemp("kept")))
    assert again == asked
    assert again.effective() == asked.effective()
    assert (again.identity, again.family) == (asked.identity, asked.family)
    assert again.runs()[-1] == asked.runs()[-1]


@pytest.mark.parametrize(
    "changed",
    [
        {"points": 13},
        {"seed": 7},
        {"years": 3},
        {"replicates": 3},
        {"policies": ["status-quo"]},
        {"mode": "fixed"},
        {"vary": {**VARY, "risk_transfer": (0, 0.9)}},
        {"vary": {**VARY, "risk_transfer": {"low": 0, "only": ["status-quo"]}}},
        {"territory": Territory(shire(6), "Shire")},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_changes_the_runs_changes_the_identity(changed):
    assert design(**changed).identity != design().identity


def test_the_order_in_which_factors_are_named_does_not_matter():
    assert design(vary=dict(reversed(VARY.items()))) == design()


# From Python


def test_numbers_of_numpy_are_numbers():
    vary = {"publicity": (0, 1)}
    made = Design.of(TWO, vary, points=np.int64(8), years=np.int64(2), replicates=np.int64(3))
    assert made == Design.of(TWO, vary, points=8, years=2, replicates=3)


def test_a_register_of_one_s_own_is_named_by_its_file(tmp_path):
    write_synthetic(9, 7, tmp_path / "councils.csv")
    design = Design.of(TWO, {"publicity": (0, 1)}, register=tmp_path / "councils.csv", points=2)
    assert len(design.question.territory.register) == 9


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"vary": ["publicity"]}, "vary = .*: must be a mapping"),
        ({"vary": {3: (0, 1)}}, "must be a mapping of names to values"),
        ({"table": 3, "method": "table"}, "table is a int: must be a file"),
        ({"replicate": 3}, r"unknown key 'replicate' \(did you mean 'replicates'\?\)"),
    ],
)
def test_what_python_gives_is_checked_like_a_file(said, why):
    with pytest.raises(InputError, match=why):
        Design.of(TWO, **said)


def test_levers_that_change_after_the_last_year_are_refused():
    late = {"name": "late", "levers": {"publicity": [{"from_year": 9, "value": 1}]}}
    with pytest.raises(InputError, match="must be at most 2, the last year"):
        design(policies=[late])


def test_python_is_held_to_the_same_rules():
    with pytest.raises(InputError, match="a table of points goes with method table, not sobol"):
        design("sobol", table={"publicity": [0, 1]})
    with pytest.raises(InputError, match="method table needs the table of points"):
        Design.of(TWO, method="table")
    with pytest.raises(InputError, match=r"unknown key 'pionts' .did you mean 'points'"):
        design(pionts=3)
    with pytest.raises(InputError, match=r"design.method = 'lhs': must be one of"):
        Design.of(TWO, VARY, "lhs")
    with pytest.raises(InputError, match=r"demand_scale is held at 1.1 too"):
        design(assumptions={"demand_scale": 1.1})
    with pytest.raises(InputError, match=r"vary.publicty: the table has no such column .did you"):
        Design.of(TWO, {"publicty": None}, "table", table={"publicity": [0, 1]})
    with pytest.raises(InputError, match="with a table, only `only` can be said"):
        Design.of(TWO, {"publicity": [0, 1]}, "table", table={"publicity": [0, 1]})
