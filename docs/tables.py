"""Rewrite the generated tables of ODD.md from the declarations in the code.

Run it as ``uv run python docs/tables.py`` after any change of a declaration. A block starts with
``<!-- generated: name -->`` and ends with ``<!-- end -->``; what stands between is replaced.
"""

import ast
import inspect
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from agents.columns import Column, Table
from agents.council import Councils, Services
from agents.governance import GOVERNANCE, Governance
from agents.government import Claims, Stages
from agents.partnership import Ballots, Partnerships
from agents.supplier import Suppliers
from experiments.circumstances import bundled_circumstances
from simulation.assumptions import CENTRAL, Assumptions
from simulation.contracts import Contracts
from simulation.events import COLUMNS
from simulation.ledger import COUNCIL_COSTS, Account, Purpose
from simulation.levers import Levers, live_levers
from simulation.outcomes import (
    MEASURES,
    OUTCOMES,
    Gap,
    Last,
    NetPresentValue,
    Outcome,
    Ratio,
    Rule,
    Sum,
)
from simulation.parameters import Parameter, Scalar, parameters
from simulation.randomness import Draws, combine, name_key
from simulation.segments import PROCEDURES, RISKS, SEGMENTS, SOURCES, Procedure, Segment

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "ODD.md"
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

STATE: tuple[type[Table], ...] = (
    Councils, Services, Suppliers, Contracts, Partnerships, Ballots, Claims, Stages,
)  # fmt: skip
"""Tables of state variables, in the order in which the document shows them."""

KINDS = MappingProxyType({"f": "number", "i": "whole", "b": "flag", "u": "key"})

PURPOSES = {
    Purpose.RESERVES: "taxpayers fill a council's reserves",
    Purpose.BUDGET: "taxpayers pay the counterfactual cost of every service",
    Purpose.IN_HOUSE: "delivery in house",
    Purpose.PRICE: "price of contracts, council to supplier",
    Purpose.CLIENT_SIDE: "managing contracts",
    Purpose.FRONT_LINE: "work displaced to the front line",
    Purpose.PROCUREMENT: "buyers' cost of tendering",
    Purpose.SET_UP: "set-up of projects",
    Purpose.DISRUPTION: "disruption after a collapse or a supplier's failure",
    Purpose.LEAVING: "what leaving a joint contract costs",
    Purpose.RISK_LOSS: "losses from risk events, each party its part",
    Purpose.INTEREST: "interest on councils' loans",
    Purpose.LOAN: "loan principal lent",
    Purpose.LOAN_REPAYMENT: "loan principal repaid",
    Purpose.FUND_CAPITAL: "Exchequer's capital into the fund",
    Purpose.FUND_CLAIM: "fund pays a claim",
    Purpose.FUND_REPAYMENT: "council repays the fund",
    Purpose.FUND_RETURN: "fund returns to the Exchequer what it may no longer hold",
    Purpose.SAVING_RETURNED: "what is left of the budget goes back to taxpayers",
    Purpose.OVERSPEND: "taxpayers make up what budget and reserves lack",
    Purpose.DELIVERY: "suppliers' running cost of contracts",
    Purpose.OVERHEAD: "suppliers' idle teams",
    Purpose.BIDDING: "suppliers' cost of bids, won or lost",
    Purpose.INVESTMENT: "suppliers' up-front investment",
    Purpose.CAPITAL: "owners' capital in on entry, out on exit",
    Purpose.DIVIDEND: "capital above what a firm holds on to",
    Purpose.DEFAULT: "creditors bear a failed firm's debt",
    Purpose.OUTSIDE_PROFIT: "profit from other business rebuilds capital",
    Purpose.TRANSITION: "old and new run side by side while a supplier takes over",
    Purpose.CHANGE: "changes to ageing contracts",
    Purpose.DISPUTE: "cost of disputes, each party its own",
    Purpose.SUPPLIER_FINANCE: "return on what suppliers put in up front, to those who lent it",
    Purpose.SUPPORT: "Exchequer to resources; brokers and model processes for partnerships",
}
"""What money is moved for, in words."""

