"""Names that try to harm a deck, its workbooks or those who read it."""

import io
import re
import zipfile
from typing import Any

import pytest
from lxml import etree

from results.deck import deck_bytes
from results.deck.names import LONGEST, clean, short_names
from results.statistics import summarise
from results.store import RunDirectory, StoredPolicy
from results.words import JOINER, MINUS, unbroken
from tests.decks import (
    HOSTILE,
    charts,
    title,
)


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
