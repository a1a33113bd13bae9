"""Text that fits its box: how wide it runs in Arial, where it wraps, and what is cut.

Arial's advance widths are those of every font made to take its place (Helvetica, Liberation Sans,
Arimo), and Calibri runs narrower, so what fits here fits with any of them.
"""

import math
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

LINE = 1.2
"""Height of a line, as a multiple of the size of its letters."""
SPARE = 0.97
"""Share of a box's width that is filled; renderers round widths their own way."""
ELLIPSIS = "…"
PLAIN = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
BOLD = (
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
    611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
    278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
)  # fmt: skip
"""Advance widths of the characters from the space to the tilde, in thousandths of their size."""
OTHER, WIDE = 700, 1000
"""The same for any other letter, and for the wide ones of East Asia and for symbols."""


@dataclass(frozen=True)
class Style:
    """How large letters are set, in points, and whether bold."""

    size: float
    bold: bool = False

    @property
    def line(self) -> float:
        """Height of a line in points."""
        return LINE * self.size


@dataclass(frozen=True)
class Fitted:
    """A text as it is set: cut where it had to be, and the size that it got, in points."""

    text: str
    style: Style
    lines: int

    @property
    def height(self) -> float:
        """Height that the text takes, in points."""
        return self.lines * self.style.line


def width(text: str, style: Style) -> float:
    """Return how wide ``text`` runs on one line, in points."""
    table = BOLD if style.bold else PLAIN
    return style.size * sum(_advance(each, table) for each in text) / 1000


@lru_cache(maxsize=4096)
def _advance(character: str, table: tuple[int, ...]) -> int:
    place = ord(character) - 32
    if 0 <= place < len(table):
        return table[place]
    kind = unicodedata.category(character)
    if kind in ("Mn", "Cf"):
        return 0
    wide = unicodedata.east_asian_width(character) in "WF" or kind in ("So", "Sm", "Co", "Cn")
    return WIDE if wide or character == ELLIPSIS else OTHER


def wrapped(text: str, room: float, style: Style) -> list[str]:
    """Return ``text`` in lines of at most ``room`` points; a word that is wider is broken."""
    lines = [""]
    for word in text.split():
        for piece in _pieces(word, SPARE * room, style):
            joined = f"{lines[-1]} {piece}".strip()
            if width(joined, style) <= SPARE * room:
                lines[-1] = joined
            else:
                lines.append(piece)
    return lines


def _pieces(word: str, room: float, style: Style) -> list[str]:
    """Return ``word`` in pieces no wider than ``room``, each of one character at least."""
    pieces = [""]
    for character in word:
        if pieces[-1] and width(pieces[-1] + character, style) > room:
            pieces.append("")
        pieces[-1] += character
    return pieces


def fitted(text: str, room: float, height: float, largest: Style, smallest: float) -> Fitted:
    """Return ``text`` in the largest letters that fit ``room`` by ``height`` points.

    Sizes go down from ``largest`` in whole points; where not even ``smallest`` fits, the text is
    cut at the end of a word, or within one that is longer than a line.
    """
    size = largest.size
    while True:
        style = Style(size, largest.bold)
        most = max(1, math.floor(height / style.line + 1e-9))
        lines = wrapped(text, room, style)
        if len(lines) <= most:
            return Fitted(" ".join(text.split()), style, len(lines))
        if size <= smallest:
            return Fitted(_cut(lines[:most], room, style), style, most)
        size = max(smallest, size - 1)


def _cut(lines: list[str], room: float, style: Style) -> str:
    """Return ``lines`` as one text that ends in an ellipsis and takes no more of them."""
    text = " ".join(lines)
    while len(wrapped(text + ELLIPSIS, room, style)) > len(lines):
        shorter = text.rpartition(" ")[0]
        text = shorter if len(text) - len(shorter) < 20 and shorter else text[:-1].rstrip()
    return text.rstrip(" ,;:(") + ELLIPSIS
