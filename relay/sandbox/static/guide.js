// What to try next, one line at a time; whoever does not want it hides it.
import { el } from "./dom.js";

const END = "That is all there is to it. With your own accounts it is the same: “Set it up” in the README says how.";
const HIDDEN = "guide-hidden", SKIPPED = "guide-skipped";
let last = null;

export function drawGuide(state) {
  last = state;
  const bar = document.getElementById("guide");
  const skipped = (sessionStorage.getItem(SKIPPED) ?? "").split(" ");
  const at = state.guide.findIndex((step) => !step.done && !skipped.includes(step.key));
  const text = at < 0 ? END : state.guide[at].text;
  bar.hidden = !state.guide.length || Boolean(sessionStorage.getItem(HIDDEN));
  if (bar.hidden || bar.dataset.text === text) return;
  bar.dataset.text = text;
  const skip = el("button", { type: "button", onclick: () => keep(SKIPPED, [...skipped, state.guide[at].key].join(" ")) }, "Skip");
  const hide = el("button", { type: "button", "aria-label": at < 0 ? "Close" : "Hide these hints", onclick: () => keep(HIDDEN, "1") }, "✕");
  const which = at < 0 ? "Done" : `Try this (${at + 1} of ${state.guide.length})`;
  bar.replaceChildren(el("p", { role: "status" }, el("b", {}, which), " ", text), ...(at < 0 ? [] : [skip]), hide);
}

function keep(name, value) {
  sessionStorage.setItem(name, value);
  drawGuide(last);
  document.querySelector("#guide button")?.focus();
}
