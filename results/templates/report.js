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
    chart.closest("figure").querySelector(".undrawn").remove();
  }

  // Plotly's script comes packed, at a third of its length.
  async function unpack() {
    const packed = atob(document.getElementById("plotly").textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script);
  }

  async function draw() {
    await unpack();
    for (const chart of document.querySelectorAll(".chart")) {
      const figure = JSON.parse(document.getElementById(chart.dataset.figure).textContent);
      await Plotly.newPlot(chart, structuredClone(figure.data), structuredClone(figure.layout), settings);
      await onPaper(chart, figure);
    }
    document.documentElement.dataset.drawn = "yes";
  }

  // Paper shows what the screen keeps behind a line that opens it.
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const hidden of document.querySelectorAll("details:not([open], .on-screen)")) {
      hidden.open = true;
      opened.push(hidden);
    }
  });
  addEventListener("afterprint", () => {
    for (const hidden of opened.splice(0)) hidden.open = false;
  });

  draw();
})();
