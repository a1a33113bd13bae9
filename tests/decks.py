"""Decks to look at: runs to tell of, with names that try to harm, and what a slide holds."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from pptx import Presentation
from pptx.util import Length

from results.deck import deck_bytes
from results.deck.fitting import Style, wrapped
from results.statistics import summarise
from results.store import RunDirectory
from results.words import JOINER
from tests.stored_runs import Effect, nothing

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
    books = {"fund_paid": 1.5, "fund_lent": 1.5, "fund_repaid": 0.9, "fund_written_off": 0.05}
    for name, value in books.items():
        measures[name] = np.full_like(measures["discount"], value)


EFFECTS = {
    "status-quo": nothing,
    "good": times(public_saving=3, sme_award_value=1.2),
    "bad": times(public_saving=0.2, bids=0.5, shared_councils=1.4),
    "same": nothing,
    "fund": with_fund,
}


TWO = {"a": nothing, "b": EFFECTS["good"]}


def entitle(manifest: dict[str, Any]) -> None:
    for policy, title in zip(manifest["question"]["policies"], HOSTILE, strict=True):
        policy["title"] = title.replace("\ud800", "")
        policy["description"] = policy["title"] * 3
    manifest["question"]["register"]["name"] = '=HYPERLINK("http://x")\x07' + "r" * 200


def slides(run: RunDirectory) -> list[Any]:
    return list(Presentation(io.BytesIO(deck_bytes(run, summarise(run)))).slides)


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
