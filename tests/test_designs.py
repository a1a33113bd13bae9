"""Designs: which runs a sweep makes, from a file or from Python, and what is refused."""

import pickle
import re
from collections import Counter
from decimal import Decimal
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from experiments.design_file import read_design
from experiments.design_methods import METHODS
from experiments.designs import Design
from experiments.point_tables import read_table
from experiments.question import SAMPLE_BLOCK, Territory
from simulation.assumptions import Assumptions
from simulation.errors import InputError
from simulation.levers import Levers, live_levers
from simulation.model import MarketModel
from simulation.parameters import parameters
from simulation.randomness import derive
from simulation.synthetic import write_synthetic
from tests.worlds import shire

DOCUMENT = Path(__file__).parent.parent / "docs" / "designs.md"
SHIRE = Territory(shire(), "Shire")
TWO = ("status-quo", "forced-aggregation")
VARY = {
    "risk_transfer": (0, 1),
    "governance": {"values": ["chosen", "lead_client", "consortium"]},
    "demand_scale": None,
    "max_partners": {"low": 2, "high": 7},
}
OPTIONS = {
    "grid": {"levels": 3},
    "latin hypercube": {"points": 12},
    "sobol": {"points": 16},
    "morris": {"trajectories": 3},
    "saltelli": {"base": 4},
}
VARYING = {**live_levers(), **parameters(Assumptions)}


def design(method="latin hypercube", vary=VARY, policies=TWO, **given):
    """Return a small design."""
    options = {"territory": SHIRE, "years": 2, "replicates": 2, **OPTIONS[method], **given}
    return Design.of(policies, vary, method, **options)


@st.composite
def factors(draw, most=5):
    """Draw what varies: some parameters over ranges within their bounds, or over choices."""
    names = draw(st.lists(st.sampled_from(sorted(VARYING)), min_size=1, max_size=most, unique=True))
    return {name: draw(extent(VARYING[name])) for name in names}


def extent(parameter):
    """Return ranges of a number, and lists of two or more of the values of a choice."""
    if parameter.choices:
        choices = st.lists(st.sampled_from(parameter.choices), min_size=2, unique=True)
        return choices.map(lambda values: {"values": values})
    low, high = parameter.low, parameter.high
    numbers = st.integers(int(low), int(high)) if parameter.whole else st.floats(low, high)
    pairs = st.tuples(numbers, numbers).filter(lambda pair: pair[0] != pair[1])
    return st.none() | pairs.map(lambda pair: sorted(pair))


METHOD = st.sampled_from(sorted(OPTIONS))


# --- points --------------------------------------------------------------------------------------


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


# --- runs ----------------------------------------------------------------------------------------


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


# --- identity and files --------------------------------------------------------------------------


def kept(asked, folder):
    """Write a design's effective form and its files to ``folder``; return the path of the form."""
    for name, raw in asked.kept.items():
        (folder / name).write_bytes(raw)
    path = folder / "effective.yaml"
    path.write_text(yaml.safe_dump(asked.effective()))
    return path


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


def test_a_design_in_a_file_equals_the_same_in_python(folder):
    Path("design.yaml").write_text(
        """
        register: councils.csv
        policies: [status-quo, forced-aggregation]
        years: 2
        replicates: 2
        design: {method: latin hypercube, points: 12}
        vary:
          risk_transfer: [0, 1]
          governance: {values: [chosen, lead_client, consortium]}
          demand_scale:
          max_partners: {low: 2, high: 7}
        """
    )
    read = read_design(Path("design.yaml"))
    assert read == design(territory=read.question.territory)


def test_what_varies_outweighs_a_named_set_of_assumptions(folder):
    write(assumptions="{as: as-history-happened}", vary="{squeeze: [1, 2]}")
    asked = read_design(Path("design.yaml"))
    assert {1 <= run.assumptions.squeeze <= 2 for run in asked.runs()} == {True}
    assert asked.question.assumptions["reorganisation_threat"] > 0
    assert read_design(kept(asked, folder)) == asked


# --- tables --------------------------------------------------------------------------------------

POINTS = "risk_transfer,governance,max_partners\n0.25,chosen,4\n1,lead_client,7\n"


