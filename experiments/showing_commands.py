"""Commands of the command line that show what was found: reports, decks, pictures, the explorer.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from experiments.answering import executor_of, free_file
from experiments.options import FILE, OneOf, Told, Whole, posing

FIRST_EXPLORED = "shared-risk"
"""Policy that the explorer starts with where none is named."""


@click.command(cls=Told)
@click.argument("directory", type=FILE)
@click.option("--why", is_flag=True, help="Explain one history of each policy: two more runs each.")
@click.option("--workers", type=Whole(1, 256), help="Processes for --why.  [one a processor]")
def report(directory: Path, why: bool, workers: int | None) -> None:
    r"""Draw the report of a run directory again.

    With --why, the first complete replication of every policy is run again beside the baseline's,
    decision by decision; the report then tells where the two part, and the pounds by cause.

    \b
    Examples:
      tenderlab report runs/4f0c9e1a2b3d
      tenderlab report runs/4f0c9e1a2b3d --why
    """
    if why:
        executor = executor_of(workers)
        from experiments.explanations import explain_run

        explain_run(directory, executor)
    from results.report import write_report

    click.echo(write_report(directory))


@click.command(cls=Told)
@click.argument("policies", nargs=-1, metavar="[POLICY|FILE]...")
@click.option("--baseline", help="Policy to compare with.  [status-quo]")
@click.option("--replicates", type=Whole(1, 100), help="Replications of each policy.  [30]")
@posing
@click.option("--workers", type=Whole(1, 256), help="Processes.  [one a processor]")
@click.option("--port", type=Whole(0, 65535), default=8050, show_default=True, help="0: any.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def explore(
    policies: tuple[str, ...],
    baseline: str | None,
    levers: tuple[str, ...],
    workers: int | None,
    port: int,
    host: str,
    no_browser: bool,
    **changes: Any,
) -> int:
    r"""Move levers on a page in the browser, and watch the market answer.

    Serves the page on this machine alone, until Ctrl-C. Starts with the policies that are named, or
    with a question file; at most four beside the baseline. Everything on the page comes from this
    machine: it works with the network off.

    \b
    Examples:
      tenderlab explore
      tenderlab explore shared-risk forced-aggregation
      tenderlab explore question.yaml --port 8060
    """
    from experiments import explore as exploring
    from experiments.asking import Changes, comparison_of
    from experiments.executors import default_workers

    named = policies or (() if levers else (FIRST_EXPLORED,))
    question = comparison_of(named, baseline, levers, Changes(**changes))
    if host not in exploring.LOCAL:
        click.echo(
            f"tenderlab: warning: --host {host} lets others on the network ask questions and use "
            "this machine; there is no password",
            err=True,
        )

    def ready(address: str) -> None:
        click.echo(f"Explorer at {address}  (Ctrl-C ends it)")
        if not no_browser:
            webbrowser.open(address)

    exploring.explore(question, host, port, workers or default_workers(), ready)
    return 0


@click.command(cls=Told)
@click.argument("directory", type=FILE)
@click.option(
    "--format",
    "form",
    type=OneOf(["png", "svg", "pdf", "html", "csv"]),
    default="png",
    show_default=True,
    help="Pictures, pages that stand alone, or the tables behind them.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Write this only; may be repeated.")
@click.option("--out", type=FILE, help="Folder.  [DIRECTORY/export]")
@click.option(
    "--list", "listing", is_flag=True, help="List what can be written, and write nothing."
)
def export(
    directory: Path, form: str, only: tuple[str, ...], out: Path | None, listing: bool
) -> None:
    r"""Write every chart of a run directory as a picture or page, or its tables as CSV.

    Pictures are drawn by a Chromium or Chrome that is on the machine; pages and tables need none.

    \b
    Examples:
      tenderlab export runs/4f0c9e1a2b3d
      tenderlab export runs/4f0c9e1a2b3d --format svg --only differences --only sharing
      tenderlab export runs/4f0c9e1a2b3d --format csv --out tables
      tenderlab export runs/4f0c9e1a2b3d --list
    """
    from results import exporting

    if listing:
        known, lacking = exporting.listed(directory, form)
        for name, words in known.items():
            click.echo(f"{name:36} {words}")
        _say_left_out(lacking)
        return
    done = exporting.export(directory, form, only, out)
    for path in done.files:
        click.echo(path)
    _say_left_out(done.lacking)


def _say_left_out(lacking: Mapping[str, str]) -> None:
    for name, why in lacking.items():
        click.echo(f"{name}: left out, {why[0].lower()}{why[1:]}", err=True)


@click.command(cls=Told)
@click.argument("directory", type=FILE)
@click.option(
    "--out",
    type=FILE,
    default=None,
    metavar="FILE.pptx",
    help="Where to write it; deck.pptx in the run directory otherwise.",
)
def deck(directory: Path, out: Path | None) -> None:
    r"""Make a PowerPoint deck of a run directory, with charts that can be edited.

    One message a slide, figures and intervals in the notes. It opens in PowerPoint and in
    LibreOffice.

    \b
    Examples:
      tenderlab deck runs/4f0c9e1a2b3d
      tenderlab deck runs/4f0c9e1a2b3d --out meeting.pptx
    """
    from results.deck import write_deck
    from results.store import DECK, open_run

    if out is not None:
        free_file(out, ".pptx")
    run = open_run(directory)
    click.echo(write_deck(run, out or run.path / DECK))


COMMANDS = (report, deck, export, explore)
