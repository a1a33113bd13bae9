"""What makes up a quarter's saving: every penny that councils saved or lost, by its cause.

What a council pays for a service outside is taken apart in the order in which its price was made:
in-house cost, less what pooled demand saves, less what the supplier saves beyond that, plus margin,
priced risk and finance, plus what disputes added, plus what is still missing because the saving is
reached step by step. All other causes are purposes of the ledger. Services in house contribute
nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from agents.supplier import dispute_settled
from simulation.contracts import sum_by
from simulation.finance import received_from_fund
from simulation.ledger import COUNCIL_COSTS, Purpose, to_pence

if TYPE_CHECKING:
    from agents.columns import FloatArray, IntArray
    from simulation.model import MarketModel

CAUSES: Mapping[str, str] = {
    "scale": "scale: pooled demand less coordination",
    "efficiency": "suppliers' efficiency, hubs and platforms",
    "margin": "suppliers' margin",
    "risk_premium": "risk premium",
    "finance": "finance and set-up in the price",
    "ramp": "time until savings are reached",
    "risk_losses": "losses from risk events that councils kept",
    "disruption": "disruption by contracts that failed",
    "leaving": "leaving joint contracts",
    "disputes": "disputes: their cost, and dearer prices",
    "changes": "changes to ageing contracts",
    "transition": "transition to new suppliers",
    "procurement": "transaction cost: procurement",
    "client_side": "transaction cost: client side",
    "set_up": "set-up of projects",
    "front_line": "work moved to the front line",
    "fund": "fund: received less repaid",
    "support": "support to partnerships",
}
"""The causes of a saving by name, in the order in which they are told."""

PLACE: Mapping[str, int] = {name: place for place, name in enumerate(CAUSES)}

PRICED = ("scale", "efficiency", "margin", "risk_premium", "finance", "disputes", "ramp")
"""The causes that make a price differ from in-house cost."""

CAUSE_OF: Mapping[Purpose, str] = {
    Purpose.RISK_LOSS: "risk_losses",
    Purpose.DISRUPTION: "disruption",
    Purpose.LEAVING: "leaving",
    Purpose.DISPUTE: "disputes",
    Purpose.CHANGE: "changes",
    Purpose.TRANSITION: "transition",
    Purpose.PROCUREMENT: "procurement",
    Purpose.CLIENT_SIDE: "client_side",
    Purpose.SET_UP: "set_up",
    Purpose.FRONT_LINE: "front_line",
}
"""The cause that each purpose of councils' costs is, but for in-house cost and price."""

ROUNDED = 2e-9
"""How far the parts of a price may be from the price, as a share of in-house cost."""


def saving_by_cause(model: "MarketModel") -> "IntArray":
    """Return each council's saving of the quarter just simulated, by cause.

    Returns:
        Pence, councils x `CAUSES`; a row adds up to `simulation.finance.council_savings` exactly.
        Each posting is rounded to a penny; the pennies that the parts of prices so miss are put
        with "efficiency".

    Raises:
        ArithmeticError: the parts of a council's prices miss them by more than rounding can.
    """
    saving = np.zeros((len(model.councils), len(CAUSES)), dtype=np.int64)
    saving[:, [PLACE[name] for name in PRICED]] = _priced(model)
    for purpose in COUNCIL_COSTS - {Purpose.IN_HOUSE, Purpose.PRICE}:
        saving[:, PLACE[CAUSE_OF[purpose]]] -= model.ledger.flow([purpose])
    saving[:, PLACE["fund"]] = received_from_fund(model)
    return saving


def public_saving_by_cause(model: "MarketModel", councils: "IntArray") -> "IntArray":
    """Return the public's saving of the quarter by cause, pence.

    Args:
        model: the model.
        councils: what `saving_by_cause` returns; to it comes what the Exchequer's fund was repaid
            less what it paid, which cancels what councils received less what they repaid, and
            what the Exchequer spent on support.
    """
    saving: IntArray = councils.sum(axis=0)
    ledger = model.ledger
    saving[PLACE["fund"]] += ledger.total(Purpose.FUND_REPAYMENT) - ledger.total(Purpose.FUND_CLAIM)
    saving[PLACE["support"]] -= ledger.total(Purpose.SUPPORT)
    return saving


def _priced(model: "MarketModel") -> "IntArray":
    """Return what councils saved on services outside by the causes of a price (councils x 7)."""
    ledger, size = model.ledger, len(model.councils)
    council = model.services.council[model.paid.service]
    parts = [to_pence(sum_by(council, part, size)) for part in _parts(model)]
    saved = np.stack(parts, axis=1)
    outside = ledger.flow([Purpose.BUDGET], into=True) - ledger.flow([Purpose.IN_HOUSE])
    rest = outside - ledger.flow([Purpose.PRICE]) - saved.sum(axis=1)
    _check_rounding(rest, np.bincount(council, minlength=size), outside)
    saved[:, PRICED.index("efficiency")] += rest
    return saved


def _parts(model: "MarketModel") -> "list[FloatArray]":
    """Return what in-house cost less price is made of, £m a service outside, as in `PRICED`."""
    contracts, paid = model.contracts, model.paid
    row, cost = paid.contract, paid.cost
    dearer = _settled(model)
    return [
        cost * (1.0 - contracts.scale[row]),
        cost * (contracts.scale - contracts.estimate_ratio + dearer)[row],
        -cost * contracts.margin_ratio[row],
        -cost * contracts.risk_ratio[row],
        -cost * contracts.finance_ratio[row],
        -cost * dearer[row],
        cost * contracts.price_ratio[row] - paid.price,
    ]


def _settled(model: "MarketModel") -> "FloatArray":
    """Return what disputes added to each contract's price, and to its estimate, over cost."""
    contracts = model.contracts
    settled = dispute_settled(contracts.shortfall, model.assumptions.dispute_share)
    return np.where(contracts.disputed, settled, 0.0)


def _check_rounding(rest: "IntArray", services: "IntArray", outside: "IntArray") -> None:
    """Refuse a rest beyond half a penny for every amount that was rounded."""
    amounts = services + len(PRICED) + 2
    most = amounts / 2.0 + ROUNDED * np.abs(outside) + 1.0
    if (np.abs(rest) > most).any():
        raise ArithmeticError(f"prices differ from their parts by up to {np.abs(rest).max()} pence")
