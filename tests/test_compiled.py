"""Compiled loops mean what they say: the same results without compilation."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents import compiled
from simulation import MarketModel, needs
from tests.worlds import shire

ROOT = Path(__file__).parent.parent
SHARING = {"aggregation_threshold": 3.0, "aggregation_mandate": 1.0, "pump_priming_fund": 20.0}
UNCOMPILED = f"""
import json
from agents.compiled import COMPILES
from simulation import MarketModel
from tests.worlds import shire
assert not COMPILES
model = MarketModel(rng=8, years=4, register=shire(), **{SHARING}).run()
print(json.dumps(model.record))
"""


def test_without_compilation_the_market_runs_the_same():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNCOMPILED],
        cwd=ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    record = MarketModel(rng=8, years=4, register=shire(), **SHARING).run().record
    np.testing.assert_allclose(json.loads(done.stdout), record, rtol=1e-12, atol=1e-12)


STEP = 1


def inner(value):
    return value + STEP


def outer(value):
    return inner(value)


@pytest.mark.skipif(not compiled.COMPILES, reason="nothing is compiled")
def test_machine_code_is_made_anew_when_something_that_it_uses_changes(monkeypatch):
    def stamps():
        monkeypatch.setattr(sys.modules[__name__], "inner", compiled.compiled(PLAIN))
        return compiled._stamp(PLAIN), compiled._stamp(outer)

    before = stamps()
    assert stamps() == before
    monkeypatch.setattr(sys.modules[__name__], "STEP", 2)
    assert not set(stamps()) & set(before)


PLAIN = inner


def early(value):
    return late(value)


EARLY = compiled.compiled(early)


def late(value):
    return value + STEP


@pytest.mark.skipif(not compiled.COMPILES, reason="nothing is compiled")
def test_what_is_defined_after_a_function_that_uses_it_counts_too(monkeypatch):
    before = compiled._stamp(early)
    assert compiled._stamp_of(EARLY) == EARLY._cache._cache_file._source_stamp == before
    monkeypatch.setattr(sys.modules[__name__], "late", compiled.compiled(late))
    assert compiled._stamp(early) != before


def test_a_function_has_the_same_stamp_in_every_process():
    shown = "from simulation import needs; print(needs._arisen._cache._cache_file._source_stamp)"
    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == compiled._stamp_of(needs._arisen)
