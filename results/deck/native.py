"""Native charts, that open and change in PowerPoint and LibreOffice with the workbook behind them.

Every text of a workbook is written as text: none can become a formula or a link there.
"""

import datetime
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pptx.chart.data import CategoryChartData
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
    XL_TICK_MARK,
)
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.util import Emu, Pt
from xlsxwriter import Workbook

from results.charts import INK, MUTED
from results.deck.fitting import Style, width
from results.deck.names import writable
from results.deck.template import SMALLEST, Place, ink
from results.words import FINEST_MONEY, MINUS, decimals

EPOCH = datetime.datetime(2000, 1, 1)
"""Stands in workbooks as the time at which they were made, so that equal ones have equal bytes."""
GRID = "#e3e7eb"
NAMESPACE = "http://schemas.openxmlformats.org/drawingml/2006/chart"
PLAIN_STRINGS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
MARKERS = (
    XL_MARKER_STYLE.CIRCLE,
    XL_MARKER_STYLE.SQUARE,
    XL_MARKER_STYLE.DIAMOND,
    XL_MARKER_STYLE.TRIANGLE,
)
"""Marks of lines, in turn, so that they differ by more than colour; the first has none."""
STEPS, FEWER_STEPS = 4, 3
"""About as many steps does an axis of values have: upright, and level beside a table."""
SIDE = 14.0
"""Room left and right of bars, in points, for half a figure of the axis."""
HEADING, FIGURES, LEVEL_NAMES = 34.0, 56.0, 28.0
"""Room for the title of a chart, the figures beside it, and level names below, in points."""
GAP = 8.0
ENTRY, KEY, WIDEST_LEGEND = 36.0, 52.0, 250.0
"""Height of an entry of a legend, two lines; width of its key and margins, and of the whole."""
SLANTED = 22.0
"""Width that a slanted name takes on an axis, in points."""
SLANT = -2_700_000
"""Half a right angle upwards, in the unit of the file: 60,000 a degree."""


@dataclass(frozen=True)
class Series:
    """One row of values of a chart; NaN stands for no value.

    Attributes:
        colours: of each value, or one for all.
        low: lower ends of an interval around the values, empty where there is none.
        high: its upper ends.
    """

    name: str
    values: Sequence[float]
    colours: Sequence[str]
    low: Sequence[float] = ()
    high: Sequence[float] = ()

    @property
    def distances(self) -> dict[str, list[float]]:
        """How far the interval reaches up and down from each value, by what heads them."""
        ends = list(zip(self.values, self.low, self.high, strict=True)) if self.low else []
        if not ends or not all(math.isfinite(each) for one in ends for each in one):
            return {}
        return {
            "up to the end of the 95% interval": [high - value for value, _, high in ends],
            "down to its other end": [value - low for value, low, _ in ends],
        }


@dataclass(frozen=True)
class Chart:
    """What a chart shows, apart from its form.

    Attributes:
        title: what is measured, in what; it stands above the chart.
        words: the same for those who cannot see it.
        signed: whether the figures on the axis of values have a sign.
    """

    title: str
    words: str
    categories: Sequence[str]
    series: Sequence[Series]
    signed: bool = False


# The data behind a chart


def _data(chart: Chart) -> CategoryChartData:
    data = CategoryChartData(number_format="General")
    data.categories = [writable(each) for each in chart.categories]
    for series in chart.series:
        values = [float(each) if math.isfinite(each) else None for each in series.values]
        data.add_series(writable(series.name), values)
    return data


def workbook(chart: Chart) -> bytes:
    """Return the workbook that stands behind ``chart``.

    Categories are in column A and series from column B on, where the chart looks for them; then
    come the distances from each value to the ends of its interval.
    """
    columns: list[tuple[str, Sequence[float]]] = [(one.name, one.values) for one in chart.series]
    for series in chart.series:
        columns += series.distances.items()
    buffer = io.BytesIO()
    with Workbook(buffer, PLAIN_STRINGS) as book:
        book.set_properties({"created": EPOCH, "author": "tenderlab"})
        sheet = book.add_worksheet("Sheet1")
        for row, name in enumerate(chart.categories, start=1):
            sheet.write_string(row, 0, writable(name))
        for place, (name, values) in enumerate(columns, start=1):
            _fill(sheet, place, name, values)
    return buffer.getvalue()