def test_a_table_of_points_is_taken_as_it_is(folder):
    Path("points.csv").write_text(POINTS)
    write(design="{method: table, file: points.csv}", vary="")
    asked = read_design(Path("design.yaml"))
    assert [*asked.points] == [
        {"governance": "chosen", "max_partners": 4, "risk_transfer": 0.25},
        {"governance": "lead_client", "max_partners": 7, "risk_transfer": 1.0},
    ]
    assert asked.places is None
    assert asked.size == 2 * 2 * 30
    assert read_design(kept(asked, folder)) == asked


def test_csv_and_parquet_and_columns_give_the_same_design(folder):
    columns = {"risk_transfer": [0.25, 1.0], "pump_priming_deadline": [4, 8]}
    Path("points.csv").write_text("pump_priming_deadline,risk_transfer\n4,0.25\n8.0,1\n\n")
    parquet.write_table(pa.table(columns), "points.parquet")
    tables = ("points.csv", Path("points.parquet"), columns)
    first, *others = (Design.of(TWO, method="table", table=each, years=2) for each in tables)
    assert [first, first] == others


def test_a_column_numbers_the_points():
    first = Design.of(TWO, method="table", table={"publicity": [0.1, 0.3]}, years=2)
    turned = {"point": [1, 0], "publicity": [0.3, 0.1]}
    assert Design.of(TWO, method="table", table=turned, years=2) == first


def test_a_table_can_say_none_and_which_policies(folder):
    Path("points.csv").write_text("pump_priming_deadline\nnone\n4\n")
    write(design="{method: table, file: points.csv}",
          vary="{pump_priming_deadline: {only: [status-quo]}}")  # fmt: skip
    asked = read_design(Path("design.yaml"))
    deadlines = [run.policy.at(1).pump_priming_deadline for run in asked.runs()[:4]]
    assert deadlines == [None, None, 4, None]
    assert read_design(kept(asked, folder)) == asked


def test_points_that_were_changed_are_refused(folder):
    Path("points.csv").write_text(POINTS)
    path = kept(Design.of(TWO, method="table", table="points.csv", years=2), folder)
    Path("points.csv").write_text(POINTS.replace("0.25", "0.26"))
    with pytest.raises(InputError, match="not the points of this design: sha256 differs"):
        read_design(path)


BAD_TABLES = {
    "": "columns|no column",
    "risk_transfer\n": "no points in the table",
    "point\n0\n": "no column names a lever or an assumption",
    "risk_transfer\n0.5\n\n,\n": "line 4: 2 cells, the header has 1 columns",
    "risk_transfer,publicity\n0.5,0.1\n0.5,\n": "line 3: publicity is missing; every point needs",
    "risk_transfer\nnan\n": "line 2: risk_transfer is missing",
    "risk_transfer\n0.5\n2\n": "line 3: lever risk_transfer = 2: must be a number from 0 to 1",
    "max_partners\n2.5\n": "line 2: lever max_partners = 2.5: must be a whole number from 2 to 40",
    "governance\nchosn\n": "line 2: assumption governance = 'chosn': .*did you mean 'chosen'",
    "risk_transfr\n0.5\n": "unknown lever or assumption 'risk_transfr' .did you mean 'risk_trans",
    "risk_transfer,risk_transfer\n0,1\n": "column 'risk_transfer' stands there twice",
    "lot_value\n1\n": "lever lot_value cannot vary: its mechanism is planned",
    "point,publicity\n1,0.1\n2,0.2\n": "column point must number the points from 0 to 1, each",
    "point,publicity\n0,0.1\n0,0.2\n": "column point must number the points from 0 to 1, each",
    'publicity\n"0.1\n': "not CSV",
}


