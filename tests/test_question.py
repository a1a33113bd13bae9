"""Questions: one file, one meaning, one name."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.catalogue import compared_policies, find_policy, policy_from
from experiments.circumstances import find_circumstances
from experiments.question import (
    Question,
    Territory,
    check_dates,
    read_question,
    read_run_question,
)
from experiments.runs import plan, samples
from simulation.errors import InputError
from simulation.outcomes import HEADLINE
from simulation.register import Register, parse_register

HEADER = "name,type,region,population,latitude,longitude\n"


def small_register() -> Register:
    rows = [f"Place {i},unitary,Here,{100_000 + i},{52 + i / 10},{-1 - i / 10}" for i in range(5)]
    return parse_register((HEADER + "\n".join(rows)).encode(), "small.csv")


SMALL = Territory(small_register(), "small.csv")


def question(**changes: object) -> Question:
    two = (find_policy("status-quo"), find_policy("shared-risk"))
    return dataclasses.replace(Question(two, SMALL, years=2, replicates=5), **changes)  # type: ignore[arg-type]


def written(folder: Path, content: str) -> Path:
    (folder / "councils.csv").write_bytes(SMALL.register.raw)
    path = folder / "question.yaml"
    path.write_text(content)
    return path


def refusal(folder: Path, content: str) -> str:
    with pytest.raises(InputError) as raised:
        read_question(written(folder, content))
    assert "\n" not in str(raised.value)
    return str(raised.value)


# Reading


def test_an_empty_mapping_asks_what_is_asked_when_nothing_is_said(tmp_path: Path) -> None:
    assert read_question(written(tmp_path, "{}")).identity == Question(compared_policies()).identity


def test_a_file_says_everything(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("levers: {risk_transfer: 0.1}")
    content = """
        register: councils.csv
        years: 3
        seed: 7
        baseline: shared-risk
        policies:
          - mine.yaml
          - revolving-fund
          - {name: inline, levers: {risk_transfer: 0.2}}
        assumptions: {mode: fixed, set: {discount_rate: 0.05}}
        replicates: 4
        outcomes: [bids_per_tender]
    """
    asked = read_question(written(tmp_path, content))
    names = [policy.name for policy in asked.policies]
    assert names == ["shared-risk", "mine", "revolving-fund", "inline"]
    assert (asked.years, asked.seed, asked.replicates, asked.twins) == (3, 7, 4, 0)
    assert samples(asked)[0].discount_rate == 0.05
    assert asked.outcomes == ("bids_per_tender",)
    assert asked.effective()["register"]["name"] == "councils.csv"
    assert len(asked.territory.register) == 5


def test_the_baseline_may_be_one_of_the_policies(tmp_path: Path) -> None:
    content = "{baseline: b, policies: [{name: a}, {name: b, levers: {risk_transfer: 0}}]}"
    asked = read_question(written(tmp_path, content))
    assert [policy.name for policy in asked.policies] == ["b", "a"]


BAD = {
    "": "a question must be a mapping",
    "yeers: 3": "unknown key 'yeers' (did you mean 'years'?)",
    "years: 0": "years = 0: must be a whole number from 1 to 50",
    "years: 51": "years = 51",
    "years: true": "years = True",
    "years: 2.5": "years = 2.5",
    "replicates: 0": "must be a whole number from 1 to 10,000",
    "replicates: 10001": "must be a whole number from 1 to 10,000",
    "seed: -1": "seed = -1: must be a whole number from 0 to 9,223,372,036,854,775,807",
    f"seed: {2**63}": "seed = 9223372036854775808",
    "baseline: statusquo": "question.yaml: baseline: no policy is called 'statusquo'",
    "baseline: statusqou": "(did you mean 'status-quo'?)",
    "baseline: 7": "question.yaml: baseline: a policy must be a mapping",
    "policies: []": "policies = []: must be a list that is not empty",
    "policies: shared-risk": "policies = 'shared-risk': must be a list that is not empty",
    "policies: [{levers: {}}]": "question.yaml: policies[0]: a policy needs a name",
    "policies: [a, shared-rsk]": "question.yaml: policies[0]: no policy is called 'a'",
    "policies: [shared-risk, shared-rsk]": "question.yaml: policies[1]: no policy is called",
    "policies: [minee.yaml]": "question.yaml: policies[0]: ",
    "policies: [{name: a, levers: {risk_transfer: 7}}]": "must be a number from 0 to 1",
    "policies: [absent.yaml]": "absent.yaml: a policy file cannot be read",
    "policies: [{name: a}, {name: a, levers: {risk_transfer: 0}}]": "two policies are called 'a'",
    "policies: [{name: status-quo, levers: {risk_transfer: 0}}, shared-risk, shared-risk]": (
        "two policies are called 'shared-risk'"
    ),
    "assumptions: 3": "assumptions = 3: must be a mapping",
    "assumptions: fxied": "question.yaml: assumptions.mode = 'fxied': must be one of",
    "assumptions: {mod: fixed}": "unknown key 'assumptions.mod' (did you mean 'mode'?)",
    "assumptions: {mode: smpled}": "assumptions.mode = 'smpled': must be one of sampled, fixed",
    "assumptions: {mode: sampeld}": "(did you mean 'sampled'?)",
    "assumptions: {set: [1]}": "assumptions.set = [1]: must be a mapping",
    "assumptions: {set: {discount_rate: x}}": "question.yaml: assumptions.set: assumption discount",
    "assumptions: {set: {discount_rat: 0.1}}": "(did you mean 'discount_rate'?)",
    "assumptions: {set: {discount_rate: 7}}": "discount_rate = 7: must be a number from 0 to 0.15",
    "assumptions: {set: {governance: lead_clent}}": "(did you mean 'lead_client'?)",
    "assumptions: {set: {cost_sharing: 2}}": "cost_sharing = 2: must be one of equal, size, use",
    "assumptions: {as: as-history-hapened}": (
        "question.yaml: assumptions.as: no set of assumptions is called 'as-history-hapened' "
        "(did you mean 'as-history-happened'?); bundled: as-history-happened"
    ),
    "assumptions: {as: 3}": "assumptions.as = 3: must be text",
    "assumptions: {as: as-history-happened, set: {squeeze: 99}}": "must be a number from 0 to 20",
    "assumptions: as-history-hapened": "did you mean 'as-history-happened'?",
    "outcomes: [bids_per_tendr]": "(did you mean 'bids_per_tender'?)",
    "outcomes: [bids_per_tender, bids_per_tender]": "name one of them twice",
    "outcomes: [[1]]": "unknown outcome",
    "register: absent.csv": "question.yaml: register: ",
    "register: other.csv": "the register cannot be read",
    "register: 3": "register = 3: must be text",
}


@pytest.mark.parametrize(("content", "message"), BAD.items(), ids=list(BAD))
def test_a_bad_question_is_refused_in_one_line(content: str, message: str, tmp_path: Path) -> None:
    assert message in refusal(tmp_path, content)


def test_a_misspelt_file_has_the_nearest_offered(tmp_path: Path) -> None:
    (tmp_path / "my-policy.yaml").write_text("levers: {}")
    message = refusal(tmp_path, "policies: [my-polcy.yaml]")
    assert message.endswith("No such file or directory (did you mean 'my-policy.yaml'?)")


def test_assumptions_may_be_their_mode_alone(tmp_path: Path) -> None:
    assert read_question(written(tmp_path, "assumptions: fixed")).mode == "fixed"


HISTORY = dict(find_circumstances("as-history-happened", "here").assumptions)


@pytest.mark.parametrize("content", ["as-history-happened", "{as: as-history-happened}"])
def test_assumptions_may_be_a_named_set(content: str, tmp_path: Path) -> None:
    asked = read_question(written(tmp_path, f"assumptions: {content}"))
    assert asked.sampled
    assert asked.assumptions == HISTORY
    assert asked.effective()["assumptions"]["set"] == {
        name: HISTORY[name] for name in sorted(HISTORY)
    }


def test_a_value_of_its_own_outweighs_that_of_the_set(tmp_path: Path) -> None:
    content = "assumptions: {as: as-history-happened, mode: fixed, set: {squeeze: 5, metering: 1}}"
    asked = read_question(written(tmp_path, content))
    assert asked.mode == "fixed"
    assert asked.assumptions == {**HISTORY, "squeeze": 5, "metering": 1}


def test_a_set_and_its_values_are_one_question(tmp_path: Path) -> None:
    named = read_question(written(tmp_path, "assumptions: as-history-happened"))
    typed = read_question(written(tmp_path, json.dumps({"assumptions": {"set": HISTORY}})))
    assert named.identity == typed.identity


def test_a_manifest_keeps_what_was_chosen(tmp_path: Path) -> None:
    chosen = {"governance": "lead_client", "cost_sharing": "use"}
    asked = question(assumptions=chosen)
    (tmp_path / "manifest.json").write_text(json.dumps({"question": asked.effective()}))
    (tmp_path / "register.csv").write_bytes(SMALL.register.raw)
    again = read_run_question(tmp_path)
    assert again.effective() == asked.effective()
    assert again.assumptions == chosen
    assert {(one.governance, one.cost_sharing) for one in samples(again)} == {
        ("lead_client", "use")
    }


def test_levers_that_change_after_the_last_year_are_refused() -> None:
    levers = {"pump_priming_fund": [{"from_year": 3, "value": 50}]}
    late = policy_from({"name": "late", "levers": levers}, "late.yaml")
    check_dates(question(policies=(late,), years=3))
    with pytest.raises(InputError, match=r"late\.yaml: lever pump_priming_fund: from_year = 3"):
        check_dates(question(policies=(late,), years=2))


def test_python_is_refused_the_same() -> None:
    with pytest.raises(InputError, match="years = 99"):
        question(years=99)


# Its name


def test_the_name_is_twelve_hexadecimal_digits_and_stable() -> None:
    assert question().identity == question().identity
    assert len(question().identity) == 12
    assert int(question().identity, 16)


@pytest.mark.parametrize(
    "changes",
    [
        {"years": 3},
        {"seed": 1},
        {"replicates": 6},
        {"mode": "fixed"},
        {"assumptions": {"discount_rate": 0.05}},
        {"assumptions": {"governance": "consortium"}},
        {"outcomes": HEADLINE[:2]},
        {"replication": 0},
        {"policies": compared_policies()},
        {"territory": Territory(SMALL.register, "other name")},
    ],
    ids=str,
)
def test_another_question_has_another_name(changes: dict[str, object]) -> None:
    assert question(**changes).identity != question().identity


def test_how_a_number_is_written_does_not_matter() -> None:
    ones = [policy_from({"name": "one", "levers": {"risk_transfer": one}}, "") for one in (1, 1.0)]
    asked = [question(policies=(one,), assumptions={"loan_years": 5}) for one in ones]
    assert asked[0].identity == asked[1].identity
    assert (
        asked[0].identity == question(policies=(ones[0],), assumptions={"loan_years": 5.0}).identity
    )


def test_a_manifest_asks_the_same_question_again(tmp_path: Path) -> None:
    asked = question(assumptions={"discount_rate": 0.05}, replication=1)
    (tmp_path / "manifest.json").write_text(json.dumps({"question": asked.effective()}))
    (tmp_path / "register.csv").write_bytes(SMALL.register.raw)
    assert read_run_question(tmp_path).effective() == asked.effective()


def test_a_changed_register_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"question": question().effective()}))
    (tmp_path / "register.csv").write_bytes(SMALL.register.raw + b"\n")
    with pytest.raises(InputError, match=r"register\.csv: not the register of this run"):
        read_run_question(tmp_path)


# Its runs


@given(replicates=st.integers(1, 40), sampled=st.booleans())
def test_runs_come_by_replication_and_are_paired(replicates: int, sampled: bool) -> None:
    asked = question(replicates=replicates, mode="sampled" if sampled else "fixed")
    runs = plan(asked)
    first, second = runs[::2], runs[1::2]
    assert len(runs) == 2 * (replicates + asked.twins)
    assert [run.replication for run in first] == list(range(replicates + asked.twins))
    for one, other in zip(first, second, strict=True):
        assert (one.seed, one.sample, one.assumptions) == (
            other.seed,
            other.sample,
            other.assumptions,
        )
    assert len({run.seed for run in first}) == len(first)


def test_a_twin_has_the_same_assumptions_and_other_luck() -> None:
    asked = question(replicates=10)
    runs = plan(asked)[::2]
    assert asked.twins == 2
    for main, twin in zip(runs[:2], runs[10:], strict=True):
        assert main.assumptions is twin.assumptions
        assert main.sample == twin.sample
        assert main.seed != twin.seed


@pytest.mark.parametrize(
    ("replicates", "mode", "twins"),
    [(4, "sampled", 0), (5, "sampled", 1), (6, "sampled", 2), (30, "sampled", 6), (30, "fixed", 0)],
)
def test_a_fifth_of_the_samples_has_twins(replicates: int, mode: str, twins: int) -> None:
    assert question(replicates=replicates, mode=mode).twins == twins


def test_fixed_assumptions_are_one_sample() -> None:
    assert {run.sample for run in plan(question(mode="fixed"))} == {0}


def test_what_is_held_is_held_in_every_sample() -> None:
    asked = question(assumptions={"demand_growth": 0.0123})
    assert {run.assumptions.demand_growth for run in plan(asked)} == {0.0123}


def test_a_run_draws_the_same_luck_alone_and_in_company() -> None:
    alone = plan(question(replication=3))
    together = [run for run in plan(question()) if run.replication == 3]
    assert [(run.seed, run.assumptions) for run in alone] == [
        (run.seed, run.assumptions) for run in together
    ]


def test_what_a_run_keeps() -> None:
    def kept(**options: bool) -> list[str]:
        return [run.detail for run in plan(question(replicates=5), **options)[::2]]

    assert kept() == ["many", "few", "few", "few", "few", "few"]
    assert kept(everything=True) == ["many"] * 5 + ["few"]
    assert {run.detail for run in plan(question(replication=2))} == {"all"}
