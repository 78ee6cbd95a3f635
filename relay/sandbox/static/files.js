// Files: as a picture or a card, for whoever reads; and how somebody chooses theirs.
import { el, link, picture } from "./dom.js";

const MOST = 8_000_000; // bytes of one message's files
const SHOWN = /^(https?:\/\/|\/files\/)/i;

function size(bytes) {
  if (!Number.isFinite(bytes) || bytes < 0) return "";
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function ending(name) {
  const found = /\.([a-z0-9]{1,4})$/i.exec(name);
  return found ? found[1].toUpperCase() : "FILE";
}

function around(file, attributes, ...children) {
  if (!SHOWN.test(file.link ?? "")) return el("div", attributes, ...children);
  return el("a", { ...attributes, href: file.link, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

export function drawFile(file) {
  if (file.picture) return around(file, { class: "file picture", "data-testid": "file" }, el("img", { src: file.link, alt: file.name || "picture" }));
  const facts = [file.note, file.type, size(file.size)].filter(Boolean).join(" · ");
  return around(file, { class: "file", "data-testid": "file" },
    el("span", { class: "ending", "aria-hidden": "true" }, ending(file.name)),
    el("span", { class: "facts" }, el("b", {}, file.name || "file"), el("span", {}, facts)));
}

// A picture of a rich message, as a link to where it is; one that cannot be shown here is the link alone.
export function drawRichPicture({ url, caption }) {
  const shown = picture(url, caption || "picture");
  const image = shown instanceof Element ? shown : el("img", { src: url, alt: caption || "picture" });
  const around = link(url, "", { class: "file picture", "data-testid": "rich-picture" });
  image.addEventListener("error", () => around.replaceChildren(caption || url));
  around.replaceChildren(image);
  return around;
}

// The chosen files as {name, data}, `data` being a data URL; `used` bytes are taken already.
export async function read(list, used = 0) {
  const files = [...list];
  if (files.some((file) => !file.size)) throw new Error("An empty file cannot be sent.");
  if (files.reduce((sum, file) => sum + file.size, used) > MOST) throw new Error("Files of more than 8 MB cannot be sent here.");
  return Promise.all(files.map((file) => new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ name: file.name, data: reader.result, size: file.size });
    reader.onerror = () => reject(new Error(`${file.name} could not be read.`));
    reader.readAsDataURL(file);
  })));
}

// A button to choose files with, and the list of what is chosen; `complain` gets a sentence.
export function picker(complain) {
  let files = [];
  const list = el("ul", { class: "picked", "aria-label": "Files to be sent", hidden: true });
  const input = el("input", { type: "file", multiple: true, "data-testid": "agent-upload", "aria-label": "Attach files" });
  const button = el("label", { class: "icon attach", title: "Attach files" }, "+", input);
  const show = () => {
    list.hidden = !files.length;
    list.replaceChildren(...files.map((file) => el("li", {}, file.name, el("button", {
      type: "button", "aria-label": `Remove ${file.name}`,
      onclick: () => { files = files.filter((each) => each !== file); show(); input.focus(); },
    }, "✕"))));
  };
  input.addEventListener("change", async () => {
    try {
      files = [...files, ...await read(input.files, files.reduce((sum, file) => sum + file.size, 0))];
      show();
    } catch (error) {
      complain(error.message);
    }
    input.value = "";
  });
  const chosen = () => files.map(({ name, data }) => ({ name, data }));
  return { list, button, chosen, clear: () => { files = []; show(); } };
}
