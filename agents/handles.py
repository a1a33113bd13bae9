"""Mesa's handles: an agent is a light pointer at its row in a table of columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import mesa

from agents.columns import IntArray, Table

if TYPE_CHECKING:
    from agents.council import Councils, Services
    from agents.partnership import Partnerships
    from agents.supplier import Suppliers


class Named(Protocol):
    """A register, as far as handles read it."""

    @property
    def name(self) -> Sequence[str]:
        """Names of councils, by row."""


class Targets(Protocol):
    """The levers in force, as far as handles read them."""

    @property
    def efficiency_target(self) -> float:
        """Cashable saving asked of every council, % a year."""


class Books(Protocol):
    """The ledger, as far as handles read it."""

    def supplier_balance(self) -> IntArray:
        """Return suppliers' balances, pence."""


class Market(Protocol):
    """The model in which handles live, as far as they read it."""

    councils: "Councils"
    services: "Services"
    suppliers: "Suppliers"
    partnerships: "Partnerships"
    supplier_names: list[str]

    @property
    def register(self) -> Named:
        """The register."""

    @property
    def levers(self) -> Targets:
        """The levers in force."""

    @property
    def ledger(self) -> Books:
        """The ledger."""

    @property
    def fund_balance(self) -> int:
        """Money in the fund, pence."""


class Handle(mesa.Agent[Any]):
    """An agent that is one row of a table."""

    model: Market

    def __init__(self, model: Market, row: int) -> None:
        """Point at ``row`` of the model's table of such agents."""
        super().__init__(model)
        self.row = row

    def columns_of(self, table: Table) -> dict[str, Any]:
        """Return this agent's row of ``table`` by name of column."""
        return {name: getattr(table, name)[self.row] for name in table.columns}
