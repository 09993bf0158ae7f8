// Everything works without this; with it, it is a little more pleasant.
"use strict";

// The address that a short name becomes.
function preview(input) {
  const shown = document.querySelector("#" + input.dataset.preview + " b");
  const show = () => { shown.textContent = input.value || "your-name"; };
  input.addEventListener("input", show);
  show();
}

// A colour may be typed or picked.
function picker(pick) {
  const text = document.getElementById(pick.dataset.for);
  const take = () => { if (/^#[0-9a-f]{6}$/i.test(text.value)) pick.value = text.value; };
  pick.hidden = false;
  pick.value = text.placeholder;
  take();
  pick.addEventListener("input", () => { text.value = pick.value; });
  text.addEventListener("input", take);
}

// Time zones by name.
function zones(list) {
  for (const zone of Intl.supportedValuesOf?.("timeZone") ?? []) list.append(new Option(zone, zone));
}

// A form is sent once, however often its button is clicked.
function once(form) {
  form.addEventListener("submit", (e) => {
    if (form.dataset.sent) { e.preventDefault(); return; }
    form.dataset.sent = "yes";
    form.querySelectorAll("button").forEach((b) => b.setAttribute("aria-disabled", "true"));
  });
}

function prepare(root) {
  root.querySelectorAll("[data-preview]").forEach(preview);
  root.querySelectorAll("input.pick").forEach(picker);
  root.querySelectorAll("#zones").forEach(zones);
  root.querySelectorAll("form").forEach(once);
  root.querySelector("#faults")?.focus();
}

// The page as it is now. It leads elsewhere once the session is over: the operator is told, and nothing changes any more.
async function latest() {
  const answer = await fetch(location.href, { redirect: "manual" });
  if (answer.type === "opaqueredirect") signedOut();
  if (!answer.ok) throw new Error("no page");
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function signedOut() {
  delete document.body.dataset.refresh;
  if (document.querySelector(".signed-out")) return;
  const told = document.createElement("p"), link = document.createElement("a");
  told.className = "notice wait signed-out";
  told.setAttribute("role", "alert");
  link.href = "/console/sign-in";
  link.textContent = "Sign in";
  told.append("You are signed out, so this page stands still. ", link);
  document.getElementById("main").prepend(told);
}

// A page that changes by itself is fetched again, unless somebody is at work on it.
function refresh() {
  const main = document.getElementById("main");
  const busy = document.hidden || main.querySelector("details[open], form[data-sent]") || main.matches(":focus-within:not(:focus)") || String(getSelection());
  const again = () => { if (document.body.dataset.refresh) setTimeout(refresh, Number(document.body.dataset.refresh)); };
  if (busy) { again(); return; }
  latest().then((next) => {
    const time = next.querySelector(".time"), shown = document.querySelector(".time");
    if (time && shown) shown.replaceWith(time);
    const fresh = next.getElementById("main");
    const told = main.querySelector(":scope > .notice[role]"); // it is said once, and stays until the page is left
    if (told && !fresh.querySelector(":scope > .notice[role]")) fresh.prepend(told);
    prepare(fresh);
    main.replaceWith(fresh);
    if (!next.body.dataset.refresh) delete document.body.dataset.refresh;
  }).catch(() => {}).finally(again);
}

// The parts of a page that change beside its picture, unless somebody is at work on one.
let renewing;
function renew() {
  renewing = undefined;
  return latest().then((next) => {
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = next.getElementById(old.id), chosen = getSelection();
      const busy = old.contains(document.activeElement) || !chosen.isCollapsed && chosen.containsNode(old, true);
      if (fresh && !busy && fresh.outerHTML !== old.outerHTML) old.replaceWith(fresh);
    }
  }).catch(() => {});
}

// The states of an execution, as they change.
function follow(picture) {
  const source = new EventSource(picture.dataset.events);
  source.addEventListener("states", (e) => {
    const { states, ways } = JSON.parse(e.data);
    for (const { from, to, caught } of ways) {
      const way = picture.querySelector(`[data-from="${CSS.escape(from)}"][data-to="${CSS.escape(to)}"]`);
      if (!way) continue;
      way.classList.add("taken");
      way.classList.toggle("caught", caught);
      way.setAttribute("marker-start", `url(#arrow-${caught ? "caught" : "taken"})`);
      way.parentNode.append(way); // over the others
    }
    for (const state of states) {
      const node = picture.querySelector(`[data-state="${CSS.escape(state.name)}"]`);
      if (!node) continue;
      node.setAttribute("class", `node${node.classList.contains("frame") ? " frame" : ""} ${state.tone}`);
      node.querySelector(".says").textContent = state.says;
    }
    renewing ??= setTimeout(renew, 500);
  });
  source.addEventListener("over", () => { source.close(); clearTimeout(renewing); renew(); });
  source.addEventListener("error", () => { // a stream that broke is begun again by the browser; one that was refused is not
    if (source.readyState === EventSource.CLOSED) setTimeout(refresh, Number(document.body.dataset.refresh));
  });
}

// A picture that is wider than its place shows the state that was chosen, or that is under way, or the first one.
function look(place) {
  const state = place.querySelector(".node[aria-current]") ?? place.querySelector(".node.bad:not(.frame), .node.busy:not(.frame)") ?? place.querySelector(".node");
  if (!state) return;
  const at = state.getBoundingClientRect(), frame = place.getBoundingClientRect();
  place.scrollLeft += at.left + at.width / 2 - frame.left - frame.width / 2;
}

prepare(document);
document.querySelectorAll(".picture").forEach(look);
const picture = document.querySelector("[data-events]");
if (picture) follow(picture);
else if (document.body.dataset.refresh) setTimeout(refresh, Number(document.body.dataset.refresh));
addEventListener("pageshow", (e) => { // back from a page that was left by a form
  if (e.persisted) document.querySelectorAll("form[data-sent]").forEach((f) => { delete f.dataset.sent; });
});
