"""The README's own commands, files and code, run as they stand there, only on a smaller scale."""

import re
import shlex
from pathlib import Path

import pytest
import waitress.server

from experiments import sweep
from experiments.cli import main
from tests.small_sweeps import made_up
from tests.stored_runs import nothing, store

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETUP = "pip install uv && uv run tenderlab compare"
DEVELOPERS = (
    "uv run python docs/gallery.py",
    "uv run python -m tests.test_golden",
    "uv run python -m benchmarks.speed",
    "uv run python -m benchmarks.explorer --picture docs/pictures/explorer.png",
    "uv run pytest",
)
SMALLER = {
    "compare": ["--replicates", "2", "--years", "1"],
    "run": ["--years", "1"],
    "sweep": ["--workers", "1"],
    "explore": ["--years", "1", "--replicates", "1", "--port", "0", "--no-browser"],
}
DATED = ("my-policy.yaml", "question.yaml", "pump_priming_fund=50@3,0@8")
"""What has a lever that moves in year 3 only."""


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(README) if kind == language]


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line not in (SETUP, *DEVELOPERS)]


def smaller(design: str) -> str:
    for more, less in (
        ("years: 5", "years: 1"),
        ("points: 64", "points: 48"),
        ("tes: 2", "tes: 1"),
    ):
        assert more in design
        design = design.replace(more, less)
    return design


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the files that the README shows, under the names that it gives them."""
    policy, question, design = blocks("yaml")
    (register,) = blocks("csv")
    (tmp_path / "my-policy.yaml").write_text(policy)
    (tmp_path / "question.yaml").write_text(question)
    (tmp_path / "design.yaml").write_text(smaller(design))
    (tmp_path / "councils.csv").write_text(register)
    monkeypatch.chdir(tmp_path)


def test_two_commands_do_all() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert lines[0] == SETUP
    assert lines[-1] == DEVELOPERS[-1]


def test_what_developers_run_is_there() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert tuple(lines[-len(DEVELOPERS) :]) == DEVELOPERS
    benchmarks = ("benchmarks/speed.py", "benchmarks/explorer.py")
    for path in ("docs/gallery.py", "tests/test_golden.py", *benchmarks):
        assert "__main__" in (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the explorer's server end as soon as it could begin; other tests open its page."""
    monkeypatch.setattr(waitress.server.TcpWSGIServer, "run", lambda _: None)


def stored_for(text: str) -> None:
    """Make the run directory that the README takes as there, where ``text`` speaks of it."""
    if "meeting" in text:
        policies = {"status-quo": nothing, "shared-risk": nothing}
        store(Path("meeting"), policies, replicates=2, twins=0)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", commands())
def test_a_command_does_what_the_readme_says(
    command: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    words = shlex.split(command.removeprefix("uv run tenderlab "))
    if words[0] in ("sensitivity", "switching"):
        with pytest.MonkeyPatch.context() as quicker:
            quicker.setattr(sweep, "tell", made_up)
            assert main(["sweep", "design.yaml", "--out", words[1], *SMALLER["sweep"]]) == 0
        capsys.readouterr()
    if words[0] == "explore":
        request.getfixturevalue("nobody_waits")
    if words[0] in ("deck", "export"):
        stored_for(command)
    smaller = [*SMALLER.get(words[0], []), *(["--years", "3"] if {*words} & {*DATED} else [])]
    assert main([*words, *smaller]) == 0
    assert capsys.readouterr().out


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("code", blocks("python"))
def test_code_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    stored_for(code)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out


def test_every_file_that_is_linked_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
