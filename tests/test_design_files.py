"""Designs in files: what they may say, what is refused, and those of the page."""

import re
from pathlib import Path

import pytest
import yaml

from experiments.design_file import read_design
from experiments.design_methods import METHODS
from simulation.errors import InputError
from tests.small_designs import design, kept, write

DOCUMENT = Path(__file__).parent.parent / "docs" / "designs.md"


def test_a_design_in_a_file_equals_the_same_in_python(folder):
    Path("design.yaml").write_text(
        """
        register: councils.csv
        policies: [status-quo, forced-aggregation]
        years: 2
        replicates: 2
        design: {method: latin hypercube, points: 12}
        vary:
          risk_transfer: [0, 1]
          governance: {values: [chosen, lead_client, consortium]}
          demand_scale:
          max_partners: {low: 2, high: 7}
        """
    )
    read = read_design(Path("design.yaml"))
    assert read == design(territory=read.question.territory)


def test_what_varies_outweighs_a_named_set_of_assumptions(folder):
    write(assumptions="{as: as-history-happened}", vary="{squeeze: [1, 2]}")
    asked = read_design(Path("design.yaml"))
    assert {1 <= run.assumptions.squeeze <= 2 for run in asked.runs()} == {True}
    assert asked.question.assumptions["reorganisation_threat"] > 0
    assert read_design(kept(asked, folder)) == asked


# What is refused


BAD_DESIGNS = [
    ("vary", "", "nothing varies"),
    ("vary", "[risk_transfer]", "vary = .*must be a mapping"),
    ("vary", "{risk_transfr: [0, 1]}", "unknown lever or assumption 'risk_transfr' .did you mean"),
    ("vary", "{simplified_below: }", "lever simplified_below cannot vary: its mechanism is plan"),
    ("vary", "{risk_transfer: [1, 1]}", "vary.risk_transfer: low = 1 must be less than high = 1"),
    ("vary", "{risk_transfer: [1, 0]}", "vary.risk_transfer: low = 1 must be less than high = 0"),
    ("vary", "{risk_transfer: [0, 1.5]}", "risk_transfer.high = 1.5: must be a number from 0 to 1"),
    ("vary", "{risk_transfer: [.nan, 1]}", "risk_transfer.low = nan: must be a number from 0"),
    ("vary", "{risk_transfer: [0, true]}", "risk_transfer = .0, True.: a list alone is a range"),
    ("vary", "{risk_transfer: [0, 0.5, 1]}", "write {values: .0, 0.5, 1.} for values"),
    ("vary", "{risk_transfer: 0.5}", "vary.risk_transfer: a factor must be a mapping of low, high"),
    ("vary", "{risk_transfer: {lo: 0}}", "vary.risk_transfer: unknown key 'lo' .did you mean 'low"),
    ("vary", "{risk_transfer: {low: 0, values: [0, 1]}}", "low, high and levels say a range"),
    ("vary", "{risk_transfer: {values: [0]}}", "values = .0.: must be a list of 2 to 1,000"),
    ("vary", "{risk_transfer: {values: [0, 0.0]}}", "of which none stands there twice"),
    ("vary", "{risk_transfer: {values: [0, [1]]}}", "risk_transfer = .1.: must be a number from"),
    ("vary", "{risk_transfer: {low: 0, levels: 3}}", "only a grid takes levels; this is latin"),
    ("vary", "{risk_transfer: {only: [status-qo]}}", "'status-qo' .did you mean 'status-quo'"),
    ("vary", "{demand_scale: {only: [status-quo]}}", "an assumption is the same for all policies"),
    ("vary", "{max_partners: [2.5, 4]}", "max_partners.low = 2.5: must be a whole number from 2"),
    (
        "vary",
        "{governance: [0, 1]}",
        "vary.governance = .0, 1.: must be left empty, for all ch",
    ),
    ("vary", "{governance: {values: [chosen, joint]}}", "governance = 'joint': must be one of"),
    ("vary", "{a: [0, 1], a: [0, 1]}", "'a' twice"),
    ("design", "", "design must say its method, one of grid, latin hypercube, sobol, morris, salt"),
    ("design", "{points: 3}", "design must say its method"),
    ("design", "sobel", "design.method = 'sobel': must be one of .*did you mean 'sobol'"),
    ("design", "{method: sobol, points: 0}", "design.points = 0: must be a whole number from 1"),
    ("design", "{method: sobol, levels: 2}", "unknown key 'design.levels'.*known: method, points"),
    ("design", "{method: morris, levels: 3}", "design.levels = 3: must be even"),
    ("design", "{method: saltelli, base: 100}", "a power of two, such as 64 or 128"),
    ("design", "{method: saltelli, second_order: 1}", "second_order = 1: must be true or false"),
    ("design", "{method: table}", "design.file must name the CSV or Parquet file"),
    ("design", "{method: table, file: no.csv}", "design.yaml: design.file: no.csv: .*no such file"),
    ("design", "{method: table, fle: no.csv}", "unknown key 'design.fle' .did you mean 'file'"),
    ("replication", "0", "unknown key 'replication'"),
    ("register", "no.csv", "design.yaml: register: no.csv: the register cannot be read"),
    ("polices", "[status-quo]", "unknown key 'polices' .did you mean 'policies'"),
    ("assumptions", "{set: {demand_scale: 1}}\nvary: ", "demand_scale is held at 1 too"),
    (
        "replicates",
        "10000",
        "2,000,000 runs .100 points x 2 policies x 10000 replications. are mor",
    ),
    ("design", "{method: saltelli, base: 1048576}", "are more than the cap of 1,000,000"),
    ("cap", "100", "6,000 runs .* are more than the cap of 100; ask for fewer"),
    ("cap", "0", "cap = 0: must be a whole number from 1 to 100,000,000"),
]


@pytest.mark.parametrize(("key", "value", "why"), BAD_DESIGNS, ids=lambda text: text[:40])
def test_a_bad_design_is_refused_in_one_line(folder, key, value, why):
    if value.endswith("\nvary: "):
        write(assumptions=value.removesuffix("\nvary: "), vary="{demand_scale: }")
    else:
        write(**{key: value})
    with pytest.raises(InputError, match=why) as refused:
        read_design(Path("design.yaml"))
    assert str(refused.value).startswith("design.yaml")
    assert "\n" not in str(refused.value)


# The page


def blocks(language):
    """Return what the page shows in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize(
    "text", blocks("yaml"), ids=lambda text: yaml.safe_load(text)["design"]["method"]
)
def test_every_design_of_the_page_can_be_read(folder, text):
    (folder / "points.csv").write_text(*blocks("csv"))
    (folder / "design.yaml").write_text(text)
    asked = read_design(folder / "design.yaml")
    assert asked.runs()[-1].replication == asked.question.replicates - 1


def test_the_page_shows_every_method():
    shown = [yaml.safe_load(text)["design"]["method"] for text in blocks("yaml")]
    assert {*shown} == {*METHODS, "table"}


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_page_runs(folder, code):
    exec(code, {})
