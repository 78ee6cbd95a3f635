// Slack's mrkdwn, mentions, dates and emoji as DOM nodes.
import { el, link } from "./dom.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", warning: "⚠️", x: "❌", eyes: "👀", wave: "👋", robot_face: "🤖",
  grey_question: "❔",
  speech_balloon: "💬", bell: "🔔", no_bell: "🔕", hourglass: "⌛", hourglass_flowing_sand: "⏳", paperclip: "📎",
  large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", white_circle: "⚪", bust_in_silhouette: "👤",
  leftwards_arrow_with_hook: "↩️", lock: "🔒", star: "⭐", thumbsup: "👍", "+1": "👍", tada: "🎉", inbox_tray: "📥",
  page_facing_up: "📄", frame_with_picture: "🖼️", smile: "😄", fire: "🔥", telephone_receiver: "📞", memo: "📝",
};
const RULES = [
  [/^```([\s\S]+?)```/, (m, people) => el("pre", {}, unescape(m[1]))],
  [/^`([^`\n]+)`/, (m) => el("code", {}, unescape(m[1]))],
  [/^<([^<>]+)>/, (m, people) => control(m[1], people)],
  [/^\*(\S|\S[^*\n]*\S)\*(?!\w)/, (m, people) => el("b", {}, ...mrkdwn(m[1], people))],
  [/^_(\S|\S[^_\n]*\S)_(?!\w)/, (m, people) => el("i", {}, ...mrkdwn(m[1], people))],
  [/^~(\S|\S[^~\n]*\S)~(?!\w)/, (m, people) => el("s", {}, ...mrkdwn(m[1], people))],
  [/^:([a-z0-9_+-]+):/, (m) => emoji(m[1])],
];

export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function emoji(name) {
  return document.createTextNode(EMOJI[name] ?? `:${name}:`);
}

export function mention(label, kind = "") {
  return el("span", { class: `mention ${kind}` }, label);
}

function control(inner, people) {
  const [name, label] = inner.split(/\|(.*)/s);
  if (name.startsWith("@")) return mention(`@${people[name.slice(1)] ?? name.slice(1)}`, "user");
  if (name.startsWith("#")) return mention(`#${label ?? people[name.slice(1)] ?? name.slice(1)}`, "user");
  if (name.startsWith("!date^")) {
    const [, seconds, format, address] = name.split("^");
    return date(Number(seconds), format, unescape(label ?? ""), address);
  }
  if (name.startsWith("!")) return mention(`@${unescape(label ?? name.slice(1))}`);
  return link(unescape(name), unescape(label ?? name));
}

function ago(seconds) {
  const minutes = Math.max(0, Math.round((Date.now() / 1000 - seconds) / 60));
  return minutes < 1 ? "just now" : minutes < 60 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

export function date(seconds, format, fallback, address) {
  const moment = new Date(seconds * 1000);
  if (!Number.isFinite(seconds)) return document.createTextNode(fallback);
  const time = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const day = moment.toLocaleDateString([], { month: "short", day: "numeric" });
  const today = moment.toDateString() === new Date().toDateString();
  const minutes = Math.max(0, Math.round((Date.now() - moment) / 60000));
  const words = format
    .replace(/\{time(_secs)?\}/g, time)
    .replace(/\{ago\}/g, ago(seconds))
    .replace(/\{ago\}/g, minutes < 1 ? "just now" : minutes < 60 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`)
    .replace(/\{date\w*pretty\}/g, today ? "today" : day)
    .replace(/\{(date\w*|day\w*|month\w*|year)\}/g, day);
  const node = el("time", { datetime: moment.toISOString(), title: moment.toLocaleString() }, words);
  return address ? link(address, words) : node;
}

export function mrkdwn(text, people) {
  const nodes = [];
  let plain = "";
  for (let rest = text, before = " "; rest; ) {
    const opens = !/\w/.test(before);
    const found = opens || rest[0] === "<" ? RULES.map(([rule, make]) => [rule.exec(rest), make]).find(([m]) => m) : null;
    const step = found ? found[0][0].length : 1;
    if (found) {
      if (plain) nodes.push(unescape(plain));
      nodes.push(found[1](found[0], people));
      plain = "";
    } else plain += rest[0];
    before = rest[step - 1];
    rest = rest.slice(step);
  }
  return plain ? [...nodes, unescape(plain)] : nodes;
}
