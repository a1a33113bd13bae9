"""The report: one page that stands alone, made from a run directory.

The page holds its script, its style and its data, asks the network for nothing, and prints. What
users wrote (names of policies, councils and files) is escaped wherever it lands: in HTML, in
labels, and in the data that the script reads.
"""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from results import charts, frames, narrative, partnership_section, statistics
from results.page import Figure, Front, Section, escape, hidden, paragraph, table, whole_page
from results.partnerships import Partnerships, read_partnerships, why_untold
from results.side_by_side import levers_table
from results.statistics import outcome_of, write_summary
from results.store import REPORT, RunDirectory, StoredPolicy, open_run, write_text
from results.words import (
    NO_INTERVAL,
    POINTS,
    UNDECIDED_NOTHING,
    UNDECIDED_SMALL,
    amount,
    amounts,
    change,
    count,
    difference_unit,
    lever_words,
    listing,
    of_what,
    span,
    with_unit,
)
from simulation.assumptions import Assumptions
from simulation.levers import FIRST_YEAR
from simulation.outcomes import OUTCOMES, Outcome
from simulation.parameters import Parameter, parameters

CAVEAT = (
    "These results come from a simulation, not from records. The councils are real and named; what "
    "is said of them here is simulated, and the suppliers are invented. Read it as an aid to a "
    "decision, not as a prediction."
)
MARKS = {
    statistics.BETTER: "▲",
    statistics.WORSE: "▼",
    statistics.NEGLIGIBLE: "■",
    UNDECIDED_SMALL: "◉",
    UNDECIDED_NOTHING: "○",
    statistics.IDENTICAL: "=",
    statistics.TOO_FEW_EVENTS: "?",
    statistics.TOO_FEW_PAIRS: "?",
    "": "◇",
}
MOST_COLUMNS = 5
"""Policies in one table; more go into a table of their own below."""
GLOSSARY = (
    ("NPV", "Net present value: a total in which later years count less, at the discount rate, "
     "seen from April 2006."),
    ("Counterfactual", "What the same services would have cost in-house, carried forward."),
    ("Claimed, realised", "The saving that contracts promise when they are signed, optimism "
     "included, and the saving that councils were left with."),
    ("HHI", "Herfindahl index: the sum of suppliers' squared shares of a market, from near 0 with "
     "many small suppliers to 1 with a single one."),
    ("Points", "The difference of two percentages: from 19% to 23% is 4 points."),
    ("Matters from", "The smallest difference that a verdict takes for one. For sums it grows with "
     "the baseline's counterfactual, so that it fits a market of any size."),
    ("Holm's correction", "Many verdicts at once are wrong more often than one. It asks more "
     "evidence of each, so that the chance of any wrong claim in a table stays at 5%."),
    ("Twins", "Two replications with the same assumptions and other luck; they tell how much of "
     "a spread is luck."),
)  # fmt: skip
"""Words of the page that are not everyday ones."""


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
        made = [self._intervals(), self._trajectories(), self._map()]
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
        return [
            Section("answer", "The answer", self.answer()),
            Section("outcomes", "Outcomes", self.outcomes()),
            Section("time", "Over time", self.chart("trajectories")),
            Section("map", "Who shares services", self.chart("map")),
            Section("partnerships", "Partnerships", self.partnerships()),
            Section("luck", "Luck and assumptions", self.luck()),
            Section("policies", "Policies", self.levers()),
            Section("assumptions", "Assumptions", self.assumptions()),
            Section("glossary", "Glossary", _glossary()),
            Section("reproduce", "How to reproduce it", self.reproduction()),
        ]

    # The answer

    def answer(self) -> str:
        """Return the answer in words."""
        if not self.run.replications:
            return paragraph("No replication is complete for every policy: there is no answer yet.")
        findings = "".join(self._finding(policy) for policy in self.compared)
        found = f'<div class="findings">{findings}</div>' if findings else ""
        return paragraph(narrative.lead(self.run, self.summary), "lead") + found

    def _finding(self, policy: str) -> str:
        rest = narrative.others(self.run, self.summary, policy)
        items = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in rest)
        return (
            f'<div class="finding"><h3>{escape(self.policies[policy].label)}</h3>'
            f"{paragraph(narrative.headline(self.run, self.summary, policy))}<dl>{items}</dl></div>"
        )

    # Outcomes

    def outcomes(self) -> str:
        """Return the tables of outcomes and the chart of their differences."""
        if not self.run.replications:
            return ""
        rest = [name for name in OUTCOMES if name not in self.run.shown]
        return "".join(
            [
                self._outcome_tables(self.run.shown),
                self._reading(),
                self.chart("intervals"),
                hidden(f"The other {len(rest)} outcomes", self._outcome_tables(rest)),
            ]
        )

    def _reading(self) -> str:
        if not self.compared:
            return ""
        return paragraph(
            "Differences are policy less baseline within one replication, where both meet the "
            "same assumptions and, as far as their histories allow, the same luck; in brackets "
            "their 95% interval. A verdict is given only where it stands against the smallest "
            "difference that matters, with all verdicts of the table allowed for together (Holm's "
            "correction, 5%). An undecided difference whose interval clears zero is real, but may "
            "be too small to matter; any other may be nothing.",
            "note",
        )

    def _outcome_tables(self, names: Sequence[str]) -> str:
        parts = parted(self.compared, MOST_COLUMNS) or [[]]
        return "".join(self._outcome_table(names, part) for part in parts)

    def _outcome_table(self, names: Sequence[str], policies: Sequence[str]) -> str:
        named = [self.policies[name].label for name in (self.run.baseline, *policies)]
        caption = "Outcomes over the whole horizon"
        if policies:
            caption += ": the baseline's mean, and differences from it"
        rows = [self._outcome_row(OUTCOMES[name], policies) for name in names]
        kind = "" if policies else "narrow"
        return table(caption, ["Outcome", *map(escape, named)], rows, kind)

    def _outcome_row(self, outcome: Outcome, policies: Sequence[str]) -> list[str]:
        rows = narrative.rows_of(self.summary, outcome.name)
        outcome = outcome_of(rows[self.run.baseline])
        direction = {"higher": "higher is better", "lower": "lower is better"}.get(outcome.better)
        below = f"{outcome.unit}; {direction or 'not judged'}"
        matters = f"<small>{escape(_threshold(outcome))}</small>" if policies else ""
        return [
            f"{escape(outcome.title)}<small>{escape(below)}</small>{matters}",
            self._value(outcome, rows[self.run.baseline]),
            *(self._difference(outcome, rows[policy]) for policy in policies),
        ]

    def _value(self, outcome: Outcome, row: narrative.Row) -> str:
        mean = amount(row["policy_mean"], outcome)
        spread = " to ".join(amounts(row["p10"], row["p90"], outcome))
        below = f"<small>10 to 90%: {spread}</small>" if row["pairs"] > 1 else ""
        return f"<b>{mean}</b>{self._share_of(outcome, row)}{below}"

    def _difference(self, outcome: Outcome, row: narrative.Row) -> str:
        difference = _difference_figure(row["difference"], outcome)
        share, interval = self._share_of(outcome, row), ""
        if row["low"] < row["high"]:
            interval = f"<small>({escape(span(row['low'], row['high'], outcome))})</small>"
        elif math.isnan(row["low"]) and row["pairs"]:
            interval = f"<small>{NO_INTERVAL}</small>"
        return f"<b>{difference}</b>{share}{interval}{verdict_mark(row)}"

    def _share_of(self, outcome: Outcome, row: narrative.Row) -> str:
        if outcome.name not in narrative.SHARE_OF:
            return ""
        other = narrative.rows_of(self.summary, narrative.SHARE_OF[outcome.name])[row["policy"]]
        share = outcome_of(other)
        if row["policy"] == self.run.baseline:
            words = with_unit(other["policy_mean"], share)
        else:
            words = f"{change(other['difference'], share)}{of_what(share)}"
        return f"<small>{escape(words)}</small>"

    # Charts

    def _intervals(self) -> Figure | None:
        if not self.compared or self.summary["low"].isna().all():
            return None
        words = (
            f"Differences from {self.baseline.label}. Marker: mean difference, by its verdict "
            "(triangle up better, triangle down worse, square negligible, bar identical, circle "
            "undecided, with a dot where the difference is real but may be too small to matter, "
            "cross too few to say, diamond not judged). Thick line: its 95% interval. Thin line: "
            "10 to 90% of replications. Grey band: too small to matter."
        )
        return Figure("intervals", words, charts.interval_plot(self.summary, self.policies))

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
        return partnership_section.content(self.sharing, self.charts)

    # Luck and assumptions

    def luck(self) -> str:
        """Return how much of each difference is luck, and what would narrow it."""
        if not self.compared or not self.run.replications:
            return ""
        told = self.summary[self.summary["headline"] & (self.summary["narrow_by"] != "")]
        if told.empty:
            return paragraph(self._no_luck())
        lead = narrative.lead_outcome(self.run)
        first = told[told["outcome"] == lead.name]
        rest = told[(told["outcome"] != lead.name) & (told["verdict"] == statistics.UNDECIDED)]
        return (
            paragraph(self._about_luck())
            + self._luck_table(f"Where the spread of differences comes from: {lead.title}", first)
            + hidden("Other outcomes that are undecided", self._luck_table("Undecided", rest))
        )

    def _luck_table(self, caption: str, told: pd.DataFrame) -> str:
        heads = ["Policy", "Outcome", "Verdict", "Share of luck", "What would narrow it"]
        rows = [self._luck_row(row) for row in told.to_dict("records")]
        return table(caption, heads, rows, "words") if rows else ""

    def _no_luck(self) -> str:
        if self.run.twins or self.run.question.assumptions.mode == "fixed":
            return "No difference that is shown first has any spread to explain."
        return (
            "How much of the spread is luck was not measured: it takes twin runs, with the same "
            "assumptions and other luck, which are made from five replications on."
        )

    def _about_luck(self) -> str:
        if self.run.question.assumptions.mode == "fixed":
            return (
                "All runs stand on one set of assumptions, so all their spread is luck. How far "
                "the assumptions themselves may be wrong is not in these intervals."
            )
        pairs = len(self.run.twins)
        return (
            "Each replication draws its own assumptions and its own luck. "
            f"Twin runs, {count(pairs)} of them, with the same assumptions and other luck tell the "
            "two apart, roughly: the ranges are 90% intervals. More replications pin down a mean "
            "whatever its spread comes from, but spread that comes from assumptions stays until "
            "the assumptions are better known."
        )

    def _luck_row(self, row: narrative.Row) -> list[str]:
        fixed = self.run.question.assumptions.mode == "fixed"
        ends = f"{row['luck_low']:.0%} to {row['luck_high']:.0%}"
        share = f"<b>{row['luck_share']:.0%}</b>" + ("" if fixed else f"<small>{ends}</small>")
        return [
            escape(self.policies[row["policy"]].label),
            escape(row["title"]),
            verdict_mark(row),
            share,
            escape(row["narrow_by"].replace("_", " ")),
        ]

    # Policies and assumptions

    def levers(self) -> str:
        """Return what each policy is, and the levers on which they differ."""
        told = [policy for policy in self.policies.values() if policy.description]
        items = "".join(
            f"<dt>{escape(each.label)}</dt><dd>{escape(each.description)}</dd>" for each in told
        )
        about = f'<div class="finding"><dl>{items}</dl></div>' if items else ""
        side = levers_table(self.policies)
        if side.empty:
            return about + paragraph("All levers stand as in the status quo.")
        parts = parted(list(self.policies), MOST_COLUMNS + 1)
        return about + "".join(self._lever_table(side, part) for part in parts)

    def _lever_table(self, side: pd.DataFrame, names: Sequence[str]) -> str:
        heads = ["Lever", *(escape(self.policies[name].label) for name in names)]
        rows = [
            [_parameter_head(row["lever"], row["meaning"], row["unit"])]
            + [_lever_cell(row[name], row[self.run.baseline]) for name in names]
            for row in side.to_dict("records")
        ]
        return table(
            "Levers side by side; those not listed stand as in the status quo", heads, rows
        )

    def assumptions(self) -> str:
        """Return the assumptions: those set in the question, those sampled, those fixed."""
        given = list(self.run.question.assumptions.set)
        sampled, fixed = self._unset_assumptions()
        counts = {
            "sampled over their ranges": sampled,
            "left at their defaults": fixed,
            "set in the question": given,
        }
        words = listing([f"{len(names)} {how}" for how, names in counts.items() if names])
        ranges = self._assumption_table("Sampled, with their ranges", sampled, _range)
        defaults = self._assumption_table("At their defaults", fixed, _default)
        return (
            paragraph(f"Assumptions: {words}.")
            + self._assumption_table("Set in the question", given, self._set_value)
            + hidden("Sampled assumptions", ranges)
            + hidden("Assumptions at their defaults", defaults)
        )

    def _unset_assumptions(self) -> tuple[list[str], list[str]]:
        """Return the names of sampled assumptions, and of those at their defaults."""
        plan = self.run.question.assumptions
        free = {name: p for name, p in parameters(Assumptions).items() if name not in plan.set}
        varies = {
            name: plan.mode == "sampled" and one.distribution != "fixed"
            for name, one in free.items()
        }
        return [n for n in free if varies[n]], [n for n in free if not varies[n]]

    def _set_value(self, parameter: Parameter) -> str:
        return lever_words(self.run.question.assumptions.set[parameter.name])

    def _assumption_table(
        self, caption: str, names: Sequence[str], value: Callable[[Parameter], str]
    ) -> str:
        known = parameters(Assumptions)
        rows = [
            [
                _parameter_head(name, one.meaning, one.unit),
                escape(value(one)),
                escape(one.source),
            ]
            for name, one in ((name, known[name]) for name in names if name in known)
        ]
        return table(caption, ["Assumption", "Value", "Source"], rows) if rows else ""

    # How to reproduce it

    def reproduction(self) -> str:
        """Return what it takes to make the same runs again, to the bit."""
        manifest, asked = self.run.manifest, self.run.question
        packages = ", ".join(f"{name} {one}" for name, one in manifest.environment.packages.items())
        rows = [
            ("Question", manifest.question_id),
            ("Seed", asked.seed),
            ("Baseline", self.baseline.label),
            ("Register", f"{asked.register.name}; SHA-256 {asked.register.sha256}"),
            ("Assumptions", asked.assumptions.mode),
            ("Replications", f"{asked.replicates:,}, and {asked.twins:,} twins"),
            ("Runs stored", f"{manifest.runs:,}"),
            ("Version", f"tenderlab {manifest.tenderlab}, Python {manifest.environment.python}"),
            ("Packages", packages),
        ]
        command = f"tenderlab {manifest.kind} {shlex.quote(self.run.path.resolve().name)}"
        return (
            paragraph(
                "The run directory holds the whole question and the register's own bytes. From the "
                "directory that holds it, this makes the same runs again, to the bit under equal "
                "versions:"
            )
            + f"<pre><code>{escape(command)}</code></pre>"
            + table(
                "What was run",
                ["Item", "Value"],
                [[escape(a), escape(b)] for a, b in rows],
                "words",
            )
            + self._failures()
        )

    def _failures(self) -> str:
        rows = [
            map(escape, (one.policy, one.replication, one.stage, one.error, one.replay))
            for one in self.run.manifest.failed
        ]
        heads = ["Policy", "Replication", "Stage", "Error", "To make it again"]
        return table("Runs that failed", heads, rows, "words") if rows else ""


