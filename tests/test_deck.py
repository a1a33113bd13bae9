"""The deck: its figures, its claims, its looks, and names that try to harm it."""

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lxml import etree
from PIL import ImageFont
from pptx import Presentation
from pptx.util import Length

from experiments.cli import main
from results.appraisal import appraise
from results.appraisal_words import money_of, who_gains
from results.charts import looks
from results.deck import deck_bytes, write_deck
from results.deck.fitting import ELLIPSIS, Style, fitted, width, wrapped
from results.deck.names import LONGEST, clean, short_names
from results.deck.native import nice_ends
from results.narrative import rows_of
from results.statistics import SILENT, outcome_of, summarise
from results.store import RunDirectory, StoredPolicy, open_run
from results.words import JOINER, MINUS, amount, amounts, change, unbroken
from simulation.outcomes import OUTCOMES
from tests.stored_runs import Effect, nothing, rewrite, store

SLIDE = (960, 540)
SMALLEST = 14
HOSTILE = (
    "Baseline & <b>bold</b>",
    "x" * 200,
    "=cmd|' /C calc'!A0",
    "http://example.org/x",
    "internal:Sheet2!A1",
    "سياسة المشتريات الجديدة للمجالس المحلية",
    "a\x00b\x1b[31m\u202eevil\u2066\ufffe\ud800",
    "very long words of a policy that goes on and on, and never comes to an end, whatever one does",
    "very long words of a policy that goes on and on, and never comes to an end, yet is another",
    "@SUM(1+1)*cmd \"q\" 's'",
    "日本語の長い名前" * 8,
    "\x07",
)


def times(**factors: float) -> Effect:
    def effect(measures: dict[str, Any]) -> None:
        for name, factor in factors.items():
            measures[name] = measures[name] * factor

    return effect


def with_fund(measures: dict[str, Any]) -> None:
    for name, value in {"fund_paid": 1.5, "fund_repaid": 0.9, "fund_written_off": 0.05}.items():
        measures[name] = np.full_like(measures["discount"], value)


EFFECTS = {
    "status-quo": nothing,
    "good": times(public_saving=3, sme_award_value=1.2),
    "bad": times(public_saving=0.2, bids=0.5, shared_councils=1.4),
    "same": nothing,
    "fund": with_fund,
}


TWO = {"a": nothing, "b": EFFECTS["good"]}


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return open_run(store(tmp_path_factory.mktemp("five") / "run", EFFECTS, years=6, replicates=6))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    effects = list(EFFECTS.values())
    policies = {f"p{place}": effects[place % 5] for place in range(len(HOSTILE))}
    path = store(tmp_path_factory.mktemp("hostile") / "=run 'x'", policies, years=5, replicates=6)
    rewrite(path, entitle)
    return open_run(path)


def entitle(manifest: dict[str, Any]) -> None:
    for policy, title in zip(manifest["question"]["policies"], HOSTILE, strict=True):
        policy["title"] = title.replace("\ud800", "")
        policy["description"] = policy["title"] * 3
    manifest["question"]["register"]["name"] = '=HYPERLINK("http://x")\x07' + "r" * 200


def slides(run: RunDirectory) -> list[Any]:
    return list(Presentation(io.BytesIO(deck_bytes(run, summarise(run)))).slides)


@pytest.fixture(scope="module")
def of_five(five: RunDirectory) -> list[Any]:
    return slides(five)


@pytest.fixture(scope="module")
def of_hostile(hostile: RunDirectory) -> list[Any]:
    return slides(hostile)


@pytest.fixture(params=["of_five", "of_hostile"])
def drawn(request: pytest.FixtureRequest) -> list[Any]:
    found: list[Any] = request.getfixturevalue(request.param)
    return found


def title(slide: Any) -> str:
    return str(slide.shapes.title.text_frame.text).replace(JOINER, "")


def titles(drawn: list[Any]) -> str:
    return "\n".join(map(title, drawn))


def find(drawn: list[Any], start: str) -> Any:
    return next(slide for slide in drawn if title(slide).startswith(start))


