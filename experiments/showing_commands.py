"""Commands of the command line that show what was found: reports, decks, pictures, the explorer.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

from __future__ import annotations

from pathlib import Path

import click

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


COMMANDS = (report,)
