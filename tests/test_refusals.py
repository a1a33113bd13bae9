"""What the command line refuses: in one line, with exit code 2, and nothing is written."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments import catalogue, terminal
from tests.worlds import REGISTER

pytestmark = pytest.mark.usefixtures("short_report")
TENDERLAB = Path(sys.executable).with_name("tenderlab")


REFUSED = {
    "compre": "no command 'compre' (did you mean 'compare'?)",
    "--versoin": "--versoin",
    "compare --replicate 3": "--replicates",
    "compare --years": "requires an argument",
    "compare --years 0": "'0': must be a whole number from 1 to 50",
    "compare --years 51": "must be a whole number from 1 to 50",
    "compare --years two": "'two': must be a whole number from 1 to 50",
    "compare --replicates 0": "--replicates",
    "compare --replicates 10001": "--replicates",
    "compare --replicates 1e3": "'1e3': must be a whole number from 1 to 10000",
    "compare --out ''": "--out': must not be empty",
    "compare --set discount_rate=1": "--set: discount_rate is an assumption; use --assume",
    "compare --assume risk_transfer=1": "--assume: risk_transfer is a lever; use --set",
    "compare --years 1 --set pump_priming_fund=50@5": "from_year = 5: must be at most 1",
    "compare bda.yaml": "No such file or directory (did you mean 'bad.yaml'?)",
    "run --replication 10000": "--replication 10000: must be at most 9999",
    "compare --seed -1": "--seed",
    "compare --seed 9223372036854775808": "--seed",
    "compare --workers 0": "--workers",
    "compare --workers 257": "--workers",
    "compare --assumptions samplde": "'samplde' is not one of sampled, fixed",
    "compare --events frist": "(did you mean 'first'?)",
    "compare shared-rsk": "no policy is called 'shared-rsk' (did you mean 'shared-risk'?)",
    "compare --baseline shared-rsk": "(did you mean 'shared-risk'?)",
    "compare absent.yaml": "absent.yaml: a policy file cannot be read: No such file",
    "compare councils.csv": "councils.csv: a policy must be a mapping",
    "compare status-quo": "nothing to compare with the baseline 'status-quo'",
    "compare .": "manifest.json: the manifest cannot be read: No such file",
    "compare absent/manifest.json": "the manifest cannot be read",
    "compare shared-risk question.yaml": "question.yaml: is a question; name it alone",
    "compare bad.yaml": "bad.yaml, line 1: not plain YAML",
    "compare --set risk_transfer": "--set 'risk_transfer': must be NAME=VALUE",
    "compare --set =1": "must be NAME=VALUE",
    "compare --set risk_transfr=1": "(did you mean 'risk_transfer'?)",
    "compare --set risk_transfer=2": "must be a number from 0 to 1",
    "compare --set risk_transfer=nan": "must be a number from 0 to 1",
    "compare --set sme_preference=0.1": "planned, not built",
    "compare --set risk_transfer=1 --set risk_transfer=0": "is given twice: 1 and 0",
    "compare --set risk_transfer=1@x": "dated values are VALUE@YEAR",
    "compare --set risk_transfer=1@3,0@2": "rising from_year",
    "compare --set risk_transfer=1@3,0": "dated values are VALUE@YEAR",
    "compare --assume discount_rat=1": "--assume: unknown assumption 'discount_rat' (did",
    "compare --assume discount_rate=1": "must be a number from 0 to 0.15",
    "compare --assume discount_rate": "must be NAME=VALUE",
    "compare --assume ''": "must be NAME=VALUE",
    "compare --assume as-history-hapened": (
        "--assume: no set of assumptions is called 'as-history-hapened' (did you mean "
        "'as-history-happened'?); bundled: as-history-happened"
    ),
    "compare --assume history": "(did you mean 'as-history-happened'?)",
    "assumptions history": "(did you mean 'as-history-happened'?)",
    "run --policy shared-risk": "policy by itself is the argument: tenderlab run shared-risk",
    "run --policy shared-rsk": "(did you mean 'shared-risk'?); asked: status-quo",
    "run question.yaml --policy forced-aggregation": "not asked; asked: status-quo, shared-risk",
    "compare --assume as-history-happened=1": "unknown assumption 'as-history-happened'",
    "compare --set as-history-happened": "--set 'as-history-happened': must be NAME=VALUE",
    "compare --assume governance=lead_clent": "(did you mean 'lead_client'?)",
    "compare --assume cost_sharing=1": "cost_sharing = 1: must be one of equal, size, use",
    "calibrate --assume as-history-hapened": "(did you mean 'as-history-happened'?)",
    "compare --register absent.csv": "absent.csv: the register cannot be read",
    "compare --register councils.cvs": "(did you mean 'councils.csv'?)",
    "compare --register .": "the register cannot be read: Is a directory",
    "compare --register question.yaml": "question.yaml, line 1: missing column",
    "compare --register twice.csv": "twice.csv",
    "compare --out councils.csv": "councils.csv: cannot hold a run directory: Not a directory",
    "compare --out full": "full: is not empty, nothing was changed; choose another --out",
    "run a b": "unexpected extra argument",
    "run shared-rsk": "(did you mean 'shared-risk'?)",
    "run question.yaml": "question.yaml: choose one with --policy",
    "run question.yaml --policy shared-rsk": "(did you mean 'shared-risk'?)",
    "run question.yaml --policy shared-risk --replication 99": "replication = 99: must be",
    "run --out full": "nothing was changed",
    "report": "Missing argument",
    "report absent": "absent: not a directory",
    "report full": "manifest.json",
    "levers risk_transfr": "unknown lever 'risk_transfr' (did you mean 'risk_transfer'?)",
    "levers a b": "unexpected extra argument",
    "assumptions as-history-hapened": "(did you mean 'as-history-happened'?)",
    "assumptions discount_rat": "(did you mean 'discount_rate'?)",
    "outcomes net_public_savin": "(did you mean 'net_public_saving'?)",
    "policies shared-rsk": "(did you mean 'shared-risk'?)",
    "policies councils.csv": "councils.csv: a policy must be a mapping",
}


@pytest.mark.parametrize(("command", "message"), REFUSED.items(), ids=list(REFUSED))
def test_bad_input_is_one_line_and_nothing_is_written(
    refused: Any, folder: Path, command: str, message: str
) -> None:
    (folder / "full").mkdir()
    (folder / "full" / "notes.txt").write_text("mine")
    (folder / "bad.yaml").write_text("name: [")
    (folder / "question.yaml").write_text("policies: [status-quo, shared-risk]")
    (folder / "twice.csv").write_text(REGISTER + "Casterbridge,unitary,Here,,180000,51.8,-1.2\n")
    assert message in refused(command)


def test_what_is_refused_cannot_steer_the_terminal(say: Any) -> None:
    said = say("compare '\x1b[31mred\x07\n\x1b]0;title\x07'")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert said.err.rstrip("\n").isprintable()


def test_what_is_refused_is_not_repeated_at_length(say: Any) -> None:
    assert len(say(f"compare {'x' * 100_000}").err) < 1100


@pytest.mark.parametrize(
    "command",
    [
        "compare {}",
        "compare --set {}",
        "compare --set {}=1",
        "compare --set risk_transfer={}",
        "compare --set risk_transfer={}@x",
        "compare --assume {}=1",
        "compare --assume coordination={}",
        "compare --precision {}=1",
        "run question.yaml --policy {}",
    ],
)
def test_a_long_name_or_value_is_cut(refused: Any, folder: Path, command: str) -> None:
    (folder / "question.yaml").write_text("policies: [status-quo, shared-risk]")
    assert len(refused(command.format("x" * 3000))) < 400


def test_a_place_that_is_worked_in_is_not_replaced(
    folder: Path, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    for place in (".", "../here"):
        said = refused(f"compare --register ../councils.csv --years 1 --replicates 1 --out {place}")
        assert f"{place}: is the folder that this runs in" in said


def test_bad_input_leaves_no_traceback_in_a_process(folder: Path) -> None:
    arguments = [TENDERLAB, "compare", "--register", "absent.csv"]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tenderlab: absent.csv: the register cannot be read")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    arguments = [TENDERLAB, "assumptions", "--json"]
    with subprocess.Popen(
        arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("command", ["levers", "policies --json"])
@pytest.mark.parametrize(
    ("redirection", "message"),
    [
        (">/dev/full", "tenderlab: No space left on device\n"),
        (">&-", "tenderlab: standard output is closed\n"),
        (">&- 2>&-", ""),
    ],
)
def test_output_that_cannot_be_written_is_one_line(
    folder: Path, command: str, redirection: str, message: str
) -> None:
    line = f"{shlex.quote(str(TENDERLAB))} {command} {redirection}"
    done = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, message)


def test_an_impatient_interruption_is_one_line(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    def clean_while_interrupted(text: str) -> str:
        signal.raise_signal(signal.SIGINT)
        return text

    monkeypatch.setattr(catalogue, "bundled_policies", interrupt)
    monkeypatch.setattr(terminal, "clean", clean_while_interrupted)
    before = signal.getsignal(signal.SIGINT)
    try:
        said = say("policies")
    finally:
        signal.signal(signal.SIGINT, before)
    assert said == (130, "", "\ntenderlab: interrupted; nothing was kept\n")


def test_a_pipe_is_no_register(say: Any, folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")
    said = say("compare --register pipe.csv")
    assert said.code == 2
    assert "pipe.csv: the register cannot be read: it is not a regular file" in said.err


def test_columns_separated_by_semicolons_are_named(say: Any, folder: Path) -> None:
    (folder / "semicolons.csv").write_text(REGISTER.replace(",", ";"))
    said = say("compare --register semicolons.csv")
    assert "separate columns by commas, not semicolons" in said.err
