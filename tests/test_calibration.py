"""Calibration: moments on worked tables, distances, the file of targets, and runs end to end."""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import getdoc
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from experiments.calibration import (
    Asked,
    Calibration,
    Found,
    Trial,
    calibrate,
    document,
    page,
    summary,
    text,
    wanted,
)
from experiments.cli import main
from experiments.executors import InProcess, Lost
from experiments.moments import FIRST, MOMENTS, Moment, Record, typed
from experiments.targets import CERTAINTIES, TARGETS, Target, chosen, read_targets
from simulation.assumptions import CENTRAL, assumptions_from
from simulation.errors import InputError
from simulation.segments import SEGMENT_NAMES
from tests.worlds import shire

SIMPLE, COMPLEX = "restricted", "competitive dialogue"
NOTHING = dict.fromkeys(SEGMENT_NAMES, 0.0)


def tender(bids: int = 3, **about: Any) -> dict[str, Any]:
    """Return a tender in year 2, awarded to a large supplier at £2m a year for four years."""
    usual = {"quarter": FIRST, "procedure": SIMPLE, "length": 16, "estimate": 8.0}
    usual |= {"submitted": bids, "cost_of_bids": 0.01 * bids, "winner_type": "large"}
    return {**usual, "bids": bids, "price": 2.0, "failed": bids == 0, **about}


def contract(**about: Any) -> dict[str, Any]:
    """Return a strategic partnership signed in year 2: £10m a year for ten years, in force."""
    usual = {"start": FIRST, "signed_end": FIRST + 40, "segment": "strategic", "value": 10.0}
    usual |= {"price": 10.0, "supplier": "One", "cost_overrun": 0.0, "project_cost": 10.0}
    return {**usual, "ended": 0, "ended_how": "in force", "disputed": False, **about}


SHARING = (
    "partnerships_formed", "partnerships_started", "quarters_to_agree", "partners",
    "troubled_members",
)  # fmt: skip


def record(
    tenders: Sequence[Mapping[str, Any]] = (),
    contracts: Sequence[Mapping[str, Any]] = (),
    suppliers: Sequence[Mapping[str, Any]] = (),
    **rest: Any,
) -> Record:
    """Return a run of sixty quarters whose tables hold these rows."""
    quarters = pd.RangeIndex(1, 61, name="quarter")
    sharing = {"shared_councils": range(60), "councils": 60.0} | dict.fromkeys(SHARING, 0.0)
    measures = pd.DataFrame(sharing, index=quarters)
    usual = {"measures": measures, "spend": NOTHING, "cost": NOTHING, "paid": NOTHING}
    return Record(
        tenders=typed(pd.DataFrame(tenders, columns=list(tender()))),
        contracts=typed(pd.DataFrame(contracts, columns=list(contract()))),
        suppliers=typed(pd.DataFrame(suppliers, columns=["type", "left"])),
        **{**usual, **rest},
    )


def measured(name: str, run: Record, **told: Any) -> float:
    return MOMENTS[name](run, **told).value


# Moments on worked tables

BIDS = record([
    tender(0), tender(1), tender(5), tender(99, quarter=FIRST - 1),
    tender(2, procedure=COMPLEX), tender(3, procedure=COMPLEX, failed=True, estimate=20.0),
])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told", "value"),
    [
        ("bids_per_tender", {"kind": "simple"}, 3.0),
        ("bids_per_tender", {"kind": "complex"}, 2.5),
        ("bids_per_tender", {"kind": "all"}, 11 / 4),
        ("share_with_bids", {"bids": 1, "kind": "all"}, 25.0),
        ("share_with_bids", {"bids": 2, "kind": "complex"}, 50.0),
        ("wins_per_bid", {"kind": "complex"}, 1 / 5),
        ("wins_per_bid", {"kind": "all"}, 3 / 11),
        ("wins_per_bid", {"kind": "all", "over": 10}, 0.0),
        ("failed_tenders", {}, 40.0),
        ("cost_of_bid", {"kind": "simple"}, 10.0),
        ("cost_of_bid_share", {"kind": "complex"}, 100 * (0.01 / 8 + 0.01 / 20) / 2),
    ],
)
def test_competition_is_counted(name: str, told: Mapping[str, Any], value: float) -> None:
    assert measured(name, BIDS, **told) == pytest.approx(value)


