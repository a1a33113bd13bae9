"""What decides the bits of a run besides its question: the machine, Python, packages, tenderlab."""

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DECIDING = (
    *("mesa", "networkx", "numba", "llvmlite", "numpy", "pandas", "pyarrow", "pydantic", "scipy"),
)
"""Packages that decide the bits of a run, or of the file that holds it."""
OWN = ("agents", "simulation", "results", "experiments")
KINDS = {".py", ".csv", ".yaml", ".json"}
"""Files of the four packages that can change a run."""


def surroundings(packages: Iterable[str]) -> dict[str, Any]:
    """Return Python, the system and ``packages``, without naming the machine."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": versions(packages),
    }


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each distribution, by its name."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def installed_files() -> str:
    """Return twelve hexadecimal digits that name the content of tenderlab's installed files."""
    digest = hashlib.sha256()
    for package in OWN:
        spec = find_spec(package)
        for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
            for path in sorted(folder.rglob("*")):
                if path.suffix in KINDS:
                    name = f"{package}/{path.relative_to(folder).as_posix()}"
                    digest.update(hashlib.sha256(name.encode()).digest())
                    digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
