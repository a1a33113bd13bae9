"""Registers of invented councils: England's mixture, any size, the same bytes from one seed."""

from collections import Counter
from pathlib import Path

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.errors import InputError
from simulation.model import MarketModel
from simulation.register import (
    COUNCIL_TYPES,
    ELECTION_CYCLES,
    MOST_COUNCILS,
    kilometres,
    load_register,
    neighbour_graph,
    parents,
    parse_register,
)
from simulation.synthetic import (
    FEWEST_DISTRICTS,
    JITTER,
    _along_the_curve,
    synthetic,
    synthetic_bytes,
    type_counts,
    write_synthetic,
)

ENGLAND = load_register()
TYPES = Counter(ENGLAND.type)
AS_ENGLAND = synthetic(len(ENGLAND), 1)
SEEDS = st.integers(0, 2**63 - 1)


def of_type(register, kind):
    """Return the rows of councils of a type."""
    return np.flatnonzero([one == kind for one in register.type])


@settings(max_examples=60)
@given(st.integers(1, 600), SEEDS)
def test_any_number_makes_a_register(councils, seed):
    register = synthetic(councils, seed)
    assert len(register) == councils
    assert {kind: many for kind, many in type_counts(councils).items() if many} == Counter(
        register.type
    )
    assert synthetic_bytes(councils, seed) == register.raw
    assert parse_register(register.raw, "again") == register


@settings(max_examples=30)
@given(st.integers(1, 600), SEEDS)
def test_every_district_has_a_county_and_every_county_districts(councils, seed):
    register = synthetic(councils, seed)
    county = parents(register)
    districts, counties = of_type(register, "district"), of_type(register, "county")
    assert {*county[districts]} == {*counties}
    for row in counties:
        own = districts[county[districts] == row]
        assert register.population[row] == register.population[own].sum()
        assert {register.region[one] for one in own} == {register.region[row]}


@given(st.integers(1, MOST_COUNCILS))
def test_types_are_mixed_as_in_england(councils):
    counts = type_counts(councils)
    assert sum(counts.values()) == councils
    assert counts["district"] == 0 or counts["district"] >= FEWEST_DISTRICTS
    assert (counts["district"] == 0) == (counts["county"] == 0)
    if counts["county"] > 1:
        for kind in COUNCIL_TYPES:
            assert abs(counts[kind] - councils * TYPES[kind] / len(ENGLAND)) <= 1


def test_england_s_own_number_gives_england_s_own_types():
    assert Counter(AS_ENGLAND.type) == TYPES


@pytest.mark.parametrize("kind", COUNCIL_TYPES)
def test_sizes_are_spread_as_in_england(kind):
    ours, theirs = (
        np.quantile(register.population[of_type(register, kind)], [0.25, 0.5, 0.75])
        for register in (AS_ENGLAND, ENGLAND)
    )
    assert ours == pytest.approx(theirs, rel=0.15 if kind == "county" else 0.05)
    assert not (AS_ENGLAND.population % 1000).any()


@pytest.mark.parametrize("kind", COUNCIL_TYPES)
@pytest.mark.parametrize("column", ["control", "election_cycle"])
def test_politics_are_mixed_as_in_england(kind, column):
    ours, theirs = (
        Counter(getattr(register, column)[row] for row in of_type(register, kind))
        for register in (AS_ENGLAND, ENGLAND)
    )
    assert ours == theirs
    assert {*AS_ENGLAND.election_cycle} <= {*ELECTION_CYCLES}


@settings(max_examples=20)
@given(st.integers(1, 2000))
def test_the_curve_goes_from_a_cell_to_the_next(count):
    cells = _along_the_curve(count)
    assert len(np.unique(cells, axis=0)) == count
    assert (np.abs(np.diff(cells, axis=0)).sum(axis=1) == 1).all()
    assert JITTER < 0.5


def test_districts_of_a_county_lie_together():
    """Borders are estimated from positions; of England's own 34 counties 32 hang together."""
    graph, county = neighbour_graph(AS_ENGLAND), parents(AS_ENGLAND)
    whole = [
        networkx.is_connected(graph.subgraph(np.flatnonzero(county == row).tolist()))
        for row in of_type(AS_ENGLAND, "county")
    ]
    assert sum(whole) >= 28


def test_councils_border_about_as_many_as_in_england():
    ours, theirs = (
        2 * neighbour_graph(register).number_of_edges() / len(register)
        for register in (AS_ENGLAND, ENGLAND)
    )
    assert ours == pytest.approx(theirs, rel=0.1)


def nearest_of_type(register, kind):
    """Return the median distance from councils of a type to the nearest of the same, kilometres."""
    rows = of_type(register, kind)
    places = register.latitude[rows], register.longitude[rows]
    apart = kilometres(*(one[:, None] for one in places), *(one[None, :] for one in places))
    return np.median(np.sort(apart, axis=1)[:, 1])


def test_conurbations_are_crowded():
    near = {kind: nearest_of_type(AS_ENGLAND, kind) for kind in COUNCIL_TYPES}
    assert near["london_borough"] < near["metropolitan"] < near["district"] < near["county"]
    for kind in ("london_borough", "metropolitan", "district", "county"):
        assert near[kind] == pytest.approx(nearest_of_type(ENGLAND, kind), rel=0.5)


def test_regions_are_about_as_large_as_england_s():
    assert len({*AS_ENGLAND.region}) == 9
    assert len({*synthetic(60, 1).region}) == 1
    assert max(Counter(synthetic(2000, 1).region).values()) < 100


@settings(max_examples=20)
@given(st.integers(1, 600), SEEDS)
def test_no_name_is_that_of_a_real_council(councils, seed):
    register = synthetic(councils, seed)
    assert not {*register.name} & {*ENGLAND.name}
    assert all(name.rpartition(" ")[2].isdecimal() for name in register.name)
    assert {*register.county} - {""} <= {*register.name}


@given(st.integers(30, 200), SEEDS, SEEDS)
def test_another_seed_gives_another_register(councils, seed, other):
    same = synthetic_bytes(councils, seed) == synthetic_bytes(councils, other)
    assert same == (seed == other)


def test_a_register_can_be_run():
    for councils in (1, 2, 60):
        model = MarketModel(years=1, register=synthetic(councils, 3), rng=1)
        model.run()
        assert len(model.outcomes) == 4
        assert len(model.tables["councils"]) % councils == 0


def test_as_many_councils_as_there_may_be_lie_on_the_globe():
    register = synthetic(MOST_COUNCILS, 2)
    assert len(register) == MOST_COUNCILS
    assert np.abs(register.latitude).max() < 45
    assert np.abs(register.longitude).max() < 60


@pytest.mark.parametrize("councils", [0, -1, MOST_COUNCILS + 1])
def test_other_numbers_are_refused(councils, tmp_path):
    with pytest.raises(InputError, match=r"councils: a synthetic register has from 1 to"):
        write_synthetic(councils, 1, tmp_path / "councils.csv")
    assert not [*tmp_path.iterdir()]


def test_the_file_is_the_register(tmp_path):
    path = tmp_path / "councils.csv"
    write_synthetic(50, 7, path)
    assert load_register(path) == synthetic(50, 7)
    assert [*tmp_path.iterdir()] == [path]


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    for path in (tmp_path / "no" / "councils.csv", Path(tmp_path)):
        with pytest.raises(InputError, match="cannot be written"):
            write_synthetic(5, 7, path)
    assert not [*tmp_path.iterdir()]