def charts(slide: Any) -> list[Any]:
    return [shape.chart for shape in slide.shapes if shape.has_chart]


def frames(slide: Any) -> Iterator[tuple[Any, float, float]]:
    """Yield every text frame of a slide with the width and height of its box, in points."""
    for shape in slide.shapes:
        if shape.has_text_frame:
            yield shape.text_frame, points(shape.width), points(shape.height)
        elif shape.has_table:
            table = shape.table
            for y, row in enumerate(table.rows):
                for x, column in enumerate(table.columns):
                    cell = table.cell(y, x)
                    aside = points(cell.margin_left + cell.margin_right)
                    above = points(cell.margin_top + cell.margin_bottom)
                    room = points(column.width) - aside, points(row.height) - above
                    yield cell.text_frame, *room


def points(length: int) -> float:
    return Length(length).pt


# What it says


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


# Runs of every kind


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


# Looks


def check_boxes(made: list[Any]) -> None:
    """Check that nothing leaves the slide, and that texts fit their boxes in readable letters."""
    for slide in made:
        for shape in slide.shapes:
            ends = points(shape.left + shape.width), points(shape.top + shape.height)
            assert min(shape.left, shape.top) >= 0
            assert ends[0] <= SLIDE[0] + 0.1
            assert ends[1] <= SLIDE[1] + 0.1
        for frame, room, height in frames(slide):
            assert needed(frame, room) <= height + 0.1, frame.text


def needed(frame: Any, room: float) -> float:
    """Return how high a text frame is when set, in points."""
    total = 0.0
    for paragraph in frame.paragraphs:
        runs = paragraph.runs
        if not runs:
            continue
        size, bold = runs[0].font.size.pt, any(run.font.bold for run in runs)
        assert size >= SMALLEST
        total += len(wrapped(paragraph.text, room, Style(size, bold))) * 1.2 * size
        total += paragraph.space_after.pt if paragraph.space_after else 0
    return total


def test_nothing_leaves_its_box(drawn: list[Any]) -> None:
    check_boxes(drawn)


def test_titles_take_two_lines_at_most(drawn: list[Any]) -> None:
    for slide in drawn:
        (paragraph,) = slide.shapes.title.text_frame.paragraphs
        (run,) = paragraph.runs
        assert len(wrapped(run.text, 880, Style(run.font.size.pt, True))) <= 2


def test_of_a_title_only_names_are_cut(hostile: RunDirectory, of_hostile: list[Any]) -> None:
    left = titles(of_hostile)
    for name in short_names(hostile.policies).values():
        left = left.replace(name, "")
    assert ELLIPSIS not in left


def test_letters_of_charts_are_large_enough(drawn: list[Any]) -> None:
    sizes = {
        int(each.get("sz"))
        for slide in drawn for chart in charts(slide)
        for each in chart._chartSpace.iter("{*}defRPr", "{*}rPr") if each.get("sz")
    }  # fmt: skip
    assert min(sizes) >= 100 * SMALLEST


def test_those_who_cannot_see_are_told(drawn: list[Any]) -> None:
    for slide in drawn:
        for shape in slide.shapes:
            if shape.has_chart or shape.has_table:
                words = shape._element.nvGraphicFramePr.cNvPr.get("descr")
                assert len(words) > 10
            if shape.has_table:
                assert shape.table.first_row


def test_a_title_is_read_first(drawn: list[Any]) -> None:
    for slide in drawn:
        assert slide.shapes[0].shape_id == slide.shapes.title.shape_id


def test_verdicts_have_words_beside_their_colour(of_five: list[Any]) -> None:
    (table,) = (s.table for s in find(of_five, "Net public saving:").shapes if s.has_table)
    assert [table.cell(row, 3).text for row in (1, 2, 3)] == [
        "▲ better", "▼ worse", "= identical",
    ]  # fmt: skip