AWARDS = record([
    tender(price=0.1, length=8, winner_type="sme"),
    tender(price=1.0, winner_type="sme"),
    tender(price=2.0),
    tender(price=5.0, length=40),
    tender(0, price=math.nan),
])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told", "value"),
    [
        ("sme_number_share", {}, 50.0),
        ("sme_number_share", {"over": 1}, 100 / 3),
        ("sme_value_share", {}, 100 * 4.2 / (0.2 + 4 + 8 + 50)),
        ("award_value", {"quantile": 0.5, "over": 1}, 8.0),
        ("award_value", {"quantile": 0.75, "over": 1}, 29.0),
        ("award_months", {"quantile": 0.5, "over": 1}, 48.0),
        ("award_value_spread", {"over": 5}, math.log(50 / 8) / math.sqrt(2)),
    ],
)
def test_awards_are_valued_over_their_life(
    name: str, told: Mapping[str, Any], value: float
) -> None:
    assert measured(name, AWARDS, **told) == pytest.approx(value)


DEALS = record(contracts=[
    contract(price=9.0, cost_overrun=15.0),
    contract(supplier="Two", price=4.0, value=5.0, ended=FIRST + 8, ended_how="collapsed"),
    contract(supplier="Three", price=2.0, signed_end=FIRST + 20, cost_overrun=5.0),
    contract(supplier="Four", price=1.0, ended=FIRST + 4, ended_how="disputed"),
    contract(start=2, ended=40, ended_how="completed"),
    contract(start=-3),
    contract(segment="functional", price=0.01, signed_end=FIRST + 4),
    contract(segment="functional", price=6.0, signed_end=FIRST + 30),
    contract(start=50, signed_end=90, segment="managed", cost_overrun=100.0),
    contract(segment="managed", project_cost=0.0),
])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told", "value"),
    [
        ("contracts_signed", {}, 5.0),
        ("contract_value", {"quantile": 0.5}, 25.0),
        ("price_ratio", {}, 16 / 35),
        ("largest_suppliers", {"firms": 1}, 100 * 90 / 150),
        ("largest_suppliers", {"firms": 3}, 100 * 140 / 150),
        ("ended_early", {}, 50.0),
        ("ended_early_within", {"first": 3, "last": 7}, 50.0),
        ("in_trouble", {"above": 1}, 75.0),
        ("in_trouble", {"above": 2}, 50.0),
        ("contract_price", {"segment": "functional", "over": 1}, 6.0),
        ("contract_years", {"segment": "functional", "over": 1}, 7.5),
    ],
)
def test_contracts_are_followed_to_their_end(
    name: str, told: Mapping[str, Any], value: float
) -> None:
    assert measured(name, DEALS, **{"segment": "strategic", **told}) == pytest.approx(value)


def test_overruns_count_where_fate_is_complete() -> None:
    assert measured("overrun", DEALS) == pytest.approx(100 * (1.5 + 0.5) / 6)
    assert measured("large_overruns", DEALS, above=0.6) == pytest.approx(100 / 6)
    assert measured("large_overrun_size", DEALS, above=0.6) == pytest.approx(150)


def test_the_market_is_weighed() -> None:
    kinds = [("large", 0), ("large", 7), ("sme", 0), ("sme", 0)]
    run = record(
        suppliers=[{"type": kind, "left": left} for kind, left in kinds],
        spend={name: float(place) for place, name in enumerate(SEGMENT_NAMES, 1)},
        cost=NOTHING | {"strategic": 200.0},
        paid=NOTHING | {"strategic": 190.0},
    )
    assert measured("suppliers_left", run, kind="large") == 1
    assert measured("suppliers_left", run, kind="sme") == 2
    assert measured("technology_spend", run) == 15
    assert measured("saving_paid", run, segment="strategic") == pytest.approx(5)
    assert measured("sharing_councils", run, quarter=7) == pytest.approx(10)
    assert math.isnan(measured("sharing_councils", run, quarter=61))


