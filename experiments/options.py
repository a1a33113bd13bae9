"""What the command line is made of: kinds of commands and options, and options many have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from simulation.errors import InputError, did_you_mean

type Command = Callable[..., Any]

KEPT_LINES = "\\b\n", "\b\n"
"""A mark in a docstring after which lines are kept, and what click takes for it."""


class Told(click.Command):
    """A command whose help keeps the lines of its examples."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = (self.help or "").replace(*KEPT_LINES)


class Commands(Told, click.Group):
    """A group of commands that offers the nearest name for one that it does not have."""

    command_class = Told

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that ``args`` begin with."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = self.list_commands(ctx)
            hint = did_you_mean(name, known)
            raise click.UsageError(f"no command {name!r}{hint}; known: {', '.join(known)}")
        return super().resolve_command(ctx, args)


class OneOf(click.Choice[str]):
    """A choice that offers the nearest option for one that it does not have."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return what is wrong with ``value``."""
        options = list(map(str, self.choices))
        return f"{value!r} is not one of {', '.join(options)}{did_you_mean(str(value), options)}"


class Whole(click.IntRange):
    """A whole number within bounds, which errors say in words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return ``value`` as a number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            limits = f"from {self.min} to {self.max}"
            self.fail(f"{value!r}: must be a whole number {limits}", param, ctx)


class File(click.Path):
    """The path of a file or directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return ``value`` as a path."""
        if value == "":
            self.fail("must not be empty", param, ctx)
        return super().convert(value, param, ctx)


FILE = File(path_type=Path)


class Share(click.ParamType[tuple[int, int]]):
    """Which share of a whole, and of how many: ``2/3``."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return ``value`` as two numbers."""
        which, slash, many = str(value).partition("/")
        if not (slash and which.isdecimal() and many.isdecimal() and 1 <= int(which) <= int(many)):
            self.fail(f"{value!r}: must be I/N with I from 1 to N, such as 2/3", param, ctx)
        return int(which), int(many)


SHARE = Share()


def _together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")

posing = _together(
    click.option("--years", type=Whole(1, 50), help="Years from April 2006.  [15]"),
    click.option("--seed", type=Whole(0, 2**63 - 1), help="Seed of all luck.  [2006]"),
    click.option(
        "--set",
        "levers",
        multiple=True,
        metavar="LEVER=VALUE",
        help="Set a lever; dated: --set pump_priming_fund=50@3,0@8 (from years 3 and 8).",
    ),
    click.option(
        "--assume",
        "assumed",
        multiple=True,
        metavar="NAME=VALUE|SET",
        help="Hold an assumption at a value, or those of a set: --assume as-history-happened.",
    ),
    click.option(
        "--assumptions",
        "mode",
        type=OneOf(["sampled", "fixed"]),
        help="Draw assumptions from their ranges, or keep their defaults.",
    ),
    click.option("--register", type=FILE, help="CSV file of councils.  [England, 2006-07]"),
)

precise = _together(
    click.option(
        "--precision",
        "widths",
        multiple=True,
        metavar="OUTCOME=WIDTH",
        help="Add replications until the 95% interval of each difference is no wider.",
    ),
    click.option("--most", type=Whole(10, 10_000), help="Replications not exceeded.  [1000]"),
)


def check_most(widths: tuple[str, ...], most: int | None) -> None:
    """Refuse a cap of replications where no width is asked.

    Raises:
        InputError: there is one.
    """
    if most is not None and not widths:
        raise InputError("--most: says how far --precision OUTCOME=WIDTH may go; name a width")


asking = _together(
    posing,
    click.option("--out", type=FILE, help="Run directory.  [runs/<question id>]"),
    as_json,
)
