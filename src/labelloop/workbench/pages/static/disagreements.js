// The page where an owner decides what people disagree about: keys choose a class, Enter decides, N leaves it for later.
// An image is zoomed, brightened and darkened as where people label.

import { post } from "./api.js";
import { ClassKeys } from "./class_keys.js";
import { isHeld } from "./held_keys.js";
import { imageThatIsThere } from "./image_view.js";

const form = document.getElementById("decide");
const hint = document.getElementById("hint");
const inputs = form ? [...form.querySelectorAll("input[type=radio]")] : [];
const image = imageThatIsThere("If that does not help, leave it for later.");
const imageCommands = image?.commands(tell) ?? {};
let busy = false;

const keys = new ClassKeys({
  choose,
  typing: (digits) => tell(digits && `Typed ${digits}: type on, or press Enter.`),
  refuse: (digits) => tell(`No class has the key ${digits}.`),
});
keys.set(inputs.map((input, index) => ({ index, key: input.dataset.key })));

function choose(index) {
  inputs[index].checked = true;
  inputs[index].focus();
  tell("");
}

function tell(text) {
  hint.textContent = text;
}

async function decide() {
  if (keys.digits) {
    const index = keys.settle();
    if (index !== null) choose(index);
    return;
  }
  const chosen = inputs.find((input) => input.checked);
  if (!chosen) {
    tell("Choose a class first.");
    return;
  }
  if (image && image.state !== "shown") {
    tell(image.note.textContent);
    return;
  }
  if (busy) return;
  busy = true;
  try {
    await post(`/api/tasks/${encodeURIComponent(form.dataset.task)}/decide`, { label: Number(chosen.value) });
    location.assign(form.dataset.later);
  } catch (error) {
    tell(error.message);
    busy = false;
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  decide();
});
document.addEventListener("keydown", (event) => {
  if (!form || isHeld(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (keys.press(event.key)) event.preventDefault();
  else if (event.key.toLowerCase() === "n") document.getElementById("later").click();
  else if (event.key.toLowerCase() in imageCommands) imageCommands[event.key.toLowerCase()]();
  else if (event.key === "Enter" && !event.target.closest("a, button, input, summary")) decide();
});
