// The messages of the labeling page, next to the object and when there is nothing to label.

import { dropLinks } from "./farewell.js";

const byId = (id) => document.getElementById(id);

const PANELS = {
  loading: ["wait", "Loading", "Asking for the next object."],
  open: ["wait", "One moment", "Your last answers are being saved."],
  none: [
    "wait",
    "Nothing to label now",
    "If the run continues, the model is learning from the labels so far. This page continues by itself as soon as there is more.",
  ],
  ended: ["done", "That was all. Thank you", "Your answers are saved, and there is nothing left to label. You can close this page."],
  gone: [
    "wait",
    "The workbench does not answer",
    "All your answers are saved. If the work is over, you can close this page. If the connection is down, this page continues by itself later.",
  ],
  done: [
    "done",
    "All done for now",
    "Nothing is left for you in this batch. This page continues by itself as soon as there is more.",
  ],
  held: [
    "wait",
    "Others have the last objects",
    "Everything that is left is with other people now. This page continues by itself if one of them gives something back, or as soon as there is more.",
  ],
  paused: ["paused", "Paused", "The owner of this run has paused it. This page continues by itself."],
  suspended: [
    "paused",
    "An owner has paused your work",
    "You get no objects now, and what you held goes to others. What you answered before is kept. Ask the owner of the run; this page continues by itself.",
  ],
  away: [
    "paused",
    "Still there?",
    "You were away for a while, so the objects reserved for you may go to others. Your answers are safe.",
  ],
  unreachable: [
    "problem",
    "The workbench cannot be reached",
    "This page keeps trying, and your answers are safe on this device. Is the connection up, and the workbench running?",
  ],
  troubled: [
    "problem",
    "The workbench has a problem",
    "Tell the owner of the run. This page keeps trying, and your answers are safe on this device.",
  ],
  broken: [
    "problem",
    "This cannot be shown",
    "The workbench refuses to show objects, for the reason above. Tell the owner of the run. This page keeps trying.",
  ],
  signedOut: [
    "problem",
    "Load this page again",
    "Answers that are not sent yet stay on this device. They are sent when the person who gave them signs in here again.",
  ],
};

const SAVED_BEFORE = 1_000; // milliseconds within which an answer is usually saved
let connectionText = "";
let telling = null;

/** Announces a text to screen readers. */
export function say(text) {
  byId("announcer").textContent = text;
}

/** Shows a panel in place of the object; `button` has `text` and `press`. `told` takes the place of its usual text. */
export function showPanel(name, button = null, reason = "", told = "") {
  const [mark, title, usual] = PANELS[name] ?? PANELS.none;
  const standard = told || usual;
  const text = reason ? `${sentence(reason)} ${standard}` : standard;
  const isNews = byId("panel").hidden || byId("panel-title").textContent !== title;
  byId("work").hidden = true;
  byId("panel").hidden = false;
  if (name === "ended") dropLinks();
  byId("panel-mark").dataset.mark = mark;
  byId("panel-title").textContent = title;
  byId("panel-text").textContent = text;
  byId("panel-button").hidden = button === null;
  byId("panel-button").textContent = button?.text ?? "";
  byId("panel-button").onclick = button?.press ?? null;
  document.title = `labelloop: ${title.toLowerCase()}`;
  if (isNews && button) byId("panel-button").focus();
  if (isNews && name !== "loading") say(`${title}. ${text}`);
}

export function hidePanel() {
  byId("panel").hidden = true;
  byId("work").hidden = false;
  document.title = "labelloop: label";
}

/** Shows a message above the object. It stays until it is closed. `button`, beside that, has `text` and `press`. */
export function notice(text, place = byId("notices"), button = null) {
  const element = document.createElement("p");
  element.className = "notice";
  element.setAttribute("role", "alert");
  element.textContent = text;
  const buttons = [button, { text: "Close", press: () => {} }].filter(Boolean);
  element.append(...buttons.map((each) => closing(element, each)));
  place.replaceChildren(element);
}

function closing(element, { text, press }) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", () => {
    element.remove();
    press();
  });
  return button;
}

/** Shows whether all answers are saved. This is a live region, so it mentions one answer only if saving takes long. */
export function showConnection(waiting, cut, { signedOut = false, trouble = "" } = {}) {
  const answers = `${waiting} answer${waiting === 1 ? "" : "s"}`;
  connectionText = "All answers saved";
  if (signedOut) connectionText = waiting ? `Not sent: ${answers} kept on this device` : "Load this page again";
  else if (trouble) connectionText = waiting ? `${answers} kept on this device: ${trouble}` : sentence(trouble);
  else if (cut) connectionText = waiting ? `No connection: ${answers} kept on this device` : "No connection: trying again";
  else if (waiting) connectionText = `Saving ${answers}`;
  byId("connection").dataset.state = cut || signedOut || trouble ? "offline" : waiting ? "sending" : "saved";
  if (waiting === 1 && !cut && !signedOut && !trouble) telling ??= setTimeout(tellConnection, SAVED_BEFORE);
  else tellConnection();
}

/** What the workbench says, as a sentence of its own. */
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function tellConnection() {
  clearTimeout(telling);
  telling = null;
  const element = byId("connection");
  if (element.textContent !== connectionText) element.textContent = connectionText;
}

export function showProgress(progress) {
  byId("batch-progress").hidden = false;
  const { total, done, per_minute: pace } = progress;
  byId("progress-bar").max = Math.max(1, total);
  byId("progress-bar").value = done;
  byId("progress-text").textContent = `${done.toLocaleString()} of ${total.toLocaleString()}`;
  byId("pace").textContent = pace ? `· you: ${Math.round(pace)} a minute` : "";
}
