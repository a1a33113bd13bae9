"""Directions: how they are read, run and judged, and that the model's are those of the evidence."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.cli import main
from experiments.directions import Arm, Change, Contrast, Direction, Directions, Grid
from experiments.directions_file import read_directions
from experiments.executors import Executor, InProcess, LocalPool, default_workers
from experiments.figures import Condition, Figure, Reading, value_of
from experiments.findings import Asked, page
from experiments.validate import (
    Curve,
    Done,
    Effect,
    Shown,
    Told,
    check_figures,
    failures,
    perform,
    plan,
    tell,
    validate,
)
from simulation.errors import InputError
from simulation.model import MarketModel
from simulation.randomness import derive

ROOT = Path(__file__).parent.parent
FILE = ROOT / "tests" / "directions.yaml"
CLAIMS = read_directions(FILE)
USUAL, CLEAR, FEWER = 8, 3, 4
"""Replications of most claims in the file, those that suffice here for most, and any ablation's."""

ENOUGH = {
    "Aggregation lowers unit cost": 4,
    "Aggregation of districts brings more bidders": 4,
    "Aggregation leaves fewer firms capable of strategic partnerships": 4,
    "Committed volume brings investment": 10,
    "The long-run value of aggregation has an interior best": 14,
    "Aggregation raises big-bang risk": 4,
    "A clause that work be done locally lowers savings": 4,
    "The value of risk transfer has an interior best": 8,
    "Pump-priming makes viable projects start": 4,
    "Private finance costs more": 4,
    "The client's commitment brings bids": 4,
    "Success spills over": 4,
    "Changes of leadership make groups collapse": 4,
    "A politically neutral case survives elections": 3,
    "A threat of reorganisation parts counties from their districts": 3,
    "A remote site makes members walk away": 3,
    "Phased entry shortens the delay of leases that end apart": 4,
    "An opt-in menu keeps partners in joint contracts": 9,
    "The value of a contract's length has an interior best": 12,
    "Standardised services lose members": 5,
    "Publicised success raises adoption": 3,
    "What pooling saves it saves once": 6,
}
"""Replications of a claim here, where neither `CLEAR` nor those of the file.

With them an effect as large and as steady as docs/directions.md has it is found, at the same 95%,
with a chance of 99%; only what the file itself runs less often, or four times here before, has
less. They are fixed beforehand: no run is added or left out for what others showed.
"""

CHOSEN = {6: (3, 14), 10: (0.8, 10), 41: (1, 20)}
"""Best values between the ends of grids, and on how many runs docs/directions.md chose them."""


def enough(one: Direction) -> int:
    """Return how many replications of ``one`` suffice here."""
    return ENOUGH.get(one.title, CLEAR if one.replications == USUAL else one.replications)


def shorter(one: Direction) -> Direction:
    """Return a claim that takes fewer runs."""
    off = one.ablation and dataclasses.replace(one.ablation, replications=FEWER)
    return dataclasses.replace(one, replications=enough(one), ablation=off)


def ends(one: Direction) -> list[Direction]:
    """Return an interior best as two claims: the chosen value beats the low end, and the high."""
    assert one.grid
    arms, figure = one.grid.arms, one.grid.figure
    best = arms[one.grid.values.index(CHOSEN[one.row][0])]
    return [
        dataclasses.replace(
            one, title=f"{one.title}: {end}", kind="difference", replications=enough(one),
            contrasts=(Contrast(best, arm, figure),), grid=None, ablation=None,
        )
        for end, arm in (("low end", arms[0]), ("high end", arms[-1]))
    ]  # fmt: skip


SHORTER = dataclasses.replace(
    CLAIMS, directions=tuple(shorter(one) for one in CLAIMS.directions if not one.grid)
)
PEAKS = dataclasses.replace(
    CLAIMS, directions=tuple(end for one in CLAIMS.directions if one.grid for end in ends(one))
)


