// The object to label: a text or an image.

import { showText } from "./visible_text.js";

const MEDIUM = 160;
const LONG = 900;

export class ObjectView {
  constructor() {
    this.element = document.getElementById("object");
    this.text = document.getElementById("object-text");
    this.frame = document.getElementById("object-image-frame");
    this.image = document.getElementById("object-image");
    this.problem = document.getElementById("object-problem");
    this.preloaded = new Map();
    this.frame.addEventListener("click", () => this.zoom());
    this.image.addEventListener("error", () => this.imageFailed());
    this.image.addEventListener("load", () => (this.problem.hidden = true));
    new ResizeObserver(() => this.reachable()).observe(this.text);
  }

  show(task) {
    this.problem.hidden = true;
    const isImage = task.image_url !== undefined;
    this.text.hidden = isImage;
    this.frame.hidden = !isImage;
    if (isImage) this.showImage(task.image_url);
    else this.showText(task.text ?? "");
    this.preloaded.delete(task.id);
  }

  showText(text) {
    const blank = text.trim() === "";
    this.text.classList.toggle("empty", blank);
    if (blank) this.text.textContent = "(This text is empty.)";
    else showText(this.text, text);
    this.text.dataset.length = text.length > LONG ? "long" : text.length > MEDIUM ? "medium" : "short";
    this.text.scrollTop = 0;
    this.reachable();
  }

  showImage(url) {
    this.frame.setAttribute("aria-pressed", "false");
    this.image.src = url;
  }

  /** What scrolls can be scrolled by keyboard. */
  reachable() {
    if (this.text.scrollHeight > this.text.clientHeight + 1) {
      this.text.tabIndex = 0;
      this.text.setAttribute("role", "region");
      this.text.setAttribute("aria-label", "The text, which scrolls");
    } else {
      this.text.removeAttribute("tabindex");
      this.text.removeAttribute("role");
      this.text.removeAttribute("aria-label");
    }
  }

  zoom() {
    if (this.frame.hidden) return;
    const full = this.frame.getAttribute("aria-pressed") !== "true";
    this.frame.setAttribute("aria-pressed", String(full));
  }

  imageFailed() {
    this.problem.textContent =
      "The image could not be loaded. It may be damaged, or its address has expired: reload the page, or skip it.";
    this.problem.hidden = false;
  }

  /** Have the browser fetch the images of the tasks that come next. */
  preload(tasks) {
    for (const task of tasks) {
      if (task.image_url === undefined || this.preloaded.has(task.id)) continue;
      const image = new Image();
      image.src = task.image_url;
      this.preloaded.set(task.id, image);
    }
  }

  focus() {
    this.element.focus({ preventScroll: true });
  }
}
