"use strict";

(() => {
  const RESTING_MILLISECONDS = 150;
  const LOOK_MILLISECONDS = 120;
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
    let pause;
    slider.addEventListener("input", () => {
      field(lever).value = slider.value;
      clearTimeout(pause);
      pause = setTimeout(async () => {
        await free();
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
    tell(html, place) {
      document.getElementById(place.replace("told-", "said-")).innerHTML = html ?? "";
      showWhetherOld();
    },
    watch(ticket, state, link) {
      if (!ticket) return;
      linked = link;
      const policy = state.question.policies[state.place].name;
      for (const file of document.querySelectorAll(".file")) {
        file.href = `/files/${ticket}/${file.download}?${new URLSearchParams({ policy })}`;
      }
      if (ticket !== watched) follow(ticket);
    },
    showTale(council) {
      if (council) document.querySelector(".tale").scrollIntoView({ block: "nearest" });
    },
    due(shown, view, outcome, views) {
      const same = window.dash_clientside.no_update;
      return views.map((name) => (name === view ? [shown, outcome, Date.now()] : same));
    },
  };

  // How far the answer is: asked for again and again, until it is whole or another is wanted.

  let watched = "";
  let linked = "";

  async function follow(ticket) {
    watched = ticket;
    showWhetherOld();
    for (let seen = 0, over = false; !over && ticket === watched; await resting(LOOK_MILLISECONDS)) {
      const now = await standing(ticket, seen);
      if (ticket !== watched) return;
      over = now.over;
      showProgress(now);
      if (now.due) {
        seen = now.complete ?? seen;
        window.dash_clientside.set_props("shown", { data: { ticket, complete: seen, over } });
      }
    }
  }

  // Figures of the question before stay until the new ones come, and are seen to be old.
  function showWhetherOld() {
    const told = document.querySelector("#said-answer [data-ticket]");
    const old = Boolean(told) && told.dataset.ticket !== watched;
    document.getElementById("said-answer").setAttribute("aria-busy", String(old));
  }

  const resting = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  async function standing(ticket, seen) {
    try {
      const answer = await fetch(`/standing/${ticket}?seen=${seen}`);
      return await answer.json();
    } catch {
      return { words: "The explorer has stopped; start it again", over: true, due: false };
    }
  }

  function showProgress({ words, made, asked, over, stopped }) {
    const bar = document.getElementById("progress");
    if (asked !== undefined) Object.assign(bar, { max: asked, value: made });
    document.getElementById("progress-words").textContent = words;
    const stop = document.getElementById("stop");
    stop.disabled = over && !stopped;
    stop.textContent = stopped ? "Go on" : "Stop";
  }

  async function stopOrGoOn(button) {
    const stopped = button.textContent === "Go on";
    await fetch(`/${stopped ? "resume" : "stop"}/${watched}`, { method: "POST" });
    if (stopped) follow(watched);
  }

  // Buttons that choose what is looked at.

  const picked = {};

  function showPicked(group) {
    const names = [...group.children].map((button) => button.dataset.name);
    const wanted = picked[group.dataset.pick];
    const chosen = names.includes(wanted) ? wanted : group.dataset.usual;
    for (const button of group.children) {
      button.setAttribute("aria-pressed", String(button.dataset.name === chosen));
    }
  }

  function pick(button) {
    const group = button.parentElement;
    picked[group.dataset.pick] = button.dataset.name;
    showPicked(group);
    window.dash_clientside.set_props(group.dataset.pick, { data: button.dataset.name });
  }

  new MutationObserver(() => {
    document.querySelectorAll(".slider:empty").forEach(makeSlider);
    document.querySelectorAll("[data-pick]").forEach(showPicked);
    keepFocus();
  }).observe(document.documentElement, { childList: true, subtree: true });

  // Buttons that change the question: one change at a time, none lost, and the focus stays.

  const CHANGES = 'button[id^="{"]';
  let order = Promise.resolve();
  let held = null;
  let focused = null;

  const isBusy = () => document.getElementById("question")?.classList.contains("busy");

  async function free() {
    while (isBusy()) await resting(20);
  }

  async function pressLater(name) {
    await free();
    document.getElementById(name)?.click();
    await resting(40);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(CHANGES);
    if (!button || !isBusy()) return;
    event.stopImmediatePropagation();
    order = order.then(() => pressLater(button.id));
  }, true);

  // A button that is made anew while it is pressed never hears of its click.

  document.addEventListener("pointerdown", (event) => { held = event.target.closest(CHANGES); });
  document.addEventListener("pointerup", (event) => {
    const again = held && !held.isConnected && document.getElementById(held.id);
    const below = document.elementFromPoint(event.clientX, event.clientY);
    if (again && again.contains(below)) again.click();
    held = null;
  });

  // Nor does it keep the focus, which goes to the one that takes its place, or to the policy in hand.

  document.addEventListener("focusin", (event) => { focused = event.target; });
  document.addEventListener("focusout", (event) => {
    setTimeout(() => {
      if (!event.target.isConnected) return;
      if (focused === event.target) focused = null;
      if (draft?.field === event.target.id) draft = null;
    });
  });

  function keepFocus() {
    if (!focused || focused.isConnected || document.activeElement !== document.body) return;
    const again = document.getElementById(focused.id);
    const usable = again && !again.disabled && again.offsetParent;
    (usable ? again : document.querySelector(".policy.current"))?.focus({ preventScroll: true });
    if (usable && draft?.field === again.id) typeAgain(again, draft.text);
  }

  // What is typed and not taken yet goes over to the field that takes the place of its own.

  let draft = null;

  document.addEventListener("input", (event) => {
    const typed = event.isTrusted && event.target.matches('input[id^="{"]');
    if (typed) draft = { field: event.target.id, text: event.target.value };
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Enter") draft = null; });

  function typeAgain(box, text) {
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

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
    const button = event.target.closest("[data-pick] button");
    if (button) pick(button);
    if (event.target.closest("#copy")) copyLink();
    if (event.target.closest("#stop") && watched) stopOrGoOn(event.target);
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
    const link = new URL(linked, window.location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      told.textContent = "Link copied";
    } catch {
      window.history.replaceState(window.history.state, "", link);
      told.textContent = "Copy the link from the address bar";
    }
    setTimeout(() => { told.textContent = ""; }, 4000);
  }
})();