@pytest.mark.parametrize("text", BAD_TABLES, ids=lambda text: text[:30].replace("\n", "|"))
def test_a_bad_table_is_refused_in_one_line(folder, text):
    Path("points.csv").write_text(text)
    with pytest.raises(InputError, match=f"^points.csv.*({BAD_TABLES[text]})") as refused:
        read_table(Path("points.csv"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["publicity\nLONG\n", "governance\nLONG\n", "publicityLONG\n1\n"])
def test_a_long_cell_is_not_repeated_at_length(folder, text):
    Path("points.csv").write_text(text.replace("LONG", "x" * 3000))
    with pytest.raises(InputError, match="xxx") as refused:
        read_table(Path("points.csv"))
    assert len(str(refused.value)) < 300


def test_a_table_that_cannot_be_read_is_refused(folder):
    Path("folder.csv").mkdir()
    Path("latin.csv").write_bytes(b"publicity\n\xff\n")
    Path("not.parquet").write_text(POINTS)
    parquet.write_table(pa.table({"publicity": [0.1, None]}), "gap.parquet")
    wanted = {
        "folder.csv": "a folder",
        "missing.csv": "no such file",
        "a\0b.csv": "cannot be read",
        "latin.csv": "not UTF-8 at byte 10",
        "not.parquet": "not a Parquet table",
        "gap.parquet": "row 2: publicity is missing",
    }
    for name, why in wanted.items():
        with pytest.raises(InputError, match=why):
            read_table(Path(name))


def test_columns_of_unlike_length_are_refused():
    with pytest.raises(InputError, match="columns differ in length: publicity 2, risk_transfer 1"):
        Design.of(TWO, method="table", table={"publicity": [0, 1], "risk_transfer": [0]})


# --- what is refused -----------------------------------------------------------------------------


def write(**said):
    """Write a design file; what is said replaces or adds to a good one."""
    lines = {
        "register": "councils.csv",
        "policies": "[status-quo, forced-aggregation]",
        "design": "latin hypercube",
        "vary": "{risk_transfer: [0, 1]}",
        **said,
    }
    Path("design.yaml").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))


BAD_DESIGNS = [
    ("vary", "", "nothing varies"),
    ("vary", "[risk_transfer]", "vary = .*must be a mapping"),
    ("vary", "{risk_transfr: [0, 1]}", "unknown lever or assumption 'risk_transfr' .did you mean"),
    ("vary", "{simplified_below: }", "lever simplified_below cannot vary: its mechanism is plan"),
    ("vary", "{risk_transfer: [1, 1]}", "vary.risk_transfer: low = 1 must be less than high = 1"),
    ("vary", "{risk_transfer: [1, 0]}", "vary.risk_transfer: low = 1 must be less than high = 0"),
    ("vary", "{risk_transfer: [0, 1.5]}", "risk_transfer.high = 1.5: must be a number from 0 to 1"),
    ("vary", "{risk_transfer: [.nan, 1]}", "risk_transfer.low = nan: must be a number from 0"),
    ("vary", "{risk_transfer: [0, true]}", "risk_transfer = .0, True.: a list alone is a range"),
    ("vary", "{risk_transfer: [0, 0.5, 1]}", "write {values: .0, 0.5, 1.} for values"),
    ("vary", "{risk_transfer: 0.5}", "vary.risk_transfer: a factor must be a mapping of low, high"),
    ("vary", "{risk_transfer: {lo: 0}}", "vary.risk_transfer: unknown key 'lo' .did you mean 'low"),
    ("vary", "{risk_transfer: {low: 0, values: [0, 1]}}", "low, high and levels say a range"),
    ("vary", "{risk_transfer: {values: [0]}}", "values = .0.: must be a list of 2 to 1,000"),
    ("vary", "{risk_transfer: {values: [0, 0.0]}}", "of which none stands there twice"),
    ("vary", "{risk_transfer: {values: [0, [1]]}}", "risk_transfer = .1.: must be a number from"),
    ("vary", "{risk_transfer: {low: 0, levels: 3}}", "only a grid takes levels; this is latin"),
    ("vary", "{risk_transfer: {only: [status-qo]}}", "'status-qo' .did you mean 'status-quo'"),
    ("vary", "{demand_scale: {only: [status-quo]}}", "an assumption is the same for all policies"),
    ("vary", "{max_partners: [2.5, 4]}", "max_partners.low = 2.5: must be a whole number from 2"),
    (
        "vary",
        "{governance: [0, 1]}",
        "vary.governance = .0, 1.: must be left empty, for all ch",
    ),
    ("vary", "{governance: {values: [chosen, joint]}}", "governance = 'joint': must be one of"),
    ("vary", "{a: [0, 1], a: [0, 1]}", "'a' twice"),
    ("design", "", "design must say its method, one of grid, latin hypercube, sobol, morris, salt"),
    ("design", "{points: 3}", "design must say its method"),
    ("design", "sobel", "design.method = 'sobel': must be one of .*did you mean 'sobol'"),
    ("design", "{method: sobol, points: 0}", "design.points = 0: must be a whole number from 1"),
    ("design", "{method: sobol, levels: 2}", "unknown key 'design.levels'.*known: method, points"),
    ("design", "{method: morris, levels: 3}", "design.levels = 3: must be even"),
    ("design", "{method: saltelli, base: 100}", "a power of two, such as 64 or 128"),
    ("design", "{method: saltelli, second_order: 1}", "second_order = 1: must be true or false"),
    ("design", "{method: table}", "design.file must name the CSV or Parquet file"),
    ("design", "{method: table, file: no.csv}", "design.yaml: design.file: no.csv: .*no such file"),
    ("design", "{method: table, fle: no.csv}", "unknown key 'design.fle' .did you mean 'file'"),
    ("replication", "0", "unknown key 'replication'"),
    ("register", "no.csv", "design.yaml: register: no.csv: the register cannot be read"),
    ("polices", "[status-quo]", "unknown key 'polices' .did you mean 'policies'"),
    ("assumptions", "{set: {demand_scale: 1}}\nvary: ", "demand_scale is held at 1 too"),
    (
        "replicates",
        "10000",
        "2,000,000 runs .100 points x 2 policies x 10000 replications. are mor",
    ),
    ("design", "{method: saltelli, base: 1048576}", "are more than the cap of 1,000,000"),
    ("cap", "100", "6,000 runs .* are more than the cap of 100; ask for fewer"),
    ("cap", "0", "cap = 0: must be a whole number from 1 to 100,000,000"),
]


