"""The model as a library: its signature, its tables, and Mesa's own tools on it."""

import inspect

import mesa
import numpy as np
import pandas as pd
import pytest

from simulation import Assumptions, MarketModel, Policy
from simulation.errors import InputError
from simulation.events import COLUMNS
from simulation.horizon import in_quarter, over_horizon, quarterly
from simulation.levers import live_levers
from simulation.measures import MEASURES
from simulation.outcomes import HEADLINE, OUTCOMES
from tests.worlds import shire

A_PENNY = 1e-8
"""One penny in £m."""


@pytest.fixture(scope="module")
def england():
    levers = {"aggregation_threshold": 2.0, "aggregation_mandate": 1.0, "pump_priming_fund": 30.0}
    return MarketModel(Policy("sharing", **levers), rng=7, years=5).run()


def test_the_signature_is_the_promised_one():
    parameters = inspect.signature(MarketModel).parameters
    shown = [(name, one.kind.name, one.default) for name, one in parameters.items()]
    assert shown[:-1] == [
        ("policy", "POSITIONAL_OR_KEYWORD", None),
        ("assumptions", "POSITIONAL_OR_KEYWORD", None),
        ("years", "KEYWORD_ONLY", 15),
        ("register", "KEYWORD_ONLY", None),
        ("rng", "KEYWORD_ONLY", None),
    ]
    assert shown[-1][:2] == ("levers", "VAR_KEYWORD")


def test_one_row_a_quarter_and_one_column_an_outcome(england):
    assert england.outcomes.shape == (20, len(OUTCOMES))
    assert list(england.outcomes.index) == list(range(1, 21))
    assert england.outcomes.index.name == "quarter"
    assert list(england.measures) == list(MEASURES)


def test_there_are_ten_headline_outcomes():
    assert len(HEADLINE) == 10


def test_it_stops_at_the_horizon_and_says_so():
    model = MarketModel(rng=1, years=1, register=shire())
    for _ in range(4):
        assert model.running
        model.step()
    assert not model.running
    with pytest.raises(RuntimeError, match="horizon of 4 quarters"):
        model.step()


def test_mesa_s_run_for_steps_it():
    model = MarketModel(rng=1, years=2, register=shire())
    model.run_for(4)
    assert (model.steps, model.quarter, model.running) == (4, 4, True)


def test_the_data_collector_reads_the_last_row_of_outcomes():
    model = MarketModel(rng=1, years=2, register=shire()).run()
    collected = model.datacollector.get_model_vars_dataframe().reset_index(drop=True)
    expected = model.outcomes.reset_index(drop=True)
    pd.testing.assert_frame_equal(collected.astype(float), expected, check_exact=True)


def test_mesa_s_batch_run_drives_it_unchanged():
    results = mesa.batch_run(
        MarketModel,
        {
            "aggregation_threshold": [0.0, 3.0],
            "policy": Policy("shared", risk_allocation="by_control"),
            "assumptions": Assumptions(),
            "years": 1,
            "register": [shire()],
        },
        rng=[1, 2],
        number_processes=1,
        data_collection_period=-1,
        display_progress=False,
    )
    frame = pd.DataFrame(results)
    assert len(frame) == 4
    assert frame["aggregation_threshold"].tolist().count(3.0) == 2
    alone = MarketModel(
        Policy("shared", risk_allocation="by_control"), years=1, register=shire(), rng=2,
        aggregation_threshold=3.0,
    ).run()  # fmt: skip
    row = frame[(frame["aggregation_threshold"] == 3.0) & (frame["rng"] == 2)].iloc[0]
    assert row["net_public_saving"] == alone.outcomes["net_public_saving"].iloc[-1]


