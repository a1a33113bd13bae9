"use strict";

(() => {
  const RESTING_MILLISECONDS = 120;
  const LOOK_MILLISECONDS = 100;
  const MOST_PAST = 100;
  const NEAR_PIXELS = 8;
  const CHANGES = 'button[id^="{"]';
  const FIELD = '#question input[id^="{"]';
  const STOPPED = "The explorer has stopped; start it again";
  const UNKNOWN = "The explorer cannot make anything of this change; reload the page";
  const dash = (window.dash_clientside = window.dash_clientside || {});

  const element = (name) => document.getElementById(name);
  const resting = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  // The question: this page keeps it as a link. Changes go to the server one at a time, in the order
  // in which they were made; those of fields that wait are taken together.

  const asked = { link: "", ticket: "" };
  const past = [];
  const unsent = new Map();
  let order = Promise.resolve();
  let fieldsWait = false;
  let address = window.location.search;

  function change(what) {
    order = order.then(() => ask(what));
  }

  function undo() {
    order = order.then(() => ask({ to: past.at(-1) ?? asked.link, way: "undo" }));
  }

  function changeFields() {
    if (fieldsWait) return;
    fieldsWait = true;
    order = order.then(() => {
      fieldsWait = false;
      return ask({});
    });
  }

  async function ask({ pressed = null, to = null, way = "on" }) {
    const typed = asked.ticket && to === null ? fields() : null;
    const answer = await posted({ ...asked, typed, pressed, to });
    element("message").innerHTML = answer.message;
    document.querySelectorAll("[aria-invalid]").forEach((box) => box.removeAttribute("aria-invalid"));
    if (answer.link !== undefined) take(answer, way);
    if (answer.message && typed && !pressed) element(lastField)?.setAttribute("aria-invalid", "true");
  }

  async function posted(document) {
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch("/ask", { method: "POST", headers, body: JSON.stringify(document) });
      return answer.ok ? await answer.json() : { message: `<p>${UNKNOWN}</p>` };
    } catch {
      return { message: `<p>${STOPPED}</p>` };
    }
  }

  function fields() {
    const typed = { levers: {}, assumptions: {}, setting: {} };
    const kinds = { lever: "levers", assumption: "assumptions", setting: "setting" };
    for (const box of document.querySelectorAll(FIELD)) {
      const { kind, name } = JSON.parse(box.id);
      typed[kinds[kind]][name] = box.defaultValue;
    }
    unsent.clear();
    return typed;
  }

  function take({ link, ticket, policy, policies, panels }, way) {
    Object.entries(panels).forEach(([name, html]) => draw(name, html));
    if (link !== asked.link && asked.link) remember(link, way);
    const other = ticket !== asked.ticket;
    Object.assign(asked, { link, ticket });
    for (const file of document.querySelectorAll(".file")) {
      file.href = `/files/${ticket}/${file.download}?${new URLSearchParams({ policy })}`;
    }
    dash.set_props("asked", { data: { policy, policies } });
    if (!other) return;
    dash.set_props("ticket", { data: ticket });
    watch(ticket);
  }

  function remember(link, way) {
    if (way === "undo") past.pop();
    else past.push(asked.link);
    past.splice(0, past.length - MOST_PAST);
    if (way !== "back") {
      window.history.pushState(null, "", link);
      address = window.location.search;
    }
    element("undo").disabled = past.length === 0;
    if (element("undo").disabled && focused === element("undo")) focusPolicy();
  }

  window.addEventListener("popstate", () => {
    if (window.location.search === address) return;
    address = window.location.search;
    change({ to: address, way: "back" });
  });

  // Parts of the question are drawn anew around whoever uses them: the focus stays, and what is typed
  // and not taken yet.

  let drawing = false;
  let focused = null;

  function draw(name, html) {
    const place = element(name);
    const held = place.contains(document.activeElement) ? document.activeElement : null;
    const open = [...place.querySelectorAll("details.group")].map((one) => one.open);
    drawing = true;
    place.innerHTML = html;
    drawing = false;
    place.querySelectorAll("details.group").forEach((one, at) => { one.open ||= open[at]; });
    place.querySelectorAll("[data-pick]").forEach(showPicked);
    unsent.forEach((text, name) => { if (place.contains(element(name))) enter(element(name), text); });
    if (held) focusAgain(held);
  }

  function focusAgain(held) {
    const again = element(held.id);
    if (!again || again.disabled || !again.offsetParent) {
      focusPolicy();
      return;
    }
    const typing = held.matches("input[type=text]") && held.value !== held.defaultValue;
    if (typing) again.value = held.value;
    again.focus({ preventScroll: true });
    if (typing) again.setSelectionRange(held.selectionStart, held.selectionEnd);
  }

  function focusPolicy() {
    document.querySelector(".policy.current")?.focus({ preventScroll: true });
  }

  document.addEventListener("focusin", (event) => { focused = event.target; });

  // Fields: what is typed is taken when Enter is pressed or the field is left. What is taken of a
  // field is its default value.

  let lastField = "";

  function commit(box) {
    if (box.value === box.defaultValue) return;
    enter(box, box.value);
    unsent.set(box.id, box.value);
    lastField = box.id;
    changeFields();
  }

  function enter(box, text) {
    box.value = text;
    box.defaultValue = text;
    follow(box);
  }

  // Mark what is moved, and let a slider follow its field, which may hold more than it can show.
  function follow(box) {
    const about = box.closest("[data-usual]");
    if (!about) return;
    const text = box.value.trim();
    const { usual } = about.dataset;
    const alike = text === usual || (text !== "" && usual !== "" && Number(text) === Number(usual));
    about.classList.toggle("moved", !alike);
    const slider = about.querySelector("input[type=range]");
    if (slider && text !== "" && Number.isFinite(Number(text))) slider.value = text;
  }

  document.addEventListener("focusout", (event) => {
    if (!drawing && event.target.matches(FIELD)) commit(event.target);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(FIELD)) commit(event.target);
  });

  const pauses = {};

  document.addEventListener("input", (event) => {
    const place = event.target.closest(".slider");
    if (!place) return;
    const { lever } = place.dataset;
    const text = event.target.value;
    const box = () => element(JSON.stringify({ kind: "lever", name: lever }));
    box().value = text;
    clearTimeout(pauses[lever]);
    pauses[lever] = setTimeout(() => {
      box().value = text;
      commit(box());
    }, RESTING_MILLISECONDS);
  });

  // A button that is made anew while it is pressed never hears of its click, and may have been moved
  // from below the pointer.

  let press = null;

  document.addEventListener("pointerdown", ({ target, clientX: x, clientY: y }) => {
    const button = target.closest(CHANGES);
    press = button && { button, x, y };
  });
  document.addEventListener("pointerup", ({ clientX, clientY }) => {
    if (!press) return;
    const { button, x, y } = press;
    press = null;
    const near = Math.hypot(clientX - x, clientY - y) < NEAR_PIXELS;
    if (near && !button.isConnected) element(button.id)?.click();
  });

  // How far the answer is: asked for again and again, until it is whole or another is wanted.

  let watched = "";

  async function watch(ticket) {
    watched = ticket;
    showWhetherOld();
    for (let seen = 0, over = false; !over && ticket === watched; await resting(LOOK_MILLISECONDS)) {
      const now = await standing(ticket, seen);
      if (ticket !== watched) return;
      over = now.over;
      showProgress(now);
      if (now.due) {
        seen = now.complete;
        element("said-answer").innerHTML = now.answer;
        showWhetherOld();
        dash.set_props("shown", { data: { ticket, complete: seen, over } });
      }
    }
  }

  async function standing(ticket, seen) {
    try {
      const answer = await fetch(`/standing/${ticket}?seen=${seen}`);
      return await answer.json();
    } catch {
      return { words: STOPPED, over: true, due: false };
    }
  }

  // Figures of the question before stay until the new ones come, and are seen to be old.
  function showWhetherOld() {
    const told = document.querySelector("#said-answer [data-ticket]");
    const old = Boolean(told) && told.dataset.ticket !== watched;
    element("said-answer").setAttribute("aria-busy", String(old));
  }

  function showProgress({ words, made, asked: wanted, over, stopped }) {
    if (wanted !== undefined) Object.assign(element("progress"), { max: wanted, value: made });
    element("progress-words").textContent = words;
    element("stop").disabled = over && !stopped;
    element("stop").textContent = stopped ? "Go on" : "Stop";
  }

  async function stopOrGoOn(button) {
    const stopped = button.textContent === "Go on";
    await fetch(`/${stopped ? "resume" : "stop"}/${watched}`, { method: "POST" });
    if (stopped) watch(watched);
  }

  // What Dash draws: the view in front, and a council's story.

  dash.explorer = {
    tell(html, place) {
      element(place.replace("told-", "said-")).innerHTML = html ?? "";
    },
    showTale(council) {
      if (council) document.querySelector(".tale").scrollIntoView({ block: "nearest" });
    },
    due(shown, view, outcome, views) {
      return views.map((name) => (name === view ? [shown, outcome, Date.now()] : dash.no_update));
    },
  };

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
    dash.set_props(group.dataset.pick, { data: button.dataset.name });
  }

  // Tabs as the ARIA practices describe them: arrow keys move, and what they reach is shown.

  function show(tab) {
    for (const other of tab.parentElement.children) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      element(other.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (tab.closest(".right")) {
      dash.set_props("view", { data: tab.id.replace("tab-", "") });
      window.dispatchEvent(new Event("resize"));
    }
  }

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

  // What a click does.

  const CLICKS = {
    [CHANGES]: (button) => change({ pressed: JSON.parse(button.id) }),
    "#undo": undo,
    "#reset": () => change({ to: "" }),
    "#copy": copyLink,
    "#stop": (button) => watched && stopOrGoOn(button),
    "#tell-again": () => dash.set_props("again", { data: Date.now() }),
    "[data-pick] button": pick,
    "[role=tab]": show,
  };

  document.addEventListener("click", (event) => {
    for (const [which, act] of Object.entries(CLICKS)) {
      const button = event.target.closest(which);
      if (button) act(button);
    }
  });

  async function copyLink() {
    const told = element("copied");
    const link = new URL(asked.link, window.location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      told.textContent = "Link copied";
    } catch {
      window.history.replaceState(window.history.state, "", link);
      address = window.location.search;
      told.textContent = "Copy the link from the address bar";
    }
    setTimeout(() => { told.textContent = ""; }, 4000);
  }

  // The page begins once Dash has laid it out.

  new MutationObserver((_, observer) => {
    if (!element("question")) return;
    observer.disconnect();
    change({ to: address });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
