"""The command line: ``tenderlab``.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments import research_commands, showing_commands
from experiments.answering import INTERRUPTED, check_page, complain, executor_of, tell
from experiments.options import (
    FILE,
    Commands,
    OneOf,
    Whole,
    as_json,
    asking,
    check_most,
    posing,
    precise,
)
from simulation.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from experiments.campaign import Conduct
    from experiments.precision import Precise
    from experiments.question import Question
    from experiments.runs import Failed

OWN_DIRECTIONS = Path("tests/directions.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; bad input is one line on standard error."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - takes the free descriptor for good
    if sys.stdout is None:
        return complain("standard output is closed", 2)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    try:
        code = tenderlab.main(arguments, prog_name="tenderlab", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return complain(error.format_message(), error.exit_code)
    except InputError as error:
        return complain(str(error), 2)
    except (KeyboardInterrupt, click.Abort):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # impatience must not cut the last line short
        return complain("interrupted; nothing was kept", INTERRUPTED)
    except BrokenPipeError:
        return _leave_output(0)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _leave_output(complain(f"{where}{error.strerror or error}", 2))
    return code if isinstance(code, int) else 0


def _leave_output(code: int) -> int:
    """Return ``code``, and let nothing that still waits on standard output be written."""
    with suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="tenderlab")
@click.pass_context
def tenderlab(context: click.Context) -> None:
    r"""Ask what a procurement policy does to the English market for councils' technology services.

    A simulation: an aid to a decision, not a prediction.

    \b
    Examples:
      tenderlab compare
      tenderlab compare forced-aggregation shared-risk --replicates 10
      tenderlab levers risk_transfer
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (*research_commands.COMMANDS, *showing_commands.COMMANDS):
    tenderlab.add_command(_command)


# What is asked


@tenderlab.command()
@click.argument("policies", nargs=-1, metavar="[POLICY|FILE]...")
@click.option("--baseline", help="Policy to compare with.  [status-quo]")
@click.option("--replicates", type=Whole(1, 10_000), help="Replications of each policy.  [30]")
@asking
@click.option("--workers", type=Whole(1, 256), help="Processes.  [one a processor]")
@click.option(
    "--events",
    type=OneOf(["first", "all"]),
    default="first",
    show_default=True,
    help="Keep the tables of events of the first replication, or of all.",
)
@click.option("--why", is_flag=True, help="Explain one history of each policy in the report, too.")
@precise
def compare(
    policies: tuple[str, ...],
    baseline: str | None,
    levers: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    workers: int | None,
    events: str,
    why: bool,
    widths: tuple[str, ...],
    most: int | None,
    **changes: Any,
) -> int:
    r"""Compare policies with a baseline.

    All run under the same luck, replication by replication, so that differences are paired. POLICY
    is the name of a bundled policy or a policy file. A question file, or the directory of an
    earlier comparison, stands alone. With nothing named: the bundled policies. --set adds one
    policy, "custom", to what is named: the baseline with those levers set.

    With --precision, replications are added until the 95% interval of each policy's difference in
    that outcome is no wider than asked, in the outcome's unit, or there are --most of them.

    \b
    Examples:
      tenderlab compare
      tenderlab compare forced-aggregation my-policy.yaml --replicates 10
      tenderlab compare --set risk_transfer=0.4 --set risk_allocation=by_control
      tenderlab compare question.yaml
      tenderlab compare runs/4f0c9e1a2b3d
      tenderlab compare shared-risk --precision net_public_saving=100 --most 300
    """
    check_most(widths, most)
    executor = executor_of(workers)  # first, so that workers load the model meanwhile
    from experiments.asking import Changes, comparison_of

    question = comparison_of(policies, baseline, levers, Changes(**changes))
    if widths:
        return _compare_precisely(
            question, widths, most, out, executor, events == "all", why, as_json
        )
    from experiments import compare as comparing

    comparing.check_comparison(question)
    with _progress(question) as progress:
        done = comparing.compare(
            question, out, executor, everything=events == "all", progress=progress
        )
    if why:
        _explain(done, executor)
    return _tell_comparison(question, done, as_json)


def _compare_precisely(
    question: Question,
    widths: tuple[str, ...],
    most: int | None,
    out: Path | None,
    executor: Any,
    everything: bool,
    why: bool,
    as_json: bool,
) -> int:
    from experiments import precision, terminal
    from experiments.precise_comparisons import compare_precisely

    aims = precision.aims_of(widths)
    with terminal.progress(sys.stderr) as progress:
        found, done, reached = compare_precisely(
            question,
            aims,
            out,
            executor,
            most=most or precision.MOST,
            everything=everything,
            progress=progress,
        )
    if why:
        _explain(done, executor)
    return _tell_comparison(found, done, as_json, reached)


