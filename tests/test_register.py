"""The register of councils: what a file may say, what England's says, and who borders whom."""

import csv
import io
import pickle
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.errors import InputError
from simulation.register import (
    CONTROLS,
    COUNCIL_TYPES,
    ELECTION_CYCLES,
    MOST_COUNCILS,
    REGIONS,
    Register,
    kilometres,
    load_register,
    neighbour_graph,
    neighbours,
    parents,
    parse_register,
)

COLUMNS = (
    "name",
    "type",
    "region",
    "county",
    "population",
    "latitude",
    "longitude",
    "control",
    "election_cycle",
)
HEADER = ",".join(COLUMNS)
BATH = "Bath,unitary,South West,,176000,51.4,-2.4,,whole"


@pytest.fixture(scope="module")
def england() -> Register:
    return load_register()


def parsed(*lines: str) -> Register:
    return parse_register("\n".join(lines).encode(), "mine.csv")


def row(**changes: object) -> str:
    cells = dict(zip(COLUMNS, BATH.split(","), strict=True)) | changes
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells[column] for column in COLUMNS)
    return text.getvalue()[:-1]


def at(*positions: tuple[float, float], kind: str = "district") -> Register:
    """A register of councils a, b, c ... of one type at (latitude, longitude)."""
    rows = (
        row(name=f"{index:05d}", type=kind, latitude=north, longitude=east)
        for index, (north, east) in enumerate(positions)
    )
    return parsed(HEADER, *rows)


def pairs(register: Register) -> set[tuple[int, int]]:
    i, j = neighbours(register)
    return set(zip(i.tolist(), j.tolist(), strict=True))


# England in 2006-07


def test_england_has_its_388_principal_councils(england: Register) -> None:
    assert Counter(england.type) == {
        "county": 34,
        "district": 238,
        "unitary": 47,
        "metropolitan": 36,
        "london_borough": 33,
    }
    assert set(england.type) == set(COUNCIL_TYPES)
    assert set(england.region) == set(REGIONS)
    assert set(england.control) <= {*CONTROLS, ""}
    assert set(england.election_cycle) == set(ELECTION_CYCLES)


def test_england_is_sorted_with_unique_identities(england: Register) -> None:
    keys = list(zip(england.type, england.name, strict=True))
    assert keys == sorted(keys)
    assert len(set(england.identities)) == len(england) == 388
    assert england.identity(0) == england.identities[0] == "county|Bedfordshire"
    assert {"county|Durham", "district|Durham"} <= set(england.identities)


def test_england_has_people_and_lies_in_england(england: Register) -> None:
    single_tier = [kind != "county" for kind in england.type]
    assert 50e6 < england.population[single_tier].sum() < 54e6
    assert england.population.min() > 0
    assert (england.latitude > 49.8).all() and (england.latitude < 55.9).all()
    assert (england.longitude > -6.5).all() and (england.longitude < 1.8).all()


def test_every_english_district_has_a_county_and_only_districts_do(england: Register) -> None:
    county = parents(england)
    for index, kind in enumerate(england.type):
        assert (county[index] >= 0) == (kind == "district") == bool(england.county[index])
        if kind == "district":
            assert england.type[county[index]] == "county"
            assert england.name[county[index]] == england.county[index]


def test_a_county_has_about_as_many_people_as_its_districts(england: Register) -> None:
    county = parents(england)
    for index in range(england.type.count("county")):
        districts = england.population[county == index].sum()
        assert districts == pytest.approx(england.population[index], rel=0.02)


def test_english_elections(england: Register) -> None:
    cycles = Counter(zip(england.type, england.election_cycle, strict=True))
    assert cycles["county", "whole"] == 34
    assert cycles["london_borough", "whole"] == 33
    assert cycles["metropolitan", "thirds"] == 36
    assert cycles["unitary", "thirds"] == 20
    assert cycles["district", "halves"] == 7
    assert 75 <= cycles["district", "thirds"] <= 85


