"""Small designs for tests, drawn by Hypothesis or by hand, and files that hold them."""

from pathlib import Path

import yaml
from hypothesis import strategies as st

from experiments.designs import Design
from experiments.question import Territory
from simulation.assumptions import Assumptions
from simulation.levers import live_levers
from simulation.parameters import parameters
from tests.worlds import shire

SHIRE = Territory(shire(), "Shire")
TWO = ("status-quo", "forced-aggregation")
VARY = {
    "risk_transfer": (0, 1),
    "governance": {"values": ["chosen", "lead_client", "consortium"]},
    "demand_scale": None,
    "max_partners": {"low": 2, "high": 7},
}
OPTIONS = {
    "grid": {"levels": 3},
    "latin hypercube": {"points": 12},
    "sobol": {"points": 16},
    "morris": {"trajectories": 3},
    "saltelli": {"base": 4},
}
VARYING = {**live_levers(), **parameters(Assumptions)}


def design(method="latin hypercube", vary=VARY, policies=TWO, **given):
    """Return a small design."""
    options = {"territory": SHIRE, "years": 2, "replicates": 2, **OPTIONS[method], **given}
    return Design.of(policies, vary, method, **options)


@st.composite
def factors(draw, most=5):
    """Draw what varies: some parameters over ranges within their bounds, or over choices."""
    names = draw(st.lists(st.sampled_from(sorted(VARYING)), min_size=1, max_size=most, unique=True))
    return {name: draw(extent(VARYING[name])) for name in names}


def extent(parameter):
    """Return ranges of a number, and lists of two or more of the values of a choice."""
    if parameter.choices:
        choices = st.lists(st.sampled_from(parameter.choices), min_size=2, unique=True)
        return choices.map(lambda values: {"values": values})
    low, high = parameter.low, parameter.high
    numbers = st.integers(int(low), int(high)) if parameter.whole else st.floats(low, high)
    pairs = st.tuples(numbers, numbers).filter(lambda pair: pair[0] != pair[1])
    return st.none() | pairs.map(lambda pair: sorted(pair))


METHOD = st.sampled_from(sorted(OPTIONS))


def kept(asked, folder):
    """Write a design's effective form and its files to ``folder``; return the path of the form."""
    for name, raw in asked.kept.items():
        (folder / name).write_bytes(raw)
    path = folder / "effective.yaml"
    path.write_text(yaml.safe_dump(asked.effective()))
    return path


def write(**said):
    """Write a design file; what is said replaces or adds to a good one."""
    lines = {
        "register": "councils.csv",
        "policies": "[status-quo, forced-aggregation]",
        "design": "latin hypercube",
        "vary": "{risk_transfer: [0, 1]}",
        **said,
    }
    Path("design.yaml").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