def test_a_policy_has_its_colour_on_every_chart(five: RunDirectory, of_five: list[Any]) -> None:
    expected = {name: look.colour[1:].upper() for name, look in looks(five.policies).items()}
    lines = [chart for slide in of_five for chart in charts(slide) if title(slide)[:2] == "In"]
    assert len(lines) == 4
    for chart in lines:
        for series in chart.plots[0].series:
            assert str(series.format.line.color.rgb) == expected[series.name]


# Text that fits


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_those_of_arial(bold: bool) -> None:
    name = "LiberationSans-Bold.ttf" if bold else "LiberationSans-Regular.ttf"
    try:
        font = ImageFont.truetype(name, 1000)
    except OSError:
        pytest.skip("Liberation Sans, which is as wide as Arial, is not installed")
    for text in (
        "Councils' realised saving",
        "£1,234.5m to \N{MINUS SIGN}£0.07m",
        "WWW iii |||",
        "è\N{EN DASH}ü",
    ):
        assert width(text, Style(1000, bold)) >= 0.99 * font.getlength(text)


def test_letters_shrink_before_words_are_cut() -> None:
    text = "a sentence of some words that is rather long for its box"
    whole = fitted(text, 200, 60, Style(28), 14)
    assert whole.text == text
    assert 14 <= whole.style.size < 28
    cut = fitted(text * 9, 200, 60, Style(28), 14)
    assert cut.text.endswith(ELLIPSIS)
    assert cut.height <= 60


@pytest.mark.parametrize("text", ["", "x" * 3000, "日本" * 500, "a b " * 900])
def test_any_text_fits_any_box(text: str) -> None:
    made = fitted(text, 50, 20, Style(20), 14)
    assert len(wrapped(made.text, 50, made.style)) == 1


@pytest.mark.parametrize(
    "values",
    [[0.0], [-3.2, 7.9], [1e-7, 3e-7], [1e6, 1e6], [-5.0, -5.0], [0.1, 0.1 + 0.2]],
)
def test_an_axis_holds_its_values_between_round_ends(values: list[float]) -> None:
    low, high, step = nice_ends(values, 4)
    assert low <= min(values) + 1e-6 * step
    assert high >= max(values) - 1e-6 * step
    assert 1 <= round((high - low) / step) <= 8


# Names that try to harm