def test_groups_are_followed_to_their_contract() -> None:
    run = record()
    measures = run.measures
    measures["partnerships_formed"] = 2.0
    measures.loc[20:29, "partnerships_started"] = 3.0
    measures.loc[20:29, "quarters_to_agree"] = 33.0
    measures["partners"] = 40.0
    measures["troubled_members"] = [*[40.0] * 4, *[10.0] * 56]
    assert measured("groups_that_perform", run) == pytest.approx(100 * 30 / (2 * 51))
    assert measured("quarters_to_agree", run) == pytest.approx(11)
    assert measured("members_in_trouble", run) == pytest.approx(25)


@pytest.mark.parametrize("target", read_targets(), ids=lambda target: target.name)
def test_a_run_without_events_gives_no_moment_but_counts(target: Target) -> None:
    counts = {"contracts_signed", "suppliers_left", "technology_spend", "sharing_councils"}
    empty = MOMENTS[target.moment](record(), **target.of)
    assert math.isnan(empty.value) == (target.moment not in counts)


def test_every_moment_says_what_it_is() -> None:
    assert all(getdoc(function) for function in MOMENTS.values())
    assert {target.moment for target in read_targets()} == set(MOMENTS)


# Distance, and runs taken together

BIDDERS = Target("bids", "Bids", "bids", 2.0, 3.0, "medium", "a study", "bids_per_tender", {})


@pytest.mark.parametrize(
    ("value", "distance"), [(2, 0), (2.7, 0), (3, 0), (3.5, 1), (1, 2), (math.nan, math.nan)]
)
def test_distance_is_counted_in_halves_of_the_range(value: float, distance: float) -> None:
    assert BIDDERS.distance(value) == pytest.approx(distance, nan_ok=True)


class Made:
    """An executor that has its results at hand."""

    def __init__(self, *results: Any) -> None:
        self.results = results

    def run(self, work: Any, tasks: Any, stop: Any) -> Any:
        return iter(self.results)


def held(*results: Any, targets: Sequence[Target] = (BIDDERS,)) -> Calibration:
    return calibrate(Trial(tuple(targets), CENTRAL), len(results), Made(*results))


def test_runs_weigh_by_what_they_hold() -> None:
    (found,) = held([Moment(2.0, 1.0)], [Moment(12.0, 3.0)], [Moment(0.0, 0.0)]).found
    assert found.mean == pytest.approx(14 / 4)
    assert found.spread == pytest.approx(math.sqrt(2))
    assert found.runs == 2
    assert found.distance == pytest.approx(1.0)


def test_one_run_has_no_spread_and_none_no_mean() -> None:
    (one,), (none,) = held([Moment(2.0, 1.0)]).found, held([Moment(0.0, 0.0)]).found
    assert (one.mean, math.isnan(one.spread)) == (2.0, True)
    assert math.isnan(none.mean)
    assert math.isnan(none.distance)


def test_failed_runs_are_told_and_left_out() -> None:
    done = held([Moment(5.0, 2.0)], "seed 1: ValueError: odd", Lost(2, "it died"))
    assert done.failed == ("seed 1: ValueError: odd", "seed 2: it died")
    assert done.found[0].mean == 2.5


def test_the_summary_leaves_out_what_is_not_measured() -> None:
    values = {"in": 2.5, "out": 5.0, "gone": math.nan}
    found = [Found(replace(BIDDERS, name=name), value, 0.1, 3) for name, value in values.items()]
    done = Calibration(tuple(found))
    assert (done.reached, done.distance) == (1, 2.0)
    told = summary(done)
    assert "1 of 3 targets in range; mean distance 2.00, the largest 4.00 (out)" in told
    assert told.endswith("Not measured: gone.")