CONSTANTS = (
    ("simulation.population.TYPE_FACTOR", "spend of a council of median size, by type"),
    ("simulation.population.MEDIAN_POPULATION", "persons; median size, by type"),
    ("simulation.population.CONTROL_SHARES", "control where it is drawn, in the order of the code"),
    ("simulation.population.SERVICE_SPREAD", "log; spread of sizes of a segment's services"),
    ("simulation.population.MIX_SPREAD", "log; spread of councils' leaning to a segment"),
    ("simulation.population.SMALLEST_SERVICE", "£m a year; a smaller one is bought with others"),
    ("simulation.population.STRATEGIC_SHARE", "councils with a strategic service, districts apart"),
    ("simulation.population.STRATEGIC_SHARE_DISTRICT", "districts with a strategic service"),
    ("simulation.population.LARGEST_STRATEGIC", "£m a year; cap on a strategic baseline"),
    ("simulation.founding.FOUNDING_PRICE", "price over in-house cost in April 2006"),
    ("simulation.founding.FOUNDING_MARGIN", "margin in that price"),
    ("simulation.model.STARTING_PRICES", "awards known in 2006 in a segment of one service"),
    ("simulation.segments.SOURCES", "where savings come from, in the order of the next row"),
    ("simulation.segments.SOURCE_QUARTERS", "quarters until each source is reached in full"),
    ("simulation.geography.MOST_CANDIDATES", "partners that one council considers"),
    ("simulation.register.LONGEST_SIDE", "x spacing; longest side that is a border"),
    ("simulation.register.WIDEST_ANGLE", "degrees; widest angle that a border faces"),
    ("simulation.calendar.COUNTY_ELECTIONS", "a year in which counties voted"),
    ("simulation.calendar.LONDON_ELECTIONS", "a year in which London voted"),
    ("simulation.calendar.OTHER_ELECTIONS", "a year in which other whole councils voted"),
    ("simulation.calendar.LOST_AFTER_DEFEAT", "chance that a champion goes with the old control"),
    ("simulation.founding.FIRST_TALKS", "quarters from first talks to the contracts of 2006"),
    ("simulation.founding.MEAN_FIRST_GROUP", "councils in a shared service of 2006"),
    ("simulation.founding.FIRST_END", "first quarter in which a joint contract of 2006 may end"),
    ("agents.council.SHARING_STAGES", "stages of sharing, a fifth of readiness each"),
    ("agents.council.OPEN", "readiness from which a council is open to proposals"),
    ("agents.council.SEEKS", "readiness from which a council seeks partners itself"),
    ("agents.governance.CONTROL_WEIGHT", "a step in control against a doubling of members"),
    ("agents.partnership.MENU_SPARES", "part of a conflict that a menu spares"),
    ("agents.partnership.MENU_POOLS", "part of the scale effect that is left under a menu"),
    ("simulation.ties.SAME_COUNTY_TRUST", "trust between councils of one county"),
    ("simulation.seeking.ALLIED", "threat that districts of a county see in each other"),
    ("simulation.seeking.FURTHEST_VIRTUAL", "km; distance that counts at most, national reach"),
    ("simulation.ties.TRUST_GAINED", "trust after a joint signature, and after lasting success"),
    ("simulation.ties.TRUST_LOST", "trust after a failed group, a withdrawal or a collapse"),
    ("simulation.ties.READINESS_GAINED", "readiness where trust is gained"),
    ("simulation.ties.READINESS_LOST", "readiness where trust is lost"),
    ("simulation.ties.MATURITY_GAINED", "maturity of services where trust is gained"),
    ("simulation.ties.AUDIENCE", "nearest councils that may hear of an outcome"),
    ("simulation.ties.CAUTION_KEPT", "a quarter; part of new members' caution that is left"),
    ("simulation.business_case.USE_SPREAD", "log; spread of use of a service beyond its size"),
    ("simulation.voting.LEAVING", "of annual cost; leaving a shared service at its end"),
    ("simulation.partnering.MOST_TRIES", "times that a group repeats a tender that failed"),
    ("simulation.membership.PROVEN_AFTER", "quarters without trouble that make a success"),
    ("simulation.membership.LEAST_LEFT", "quarters that a contract must still run to be joined"),
    ("simulation.membership.JOINING_PART", "set-up cost of joining, over that of starting one"),
    ("simulation.membership.LONGEST_WAIT", "quarters; wait for money to enter a joint contract"),
    ("simulation.membership.BACK_HOME", "quarters at home before what withdrew is tendered again"),
    ("simulation.finance.GUARANTEED_STAGES", "stages that the fund has bound itself to pay for"),
    ("simulation.measuring.TROUBLE_REMEMBERED", "quarters for which members report a trouble"),
    ("simulation.route.PROJECT_RETRY", "quarters until a project that was given up comes up again"),
    ("simulation.route.SOONEST_RETRY", "quarters; shortest wait before a tender is repeated"),
    ("simulation.tendering.STRATEGIC_EFFICIENCY", "exponent on efficiency in strategic deals"),
    ("simulation.bidding.LARGEST_ERROR", "of cost; bound on each error in an estimate"),
    ("simulation.clearing.SPARED_EFFORT", "of the cost of a bid, saved by leaving early"),
    ("simulation.delivery.EXPOSED_PART", "of a contract's life in which events can strike"),
    ("simulation.delivery.DISPUTE_WITHIN", "quarters after signature in which disputes break out"),
    ("simulation.delivery.NAME_LOST", "reputation lost with a contract that ends in failure"),
    ("simulation.delivery.TROUBLED_QUARTERS", "quarters of trouble after an event or a dispute"),
    ("simulation.delivery.TROUBLED_QUALITY", "dip in quality while in trouble"),
    ("simulation.delivery.TRANSITION_QUALITY", "dip in quality during transition"),
    ("simulation.billing.AGED_YEARS", "years; age at which changes cost what ageing says"),
    ("simulation.finance.STAGES", "quarterly stages in which set-up is paid"),
    ("simulation.finance.SAVING_MEMORY", "a quarter; weight of the newest saving rate"),
    ("simulation.finance.DIVIDEND_ABOVE", "x target; capital above it is paid out"),
    ("simulation.finance.OUTSIDE_MARGIN", "a year; profit on turnover outside this market"),
    ("simulation.market.AIMED_WINS", "wins for a bid that suppliers aim at"),
    ("simulation.market.MARGIN_STEP", "speed at which margins are learned"),
    ("simulation.market.REBUILDING", "rise of margins where capital is used up"),
    ("simulation.market.LEAST_MARGIN", "least learned factor on the mark-up"),
    ("simulation.market.MOST_MARGIN", "greatest learned factor on the mark-up"),
    ("simulation.market.PIPELINE_QUARTERS", "quarters of work in a visible pipeline"),
    ("simulation.market.WALLET_QUARTERS", "quarters of income that pre-sales money may hold"),
    ("simulation.market.NAME_MENDED", "a quarter; part of the way to the best reputation"),
    ("simulation.market.BEST_NAME", "reputation that delivery leads to"),
    ("simulation.market.LEAST_PATIENCE", "quarters; least length of a contract in patience"),
    ("simulation.market.PRICES_KEPT", "a quarter; part of known prices that stays recent"),
)

EXAMPLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("agents.council.pressure",
     {"target": 2.5, "quarter": 8, "saving_rate": 0.01, "full_gap": 0.1}),
    ("agents.council.market_chance",
     {"hazard": 0.03, "pressure": 0.4, "appetite": 1.2, "champion": True}),
    ("agents.council.joining_attraction",
     {"trust": 0.2, "kilometres": 30.0, "politics": 1.0, "size_ratio": 4.0, "threat": 0.0,
      "readiness": 0.5, "pressure": 0.4, "champion": True}),
    ("agents.council.scale_gain", {"value": 2.0, "added": 1.0, "elasticity": 0.1}),
    ("agents.council.sharing_stage", {"readiness": 0.45}),
    ("agents.council.highest_viable_price",
     {"otherwise": 2.0, "set_up": 0.3, "worth": 5.4, "client_side": 0.02, "optimism": 0.25}),
    ("agents.council.highest_price",
     {"value": 2.0, "limit": 1.06, "retained": 0.05, "commitment": 0.7,
      "commitment_price": 0.04}),
    ("agents.council.judged_price",
     {"price": 2.0, "merit": 0.03, "noise": 0.02}),
    ("agents.council.evaluation_noise", {"spread": 0.06, "skill": 0.7, "blur": 0.02}),
    ("agents.council.reference_blur", {"single": 0.1, "prices": 24.0}),
    ("agents.governance.choose_governance",
     {"members": 5, "control": 0.4, "luck": (0.0,) * len(GOVERNANCE)}),
    ("agents.governance.governance_held_to", {"model": 7, "members": 3}),
    ("agents.partnership.conflict",
     {"politics": 0.5, "kilometres": 30.0, "remoteness": 1.0, "size_ratio": 4.0, "threat": 0.0,
      "staff": 0.2, "champion": False, "caution": 0.5}),
    ("agents.partnership.tension",
     {"conflict": 1.2, "hidden": 0.1, "trust": 0.2, "menu": False, "left": 1.0, "friction": 0.3,
      "compromise": 0.5, "support": 0.5}),
    ("agents.partnership.come_to_light", {"hidden": 0.3, "late": True, "support": 0.5}),
    ("agents.partnership.urgency", {"quarters_left": 4, "grant": 0.5, "pull": 1.5}),
    ("agents.partnership.walk_away_chance",
     {"base": 0.07, "tension": 1.2, "withdrawal": 0.8, "urgency": 0.3, "obliged": 0.5}),
    ("agents.partnership.settle_chance",
     {"pace": 0.35, "tension": 0.8, "support": 0.5, "urgency": 0.3}),
    ("agents.partnership.no_vote_margin",
     {"gain": 0.05, "caution": 0.5, "readiness": 0.4, "trust": 0.2, "leaving": 0.0, "pull": 0.0}),
    ("agents.partnership.withdrawal_chance",
     {"base": 0.004, "tension": 0.8, "troubled": True, "remote": 0.2, "withdrawal": 0.8,
      "exit_cost": 0.2}),
    ("agents.partnership.looking_chance",
     {"readiness": 0.4, "champion": True, "obliged": 0.1}),
    ("agents.partnership.wariness", {"readiness": 0.4}),
    ("agents.partnership.set_up_quarters", {"base": 4, "members": 6}),
    ("agents.partnership.set_up_cost",
     {"value": 4.0, "saving_share": 0.05, "years_of_saving": 2.0, "floor": 0.3}),
    ("agents.government.repayment_due", {"saving": 1001, "share": 0.5, "outstanding": 800}),
    ("agents.supplier.demand_scale",
     {"value": 3.0, "own_value": 1.5, "councils": 3, "elasticity": 0.1, "coordination": 0.01}),
    ("agents.supplier.hub_scale", {"volume": 30.0, "unit_volume": 15.0, "elasticity": 0.04}),
    ("agents.supplier.markup",
     {"rivals": 3.0, "learned": 1.1, "base": 0.03, "width": 0.36}),
    ("agents.supplier.shading", {"rivals": 3.0, "error": 0.035}),
    ("agents.supplier.shortage_premium", {"load": 6.0, "capacity": 7.0, "steepness": 0.15}),
    ("agents.supplier.free_capital", {"capital": 90.0, "exposure": 20.0, "weight": 1.25}),
    ("agents.supplier.risk_loading", {"variance": 4.0, "free": 65.0, "tolerance": 0.4}),
    ("agents.supplier.win_chance",
     {"price": 1.9, "expected_price": 2.0, "rivals": 3.0, "fear": 1.5, "spread": 0.2}),
    ("agents.supplier.regard", {"commitment": 0.6, "skill": 0.7, "resilience": 0.5}),
    ("agents.supplier.bid_hurdle",
     {"base": 0.02, "regard": 0.6, "strength": 3.0, "repulsion": 0.5}),
    ("agents.supplier.bid_cost", {"fixed": 0.066, "rate": 0.02, "contract_value": 100.0}),
    ("agents.supplier.commits",
     {"capital": 90.0, "remaining_margin": 4.0, "name": 1.5, "share": 0.22}),
    ("agents.supplier.limited_loss", {"limit": 5.0, "median": 4.0, "spread": 0.8}),
    ("agents.supplier.invests",
     {"value": 12.0, "worth": 4.0, "gain": 0.03, "platform": 1.0}),
    ("agents.supplier.dispute_settled", {"shortfall": 0.2, "part": 0.4}),
    ("agents.supplier.stays", {"rank": 2, "clients": 5, "leak": 0.08, "drawn": 0.25}),
    ("agents.supplier.gives_up", {"since_win": 30, "contracts": 0, "patience": 30.0}),
    ("agents.supplier.prospect",
     {"value": 5.0, "rivals": 4.0, "width": 0.36, "cost_of_bid": 0.05}),
    ("agents.supplier.grow",
     {"capacity": 7.0, "load": 5.0, "pipeline": 2.0, "up": 0.03, "down": 0.015}),
    ("agents.supplier.entry_chance", {"opportunity": 1.5, "hazard": 0.04}),
    ("simulation.risk.event_chance",
     {"share": (0.6, 0.6, 0.6), "profile": (0.2, 0.4, 0.4), "complexity": 0.9,
      "control": (0.8, 0.2, 0.85), "assumptions": CENTRAL}),
    ("simulation.risk.loss_moments", {"assumptions": CENTRAL}),
    ("simulation.risk.own_loss_factor", {"risk_skill": 0.6, "surcharge": 0.25}),
    ("simulation.population.drawn_control", {"draw": 0.7}),
)  # fmt: skip
"""Rules with arguments; a number stands for an array of one where the rule takes arrays."""