def parts(run: RunDirectory) -> dict[str, bytes]:
    """Return every file of a deck and of the workbooks in it, by name."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(deck_bytes(run, summarise(run)))) as deck:
        for name in deck.namelist():
            found[name] = deck.read(name)
            if name.endswith(".xlsx"):
                with zipfile.ZipFile(io.BytesIO(found[name])) as book:
                    found |= {f"{name}/{each}": book.read(each) for each in book.namelist()}
    return found


def test_nothing_points_outside(hostile: RunDirectory) -> None:
    for name, content in parts(hostile).items():
        if name.endswith(".rels"):
            assert b"External" not in content, name


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(hostile: RunDirectory) -> None:
    found = parts(hostile)
    sheets = [content for name, content in found.items() if name.endswith("sheet1.xml")]
    texts = b"".join(content for name, content in found.items() if "sharedStrings" in name)
    assert sheets
    for sheet in sheets:
        assert not re.search(rb"<f[ >]|<hyperlink", sheet)
    assert b"=cmd|' /C calc'!A0" in texts


def test_workbooks_hold_the_numbers_of_their_charts(of_five: list[Any]) -> None:
    for slide in of_five:
        for chart in charts(slide):
            blob = chart.part.chart_workbook.xlsx_part.blob
            with zipfile.ZipFile(io.BytesIO(blob)) as book:
                sheet = etree.fromstring(book.read("xl/worksheets/sheet1.xml"))
            cells = {
                cell.get("r"): cell.findtext("{*}v") for cell in sheet.iter("{*}c")
                if cell.get("t") != "s"
            }  # fmt: skip
            for reference in chart._chartSpace.iter("{*}numRef"):
                check_reference(reference, cells)


def check_reference(reference: Any, cells: dict[str, str]) -> None:
    """Check that the numbers that a chart draws are those of the cells to which it refers."""
    column, first = re.findall(r"\$([A-Z]+)\$(\d+)", reference.findtext("{*}f"))[0]
    for point in reference.iter("{*}pt"):
        cell = cells[f"{column}{int(first) + int(point.get('idx'))}"]
        assert float(cell) == pytest.approx(float(point.findtext("{*}v")), rel=1e-12)


def test_markup_is_shown_and_formulas_stand_as_text(of_hostile: list[Any]) -> None:
    assert "<b>bold</b>" in title(of_hostile[0])
    (table,) = (shape.table for shape in of_hostile[1].shapes if shape.has_table)
    names = [table.cell(row, 0).text for row in range(1, len(table.rows))]
    assert "=cmd|' /C calc'!A0" in names
    assert "a b [31m evil" in names


def test_names_stay_apart_when_they_are_cut() -> None:
    policies = {
        f"p{place}": StoredPolicy(f"p{place}", title) for place, title in enumerate(HOSTILE)
    }
    names = short_names(policies)
    assert len(set(names.values())) == len(HOSTILE)
    assert max(map(len, names.values())) <= LONGEST + 2


def test_clean_names_turn_no_text_around() -> None:
    assert clean("a\u202eb\u2066c\x00\ufffe\ud800\u2028d\n e") == "a b c d e"


def test_notes_keep_long_names_whole(of_hostile: list[Any]) -> None:
    assert HOSTILE[8] in of_hostile[0].notes_slide.notes_text_frame.text


def test_signs_stay_with_their_pound() -> None:
    assert unbroken(f"(+£3m, {MINUS}£2m)") == f"(+{JOINER}£3m, {MINUS}{JOINER}£2m)"


# The command


def test_the_command_writes_a_deck(
    five: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "Meeting.PPTX"
    assert main(["deck", str(five.path), "--out", str(target)]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert target.read_bytes() == deck_bytes(five, summarise(five))


def test_a_deck_stands_in_its_run_directory(five: RunDirectory) -> None:
    assert main(["deck", str(five.path)]) == 0
    assert (five.path / "deck.pptx").is_file()
    assert [path.name for path in five.path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("deck.ppt", "must end in .pptx"),
        ("deck", "must end in .pptx"),
        ("run/events/x.pptx", "belongs to run"),
        ("file/deck.pptx", ""),
        ("folder.pptx", ""),
    ],
)
def test_a_place_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, words: str
) -> None:
    path = store(tmp_path / "run", {"a": nothing, "b": nothing}, replicates=2, twins=0)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.pptx").mkdir()
    assert main(["deck", str(path), "--out", str(tmp_path / out)]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.startswith("tenderlab: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_what_is_no_run_directory_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["deck", str(tmp_path / place), "--out", str(tmp_path / "a.pptx")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a.pptx").exists()


def test_a_run_without_a_complete_replication_has_no_deck(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip = [("b", 0), ("a", 1)]
    path = store(tmp_path / "run", {"a": nothing, "b": nothing}, skip=skip, replicates=2, twins=0)
    assert main(["deck", str(path)]) == 2
    assert "no replication is complete" in capsys.readouterr().err
    assert not (path / "deck.pptx").exists()


def test_a_run_made_in_memory_has_a_deck(five: RunDirectory, tmp_path: Path) -> None:
    outcomes: pd.DataFrame = five.outcomes[five.outcomes["replication"] < 2]
    held = InMemory(tmp_path / "nowhere", five.manifest, five.register, outcomes)
    path = write_deck(held, tmp_path / "a.pptx")
    assert "How sure: 2 paired replications" in titles(list(Presentation(str(path)).slides))


class InMemory(RunDirectory):
    """A run of which nothing is on disk."""

    def events(self) -> tuple[str, ...]:
        return ()


# LibreOffice


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_it(hostile: RunDirectory, tmp_path: Path) -> None:
    path = write_deck(hostile, tmp_path / "deck.pptx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=120)
    pages = re.findall(rb"/Type\s*/Page\b", (tmp_path / "deck.pdf").read_bytes())
    assert len(pages) == len(Presentation(str(path)).slides)
