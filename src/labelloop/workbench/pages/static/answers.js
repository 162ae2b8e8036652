// The pages of what people answered: keys, replies to comments, and moments in the reader's time zone.

import { post } from "./api.js";
import { localize } from "./moments.js";
import { ready } from "./ready.js";

const objects = [...document.querySelectorAll("#answers .to-object")];
const search = document.getElementById("by-text");

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  n: () => document.getElementById("more")?.click(),
  "/": () => search?.select(),
};

function step(by) {
  const at = objects.findIndex((each) => each.closest("li").contains(document.activeElement));
  const wanted = at < 0 ? objects[by > 0 ? 0 : objects.length - 1] : objects[at + by];
  wanted?.focus();
  wanted?.closest("li").scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
search?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") objects[0]?.focus();
});
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.reply");
  if (!form) return;
  event.preventDefault();
  const { task, to } = form.dataset;
  try {
    await post(`/api/tasks/${encodeURIComponent(task)}/reply`, { to, comment: new FormData(form).get("comment") });
    location.reload();
  } catch (error) {
    const notice = form.closest("section").querySelector(".notice");
    notice.textContent = error.message;
    notice.hidden = false;
  }
});
localize(document);
ready();