@pytest.mark.parametrize(("key", "value", "why"), BAD_DESIGNS, ids=lambda text: text[:40])
def test_a_bad_design_is_refused_in_one_line(folder, key, value, why):
    if value.endswith("\nvary: "):
        write(assumptions=value.removesuffix("\nvary: "), vary="{demand_scale: }")
    else:
        write(**{key: value})
    with pytest.raises(InputError, match=why) as refused:
        read_design(Path("design.yaml"))
    assert str(refused.value).startswith("design.yaml")
    assert "\n" not in str(refused.value)


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


# --- the page ------------------------------------------------------------------------------------


def blocks(language):
    """Return what the page shows in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize(
    "text", blocks("yaml"), ids=lambda text: yaml.safe_load(text)["design"]["method"]
)
def test_every_design_of_the_page_can_be_read(folder, text):
    (folder / "points.csv").write_text(*blocks("csv"))
    (folder / "design.yaml").write_text(text)
    asked = read_design(folder / "design.yaml")
    assert asked.runs()[-1].replication == asked.question.replicates - 1


def test_the_page_shows_every_method():
    shown = [yaml.safe_load(text)["design"]["method"] for text in blocks("yaml")]
    assert {*shown} == {*METHODS, "table"}


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_page_runs(folder, code):
    exec(code, {})


# --- from Python ---------------------------------------------------------------------------------


def test_a_data_frame_is_a_table_of_points():
    columns = {"publicity": [0.1, 0.3], "max_partners": [2, 9]}
    made = Design.of(TWO, method="table", table=pd.DataFrame(columns), years=2)
    assert made == Design.of(TWO, method="table", table=columns, years=2)


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


def test_a_parquet_table_says_none_by_saying_nothing(tmp_path):
    path = tmp_path / "points.parquet"
    parquet.write_table(pa.table({"pump_priming_deadline": [4, None]}), path)
    read = Design.of(TWO, method="table", table=path)
    assert [point["pump_priming_deadline"] for point in read.points] == [4, None]


def test_decimals_of_a_parquet_table_are_numbers(tmp_path):
    path = tmp_path / "points.parquet"
    parquet.write_table(pa.table({"publicity": [Decimal("0.25"), Decimal("0.50")]}), path)
    points = Design.of(TWO, method="table", table=path).points
    assert points.columns["publicity"].tolist() == [0.25, 0.5]
    assert points.columns["publicity"].dtype == np.float64


def test_points_cannot_be_numbered_by_lists(tmp_path):
    path = tmp_path / "points.parquet"
    parquet.write_table(pa.table({"publicity": [0.1], "point": [[0]]}), path)
    with pytest.raises(InputError, match="column point must number the points"):
        Design.of(TWO, method="table", table=path)
