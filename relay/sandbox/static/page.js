// Asks for news twice a second and draws them; a page in the background asks less often by itself.
import { drawCustomers } from "./customer.js";
import { drawSlack } from "./slack.js";
import { drawGuide } from "./guide.js";
import { drawTrouble } from "./trouble.js";

const EVERY = 500;
let version = "";

async function look() {
  try {
    const response = await fetch(`/sandbox/state?since=${encodeURIComponent(version)}`);
    if (response.status === 200) {
      const state = await response.json();
      version = state.version;
      drawCustomers(state);
      drawSlack(state);
      drawTrouble(state);
      drawGuide(state);
    }
    document.body.classList.remove("offline");
  } catch {
    document.body.classList.add("offline");
  }
  setTimeout(look, EVERY);
}

look();
