"""The report: what it claims, that it stands alone, and that it is safe, readable and printable."""

import base64
import gzip
import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page
from plotly.offline import get_plotlyjs, get_plotlyjs_version
from stored_runs import SMALL, nothing, rewrite, store

from results import charts, narrative, words
from results.report import CAVEAT, write_report
from results.statistics import summarise
from results.store import RunDirectory, open_run, write_json
from simulation.errors import InputError
from simulation.outcomes import OUTCOMES
from simulation.register import parse_register

HOSTILE = "<script>window.harmed=1</script><!--"
FORMULA = "=1+1"
POUND = "\N{POUND SIGN}"


def saves(measures: dict[str, Any]) -> None:
    measures["public_saving"] = measures["public_saving"] + 10.0
    measures["bids"] = measures["bids"] * 1.5


def wastes(measures: dict[str, Any]) -> None:
    measures["public_saving"] = measures["public_saving"] - 10.0


def swings(measures: dict[str, Any]) -> None:
    luck = 1 if int(measures["tenders"][0] * 1e6) % 2 else -1
    measures["public_saving"] = measures["public_saving"] + 10.0 * luck


POLICIES = {
    "base": nothing,
    "saves": saves,
    "wastes": wastes,
    "swings": swings,
    "inert": nothing,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return open_run(store(tmp_path_factory.mktemp("run"), POLICIES, years=5))


@pytest.fixture(scope="module")
def summary(run: RunDirectory) -> pd.DataFrame:
    return summarise(run)


@pytest.fixture(scope="module")
def text(run: RunDirectory) -> str:
    return write_report(run.path).read_text(encoding="utf-8")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    register = parse_register(SMALL.replace(b"Beta", HOSTILE.encode()), "small.csv")
    policies = {HOSTILE: nothing, FORMULA: saves}
    path = store(tmp_path / HOSTILE.replace("/", "|"), policies, register=register, years=1)
    rewrite(path, harm)
    return path


def harm(manifest: dict[str, Any]) -> None:
    manifest["failed"] = [
        {"policy": HOSTILE, "sample": 0, "replication": 3, "stage": HOSTILE, "error": HOSTILE}
    ]
    manifest["question"]["register"]["name"] = HOSTILE
    for policy in manifest["question"]["policies"]:
        policy |= {"title": policy["name"], "description": HOSTILE}


def visible(text: str) -> str:
    """Return the words of a page without its scripts and styles."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("\N{WORD JOINER}", "").split())


# What it claims


def test_the_lead_sentence_says_what_the_verdicts_say(
    run: RunDirectory, summary: pd.DataFrame
) -> None:
    sentence = narrative.lead(run, summary)
    assert sentence.startswith("Net public saving over five years, against base: ")
    assert re.search(rf"saves \(\+{POUND}[\d.]+m NPV\) raises it;", sentence)
    assert re.search(rf"wastes \(.{POUND}[\d.]+m NPV\) lowers it;", sentence)
    assert "for swings the runs do not settle it;" in sentence
    assert sentence.endswith("inert leaves it exactly as it is.")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("saves", "saves raises net public saving by £"),
        ("wastes", "wastes lowers net public saving by £"),
        ("swings", "For swings the runs do not settle net public saving: the estimate is "),
        ("inert", "inert leaves net public saving exactly as it is in all 10 replications."),
    ],
)
def test_a_headline_says_what_the_verdict_says(
    run: RunDirectory, summary: pd.DataFrame, policy: str, words: str
) -> None:
    assert narrative.headline(run, summary, policy).startswith(words)


@pytest.mark.parametrize(
    ("low", "high", "opening"),
    [(-1.0, 2.0, "For saves the runs do not settle"), (1.0, 2.0, "saves raises"),
     (-2.0, -1.0, "saves lowers"), (0.0, 0.0, "saves leaves")],
)  # fmt: skip
def test_what_is_not_judged_is_said_to_change_only_where_it_surely_does(
    run: RunDirectory, summary: pd.DataFrame, low: float, high: float, opening: str
) -> None:
    chosen = (summary["policy"] == "saves") & (summary["outcome"] == "shared_councils")
    told = summary.copy()
    told.loc[chosen, ["low", "high"]] = low, high
    assert narrative.headline(run, told, "saves", "shared_councils").startswith(opening)


def test_a_headline_gives_interval_and_pairs(run: RunDirectory, summary: pd.DataFrame) -> None:
    sentence = narrative.headline(run, summary, "saves")
    assert "points of counterfactual (95% interval " in sentence
    assert re.search(r" to .+; better in 10 of 10", sentence)


def test_a_change_too_small_to_matter_is_not_called_a_change(
    run: RunDirectory, summary: pd.DataFrame
) -> None:
    chosen = (summary["policy"] == "saves") & (summary["outcome"] == "net_public_saving")
    small = summary.assign(verdict=summary["verdict"].mask(chosen, "negligible"))
    sentence = narrative.headline(run, small, "saves")
    matters = words.change(summary.loc[chosen, "matters"].item(), OUTCOMES["net_public_saving"])
    assert matters.startswith("+£9.")
    assert "saves changes net public saving by less than the £9." in sentence
    assert "saves does not change it by as much as matters" in narrative.lead(run, small)


def open_row(low: float, high: float) -> narrative.Row:
    return {"verdict": "undecided", "low": low, "high": high, "matters": 1.5}


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1.0, 2.0, "real, but may be too small to matter"),
        (-3.0, -0.1, "real, but may be too small to matter"),
        (-1.0, 2.0, "may be nothing"),
        (0.0, 2.0, "may be nothing"),
        (math.nan, math.nan, "may be nothing"),
        (1.6, 4.0, "beyond what matters by itself, but not with all verdicts of the table"),
        (-6.3, -1.6, "beyond what matters by itself, but not with all verdicts of the table"),
    ],
)
def test_words_of_an_undecided_difference_are_true_of_its_interval(
    low: float, high: float, words: str
) -> None:
    assert narrative.verdict_of(open_row(low, high)).startswith(f"undecided: {words}")


def test_marks_tell_what_is_there_from_what_may_be_nothing() -> None:
    small, maybe = (narrative.verdict_of(open_row(low, 2)) for low in (1, -1))
    marks = {charts.SYMBOLS[each][0] for each in (small, maybe, "", "negligible")}
    assert len(marks) == 4


OPEN = {  # share of what matters: how far the ends of the interval lie from zero
    "small": (0.5, 3.0, "that may be too small to matter"),
    "large": (2.0, 4.0, "beyond what matters, but not with all verdicts of the table allowed for"),
}


def left_open(summary: pd.DataFrame, outcome: str, policy: str, low: float, high: float) -> Any:
    """Return ``summary`` with a difference undecided, its interval given in what matters."""
    chosen = (summary["policy"] == policy) & (summary["outcome"] == outcome)
    matters = summary.loc[chosen, "matters"].item()
    ends = [low * matters, high * matters]
    told = summary.copy()
    told.loc[chosen, ["low", "high", "difference"]] = [*ends, sum(ends) / 2]
    told.loc[chosen, "verdict"] = "undecided"
    return told


@pytest.mark.parametrize("kind", OPEN)
@pytest.mark.parametrize(
    ("outcome", "up", "down"),
    [("net_public_saving", "gain", "loss"), ("single_bid_share", "loss", "gain")],
)
def test_an_undecided_difference_that_is_there_has_a_direction(
    run: RunDirectory, summary: pd.DataFrame, kind: str, outcome: str, up: str, down: str
) -> None:
    low, high, tail = OPEN[kind]
    told = left_open(summary, outcome, "saves", low, high)
    told = left_open(told, outcome, "wastes", -high, -low)
    rising, falling = (narrative.headline(run, told, name, outcome) for name in ("saves", "wastes"))
    title = narrative.lower_title(OUTCOMES[outcome])
    assert re.search(rf"^With saves the runs show a rise of .* in {title}, a {up} {tail}", rising)
    assert re.search(
        rf"^With wastes the runs show a fall of .* in {title}, a {down} {tail}", falling
    )
    message = narrative.message(run, told, outcome, 1000)
    assert re.search(rf"for saves \(\+[^)]*\) the runs show a {up} {tail}", message)
    assert re.search(rf"for wastes \({words.MINUS}[^)]*\) the runs show a {down} {tail}", message)


def test_counted_policies_have_a_direction_too(run: RunDirectory, summary: pd.DataFrame) -> None:
    told = left_open(summary, "net_public_saving", "saves", 0.5, 3.0)
    told = left_open(told, "net_public_saving", "wastes", -3.0, -0.5)
    named, tally = (narrative.message(run, told, "net_public_saving", n) for n in (1000, 0))
    assert tally.endswith(": an undecided gain with saves; an undecided loss with wastes")
    message = narrative.message(run, told, "net_public_saving", len(named))
    assert re.search(r"a gain that may be too small to matter with saves \(\+", message)
    assert re.search(
        rf"a loss that may be too small to matter with wastes \({words.MINUS}", message
    )


def test_policies_are_named_by_effect(run: RunDirectory, summary: pd.DataFrame) -> None:
    better = summary.assign(verdict=summary["verdict"].mask(summary["policy"] != "base", "better"))
    sentence = narrative.lead(run, better)
    told = [sentence.index(name) for name in ("saves (", "inert (", "wastes (")]
    assert told == sorted(told)


def test_many_policies_are_counted(tmp_path: Path) -> None:
    policies = {"base": nothing, **{f"p{i}": saves for i in range(7)}, "bad": wastes}
    run = open_run(store(tmp_path, policies))
    sentence = narrative.lead(run, summarise(run))
    assert "better with seven policies, most with p" in sentence
    assert "worse with bad (" in sentence


def test_the_threshold_of_every_judged_outcome_is_shown(text: str) -> None:
    words = visible(text)
    assert "matters from £9.7m NPV" in words
    assert "matters from 1.0 points" in words


def test_differences_of_percentages_are_points(text: str) -> None:
    assert not re.search(r"[+\N{MINUS SIGN}][\d.]+%", visible(text))


def test_one_replication_has_no_interval_and_empty_clauses_are_left_out(tmp_path: Path) -> None:
    path = store(tmp_path, {"base": nothing, "saves": saves}, replicates=1, twins=0)
    words = visible(write_report(path).read_text())
    assert "one replication: no interval" in words
    assert "in all 1 replication" not in words
    assert "\N{EN DASH} to" not in words
    assert " 0 set in the question" not in words


def test_other_outcomes_are_gathered_by_verdict(run: RunDirectory, summary: pd.DataFrame) -> None:
    told = dict(narrative.others(run, summary, "saves"))
    assert told["Better"].startswith("bids per tender +")
    assert "contract collapses" in told["Identical"]
    assert "councils in a shared service unchanged" in told["Not judged"]
    assert "SMEs' share" in told["Identical"]


def test_the_caveat_is_said_at_the_top_and_at_the_bottom(text: str) -> None:
    words = visible(text)
    assert words.count(CAVEAT) == 2
    assert words.index(CAVEAT) < words.index("The answer")


def test_every_verdict_is_a_word(text: str) -> None:
    words = visible(text)
    assert all(word in words for word in ("▲ better", "▼ worse", "○ undecided", "= identical"))


def test_the_page_says_how_to_reproduce_it(text: str, run: RunDirectory) -> None:
    words = visible(text)
    assert f"tenderlab compare {run.path.name}" in words
    assert all(
        word in words for word in (run.manifest.question_id, "Seed 7", run.question.register.sha256)
    )
    assert str(run.path.parent) not in text


def test_missing_replications_are_admitted(tmp_path: Path) -> None:
    path = store(tmp_path, {"base": nothing, "saves": saves}, skip=[("saves", 4)], years=1)
    words = visible(write_report(path).read_text())
    assert "Runs failed: 9 of 10 replications are complete for every policy" in words


def interrupted(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    write_json(path / "manifest.json", manifest | {"status": "interrupted"})


def test_an_interruption_is_admitted(tmp_path: Path) -> None:
    path = store(tmp_path, {"base": nothing}, skip=[("base", r) for r in range(7, 12)], years=1)
    interrupted(path)
    words = visible(write_report(path).read_text())
    assert "The runs were interrupted: 7 of 10 replications" in words


# Runs of every kind

KINDS: dict[str, tuple[dict[str, Callable[..., None]], dict[str, Any], str]] = {
    "one run": (
        {"base": nothing},
        {"kind": "run", "replicates": 1, "twins": 0, "replication": 0},
        "in a single replication",
    ),
    "one policy": ({"base": nothing}, {}, "on average over 10 replications"),
    "one pair": (
        {"base": nothing, "saves": saves},
        {"replicates": 1, "twins": 0},
        "too few pairs",
    ),
    "no twins": (
        {"base": nothing, "saves": saves},
        {"replicates": 4, "twins": 0},
        "was not measured",
    ),
    "fixed": (
        {"base": nothing, "swings": swings},
        {"assumptions": {"mode": "fixed", "set": {"discount_rate": 0.02}}, "twins": 0},
        "one set of assumptions",
    ),
    "none complete": (
        {"base": nothing, "saves": saves},
        {"skip": [("saves", r) for r in range(12)]},
        "there is no answer yet",
    ),
    "neutral only": (
        {"base": nothing, "saves": saves},
        {"outcomes": ["shared_councils"]},
        "not judged",
    ),
    "many policies": (
        {"base": nothing, **{f"policy {i}": saves for i in range(13)}},
        {"replicates": 3, "twins": 0},
        "The first 12 policies are drawn",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_of_any_kind_of_run(kind: str, tmp_path: Path) -> None:
    policies, about, words = KINDS[kind]
    register = parse_register(SMALL, "small.csv")
    path = write_report(store(tmp_path, policies, register=register, **{"years": 1, **about}))
    assert path == tmp_path / "report.html"
    assert words in visible(path.read_text())
    assert (tmp_path / "summary.csv").is_file()
    assert "nan" not in visible(path.read_text()).lower().split()


def test_without_a_table_of_councils_there_is_no_map(tmp_path: Path) -> None:
    store(tmp_path, {"base": nothing}, years=1)
    (tmp_path / "events" / "councils.parquet").unlink()
    assert 'id="map"' not in write_report(tmp_path).read_text()


def test_a_damaged_directory_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    store(tmp_path, {"base": nothing}, years=1)
    (tmp_path / "outcomes.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"outcomes\.parquet"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


# It stands alone


class Elements(HTMLParser):
    """The elements of a page, each with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in tags]