def confirmed(row: int, pool: Executor) -> list[Told]:
    """Hold the chosen value of a row against both ends, on the runs after those that chose it."""
    claims = [one for one in PEAKS.directions if one.row == row]
    tasks = [
        dataclasses.replace(
            task, seed=derive(PEAKS.seed, "direction", CHOSEN[row][1] + task.replication)
        )
        for task in plan(dataclasses.replace(PEAKS, directions=tuple(claims)), ablation=False)
    ]
    readings: dict[tuple[Arm, int], Mapping[str, Reading]] = {}
    for done in pool.run(perform, tasks, lambda: False):
        assert isinstance(done, Done) and not done.error
        readings[done.task.arm, done.task.replication] = done.readings
    return [tell(one, readings, ablation=False) for one in claims]


WANTED_ROWS = {*range(1, 12), *range(13, 17), *range(21, 37), *range(39, 47)}


# What the model shows


@pytest.fixture(scope="module")
def told() -> dict[str, Told]:
    """Run every arm of every direction once for all tests.

    Mechanisms are switched off, too, but for interior bests: docs/directions.md has those.
    """
    pool = LocalPool(default_workers())
    shown = validate(SHORTER, pool, ablation=True)
    shown += [one for row in CHOSEN for one in confirmed(row, pool)]
    return {one.direction.title: one for one in shown}


def test_every_row_that_the_model_speaks_of_is_there() -> None:
    assert {one.row for one in CLAIMS.directions} == WANTED_ROWS
    assert {one.row for one in (*SHORTER.directions, *PEAKS.directions)} == WANTED_ROWS
    assert set(ENOUGH) <= {one.title for one in CLAIMS.directions}


@pytest.mark.parametrize(
    "title",
    [one.title for one in (*SHORTER.directions, *PEAKS.directions) if not one.finding],
)
def test_direction_emerges(told: dict[str, Told], title: str) -> None:
    assert told[title].found, told[title].shown


@pytest.mark.parametrize(
    "title", [one.title for one in SHORTER.directions if one.ablation and not one.finding]
)
def test_direction_does_not_stay_without_its_mechanism(told: dict[str, Told], title: str) -> None:
    assert told[title].gone != "stays", told[title].ablated


def test_what_changes_nothing_never_makes_an_effect_go_away() -> None:
    """The same runs stand for the mechanism switched off: whatever they show, it stays."""
    effect = Effect(1.0, 0.8, 1.2, 6)
    curve = Curve((0.0, 1.0, 2.0), (0.0, 1.0, 0.0), 1, (effect, effect))
    claim = next(one for one in CLAIMS.directions if one.ablation and one.grid)
    plain = next(one for one in CLAIMS.directions if one.ablation and not one.grid)
    for direction, shown in (
        (claim, Shown(1, curve=curve)),
        (plain, Shown(1, effect=effect)),
        (plain, Shown(-1, effect=effect.turned(-1))),
    ):
        assert Told(direction, shown, (), shown).gone == "stays"


def test_too_few_runs_decide_nothing() -> None:
    claim = next(one for one in CLAIMS.directions if one.ablation and not one.grid)
    full, vague = Effect(1.0, 0.8, 1.2, 6), Effect(0.3, -0.5, 1.1, 3)
    assert Told(claim, Shown(1, full), (), Shown(1, vague)).gone == "undecided"
    gone = Effect(0.1, 0.0, 0.2, 6)
    assert Told(claim, Shown(1, full), (), Shown(1, gone)).gone == "goes away"


# Figures


