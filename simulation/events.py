"""Event tables: what happened, one row an event, with documented columns."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from agents.columns import NONE, BoolArray, IntArray
from agents.council import SHARING_STAGES, sharing_stage
from agents.governance import NAMES as GOVERNANCE_NAMES
from agents.partnership import CAUSES, ENDED_HOW, STAGE_NAMES
from simulation.contracts import ENDED_NAMES, sum_by
from simulation.finance import buying_cost
from simulation.ledger import PENCE, PURPOSES, Account
from simulation.networks import NEVER
from simulation.register import CONTROLS, COUNCIL_TYPES
from simulation.requirements import Requirements
from simulation.segments import PROCEDURE_NAMES, RISKS, SEGMENT_NAMES
from simulation.tendering import REASONS, Result

if TYPE_CHECKING:
    from simulation.model import MarketModel

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "tenders": {
        "quarter": "quarter, from 1",
        "segment": "segment",
        "councils": "count; councils that tender together",
        "lead": "lead council",
        "lead_type": "type of the lead council",
        "annual_value": "£m a year; in-house cost of the services",
        "estimate": "£m; in-house cost over the contract's life",
        "length": "quarters of the contract",
        "procedure": "procedure",
        "qualified": "count; suppliers that qualified",
        "submitted": "count; bids made, those withdrawn or not shortlisted included",
        "large_submitted": "count; of these by large suppliers",
        "cost_of_bids": "£m; what all bids cost their bidders",
        "cost_of_buying": "£m; what tendering costs those that buy",
        "bids": "count; final bids",
        "large_bids": "count; of these by large suppliers",
        "winner": "supplier, or empty",
        "winner_type": "large or sme, or empty",
        "incumbent": "supplier that held the largest part before, or empty",
        "unchanged": "it re-tenders exactly the services of one outgoing contract",
        "incumbent_won": "the supplier of the largest part before won; empty where there was none",
        "price": "£m a year; NaN where the tender failed",
        "failed": "yes or no",
        "reason": "awarded, or why not",
        "partnership": "row in partnerships, -1 where alone",
    },
    "contracts": {
        "start": "quarter",
        "end": "quarter; first after it, extensions included",
        "segment": "segment",
        "lead": "lead council",
        "value": "£m a year; in-house cost when signed",
        "price": "£m a year",
        "price_ratio": "price over in-house cost, with what disputes added",
        "was_ratio": "what the services cost before over in-house cost",
        "scale": "factor on cost from pooled demand, coordination and a platform",
        "estimate_ratio": "cost as the supplier estimated it over in-house cost",
        "margin_ratio": "mark-up and shading over in-house cost",
        "risk_ratio": "price of risk over in-house cost",
        "finance_ratio": "finance, and set-up or a platform recovered, over in-house cost",
        "investment": "£m; supplier's up-front investment, a platform included",
        "supplier_funded": "£m; set-up cost that the supplier paid",
        "supplier": "supplier",
        "supplier_type": "large or sme",
        "councils": "count",
        "partnership": "row in partnerships, -1 where alone",
        **{f"risk_share_{name}": "share borne by the supplier" for name in RISKS},
        "events": "count; risk events so far",
        "rescues": "count; losses that the supplier made good",
        "disputed": "a dispute over the price broke out",
        "cost_overrun": "£m; losses from risk events",
        "project_cost": "£m",
        "signed_end": "quarter; end as signed",
        "ended": "quarter; 0 while in force",
        "ended_how": "how it ended",
    },
    "partnerships": {
        "formed": "quarter; first talks",
        "stormed": "quarter in which members began to differ; empty if never",
        "normed": "quarter in which they settled their differences; empty if never",
        "performed": "quarter in which the first joint contract began; empty if never",
        "segment": "segment",
        "lead": "council that leads",
        "lead_type": "type of the council that leads",
        "governance": "model of collaboration",
        "members_sought": "count; members when it formed",
        "members": "count; members that committed",
        "joined": "count; members that joined a joint contract later",
        "withdrew": "count; members that left a joint contract",
        "value": "£m a year; in-house cost of what it shares",
        "counties": "count; counties among those that formed it",
        "districts": "count; districts among those that formed it",
        "set_up": "£m; set-up cost that its business case reckons; 0 before there is one",
        "stage": "stage at the end",
        "fund_claim": "£m; claimed from the fund",
        "ended": "quarter; 0 while it stands",
        "ended_how": "why it dissolved",
    },
    "decisions": {
        "quarter": "quarter",
        "partnership": "row in partnerships",
        "council": "council that decides",
        "segment": "segment",
        "stage": "stage of the group in which it decides",
        "stays": "it goes on, or in",
        "vote": "it was taken by vote on the business case",
        "cause": "what spoke most against, where it leaves",
        "gain": "% of annual cost; net saving that its business case showed; 0 where there is none",
    },
    "members": {
        "partnership": "row in partnerships",
        "council": "member",
        "segment": "segment",
        "since": "quarter, first at whose end it belonged; 0 or less before the first",
        "until": "quarter, first at whose end it did not any more; 0 while it lasts",
        "shared": "quarter, first at whose end a joint contract served it; empty if none did",
        "leads": "it brought the group together",
    },
    "councils": {
        "name": "council",
        "type": "type",
        "region": "region",
        "county": "county of a district",
        "latitude": "degrees",
        "longitude": "degrees",
        "population": "persons",
        "control": "political control at the end",
        "counterfactual_m": "£m; in-house cost carried forward, whole horizon",
        "saving_m": "£m; realised saving, whole horizon",
        "counterfactual_npv_m": "£m NPV; in-house cost carried forward, whole horizon",
        "saving_npv_m": "£m NPV; realised saving, whole horizon",
        "fund_npv_m": "£m NPV; of this, received from the fund less repaid",
        "services": "count",
        "joint_services": "count; services in a joint contract at the end",
        "joint_quarters": "quarters with a service in a joint contract",
        "readiness": "%; readiness to share at the end",
        "sharing_stage": "stage of sharing at the end",
    },
    "suppliers": {
        "name": "invented name",
        "type": "large or sme",
        "entered": "quarter; 0 at the start",
        "left": "quarter; 0 while active",
        "failed": "it ran out of capital",
        "capital": "£m at the end",
        "worn": "share; how far capital is below what it holds on to, at the end",
        "turnover": "£m a year in this market at the end",
        "capacity": "£m a year of transition work at the end",
        "load": "£m a year of transition work carried at the end",
        "contracts": "count at the end",
    },
    "ledger": {
        "quarter": "quarter; 0 before the first",
        "from": "account that paid",
        "to": "account that received",
        "purpose": "purpose",
        "amount": "pence",
    },
    "fund": {
        "quarter": "quarter in which the claim was booked",
        "council": "council that claimed",
        "contract": "row in contracts",
        "paid": "£m",
        "repaid": "£m so far",
        "written_off": "£m",
    },
}  # fmt: skip
"""Columns of every event table with unit and meaning."""


class Tables(Mapping[str, pd.DataFrame]):
    """The event tables of a model, each made when it is asked for."""

    def __init__(self, model: "MarketModel") -> None:
        """Read from ``model``."""
        self._model = model
        self._makers: dict[str, Callable[[MarketModel], dict[str, Any]]] = {
            "tenders": _tenders,
            "contracts": _contracts,
            "partnerships": _partnerships,
            "decisions": _decisions,
            "members": _members,
            "councils": _councils,
            "suppliers": _suppliers,
            "ledger": _ledger,
            "fund": _fund,
        }

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return the table ``name`` as it stands now."""
        return pd.DataFrame(self._makers[name](self._model), columns=list(COLUMNS[name]))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def note_tenders(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Keep what the table of tenders needs of this quarter."""
    awarded = result.winning != NONE
    winner = np.full(len(requirements), NONE, dtype=np.int64)
    winner[awarded] = result.bids.supplier[result.winning[awarded]]
    price = np.full(len(requirements), np.nan)
    price[awarded] = result.bids.price[result.winning[awarded]]
    large = model.suppliers.large[result.bids.supplier]
    model.tender_log.append(
        {
            "quarter": np.full(len(requirements), model.quarter),
            "segment": requirements.segment,
            "councils": requirements.councils,
            "lead": model.services.council[requirements.lead],
            "annual_value": requirements.value,
            "estimate": requirements.contract_value,
            "length": requirements.quarters,
            "procedure": requirements.procedure,
            "submitted": result.submitted.count(len(requirements)),
            "cost_of_bids": sum_by(
                result.submitted.tender, result.submitted.cost_of_bid, len(requirements)
            ),
            "cost_of_buying": buying_cost(model, requirements),
            "unchanged": requirements.unchanged,
            "qualified": result.qualified,
            "bids": result.bids.count(len(requirements)),
            "large_bids": np.bincount(result.bids.tender[large], minlength=len(requirements)),
            "large_submitted": np.bincount(
                result.submitted.tender[model.suppliers.large[result.submitted.supplier]],
                minlength=len(requirements),
            ),
            "winner": winner,
            "incumbent": requirements.incumbent,
            "price": price,
            "reason": result.reason,
            "partnership": requirements.partnership,
        }
    )


def _named(codes: IntArray, names: tuple[str, ...] | list[str]) -> "pd.Categorical[str]":
    """Return names by code; NONE becomes missing."""
    categories = list(dict.fromkeys(names))
    place = np.array([categories.index(name) for name in names], dtype=np.int64)
    known = np.where(codes == NONE, NONE, place[codes]) if len(place) else codes
    return pd.Categorical.from_codes(known, pd.Index(categories, dtype=str))


def _kind(model: "MarketModel", supplier: IntArray) -> "pd.Categorical[str]":
    code = np.where(supplier == NONE, NONE, np.where(model.suppliers.large[supplier], 0, 1))
    return pd.Categorical.from_codes(code, pd.Index(["large", "sme"]))


def _tenders(model: "MarketModel") -> dict[str, Any]:
    logged = {
        name: np.concatenate([quarter[name] for quarter in model.tender_log])
        for name in (model.tender_log[0] if model.tender_log else {})
    }
    if not logged:
        return {}
    winner, incumbent = logged["winner"], logged["incumbent"]
    same = pd.array(winner == incumbent, dtype="boolean")
    same[(incumbent == NONE) | (winner == NONE)] = pd.NA
    types = [COUNCIL_TYPES[code] for code in model.councils.type.tolist()]
    return logged | {
        "segment": _named(logged["segment"], SEGMENT_NAMES),
        "lead": _named(logged["lead"], model.register.told_apart),
        "lead_type": _named(logged["lead"], types),
        "procedure": _named(logged["procedure"], PROCEDURE_NAMES),
        "incumbent": _named(incumbent, model.supplier_names),
        "winner": _named(winner, model.supplier_names),
        "winner_type": _kind(model, winner),
        "incumbent_won": same,
        "failed": winner == NONE,
        "reason": _named(logged["reason"], REASONS),
    }


def _contracts(model: "MarketModel") -> dict[str, Any]:
    table = model.contracts
    shares = {f"risk_share_{name}": table.share[:, place] for place, name in enumerate(RISKS)}
    struck = (table.event_quarter > 0) & (table.event_quarter <= model.quarter)
    seen = struck & ((table.ended == 0)[:, None] | (table.event_quarter <= table.ended[:, None]))
    return shares | {
        "start": table.start,
        "end": table.end,
        "segment": _named(table.segment, SEGMENT_NAMES),
        "lead": _named(model.services.council[table.lead], model.register.told_apart),
        "value": table.value,
        "price": table.price,
        "price_ratio": table.price_ratio,
        "was_ratio": table.was_ratio,
        "scale": table.scale,
        "estimate_ratio": table.estimate_ratio,
        "margin_ratio": table.margin_ratio,
        "risk_ratio": table.risk_ratio,
        "finance_ratio": table.finance_ratio,
        "investment": table.investment + table.platform,
        "supplier_funded": table.funded,
        "supplier": _named(table.supplier, model.supplier_names),
        "supplier_type": _kind(model, table.supplier),
        "councils": table.councils,
        "partnership": table.partnership,
        "events": seen.sum(axis=1),
        "rescues": table.rescues,
        "disputed": table.disputed,
        "cost_overrun": table.overrun,
        "project_cost": table.project_cost,
        "signed_end": table.signed_end,
        "ended": table.ended,
        "ended_how": _named(table.ended_how, ENDED_NAMES),
    }


def _partnerships(model: "MarketModel") -> dict[str, Any]:
    table, claims = model.partnerships, model.claims
    group = model.contracts.partnership[claims.contract]
    claimed = sum_by(group, claims.paid.astype(float), len(table))
    segment = model.services.segment[table.lead]
    return {
        "formed": table.formed,
        "stormed": _when(table.stormed),
        "normed": _when(table.normed),
        "performed": _when(table.performed, table.contract != NONE),
        "segment": _named(segment, SEGMENT_NAMES),
        "lead": _named(model.services.council[table.lead], model.register.told_apart),
        "lead_type": _named(model.councils.type[model.services.council[table.lead]], COUNCIL_TYPES),
        "governance": _named(table.governance, GOVERNANCE_NAMES),
        "members_sought": table.members_sought,
        "members": table.members,
        "joined": table.joined,
        "withdrew": table.withdrew,
        "value": table.value,
        "counties": table.counties,
        "districts": table.districts,
        "set_up": table.set_up,
        "stage": _named(table.stage, STAGE_NAMES),
        "fund_claim": claimed / PENCE,
        "ended": table.ended,
        "ended_how": _named(table.ended_how, ENDED_HOW),
    }


def _when(quarter: IntArray, happened: BoolArray | None = None) -> pd.Series:
    """Return quarters, empty where what they date has not ``happened``."""
    known = quarter != 0 if happened is None else happened
    return pd.Series(quarter, dtype="Int64").where(known)


def _decisions(model: "MarketModel") -> dict[str, Any]:
    table, services = model.ballots, model.services
    return {
        "quarter": table.quarter,
        "partnership": table.partnership,
        "council": _named(services.council[table.service], model.register.told_apart),
        "segment": _named(services.segment[table.service], SEGMENT_NAMES),
        "stage": _named(table.stage, STAGE_NAMES),
        "stays": table.stays,
        "vote": table.vote,
        "cause": _named(table.cause, CAUSES),
        "gain": 100.0 * table.gain,
    }


def _members(model: "MarketModel") -> dict[str, Any]:
    spells, services = model.tie_history.spells, model.services
    return {
        "partnership": spells.partnership,
        "council": _named(services.council[spells.service], model.register.told_apart),
        "segment": _named(services.segment[spells.service], SEGMENT_NAMES),
        "since": spells.since,
        "until": spells.until,
        "shared": _when(spells.shared, spells.shared != NEVER),
        "leads": spells.leads,
    }


def _councils(model: "MarketModel") -> dict[str, Any]:
    councils, services, register = model.councils, model.services, model.register
    size = len(councils)
    held = services.contract != NONE
    joint = model.contracts.councils[services.contract[held]] > 1
    return {
        "name": register.name,
        "type": register.type,
        "region": register.region,
        "county": register.county,
        "latitude": register.latitude,
        "longitude": register.longitude,
        "population": register.population,
        "control": _named(councils.control, CONTROLS),
        "counterfactual_m": councils.counterfactual / PENCE,
        "saving_m": councils.saving / PENCE,
        "counterfactual_npv_m": councils.counterfactual_npv / PENCE,
        "saving_npv_m": councils.saving_npv / PENCE,
        "fund_npv_m": councils.fund_npv / PENCE,
        "services": np.bincount(services.council, minlength=size),
        "joint_services": np.bincount(services.council[held][joint], minlength=size),
        "joint_quarters": councils.joint_quarters,
        "readiness": 100.0 * councils.readiness,
        "sharing_stage": _named(sharing_stage(councils.readiness), SHARING_STAGES),
    }


def _suppliers(model: "MarketModel") -> dict[str, Any]:
    table = model.suppliers
    return {
        "name": list(model.supplier_names),
        "type": _kind(model, np.arange(len(table))),
        "entered": table.entered,
        "left": table.left,
        "failed": table.failed,
        "capital": model.capital(),
        "worn": np.clip(
            1.0 - model.capital() * PENCE / np.maximum(table.capital_target, 1), 0.0, 1.0
        ),
        "turnover": table.turnover,
        "capacity": table.capacity,
        "load": table.load,
        "contracts": table.contracts,
    }


def _ledger(model: "MarketModel") -> dict[str, Any]:
    rows = model.ledger.rows()
    names = [f"{account.name.lower()}" for account in Account]
    names += [f"council: {one}" for one in model.register.identities]
    names += [f"supplier: {one}" for one in model.supplier_names]
    return {
        "quarter": rows["quarter"],
        "from": _named(rows["source"].to_numpy(dtype=np.int64), names),
        "to": _named(rows["target"].to_numpy(dtype=np.int64), names),
        "purpose": _named(rows["purpose"].to_numpy(dtype=np.int64), PURPOSES),
        "amount": rows["amount"],
    }


def _fund(model: "MarketModel") -> dict[str, Any]:
    claims = model.claims
    return {
        "quarter": claims.quarter,
        "council": _named(claims.council, model.register.told_apart),
        "contract": claims.contract,
        "paid": claims.paid / PENCE,
        "repaid": claims.repaid / PENCE,
        "written_off": claims.written_off / PENCE,
    }
