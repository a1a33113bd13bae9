"""Points of one's own: tables from files and from Python, and what is refused."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from experiments.design_file import read_design
from experiments.designs import Design
from experiments.point_tables import read_table
from simulation.errors import InputError
from tests.small_designs import TWO, kept, write

POINTS = "risk_transfer,governance,max_partners\n0.25,chosen,4\n1,lead_client,7\n"


def test_a_table_of_points_is_taken_as_it_is(folder):
    Path("points.csv").write_text(POINTS)
    write(design="{method: table, file: points.csv}", vary="")
    asked = read_design(Path("design.yaml"))
    assert [*asked.points] == [
        {"governance": "chosen", "max_partners": 4, "risk_transfer": 0.25},
        {"governance": "lead_client", "max_partners": 7, "risk_transfer": 1.0},
    ]
    assert asked.places is None
    assert asked.size == 2 * 2 * 30
    assert read_design(kept(asked, folder)) == asked


def test_csv_and_parquet_and_columns_give_the_same_design(folder):
    columns = {"risk_transfer": [0.25, 1.0], "pump_priming_deadline": [4, 8]}
    Path("points.csv").write_text("pump_priming_deadline,risk_transfer\n4,0.25\n8.0,1\n\n")
    parquet.write_table(pa.table(columns), "points.parquet")
    tables = ("points.csv", Path("points.parquet"), columns)
    first, *others = (Design.of(TWO, method="table", table=each, years=2) for each in tables)
    assert [first, first] == others


def test_a_column_numbers_the_points():
    first = Design.of(TWO, method="table", table={"publicity": [0.1, 0.3]}, years=2)
    turned = {"point": [1, 0], "publicity": [0.3, 0.1]}
    assert Design.of(TWO, method="table", table=turned, years=2) == first


def test_a_table_can_say_none_and_which_policies(folder):
    Path("points.csv").write_text("pump_priming_deadline\nnone\n4\n")
    write(design="{method: table, file: points.csv}",
          vary="{pump_priming_deadline: {only: [status-quo]}}")  # fmt: skip
    asked = read_design(Path("design.yaml"))
    deadlines = [run.policy.at(1).pump_priming_deadline for run in asked.runs()[:4]]
    assert deadlines == [None, None, 4, None]
    assert read_design(kept(asked, folder)) == asked


def test_points_that_were_changed_are_refused(folder):
    Path("points.csv").write_text(POINTS)
    path = kept(Design.of(TWO, method="table", table="points.csv", years=2), folder)
    Path("points.csv").write_text(POINTS.replace("0.25", "0.26"))
    with pytest.raises(InputError, match="not the points of this design: sha256 differs"):
        read_design(path)


BAD_TABLES = {
    "": "columns|no column",
    "risk_transfer\n": "no points in the table",
    "point\n0\n": "no column names a lever or an assumption",
    "risk_transfer\n0.5\n\n,\n": "line 4: 2 cells, the header has 1 columns",
    "risk_transfer,publicity\n0.5,0.1\n0.5,\n": "line 3: publicity is missing; every point needs",
    "risk_transfer\nnan\n": "line 2: risk_transfer is missing",
    "risk_transfer\n0.5\n2\n": "line 3: lever risk_transfer = 2: must be a number from 0 to 1",
    "max_partners\n2.5\n": "line 2: lever max_partners = 2.5: must be a whole number from 2 to 40",
    "governance\nchosn\n": "line 2: assumption governance = 'chosn': .*did you mean 'chosen'",
    "risk_transfr\n0.5\n": "unknown lever or assumption 'risk_transfr' .did you mean 'risk_trans",
    "risk_transfer,risk_transfer\n0,1\n": "column 'risk_transfer' stands there twice",
    "lot_value\n1\n": "lever lot_value cannot vary: its mechanism is planned",
    "point,publicity\n1,0.1\n2,0.2\n": "column point must number the points from 0 to 1, each",
    "point,publicity\n0,0.1\n0,0.2\n": "column point must number the points from 0 to 1, each",
    'publicity\n"0.1\n': "not CSV",
}


@pytest.mark.parametrize("text", BAD_TABLES, ids=lambda text: text[:30].replace("\n", "|"))
def test_a_bad_table_is_refused_in_one_line(folder, text):
    Path("points.csv").write_text(text)
    with pytest.raises(InputError, match=f"^points.csv.*({BAD_TABLES[text]})") as refused:
        read_table(Path("points.csv"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["publicity\nLONG\n", "governance\nLONG\n", "publicityLONG\n1\n"])
def test_a_long_cell_is_not_repeated_at_length(folder, text):
    Path("points.csv").write_text(text.replace("LONG", "x" * 3000))
    with pytest.raises(InputError, match="xxx") as refused:
        read_table(Path("points.csv"))
    assert len(str(refused.value)) < 300


def test_a_table_that_cannot_be_read_is_refused(folder):
    Path("folder.csv").mkdir()
    Path("latin.csv").write_bytes(b"publicity\n\xff\n")
    Path("not.parquet").write_text(POINTS)
    parquet.write_table(pa.table({"publicity": [0.1, None]}), "gap.parquet")
    wanted = {
        "folder.csv": "a folder",
        "missing.csv": "no such file",
        "a\0b.csv": "cannot be read",
        "latin.csv": "not UTF-8 at byte 10",
        "not.parquet": "not a Parquet table",
        "gap.parquet": "row 2: publicity is missing",
    }
    for name, why in wanted.items():
        with pytest.raises(InputError, match=why):
            read_table(Path(name))


def test_columns_of_unlike_length_are_refused():
    with pytest.raises(InputError, match="columns differ in length: publicity 2, risk_transfer 1"):
        Design.of(TWO, method="table", table={"publicity": [0, 1], "risk_transfer": [0]})


def test_a_data_frame_is_a_table_of_points():
    columns = {"publicity": [0.1, 0.3], "max_partners": [2, 9]}
    made = Design.of(TWO, method="table", table=pd.DataFrame(columns), years=2)
    assert made == Design.of(TWO, method="table", table=columns, years=2)


def test_a_parquet_table_says_none_by_saying_nothing(tmp_path):
    path = tmp_path / "points.parquet"
    parquet.write_table(pa.table({"pump_priming_deadline": [4, None]}), path)
    read = Design.of(TWO, method="table", table=path)
    assert [point["pump_priming_deadline"] for point in read.points] == [4, None]


def test_decimals_of_a_parquet_table_are_numbers(tmp_path):
    path = tmp_path / "points.parquet"
    parquet.write_table(pa.table({"publicity": [Decimal("0.25"), Decimal("0.50")]}), path)
    points = Design.of(TWO, method="table", table=path).points
    assert points.columns["publicity"].tolist() == [0.25, 0.5]
    assert points.columns["publicity"].dtype == np.float64


def test_points_cannot_be_numbered_by_lists(tmp_path):
    path = tmp_path / "points.parquet"
    parquet.write_table(pa.table({"publicity": [0.1], "point": [[0]]}), path)
    with pytest.raises(InputError, match="column point must number the points"):
        Design.of(TWO, method="table", table=path)
