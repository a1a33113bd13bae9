"""The command line: what it shows, what it keeps, and what it refuses in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from experiments import campaign
from experiments.asking import Changes, comparison_of, run_of
from experiments.catalogue import bundled_names, compared_policies
from experiments.circumstances import circumstances_names, find_circumstances
from experiments.cli import tenderlab
from experiments.terminal import counted
from results.report import render
from results.store import open_run
from simulation.assumptions import Assumptions
from simulation.levers import Levers
from simulation.outcomes import HEADLINE, OUTCOMES
from simulation.parameters import parameters

pytestmark = pytest.mark.usefixtures("short_report")
REGISTER = """name,type,region,county,population,latitude,longitude
Borsetshire,county,Here,,500000,52.0,-1.0
<script>alert(1)</script>,district,Here,Borsetshire,100000,52.1,-1.1
=1+1,district,Here,Borsetshire,120000,51.9,-1.0
[bold]Ambridge[/bold],district,Here,Borsetshire,90000,52.0,-0.9
Casterbridge,unitary,Here,,180000,51.8,-1.2
"""
QUICK = "--register councils.csv --years 1 --workers 1"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Comparing


def test_a_comparison_shows_the_ten_headline_outcomes(say: Any, folder: Path) -> None:
    said = say(f"compare forced-aggregation shared-risk --replicates 2 {QUICK}")
    assert said.code == 0
    for name in HEADLINE:
        assert OUTCOMES[name].title.split()[0] in said.out
    for words in ("Status quo", "Forced", "Shared risk", "2 paired replications of 1 year"):
        assert words in said.out
    assert "not a prediction" in said.out
    (run,) = (folder / "runs").iterdir()
    assert said.out.splitlines()[-1] == f"Report: runs/{run.name}/report.html"
    assert open_run(run).manifest.question_id == run.name
    assert names(folder) == {"councils.csv", "runs"}


def test_progress_goes_to_standard_error(say: Any) -> None:
    said = say(f"compare shared-risk --replicates 2 {QUICK}")
    assert "4 of 4 runs" in said.err
    assert "of 4 runs" not in said.out


def test_progress_tells_runs_from_twins() -> None:
    assert counted(18, 216, 36) == "18 of 180 runs and 0 of 36 twins"
    assert counted(216, 216, 36) == "180 of 180 runs and 36 of 36 twins"
    assert counted(3, 4, 0) == "3 of 4 runs"


def test_json_is_all_that_is_on_standard_output(say: Any) -> None:
    said = say(f"compare shared-risk --replicates 2 --json --out mine {QUICK}")
    document = json.loads(said.out)
    assert document["directory"] == "mine"
    assert document["status"] == "complete"
    assert len(document["summary"]) == 2 * len(OUTCOMES)
    assert len(document["question_id"]) == 12


def test_set_adds_one_policy_on_the_baseline(say: Any) -> None:
    said = say(
        "compare --baseline shared-risk --set risk_transfer=0.4 "
        f"--set pump_priming_fund=50@1,0@8 --replicates 1 --json {QUICK}"
    )
    shared, custom = json.loads(said.out)["question"]["policies"]
    assert (shared["name"], custom["name"]) == ("shared-risk", "custom")
    assert custom["levers"] == {
        "risk_allocation": "by_control",
        "risk_transfer": 0.4,
        "pump_priming_fund": [{"from_year": 1, "value": 50.0}, {"from_year": 8, "value": 0.0}],
    }


def test_options_change_a_question_file(say: Any, folder: Path) -> None:
    (folder / "levers.yaml").write_text("name: mine\nlevers: {risk_transfer: 0.2}")
    question = {"register": "councils.csv", "years": 1, "policies": ["levers.yaml"], "seed": 5}
    (folder / "question.yaml").write_text(yaml.safe_dump(question))
    said = say(
        "compare question.yaml --replicates 1 --assumptions fixed --assume discount_rate=0.05 "
        "--json --workers 1"
    )
    asked = json.loads(said.out)["question"]
    assert [policy["name"] for policy in asked["policies"]] == ["status-quo", "mine"]
    assert (asked["seed"], asked["replicates"], asked["years"]) == (5, 1, 1)
    assert asked["assumptions"] == {"mode": "fixed", "set": {"discount_rate": 0.05}}


def test_a_run_directory_is_a_question(say: Any, folder: Path) -> None:
    say(f"compare shared-risk --replicates 2 --out runs/first {QUICK}")
    say("compare runs/first --out runs/second --workers 1")
    say("compare runs/first/manifest.json --out runs/third --workers 1")
    first, *others = (folder / "runs" / name for name in ("first", "second", "third"))
    for name in ("manifest.json", "outcomes.parquet", "register.csv", "summary.csv"):
        for other in others:
            assert (first / name).read_bytes() == (other / name).read_bytes()


def test_nothing_named_is_the_six_bundled_policies_on_england() -> None:
    question = comparison_of((), None, (), Changes())
    assert question.policies == compared_policies()
    assert len(question.policies) == 6
    assert len(question.territory.register) == 388
    assert (question.years, question.replicates, question.seed) == (15, 30, 2006)
    assert question.sampled


def test_another_baseline_comes_first_and_the_others_stay() -> None:
    question = comparison_of((), "shared-risk", (), Changes())
    assert question.baseline.name == "shared-risk"
    known = {policy.name for policy in compared_policies()}
    assert {policy.name for policy in question.policies} == known


def test_a_baseline_that_is_named_twice_is_one() -> None:
    question = comparison_of(("status-quo", "shared-risk"), None, (), Changes())
    assert [policy.name for policy in question.policies] == ["status-quo", "shared-risk"]


# One run


def test_a_run_keeps_every_table(say: Any, folder: Path) -> None:
    said = say("run forced-aggregation --register councils.csv --years 1")
    assert said.code == 0
    assert "Forced aggregation, replication 0, 1 year, assumptions fixed" in said.out
    (directory,) = (folder / "runs").iterdir()
    stored = open_run(directory)
    assert stored.manifest.kind == "run"
    ledger = stored.event("ledger")
    assert {"quarter", "from", "to", "purpose", "amount"} <= set(ledger)
    assert len(stored.event("councils")) == 5
    assert (directory / "report.html").is_file()


def test_a_run_of_a_comparison_is_made_again(say: Any, folder: Path) -> None:
    say(f"compare shared-risk --replicates 3 --out all {QUICK}")
    said = say("run all --policy shared-risk --replication 2 --json --out one")
    assert json.loads(said.out)["question"]["replication"] == 2
    alone, together = open_run(folder / "one").outcomes, open_run(folder / "all").outcomes
    same = together.query("policy == 'shared-risk' and replication == 2")
    assert alone.equals(same.reset_index(drop=True))


def test_a_twin_of_a_comparison_is_made_again(say: Any, folder: Path) -> None:
    say(f"compare shared-risk --replicates 5 --out all {QUICK}")
    said = say("run all --policy shared-risk --replication 5 --out one")
    assert said.code == 0
    assert "Shared risk, replication 5" in said.out
    assert (folder / "one" / "report.html").is_file()
    alone, together = open_run(folder / "one").outcomes, open_run(folder / "all").outcomes
    same = together.query("policy == 'shared-risk' and replication == 5")
    assert alone.equals(same.reset_index(drop=True))


def test_a_run_directory_of_one_run_is_made_again(say: Any, folder: Path) -> None:
    say("run shared-risk --register councils.csv --years 1 --replication 4 --out one")
    say("run one --out two")
    for name in ("manifest.json", "outcomes.parquet"):
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()


def test_a_run_may_set_levers() -> None:
    question = run_of("shared-risk", None, None, ("risk_transfer=0.1",), Changes())
    levers = {"risk_allocation": "by_control", "risk_transfer": 0.1}
    assert question.baseline.effective()["levers"] == levers
    assert (question.mode, question.replication) == ("fixed", 0)


# Listing


def test_levers_are_listed_and_shown(say: Any) -> None:
    said = say("levers")
    for name in parameters(Levers):
        assert name in said.out
    assert "a number from 0 to 1" in say("levers risk_transfer").out


def test_assumptions_are_listed_and_shown(say: Any) -> None:
    said = say("assumptions")
    for name in parameters(Assumptions):
        assert name in said.out
    assert "uniform from" in say("assumptions demand_growth").out


def test_a_choice_is_listed_and_shown_with_what_may_be_chosen(say: Any) -> None:
    assert "one of equal, size, use" in say("assumptions cost_sharing").out
    document = json.loads(say("assumptions governance --json").out)
    assert (document["default"], document["low"], document["distribution"]) == (
        "chosen", None, "fixed",
    )  # fmt: skip
    assert document["choices"] == list(parameters(Assumptions)["governance"].choices)


def test_named_sets_are_listed_and_shown(say: Any) -> None:
    (name,) = circumstances_names()
    held = find_circumstances(name, "here").assumptions
    listed = say("assumptions").out
    assert name in listed.split("Named sets")[1]
    shown = say(f"assumptions {name}")
    assert (shown.code, shown.err) == (0, "")
    assert all(assumption in shown.out for assumption in held)
    assert json.loads(say(f"assumptions {name} --json").out)["values"] == held
    assert json.loads(say("assumptions --json").out)[-1]["name"] == name


def test_a_named_set_is_held_and_a_value_of_its_own_outweighs_it(say: Any) -> None:
    held = find_circumstances("as-history-happened", "here").assumptions
    options = "--assume squeeze=5 --assume as-history-happened --assume governance=lead_client"
    said = say(f"run {options} --json --register councils.csv --years 1")
    asked = json.loads(said.out)["question"]["assumptions"]["set"]
    assert asked == {**held, "squeeze": 5.0, "governance": "lead_client"}


def test_choices_are_compared_from_run_directory_to_run_directory(say: Any) -> None:
    said = say(f"compare shared-risk --replicates 2 --assume cost_sharing=use --out runs/a {QUICK}")
    assert said.code == 0
    again = json.loads(say("compare runs/a --json --workers 1 --out runs/b").out)
    assert again["question"]["assumptions"] == {"mode": "sampled", "set": {"cost_sharing": "use"}}


def test_lists_show_what_is_allowed_and_what_is_sampled(say: Any) -> None:
    allowed = next(line for line in say("levers").out.splitlines() if "risk_transfer " in line)
    assert "0 to 1" in allowed
    low, high = parameters(Assumptions)["demand_growth"].sweep or (0, 0)
    sampled = next(line for line in say("assumptions").out.splitlines() if "demand_growth" in line)
    assert f"{low:g} to {high:g}" in sampled


def test_outcomes_are_listed_and_shown(say: Any) -> None:
    said = say("outcomes")
    for name, outcome in OUTCOMES.items():
        assert name in said.out
        assert outcome.definition in " ".join(say(f"outcomes {name}").out.split())
    assert "0.1% of counterfactual" in say("outcomes net_public_saving").out


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("levers", len(parameters(Levers))),
        ("assumptions", len(parameters(Assumptions)) + len(circumstances_names())),
        ("outcomes", len(OUTCOMES)),
        ("policies", 7),
    ],
)
def test_lists_are_json_too(say: Any, command: str, count: int) -> None:
    assert len(json.loads(say(f"{command} --json").out)) == count


@pytest.mark.parametrize("name", bundled_names())
def test_a_policy_is_shown_as_a_file_that_can_be_used(say: Any, folder: Path, name: str) -> None:
    (folder / "copy.yaml").write_text(say(f"policies {name}").out)
    assert say("policies copy.yaml --json").out == say(f"policies {name} --json").out


def test_without_a_command_there_is_help(say: Any) -> None:
    said = say("")
    assert (said.code, said.err) == (0, "")
    assert "Commands:" in said.out


@pytest.mark.parametrize("command", sorted(tenderlab.commands))
def test_every_command_has_help_with_an_example(say: Any, command: str) -> None:
    said = say(f"{command} --help")
    assert said.code == 0
    assert "\\b" not in said.out
    assert f"\n    tenderlab {command} " in said.out.split("Example")[1]


# Reports


def test_a_report_is_drawn_again(say: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "render", render)
    say(f"compare shared-risk --replicates 1 --out one {QUICK}")
    page = (folder / "one" / "report.html").read_bytes()
    (folder / "one" / "report.html").unlink()
    assert say("report one").out == "one/report.html\n"
    assert (folder / "one" / "report.html").read_bytes() == page
