"""Charts as files: pictures with and without a browser, pages, tables, and the command."""

import csv
import shlex
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import plotly.graph_objects as go
import pytest
from conftest import chromium
from playwright.sync_api import Page
from stored_runs import SMALL, nothing, store

from results import charts, exported_tables, exporting, frames
from results.appraisal import appraise
from results.charts import export
from results.statistics import summarise
from results.store import open_run, write_parquet
from simulation.errors import InputError
from simulation.register import parse_register

HOSTILE = "<img src=x onerror=window.harmed=1>"
FORMULA = "=cmd|' /C calc'!A0"


def saves(measures: dict[str, Any]) -> None:
    measures["public_saving"] = measures["public_saving"] + 10.0


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    policies = {"status-quo": nothing, HOSTILE: saves, FORMULA: nothing}
    path = tmp_path_factory.mktemp("stored")
    register = parse_register(SMALL, "small.csv")
    return store(path, policies, register=register, replicates=3, twins=0)


def figure() -> go.Figure:
    return go.Figure(go.Scatter(y=[1, 2])).update_layout(template=charts.TEMPLATE, height=300)


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


# Pictures


def test_pictures_are_drawn_at_the_width_that_is_asked(tmp_path: Path) -> None:
    chromium()
    charts.write_pictures({tmp_path / f"a.{form}": figure() for form in charts.FORMATS}, 400)
    assert size_of((tmp_path / "a.png").read_bytes()) == (800, 600)
    drawn = ElementTree.fromstring((tmp_path / "a.svg").read_text())
    assert (drawn.get("width"), drawn.get("height")) == ("400", "300")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_pictures_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    chromium()
    monkeypatch.setenv("CHOREO_PROXY_SERVER", "http://127.0.0.1:9")
    assert size_of(charts.picture(figure(), "png", 200)) == (400, 600)


def test_without_a_browser_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        InputError, match=r"no browser .* install Chromium or Google Chrome"
    ) as said:
        charts.write_picture(figure(), tmp_path / "a.png")
    assert "\n" not in str(said.value)
    assert not list(tmp_path.iterdir())


def test_a_browser_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(export, "browser", lambda: str(broken))
    with pytest.raises(InputError, match="the browser could not draw"):
        charts.write_picture(figure(), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["chromium"]


@pytest.mark.parametrize("name", ["a.gif", "a", "png"])
def test_other_endings_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a picture ends in \.png, \.svg, \.pdf"):
        charts.write_picture(figure(), tmp_path / name)


def test_the_first_browser_on_the_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in reversed(export.BROWSERS):
        (tmp_path / name).touch(mode=0o755)
        assert Path(export.browser()).name == name


# What is exported


def test_every_chart_of_a_run_directory_is_drawn_or_named_as_left_out(
    stored: Path, tmp_path: Path
) -> None:
    chromium()
    done = exporting.export(stored, "svg", folder=tmp_path)
    names = exporting.names(stored, "svg")
    assert {path.stem for path in done.files} | set(done.lacking) == set(names)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in done.files}
    assert {"differences", "trajectories", "competition", "sharing"} <= {p.stem for p in done.files}
    assert "network" in done.lacking
    for path in done.files:
        drawn = ElementTree.fromstring(path.read_text())
        words = "".join(drawn.itertext())
        assert exporting.SIMULATED in words
        assert open_run(stored).manifest.question_id in words
        assert not list(drawn.iter("{http://www.w3.org/2000/svg}script"))


def test_a_picture_says_of_how_many_replications_it_tells(stored: Path) -> None:
    run = open_run(stored)
    known = exporting.charts_of(run)
    shown = exporting.Shown(run)
    assert shown.source(known["differences"]).endswith(", 3 replications")
    assert shown.source(known["network"]).endswith(", 1 replication")


def test_a_frame_around_a_picture_leaves_the_chart_as_it_is() -> None:
    before = figure()
    drawn = exporting.framed(before, HOSTILE, "from here")
    assert before == figure()
    assert drawn.layout.title.text == f"<b>{charts.plain_text(HOSTILE, 90)}</b>"
    room = drawn.layout.height - drawn.layout.margin.t - drawn.layout.margin.b
    assert room == before.layout.height


def test_tables_are_harmless_and_whole(stored: Path, tmp_path: Path) -> None:
    done = exporting.export(stored, "csv", folder=tmp_path)
    run = open_run(stored)
    for path in done.files:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "@", "+"))]
    held = pd.read_csv(tmp_path / "over-horizon.csv")
    made = frames.over_horizon(run)
    assert held["value"].to_numpy() == pytest.approx(made["value"].to_numpy(), nan_ok=True)
    assert len(pd.read_csv(tmp_path / "summary.csv")) == len(summarise(run))


