"""The report: one page that stands alone, made from a run directory.

The page holds its script, its style and its data, asks the network for nothing, and prints. What
users wrote (names of policies, councils and files) is escaped wherever it lands: in HTML, in
labels, and in the data that the script reads. Its parts have modules of their own; here they are
put together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from results import (
    appendix,
    appraisal_section,
    charts,
    executive,
    frames,
    narrative,
    partnership_section,
    robustness_section,
    why_section,
)
from results.appraisal import Appraisal, appraise
from results.changes import Changes
from results.explanations import read_explanations
from results.outcome_section import OutcomeTables
from results.page import Figure, Front, Section, escape, paragraph, whole_page
from results.partnerships import Partnerships, read_partnerships, why_untold
from results.robustness import Robustness
from results.statistics import write_summary
from results.store import REPORT, RunDirectory, StoredPolicy, open_run, write_text
from results.words import count
from simulation.levers import FIRST_YEAR

CAVEAT = (
    "These results come from a simulation, not from records. Councils that exist bear their own "
    "names, but what is said of them here is simulated, and the suppliers are invented. Read it as "
    "an aid to a decision, not as a prediction."
)


def write_report(directory: Path) -> Path:
    """Summarise the runs in ``directory``, write ``summary.csv`` and ``report.html``.

    Returns the path of the page.

    Raises:
        InputError: the directory is no run directory, or something in it is damaged.
    """
    run = open_run(directory)
    page = render(run, write_summary(run))
    write_text(run.path / REPORT, page)
    return run.path / REPORT


def render(run: RunDirectory, summary: pd.DataFrame) -> str:
    """Return the whole page for ``run`` and its ``summary``."""
    report = Report(run, summary)
    sections = [section for section in report.sections() if section.content]
    return whole_page(
        Front(report.heading, report.standfirst, CAVEAT, report.colophon, report.warning()),
        sections,
        report.figures,
    )


# The report


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that the page says of one run directory."""

    run: RunDirectory
    summary: pd.DataFrame

    @property
    def policies(self) -> Mapping[str, StoredPolicy]:
        """Policies by name, the baseline first."""
        return self.run.policies

    @property
    def compared(self) -> list[str]:
        """Names of the policies that are compared with the baseline."""
        return list(self.policies)[1:]

    @property
    def baseline(self) -> StoredPolicy:
        """The policy against which the others are compared."""
        return self.policies[self.run.baseline]

    @property
    def heading(self) -> str:
        """Title of the page."""
        match self.compared:
            case []:
                return self.baseline.label
            case [only]:
                return f"{self.policies[only].label} against {self.baseline.label}"
        many = count(len(self.compared))
        return f"{many[0].upper()}{many[1:]} policies against {self.baseline.label}"

    @property
    def standfirst(self) -> str:
        """What was run, in one sentence."""
        run, asked = self.run, self.run.question
        plural = "" if len(run.replications) == 1 else "s"
        paired = "paired " if self.compared else ""
        return (
            f"The market of councils for technology services, simulated over "
            f"{narrative.years(run)} from April {FIRST_YEAR}: {asked.register.name}, "
            f"{asked.register.councils:,} council{'' if asked.register.councils == 1 else 's'}, "
            f"{len(run.replications):,} {paired}replication{plural}."
        )

    @property
    def colophon(self) -> str:
        """Where the page comes from."""
        manifest = self.run.manifest
        return (
            f"Made by tenderlab {manifest.tenderlab}. Question {manifest.question_id}, "
            f"seed {manifest.question.seed}."
        )

    def warning(self) -> str:
        """Return a note where runs are missing, else nothing."""
        manifest, asked = self.run.manifest, self.run.question
        wanted = asked.replicates if asked.replication is None else 1
        done = len(self.run.replications)
        if manifest.status == "complete" and done == wanted:
            return ""
        stopped = manifest.status == "interrupted"
        why = "The runs were interrupted" if stopped else "Runs failed"
        return paragraph(
            f"{why}: {done:,} of {wanted:,} replications are complete for every policy, and only "
            "these count.",
            "warning",
        )

    @cached_property
    def charts(self) -> dict[str, Figure]:
        """The charts of the page by name."""
        if not self.run.replications:
            return {}
        made = [self._lead(), self._intervals(), self._gains(), self._spread()]
        made += [self._trajectories(), self._map()]
        if self.sharing:
            made += partnership_section.figures(self.sharing, self.run.register)
        return {figure.name: figure for figure in made if figure}

    @cached_property
    def sharing(self) -> Partnerships | None:
        """What the run directory holds of partnerships, None where it lacks their stages."""
        return read_partnerships(self.run)

    @property
    def figures(self) -> list[Figure]:
        """The charts of the page in order."""
        return list(self.charts.values())

    def chart(self, name: str) -> str:
        """Return the place of a chart, nothing where it is not drawn."""
        return self.charts[name].html if name in self.charts else ""

    def sections(self) -> list[Section]:
        """Return the parts of the page in order, empty ones too."""
        tables = OutcomeTables(self.run, self.summary)
        return [
            Section("answer", "The answer", self.answer()),
            Section("findings", "Policy by policy", self.findings()),
            Section("outcomes", "Outcomes", tables.content(self.chart("intervals"))),
            Section("gains", "Who gains and who loses", self.gains()),
            Section("why", "Why", self.why()),
            Section("robust", "How robust it is", self.robust()),
            Section("time", "Over time", self.chart("trajectories")),
            Section("map", "Who shares services", self.chart("map")),
            Section("partnerships", "Partnerships", self.partnerships()),
            *appendix.sections(self.run),
        ]

    # The answer

    @cached_property
    def appraisal(self) -> Appraisal:
        """Who gains and who loses, and what a fund buys."""
        return appraise(self.run, self.summary)

    @cached_property
    def robustness(self) -> Robustness:
        """What the differences in the lead outcome rest on."""
        return Robustness(self.run, self.summary)

    def answer(self) -> str:
        """Return the first page."""
        return executive.content(self.appraisal, self.robustness, self.chart("lead"))

    def findings(self) -> str:
        """Return what is found of each policy."""
        if not self.run.replications or not self.compared:
            return ""
        return f'<div class="findings">{"".join(map(self._finding, self.compared))}</div>'

    def _finding(self, policy: str) -> str:
        rest = narrative.others(self.run, self.summary, policy)
        items = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in rest)
        return (
            f'<div class="finding"><h3>{escape(self.policies[policy].label)}</h3>'
            f"{paragraph(narrative.headline(self.run, self.summary, policy))}<dl>{items}</dl></div>"
        )

    # What it rests on

    def gains(self) -> str:
        """Return who gains and who loses, and what a fund buys."""
        return appraisal_section.content(self.appraisal, self.chart("gains"))

    def why(self) -> str:
        """Return which decisions and costs changed."""
        if len(self.policies) == 1 or not self.run.replications:
            return ""
        changes = Changes(self.run, self.appraisal.books)
        return why_section.content(changes, read_explanations(self.run))

    def robust(self) -> str:
        """Return how robust the differences are."""
        return robustness_section.content(self.robustness, self.chart("spread"))

    # Charts

    def _intervals(self) -> Figure | None:
        if not self.compared or self.summary["low"].isna().all():
            return None
        words = f"Differences from {self.baseline.label}. {charts.INTERVALS_KEY}"
        return Figure("intervals", words, charts.interval_plot(self.summary, self.policies))

    def _lead(self) -> Figure | None:
        rows = executive.lead_rows(self.run, self.summary)
        if not self.compared or rows["low"].isna().all():
            return None
        words = (
            f"Differences from {self.baseline.label}: the mean by its verdict, its 95% interval "
            "(thick) and 10 to 90% of replications (thin). Grey: too small to matter."
        )
        drawn = charts.interval_plot(rows, self.policies, columns=1)
        return Figure("lead", words, drawn)

    def _gains(self) -> Figure | None:
        drawn = charts.savings_by_group(frames.savings_of(self.appraisal), self.policies)
        words = (
            "What councils of each type gain, discounted, in points of their own counterfactual. "
            "The line is the 95% interval of each by itself."
        )
        return Figure("gains", words, drawn) if drawn else None

    def _spread(self) -> Figure | None:
        lead = narrative.lead_outcome(self.run).name
        drawn = charts.spread(frames.differences(self.run), lead, self.policies)
        words = (
            "The paired difference of every replication: its own assumptions and its own luck. "
            "Below them their mean with its 95% interval, and the 10 to 90% of them."
        )
        return Figure("spread", words, drawn) if drawn and self._several else None

    @property
    def _several(self) -> bool:
        return len(self.run.replications) > 1

    def _trajectories(self) -> Figure:
        words = "Mean of the replications" if len(self.run.replications) > 1 else "The run"
        if self.run.question.years >= frames.FEWEST_YEARS:
            words += ", by financial year from April"
        else:
            words += ", by quarter"
        over_time = frames.over_time(self.run, self.run.shown)
        drawn = charts.trajectories(over_time, self.run.shown, self.policies)
        return Figure("trajectories", f"{words}{self._about_band()}.", drawn)

    def _about_band(self) -> str:
        if len(self.run.replications) == 1:
            return ""
        few = len(self.policies) <= charts.MOST_BANDS
        whose = "" if few else f" of {self.baseline.label}; other policies have no band"
        return f"; the band holds 10 to 90% of replications{whose}"

    def _map(self) -> Figure | None:
        drawn = charts.sharing_map(frames.sharing(self.run), self.run.register, self.policies)
        if drawn is None:
            return None
        single = len(self.run.replications) == 1
        what = charts.COUNT_SCALE.title if single else charts.SHARE_SCALE.title
        cut = len(self.policies) > charts.MOST_PANELS
        words = (
            f"{what} (simulated). Each council is one hexagon near its neighbours, whatever its "
            "area; white gaps part the regions, and counties whose districts are drawn stand aside."
        )
        first = f" The first {charts.MOST_PANELS} policies are drawn." if cut else ""
        return Figure("map", words + first, drawn)

    # Partnerships

    def partnerships(self) -> str:
        """Return who shares with whom, how far groups came and how long they took to agree."""
        if not self.run.replications:
            return ""
        if self.sharing is None:
            return paragraph(why_untold(self.run))
        return partnership_section.content(self.sharing, self.charts, self.run)