# The file of targets


def test_the_bundled_targets_are_whole() -> None:
    targets = read_targets()
    assert len(targets) > 30
    assert {target.certainty for target in targets} <= set(CERTAINTIES)
    assert all(target.title and target.unit and target.source for target in targets)


def test_targets_are_chosen_by_name_in_their_order() -> None:
    targets = read_targets()
    assert chosen(targets, ()) == targets
    first, second = targets[0].name, targets[5].name
    assert [one.name for one in chosen(targets, (second, first))] == [first, second]
    with pytest.raises(InputError, match=r"--only: unknown target 'bid_simple'.*'bids_simple'"):
        chosen(targets, ("bid_simple",))


ENTRY = yaml.safe_load(TARGETS.read_text(encoding="utf-8"))[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "target 1: name is missing"),
        ({"lowest": 3}, "unknown key 'lowest'"),
        ({"low": "five"}, r"\(bids_simple\): low = 'five': must be a number"),
        ({"low": True}, "low = True: must be a number"),
        ({"high": math.inf}, "high = inf: must be a number"),
        ({"high": 5}, "high = 5: must be above low, which is 5"),
        ({"certainty": "hih"}, r"certainty = 'hih': must be one of .*\(did you mean 'high'\?\)"),
        ({"moment": "bids_per_tenders"}, r"moment = .*\(did you mean 'bids_per_tender'\?\)"),
        ({"of": 3}, "of = 3: must be a mapping"),
        ({"of": {}}, "of lacks kind, which bids_per_tender needs"),
        ({"of": {"kinds": "simple"}}, r"knows no 'kinds' \(did you mean 'kind'\?\)"),
        ({"of": {"kind": "simpel"}}, r"of.kind = 'simpel': must be .*\(did you mean 'simple'\?\)"),
        ({"moment": "award_value", "of": {"quantile": "a", "over": 1}}, "of.quantile = 'a'"),
        (
            {"moment": "share_with_bids", "of": {"kind": "all", "bids": 1.5}},
            r"of.bids = 1.5: must be a whole number",
        ),
        ({"title": "two\nlines"}, "title = .* on one line"),
    ],
)
def test_a_bad_target_is_told_in_one_line(
    tmp_path: Path, change: Mapping[str, Any], message: str
) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(yaml.safe_dump([{**ENTRY, **change}]), encoding="utf-8")
    with pytest.raises(InputError, match=message) as refused:
        read_targets(file)
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must be a list of targets"),
        ("name: one", "must be a list of targets"),
        ("- 3", "a target must be a mapping of name"),
        (2 * yaml.safe_dump([ENTRY]), "target 'bids_simple' stands there twice"),
    ],
)
def test_a_bad_file_of_targets_is_told_in_one_line(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_targets(file)


# What is told

REMEDIED = replace(BIDDERS, name="remedied", title="Bids | all", mend="More bidders.")
FOUND = Calibration((
    Found(BIDDERS, 2.5, 0.25, 9),
    Found(replace(BIDDERS, name="unknown"), math.nan, math.nan, 0),
    Found(replace(BIDDERS, name="near", title="Near"), 3.1, 0.25, 9),
    Found(REMEDIED, 7.0, 0.25, 9),
))  # fmt: skip


def test_the_page_holds_the_table_and_the_misses() -> None:
    told = page(FOUND, Asked(9, assume=("event_level=0.7",)))
    assert "tenderlab calibrate --seeds 9 --assume event_level=0.7" in told
    assert "not a prediction" in told
    table = [line for line in told.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(FOUND.found)
    assert len({line.count("|") for line in table}) == 1
    misses = [line for line in told.splitlines() if line.startswith("**")]
    assert misses == [
        "**Bids | all**: wanted 2 to 3 bids, simulated 7.00. More bidders.",
        "**Near**: wanted 2 to 3 bids, simulated 3.10. No remedy is known yet.",
        "**Bids**: wanted 2 to 3 bids, not measured. No remedy is known yet.",
    ]


def test_a_page_without_misses_has_no_such_section() -> None:
    assert "What is missed" not in page(Calibration(FOUND.found[:1]), Asked(9))


def test_the_text_tells_every_target() -> None:
    told = text(FOUND)
    for words in ("in range", "not measured", "8.00", "near", "halves", "1 of 4 targets"):
        assert words in told


def test_the_document_is_plain_json() -> None:
    told = json.loads(json.dumps(document(FOUND, Asked(9)), allow_nan=False))
    assert told["reached"] == 1
    assert [one["simulated"] for one in told["targets"]] == [2.5, None, 3.1, 7.0]
    assert told["targets"][3]["mend"] == "More bidders."


def test_a_range_is_told_with_its_unit() -> None:
    assert wanted(replace(BIDDERS, low=2600.0, high=3000.5)) == "2,600 to 3,000.5 bids"
    assert wanted(replace(BIDDERS, unit="% of value")) == "2 to 3% of value"


# Runs end to end


def test_a_small_market_is_measured() -> None:
    targets = read_targets()
    trial = Trial(targets, CENTRAL, years=4, register=shire())
    told: list[tuple[int, int]] = []
    done = calibrate(trial, 2, InProcess(), lambda *counts: told.append(counts))
    assert not done.failed
    assert told == [(1, 2), (2, 2)]
    found = {one.target.name: one for one in done.found}
    assert found["bids_simple"].mean >= 1
    assert 0 < found["technology_spend"].mean < 200
    assert found["technology_spend"].spread == pytest.approx(0, abs=1e-9)
    assert found["procurement_complex"].mean == 24


def test_equal_seeds_measure_equally() -> None:
    trial = Trial(chosen(read_targets(), ("bids_simple",)), CENTRAL, 2, shire())
    assert calibrate(trial, 2, InProcess()) == calibrate(trial, 2, InProcess())


def test_a_run_that_breaks_is_told() -> None:
    targets = (replace(BIDDERS, of={"sort": "simple"}),)
    done = calibrate(Trial(targets, CENTRAL, 1, shire()), 1, InProcess())
    assert len(done.failed) == 1
    assert "TypeError" in done.failed[0]


def test_assumptions_may_be_set() -> None:
    poor = assumptions_from({"technology_spend": 1400.0})
    targets = chosen(read_targets(), ("technology_spend",))
    usual, halved = (
        calibrate(Trial(targets, world, 1, shire()), 1, InProcess()) for world in (CENTRAL, poor)
    )
    assert halved.found[0].mean == pytest.approx(usual.found[0].mean / 2)


# The command


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(tmp_path)

    def said(command: str) -> tuple[int, str, str]:
        code = main(shlex.split(f"calibrate {command}"))
        return (code, *capsys.readouterr())

    return said


def test_the_command_tells_what_it_measured(say: Any, tmp_path: Path) -> None:
    code, out, err = say("--seeds 1 --workers 1 --only technology_spend --out page.md --json")
    assert code == 0
    assert "1 of 1 runs" in err
    (target,) = json.loads(out)["targets"]
    assert target["simulated"] == pytest.approx(2800)
    assert "`uv run tenderlab calibrate --seeds 1 --only technology_spend" in (
        tmp_path / "page.md"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--seeds 0", "must be a whole number from 1 to 10000"),
        ("--only nothing_such", "--only: unknown target 'nothing_such'"),
        ("--assume event_levl=1", "did you mean 'event_level'?"),
        ("--assume event_level", "must be NAME=VALUE"),
        ("--assume event_level=9", "must be a number from 0 to 2"),
        ("--out .", "must be a file, not a directory"),
        ("--out gone/page.md", "there is no folder gone"),
    ],
)
def test_what_is_typed_wrong_is_told_in_one_line(
    say: Any, tmp_path: Path, options: str, message: str
) -> None:
    code, out, err = say(f"{options} --workers 1")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())
