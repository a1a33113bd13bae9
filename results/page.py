"""Pieces of HTML of which pages are made; every text that comes in is escaped here."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from results.words import MINUS

JOINER = "\N{WORD JOINER}"


def escape(text: object) -> str:
    """Return ``text`` so that HTML shows it as it is, also inside an attribute.

    A sign and the pound sign after it are kept on one line.
    """
    unbroken = str(text).replace("+£", f"+{JOINER}£").replace(f"{MINUS}£", f"{MINUS}{JOINER}£")
    return html.escape(unbroken, quote=True)


def script_safe(text: str) -> str:
    """Return JSON in which nothing can end or open a script, and that reads the same."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def paragraph(text: str, kind: str = "") -> str:
    """Return plain ``text`` as a paragraph."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(caption: str, heads: Sequence[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """Return a table; ``heads`` and the cells of ``rows`` are HTML, the first of a row its head."""
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(_table_row(cells) for cells in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="{kind}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _table_row(cells: Iterable[str]) -> str:
    first, *rest = cells
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'


def hidden(words: str, content: str) -> str:
    """Return ``content`` behind a line that opens it; nothing where there is none."""
    return f"<details><summary>{escape(words)}</summary>{content}</details>" if content else ""


@dataclass(frozen=True)
class Section:
    """A part of the page under one heading; ``content`` is HTML."""

    name: str
    title: str
    content: str

    @property
    def html(self) -> str:
        """The section as HTML."""
        head = f'<h2 id="{self.name}-title">{self.title}</h2>'
        return (
            f'<section id="{self.name}" aria-labelledby="{self.name}-title">{head}{self.content}'
            "</section>"
        )


@dataclass(frozen=True, eq=False)
class Figure:
    """A chart on the page: its name, what it shows in words, and Plotly's figure."""

    name: str
    words: str
    figure: go.Figure

    @property
    def html(self) -> str:
        """The place where the chart is drawn, under its caption."""
        height = self.figure.layout.height
        return (
            f'<figure><figcaption>{escape(self.words)}</figcaption><div class="plot">'
            f'<div class="chart" role="img" aria-label="{escape(self.words)}" '
            f'data-figure="figure-{self.name}" style="height:{height:.0f}px"></div></div></figure>'
        )

    @property
    def data(self) -> str:
        """The chart as JSON, out of sight."""
        content = script_safe(str(self.figure.to_json()))
        return f'<script type="application/json" id="figure-{self.name}">{content}</script>'
