"""The policy levers, and a policy as a sparse, dated change of the status quo."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from simulation.errors import InputError, shown
from simulation.parameters import (
    Parameter,
    Scalar,
    build,
    check_name,
    declare,
    parameters,
    parse_scalar,
    plain,
)

QUARTERS_PER_YEAR = 4
FIRST_YEAR = 2006

SHARE = (0.0, 1.0)


@dataclass(frozen=True)
class Levers:
    """What a government sets, at one moment; the defaults are the status quo of 2006."""

    aggregation_threshold: float = declare(
        0.0, unit="£m a year", bounds=(0, 100), sweep=(0, 30),
        meaning="a requirement whose annual value is below it must look for partners first",
        source="D0 ¶43-54",
    )  # fmt: skip
    aggregation_mandate: float = declare(
        0.0, unit="share", bounds=SHARE,
        meaning="how binding aggregation is: 0 encouraged, 1 mandated",
        source="D0 ¶62-64",
    )  # fmt: skip
    aggregation_reach: Literal["county", "neighbours", "region", "national"] = declare(
        "neighbours", unit="",
        meaning="where partners may be sought; national makes virtual partnerships possible",
        source="D0 ¶49-51",
    )  # fmt: skip
    max_partners: int = declare(
        10, unit="councils", bounds=(2, 40), sweep=(2, 40),
        meaning="largest group of councils that may commission together",
        source="assumed",
    )  # fmt: skip
    lot_value: float | None = declare(
        None, unit="£m a year", bounds=(0.05, 100), sweep=(0.5, 20), planned=True,
        meaning="an aggregated requirement is let in lots of at most this value",
        source="D0 ¶35",
    )  # fmt: skip
    risk_transfer: float = declare(
        0.6, unit="share", bounds=SHARE,
        meaning="share of transferable risk that the council asks the supplier to carry",
        source="D0 ¶18-21",
    )  # fmt: skip
    risk_allocation: Literal["uniform", "by_control"] = declare(
        "uniform", unit="",
        meaning="same share of every risk, or each risk to the party that can control it",
        source="D0 ¶20, 84",
    )  # fmt: skip
    joint_risk_register: float = declare(
        0.0, unit="share", bounds=SHARE, planned=True,
        meaning="share of complex deals whose parties evaluate risk together early",
        source="D0 ¶19",
    )  # fmt: skip
    early_due_diligence: float = declare(
        0.3, unit="share", bounds=SHARE,
        meaning="share of deals whose due diligence is complete before signature",
        source="D0 ¶21; D1 §6.4",
    )  # fmt: skip
    pump_priming_fund: float = declare(
        0.0, unit="£m", bounds=(0, 2000), sweep=(0, 200),
        meaning="capital of a central fund against which projects claim their set-up cost",
        source="D0 ¶84; D1 §4.3",
    )  # fmt: skip
    pump_priming_share: float = declare(
        0.5, unit="share", bounds=SHARE,
        meaning="share of a project's set-up cost that the fund pays",
        source="D0 ¶84",
    )  # fmt: skip
    pump_priming_repayment: float = declare(
        0.5, unit="share", bounds=SHARE,
        meaning="share of each cash-positive period's saving repaid until whole; 0 is a grant",
        source="D0 ¶84",
    )  # fmt: skip
    pump_priming_deadline: int | None = declare(
        None, unit="quarters", bounds=(1, 200), sweep=(2, 20),
        meaning="by when partners must sign to be funded",
        source="D1 §1.1",
    )  # fmt: skip
    pump_priming_priority: Literal["value", "small_first"] = declare(
        "value", unit="",
        meaning="which claims come first: best value, or the smallest councils",
        source="D1 §1.1",
    )  # fmt: skip
    prudential_borrowing: float = declare(
        0.5, unit="share", bounds=SHARE,
        meaning="share of councils free to borrow for set-up cost",
        source="D0 ¶39",
    )  # fmt: skip
    qualification_multiple: float = declare(
        2.0, unit="x annual value", bounds=(0, 20), sweep=(0, 8),
        meaning="turnover a bidder must show, as a multiple of annual contract value",
        source="D1 §6.1",
    )  # fmt: skip
    simplified_below: float = declare(
        0.0, unit="£m", bounds=(0, 50), sweep=(0, 5), planned=True,
        meaning="contract value under which a cheap, simple procedure applies",
        source="D0 ¶35",
    )  # fmt: skip
    sme_preference: float = declare(
        0.0, unit="share", bounds=(0, 0.15), planned=True,
        meaning="price preference for local SMEs in evaluation",
        source="D0 ¶35",
    )  # fmt: skip
    subcontracting_share: float = declare(
        0.0, unit="share", bounds=(0, 0.5), planned=True,
        meaning="share of a large contract that must go to SMEs",
        source="D0 ¶34",
    )  # fmt: skip
    consortium_support: float = declare(
        0.0, unit="share", bounds=SHARE, planned=True,
        meaning="how readily SMEs may bid together",
        source="D0 ¶41, 84",
    )  # fmt: skip
    incremental_contracts: float = declare(
        0.0, unit="share", bounds=SHARE, planned=True,
        meaning="share of complex deals let in phases with a break after each",
        source="D0 ¶31",
    )  # fmt: skip
    contract_length_factor: float = declare(
        1.0, unit="factor", bounds=(0.5, 1.5),
        meaning="length of contracts against each segment's usual length",
        source="D1 §4.5",
    )  # fmt: skip
    local_delivery: float = declare(
        0.5, unit="share", bounds=SHARE,
        meaning="how many tenders insist on work in the area: 0 none, 0.5 the usual share, 1 all",
        source="D0 ¶24",
    )  # fmt: skip
    open_standards: float = declare(
        0.2, unit="share", bounds=SHARE, planned=True,
        meaning="share of systems on open standards, which lowers switching cost",
        source="D0 ¶35",
    )  # fmt: skip
    market_dialogue: float = declare(
        0.2, unit="share", bounds=SHARE, planned=True,
        meaning="how early suppliers are involved in shaping a requirement",
        source="D0 ¶68-71",
    )  # fmt: skip
    market_intelligence: float = declare(
        0.2, unit="share", bounds=SHARE, planned=True,
        meaning="how much of the pipeline and of prices is published",
        source="D0 ¶68-71",
    )  # fmt: skip
    procurement_pool: float = declare(
        0.0, unit="£m a year", bounds=(0, 200), sweep=(0, 50), planned=True,
        meaning="regional pools of procurement experts that councils draw on",
        source="D0 ¶72-75, 84",
    )  # fmt: skip
    partnership_support: float = declare(
        0.0, unit="share", bounds=SHARE,
        meaning="brokerage between councils and a model process for joint commissioning",
        source="D0 ¶66; D1 §4.2",
    )  # fmt: skip
    publicity: float = declare(
        0.2, unit="share", bounds=SHARE,
        meaning="how widely outcomes of sharing, good and bad, are published",
        source="D1 §2.5; D4",
    )  # fmt: skip
    trading_powers: float = declare(
        0.0, unit="share", bounds=SHARE, planned=True,
        meaning="share of able councils that may bid to serve others",
        source="D1 §5.8, 5.11",
    )  # fmt: skip
    efficiency_target: float = declare(
        2.5, unit="% a year", bounds=(0, 10), sweep=(0, 5),
        meaning="cashable saving asked of every council",
        source="D2; D4",
    )  # fmt: skip


STATUS_QUO = Levers()


@dataclasses.dataclass(frozen=True)
class Change:
    """One lever takes ``value`` from the start of ``from_year`` (year 1 starts in April 2006)."""

    from_year: int
    value: Scalar

    @property
    def from_quarter(self) -> int:
        """First quarter, counted from 1, in which the change holds."""
        return 1 + QUARTERS_PER_YEAR * (self.from_year - 1)


class Policy:
    """A named, sparse set of levers that differ from the status quo, each dated or constant.

    Examples:
        >>> Policy(risk_transfer=0.4).at(1).risk_transfer
        0.4
        >>> fund = [{"from_year": 3, "value": 50.0}, {"from_year": 8, "value": 0.0}]
        >>> [Policy(pump_priming_fund=fund).at(quarter).pump_priming_fund for quarter in (8, 9, 29)]
        [0.0, 50.0, 0.0]
    """

    __slots__ = ("_snapshots", "changes", "description", "name")

    name: str
    description: str
    changes: Mapping[str, tuple[Change, ...]]

    def __init__(
        self, name: str = "custom", description: str = "", *, where: str = "policy", **levers: Any
    ) -> None:
        """Check and keep ``levers``, each a value or a list of ``{from_year, value}``.

        Raises:
            InputError: unknown lever, value out of bounds, planned lever, or wrong dates; ``where``
                names the file or option that said so.
        """
        self.name = name
        self.description = description
        self.changes = {lever: _schedule(lever, levers[lever], where) for lever in levers}
        self._snapshots: dict[tuple[int, ...], Levers] = {}

    def at(self, quarter: int) -> Levers:
        """Return the plain levers in force in ``quarter``, counted from 1."""
        counts = tuple(
            sum(change.from_quarter <= quarter for change in dated)
            for dated in self.changes.values()
        )
        if counts not in self._snapshots:
            values = {
                name: dated[count - 1].value
                for (name, dated), count in zip(self.changes.items(), counts, strict=True)
                if count
            }
            self._snapshots[counts] = build(Levers, values, "lever", self.name)
        return self._snapshots[counts]

    def changed(self, name: str, description: str = "", **levers: Any) -> "Policy":
        """Return this policy with ``levers`` changed too, under a new name."""
        return Policy(name, description, **{**self.as_levers(), **levers})

    def as_levers(self) -> dict[str, Any]:
        """Return the sparse levers in the form in which a policy file holds them."""
        return {name: _compact(dated) for name, dated in self.changes.items()}

    def __eq__(self, other: object) -> bool:
        """Two policies are equal when they set the same levers, whatever they are called."""
        return isinstance(other, Policy) and self.changes == other.changes

    def __hash__(self) -> int:
        """Hash by what is set."""
        return hash(tuple(sorted((name, dated) for name, dated in self.changes.items())))

    def __repr__(self) -> str:
        """Show the name and what is set."""
        return f"Policy({self.name!r}, {self.as_levers()})"


def live_levers() -> dict[str, Parameter]:
    """Return the levers that may be moved, by name."""
    return {name: lever for name, lever in parameters(Levers).items() if not lever.planned}


def parse_lever(text: str, where: str) -> Any:
    """Return a lever's value as it is typed: plain, or dated as ``value@year,value@year``.

    Raises:
        InputError: a year is not a whole number; ``where`` names the place where it was typed.
    """
    if "@" not in text:
        return parse_scalar(text)
    return [_typed_change(part.strip(), text, where) for part in text.split(",")]


def _typed_change(part: str, text: str, where: str) -> dict[str, Any]:
    value, _, year = part.rpartition("@")
    if not value or not re.fullmatch("[0-9]{1,4}", year):
        rule = "dated values are VALUE@YEAR, separated by commas"
        raise InputError(f"{where}: {shown(text)}: {rule}")
    return {"from_year": int(year), "value": parse_scalar(value)}


def lever_text(value: Any) -> str:
    """Return a lever's value as `parse_lever` reads it."""
    if isinstance(value, list | tuple):
        return ",".join(f"{_text(each['value'])}@{each['from_year']}" for each in value)
    return _text(value)


