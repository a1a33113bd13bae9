"""Run directories made up for tests: plausible numbers, no model."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from results import charts, frames
from results.store import (
    RunDirectory,
    open_run,
    question_id,
    write_bytes,
    write_json,
    write_parquet,
)
from simulation.assumptions import sample
from simulation.horizon import quarterly
from simulation.measures import MEASURES
from simulation.outcomes import HEADLINE, OUTCOMES
from simulation.randomness import Draws, name_key
from simulation.register import Register, load_register

Effect = Callable[[dict[str, Any]], None]
HOSTILE = "<script>alert(1)</script>%{x} &lt;"
LEVELS = {
    "discount": 0.99,
    "counterfactual": 700.0,
    "public_saving": 20.0,
    "councils_saving": 18.0,
    "claimed_saving": 32.0,
    "tenders": 140.0,
    "contested_tenders": 130.0,
    "single_bid_tenders": 18.0,
    "bids": 420.0,
    "councils": 388.0,
    "shared_councils": 60.0,
    "contract_years": 300.0,
    "collapses": 3.0,
    "award_value": 300.0,
    "sme_award_value": 90.0,
    "concentration": 90.0,
    "value_in_force": 800.0,
}
NEVER = (
    "fund_paid",
    "fund_lent",
    "fund_repaid",
    "fund_written_off",
    "fund_claims",
    "fund_deadweight",
)


def made_up(replication: int, quarters: int) -> dict[str, Any]:
    """Return every measure of one run, each an array over quarters."""
    draws, quarter = Draws(replication), np.arange(quarters)
    growth = 0.5 + quarter / (2 * quarters)
    measures: dict[str, Any] = {}
    for name in MEASURES:
        noise = 1 + 0.1 * draws.normal("noise", name_key(name), quarter)
        common = 1 + 0.1 * draws.normal("run", name_key(name))
        measures[name] = LEVELS.get(name, 10.0) * growth * noise * common * (name not in NEVER)
    return measures | {
        "councils": np.full(quarters, 388.0),
        "discount": 0.99**quarter,
        "collapses": np.round(measures["collapses"]),
    }


def frame(policy: str, sample: int, replication: int, measures: Mapping[str, Any]) -> pd.DataFrame:
    shown = {name: quarterly(one.rule, measures) for name, one in OUTCOMES.items()}
    quarters = np.arange(1, len(measures["discount"]) + 1, dtype=np.int32)
    keys = {
        "policy": policy,
        "sample": np.full_like(quarters, sample),
        "replication": np.full_like(quarters, replication),
        "quarter": quarters,
    }
    return pd.DataFrame({**keys, **shown, **{f"measure_{k}": v for k, v in measures.items()}})


def nothing(measures: dict[str, Any]) -> None:
    """Change nothing: the effect of an inert policy."""


def more(measures: dict[str, Any]) -> None:
    """Save half as much again."""
    measures["public_saving"] = measures["public_saving"] * 1.5


def councils(register: Register, policy: str, sample: int, replication: int) -> pd.DataFrame:
    """Return a councils table in which joint services spread from the north by policy."""
    luck = Draws(replication).uniform("joint", np.arange(len(register)), np.uint64(len(policy) % 3))
    joint = np.floor(4 * luck * (np.asarray(register.latitude) - 49.5) / 5).astype(np.int64)
    return pd.DataFrame(
        {
            "policy": policy,
            "sample": sample,
            "replication": replication,
            "name": register.name,
            "type": register.type,
            "region": register.region,
            "county": register.county,
            "latitude": register.latitude,
            "longitude": register.longitude,
            "population": register.population,
            "control": register.control,
            "counterfactual_m": 10.0,
            "saving_m": luck,
            "counterfactual_npv_m": 8.0,
            "saving_npv_m": 0.8 * luck,
            "fund_npv_m": 0.0,
            "joint_services": joint,
            "services": 12,
            "joint_quarters": 4 * joint,
        }
    )


def question(
    policies: Mapping[str, Effect], register: Register, about: Mapping[str, Any]
) -> dict[str, Any]:
    kept = {
        "file": "register.csv",
        "sha256": hashlib.sha256(register.raw).hexdigest(),
        "councils": len(register),
        "name": "England, 2006-07",
    }
    listed = [{"name": n, "title": "", "description": "", "levers": {}} for n in policies]
    return {
        "register": kept,
        "years": 2,
        "seed": 7,
        "baseline": next(iter(policies)),
        "policies": listed,
        "assumptions": {"mode": "sampled", "set": {}},
        "replicates": 10,
        "twins": 2,
        "outcomes": list(HEADLINE),
    } | dict(about)


def failure(policy: str, replication: int, mode: str, many: int) -> dict[str, Any]:
    drawn = replication % many if mode == "sampled" else 0
    about = {"stage": "step 1", "error": "ZeroDivisionError: division by zero"}
    return {"policy": policy, "sample": drawn, "replication": replication, **about}


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest in ``path`` and give its question the name that it then has."""
    manifest = json.loads((path / "manifest.json").read_text())
    change(manifest)
    manifest["question_id"] = question_id(manifest["question"])
    write_json(path / "manifest.json", manifest)


def store(
    path: Path,
    policies: Mapping[str, Effect],
    /,
    *,
    register: Register | None = None,
    kind: str = "compare",
    skip: Sequence[tuple[str, int]] = (),
    **about: Any,
) -> Path:
    """Write a run directory; ``about`` goes into its question, the runs of ``skip`` failed."""
    register = register or load_register()
    asked = question(policies, register, about)
    quarters, many = 4 * asked["years"], asked["replicates"]
    outcomes, tables = [], []
    for replication in range(many + asked["twins"]):
        drawn = replication % many if asked["assumptions"]["mode"] == "sampled" else 0
        for policy, effect in policies.items():
            if (policy, replication) not in skip:
                measures = made_up(replication, quarters)
                effect(measures)
                outcomes.append(frame(policy, drawn, replication, measures))
                tables.append(councils(register, policy, drawn, replication))
    write_parquet(path / "outcomes.parquet", pd.concat(outcomes, ignore_index=True))
    write_parquet(path / "events" / "councils.parquet", pd.concat(tables, ignore_index=True))
    write_bytes(path / "register.csv", register.raw)
    samples = [vars(one) for one in sample(asked["seed"], many, {})]
    manifest = {
        "tenderlab": "0.1.0",
        "kind": kind,
        "question": asked,
        "question_id": question_id(asked),
        "environment": {"python": "3.12.1", "packages": {"numpy": "2.5.5"}},
        "status": "complete",
        "runs": len(outcomes),
        "failed": [failure(*run, asked["assumptions"]["mode"], many) for run in skip],
        "assumption_samples": samples if asked["assumptions"]["mode"] == "sampled" else [],
    }
    write_json(path / "manifest.json", manifest)
    return path


def hostile_run(folder: Path) -> RunDirectory:
    """Return a run of three policies, one of a hostile name, one inert."""
    policies = {"status-quo": nothing, HOSTILE: more, "inert": nothing}
    return open_run(store(folder, policies, years=6))


def sharing_map(run: RunDirectory) -> Any:
    """Return the map of who shares under every policy of a run."""
    return charts.sharing_map(frames.sharing(run), run.register, run.policies)


SMALL = b"""name,type,region,population,latitude,longitude
Alpha,unitary,North,100000,54.1,-1.2
Beta,unitary,North,120000,54.2,-1.0
Gamma,district,South,90000,51.4,-0.4
Delta,county,South,400000,51.5,-0.5
"""
