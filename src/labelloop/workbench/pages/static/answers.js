// The pages of what people answered: keys, replies to comments, corrections, and moments in the reader's time zone.

import { post } from "./api.js";
import { imageThatIsThere } from "./image_view.js";
import { localize } from "./moments.js";
import { ready } from "./ready.js";

const objects = [...document.querySelectorAll("#answers .to-object")];
const search = document.getElementById("by-text");

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  n: () => document.getElementById("more")?.click(),
  "/": () => search?.select(),
  ...imageThatIsThere()?.commands(),
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
/** What a form sends where, or nothing. */
function sent(form) {
  const given = new FormData(form);
  if (form.matches(".reply")) return ["reply", { to: form.dataset.to, comment: given.get("comment") }];
  if (form.matches(".ask-others")) return ["ask-others", {}];
  return form.matches(".correct") ? ["correct", { label: Number(given.get("label")) }] : null;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const what = sent(form);
  if (!what) return;
  event.preventDefault();
  try {
    await post(`/api/tasks/${encodeURIComponent(form.dataset.task)}/${what[0]}`, what[1]);
    location.reload();
  } catch (error) {
    const notice = [...form.parentElement.querySelectorAll(".notice")].find(
      (each) => form.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING,
    );
    notice.textContent = error.message;
    notice.hidden = false;
  }
});
localize(document);
ready();
