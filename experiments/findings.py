"""What validation found, as a table for a terminal and as a page for the documents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.directions import (
    Arm,
    Change,
    Contrast,
    Direction,
    Directions,
    Grid,
)
from experiments.directions_file import read_directions
from experiments.telling import CAVEAT
from experiments.terminal import listing, rendered
from experiments.validate import Effect, Shown, Told, failures
from results.words import MINUS
from simulation.assumptions import CENTRAL
from simulation.levers import STATUS_QUO

HEADINGS = ("row", "claim", "figure", "effect [90% interval]", "unit", "runs", "verdict")
ABLATED = ("mechanism off", "effect then", "verdict then")
FOUND, NOT_FOUND = "found", "not found"
ARROW = "\N{RIGHTWARDS ARROW}"
READING = (
    "Each row is a claim of the evidence on how a lever or a condition moves what is seen. No "
    "lever stands in the formula of an outcome, so what is found follows from what councils and "
    "suppliers do. Replication r of every arm meets the same luck, and assumptions are central but "
    "for what an arm sets. The interval holds 90%, so that either end of it is a one-sided 95% "
    "bound: a direction is found where the whole interval lies on the claimed side of zero. An "
    "interior best is chosen on the first half of the runs; it is found where on the second half "
    "it beats either end of the grid in the same sense.",
    "",
    "The last three columns switch the mechanism behind a direction off. The direction goes away "
    "where surely no more than half of its effect is left (or the part that its row in the file "
    "allows), stays where surely more is left, and is undecided between. Of an interior best it is "
    "what the best of the whole curve is better than one of the ends.",
)


def text(told: Sequence[Told]) -> str:
    """Return the table that a terminal shows."""
    with_ablation = any(one.ablated for one in told)
    headings = (*HEADINGS, *(ABLATED if with_ablation else ()))
    rows = [_row(one, with_ablation) for one in told]
    found = sum(one.found for one in told)
    lines = [rendered(listing(headings, rows)), f"{found} of {len(told)} directions found."]
    return "\n".join(lines)


@dataclass(frozen=True)
class Asked:
    """What a user asked to be validated.

    Attributes:
        file: of directions.
        rows: of the evidence; all where empty.
        seeds: paired runs of each direction; those of the file where None.
        ablation: whether mechanisms are switched off, too.
    """

    file: Path
    rows: tuple[int, ...] = ()
    seeds: int | None = None
    ablation: bool = False

    def directions(self) -> Directions:
        """Return what is claimed.

        Raises:
            InputError: the file, or a row that is asked for, is not a good one.
        """
        read = read_directions(self.file)
        read = read.only(self.rows) if self.rows else read
        return read.with_replications(self.seeds) if self.seeds else read

    @property
    def command(self) -> str:
        """The command that asks it."""
        parts = ["tenderlab validate", str(self.file)]
        parts += [f"--only {','.join(map(str, self.rows))}"] if self.rows else []
        parts += [f"--seeds {self.seeds}"] if self.seeds else []
        return " ".join([*parts, "--ablation"] if self.ablation else parts)


def what_fails(told: Sequence[Told]) -> str:
    """Say in a line which claims do not hold."""
    failed = [f"row {one.direction.row} ({_failure(one)})" for one in failures(told)]
    return f"{len(failed)} of {len(told)} claims do not hold: {', '.join(failed)}"


def _failure(one: Told) -> str:
    return f"{verdict(one)}, {one.direction.title}" if not one.found else "stays when ablated"


def page(asked: Asked, directions: Directions, told: Sequence[Told]) -> str:
    """Return the page for the documents, in Markdown."""
    return "\n".join(
        [
            *_head(asked, directions, told),
            *_overview(told),
            *_grids(told),
            *_details(told),
            *_near(told),
            *_findings(told),
        ]
    )


def document(told: Sequence[Told]) -> list[dict[str, Any]]:
    """Return what was found for JSON; a number that is not defined is None."""
    return [_entry(one) for one in told]


def _entry(one: Told) -> dict[str, Any]:
    direction = one.direction
    return {
        "row": direction.row,
        "title": direction.title,
        "figure": direction.figure.name,
        "unit": direction.figure.unit,
        "runs": direction.seeds,
        "shown": _numbers(one.shown),
        "found": one.found,
        "ablated": _numbers(one.ablated) if one.ablated else None,
        "goes_away": one.gone,
        "finding": direction.finding,
        "near": direction.near,
    }


def _numbers(what: Shown) -> dict[str, Any]:
    if not what.curve:
        return _effect_numbers(what.effect) if what.effect else {}
    curve = what.curve
    margins = [_effect_numbers(margin) for margin in curve.margins]
    return {"values": curve.values, "means": curve.means, "best": curve.at, "margins": margins}


def _effect_numbers(effect: Effect) -> dict[str, Any]:
    numbers = {"mean": effect.mean, "low": effect.low, "high": effect.high}
    defined = {name: None if math.isnan(value) else value for name, value in numbers.items()}
    return {**defined, "pairs": effect.pairs}


# One direction in words


def _row(one: Told, with_ablation: bool) -> list[str]:
    direction = one.direction
    cells = [
        str(direction.row),
        direction.title,
        direction.figure.title,
        shown(one.shown),
        direction.figure.unit,
        str(direction.seeds),
        verdict(one),
    ]
    return cells + (_ablated(one) if with_ablation else [])


def _ablated(one: Told) -> list[str]:
    if not one.ablated or not one.direction.ablation:
        return ["", "", ""]
    return [changed(one.direction.ablation.change), shown(one.ablated), verdict_then(one)]


def verdict(one: Told) -> str:
    """Return whether a direction emerges."""
    return FOUND if one.found else NOT_FOUND


def verdict_then(one: Told) -> str:
    """Return what becomes of a direction whose mechanism is switched off; empty if not run."""
    if one.gone is None:
        return ""
    return one.gone


def shown(what: Shown) -> str:
    """Return an effect with its interval, or a best value with its margins over both ends."""
    if not what.curve:
        return _effect(what.effect) if what.effect else ""
    low, high = what.curve.margins
    ends = f"{_effect(low)} over {what.curve.values[0]:g}, {_effect(high)} over "
    return f"best at {what.curve.at:g}: {ends}{what.curve.values[-1]:g}"


def _effect(effect: Effect) -> str:
    if math.isnan(effect.mean):
        return "not defined"
    if effect.low == effect.high:
        return _signed(effect.mean, effect.mean)
    finest = min(filter(None, map(abs, (effect.mean, effect.high - effect.low))), default=0.0)
    parts = [_signed(value, finest) for value in (effect.mean, effect.low, effect.high)]
    return f"{parts[0]} [{parts[1]}, {parts[2]}]"


def _signed(value: float, finest: float) -> str:
    """Return ``value`` with its sign, with as many decimals as show ``finest`` to two figures."""
    places = max(0, 1 - math.floor(math.log10(abs(finest)))) if finest else 0
    rounded = round(value, places) + 0.0
    sign = "+" if rounded > 0 else MINUS if rounded < 0 else ""
    return f"{sign}{abs(rounded):,.{min(places, 6)}f}"


def compared(direction: Direction) -> str:
    """Return in words what is compared with what."""
    if direction.grid:
        return _grid_words(direction.grid)
    first, *than = map(_contrast_words, direction.contrasts)
    if not than:
        return first
    figures = {one.figure.name for one in direction.contrasts}
    other = f"; figure: {direction.contrasts[1].figure.title}" if len(figures) > 1 else ""
    return f"({first}) less ({than[0]}{other})"


def _grid_words(grid: Grid) -> str:
    values = ", ".join(f"{value:g}" for value in grid.values)
    change = grid.arms[0].change
    kept = Change(*({k: v for k, v in part.items() if k != grid.name} for part in _parts(change)))
    return _joined([f"`{grid.name}` {values}", _years(grid.arms[0]), _kept(kept.values)])


def _parts(change: Change) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return change.levers, change.assumptions


def _contrast_words(contrast: Contrast) -> str:
    one, other = contrast.arm.change.values, contrast.against.change.values
    names = dict.fromkeys([*one, *other])
    moved = [
        f"`{name}` {_value(other.get(name, _default(name)))} {ARROW} "
        f"{_value(one.get(name, _default(name)))}"
        for name in names
        if one.get(name, _default(name)) != other.get(name, _default(name))
    ]
    kept = {name: one[name] for name in names if name in one and other.get(name) == one[name]}
    return _joined([", ".join(moved), _years(contrast.arm), _kept(kept)])


def _kept(values: Mapping[str, Any]) -> str:
    return f"with {_settings(values)}" if values else ""


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}` {_value(value)}" for name, value in values.items())


def changed(change: Change) -> str:
    """Return in words what a change sets."""
    return _settings(change.values)


def _years(arm: Arm) -> str:
    return f"{arm.years} years"


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(part for part in parts if part)


def _default(name: str) -> Any:
    return getattr(STATUS_QUO, name, None) if hasattr(STATUS_QUO, name) else getattr(CENTRAL, name)


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


# The page


def _head(asked: Asked, directions: Directions, told: Sequence[Told]) -> Iterable[str]:
    found, claims = sum(one.found for one in told), len(told)
    tested = [one for one in told if one.gone is not None]
    gone = sum(one.gone == "goes away" for one in tested)
    most = max((one.direction.replications for one in told), default=0)
    yield from (
        "# Directions",
        "",
        f"Made by `uv run {asked.command} --out PAGE`, not to be edited by hand.",
        f"England, up to {most} paired runs of each direction, seed {directions.seed}. {CAVEAT}",
        "",
        *READING,
        "",
        f"{found} of {claims} directions are found. {gone} of {len(tested)} mechanisms that were "
        "switched off took their direction with them.",
        "",
    )


def _overview(told: Sequence[Told]) -> Iterable[str]:
    headings = (*HEADINGS, *ABLATED)
    yield from ("## Effects and ablation", "", _line(headings), _line(["---"] * len(headings)))
    yield from (_line(_row(one, with_ablation=True)) for one in told)
    yield ""


def _grids(told: Sequence[Told]) -> Iterable[str]:
    curved = [(one.direction, one.shown.curve) for one in told if one.shown.curve]
    if not curved:
        return
    yield from ("## Curves", "", "Means over all runs; the best value stands in bold.", "")
    for direction, curve in curved:
        grid = direction.grid
        named = grid.name if grid else ""
        yield from (
            f"Row {direction.row}, {direction.figure.title}, {direction.figure.unit}:",
            "",
            _line([f"`{named}`", *(f"{value:g}" for value in curve.values)]),
            _line(["---"] * (len(curve.values) + 1)),
            _line([direction.figure.title, *_bold(curve.means, curve.best)]),
            "",
        )


def _bold(means: Sequence[float], best: int) -> Iterable[str]:
    for place, mean in enumerate(means):
        yield f"**{mean:.4g}**" if place == best else f"{mean:.4g}"


def _details(told: Sequence[Told]) -> Iterable[str]:
    yield from ("## What is compared", "")
    headings = ("row", "because", "compared", "told beside")
    yield from (_line(headings), _line(["---"] * len(headings)))
    for one in told:
        told_beside = [
            f"{contrast.figure.title} ({contrast.figure.unit}): {_effect(effect)}"
            for contrast, effect in zip(one.direction.beside, one.beside, strict=True)
        ]
        direction = one.direction
        cells = [str(direction.row), direction.because, compared(direction), "; ".join(told_beside)]
        yield _line(cells)
    yield ""


def _near(told: Sequence[Told]) -> Iterable[str]:
    close = [one.direction for one in told if one.direction.near]
    if close:
        yield from ("## Directions that are near to a rule", "")
        yield "They show that a rule reaches the figures; they are no evidence for the rule."
        yield ""
        yield from (f"- Row {one.row}, {one.title}: {one.near}" for one in close)
        yield ""


def _findings(told: Sequence[Told]) -> Iterable[str]:
    missing = [one.direction for one in told if one.direction.finding]
    if missing:
        yield from ("## What does not emerge, and why", "")
        yield from (f"- Row {one.row}, {one.title}: {one.finding}" for one in missing)
        yield ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
