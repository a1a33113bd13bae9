"""The pages of a deck in order: what a run has to say, one message each."""

from collections.abc import Iterator

import pandas as pd

from results.deck.appraisal_pages import appraisal_pages
from results.deck.method_pages import method_pages
from results.deck.names import clean
from results.deck.outcome_pages import outcome_pages
from results.deck.slides import Cover, Page
from results.deck.time_pages import time_pages
from results.report import CAVEAT, Report
from results.store import RunDirectory


def pages(told: RunDirectory, run: RunDirectory, summary: pd.DataFrame) -> Iterator[Page]:
    """Yield every page for ``run``; ``told`` is the same with the names that slides can bear."""
    yield _cover(told, run, summary)
    yield from outcome_pages(told, summary)
    yield from appraisal_pages(told, summary)
    yield from time_pages(told, summary)
    yield from method_pages(told, summary)


def _cover(told: RunDirectory, run: RunDirectory, summary: pd.DataFrame) -> Page:
    report = Report(told, summary)
    names = [
        f"{policy.name}: {policy.label}. {policy.description}" for policy in run.policies.values()
    ]
    notes = [report.standfirst, CAVEAT, "Policies, the baseline first:", *map(clean, names)]
    return Page(report.heading, Cover(f"{report.standfirst} {report.colophon}", CAVEAT), notes)
