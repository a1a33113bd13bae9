"""The command line: what it shows, what it keeps, and what it refuses in one line."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from experiments import campaign, catalogue, terminal
from experiments.asking import Changes, comparison_of, run_of
from experiments.catalogue import bundled_names, compared_policies
from experiments.circumstances import circumstances_names, find_circumstances
from experiments.cli import tenderlab
from experiments.terminal import amount, comparison, counted, difference, listing, rendered
from results.report import render
from results.store import open_run
from simulation.assumptions import Assumptions
from simulation.errors import InputError
from simulation.levers import Levers, parse_lever
from simulation.outcomes import HEADLINE, OUTCOMES
from simulation.parameters import parameters

pytestmark = pytest.mark.usefixtures("short_report")
TENDERLAB = Path(sys.executable).with_name("tenderlab")
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


# What is refused

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


# How it looks


def row(policy: str, outcome: str, **numbers: Any) -> dict[str, Any]:
    empty = {"policy_mean": 1234.5, "difference": 0.0, "low": 0.0, "high": 0.0, "verdict": ""}
    shown = {"headline": OUTCOMES[outcome].headline, "matters": OUTCOMES[outcome].matters}
    if OUTCOMES[outcome].relative_to:
        shown["matters"] = 50.0
    return {"policy": policy, "outcome": outcome, **shown, **empty, **numbers}


def rows(policy: str, **numbers: Any) -> list[dict[str, Any]]:
    return [row(policy, outcome, **numbers) for outcome in OUTCOMES]


POLICIES = {policy.name: policy.title for policy in compared_policies()}


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 160, 300])
def test_tables_are_as_wide_as_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    numbers = {"difference": -1234.5, "low": -2345.6, "high": -123.4, "verdict": "worse"}
    table = [each for policy in POLICIES for each in rows(policy, **numbers)]
    text = "".join(map(rendered, comparison(table, POLICIES, width)))
    assert max(map(len, text.splitlines())) <= width
    assert text.count("worse") == len(HEADLINE) * 5 or width < 40


def test_a_cell_says_difference_interval_and_verdict() -> None:
    numbers = {"difference": 12.3, "low": 1.0, "high": 23.4, "verdict": "better"}
    table = [*rows("a", policy_mean=7.25), *rows("b", **numbers)]
    text = "".join(map(rendered, comparison(table, {"a": "A", "b": "B"}, 100)))
    first = text.splitlines()[2:5]
    assert "£7.2m (7.25%)" in first[0]
    assert "+£12m (+12.30 pts)" in first[0]
    assert "[+£1m, +£23m]" in first[1]
    assert "better" in first[2]


def test_what_is_not_defined_is_said() -> None:
    assert amount(float("nan"), OUTCOMES["bids_per_tender"]) == "n/a"


@pytest.mark.parametrize(
    ("value", "outcome", "shown"),
    [
        (-1234.56, "net_public_saving", "-£1,235m"),
        (1234.56, "net_public_saving", "+£1,235m"),
        (0.0, "bids_per_tender", "0.00"),
        (-0.0001, "bids_per_tender", "0.00"),
        (-0.0049, "supplier_concentration", "-0.005"),
        (1.26, "single_bid_share", "+1.3 pts"),
        (0.0321, "net_public_saving", "+£0.032m"),
        (0.0, "net_public_saving", "£0m"),
    ],
)
def test_differences_are_shown_as_fine_as_what_matters(
    value: float, outcome: str, shown: str
) -> None:
    margin = 50.0 if OUTCOMES[outcome].relative_to else OUTCOMES[outcome].matters
    assert difference(value, OUTCOMES[outcome].with_margin(margin)) == shown


def test_a_value_keeps_its_unit_where_differences_are_points() -> None:
    assert amount(1.26, OUTCOMES["single_bid_share"]) == "1.3%"


@pytest.mark.parametrize(("low", "words"), [(0.5, "undecided: not 0"), (-1.0, "maybe 0")])
def test_an_undecided_difference_says_whether_it_may_be_nothing(low: float, words: str) -> None:
    numbers = {"difference": 12.3, "low": low, "high": 23.4, "verdict": "undecided"}
    table = [*rows("a"), *rows("b", **numbers)]
    assert words in "".join(map(rendered, comparison(table, {"a": "A", "b": "B"}, 100)))


def test_markup_and_control_characters_are_only_text() -> None:
    text = rendered(listing(("name",), [["[red]x[/red] \x1b[31m :smile:"]]))
    assert "[red]x[/red] \N{REPLACEMENT CHARACTER}[31m :smile:" in text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.4", 0.4),
        ("5", 5),
        ("none", None),
        ("by_control", "by_control"),
        ("50@3", [{"from_year": 3, "value": 50}]),
        (
            "0.5@1, none@4",
            [{"from_year": 1, "value": 0.5}, {"from_year": 4, "value": None}],
        ),
    ],
)
def test_a_value_may_be_dated(text: str, value: object) -> None:
    assert parse_lever(text, "--set") == value


def test_the_shortest_way_to_two_values_is_refused_early() -> None:
    with pytest.raises(InputError, match="separated by commas"):
        parse_lever("1@2;3@4x", "--set")