def parted(items: Sequence[str], most: int) -> list[Sequence[str]]:
    """Return ``items`` in parts of at most ``most``."""
    return [items[start : start + most] for start in range(0, len(items), most)]


def verdict_mark(row: narrative.Row) -> str:
    """Return a verdict as HTML: a mark, its words, and colour only on top of these."""
    verdict = narrative.verdict_of(row)
    kind = verdict if verdict in (statistics.BETTER, statistics.WORSE) else ""
    mark = f'<span aria-hidden="true">{MARKS[verdict]}</span>'
    return f'<span class="verdict {kind}">{mark} {verdict or "not judged"}</span>'


def _glossary() -> str:
    items = "".join(f"<dt>{escape(word)}</dt><dd>{escape(says)}</dd>" for word, says in GLOSSARY)
    return f'<div class="finding"><dl>{items}</dl></div>'


def _difference_figure(value: float, outcome: Outcome) -> str:
    """Return a difference in figures, with its unit only where the value has another."""
    if difference_unit(outcome) == POINTS:
        return change(value, outcome)
    return amount(value, outcome, signed=True)


def _threshold(outcome: Outcome) -> str:
    """Return from where on a difference matters, nothing where no verdict is given."""
    if outcome.better == "neutral" or math.isnan(outcome.matters):
        return ""
    return f"matters from {change(outcome.matters, outcome, signed=False)}"


def _parameter_head(name: str, meaning: str, unit: str) -> str:
    below = f"{meaning}; {unit}" if unit else meaning
    return f"{escape(name.replace('_', ' '))}<small>{escape(below)}</small>"


def _lever_cell(value: str, baseline: str) -> str:
    return escape(value) if value == baseline else f"<strong>{escape(value)}</strong>"


def _range(parameter: Parameter) -> str:
    low, high = parameter.sweep or (math.nan, math.nan)
    return f"{low:g} to {high:g}"


def _default(parameter: Parameter) -> str:
    return lever_words(parameter.default)
