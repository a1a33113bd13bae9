"""The deck: its figures and claims, for runs of every kind."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pptx import Presentation

from results.appraisal import appraise
from results.appraisal_words import money_of, who_gains
from results.deck import deck_bytes
from results.narrative import rows_of
from results.statistics import SILENT, outcome_of, summarise
from results.store import RunDirectory, open_run
from results.words import amount, amounts, change
from simulation.outcomes import OUTCOMES
from tests.decks import (
    EFFECTS,
    TWO,
    charts,
    check_boxes,
    find,
    slides,
    times,
    title,
    titles,
)
from tests.stored_runs import Effect, nothing, rewrite, store


def test_bars_are_the_differences_of_the_summary(five: RunDirectory, of_five: list[Any]) -> None:
    rows = rows_of(summarise(five), "net_public_saving")
    (chart,) = charts(find(of_five, "Net public saving:"))
    (series,) = chart.plots[0].series
    others = list(five.policies)[1:]
    assert list(chart.plots[0].categories) == others
    assert list(series.values) == [rows[policy]["difference"] for policy in others]


def test_error_bars_end_where_intervals_do(five: RunDirectory, of_five: list[Any]) -> None:
    rows = rows_of(summarise(five), "net_public_saving")
    (chart,) = charts(find(of_five, "Net public saving:"))
    found = {
        end: [float(value.text) for value in chart._chartSpace.iterfind(f".//{{*}}{end}//{{*}}v")]
        for end in ("plus", "minus")
    }
    compared = [rows[policy] for policy in list(five.policies)[1:]]
    assert found["plus"] == [row["high"] - row["difference"] for row in compared]
    assert found["minus"] == [row["difference"] - row["low"] for row in compared]


def test_lines_end_where_the_horizon_does(five: RunDirectory, of_five: list[Any]) -> None:
    rows = rows_of(summarise(five), "shared_councils")
    (chart,) = charts(find(of_five, "In 2011-12: councils in a shared service"))
    assert next(iter(chart.plots[0].categories)) == "2006-07"
    last = {series.name: series.values[-1] for series in chart.plots[0].series}
    assert last == pytest.approx({name: row["policy_mean"] for name, row in rows.items()})


def test_years_of_present_values_add_up(five: RunDirectory, of_five: list[Any]) -> None:
    rows = rows_of(summarise(five), "net_public_saving")
    (chart,) = charts(find(of_five, "In 2011-12: net public saving"))
    total = {series.name: sum(series.values) for series in chart.plots[0].series}
    assert total == pytest.approx({name: row["policy_mean"] for name, row in rows.items()})


def test_titles_bear_the_figures_of_the_summary(five: RunDirectory, of_five: list[Any]) -> None:
    rows = rows_of(summarise(five), "net_public_saving")
    outcome = outcome_of(rows["good"])
    good, bad = (change(rows[policy]["difference"], outcome) for policy in ("good", "bad"))
    expected = f"Net public saving: good ({good}) raises it; bad ({bad}) lowers it"
    assert expected in titles(of_five)


def test_titles_claim_what_verdicts_do(tmp_path: Path) -> None:
    policies = {"status-quo": nothing, "slight": times(public_saving=1.004), "none": jittered}
    run = open_run(store(tmp_path / "run", policies, replicates=4, twins=0))
    summary = summarise(run)
    assert not {"better", "worse"} & set(summary.loc[summary["headline"], "verdict"])
    claims = r"raises? it|lowers? it|better with|worse with"
    assert not re.search(claims, titles(slides(run)))


def jittered(measures: dict[str, Any]) -> None:
    measures["public_saving"] = measures["public_saving"] * np.resize([1.3, 0.7, 0.9], 8)


def test_an_outcome_that_does_not_move_has_no_slide(of_five: list[Any]) -> None:
    assert "\nBids per tender:" in titles(of_five)
    assert "\nSupplier concentration:" not in titles(of_five)


def test_what_cannot_be_judged_is_not_counted_as_a_verdict(tmp_path: Path) -> None:
    def seldom(many: int) -> Effect:
        def effect(measures: dict[str, Any]) -> None:
            measures["collapses"] = np.resize([many, 0.0, 0.0, 0.0], len(measures["discount"]))

        return effect

    policies = {"base": seldom(0), "one": seldom(1), "two": seldom(2)}
    about = {"outcomes": ["net_public_saving", "bids_per_tender", "collapse_rate"], "years": 1}
    run = open_run(store(tmp_path / "run", policies, replicates=3, twins=0, **about))
    summary = summarise(run)
    rows = summary[summary["headline"] & (summary["policy"] != "base")]
    silent = int(rows["verdict"].isin(SILENT).sum())
    judged = len(rows) - silent
    assert silent
    told = title(find(slides(run), "At a glance"))
    assert told.startswith(f"At a glance, {judged} verdicts: ")
    assert told.endswith(f"; {silent} with too few events")


def test_a_neutral_outcome_is_told_with_its_interval(
    five: RunDirectory, of_five: list[Any]
) -> None:
    row = rows_of(summarise(five), "shared_councils")["bad"]
    ends = " to ".join(amounts(row["low"], row["high"], outcome_of(row), signed=True))
    told = title(find(of_five, "Councils in a shared service:"))
    assert f"(95% interval {ends}); not judged" in told


def test_a_title_over_time_tells_no_difference_but_one_with_a_verdict(
    five: RunDirectory, of_five: list[Any]
) -> None:
    told = [each for each in map(title, of_five) if each.startswith("In ")]
    assert told
    for each in told:
        first, _, rest = each.partition("; over six years: ")
        assert all(f"with {name}" not in first for name in ("good", "bad", "same", "fund"))
        assert not rest or re.search("raises|lowers|better|worse|undecided|differs", rest)


def test_one_replication_is_said_to_be_one_in_titles_over_time(tmp_path: Path) -> None:
    run = open_run(store(tmp_path / "run", TWO, replicates=1, twins=0))
    told = [each for each in map(title, slides(run)) if each.startswith("In ")]
    assert told
    assert all("of the one replication: " in each and " b" not in each[-2:] for each in told)


def test_a_margin_is_the_same_in_all_notes(five: RunDirectory, of_five: list[Any]) -> None:
    outcome = outcome_of(rows_of(summarise(five), "net_public_saving")["good"])
    margin = f"a difference matters from {change(outcome.matters, outcome, signed=False)}."
    notes = [slide.notes_slide.notes_text_frame.text for slide in of_five]
    told = [line for each in notes for line in each.split("\n") if "public saving (£m" in line]
    assert len(told) >= 3
    assert all(margin in line for line in told)


def test_marks_tell_apart_what_is_not_nothing(tmp_path: Path) -> None:
    run = open_run(store(tmp_path / "run", EFFECTS, replicates=4, twins=0, years=1))
    told = summarise(run)
    for policy, low in (("good", 0.5), ("bad", -0.5)):
        chosen = (told["policy"] == policy) & (told["outcome"] == "net_public_saving")
        ends = told.loc[chosen, "matters"] * low, told.loc[chosen, "matters"] * 3
        told.loc[chosen, ["low", "high"]] = ends[0].item(), ends[1].item()
        told.loc[chosen, "verdict"] = "undecided"
    drawn = list(Presentation(io.BytesIO(deck_bytes(run, told))).slides)
    slide = find(drawn, "At a glance")
    (grid,) = [shape.table for shape in slide.shapes if shape.has_table]
    cells = [cell.text for cell in list(grid.rows)[1].cells]
    assert cells[2].endswith(" ◉") and cells[3].endswith(" ○")
    words = " ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
    assert "◉ undecided, but not 0" in words and "○ undecided, may be 0" in words
    assert words.count("?") <= 1


def test_who_gains_and_loses_has_a_slide_with_the_appraisal(
    five: RunDirectory, of_five: list[Any]
) -> None:
    summary = summarise(five)
    gains = appraise(five, summary).gains
    slide = find(of_five, "Who gains, who loses")
    (grid,) = [shape.table for shape in slide.shapes if shape.has_table]
    row = gains[(gains["party"] == "councils") & (gains["policy"] == "good")].iloc[0]
    cells = [[cell.text for cell in line.cells] for line in grid.rows]
    councils = next(line for line in cells if line[0] == "Councils")
    assert councils[2].startswith(amount(row["difference"], money_of(row), signed=True))
    decided = gains["verdict"].isin(["better", "worse"]).any()
    assert bool(re.search(r" (gains?|loses?) £", title(slide))) <= decided
    notes = slide.notes_slide.notes_text_frame.text
    assert all(who_gains(appraise(five, summary), name) in notes for name in ("good", "fund"))
    assert "Net cost to the Exchequer" in notes


def test_what_is_written_off_is_not_told_as_nought(tmp_path: Path) -> None:
    def little(measures: dict[str, Any]) -> None:
        measures["fund_paid"] = np.full_like(measures["discount"], 2.0)
        measures["fund_written_off"] = np.full_like(measures["discount"], 0.00001)

    run = open_run(store(tmp_path / "run", {"a": nothing, "b": little}, replicates=2, twins=0))
    told = title(find(slides(run), "b: the fund pays out"))
    assert "is repaid nothing and writes off less than £0.001m" in told


def test_the_fund_has_a_slide_where_one_pays(five: RunDirectory, of_five: list[Any]) -> None:
    rows = {name: rows_of(summarise(five), name)["fund"] for name in ("fund_paid", "fund_repaid")}
    slide = find(of_five, "fund: the fund pays out")
    assert list(charts(slide)[0].plots[0].series[0].values)[:2] == [
        row["policy_mean"] for row in rows.values()
    ]


def test_small_columns_bear_figures_that_are_not_nought(tmp_path: Path) -> None:
    def little(measures: dict[str, Any]) -> None:
        measures["fund_paid"] = np.full_like(measures["discount"], 0.002)

    run = open_run(store(tmp_path / "run", {"a": nothing, "b": little}, replicates=2, twins=0))
    chart = charts(find(slides(run), "b: the fund pays out"))[0]
    places = chart.plots[0].data_labels.number_format.split(";")[0].partition(".")[2]
    assert round(max(chart.plots[0].series[0].values), len(places)) > 0.0


def test_no_fund_has_no_slide(tmp_path: Path) -> None:
    run = open_run(store(tmp_path / "run", {"a": nothing, "b": nothing}, replicates=2, twins=0))
    assert "fund" not in titles(slides(run))


def test_notes_hold_definition_interval_and_pairs(five: RunDirectory, of_five: list[Any]) -> None:
    row = rows_of(summarise(five), "net_public_saving")["good"]
    notes = find(of_five, "Net public saving:").notes_slide.notes_text_frame.text
    assert OUTCOMES["net_public_saving"].definition in notes
    assert change(row["low"], outcome_of(row)).removesuffix(" NPV") in notes
    assert "6 pairs; better in 6 of them; better." in notes


def test_every_slide_says_that_it_is_simulated(five: RunDirectory, drawn: list[Any]) -> None:
    for slide in drawn:
        text = "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
        assert "Simulated results: an aid to a decision, not a prediction · question " in text
        assert slide._element.findall('.//{*}fld[@type="slidenum"]')
        assert slide.notes_slide.notes_text_frame.text.strip()


def test_levers_and_the_way_to_repeat(tmp_path: Path) -> None:
    path = store(tmp_path / "my run", {"a": nothing, "b": nothing}, replicates=2, twins=0)
    rewrite(path, lambda manifest: manifest["question"]["policies"][1].update(LEVERS))
    run = open_run(path)
    cells = {
        cell.text for slide in slides(run) for shape in slide.shapes if shape.has_table
        for cell in shape.table.iter_cells()
    }  # fmt: skip
    assert {"risk transfer, share", "0.25", "tenderlab compare 'my run'"} <= cells
    assert run.manifest.question_id in cells


LEVERS = {"levers": {"risk_transfer": 0.25}}


@pytest.mark.parametrize(
    ("policies", "about"),
    [
        (1, {"kind": "run", "years": 1, "replicates": 1}),
        (1, {"kind": "run", "years": 5, "replicates": 3}),
        (2, {"years": 1, "replicates": 2}),
        (2, {"years": 5, "replicates": 1}),
        (2, {"years": 5, "replicates": 3, "outcomes": ["suppliers_active"]}),
        (3, {"years": 5, "replicates": 3, "outcomes": ["sme_value_share", "fund_deadweight"]}),
        (15, {"years": 15, "replicates": 2}),
    ],
)
def test_a_deck_suits_its_run(tmp_path: Path, policies: int, about: dict[str, Any]) -> None:
    effects = {f"policy-{place}": times(public_saving=1 + place / 9) for place in range(policies)}
    run = open_run(store(tmp_path / "run", effects, twins=0, **about))
    made = slides(run)
    assert made[0].shapes.title.text_frame.text
    check_boxes(made)
    errors = [slide for slide in made if slide._element.xpath("//c:errBars")]
    assert not errors or about["replicates"] > 1


def test_one_replication_has_no_interval(tmp_path: Path) -> None:
    run = open_run(
        store(tmp_path / "run", {"a": nothing, "b": EFFECTS["good"]}, replicates=1, twins=0)
    )
    (chart,) = charts(slides(run)[1])
    assert not chart._chartSpace.findall(".//{*}errBars")


def test_a_question_with_own_outcomes_is_answered_in_them(tmp_path: Path) -> None:
    about = {"replicates": 5, "twins": 0, "outcomes": ["sme_value_share", "price_ratio"]}
    run = open_run(store(tmp_path / "run", TWO, **about))
    made = slides(run)
    assert title(made[1]).startswith("SMEs' share of awards by value: b (+")
    assert "Net public saving" not in titles(made)


def test_only_complete_replications_count(tmp_path: Path) -> None:
    skip = [("b", 1), ("b", 3)]
    run = open_run(
        store(
            tmp_path / "run", {"a": nothing, "b": EFFECTS["good"]}, skip=skip, replicates=5, twins=0
        )
    )
    words = "".join(
        shape.text_frame.text for slide in slides(run) for shape in slide.shapes
        if shape.has_text_frame
    )  # fmt: skip
    assert "3 of 5 replications are complete for every policy" in words


def test_equal_runs_make_equal_bytes(five: RunDirectory) -> None:
    summary = summarise(five)
    assert deck_bytes(five, summary) == deck_bytes(open_run(five.path), summary)