def _fill(sheet: Any, column: int, name: str, values: Sequence[float]) -> None:
    sheet.write_string(0, column, writable(name))
    for row, value in enumerate(values, start=1):
        if math.isfinite(value):
            sheet.write_number(row, column, value)


def _placed(slide: Any, kind: XL_CHART_TYPE, place: Place, chart: Chart) -> Any:
    """Put a chart on ``slide`` with its workbook, its words and the house's letters."""
    frame = slide.shapes.add_chart(kind, *(Emu(Pt(each)) for each in place), _data(chart))
    frame.name = writable(chart.title)
    frame._element.nvGraphicFramePr.cNvPr.set("descr", writable(chart.words))
    drawn = frame.chart
    drawn.part.chart_workbook.update_from_xlsx_blob(workbook(chart))
    drawn.font.size, drawn.font.color.rgb = Pt(SMALLEST), ink(INK)
    drawn.has_title = True
    drawn.chart_title.text_frame.text = writable(chart.title)
    letters = drawn.chart_title.text_frame.paragraphs[0].runs[0].font
    letters.size, letters.bold, letters.color.rgb = Pt(SMALLEST), False, ink(MUTED)
    return drawn


# Bars


def bars(slide: Any, place: Place, chart: Chart, head: float, foot: float) -> None:
    """Draw one series as horizontal bars with intervals, the first category on top.

    The bars stand between ``head`` and ``foot`` points from the edges of ``place``, in as many rows
    of one height as there are categories, so that the rows of a table fit beside them.
    """
    drawn = _placed(slide, XL_CHART_TYPE.BAR_CLUSTERED, place, chart)
    drawn.has_legend = False
    drawn.plots[0].gap_width = 90
    shown, series = drawn.plots[0].series[0], chart.series[0]
    shown.invert_if_negative = False
    _colour_points(shown, series)
    _add_interval(shown, series)
    _scale(drawn.value_axis, chart, [0.0], FEWER_STEPS)
    _plain_names(drawn.category_axis)
    drawn.category_axis.reverse_order = True
    drawn.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.NONE
    drawn.value_axis.tick_label_position = XL_TICK_LABEL_POSITION.HIGH
    _, _, wide, high = place
    plot = (SIDE, head, wide - 2 * SIDE, high - head - foot)
    _lay_out(drawn._chartSpace.chart.plotArea, _shares(plot, place), inner=True)


def _colour_points(shown: Any, series: Series) -> None:
    _fill_with(shown.format, series.colours[0])
    for place, colour in enumerate(series.colours):
        if colour != series.colours[0]:
            _fill_with(shown.points[place].format, colour)


def _fill_with(form: Any, colour: str) -> None:
    form.fill.solid()
    form.fill.fore_color.rgb = ink(colour)


def _add_interval(shown: Any, series: Series) -> None:
    """Draw the interval as custom error bars, which read their columns of the workbook."""
    if not series.distances:
        return
    columns = zip(("plus", "minus"), "CD", series.distances.values(), strict=True)
    ends = "".join(_numbers(name, letter, values) for name, letter, values in columns)
    made = parse_xml(
        f'<c:errBars xmlns:c="{NAMESPACE}" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="0"/>'
        f'{ends}<c:spPr><a:ln w="22225"><a:solidFill><a:srgbClr val="{ink(INK)}"/></a:solidFill>'
        "</a:ln></c:spPr></c:errBars>"
    )
    shown._element.find(qn("c:cat")).addprevious(made)


def _numbers(name: str, column: str, values: Sequence[float]) -> str:
    """Return numbers of a column of the workbook, with a copy of them for who draws the chart."""
    points = "".join(
        f'<c:pt idx="{row}"><c:v>{value!r}</c:v></c:pt>' for row, value in enumerate(values)
    )
    return (
        f"<c:{name}><c:numRef><c:f>Sheet1!${column}$2:${column}${1 + len(values)}</c:f>"
        f'<c:numCache><c:formatCode>General</c:formatCode><c:ptCount val="{len(values)}"/>{points}'
        f"</c:numCache></c:numRef></c:{name}>"
    )