def test_the_page_asks_for_nothing_else(text: str) -> None:
    elements = Elements(text)
    assert not elements.named("link", "iframe", "object", "embed", "base", "form")
    assert not [each for each in elements.named("script", "img") if "src" in each]
    assert all((each["href"] or "").startswith("#") for each in elements.named("a"))
    assert not re.search(r"url\(|@import", visible(text))


def test_the_page_is_small_enough_to_be_sent(tmp_path: Path) -> None:
    policies = {"base": nothing, **{f"policy {i}": saves for i in range(5)}}
    assert write_report(store(tmp_path, policies, years=15)).stat().st_size < 4e6


def test_the_script_is_embedded_once(text: str) -> None:
    (packed,) = re.findall(r'<script type="text/plain" id="plotly"[^>]*>([^<]*)</script>', text)
    assert gzip.decompress(base64.b64decode(packed)).decode() == get_plotlyjs()
    assert f"plotly.js {get_plotlyjs_version()}" in text


def test_an_equal_run_gives_equal_bytes(run: RunDirectory, text: str) -> None:
    assert write_report(run.path).read_text(encoding="utf-8") == text


# It can be read by everyone


def test_headings_tables_and_charts_are_marked_up(text: str) -> None:
    elements = Elements(text)
    assert elements.named("html")[0]["lang"] == "en-GB"
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert all("scope" in each for each in elements.named("th"))
    assert len(elements.named("caption")) == len(elements.named("table"))
    drawn = [each for each in elements.named("div") if each.get("class") == "chart"]
    assert len(drawn) == 6
    assert all(each["role"] == "img" and each["aria-label"] for each in drawn)
    ids = [each["id"] for _, each in elements.found if "id" in each]
    assert len(ids) == len(set(ids))


