"""The README's own commands, files and code, run as they stand there, only on a smaller scale."""

import re
import shlex
from pathlib import Path

import pytest

from experiments.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETUP = "pip install uv && uv run tenderlab compare"
TESTS = "uv run pytest"
SMALLER = {"compare": ["--replicates", "2", "--years", "1"], "run": ["--years", "1"]}


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(README) if kind == language]


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line not in (SETUP, TESTS)]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the files that the README shows, under the names that it gives them."""
    policy, question = blocks("yaml")
    (register,) = blocks("csv")
    (tmp_path / "my-policy.yaml").write_text(policy)
    (tmp_path / "question.yaml").write_text(question)
    (tmp_path / "councils.csv").write_text(register)
    monkeypatch.chdir(tmp_path)


def test_two_commands_do_all() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert lines[0] == SETUP
    assert lines[-1] == TESTS


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", commands())
def test_a_command_does_what_the_readme_says(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(command.removeprefix("uv run tenderlab "))
    assert main([*words, *SMALLER.get(words[0], [])]) == 0
    assert capsys.readouterr().out


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("code", blocks("python"))
def test_code_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "README.md", "exec"), {})
    assert "bids_per_tender" in capsys.readouterr().out


def test_every_file_that_is_linked_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert all((Path(__file__).parent.parent / link).exists() for link in links)
