"""The bare presentation: 16:9, two layouts, the charts' colours and a font found everywhere."""

import re
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.presentation import Presentation as PresentationFile
from pptx.util import Emu, Pt

from results.charts import BASELINE, INK, MUTED, PALETTE, PAPER, RULE
from results.words import unbroken

FONT = "Arial"
WIDTH, HEIGHT = 960.0, 540.0
"""Size of a slide in points: 16:9."""
EDGE = 40.0
ROOM = WIDTH - 2 * EDGE
"""Width between the edges."""
SMALLEST = 14
"""No text is smaller than this, in points."""
TITLE_SIZE, TITLE_SMALLEST = 28, 20
COVER_SIZE = 40
LAYOUTS = ("Title Slide", "Title Only")
COVER, CONTENT = range(2)

type Place = tuple[float, float, float, float]
"""Left, top, width and height in points."""

TITLE: Place = (EDGE, 22, ROOM, 2 * 1.2 * TITLE_SIZE + 2)
COVER_TITLE: Place = (EDGE, 84, ROOM, 2 * 1.2 * COVER_SIZE + 2)
SUBTITLE: Place = (EDGE, 200, ROOM, 120)
FOOTER: Place = (EDGE, 508, ROOM - 80, 22)
NUMBER: Place = (WIDTH - EDGE - 60, 508, 60, 22)
PLACES = {
    COVER: {0: COVER_TITLE, 1: SUBTITLE, 11: FOOTER, 12: NUMBER},
    CONTENT: {0: TITLE, 11: FOOTER, 12: NUMBER},
}
"""Where the placeholders of each layout stand, by their index."""
ON_MASTER = {"TITLE": TITLE, "BODY": (EDGE, 112, ROOM, 380), "FOOTER": FOOTER,
             "SLIDE_NUMBER": NUMBER}  # fmt: skip


def blank() -> PresentationFile:
    """Return a presentation without slides, in the look of the charts."""
    made = Presentation()
    made.slide_width, made.slide_height = Emu(Pt(WIDTH)), Emu(Pt(HEIGHT))
    _keep_layouts(made)
    _colour(made)
    master = made.slide_master
    for shape in [*master.placeholders]:
        kind = shape.placeholder_format.type.name
        _settle(shape, ON_MASTER.get(kind))
    for index, places in PLACES.items():
        for shape in [*made.slide_layouts[index].placeholders]:
            _settle(shape, places.get(shape.placeholder_format.idx))
    _style_titles(made)
    return made


def _keep_layouts(made: PresentationFile) -> None:
    for layout in [*made.slide_layouts]:
        if layout.name not in LAYOUTS:
            made.slide_layouts.remove(layout)


def _settle(shape: Any, place: Place | None) -> None:
    """Move a placeholder to its place; one that has none goes."""
    if place is None:
        shape._element.getparent().remove(shape._element)
    else:
        shape.left, shape.top, shape.width, shape.height = (Emu(Pt(each)) for each in place)
        bare(shape.text_frame)


def bare(frame: Any, anchor: MSO_ANCHOR = MSO_ANCHOR.TOP) -> None:
    """Take the margins off a text frame and leave its size to what is written into it."""
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    frame.word_wrap, frame.auto_size, frame.vertical_anchor = True, MSO_AUTO_SIZE.NONE, anchor


def _style_titles(made: PresentationFile) -> None:
    """Set titles to the left, in bold; `slides` gives each text its size."""
    for style in made.slide_master._element.iter("{*}titleStyle"):
        level = style.find("{*}lvl1pPr")
        level.set("algn", "l")
        level.find("{*}defRPr").set("b", "1")
        level.find("{*}defRPr").set("sz", str(100 * TITLE_SIZE))
    layouts: list[Any] = list(made.slide_layouts)
    holders = [each for one in (made.slide_master, *layouts) for each in one.placeholders]
    for shape in holders:
        for level in shape._element.iter("{*}lvl1pPr"):
            level.set("algn", "r" if shape.placeholder_format.type.name == "SLIDE_NUMBER" else "l")


def _colour(made: PresentationFile) -> None:
    """Give the theme the charts' colours, so that what a user adds has them too."""
    theme = made.slide_master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    text = theme.blob.decode()
    colours = {"dk1": INK, "lt1": PAPER, "dk2": MUTED, "lt2": RULE, "hlink": PALETTE[0],
               "folHlink": BASELINE}  # fmt: skip
    colours |= {f"accent{place}": colour for place, colour in enumerate(PALETTE, start=1)}
    for name, colour in colours.items():
        own = f'<a:{name}><a:srgbClr val="{colour[1:].upper()}"/></a:{name}>'
        text = re.sub(rf"<a:{name}>.*?</a:{name}>", own, text, count=1)
    text = text.replace('<a:latin typeface="Calibri"/>', f'<a:latin typeface="{FONT}"/>')
    text = text.replace("Office Theme", "tenderlab").replace('name="Office"', 'name="tenderlab"')
    theme.blob = text.encode()


def ink(colour: str) -> RGBColor:
    """Return a colour written as ``#rrggbb``."""
    return RGBColor(*bytes.fromhex(colour[1:]))


def write(paragraph: Any, text: str, size: float, colour: str = INK, bold: bool = False) -> None:
    """Set ``paragraph`` to ``text`` in one run of its own size and colour."""
    run = paragraph.add_run()
    run.text = unbroken(text)
    run.font.size, run.font.bold, run.font.color.rgb = Pt(size), bold, ink(colour)
    run._r.get_or_add_rPr().set("lang", "en-GB")


RIGHT, LEFT, CENTRE = PP_ALIGN.RIGHT, PP_ALIGN.LEFT, PP_ALIGN.CENTER
