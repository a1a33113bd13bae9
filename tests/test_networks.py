"""Networks: who shares which service with whom, and who trusts whom, at any quarter."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from agents.columns import NONE
from agents.partnership import Stage
from simulation import MarketModel
from simulation.errors import InputError
from simulation.networks import Shared, shared_services, sharing_network, standing
from tests.worlds import register_of, shire

YEARS = 8


def world(quarters: int | None = None) -> MarketModel:
    """Return a county in which groups form, fall apart and share, after some quarters or all."""
    model = MarketModel(register=shire(12), years=YEARS, rng=3, aggregation_threshold=3.0)
    while model.running and model.quarter != quarters:
        model.step()
    return model


@pytest.fixture(scope="module")
def finished() -> MarketModel:
    """Return the county at the end."""
    return world()


def pairs_of_one_contract(model: MarketModel) -> set[tuple[str, str]]:
    """Return the pairs of councils that a joint contract of a performing group serves now."""
    names, groups = model.register.told_apart, model.partnerships
    pairs = set()
    for row in np.flatnonzero(groups.stage == Stage.PERFORMING).tolist():
        served = model.services.council[model.services.contract == groups.contract[row]]
        pairs |= set(combinations(sorted(names[one] for one in served.tolist()), 2))
    return pairs


def sharing(graph) -> set[tuple[str, str]]:
    """Return the pairs of councils that share a service in a network."""
    ties = graph.edges(data=True)
    return {tuple(sorted((one, other))) for one, other, tie in ties if tie["services"]}


def ties(graph) -> dict[frozenset[str], tuple[object, ...]]:
    """Return what lasts of each edge: how many services, which, since when, and trust."""
    return {
        frozenset(pair): (tie["services"], [one[:3] for one in tie["shares"]], tie["trust"])
        for *pair, tie in graph.edges(data=True)
    }


# Spells of membership


def test_a_service_is_in_one_group_at_a_time(finished: MarketModel) -> None:
    spells = finished.tie_history.spells
    for service in np.unique(spells.service):
        rows = np.flatnonzero(spells.service == service)
        for one, later in pairwise(rows):
            assert 0 < spells.until[one] <= spells.since[later]


def test_every_member_that_was_sought_has_a_spell_and_one_leads(finished: MarketModel) -> None:
    members, groups = finished.tables["members"], finished.tables["partnerships"]
    assert len(groups) > 5
    for row, group in groups.iterrows():
        first = members[(members["partnership"] == row) & (members["since"] == group["formed"])]
        assert len(first) == group["members_sought"]
        assert first["leads"].sum() == 1


def test_spells_that_last_are_the_members_of_today(finished: MarketModel) -> None:
    spells, group = finished.tie_history.spells, standing(finished).group
    lasting = np.flatnonzero(spells.until == 0)
    assert dict(zip(spells.service[lasting], spells.partnership[lasting], strict=True)) == {
        service: group[service] for service in np.flatnonzero(group != NONE)
    }


def test_spells_end_when_their_group_does(finished: MarketModel) -> None:
    members, groups = finished.tables["members"], finished.tables["partnerships"]
    ended = groups["ended"].to_numpy()[members["partnership"]]
    over = ended > 0
    assert over.any()
    assert ((members["until"] > 0) & (members["until"] <= ended))[over].all()


def test_who_walks_away_is_out_from_that_quarter(finished: MarketModel) -> None:
    decisions, members = finished.tables["decisions"], finished.tables["members"]
    left = decisions[~decisions["stays"]]
    assert len(left)
    ends = set(zip(members["partnership"], members["council"], members["until"], strict=True))
    for row in left.to_dict("records"):
        assert (row["partnership"], row["council"], row["quarter"]) in ends


# The network


def test_who_is_served_by_one_joint_contract_shares(finished: MarketModel) -> None:
    model, met = world(0), 0
    while model.running:
        model.step()
        served, told = pairs_of_one_contract(model), sharing(finished.network(model.quarter))
        met += len(served)
        assert served <= told
        assert told == sharing(model.network())
        renewing = model.partnerships.stage < Stage.PERFORMING
        if not (renewing & (model.partnerships.contract != NONE)).any():
            assert served == told
    assert met


@pytest.mark.parametrize("quarter", [0, 9, 20])
def test_the_past_is_as_it_was(finished: MarketModel, quarter: int) -> None:
    then, now = world(quarter).network(), finished.network(quarter)
    assert ties(then) == ties(now)
    assert dict(then.nodes(data=True)) == dict(now.nodes(data=True))


def test_trust_is_that_of_the_model(finished: MarketModel) -> None:
    names, trust = finished.register.told_apart, finished.ties.trust
    graph = finished.network()
    assert np.count_nonzero(trust) > 2
    for one, other in combinations(range(len(names)), 2):
        tie = graph.get_edge_data(names[one], names[other], {"trust": 0.0})
        assert tie["trust"] == trust[one, other]


def test_nodes_are_councils_with_where_they_are_and_how_ready(finished: MarketModel) -> None:
    graph, register = finished.network(), finished.register
    assert list(graph) == list(register.told_apart)
    node = graph.nodes["Shire City"]
    row = register.name.index("Shire City")
    assert (node["type"], node["region"]) == ("unitary", "Midlands")
    assert (node["latitude"], node["longitude"]) == (52.0, -1.05)
    assert node["readiness"] == 100.0 * finished.councils.readiness[row]


def test_event_tables_are_enough_for_what_is_shared(finished: MarketModel) -> None:
    tables = {name: finished.tables[name] for name in ("councils", "members")}
    for quarter in (0, 12, 4 * YEARS):
        graph = sharing_network(tables, quarter)
        assert sharing(graph) == sharing(finished.network(quarter))
    assert sharing(sharing_network(tables)) == sharing(finished.network())


def test_sharing_begins_with_the_contract_and_ends_with_the_group(finished: MarketModel) -> None:
    groups, contracts = finished.tables["partnerships"], finished.tables["contracts"]
    told = list(shared_services(finished.tables["members"]))
    assert told
    for _, _, shared in told:
        group = groups.iloc[shared.partnership]
        signed = contracts[contracts["partnership"] == shared.partnership]
        assert group["formed"] <= signed["start"].min() <= shared.since
        assert shared.segment == group["segment"]
        assert shared.until == 0 or shared.until <= (group["ended"] or 4 * YEARS)


def test_it_holds_from_its_first_quarter_to_the_last_before_its_end() -> None:
    shared = Shared(0, "managed", since=4, until=8)
    assert [quarter for quarter in range(12) if shared.holds(quarter)] == [4, 5, 6, 7]
    assert Shared(0, "managed", since=4, until=0).holds(400)


def test_names_that_stand_twice_are_told_apart() -> None:
    rows = [
        ("Felpersham", "district", "", 90_000, 52.0, -1.0, ""),
        ("Felpersham", "unitary", "", 190_000, 52.0, -1.1, ""),
    ]
    graph = MarketModel(register=register_of(rows), years=1, rng=1).network()
    assert list(graph) == ["Felpersham (district)", "Felpersham (unitary)"]


def test_keeping_ties_changes_nothing(finished: MarketModel) -> None:
    model = world(12)
    model.network(3)
    assert model.run().outcomes.equals(finished.outcomes)


@pytest.mark.parametrize("quarter", [np.int64(3), np.uint8(3)])
def test_a_whole_number_of_numpy_is_a_quarter(finished: MarketModel, quarter: object) -> None:
    assert ties(finished.network(quarter)) == ties(finished.network(3))


@pytest.mark.parametrize("quarter", [-1, 4 * YEARS + 1, 2.0, True, np.float64(2), np.True_, "2"])
def test_a_quarter_that_was_not_simulated_is_refused(
    finished: MarketModel, quarter: object
) -> None:
    with pytest.raises(InputError, match=f"must be a whole number from 0 to {4 * YEARS}"):
        finished.network(quarter)
