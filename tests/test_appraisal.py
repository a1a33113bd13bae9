"""The appraisal: that its parts add up, and that its words say what its numbers bear."""

import dataclasses
import html
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from stored_runs import SMALL, nothing, store
from test_report import visible

from experiments.catalogue import find_policy
from experiments.compare import compare
from experiments.explanations import explain_run
from experiments.question import Question
from results import appraisal_words, changes
from results.appraisal import Appraisal, appraise
from results.changes import Changes
from results.explanations import WHY, read_explanations
from results.intervals import ratio_interval, replications_for, t_interval
from results.narrative import verdict_of
from results.report import write_report
from results.statistics import summarise
from results.store import RunDirectory, open_run, write_json
from results.words import UNDECIDED_NOTHING
from simulation.errors import InputError
from simulation.register import parse_register

A_PENNY = 1e-8
"""One penny in £m."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    policies = tuple(map(find_policy, ("status-quo", "forced-aggregation", "revolving-fund")))
    asked = Question(policies, years=3, replicates=3)
    done = compare(asked, tmp_path_factory.mktemp("england") / "run")
    assert done.directory is not None
    return done.directory


@pytest.fixture(scope="module")
def run(directory: Path) -> RunDirectory:
    return open_run(directory)


@pytest.fixture(scope="module")
def about(run: RunDirectory) -> Appraisal:
    return appraise(run, summarise(run))


# It adds up


def test_gains_of_groups_add_up_to_the_whole_to_the_penny(about: Appraisal) -> None:
    values = {party.name: party.values for party in about.parties}
    for grouping in ("type", "size", "region"):
        parts = [party.values for party in about.parties if party.grouping == grouping]
        assert np.abs(sum(parts) - values["councils"]).max() < 400 * A_PENNY
    for whole, parts in {
        "public": ("councils", "exchequer"),
        "suppliers": ("large_supplier", "sme"),
        "everyone": ("public", "suppliers"),
    }.items():
        assert np.abs(sum(values[part] for part in parts) - values[whole]).max() < 100 * A_PENNY


def test_the_public_gains_what_the_summary_says(about: Appraisal) -> None:
    rows = about.summary.set_index(["policy", "outcome"])
    for row in about.gains[about.gains["party"] == "public"].to_dict("records"):
        summed = rows.loc[(row["policy"], "net_public_saving")]
        for name in ("difference", "low", "high", "matters", "verdict"):
            assert row[name] == summed[name] or row[name] == pytest.approx(summed[name])


def test_what_councils_save_by_cost_adds_up_to_their_saving(run: RunDirectory) -> None:
    costs = Changes(run, appraise(run, summarise(run)).books).costs
    assert costs is not None
    for _, rows in costs.groupby("policy"):
        *parts, total = rows["difference"]
        assert sum(parts) == pytest.approx(total, abs=100 * A_PENNY)
        *parts, total = rows["baseline"]
        assert sum(parts) == pytest.approx(total, abs=100 * A_PENNY)
        assert rows["title"].iloc[-1] == changes.TOTAL


def test_every_council_is_in_one_group_of_each_kind(about: Appraisal) -> None:
    for grouping in ("type", "size", "region"):
        many = [party.councils for party in about.parties if party.grouping == grouping]
        assert sum(many) == 388
    sizes = [party.councils for party in about.parties if party.grouping == "size"]
    assert max(sizes) - min(sizes) <= 5


def a_grant(measures: dict[str, Any]) -> None:
    for name, value in {"fund_paid": 2.0, "fund_claims": 1.0}.items():
        measures[name] = np.full_like(measures["discount"], value)


def a_loan(measures: dict[str, Any]) -> None:
    a_grant(measures)
    measures["fund_lent"] = measures["fund_paid"]
    for name, value in {"fund_repaid": 0.5, "fund_written_off": 0.1}.items():
        measures[name] = np.full_like(measures["discount"], value)


def test_loans_are_out_at_the_end_and_grants_are_not(tmp_path: Path) -> None:
    policies = {"base": nothing, "grant": a_grant, "loan": a_loan}
    run = open_run(store(tmp_path, policies, years=3, replicates=2, twins=0))
    funds = appraise(run, summarise(run)).funds.set_index("policy")
    last = run.measures(run.replications)["discount"][0, 0, -1]
    assert funds["still_out"]["grant"] == 0.0
    assert funds["still_out"]["loan"] == pytest.approx(12 * (2.0 - 0.5 - 0.1) * last)
    assert "Still out at the end" in write_report(run.path).read_text(encoding="utf-8")


def test_the_fund_is_appraised_only_where_it_pays(about: Appraisal) -> None:
    (row,) = about.funds.to_dict("records")
    assert row["policy"] == "revolving-fund"
    assert row["paid"] > 0
    assert row["net_cost"] == pytest.approx(row["paid"] - row["repaid"], abs=1e-6)
    assert row["benefit"] == pytest.approx(row["saving"] + row["net_cost"])
    assert row["per_paid"] == pytest.approx(row["saving"] / row["paid"]) or math.isnan(
        row["per_paid"]
    )
    assert 0 <= row["claims_with_cash"] <= 100


# Ratios

numbers = st.lists(st.tuples(st.floats(-50, 50), st.floats(1, 50)), min_size=3, max_size=12)


@given(numbers)
def test_the_interval_of_a_ratio_ends_where_the_means_may_be_apart(pairs: Any) -> None:
    above, below = (np.array(each) for each in zip(*pairs, strict=True))
    low, high = ratio_interval(above, below)
    assume(not math.isnan(low))
    ratio = above.mean() / below.mean()
    assert low <= ratio + 1e-9 and high >= ratio - 1e-9
    for end in (low, high):
        reach = t_interval(above - end * below)
        assert min(abs(side) for side in reach) <= 1e-5 * (1 + np.abs(above).max() * (1 + abs(end)))


def test_a_ratio_to_what_may_be_nought_has_no_interval() -> None:
    low, high = ratio_interval(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 1.0]))
    assert math.isnan(low) and math.isnan(high)
    assert math.isnan(ratio_interval(np.array([1.0]), np.array([1.0]))[0])


@given(st.integers(5, 40), st.floats(0.05, 5.0))
def test_as_many_replications_as_wanted_would_do(count: int, margin: float) -> None:
    differences = np.arange(count, dtype=np.float64) % 7
    wanted = replications_for(differences, margin)
    assert wanted is not None
    spread = differences.std(ddof=1)
    assert _reach(spread, wanted) <= margin * (1 + 1e-9)
    assert wanted <= 2 or _reach(spread, wanted // 2) > margin


def _reach(spread: float, count: int) -> float:
    return float(stats.t.ppf(0.975, count - 1) * spread / math.sqrt(count))


def test_without_spread_or_margin_no_number_is_named() -> None:
    assert replications_for(np.array([1.0, 1.0, 1.0]), 1.0) is None
    assert replications_for(np.array([1.0, 2.0]), 0.0) is None
    assert replications_for(np.array([1.0]), 1.0) is None


# Words


@pytest.fixture(scope="module")
def text(directory: Path) -> str:
    return html.unescape(visible(write_report(directory).read_text(encoding="utf-8")))


def test_the_page_tells_groups_suppliers_and_the_fund(text: str) -> None:
    for words in (
        "Large suppliers", "SMEs", "Exchequer", "London boroughs", "Smallest quarter",
        "North East", "What the Exchequer's money buys", "Additionality, paired",
        "All in this market", "Holm's correction",
    ):  # fmt: skip
        assert words in text


def test_figures_in_sentences_are_those_of_the_tables(text: str, about: Appraisal) -> None:
    for policy in ("forced-aggregation", "revolving-fund"):
        sentence = appraisal_words.who_gains(about, policy)
        assert sentence in text
        told = re.findall(r"[+\N{MINUS SIGN}]£[\d.,]+m to [+\N{MINUS SIGN}]?£[\d.,]+m", sentence)
        assert told
        assert all(f"({each})" in text for each in told)


verdicts = st.sampled_from(["better", "worse", "negligible", "undecided", "identical"])


@given(st.lists(verdicts, min_size=5, max_size=5), st.floats(-80, 80), st.floats(0.1, 60))
def test_nobody_gains_or_loses_in_words_without_the_verdict(
    given_verdicts: list[str], middle: float, half: float
) -> None:
    titles = ("Counties", "Districts", "Unitaries", "Metropolitan districts", "London boroughs")
    names = ("county", "district", "unitary", "metropolitan", "london_borough")
    rows = pd.DataFrame(
        {
            "policy": "p", "grouping": "type", "party": names, "title": titles,
            "difference": middle, "low": middle - half, "high": middle + half,
            "matters": 10.0, "verdict": given_verdicts,
        }
    )  # fmt: skip
    sentence = appraisal_words.who_gains(_Rows(rows), "p")  # type: ignore[arg-type]
    for title, verdict in zip(titles, given_verdicts, strict=True):
        name = title if title.startswith("London") else f"{title[0].lower()}{title[1:]}"
        moved = re.search(rf"(?<!metropolitan )\b{name} (gain|lose) ", sentence)
        assert (moved and moved[1]) == {"better": "gain", "worse": "lose"}.get(verdict)
        assert sentence.count(name) == 1 + (name == "districts" and "metropolitan" in sentence)


class _Rows:
    """What `appraisal_words` asks of an appraisal."""

    knows_groups, knows_firms = True, True

    def __init__(self, gains: pd.DataFrame) -> None:
        self.gains = gains
        self.run = self
        self.policies = {"p": self}
        self.label = "P"


def test_a_short_sentence_gives_no_figures_of_what_may_be_nothing(about: Appraisal) -> None:
    rows = appraisal_words.rows_told(about, "revolving-fund")
    open_ones = [row for row in rows if verdict_of(row) == UNDECIDED_NOTHING]
    short = appraisal_words.who_gains(about, "revolving-fund", short=True)
    assert open_ones
    assert not any(appraisal_words.interval(row) in short for row in open_ones)


# Directories of every kind


def test_a_directory_of_an_earlier_version_says_what_it_lacks(
    directory: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    _copy(directory, old)
    councils = pd.read_parquet(old / "events" / "councils.parquet")
    npv = [name for name in councils if name.endswith("_npv_m")]
    councils.drop(columns=npv).to_parquet(old / "events" / "councils.parquet")
    ledger = pd.read_parquet(old / "events" / "ledger.parquet")
    merged = {"large_supplier": "supplier", "sme": "supplier"}
    ledger.replace({"from_class": merged, "to_class": merged}).to_parquet(
        old / "events" / "ledger.parquet"
    )
    text = visible(write_report(old).read_text(encoding="utf-8"))
    assert "made by an earlier version, has no discounted savings" in text
    assert "Large suppliers and SMEs are not shown apart" in text
    assert "Suppliers" in text and "Smallest quarter" not in text
    for name in ("councils", "ledger", "tenders", "contracts"):
        (old / "events" / f"{name}.parquet").unlink()
    text = visible(write_report(old).read_text(encoding="utf-8"))
    assert "holds no tenders of a complete replication" in text


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())


@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_few_replications_claim_nothing_they_cannot(replicates: int, tmp_path: Path) -> None:
    register = parse_register(SMALL, "small.csv")
    about = {"replicates": replicates, "twins": 0, "years": 1}
    path = store(tmp_path, {"base": nothing, "other": nothing}, register=register, **about)
    text = visible(write_report(path).read_text(encoding="utf-8"))
    assert "nothing changes for" in text or "too few pairs" in text
    assert " gain £" not in text


# Why


def test_the_first_tender_that_went_another_way_is_told() -> None:
    base = {"quarter": 3, "lead": "Alpha", "segment": "change", "councils": 1,
            "procedure": "restricted", "winner": "Some Firm", "reason": "awarded"}  # fmt: skip
    joint = base | {"councils": 4, "winner": None, "reason": "no bid"}
    early = base | {"quarter": 1}
    frame = pd.DataFrame(
        one | {"policy": policy}
        for policy, later in (("a", base), ("b", joint), ("c", base))
        for one in (early, later)
    ).assign(replication=0, sample=0)

    class Stored:
        baseline = "a"
        replications = (0,)

        def events(self) -> tuple[str, ...]:
            return ("tenders",)

        def event(self, _: str) -> pd.DataFrame:
            return frame

    told = Changes(Stored(), None)  # type: ignore[arg-type]
    turning = told.first_tender("b")
    assert turning is not None
    assert (turning.quarter, turning.lead) == (3, "Alpha")
    assert turning.baseline == "alone, by restricted, won by Some Firm"
    assert turning.policy == "for 4 councils together, by restricted, not awarded (no bid)"
    assert told.first_tender("c") is None


def test_explanations_are_told_and_checked(directory: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    _copy(directory, own)
    assert explain_run(own) == own / WHY
    text = visible(write_report(own).read_text(encoding="utf-8"))
    assert "the first decision that went another way, in Q" in text
    assert "Scale: pooled demand less coordination" in text
    told = read_explanations(open_run(own))
    assert told is not None
    one = told.policies["forced-aggregation"]
    assert sum(each.npv.difference for each in one.causes) == pytest.approx(
        one.total.npv.difference
    )
    spoiled = dataclasses.replace(
        one, total=dataclasses.replace(one.total, npv=dataclasses.replace(
            one.total.npv, policy=one.total.npv.policy + 1))
    )  # fmt: skip
    whole = dataclasses.asdict(
        dataclasses.replace(told, policies={**told.policies, "forced-aggregation": spoiled})
    )
    write_json(own / WHY, whole)
    with pytest.raises(InputError, match="is not what the stored runs saved"):
        write_report(own)
    write_json(own / WHY, dataclasses.asdict(dataclasses.replace(told, question_id="other")))
    with pytest.raises(InputError, match="not those stored here"):
        write_report(own)
    (own / WHY).write_text('{"question_id": 1')
    with pytest.raises(InputError, match="damaged explanations"):
        write_report(own)


def test_what_compares_nothing_cannot_be_explained(tmp_path: Path) -> None:
    path = store(tmp_path, {"base": nothing}, years=1, register=parse_register(SMALL, "s.csv"))
    with pytest.raises(InputError, match="nothing to explain"):
        explain_run(path)


def test_why_is_told_on_request(say: Any) -> None:
    asked = "--register councils.csv --years 1 --replicates 2 --set risk_transfer=0.9 --out d"
    assert say(f"compare {asked} --workers 1").code == 0
    assert not Path("d", WHY).exists()
    assert "takes two more runs a policy" in visible(Path("d/report.html").read_text())
    assert say("report d --why --workers 1").code == 0
    before = Path("d", WHY).read_bytes()
    assert "What the public saves by cause there" in visible(Path("d/report.html").read_text())
    assert say(f"compare {asked} --workers 1 --why").code == 0
    assert Path("d", WHY).read_bytes() == before
