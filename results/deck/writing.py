"""From a run to the bytes of its deck, the same for the same run."""

import io
import zipfile
from pathlib import Path

import pandas as pd
from pptx.presentation import Presentation

from results.deck.names import with_short_names, writable
from results.deck.pages import pages
from results.deck.slides import draw
from results.deck.template import blank
from results.report import Report
from results.statistics import summarise
from results.store import RunDirectory, write_bytes
from simulation.errors import InputError

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The only time that every archive can bear; all parts of a deck are given it."""
FOOTER = "Simulated results: an aid to a decision, not a prediction"
DATES = ("created", "modified", "lastPrinted")


def write_deck(run: RunDirectory, path: Path) -> Path:
    """Write the deck of ``run`` to ``path``, whole or not at all, and return ``path``.

    Raises:
        InputError: no replication is complete for every policy.
        OSError: ``path`` cannot be written.
    """
    write_bytes(path, deck_bytes(run, summarise(run)))
    return path


def deck_bytes(run: RunDirectory, summary: pd.DataFrame) -> bytes:
    """Return the deck of ``run`` as a PowerPoint file; equal runs give equal bytes.

    ``summary`` is that of `statistics.summarise`. Figures come from the complete replications.

    Raises:
        InputError: no replication is complete for every policy.
    """
    if not run.replications:
        raise InputError(
            f"{run.path}: no replication is complete for every policy, so a deck has nothing to "
            "show; run it again, or ask for fewer policies"
        )
    told = with_short_names(run)
    deck = blank()
    footer = f"{FOOTER} · question {run.manifest.question_id}"
    for page in pages(told, run, summary):
        draw(deck, page, footer)
    _say_of_itself(deck, Report(told, summary).heading)
    return _packed(deck)


def _say_of_itself(deck: Presentation, title: str) -> None:
    """Set title and maker of the file, and take the dates out that the template brought."""
    about = deck.core_properties
    about.title, about.subject = writable(title), FOOTER
    about.author = about.last_modified_by = "tenderlab"
    about.keywords, about.revision = "simulation", 1
    for element in list(about._element):
        if element.tag.rpartition("}")[2] in DATES:
            about._element.remove(element)


def _packed(deck: Presentation) -> bytes:
    """Return the file of ``deck`` with no time of making in it."""
    saved, made = io.BytesIO(), io.BytesIO()
    deck.save(saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return made.getvalue()
