"""Commands of the command line that show what was found: reports, decks, pictures, the explorer.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

from __future__ import annotations

from pathlib import Path

import click

from experiments.answering import free_file
from experiments.options import FILE, Told


@click.command(cls=Told)
@click.argument("directory", type=FILE)
def report(directory: Path) -> None:
    r"""Draw the report of a run directory again.

    \b
    Example:
      tenderlab report runs/4f0c9e1a2b3d
    """
    from results.report import write_report

    click.echo(write_report(directory))


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


COMMANDS = (report, deck)
