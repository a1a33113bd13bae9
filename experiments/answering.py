"""How a command answers: on standard output, or in one line on standard error."""

from __future__ import annotations

import json
from typing import Any

import click

INTERRUPTED = 130
"""Exit code of a command that the user stopped."""
LONGEST_ERROR = 1000


def tell(text: str, document: object, as_json: bool) -> None:
    """Print ``text``, or ``document`` as JSON."""
    json_text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    click.echo(json_text if as_json else text)


def complain(message: str, code: int) -> int:
    """Print ``message`` as one line on standard error, and return the exit code ``code``."""
    from experiments.terminal import clean

    line = clean(" ".join(message.split()))
    if len(line) > LONGEST_ERROR:
        line = line[:LONGEST_ERROR] + "..."
    click.echo(f"tenderlab: {line}", err=True)
    return code


def executor_of(workers: int | None) -> Any:
    """Return what makes the runs: this process, or a pool of ``workers``; None is one a processor.

    A pool's workers load the model meanwhile, so a command asks for it first.
    """
    from experiments.executors import InProcess, LocalPool, default_workers

    count = workers or default_workers()
    return InProcess() if count == 1 else LocalPool(count)
