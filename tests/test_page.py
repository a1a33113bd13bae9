"""Pages on small screens and on paper: what is wide can be moved, what is late says so."""

from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import Page, expect

from results.charts.theme import panels
from results.page import Figure, Front, Section, table, whole_page

PHONE = {"width": 390, "height": 800}
SLOW = "DecompressionStream = class { constructor() { throw new Error('slow'); } };"
"""Keeps charts from ever being drawn."""
LONG = "A caption that is longer than a telephone is wide, and tells what the table holds"


def shown(path: Path) -> str:
    """Write a page of a narrow chart, a wide one and a table; return its address."""
    line = go.Scatter(x=[0, 1], y=[0, 1], name="line")
    narrow = go.Figure(panels(["One"], 1, 0, 100)).add_trace(line).update_layout(showlegend=False)
    wide = go.Figure(panels(["One", "Two"], 2, 0, 100)).add_trace(line, row=1, col=2)
    figures = [Figure("narrow", "Narrow", narrow), Figure("wide", "Wide", wide)]
    rows = table(LONG, [f"head{place}" * 4 for place in range(9)], [["cell"] * 9])
    content = "".join([figure.html for figure in figures]) + rows
    front = Front("A page", "", "", "")
    path.write_text(whole_page(front, [Section("answer", "Charts", content)], figures))
    return path.as_uri()


def test_on_a_phone_a_chart_fits_or_says_that_it_can_be_moved(tmp_path: Path, page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto(shown(tmp_path / "page.html"))
    page.wait_for_selector("html[data-drawn=yes]")
    within, beyond = (
        page.locator(f"[data-figure=figure-{name}]").bounding_box() for name in ("narrow", "wide")
    )
    assert within and beyond
    assert within["x"] + within["width"] <= PHONE["width"] < beyond["x"] + beyond["width"]
    expect(page.get_by_text("Move the chart sideways")).to_have_count(1)
    expect(page.get_by_text("Move the chart sideways")).to_be_visible()
    page.set_viewport_size({"width": 1200, "height": 800})
    expect(page.get_by_text("Move the chart sideways")).to_be_hidden()


def test_on_a_phone_the_caption_of_a_wide_table_is_whole(tmp_path: Path, page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto(shown(tmp_path / "page.html"))
    place = page.get_by_text(LONG).bounding_box()
    region = page.get_by_role("region", name=LONG)
    assert place and place["x"] + place["width"] <= PHONE["width"]
    assert region.evaluate("each => each.scrollWidth > each.clientWidth")


def test_paper_says_where_charts_are_not_drawn_yet(tmp_path: Path, page: Page) -> None:
    address = shown(tmp_path / "page.html")
    page.emulate_media(media="print")
    page.add_init_script(SLOW)
    page.goto(address)
    late = page.get_by_text("still being drawn")
    expect(late).to_have_count(2)
    expect(late.first).to_be_visible()


def test_paper_has_the_charts_once_they_are_drawn(tmp_path: Path, page: Page) -> None:
    page.goto(shown(tmp_path / "page.html"))
    page.wait_for_selector("html[data-drawn=yes]")
    page.emulate_media(media="print")
    expect(page.get_by_text("still being drawn")).to_have_count(0)
    expect(page.locator("img.on-paper").first).to_be_visible()


def test_one_panel_with_a_legend_is_not_narrowed() -> None:
    legend = Figure("a", "A", go.Figure(panels(["One"], 1, 0, 100)).update_layout(showlegend=True))
    assert "fits" not in legend.html
