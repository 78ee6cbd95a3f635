// While an agent types: `@` offers people, `#` channels. What is chosen is a mention; what is typed by hand is not.
import { el } from "./dom.js";

const MOST = 7;
const BEGUN = /(?:^|[\s(])([@#])([^@#\n]{0,40})$/;
const TOKENS = /<(@|#|!)?([^<>|]+)(?:\|[^<>]*)?>/g;
let fields = 0;

// `offers(sign)` lists what may be mentioned as {id, label, hint}. Returns the list to show, and what was chosen.
export function completing(input, offers) {
  const chosen = new Map(); // label -> id
  const name = `offers-${fields += 1}`;
  const list = el("ul", { id: name, class: "offers", role: "listbox", "aria-label": "Mention", hidden: true, "data-testid": "offers" });
  let found = [], at = 0, from = 0;

  const close = () => { list.hidden = true; input.removeAttribute("aria-activedescendant"); };
  const pick = (offer) => {
    const rest = input.value.slice(input.selectionStart);
    input.setRangeText(offer.label + (/^\s/.test(rest) ? "" : " "), from, input.selectionStart, "end");
    chosen.set(offer.label, offer.id);
    close();
    input.focus();
  };
  const draw = () => {
    list.replaceChildren(...found.map((offer, index) => el("li", {
      id: `${name}-${index}`, role: "option", "aria-selected": String(index === at),
      onmousedown: (event) => event.preventDefault(), onclick: () => pick(offer),
    }, el("b", {}, offer.label), offer.hint ? el("span", {}, offer.hint) : null)));
    input.setAttribute("aria-activedescendant", `${name}-${at}`);
    list.hidden = false;
  };
  const look = () => {
    const begun = BEGUN.exec(input.value.slice(0, input.selectionStart));
    found = begun ? offers(begun[1]).filter((offer) => begins(offer.label.slice(1), begun[2])).slice(0, MOST) : [];
    if (!found.length) return close();
    [at, from] = [0, input.selectionStart - begun[2].length - 1];
    draw();
  };
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-haspopup", "listbox");
  input.setAttribute("aria-controls", name);
  input.addEventListener("input", look);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (moves[event.key]) { at = (at + moves[event.key] + found.length) % found.length; draw(); }
    else if (event.key === "Enter" || event.key === "Tab") pick(found[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  const mentions = () => Object.fromEntries([...chosen].filter(([label]) => input.value.includes(label)));
  return { list, mentions, clear: () => { chosen.clear(); close(); } };
}

// Whom and what a message can mention.
export function offersOf(state, sign) {
  if (sign === "#") return state.channels.map((each) => ({ id: each.id, label: `#${each.name}` }));
  const people = state.agents.map((id) => ({ id, label: `@${state.users[id]}` }));
  return [...people, { id: "here", label: "@here", hint: "everybody who is there" }, { id: "channel", label: "@channel", hint: "everybody" }];
}

function begins(name, typed) {
  const [low, wanted] = [name.toLowerCase(), typed.toLowerCase()];
  return low.startsWith(wanted) || low.split(" ").some((word) => word.startsWith(wanted));
}

// A message's `text` as its author typed it, with the mentions that were chosen in it: for changing it.
export function typedAgain(text, names) {
  const mentions = {};
  const words = text.replace(TOKENS, (whole, sign, id) => {
    if (!sign) return id;
    const label = (sign === "#" ? "#" : "@") + (names[id] ?? id);
    mentions[label] = id;
    return label;
  });
  return { words: words.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"), mentions };
}
