"""Find out on which levers and assumptions net public saving and SMEs' share of awards depend.

Run it as ``uv run python docs/studies/what_matters.py``; it needs a browser, as all pictures do.
It screens every live lever and every uncertain assumption (Morris), then measures how the ten that
matter most share the variance (Sobol), and writes ``docs/studies/what-matters.md`` with its
pictures. Stopped, it goes on where it was. Some five thousand runs: about half an hour on two
processors.
"""

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from experiments.designs import Design
from experiments.executors import LocalPool, default_workers
from experiments.pace import sweep_progress
from experiments.sensitivity import sensitivity_of
from experiments.sweep import LOADED, sweep
from results.charts import ranked_chart, write_pictures
from results.sensitivity import Sensitivity
from results.sensitivity_words import headings, rows, sentences
from results.store import write_text
from results.sweeps import Sweep
from simulation.assumptions import Assumptions
from simulation.levers import Levers
from simulation.outcomes import OUTCOMES
from simulation.parameters import Parameter, parameters

STUDIES = Path(__file__).parent
PAGE = STUDIES / "what-matters.md"
ASKED = ("net_public_saving", "sme_value_share")
YEARS = 10
TRAJECTORIES, BASE, DEEPER, SHOWN = 12, 256, 10, 20
HELD = (
    "discount_rate", "reorganisation_threat", "reorganisation_start", "reorganisation_quarters",
    "squeeze", "squeeze_start", "squeeze_quarters", "wave", "wave_start", "wave_quarters",
)  # fmt: skip
"""Assumptions that stay as they are: the yardstick by which savings are added up, and shocks."""


def spread(one: Parameter) -> Any:
    """Return over what an assumption varies.

    The range of its distribution; where it is held as a rule, half as much to half as much again,
    within its bounds.
    """
    if one.choices or one.distribution != "fixed":
        return None
    low, high = (float(bound) for bound in (one.low, one.high))  # type: ignore[arg-type]
    if not one.default:
        return (low, min(high, 1.0))
    ends = max(low, 0.5 * float(one.default)), min(high, 1.5 * float(one.default))
    return tuple(map(round, ends)) if one.whole else ends


def factors() -> dict[str, Any]:
    """Return what is screened, and over what it varies."""
    levers = {name: None for name, one in parameters(Levers).items() if not one.planned}
    assumed = parameters(Assumptions).items()
    return levers | {name: spread(one) for name, one in assumed if name not in HELD}


def screening() -> Design:
    """Return the runs of the first step."""
    return _design(factors(), "morris", trajectories=TRAJECTORIES)


def measuring(names: Sequence[str]) -> Design:
    """Return the runs of the second step, over the factors ``names``."""
    return _design({name: factors()[name] for name in sorted(names)}, "saltelli", base=BASE)


def _design(vary: Mapping[str, Any], method: str, **options: int) -> Design:
    return Design.of(
        ["status-quo"], vary, method, years=YEARS, replicates=1, mode="fixed", **options
    )  # fmt: skip


def first(found: Sequence[Sensitivity]) -> list[str]:
    """Return the factors that matter most, by the mean over outcomes of effect over the largest."""
    shares = [one.index / one.index.max() for one in found]
    together = sum(share.reindex(shares[0].index) for share in shares)
    return [str(name) for name in together.sort_values(ascending=False).index[:DEEPER]]  # type: ignore[union-attr]


def table(found: Sensitivity) -> Iterator[str]:
    """Yield the lines of a ranked table."""
    head = headings(found)
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for name, *cells in rows(found):
        yield f"| `{name}` | {' | '.join(cells)} |"


def section(found: Sensitivity) -> Iterator[str]:
    """Yield what the page says of one outcome by one method."""
    title = OUTCOMES[found.outcome].title
    yield from (f"### {title}", "", " ".join(sentences(found)), "")
    yield from (f"![{title}]({_name(found)}.png)", "")
    yield from (*table(_leading(found)), "")