@pytest.mark.parametrize(
    ("identity", "control"),
    [
        ("county|Kent", "conservative"),
        ("county|Cornwall", "liberal_democrat"),
        ("county|Durham", "labour"),
        ("county|Cumbria", "no_overall_control"),
        ("london_borough|Newham", "labour"),
        ("london_borough|Wandsworth", "conservative"),
        ("london_borough|Camden", "no_overall_control"),
        ("london_borough|City of London", "independent"),
    ],
)
def test_known_political_control(england: Register, identity: str, control: str) -> None:
    assert england.control[england.identities.index(identity)] == control


# Real borders, from any atlas

BORDERS = [
    ("district|Adur", "district|Worthing"),
    ("district|Ashford", "district|Shepway"),
    ("district|Barrow-in-Furness", "district|South Lakeland"),
    ("district|Berwick-upon-Tweed", "district|Alnwick"),
    ("district|Broxtowe", "unitary|Nottingham"),
    ("district|Burnley", "district|Pendle"),
    ("district|Cambridge", "district|South Cambridgeshire"),
    ("district|Canterbury", "district|Thanet"),
    ("district|Carlisle", "district|Allerdale"),
    ("district|Castle Point", "unitary|Southend-on-Sea"),
    ("district|Dartford", "district|Gravesham"),
    ("district|Dartford", "london_borough|Bexley"),
    ("district|Exeter", "district|East Devon"),
    ("district|Fareham", "district|Gosport"),
    ("district|Hastings", "district|Rother"),
    ("district|Kerrier", "district|Penwith"),
    ("district|Lincoln", "district|North Kesteven"),
    ("district|Maidstone", "unitary|Medway"),
    ("district|Norwich", "district|Broadland"),
    ("district|Oxford", "district|Cherwell"),
    ("district|Watford", "district|Three Rivers"),
    ("london_borough|Barnet", "london_borough|Enfield"),
    ("london_borough|Camden", "london_borough|Islington"),
    ("london_borough|City of London", "london_borough|Tower Hamlets"),
    ("london_borough|Croydon", "london_borough|Sutton"),
    ("london_borough|Lambeth", "london_borough|Southwark"),
    ("metropolitan|Bolton", "metropolitan|Bury"),
    ("metropolitan|Bradford", "metropolitan|Leeds"),
    ("metropolitan|Coventry", "metropolitan|Solihull"),
    ("metropolitan|Gateshead", "metropolitan|Newcastle upon Tyne"),
    ("metropolitan|Knowsley", "metropolitan|Liverpool"),
    ("metropolitan|Manchester", "metropolitan|Salford"),
    ("metropolitan|Rotherham", "metropolitan|Sheffield"),
    ("unitary|Bournemouth", "unitary|Poole"),
    ("unitary|Bristol", "unitary|South Gloucestershire"),
    ("unitary|Kingston upon Hull", "unitary|East Riding of Yorkshire"),
    ("unitary|Middlesbrough", "unitary|Redcar and Cleveland"),
    ("unitary|Reading", "unitary|Wokingham"),
    ("county|Norfolk", "county|Suffolk"),
    ("county|Cornwall", "county|Devon"),
    ("county|Kent", "county|Surrey"),
    ("county|Cornwall", "unitary|Plymouth"),
    ("county|Kent", "unitary|Medway"),
    ("county|Leicestershire", "unitary|Leicester"),
    ("county|Surrey", "london_borough|Croydon"),
]
NO_BORDERS = [
    ("district|Carlisle", "district|Penwith"),
    ("district|Norwich", "district|Great Yarmouth"),
    ("district|Cambridge", "district|Huntingdonshire"),
    ("district|Berwick-upon-Tweed", "district|Tynedale"),
    ("district|Thanet", "district|Tendring"),
    ("district|South Hams", "district|Weymouth and Portland"),
    ("london_borough|Barnet", "london_borough|Croydon"),
    ("london_borough|Camden", "london_borough|Hackney"),
    ("metropolitan|Leeds", "metropolitan|Sheffield"),
    ("metropolitan|Birmingham", "metropolitan|Coventry"),
    ("metropolitan|Liverpool", "metropolitan|Manchester"),
    ("unitary|Bristol", "unitary|Plymouth"),
    ("unitary|Kingston upon Hull", "district|East Lindsey"),
    ("district|Canterbury", "district|Maidstone"),
    ("district|Crawley", "district|Worthing"),
    ("district|Exeter", "district|Torridge"),
    ("district|Eastbourne", "district|Hastings"),
    ("district|Lancaster", "district|Burnley"),
    ("district|Watford", "district|Stevenage"),
    ("district|Winchester", "district|New Forest"),
    ("district|Worcester", "district|Redditch"),
    ("london_borough|Hackney", "london_borough|Southwark"),
    ("london_borough|Harrow", "london_borough|Camden"),
    ("london_borough|Lewisham", "london_borough|Bexley"),
    ("metropolitan|Bolton", "metropolitan|Manchester"),
    ("metropolitan|Gateshead", "metropolitan|North Tyneside"),
    ("metropolitan|Rochdale", "metropolitan|Stockport"),
    ("metropolitan|Wirral", "metropolitan|Knowsley"),
    ("unitary|Hartlepool", "unitary|Darlington"),
    ("unitary|Portsmouth", "unitary|Southampton"),
    ("unitary|Reading", "unitary|Slough"),
    ("unitary|Swindon", "unitary|Bristol"),
    ("county|Cornwall", "county|Somerset"),
    ("county|Cumbria", "county|Derbyshire"),
    ("county|Devon", "county|Wiltshire"),
    ("county|Suffolk", "unitary|Peterborough"),
    ("county|Kent", "county|Hampshire"),
    ("county|Norfolk", "county|Essex"),
    ("county|Kent", "district|Maidstone"),
]


