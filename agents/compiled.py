"""Compilation: loops over many small decisions run as machine code, made once and kept.

A compiled function is plain Python on numbers and arrays, and means the same uncompiled: set the
environment variable ``NUMBA_DISABLE_JIT`` to 1 before the model is imported, and nothing is
compiled (slow, for tests and debuggers). Machine code is kept beside the sources, or where Python
may not write there in the user's cache, and made anew when a function, a constant or another
compiled function that it uses has changed.

Most rules of actors are functions of arrays; `on_numbers` gives a loop the compiled twin of one.
"""

import inspect
import sys
from collections.abc import Callable
from enum import EnumType
from hashlib import blake2b
from types import FunctionType, ModuleType
from typing import Any

import numba
from numba.core.caching import IndexDataCacheFile

_numba: Any = numba

COMPILES = not _numba.config.DISABLE_JIT
"""Whether anything is compiled in this process."""


def compiled[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` on its first call for each combination of types of its arguments.

    Floats follow IEEE 754 as numpy's do: no reordering, and no error on division by zero.
    """
    return _compiled(function, inline=False)


def inlined[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` into each compiled loop that calls it: for what is called very often."""
    return _compiled(function, inline=True)


def _compiled[**P, R](function: Callable[P, R], *, inline: bool) -> Callable[P, R]:
    kernel: Any = _numba.njit(error_model="numpy", forceinline=inline)(function)
    if COMPILES:
        _keep(kernel, f"{function.__module__}.{function.__qualname__}")
    result: Callable[P, R] = kernel
    return result


def on_numbers(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return an actor's ``rule`` on arrays, compiled for single numbers within a compiled loop.

    A rule meant for this chooses by arithmetic: `numpy.where` on numbers makes an array each time.
    """
    return inlined(rule)


def _keep(kernel: Any, name: str) -> None:
    """Keep the machine code of ``kernel`` on disk, where there is a place, for as long as it holds.

    Numba would look at the time of the function's own file alone, not at what it calls.
    """
    try:
        kernel.enable_caching()
    except RuntimeError:  # no folder may be written to
        return
    folder, file = kernel._cache.cache_path, f"{name}.{sys.implementation.cache_tag}"
    make_file: Any = _Kept
    kernel._cache._cache_file = make_file(folder, file, kernel)


class _Kept(IndexDataCacheFile):
    """Machine code on disk, of which nothing counts that speaks of classes that are gone."""

    @property
    def _source_stamp(self) -> str:
        """The stamp of the function, taken when all that it uses has been defined."""
        return _stamp_of(self._kernel)

    @_source_stamp.setter
    def _source_stamp(self, kernel: Any) -> None:
        self._kernel = kernel

    def _load_index(self) -> Any:
        kept: Any = super()
        try:
            return kept._load_index()
        except (AttributeError, ImportError):
            return {}


def _stamp_of(kernel: Any) -> str:
    if not hasattr(kernel, "stamp"):
        kernel.stamp = _stamp(kernel.py_func)
    stamp: str = kernel.stamp
    return stamp


def _stamp(function: Callable[..., Any]) -> str:
    """Return a digest of all that ``function`` is made from, what it calls included."""
    code = function.__code__
    parts: list[object] = [code.co_code, code.co_consts, code.co_names, code.co_varnames]
    parts.append(getattr(function, "__defaults__", None))
    for name, value in sorted(inspect.getclosurevars(function).globals.items()):
        parts += [name, _identity(value)]
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _identity(value: object) -> object:
    match value:
        case ModuleType():
            return value.__name__
        case EnumType():
            return list(value)
        case FunctionType():  # not compiled, so that no machine code calls it
            return value.__qualname__
        case _ if hasattr(value, "py_func"):
            return _stamp_of(value)
        case _:
            return value