type Rows = Iterable[Sequence[str]]


def resolve(dotted: str) -> Any:
    """Return the module, or what a module holds, under the name ``dotted``.

    Raises:
        AttributeError: a module that holds nothing of that name.
        ModuleNotFoundError: no such module.
    """
    parts = dotted.split(".")
    known: Any = import_module(parts[0])
    for place, part in enumerate(parts[1:], start=1):
        if not hasattr(known, part) and hasattr(known, "__path__"):
            import_module(".".join(parts[: place + 1]))
        known = getattr(known, part)
    return known


def table(header: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`"


def _number(value: Scalar) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else f"{value:.6g}"


# --- parameters ----------------------------------------------------------------------------------


def levers() -> str:
    """Return the table of levers."""
    known = parameters(Levers)
    planned = sum(lever.planned for lever in known.values())
    head = f"{len(known)} levers, of which {planned} are planned and accept only their default.\n\n"
    header = ("lever", "unit", "status quo", "allowed", "state", "meaning", "source")
    return head + table(header, map(_lever, known.values()))


def _lever(one: Parameter) -> Sequence[str]:
    state = "planned" if one.planned else "built"
    about = (state, one.meaning, one.source)
    return (_code(one.name), one.unit, _number(one.default), one.allowed, *about)


def readers() -> str:
    """Return the table of built levers and the functions that read each."""
    found = reading_functions()
    rows = [(_code(name), ", ".join(map(_code, found.get(name, ())))) for name in live_levers()]
    return table(("lever", "read by"), rows)


def reading_functions() -> Mapping[str, Sequence[str]]:
    """Return by lever the dotted names of the functions that read it off a model's levers."""
    found: dict[str, list[str]] = {}
    for path in sorted(ROOT.glob("agents/*.py")) + sorted(ROOT.glob("simulation/*.py")):
        module = f"{path.parent.name}.{path.stem}"
        for function, lever in _lever_reads(ast.parse(path.read_bytes())):
            found.setdefault(lever, []).append(f"{module}.{function}")
    return {lever: list(dict.fromkeys(names)) for lever, names in found.items()}


def _lever_reads(tree: ast.AST, within: str = "") -> Iterator[tuple[str, str]]:
    """Yield every read of ``levers.<name>`` with the function or method that holds it."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield from _lever_reads(node, f"{within}.{name}".removeprefix("."))
                continue
            case ast.Attribute(
                value=ast.Attribute(attr="levers") | ast.Name(id="levers"), attr=lever
            ):
                yield within, lever
        yield from _lever_reads(node, within)


def assumptions() -> str:
    """Return the table of assumptions."""
    known = parameters(Assumptions)
    sampled = sum(one.distribution == "uniform" for one in known.values())
    head = f"{len(known)} assumptions, of which {sampled} are sampled.\n\n"
    header = ("assumption", "unit", "central", "sampled over", "bounds", "meaning", "source")
    return head + table(header, map(_assumption, known.values()))


def _assumption(one: Parameter) -> Sequence[str]:
    over = _range(one.sweep) if one.distribution == "uniform" else "held"
    source = one.source + ("; tuned" if one.tuned else "")
    bounds = ", ".join(one.choices) or _range((one.low, one.high))
    return (_code(one.name), one.unit, _number(one.default), over, bounds, one.meaning, source)


def _range(ends: tuple[float | None, float | None] | None) -> str:
    return " to ".join(map(_number, ends)) if ends else ""


def segments() -> str:
    """Return the table of segments: a row a property, a column a segment."""
    meanings = _attributes(Segment)
    names = [one.name for one in fields(Segment) if one.name not in ("name", "risk", "sources")]
    rows: list[Sequence[str]] = [
        (_code(name), *(_number(getattr(one, name)) for one in SEGMENTS), meanings[name])
        for name in names
    ]
    rows += _parts("risk", RISKS, "share of its risk")
    rows += _parts("sources", SOURCES, "share of its savings")
    return table(("property", *(_code(one.name) for one in SEGMENTS), "meaning"), rows)


def _parts(name: str, kinds: Sequence[str], meaning: str) -> list[Sequence[str]]:
    """Return a row for each kind of a property that has several numbers a segment."""
    return [
        (f"`{name}`, {kind}", *(_number(getattr(one, name)[place]) for one in SEGMENTS), meaning)
        for place, kind in enumerate(kinds)
    ]


def procedures() -> str:
    """Return the table of procedures: a row a property, a column a procedure."""
    meanings = _attributes(Procedure)
    rows = [
        (_code(name), *(_property(getattr(one, name)) for one in PROCEDURES), meanings[name])
        for name in meanings
        if name != "name"
    ]
    return table(("property", *(one.name for one in PROCEDURES), "meaning"), rows)


def _property(value: Scalar) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else _number(value)


def _attributes(documented: type) -> Mapping[str, str]:
    """Return what the docstring of a class says of each attribute, on one line."""
    section = inspect.cleandoc(documented.__doc__ or "").split("Attributes:\n")[1]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()).removesuffix(".") for name, text in found}


def governance() -> str:
    """Return the table of models of collaboration: a row a property, a column a model."""
    meanings = _attributes(Governance)
    rows = [
        (_code(name), *(_property(getattr(one, name)) for one in GOVERNANCE), meanings[name])
        for name in meanings
        if name not in ("name", "title")
    ]
    return table(("property", *(one.title for one in GOVERNANCE), "meaning"), rows)


def circumstances() -> str:
    """Return the table of named sets of assumptions."""
    rows = [
        (
            _code(one.name), one.description,
            ", ".join(f"{_code(name)} {_number(value)}" for name, value in one.assumptions.items()),
        )
        for one in bundled_circumstances()
    ]  # fmt: skip
    return table(("set", "stands for", "holds"), rows)


def constants() -> str:
    """Return the table of numbers that are fixed in the code."""
    rows = [(_code(name), _shown(resolve(name)), meaning) for name, meaning in CONSTANTS]
    return table(("constant", "value", "meaning"), rows)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_number(one)}" for name, one in value.items())
    return ", ".join(map(_number, value)) if isinstance(value, tuple) else _number(value)


# --- state and results ---------------------------------------------------------------------------


def columns() -> str:
    """Return a table of state variables for each kind of row."""
    return "\n".join(map(_state, STATE))


def _state(kind: type[Table]) -> str:
    head = f"`{kind.__module__}.{kind.__name__}`: {_first_sentence(kind)}\n\n"
    rows = [(_code(name), *_column(one)) for name, one in kind.columns.items()]
    return head + table(("column", "type", "unit", "at first", "meaning"), rows)


def _first_sentence(documented: type) -> str:
    return inspect.cleandoc(documented.__doc__ or "").split("\n")[0]


def _column(one: Column) -> Sequence[str]:
    kind = KINDS[np.dtype(one.dtype).kind] + "".join(f" x {size}" for size in one.width)
    first = ("yes" if one.initial else "no") if kind.startswith("flag") else _number(one.initial)
    return kind, one.unit, first, one.meaning


def _margin(outcome: Outcome) -> str:
    """Return the smallest difference that matters, or the share of what it is."""
    number = _number(outcome.matters)
    return f"{number} % of {outcome.relative_to}" if outcome.relative_to else number


def outcomes() -> str:
    """Return the table of outcomes."""
    header = ("outcome", "unit", "better", "matters", "over the horizon", "definition")
    rows = [
        (
            _code(one.name) + (" (headline)" if one.headline else ""),
            one.unit, one.better, _margin(one), _rule(one.rule), one.definition,
        )
        for one in OUTCOMES.values()
    ]  # fmt: skip
    return table(header, rows)


def _rule(rule: Rule) -> str:
    match rule:
        case Sum():
            return f"sum of `{rule.measure}`"
        case NetPresentValue():
            return f"sum of `{rule.measure}` x `discount`"
        case Last():
            over = f" over `{rule.per_cent_of}`, x 100" if rule.per_cent_of else ""
            return f"`{rule.measure}` of the last quarter{over}"
        case Ratio():
            scale = f", x {rule.scale:g}" if rule.scale != 1 else ""
            weighted = ", both x `discount`" if rule.discounted else ""
            return f"sum of `{rule.numerator}` over sum of `{rule.denominator}`{scale}{weighted}"
        case Gap():
            return f"({_rule(rule.first)}) less ({_rule(rule.second)})"


def measures() -> str:
    """Return the table of quarterly measures."""
    rows = [(_code(name), *about.split("; ", 1)) for name, about in MEASURES.items()]
    return table(("measure", "unit", "meaning"), rows)


def events() -> str:
    """Return a table of columns for each event table."""
    return "\n".join(map(_event_table, COLUMNS))


def _event_table(name: str) -> str:
    rows = [(_code(column), about) for column, about in COLUMNS[name].items()]
    return f"Table `{name}`:\n\n" + table(("column", "unit and meaning"), rows)


def purposes() -> str:
    """Return the table of purposes for which money is moved."""
    rows = [
        (_code(one.name.lower()), PURPOSES[one], "yes" if one in COUNCIL_COSTS else "no")
        for one in Purpose
    ]
    accounts = ", ".join(_code(one.name.lower()) for one in Account)
    head = f"Accounts of institutions: {accounts}. Each council and each supplier has its own.\n\n"
    return head + table(("purpose", "meaning", "cost to a council"), rows)


# --- worked numbers ------------------------------------------------------------------------------


def examples() -> str:
    """Return what rules give for some arguments, so that another implementation can be checked."""
    rows = [_example(name, given) for name, given in EXAMPLES]
    return table(("rule", "for", "gives"), rows)


def _example(name: str, given: Mapping[str, Any]) -> Sequence[str]:
    rule = resolve(name)
    takes = inspect.signature(rule).parameters
    result = rule(**{one: _argument(value, takes[one].annotation) for one, value in given.items()})
    shown = ", ".join(f"{one.replace('_', ' ')} {_given(value)}" for one, value in given.items())
    return _code(name), shown, _result(result)


def _argument(value: Any, annotation: Any) -> Any:
    plain = annotation in (float, int) or isinstance(value, Assumptions)
    return value if plain else np.array([value])


def _given(value: Any) -> str:
    if isinstance(value, Assumptions):
        return "central"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"({', '.join(map(_number, value))})" if isinstance(value, tuple) else _number(value)


def _result(value: Any) -> str:
    entries = np.ravel(np.asarray(value)).tolist()
    return ", ".join(
        ("yes" if one else "no") if isinstance(one, bool) else _number(one) for one in entries
    )


def keys() -> str:
    """Return some keys and draws, so that another implementation of the draws can be checked."""
    rows = [
        ('name_key("need")', str(name_key("need"))),
        ("combine(1, 2)", str(combine(1, 2)[0])),
        ('Draws(7).uniform("need", 1, 2)', repr(float(Draws(7).uniform("need", 1, 2)[0]))),
        ('Draws(7).normal("need", 1, 2)', f"{float(Draws(7).normal('need', 1, 2)[0]):.12f}"),
    ]
    return table(("of", "is"), rows)


GENERATORS: Mapping[str, Callable[[], str]] = {
    "levers": levers,
    "readers": readers,
    "assumptions": assumptions,
    "segments": segments,
    "procedures": procedures,
    "governance": governance,
    "circumstances": circumstances,
    "constants": constants,
    "columns": columns,
    "outcomes": outcomes,
    "measures": measures,
    "events": events,
    "purposes": purposes,
    "examples": examples,
    "keys": keys,
}


def refreshed(text: str) -> str:
    """Return ``text`` with every generated block made anew.

    Raises:
        KeyError: a block that nothing generates.
    """
    return BLOCK.sub(lambda found: f"{found[1]}\n{GENERATORS[found[2]]()}\n{found[4]}", text)


def rewrite(path: Path) -> bool:
    """Refresh the file at ``path`` whole or not at all; return whether it changed."""
    before = path.read_text(encoding="utf-8")
    after = refreshed(before)
    if after != before:
        beside = path.with_suffix(".new")
        beside.write_text(after, encoding="utf-8")
        os.replace(beside, path)
    return after != before


if __name__ == "__main__":
    rewrite(DOCUMENT)
