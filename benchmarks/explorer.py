"""Measure in a browser how long the explorer takes from a lever's change to its answers.

Run with `uv run python -m benchmarks.explorer`; it needs Chromium on the PATH. England over fifteen
years; the baseline's runs are in memory, as they are after a moment on the page. A change is a key
pressed on a slider; the first answer is the first card that shows another difference, and the whole
answer that of thirty paired replications. The page's own clock runs from the last key.
"""

import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from playwright.sync_api import Page, expect, sync_playwright

TENDERLAB = Path(sys.executable).with_name("tenderlab")
PATIENCE = 600_000.0
LEVERS = (
    "contract_length_factor",
    "local_delivery",
    "qualification_multiple",
    "prudential_borrowing",
)
REPLICATIONS = 30
WATCH = """() => {
    const cards = () => document.querySelector(".cards").innerText;
    const before = cards();
    let pressed = 0;
    document.addEventListener("keydown", () => { pressed = performance.now(); });
    window.firstAnswer = new Promise((done) => {
        new MutationObserver((_, observer) => {
            if (cards() === before) return;
            observer.disconnect();
            done((performance.now() - pressed) / 1000);
        }).observe(document.querySelector("#said-answer"), { childList: true, subtree: true });
    });
}"""
"""Has the page say in seconds when its cards show another answer."""


@contextmanager
def served() -> Iterator[str]:
    """Yield the address of an explorer of its own."""
    command = [TENDERLAB, "explore", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        try:
            yield found[0] if found else ""
        finally:
            process.terminate()


def changed(page: Page, lever: str, presses: int) -> tuple[float, float]:
    """Move a lever; return seconds to the first answer, and to the whole one."""
    expect(page.locator("#stop")).to_be_disabled()
    page.evaluate(WATCH)
    slider = page.locator(f'.slider[data-lever="{lever}"] input')
    slider.focus()
    for _ in range(presses):
        page.keyboard.press("ArrowRight")
    start = time.perf_counter()
    first = float(page.evaluate("() => window.firstAnswer"))
    whole(page)
    return first, time.perf_counter() - start


def whole(page: Page) -> None:
    """Wait until all paired replications are shown."""
    words = f"{REPLICATIONS} of {REPLICATIONS} paired replications"
    expect(page.locator("#progress-words")).to_contain_text(words)


def told(title: str, values: list[float]) -> str:
    """Return the median and range of ``values``."""
    return (
        f"{title}: {statistics.median(values):.1f} s ({min(values):.1f} to {max(values):.1f}, "
        f"{len(values)} changes)"
    )


@click.command()
@click.option("--rounds", default=1, show_default=True, help="Times that each lever is moved.")
@click.option("--picture", type=click.Path(path_type=Path), help="Write the page as a PNG, too.")
def main(rounds: int, picture: Path | None) -> None:
    """Time changes of four levers, one after the other."""
    expect.set_options(timeout=PATIENCE)
    with served() as address, sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        start = time.perf_counter()
        page.goto(address)
        expect(page.locator(".card").first).to_be_visible()
        click.echo(f"page opened to its first answer: {time.perf_counter() - start:.1f} s")
        whole(page)
        if picture:
            page.screenshot(path=picture)
        times = [changed(page, lever, 3 + turn) for turn in range(rounds) for lever in LEVERS]
        browser.close()
    for lever, (early, late) in zip(LEVERS * rounds, times, strict=True):
        click.echo(f"  {lever}: {early:.1f} s, {late:.1f} s")
    first, all_of_them = (list(each) for each in zip(*times, strict=True))
    click.echo(told("lever to first answer", first))
    click.echo(told(f"lever to {REPLICATIONS} paired replications", all_of_them))


if __name__ == "__main__":
    main()
