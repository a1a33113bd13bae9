"""Commands for experiments at research scale: what they answer, and what they refuse in a line."""

import csv
import io
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments import distributed, forecast
from experiments import sweep as sweeping
from experiments.cli import main
from results.store import open_run
from simulation.outcomes import OUTCOMES
from simulation.register import load_register
from simulation.synthetic import synthetic_bytes
from tests.small_sweeps import TURN, made_up
from tests.worlds import REGISTER

pytestmark = pytest.mark.usefixtures("short_report")

OUTCOME = "net_public_saving"
QUICK = "--register councils.csv --years 1 --workers 1"
DESIGN = """
policies: [status-quo, shared-risk]
register: councils.csv
years: 1
replicates: 2
assumptions: fixed
design: {method: latin hypercube, points: 60}
vary:
  coordination: [0.005, 0.02]
  demand_scale:
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a design and the sweep of it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "councils.csv").write_text(REGISTER)
    (folder / "design.yaml").write_text(DESIGN)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setattr(sweeping, "tell", made_up)
        assert main(["sweep", "design.yaml", "--workers", "1", "--out", "swept"]) == 0
    return folder


@pytest.fixture
def swept(folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a design and the sweep of it; runs that are made are made up."""
    monkeypatch.setattr(sweeping, "tell", made_up)
    return Path(shutil.copytree(finished, folder, dirs_exist_ok=True))


# Sensitivity


def test_factors_are_ranked(say: Any, swept: Path) -> None:
    said = say("sensitivity swept --against status-quo --json")
    found = json.loads(said.out)
    assert said.code == 0
    assert (found["method"], found["policy"], found["points"]) == ("pawn", "shared-risk", 60)
    assert [factor["factor"] for factor in found["factors"]] == ["coordination", "demand_scale"]
    assert found["influential"] == ["coordination"]


def test_the_ranking_is_told_and_drawn(say: Any, swept: Path) -> None:
    said = say("sensitivity swept --against status-quo --out ranked.html")
    assert re.search(r"depends\s+most on coordination", said.out)
    assert "simulation, not from records" in (swept / "ranked.html").read_text()
    assert say("sensitivity swept --method pawn --out ranked.CSV").code == 0
    rows = [*csv.DictReader(io.StringIO((swept / "ranked.CSV").read_text()))]
    assert {row["factor"] for row in rows} == {"coordination", "demand_scale"}


def test_too_small_a_sample_is_said(say: Any, refused: Any, swept: Path) -> None:
    (swept / "design.yaml").write_text(DESIGN.replace("points: 60", "points: 8"))
    say("sweep design.yaml --workers 1 --out small")
    assert refused("sensitivity small").startswith("tenderlab: PAWN: 8 points are too few")


# Switching values


def test_the_value_that_turns_the_ranking_is_found(say: Any, swept: Path) -> None:
    (pair,) = json.loads(say("switching swept --json").out)["pairs"]
    (turn,) = (one for one in pair["assumptions"] if one["fate"] == "turns")
    assert turn["assumption"] == "coordination"
    assert turn["turns_at"][0]["value"] == pytest.approx(TURN, abs=2e-4)


def test_the_turn_is_told_and_drawn(say: Any, swept: Path) -> None:
    said = say("switching swept --out turns.html")
    assert "coordination" in said.out
    assert "0.012" in said.out
    assert "What turns the ranking" in (swept / "turns.html").read_text()


# Precision


def test_a_comparison_is_made_as_precise_as_asked_and_made_again(say: Any, folder: Path) -> None:
    said = say(f"compare shared-risk --replicates 2 --precision {OUTCOME}=1e6 --json {QUICK}")
    told = json.loads(said.out)
    assert (said.code, told["precision"]["enough"], told["precision"]["looks"]) == (0, True, [10])
    assert told["precision"]["reached"][0]["policy"] == "shared-risk"
    assert told["question"]["replicates"] == 10
    place = folder / told["directory"]
    assert open_run(place).manifest.question_id == told["question_id"] == place.name
    assert say(f"compare {told['directory']} --out again --workers 1").code == 0
    again = folder / "again" / "outcomes.parquet"
    assert again.read_bytes() == (place / "outcomes.parquet").read_bytes()


