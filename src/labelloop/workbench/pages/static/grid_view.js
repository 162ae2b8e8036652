// Several objects that are alike, answered at once. A person takes out those that the answer does not fit.

import { showText } from "./visible_text.js";

const MOST = 9;

/** Those of the tasks that are shown together; none where one is to be shown alone. */
export function together(tasks, alone) {
  if (tasks.length === 0 || isAlone(tasks[0], alone)) return [];
  const some = tasks.filter((task) => !isAlone(task, alone)).slice(0, MOST);
  return some.length > 1 ? some : [];
}

// What an undo has brought back is shown with what was said.
const isAlone = (task, alone) => task.earlier !== undefined || alone.has(task.id);

export class GridView {
  /** `changed()` is called when an object is taken out or put back, or when an image is there. */
  constructor(changed) {
    this.element = document.getElementById("grid");
    this.changed = changed;
    this.tasks = [];
    this.out = new Set();
  }

  get isShown() {
    return this.tasks.length > 0;
  }

  /** The tasks that the answer is for. */
  get included() {
    return this.tasks.filter((task) => !this.out.has(task.id));
  }

  get hindrance() {
    const images = [...this.element.querySelectorAll("img")];
    if (images.some((image) => !image.complete)) return "Wait until all images are shown.";
    const broken = this.included.some((task) => this.card(task)?.querySelector("img")?.naturalWidth === 0);
    if (broken) return "Take out the image that is not shown.";
    return this.included.length ? "" : "All are taken out: choose “One by one”.";
  }

  show(tasks) {
    this.tasks = tasks;
    this.out = new Set();
    this.element.hidden = false;
    this.element.querySelector("ol").replaceChildren(...tasks.map((task, index) => this.made(task, index)));
  }

  focus() {
    this.element.focus({ preventScroll: true });
  }

  hide() {
    this.tasks = [];
    this.element.hidden = true;
    this.element.querySelector("ol").replaceChildren();
  }

  /** Takes the object at a place out, or puts it back. Returns what is said of it, or null where there is none. */
  toggle(index) {
    const task = this.tasks[index];
    if (!task) return null;
    if (!this.out.delete(task.id)) this.out.add(task.id);
    const isOut = this.out.has(task.id);
    this.card(task).setAttribute("aria-pressed", String(isOut));
    this.changed();
    return `Object ${index + 1} ${isOut ? "taken out" : "put back"}.`;
  }

  card(task) {
    return this.element.querySelectorAll(".card")[this.tasks.indexOf(task)];
  }

  made(task, index) {
    const item = document.createElement("li");
    const card = document.createElement("button");
    card.type = "button";
    card.className = "card";
    card.setAttribute("aria-pressed", "false");
    card.addEventListener("click", (event) => {
      this.toggle(index);
      // After a click, Enter confirms. For a person who reached the card by keyboard, Enter puts it back.
      if (event.detail > 0) this.focus();
    });
    card.append(task.image_url === undefined ? shownText(task.text ?? "") : this.image(task.image_url, index), key(index));
    item.append(card);
    return item;
  }

  image(url, index) {
    const image = new Image();
    image.alt = `Image ${index + 1}`;
    for (const settled of ["load", "error"]) image.addEventListener(settled, () => this.changed());
    image.src = url;
    return image;
  }
}

function shownText(text) {
  const element = document.createElement("span");
  element.className = "card-text";
  element.dir = "auto";
  if (text.trim() === "") element.textContent = "(This text is empty.)";
  else showText(element, text);
  return element;
}

function key(index) {
  const hint = document.createElement("kbd");
  hint.textContent = `⇧${index + 1}`;
  hint.setAttribute("aria-hidden", "true");
  return hint;
}
