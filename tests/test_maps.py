"""The hexagon map: where councils are placed, what is counted, what a click tells."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_runs import HOSTILE, SMALL, hostile_run, nothing, sharing_map, store

from results import charts, frames
from results.charts import maps
from results.charts.hexagons import MOST_CELLS, HexagonMap, hexagon_map
from results.store import RunDirectory, open_run
from simulation.register import Register, load_register, neighbours, parse_register


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return hostile_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def england() -> tuple[Register, HexagonMap]:
    register = load_register()
    placed = hexagon_map(register)
    assert placed is not None
    return register, placed


def distances(centres: Any) -> Any:
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    return apart + 9 * np.eye(len(centres))


def test_no_hexagon_lies_over_another(england: tuple[Register, HexagonMap]) -> None:
    _, placed = england
    main, aside = placed.centres[~placed.aside], placed.centres[placed.aside]
    assert distances(main).min() >= 1 - 1e-9
    assert distances(aside).min() >= 0.8 - 1e-9
    assert np.linalg.norm(main[:, None] - aside[None], axis=2).min() > 2
    assert (len(main), len(aside)) == (354, 34)


def test_neighbours_stay_near_and_regions_together(england: tuple[Register, HexagonMap]) -> None:
    register, placed = england
    first, second = neighbours(register)
    drawn = ~placed.aside[first] & ~placed.aside[second]
    gaps = placed.centres[first[drawn]] - placed.centres[second[drawn]]
    apart = np.linalg.norm(gaps, axis=1)
    assert np.mean(apart < 1.1) > 0.65
    assert np.mean(apart < 2.1) > 0.95
    assert apart.max() < 4.5


def test_north_is_up_and_london_can_be_seen(england: tuple[Register, HexagonMap]) -> None:
    register, placed = england
    name = dict(zip(register.name, placed.centres.tolist(), strict=True))
    assert name["Carlisle"][1] > name["Leeds"][1] > name["Birmingham"][1] > name["Camden"][1]
    assert name["Norwich"][0] > name["Camden"][0] > name["Bristol"][0] > name["Penwith"][0]
    assert (
        abs(name["Camden"][0] - name["Bromley"][0]) + abs(name["Camden"][1] - name["Bromley"][1])
        >= 2
    )


def test_borders_part_unlike_neighbours_only(england: tuple[Register, HexagonMap]) -> None:
    register, placed = england
    everyone_alike = np.zeros(len(register), dtype=np.int64)
    assert len(placed.borders(everyone_alike)) == 0
    sides = placed.borders(np.arange(len(register)))
    assert np.linalg.norm(sides[:, 0] - sides[:, 1], axis=1) == pytest.approx(1 / np.sqrt(3))


@pytest.mark.parametrize(
    "rows",
    [
        ["A,unitary,R,1,51,0"],
        ["A,unitary,R,1,51,0", "B,unitary,R,1,51,0", "C,unitary,R,1,51,0"],
        [f"A{i},district,R,1,51.{i},0" for i in range(10, 60)],
        ["A,county,R,1,51,0", "B,county,R,1,52,0"],
        ["A,unitary,R,1,89,-180", "B,unitary,R,1,-89,180"],
    ],
)
def test_any_register_can_be_placed(rows: list[str]) -> None:
    header = "name,type,region,population,latitude,longitude"
    register = parse_register("\n".join([header, *rows]).encode(), "own.csv")
    placed = hexagon_map(register)
    assert placed is not None
    assert distances(placed.centres).min() >= 1 - 1e-9
    assert np.isfinite(placed.outlines).all()


def test_too_many_councils_make_no_map() -> None:
    rows = [f"A{i},unitary,R,1,{50 + i / 1000},0" for i in range(MOST_CELLS + 1)]
    header = "name,type,region,population,latitude,longitude"
    assert hexagon_map(parse_register("\n".join([header, *rows]).encode(), "own.csv")) is None


def test_the_map_counts_replications_in_a_shared_service(tmp_path: Path) -> None:
    register = parse_register(SMALL, "small.csv")
    run = open_run(store(tmp_path, {"only": nothing}, register=register, replicates=4, twins=1))
    table = run.event("councils").query("replication < 4 and name == 'Beta'")
    share = (table["joint_services"] > 0).mean()
    figure = sharing_map(run)
    assert figure is not None
    told = [text for text in figure.data[-1].text if "Beta" in text]
    assert told == [f"<b>Beta</b><br>unitary<br>{share:.0%} of replications"]


def test_who_clicks_on_the_map_learns_the_council(run: RunDirectory) -> None:
    figure = sharing_map(run)
    clicked = [trace for trace in figure.data if trace.customdata is not None]
    assert len(clicked) == len(run.policies)
    assert all(tuple(trace.customdata) == run.register.told_apart for trace in clicked)
    assert all(len(trace.x) == len(run.register) for trace in clicked)


def test_the_map_of_one_policy_is_its_panel_among_all(run: RunDirectory) -> None:
    frame, policies = frames.sharing(run), {HOSTILE: run.policies[HOSTILE]}
    one = charts.sharing_map(frame, run.register, policies)
    every = sharing_map(run)
    assert len(one.layout.annotations) == 1
    many = len(one.data)
    assert [trace.x for trace in one.data] == [trace.x for trace in every.data[many : 2 * many]]


def test_classes_of_the_map() -> None:
    shares = np.array([0, 0.05, 0.1, 0.11, 0.5, 0.51, 1.0])
    assert maps.SHARE_SCALE.classes(shares).tolist() == [0, 1, 1, 2, 3, 4, 5]
    counts = np.array([0, 1, 2, 3, 4, 8, 9.0])
    assert maps.COUNT_SCALE.classes(counts).tolist() == [0, 1, 2, 3, 3, 4, 5]
