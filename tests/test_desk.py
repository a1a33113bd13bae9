"""The explorer's desk: what it answers, what it makes anew, and whom it serves when."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import yaml

from experiments import desk as desks
from experiments import job
from experiments.catalogue import bundled_names
from experiments.compare import compare
from experiments.crew import StandingCrew
from experiments.question import question_of, read_question
from results.statistics import summarise
from results.store import open_run
from simulation.errors import InputError
from tests.small_questions import QUESTION, small_question, watched


def asked(**levers: Any) -> dict[str, Any]:
    return {**QUESTION, "policies": [{"name": "mine", "title": "Mine", "levers": levers}]}


def policies_made(crew: Any) -> list[str]:
    return [run.policy.name for run in crew.done]


def test_an_answer_is_that_of_a_comparison(tmp_path: Path) -> None:
    desk, crew = watched()
    ticket = desk.pose(QUESTION)
    crew.finish()
    run = desk.run(ticket)
    assert run is not None
    compare(small_question(), tmp_path / "run")
    stored = open_run(tmp_path / "run")
    pd.testing.assert_frame_equal(summarise(run), summarise(stored))
    pd.testing.assert_frame_equal(run.outcomes, stored.outcomes, check_dtype=False)
    assert run.manifest == stored.manifest
    assert run.events() == stored.events()
    for name in run.events():
        held, kept = run.event(name), stored.event(name)
        pd.testing.assert_frame_equal(held, kept, check_dtype=False, check_categorical=False)


def test_first_answers_come_with_the_first_replications() -> None:
    desk, crew = watched()
    ticket = desk.pose(QUESTION)
    assert desk.run(ticket) is None
    while desk.standing(ticket).complete < 2:
        crew.step()
    run = desk.run(ticket)
    assert run is not None
    assert run.replications == (0, 1)
    assert run.manifest.status == "interrupted"
    assert desk.standing(ticket).state == "at work"


def test_what_was_made_is_not_made_again() -> None:
    desk, crew = watched()
    desk.pose(QUESTION)
    crew.finish()
    crew.done.clear()
    ticket = desk.pose(asked(risk_transfer=0.9))
    crew.finish()
    assert policies_made(crew) == ["mine"] * 3
    assert desk.standing(ticket).state == "done"


def test_the_same_levers_under_another_name_cost_no_run() -> None:
    desk, crew = watched()
    desk.pose(QUESTION)
    crew.finish()
    crew.done.clear()
    renamed = {"name": "yours", "title": "Yours", "levers": {"risk_transfer": 0.3}}
    ticket = desk.pose({**QUESTION, "policies": [renamed]})
    run = desk.run(ticket)
    assert not crew.done
    assert run is not None
    assert set(run.outcomes["policy"]) == {"status-quo", "yours"}
    assert set(run.event("councils")["policy"]) == {"status-quo", "yours"}


def test_policies_alike_are_made_once_and_shown_each() -> None:
    desk, crew = watched()
    twin = {"name": "twin", "title": "Twin", "levers": {"risk_transfer": 0.3}}
    ticket = desk.pose({**QUESTION, "policies": [*QUESTION["policies"], twin]})
    crew.finish()
    run = desk.run(ticket)
    assert run is not None
    assert sorted(policies_made(crew)) == ["mine"] * 3 + ["status-quo"] * 3
    summary = summarise(run).set_index(["policy", "outcome"])["policy_mean"]
    assert summary["mine"].equals(summary["twin"])
    assert desk.standing(ticket).state == "done"


def test_the_baseline_is_made_while_nobody_asks() -> None:
    _, crew = watched()
    crew.finish()
    assert policies_made(crew) == ["status-quo"] * 3


def test_who_asks_goes_before_what_may_be_asked() -> None:
    desk, crew = watched()
    desk.pose(asked(risk_transfer=0.9))
    crew.finish()
    assert "mine" in policies_made(crew)[2:5]


def test_one_worker_serves_as_well() -> None:
    desk, crew = watched()
    crew.finish()
    crew.workers = 1
    ticket = desk.pose(asked(risk_transfer=0.1))
    crew.finish()
    assert desk.standing(ticket).complete == 3


def test_two_questions_take_turns() -> None:
    desk, crew = watched(replicates=10)
    crew.finish()
    crew.done.clear()
    tickets = [desk.pose({**asked(risk_transfer=value), "replicates": 10}) for value in (0.1, 0.2)]
    for _ in range(8):
        crew.step()
    standings = [desk.standing(ticket).complete for ticket in tickets]
    assert abs(standings[0] - standings[1]) <= 2
    assert min(standings) >= 3


def test_a_new_question_stops_the_one_before() -> None:
    desk, crew = watched()
    first = desk.pose(asked(risk_transfer=0.1))
    second = desk.pose(asked(risk_transfer=0.2), first)
    crew.finish()
    assert desk.standing(first).state == "replaced"
    assert desk.standing(second).state == "done"


def test_what_is_cancelled_keeps_what_is_complete() -> None:
    desk, crew = watched()
    crew.finish()
    ticket = desk.pose({**asked(risk_transfer=0.1), "replicates": 8})
    for _ in range(4):
        crew.step()
    desk.cancel(ticket)
    before = desk.standing(ticket)
    crew.finish()
    standing = desk.standing(ticket)
    assert standing == before
    assert standing.state == "cancelled"
    assert 1 <= standing.complete < 8
    run = desk.run(ticket)
    assert run is not None
    assert len(run.replications) == standing.complete


def test_what_is_cancelled_can_be_gone_on_with() -> None:
    desk, crew = watched()
    crew.finish()
    crew.done.clear()
    ticket = desk.pose({**asked(risk_transfer=0.1), "replicates": 8})
    for _ in range(4):
        crew.step()
    desk.cancel(ticket)
    crew.finish()
    desk.resume(ticket)
    crew.finish()
    assert desk.standing(ticket).state == "done"
    assert desk.standing(ticket).complete == 8
    assert len(crew.done) == len(set(crew.done))


def test_nobody_works_for_who_looked_away(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, crew = watched()
    crew.finish()
    ticket = desk.pose(asked(risk_transfer=0.1))
    monkeypatch.setattr(job, "LOOKED_AWAY_SECONDS", -1.0)
    crew.finish()
    assert desk.standing(ticket).complete < 3
    monkeypatch.undo()
    desk.standing(ticket)
    crew.finish()
    assert desk.standing(ticket).complete == 3


def test_a_run_that_loses_its_worker_is_told_and_the_rest_goes_on() -> None:
    desk, crew = watched()
    crew.finish()
    ticket = desk.pose(asked(risk_transfer=0.1))
    _, lost, promise = crew.waiting.pop(0)
    promise.set_exception(RuntimeError("killed"))
    crew.finish()
    standing = desk.standing(ticket)
    assert standing.state == "done"
    assert standing.complete == 2
    assert [f"replication {lost.replication}" in one for one in standing.failed] == [True]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "MOST_REMEMBERED", 4)
    monkeypatch.setattr(desks, "MOST_HELD", 20)
    desk, crew = watched()
    first = desk.pose(asked(risk_transfer=0.1))
    for value in (0.2, 0.3, 0.4):
        desk.pose(asked(risk_transfer=value))
        crew.finish()
    with pytest.raises(InputError, match="ask it again"):
        desk.standing(first)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"years": 26}, "years: 26 is more than the explorer takes; at most 25"),
        ({"replicates": 101}, "replicates: 101 is more"),
        ({"seed": 2**53}, "seed: 9007199254740992 is more"),
        (
            {"policies": [{"name": f"p{n}", "levers": {}} for n in range(5)]},
            "policies: 5 is more than the explorer takes; at most 4",
        ),
        ({"policies": ["/etc/hosts.yaml"]}, "no policy is called '/etc/hosts.yaml'"),
        ({"policies": ["shared-rsk"]}, "shared-risk"),
        ({"policies": [{"name": "x", "levers": {"risk_transfer": 7}}]}, "must be a number from 0"),
        ({"years": "ten"}, "years = 'ten'"),
        ({"register": "councils.csv"}, "unknown key 'register'"),
        ({"replication": 3}, "unknown key 'replication'"),
        ({"outcomes": ["nonsense"]}, "unknown outcome 'nonsense'"),
        ({"assumptions": {"set": {"discount_rate": 9}}}, "discount_rate"),
    ],
)
def test_nonsense_and_heavy_questions_are_refused(changes: dict[str, Any], words: str) -> None:
    desk, crew = watched()
    before = len(crew.waiting)
    with pytest.raises(InputError) as refused:
        desk.pose({**QUESTION, **changes})
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(crew.waiting) == before


def test_a_question_checked_is_the_question() -> None:
    desk, _ = watched()
    once = desk.check(QUESTION)
    assert desk.check(once) == once
    assert once["policies"][0]["levers"] == {"risk_transfer": 0.3}


def test_the_question_as_a_file_is_the_same_question(folder: Path) -> None:
    desk, _ = watched()
    text = desk.question_file(desk.pose(QUESTION))
    (folder / "question.yaml").write_text(text)
    assert read_question(folder / "question.yaml").identity == small_question().identity
    assert yaml.safe_load(text)["register"] == "councils.csv"


def test_the_question_as_a_program_is_the_same_question(folder: Path) -> None:
    desk, _ = watched()
    told: dict[str, Any] = {}
    exec(compile(desk.program(desk.pose(QUESTION)), "question.py", "exec"), told)
    place = told["territory"](Path("councils.csv"))
    assert question_of(told["QUESTION"], place).identity == small_question().identity


def test_a_council_has_its_story() -> None:
    desk, crew = watched()
    ticket = desk.pose(QUESTION)
    crew.finish()
    crew.submit = done_at_once  # type: ignore[method-assign]
    told = desk.tale(ticket, "mine", "Borsetshire")
    assert told.heading.startswith("Borsetshire under Mine")
    assert [title for title, _ in told.parts][1] == "Partnerships"
    with pytest.raises(InputError, match="Borsetshire"):
        desk.tale(ticket, "mine", "Borsetshir")
    with pytest.raises(InputError, match="mine"):
        desk.tale(ticket, "min", "Borsetshire")


def done_at_once(work: Any, task: Any) -> Future[Any]:
    promise: Future[Any] = Future()
    promise.set_result(work(task))
    return promise


def test_all_bundled_policies_are_on_offer() -> None:
    desk, _ = watched()
    assert tuple(desk.offer.policies) == bundled_names()
    assert desk.check(desk.offer.start) == desk.offer.start


# The crew


def double(number: int) -> int:
    return 2 * number


def die(_: int) -> None:
    os._exit(3)


def raise_(_: int) -> None:
    raise ValueError("wrong")


def test_a_crew_outlives_its_workers() -> None:
    with StandingCrew(2) as crew:
        assert crew.submit(double, 4).result(60) == 8
        with pytest.raises(Exception, match="terminated abruptly"):
            crew.submit(die, 0).result(60)
        with pytest.raises(ValueError, match="wrong"):
            crew.submit(raise_, 0).result(60)
        assert [crew.submit(double, n).result(60) for n in range(5)] == [0, 2, 4, 6, 8]


def test_a_crew_that_is_closed_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    with StandingCrew(2) as crew:
        assert crew.submit(double, 4).result(60) == 8
    assert set(threading.enumerate()) <= before


ENDS = """
import os
from contextlib import suppress
from experiments.crew import StandingCrew

