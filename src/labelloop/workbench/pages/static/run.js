// The run's page. It replaces its parts with newer ones from the server, and sends the actions of its buttons.

import { post } from "./api.js";
import { dropLinks } from "./farewell.js";
import { localize } from "./moments.js";
import { ready } from "./ready.js";

const PERIOD = 4_000;
const parts = document.getElementById("parts");
const freshness = document.getElementById("freshness");
const closeDialog = document.getElementById("close-dialog");
let timer = 0;
let busy = false;
let over = false;

async function refresh() {
  clearTimeout(timer);
  if (over) return;
  try {
    const response = await fetch(`/run/parts${location.search}`, { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(15_000) });
    if (response.status === 401 || response.status === 403) {
      location.reload();
      return;
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    ready(fresh);
    replaceParts(fresh);
    tell("saved", "Up to date");
    hearWhetherOver();
    if (over) return; // The workbench may stop now. That is not a problem to report.
  } catch {
    tell("offline", "Not up to date: the workbench cannot be reached. Trying again.");
  }
  timer = setTimeout(refresh, document.hidden ? 10 * PERIOD : PERIOD);
}

function hearWhetherOver() {
  over = parts.querySelector("[data-over]") !== null;
  if (over) dropLinks();
}

function tell(state, text) {
  freshness.dataset.state = state;
  if (freshness.textContent !== text) freshness.textContent = text;
}

/** The server has escaped every text. Parts that did not change stay, with their focus, selection and scroll position. */
function replaceParts(fresh) {
  const wanted = [...fresh.body.querySelectorAll(":scope > .part")];
  const ids = new Set(wanted.map((part) => part.id));
  for (const old of [...parts.children]) if (!ids.has(old.id)) old.remove();
  wanted.forEach((part, index) => {
    localize(part);
    const old = document.getElementById(part.id);
    if (old) replacePart(old, part);
    else parts.insertBefore(document.adoptNode(part), parts.children[index] ?? null);
  });
}

function replacePart(old, part) {
  const open = new Set([...old.querySelectorAll("details[open]")].map((each) => each.id));
  for (const each of part.querySelectorAll("details")) each.open = open.has(each.id);
  if (old.isEqualNode(part)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = [...old.querySelectorAll(".scroll")].map((each) => each.scrollTop);
  old.replaceWith(document.adoptNode(part));
  part.querySelectorAll(".scroll").forEach((each, index) => (each.scrollTop = scrolled[index] ?? 0));
  if (focused) document.getElementById(focused)?.focus();
}

async function act(batch, action) {
  if (busy) return;
  busy = true;
  try {
    const answer = await post(`/api/batch/${encodeURIComponent(batch)}/${action}`, {});
    document.getElementById("notices").replaceChildren();
    if (action === "ask-again") notice(sentAgain(answer.sent), "status");
  } catch (error) {
    notice(error.message);
  } finally {
    busy = false;
  }
  await refresh();
}

function sentAgain(sent) {
  if (sent === 0) return "Nothing was sent: people no longer disagree, or one more person is already asked.";
  return sent === 1 ? "1 object was sent to one more person." : `${sent.toLocaleString()} objects were sent to one more person each.`;
}

function notice(text, role = "alert") {
  const element = document.createElement("p");
  element.className = "notice";
  element.setAttribute("role", role);
  element.textContent = text;
  document.getElementById("notices").replaceChildren(element);
}

parts.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (!button) return;
  const { batch, name } = button.closest("[data-batch]").dataset;
  if (button.dataset.action !== "close") {
    act(batch, button.dataset.action);
    return;
  }
  document.getElementById("close-name").textContent = name;
  closeDialog.returnValue = "cancel";
  closeDialog.onclose = () => {
    if (closeDialog.returnValue === "close") act(batch, "close");
  };
  closeDialog.showModal();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
localize(parts);
ready();
hearWhetherOver();
timer = setTimeout(refresh, PERIOD);
