"use strict";
(() => {
  const settings = {
    responsive: true,
    displaylogo: false,
    displayModeBar: "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  };

  // Paper has its own picture of each chart, drawn to the width of a page.
  async function onPaper(chart, figure) {
    const width = 1000;
    const height = figure.layout.height;
    const picture = document.createElement("img");
    picture.className = "on-paper";
    picture.alt = chart.getAttribute("aria-label");
    picture.src = await Plotly.toImage(
      { data: figure.data, layout: { ...figure.layout, width, height } },
      { format: "svg", width, height },
    );
    chart.after(picture);
    await picture.decode();
  }

  async function draw() {
    for (const chart of document.querySelectorAll(".chart")) {
      const figure = JSON.parse(document.getElementById(chart.dataset.figure).textContent);
      await Plotly.newPlot(chart, structuredClone(figure.data), structuredClone(figure.layout), settings);
      await onPaper(chart, figure);
    }
    document.documentElement.dataset.drawn = "yes";
  }

  draw();
})();