if __name__ == "__main__":
    with StandingCrew(2) as crew:
        for _ in range(3):
            with suppress(Exception):
                crew.submit(os._exit, 3).result(60)
        print(crew.submit(abs, -8).result(60))
"""
HOLDS = """
import os, threading
from time import sleep
from experiments.crew import StandingCrew

lock, back = threading.Lock(), []

def take(future):
    with lock:
        back.append(future.exception())

if __name__ == "__main__":
    with StandingCrew(2) as crew:
        for number in range(12):
            with lock:
                sleep(0.05)
                future = crew.submit(abs if number % 4 else os._exit, number)
                future.add_done_callback(take)
        while len(back) < 12:
            sleep(0.05)
        print(crew.submit(abs, -8).result(60))
"""


@pytest.mark.parametrize("script", [ENDS, HOLDS], ids=["ends", "holds what callbacks need"])
def test_who_has_lost_workers_goes_on_and_ends(script: str, tmp_path: Path) -> None:
    done = ran(script, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "8\n", "")


KILLED = """
import os, signal
from experiments.crew import StandingCrew

if __name__ == "__main__":
    print(StandingCrew(1).submit(eval, "__import__('os').getpid()").result(60), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_do_not_outlive_who_is_killed(tmp_path: Path) -> None:
    done = ran(KILLED, tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert gone(int(done.stdout))


def ran(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that may use the project, in a process of its own."""
    path = folder / "script.py"
    path.write_text(script)
    return subprocess.run(
        [sys.executable, path],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def gone(process: int) -> bool:
    """Wait until a process has ended."""
    try:
        psutil.Process(process).wait(60)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True
