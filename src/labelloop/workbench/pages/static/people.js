// The page of people: invitations, and what an owner does about a person.

import { post } from "./api.js";
import { localize } from "./moments.js";
import { copyFrom } from "./copying.js";
import { freshPage, replaceParts } from "./parts.js";
import { ready } from "./ready.js";

const byId = (id) => document.getElementById(id);
const PARTS = ["part-shared", "part-people"];
const NEW_LINK = (name) => [`A new link for ${name}?`, "The link that this person has now stops working at once, and signs out.", "Make a new link"];
const DISCARD = (name, answers) => [
  `Discard what ${name} said in this batch?`,
  `${answers} stop counting, and others are asked about these objects. If nobody else is at work, ${name} is asked again, unless paused. What was said stays in the objects' histories. It cannot be counted again.`,
  `Discard ${answers}`,
];
const WITHDRAW = (name) => [`Withdraw the link of ${name}?`, "It signs this person out at once. Answers are kept.", "Withdraw the link"];
let busy = false;

/** Sends something that changes what the page shows, then shows that. Returns the answer, or null. */
async function send(path, body) {
  if (busy) return null;
  busy = true;
  try {
    const answer = await post(path, body);
    byId("notices").replaceChildren();
    await refresh();
    return answer;
  } catch (error) {
    notice(error.message);
    return null;
  } finally {
    busy = false;
  }
}

async function refresh() {
  const fresh = await freshPage(`/people${location.search}`);
  if (!fresh) {
    location.reload();
    return;
  }
  const focused = document.activeElement?.id;
  const open = byId("rule")?.open;
  replaceParts(fresh, PARTS);
  if (byId("rule")) byId("rule").open = open;
  if (focused && document.activeElement === document.body) (byId(focused) ?? byId("main")).focus();
}

function notice(text) {
  const element = document.createElement("p");
  element.className = "notice";
  element.setAttribute("role", "alert");
  element.textContent = text;
  byId("notices").replaceChildren(element);
  element.scrollIntoView({ block: "nearest" });
}

async function invite(name, role, again) {
  const made = await send("/api/people/invite", { name, role, again });
  if (!made) return;
  byId("invite").reset();
  byId("made").hidden = false;
  byId("made-text").textContent = `This link signs in as ${made.name}, ${made.role}. It is shown only now: send it to ${made.name}, and to nobody else.`;
  byId("made-link").value = made.link;
  byId("made-text").focus();
}

const discard = (person) => send(`/api/batch/${encodeURIComponent(byId("part-people").dataset.batch)}/discard`, { person });

/** Asks before something that cannot be taken back. */
function ask([title, text, does], act) {
  byId("sure-title").textContent = title;
  byId("sure-text").textContent = text;
  byId("sure-do").textContent = does;
  const dialog = byId("sure");
  dialog.returnValue = "cancel";
  dialog.onclose = () => {
    if (dialog.returnValue === "do") act();
  };
  dialog.showModal();
}

const ACTIONS = {
  pause: ({ person }) => send("/api/people/pause", { person }),
  resume: ({ person }) => send("/api/people/resume", { person }),
  discard: ({ person, name }, { count }) => ask(DISCARD(name, count), () => discard(person)),
  link: ({ person, name, role }) => ask(NEW_LINK(name), () => invite(person, role, true)),
  withdraw: ({ person, name }) => ask(WITHDRAW(name), () => send("/api/people/withdraw", { person })),
};

byId("invite")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(event.target);
  invite(given.get("name"), given.get("role"), false);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do], button[data-copy], button[data-shared]");
  if (!button) return;
  const { copy, shared } = button.dataset;
  if (copy) copyFrom(byId(copy), button);
  else if (shared) send("/api/people/shared", { closed: shared === "close" });
  else ACTIONS[button.dataset.do](button.closest("[data-person]").dataset, button.dataset);
});
localize(document);
ready();
