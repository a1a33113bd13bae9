"""Native tables: their letters as large as their room allows, their rows never taller than it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any

from pptx.enum.text import MSO_ANCHOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.util import Emu, Pt

from results.charts import INK, MUTED, RULE
from results.deck.fitting import Fitted, Style, fitted, wrapped
from results.deck.names import writable
from results.deck.template import LEFT, RIGHT, SMALLEST, Place, ink, write

ASIDE, ABOVE = 6.0, 3.0
"""Margins in a cell, in points: left and right, above and below."""
LARGEST = 18
MOST_LINES = 3
"""A cell of a table that sets its own heights is cut after as many lines."""
UNSTYLED = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""The identity that PowerPoint gives to "no style, no grid"."""


@dataclass(frozen=True)
class Cell:
    """A text in a table; ``otherwise`` takes its place where it has no room uncut."""

    text: str
    bold: bool = False
    colour: str = INK
    otherwise: str = ""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        heads: of its columns.
        rows: cells, the first of each is the head of its row.
        widths: of its columns, in points.
        words: what it holds, for those who cannot see it.
        figures: whether all columns but the first hold figures, set to the right.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[float]
    words: str
    figures: bool = False


def height_of(grid: Grid, row: Sequence[Cell], size: float) -> float:
    """Return how high a row is whose letters have ``size``, in points."""
    return max(
        _lines(cell, width, size) * Style(size).line + 2 * ABOVE
        for cell, width in zip(row, grid.widths, strict=True)
    )


def _lines(cell: Cell, width: float, size: float) -> int:
    lines = wrapped(cell.text, width - 2 * ASIDE, Style(size, cell.bold))
    return min(MOST_LINES, len(lines))


def head_of(grid: Grid) -> Sequence[Cell]:
    """Return the cells of the head."""
    return [Cell(each, bold=True, colour=MUTED) for each in grid.heads]


def parted(grid: Grid, height: float) -> Iterator[Grid]:
    """Yield ``grid`` in parts none of which is higher than ``height`` in the smallest letters."""
    head = height_of(grid, head_of(grid), SMALLEST)
    part: list[Sequence[Cell]] = []
    used = head
    for row in grid.rows:
        needed = height_of(grid, row, SMALLEST)
        if part and used + needed > height:
            yield replace(grid, rows=part)
            part, used = [], head
        part, used = [*part, row], used + needed
    yield replace(grid, rows=part)


def evenly[Item](items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    """Yield ``items`` in as few parts of at most ``most`` as there must be, about equally long."""
    parts = math.ceil(len(items) / most)
    return batched(items, math.ceil(len(items) / parts)) if parts else iter(())


def free_table(slide: Any, place: Place, grid: Grid) -> None:
    """Draw ``grid`` in the largest letters in which it is no higher than ``place``."""
    rows = [head_of(grid), *grid.rows]
    left, top, width, height = place
    sizes = range(LARGEST, SMALLEST, -1)
    total = {size: sum(height_of(grid, row, size) for row in rows) for size in sizes}
    size = next((each for each in sizes if total[each] <= height), SMALLEST)
    heights = [height_of(grid, row, size) for row in rows]
    _draw(slide, (left, top, width, sum(heights)), grid, heights, size)


def ruled_table(slide: Any, place: Place, grid: Grid, head: float) -> None:
    """Draw ``grid`` in rows of one height that fill ``place`` under a head ``head`` points high."""
    row = (place[3] - head) / len(grid.rows)
    _draw(slide, place, grid, [head, *[row] * len(grid.rows)], LARGEST - 2)


def _draw(slide: Any, place: Place, grid: Grid, heights: Sequence[float], largest: float) -> None:
    shape = (len(grid.rows) + 1, len(grid.heads))
    frame = slide.shapes.add_table(*shape, *(Emu(Pt(each)) for each in place))
    frame.name = writable(grid.words)
    frame._element.nvGraphicFramePr.cNvPr.set("descr", writable(grid.words))
    table = frame.table
    table.first_row, table.first_col, table.horz_banding = True, True, False
    table._tbl.tblPr.find(qn("a:tableStyleId")).text = UNSTYLED
    for column, width in zip(table.columns, grid.widths, strict=True):
        column.width = Emu(Pt(width))
    for row, height in zip(table.rows, heights, strict=True):
        row.height = Emu(Pt(height))
    for y, row in enumerate([head_of(grid), *grid.rows]):
        for x, cell in enumerate(row):
            room = grid.widths[x] - 2 * ASIDE
            set_in = _fitted(cell, room, heights[y] - 2 * ABOVE, largest if y else SMALLEST)
            _fill(table.cell(y, x), cell, set_in, bool(x) and grid.figures)


def _fitted(cell: Cell, room: float, height: float, largest: float) -> Fitted:
    """Return the text of a cell as it is set: what stands otherwise where it would be cut."""
    style = Style(largest, cell.bold)
    whole = fitted(writable(cell.text), room, height, style, SMALLEST)
    if not cell.otherwise or whole.text == writable(cell.text):
        return whole
    return fitted(writable(cell.otherwise), room, height, style, SMALLEST)


def _fill(shown: Any, cell: Cell, text: Fitted, figure: bool) -> None:
    shown.margin_left = shown.margin_right = Emu(Pt(ASIDE))
    shown.margin_top = shown.margin_bottom = Emu(Pt(ABOVE))
    shown.vertical_anchor = MSO_ANCHOR.MIDDLE
    paragraph = shown.text_frame.paragraphs[0]
    paragraph.alignment = RIGHT if figure else LEFT
    write(paragraph, text.text, text.style.size, cell.colour, cell.bold)
    shown._tc.get_or_add_tcPr().append(
        parse_xml(
            '<a:lnB xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" w="9525">'
            f'<a:solidFill><a:srgbClr val="{ink(RULE)}"/></a:solidFill></a:lnB>'
        )
    )
