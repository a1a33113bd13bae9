"""Commands of the command line that show what was found: reports, decks, pictures, the explorer.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import click

from experiments.options import FILE, Told, Whole, posing

FIRST_EXPLORED = "shared-risk"
"""Policy that the explorer starts with where none is named."""


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


COMMANDS = (report, explore)