def _text(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _schedule(name: str, given: object, where: str) -> tuple[Change, ...]:
    lever = check_name(name, Levers, "lever", where)
    changes = _dated(name, given, where) if isinstance(given, list | tuple) else (_constant(given),)
    for change in changes:
        value = getattr(build(Levers, {name: change.value}, "lever", where), name)
        if lever.planned and value != lever.default:
            raise InputError(
                f"{where}: lever {name} = {shown(value)}: its mechanism is planned, not built; "
                f"only its default {lever.default!r} is accepted"
            )
    return changes


def _constant(value: object) -> Change:
    return Change(1, plain(value))  # type: ignore[arg-type]


def _dated(name: str, given: Iterable[object], where: str) -> tuple[Change, ...]:
    changes = tuple(_change(name, item, where) for item in given)
    years = [change.from_year for change in changes]
    if not years or any(later <= earlier for earlier, later in pairwise(years)):
        raise InputError(f"{where}: lever {name}: dated values need rising from_year, got {years}")
    return changes


def _change(name: str, item: object, where: str) -> Change:
    if not isinstance(item, Mapping) or set(item) != {"from_year", "value"}:
        raise InputError(
            f"{where}: lever {name}: a dated value is {{from_year: ..., value: ...}}, "
            f"got {shown(item)}"
        )
    year = plain(item["from_year"])
    if not isinstance(year, int) or isinstance(year, bool) or not 1 <= year <= 100:
        raise InputError(
            f"{where}: lever {name}: from_year = {shown(year)}: must be a whole number from 1 to "
            "100 (year 1 starts in April 2006)"
        )
    return Change(year, plain(item["value"]))  # type: ignore[arg-type]


def _compact(dated: tuple[Change, ...]) -> Any:
    if len(dated) == 1 and dated[0].from_year == 1:
        return dated[0].value
    return [dataclasses.asdict(change) for change in dated]