TENDERS = pd.DataFrame(
    {
        "segment": pd.Categorical(["commodity", "change", None, "change"]),
        "bids": [1, 2, 3, 4],
        "unchanged": [True, False, True, False],
        "won": pd.array([True, None, False, None], dtype="boolean"),
        "price": [1.0, math.nan, 2.0, 3.0],
    }
)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (Condition("segment", among=("change",)), [1, 3]),
        (Condition("segment", among=("change", "commodity")), [0, 1, 3]),
        (Condition("segment", apart=("change",)), [0, 2]),
        (Condition("segment", known=True), [0, 1, 3]),
        (Condition("bids", least=2, most=3), [1, 2]),
        (Condition("bids", above=2, below=4), [2]),
        (Condition("bids", among=(1, 4)), [0, 3]),
        (Condition("unchanged", among=(True,)), [0, 2]),
        (Condition("won", among=(True,)), [0]),
        (Condition("won", known=False), [1, 3]),
        (Condition("price", least=0), [0, 2, 3]),
    ],
)
def test_conditions_choose_rows(condition: Condition, rows: list[int]) -> None:
    assert np.flatnonzero(condition.holds(TENDERS[condition.column])).tolist() == rows


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        (Condition("bids", among=("two",)), "bids: holds numbers, but is compared with 'two'"),
        (Condition("segment", least=1), "segment: holds text, but is given a range"),
        (Condition("unchanged", among=(1,)), "unchanged: holds yes or no"),
        (Condition("segment", among=("chang",)), "did you mean 'change'?"),
    ],
)
def test_a_condition_that_cannot_be_met_is_refused(condition: Condition, problem: str) -> None:
    with pytest.raises(InputError) as error:
        condition.holds(TENDERS[condition.column])
    assert problem in str(error.value)


@pytest.fixture(scope="module")
def market() -> MarketModel:
    return MarketModel(years=1, rng=5).run()


def read(market: MarketModel, **declared: object) -> float:
    figure = Figure("f", "F", "", **declared)  # type: ignore[arg-type]
    reading = figure.read(market)
    return value_of(figure, reading, list(reading))


def test_figures_are_what_pandas_makes_of_the_tables(market: MarketModel) -> None:
    tenders = market.tables["tenders"]
    change = tenders[tenders.segment == "change"]
    where = (Condition("segment", among=("change",)),)
    asked = {"table": "tenders", "where": where}
    assert read(market, **asked, quantity="count") == len(change)
    assert read(market, **asked, quantity="sum", columns=(("bids",),)) == change.bids.sum()
    weighted = (change.bids * change.annual_value).sum() / change.annual_value.sum()
    mean = {"quantity": "mean", "columns": (("bids",),), "weight": "annual_value"}
    assert read(market, **asked, **mean) == pytest.approx(weighted)
    failed = {"quantity": "share", "shared": (Condition("failed", among=(True,)),), "scale": 100.0}
    assert read(market, **asked, **failed) == pytest.approx(100 * change.failed.mean())
    product = (change.bids * change.annual_value).sum() / change.estimate.sum()
    ratio = {"quantity": "ratio", "columns": (("bids", "annual_value"), ("estimate",))}
    assert read(market, **asked, **ratio) == pytest.approx(product)


def test_figures_of_measures_and_outcomes_take_their_window(market: MarketModel) -> None:
    measures = market.measures
    late = (Condition("quarter", above=2),)
    bids = {"table": "measures", "quantity": "sum", "columns": (("bids",),)}
    assert read(market, **bids, where=late) == measures.bids.loc[3:].sum()
    last = {"table": "measures", "quantity": "last", "columns": (("suppliers_active",),)}
    assert read(market, **last) == measures.suppliers_active.iloc[-1]
    window = measures.loc[2:3]
    per_tender = window.bids.sum() / window.contested_tenders.sum()
    assert read(market, outcome="bids_per_tender", quarters=(2, 3)) == pytest.approx(per_tender)


def test_nothing_to_read_is_not_defined(market: MarketModel) -> None:
    nowhere = (Condition("bids", above=1000),)
    mean = {"quantity": "mean", "columns": (("bids",),)}
    assert math.isnan(read(market, table="tenders", where=nowhere, **mean))
    assert math.isnan(read(market, outcome="bids_per_tender", quarters=(5, 9)))


# Judgement


