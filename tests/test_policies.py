"""Policies: those that are bundled, and a user's own files."""

from pathlib import Path

import pytest

from experiments.catalogue import (
    NamedPolicy,
    bundled_names,
    bundled_policies,
    compared_policies,
    find_policy,
    policy_from,
)
from simulation.errors import InputError
from simulation.levers import STATUS_QUO, live_levers


def written(folder: Path, content: str | bytes) -> str:
    path = folder / "mine.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(InputError) as raised:
        find_policy(written(folder, content))
    message = str(raised.value)
    assert message.startswith(str(folder / "mine.yaml"))
    assert "\n" not in message
    return message


# Bundled


def test_seven_policies_are_bundled_and_each_file_is_one_of_them() -> None:
    folder = Path(__file__).parent.parent / "experiments" / "policies"
    assert {path.stem for path in folder.iterdir()} == set(bundled_names())
    assert [policy.name for policy in bundled_policies()] == list(bundled_names())
    assert len(bundled_names()) == 7


def test_six_are_compared_where_none_is_named() -> None:
    assert compared_policies() == bundled_policies()[:6]
    assert bundled_names()[6] == "grant-with-deadline"


def test_a_grant_is_not_repaid_and_runs_out() -> None:
    grant = find_policy("grant-with-deadline")
    levers = grant.policy.at(1)
    assert grant.title == "Grant programme with a deadline"
    assert (levers.pump_priming_fund, levers.pump_priming_share) == (100, 0.5)
    assert (levers.pump_priming_repayment, levers.pump_priming_deadline) == (0, 12)


def test_the_status_quo_sets_nothing() -> None:
    assert bundled_policies()[0].policy.at(1) == STATUS_QUO


@pytest.mark.parametrize("policy", bundled_policies()[1:], ids=lambda policy: policy.name)
def test_a_bundled_policy_differs_from_the_status_quo_and_says_how(policy: NamedPolicy) -> None:
    assert policy.policy.at(1) != STATUS_QUO
    assert policy.levers.keys() <= live_levers().keys()
    assert policy.title and policy.description


def test_shared_risk_gives_each_risk_to_who_controls_it() -> None:
    assert find_policy("shared-risk").policy.at(1).risk_allocation == "by_control"


# A user's own


def test_a_file_is_read_and_what_it_leaves_out_is_filled_in(tmp_path: Path) -> None:
    policy = find_policy(written(tmp_path, "levers: {risk_transfer: 0.4}"))
    assert (policy.name, policy.title, policy.description) == ("mine", "Mine", "")
    assert policy.policy.at(1).risk_transfer == 0.4


def test_dated_values_hold_from_their_year(tmp_path: Path) -> None:
    content = """
        name: fund for a while
        levers: {pump_priming_fund: [{from_year: 3, value: 50}, {from_year: 8, value: 0}]}
    """
    policy = find_policy(written(tmp_path, content)).policy
    values = [policy.at(quarter).pump_priming_fund for quarter in (8, 9, 28, 29)]
    assert values == [0, 50, 50, 0]


def test_a_path_starts_from_the_given_folder(tmp_path: Path) -> None:
    written(tmp_path, "levers: {}")
    assert find_policy("mine.yaml", tmp_path).name == "mine"


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    assert find_policy(written(tmp_path, b"\xef\xbb\xbfname: marked")).name == "marked"


def test_whole_and_decimal_numbers_are_one_policy() -> None:
    whole = policy_from({"levers": {"risk_transfer": 1, "max_partners": 5}}, "here", "one")
    decimal = policy_from({"levers": {"max_partners": 5, "risk_transfer": 1.0}}, "here", "one")
    assert repr(whole.effective()) == repr(decimal.effective())


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "=1+1", "[bold]x", "é" * 100])
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    assert policy_from({"name": name}, "here").effective()["name"] == name


# What is refused

BAD = {
    "": "must be a mapping of name, title, description, levers; it is empty",
    "[1, 2]": "must be a mapping of name, title, description, levers; it is a list",
    "free text": "it is 'free text'",
    "name: [": "line 1: not plain YAML",
    "name: a\nname: b": "line 2: not plain YAML: 'name' twice",
    "levers: {risk_transfer: 1, risk_transfer: 0}": "'risk_transfer' twice",
    "a: 1\n---\nb: 2": "not plain YAML",
    "name: !!python/object/apply:os.system [ls]": "not plain YAML",
    "lever: {}": "unknown key 'lever' (did you mean 'levers'?)",
    "1: x": "unknown key 1",
    "? [a, b]\n: x": "not plain YAML",
    "name: 7": "name = 7: must be text",
    "name: ' '": "needs a name",
    'name: "a\\nb"': "must be text of at most 100 characters, on one line",
    'name: "a\\e[31m"': "must be text",
    f"name: {'x' * 101}": "at most 100 characters",
    f"description: {'x' * 2001}": "longer than 2000 characters",
    "levers: [risk_transfer]": "levers = ['risk_transfer']: must be a mapping",
    "levers: {1: 2}": "must be a mapping of names to values",
    "levers: {risk_transfr: 1}": "unknown lever 'risk_transfr' (did you mean 'risk_transfer'?)",
    "levers: {risk_transfer: 2}": "risk_transfer = 2: must be a number from 0 to 1",
    "levers: {risk_transfer: .nan}": "risk_transfer = nan: must be a number from 0 to 1",
    "levers: {risk_transfer: high}": "risk_transfer = 'high': must be a number from 0 to 1",
    "levers: {risk_transfer: yes}": "risk_transfer = True: must be a number from 0 to 1",
    "levers: {risk_allocation: by_contrl}": "(did you mean 'by_control'?)",
    "levers: {sme_preference: 0.1}": "planned, not built",
    "levers: {risk_transfer: []}": "rising from_year",
    "levers: {risk_transfer: [{from_year: 0, value: 1}]}": "from_year = 0: must be a whole number",
    "levers: {risk_transfer: [{year: 1, value: 1}]}": "a dated value is {from_year",
    f"levers: {{risk_transfer: {'9' * 5000}}}": "longer than 2000 characters",
    f"levers: {{risk_transfer: 0x{'f' * 1900}}}": "must be a number from 0 to 1",
    "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]": "references (*name) are not accepted",
    "levers: " + "[" * 500 + "]" * 500: "nested deeper than 20 levels",
    "#" * (1024 * 1024 + 1): "must be smaller than 1 MB",
}


@pytest.mark.parametrize(("content", "message"), BAD.items(), ids=[key[:40] for key in BAD])
def test_a_bad_file_is_refused_in_one_line(content: str, message: str, tmp_path: Path) -> None:
    assert message in refusal(tmp_path, content)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    assert "line 2: byte 0xff is not UTF-8" in refusal(tmp_path, b"name: x\n\xff")


def test_an_unknown_name_brings_the_nearest_and_the_list() -> None:
    with pytest.raises(InputError, match=r"'shared-rsk' \(did you mean 'shared-risk'\?\); bundled"):
        find_policy("shared-rsk")


@pytest.mark.parametrize("reference", ["absent.yaml", "folder/absent", "nul\0.yaml"])
def test_an_absent_file_is_refused(reference: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a policy file cannot be read"):
        find_policy(reference, tmp_path)


def test_a_directory_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        find_policy(f"{tmp_path}/")
