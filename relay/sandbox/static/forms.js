// Slack's forms (modals), as dialogs: a menu to choose from, a field to write in.
import { drawBlock } from "./blocks.js";
import { el, send } from "./dom.js";

const drawn = new Map();

export function drawForms(state, agent, attempt) {
  const open = state.views.filter((view) => view.user === agent);
  for (const [id, shown] of drawn) if (!open.some((view) => view.id === id)) { shown.dialog.remove(); drawn.delete(id); }
  for (const view of open) {
    const json = JSON.stringify(view.blocks);
    if (drawn.get(view.id)?.json === json) continue;
    drawn.get(view.id)?.dialog.remove();
    const dialog = drawForm(view, state, (fields) => attempt(() => send("/sandbox/slack/views", { view_id: view.id, user: agent, ...fields })));
    drawn.set(view.id, { dialog, json });
    document.body.append(dialog);
    dialog.showModal();
  }
}

function drawForm(view, state, act) {
  const context = { users: state.users, click: (action_id, value) => act({ action_id, value }) };
  const field = view.blocks.find((block) => block.type === "input");
  const input = field ? el("textarea", { rows: 5, "data-testid": "form-words", "aria-label": field.label.text, maxlength: field.element.max_length }) : null;
  if (input) input.value = field.element.initial_value ?? "";
  const blocks = view.blocks.filter((block) => block !== field).map((block) => drawBlock(block, context));
  const cancel = el("button", { type: "button", class: "control", onclick: () => act({}) }, view.close?.text ?? "Cancel");
  const submit = view.submit ? el("button", { type: "submit", class: "send" }, view.submit.text) : null;
  const form = el("form", { onsubmit: (event) => { event.preventDefault(); act({ words: input?.value ?? "" }); } },
    el("h2", {}, view.title.text), ...blocks, input, el("div", { class: "form-row" }, cancel, submit));
  const dialog = el("dialog", { class: "form", "data-testid": "slack-form", "aria-label": view.title.text }, form);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); act({}); });
  return dialog;
}
