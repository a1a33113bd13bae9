"""Golden baselines: results change only on purpose, and the changelog then says why.

Refresh with `uv run python -m tests.test_golden` after a deliberate change, and say in CHANGELOG.md
what changed and why.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from simulation import MarketModel, Policy
from simulation.horizon import over_horizon
from simulation.measures import MEASURES
from simulation.outcomes import OUTCOMES

GOLDEN = Path(__file__).parent / "golden.json"
YEARS = 5
SEEDS = (1, 2, 3)
POLICIES = {
    "status quo": {},
    "aggregation": {"aggregation_threshold": 3.0, "aggregation_mandate": 1.0},
    "shared risk and a fund": {"risk_allocation": "by_control", "pump_priming_fund": 50.0},
}
RELATIVE = 1e-9
"""The promise across processors and versions; on one machine bits are equal."""


def measured(policy: str, seed: int) -> dict[str, float]:
    measures = MarketModel(Policy(policy, **POLICIES[policy]), years=YEARS, rng=seed).run().measures
    columns = {name: measures[name].to_numpy() for name in MEASURES}
    return {name: float(over_horizon(one.rule, columns)) for name, one in OUTCOMES.items()}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_results_are_the_golden_ones(policy, seed):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))[f"{policy}, seed {seed}"]
    expected = {name: np.nan if value is None else value for name, value in golden.items()}
    assert measured(policy, seed) == pytest.approx(expected, rel=RELATIVE, abs=1e-9, nan_ok=True)


def refresh() -> None:
    golden = {
        f"{policy}, seed {seed}": {
            name: None if np.isnan(value) else value
            for name, value in measured(policy, seed).items()
        }
        for policy in POLICIES
        for seed in SEEDS
    }
    GOLDEN.write_text(json.dumps(golden, indent=1, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    refresh()
