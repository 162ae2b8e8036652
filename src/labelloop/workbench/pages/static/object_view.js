// Shows the object to label: a text or an image.

import { ImageView, isBroken, setScrolling } from "./image_view.js";
import { showText } from "./visible_text.js";

const MEDIUM = 160;
const LONG = 900;

const byId = (id) => document.getElementById(id);

export class ObjectView {
  /** `settled()` is called when an image that the page waited for is loaded or has failed. */
  constructor(settled) {
    this.element = byId("object");
    this.text = byId("object-text");
    this.preloaded = new Map();
    this.image = new ImageView({ settled, focus: () => this.focus(), otherwise: "If that does not help, skip it." });
    new ResizeObserver(() => this.reachable()).observe(this.text);
  }

  /** Why the object cannot be answered now, or an empty string. */
  get hindrance() {
    if (this.image.state === "loading") return "Wait until the image is shown.";
    return this.image.state === "failed" ? "An image that is not shown cannot be labeled. Skip it." : "";
  }

  show(task) {
    const isImage = task.image_url !== undefined;
    this.text.hidden = isImage;
    this.image.box.hidden = !isImage;
    if (isImage) this.showImage(task);
    else this.showText(task.text ?? "");
  }

  showText(text) {
    const blank = text.trim() === "";
    this.image.clear();
    this.text.classList.toggle("empty", blank);
    if (blank) this.text.textContent = "(This text is empty.)";
    else showText(this.text, text);
    this.text.dataset.length = text.length > LONG ? "long" : text.length > MEDIUM ? "medium" : "short";
    this.text.scrollTop = 0;
    this.reachable();
  }

  showImage(task) {
    const early = this.preloaded.get(task.id);
    // An image whose preload failed may load now.
    const image = early && !isBroken(early) ? early : fetched(task.image_url);
    image.alt = "The image to label";
    this.image.show(image);
  }

  /** Makes the text scrollable by keyboard if it scrolls. */
  reachable() {
    setScrolling(this.text, this.text.scrollHeight > this.text.clientHeight + 1, "The text, which scrolls");
  }

  /** Makes the browser fetch the images of the next tasks. */
  preload(tasks) {
    const images = tasks.filter((task) => task.image_url !== undefined);
    this.preloaded = new Map(
      images.map(({ id, image_url: url }) => [id, this.preloaded.get(id) ?? fetched(url)]),
    );
  }

  focus() {
    (this.image.zoomed ? this.image.frame : this.element).focus({ preventScroll: true });
  }
}

function fetched(url) {
  const image = new Image();
  image.decoding = "sync"; // otherwise it would appear a moment after the rest
  image.src = url;
  return image;
}