@pytest.fixture(scope="module")
def borders(england: Register) -> set[frozenset[str]]:
    return {frozenset((england.identity(i), england.identity(j))) for i, j in pairs(england)}


def test_nearly_all_well_known_borders_are_found(borders: set[frozenset[str]]) -> None:
    missed = [pair for pair in BORDERS if frozenset(pair) not in borders]
    assert len(missed) <= 0.15 * len(BORDERS), missed


def test_nearly_no_border_is_found_where_there_is_none(borders: set[frozenset[str]]) -> None:
    found = [pair for pair in NO_BORDERS if frozenset(pair) in borders]
    assert len(found) <= 0.15 * len(NO_BORDERS), found


def test_borders_join_counties_only_to_the_upper_tier(england: Register) -> None:
    for i, j in pairs(england):
        assert {england.type[i], england.type[j]} != {"county", "district"}


def test_english_councils_have_as_many_neighbours_as_on_a_map(england: Register) -> None:
    i, j = neighbours(england)
    many = np.bincount(np.concatenate([i, j]), minlength=len(england))
    assert 4 < many.mean() < 7
    assert many.min() >= 1 and many.max() <= 20


# Borders in general


@pytest.mark.parametrize("kind", COUNCIL_TYPES)
def test_one_council_has_no_neighbour_and_two_have_each_other(kind: str) -> None:
    assert pairs(at((52.0, -1.0), kind=kind)) == set()
    assert pairs(at((52.0, -1.0), (52.5, -1.0), kind=kind)) == {(0, 1)}


def test_three_councils_in_a_triangle_all_border_one_another() -> None:
    assert pairs(at((52.0, -1.0), (52.1, -1.0), (52.05, -0.9))) == {(0, 1), (0, 2), (1, 2)}


@pytest.mark.parametrize("step", [(0.1, 0.0), (0.0, 0.1), (0.1, 0.1)])
def test_councils_in_a_line_border_the_next(step: tuple[float, float]) -> None:
    line = at(*((50 + step[0] * k, -3 + step[1] * k) for k in range(12)))
    assert pairs(line) == set(pairwise(range(12)))


def test_councils_in_one_place_have_neighbours() -> None:
    together = pairs(at(*[(52.0, -1.0)] * 9))
    assert {index for pair in together for index in pair} == set(range(9))


def test_a_council_in_the_same_place_as_another_is_its_neighbour() -> None:
    ring = [(52 + np.sin(angle) / 5, -1 + np.cos(angle) / 3) for angle in range(6)]
    assert (0, 1) in pairs(at((52.0, -1.0), (52.0, -1.0), *ring))


def test_far_groups_of_councils_do_not_border_across_the_gap() -> None:
    square = [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1), (0.13, 0.12)]
    west = [(52 + north, -4 + east) for north, east in square]
    east = [(52 + north, 1 + east) for north, east in square]
    assert all((i < 4) == (j < 4) for i, j in pairs(at(*west, *east)))