def _explain(done: Conduct, executor: Any) -> None:
    """Add one history of each policy to the report, if a comparison was completed."""
    if done.directory is None or not done.complete or done.status == "interrupted":
        return
    from experiments.explanations import explain_run
    from results.report import write_report

    explain_run(done.directory, executor)
    write_report(done.directory)


@tenderlab.command()
@click.argument("policy", default="", metavar="[POLICY|FILE]")
@click.option("--policy", "choice", help="Which policy of a question file or run directory.")
@click.option("--replication", type=Whole(0, 11_999), help="Which replication.  [0]")
@click.option("--council", metavar="NAME", help="Tell this council's story.")
@asking
def run(
    policy: str,
    choice: str | None,
    replication: int | None,
    council: str | None,
    levers: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    **changes: Any,
) -> int:
    r"""Make one run of one policy and keep every table.

    Tenders, contracts, the ledger row by row, and the rest. Assumptions keep their defaults unless
    --assumptions sampled. Given a run directory, its manifest or a question file, it makes one of
    the runs asked there, to the bit.

    With --council it tells one council's story: partners sought, votes, contracts, savings, and
    what might have been, had one decision gone another way in a second run under the same luck.

    \b
    Examples:
      tenderlab run forced-aggregation
      tenderlab run --set pump_priming_fund=50@3,0@8 --years 10
      tenderlab run status-quo --council Lichfield
      tenderlab run runs/4f0c9e1a2b3d --policy shared-risk --replication 17
    """
    from experiments.asking import Changes, run_of

    question = run_of(policy, choice, replication, levers, Changes(**changes))
    from experiments import run as running

    if council is None:
        return _tell_run(question, running.run(question, out), as_json)
    from experiments.why import find_council

    row = find_council(council, question)
    return _tell_story(question, running.run(question, out), row, as_json)


@tenderlab.command()
@click.argument("policy", default="", metavar="[POLICY|FILE]")
@click.option("--council", metavar="NAME", help="Look at this council only.")
@click.option("--baseline", help="Policy to compare with.  [status-quo]")
@click.option("--policy", "choice", help="Which policy of a question file or run directory.")
@click.option("--replication", type=Whole(0, 11_999), help="Which replication.  [0]")
@posing
@as_json
def why(
    policy: str,
    council: str | None,
    baseline: str | None,
    choice: str | None,
    replication: int | None,
    levers: tuple[str, ...],
    as_json: bool,
    **changes: Any,
) -> int:
    r"""Explain what a policy changes, in one history.

    Runs the policy and its baseline under the same luck, tells the first decision that went another
    way, which kinds of decisions did so later, and the pounds by cause that make up the difference
    in saving: for the public, or for one council. Nothing is kept. Assumptions keep their defaults
    unless --assumptions sampled. Given a run directory, its manifest or a question file, it
    explains one of the replications asked there.

    \b
    Examples:
      tenderlab why forced-aggregation
      tenderlab why forced-aggregation --council Ashfield
      tenderlab why --set risk_transfer=0.9 --years 5 --seed 7
      tenderlab why runs/4f0c9e1a2b3d --policy shared-risk --replication 17
    """
    from experiments.asking import Changes
    from experiments.why import Explanation, explain, pair_of

    pair = pair_of(
        policy,
        choice=choice,
        replication=replication,
        baseline=baseline,
        council=council,
        levers=levers,
        changes=Changes(**changes),
    )
    from experiments import explaining

    told = explain(pair)
    if isinstance(told, Explanation):
        tell(explaining.text(told), explaining.document(told), as_json)
        return 0
    return _tell_failure(told)


def _progress(question: Question) -> Any:
    from experiments.terminal import progress

    return progress(sys.stderr, len(question.policies) * question.twins)


