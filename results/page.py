"""Pieces of HTML of which pages are made; every text that comes in is escaped here."""

import base64
import gzip
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from results.words import EN_DASH, unbroken

LONGEST_RUNNING = 80
"""Letters of the title that stand at the head of each printed page."""


def escape(text: object) -> str:
    """Return ``text`` so that HTML shows it as it is, also inside an attribute.

    A sign and the pound sign after it are kept on one line.
    """
    return html.escape(unbroken(str(text)), quote=True)


def style_safe(text: str) -> str:
    """Return ``text`` for a string in a style sheet, from which nothing in it can break out."""
    return "".join(
        letter if letter.isalnum() or letter == " " else f"\\{ord(letter):06x}" for letter in text
    )


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
        f'<table class="{kind}"><caption><span>{escape(caption)}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _table_row(cells: Iterable[str]) -> str:
    first, *rest = cells
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'


def hidden(words: str, content: str, *, printed: bool = True) -> str:
    """Return ``content`` behind a line that opens it; nothing where there is none.

    On paper it stands open, or where it is not ``printed`` not at all.
    """
    kind = "" if printed else ' class="on-screen"'
    told = f"<summary>{escape(words)}</summary>{content}"
    return f"<details{kind}>{told}</details>" if content else ""


SIDEWAYS = "Move the chart sideways to see the rest →"
UNDRAWN = "This chart was still being drawn when the page was printed: print it again."


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
        """The place where the chart is drawn, under its caption.

        On a small screen it is as narrow as that, or says that it can be moved sideways.
        """
        height = self.figure.layout.height
        kind = "plot fits" if self._fits else "plot"
        moved = "" if self._fits else f'<p class="sideways" aria-hidden="true">{SIDEWAYS}</p>'
        return (
            f'<figure><figcaption>{escape(self.words)}</figcaption>{moved}<div class="{kind}">'
            f'<div class="chart" role="img" aria-label="{escape(self.words)}" '
            f'data-figure="figure-{self.name}" style="height:{height:.0f}px"></div></div>'
            f'<p class="undrawn">{UNDRAWN}</p></figure>'
        )

    @property
    def _fits(self) -> bool:
        """Whether the chart is one panel without a legend, which can be narrow."""
        axes = list(self.figure.select_xaxes())
        return len(axes) < 2 and self.figure.layout.showlegend is False

    @property
    def data(self) -> str:
        """The chart as JSON, out of sight."""
        content = script_safe(str(self.figure.to_json()))
        return f'<script type="application/json" id="figure-{self.name}">{content}</script>'


@dataclass(frozen=True)
class Front:
    """What a page says of itself: above its sections, and below them.

    Attributes:
        heading: its title.
        standfirst: what it answers, in a line.
        caveat: what the reader must know first; it stands above and below.
        colophon: how it was made.
        warning: HTML of what is wrong with the results, if anything is.
    """

    heading: str
    standfirst: str
    caveat: str
    colophon: str
    warning: str = ""


def whole_page(front: Front, sections: Sequence[Section], figures: Sequence[Figure]) -> str:
    """Return a page that stands alone: its script, its style and its data are within it."""
    return Template(_text("report.html")).substitute(
        title=escape(f"{front.heading} {EN_DASH} tenderlab"),
        heading=escape(front.heading),
        running=style_safe(_shortened(front.heading)),
        standfirst=escape(front.standfirst),
        caveat=escape(front.caveat),
        warning=front.warning,
        contents=" ".join(f'<a href="#{each.name}">{each.title}</a>' for each in sections),
        sections="\n".join(each.html for each in sections),
        colophon=escape(front.colophon),
        data="\n".join(figure.data for figure in figures),
        style=_text("report.css"),
        script=_text("report.js"),
        plotly=_packed(get_plotlyjs()),
        holds=f"plotly.js {get_plotlyjs_version()}, MIT License, packed with gzip",
    )


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_RUNNING else f"{title[: LONGEST_RUNNING - 1].rstrip()}…"


def _packed(script: str) -> str:
    """Return a script as the page unpacks it; the same script gives the same text."""
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def _text(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")
