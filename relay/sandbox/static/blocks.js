// Draws Block Kit blocks as Slack would show them; what it does not know it shows as JSON.
import { el, link, picture } from "./dom.js";
import { drawFile } from "./files.js";
import { date, emoji, mention, mrkdwn, unescape } from "./text.js";

const BLOCKS = {
  section: (block, context) => section(block, context),
  header: (block) => el("div", { class: "block header" }, block.text.text),
  context: (block, context) => el("div", { class: "block context" }, ...block.elements.map((each) => small(each, context))),
  divider: () => el("hr", { class: "block divider" }),
  actions: (block, context) => el("div", { class: "block actions" }, ...block.elements.map((each) => element(each, context))),
  image: (block) => el("figure", { class: "block image" },
    block.title ? el("figcaption", {}, block.title.text) : null,
    block.image_url ? picture(block.image_url, block.alt_text) : `[${block.alt_text}]`),
  rich_text: (block, context) => el("div", { class: "block rich" }, ...block.elements.map((each) => rich(each, context))),
  markdown: (block) => el("div", { class: "block text" }, block.text),
};

export function drawBlock(block, context) {
  try {
    return BLOCKS[block.type](block, context);
  } catch {
    return el("pre", { class: "block" }, JSON.stringify(block, null, 2));
  }
}

function text(object, context) {
  return object.type === "mrkdwn" ? mrkdwn(object.text, { ...context.users, ...context.channels }) : [object.text];
}

function small(each, context) {
  return each.type === "image" ? picture(each.image_url, each.alt_text) : el("span", {}, ...text(each, context));
}

function section(block, context) {
  const words = block.text ? el("div", {}, ...text(block.text, context)) : null;
  const fields = block.fields?.map((field) => el("div", {}, ...text(field, context)));
  const main = el("div", {}, words, fields ? el("div", { class: "block fields" }, ...fields) : null);
  const side = block.accessory ? element(block.accessory, context) : null;
  return el("div", { class: `block section${side ? " sided" : ""}` }, main, side);
}

const ELEMENTS = {
  button: (each, context) => each.url
    ? link(each.url, each.text.text, { class: `control ${each.style ?? ""}` })
    : el("button", { type: "button", class: `control ${each.style ?? ""}`, onclick: () => context.click(each.action_id, each.value ?? "") }, each.text.text),
  overflow: (each, context) => el("details", { class: "overflow" },
    el("summary", { class: "control", "aria-label": "More" }, "⋯"), menu(each, context)),
  static_select: (each, context) => el("details", { class: "overflow" },
    el("summary", { class: "control" }, `${each.initial_option?.text.text ?? each.placeholder?.text ?? "Choose"} ▾`), menu(each, context)),
  users_select: (each, context) => ids(each, context, context.users),
  conversations_select: (each, context) => ids(each, context, context.channels),
  image: (each) => picture(each.image_url, each.alt_text),
};

function element(each, context) {
  return ELEMENTS[each.type](each, context);
}

function ids(each, context, names) {
  const entries = Object.entries(names ?? {}).map(([id, name]) =>
    el("button", { type: "button", onclick: () => context.click(each.action_id, id) }, name));
  return el("details", { class: "overflow" },
    el("summary", { class: "control" }, `${each.placeholder?.text ?? "Choose"} ▾`), el("div", { class: "menu" }, ...entries));
}

function menu(each, context) {
  const entries = each.options.map((option) => option.url
    ? link(option.url, option.text.text, { class: "control" })
    : el("button", { type: "button", onclick: () => context.click(each.action_id, option.value) }, option.text.text));
  return el("div", { class: "menu" }, ...entries);
}

const RICH = {
  rich_text_section: (part, context) => el("div", {}, ...part.elements.map((each) => piece(each, context))),
  rich_text_quote: (part, context) => el("blockquote", {}, ...part.elements.map((each) => piece(each, context))),
  rich_text_preformatted: (part, context) => el("pre", {}, ...part.elements.map((each) => piece(each, context))),
  rich_text_list: (part, context) => el(part.style === "ordered" ? "ol" : "ul", { class: "rich-list" },
    ...part.elements.map((each) => el("li", {}, ...each.elements.map((one) => piece(one, context))))),
};

function rich(part, context) {
  return RICH[part.type](part, context);
}

const PIECES = {
  text: (each) => document.createTextNode(each.text),
  link: (each) => link(each.url, each.text ?? each.url),
  emoji: (each) => each.unicode ? drawn(each.unicode) : emoji(each.name),
  user: (each, context) => mention(`@${context.users[each.user_id] ?? each.user_id}`, "user"),
  channel: (each, context) => mention(`#${context.channels?.[each.channel_id] ?? context.users[each.channel_id] ?? each.channel_id}`, "user"),
  usergroup: (each) => mention(`@${each.usergroup_id}`),
  broadcast: (each) => mention(`@${each.range}`),
  date: (each) => date(each.timestamp, each.format, each.fallback ?? "", each.url),
};
const drawn = (points) => document.createTextNode(String.fromCodePoint(...points.split("-").map((point) => parseInt(point, 16))));
const STYLES = { bold: "b", italic: "i", strike: "s", code: "code", underline: "u" };

function piece(each, context) {
  let node = PIECES[each.type](each, context);
  for (const [style, tag] of Object.entries(STYLES)) if (each.style?.[style]) node = el(tag, {}, node);
  return node;
}

// A whole message: its blocks, or its text where it has none.
export function drawBody(message, context) {
  if (message.deleted) return el("div", { class: "body gone" }, "This message was deleted.");
  const parts = message.blocks.length
    ? message.blocks.map((block) => drawBlock(block, context))
    : message.files.length && !message.text ? []
    : [el("div", { class: "block text" }, ...(message.mrkdwn ? mrkdwn(message.text, context.users) : [unescape(message.text)]))];
  const files = message.files.length ? [el("div", { class: "files" }, ...message.files.map(drawFile))] : [];
  const marks = Object.entries(message.reactions).map(([name, count]) => el("span", {}, emoji(name), ` ${count}`));
  return el("div", { class: "body" }, ...parts, ...files,
    message.edited ? el("span", { class: "edited" }, "(edited)") : null,
    marks.length ? el("div", { class: "reactions" }, ...marks) : null);
}
