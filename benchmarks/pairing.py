"""Measure what pairing is worth: how much wider a difference is between runs of unlike luck.

Run with `uv run python -m benchmarks.pairing`. For each change of a policy and each headline
outcome it takes the variance of the difference from the status quo between runs of different seeds
over that between runs of one seed, with a bootstrap interval. Assumptions are central, so that all
that varies is luck.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from benchmarks.arms import Levers, run_arms
from experiments.catalogue import find_policy
from experiments.executors import default_workers
from experiments.terminal import progress
from results.store import write_text
from simulation.horizon import FloatArray
from simulation.outcomes import HEADLINE, OUTCOMES
from simulation.randomness import Draws

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "pairing.md"
RESAMPLES = 9_999
AT_ONCE = 333
"""Bootstrap samples that are drawn together."""
TAILS = (0.025, 0.975)
SMALL: dict[str, Levers] = {
    "qualification_multiple 2 to 2.5": {"qualification_multiple": 2.5},
    "risk_transfer 0.6 to 0.55": {"risk_transfer": 0.55},
    "local_delivery 0.5 to 0.6": {"local_delivery": 0.6},
}
LARGE: dict[str, Levers] = {
    "forced aggregation": find_policy("forced-aggregation").policy.as_levers(),
    "risk by control": {"risk_allocation": "by_control"},
}


class Gain(NamedTuple):
    """Variance of an unpaired over that of a paired difference, with its 95% interval."""

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        if not np.isfinite(self.ratio):
            return "identical"
        high = f"{self.high:,.1f}" if np.isfinite(self.high) else "no limit"
        return f"{self.ratio:,.1f} [{self.low:,.1f}, {high}]"


def gain(changed: FloatArray, same: FloatArray, other: FloatArray, seed: int = 1) -> Gain:
    """Return what pairing is worth.

    Args:
        changed: an outcome under the change, one value a seed.
        same: the outcome without the change on the same seeds.
        other: the outcome without the change on other seeds.
        seed: of the bootstrap, which draws seeds with replacement.
    """
    paired, unpaired = changed - same, changed - other
    if np.ptp(paired) == 0:
        return Gain(np.inf, np.inf, np.inf)
    ratios = np.concatenate(list(_resampled(paired, unpaired, seed)))
    low, high = np.quantile(ratios, TAILS, method="inverted_cdf")
    return Gain(float(unpaired.var() / paired.var()), float(low), float(high))


def _resampled(paired: FloatArray, unpaired: FloatArray, seed: int) -> Iterator[FloatArray]:
    """Yield ratios of variances in bootstrap samples, `AT_ONCE` of them at a time."""
    count, draws = len(paired), Draws(seed)
    for first in range(0, RESAMPLES, AT_ONCE):
        sample = np.arange(first, first + AT_ONCE)[:, None]
        drawn = draws.uniform("bootstrap", sample, np.arange(count)[None, :])
        picks = (drawn * count).astype(np.int64)
        within = paired[picks].var(axis=1)
        yield np.divide(
            unpaired[picks].var(axis=1), within, out=np.full(len(picks), np.inf), where=within > 0
        )


def gains(status_quo: FloatArray, changed: FloatArray) -> list[list[Gain]]:
    """Return the gain of each change and headline outcome.

    Args:
        status_quo: outcomes of shape (seeds, outcomes), on twice as many seeds as there are pairs.
        changed: outcomes of shape (changes, pairs, outcomes), on the first half of these seeds.
    """
    pairs = changed.shape[1]
    same, other = status_quo[:pairs], status_quo[pairs:]
    return [
        [gain(arm[:, k], same[:, k], other[:, k], k) for k in range(len(HEADLINE))]
        for arm in changed
    ]


def median(found: Sequence[Gain]) -> float:
    """Return the median ratio over outcomes, those that are identical in every pair left out."""
    known = [one.ratio for one in found if np.isfinite(one.ratio)]
    return float(np.median(known)) if known else np.inf


def page(found: Sequence[Sequence[Gain]], pairs: int, years: int = 15) -> str:
    """Return the gains as a page of the documents, in Markdown."""
    names = [*SMALL, *LARGE]
    typical = np.median([median(each) for each in found[: len(SMALL)]])
    lines = [
        "# What pairing is worth",
        "",
        f"Made by `uv run python -m benchmarks.pairing --pairs {pairs}`, not to be edited by hand. "
        "These are results of a simulation, not a prediction.",
        "",
        "Replication r of two policies meets the same elections, shocks and luck, so that what "
        "they have in common cancels in the difference. The table holds the variance of a "
        "difference between runs of different seeds over that between runs of the same seed, with "
        "its 95% "
        f"bootstrap interval, from {pairs} pairs of England over {years} years at central "
        "assumptions. A ratio of 10 means that an unpaired comparison needs ten times as many "
        "runs. *Identical* is an outcome that the change leaves as it is in every pair.",
        "",
        f"| outcome | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for k, name in enumerate(HEADLINE):
        cells = [str(each[k]) for each in found]
        lines.append(f"| {OUTCOMES[name].title} | {' | '.join(cells)} |")
    medians = [f"{median(each):,.1f}" for each in found]
    lines.append(f"| **median** | {' | '.join(medians)} |")
    lines += [
        "",
        f"The first {len(SMALL)} changes are small, the others large. The middle one of the "
        f"medians of the small changes is {typical:,.1f}. A large change sends more councils down "
        "another path and leaves fewer decisions in common.",
        "",
    ]
    return "\n".join(lines)


def measure(pairs: int, workers: int, years: int = 15) -> list[list[Gain]]:
    """Make the runs and return the gain of each change and outcome."""
    with progress(sys.stderr) as tell:
        status_quo = run_arms(
            [{}], range(2 * pairs), HEADLINE, years=years, workers=workers, tell=tell
        )
        changed = run_arms(
            [*SMALL.values(), *LARGE.values()], range(pairs), HEADLINE,
            years=years, workers=workers, tell=tell,
        )  # fmt: skip
    return gains(status_quo[0], changed)


@click.command()
@click.option("--pairs", type=click.IntRange(3), default=100, show_default=True, help="Pairs.")
@click.option("--years", type=click.IntRange(1, 50), default=15, show_default=True, help="Horizon.")
@click.option("--workers", type=click.IntRange(1, 256), default=default_workers, help="Processes.")
@click.option("--out", type=click.Path(path_type=Path), default=PAGE, help="The page to write.")
def main(pairs: int, years: int, workers: int, out: Path) -> None:
    """Print what pairing is worth, and write it to a page of the documents."""
    told = page(measure(pairs, workers, years), pairs, years)
    write_text(out, told)
    click.echo(told)


if __name__ == "__main__":
    main()