FIGURE = Figure("f", "F", "units", outcome="net_public_saving")
BASE, OTHER = Arm(Change(), 1), Arm(Change({"risk_transfer": 0.4}), 1)


def claim(**about: object) -> Direction:
    made = Direction(
        row=1, title="T", because="", kind="difference", replications=4, sign=1,
        contrasts=(Contrast(OTHER, BASE, FIGURE),),
    )  # fmt: skip
    return dataclasses.replace(made, **about)  # type: ignore[arg-type]


def readings(**values: list[float]):  # type: ignore[no-untyped-def]
    arms = {"base": BASE, "other": OTHER}
    return {
        (arms[name], replication): {"f": {(): (value, 1.0)}}
        for name, column in values.items()
        for replication, value in enumerate(column)
    }


def test_an_effect_has_students_one_sided_bounds() -> None:
    effect = Effect.of(np.array([1.0, 2.0, 3.0, math.nan]))
    # t at 95% with two degrees of freedom is 2.919986; the standard error is 1/sqrt(3)
    reach = 2.919986 / math.sqrt(3)
    assert (effect.mean, effect.pairs) == (2.0, 3)
    assert (effect.low, effect.high) == pytest.approx((2 - reach, 2 + reach), abs=1e-6)
    assert effect.goes(1) is (reach < 2)
    assert not effect.goes(-1)


def test_too_few_pairs_prove_nothing() -> None:
    effect = Effect.of(np.array([5.0, math.nan]))
    assert math.isnan(effect.mean)
    assert not effect.goes(1)
    assert not effect.goes(-1)


def test_a_difference_is_paired_and_has_a_sign() -> None:
    seen = readings(base=[1, 2, 3, 4], other=[2.1, 3.0, 4.1, 5.0])
    assert tell(claim(), seen, ablation=False).found
    assert not tell(claim(sign=-1), seen, ablation=False).found


def test_likenesses_that_only_one_run_has_do_not_count() -> None:
    alike = dataclasses.replace(FIGURE, quantity="ratio", like=("lead",))
    one = {("a",): (3.0, 1.0), ("b",): (5.0, 1.0), ("c",): (100.0, 1.0)}
    other = {("a",): (2.0, 1.0), ("b",): (3.0, 1.0), ("d",): (7.0, 1.0)}
    seen = {(OTHER, r): {"f": one} for r in range(4)} | {(BASE, r): {"f": other} for r in range(4)}
    shown = tell(claim(contrasts=(Contrast(OTHER, BASE, alike),)), seen, ablation=False).shown
    assert shown.effect == Effect(1.5, 1.5, 1.5, 4)


def grid_of(columns: list[list[float]]):  # type: ignore[no-untyped-def]
    arms = tuple(Arm(Change({"risk_transfer": place / 10}), 1) for place in range(len(columns)))
    grid = Grid("risk_transfer", tuple(range(len(columns))), arms, FIGURE)
    seen = {
        (arm, replication): {"f": {(): (value, 1.0)}}
        for arm, column in zip(arms, columns, strict=True)
        for replication, value in enumerate(column)
    }
    return claim(kind="interior", contrasts=(), grid=grid, replications=2), seen


def test_an_interior_best_must_beat_both_ends_on_fresh_runs() -> None:
    direction, seen = grid_of([[0, 0, 0, 0], [5, 5, 2, 2.1], [1, 1, 1, 1]])
    shown = tell(direction, seen, ablation=False)
    assert shown.found
    assert shown.shown.curve is not None
    assert shown.shown.curve.at == 1
    assert [margin.mean for margin in shown.shown.curve.margins] == pytest.approx([2.05, 1.05])


def test_an_interior_best_that_fresh_runs_deny_is_not_found() -> None:
    direction, seen = grid_of([[0, 0, 0, 0], [5, 5, 0.9, 1.1], [1, 1, 1, 1]])
    assert not tell(direction, seen, ablation=False).found


