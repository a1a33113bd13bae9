"""How a deck looks: boxes, letters, colours, text that fits."""

from typing import Any

import pytest
from PIL import ImageFont

from results.charts import looks
from results.deck.fitting import ELLIPSIS, Style, fitted, width, wrapped
from results.deck.names import short_names
from results.deck.native import nice_ends
from results.store import RunDirectory
from tests.decks import SMALLEST, charts, check_boxes, find, title, titles


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
