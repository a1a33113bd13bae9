"""The report's appendix: levers, assumptions, method, words, and how to make the runs again."""

import math
import shlex
from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from results.page import Section, escape, hidden, paragraph, table
from results.side_by_side import levers_table
from results.store import RunDirectory
from results.verdicts import MOST_COLUMNS, parted
from results.words import counted, lever_words, listing
from simulation.assumptions import Assumptions
from simulation.parameters import Parameter, parameters

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


METHOD = (
    ("The model", "Councils, large suppliers, SMEs, partnerships and government decide quarter by "
     "quarter: needs come up, partners are sought, a route to market is chosen, tenders are bid "
     "for and won, contracts are delivered, disputed or fail, and every pound moves between named "
     "accounts. A policy sets levers; a lever changes what somebody may do, knows, pays or must "
     "bear, and enters no outcome directly: outcomes follow from what is then decided."),
    ("Pairing", "In each replication all policies meet the same draw of assumptions and, as far as "
     "their histories allow, the same luck: elections, risks and private costs are drawn by who "
     "and when, not in turn. What is compared is the difference within a replication, which "
     "varies far less than either side."),
    ("Intervals", "95% intervals of the mean paired difference by Student's t; of rare events by "
     "the bootstrap. They hold luck and, where assumptions are sampled, what is not known of them "
     "within their ranges. They do not hold what the model itself leaves out."),
    ("Verdicts", "A difference is better or worse only where the evidence puts it beyond the "
     "smallest difference that matters, negligible only where it puts it within, with every "
     "verdict of the table allowed for (Holm's correction); anything else is undecided. A policy "
     "that changes nothing differs by nothing at all, to the last penny."),
    ("Savings", "Counterfactual in-house cost, carried forward the same under every policy, less "
     "every resource cost borne. Transfers between councils, the Exchequer and suppliers cancel. "
     "Interest on loans is not counted, as the discount rate stands for it. Savings contracted "
     "beyond the horizon are reported apart and are in no total."),
    ("Not in the model", "Other markets and public services, wages and jobs, legal challenge, "
     "Wales, Scotland and Northern Ireland. Councils that exist bear their own names, but how they "
     "behave is drawn from evidence on councils in general; suppliers are invented."),
)  # fmt: skip
"""How results came about, for readers who will not open the full description."""


SOURCES = (
    ("D0", '"Developing the local government services market", working paper, Department for '
     "Communities and Local Government and PricewaterhouseCoopers, March 2007"),
    ("D1", '"Modern public services: shared services", Socitm Insight, November 2006'),
    ("D2", "Case study of shared services of Lichfield and Staffordshire Moorlands"),
    ("D3", "Discussion paper of an advisory group of the CIO Council, 2006"),
    ("D4", '"Is 2007 the year to start sharing?", New Local Government Network, February 2007'),
    ("Green Book", "HM Treasury's guidance on appraisal"),
    ("Assumed", "No source: a value that seems plausible, with a range where it is sampled"),
)  # fmt: skip
"""What the codes of sources stand for; ¶ is a paragraph of the document, § a section."""


def sections(run: RunDirectory) -> list[Section]:
    """Return the parts of the appendix in order."""
    return [
        Section("policies", "Appendix: policies and levers", levers(run)),
        Section("assumptions", "Appendix: assumptions", assumptions(run)),
        Section("method", "Appendix: method", method()),
        Section("glossary", "Appendix: glossary", _defined(GLOSSARY)),
        Section("reproduce", "Appendix: how to reproduce it", reproduction(run)),
    ]


def method() -> str:
    """Return how the results came about, as HTML."""
    more = (
        "The whole model is described by the ODD protocol in docs/ODD.md of the source code, with "
        "every formula, its parameters and their sources; docs/directions.md holds it against the "
        "directions that the evidence gives."
    )
    return _defined(METHOD) + paragraph(more, "note")


