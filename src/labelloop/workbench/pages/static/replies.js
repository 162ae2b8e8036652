// Replies to what the person wrote about objects. They stay above the object until the person has seen them.

import { ApiError, get, post } from "./api.js";

const PERIOD = 60_000;
const box = document.getElementById("replies");
const shown = new Map(); // elements by task

export function lookForReplies() {
  look();
  setInterval(look, PERIOD);
  document.addEventListener("visibilitychange", look);
}

async function look() {
  if (document.hidden) return;
  let found;
  try {
    found = (await get("/api/replies")).replies;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return; // The page says elsewhere that there is no connection, and this is asked again.
  }
  for (const each of found) show(each);
}

function show(each) {
  const old = shown.get(each.task);
  if (old?.dataset.time === each.time) return;
  const element = document.createElement("div");
  element.className = "notice reply-to-me";
  element.dataset.time = each.time;
  element.append(
    line(`${each.by} replied about “${each.object}”`, "when"),
    line(each.comment ? `You: ${each.comment}` : "You flagged it.", ""),
    line(`${each.by}: ${each.reply}`, "their-reply"),
    closing(each, element),
  );
  if (old?.isConnected) old.replaceWith(element);
  else box.append(element);
  shown.set(each.task, element);
}

function line(text, kind) {
  const element = document.createElement("p");
  element.className = kind;
  element.dir = "auto";
  element.textContent = text;
  return element;
}

function closing(each, element) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Got it";
  button.addEventListener("click", async () => {
    element.remove();
    document.getElementById("main").focus();
    // If this fails, the reply comes again with the next load.
    await post(`/api/tasks/${encodeURIComponent(each.task)}/reply-seen`, {}).catch(() => {});
  });
  return button;
}
