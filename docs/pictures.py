"""Redraw the pictures of README.md from a run directory; needs Chromium on the PATH.

Run it as ``uv run python docs/pictures.py runs/4f0c9e1a2b3d`` after results have changed.
"""

import shutil
import sys
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import Browser, sync_playwright
from results.maps import sharing_map

from results.charts import interval_plot
from results.statistics import summarise
from results.store import open_run

PICTURES = Path(__file__).parent / "pictures"
WIDTH = 1000


def picture(browser: Browser, figure: go.Figure, path: Path) -> None:
    """Write ``figure`` as a PNG of twice `WIDTH` pixels."""
    height = int(figure.layout.height or 600)
    page = browser.new_page(viewport={"width": WIDTH, "height": height}, device_scale_factor=2)
    figure.update_layout(width=WIDTH)
    page.set_content(figure.to_html(config={"displayModeBar": False}))
    page.wait_for_selector(".main-svg")
    page.screenshot(path=path)
    page.close()


def main(directory: Path) -> None:
    """Draw the differences and the map of the comparison in ``directory``."""
    run = open_run(directory)
    PICTURES.mkdir(exist_ok=True)
    differences = interval_plot(summarise(run), run.policies)
    sharing = sharing_map(run)
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        picture(browser, differences, PICTURES / "differences.png")
        if sharing is not None:
            picture(browser, sharing, PICTURES / "sharing.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
