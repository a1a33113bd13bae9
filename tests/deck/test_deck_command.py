"""The command that writes a deck, and LibreOffice that opens it."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from pptx import Presentation

from experiments.cli import main
from results.deck import deck_bytes, write_deck
from results.statistics import summarise
from results.store import RunDirectory
from tests.decks import titles
from tests.stored_runs import nothing, store


def test_the_command_writes_a_deck(
    five: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "Meeting.PPTX"
    assert main(["deck", str(five.path), "--out", str(target)]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert target.read_bytes() == deck_bytes(five, summarise(five))


def test_a_deck_stands_in_its_run_directory(five: RunDirectory) -> None:
    assert main(["deck", str(five.path)]) == 0
    assert (five.path / "deck.pptx").is_file()
    assert [path.name for path in five.path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("deck.ppt", "must end in .pptx"),
        ("deck", "must end in .pptx"),
        ("run/events/x.pptx", "belongs to run"),
        ("file/deck.pptx", ""),
        ("folder.pptx", ""),
    ],
)
def test_a_place_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, words: str
) -> None:
    path = store(tmp_path / "run", {"a": nothing, "b": nothing}, replicates=2, twins=0)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.pptx").mkdir()
    assert main(["deck", str(path), "--out", str(tmp_path / out)]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.startswith("tenderlab: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_what_is_no_run_directory_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["deck", str(tmp_path / place), "--out", str(tmp_path / "a.pptx")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a.pptx").exists()


def test_a_run_without_a_complete_replication_has_no_deck(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip = [("b", 0), ("a", 1)]
    path = store(tmp_path / "run", {"a": nothing, "b": nothing}, skip=skip, replicates=2, twins=0)
    assert main(["deck", str(path)]) == 2
    assert "no replication is complete" in capsys.readouterr().err
    assert not (path / "deck.pptx").exists()


def test_a_run_made_in_memory_has_a_deck(five: RunDirectory, tmp_path: Path) -> None:
    outcomes: pd.DataFrame = five.outcomes[five.outcomes["replication"] < 2]
    held = InMemory(tmp_path / "nowhere", five.manifest, five.register, outcomes)
    path = write_deck(held, tmp_path / "a.pptx")
    assert "How sure: 2 paired replications" in titles(list(Presentation(str(path)).slides))


class InMemory(RunDirectory):
    """A run of which nothing is on disk."""

    def events(self) -> tuple[str, ...]:
        return ()


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_it(hostile: RunDirectory, tmp_path: Path) -> None:
    path = write_deck(hostile, tmp_path / "deck.pptx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=120)
    pages = re.findall(rb"/Type\s*/Page\b", (tmp_path / "deck.pdf").read_bytes())
    assert len(pages) == len(Presentation(str(path)).slides)