def test_a_best_at_an_end_is_not_interior() -> None:
    direction, seen = grid_of([[0, 0, 0, 0], [5, 5, 5, 5], [6, 6, 6, 6]])
    assert not tell(direction, seen, ablation=False).found


def test_the_lowest_may_be_the_best() -> None:
    direction, seen = grid_of([[3, 3, 3, 3.1], [1, 1, 1, 1], [2, 2, 2, 2.2]])
    assert tell(dataclasses.replace(direction, sign=-1), seen, ablation=False).found


# Files


GOOD = """
years: 1
replications: 2
arms:
  base:
  more: {levers: {aggregation_threshold: 3, aggregation_mandate: 1}}
figures:
  groups: {title: Groups, unit: groups, table: partnerships, count: true}
directions:
  - {row: 1, title: A threshold makes groups, because: it binds, arm: more, against: base,
     figure: groups, expected: rises, ablation: {levers: {aggregation_threshold: 0}}}
  - {row: 2, title: Groups make a pound, arm: more, against: base, figure: groups,
     expected: falls, finding: they do not, near: none}
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


WRONG = {
    "unknown key": (changed("years: 1", "yeers: 1"), "unknown key 'yeers' (did you mean 'years'?)"),
    "years": (changed("years: 1", "years: 0"), "years = 0: must be a whole number from 1 to 50"),
    "replications": (changed("replications: 2", "replications: 1"), "from 2 to 1,000"),
    "lever": (changed("aggregation_threshold: 3", "agregation_threshold: 3"),
              "arms.more: unknown lever 'agregation_threshold' (did you mean"),
    "value of a lever": (changed("aggregation_mandate: 1", "aggregation_mandate: 2"),
                         "must be a number from 0 to 1"),
    "arm": (changed("against: base", "against: bas"), "directions[0].against = 'bas': must be"),
    "figure": (changed("figure: groups", "figure: grops"), "(did you mean 'groups'?)"),
    "table": (changed("table: partnerships", "table: partnership"), "did you mean 'partnerships'"),
    "no quantity": (changed(", count: true", ""), "figures.groups: needs one of count, sum"),
    "two quantities": (changed("count: true", "count: true, sum: members"),
                       "it has count, sum"),
    "column": (changed("count: true", "sum: member"), "partnerships has no such column"),
    "condition": (changed("count: true", "count: true, where: {members: {least: 2}}"),
                  "unknown key 'least'"),
    "bound": (changed("count: true", "count: true, where: {members: {from: two}}"),
              "figures.groups.where.members.from = 'two': must be a number"),
    "sort": (changed("count: true", "count: true, where: {members: two}"),
             "figures.groups: members: holds numbers, but is compared with 'two'"),
    "expected": (changed("expected: rises", "expected: up"), "must be one of rises, falls"),
    "nothing expected": (changed("expected: rises,", ""), "directions[0].expected: is needed"),
    "kind": (changed("row: 1", "row: 1, kind: inner"), "kind = 'inner': must be one of"),
    "grid of a difference": (changed("row: 1", "row: 1, grid: {max_partners: [2, 3, 4]}"),
                             "directions[0].grid: says nothing of a difference"),
    "ablation": (changed("ablation: {levers", "ablation: {lever"), "did you mean 'levers'?"),
    "titles": (changed("Groups make a pound", "A threshold makes groups"), "stands there twice"),
    "horizons": (changed("base:", "base: {years: 2}"), "directions[0].against: runs 2 years"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_bad_file_is_one_clear_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, problem = WRONG[name]
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    out = tmp_path / "page.md"
    assert main(["validate", str(path), "--workers", "1", "--out", str(out)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith(f"tenderlab: {path}: ")
    assert problem in line
    assert not out.exists()


INTERIOR = """
arms: {base: }
directions:
  - {row: 6, title: T, kind: interior, arm: base, figure: net_public_saving, best: highest,
     grid: GRID}
