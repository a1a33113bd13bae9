"""Slides drawn from pages: each a title, one content, a line below it, and notes."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pptx.oxml.ns import qn
from pptx.presentation import Presentation
from pptx.util import Emu, Pt

from results.charts import INK, MUTED
from results.deck.fitting import Fitted, Style, fitted
from results.deck.names import writable
from results.deck.native import Chart, bars, columns, legend_width, lines
from results.deck.tables import Grid, free_table, ruled_table
from results.deck.template import (
    CONTENT,
    COVER,
    COVER_SIZE,
    COVER_TITLE,
    EDGE,
    FOOTER,
    ROOM,
    SMALLEST,
    SUBTITLE,
    TITLE,
    TITLE_SIZE,
    TITLE_SMALLEST,
    Place,
    bare,
    write,
)

BODY: Place = (EDGE, 104, ROOM, 348)
"""Where the content of a slide stands."""
BELOW: Place = (EDGE, 460, ROOM, 38)
CAVEAT_AT: Place = (EDGE, 350, ROOM, 110)
HEAD, FOOT = 30.0, 30.0
"""Room above and below the bars beside a table: for its head, and for figures of the axis."""
TALLEST_ROW = 100.0
"""Most points that a row with a bar takes."""
PANEL_GAP = 20.0


@dataclass(frozen=True)
class Bars:
    """A table whose rows go on as bars; the chart has a category for each of its rows."""

    grid: Grid
    chart: Chart


@dataclass(frozen=True)
class Lines:
    """One chart of lines, or two side by side with the same series."""

    charts: Sequence[Chart]


@dataclass(frozen=True)
class Columns:
    """Upright columns."""

    chart: Chart


@dataclass(frozen=True)
class Words:
    """Paragraphs, each with what opens it in bold."""

    paragraphs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Cover:
    """What the first slide says under its title."""

    subtitle: str
    caveat: str


@dataclass(frozen=True)
class Page:
    """One slide before it is drawn; ``shorter`` titles are there for want of room."""

    title: str
    content: Bars | Lines | Columns | Grid | Words | Cover
    notes: Sequence[str]
    below: str = ""
    shorter: Sequence[str] = ()


def draw(deck: Presentation, page: Page, footer: str) -> None:
    """Append a slide that shows ``page``."""
    kind = COVER if isinstance(page.content, Cover) else CONTENT
    slide = deck.slides.add_slide(deck.slide_layouts[kind])
    if kind == COVER:
        _set(slide.shapes.title, page.title, COVER_TITLE, Style(COVER_SIZE, True), TITLE_SMALLEST)
    else:
        title = next(filter(_has_room, (page.title, *page.shorter)), page.title)
        _set(slide.shapes.title, title, TITLE, Style(TITLE_SIZE, True), TITLE_SMALLEST)
    _draw_content(slide, page.content)
    if page.below:
        _add_text(slide, "Reading", page.below, BELOW, Style(SMALLEST), MUTED)
    _add_footers(slide, footer)
    slide.notes_slide.notes_text_frame.text = "\n".join(map(writable, page.notes))


def _has_room(title: str) -> bool:
    """Say whether a title stands in its place uncut."""
    _, _, width, height = TITLE
    whole = writable(title)
    style = Style(TITLE_SMALLEST, True)
    return fitted(whole, width, height, style, TITLE_SMALLEST).text == whole


def _draw_content(slide: Any, content: Any) -> None:
    match content:
        case Cover():
            _set(slide.placeholders[1], content.subtitle, SUBTITLE, Style(22), SMALLEST, MUTED)
            _add_text(slide, "Caveat", content.caveat, CAVEAT_AT, Style(18))
        case Bars():
            _draw_bars(slide, content)
        case Lines():
            _draw_lines(slide, content.charts)
        case Columns():
            columns(slide, BODY, content.chart, legend_width(content.chart))
        case Grid():
            free_table(slide, BODY, content)
        case Words():
            _add_words(slide, content)


def _draw_bars(slide: Any, content: Bars) -> None:
    left, top, width, most = BODY
    height = min(most, HEAD + FOOT + TALLEST_ROW * len(content.grid.rows))
    beside = sum(content.grid.widths)
    ruled_table(slide, (left, top, beside, height - FOOT), content.grid, HEAD)
    bars(slide, (left + beside, top, width - beside, height), content.chart, HEAD, FOOT)


def _draw_lines(slide: Any, charts: Sequence[Chart]) -> None:
    left, top, width, height = BODY
    legend = legend_width(charts[0])
    each = (width - legend - PANEL_GAP * (len(charts) - 1)) / len(charts)
    for place, chart in enumerate(charts):
        last = legend if place == len(charts) - 1 else 0.0
        at = (left + place * (each + PANEL_GAP), top, each + last, height)
        lines(slide, at, chart, last)


# Text


def _set(
    shape: Any, text: str, place: Place, largest: Style, smallest: float, colour: str = INK
) -> Fitted:
    """Write ``text`` into ``shape``, in letters that fit ``place``."""
    made = fitted(writable(text), place[2], place[3], largest, smallest)
    bare(shape.text_frame)
    write(shape.text_frame.paragraphs[0], made.text, made.style.size, colour, largest.bold)
    return made


def _add_text(
    slide: Any, name: str, text: str, place: Place, largest: Style, colour: str = INK
) -> None:
    shape = slide.shapes.add_textbox(*(Emu(Pt(each)) for each in place))
    shape.name = name
    _set(shape, text, place, largest, SMALLEST, colour)


SPACE_AFTER = 8.0


def _add_words(slide: Any, content: Words) -> None:
    """Write paragraphs in the largest letters in which all fit, none larger than 20 points."""
    _, _, width, height = BODY
    told = [(writable(lead), writable(text)) for lead, text in content.paragraphs]
    room = height - SPACE_AFTER * len(told)
    size = next(
        (each for each in range(20, SMALLEST, -1) if _height(told, width, each) <= room), SMALLEST
    )
    shape = slide.shapes.add_textbox(*(Emu(Pt(each)) for each in BODY))
    shape.name = "Words"
    bare(shape.text_frame)
    for place, (lead, text) in enumerate(told):
        frame = shape.text_frame
        paragraph = frame.paragraphs[0] if not place else frame.add_paragraph()
        paragraph.space_after = Pt(SPACE_AFTER)
        if lead:
            write(paragraph, f"{lead}{' ' if text else ''}", size, INK, True)
        write(paragraph, text, size)


def _height(told: Sequence[tuple[str, str]], width: float, size: float) -> float:
    style = Style(size, True)
    return sum(fitted(f"{a} {b}", width, 1e4, style, size).height for a, b in told)


# Footers


def _add_footers(slide: Any, footer: str) -> None:
    """Give ``slide`` the footer and the number that its layout has room for."""
    for holder in slide.slide_layout.placeholders:
        kind = holder.placeholder_format.type.name
        if kind not in ("FOOTER", "SLIDE_NUMBER"):
            continue
        made = copy.deepcopy(holder._element)
        taken = [int(each.get("id")) for each in slide.shapes._spTree.iter(qn("p:cNvPr"))]
        made.nvSpPr.cNvPr.set("id", str(max(taken) + 1))
        slide.shapes._spTree.append(made)
        shape = slide.shapes[-1]
        if kind == "FOOTER":
            shape.text_frame.clear()
            _set(shape, footer, FOOTER, Style(SMALLEST), SMALLEST, MUTED)
        else:
            _number(shape)


def _number(shape: Any) -> None:
    for properties in shape._element.iter(qn("a:rPr")):
        properties.set("sz", str(100 * SMALLEST))