def test_positions_either_side_of_the_date_line_are_near() -> None:
    assert (0, 1) in pairs(at((0.0, 179.9), (0.0, -179.9), (0.3, 178.0), (0.3, -178.0)))


def test_a_county_borders_what_its_districts_border() -> None:
    register = parsed(
        HEADER,
        row(name="Westshire", type="county", longitude=-3),
        row(name="Eastshire", type="county", longitude=0),
        row(name="West", type="district", county="Westshire", longitude=-2.0, latitude=51.4),
        row(name="East", type="district", county="Eastshire", longitude=-1.9, latitude=51.4),
        row(name="Town", type="unitary", longitude=-1.95, latitude=51.45),
    )
    named = {(register.name[i], register.name[j]) for i, j in pairs(register)}
    upper = {("Eastshire", "Westshire"), ("Eastshire", "Town"), ("Westshire", "Town")}
    assert named == upper | {("East", "West"), ("East", "Town"), ("West", "Town")}
    assert parents(register).tolist() == [-1, -1, 0, 1, -1]


def test_counties_without_districts_border_by_their_own_positions() -> None:
    counties = at((52.0, -1.0), (52.3, -1.0), (52.15, -0.6), kind="county")
    assert pairs(counties) == {(0, 1), (0, 2), (1, 2)}


def test_a_district_whose_county_is_absent_has_no_parent() -> None:
    orphan = parsed(HEADER, row(type="district", county="Nowhere"))
    assert orphan.county == ("Nowhere",)
    assert parents(orphan).tolist() == [-1]


