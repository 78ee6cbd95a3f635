// Builds elements. Data only ever becomes text nodes and attributes that cannot run: nothing here parses HTML.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// A link for http, https and mailto; anything else, such as javascript:, stays plain text.
export function link(address, label, attributes = {}) {
  if (!/^(https?|mailto):/i.test(address)) return document.createTextNode(label);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer", ...attributes }, label);
}

// Pictures of the sandbox's own host come from this server; others are not loaded at all.
export function picture(address, alt) {
  const host = "https://files.sandbox.test/";
  if (!String(address).startsWith(host)) return document.createTextNode(`[${alt || "picture"}]`);
  return el("img", { src: `/files/${encodeURIComponent(address.slice(host.length))}`, alt });
}

// Words with their http(s) addresses as links; what a sentence ends with is not part of one.
export function linked(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    let address = found[0].replace(/[.,;:!?'\]]+$/, "");
    while (address.endsWith(")") && address.split(")").length > address.split("(").length) address = address.slice(0, -1);
    nodes.push(text.slice(end, found.index), link(address, address));
    end = found.index + address.length;
  }
  return [...nodes, text.slice(end)];
}

// Makes `parent` hold one child per item, in order; a child is rebuilt only when its item has changed.
export function sync(parent, items, keyOf, build, refresh) {
  const old = new Map([...parent.children].map((child) => [child.syncKey, child]));
  items.forEach((item, index) => {
    const key = keyOf(item);
    const json = JSON.stringify(item);
    let child = old.get(key);
    old.delete(key);
    if (!child || (child.syncJson !== json && !refresh)) {
      const fresh = build(item);
      if (child) child.replaceWith(fresh);
      child = fresh;
    }
    if (refresh && child.syncJson !== json) refresh(child, item);
    Object.assign(child, { syncKey: key, syncJson: json });
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
  for (const child of old.values()) child.remove();
}

// Runs `change` and stays at the bottom if that is where the reader was, also when pictures arrive later.
export function keepingScroll(box, change) {
  const atBottom = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  if (box.stayAtBottom === undefined) {
    box.addEventListener("load", () => { if (box.stayAtBottom) box.scrollTop = box.scrollHeight; }, true);
    box.addEventListener("wheel", () => { box.stayAtBottom = false; }, { passive: true });
  }
  box.stayAtBottom = atBottom;
  const before = box.scrollTop;
  change();
  box.scrollTop = atBottom ? box.scrollHeight : before;
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export async function send(address, body) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}
