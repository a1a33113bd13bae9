"""The first page of the report: what it claims, how long it is, and that it prints on one sheet."""

import html
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page
from stored_runs import SMALL, nothing, rewrite, store
from test_report import FORMULA, HOSTILE, POLICIES, harm, opened, saves, swings, visible, wastes

from results import executive, narrative, robustness_section
from results.appendix import SOURCES, reproduction
from results.appraisal import appraise
from results.appraisal_words import elsewhere
from results.page import style_safe
from results.report import write_report
from results.robustness import Robustness
from results.statistics import summarise
from results.store import RunDirectory, open_run
from results.words import MINUS, rounded_up
from simulation.assumptions import Assumptions
from simulation.outcomes import OUTCOMES
from simulation.parameters import parameters
from simulation.register import parse_register

CODE = re.compile(r"\bD\d\b")
MOST_WORDS = 150
A4_WIDTH, A4_HEIGHT = 680, 986
"""What an A4 sheet has between its margins, in pixels of CSS."""
ROOM = 0.93
"""Share of it that the first page may take here, as real sentences are somewhat longer."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return open_run(store(tmp_path_factory.mktemp("run"), POLICIES, years=5))


@pytest.fixture(scope="module")
def summary(run: RunDirectory) -> pd.DataFrame:
    return summarise(run)


@pytest.fixture(scope="module")
def text(run: RunDirectory) -> str:
    return write_report(run.path).read_text(encoding="utf-8")


def first_page(text: str) -> str:
    """Return the words of the first page."""
    start, end = text.index('<section id="answer"'), text.index('<section id="findings"')
    return html.unescape(visible(text[start:end]))


# What it claims


def test_there_are_three_to_five_findings_and_none_twice(
    run: RunDirectory, summary: pd.DataFrame
) -> None:
    told = [(row["policy"], row["outcome"]) for row in executive.findings(run, summary)]
    assert 3 <= len(told) <= 5
    assert len(set(told)) == len(told)
    assert told[0] == ("saves", "net_public_saving")
    assert ("saves", "bids_per_tender") in told


def test_what_is_found_beside_the_first_outcome_is_decided(
    run: RunDirectory, summary: pd.DataFrame
) -> None:
    for row in executive.findings(run, summary):
        if row["outcome"] != "net_public_saving":
            assert row["verdict"] in ("better", "worse")


def test_a_policy_whose_interval_clears_zero_is_found_before_larger_estimates(
    tmp_path: Path,
) -> None:
    policies = {"base": nothing, **{f"policy {i}": swings for i in range(8)}}
    run = open_run(store(tmp_path, policies, years=1, replicates=4, twins=0))
    told = summarise(run)
    lead = told["outcome"] == "net_public_saving"
    matters = told.loc[lead, "matters"].iloc[0]
    others = lead & (told["policy"] != "base")
    told.loc[others, ["difference", "low", "high"]] = -9 * matters, -20 * matters, matters
    told.loc[others, "verdict"] = "undecided"
    sure = lead & (told["policy"] == "policy 3")
    told.loc[sure, ["difference", "low", "high"]] = -3 * matters, -5 * matters, -2 * matters
    assert executive.findings(run, told)[0]["policy"] == "policy 3"
    assert re.search(r"a loss beyond what matters.* with policy 3 \(", narrative.lead(run, told))


def test_the_first_page_says_whose_gains_it_tells(run: RunDirectory, summary: pd.DataFrame) -> None:
    words = executive.gainers(appraise(run, summary))
    assert re.match("(saves|wastes|swings|inert): ", words)
    assert "All four policies: see Who gains and who loses, below." in words


def test_a_gain_by_another_policy_is_told_with_its_name(
    run: RunDirectory, summary: pd.DataFrame
) -> None:
    about = appraise(run, summary)
    gains = about.gains
    gains.loc[gains["policy"] == "swings", ["low", "high", "verdict"]] = -1.0, 1.0, "undecided"
    chosen = (gains["policy"] == "swings") & (gains["party"] == "suppliers")
    gains.loc[chosen, ["difference", "low", "high"]] = -9e6, -1e7, -8e6
    assert elsewhere(about, "swings").startswith("With saves") or not elsewhere(about, "swings")
    told = elsewhere(about, "saves")
    assert told.startswith("With swings, for suppliers (")
    assert "the runs show a loss beyond what matters, but not with all verdicts" in told


def test_every_finding_has_its_interval_and_verdict(text: str, summary: pd.DataFrame) -> None:
    items = re.findall(r"<li>(.*?)</li>", text[text.index('<ol class="key">') :][:6000])
    for item in items[:3]:
        assert "95% interval" in item or "exactly as it is" in item
        assert 'class="verdict' in item


def test_figures_on_the_first_page_stand_in_the_tables(text: str) -> None:
    page, whole = first_page(text), html.unescape(visible(text))
    rest = whole[whole.index("Policy by policy", whole.index(page) + len(page) - 40) :]
    spans = re.findall(rf"[+{MINUS}]£[\d.,]+m to [+{MINUS}]£[\d.,]+m", page)
    assert spans
    assert all(f"({each})" in rest for each in spans)


def test_the_answer_is_short(text: str) -> None:
    lead = re.search(r'<p class="lead">(.*?)</p>', text)
    assert lead is not None
    assert len(lead[1].split()) <= MOST_WORDS


def test_the_answer_is_short_with_a_dozen_policies(tmp_path: Path) -> None:
    policies = {"base": nothing, **{f"policy {i}": saves for i in range(11)}}
    path = store(tmp_path, policies, years=1, replicates=3, twins=0)
    page = first_page(write_report(path).read_text(encoding="utf-8"))
    assert "What would 11 policies do to net public saving" in page


@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_few_replications_are_said_to_be_few(replicates: int, tmp_path: Path) -> None:
    about = {"replicates": replicates, "twins": 0, "years": 1}
    path = store(tmp_path, {"base": nothing, "saves": saves}, **about)
    page = first_page(write_report(path).read_text(encoding="utf-8"))
    assert f"{replicates} paired replication" in page
    assert ("too few for a verdict" in page) == (replicates == 1)
    assert ("More replications: an interval takes two" in page) == (replicates == 1)


def test_what_is_said_of_few_replications_is_true_of_them(tmp_path: Path) -> None:
    for many, few in ((1, False), (4, True), (9, False)):
        about = {"replicates": many, "twins": min(2, many), "years": 1}
        path = store(tmp_path / str(many), {"base": nothing, "swings": swings}, **about)
        text = html.unescape(visible(write_report(path).read_text(encoding="utf-8")))
        assert ("To name the assumption that goes most with a difference takes 8" in text) == few
        assert ("One replication does not show how far" in text) == (many == 1)
        assert (f"here are {many} replications" in text) == (many > 1)
        assert "known from 1." not in text and "mostly by both" not in text
        assert " 0 are settled" not in text


def test_every_code_of_a_source_is_explained(text: str) -> None:
    page, odd = html.unescape(visible(text)), Path("docs/ODD.md").read_text(encoding="utf-8")
    for code, document in SOURCES[:5]:
        assert f"{code} {document}" in page
        assert f"| {code} | {document} |" in odd
    used = {code for one in parameters(Assumptions).values() for code in CODE.findall(one.source)}
    assert used <= {code for code, _ in SOURCES}


def test_runs_in_memory_are_run_again_from_their_question(run: RunDirectory) -> None:
    class InMemory(RunDirectory):
        kept = False

    live = InMemory(run.path, run.manifest, run.register, run.outcomes)
    page = html.unescape(visible(reproduction(live)))
    assert "tenderlab compare question.yaml" in page and "in no run directory" in page
    assert f"tenderlab compare {run.path.name}" in html.unescape(visible(reproduction(run)))


def test_outcomes_that_are_not_judged_are_not_said_to_be_settled(tmp_path: Path) -> None:
    about = {"replicates": 5, "twins": 0, "years": 1, "outcomes": ["shared_councils"]}
    path = store(tmp_path, {"base": nothing, "swings": swings}, **about)
    page = first_page(write_report(path).read_text(encoding="utf-8"))
    assert "none of the outcomes shown first has a verdict" in page
    assert "too few for a verdict" not in page
    assert "left undecided" not in page


def test_no_fewer_replications_are_asked_for_than_there_are(
    run: RunDirectory, summary: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Robustness, "replications_wanted", lambda *_: len(run.replications))
    words = executive.surer(Robustness(run, summary))
    assert "lies too near what matters" in words
    assert "replications (there are" not in words


def test_the_table_asks_for_no_fewer_replications_than_there_are(
    run: RunDirectory, summary: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = len(run.replications)
    monkeypatch.setattr(Robustness, "replications_wanted", lambda *_: made)
    assert "no more than there are" in robustness_section.content(Robustness(run, summary), "")
    monkeypatch.setattr(Robustness, "replications_wanted", lambda *_: made + 1)
    page = robustness_section.content(Robustness(run, summary), "")
    assert "no more than there are" not in page
    assert f"{made + 1:,}" in page


def test_one_policy_has_no_findings(tmp_path: Path) -> None:
    text = write_report(store(tmp_path, {"base": nothing}, years=1)).read_text(encoding="utf-8")
    assert "What does the market do under base" in html.unescape(visible(text))
    for gone in ('class="key"', 'id="gains"', 'id="why"', 'id="robust"', 'id="findings"'):
        assert gone not in text


def test_how_many_replications_it_takes_is_an_estimate_from_the_spread(
    run: RunDirectory, summary: pd.DataFrame
) -> None:
    about = Robustness(run, summary)
    wanted = about.replications_wanted("swings")
    assert wanted is not None
    differences = about.differences("swings")
    reach = 1.96 * differences.std(ddof=1) / math.sqrt(wanted)
    assert reach <= about.outcome.matters <= 1.3 * reach
    assert f"about {rounded_up(wanted):,} replications" in executive.surer(about)
    assert about.replications_wanted("inert") is None


@pytest.mark.parametrize(("many", "shown"), [(4, 4), (24, 24), (101, 110), (2341, 2400)])
def test_estimates_are_rounded_up_to_two_figures(many: int, shown: int) -> None:
    assert rounded_up(many) == shown


# Robustness


def test_thirds_hold_every_replication_once(tmp_path: Path) -> None:
    run = open_run(store(tmp_path, {"base": nothing, "swings": swings}, years=1, replicates=20))
    about = Robustness(run, summarise(run))
    name = str(about.assumptions.columns[0])
    thirds = about.thirds("swings", name)
    assert [third.name for third in thirds] == ["low", "middle", "high"]
    assert sum(third.pairs for third in thirds) == 20
    assert thirds[0].most <= thirds[1].least and thirds[1].most <= thirds[2].least
    total = sum(third.mean * third.pairs for third in thirds) / 20
    assert total == pytest.approx(about.differences("swings").mean())


def test_what_turns_the_sign_is_told_or_that_nothing_surely_does(tmp_path: Path) -> None:
    path = store(tmp_path, {"base": nothing, "saves": saves}, years=1, replicates=20)
    text = html.unescape(visible(write_report(path).read_text(encoding="utf-8")))
    assert "Whether saves beats base:" in text
    assert "tenderlab switching" in text


def test_without_samples_nothing_can_turn(tmp_path: Path) -> None:
    about: dict[str, Any] = {"assumptions": {"mode": "fixed", "set": {}}, "twins": 0}
    path = store(tmp_path, {"base": nothing, "saves": saves}, years=1, **about)
    assert "Assumptions do not vary among these runs." in visible(write_report(path).read_text())


# On paper


@pytest.mark.parametrize("many", [1, 3, 5, 11])
def test_the_first_page_prints_on_one_sheet(many: int, tmp_path: Path, page: Page) -> None:
    effects: list[Callable[..., None]] = [saves, swings, wastes]
    names = ("A policy with a long name, as users give", "Forced aggregation of requirements")
    policies = {"base": nothing} | {f"{names[i % 2]} {i}": effects[i % 3] for i in range(many)}
    opened(page, write_report(store(tmp_path, policies, years=2)))
    page.set_viewport_size({"width": A4_WIDTH, "height": A4_HEIGHT})
    page.emulate_media(media="print")
    bottom = "document.querySelector('#answer').getBoundingClientRect().bottom"
    top = "document.querySelector('header').getBoundingClientRect().top"
    assert page.evaluate(f"{bottom} - {top}") <= ROOM * A4_HEIGHT


def test_paper_shows_what_the_screen_hides_but_what_is_for_the_screen(
    run: RunDirectory, text: str, page: Page
) -> None:
    assert text
    opened(page, run.path / "report.html")
    hidden = page.locator("details:not(.on-screen)")
    assert hidden.count() >= 3
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not(.on-screen):not([open])").count() == 0
    assert page.locator("details.on-screen").first.is_hidden()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_a_printed_page_has_as_many_pages_as_its_foot_says(
    run: RunDirectory, text: str, page: Page
) -> None:
    assert text
    opened(page, run.path / "report.html")
    printed = page.pdf(prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", printed))
    assert 8 < pages < 40


def test_no_title_breaks_out_of_the_style(tmp_path: Path, page: Page) -> None:
    title = '"; } </style><script>window.harmed=1</script> \\'
    register = parse_register(SMALL, "small.csv")
    path = store(tmp_path, {title: nothing, FORMULA: saves}, register=register, years=1)
    rewrite(path, harm)
    assert opened(page, write_report(path)) == []
    assert page.evaluate("window.harmed") is None
    assert "<" not in style_safe(HOSTILE) and '"' not in style_safe(title)
    assert style_safe("Shared risk 2") == "Shared risk 2"


def test_the_chart_of_the_first_page_is_that_of_the_first_outcome(text: str) -> None:
    name = OUTCOMES["net_public_saving"].title
    figure = re.search(r'<script type="application/json" id="figure-lead">(.*?)</script>', text)
    assert figure is not None
    assert name in figure[1] and OUTCOMES["bids_per_tender"].title not in figure[1]
