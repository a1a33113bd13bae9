"""Pages on what stands behind the figures: how sure they are, the levers, how to repeat them."""

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from results import narrative, statistics
from results.appendix import QUESTION_FILE, again
from results.charts import INK
from results.deck.names import clean
from results.deck.notes import outcome_notes
from results.deck.slides import BODY, Page, Words
from results.deck.tables import Cell, Grid, evenly, parted
from results.deck.template import ROOM
from results.side_by_side import levers_table
from results.store import RunDirectory
from results.words import count, counted

SETTLED = (statistics.BETTER, statistics.WORSE, statistics.NEGLIGIBLE, statistics.IDENTICAL)
MOST_ACROSS = 5
MODEL_ONLY = (
    "The model's limits.",
    "All figures hold for the model. What it leaves out or has wrong is in no range or interval.",
)


def method_pages(run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    """Yield how sure the figures are, the levers of the policies, and what it takes to repeat."""
    yield _how_sure(run, summary)
    yield from _luck(run, summary)
    yield from _levers(run)
    yield _reproduction(run)


# How sure


def _how_sure(run: RunDirectory, summary: pd.DataFrame) -> Page:
    lead = narrative.lead_outcome(run).name
    notes = outcome_notes(run, summary, lead)
    missing = _missing(run)
    told = _about_pairs(run) if len(run.policies) > 1 else _about_one(run)
    return Page(
        _sureness(run, summary),
        Words([*missing, *told, _about_assumptions(run), MODEL_ONLY]),
        notes,
    )


def _sureness(run: RunDirectory, summary: pd.DataFrame) -> str:
    many = counted(len(run.replications), "replication")
    if len(run.policies) == 1:
        return f"How sure: {many} of one policy, compared with none"
    if len(run.replications) == 1:
        return "How sure: one replication shows differences, and not how sure they are"
    shown = summary[summary["headline"] & ~summary["verdict"].isin(["", *statistics.SILENT])]
    settled = int(shown["verdict"].isin(SETTLED).sum())
    return f"How sure: {many.replace(' ', ' paired ')} settle {settled} of {len(shown)} verdicts"


def _missing(run: RunDirectory) -> list[tuple[str, str]]:
    """Return what is said where runs are missing."""
    asked = run.question
    wanted = asked.replicates if asked.replication is None else 1
    done = len(run.replications)
    if run.manifest.status == "complete" and done == wanted:
        return []
    return [
        ("Runs are missing.", f"{done:,} of {wanted:,} replications are complete for every policy, "
         "and only these count.")
    ]  # fmt: skip


def _about_pairs(run: RunDirectory) -> list[tuple[str, str]]:
    return [
        ("Pairs.", "In each replication all policies meet the same assumptions and, as far as "
         "their histories allow, the same luck. What is judged is the difference within a pair."),
        ("Better, worse.", "The difference is larger than what matters, and this holds with all "
         "verdicts shown allowed for together (Holm's correction, 5%)."),
        ("Negligible, undecided.", "Negligible is a difference proved smaller than what matters. "
         "Undecided means that the runs do not tell; it is not a proof of no difference."),
    ]  # fmt: skip


def _about_one(run: RunDirectory) -> list[tuple[str, str]]:
    return [("No verdict.", "A verdict needs another policy to compare with, in paired runs.")]


def _about_assumptions(run: RunDirectory) -> tuple[str, str]:
    if len(run.replications) == 1:
        return ("One draw.", "Other luck or other assumptions would give other figures; one "
                "replication does not say how far apart.")  # fmt: skip
    if run.question.assumptions.mode == "fixed":
        return ("Assumptions are fixed.", "All runs stand on one set, so that all their spread is "
                "luck. How far assumptions may be wrong is not in the ranges given.")  # fmt: skip
    return ("Assumptions are sampled.", "Each replication draws its own uncertain assumptions and "
            "its own luck, so that both are in the ranges given.")  # fmt: skip


def _luck(run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    """Yield how much of the spread of the lead outcome is luck, where twins tell."""
    lead = narrative.lead_outcome(run)
    rows = list(narrative.rows_of(summary, lead.name).values())[1:]
    told = [row for row in rows if not math.isnan(row["luck_share"]) and row["narrow_by"]]
    if not told or run.question.assumptions.mode == "fixed":
        return
    shares = [row["luck_share"] for row in told]
    ends = [f"{min(shares):.0%}", f"{max(shares):.0%}"]
    title = (
        f"{lead.title}: {' to '.join(dict.fromkeys(ends))} of the spread of differences is luck, "
        "by a rough measure"
    )
    cells = [_luck_row(run, row) for row in told]
    heads = ["Policy", "Share of luck", "90% interval", "What would narrow the difference"]
    grid = Grid(heads, cells, [220, 120, 150, ROOM - 490], "Luck and assumptions by policy")
    below = (
        "Measured roughly, by twin runs with the same assumptions and other luck. More runs narrow "
        "a mean whatever its spread comes from; better evidence narrows what is assumed."
    )
    for part in parted(grid, BODY[3]):
        yield Page(title, part, outcome_notes(run, summary, lead.name), below)


def _luck_row(run: RunDirectory, row: narrative.Row) -> list[Cell]:
    return [
        Cell(run.policies[row["policy"]].label),
        Cell(f"{row['luck_share']:.0%}", bold=True),
        Cell(f"{row['luck_low']:.0%} to {row['luck_high']:.0%}"),
        Cell(str(row["narrow_by"]).replace("_", " ")),
    ]


# Levers


def _levers(run: RunDirectory) -> Iterator[Page]:
    side = levers_table(run.policies)
    if side.empty:
        return
    many = count(len(side)).capitalize()
    title = f"{many} lever{' sets' if len(side) == 1 else 's set'} the policies apart"
    told = [f"{each.label}: {clean(each.description)}" for each in run.policies.values()]
    meanings = [f"{_lever_name(row)}: {row['meaning']}" for row in side.to_dict("records")]
    below = "Bold: unlike the baseline. Levers not listed stand as in the status quo."
    policies = list(run.policies)
    for others in evenly(policies[1:] or policies, MOST_ACROSS):
        columns = list(dict.fromkeys([run.baseline, *others]))
        for part in parted(_lever_grid(run, side, columns), BODY[3]):
            yield Page(title, part, [*told, *meanings], below)


def _lever_grid(run: RunDirectory, side: pd.DataFrame, columns: Sequence[str]) -> Grid:
    first = 230.0
    widths = [first, *[(ROOM - first) / len(columns)] * len(columns)]
    rows = [
        [Cell(_lever_name(row)), *(_lever_cell(row[name], row[columns[0]]) for name in columns)]
        for row in side.to_dict("records")
    ]
    heads = ["Lever", *(run.policies[name].label for name in columns)]
    return Grid(heads, rows, widths, "Levers side by side")


def _lever_name(row: narrative.Row) -> str:
    name = row["lever"].replace("_", " ")
    return f"{name}, {row['unit']}" if row["unit"] else name


def _lever_cell(value: str, baseline: str) -> Cell:
    return Cell(value, bold=value != baseline, colour=INK)


# How to repeat it


def _reproduction(run: RunDirectory) -> Page:
    manifest, asked = run.manifest, run.question
    rows = {
        "Question": manifest.question_id,
        "To run it again": f"tenderlab {manifest.kind} {again(run)}",
        "Seed": str(asked.seed),
        "Register": f"{clean(asked.register.name)}, {counted(asked.register.councils, 'council')}",
        "Horizon": f"{narrative.years(run)} from April 2006",
        "Replications": f"{len(run.replications):,}, and {counted(len(run.twins), 'twin')}",
        "Assumptions": _assumptions(run),
        "Version": f"tenderlab {manifest.tenderlab}, Python {manifest.environment.python}",
    }
    cells = [[Cell(item), Cell(value)] for item, value in rows.items()]
    grid = Grid(["Item", "Value"], cells, [200.0, ROOM - 200], "How to run it again")
    packages = ", ".join(f"{a} {b}" for a, b in manifest.environment.packages.items())
    notes = [f"Register, SHA-256: {asked.register.sha256}.", f"Packages: {packages}."]
    whence = "its run directory" if run.kept else QUESTION_FILE
    holds = "The run directory holds the question in full and the register's own bytes"
    asked_of = f"The explorer's download {QUESTION_FILE} holds the question in full"
    below = (
        f"{holds if run.kept else asked_of}; under equal versions the same runs come out, to the "
        "bit."
    )
    return Page(
        f"Question {manifest.question_id} can be run again from {whence}",
        grid,
        notes,
        below,
    )


def _assumptions(run: RunDirectory) -> str:
    plan = run.question.assumptions
    held = f"; {count(len(plan.set))} set in the question" if plan.set else ""
    return f"{plan.mode}{held}"
