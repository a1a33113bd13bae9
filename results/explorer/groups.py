"""How levers and assumptions stand together on the page."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from simulation.assumptions import Assumptions
from simulation.levers import live_levers
from simulation.parameters import Parameter, parameters

LEVERS: Mapping[str, tuple[str, ...]] = {
    "Pooling demand": (
        "aggregation_threshold",
        "aggregation_mandate",
        "aggregation_reach",
        "max_partners",
        "lot_value",
    ),
    "Risk": (
        "risk_transfer",
        "risk_allocation",
        "joint_risk_register",
        "early_due_diligence",
    ),
    "Money for set-up": (
        "pump_priming_fund",
        "pump_priming_share",
        "pump_priming_repayment",
        "pump_priming_deadline",
        "pump_priming_priority",
        "prudential_borrowing",
    ),
    "Tenders and contracts": (
        "qualification_multiple",
        "simplified_below",
        "contract_length_factor",
        "incremental_contracts",
        "local_delivery",
        "open_standards",
        "market_dialogue",
        "market_intelligence",
    ),
    "Small and medium-sized suppliers": (
        "sme_preference",
        "subcontracting_share",
        "consortium_support",
    ),
    "Help and pressure": (
        "partnership_support",
        "publicity",
        "efficiency_target",
        "procurement_pool",
        "trading_powers",
    ),
}
"""Every lever under one heading; those that are planned are not shown."""
ASSUMPTIONS: Mapping[str, str] = {
    "Money and growth": "discount_rate",
    "Councils": "client_commitment",
    "Sharing": "readiness",
    "Cost and scale": "efficiency",
    "Bidding": "common_error",
    "Risk": "event_level",
    "Suppliers": "large_suppliers",
}
"""Headings of assumptions, and the first one under each, in the order of their declaration."""

SOURCES: Mapping[str, str] = {
    "D0": "Developing the local government services market, working paper, Department for "
    "Communities and Local Government and PricewaterhouseCoopers, March 2007",
    "D1": "Modern public services: shared services, Socitm Insight, November 2006",
    "D2": "Case study of shared services of Lichfield and Staffordshire Moorlands",
    "D3": "Discussion paper of an advisory group of the CIO Council, 2006",
    "D4": "Is 2007 the year to start sharing?, New Local Government Network, February 2007",
    "Green Book": "HM Treasury's guidance on appraisal",
    "assumed": "set by the makers of the model, without a source",
}
"""What the codes of sources stand for."""


def levers() -> dict[str, list[Parameter]]:
    """Return the levers that may be moved, under their headings; none is empty."""
    live = live_levers()
    shown = {
        title: [live[name] for name in names if name in live] for title, names in LEVERS.items()
    }
    return {title: listed for title, listed in shown.items() if listed}


def idle(name: str, values: Mapping[str, Any]) -> str:
    """Return why the lever ``name`` changes nothing beside the other ``values``; empty if it may.

    Told of levers that a choice beside them puts out of work (`simulation.requirements`).
    """
    if name == "risk_transfer" and values["risk_allocation"] == "by_control":
        return "Changes nothing while risk allocation is by control: each risk then has its share."
    return ""


def assumptions() -> dict[str, list[Parameter]]:
    """Return every assumption under its heading."""
    known = list(parameters(Assumptions).values())
    names = [one.name for one in known]
    starts = [*map(names.index, ASSUMPTIONS.values()), len(names)]
    spans = pairwise(starts)
    return {title: known[a:b] for title, (a, b) in zip(ASSUMPTIONS, spans, strict=True)}


def title(parameter: Parameter) -> str:
    """Return what people call a lever or an assumption."""
    words = parameter.name.replace("_", " ")
    return f"{words[0].upper()}{words[1:]}".replace("Sme ", "SME ")