def test_ten_thousand_councils_have_borders() -> None:
    grid = [(50 + 0.03 * (k // 100), -5 + 0.05 * (k % 100)) for k in range(10_000)]
    i, j = neighbours(at(*grid))
    assert 2 * 100 * 99 <= len(i) <= 3 * 10_000
    assert (i < j).all()


positions = st.tuples(
    st.floats(-90, 90) | st.sampled_from([50.0, 50.1, 50.2]),
    st.floats(-180, 180) | st.sampled_from([0.0, 0.1, 0.2]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(positions, min_size=1, max_size=40))
def test_edges_are_sorted_distinct_and_in_range(where: list[tuple[float, float]]) -> None:
    i, j = neighbours(at(*where))
    edges = list(zip(i.tolist(), j.tolist(), strict=True))
    assert edges == sorted(set(edges))
    assert all(0 <= low < high < len(where) for low, high in edges)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(shuffler) -> None:  # type: ignore[no-untyped-def]
    england = load_register()
    header, *rows = england.raw.decode().splitlines()
    shuffler.shuffle(rows)
    shuffled = parsed(header, *rows)
    assert shuffled == england and hash(shuffled) == hash(england)
    assert pairs(shuffled) == pairs(england)


def test_the_graph_carries_names_types_and_distances(england: Register) -> None:
    graph = neighbour_graph(england)
    assert set(graph.nodes) == set(range(388))
    assert {(min(edge), max(edge)) for edge in graph.edges} == pairs(england)
    lambeth = england.identities.index("london_borough|Lambeth")
    southwark = england.identities.index("london_borough|Southwark")
    assert graph.nodes[lambeth] == {"name": "Lambeth", "type": "london_borough"}
    assert 1 < graph.edges[lambeth, southwark]["kilometres"] < 6


def test_great_circle_distances() -> None:
    assert kilometres(51.5, -0.12, 53.48, -2.24) == pytest.approx(262, abs=3)
    assert kilometres(0.0, 0.0, 0.0, 180.0) == pytest.approx(np.pi * 6371)
    to_each = kilometres(0.0, 0.0, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    assert to_each == pytest.approx([0.0, 111.19, 111.19], abs=0.01)


# What a file may say


def test_blank_and_absent_optional_columns() -> None:
    blank = parsed(HEADER, row(control="", election_cycle="", county=""))
    absent = parsed(
        "name,type,region,population,latitude,longitude",
        "Bath,unitary,South West,176000,51.4,-2.4",
    )
    assert blank == absent
    assert (blank.county, blank.control, blank.election_cycle) == (("",), ("",), ("whole",))


def test_a_blank_election_cycle_is_the_usual_one_of_the_type() -> None:
    register = parsed(HEADER, *(row(type=kind, election_cycle="") for kind in COUNCIL_TYPES))
    cycles = dict(zip(register.type, register.election_cycle, strict=True))
    assert cycles.pop("metropolitan") == "thirds"
    assert set(cycles.values()) == {"whole"}


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "=1+1",
        "@SUM(A1)",
        'say "council", twice',
        "a|b",
        "Ynys Môn",
        "日本",
        "x" * 200,
    ],
)
def test_strange_names_are_kept_as_they_are(name: str) -> None:
    register = parsed(HEADER, row(name=name))
    assert register.name == (name,)
    assert register.identity(0) == f"unitary|{name}"


def test_region_names_are_free_and_unrelated_columns_ignored() -> None:
    register = parsed(HEADER + ",area_km2,,", row(region="Mars") + ",12,x,y")
    assert register.region == ("Mars",)


def test_byte_order_mark_blank_lines_spaces_and_capitals_in_the_header() -> None:
    plain = parsed(HEADER, BATH)
    odd = f"\ufeff{HEADER.title()}\r\n\r\n{BATH.replace(',', ' , ')}\r\n\r\n".encode()
    assert parse_register(odd, "odd.csv") == plain


def test_the_two_ways_to_write_an_accent_are_one_name() -> None:
    with pytest.raises(InputError, match="is already"):
        parsed(HEADER, row(name="M\u00f4n"), row(name="Mo\u0302n"))


def test_the_same_name_may_stand_once_in_each_type() -> None:
    assert len(parsed(HEADER, row(type="county"), row(type="district"))) == 2


def test_a_register_keeps_its_bytes_and_its_source(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_bytes(f"{HEADER}\r\n{BATH}\r\n".encode())
    for register in (load_register(file), load_register(str(file))):
        assert register.raw == file.read_bytes()
        assert register.source == str(file)
    assert parse_register(register.raw, "again") == register


def test_a_register_cannot_be_changed(england: Register) -> None:
    with pytest.raises(ValueError, match="read-only"):
        england.population[0] = 1
    with pytest.raises(AttributeError):
        england.source = "elsewhere"  # type: ignore[misc]


def test_registers_differ_when_a_council_does_and_survive_pickling(england: Register) -> None:
    assert parsed(HEADER, BATH) != parsed(HEADER, row(population=1))
    assert parsed(HEADER, BATH) != "Bath"
    assert pickle.loads(pickle.dumps(england)) == england


def test_twenty_thousand_councils_are_the_most() -> None:
    rows = [row(name=k) for k in range(MOST_COUNCILS + 1)]
    assert len(parsed(HEADER, *rows[:-1])) == MOST_COUNCILS == 20_000
    with pytest.raises(InputError, match=r"mine\.csv, line 20002: more than 20,000 councils"):
        parsed(HEADER, *rows)


# What it may not


def complaint(raw: bytes) -> str:
    with pytest.raises(InputError) as raised:
        parse_register(raw, "mine.csv")
    message = str(raised.value)
    assert message.startswith("mine.csv") and "\n" not in message and len(message) < 400
    return message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, ["name ''", "blank"]),
        ({"name": "   "}, ["name ''", "blank"]),
        ({"name": "x" * 201}, ["name 'xxx", "200 characters"]),
        ({"name": "a\x00b"}, [r"name 'a\x00b'", "control characters"]),
        ({"name": "a\nb"}, [r"name 'a\nb'", "control characters"]),
        ({"name": "a\x1b[31mb"}, [r"\x1b", "control characters"]),
        ({"name": "a\u202eb"}, [r"\u202e", "control characters"]),
        ({"region": ""}, ["region ''", "blank"]),
        ({"region": "a\tb"}, [r"region 'a\tb'", "control characters"]),
        ({"county": "a\x07b"}, [r"county 'a\x07b'", "control characters"]),
        ({"type": ""}, ["type ''", "must be one of county, district"]),
        ({"type": "distrct"}, ["type 'distrct'", "london_borough", "did you mean 'district'"]),
        ({"control": "labor"}, ["control 'labor'", "conservative", "did you mean 'labour'"]),
        ({"election_cycle": "third"}, ["election_cycle 'third'", "did you mean 'thirds'"]),
        ({"population": ""}, ["population ''", "positive number"]),
        ({"population": "0"}, ["population '0'", "positive number"]),
        ({"population": "-5"}, ["population '-5'", "positive number"]),
        ({"population": "nan"}, ["population 'nan'", "positive number"]),
        ({"population": "inf"}, ["population 'inf'", "positive number"]),
        ({"population": "1e300"}, ["population '1e300'", "at most 10,000,000,000"]),
        ({"population": "many"}, ["population 'many'", "positive number"]),
        ({"population": "12,000"}, ["population '12,000'", "positive number"]),
        ({"population": "1_000"}, ["population '1_000'", "positive number"]),
        ({"latitude": ""}, ["latitude ''", "-90 to 90"]),
        ({"latitude": "north"}, ["latitude 'north'", "-90 to 90"]),
        ({"latitude": "90.01"}, ["latitude '90.01'", "-90 to 90"]),
        ({"latitude": "nan"}, ["latitude 'nan'", "-90 to 90"]),
        ({"longitude": "-180.5"}, ["longitude '-180.5'", "-180 to 180"]),
        ({"longitude": "inf"}, ["longitude 'inf'", "-180 to 180"]),
    ],
)
def test_a_wrong_value_is_named_with_its_line(changes: dict[str, str], words: list[str]) -> None:
    message = complaint(f"{HEADER}\n{row(name='Wells')}\n\n{row(**changes)}\n".encode())
    assert message.startswith("mine.csv, line 4: ")
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", ["mine.csv: ", "empty", "name, type, region"]),
        (b"\n\n", ["mine.csv: ", "empty"]),
        (HEADER.encode(), ["mine.csv: ", "no councils"]),
        (f"{HEADER}\n\n".encode(), ["mine.csv: ", "no councils"]),
        (f"{HEADER}\nB\xe4th".encode("latin-1"), ["line 2", "0xe4", "UTF-8"]),
        (f"{HEADER}\n{BATH}".encode("utf-16"), ["line 1", "0xff", "UTF-8"]),
        (b"name,type,region,county,latitude,longitude\n", ["line 1", "missing", "'population'"]),
        (HEADER.replace(",", ";").encode(), ["line 1", "missing column 'name'"]),
        (f"{HEADER},name\n".encode(), ["line 1", "'name'", "more than once"]),
        (
            HEADER.replace("population", "populaton").encode(),
            ["line 1", "'populaton'", "did you mean 'population'", "election_cycle"],
        ),
        (HEADER.replace("control", "controls").encode(), ["'controls'", "did you mean 'control'"]),
        (f"{HEADER}\n{BATH},more".encode(), ["line 2", "10 fields", "9"]),
        (f"{HEADER}\nBath,unitary".encode(), ["line 2", "2 fields", "9"]),
        (f"{HEADER}\n{BATH}\n{BATH}".encode(), ["line 3: name 'Bath'", "'unitary'", "on line 2"]),
        (f'{HEADER}\n"Bath,unitary'.encode(), ["line 2", "not a CSV row"]),
        (f'{HEADER}\n"Ba"th,unitary'.encode(), ["line 2", "not a CSV row"]),
        (f"{HEADER}\n{'x' * 200_000},unitary".encode(), ["line 2", "not a CSV row"]),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(raw: bytes, words: list[str]) -> None:
    message = complaint(raw)
    for word in words:
        assert word in message


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "councils.csv").write_text(HEADER)
    with pytest.raises(InputError, match=r"counsils\.csv.*No such file.*'councils\.csv'"):
        load_register(tmp_path / "counsils.csv")


@pytest.mark.parametrize("path", ["", "a\x00b.csv"])
def test_a_path_that_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_register(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="directory"):
        load_register(tmp_path)


def test_a_file_far_larger_than_any_register_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("wb") as handle:
        handle.truncate(33 * 1024 * 1024)
    with pytest.raises(InputError, match="smaller than 32 MB"):
        load_register(file)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_met_by_one_line_of_complaint(raw: bytes) -> None:
    complaint(f"{HEADER}\n".encode() + raw)