# Lines and columns


def lines(slide: Any, place: Place, chart: Chart, legend: float) -> None:
    """Draw a line a series; at the right stands a legend ``legend`` points wide, none if zero."""
    drawn = _placed(slide, XL_CHART_TYPE.LINE_MARKERS, place, chart)
    for order, (shown, series) in enumerate(zip(drawn.plots[0].series, chart.series, strict=True)):
        shown.smooth = False
        shown.format.line.width, shown.format.line.color.rgb = Pt(2.5), ink(series.colours[0])
        _mark(shown.marker, order, series.colours[0], alone=len(chart.categories) == 1)
    _scale(drawn.value_axis, chart, _zero(chart))
    _plain_names(drawn.category_axis)
    foot = _slant(drawn.category_axis, chart.categories, place[2] - legend)
    _frame(drawn, place, legend, foot, len(chart.series))


def _mark(marker: Any, order: int, colour: str, alone: bool) -> None:
    marker.style = MARKERS[(order - 1) % len(MARKERS)] if order or alone else XL_MARKER_STYLE.NONE
    if order or alone:
        marker.size = 7
        _fill_with(marker.format, colour)
        marker.format.line.color.rgb = ink(colour)


def columns(slide: Any, place: Place, chart: Chart, legend: float) -> None:
    """Draw upright columns, each with its figure, a group a category and a colour a series.

    At the right stands a legend ``legend`` points wide, none if zero.
    """
    drawn = _placed(slide, XL_CHART_TYPE.COLUMN_CLUSTERED, place, chart)
    plot = drawn.plots[0]
    plot.gap_width, plot.overlap = 80, -5
    for shown, series in zip(plot.series, chart.series, strict=True):
        shown.invert_if_negative = False
        _fill_with(shown.format, series.colours[0])
    values = [each for one in chart.series for each in one.values]
    highest, least = max(values), min((each for each in values if each > 0.0), default=0.0)
    _scale(drawn.value_axis, chart, [0.0, 1.1 * highest])
    plot.has_data_labels = True
    step = 10.0 ** -max(1, min(decimals(least), FINEST_MONEY)) if least else 0.1
    plot.data_labels.number_format = _number_format(step, chart.signed)
    plot.data_labels.number_format_is_linked = False
    plot.data_labels.position = XL_LABEL_POSITION.OUTSIDE_END
    plot.data_labels.font.size = Pt(SMALLEST)
    _plain_names(drawn.category_axis)
    _frame(drawn, place, legend, LEVEL_NAMES, len(chart.series))


def legend_width(chart: Chart) -> float:
    """Return how wide the legend of ``chart`` is in points, 0 where one series needs none.

    It has room for the longest name, or for half of one that is very long, and no room for two
    names side by side.
    """
    if len(chart.series) < 2:
        return 0.0
    longest = max(width(one.name, Style(SMALLEST)) for one in chart.series)
    return min(WIDEST_LEGEND, longest + KEY)


def _frame(drawn: Any, place: Place, legend: float, foot: float, entries: int) -> None:
    """Put the plot beside its legend, with room for the figures and names of its axes."""
    _, _, wide, high = place
    plot = (FIGURES, HEADING, wide - legend - FIGURES - GAP, high - HEADING - foot)
    _lay_out(drawn._chartSpace.chart.plotArea, _shares(plot, place), inner=True)
    drawn.has_legend = legend > 0
    if drawn.has_legend:
        drawn.legend.position = XL_LEGEND_POSITION.RIGHT
        drawn.legend.include_in_layout = False
        drawn.legend.font.size = Pt(SMALLEST)
        within = (wide - legend, HEADING, legend, min(ENTRY * entries, high - HEADING))
        _lay_out(drawn.legend._element, _shares(within, place), inner=False)