def test_the_columns_of_tables_are_told(stored: Path, tmp_path: Path) -> None:
    exporting.export(stored, "csv", folder=tmp_path)
    told = pd.read_csv(tmp_path / "columns.csv")
    assert set(told["table"]) == set(exported_tables.TABLES) - {"columns"}
    for name, rows in told.groupby("table"):
        path = tmp_path / f"{name}.csv"
        if path.exists():
            assert list(pd.read_csv(path).columns) == rows["column"].tolist()


@pytest.mark.parametrize("by", exported_tables.GROUPINGS)
def test_exported_gains_are_those_of_the_report(stored: Path, tmp_path: Path, by: Any) -> None:
    exporting.export(stored, "csv", [f"savings-by-{by}"], tmp_path)
    held = pd.read_csv(tmp_path / f"savings-by-{by}.csv")
    run = open_run(stored)
    told = appraise(run, summarise(run)).gains.query("grouping == @by")
    assert held["group"].tolist() == told["title"].tolist()
    assert held["verdict"].tolist() == told["verdict"].tolist()
    for ours, theirs in {"gain": "difference", "gain_low": "low", "gain_high": "high",
                         "difference": "per_cent"}.items():  # fmt: skip
        assert held[ours].to_numpy() == pytest.approx(told[theirs].to_numpy())


def test_the_exported_chart_of_gains_is_that_of_the_report(stored: Path) -> None:
    shown = exporting.Shown(open_run(stored))
    ((_, exported),) = exporting.drawn(shown, ["savings-by-type"]).values()
    assert exported.figure == shown.report.charts["gains"].figure


def test_what_earlier_versions_did_not_store_is_left_out_with_the_reason(
    stored: Path, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    shutil.copytree(stored, older)
    table = pd.read_parquet(older / "events" / "councils.parquet")
    kept = table.drop(columns=["saving_npv_m", "counterfactual_npv_m"])
    write_parquet(older / "events" / "councils.parquet", kept)
    done = exporting.export(older, "csv", folder=tmp_path / "made")
    assert "no discounted savings" in done.lacking["savings-by-type"]
    with pytest.raises(InputError, match=r"'savings-by-region' from.*no discounted savings"):
        exporting.export(older, "html", ["savings-by-region"], tmp_path / "made")


def test_a_page_stands_alone(stored: Path, tmp_path: Path, page: Page) -> None:
    done = exporting.export(stored, "html", ["spread-net-public-saving"], tmp_path)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(done.files[0].as_uri())
    page.wait_for_selector("html[data-drawn=yes]")
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
    assert "simulation" in page.locator("p.caveat").inner_text()
    assert page.locator(".main-svg").count() >= 1
    assert page.evaluate("window.harmed") is None


# The command


def test_the_command_writes_what_is_named(stored: Path, say: Any) -> None:
    chromium()
    said = say(f"export {shlex.quote(str(stored))} --format svg --only differences --out made")
    assert (said.code, said.err) == (0, "")
    assert said.out.split() == ["made/differences.svg"]
    assert Path("made/differences.svg").is_file()


def test_the_command_lists_names(stored: Path, say: Any) -> None:
    said = say(f"export {stored} --list")
    assert said.code == 0
    done = exporting.export(stored, "html", folder=Path("made"))
    assert [line.split()[0] for line in said.out.splitlines()] == [p.stem for p in done.files]
    assert [line.split(":")[0] for line in said.err.splitlines()] == [*done.lacking]
    assert say(f"export {stored} --list --format csv").out.split()[0] == "summary"
    assert not (stored / exporting.FOLDER).exists()


@pytest.mark.parametrize(
    ("rest", "error"),
    [
        ("--only diferences", "no png called 'diferences' (did you mean 'differences'?)"),
        ("--only network --format html", "holds nothing to draw 'network' from"),
        ("--format gif", "'gif' is not one of png, svg, pdf, html, csv"),
    ],
)
def test_bad_requests_are_one_line(rest: str, error: str, stored: Path, say: Any) -> None:
    said = say(f"export {stored} {rest} --out made")
    assert said.code == 2
    assert said.out == ""
    assert error in said.err
    assert said.err.count("\n") == 1
    assert not Path("made").exists()


def test_what_is_no_run_directory_is_refused(say: Any) -> None:
    said = say("export nowhere")
    assert (said.code, said.out) == (2, "")
    assert "nowhere" in said.err


def test_an_unreadable_folder_is_one_line(stored: Path, say: Any) -> None:
    Path("taken").write_text("")
    said = say(f"export {stored} --format csv --out taken")
    assert said.code == 2
    assert said.err.count("\n") == 1


def test_one_run_of_one_policy_can_be_exported(tmp_path: Path) -> None:
    register = parse_register(SMALL, "small.csv")
    path = store(
        tmp_path / "run", {"only": nothing}, register=register, replicates=1, twins=0, years=1
    )
    done = exporting.export(path, "html", folder=tmp_path / "made")
    assert {"trajectories", "competition", "sharing"} <= {each.stem for each in done.files}
    assert {"differences", "spread-net-public-saving", "savings-by-type"} <= set(done.lacking)
