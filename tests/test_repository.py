"""The rules of the house: what is pinned, what may be used, and how code is written."""

import ast
import re
import shutil
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from importlinter.cli import lint_imports
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
PACKAGES = ("agents", "simulation", "results", "experiments")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def sources() -> dict[str, ast.Module]:
    """Return every module of the four packages, parsed, by its path from the root."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_bytes()) for path in paths}


# What is installed


def pinned() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [Requirement(pin) for pin in project["tool"]["uv"]["constraint-dependencies"]]


def installed() -> dict[str, str]:
    """Return the version of every distribution but the project and what makes an environment."""
    found = {canonicalize_name(each.name): each.version for each in distributions()}
    return {name: found[name] for name in found.keys() - {"tenderlab", "pip", "wheel"}}


def test_what_is_installed_is_what_is_pinned() -> None:
    pins = {
        canonicalize_name(pin.name): str(pin.specifier)
        for pin in pinned()
        if pin.marker is None or pin.marker.evaluate()
    }
    assert {name: f"=={version}" for name, version in installed().items()} == pins


def test_the_lock_file_stays_out_of_the_repository() -> None:
    assert git("check-ignore", "uv.lock") == ["uv.lock"]


# What is written down

HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb.debian", "org"),
        ("security.debian", "org"),
        ("anaconda", "org"),
    )
]
OF_ONE_MACHINE = re.compile(
    rf"{'|'.join(map(re.escape, HOSTS))}|(?<![\w.+/])/(?:work|root|tmp|home|Users)/", re.IGNORECASE
)


def test_no_file_names_a_registry_or_a_machine() -> None:
    kept = git("ls-files", "--cached", "--others", "--exclude-standard")
    paths = [ROOT / name for name in kept if (ROOT / name).is_file()]
    text = {path: path.read_bytes().decode(errors="ignore") for path in paths}
    assert Path(__file__) in text
    assert not {
        f"{path}: {found[0]}" for path in text if (found := OF_ONE_MACHINE.search(text[path]))
    }


@pytest.mark.parametrize("host", HOSTS)
def test_a_registry_is_recognised(host: str) -> None:
    assert OF_ONE_MACHINE.search(f"from https://files.{host}/simple")


@pytest.mark.parametrize("folder", ["work", "root", "tmp", "home", "Users"])
def test_a_machine_is_recognised(folder: str) -> None:
    assert OF_ONE_MACHINE.search(f"runs stand in '/{folder}/runs'")
    assert not OF_ONE_MACHINE.search(f"runs stand in docs/{folder}/runs")


# What may be used


def imported(node: ast.AST) -> list[str]:
    """Return the dotted names that an import statement asks for, none for any other node."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), names=names, level=0):
            return [f"{module}.{alias.name}" for alias in names]
    return []


def imports(node: ast.AST, *modules: str) -> bool:
    return any(
        name == module or name.startswith(f"{module}.")
        for name in imported(node)
        for module in modules
    )


def reads(node: ast.AST, *attributes: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in attributes


def draws(node: ast.AST) -> bool:
    return imports(node, "random", "numpy.random", "secrets", "uuid") or reads(
        node, "random", "rng", "rvs", "shuffle", "shuffle_do"
    )


def runs_batches(node: ast.AST) -> bool:
    return imports(node, "mesa.batch_run", "mesa.batchrunner") or reads(node, "batch_run")


def is_experimental(node: ast.AST) -> bool:
    return imports(node, "mesa.experimental") or reads(node, "experimental")


def numbers_agents(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and reads(node.value, "agents")


def prints(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    )


def shares_state(node: ast.AST) -> bool:
    return isinstance(node, ast.Global)


Banned = Callable[[ast.AST], bool]
EXEMPT: dict[Banned, str] = {draws: "simulation/randomness.py", prints: "experiments/cli.py"}


def offenders(banned: Banned) -> list[str]:
    return [
        f"{path}:{getattr(node, 'lineno', 0)}"
        for path, module in sources().items()
        for node in ast.walk(module)
        if banned(node) and path != EXEMPT.get(banned)
    ]


BANNED: dict[Banned, list[str]] = {
    draws: ["import random", "from numpy.random import PCG64", "np.random.rand()", "x.rvs()"],
    runs_batches: ["from mesa import batch_run", "mesa.batch_run(Model, {})"],
    is_experimental: ["from mesa.experimental import meta_agents", "mesa.experimental"],
    numbers_agents: ["model.agents[0]"],
    prints: ["print('done')"],
    shares_state: ["def f():\n    global total"],
}


@pytest.mark.parametrize("banned", BANNED, ids=lambda banned: banned.__name__)
def test_no_package_does_what_is_banned(banned: Banned) -> None:
    assert not offenders(banned)


@pytest.mark.parametrize(
    ("banned", "code"), [(banned, code) for banned, codes in BANNED.items() for code in codes]
)
def test_what_is_banned_is_recognised(banned: Banned, code: str) -> None:
    assert any(map(banned, ast.walk(ast.parse(code))))


def test_imports_go_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True, no_logo=True) == 0


HEAVY = (
    *("mesa", "numba", "pandas", "scipy", "plotly", "networkx", "pyarrow"),
    *("dask", "distributed", "SALib", "duckdb"),
)
LAUNCH = f"""
import atexit, sys
atexit.register(lambda: sys.stderr.write(" ".join(sys.modules.keys() & {set(HEAVY)})))
from experiments.cli import main
main()
"""


@pytest.mark.parametrize("command", ["--help", "levers", "policies"])
def test_a_listing_loads_no_heavy_library(command: str, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", LAUNCH, command]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


# How it is written


def functions() -> list[Function]:
    return [
        node
        for module in sources().values()
        for node in ast.walk(module)
        if isinstance(node, Function)
    ]


def length(function: Function) -> int:
    """Return how many lines the body takes from first to last, its docstring not counted."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_the_median_function_is_under_ten_lines() -> None:
    assert statistics.median(map(length, functions())) < 10


def test_a_docstring_is_not_part_of_the_length() -> None:
    (function,) = ast.parse(
        'def f():\n    """Doc.\n\n    More.\n    """\n    a = 1\n    return a'
    ).body
    assert isinstance(function, ast.FunctionDef)
    assert length(function) == 2


def public(parent: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """Yield the public functions and classes of a module or class, and those within the latter."""
    for node in parent.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def test_every_public_name_is_documented() -> None:
    modules = sources()
    assert not [path for path, module in modules.items() if not ast.get_docstring(module)]
    assert not [
        f"{path}:{node.lineno} {node.name}"
        for path, module in modules.items()
        for node in public(module)
        if not ast.get_docstring(node)
    ]


# What a missing browser does


@pytest.fixture
def no_chromium(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a suite of one test that asks for a browser, on a machine that has none."""
    shutil.copy(ROOT / "tests" / "conftest.py", pytester.path)
    pytester.makepyfile("def test_page(page): pass")
    monkeypatch.setenv("PATH", str(pytester.path))
    return pytester


def test_without_a_browser_its_tests_are_skipped(
    no_chromium: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TENDERLAB_REQUIRE_BROWSER", raising=False)
    no_chromium.runpytest_inprocess().assert_outcomes(skipped=1)


def test_a_required_browser_that_is_missing_is_a_failure(
    no_chromium: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENDERLAB_REQUIRE_BROWSER", "1")
    no_chromium.runpytest_inprocess().assert_outcomes(errors=1)