def test_a_cap_is_told_and_what_is_sampled_has_switching_values(say: Any, folder: Path) -> None:
    asked = f"--precision {OUTCOME}=1e-6 --most 12"
    said = say(f"compare shared-risk --replicates 2 {asked} --out mine {QUICK}")
    assert said.code == 0
    words = " ".join(said.out.split())
    assert "wider than asked" in words
    assert "Looked at after 10, 12 replications; the most allowed is 12." in words
    assert "24 of 24 runs" in said.err
    switching = say("switching mine --json")
    assert switching.code == 0
    assert json.loads(switching.out)["pairs"][0]["pairs"] == 12


def test_a_place_is_refused_before_runs_are_made_for_it(say: Any, folder: Path) -> None:
    (folder / "full").mkdir()
    (folder / "full" / "letter.txt").write_text("Dear")
    said = say(f"compare shared-risk --precision {OUTCOME}=1 --out full {QUICK}")
    assert said.err == (
        "tenderlab: full: is not empty, nothing was changed; choose another --out\n"
    )


def test_a_sweep_is_made_as_precise_as_asked(say: Any, swept: Path) -> None:
    said = say(f"sweep design.yaml --workers 1 --out precise --precision {OUTCOME}=1e-3 --json")
    told = json.loads(said.out)
    assert (said.code, told["stored"], told["precision"]["looks"]) == (0, 1200, [10])
    assert "1,200 runs: about" in said.err
    again = say(
        f"sweep design.yaml --workers 1 --out precise --resume --precision {OUTCOME}=1e-9 --most 12"
    )
    assert again.code == 0
    assert "at the point where it is widest" in again.out
    assert "1,440 of 1,440 runs are kept in precise, 1,200 of them from before" in again.out


# Invented councils


def test_a_register_is_invented(say: Any, folder: Path) -> None:
    said = say("synthetic 40 --seed 3 --out invented.csv")
    assert (said.code, said.out) == (0, "40 invented councils are in invented.csv\n")
    assert (folder / "invented.csv").read_bytes() == synthetic_bytes(40, 3)
    assert len(load_register(folder / "invented.csv")) == 40
    done = say("run --register invented.csv --years 1 --json")
    assert json.loads(done.out)["question"]["register"]["councils"] == 40


def test_a_register_goes_to_standard_output(say: Any) -> None:
    assert say("synthetic 5 --seed 9").out.encode() == synthetic_bytes(5, 9)


# Examples


@pytest.mark.parametrize("command", ["sensitivity", "switching", "sweep"])
def test_examples_name_outcomes_that_there_are(say: Any, command: str) -> None:
    named = re.findall(r"--(?:outcome|precision) ([a-z_]+)(?=[= ])", say(f"{command} --help").out)
    assert named
    assert {*named} <= {*OUTCOMES}


# Interrupted


