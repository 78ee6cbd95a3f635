// Asks for the page again and again, and changes what has changed of it; without it the page is as good after a reload.
"use strict";

const main = document.getElementById("main");
const pulse = document.getElementById("pulse");
const every = 1000 * Number(main.dataset.every);
const KEPT = new Set(["open", "data-every", "tabindex", "class"]);

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined;
}

function change(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.isEqualNode(fresh) || old.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name, value } of fresh.attributes) {
    const stays = name === "open" || (old === main && KEPT.has(name));
    if (!stays && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open" && !(old === main && KEPT.has(name))) old.removeAttribute(name);
  }
  changeChildren(old, fresh);
}

// Rows are known by their keys: a button never becomes another row's under somebody's finger.
function changeChildren(old, fresh) {
  const wanted = new Set([...fresh.children].map(keyOf));
  for (const node of [...old.children]) if (keyOf(node) && !wanted.has(keyOf(node))) node.remove();
  const keyed = new Map([...old.children].filter(keyOf).map((node) => [keyOf(node), node]));
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = keyOf(next);
    const same = key ? keyed.get(key) : place && !keyOf(place) && place.nodeName === next.nodeName ? place : null;
    if (!same) {
      old.insertBefore(document.importNode(next, true), place);
      continue;
    }
    if (same === place) place = place.nextSibling;
    else old.insertBefore(same, place);
    keyed.delete(key);
    change(same, next);
  }
  while (place) {
    const rest = place;
    place = place.nextSibling;
    rest.remove();
  }
}

function isBusy() {
  const active = document.activeElement;
  return main.contains(active) && /^(INPUT|TEXTAREA|SELECT)$/.test(active.nodeName);
}

async function look() {
  if (document.hidden || isBusy()) return;
  try {
    const answer = await fetch(location.href, { headers: { "X-Relay-Fragment": "1" }, redirect: "error", cache: "no-store" });
    if (answer.status === 401) {
      pulse.textContent = "You are signed out: reload the page to sign in.";
      return false;
    }
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    if (!found) throw new Error(`HTTP ${answer.status}`);
    change(main, found);
    pulse.textContent = answer.ok ? "Live" : "Not live: the relay is in trouble. It is asked again.";
  } catch {
    pulse.textContent = "Not live: the relay does not answer. It is asked again.";
  }
  return true;
}

async function again() {
  if ((await look()) !== false) setTimeout(again, every);
}

if (every) {
  pulse.textContent = "Live";
  setTimeout(again, every);
  document.addEventListener("visibilitychange", () => document.hidden || look());
}