def _shares(part: Place, whole: Place) -> Place:
    """Return a place in points as shares of the width and height of ``whole``."""
    (left, top, wide, high), (_, _, across, down) = part, whole
    return left / across, top / down, wide / across, high / down


# Axes


def _scale(axis: Any, chart: Chart, seen: Iterable[float], steps: int = STEPS) -> None:
    """Give the axis of values ends that leave nothing out, intervals included."""
    drawn = [
        value
        for series in chart.series
        for value in (*series.values, *(series.low if series.distances else ()),
                      *(series.high if series.distances else ()))
        if math.isfinite(value)
    ]  # fmt: skip
    low, high, step = nice_ends([*drawn, *seen] or [0.0], steps)
    axis.minimum_scale, axis.maximum_scale, axis.major_unit = low, high, step
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = ink(GRID)
    axis.format.line.fill.background()
    axis.major_tick_mark = XL_TICK_MARK.NONE
    axis.tick_labels.number_format = _number_format(step, chart.signed)
    axis.tick_labels.number_format_is_linked = False
    axis.tick_labels.font.size = Pt(SMALLEST)


def _zero(chart: Chart) -> list[float]:
    """Return zero where lines come near enough that the axis should start there."""
    values = [each for one in chart.series for each in one.values if math.isfinite(each)]
    return [0.0] if values and min(values) < max(values) / 2 else []


def nice_ends(values: Sequence[float], steps: int) -> tuple[float, float, float]:
    """Return round ends of an axis that holds ``values``, and the step between its figures.

    There are about as many ``steps``.
    """
    low, high = min(values), max(values)
    spread = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(spread / steps))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= spread / steps)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first * step, max(last, first + 1) * step, step


def _number_format(step: float, signed: bool) -> str:
    """Return the format of figures that lie ``step`` apart."""
    decimals = next(n for n in range(12) if math.isclose(round(step, n), step, rel_tol=1e-9))
    places = f"#,##0{'.' * bool(decimals)}{'0' * decimals}"
    return f'{"+" * signed}{places};"{MINUS}"{places};0'


def _plain_names(axis: Any) -> None:
    axis.major_tick_mark = XL_TICK_MARK.NONE
    axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    axis.has_major_gridlines = False
    axis.format.line.color.rgb, axis.format.line.width = ink(MUTED), Pt(1.25)
    axis.tick_labels.font.size = Pt(SMALLEST)


def _slant(axis: Any, names: Sequence[str], room: float) -> float:
    """Slant the names of periods that have no room side by side; return what room they take below.

    Where they have no room even so, some are left out. ``room`` is the width of the chart.
    """
    each = (room - FIGURES - GAP) / len(names)
    longest = max(width(name, Style(SMALLEST)) for name in names)
    level = each >= longest + GAP
    skip = 1 if level else max(1, math.ceil(SLANTED / each))
    for name in ("tickLblSkip", "tickMarkSkip"):
        made = parse_xml(f'<c:{name} xmlns:c="{NAMESPACE}" val="{skip}"/>')
        axis._element.find(qn("c:noMultiLvlLbl")).addprevious(made)
    for body in axis._element.iter(qn("a:bodyPr")):
        body.set("rot", "0" if level else str(SLANT))
    return LEVEL_NAMES if level else LEVEL_NAMES + longest * math.sin(math.pi / 4)


def _lay_out(part: Any, place: Place, inner: bool) -> None:
    """Put a part of a chart at a place given as shares of the chart's width and height."""
    target = '<c:layoutTarget val="inner"/>' if inner else ""
    ends = "".join(
        f'<c:{name} val="{value:.6f}"/>' for name, value in zip("xywh", place, strict=True)
    )
    made = parse_xml(
        f'<c:layout xmlns:c="{NAMESPACE}"><c:manualLayout>{target}<c:xMode val="edge"/>'
        f'<c:yMode val="edge"/>{ends}</c:manualLayout></c:layout>'
    )
    for old in part.findall(qn("c:layout")):
        part.remove(old)
    position = part.find(qn("c:legendPos"))
    if position is None:
        part.insert(0, made)
    else:
        position.addnext(made)
