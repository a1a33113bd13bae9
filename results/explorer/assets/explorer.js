"use strict";

(() => {
  const RESTING_MILLISECONDS = 120;
  const LOOK_MILLISECONDS = 100;
  const AWAY_MILLISECONDS = 2000;
  const NEAR_PIXELS = 8;
  const CHANGES = 'button[id^="{"]';
  const FIELD = '#question input[id^="{"]';
  const STOPPED = "The explorer has stopped; start it again";
  const UNKNOWN = "The explorer cannot make anything of this change; reload the page";
  const dash = (window.dash_clientside = window.dash_clientside || {});

  const element = (name) => document.getElementById(name);
  const resting = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  // The question: this page keeps it as a link. Changes go to the server one at a time, in the order
  // in which they were made; what is entered in fields meanwhile goes with the next.

  const asked = { link: "", ticket: "" };
  const entered = new Map();
  let order = Promise.resolve();
  let fieldsWait = false;
  let policyInHand = "";

  function later(act) {
    order = order.then(act).catch((error) => {
      say(`<p>${UNKNOWN}</p>`);
      console.error(error);
    });
  }

  function change(what) {
    takeSliders();
    later(() => ask(what));
  }

  function changeFields() {
    if (fieldsWait) return;
    fieldsWait = true;
    later(() => {
      fieldsWait = false;
      return ask({});
    });
  }

  async function ask({ pressed = null, to = null, pushed = true }) {
    const sent = to === null ? new Map(entered) : new Map();
    const answer = await posted({ ...asked, typed: fields(sent), pressed, to });
    say(answer.message);
    if (answer.failed) return;
    sent.forEach((text, name) => { if (entered.get(name) === text) entered.delete(name); });
    const refused = answer.link === undefined;
    sent.forEach((_, name) => mark(element(name), refused));
    if (!refused) take(answer, pushed);
    showWhetherUndo();
  }

  async function posted(document) {
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch("/ask", { method: "POST", headers, body: JSON.stringify(document) });
      return answer.ok ? await answer.json() : { failed: true, message: `<p>${UNKNOWN}</p>` };
    } catch {
      return { failed: true, message: `<p>${STOPPED}</p>` };
    }
  }

  function fields(sent) {
    const typed = { levers: {}, assumptions: {}, setting: {} };
    const kinds = { lever: "levers", assumption: "assumptions", setting: "setting" };
    sent.forEach((text, name) => {
      const about = JSON.parse(name);
      typed[kinds[about.kind]][about.name] = text;
    });
    return typed;
  }

  function say(message) {
    element("message").innerHTML = message;
  }

  function mark(box, refused) {
    if (refused) box?.setAttribute("aria-invalid", "true");
    else box?.removeAttribute("aria-invalid");
  }

  function take({ link, ticket, policy, policies, panels }, pushed) {
    Object.entries(panels).forEach(([name, html]) => draw(name, html));
    setAddress(link, pushed);
    const [other, turned] = [ticket !== asked.ticket, policy !== policyInHand];
    Object.assign(asked, { link, ticket });
    policyInHand = policy;
    dash.set_props("asked", { data: { policy, policies } });
    if (other) {
      answered = false;
      dash.set_props("ticket", { data: ticket });
      watch(ticket);
    } else if (turned && !picked.teller) {
      tellAgain();
    }
    offerFiles();
  }

  // Files of the answer can be had once there is one, those of the question at once.

  let answered = false;

  function offerFiles() {
    const query = new URLSearchParams({ policy: policyInHand });
    for (const file of document.querySelectorAll(".file")) {
      if (answered || !file.classList.contains("of-answer")) {
        file.href = `/files/${asked.ticket}/${file.download}?${query}`;
      } else file.removeAttribute("href");
    }
  }

  // Every question has its place in the browser's history, and to undo is to go back there. The first
  // may stand there without a link.

  let address = window.location.search;
  let firstLink = null;
  let undone = null;

  const steps = () => window.history.state?.step ?? 0;

  function setAddress(link, pushed) {
    const there = window.location.search;
    firstLink ??= link;
    if (pushed && asked.link && link !== asked.link) {
      window.history.pushState({ step: steps() + 1 }, "", link);
    } else if (there !== link && !(there === "" && link === firstLink)) {
      window.history.replaceState(window.history.state, "", link);
    }
    address = window.location.search;
  }

  function undo() {
    takeSliders();
    later(async () => {
      if (document.querySelector("[aria-invalid]")) return ask({ to: asked.link, pushed: false });
      if (steps() === 0) return undefined;
      await new Promise((done) => {
        undone = done;
        window.history.back();
      });
      return ask({ to: address, pushed: false });
    });
  }

  window.addEventListener("popstate", () => {
    const to = window.location.search;
    const other = to !== address;
    address = to;
    if (undone) {
      undone();
      undone = null;
    } else if (other) later(() => ask({ to, pushed: false }));
  });

  // What was refused is taken back first.
  function showWhetherUndo() {
    const button = element("undo");
    button.disabled = steps() === 0 && !document.querySelector("[aria-invalid]");
    if (button.disabled && focused === button) focusPolicy();
  }

  // Parts of the question are drawn anew around whoever uses them: the focus stays, and what is typed
  // and not taken yet.

  let drawing = false;
  let focused = null;

  function draw(name, html) {
    const place = element(name);
    const held = place.contains(document.activeElement) ? document.activeElement : null;
    const open = [...place.querySelectorAll("details")].map((one) => one.open);
    drawing = true;
    place.innerHTML = html;
    drawing = false;
    place.querySelectorAll("details").forEach((one, at) => { one.open ||= open[at]; });
    place.querySelectorAll("[data-pick]").forEach(showPicked);
    entered.forEach((text, name) => { if (place.contains(element(name))) enter(element(name), text); });
    if (held) focusAgain(held);
  }

  function focusAgain(held) {
    const again = element(held.id);
    if (!again || again.disabled || !again.checkVisibility()) {
      focusPolicy();
      return;
    }
    again.focus({ preventScroll: true });
    if (!held.matches("input[type=text]")) return;
    const { value, selectionStart: from, selectionEnd: to } = held;
    if (value !== held.defaultValue) again.value = value;
    if (from === 0 && to === value.length) again.select();
    else again.setSelectionRange(from, to);
  }

  function focusPolicy() {
    document.querySelector(".policy.current")?.focus({ preventScroll: true });
  }

  document.addEventListener("focusin", (event) => { focused = event.target; });

  // Fields: what is typed is taken when Enter is pressed or the field is left. What is taken of a
  // field is its default value.

  function commit(box) {
    if (box.value === box.defaultValue) return;
    enter(box, box.value);
    entered.set(box.id, box.value);
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
    if (slider) slider.disabled = text.includes("@");
    if (slider && text !== "" && Number.isFinite(Number(text))) slider.value = text;
  }

  document.addEventListener("focusout", (event) => {
    if (!drawing && event.target.matches(FIELD)) commit(event.target);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(FIELD)) commit(event.target);
  });

  // A slider is taken once it rests, or when something else is changed.

  const sliding = new Map();

  document.addEventListener("input", (event) => {
    const place = event.target.closest(".slider");
    if (!place) return;
    const name = JSON.stringify({ kind: "lever", name: place.dataset.lever });
    const text = event.target.value;
    element(name).value = text;
    clearTimeout(sliding.get(name)?.pause);
    const pause = setTimeout(() => takeSlider(name, text), RESTING_MILLISECONDS);
    sliding.set(name, { pause, text });
  });

  function takeSlider(name, text) {
    sliding.delete(name);
    element(name).value = text;
    commit(element(name));
  }

  function takeSliders() {
    sliding.forEach(({ pause, text }, name) => {
      clearTimeout(pause);
      takeSlider(name, text);
    });
  }

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
      if (now.lost) askAgain(ticket);
      showProgress(now);
      if (!now.due) continue;
      seen = now.complete;
      answered = seen > 0;
      element("said-answer").innerHTML = now.answer;
      showWhetherOld();
      offerFiles();
      dash.set_props("shown", { data: { ticket, complete: seen, over } });
    }
  }

  async function standing(ticket, seen) {
    try {
      const answer = await fetch(`/standing/${ticket}?seen=${seen}`);
      return await answer.json();
    } catch {
      await resting(AWAY_MILLISECONDS);
      return { words: STOPPED, over: false, due: false };
    }
  }

  // A server that was started anew knows nothing of a question before.
  function askAgain(ticket) {
    later(() => {
      if (ticket !== asked.ticket) return undefined;
      asked.ticket = "";
      return ask({ to: asked.link, pushed: false });
    });
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
    const idle = over && !stopped;
    if (idle && document.activeElement === element("stop")) element("answer").focus();
    element("stop").disabled = idle;
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

  function tellAgain() {
    if (document.activeElement?.id === "tell-again") element("council").focus();
    dash.set_props("again", { data: Date.now() });
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
    "#tell-again": tellAgain,
    "[data-pick] button": pick,
    "[role=tab]": show,
    ".skip": (_, event) => {
      event.preventDefault();
      element("answer").focus();
    },
  };

  document.addEventListener("click", (event) => {
    for (const [which, act] of Object.entries(CLICKS)) {
      const button = event.target.closest(which);
      if (button) act(button, event);
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
