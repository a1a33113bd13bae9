"""What tests share: how they are run, an offline browser, and a folder for commands."""

import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Page, sync_playwright

from experiments import campaign, crew, executors
from experiments.cli import main
from experiments.executors import MODEL, default_workers
from results.store import RunDirectory
from tests.worlds import REGISTER

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes share the tests: none where a few are asked for, or one could.

    A folder is shared between the processors and one process more, as one often waits for a
    browser; files and tests that are named, or chosen with ``-k``, run at once in this
    process. ``-n`` says otherwise.
    """
    whole = all(Path(each).is_dir() for each in config.args) and not config.option.keyword
    processors = default_workers()
    return processors + 1 if whole and processors > 1 else 0


LONGEST = (
    "test_directions.py",
    "test_compare.py",
    "test_executive.py",
    "test_explorer_page.py",
    "test_notebooks.py",
    "test_command_line.py",
    "test_sweep.py",
    "test_appraisal.py",
    "test_readme.py",
    "test_gallery.py",
    "test_partnership_report.py",
    "test_report.py",
)
"""Files that take longest: begun late, one would keep all others waiting.

The first keeps all processors at work for minutes; no browser should have to wait for it.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let files that take long begin first; the order within a file stays."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(scope="session", autouse=True)
def warm_workers() -> Iterator[None]:
    """Fork workers from a server that has run a model: they need not load its machine code."""
    usual = executors.worker_context

    def warm(preload: Sequence[str] = MODEL) -> Any:
        return usual((*preload, "tests.warm_workers"))

    with pytest.MonkeyPatch.context() as patched:
        for module in (executors, crew):
            patched.setattr(module, "worker_context", warm)
        yield


@pytest.fixture(scope="session", autouse=True)
def piped() -> Iterator[None]:
    """Show tables as wide as in a pipe, whatever terminal the tests are started from."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("COLUMNS", raising=False)
        yield


QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Return where Chromium is; without it skip, or fail if TENDERLAB_REQUIRE_BROWSER is 1."""
    path = shutil.which("chromium")
    if path is None and os.environ.get("TENDERLAB_REQUIRE_BROWSER") == "1":
        pytest.fail("no chromium on the PATH, and TENDERLAB_REQUIRE_BROWSER is 1", pytrace=False)
    if path is None:
        pytest.skip("no chromium on the PATH")
    return path


PATIENCE = 180_000.0
"""How long a browser may take over one thing on a machine with other work, milliseconds."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield a headless Chromium that the whole session shares."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield an empty page that is off the network; open files through ``path.as_uri()``."""
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE)
        context.set_offline(True)
        yield context.new_page()


@pytest.fixture(scope="module")
def short_report() -> Iterator[None]:
    """Write a line in place of a run directory's report, which takes longer than the runs.

    For tests that do not look at the page. The line tells apart whatever the page would be drawn
    from: two directories have one line only where their summaries are the same to the bit.
    """

    def line(run: RunDirectory, summary: pd.DataFrame) -> str:
        return f"{run.manifest.question_id} {sha256(summary.to_json().encode()).hexdigest()}\n"

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(campaign, "render", line)
        yield


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with a small register: the module's own, or that of all."""
    (tmp_path / "councils.csv").write_text(getattr(request.module, "REGISTER", REGISTER))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Said(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run commands in ``folder``."""

    def said(command: str) -> Said:
        code = main(shlex.split(command))
        return Said(code, *capsys.readouterr())

    return said


@pytest.fixture
def refused(folder: Path, say: Any) -> Callable[[str], str]:
    """Run commands that must be refused in one line and write nothing; return the line."""

    def changes() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    def line(command: str) -> str:
        before = changes()
        said = say(command)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("tenderlab: ")
        assert said.err.count("\n") == 1
        assert changes() == before
        return str(said.err)

    return line
