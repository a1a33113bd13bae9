"""Draw what three levers do to the long-run cost to the public; needs a browser as pictures do.

Run it as ``uv run python docs/curves.py`` after a change of the market's rules. It writes
``docs/curves.md`` and its pictures.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import plotly.graph_objects as go

from benchmarks.arms import run_arms
from experiments.executors import default_workers
from experiments.terminal import progress
from results.charts import BASELINE, INK, PALETTE, TEMPLATE, faded, write_pictures
from results.intervals import t_interval
from results.store import write_text
from simulation.horizon import FloatArray
from simulation.levers import Levers
from simulation.parameters import parameters

DOCS = Path(__file__).parent
SAVING = "net_public_saving_share"
HEIGHT = 460
RANGE = (0.1, 0.9)


class Sweep(NamedTuple):
    """A lever moved over a grid, and what is set beside it at every point."""

    lever: str
    grid: tuple[float, ...]
    beside: Mapping[str, Any] = {}

    def arms(self) -> list[Mapping[str, Any]]:
        """Return the levers of every point."""
        return [{**self.beside, self.lever: value} for value in self.grid]

    @property
    def condition(self) -> str:
        """What is set beside the lever, in words."""
        return ", ".join(f"`{name}` {value:g}" for name, value in self.beside.items())


SWEEPS = (
    Sweep("risk_transfer", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
    Sweep(
        "aggregation_threshold",
        (0.0, 0.3, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0),
        {"aggregation_mandate": 1.0, "max_partners": 40},
    ),
    Sweep("contract_length_factor", (0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5)),
)


class Curve(NamedTuple):
    """Cost over a grid; ``best`` is the place of the least mean on the first half of the seeds.

    Attributes:
        sweep: the lever and its grid.
        cost: % of counterfactual, of shape (grid, seeds).
        best: place in the grid.
    """

    sweep: Sweep
    cost: FloatArray
    best: int

    @property
    def interior(self) -> bool:
        """Whether both ends cost more than the best, surely, on the second half of the seeds."""
        ends = (0, len(self.sweep.grid) - 1)
        return self.best not in ends and all(self.difference(place)[1] > 0 for place in ends)

    def difference(self, place: int) -> tuple[float, float, float]:
        """Return cost at ``place`` less cost at the best, with its 95% interval.

        It is taken over the seeds on which the best was not chosen, in pairs of one seed.
        """
        half = self.cost.shape[1] // 2
        paired = (self.cost[place] - self.cost[self.best])[half:]
        return float(paired.mean()), *t_interval(paired)


def curve(sweep: Sweep, cost: FloatArray) -> Curve:
    """Return the curve whose best point is chosen on the first half of the seeds."""
    chosen = cost[:, : cost.shape[1] // 2].mean(axis=1)
    return Curve(sweep, cost, int(np.argmin(chosen)))


def curves(seeds: int, years: int, workers: int) -> list[Curve]:
    """Make the runs of every sweep on the same seeds, and return the curves."""
    arms = [arm for sweep in SWEEPS for arm in sweep.arms()]
    with progress(sys.stderr) as tell:
        saving = run_arms(arms, range(seeds), [SAVING], years=years, workers=workers, tell=tell)
    ends = np.cumsum([len(sweep.grid) for sweep in SWEEPS])
    parts = np.split(100.0 - saving[:, :, 0], ends[:-1])
    return [curve(sweep, cost) for sweep, cost in zip(SWEEPS, parts, strict=True)]


# The pictures


def figure(one: Curve) -> go.Figure:
    """Draw a curve: mean, interval of the difference to the best, and range over seeds."""
    mean, grid = one.cost.mean(axis=1), list(one.sweep.grid)
    low, high = np.quantile(one.cost, RANGE, axis=1)
    near, far = zip(*(one.difference(place)[1:] for place in range(len(grid))), strict=True)
    best, colour = mean[one.best], PALETTE[0]
    drawn = go.Figure([
        _band(grid, low, high, faded(colour, 0.12), "10 to 90% of runs"),
        _band(grid, best + np.array(near), best + np.array(far), faded(colour, 0.35),
              "95% interval of the difference to the best"),
        go.Scatter(x=grid, y=mean, mode="lines+markers", name="mean", line={"color": colour}),
        go.Scatter(x=[grid[one.best]], y=[best], mode="markers", name="best",
                   marker={"color": INK, "size": 13, "symbol": "diamond"}),
    ])  # fmt: skip
    usual = parameters(Levers)[one.sweep.lever].default
    drawn.add_vline(x=usual, line={"color": BASELINE, "dash": "dot"}, annotation_text="status quo")
    return drawn.update_layout(
        template=TEMPLATE,
        height=HEIGHT,
        margin={"t": 30, "b": 90, "l": 80, "r": 50},
        xaxis={"title": _axis(one.sweep.lever)},
        yaxis={"title": "net cost to the public, % of counterfactual"},
        legend={"orientation": "h", "y": 1.1},
    )


def _band(
    grid: Sequence[float], low: FloatArray, high: FloatArray, colour: str, name: str
) -> go.Scatter:
    return go.Scatter(
        x=[*grid, *grid[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        mode="lines",
        name=name,
    )


def _axis(lever: str) -> str:
    unit = parameters(Levers)[lever].unit
    return f"{lever}, {unit}" if unit else lever


def draw(found: Sequence[Curve], folder: Path) -> None:
    """Write a picture of each curve into ``folder``."""
    write_pictures({folder / _file(one.sweep): figure(one) for one in found})


def _file(sweep: Sweep) -> str:
    return f"curve-{sweep.lever.replace('_', '-')}.png"


# The page


def page(found: Sequence[Curve], seeds: int, years: int) -> str:
    """Return the curves as a page of the documents, in Markdown."""
    half = seeds // 2
    head = (
        "# Three levers and the long-run cost to the public\n\n"
        f"Made by `uv run python docs/curves.py --seeds {seeds}`, not to be edited by hand. These "
        "are results of a simulation, not a prediction.\n\n"
        "Net cost is everything that councils and the Exchequer spend on the services over "
        f"{years} years, discounted, in % of what they would cost in house. Every point has the "
        f"same {seeds} seeds, at central assumptions. The best point is chosen on the first "
        f"{half} seeds; the difference to it, in points, is measured in pairs on the other "
        f"{seeds - half}. The best is interior where both ends of the range surely cost more."
    )
    return "\n\n".join([head, *map(_section, found)]) + "\n"


def _section(one: Curve) -> str:
    sweep = one.sweep
    verdict = "interior" if one.interior else "not shown to be interior"
    beside = f" With {sweep.condition}." if sweep.beside else ""
    return "\n\n".join([
        f"## {sweep.lever}",
        f"{parameters(Levers)[sweep.lever].meaning.capitalize()}.{beside} Best at "
        f"{sweep.grid[one.best]:g}: {verdict}.",
        f"![Net cost to the public against {sweep.lever}](pictures/{_file(sweep)})",
        "\n".join(_table(one)),
    ])  # fmt: skip


def _table(one: Curve) -> Iterator[str]:
    headings = (_axis(one.sweep.lever), "net cost, %", "above the best, points", "95% interval")
    yield f"| {' | '.join(headings)} |"
    yield "|---|---|---|---|"
    for place, value in enumerate(one.sweep.grid):
        mean = one.cost[place].mean()
        difference, low, high = one.difference(place)
        told = f"{difference:+.2f} | {low:+.2f} to {high:+.2f}"
        yield f"| {value:g} | {mean:.2f} | {'best | ' if place == one.best else told} |"


@click.command()
@click.option("--seeds", type=click.IntRange(4), default=60, show_default=True, help="Seeds.")
@click.option("--years", type=click.IntRange(1, 50), default=15, show_default=True, help="Horizon.")
@click.option("--workers", type=click.IntRange(1, 256), default=default_workers, help="Processes.")
@click.option("--out", type=click.Path(path_type=Path), default=DOCS, help="Folder of the page.")
def main(seeds: int, years: int, workers: int, out: Path) -> None:
    """Run the sweeps, and write the page and its pictures."""
    found = curves(seeds, years, workers)
    draw(found, out / "pictures")
    write_text(out / "curves.md", page(found, seeds, years))
    click.echo(out / "curves.md")


if __name__ == "__main__":
    main()