def summary(found: Sensitivity) -> str:
    """Return how the variance of an outcome falls on levers and assumptions, in a sentence."""
    alone = found.table["first"]
    named = [f"`{name}` {share:.2f}" for name, share in found.index.head(5).items()]
    levers = [name for name in found.table.index if name in parameters(Levers)]
    return (
        f"{OUTCOMES[found.outcome].title}: of the variance that the {len(alone)} make, most is "
        f"that of {', '.join(named)} (totals: alone or with others). What levers make alone adds "
        f"up to {alone[levers].sum():.2f}, what assumptions do to "
        f"{alone.drop(levers).sum():.2f}; both are estimates."
    )


def page(screened: Sequence[Sensitivity], measured: Sequence[Sensitivity]) -> Iterator[str]:
    """Yield the lines of the page."""
    many, few = len(screened[0].table), len(measured[0].table)
    yield from ("# What matters to net public saving and to SMEs", "")
    yield (
        "Which levers and assumptions decide what comes out? This study varies all of them at "
        f"once: {many} factors are screened, and the {few} that matter most are measured. Real "
        "councils, simulated results: an aid to decisions, no prediction."
    )
    yield from ("", "Made by `uv run python docs/studies/what_matters.py`.", "")
    yield from ("## What it says", "")
    yield from (f"- {summary(found)}" for found in measured)
    yield from ("", "## How", "")
    yield (
        f"The 388 councils of the default register over {YEARS} years, one luck (seed 2006) at "
        "every point, so that differences between points are not luck. Levers vary over the range "
        "that their declaration gives to sweeps, and assumptions over that of their distribution; "
        "what is held as a rule varies from half as much to half as much again, and what is nil "
        "as a rule (such as `funding_uncertainty`) up to 1. Shocks (reorganisation, a squeeze, a "
        "wave of deals) and the discount rate stay as they are."
    )
    yield from ("", f"## Screening {many} factors", "", f"Morris, {TRAJECTORIES} trajectories.", "")
    for found in screened:
        yield from section(found)
    yield from (f"## Measuring the {few} that matter most", "")
    yield (
        "Those with the greatest effect on the two outcomes together, each effect over the largest "
        f"of its outcome: {', '.join(f'`{name}`' for name in sorted(measured[0].table.index))}. "
        f"Saltelli's design with a base of {BASE}; everything else at its default."
    )
    yield ""
    for found in measured:
        yield from section(found)


def _leading(found: Sensitivity) -> Sensitivity:
    return dataclasses.replace(found, table=found.table.head(SHOWN))


def _name(found: Sensitivity) -> str:
    return f"{found.method}-{found.outcome}"


def asked_of(design: Design, place: Path, pool: LocalPool) -> list[Sensitivity]:
    """Make the runs of ``design`` that ``place`` lacks, and return what outcomes depend on."""
    with sweep_progress(sys.stderr) as progress:
        done = sweep(design, place, pool, resume=True, progress=progress)
    if done.status != "complete":
        raise SystemExit(f"interrupted; what was made is kept in {place}: run it again to go on")
    made = Sweep.open(place)
    return [sensitivity_of(made, outcome) for outcome in ASKED]


def draw(found: Sequence[Sensitivity]) -> None:
    """Write the ranked charts as pictures."""
    write_pictures({STUDIES / f"{_name(one)}.png": ranked_chart(_leading(one)) for one in found})


@click.command()
@click.option("--out", default=Path("runs/what-matters"), type=click.Path(path_type=Path),
              show_default=True, help="Where the runs are kept.")  # fmt: skip
@click.option("--workers", default=default_workers(), show_default=True, help="Processes.")
def main(out: Path, workers: int) -> None:
    """Make the study, or what is left of it, and write its page."""
    pool = LocalPool(workers, LOADED)
    screened = asked_of(screening(), out / "screening", pool)
    measured = asked_of(measuring(first(screened)), out / "measuring", pool)
    draw([*screened, *measured])
    write_text(PAGE, "\n".join(page(screened, measured)).rstrip("\n") + "\n")
    click.echo(PAGE)


if __name__ == "__main__":
    main()