@pytest.mark.parametrize("how", ["sweep design.yaml --out swept --resume", "sweep design.yaml"])
def test_control_c_while_it_is_measured_is_heard(
    how: str, say: Any, swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes where what a handler raises is swallowed."""

    class Swallowing:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def tell(shared: Any, run: Any) -> Any:
        Swallowing()
        return made_up(shared, run)

    monkeypatch.setattr(forecast, "tell", tell)
    sorted((swept / "swept" / "runs").iterdir())[0].unlink()
    before = {path: path.stat().st_mtime_ns for path in swept.rglob("*")}
    said = say(f"{how} --workers 1")
    assert (said.code, said.out) == (130, "")
    assert said.err == "tenderlab: interrupted before the first run; nothing was changed\n"
    assert {path: path.stat().st_mtime_ns for path in swept.rglob("*")} == before


# What is refused

BAD = {
    "risk_transfr: [0, 1]": "unknown lever or assumption 'risk_transfr' (did you mean 'risk_tran",
    "risk_transfer: [1, 1]": "vary.risk_transfer: low = 1 must be less than high = 1",
    "risk_transfer: [0, 2]": "vary.risk_transfer.high = 2: must be a number from 0 to 1",
}


@pytest.mark.parametrize("line", BAD)
def test_a_bad_factor_is_one_line(line: str, refused: Any, folder: Path) -> None:
    (folder / "design.yaml").write_text(DESIGN.replace("demand_scale:", line))
    said = refused("sweep design.yaml --workers 1")
    assert said.startswith("tenderlab: design.yaml: ")
    assert BAD[line] in said


def test_more_runs_than_the_cap_are_one_line(say: Any, folder: Path) -> None:
    (folder / "design.yaml").write_text(f"{DESIGN}cap: 200\n")
    said = say("sweep design.yaml --workers 1")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "tenderlab: design.yaml: 240 runs (60 points x 2 policies x 2 replications) are more than "
        "the cap of 200; ask for fewer, or set a higher cap\n"
    )


REFUSED = {
    "compare shared-risk --most 20": "--most: says how far --precision OUTCOME=WIDTH may go",
    "compare shared-risk --precision net_public_savin=1": "(did you mean 'net_public_saving'?)",
    "compare shared-risk --precision net_public_saving": "must be NAME=VALUE",
    "compare shared-risk --precision net_public_saving=0": "must be a number above 0, in £m",
    "compare shared-risk --precision net_public_saving=1 --most 5": "from 10 to 10000",
    "compare status-quo --precision net_public_saving=1": "nothing to compare",
    "sweep design.yaml --most 20": "--most: says how far --precision",
    "sweep design.yaml --precision net_public_savin=1": "(did you mean 'net_public_saving'?)",
    "sweep design.yaml --part 1/2 --precision net_public_saving=1": "--part makes a share",
    "sweep design.yaml --out swept": "swept: holds a sweep already; add --resume to go on with it",
    "sweep design.yaml --out councils.csv": "councils.csv: cannot hold a sweep: Not a directory",
    "sweep design.yaml --out councils.csv/below": "councils.csv/below: cannot hold a sweep",
    "sensitivity absent": "absent: holds no sweep",
    "sensitivity councils.csv": "Not a directory",
    "sensitivity swept --outcome net_public_savin": "(did you mean 'net_public_saving'?)",
    "sensitivity swept --policy shared-rsk": "(did you mean 'shared-risk'?)",
    "sensitivity swept --against shared-risk": "--against: 'shared-risk' is the policy itself",
    "sensitivity swept --method morriss": "'morriss' is not one of morris, sobol, pawn (did you",
    "sensitivity swept --method sobol": "need a design whose method is saltelli",
    "sensitivity swept --out councils.csv/page.html": "councils.csv",
    "sensitivity swept --out .": "--out .: the name must end in .html or .csv",
    "sensitivity swept --out swept/sweep.json": "must end in .html or .csv",
    "sensitivity swept --out ranked.pdf": "--out ranked.pdf: the name must end in .html or .csv",
    "sensitivity swept --out swept/register.csv": "register.csv: belongs to swept; choose another",
    "sensitivity swept --out swept/Points.CSV": "Points.CSV: belongs to swept; choose another",
    "sensitivity swept --out swept/runs/ranked.csv": "belongs to swept; choose another name",
    "switching swept --out .": "--out .: the name must end in .html",
    "switching swept --out turns.csv": "--out turns.csv: the name must end in .html",
    "switching swept --out swept/journal/turns.html": "belongs to swept; choose another name",
    "switching absent": "absent: holds neither a comparison nor a sweep",
    "switching swept --outcome net_public_savin": "(did you mean 'net_public_saving'?)",
    "switching swept --out councils.csv/page.html": "councils.csv",
    "synthetic": "Missing argument 'COUNCILS'",
    "synthetic many": "'many' is not a valid integer",
    "synthetic 0": "0 councils: a synthetic register has from 1 to 20,000",
    "synthetic 20001": "20,001 councils: a synthetic register has from 1 to 20,000",
    "synthetic 5 --seed -1": "'-1': must be a whole number from 0",
    "synthetic 5 --out .": ".: cannot be written: Is a directory",
    "synthetic 5 --out swept": "swept: cannot be written: Is a directory",
    "synthetic 5 --out absent/councils.csv": "absent/councils.csv: cannot be written: No such file",
}


@pytest.mark.parametrize(("command", "message"), REFUSED.items(), ids=list(REFUSED))
def test_a_refusal_is_one_line_and_nothing_is_written(
    refused: Any, swept: Path, command: str, message: str
) -> None:
    runs = command.startswith(("compare", "sweep"))
    assert message in refused(f"{command} --workers 1" if runs else command)


def test_an_address_at_which_no_scheduler_answers_is_one_line(
    refused: Any, swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "ANSWER_SECONDS", 0.5)
    said = refused("sweep design.yaml --out new --scheduler tcp://127.0.0.1:1")
    assert "--scheduler tcp://127.0.0.1:1: no Dask scheduler answers there within 0.5 s" in said


def test_a_place_without_permission_is_one_line(
    say: Any, swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = swept / "locked"
    locked.mkdir(0o500)
    monkeypatch.setattr("os.access", lambda path, _: Path(path).name != "locked")
    said = say("sweep design.yaml --workers 1 --out locked/new")
    assert (said.code, said.out) == (2, "")
    assert said.err == "tenderlab: locked/new: cannot be written: Permission denied\n"
    assert not [*locked.iterdir()]


# A disk that is really full

FILLING = """
import resource, subprocess, sys
from pathlib import Path
from experiments import sweep as sweeping
from simulation.errors import InputError
from tests.small_sweeps import make, quick

place, grow = Path(sys.argv[1]) / "sweep", sys.argv[2:]
sweeping.tell = quick
if not grow:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    make(place)
except InputError as error:
    print(error)
if grow:
    subprocess.run(grow, check=True)
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
done = make(place, resume=True)
print(done.status, done.stored, done.taken_over)
"""


def filled(place: Path, *before: str, grow: tuple[str, ...] = ()) -> list[str]:
    """Sweep where there is too little room, then make room and go on; return what is said."""
    command = [*before, sys.executable, "-c", FILLING, str(place), *grow]
    done = subprocess.run(
        command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def small_disk(place: Path) -> list[str]:
    """Return a command under which ``place`` is a small disk of its own; empty if none works."""
    for unshare in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        mount = 'mount -t tmpfs -o size=128k none "$0" && exec "$@"'
        command = [*unshare, "sh", "-c", mount, str(place)]
        with_it = subprocess.run([*command, "true"], capture_output=True, check=False)
        if with_it.returncode == 0:
            return command
    return []


def test_a_disk_that_fills_up_is_one_line_and_costs_nothing_that_is_finished(
    tmp_path: Path,
) -> None:
    """On a disk of 128 kB, where one can be mounted; else within a limit for each file."""
    disk = small_disk(tmp_path)
    grow = ("mount", "-o", "remount,size=8m", str(tmp_path)) if disk else ()
    refused, done = filled(tmp_path, *disk, grow=grow)
    reason = "No space left on device" if disk else "File too large"
    assert re.search(rf"sweep: cannot be written: {reason}; what was finished is kept", refused)
    status, stored, taken_over = done.split()
    assert (status, stored) == ("complete", "32")
    assert int(taken_over) > 0
