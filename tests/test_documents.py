"""The documents say what the code says: tables, links, files, names, phases and draws."""

import ast
import inspect
import re
import runpy
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from agents.governance import Governance
from experiments.circumstances import circumstances_names
from simulation.assumptions import Assumptions
from simulation.events import COLUMNS
from simulation.ledger import ACCOUNT_CLASSES, PURPOSES
from simulation.levers import Levers, live_levers
from simulation.measures import MEASURES
from simulation.model import MarketModel
from simulation.outcomes import OUTCOMES
from simulation.parameters import parameters
from simulation.segments import RISKS, SEGMENT_NAMES, Procedure, Segment

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ODD = (DOCS / "ODD.md").read_text(encoding="utf-8")
PAGES = sorted(DOCS.rglob("*.md"))
TABLES = runpy.run_path(str(DOCS / "tables.py"))

PACKAGES = ("agents", "simulation", "results", "experiments")
FOLDERS = (*PACKAGES, "docs", "tests", "benchmarks")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
TICKED = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"(?<![\w./-])[\w./-]*[\w-]\.(?:py|md|toml|csv|yaml)(?![\w/])")


def prose(text: str) -> str:
    """Return ``text`` without what stands between fences."""
    return FENCE.sub("", text)


def anchors(text: str) -> list[str]:
    """Return the anchors that a page's headings make."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(text)))
    return [word.replace(" ", "-") for word in words]


def section(title: str) -> str:
    """Return what the description holds under the heading ``title``, down to the next heading."""
    return re.split(rf"^#+ {re.escape(title)}$", ODD, flags=re.MULTILINE)[1].split("\n#")[0]


# Tables


def test_generated_tables_are_up_to_date() -> None:
    stale = [
        name
        for _, name, held, _ in TABLES["BLOCK"].findall(ODD)
        if held.strip("\n") != TABLES["GENERATORS"][name]().strip("\n")
    ]
    assert not stale, "run `uv run python docs/tables.py`"
    assert TABLES["refreshed"](ODD) == ODD


def test_every_table_stands_in_the_description_once() -> None:
    names = [name for _, name, _, _ in TABLES["BLOCK"].findall(ODD)]
    assert sorted(names) == sorted(TABLES["GENERATORS"])
    assert ODD.count("<!-- generated:") == ODD.count("<!-- end -->") == len(names)


def test_a_stale_table_is_made_anew(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(ODD.replace("| `risk_transfer` |", "| `risk_transfers` |", 1), encoding="utf-8")
    assert page.read_text(encoding="utf-8") != ODD
    assert TABLES["rewrite"](page)
    assert page.read_text(encoding="utf-8") == ODD
    assert not TABLES["rewrite"](page)


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("levers", parameters(Levers)),
        ("assumptions", parameters(Assumptions)),
        ("outcomes", OUTCOMES),
        ("measures", MEASURES),
        ("events", [column for columns in COLUMNS.values() for column in columns]),
        ("columns", [column for kind in TABLES["STATE"] for column in kind.columns]),
        ("purposes", PURPOSES),
        ("procedures", [field.name for field in fields(Procedure)][1:]),
        ("governance", [field.name for field in fields(Governance)][2:]),
        ("circumstances", circumstances_names()),
    ],
)
def test_a_table_leaves_nothing_out(table: str, names: list[str]) -> None:
    rows = re.findall(r"^\| `([\w-]+)`", TABLES["GENERATORS"][table](), re.MULTILINE)
    assert rows == list(names)


# Links and files


def links(page: Path) -> list[str]:
    return [
        link for link in LINK.findall(prose(page.read_text(encoding="utf-8"))) if "://" not in link
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_the_index_names_every_page() -> None:
    listed = {(DOCS / link).resolve() for link in links(DOCS / "README.md")}
    assert {page.resolve() for page in PAGES} - {(DOCS / "README.md").resolve()} <= listed


def test_no_two_headings_share_an_anchor() -> None:
    assert len(set(anchors(ODD))) == len(anchors(ODD))


def named_files(text: str) -> Iterator[str]:
    """Yield the files that a page names with a folder of the project, or as a module or a page."""
    for name in FILE.findall(text):
        if name.split("/")[0] in FOLDERS or name.endswith((".py", ".md")):
            yield name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    bases = (ROOT, page.parent)
    missing = [
        name
        for name in named_files(page.read_text(encoding="utf-8"))
        if not any((base / name).exists() for base in bases)
    ]
    assert not missing


def test_a_missing_file_is_recognised() -> None:
    assert list(named_files("see `docs/gone.md`, gone.py, runs/1/summary.csv")) == [
        "docs/gone.md",
        "gone.py",
    ]


# Names


def vocabulary() -> set[str]:
    """Return every name that the description may use for a part of the model."""
    known = {*parameters(Levers), *parameters(Assumptions), *OUTCOMES, *MEASURES, *PURPOSES}
    known |= {*COLUMNS, *(column for columns in COLUMNS.values() for column in columns)}
    known |= {column for kind in TABLES["STATE"] for column in kind.columns}
    known |= {*SEGMENT_NAMES, *(field.name for field in fields(Segment)), *ACCOUNT_CLASSES}
    known |= {field.name for field in (*fields(Procedure), *fields(Governance))}
    return known | {*circumstances_names()}


def exists(name: str) -> bool:
    """Say whether a dotted name is a module of the project or something in one."""
    try:
        TABLES["resolve"](name)
    except (AttributeError, ModuleNotFoundError):
        return False
    return True


def unknown(text: str) -> list[str]:
    """Return what stands in backticks and is no name of the project."""
    names = vocabulary() | {"ln", "N", "U", "clip(x, a, b)"}
    return [
        ticked
        for ticked in TICKED.findall(prose(text))
        if ticked not in names and not (ticked.split(".")[0] in PACKAGES and exists(ticked))
    ]


def test_every_name_in_backticks_exists() -> None:
    assert not unknown(ODD)


def test_every_name_in_a_formula_exists() -> None:
    formulas = "\n".join(FENCE.findall(ODD))
    names = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", formulas))
    assert names
    assert names <= vocabulary()


@pytest.mark.parametrize(
    "name", ["risk_transfers", "agents.council.pressures", "simulation.gone", "agents"]
)
def test_an_unknown_name_is_recognised(name: str) -> None:
    assert unknown(f"see `{name}`") == ([] if name == "agents" else [name])


# The order of a quarter, the luck, and who reads a lever


def phases() -> list[str]:
    """Return the phases as `MarketModel.step` calls them: module and function."""
    body = ast.parse(textwrap.dedent(inspect.getsource(MarketModel.step)))
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call) and node.args]
    return [
        f"simulation.{call.func.value.id}.{call.func.attr}"
        for call in sorted(calls, key=lambda call: call.lineno)
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    ]


def test_the_phases_are_those_of_a_step() -> None:
    told = re.findall(
        r"^(?:\d\.|-) \*\*[\w ]+\*\*, `([\w.]+)`",
        section("Process overview and scheduling"),
        re.MULTILINE,
    )
    assert told == phases()
    assert len(told) == 10


def purposes_of(node: ast.AST) -> Iterator[str]:
    """Yield the purpose of a draw, where ``node`` is one."""
    match node:
        case ast.Call(
            func=ast.Attribute(attr="uniform" | "normal" | "happens" | "root"),
            args=[ast.Constant(value=str(purpose)), *_],
        ):
            yield purpose
        case ast.Call(
            func=ast.Name(id="draw_normal"), args=[_, ast.Constant(value=str(purpose)), *_]
        ):
            yield purpose
        case ast.Call(func=ast.Name(id="_luck"), args=[_, ast.Constant(value=str(purpose)), *_]):
            yield from map(purpose.format, RISKS)


def purposes_drawn() -> set[str]:
    modules = [ast.parse(path.read_bytes()) for path in (ROOT / "simulation").glob("*.py")]
    nodes = (node for module in modules for node in ast.walk(module))
    return {purpose for node in nodes for purpose in purposes_of(node)}


def test_every_draw_is_described() -> None:
    rows = re.findall(r"^\| ([a-z, ]+) \|", section("Stochasticity"), re.MULTILINE)
    told = {purpose for row in rows for purpose in row.split(", ")}
    assert told - {"purposes"} - {"of"} == purposes_drawn()


def test_every_built_lever_is_read_and_no_outcome_reads_one() -> None:
    readers = TABLES["reading_functions"]()
    assert set(readers) == set(live_levers())
    modules = {name.split(".")[1] for names in readers.values() for name in names}
    assert not modules & {"measuring", "outcomes", "horizon", "ledger"}
