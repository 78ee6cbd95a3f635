// The right side: channels, messages with their threads, and the agent's reply box.
import { drawBlock, drawBody } from "./blocks.js";
import { completing, offersOf, typedAgain } from "./compose.js";
import { drawForms } from "./forms.js";
import { sendOnEnter } from "./customer.js";
import { clock, el, keepingScroll, send, sync } from "./dom.js";
import { picker } from "./files.js";

const byId = (id) => document.getElementById(id);
let AGENT = "U0ALEX";
const HOME = "home";
const seen = new Map();
let chosen = null;
let state = null;

export function drawSlack(next) {
  state = next;
  chosen ??= (state.channels.find((each) => each.messages.length) ?? state.channels[0]).id;
  if (!chosenByHand && chosen !== HOME && !channel().messages.length) chosen = (state.channels.find((each) => each.messages.length) ?? channel()).id;
  byId("right-note").textContent = state.replies_on ? "" : "Replies are off: the relay takes no Slack events here.";
  if (chosen !== HOME) seen.set(chosen, size(channel()));
  drawAgents();
  drawChannels();
  if (chosen === HOME) drawHome(); else drawMessages();
  drawForms(state, AGENT, attempt);
}

// Which of the team's people one is.
function drawAgents() {
  const select = byId("agent");
  if (select.childElementCount === state.agents.length) return;
  select.replaceChildren(...state.agents.map((id) => el("option", { value: id }, state.users[id])));
  select.addEventListener("change", () => {
    AGENT = select.value;
    byId("messages").replaceChildren();
    if (chosen === HOME) openHome();
    drawSlack(state);
  });
}

async function openHome() {
  await attempt(() => send("/sandbox/slack/home", { user: AGENT }));
}

function drawHome() {
  byId("channel-name").textContent = "Chat Relay";
  byId("channel-note").textContent = "Home";
  const view = state.homes[AGENT];
  const use = (action_id, value) => attempt(() => send("/sandbox/slack/home", { action_id, value, user: AGENT }));
  const blocks = (view?.blocks ?? []).map((block) => drawBlock(block, { users: { ...state.users, ...state.channel_names }, click: use }));
  byId("messages").replaceChildren(el("div", { class: "thread home", "data-testid": "slack-home" }, ...blocks));
}

let chosenByHand = false;
const channel = () => state.channels.find((each) => each.id === chosen) ?? state.channels[0];
const size = (each) => each.messages.reduce((sum, root) => sum + 1 + root.replies.length, 0);

function drawChannels() {
  const home = { id: HOME, name: "⌂ Home", on: chosen === HOME, off: false, fresh: 0 };
  const rows = [home, ...state.channels.map((each) => ({
    id: each.id, name: `${each.private ? "◇" : "#"} ${each.name}`, on: each.id === chosen,
    off: each.archived || !each.member, fresh: Math.max(0, size(each) - (seen.get(each.id) ?? 0)),
  }))];
  sync(byId("channels"), rows, (row) => row.id, (row) => el("button", {
    type: "button", class: `${row.fresh ? "fresh" : ""} ${row.off ? "off" : ""}`, "aria-current": String(row.on),
    "data-testid": `slack-channel-${row.id}`, onclick: () => choose(row.id),
  }, row.name, row.fresh ? el("span", { class: "count" }, String(row.fresh)) : null));
}

function choose(id) {
  chosen = id;
  chosenByHand = true;
  byId("messages").replaceChildren();
  if (id === HOME) openHome();
  drawSlack(state);
  byId("messages").stayAtBottom = true;
  byId("messages").scrollTop = byId("messages").scrollHeight;
}

function drawMessages() {
  const now = channel();
  byId("channel-name").textContent = `# ${now.name}`;
  byId("channel-note").textContent = now.archived ? "archived" : now.member ? "" : "the relay is not a member";
  const box = byId("messages");
  box.querySelector(".empty")?.remove();
  const items = [...now.messages, ...whispersTo(null)].sort((one, other) => one.ts - other.ts);
  // a thread is drawn anew also when only a whisper in it is new
  const versions = items.map((each) => each.whisper ? each : { ...each, whispered: whispersTo(each.ts).length });
  keepingScroll(box, () => sync(box, versions, (each) => each.ts,
    (each) => each.whisper ? drawWhisper(each) : newThread(each),
    (node, each) => each.whisper || refreshThread(node, each)));
  if (!now.messages.length) box.append(el("p", { class: "empty" }, "Nothing here yet."));
}

// A thread keeps its element, and with it the words somebody is typing; only its messages are redrawn.
function newThread(root) {
  const thread = el("article", { class: "thread", "data-testid": "slack-thread", "data-ts": root.ts },
    el("div", { class: "root" }), el("div", { class: "replies" }), root.thread_ts ? null : replyForm(root.ts));
  return thread;
}

