"""All luck of the simulation: draws keyed by event, not by order.

A draw is a function of (seed, purpose, identities), so two policies run with one seed meet the same
luck wherever their histories allow, and a new agent disturbs nobody else's draws (common random
numbers by identity). The hash is splitmix64's finaliser (Steele, Lea and Flood 2014), applied once
for every part of the key.
"""

import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

KeyArray = NDArray[np.uint64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Key = int | np.uint64 | KeyArray | NDArray[np.int64]

_GOLDEN = np.array(0x9E3779B97F4A7C15, dtype=np.uint64)
_FIRST = np.array(0xBF58476D1CE4E5B9, dtype=np.uint64)
_SECOND = np.array(0x94D049BB133111EB, dtype=np.uint64)
_SHIFTS = tuple(np.array(bits, dtype=np.uint64) for bits in (30, 27, 31))
_DISCARDED = np.array(12, dtype=np.uint64)
_MASK = (1 << 64) - 1
_HALF, _STEP = np.array(0.5), np.array(2.0**-52)


@cache
def name_key(text: str) -> np.uint64:
    """Return the key of a name: 64 bits of its BLAKE2 digest."""
    return np.uint64(
        int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
    )


def combine(*keys: Key) -> KeyArray:
    """Return the key of an event from the keys of its parts, in their order (arrays broadcast)."""
    return extend(_mix(_as_key(keys[0])), *keys[1:])


def extend(key: KeyArray, *further: Key) -> KeyArray:
    """Return combined keys with further parts: ``combine(a, b)`` is ``extend(combine(a), b)``."""
    for part in further:
        key = _mixed_in_place(key ^ (_as_key(part) + _GOLDEN))
    return key


def derive(seed: int, purpose: str, *keys: int) -> int:
    """Return an integer seed (63 bits) for one event under ``seed``."""
    return int(combine(seed, name_key(purpose), *keys)[0] >> np.uint64(1))


def fresh_seed() -> int:
    """Return a seed (32 bits) from the operating system's entropy, for who gives none."""
    return int(np.random.SeedSequence().generate_state(1)[0])


class Draws:
    """Keyed draws under one seed; every method broadcasts the keys that follow the purpose."""

    def __init__(self, seed: int) -> None:
        """Draw under ``seed``, an integer of at most 64 bits."""
        self.seed = seed
        self._roots: dict[str, KeyArray] = {}

    def uniform(self, purpose: str, *keys: Key) -> FloatArray:
        """Return uniform draws from the open interval (0, 1)."""
        mixed = extend(self._root(purpose), *keys)
        drawn: FloatArray = (mixed >> _DISCARDED).astype(np.float64)
        drawn += _HALF
        drawn *= _STEP
        return drawn

    def normal(self, purpose: str, *keys: Key) -> FloatArray:
        """Return standard normal draws (by inversion, so they rise with the uniform one)."""
        drawn = self.uniform(purpose, *keys)
        ndtri(drawn, out=drawn)
        return drawn

    def happens(self, purpose: str, chance: float | FloatArray, *keys: Key) -> BoolArray:
        """Return whether events of probability ``chance`` happen."""
        return self.uniform(purpose, *keys) < chance

    def _root(self, purpose: str) -> KeyArray:
        if purpose not in self._roots:
            self._roots[purpose] = combine(self.seed, name_key(purpose))
        return self._roots[purpose]


def _as_key(key: Key) -> KeyArray:
    if isinstance(key, int):
        return np.array([key & _MASK], dtype=np.uint64)
    return np.atleast_1d(key).astype(np.uint64, copy=False)


def _mix(state: KeyArray) -> KeyArray:
    return _mixed_in_place(state.copy())


def _mixed_in_place(state: KeyArray) -> KeyArray:
    state ^= state >> _SHIFTS[0]
    state *= _FIRST
    state ^= state >> _SHIFTS[1]
    state *= _SECOND
    state ^= state >> _SHIFTS[2]
    return state
