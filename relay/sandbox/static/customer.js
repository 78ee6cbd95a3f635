// The left side: one chat per customer, and what a customer can do.
import { clock, el, keepingScroll, linked, picture, send, sync } from "./dom.js";
import { drawFile, drawRichPicture, read } from "./files.js";

const byId = (id) => document.getElementById(id);
const WEBHOOK = { waiting: "sending…", accepted: "received by the relay", failed: "not received: the relay was down", off: "" };
let chosen = null;
let byHand = false;
let attachment = null;
let customers = [];
const started = []; // customers who have not written yet
const NAMES = ["Ada Byron", "Luis Ortega", "Mei Tanaka", "Noor Haddad", "Emil Sand"];

export function drawCustomers(state) {
  customers = [...state.customers, ...started.filter((one) => !state.customers.some((each) => each.group_id === one.group_id))];
  if (!customers.length) customers = [{ group_id: "100009", name: "You", messages: [] }];
  if (!customers.some((each) => each.group_id === chosen)) chosen = customers[0].group_id;
  if (!busy() && customers.some((each) => each.group_id === state.first)) showAtFirst(state.first);
  byId("left-note").textContent = state.webhook_on ? "" : "No webhook address: what you write stays here.";
  drawTabs();
  drawChat();
  if (byId("pictures").childElementCount === 1) state.pictures.forEach(offerPicture);
}

// Until somebody chooses a customer or begins to write.
const busy = () => byHand || byId("customer-input") === document.activeElement || byId("customer-input").value || attachment;

function showAtFirst(groupId) {
  if (chosen !== groupId) byId("chat").replaceChildren();
  chosen = groupId;
}

function drawTabs() {
  const tabs = customers.map((each) => ({ id: each.group_id, name: each.name, on: each.group_id === chosen }));
  sync(byId("tabs"), tabs, (tab) => tab.id, (tab) => el("button", {
    type: "button", role: "tab", "aria-selected": String(tab.on), "data-testid": `customer-tab-${tab.id}`,
    onclick: () => choose(tab.id),
  }, tab.name));
}

function choose(groupId) {
  byHand = true;
  chosen = groupId;
  byId("chat").replaceChildren();
  drawTabs();
  drawChat();
  byId("chat").stayAtBottom = true;
  byId("chat").scrollTop = byId("chat").scrollHeight;
}

const current = () => customers.find((each) => each.group_id === chosen);

function drawChat() {
  keepingScroll(byId("chat"), () => sync(byId("chat"), current().messages, (line) => line.key, drawLine));
}

function drawLine(line) {
  if (line.side === "notice") return el("div", { class: "line notice" }, line.text);
  const files = [line.file ? drawFile(line.file) : null, ...line.pictures.map(drawRichPicture)];
  const mine = line.side === "customer";
  const note = mine ? WEBHOOK[line.webhook] : line.name;
  return el("div", { class: `line ${mine ? "customer-line" : ""}`, "data-testid": "customer-message" },
    line.text ? el("div", { class: "bubble" }, ...linked(line.text)) : null, ...files,
    el("div", { class: `meta ${line.webhook === "failed" ? "failed" : ""}` }, [clock(line.time), note].filter(Boolean).join(" · ")));
}

function offerPicture(name) {
  const pick = () => attach({ attachment: name }, name);
  const button = el("button", { type: "button", title: name, "data-testid": `picture-${name}`, onclick: pick },
    picture(`https://files.sandbox.test/${name}`, name));
  byId("pictures").lastElementChild.before(button);
}

function attach(fields, name) {
  attachment = fields;
  byId("picked").hidden = !fields;
  const drop = el("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => attach(null) }, "✕");
  byId("picked").replaceChildren(...(fields ? [name, drop] : []));
  togglePictures(false);
}

function togglePictures(open) {
  keepingScroll(byId("chat"), () => { byId("pictures").hidden = !open; });
  byId("attach").setAttribute("aria-expanded", String(open));
}

async function readUpload(list) {
  try {
    const [file] = await read(list);
    if (file) attach({ attachment: file.data, attachment_name: file.name }, file.name);
    byId("customer-input").focus();
  } catch (error) {
    byId("left-note").textContent = error.message;
  }
}

async function submit() {
  const input = byId("customer-input");
  const text = input.value.trim();
  if (!text && !attachment) return;
  const customer = current();
  const body = { text, name: customer.name, ...attachment };
  input.value = "";
  attach(null);
  try {
    await send(`/sandbox/customers/${customer.group_id}/messages`, body);
    byId("chat").scrollTop = byId("chat").scrollHeight;
  } catch (error) {
    input.value ||= text;
    byId("left-note").textContent = `Not sent: ${error.message}`;
  }
}

export function sendOnEnter(input, submitForm) {
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submitForm();
  });
}

byId("new-customer").addEventListener("click", () => {
  const number = started.length;
  started.push({ group_id: String(100101 + number), name: NAMES[number % NAMES.length], messages: [] });
  customers.push(started[number]);
  choose(started[number].group_id);
  byId("customer-input").focus();
});
byId("customer-form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
byId("attach").addEventListener("click", () => togglePictures(byId("pictures").hidden));
byId("upload").addEventListener("change", async (event) => { await readUpload(event.target.files); event.target.value = ""; });
sendOnEnter(byId("customer-input"), submit);