def test_a_generator_is_refused_with_the_reason():
    with pytest.raises(InputError, match="keyed by event"):
        MarketModel(rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rng": -1}, "rng = -1"),
        ({"rng": 1.5}, "rng = float"),
        ({"rng": True}, "rng = bool"),
        ({"years": 0}, "years = 0: must be a whole number from 1 to 50"),
        ({"years": 2.0}, "years = 2.0"),
        ({"aggregation_treshold": 3}, "did you mean 'aggregation_threshold'"),
        ({"risk_transfer": 2}, "risk_transfer = 2: must be a number from 0 to 1"),
        ({"lot_value": 3.0}, "planned"),
        ({"seed": 3}, "unknown lever 'seed'"),
    ],
)
def test_wrong_arguments_get_one_clear_line(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        MarketModel(**arguments)
    assert "\n" not in str(caught.value)


def test_levers_come_as_plain_keywords_on_top_of_a_policy():
    policy = Policy("base", risk_transfer=0.4)
    model = MarketModel(policy, rng=1, years=1, register=shire(), max_partners=4)
    assert (model.levers.risk_transfer, model.levers.max_partners) == (0.4, 4)


def test_without_a_seed_two_models_differ():
    one, other = (MarketModel(years=2, register=shire()).run() for _ in range(2))
    assert one.draws.seed != other.draws.seed


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_tables_have_the_documented_columns(england, name):
    table = england.tables[name]
    assert list(table) == list(COLUMNS[name])
    assert len(table) > 0
    assert all(COLUMNS[name].values())


def test_tables_agree_with_the_measures(england):
    tenders, measures = england.tables["tenders"], england.measures
    by_quarter = tenders.groupby("quarter")
    assert (by_quarter.size() == measures["tenders"]).all()
    assert (by_quarter["bids"].sum() == measures["bids"]).all()
    assert (by_quarter["failed"].sum() == measures["failed_tenders"]).all()
    contracts = england.tables["contracts"]
    signed = contracts[contracts["start"] >= 1].groupby("start").size()
    assert (signed.reindex(measures.index, fill_value=0) == measures["awards"]).all()
    fund = england.tables["fund"]
    assert fund["paid"].sum() == pytest.approx(measures["fund_paid"].sum(), rel=1e-12)
    councils = england.tables["councils"]
    saving = measures["councils_saving"].sum()
    assert councils["saving_m"].sum() == pytest.approx(saving, rel=1e-9)


def test_outcomes_in_pounds_can_be_recomputed_from_the_ledger(england):
    ledger = england.tables["ledger"]
    council = ledger["from"].astype(str).str.startswith("council: ")
    costs = ("in_house", "price", "client_side", "front_line", "procurement", "set_up",
             "disruption", "risk_loss", "transition", "change", "dispute", "leaving",
             "fund_repayment")  # fmt: skip
    out = ledger[council & ledger["purpose"].isin(costs)].groupby("quarter")["amount"].sum()
    into = (
        ledger[ledger["purpose"].isin(["budget", "fund_claim"])].groupby("quarter")["amount"].sum()
    )
    saving = (into - out).loc[1:] / 1e8
    np.testing.assert_allclose(saving, england.measures["councils_saving"], rtol=0, atol=1e-6)
    fund = (
        ledger.groupby(["quarter", "purpose"], observed=True)["amount"].sum().unstack(fill_value=0)
    )
    net = (fund["fund_repayment"] - fund["fund_claim"]).loc[1:] / 1e8
    np.testing.assert_allclose(net, england.measures["exchequer_saving"], rtol=0, atol=1e-6)


def test_support_to_partnerships_is_paid_by_the_exchequer():
    model = MarketModel(years=1, rng=3, register=shire(), partnership_support=1)
    rows = model.run().tables["ledger"]
    support = rows[rows["purpose"] == "support"]
    assert (support["from"] == "exchequer").all()
    assert len(support) == 4
    spent = support["amount"].to_numpy() / 1e8
    np.testing.assert_allclose(model.measures["exchequer_saving"], -spent, atol=1e-6)


def test_the_ledger_by_class_adds_up_to_its_rows(england):
    by_class, rows = england.ledger.by_class(england.suppliers.large), england.ledger.rows()
    assert by_class["amount"].sum() == rows["amount"].sum()
    paid = england.tables["ledger"].astype({"to": str})
    large = [f"supplier: {name}" for name, one in _suppliers(england) if one]
    prices = by_class[by_class["purpose"] == "price"].groupby("to_class", observed=True)["amount"]
    by_row = paid[paid["purpose"] == "price"].groupby(paid["to"].isin(large))["amount"]
    assert prices.sum()["large_supplier"] == by_row.sum()[True]
    assert prices.sum()["sme"] == by_row.sum()[False]


def _suppliers(model):
    return zip(model.supplier_names, model.suppliers.large, strict=True)


def test_what_councils_save_adds_up_to_the_outcomes_to_the_penny(england):
    assert _discounted(england)["fund_paid"] > 0
    _check_sums(england)
    _check_sums(MarketModel(years=2, rng=11, register=shire(), partnership_support=1).run())


def _discounted(model):
    return model.measures.mul(model.measures["discount"], axis=0).sum()


def _check_sums(model):
    councils, discounted = model.tables["councils"], _discounted(model)
    for column, measure in (
        ("saving_npv_m", "councils_saving"), ("counterfactual_npv_m", "counterfactual"),
    ):  # fmt: skip
        assert abs(councils[column].sum() - discounted[measure]) < A_PENNY
    public = councils["saving_npv_m"].sum() + discounted["exchequer_saving"]
    assert abs(public - discounted["public_saving"]) < A_PENNY
    fund = discounted["fund_paid"] - discounted["fund_repaid"]
    assert abs(councils["fund_npv_m"].sum() - fund) < A_PENNY


def test_a_contract_keeps_the_terms_it_was_signed_under():
    dated = [{"from_year": 1, "value": 0.2}, {"from_year": 3, "value": 0.9}]
    model = MarketModel(rng=1, years=4, register=shire(), risk_transfer=dated).run()
    contracts = model.contracts
    early = (contracts.start >= 1) & (contracts.start <= 8)
    late = contracts.start > 8
    assert early.any() and late.any()
    assert (contracts.share[early] == 0.2).all()
    assert (contracts.share[late] == 0.9).all()


def test_handles_point_at_their_rows(england):
    council = next(a for a in england.agents_by_type[type_named(england, "Council")])
    assert council.name == england.register.name[council.row]
    assert council.population == england.register.population[council.row]
    assert len(council.services) > 0
    supplier = next(iter(england.agents_by_type[type_named(england, "Sme")]))
    assert not supplier.is_large
    assert supplier.describe()["capacity"] == england.suppliers.capacity[supplier.row]
    assert england.government.efficiency_target == 2.5
    assert england.government.fund_balance >= 0


def type_named(model, name):
    return next(kind for kind in model.agent_types if kind.__name__ == name)


def test_quarterly_values_agree_between_arrays_and_single_quarters(england):
    measures = england.measures
    columns = {name: measures[name].to_numpy() for name in MEASURES}
    last = {name: float(column[-1]) for name, column in columns.items()}
    for outcome in OUTCOMES.values():
        many, one = quarterly(outcome.rule, columns)[-1], in_quarter(outcome.rule, last)
        assert many == one or (np.isnan(many) and np.isnan(one)), outcome.name
        assert np.isscalar(float(over_horizon(outcome.rule, columns)))


def test_every_live_lever_is_a_keyword():
    assert set(live_levers()) <= set(
        Policy("all", **{n: p.default for n, p in live_levers().items()}).changes
    )


@pytest.mark.parametrize("years", [1, 3])
@pytest.mark.parametrize("councils", [1, 2, 3])
def test_tiny_registers_work(years, councils):
    model = MarketModel(rng=1, years=years, register=shire(max(councils - 2, 0))).run()
    assert len(model.outcomes) == 4 * years
