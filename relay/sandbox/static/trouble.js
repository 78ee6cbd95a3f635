// Makes things go wrong, and counts what becomes of the customers' words meanwhile.
import { send } from "./dom.js";

const byId = (id) => document.getElementById(id);

export function drawTrouble(state) {
  for (const vendor of ["slack", "kommunicate"]) {
    const button = byId(`break-${vendor}`), broken = state.broken.includes(vendor);
    button.setAttribute("aria-pressed", String(broken));
    button.textContent = `${broken ? "Restore" : "Break"} ${vendor === "slack" ? "Slack" : "Kommunicate"}`;
  }
  byId("kill").hidden = !state.can_kill;
  const { received, shown, missing, doubled } = state.count;
  byId("count").textContent = `${received} received · ${shown} shown once · ${missing} on the way · ${doubled} shown twice`
    + (state.kills ? ` · ${state.kills} ${state.kills === 1 ? "kill" : "kills"}` : "");
}

for (const vendor of ["slack", "kommunicate"]) byId(`break-${vendor}`).addEventListener("click", () => send(`/sandbox/break/${vendor}`, {}));
byId("kill").addEventListener("click", () => send("/sandbox/kill", {}));
