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
from stored_runs import HOSTILE, SMALL, hostile_run, nothing, rewrite, sharing_map, store

from experiments.catalogue import bundled_policies
from results import charts, frames
from results.appraisal import SIZES, TYPE_TITLES
from results.charts import over_time
from results.charts.theme import LEGEND_ROW, LONGEST_LABEL, legend_above
from results.statistics import horizon_values, summarise
from results.store import RunDirectory, StoredPolicy, open_run
from simulation.errors import InputError
from simulation.ledger import PENCE
from simulation.outcomes import HEADLINE, OUTCOMES
from simulation.register import parse_register


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return hostile_run(tmp_path_factory.mktemp("run"))


# Charts


def trajectories(run: RunDirectory, outcomes: Sequence[str]) -> Any:
    return charts.trajectories(frames.over_time(run, outcomes), outcomes, run.policies)


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