@tenderlab.command()
@click.option(
    "--seeds", type=Whole(1, 10_000), default=30, show_default=True, help="Runs, each of its luck."
)
@click.option("--only", multiple=True, metavar="NAME", help="Measure this target only; repeatable.")
@click.option(
    "--assume",
    multiple=True,
    metavar="NAME=VALUE|SET",
    help="Hold an assumption at a value, or those of a set.",
)
@click.option("--workers", type=Whole(1, 256), help="Processes.  [one a processor]")
@click.option("--out", type=FILE, help="Write the table as a Markdown page, too.")
@as_json
def calibrate(
    seeds: int,
    only: tuple[str, ...],
    assume: tuple[str, ...],
    workers: int | None,
    out: Path | None,
    as_json: bool,
) -> int:
    r"""Hold the market at the status quo against the record, target by target.

    England over fifteen years at central assumptions, or at those set with --assume, on the luck
    that a comparison's replications have. Prints for each target the range that the record gives,
    what is simulated, and the distance between them.

    \b
    Examples:
      tenderlab calibrate
      tenderlab calibrate --seeds 5 --only bids_simple --only bids_complex
      tenderlab calibrate --assume event_level=0.7 --out calibration.md
    """
    executor = executor_of(workers)  # first, so that workers load the model meanwhile
    from experiments import calibration as calibrating
    from experiments.targets import chosen, read_targets
    from experiments.terminal import progress
    from results.store import write_text

    trial = calibrating.Trial(chosen(read_targets(), only), calibrating.assumed(assume))
    asked = calibrating.Asked(seeds, only, assume)
    check_page(out)
    with progress(sys.stderr) as told:
        done = calibrating.calibrate(trial, seeds, executor, told)
    if out:
        write_text(out, calibrating.page(done, asked))
    tell(calibrating.text(done), calibrating.document(done, asked), as_json)
    return complain(calibrating.what_went_wrong(done, seeds), 1) if done.failed else 0


@tenderlab.command()
@click.argument("file", type=FILE, default=OWN_DIRECTIONS, metavar="[FILE]")
@click.option("--seeds", type=Whole(2, 1000), help="Paired runs of each direction.  [as in FILE]")
@click.option(
    "--only", multiple=True, metavar="ROWS", help="Rows of the evidence, such as 1,6; repeatable."
)
@click.option("--workers", type=Whole(1, 256), help="Processes.  [one a processor]")
@click.option("--ablation", is_flag=True, help="Switch the mechanisms off as well.")
@click.option("--out", type=FILE, help="Write the table as a Markdown page, too.")
@as_json
def validate(
    file: Path,
    seeds: int | None,
    only: tuple[str, ...],
    workers: int | None,
    ablation: bool,
    out: Path | None,
    as_json: bool,
) -> int:
    r"""Hold the model against the directions of the evidence.

    FILE declares arms (levers and assumptions), figures (numbers read off a run) and directions:
    which figure is higher in which arm. Prints each effect with its interval, whether the direction
    is found, and with --ablation whether it goes away once its mechanism is switched off. Without
    FILE: those that come with the project's tests. Exits with 1 where a claim does not hold.

    \b
    Examples:
      tenderlab validate
      tenderlab validate --only 1,6 --seeds 30 --ablation
      tenderlab validate my-directions.yaml --out directions.md
    """
    if file == OWN_DIRECTIONS and not file.exists():
        raise InputError(
            f"FILE: not given, and there is no {file} here: the project's own directions are found "
            "in its repository, whose root is the place to run this"
        )
    executor = executor_of(workers)  # first, so that workers load the model meanwhile
    from experiments import findings
    from experiments import validate as validating
    from experiments.directions_file import rows_of
    from experiments.terminal import progress
    from results.store import write_text

    asked = findings.Asked(file, rows_of(",".join(only)), seeds, ablation)
    claims = asked.directions()
    check_page(out)
    with progress(sys.stderr) as told:
        done = validating.validate(claims, executor, ablation=ablation, progress=told)
    if out:
        write_text(out, findings.page(asked, claims, done))
    tell(findings.text(done), findings.document(done), as_json)
    return complain(findings.what_fails(done), 1) if validating.failures(done) else 0


# What there is


@tenderlab.command()
@click.argument("name", required=False)
@as_json
def levers(name: str | None, as_json: bool) -> None:
    r"""List the policy levers, or show one of them in full.

    \b
    Examples:
      tenderlab levers
      tenderlab levers aggregation_threshold
    """
    from simulation.levers import Levers

    _tell_parameters(Levers, "lever", name, as_json)


