"""All luck of the simulation: draws keyed by event, not by order.

A draw is a function of (seed, purpose, identities), so two policies run with one seed meet the same
luck wherever their histories allow, and a new agent disturbs nobody else's draws (common random
numbers by identity). The hash is splitmix64's finaliser (Steele, Lea and Flood 2014), applied once
for every part of the key.

Compiled loops draw one key at a time: they start from a purpose's `Draws.root`, add parts with
`extended`, and read off `uniform_at` or `normal_at`; the same keys give the same draws either way.
"""

import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agents.compiled import COMPILES, compiled, inlined
from simulation.normal import normal_quantile, normal_quantiles

KeyArray = NDArray[np.uint64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Key = int | np.uint64 | KeyArray | NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_DISCARDED = np.uint64(12)
_MASK = (1 << 64) - 1


@cache
def name_key(text: str) -> np.uint64:
    """Return the key of a name: 64 bits of its BLAKE2 digest."""
    return np.uint64(
        int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
    )


def derive(seed: int, purpose: str, *keys: int) -> int:
    """Return an integer seed (63 bits) for one event under ``seed``."""
    return int(combine(seed, name_key(purpose), *keys)[0] >> np.uint64(1))


def fresh_seed() -> int:
    """Return a seed (32 bits) from the operating system's entropy, for who gives none."""
    return int(np.random.SeedSequence().generate_state(1)[0])


# --- one key at a time ---------------------------------------------------------------------------


def _mixed_in_64_bits(state: np.uint64) -> np.uint64:
    """Return the key of an event of one part, ``state``."""
    state = (state ^ (state >> _SHIFT_1)) * _FIRST
    state = (state ^ (state >> _SHIFT_2)) * _SECOND
    return state ^ (state >> _SHIFT_3)


def _mixed_in_integers(state: np.uint64) -> np.uint64:
    """Return the same by Python's integers, which know no overflow: where nothing is compiled."""
    one = int(state) & _MASK
    one = (one ^ (one >> 30)) * int(_FIRST) & _MASK
    one = (one ^ (one >> 27)) * int(_SECOND) & _MASK
    return np.uint64(one ^ (one >> 31))


def _next_in_64_bits(part: np.uint64) -> np.uint64:
    return part + _GOLDEN


def _next_in_integers(part: np.uint64) -> np.uint64:
    return np.uint64(int(part) + int(_GOLDEN) & _MASK)


mixed = inlined(_mixed_in_64_bits) if COMPILES else _mixed_in_integers
_next = inlined(_next_in_64_bits) if COMPILES else _next_in_integers


@inlined
def extended(key: np.uint64, part: np.uint64) -> np.uint64:
    """Return the key of an event from that of its first parts and one further part."""
    return mixed(key ^ _next(part))


@inlined
def uniform_at(key: np.uint64) -> float:
    """Return the uniform draw from the open interval (0, 1) that belongs to ``key``."""
    return (float(key >> _DISCARDED) + 0.5) * 2.0**-52


@inlined
def normal_at(key: np.uint64) -> float:
    """Return the standard normal draw that belongs to ``key``; it rises with the uniform one."""
    return normal_quantile(uniform_at(key))


# --- many keys at once ---------------------------------------------------------------------------


def combine(*keys: Key) -> KeyArray:
    """Return the key of an event from the keys of its parts, in their order (arrays broadcast)."""
    first = _as_key(keys[0])
    return extend(_all_mixed(first.ravel()).reshape(first.shape), *keys[1:])


def extend(key: KeyArray, *further: Key) -> KeyArray:
    """Return combined keys with further parts: ``combine(a, b)`` is ``extend(combine(a), b)``."""
    if not further:
        return key
    parts = (key, *map(_as_key, further))
    if max([part.ndim for part in parts]) == 1:
        return _folded(key, parts[1:])
    grid = np.broadcast_arrays(*parts)
    start, *rest = (part.ravel() for part in grid)
    return _folded(start, tuple(rest)).reshape(grid[0].shape)


def _as_key(key: Key) -> KeyArray:
    if isinstance(key, np.ndarray) and key.ndim:
        return key.view(np.uint64) if key.dtype.itemsize == 8 else key.astype(np.uint64)
    return np.array([int(key) & _MASK], dtype=np.uint64)


@compiled
def _all_mixed(states: KeyArray) -> KeyArray:
    result = np.empty_like(states)
    for place in range(len(states)):
        result[place] = mixed(states[place])
    return result


@compiled
def _folded(start: KeyArray, parts: tuple[KeyArray, ...]) -> KeyArray:
    """Return keys made of ``start`` and ``parts``: each as many as there are keys, or one."""
    size = len(start)
    for part in parts:
        size = len(part) if size == 1 else size
    keys = np.empty(size, dtype=np.uint64)
    for place in range(size):
        keys[place] = start[place if len(start) == size else 0]
    for part in parts:
        if len(part) != size and len(part) != 1:
            raise ValueError("the parts of a key do not broadcast")
        step = 0 if len(part) == 1 else 1
        for place in range(size):
            keys[place] = extended(keys[place], part[place * step])
    return keys


@compiled
def _uniforms(keys: KeyArray) -> FloatArray:
    drawn = np.empty(len(keys))
    for place in range(len(keys)):
        drawn[place] = uniform_at(keys[place])
    return drawn


@compiled
def _uniforms_of(start: KeyArray, parts: tuple[KeyArray, ...]) -> FloatArray:
    return _uniforms(_folded(start, parts))


@compiled
def _normals(keys: KeyArray) -> FloatArray:
    return normal_quantiles(_uniforms(keys))


@compiled
def normals_at(root: np.uint64, keys: KeyArray) -> FloatArray:
    """Return the standard normal draws that belong to ``root`` extended by each of ``keys``."""
    drawn = np.empty(len(keys))
    for place in range(len(keys)):
        drawn[place] = uniform_at(extended(root, keys[place]))
    return normal_quantiles(drawn)


class Draws:
    """Keyed draws under one seed; every method broadcasts the keys that follow the purpose."""

    def __init__(self, seed: int) -> None:
        """Draw under ``seed``, an integer of at most 64 bits."""
        self.seed = seed
        self._roots: dict[str, KeyArray] = {}

    def uniform(self, purpose: str, *keys: Key) -> FloatArray:
        """Return uniform draws from the open interval (0, 1)."""
        parts = tuple(map(_as_key, keys))
        if parts and all([part.ndim == 1 for part in parts]):
            return _uniforms_of(self._root(purpose), parts)
        combined = extend(self._root(purpose), *parts)
        return _uniforms(combined.ravel()).reshape(combined.shape)

    def normal(self, purpose: str, *keys: Key) -> FloatArray:
        """Return standard normal draws (by inversion, so they rise with the uniform one)."""
        combined = extend(self._root(purpose), *keys)
        return _normals(combined.ravel()).reshape(combined.shape)

    def happens(self, purpose: str, chance: float | FloatArray, *keys: Key) -> BoolArray:
        """Return whether events of probability ``chance`` happen."""
        return self.uniform(purpose, *keys) < chance

    def root(self, purpose: str) -> np.uint64:
        """Return the key from which the draws of ``purpose`` start."""
        root: np.uint64 = self._root(purpose)[0]
        return root

    def _root(self, purpose: str) -> KeyArray:
        if purpose not in self._roots:
            self._roots[purpose] = combine(self.seed, name_key(purpose))
        return self._roots[purpose]
