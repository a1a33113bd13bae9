"""Views of the explorer: what they say beside their charts."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from stored_runs import SMALL, nothing, store

from results import charts
from results.appraisal import TYPE_TITLES
from results.charts.differences import VERDICT_SHAPES
from results.explorer.views import VIEWS, Drawn
from results.statistics import summarise
from results.store import RunDirectory, open_run
from simulation.register import parse_register

HOSTILE = "<script>alert(1)</script>"
MANY = [f"policy {place}" for place in range(14)]


def saves(measures: dict[str, Any]) -> None:
    measures["public_saving"] = measures["public_saving"] + 10.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    register = parse_register(SMALL, "small.csv")
    policies = {"status-quo": nothing, HOSTILE: saves}
    folder = tmp_path_factory.mktemp("run")
    return open_run(store(folder, policies, register=register, replicates=3, twins=0))


def drawn(run: RunDirectory, name: str) -> Drawn:
    view = next(view for view in VIEWS if view.name == name)
    return view.draw(run, summarise(run), "")


def test_gains_are_told_in_figures_too(run: RunDirectory) -> None:
    told = drawn(run, "gains")
    held = set(run.register.type)
    assert all((title in told.said) == (kind in held) for kind, title in TYPE_TITLES.items())
    assert told.said.count("<table") == 2
    assert "<script" not in told.said
    assert all(told.figures.values())


def test_gains_that_earlier_versions_did_not_store_are_left_out_with_the_reason(
    run: RunDirectory,
) -> None:
    older = Undiscounted(run.path, run.manifest, run.register, run.outcomes)
    told = drawn(older, "gains")
    assert "no discounted savings" in told.said
    assert not any(told.figures.values())


class Undiscounted(RunDirectory):
    """A run directory of an earlier version, whose table of councils holds no discounted money."""

    def event(self, name: str) -> pd.DataFrame:
        return super().event(name).drop(columns=["saving_npv_m", "counterfactual_npv_m"])


def test_the_map_is_told_in_figures_too(run: RunDirectory) -> None:
    told = drawn(run, "map").said
    table = run.event("councils").query("joint_services > 0")
    for council in run.register.name:
        assert (f'<th scope="row">{council}</th>' in told) == (council in set(table["name"]))
    assert "<script" not in told


def test_differences_are_read_by_the_same_key_as_pictures(run: RunDirectory) -> None:
    assert charts.INTERVALS_KEY in drawn(run, "differences").said.replace("&#x27;", "'")


def test_the_key_names_every_marker() -> None:
    names = {"triangle-up": "triangle up", "triangle-down": "triangle down", "line-ns": "bar",
             "circle-open": "circle", "circle-open-dot": "with a dot", "x-thin": "cross",
             "diamond-open": "diamond", "square": "square"}  # fmt: skip
    assert all(names[symbol] in VERDICT_SHAPES for symbol, _ in charts.SYMBOLS.values())


def test_policies_without_room_on_a_chart_are_named(tmp_path: Path) -> None:
    register = parse_register(SMALL, "small.csv")
    policies = dict.fromkeys(MANY, nothing)
    many = open_run(store(tmp_path, policies, register=register, replicates=2, twins=0, years=1))
    assert "policy 12 and policy 13" in drawn(many, "map").said
    assert "policy 7, " in drawn(many, "market").said
    assert charts.left_out(MANY[:12], charts.MOST_PANELS) == ""
