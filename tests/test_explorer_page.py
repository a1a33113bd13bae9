"""The explorer in a real browser: levers move, the market answers, and links bring it all back."""

import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Route,
    ViewportSize,
    expect,
)
from pptx import Presentation

from experiments.cli import main
from tests.conftest import PATIENCE
from tests.worlds import REGISTER

USUAL: ViewportSize = {"width": 1440, "height": 1000}
START_SECONDS = 120
TENDERLAB = str(Path(sys.executable).with_name("tenderlab"))
HOSTILE = "<img src=x onerror=alert(1)>"
COUNCILS = REGISTER.replace("[bold]Ambridge[/bold]", HOSTILE)
SMALL = ("--register", "councils.csv", "--years", "3", "--replicates", "6", "--no-browser")
LEAD = "net_public_saving"
FUNDED = {"aggregation_threshold": "3", "aggregation_mandate": "1", "pump_priming_fund": "50"}
"""Levers under which a fund pays, even among five councils in three years."""
ONLY_VIOLATIONS = {"resultTypes": ["violations"]}
"""Spares the checker of accessibility the description of what is well."""
VIEWS = ("differences", "time", "map", "partnerships", "market", "fund", "gains", "spread")


expect.set_options(timeout=PATIENCE)


class Served(NamedTuple):
    """An explorer that runs, and what it has said."""

    address: str
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("explorer")
    (folder / "councils.csv").write_text(COUNCILS)
    command = [TENDERLAB, "explore", *SMALL, "--port", "0"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    yield Served(found[0], process)
    process.terminate()
    assert process.wait(START_SECONDS) == 0
    process.stdout.close()


@contextmanager
def watched(browser: Browser, served: Served, faults: list[str]) -> Iterator[BrowserContext]:
    """Yield a browser that reaches nothing but the explorer; the page's ``faults`` are noted."""
    with browser.new_context(viewport=USUAL) as context:
        context.set_default_timeout(PATIENCE)
        context.route(
            lambda address: not address.startswith((served.address, "data:", "blob:")),
            lambda route: (faults.append(route.request.url), route.abort()),
        )
        context.on("weberror", lambda error: faults.append(str(error.error)))
        context.on("dialog", lambda dialog: faults.append(dialog.message))
        yield context


@pytest.fixture
def context(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    """Yield a browser of the test's own; faults of the page fail the test."""
    faults: list[str] = []
    with watched(browser, served, faults) as context:
        yield context
    assert faults == []


@pytest.fixture(scope="class")
def held(browser: Browser, served: Served) -> Iterator[tuple[Page, list[str]]]:
    """Yield one page with its first whole answer, kept open, and its faults."""
    faults: list[str] = []
    with watched(browser, served, faults) as context:
        page = context.new_page()
        opened(page, served.address)
        answered(page)
        yield page, faults


@pytest.fixture
def open_page(held: tuple[Page, list[str]]) -> Iterator[Page]:
    """Yield the page that stays open, for tests that leave the question as it is."""
    page, faults = held
    page.set_viewport_size(USUAL)
    yield page
    assert faults == []


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Page:
    """Return the explorer's page with its first answer."""
    page = context.new_page()
    opened(page, served.address)
    return page


def opened(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".card").first).to_be_visible()


def answered(page: Page) -> None:
    """Wait until the whole answer to what is asked now is shown."""
    expect(page.locator("#stop")).to_be_disabled()
    expect(page.locator("#progress-words")).to_contain_text("6 of 6")
    expect(page.locator("#said-answer[aria-busy=false] > [data-over=true]")).to_be_visible()


def field(page: Page, name: str, kind: str = "lever") -> Locator:
    return page.locator(f'[id=\'{{"kind":"{kind}","name":"{name}"}}\']')


def slider(page: Page, name: str) -> Locator:
    return page.locator(f'.slider[data-lever="{name}"] input')


def write(page: Page, name: str, text: str, kind: str = "lever") -> None:
    field(page, name, kind).fill(text)
    field(page, name, kind).press("Enter")


def summary(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.click("#file-summary-csv")
    return list(csv.DictReader(io.StringIO(download.value.path().read_text())))


class TestOnePageThatStaysOpen:
    """What is only looked at, or refused: the question of the page stays as it is."""

    def test_the_page_says_what_the_file_says(self, open_page: Page) -> None:
        open_page.click("#tab-headline")
        rows = {row["outcome"]: row for row in summary(open_page) if row["policy"] != "status-quo"}
        shown = open_page.inner_text(".card .figure").replace("\N{MINUS SIGN}", "-")
        difference = float(rows["net_public_saving"]["difference"])
        number = re.search(r"[+-]?£([\d.,]+)m", shown)
        assert number
        assert abs(float(number[1].replace(",", ""))) == pytest.approx(abs(difference), rel=0.05)

    @pytest.mark.parametrize("view", VIEWS)
    def test_every_view_is_drawn(self, open_page: Page, view: str) -> None:
        open_page.click(f"#tab-{view}")
        said = open_page.locator(f"#said-{view}")
        expect(said).not_to_contain_text("Waiting for the answer.")
        expect(said).not_to_be_empty()
        if view not in ("fund", "map", "partnerships"):
            expect(open_page.locator(f"#panel-{view} .main-svg").first).to_be_visible()

    @pytest.mark.parametrize("width", [1440, 1024, 390])
    def test_nobody_is_left_out(self, open_page: Page, width: int) -> None:
        open_page.set_viewport_size({"width": width, "height": 900})
        for tab in ("levers", "assumptions", "setting", "headline", "map", "spread"):
            open_page.click(f"#tab-{tab}")
            expect(open_page.locator(f"#panel-{tab}")).to_be_visible()
            found = Axe().run(open_page, options=ONLY_VIOLATIONS).response["violations"]
            grave = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
            assert grave == []
        wide = open_page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= width

    def test_strange_names_of_the_server_are_refused(self, open_page: Page, served: Served) -> None:
        answer = open_page.request.get(served.address, headers={"Host": "evil.example:80"})
        assert answer.status == 403
        assert open_page.request.get(f"{served.address}files/none/summary.csv").status == 404
        policy = open_page.request.get(served.address).headers["content-security-policy"]
        assert "default-src 'self'" in policy

    @pytest.mark.parametrize("text", ["7", "many", "0.5@x", "-1", "1e999"])
    def test_nonsense_in_a_field_is_told_and_changes_nothing(
        self, open_page: Page, text: str
    ) -> None:
        open_page.click("#tab-levers")
        open_page.click("#tab-headline")
        before = open_page.inner_text(".cards")
        write(open_page, "risk_transfer", text)
        expect(open_page.locator("#message")).to_contain_text("Not asked.")
        expect(field(open_page, "risk_transfer")).to_have_attribute("aria-invalid", "true")
        assert open_page.inner_text(".cards") == before
        write(open_page, "risk_transfer", "0.6")
        expect(open_page.locator("#message")).to_be_empty()
        expect(open_page.locator("[aria-invalid]")).to_have_count(0)


def test_a_lever_moves_and_the_numbers_change(page: Page) -> None:
    answered(page)
    before = page.inner_text(".cards")
    expect(field(page, "risk_transfer")).to_have_value("0.6")
    slider(page, "risk_transfer").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(field(page, "risk_transfer")).to_have_value("0.5")
    expect(page.locator(".cards")).not_to_have_text(before, use_inner_text=True)
    answered(page)
    expect(page.locator("#policies .policy")).to_have_text("Shared risk, changed")
    expect(page.locator("#said-headline table")).to_contain_text("Shared risk, changed")


def test_figures_of_the_question_before_are_seen_to_be_old(page: Page) -> None:
    answered(page)
    held: list[Route] = []
    page.route("**/standing/**", lambda route: held.append(route))
    write(page, "max_partners", "4")
    expect(page.locator("#said-answer")).to_have_attribute("aria-busy", "true")
    page.unroute("**/standing/**")
    answered(page)


def test_a_link_restores_the_question(page: Page, context: BrowserContext) -> None:
    write(page, "risk_transfer", "0.3@2,0.9@3")
    expect(page).to_have_url(re.compile(r"\?q="))
    page.click("text=Add")
    expect(page.locator("#policies .policy")).to_have_count(2)
    before = page.url
    write(page, "max_partners", "4")
    expect(page).not_to_have_url(before)
    answered(page)
    other = context.new_page()
    opened(other, page.url)
    answered(other)
    expect(other.locator("#policies .policy")).to_have_count(2)
    expect(field(other, "risk_transfer")).to_have_value("0.3@2,0.9@3")
    expect(field(other, "max_partners")).to_have_value("4")
    assert other.inner_text(".cards") == page.inner_text(".cards")


def test_changes_are_taken_back(page: Page) -> None:
    expect(page.locator("#undo")).to_be_disabled()
    write(page, "max_partners", "4")
    expect(page.locator("#undo")).to_be_enabled()
    page.click("#undo")
    expect(field(page, "max_partners")).to_have_value("10")
    expect(page.locator("#undo")).to_be_disabled()
    write(page, "max_partners", "5")
    expect(page).to_have_url(re.compile(r"\?q="))
    page.locator("text=Reset").click()
    expect(field(page, "max_partners")).to_have_value("10")


def test_what_was_refused_is_taken_back_first(page: Page) -> None:
    write(page, "max_partners", "4")
    write(page, "risk_transfer", "7")
    expect(page.locator("#message")).to_contain_text("Not asked.")
    write(page, "publicity", "0.5")
    expect(page.locator("#message")).to_be_empty()
    expect(field(page, "risk_transfer")).to_have_attribute("aria-invalid", "true")
    page.click("#undo")
    expect(field(page, "risk_transfer")).to_have_value("0.6")
    expect(field(page, "max_partners")).to_have_value("4")
    expect(field(page, "publicity")).to_have_value("0.5")
    page.click("#undo")
    page.click("#undo")
    expect(field(page, "max_partners")).to_have_value("10")
    expect(page.locator("#undo")).to_be_disabled()


def test_to_undo_is_to_go_back(page: Page) -> None:
    for text in ("4", "5", "6"):
        before = page.url
        write(page, "max_partners", text)
        expect(page).not_to_have_url(before)
    page.go_back()
    expect(field(page, "max_partners")).to_have_value("5")
    page.click("#undo")
    expect(field(page, "max_partners")).to_have_value("4")
    page.go_forward()
    expect(field(page, "max_partners")).to_have_value("5")
    page.reload()
    page.click("#undo")
    expect(field(page, "max_partners")).to_have_value("4")
    page.click("#undo")
    expect(field(page, "max_partners")).to_have_value("10")
    expect(page.locator("#undo")).to_be_disabled()


def test_the_caret_stays_in_a_title(page: Page) -> None:
    title = field(page, "title", "setting")
    title.fill("My plan")
    title.press("Enter")
    expect(page.locator("#policies .policy")).to_have_text("My plan")
    expect(title).to_be_focused()
    page.keyboard.type(" B")
    expect(title).to_have_value("My plan B")


def test_a_page_goes_on_when_the_explorer_is_started_anew(page: Page) -> None:
    lost = {"words": "not known", "over": True, "due": False, "lost": True}
    page.route("**/standing/**", lambda route: route.fulfill(json=lost), times=1)
    write(page, "max_partners", "4")
    expect(page.locator(".cards")).to_contain_text("Shared risk, changed")
    answered(page)


def test_files_of_the_answer_wait_for_it(page: Page) -> None:
    answered(page)
    held: list[Route] = []
    page.route("**/standing/**", lambda route: held.append(route))
    write(page, "max_partners", "4")
    expect(page.locator("#file-report-html[href]")).to_have_count(0)
    expect(page.locator("#file-question-yaml[href]")).to_have_count(1)
    page.unroute("**/standing/**")
    expect(page.locator("#file-report-html[href]")).to_have_count(1)


def test_the_browsers_way_back_takes_a_change_back(page: Page) -> None:
    write(page, "max_partners", "4")
    expect(page).to_have_url(re.compile(r"\?q="))
    first = page.url
    write(page, "max_partners", "5")
    expect(page).not_to_have_url(first)
    page.go_back()
    expect(field(page, "max_partners")).to_have_value("4")


def test_the_way_back_to_the_first_address_brings_the_first_question(page: Page) -> None:
    write(page, "max_partners", "4")
    expect(page).to_have_url(re.compile(r"\?q="))
    page.go_back()
    expect(field(page, "max_partners")).to_have_value("10")


def test_a_link_is_copied_before_anything_is_changed(
    page: Page, context: BrowserContext, served: Served
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    expect(page.locator("#copied")).to_have_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{served.address}?q=")
    other = context.new_page()
    opened(other, link)
    expect(field(other, "years", "setting")).to_have_value("3")


def test_reset_clears_what_was_refused(page: Page) -> None:
    page.click("#tab-setting")
    write(page, "years", "99999", "setting")
    expect(page.locator("#message")).to_contain_text("must be a whole number from 1 to 25")
    page.click("text=Reset")
    expect(field(page, "years", "setting")).to_have_value("3")
    expect(page.locator("#message")).to_be_empty()


def test_what_is_typed_while_the_levers_are_drawn_anew_is_taken(page: Page) -> None:
    box = field(page, "max_partners")
    box.select_text()
    page.keyboard.type("7")
    button = page.locator("button.pick[id*=aggregation_reach][id*=region]")
    button.evaluate("one => one.click()")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(box).to_be_focused()
    expect(box).to_have_value("7")
    expect(page).to_have_url(re.compile(r"\?q="))
    before = page.url
    page.keyboard.press("Tab")
    expect(page).not_to_have_url(before)
    page.reload()
    expect(box).to_have_value("7")


def test_what_is_entered_while_a_change_is_on_its_way_is_not_lost(page: Page) -> None:
    held: list[Route] = []
    page.route("**/ask", lambda route: route.continue_() if held else held.append(route))
    page.click("button.pick[id*=aggregation_reach][id*=region]")
    write(page, "max_partners", "4")
    held[0].continue_()
    expect(page.locator("#policies .policy")).to_have_text("Shared risk, changed")
    expect(field(page, "max_partners")).to_have_value("4")
    expect(page).to_have_url(re.compile(r"\?q="))
    answered(page)
    page.reload()
    expect(field(page, "max_partners")).to_have_value("4")


def test_a_group_of_assumptions_stays_open_while_it_is_drawn_anew(page: Page) -> None:
    page.click("#tab-assumptions")
    page.click("summary:has-text('Bidding')")
    write(page, "common_error", "0.2", "assumption")
    expect(page).to_have_url(re.compile(r"\?q="))
    page.click("#panel-assumptions .pick:has-text('fixed')")
    expect(page.locator("summary:has-text('1 held')")).to_be_visible()
    expect(field(page, "common_error", "assumption")).to_have_value("0.2")
    page.click("text=Hold none")
    expect(page.locator("summary:has-text('1 held')")).to_have_count(0)
    expect(field(page, "common_error", "assumption")).to_be_visible()


def test_a_button_that_moves_away_while_it_is_pressed_is_pressed(page: Page) -> None:
    box = page.get_by_role("button", name="Add", exact=True).bounding_box()
    assert box
    field(page, "max_partners").fill("4")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    expect(page.locator("#policies .policy")).to_have_text("Shared risk, changed")
    page.mouse.up()
    expect(page.locator("#policies .policy")).to_have_count(2)


def test_clicks_in_quick_succession_all_count(page: Page) -> None:
    field(page, "max_partners").fill("4")
    page.evaluate(
        """() => {
            for (const value of ["region", "by_control"]) {
                [...document.querySelectorAll("button.pick")]
                    .find((one) => one.id.includes(`"value":"${value}"`)).click();
            }
        }"""
    )
    page.click("text=Add", delay=300)
    expect(page.locator("#policies .policy")).to_have_count(2)
    expect(field(page, "max_partners")).to_have_value("4")
    for value in ("region", "by_control"):
        button = page.locator(f'button.pick[id*=\'"value":"{value}"\']')
        expect(button).to_have_attribute("aria-pressed", "true")


def test_the_focus_stays_where_it_was(page: Page) -> None:
    for name in ("Add", "Undo"):
        button = page.get_by_role("button", name=name, exact=True)
        button.focus()
        many = page.locator("#policies .policy").count()
        page.keyboard.press("Enter")
        expect(page.locator("#policies .policy")).not_to_have_count(many)
        expect(page.locator("body")).not_to_be_focused()
    expect(page.locator(".policy.current")).to_be_focused()


@pytest.mark.parametrize("link", ["?q=nonsense", "?q=", "?q=" + "A" * 3000])
def test_a_bad_link_gets_a_clear_message(
    context: BrowserContext, served: Served, link: str
) -> None:
    page = context.new_page()
    opened(page, served.address + link)
    if link != "?q=":
        expect(page.locator("#message")).to_contain_text("link: damaged")


def test_a_heavy_question_is_refused(page: Page) -> None:
    page.click("#tab-setting")
    write(page, "replicates", "5000", "setting")
    expect(page.locator("#message")).to_contain_text("from 1 to 100")
    write(page, "replicates", "6", "setting")
    expect(page.locator("#message")).to_be_empty()


def test_two_sessions_at_once_both_get_answers(browser: Browser, served: Served) -> None:
    with browser.new_context() as first, browser.new_context() as second:
        pages = [each.new_page() for each in (first, second)]
        for page in pages:
            page.set_default_timeout(PATIENCE)
            opened(page, served.address)
        for page, value in zip(pages, ("0.6", "1.4"), strict=True):
            write(page, "contract_length_factor", value)
        for page in pages:
            expect(page.locator(".cards")).to_contain_text("changed")
            answered(page)
        cards = [page.inner_text(".card .figure") for page in pages]
        assert cards[0] != cards[1]
        assert all("changed" in page.inner_text(".cards") for page in pages)


def test_files_are_given_away(page: Page) -> None:
    write(page, "max_partners", "3")
    expect(page.locator(".cards")).to_contain_text("Shared risk, changed")
    answered(page)
    content: dict[str, bytes] = {}
    for name in (
        "report-html",
        "deck-pptx",
        "summary-csv",
        "policy-yaml",
        "question-yaml",
        "question-py",
    ):
        with page.expect_download() as download:
            page.click(f"#file-{name}")
        content[name] = download.value.path().read_bytes()
    assert b"<!DOCTYPE html>" in content["report-html"][:200]
    assert HOSTILE.encode() not in content["report-html"]
    assert Presentation(io.BytesIO(content["deck-pptx"])).slides
    policy = yaml.safe_load(content["policy-yaml"])
    assert policy["levers"]["max_partners"] == 3
    question = yaml.safe_load(content["question-yaml"])
    assert question["policies"] == [policy]
    compile(content["question-py"], "question.py", "exec")
    assert b"max_partners" in content["question-py"]


def test_a_council_tells_its_story(page: Page) -> None:
    answered(page)
    page.click("#tab-map")
    expect(page.locator("#box-map-sharing .main-svg").first).to_be_visible()
    page.fill("#council", "Borsetshire")
    page.press("#council", "Enter")
    expect(page.locator("#tale h4")).to_contain_text("Borsetshire under")
    write(page, "max_partners", "4")
    page.click("text=Tell the story of Borsetshire again")
    expect(page.locator("#tale h4")).to_contain_text("Borsetshire under")
    page.fill("#council", "Atlantis")
    page.press("#council", "Enter")
    expect(page.locator("#tale")).to_contain_text("no council 'Atlantis'")


def test_a_click_on_the_map_names_the_council(page: Page) -> None:
    answered(page)
    page.click("#tab-map")
    chart = page.locator("#box-map-sharing .js-plotly-plot")
    expect(chart.locator(".main-svg").first).to_be_visible()
    chart.evaluate(
        """plot => {
            const trace = plot.data.findIndex((one) => one.customdata);
            const customdata = plot.data[trace].customdata[0];
            plot.emit("plotly_click", {points: [
                {curveNumber: trace, pointNumber: 0, customdata, data: plot.data[trace]}]});
        }"""
    )
    expect(page.locator("#council")).not_to_have_value("")
    expect(page.locator("#tale h4")).to_be_visible()


def test_the_fund_is_drawn_where_there_is_one(page: Page) -> None:
    answered(page)
    page.click("#tab-fund")
    expect(page.locator("#said-fund")).to_contain_text("No policy")
    expect(page.locator("#box-fund-books")).to_be_hidden()
    for name, text in FUNDED.items():
        write(page, name, text)
    expect(page.locator("#box-fund-books .main-svg").first).to_be_visible()
    answered(page)
    expect(page.locator("#said-fund")).not_to_contain_text("No policy")
    paid = {row["policy"]: row for row in summary(page) if row["outcome"] == "fund_paid"}
    assert float(paid["my-policy"]["policy_mean"]) > 0.0


def test_it_is_used_without_a_mouse(page: Page) -> None:
    answered(page)
    page.locator(".skip").press("Enter")
    expect(page.locator("#answer")).to_be_focused()
    page.focus("#tab-headline")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-differences")).to_be_focused()
    expect(page.locator("#panel-differences")).to_be_visible()
    expect(page.locator("#panel-headline")).to_be_hidden()
    page.keyboard.press("End")
    expect(page.locator("#panel-spread")).to_be_visible()
    pick = page.locator("#panel-levers .pick", has_text="by control")
    pick.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-levers .pick", has_text="uniform")).to_be_visible()


def test_work_is_stopped_and_goes_on(page: Page) -> None:
    told = page.locator("#progress-words")
    page.click("#tab-setting")
    write(page, "years", "15", "setting")
    write(page, "replicates", "100", "setting")
    expect(told).to_contain_text(re.compile("^[1-9][0-9]? of 100"))
    page.click("#stop")
    expect(told).to_contain_text("stopped")
    stopped = told.inner_text().split()[0]
    assert {row["pairs"] for row in summary(page) if row["outcome"] == LEAD} == {stopped}
    page.get_by_role("button", name="Go on").click()
    expect(told).to_contain_text("may still change")
    expect(told).not_to_contain_text(f"{stopped} of")
    page.click("#stop")
    expect(told).to_contain_text("stopped")


def test_a_taken_port_is_told(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    port = served.address.rsplit(":", 1)[1].strip("/")
    assert main(["explore", "--port", port, "--no-browser"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "something else listens there" in said
