"""The page on sweeps: its files, commands and code, as they stand there, in their order."""

import re
import shlex
from pathlib import Path

import pytest

from experiments import sweep
from experiments.cli import main
from tests.small_sweeps import made_up

PAGE = (Path(__file__).parent.parent / "docs" / "sweeps.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ("ranked.html", "ranked.csv", "turns.html")
SMALLER = {"sweep": ["--workers", "1"], "compare": ["--replicates", "12", "--workers", "1"]}


def smaller(text: str) -> str:
    """Return a design or command for one year in place of five, and fewer points."""
    fewer = text.replace("points: 60", "points: 42").replace("years: 5", "years: 1")
    return fewer.replace("--years 5", "--years 1")


def run(block: str) -> None:
    """Run commands; of the sweeps, the first is made in earnest, the others are made up."""
    for line in block.splitlines():
        program, command, *words = shlex.split(smaller(line))
        assert program == "tenderlab"
        with pytest.MonkeyPatch.context() as quicker:
            if command == "sweep" and not {"first", "--dry-run"} & {*words}:
                quicker.setattr(sweep, "tell", made_up)
            assert main([command, *words, *SMALLER.get(command, [])]) == 0, line


def test_everything_on_the_page_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = []
    for kind, text in BLOCK.findall(PAGE):
        match kind:
            case "yaml":
                Path("design.yaml").write_text(smaller(text))
            case "sh":
                run(text)
            case "python":
                exec(compile(text, "sweeps.md", "exec"), {})
        done.append(kind)
        assert kind in ("yaml", "console") or capsys.readouterr().out
    assert {*done} == {"yaml", "sh", "console", "python"}
    for name in (
        "first",
        "whole",
        "precise",
        "compared",
        "ranked.html",
        "ranked.csv",
        "turns.html",
    ):
        assert (tmp_path / name).exists()


def test_every_command_is_shown() -> None:
    for name in ("sweep", "merge", "sensitivity", "switching", "synthetic", "compare"):
        assert f"\ntenderlab {name} " in PAGE
