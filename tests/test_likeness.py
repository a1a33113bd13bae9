"""Names that a user may have meant."""

import pytest

from experiments.likeness import meant, suggestion

COUNCILS = (
    "Blackpool", "Brighton and Hove", "Camden", "Durham (county)", "Durham (district)",
    "East Staffordshire", "Lancashire", "Lancaster", "Lichfield", "Newcastle upon Tyne",
    "Newcastle-under-Lyme", "North Kesteven", "South Staffordshire", "Stafford", "Staffordshire",
    "Warrington",
)  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Newcastle", ["Newcastle upon Tyne", "Newcastle-under-Lyme"]),
        ("BRIGHTON", ["Brighton and Hove"]),
        ("upon  tyne", ["Newcastle upon Tyne"]),
        ("Staffs", ["Stafford", "Staffordshire", "East Staffordshire", "South Staffordshire"]),
        ("Lancs", ["Lancashire", "Lancaster"]),
        ("Lichfield (county)", ["Lichfield"]),
        ("East Staffordshire Borough Council", ["East Staffordshire"]),
        ("London Borough of Camden", ["Camden"]),
        ("Lichfeild", ["Lichfield"]),
        ("Blackpol", ["Blackpool"]),
        ("Xyzzy", []),
        ("ca", []),
        ("", []),
    ],
)
def test_parts_of_names_come_before_likeness(typed: str, found: list[str]) -> None:
    assert meant(typed, COUNCILS) == found


def test_several_are_offered_and_many_are_counted() -> None:
    assert suggestion("newcastle", COUNCILS) == (
        " (did you mean 'Newcastle upon Tyne' or 'Newcastle-under-Lyme'?)"
    )
    many = [f"Council {number}" for number in range(9)]
    assert suggestion("council", many).endswith("'Council 5' or 3 more?)")
    assert suggestion("xyzzy", COUNCILS) == ""
