"""Build the gallery: the project's published outcomes, as pictures and small tables.

Run it as ``uv run python docs/gallery.py`` after results have changed; it needs a browser as
pictures do. It takes the run directories of its questions from ``--runs``, makes those that are
missing or incomplete, and writes ``results/gallery``. Run directories are known by their question
alone: when the model has changed, delete those that were made before.
"""

import dataclasses
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd

from experiments.answering import executor_of
from experiments.catalogue import compared_policies
from experiments.compare import compare
from experiments.executors import default_workers
from experiments.question import Question, read_question, territory
from experiments.terminal import progress
from results import exporting, narrative
from results.page import Figure
from results.report import CAVEAT
from results.statistics import outcome_of
from results.store import RunDirectory, open_run, write_text
from results.words import amount, amounts
from simulation.errors import InputError

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "results" / "gallery"
RUNS = ROOT / "runs" / "gallery"
PAGE = "README.md"
TABLES = ("summary", "levers")


class Exhibit(NamedTuple):
    """A question whose outcomes are published: its name, its title, and the charts drawn."""

    name: str
    title: str
    charts: Sequence[str]

    @property
    def file(self) -> Path | None:
        """The question's file; None where it is what `tenderlab compare` asks by itself."""
        path = GALLERY / f"{self.name}.yaml"
        return path if path.exists() else None

    @property
    def command(self) -> str:
        """What asks the question again."""
        asked = self.file
        return "uv run tenderlab compare" + (f" {asked.relative_to(ROOT)}" if asked else "")

    @property
    def question(self) -> Question:
        """What is asked."""
        return read_question(self.file) if self.file else Question(compared_policies())


EXHIBITS = (
    Exhibit(
        "default-comparison",
        "Five policies against the status quo",
        ("differences", "spread-net-public-saving", "trajectories", "competition", "sharing",
         "savings-by-type", "fund"),
    ),
    Exhibit("aggregation-threshold", "How far to aggregate", ("response", "sharing")),
    Exhibit("risk-transfer", "How much risk to transfer", ("response",)),
    Exhibit("pump-priming-fund", "How large a fund", ("response", "fund")),
)  # fmt: skip


# The runs


def runs_of(question: Question, folder: Path, workers: int) -> RunDirectory:
    """Return the run directory of ``question`` in ``folder``, made where it is not there whole."""
    place = folder / question.identity
    if not _whole(place):
        with progress(sys.stderr, len(question.policies) * question.twins) as tell:
            done = compare(question, place, executor_of(workers), progress=tell)
        if done.status != "complete" or done.failed:
            raise InputError(f"{place}: interrupted, or runs failed; nothing is published")
    return open_run(place)


def _whole(place: Path) -> bool:
    if not place.is_dir():
        return False
    manifest = open_run(place).manifest
    return manifest.status == "complete" and not manifest.failed


# The page


class Hung(NamedTuple):
    """An exhibit whose runs are made and whose pictures are drawn."""

    exhibit: Exhibit
    shown: exporting.Shown
    drawn: Mapping[str, tuple[exporting.Chart, Figure]]


def page(gallery: Sequence[Hung]) -> str:
    """Return the gallery's page, in Markdown."""
    version = gallery[0].shown.run.manifest.tenderlab
    head = (
        "# Gallery\n\n"
        f"> {CAVEAT}\n\n"
        "What the bundled policies do, and what the three headline levers do as they are moved: "
        "aggregation threshold, risk transfer, pump-priming fund. Every picture and table here is "
        f"simulated, by tenderlab {version}. `uv run python docs/gallery.py` makes them all again. "
        "In the tables: the mean of the status quo, then differences from it (those of percentages "
        "in points) with their 95% intervals and verdicts. The verdicts hold together for one "
        "table; an interval stands for itself."
    )
    return "\n\n".join([head, *map(_section, gallery)]) + "\n"