"""


@pytest.mark.parametrize(
    ("grid", "problem"),
    [
        ("{max_partners: [2, 3]}", "at least 3 values, low to high"),
        ("{max_partners: [2, 4, 3]}", "at least 3 values, low to high"),
        ("{max_partner: [2, 3, 4]}", "unknown lever or assumption 'max_partner'"),
        ("{max_partners: [1, 2, 3]}", "must be a whole number from 2 to 40"),
        ("{leak: [0, 1, 2]}", "leak = 2: must be a number from 0 to 1"),
        ("{leak: [0, 0.1, 0.2], care: [0, 0.1, 0.2]}", "one lever or assumption and its values"),
    ],
)
def test_a_bad_grid_is_refused(grid: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(INTERIOR.replace("GRID", grid))
    with pytest.raises(InputError) as error:
        read_directions(path)
    assert f"{path}: directions[0].grid" in str(error.value)
    assert problem in str(error.value)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "claims.yaml"
    path.write_text(GOOD)
    return path


def test_every_arm_runs_once(good: Path) -> None:
    claims = read_directions(good)
    assert len(plan(claims, ablation=False)) == 2 * 2
    # the base sets the threshold to its default anyway, so switching off adds one arm only
    assert len(plan(claims, ablation=True)) == 2 * 3
    shared = Directions("here", 1, (*claims.directions, *claims.directions))
    assert len(plan(shared, ablation=False)) == 2 * 2


def test_the_command_shows_what_is_found(
    good: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "page.md"
    arguments = ["validate", str(good), "--ablation", "--workers", "1", "--out", str(out)]
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert "1 of 2 directions found" in told.out
    assert "goes away" in told.out
    text = out.read_text()
    assert "## What does not emerge, and why" in text
    assert "they do not" in text
    assert "`aggregation_threshold` 0" in text


def test_json_holds_the_numbers(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(good), "--only", "1", "--json", "--workers", "1"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["row"], one["found"], one["goes_away"]) == (1, True, None)
    assert one["shown"]["low"] <= one["shown"]["mean"] <= one["shown"]["high"]


def test_rows_that_are_named_one_by_one_add_up(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["--only", "1", "--only", "2"]
    assert main(["validate", str(good), *rows, "--json", "--workers", "1"]) == 0
    assert [one["row"] for one in json.loads(capsys.readouterr().out)] == [1, 2]


def test_a_claim_that_does_not_hold_fails_the_command(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good.write_text(changed("expected: rises", "expected: falls"))
    assert main(["validate", str(good), "--workers", "1"]) == 1
    assert "1 of 2 claims do not hold: row 1 (not found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--only", "7"], "no direction of row 7; known: 1, 2"),
        (["--only", "one"], "--only one: must be numbers of rows"),
        (["--seeds", "1"], "must be a whole number from 2 to 1000"),
        (["--out", "nowhere/page.md"], "there is no folder nowhere"),
    ],
)
def test_a_bad_option_is_refused(
    good: Path, options: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(good), *options, "--workers", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line


def test_a_run_that_fails_is_told(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    claims = read_directions(good)
    check_figures(claims)
    monkeypatch.setattr(MarketModel, "run", fails)
    with pytest.raises(RuntimeError, match="a run failed: ZeroDivisionError: by nothing"):
        validate(claims, InProcess())


# The page


def test_the_page_tells_of_every_direction() -> None:
    text = (ROOT / "docs" / "directions.md").read_text(encoding="utf-8")
    for one in CLAIMS.directions:
        assert f"| {one.row} | {one.title} |" in text
        assert one.finding in text
        assert one.near in text


def test_a_page_holds_no_table_breaking_text(good: Path) -> None:
    claims = read_directions(good)
    hostile = dataclasses.replace(claims.directions[0], title="a | b", because="c | d")
    claims = dataclasses.replace(claims, directions=(hostile,))
    shown = validate(claims, InProcess())
    assert not failures(shown)
    assert "a / b" in page(Asked(good), claims, shown)