def _defined(pairs: Sequence[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(word)}</dt><dd>{escape(says)}</dd>" for word, says in pairs)
    return f'<div class="finding long"><dl>{items}</dl></div>'


# Policies and assumptions


def levers(run: RunDirectory) -> str:
    """Return what each policy is, and the levers on which they differ."""
    told = [policy for policy in run.policies.values() if policy.description]
    items = "".join(
        f"<dt>{escape(each.label)}</dt><dd>{escape(each.description)}</dd>" for each in told
    )
    about = f'<div class="finding"><dl>{items}</dl></div>' if items else ""
    side = levers_table(run.policies)
    if side.empty:
        return about + paragraph("All levers stand as in the status quo.")
    parts = parted(list(run.policies), MOST_COLUMNS + 1)
    return about + "".join(_lever_table(run, side, part) for part in parts)


def _lever_table(run: RunDirectory, side: pd.DataFrame, names: Sequence[str]) -> str:
    heads = ["Lever", *(escape(run.policies[name].label) for name in names)]
    rows = [
        [_parameter_head(row["lever"], row["meaning"], row["unit"])]
        + [_lever_cell(row[name], row[run.baseline]) for name in names]
        for row in side.to_dict("records")
    ]
    return table("Levers side by side; those not listed stand as in the status quo", heads, rows)


def assumptions(run: RunDirectory) -> str:
    """Return the assumptions: those set in the question, those sampled, those fixed."""
    given = list(run.question.assumptions.set)
    sampled, fixed = _unset_assumptions(run)
    counts = {
        "sampled over their ranges": sampled,
        "left at their defaults": fixed,
        "set in the question": given,
    }
    words = listing([f"{len(names)} {how}" for how, names in counts.items() if names])
    ranges = _assumption_table("Sampled, with their ranges", sampled, _range)
    defaults = _assumption_table("At their defaults", fixed, _default)
    return (
        paragraph(f"Assumptions: {words}.")
        + _assumption_table("Set in the question", given, partial(_set_value, run))
        + hidden("Sampled assumptions", ranges)
        + hidden("Assumptions at their defaults", defaults, printed=False)
        + "<h3>Sources</h3>"
        + paragraph(
            "Documents that the tables name by a code; ¶ is a paragraph, § a section.", "note"
        )
        + _defined(SOURCES)
    )


def _unset_assumptions(run: RunDirectory) -> tuple[list[str], list[str]]:
    """Return the names of sampled assumptions, and of those at their defaults."""
    plan = run.question.assumptions
    free = {name: p for name, p in parameters(Assumptions).items() if name not in plan.set}
    varies = {
        name: plan.mode == "sampled" and one.distribution != "fixed" for name, one in free.items()
    }
    return [n for n in free if varies[n]], [n for n in free if not varies[n]]


def _set_value(run: RunDirectory, parameter: Parameter) -> str:
    return lever_words(run.question.assumptions.set[parameter.name])


def _assumption_table(caption: str, names: Sequence[str], value: Callable[[Parameter], str]) -> str:
    known = parameters(Assumptions)
    rows = [
        [
            _parameter_head(name, one.meaning, one.unit),
            escape(value(one)),
            escape(one.source),
        ]
        for name, one in ((name, known[name]) for name in names if name in known)
    ]
    return table(caption, ["Assumption", "Value", "Source"], rows, "dense") if rows else ""


# How to reproduce it


HOW_KEPT = (
    "The run directory holds the whole question and the register's own bytes. From the directory "
    "that holds it, this makes the same runs again, to the bit under equal versions:"
)
HOW_ASKED = (
    "These runs were made for the explorer and are in no run directory. Its download question.yaml "
    "holds the whole question; from the directory that holds it, and its register where that is "
    "the user's own, this makes the same runs again, to the bit under equal versions:"
)
QUESTION_FILE = "question.yaml"


def again(run: RunDirectory) -> str:
    """Return from what a command makes the same runs again: the run directory, or a question."""
    return shlex.quote(run.path.resolve().name) if run.kept else QUESTION_FILE


def reproduction(run: RunDirectory) -> str:
    """Return what it takes to make the same runs again, to the bit."""
    manifest, asked = run.manifest, run.question
    packages = ", ".join(f"{name} {one}" for name, one in manifest.environment.packages.items())
    rows = [
        ("Question", manifest.question_id),
        ("Seed", asked.seed),
        ("Baseline", run.policies[run.baseline].label),
        ("Register", f"{asked.register.name}; SHA-256 {asked.register.sha256}"),
        ("Assumptions", asked.assumptions.mode),
        ("Replications", f"{asked.replicates:,}, and {counted(asked.twins, 'twin')}"),
        ("Runs stored", f"{manifest.runs:,}"),
        ("Version", f"tenderlab {manifest.tenderlab}, Python {manifest.environment.python}"),
        ("Packages", packages),
    ]
    command = f"tenderlab {manifest.kind} {again(run)}"
    return (
        paragraph(HOW_KEPT if run.kept else HOW_ASKED)
        + f"<pre><code>{escape(command)}</code></pre>"
        + table(
            "What was run",
            ["Item", "Value"],
            [[escape(a), escape(b)] for a, b in rows],
            "words",
        )
        + _failures(run)
    )


def _failures(run: RunDirectory) -> str:
    rows = [
        map(escape, (one.policy, one.replication, one.stage, one.error, one.replay))
        for one in run.manifest.failed
    ]
    heads = ["Policy", "Replication", "Stage", "Error", "To make it again"]
    return table("Runs that failed", heads, rows, "words") if rows else ""


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