@tenderlab.command()
@click.argument("name", required=False)
@as_json
def assumptions(name: str | None, as_json: bool) -> None:
    r"""List the assumptions and the named sets of them, or show one in full.

    A named set holds assumptions that belong together. --assume takes its name; in a question file
    it is "assumptions: {as: NAME}".

    \b
    Examples:
      tenderlab assumptions
      tenderlab assumptions discount_rate --json
      tenderlab assumptions as-history-happened
    """
    from experiments import telling
    from experiments.circumstances import bundled_circumstances
    from experiments.likeness import suggestion
    from simulation.assumptions import Assumptions
    from simulation.parameters import parameters

    known, sets = parameters(Assumptions), {one.name: one for one in bundled_circumstances()}
    if name is None:
        text = telling.parameters_text(list(known.values()), "assumption")
        document: Any = list(map(telling.parameter_document, known.values()))
        document += map(telling.set_document, sets.values())
        tell(f"{text}\n\n{telling.sets_text(list(sets.values()))}", document, as_json)
    elif name in sets:
        chosen = sets[name]
        tell(telling.set_text(chosen), telling.set_document(chosen), as_json)
    elif name in known:
        _tell_parameters(Assumptions, "assumption", name, as_json)
    else:
        hint = suggestion(name, [*known, *sets])
        raise InputError(f"tenderlab assumptions: unknown assumption {name!r}{hint}")


@tenderlab.command()
@click.argument("name", required=False)
@as_json
def outcomes(name: str | None, as_json: bool) -> None:
    r"""List the outcomes, or show one of them in full.

    \b
    Examples:
      tenderlab outcomes
      tenderlab outcomes net_public_saving
    """
    from experiments import telling
    from simulation.outcomes import OUTCOMES

    if name is None:
        known = list(OUTCOMES.values())
        document: Any = list(map(telling.outcome_document, known))
        tell(telling.outcomes_text(known), document, as_json)
    elif name in OUTCOMES:
        one = OUTCOMES[name]
        tell(telling.outcome_text(one), telling.outcome_document(one), as_json)
    else:
        raise InputError(
            f"tenderlab outcomes: unknown outcome {name!r}{did_you_mean(name, OUTCOMES)}"
        )


@tenderlab.command()
@click.argument("name", required=False)
@as_json
def policies(name: str | None, as_json: bool) -> None:
    r"""List the bundled policies, or show one as a policy file.

    \b
    Examples:
      tenderlab policies
      tenderlab policies revolving-fund > my-policy.yaml
    """
    from experiments import telling
    from experiments.catalogue import bundled_policies, find_policy

    if name is None:
        known = bundled_policies()
        document: Any = [policy.effective() for policy in known]
        tell(telling.policies_text(known), document, as_json)
    else:
        policy = find_policy(name)
        tell(telling.policy_text(policy), policy.effective(), as_json)


# What is told


def _tell_comparison(
    question: Question, done: Conduct, as_json: bool, reached: Precise | None = None
) -> int:
    from experiments import telling

    if done.summary:
        text = telling.comparison_text(question, done, reached)
        tell(text, telling.conduct_document(question, done, reached), as_json)
    return _tell_what_went_wrong(done)


def _tell_run(question: Question, done: Conduct, as_json: bool) -> int:
    from experiments import telling

    if done.summary:
        text = telling.run_text(question, done)
        tell(text, telling.conduct_document(question, done), as_json)
    for failed in done.failed:
        click.echo(failed.trace, err=True, nl=False)
    return _tell_what_went_wrong(done)


def _tell_story(question: Question, done: Conduct, council: int, as_json: bool) -> int:
    if done.directory is None or not done.summary:
        return _tell_run(question, done, as_json)
    from experiments import storytelling
    from experiments.runs import Failed
    from experiments.story import story_of

    try:
        told = story_of(question, done.directory, council)
    except KeyboardInterrupt:
        return complain(f"interrupted; the run is kept in {done.directory}", INTERRUPTED)
    if isinstance(told, Failed):
        return _tell_failure(told)
    tell(storytelling.text(told), storytelling.document(told), as_json)
    return _tell_what_went_wrong(done)


def _tell_failure(failed: Failed) -> int:
    click.echo(failed.trace, err=True, nl=False)
    return complain(
        f"the run of {failed.run.policy.name} failed at {failed.stage}: {failed.error}", 1
    )


def _tell_what_went_wrong(done: Conduct) -> int:
    from experiments.telling import what_went_wrong

    message = what_went_wrong(done)
    if done.status == "interrupted":
        return complain(message, INTERRUPTED)
    return complain(message, 0 if done.complete else 1) if message else 0


def _tell_parameters(declaring: type, kind: str, name: str | None, as_json: bool) -> None:
    from experiments import telling
    from simulation.parameters import check_name, parameters

    if name is None:
        known = list(parameters(declaring).values())
        document: Any = list(map(telling.parameter_document, known))
        tell(telling.parameters_text(known, kind), document, as_json)
    else:
        one = check_name(name, declaring, kind, f"tenderlab {kind}s")
        tell(telling.parameter_text(one), telling.parameter_document(one), as_json)
