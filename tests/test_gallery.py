"""The gallery: built small, and what is published of it."""

import re
import runpy
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import chromium
from stored_runs import rewrite

from experiments.question import read_run_question
from results.report import CAVEAT
from results.store import open_run
from tests.worlds import REGISTER

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "results" / "gallery"
BUILDER = runpy.run_path(str(ROOT / "docs" / "gallery.py"))
LINK = re.compile(r"\]\(([^)]+)\)")


def linked(page: Path) -> list[Path]:
    return [page.parent / link for link in LINK.findall(page.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small gallery and its run directories."""
    chromium()
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "councils.csv").write_text(REGISTER)
    options = {
        "--register": folder / "councils.csv",
        "--replicates": 2,
        "--years": 1,
        "--workers": 1,
        "--runs": folder / "runs",
        "--out": folder / "out",
    }
    words = [str(word) for option in options.items() for word in option]
    assert CliRunner().invoke(BUILDER["main"], words, catch_exceptions=False).exit_code == 0
    return folder


def test_a_small_gallery_shows_what_its_page_links_to(small: Path) -> None:
    page = small / "out" / "README.md"
    assert linked(page)
    assert not [path for path in linked(page) if not path.is_file()]
    made = {path for path in (small / "out").rglob("*") if path.is_file()}
    assert made == {page, *linked(page)}
    for path in made:
        assert path.suffix != ".png" or path.read_bytes().startswith(b"\x89PNG")


def test_the_page_says_what_it_is_and_how_it_was_made(small: Path) -> None:
    text = (small / "out" / "README.md").read_text(encoding="utf-8")
    assert CAVEAT in text
    for path in (small / "runs").iterdir():
        manifest = open_run(path).manifest
        assert f"question {manifest.question_id}: 2 paired replications over one year" in text
        assert f"tenderlab {manifest.tenderlab}" in text
    assert text.count("uv run tenderlab compare") == len(BUILDER["EXHIBITS"])


def test_tables_hold_every_difference_of_the_runs(small: Path) -> None:
    for exhibit in BUILDER["EXHIBITS"]:
        held = pd.read_csv(small / "out" / exhibit.name / "summary.csv")
        assert set(held["policy"]) == {policy.name for policy in exhibit.question.policies}


def test_runs_that_are_there_are_taken(small: Path) -> None:
    place = next((small / "runs").iterdir())
    question = read_run_question(place)
    before = (place / "outcomes.parquet").stat().st_ino
    assert BUILDER["runs_of"](question, small / "runs", 1).path == place
    assert (place / "outcomes.parquet").stat().st_ino == before


def test_runs_that_stopped_half_way_are_made_again(small: Path, tmp_path: Path) -> None:
    question = read_run_question(next((small / "runs").iterdir()))
    place = tmp_path / question.identity
    shutil.copytree(small / "runs" / question.identity, place)
    rewrite(place, lambda manifest: manifest.update(status="interrupted"))
    assert BUILDER["runs_of"](question, tmp_path, 1).manifest.status == "complete"


# What is published


def test_what_is_published_answers_the_questions_as_they_stand() -> None:
    text = (GALLERY / "README.md").read_text(encoding="utf-8")
    for exhibit in BUILDER["EXHIBITS"]:
        assert f"question {exhibit.question.identity}:" in text, "uv run python docs/gallery.py"


def test_every_published_file_is_linked_and_there() -> None:
    page = GALLERY / "README.md"
    assert not [path for path in linked(page) if not path.is_file()]
    questions = {exhibit.file for exhibit in BUILDER["EXHIBITS"]} - {None}
    held = {path for path in GALLERY.rglob("*") if path.is_file()}
    assert held == {page, *linked(page), *questions}


def test_lever_comparisons_move_one_lever_over_five_values() -> None:
    from results.charts import lever_of

    for exhibit in BUILDER["EXHIBITS"][1:]:
        policies = {policy.name: policy for policy in exhibit.question.policies}
        assert len(policies) == 5
        assert lever_of(policies) == exhibit.name.replace("-", "_")
