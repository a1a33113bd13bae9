"""What the report says of partnerships: every number on little tables, counted by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page
from stored_runs import SMALL, nothing, store
from test_report import HOSTILE, opened, visible

from agents.partnership import CAUSES, FELL_APART
from results import partnerships
from results.charts import partnerships as partnership_charts
from results.charts.hexagons import hexagon_map
from results.partnerships import ON, STILL, Partnerships, flow, read_partnerships, within
from results.report import write_report
from results.store import open_run, write_parquet
from simulation import MarketModel
from simulation.events import COLUMNS
from simulation.register import Register, parse_register
from tests.worlds import shire

NO = None
PARTNERSHIPS = (
    # policy, formed, stormed, normed, performed, lead, stage, ended_how, members at the end
    ("base", -9, -9, -4, 0, "Alpha", "performing", "", "Beta Alpha"),
    ("base", 1, 2, NO, NO, "Alpha", "dissolved", "walked away", ""),
    ("base", 2, 3, 5, 9, "Gamma", "performing", "", "Gamma Delta Beta"),
    ("base", 2, 3, 5, 11, "Gamma", "performing", "", "Delta Gamma"),
    ("base", 4, NO, NO, NO, "Beta", "forming", "", "Beta Alpha"),
    ("base", 1, 3, 6, NO, "Beta", "dissolved", "voted down", ""),
    ("base", 1, 3, 6, 8, "Beta", "dissolved", "voted down", ""),
    ("base", 3, 4, 6, 10, "Delta", "norming", "", "Delta Gamma"),
    ("saves", -9, -9, -4, 0, "Alpha", "dissolved", "collapsed", ""),
    ("saves", 2, 3, 5, 8, "Alpha", "performing", "", "Alpha Beta"),
)
GAMMA_WITH = "applications with Delta and Beta"


def tables(rows: Any = PARTNERSHIPS, rename: str = "Beta") -> dict[str, pd.DataFrame]:
    """Return the tables of groups, members and decisions; "Beta" has the name ``rename``."""
    groups, members, row = [], [], dict.fromkeys(("base", "saves"), -1)
    for policy, *when, lead, stage, how, together in rows:
        row[policy] += 1
        keys = {"policy": policy, "sample": 0, "replication": 0}
        dated = dict(zip(("formed", "stormed", "normed", "performed"), when, strict=True))
        about = {"segment": "applications", "stage": stage, "ended_how": how}
        groups.append({**keys, **dated, "lead": lead.replace("Beta", rename), **about})
        for name in together.split():
            council = {"council": name.replace("Beta", rename), "until": 0}
            members.append({**keys, "partnership": row[policy], **council})
        left = {"council": "Delta", "until": 7}
        members.append({**keys, "partnership": row[policy], **left})
    frame = pd.DataFrame(groups)
    dates = ["formed", "stormed", "normed", "performed"]
    frame = frame.astype(dict.fromkeys(dates, "Int64"))
    return {"partnerships": frame, "members": pd.DataFrame(members), "decisions": decisions()}


def decisions() -> pd.DataFrame:
    causes = ["politics", "no gain", "politics", "none", "none", *3 * [CAUSES[FELL_APART]]]
    stays = [False, False, False, True, False, False, False, False]
    return pd.DataFrame(
        {"policy": "base", "sample": 0, "replication": 0, "stays": stays, "cause": causes}
    )


def stored(path: Path, about: dict[str, pd.DataFrame], rename: str = "Beta") -> Path:
    register = parse_register(SMALL.replace(b"Beta", rename.encode()), "small.csv")
    store(path, {"base": nothing, "saves": nothing}, register=register, years=3)
    for name, table in about.items():
        write_parquet(path / "events" / f"{name}.parquet", table)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("run"), tables())


@pytest.fixture(scope="module")
def register(place: Path) -> Register:
    return open_run(place).register


@pytest.fixture(scope="module")
def about(place: Path) -> Partnerships:
    read = read_partnerships(open_run(place))
    assert read is not None
    return read


@pytest.fixture(scope="module")
def text(place: Path) -> str:
    return visible(write_report(place).read_text(encoding="utf-8"))


# How far groups came


def test_a_flow_counts_what_became_of_groups_at_each_stage(about: Partnerships) -> None:
    seen = flow(about.of("base"))
    assert seen.fates == (ON, "walked away", "voted down", STILL)
    assert seen.counts.tolist() == [
        [6, 0, 0, 1],
        [5, 1, 0, 0],
        [4, 0, 1, 0],
        [2, 0, 1, 1],
    ]
    assert seen.reached == [7, 6, 5, 4]
    assert (seen.performing, seen.still) == (2, 2)
    assert seen.ends == {"voted down": 2, "walked away": 1}
    assert seen.ends_by_stage == {
        "walked away, after they began to differ": 1,
        "voted down, after they settled": 1,
        "voted down, after they signed": 1,
    }


def test_the_groups_of_2006_stand_apart(about: Partnerships) -> None:
    assert flow(about.of("saves")).reached == [1, 1, 1, 1]
    assert flow(about.founding("base")).performing == 1
    assert flow(about.founding("saves")).ends == {"collapsed": 1}


def test_the_bars_of_the_stages_are_the_counts(about: Partnerships) -> None:
    figure = partnership_charts.stages_chart(about)
    base = {trace.legendgroup: trace for trace in figure.data if trace.xaxis == "x"}
    assert {fate: list(trace.customdata) for fate, trace in base.items()} == {
        ON: [6, 5, 4, 2],
        "walked away": [0, 1, 0, 0],
        "voted down": [0, 0, 1, 1],
        STILL: [1, 0, 0, 1],
    }
    assert list(base[ON].x) == pytest.approx([100 * many / 7 for many in (6, 5, 4, 2)], abs=0.001)
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown)) == 4


def test_every_reason_for_ending_has_a_look_of_its_own() -> None:
    looks = [(fill.colour, fill.hatch) for fill in partnership_charts.FILLS.values()]
    assert len(set(looks)) == len(looks)
    assert set(partnerships.ENDED_HOW[1:]) <= partnership_charts.FILLS.keys()


def test_a_reason_that_is_not_known_is_drawn_too(about: Partnerships) -> None:
    table = about.of("base").replace({"ended_how": {"voted down": "struck by lightning"}})
    assert flow(table).ends == {"struck by lightning": 2, "walked away": 1}


# How long they took


def test_times_to_agreement_are_those_of_groups_that_signed(about: Partnerships) -> None:
    took = partnerships.quarters_to_agree(about.of("base"))
    assert took.tolist() == [7, 7, 7, 9]
    figure = partnership_charts.agreement_chart(about)
    assert figure is not None
    bars = figure.data[0]
    assert dict(zip(bars.x, bars.customdata, strict=True))[7] == 3
    assert sum(bars.customdata) == 4
    assert dict(zip(bars.x, bars.y, strict=True))[9] == 25.0


@pytest.mark.parametrize(("share", "quarters"), [(0.5, 6), (0.75, 9), (1.0, 20)])
def test_within_is_a_time_that_was_met(share: float, quarters: int) -> None:
    assert within(np.array([5, 6, 9, 20]), share) == quarters


# Who shares with whom


def test_links_lead_from_leaders_to_members_that_still_belong(about: Partnerships) -> None:
    assert dict(partnerships.links(about.performing("base"))) == {
        ("Alpha", "Beta"): 1,
        ("Gamma", "Delta"): 2,
        ("Gamma", "Beta"): 1,
    }
    shared = partnerships.services_shared(about.performing("base"))
    assert {name: len(each) for name, each in shared.items()} == {
        "Alpha": 1, "Beta": 2, "Gamma": 2, "Delta": 2,
    }  # fmt: skip
    assert shared["Gamma"] == [GAMMA_WITH, "applications with Delta"]


def test_the_map_draws_the_links_and_tells_the_services(
    about: Partnerships, register: Register
) -> None:
    figure = partnership_charts.partnership_map(about, register)
    placed = hexagon_map(register)
    assert figure is not None
    assert placed is not None
    one, two, more = ([trace for trace in figure.data if trace.name == n] for n in LINKS)
    assert [drawn(trace) for trace in one] == [2, 1]
    assert [drawn(trace) for trace in two] == [1, 0]
    assert [drawn(trace) for trace in more] == [0, 0]
    place = dict(zip(register.name, np.round(placed.centres, 2).tolist(), strict=True))
    ends = [[two[0].x[i], two[0].y[i]] for i in (0, 1)]
    assert ends == [place["Gamma"], place["Delta"]]
    told = [words for trace in figure.data if trace.text for words in trace.text]
    assert f"<b>Gamma</b><br>district<br>shares 2 services<br>{GAMMA_WITH}<br>" in "".join(told)


LINKS = partnership_charts.LINKS


def drawn(trace: Any) -> int:
    return sum(value is None for value in trace.x) if trace.x[0] is not None else 0


def test_a_county_drawn_aside_is_linked_amid_its_districts() -> None:
    register = shire()
    placed = hexagon_map(register)
    assert placed is not None
    names = list(register.name)
    county, districts = names.index("Shire"), np.asarray(register.type) == "district"
    seats = partnership_charts.standing(register, placed)
    assert placed.aside[county]
    assert seats[county] == pytest.approx(placed.centres[districts].mean(axis=0))


# In words


def test_the_sentences_hold_the_numbers_of_the_tables(about: Partnerships, text: str) -> None:
    assert partnerships.map_words(about) == (
        "In the first replication, under base 3 partnerships perform at the end, between 4 "
        "councils; under saves 1 partnership performs at the end, between 2 councils."
    )
    assert partnerships.stages_words(about) == (
        "In the first replication, under base 4 of 7 groups that began to talk signed a joint "
        "contract and 2 of these still perform at the end, while 3 ended, before they signed or "
        "after: voted down 2, walked away 1; under saves 1 of 1 group that began to talk signed a "
        "joint contract and 1 of these still perform at the end, while 0 ended, before they signed "
        "or after."
    )
    assert partnerships.agreement_words(about) == (
        "In the first replication, under base 4 groups signed, after 7, 7, 7 and 9 quarters; under "
        "saves 1 group signed, after 6 quarters."
    )
    for words in (partnerships.map_words, partnerships.stages_words, partnerships.agreement_words):
        assert words(about) in text


def test_the_tables_hold_the_same_numbers(text: str) -> None:
    assert "base 7 6 5 4 2 3 2 7 quarters 1 of 1" in text
    assert "saves 1 1 1 1 1 0 0 6 quarters 0 of 1" in text
    assert "voted down, after they signed 1 0" in text
    left = "left behind when the group fell apart 3 0"
    assert f"politics 2 0 no gain 1 0 nothing in particular 1 0 {left}" in text
    assert "Half of those that signed, within" in text


def test_many_times_are_told_by_half_and_three_quarters() -> None:
    rows = [("base", 1, 2, 3, 1 + q, "Alpha", "performing", "", "Alpha Beta") for q in range(4, 12)]
    groups = tables(rows)["partnerships"].assign(together=[["Alpha", "Beta"]] * len(rows))
    told = partnerships.agreement_words(Partnerships({"base": "Base"}, groups, None, (0,)))
    assert told == (
        "In the first replication, under Base half of the 8 groups that signed did so within 7 "
        "quarters of their first talks, and three in four within 9."
    )


def test_a_run_that_stands_by_itself_is_told_as_one(tmp_path: Path) -> None:
    path = store(tmp_path, {"base": nothing}, kind="run", replicates=1, twins=0, replication=0)
    for name, table in tables().items():
        one = table[table["policy"] == "base"]
        write_parquet(path / "events" / f"{name}.parquet", one)
    text = visible(write_report(path).read_text(encoding="utf-8"))
    assert "This part tells what happened in this run" in text
    assert "In this run, under base 3 partnerships perform at the end" in text
    assert "between policies here" not in text
    assert "first replication" not in text


def test_a_long_name_is_whole_beside_one_other(about: Partnerships) -> None:
    long = "Grant programme with a deadline"
    named = replace(about, labels={"base": "Base", "saves": long})
    assert long in partnership_charts.stages_chart(named).to_json()


def test_what_is_simulated_is_said(text: str) -> None:
    part = text[text.index("This part tells") : text.index("Appendix: policies", 2000)]
    assert part.count("(simulated)") >= 4
    assert "it bears no verdict" in part


# Runs that lack something


def without(name: str, columns: list[str]) -> dict[str, pd.DataFrame]:
    """Return the tables without ``columns`` of the one ``name``, or without it."""
    about = tables()
    if not columns:
        del about[name]
    else:
        about[name] = about[name].drop(columns=columns)
    return about


@pytest.mark.parametrize(
    ("name", "columns"),
    [("partnerships", []), ("members", []), ("partnerships", ["stormed"]), ("members", ["until"])],
)
def test_an_older_directory_says_what_it_lacks(
    name: str, columns: list[str], tmp_path: Path
) -> None:
    text = write_report(stored(tmp_path, without(name, columns))).read_text(encoding="utf-8")
    assert partnerships.UNTOLD in visible(text)
    assert "figure-partnership" not in text


def test_without_decisions_only_their_table_is_left_out(tmp_path: Path) -> None:
    text = visible(write_report(stored(tmp_path, without("decisions", []))).read_text())
    assert "Why groups ended" in text
    assert "What moved members" not in text


def test_where_no_group_ever_stood_the_report_says_so(tmp_path: Path) -> None:
    empty = {name: table[:0] for name, table in tables().items()}
    text = visible(write_report(stored(tmp_path, empty)).read_text())
    assert partnerships.NONE_FORMED in text


def test_where_nobody_signed_no_times_are_drawn(tmp_path: Path) -> None:
    rows = [("base", 1, 2, NO, NO, "Alpha", "storming", "", "Alpha Beta")]
    text = write_report(stored(tmp_path, tables(rows))).read_text(encoding="utf-8")
    assert "under base no group signed; under saves no group signed." in visible(text)
    assert "under saves no group formed." in visible(text)
    assert "figure-partnership-agreement" not in text
    assert "figure-partnership-stages" in text


# It can be read by everyone, and is safe


def test_every_chart_of_the_part_is_drawn_and_named(place: Path, text: str, page: Page) -> None:
    assert text
    assert opened(page, place / "report.html") == []
    charts = page.locator("#partnerships .chart")
    assert charts.count() == 3
    for chart in charts.all():
        assert chart.get_attribute("role") == "img"
        assert "simulated" in (chart.get_attribute("aria-label") or "")
        assert chart.locator(".trace path").count() > 3
    assert page.locator("#partnerships img.on-paper").count() == 3


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_the_part_is_no_wider_than_the_screen(
    width: int, place: Path, text: str, page: Page
) -> None:
    assert text
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, place / "report.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hostile_name_stays_text(tmp_path: Path, page: Page) -> None:
    path = write_report(stored(tmp_path, tables(rename=HOSTILE), rename=HOSTILE))
    assert "<script>window" not in path.read_text(encoding="utf-8")
    assert opened(page, path) == []
    assert page.evaluate("window.harmed") is None


# The model's own tables


def test_the_model_gives_what_is_read() -> None:
    for name, wanted in partnerships.COLUMNS.items():
        assert wanted <= COLUMNS[name].keys()
    model = MarketModel(register=shire(20), years=4, rng=3, aggregation_threshold=5.0).run()
    groups, members = model.tables["partnerships"], model.tables["members"]
    standing = groups.index[groups["stage"] != "dissolved"]
    assert len(standing)
    assert set(members.loc[members["until"] == 0, "partnership"]) == set(standing)
