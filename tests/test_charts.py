"""Charts and the words on them: figures, colours, hexagons."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_runs import SMALL, nothing, rewrite, store

from experiments.catalogue import bundled_policies
from results import charts, frames, words
from results.appraisal import SIZES, TYPE_TITLES
from results.charts import maps, over_time
from results.charts.hexagons import MOST_CELLS, HexagonMap, hexagon_map
from results.charts.theme import LEGEND_ROW, LONGEST_LABEL, legend_above
from results.side_by_side import levers_table
from results.statistics import horizon_values, summarise
from results.store import RunDirectory, StoredPolicy, open_run
from simulation.errors import InputError
from simulation.ledger import PENCE
from simulation.outcomes import HEADLINE, OUTCOMES
from simulation.register import Register, load_register, neighbours, parse_register

HOSTILE = "<script>alert(1)</script>%{x} &lt;"


def more(measures: dict[str, Any]) -> None:
    measures["public_saving"] = measures["public_saving"] * 1.5


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    policies = {"status-quo": nothing, HOSTILE: more, "inert": nothing}
    return open_run(store(tmp_path_factory.mktemp("run"), policies, years=6))


# Figures in words


@pytest.mark.parametrize(
    ("value", "matters", "shown"),
    [
        (1234.56, 50, "1,235"),
        (0.256, 0.1, "0.26"),
        (-0.0412, 0.005, "\N{MINUS SIGN}0.0412"),
        (-0.001, 1, "0.0"),
        (float("nan"), 1, "\N{EN DASH}"),
    ],
)
def test_figures_are_as_fine_as_what_matters(value: float, matters: float, shown: str) -> None:
    assert words.number(value, matters) == shown


@given(st.floats(-1e9, 1e9), st.sampled_from([0.005, 0.1, 1, 2, 50]))
def test_a_shown_figure_is_right_to_a_tenth_of_what_matters(value: float, matters: float) -> None:
    shown = words.number(value, matters, signed=True).replace("\N{MINUS SIGN}", "-")
    assert float(shown.replace(",", "")) == pytest.approx(value, abs=0.1 * matters, rel=1e-12)


def test_units_are_put_where_they_are_read() -> None:
    money = OUTCOMES["net_public_saving"].with_margin(50.0)
    share = OUTCOMES["sme_value_share"]
    assert words.with_unit(120.4, money) == "£120m NPV"
    assert words.change(-20, money) == "\N{MINUS SIGN}£20m NPV"
    assert words.change(20, money, signed=False) == "£20m NPV"
    assert words.span(-5, 20, money) == "\N{MINUS SIGN}£5m to +£20m"
    assert words.with_unit(30.25, share) == "30.2%"
    assert words.change(1.5, share) == "+1.5 points"
    assert words.with_unit(3.2, OUTCOMES["bids_per_tender"]) == "3.20 bids"


@pytest.mark.parametrize(
    ("value", "matters", "shown"),
    [
        (0.32, 33.0, "+£0.32m"),
        (9.3, 33.0, "+£9.3m"),
        (930.4, 33.0, "+£930m"),
        (0.00012, 33.0, "£0.000m"),
        (0.0123456, 0.002, "+£0.0123m"),
        (0.0, 33.0, "£0m"),
        (1.0, float("nan"), "+£1.0m"),
    ],
)
def test_small_money_is_not_rounded_to_nothing(value: float, matters: float, shown: str) -> None:
    money = OUTCOMES["saving_ahead"].with_margin(matters)
    assert words.change(value, money) == shown


def test_the_ends_of_a_range_are_equally_fine() -> None:
    money = OUTCOMES["saving_ahead"].with_margin(33.0)
    assert words.span(-0.05, 0.3, money) == "\N{MINUS SIGN}£0.05m to +£0.30m"


def test_lists_and_counts_in_words() -> None:
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert [words.count(many) for many in (0, 3, 12, 1200)] == ["no", "three", "12", "1,200"]


def test_levers_in_words() -> None:
    dated = [{"from_year": 1, "value": 50.0}, {"from_year": 8, "value": 0}]
    assert words.lever_words(dated) == "50 from year 1; 0 from year 8"
    assert words.lever_words("by_control") == "by control"
    assert words.lever_words(None) == "none"
    assert words.lever_words(2000.0) == "2,000"


def test_only_levers_that_differ_stand_side_by_side() -> None:
    policies = {
        "a": StoredPolicy("a"),
        "b": StoredPolicy("b", levers={"risk_transfer": 1.0, "max_partners": 20}),
    }
    side = levers_table(policies)
    assert side[["lever", "a", "b"]].to_numpy().tolist() == [
        ["max_partners", "10", "20"],
        ["risk_transfer", "0.6", "1"],
    ]
    assert levers_table({"a": StoredPolicy("a")}).empty


def test_terms_of_a_mechanism_that_is_off_are_left_out() -> None:
    off = StoredPolicy("a", levers={"pump_priming_fund": 0.0, "pump_priming_share": 1.0})
    on = StoredPolicy("b", levers={"pump_priming_fund": 50.0, "pump_priming_share": 1.0})
    assert levers_table({"a": off})["lever"].tolist() == ["pump_priming_fund"]
    share = levers_table({"a": off, "b": on}).set_index("lever").loc["pump_priming_share"]
    assert (share["a"], share["b"]) == (words.EN_DASH, "1")


# Charts


def trajectories(run: RunDirectory, outcomes: Sequence[str]) -> Any:
    return charts.trajectories(frames.over_time(run, outcomes), outcomes, run.policies)


def sharing_map(run: RunDirectory) -> Any:
    return charts.sharing_map(frames.sharing(run), run.register, run.policies)


def labels(figure: Any) -> str:
    """Return every text that Plotly would read markup in, as one string."""
    content = figure.to_plotly_json()
    return json.dumps(json.loads(figure.to_json()) if content else {}, ensure_ascii=False)


def test_hostile_names_are_shown_and_not_obeyed(run: RunDirectory) -> None:
    summary = summarise(run)
    for figure in (
        charts.interval_plot(summary, run.policies),
        trajectories(run, HEADLINE),
        sharing_map(run),
    ):
        assert "<script" not in labels(figure)
        assert "&lt;script" in labels(figure)


def test_long_names_are_cut() -> None:
    assert charts.plain_text("x" * 99) == "x" * (LONGEST_LABEL - 1) + "…"


def test_names_of_bundled_policies_are_whole() -> None:
    labels = [policy.title for policy in bundled_policies()]
    assert [charts.plain_text(label) for label in labels] == labels


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5])
def test_the_name_of_a_bundled_policy_is_whole_above_its_panel(columns: int) -> None:
    longest = "Grant programme with a deadline"
    lines = charts.headed(longest, columns).removeprefix("<b>").removesuffix("</b>").split("<br>")
    assert " ".join(lines) == longest
    assert max(map(len, lines)) * columns <= 80


def test_a_legend_has_rows_of_its_own_above_the_panels(run: RunDirectory) -> None:
    few, many = trajectories(run, ["bids_per_tender"]), sharing_map(run)
    for figure in (few, many):
        assert figure.layout.legend.yref == "container"
        assert figure.layout.margin.t > 40 + LEGEND_ROW
    named = [f"a policy with a long name, number {place}" for place in range(8)]
    crowded = go.Figure([go.Scatter(name=name) for name in named]).update_layout(height=300)
    above = legend_above(crowded, 40, 30).layout.margin.t
    assert above >= 40 + 4 * LEGEND_ROW
    assert crowded.layout.height - above - 30 == 210


def test_the_interval_plot_has_a_panel_an_outcome_and_a_row_a_policy(run: RunDirectory) -> None:
    figure = charts.interval_plot(summarise(run), run.policies)
    titles = [annotation.text for annotation in figure.layout.annotations]
    assert [f"<b>{OUTCOMES[name].title}</b>" in t for name, t in zip(HEADLINE, titles, strict=True)]
    markers = [trace for trace in figure.data if trace.mode == "markers"]
    assert len(markers) == len(HEADLINE)
    assert all(len(trace.y) == 2 for trace in markers)
    assert markers[0].marker.symbol[0] == "triangle-up"
    assert markers[0].marker.symbol[1] == "line-ns"


def test_every_line_of_the_interval_plot_is_within_its_panel(run: RunDirectory) -> None:
    figure = charts.interval_plot(summarise(run), run.policies)
    for trace in figure.data:
        low, high = figure.layout[trace.xaxis.replace("x", "xaxis")].range
        assert all(low <= value <= high for value in trace.x if value is not None)


def test_of_many_policies_only_the_baseline_has_a_band(tmp_path: Path, run: RunDirectory) -> None:
    assert bands(run) == 3
    assert bands(open_run(store(tmp_path, dict.fromkeys("abcd", nothing), years=1))) == 1


def bands(run: RunDirectory) -> int:
    figure = trajectories(run, ["bids_per_tender"])
    return sum(trace.fill == "toself" for trace in figure.data)


def test_long_runs_are_drawn_by_year_and_short_ones_by_quarter(
    run: RunDirectory, tmp_path: Path
) -> None:
    years = trajectories(run, ["bids_per_tender"]).data[-1]
    assert list(years.x) == [2006, 2007, 2008, 2009, 2010, 2011]
    assert "2011-12" in years.text[-1]
    short = open_run(store(tmp_path, {"only": nothing}, years=1))
    quarters = trajectories(short, ["bids_per_tender"]).data[-1]
    assert list(quarters.x) == [2006.0, 2006.25, 2006.5, 2006.75]
    assert "2006-07, quarter 4" in quarters.text[-1]


@pytest.mark.parametrize(("years", "step"), [(1, 1), (5, 1), (8, 1), (15, 2), (50, 7)])
def test_ticks_stand_at_whole_years(years: int, step: int, tmp_path: Path) -> None:
    register = parse_register(SMALL, "small.csv")
    path = store(tmp_path, {"a": nothing}, register=register, years=years, replicates=2, twins=0)
    figure = trajectories(open_run(path), ["bids_per_tender"])
    assert figure.layout.xaxis.dtick == step


def test_a_year_is_drawn_by_the_rule_of_its_outcome(run: RunDirectory) -> None:
    line = trajectories(run, ["bids_per_tender"]).data[1]
    measures = run.measures(run.replications)
    bids, tenders = (measures[name][0, :, :4].sum(axis=1) for name in ("bids", "contested_tenders"))
    assert line.y[0] == pytest.approx((bids / tenders).mean(), rel=1e-5)


def test_charts_can_be_found() -> None:
    assert {"spread", "trajectories", "sharing_map", "savings_by_group"} <= set(dir(charts))


def test_a_misspelt_outcome_gets_the_nearest_name(run: RunDirectory) -> None:
    expected = "no outcome called 'net_public_savings' (did you mean 'net_public_saving'?)"
    for draw in (
        lambda: charts.spread(frames.differences(run), "net_public_savings", run.policies),
        lambda: charts.trajectories(frames.over_time(run), ["net_public_savings"], run.policies),
        lambda: frames.over_time(run, ["net_public_savings"]),
    ):
        with pytest.raises(InputError, match=re.escape(expected)):
            draw()


def test_one_outcome_needs_no_list(run: RunDirectory) -> None:
    one = frames.over_time(run, "net_public_saving")
    assert one.equals(frames.over_time(run, ["net_public_saving"]))


def test_a_frame_of_another_kind_is_refused_by_name(run: RunDirectory) -> None:
    wrong = frames.over_horizon(run)
    draws = {
        "frames.over_time": lambda: charts.competition(wrong, run.policies),
        "frames.differences": lambda: charts.spread(wrong, "net_public_saving", run.policies),
        "frames.fund": lambda: charts.fund(wrong, run.policies),
        "frames.sharing": lambda: charts.sharing_map(wrong, run.register, run.policies),
        "frames.links": lambda: charts.network(wrong, run.register, run.policies),
        "frames.savings_by_group": lambda: charts.savings_by_group(wrong, run.policies),
        "statistics.summarise": lambda: charts.interval_plot(wrong, run.policies),
    }
    for source, draw in draws.items():
        with pytest.raises(InputError, match=f"one of {source} is needed"):
            draw()


def test_a_policy_that_a_frame_does_not_hold_is_refused(run: RunDirectory) -> None:
    policies = {"status-quo": run.policies["status-quo"], "inertt": run.policies["inert"]}
    expected = re.escape("no policy called 'inertt' in this frame (did you mean 'inert'?)")
    for draw in (
        lambda: charts.trajectories(frames.over_time(run), ["bids_per_tender"], policies),
        lambda: charts.spread(frames.differences(run), "net_public_saving", policies),
        lambda: charts.sharing_map(frames.sharing(run), run.register, policies),
    ):
        with pytest.raises(InputError, match=expected):
            draw()


def test_councils_are_grouped_in_known_ways(run: RunDirectory) -> None:
    assert set(frames.savings_by_group(run, "size")["group"]) == set(SIZES)
    wrong: Any = "county"
    with pytest.raises(InputError, match=r"by 'county'; known: type, size, region"):
        frames.savings_by_group(run, wrong)


def test_the_baseline_is_grey_and_the_others_differ() -> None:
    looks = charts.looks({str(i): StoredPolicy(str(i)) for i in range(20)})
    assert looks["0"].colour == charts.BASELINE
    assert len({(look.colour, look.dash) for look in looks.values()}) == 20
    assert len({look.dash for look in list(looks.values())[1:7]}) == 6


def test_no_global_default_of_plotly_is_changed() -> None:
    import plotly.io

    assert plotly.io.templates.default == "plotly"


# Frames


def test_frames_hold_the_columns_that_are_told(run: RunDirectory) -> None:
    for name, columns in frames.COLUMNS.items():
        assert list(getattr(frames, name)(run).columns) == list(columns)


def test_frames_hold_every_outcome_of_every_run(run: RunDirectory) -> None:
    held = frames.over_horizon(run)
    values = horizon_values(run, run.replications)
    for name, each in values.items():
        assert held.loc[held["outcome"] == name, "value"].to_numpy() == pytest.approx(
            each.ravel(), nan_ok=True
        )
    by_year = frames.over_time(run, ["partnerships_formed"])
    totals = by_year.groupby(["policy", "replication"], observed=True)["value"].sum()
    assert totals.to_numpy() == pytest.approx(values["partnerships_formed"].ravel())


def test_differences_are_those_of_the_summary(run: RunDirectory) -> None:
    held = frames.differences(run)
    means = held.groupby(["policy", "outcome"], sort=False)["difference"].mean()
    for row in summarise(run).query("policy != 'status-quo' and pairs > 0").to_dict("records"):
        rows = held[(held["policy"] == row["policy"]) & (held["outcome"] == row["outcome"])]
        assert means[row["policy"], row["outcome"]] == pytest.approx(row["difference"])
        assert rows[["low", "high", "matters"]].drop_duplicates().to_numpy()[0] == pytest.approx(
            [row["low"], row["high"], row["matters"]], nan_ok=True
        )


def test_savings_of_groups_add_up_to_their_councils(run: RunDirectory) -> None:
    table = run.event("councils").query("replication in @run.replications")
    totals = table.groupby(["policy", "type", "replication"])[
        ["saving_npv_m", "counterfactual_npv_m"]
    ].sum()
    titled = dict(zip(TYPE_TITLES.values(), TYPE_TITLES, strict=True))
    held = frames.savings_by_group(run)
    assert set(held["group"]) == set(TYPE_TITLES.values())
    for row in held.to_dict("records"):
        kind = titled[row["group"]]
        saved = totals.loc[row["policy"], kind] - totals.loc["status-quo", kind]
        whole = totals.loc["status-quo", kind]["counterfactual_npv_m"].mean()
        assert row["gain"] == pytest.approx(saved["saving_npv_m"].mean())
        assert row["difference"] == pytest.approx(100 * row["gain"] / whole)
        assert row["gain_low"] <= row["gain"] <= row["gain_high"]
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["councils"] == run.register.type.count(kind)


def test_savings_that_are_not_discounted_are_not_told(run: RunDirectory) -> None:
    older = Undiscounted(run.path, run.manifest, run.register, run.outcomes)
    frame = frames.savings_by_group(older)
    assert frame.empty
    assert list(frame.columns) == list(frames.COLUMNS["savings_by_group"])
    assert charts.savings_by_group(frame, older.policies) is None


class Undiscounted(RunDirectory):
    """A run directory of an earlier version, whose table of councils holds no discounted money."""

    def event(self, name: str) -> pd.DataFrame:
        return super().event(name).drop(columns=["saving_npv_m", "counterfactual_npv_m"])


def test_the_books_of_the_fund_follow_its_measures(run: RunDirectory) -> None:
    held = frames.fund(run)
    assert set(held["quantity"]) == {"paid out", "repaid", "written off"}
    with_ledger = Ledgered(run.path, run.manifest, run.register, run.outcomes)
    balance = frames.fund(with_ledger).query("quantity == 'balance' and replication == 1")
    by_policy = balance.groupby("policy", observed=True)["value"].agg(list)
    assert by_policy["inert"] == pytest.approx([50, 50, 43, 43, 45, 45])
    assert by_policy["status-quo"] == pytest.approx([0.0] * 6)


class Ledgered(RunDirectory):
    """A run directory with a ledger in which the fund of one policy pays and is repaid."""

    def events(self) -> tuple[str, ...]:
        return ("ledger",)

    def event(self, name: str) -> pd.DataFrame:
        rows = [
            ("inert", one, quarter, *accounts, millions * PENCE)
            for one in self.replications
            for quarter, accounts, millions in (
                (0, ("exchequer", "fund"), 50),
                (12, ("fund", "council"), 7),
                (17, ("council", "fund"), 2),
                (17, ("council", "supplier"), 9),
            )
        ]
        columns = ["policy", "replication", "quarter", "from_class", "to_class", "amount"]
        return pd.DataFrame(rows, columns=columns)


# More charts


def alone(run: RunDirectory, replications: int) -> RunDirectory:
    """Return the same runs with the first replications only."""
    few = run.outcomes[run.outcomes["replication"] < replications]
    return RunDirectory(run.path, run.manifest, run.register, few)


@pytest.mark.parametrize("replications", [1, 2, 3])
def test_the_spread_has_a_point_a_replication(run: RunDirectory, replications: int) -> None:
    few = alone(run, replications)
    figure = charts.spread(frames.differences(few), "net_public_saving", few.policies)
    points = [trace for trace in figure.data if trace.name == "one replication"]
    assert [len(trace.x) for trace in points] == [replications, replications]
    intervals = [trace for trace in figure.data if trace.name == "its 95% interval"]
    assert (None in [intervals[0].x[0]]) == (replications == 1)
    means = [trace.x[0] for trace in figure.data if trace.name == "mean"]
    assert means[0] == pytest.approx(np.mean(points[0].x), rel=1e-5)
    assert means[1] == 0.0


def test_points_of_the_spread_stay_in_their_strip(run: RunDirectory) -> None:
    figure = charts.spread(frames.differences(run), "net_public_saving", run.policies)
    for place, trace in enumerate(t for t in figure.data if t.name == "one replication"):
        assert all(place - 0.5 < y < place + 0.25 for y in trace.y)


def test_a_policy_alone_has_no_spread_and_no_gain(tmp_path: Path) -> None:
    only = open_run(store(tmp_path, {"only": nothing}, replicates=2, twins=0, years=1))
    assert charts.spread(frames.differences(only), "net_public_saving", only.policies) is None
    assert charts.savings_by_group(frames.savings_by_group(only), only.policies) is None
    figure = charts.competition(frames.over_time(only, charts.COMPETITION), only.policies)
    assert len(figure.data) == 2 * len(charts.COMPETITION)


def test_competition_has_a_column_a_policy_with_the_baseline_behind(run: RunDirectory) -> None:
    figure = charts.competition(frames.over_time(run, charts.COMPETITION), run.policies)
    lines = [trace for trace in figure.data if trace.fill is None]
    assert len(lines) == 2 * 2 * len(charts.COMPETITION)
    assert [trace.name for trace in lines].count("status-quo") == len(lines) / 2
    assert [trace.name for trace in figure.data if trace.showlegend] == ["status-quo"]
    outcome = trajectories(run, ["failed_share"]).data[-1]
    assert lines[-1].y == outcome.y


def test_the_fund_is_drawn_where_it_pays(run: RunDirectory, tmp_path: Path) -> None:
    assert charts.fund(frames.fund(run), run.policies) is None

    def pays(measures: dict[str, Any]) -> None:
        measures["fund_paid"] = np.full(24, 2.0)

    path = store(tmp_path, {"a": nothing, HOSTILE: pays}, years=6, replicates=2, twins=0)
    some = open_run(path)
    figure = charts.fund(frames.fund(some), some.policies)
    assert figure is not None
    (paid,) = [trace for trace in figure.data if trace.name == "paid out so far"]
    assert list(paid.y) == [8.0, 16.0, 24.0, 32.0, 40.0, 48.0]
    assert "&lt;script" in labels(figure)


def test_lines_of_the_new_charts_are_told_apart_without_colour() -> None:
    books = over_time.BOOKS.values()
    assert len({look.dash for look in books}) == len({look.colour for look in books}) == 4
    assert len(set(charts.SHAPES)) == len(charts.SHAPES)


LINKS = pd.DataFrame(
    [("a", 0, "Alpha", "Beta", 1), ("a", 0, "Alpha", "Gamma", 4), ("b", 0, "Delta", "Gamma", 2)],
    columns=list(frames.COLUMNS["links"]),
)
TWO = {"a": StoredPolicy("a"), "b": StoredPolicy("b", title=HOSTILE)}


def test_the_network_joins_leaders_and_members() -> None:
    register = parse_register(SMALL, "small.csv")
    figure = charts.network(LINKS, register, TWO)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    drawn = [sum(x is None for x in trace.x) if len(trace.x) > 1 else 0 for trace in lines]
    assert drawn == [1, 0, 1, 0, 1, 0]
    nodes = [trace for trace in figure.data if trace.mode == "markers"]
    assert sorted(name for trace in nodes for name in trace.customdata or ()) == sorted(
        2 * ["Alpha", "Beta", "Gamma", "Delta"]
    )
    (delta,) = [trace for trace in nodes if trace.name == "county" and trace.customdata]
    assert "leads Gamma: 2 services" in delta.text[0]
    assert "&lt;script" in labels(figure) and "<script" not in labels(figure)


def test_the_network_is_laid_out_alike_every_time_and_in_every_panel() -> None:
    register = parse_register(SMALL, "small.csv")
    first, second = (charts.network(LINKS, register, TWO) for _ in range(2))
    assert first == second
    seats: dict[str, set[tuple[float, float]]] = {}
    for trace in first.data:
        for name, *seat in zip(trace.customdata or (), trace.x, trace.y, strict=False):
            seats.setdefault(name, set()).add(tuple(seat))
    assert len(seats) == 4 and all(len(each) == 1 for each in seats.values())


def test_nobody_who_shares_makes_no_network() -> None:
    register = parse_register(SMALL, "small.csv")
    assert charts.network(LINKS.iloc[:0], register, TWO) is None


def dosed(measures: dict[str, Any]) -> None:
    measures["public_saving"] = measures["public_saving"] + 30.0


def test_outcomes_are_drawn_against_the_lever_that_policies_move(tmp_path: Path) -> None:
    values = {"base": 0.6, "none": 0.0, "all": 1.0}
    path = store(tmp_path, {"base": nothing, "none": dosed, "all": nothing}, replicates=5, twins=0)

    def move(manifest: dict[str, Any]) -> None:
        for policy in manifest["question"]["policies"]:
            if policy["name"] != "base":
                policy["levers"] = {"risk_transfer": values[policy["name"]]}

    rewrite(path, move)
    moved = open_run(path)
    assert charts.lever_of(moved.policies) == "risk_transfer"
    summary = summarise(moved)
    figure = charts.response(summary, moved.policies)
    assert figure is not None
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert len(lines) == len(HEADLINE)
    assert list(lines[0].x) == [0.0, 0.6, 1.0]
    difference = summary.query("policy == 'none' and outcome == 'net_public_saving'")["difference"]
    assert list(lines[0].y) == pytest.approx([difference.iloc[0], 0.0, 0.0], rel=1e-5)
    reaches = [trace for trace in figure.data if trace.mode == "lines"]
    assert {x for trace in reaches for x in trace.x} == {0.0, 1.0, None}


@pytest.mark.parametrize(
    "levers",
    [
        [{}, {"risk_transfer": 1.0}],
        [{}, {"risk_transfer": 1.0}, {"lot_value": 2.0}],
        [{}, {"risk_transfer": 1.0}, {"risk_transfer": 1.0}],
        [
            {},
            {"risk_transfer": 1.0, "sme_preference": 0.1},
            {"risk_transfer": 0.2, "sme_preference": 0.05},
        ],
        [{}, {"lot_value": 1.0}, {"lot_value": 2.0}],
        [{}, {"pump_priming_fund": [{"from_year": 3, "value": 50}]}, {"pump_priming_fund": 2.0}],
    ],
)
def test_policies_that_move_no_one_lever_make_no_such_chart(levers: list[Any]) -> None:
    policies = {str(i): StoredPolicy(str(i), levers=each) for i, each in enumerate(levers)}
    assert charts.lever_of(policies) is None


@pytest.mark.parametrize("by", ["type", "region"])
def test_groups_have_bars_with_intervals(run: RunDirectory, by: Any) -> None:
    frame = frames.savings_by_group(run, by)
    figure = charts.savings_by_group(frame, run.policies)
    bars = figure.data[0]
    rows = frame[frame["policy"] == HOSTILE]
    assert list(bars.x) == pytest.approx(rows["difference"].tolist(), rel=1e-5)
    assert list(bars.error_x.array) == pytest.approx(
        (rows["high"] - rows["difference"]).tolist(), rel=1e-4
    )
    assert len(figure.layout.yaxis.ticktext) == len(set(getattr(run.register, by)))


# The map


@pytest.fixture(scope="module")
def england() -> tuple[Register, HexagonMap]:
    register = load_register()
    placed = hexagon_map(register)
    assert placed is not None
    return register, placed


def distances(centres: Any) -> Any:
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    return apart + 9 * np.eye(len(centres))


def test_no_hexagon_lies_over_another(england: tuple[Register, HexagonMap]) -> None:
    _, placed = england
    main, aside = placed.centres[~placed.aside], placed.centres[placed.aside]
    assert distances(main).min() >= 1 - 1e-9
    assert distances(aside).min() >= 0.8 - 1e-9
    assert np.linalg.norm(main[:, None] - aside[None], axis=2).min() > 2
    assert (len(main), len(aside)) == (354, 34)


def test_neighbours_stay_near_and_regions_together(england: tuple[Register, HexagonMap]) -> None:
    register, placed = england
    first, second = neighbours(register)
    drawn = ~placed.aside[first] & ~placed.aside[second]
    gaps = placed.centres[first[drawn]] - placed.centres[second[drawn]]
    apart = np.linalg.norm(gaps, axis=1)
    assert np.mean(apart < 1.1) > 0.65
    assert np.mean(apart < 2.1) > 0.95
    assert apart.max() < 4.5


def test_north_is_up_and_london_can_be_seen(england: tuple[Register, HexagonMap]) -> None:
    register, placed = england
    name = dict(zip(register.name, placed.centres.tolist(), strict=True))
    assert name["Carlisle"][1] > name["Leeds"][1] > name["Birmingham"][1] > name["Camden"][1]
    assert name["Norwich"][0] > name["Camden"][0] > name["Bristol"][0] > name["Penwith"][0]
    assert (
        abs(name["Camden"][0] - name["Bromley"][0]) + abs(name["Camden"][1] - name["Bromley"][1])
        >= 2
    )


def test_borders_part_unlike_neighbours_only(england: tuple[Register, HexagonMap]) -> None:
    register, placed = england
    everyone_alike = np.zeros(len(register), dtype=np.int64)
    assert len(placed.borders(everyone_alike)) == 0
    sides = placed.borders(np.arange(len(register)))
    assert np.linalg.norm(sides[:, 0] - sides[:, 1], axis=1) == pytest.approx(1 / np.sqrt(3))


@pytest.mark.parametrize(
    "rows",
    [
        ["A,unitary,R,1,51,0"],
        ["A,unitary,R,1,51,0", "B,unitary,R,1,51,0", "C,unitary,R,1,51,0"],
        [f"A{i},district,R,1,51.{i},0" for i in range(10, 60)],
        ["A,county,R,1,51,0", "B,county,R,1,52,0"],
        ["A,unitary,R,1,89,-180", "B,unitary,R,1,-89,180"],
    ],
)
def test_any_register_can_be_placed(rows: list[str]) -> None:
    header = "name,type,region,population,latitude,longitude"
    register = parse_register("\n".join([header, *rows]).encode(), "own.csv")
    placed = hexagon_map(register)
    assert placed is not None
    assert distances(placed.centres).min() >= 1 - 1e-9
    assert np.isfinite(placed.outlines).all()


def test_too_many_councils_make_no_map() -> None:
    rows = [f"A{i},unitary,R,1,{50 + i / 1000},0" for i in range(MOST_CELLS + 1)]
    header = "name,type,region,population,latitude,longitude"
    assert hexagon_map(parse_register("\n".join([header, *rows]).encode(), "own.csv")) is None


def test_the_map_counts_replications_in_a_shared_service(tmp_path: Path) -> None:
    register = parse_register(SMALL, "small.csv")
    run = open_run(store(tmp_path, {"only": nothing}, register=register, replicates=4, twins=1))
    table = run.event("councils").query("replication < 4 and name == 'Beta'")
    share = (table["joint_services"] > 0).mean()
    figure = sharing_map(run)
    assert figure is not None
    told = [text for text in figure.data[-1].text if "Beta" in text]
    assert told == [f"<b>Beta</b><br>unitary<br>{share:.0%} of replications"]


def test_who_clicks_on_the_map_learns_the_council(run: RunDirectory) -> None:
    figure = sharing_map(run)
    clicked = [trace for trace in figure.data if trace.customdata is not None]
    assert len(clicked) == len(run.policies)
    assert all(tuple(trace.customdata) == run.register.told_apart for trace in clicked)
    assert all(len(trace.x) == len(run.register) for trace in clicked)


def test_the_map_of_one_policy_is_its_panel_among_all(run: RunDirectory) -> None:
    frame, policies = frames.sharing(run), {HOSTILE: run.policies[HOSTILE]}
    one = charts.sharing_map(frame, run.register, policies)
    every = sharing_map(run)
    assert len(one.layout.annotations) == 1
    many = len(one.data)
    assert [trace.x for trace in one.data] == [trace.x for trace in every.data[many : 2 * many]]


def test_classes_of_the_map() -> None:
    shares = np.array([0, 0.05, 0.1, 0.11, 0.5, 0.51, 1.0])
    assert maps.SHARE_SCALE.classes(shares).tolist() == [0, 1, 1, 2, 3, 4, 5]
    counts = np.array([0, 1, 2, 3, 4, 8, 9.0])
    assert maps.COUNT_SCALE.classes(counts).tolist() == [0, 1, 2, 3, 3, 4, 5]