def _section(hung: Hung) -> str:
    exhibit, run, summary = hung.exhibit, hung.shown.run, hung.shown.report.summary
    made = (
        f"`{exhibit.command}`, question {run.manifest.question_id}: "
        f"{len(run.replications)} paired replications over {narrative.years(run)}, seed "
        f"{run.manifest.question.seed}. Every outcome: "
        f"[summary.csv]({exhibit.name}/summary.csv). What the policies are: "
        f"[levers.csv]({exhibit.name}/levers.csv)."
    )
    table = "\n".join(_table(run, summary))
    parts = [f"## {exhibit.title}", narrative.lead(run, summary), made, table]
    return "\n\n".join([*parts, *_pictures(hung)])


def _pictures(hung: Hung) -> Iterator[str]:
    for name, (chart, figure) in hung.drawn.items():
        yield f"![{chart.title}]({hung.exhibit.name}/{name}.png)"
        yield figure.words


def _table(run: RunDirectory, summary: pd.DataFrame) -> Iterator[str]:
    """Yield the lines of the table of the outcomes shown first."""
    others = list(run.policies)[1:]
    labels = [run.policies[name].label for name in (run.baseline, *others)]
    yield f"| outcome | {' | '.join(labels)} |"
    yield f"|---|{'---|' * len(labels)}"
    for name in run.shown:
        rows = narrative.rows_of(summary, name)
        outcome = outcome_of(rows[run.baseline])
        cells = [amount(rows[run.baseline]["policy_mean"], outcome)]
        cells += [_cell(rows[policy]) for policy in others]
        yield f"| {outcome.title}, {outcome.unit} | {' | '.join(cells)} |"


def _cell(row: narrative.Row) -> str:
    outcome = outcome_of(row)
    ends = amounts(row["low"], row["high"], outcome, signed=True)
    interval = "" if math.isnan(row["low"]) else f" ({' to '.join(ends)})"
    verdict = f", {row['verdict']}" if row["verdict"] else ""
    return f"{amount(row['difference'], outcome, signed=True)}{interval}{verdict}"


# The whole


def hang(exhibit: Exhibit, question: Question, runs: Path, out: Path, workers: int) -> Hung:
    """Make the runs of an exhibit where they are missing, and write its tables and pictures."""
    run, folder = runs_of(question, runs, workers), out / exhibit.name
    shown = exporting.Shown(run)
    drawn = exporting.drawn(shown, exhibit.charts)
    exporting.export(run.path, "csv", TABLES, folder)
    exporting.write_pictures(shown, drawn, folder)
    return Hung(exhibit, shown, drawn)


@click.command()
@click.option("--replicates", type=click.IntRange(1), help="Replications, fewer for a trial.")
@click.option("--years", type=click.IntRange(1, 50), help="Horizon, shorter for a trial.")
@click.option("--register", type=click.Path(path_type=Path), help="Councils, fewer for a trial.")
@click.option("--workers", type=click.IntRange(1, 256), default=default_workers, help="Processes.")
@click.option("--runs", type=click.Path(path_type=Path), default=RUNS, help="Run directories.")
@click.option("--out", type=click.Path(path_type=Path), default=GALLERY, help="Where to.")
def main(
    replicates: int | None,
    years: int | None,
    register: Path | None,
    workers: int,
    runs: Path,
    out: Path,
) -> None:
    """Make the runs that are missing, and write the pictures, the tables and the page."""
    changes = {"replicates": replicates, "years": years}
    changed = {name: value for name, value in changes.items() if value is not None}
    if register:
        changed["territory"] = territory(register)
    questions = [dataclasses.replace(exhibit.question, **changed) for exhibit in EXHIBITS]
    gallery = [
        hang(exhibit, question, runs, out, workers)
        for exhibit, question in zip(EXHIBITS, questions, strict=True)
    ]
    write_text(out / PAGE, page(gallery))
    click.echo(out / PAGE)


if __name__ == "__main__":
    main()
