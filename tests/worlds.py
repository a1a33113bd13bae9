"""Small worlds for tests: registers, policies and assumptions, drawn by Hypothesis or by hand."""

import numpy as np
from hypothesis import strategies as st

from simulation.assumptions import Assumptions, assumptions_from
from simulation.levers import Policy, live_levers
from simulation.parameters import Parameter, parameters
from simulation.register import CONTROLS, COUNCIL_TYPES, Register, parse_register

HEADER = "name,type,region,county,population,latitude,longitude,control,election_cycle"

REGISTER = """name,type,region,county,population,latitude,longitude
Borsetshire,county,Here,,500000,52.0,-1.0
[bold]Ambridge[/bold],district,Here,Borsetshire,100000,52.1,-1.1
Felpersham,district,Here,Borsetshire,120000,51.9,-1.0
Felpersham,unitary,Here,,190000,51.9,-0.8
Casterbridge,unitary,Here,,180000,51.8,-1.2
"""
"""A small register as a file, with a hostile name and two councils of one name."""

QUICK = "--register councils.csv --years 2"
"""Options of a command by which it is soon done with that register."""


shares = st.floats(0, 1)


def one(value):
    """Return a number as the columns of one row that rules take."""
    return np.array([float(value)])


def register_of(rows):
    """Return a register of rows (name, type, county, population, latitude, longitude, control)."""
    lines = [
        f"{name},{kind},Midlands,{county},{population},{latitude},{longitude},{control},"
        for name, kind, county, population, latitude, longitude, control in rows
    ]
    return parse_register("\n".join([HEADER, *lines]).encode(), "test")


def shire(districts: int = 7) -> Register:
    """Return one county with its districts, and a unitary in the middle."""
    rows = [("Shire", "county", "", 600_000, 52.0, -1.0, "")]
    rows += [("Shire City", "unitary", "", 250_000, 52.0, -1.05, "labour")]
    rows += [
        (
            f"Vale {n}",
            "district",
            "Shire",
            90_000 + 5000 * n,
            51.8 + 0.1 * (n % 3),
            -1.3 + 0.1 * n,
            "",
        )
        for n in range(districts)
    ]
    return register_of(rows)


@st.composite
def registers(draw, most=40):
    """Draw a register of 1 to ``most`` councils anywhere in a part of England."""
    size = draw(st.integers(1, most))
    kinds = draw(st.lists(st.sampled_from(COUNCIL_TYPES), min_size=size, max_size=size))
    place = st.tuples(st.floats(50.5, 55.0), st.floats(-3.5, 1.0), st.integers(2_000, 1_200_000))
    places = draw(st.lists(place, min_size=size, max_size=size))
    control = st.sampled_from(("", *CONTROLS))
    return register_of(
        (
            f"Council {n}",
            kind,
            "",
            population,
            round(latitude, 2),
            round(longitude, 2),
            draw(control),
        )
        for n, (kind, (latitude, longitude, population)) in enumerate(
            zip(kinds, places, strict=True)
        )
    )


def value_of(parameter: Parameter) -> st.SearchStrategy:
    """Return the values that a parameter accepts."""
    if parameter.choices:
        return st.sampled_from(parameter.choices)
    low, high = parameter.low, parameter.high
    return st.integers(int(low), int(high)) if parameter.whole else st.floats(low, high)


def some_of(known: dict[str, Parameter], most: int) -> st.SearchStrategy:
    """Draw values for up to ``most`` of ``known``."""
    names = st.lists(st.sampled_from(sorted(known)), max_size=most, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({n: value_of(known[n]) for n in chosen})
    )


def policies() -> st.SearchStrategy:
    """Draw a policy that sets up to six live levers anywhere within their bounds."""
    return some_of(live_levers(), 6).map(lambda levers: Policy("drawn", **levers))


def assumptions() -> st.SearchStrategy:
    """Draw assumptions of which up to six lie anywhere within their bounds."""
    return some_of(parameters(Assumptions), 6).map(assumptions_from)
