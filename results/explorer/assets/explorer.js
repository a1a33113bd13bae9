"use strict";

(() => {
  const RESTING_MILLISECONDS = 150;
  window.dash_clientside = window.dash_clientside || {};

  // Sliders: each stands for the field beside it, which may hold more than a slider can show.

  function field(name) {
    return document.getElementById(JSON.stringify({ kind: "lever", name }));
  }

  function makeSlider(place) {
    const { lever, label, low, high, step } = place.dataset;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: low, max: high, step });
    slider.setAttribute("aria-label", label);
    let resting;
    slider.addEventListener("input", () => {
      field(lever).value = slider.value;
      clearTimeout(resting);
      resting = setTimeout(() => {
        window.dash_clientside.set_props({ kind: "lever", name: lever }, { value: slider.value });
      }, RESTING_MILLISECONDS);
    });
    place.append(slider);
    moveSlider(lever, field(lever)?.value);
  }

  function moveSlider(name, text) {
    const slider = document.querySelector(`.slider[data-lever="${name}"] input`);
    const number = Number(text);
    if (slider && String(text ?? "").trim() !== "" && Number.isFinite(number)) {
      slider.value = number;
    }
  }

  window.dash_clientside.explorer = {
    follow(typed, box, usual) {
      const text = String(typed ?? "").trim();
      moveSlider(box.name, text);
      const alike = text === usual || (text !== "" && Number(text) === Number(usual));
      return alike ? "lever" : "lever moved";
    },
    due(shown, view, outcome, views) {
      const same = window.dash_clientside.no_update;
      return views.map((name) => (name === view ? [shown, outcome, Date.now()] : same));
    },
  };

  new MutationObserver(() => {
    document.querySelectorAll(".slider:empty").forEach(makeSlider);
  }).observe(document.documentElement, { childList: true, subtree: true });

  // Tabs as the ARIA practices describe them: arrow keys move, and what they reach is shown.

  function show(tab) {
    for (const other of tab.parentElement.children) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (tab.closest(".right")) {
      window.dash_clientside.set_props("view", { data: tab.id.replace("tab-", "") });
      window.dispatchEvent(new Event("resize"));
    }
  }

  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) show(tab);
    if (event.target.closest("#copy")) copyLink();
  });

  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest("[role=tab]");
    const all = tab ? [...tab.parentElement.children] : [];
    const at = all.indexOf(tab);
    const to = {
      ArrowRight: (at + 1) % all.length,
      ArrowLeft: (at - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (!tab || to === undefined) return;
    event.preventDefault();
    all[to].focus();
    show(all[to]);
  });

  async function copyLink() {
    const told = document.getElementById("copied");
    try {
      await navigator.clipboard.writeText(window.location.href);
      told.textContent = "Link copied";
    } catch {
      told.textContent = "Copy the link from the address bar";
    }
    setTimeout(() => { told.textContent = ""; }, 4000);
  }
})();
