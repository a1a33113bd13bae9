"""Charts as pictures: PNG, SVG and PDF, drawn by a browser that is on the machine.

Kaleido drives it. Plotly's script is the one that is installed, and nothing is asked of a network.
"""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from results.store import write_bytes
from simulation.errors import InputError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Programs that can draw, the first found on the PATH is taken."""
FORMATS = ("png", "svg", "pdf")
WIDTH = 1000
HEIGHT = 600
"""Pixels of a chart that has no height of its own."""
SHARPNESS = 2
"""Pixels of a PNG for each pixel of a chart, so that it is sharp on paper and projector."""
PATIENCE = 180.0
"""Seconds that a browser may take over one picture."""


def write_picture(figure: go.Figure, path: Path, width: int = WIDTH) -> None:
    """Write ``figure`` to ``path``, whole or not at all: PNG, SVG or PDF by the path's ending.

    It is ``width`` pixels wide, and as high as the figure says; a PNG has twice as many.

    Raises:
        InputError: the ending is another, there is no browser, or it fails.
    """
    write_pictures({path: figure}, width)


def write_pictures(figures: Mapping[Path, go.Figure], width: int = WIDTH) -> None:
    """Write each figure to its path, as `write_picture` does, with one browser for all.

    Raises:
        InputError: an ending is none of ``FORMATS``, there is no browser, or it fails.
    """
    drawn = pictures(list(figures.values()), [_format(path) for path in figures], width)
    for path, content in zip(figures, drawn, strict=True):
        write_bytes(path, content)


def picture(figure: go.Figure, form: str = "png", width: int = WIDTH) -> bytes:
    """Return ``figure`` as a picture; ``form`` is one of ``FORMATS``.

    Raises:
        InputError: there is no browser, or it fails.
    """
    return pictures([figure], [form], width)[0]


def pictures(figures: Sequence[go.Figure], forms: Sequence[str], width: int = WIDTH) -> list[bytes]:
    """Return figures as pictures, each in its format, drawn by one browser.

    Raises:
        InputError: there is no browser, or it fails.
    """
    if not figures:
        return []
    from choreographer.errors import DevtoolsProtocolError
    from kaleido.errors import KaleidoError

    options = [_options(*each, width) for each in zip(figures, forms, strict=True)]
    path = browser()
    try:
        # a notebook has a loop of its own, so this one gets a thread
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _drawn(figures, options, path)).result()
    except (RuntimeError, OSError, DevtoolsProtocolError, KaleidoError) as error:
        raise InputError(f"{path}: the browser could not draw: {_reason(error)}") from None


def browser() -> str:
    """Return where a browser is that can draw.

    Raises:
        InputError: there is none; says what to install.
    """
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    raise InputError(
        f"no browser to draw pictures with: none of {', '.join(BROWSERS)} is on the PATH; install "
        "Chromium or Google Chrome (on Debian or Ubuntu: apt-get install chromium), or export as "
        "html or csv, which need none"
    )


async def _drawn(
    figures: Sequence[go.Figure], options: Sequence[Mapping[str, Any]], path: str
) -> list[bytes]:
    from kaleido import Kaleido

    async with Kaleido(path=path, mathjax=False, timeout=PATIENCE) as drawer:
        return [
            await drawer.calc_fig(figure, each)
            for figure, each in zip(figures, options, strict=True)
        ]


def _options(figure: go.Figure, form: str, width: int) -> dict[str, Any]:
    return {
        "format": form,
        "width": width,
        "height": int(figure.layout.height or HEIGHT),
        "scale": SHARPNESS if form == "png" else 1,
    }


def _format(path: Path) -> str:
    form = path.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        raise InputError(f"{path}: a picture ends in .{', .'.join(FORMATS)}")
    return form


def _reason(error: BaseException) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