function refreshThread(thread, root) {
  const { replies, whispered, ...message } = root;
  sync(thread.querySelector(".root"), [message], (each) => each.ts, drawMessage);
  const whispers = whispersTo(root.ts);
  const grouped = replies.map((each, index) => ({ ...each, follows: follows(replies[index - 1], each) }));
  const shown = [...grouped, ...whispers].sort((one, other) => one.ts - other.ts);
  sync(thread.querySelector(".replies"), shown, (each) => each.ts, (each) => each.whisper ? drawWhisper(each) : drawMessage(each));
  thread.querySelector(".replies").hidden = !shown.length;
}

// What Slack shows to one person alone: here to the agent whose reply box it is. `null` is the channel itself.
function whispersTo(thread) {
  return channel().whispers.filter((each) => each.user === AGENT && each.thread_ts === thread).map((each) => ({ ...each, whisper: true }));
}

function drawWhisper(each) {
  const body = { blocks: each.blocks, text: each.text, files: [], reactions: {} };
  const whisper = el("div", { class: "whisper", "data-testid": "slack-whisper" }, el("span", {}, "Only visible to you"),
    drawBody(body, { users: state.users, channels: state.channel_names, click: (action, value) => click(each, action, value) }));
  requestAnimationFrame(() => whisper.scrollIntoView({ block: "nearest" }));  // whoever asked for it may be far above
  return whisper;
}

// As in Slack, what one author posts within five minutes stands under one name.
function follows(above, message) {
  return above?.user === message.user && !message.broadcast && message.ts - above.ts < 300;
}

function drawMessage(message) {
  const name = state.users[message.user] ?? message.user;
  const initials = name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  const context = { users: state.users, channels: state.channel_names, click: (action, value) => click(message, action, value) };
  const note = message.broadcast ? " · also sent to the channel" : message.locked ? " · locked" : "";
  return el("div", { class: `message ${message.follows ? "follows" : ""}`, "data-testid": "slack-message", "data-ts": message.ts },
    el("div", { class: `face ${message.bot ? "bot" : "human"}`, "aria-hidden": "true" }, initials),
    el("div", {},
      el("div", { class: "who" }, el("b", {}, name), message.bot ? el("span", { class: "tag" }, "APP") : null,
        el("span", {}, clock(Number(message.ts)) + note), more(message)),
      drawBody(message, context)));
}

// What Slack offers for any message: the app's shortcuts, and for one's own to change it.
function more(message) {
  if (message.deleted) return null;
  const use = (callback_id) => () => attempt(() => send("/sandbox/slack/shortcuts", { channel: chosen, ts: message.ts, callback_id, user: AGENT }));
  const entry = (label, action) => el("button", { type: "button", onclick: action }, label);
  const own = message.user === AGENT ? [
    entry("Edit…", () => change(message)),
    entry("Delete", () => attempt(() => send("/sandbox/slack/edits", { channel: chosen, ts: message.ts }))),
    ...message.files.filter((file) => file.id).map((file) => entry(`Delete ${file.name}`, () => attempt(() => send("/sandbox/slack/edits", { file: file.id, user: AGENT })))),
  ] : [];
  const shortcuts = [entry("Saved replies", use("saved_replies")), ...(message.bot ? [] : [entry("Send to customer", use("send_to_customer"))])];
  return el("details", { class: "overflow more", "data-testid": "message-menu" },
    el("summary", { class: "control", "aria-label": "More for this message" }, "⋯"), el("div", { class: "menu" }, ...shortcuts, ...own));
}

function change(message) {
  const { words, mentions } = typedAgain(message.text, { ...state.users, ...state.channel_names });
  const text = prompt("Your message", words);
  if (text) attempt(() => send("/sandbox/slack/edits", { channel: chosen, ts: message.ts, text, mentions }));
}

document.addEventListener("click", (event) => {
  for (const each of document.querySelectorAll("details.overflow[open]")) if (!each.contains(event.target) || event.target.closest(".menu")) each.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const each of document.querySelectorAll("details.overflow[open]")) each.open = false;
});

async function click(message, action_id, value) {
  if (!state.clicks_on) byId("right-note").textContent = "Buttons are off: the relay takes no clicks here.";
  await attempt(() => send("/sandbox/slack/clicks", { channel: chosen, ts: message.ts, action_id, value, user: AGENT }));
}

function replyForm(ts) {
  const input = el("textarea", { rows: 1, "data-testid": "agent-input", "aria-label": "Reply in thread", placeholder: "Reply…" });
  const composer = completing(input, (sign) => offersOf(state, sign));
  const files = picker((words) => { byId("right-note").textContent = words; });
  const submit = async () => {
    const text = input.value.trim();
    if (!text && !files.chosen().length) return;
    const body = { channel: chosen, thread_ts: ts, text, user: AGENT, files: files.chosen(), mentions: composer.mentions() };
    if (!await attempt(() => send("/sandbox/slack/messages", body))) return;
    input.value = "";
    files.clear();
    composer.clear();
  };
  sendOnEnter(input, submit);
  return el("form", { class: "reply", onsubmit: (event) => { event.preventDefault(); submit(); } },
    composer.list, files.list, input, files.button, el("button", { class: "send", "data-testid": "agent-send" }, "Reply"));
}

async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    byId("right-note").textContent = `Not done: ${error.message}`;
    return null;
  }
}
