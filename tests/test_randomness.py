"""Draws are keyed by event: what an event meets never depends on who else draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from agents.compiled import COMPILES, compiled
from simulation import randomness
from simulation.normal import normal_probability, normal_quantile
from simulation.randomness import Draws, combine, derive, extended, name_key, normal_at, uniform_at

seeds = st.integers(0, 2**63 - 1)
keys = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30, unique=True)


@given(seeds, keys, st.randoms())
def test_a_draw_belongs_to_its_key_not_to_its_place(seed, drawn, order):
    together = dict(
        zip(drawn, Draws(seed).uniform("luck", np.array(drawn, np.uint64)), strict=True)
    )
    shuffled = drawn.copy()
    order.shuffle(shuffled)
    again = Draws(seed).uniform("luck", np.array(shuffled, np.uint64))
    assert [together[key] for key in shuffled] == again.tolist()


@given(seeds, keys)
def test_uniform_draws_lie_inside_the_open_interval(seed, drawn):
    values = Draws(seed).uniform("luck", np.array(drawn, np.uint64))
    assert ((values > 0) & (values < 1)).all()


def test_purposes_periods_and_seeds_are_independent():
    entity = np.arange(20_000)
    columns = [
        Draws(1).normal("one", entity),
        Draws(1).normal("other", entity),
        Draws(2).normal("one", entity),
        Draws(1).normal("one", entity, 1),
        Draws(1).normal("one", entity, 2),
    ]
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 4.5 / np.sqrt(len(entity))


def test_uniform_draws_fill_the_interval_evenly():
    values = Draws(3).uniform("even", np.arange(100_000))
    counts = np.histogram(values, bins=50, range=(0, 1))[0]
    chi_square = ((counts - 2000) ** 2 / 2000).sum()
    assert chi_square < 95  # 99.99% point at 49 degrees of freedom


def test_normal_draws_have_the_moments_of_a_standard_normal():
    values = Draws(4).normal("bell", np.arange(200_000))
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.01


def test_the_order_of_a_key_s_parts_matters():
    assert combine(1, 2)[0] != combine(2, 1)[0]


def test_keys_broadcast():
    drawn = Draws(5).uniform("grid", np.arange(3)[:, None], np.arange(4)[None, :])
    assert drawn.shape == (3, 4)
    assert drawn[2, 3] == Draws(5).uniform("grid", 2, 3)[0]


def test_derived_seeds_are_stable_and_distinct():
    assert derive(2006, "replication", 0) == derive(2006, "replication", 0)
    assert len({derive(2006, "replication", number) for number in range(1000)}) == 1000


def test_a_name_has_the_same_key_in_every_process():
    assert name_key("district|Lichfield") == np.uint64(0xC9A15FF015802BE4)


@compiled
def one_by_one(root, parts, period):
    keys = [extended(extended(root, part), period) for part in parts]
    return np.array([uniform_at(key) for key in keys]), np.array([normal_at(key) for key in keys])


@given(keys)
def test_a_compiled_loop_meets_the_same_luck(drawn):
    """One key at a time gives the bits that an array of keys gives."""
    draws, parts = Draws(6), np.array(drawn, np.uint64)
    uniform, normal = one_by_one(draws.root("luck"), parts, np.uint64(7))
    assert uniform.tolist() == draws.uniform("luck", parts, 7).tolist()
    assert normal.tolist() == draws.normal("luck", parts, 7).tolist()


@pytest.mark.skipif(not COMPILES, reason="nothing is compiled")
@given(st.integers(0, 2**64 - 1))
def test_keys_are_the_same_by_machine_words_and_by_integers(key):
    state = np.uint64(key)
    assert randomness.mixed(state) == randomness._mixed_in_integers(state)
    assert randomness._next(state) == randomness._next_in_integers(state)


def test_quantiles_are_those_of_the_normal_distribution():
    near = (np.arange(20_000) + 0.5) / 20_000
    for probability in np.concatenate(
        [near, 2.0 ** -np.arange(2, 54), 1 - 2.0 ** -np.arange(2, 52)]
    ):
        quantile = normal_quantile(probability)
        assert quantile == pytest.approx(ndtri(probability), rel=2e-15, abs=1e-300)
        assert normal_probability(quantile) == pytest.approx(ndtr(quantile), rel=1e-13)


def test_a_key_whose_parts_do_not_fit_is_refused():
    with pytest.raises(ValueError):
        Draws(1).uniform("luck", np.arange(3), np.arange(4))
