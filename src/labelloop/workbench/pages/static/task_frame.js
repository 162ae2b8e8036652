// Our own small version of Ground Truth's crowd elements. It runs in a frame without an origin. The template's HTML is
// inserted as by innerHTML, so its scripts never run. The frame reports what the person does to the page around it.

let keys = {}; // the key of each category, by its name

const tell = (message) => parent.postMessage(message, "*");

function categories(text) {
  // Some of Ground Truth's own samples write ['good', 'bad'], which is not JSON.
  for (const each of [text, text.replaceAll("'", '"')]) {
    try {
      const found = JSON.parse(each);
      if (Array.isArray(found)) return found.map(String);
    } catch {
      // Try the other form.
    }
  }
  return [];
}

class Classifier extends HTMLElement {
  connectedCallback() {
    if (this.built) return;
    this.built = true;
    this.append(this.target(), this.choices(), ...this.instructions());
    const header = document.createElement("h1");
    header.textContent = this.getAttribute("header") ?? "Choose a category";
    this.prepend(header);
  }

  target() {
    return this.querySelector("classification-target") ?? document.createElement("classification-target");
  }

  choices() {
    const field = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = "Category";
    field.append(legend);
    for (const name of categories(this.getAttribute("categories") ?? "")) field.append(this.choice(name));
    field.addEventListener("change", (event) => tell({ kind: "choice", name: event.target.value }));
    return field;
  }

  choice(name) {
    const row = document.createElement("label");
    row.className = name.length > 60 ? "choice wide" : "choice"; // as in classes_view.js
    const input = document.createElement("input");
    input.type = "radio";
    input.name = "category";
    input.value = name;
    const text = document.createElement("bdi");
    text.textContent = name;
    row.append(input, text);
    if (Object.hasOwn(keys, name)) {
      const hint = document.createElement("kbd");
      hint.textContent = keys[name];
      row.append(hint);
    }
    return row;
  }

  instructions() {
    const short = this.querySelector("short-instructions");
    const full = this.querySelector("full-instructions");
    const parts = short ? [short] : [];
    if (full) {
      const dialog = instructionsDialog(full);
      const open = document.createElement("button");
      open.type = "button";
      open.textContent = "View full instructions";
      open.addEventListener("click", () => dialog.showModal());
      parts.push(open, dialog);
    }
    return parts;
  }
}

class ImageClassifier extends Classifier {
  target() {
    const image = document.createElement("img");
    image.className = "task-image";
    image.alt = "The image to classify";
    image.src = this.getAttribute("src") ?? "";
    image.addEventListener("load", tellHeight);
    return image;
  }
}

function instructionsDialog(full) {
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  title.textContent = full.getAttribute("header") ?? "Instructions";
  title.id = "full-instructions-title";
  dialog.setAttribute("aria-labelledby", title.id);
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.append(title, full, close);
  return dialog;
}

class Form extends HTMLElement {
  connectedCallback() {
    // Like Ground Truth, add a button to a form that has none.
    queueMicrotask(() => {
      if (!this.querySelector("crowd-button")) this.append(submitButton("Submit"));
    });
  }
}

class Button extends HTMLElement {
  connectedCallback() {
    if (this.built) return;
    this.built = true;
    const button = submitButton(this.textContent.trim() || "Submit");
    this.replaceChildren(button);
  }
}

function submitButton(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "submit";
  button.textContent = text;
  button.addEventListener("click", () => tell({ kind: "confirm" }));
  return button;
}

customElements.define("crowd-classifier", Classifier);
customElements.define("crowd-image-classifier", ImageClassifier);
customElements.define("crowd-form", Form);
customElements.define("crowd-button", Button);

function tellHeight() {
  const pixels = document.body.offsetHeight;
  if (pixels > 0) tell({ kind: "height", pixels }); // otherwise the frame is hidden
}

function choose(name) {
  for (const input of document.querySelectorAll('input[name="category"]')) {
    input.checked = input.value === name;
  }
}

/** Elements that would replace this page by another, or show another inside it. */
const LEAVING = "meta, base, iframe, frame, object, embed";

function show(html, id) {
  const content = document.createElement("template"); // nothing in it loads or runs
  content.innerHTML = html;
  for (const each of content.content.querySelectorAll(LEAVING)) each.remove();
  document.getElementById("task").replaceChildren(document.importNode(content.content, true));
  // Make scrolling regions reachable by keyboard.
  for (const target of document.querySelectorAll("classification-target")) {
    if (target.scrollHeight > target.clientHeight + 1) target.tabIndex = 0;
  }
  // Wait until the form has added its button. In the next frame, the height may equal that of the previous task, and
  // then the observer sees no change. If the page around has only just shown this frame, there is a height in the next.
  queueMicrotask(() => {
    tell({ kind: "shown", id, submits: document.querySelector("button.submit") !== null });
    tellHeight();
    requestAnimationFrame(tellHeight);
  });
}

addEventListener("message", (event) => {
  if (event.source !== parent) return;
  if (event.data?.kind === "show") {
    keys = event.data.keys ?? {};
    show(event.data.html, event.data.id);
  }
  if (event.data?.kind === "choose") choose(event.data.name);
});
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("dialog")) return;
  if (event.repeat) {
    // As in held_keys.js. Arrows may repeat.
    if (event.key === "Enter") event.preventDefault();
    return;
  }
  if (event.key === "Enter" && event.target.closest("button")) return;
  if (event.target.matches('input:not([type="radio"]), textarea, select')) return;
  // Arrows, Tab and the space bar belong to the radio buttons.
  if (event.key === " " || (event.key.length > 1 && event.key !== "Backspace" && event.key !== "Enter")) return;
  event.preventDefault();
  tell({ kind: "key", key: event.key });
});
// A link in a text would replace this page, and keys would answer an object that nobody sees.
addEventListener("click", (event) => event.target.closest?.("a, area") && event.preventDefault(), { capture: true });
addEventListener("pagehide", () => tell({ kind: "left" }));
new ResizeObserver(tellHeight).observe(document.body);
tell({ kind: "ready" });
