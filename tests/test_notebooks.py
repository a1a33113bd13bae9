"""The notebooks of the documents: what they hold, and that they run from the first cell on."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parent.parent / "docs"
NOTEBOOKS = {
    "policymaker": ("first-answer/report.html", "first-answer.pptx"),
    "researcher": ("sweep/sweep.json", "again/manifest.json"),
}
"""The notebooks, and some of the files that each leaves where it is run."""
SLOWEST = 300


def read(name: str) -> Any:
    return nbformat.read(DOCS / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_without_outputs(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_of_code_is_explained(name: str) -> None:
    kinds = [cell.cell_type for cell in read(name).cells]
    assert kinds[0] == kinds[-1] == "markdown"
    assert ("code", "code") not in set(pairwise(kinds))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_says_first_that_it_is_simulated(name: str) -> None:
    assert "**Everything below is simulated" in read(name).cells[0].source


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_the_first_cell_on(name: str, tmp_path: Path) -> None:
    notebook = read(name)
    here = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=SLOWEST, kernel_name="python3", resources=here).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for path in NOTEBOOKS[name]:
        assert (tmp_path / path).is_file()