# It is safe


def test_hostile_names_open_no_element(hostile: Path) -> None:
    text = write_report(hostile).read_text(encoding="utf-8")
    assert "<script>window" not in text
    assert "<!--" not in text
    assert "&lt;script&gt;window.harmed=1&lt;/script&gt;&lt;!--" in text


# In a browser


def opened(page: Page, path: Path) -> list[str]:
    """Open a report, wait until all is drawn and return whatever went wrong or was asked for."""
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("request", lambda request: trouble.append(request.url))
    page.goto(path.as_uri())
    page.locator("html[data-drawn=yes]").wait_for(state="attached")
    return [each for each in trouble if not each.startswith((path.as_uri(), "data:", "blob:"))]


def test_every_chart_is_drawn_and_nothing_goes_wrong(
    run: RunDirectory, text: str, page: Page
) -> None:
    assert text
    assert opened(page, run.path / "report.html") == []
    assert page.locator(".chart .main-svg").count() >= 3
    for chart in page.locator(".chart").all():
        assert chart.locator(".trace path").count() > 10
    assert page.evaluate("Object.keys(Plotly).length") > 10


def test_a_hostile_name_is_shown_as_it_is(hostile: Path, page: Page) -> None:
    assert opened(page, write_report(hostile)) == []
    assert page.evaluate("window.harmed") is None
    assert page.locator("h1").inner_text() == f"{FORMULA} against {HOSTILE}"
    labels = page.locator(".chart text").all_text_contents()
    assert any(label.startswith("<script>") for label in labels)


def test_paper_gets_a_picture_of_every_chart(run: RunDirectory, text: str, page: Page) -> None:
    assert text
    opened(page, run.path / "report.html")
    pictures = page.locator("img.on-paper")
    assert pictures.count() == 6
    assert not pictures.first.is_visible()
    page.emulate_media(media="print")
    for picture in pictures.all():
        assert picture.is_visible()
        assert picture.evaluate("image => image.naturalWidth") > 500
        assert picture.get_attribute("alt")
    assert not page.locator(".chart").first.is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_no_wider_than_the_screen(
    width: int, run: RunDirectory, text: str, page: Page
) -> None:
    assert text
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, run.path / "report.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
