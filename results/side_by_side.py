"""Policies side by side: the levers on which they differ, as a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from results.store import StoredPolicy
from results.words import EN_DASH, lever_words
from simulation.levers import Levers
from simulation.parameters import parameters

TERMS_OF = {
    "pump_priming_share": "pump_priming_fund",
    "pump_priming_repayment": "pump_priming_fund",
    "pump_priming_priority": "pump_priming_fund",
    "pump_priming_deadline": "pump_priming_fund",
    "aggregation_mandate": "aggregation_threshold",
}
"""Levers that say nothing while another stands at zero."""


def levers_table(policies: Mapping[str, StoredPolicy]) -> pd.DataFrame:
    """Return the levers on which the policies differ or leave the status quo, in words.

    The terms of a mechanism that no policy switches on are left out, and stand as an en dash where
    one policy does not.

    One row a lever: ``lever``, ``meaning``, ``unit``, then a column a policy by name.
    """
    known = parameters(Levers)
    moved = [name for name in known if any(name in (p.levers or {}) for p in policies.values())]
    rows = [
        {
            "lever": name,
            "meaning": known[name].meaning,
            "unit": known[name].unit,
            **{each.name: _lever_cell(each, name) for each in policies.values()},
        }
        for name in moved
        if any(_in_use(each, name) for each in policies.values())
    ]
    return pd.DataFrame(rows, columns=["lever", "meaning", "unit", *policies])


def _lever_cell(policy: StoredPolicy, name: str) -> str:
    return lever_words(_lever(policy, name)) if _in_use(policy, name) else EN_DASH


def _lever(policy: StoredPolicy, name: str) -> Any:
    return (policy.levers or {}).get(name, parameters(Levers)[name].default)


def _in_use(policy: StoredPolicy, name: str) -> bool:
    """Say whether the mechanism is on whose term the lever ``name`` is."""
    return name not in TERMS_OF or lever_words(_lever(policy, TERMS_OF[name])) != "0"
