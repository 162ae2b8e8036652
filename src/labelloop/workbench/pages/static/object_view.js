// The object to label: a text or an image.

import { showText } from "./visible_text.js";

const MEDIUM = 160;
const LONG = 900;
const MOST_ENLARGED = 8;
const TINY = 64; // pixels: smoothed, an image this small would be a blur
const LOADING = "Loading the image…";
const FAILED = "The image could not be shown. Reload the page; if it stays so, skip it.";

const byId = (id) => document.getElementById(id);

export class ObjectView {
  /** `settled()` is called when an image that the page waited for is there, or is known not to come. */
  constructor(settled) {
    this.element = byId("object");
    this.text = byId("object-text");
    this.box = byId("object-image-box");
    this.frame = byId("object-image-frame");
    this.note = byId("object-image-note");
    this.zoomButton = byId("zoom");
    this.preloaded = new Map();
    this.settled = settled;
    this.awaitNoImage();
    this.listen();
  }

  listen() {
    this.frame.addEventListener("click", (event) => {
      if (event.target !== this.image) return;
      this.zoom(event);
      this.focus();
    });
    this.zoomButton.addEventListener("click", (event) => {
      this.zoom();
      // Enter confirms after a click, but goes on zooming for who came to the button by keyboard.
      if (event.detail > 0) this.focus();
    });
    new ResizeObserver(() => this.reachable()).observe(this.text);
    new ResizeObserver(() => this.fit()).observe(this.frame);
  }

  /** Why the object cannot be answered now, or nothing. */
  get hindrance() {
    if (this.state === "loading") return "Wait until the image is shown.";
    return this.state === "failed" ? "What is not shown cannot be labeled. Skip it." : "";
  }

  show(task) {
    const isImage = task.image_url !== undefined;
    this.text.hidden = isImage;
    this.box.hidden = !isImage;
    if (isImage) this.showImage(task);
    else this.showText(task.text ?? "");
  }

  showText(text) {
    const blank = text.trim() === "";
    this.awaitNoImage();
    this.text.classList.toggle("empty", blank);
    if (blank) this.text.textContent = "(This text is empty.)";
    else showText(this.text, text);
    this.text.dataset.length = text.length > LONG ? "long" : text.length > MEDIUM ? "medium" : "short";
    this.text.scrollTop = 0;
    this.reachable();
  }

  showImage(task) {
    const early = this.preloaded.get(task.id);
    // One that failed ahead of time may come now.
    const image = early && !isBroken(early) ? early : fetched(task.image_url);
    image.id = "object-image";
    image.alt = "The image to label";
    this.image = image;
    this.setZoomed(false);
    this.frame.replaceChildren(image);
    if (image.complete) {
      this.settle();
      return;
    }
    this.setState("loading");
    const settle = () => {
      if (image !== this.image) return;
      this.settle();
      this.settled();
    };
    image.addEventListener("load", settle, { once: true });
    image.addEventListener("error", settle, { once: true });
  }

  /** What is shown is a text, or in a worker template. */
  awaitNoImage() {
    this.image = new Image();
    this.setState("shown");
    this.setZoomed(false);
  }

  settle() {
    this.setState(isBroken(this.image) ? "failed" : "shown");
    this.fit();
  }

  setState(state) {
    this.state = state;
    this.box.dataset.state = state;
    this.note.hidden = state === "shown";
    this.note.classList.toggle("notice", state === "failed");
    this.note.textContent = state === "failed" ? FAILED : LOADING;
    this.zoomButton.disabled = state !== "shown";
  }

  /** What scrolls can be scrolled by keyboard. */
  reachable() {
    setScrolling(this.text, this.text.scrollHeight > this.text.clientHeight + 1, "The text, which scrolls");
  }

  /** Zoom in on a point of the screen, or out. */
  zoom(point = centerOf(this.frame)) {
    if (this.box.hidden || this.state !== "shown") return;
    const before = this.image.getBoundingClientRect();
    this.setZoomed(!this.zoomed);
    if (!this.zoomed) return;
    const after = this.image.getBoundingClientRect();
    const share = { x: (point.clientX - before.x) / before.width, y: (point.clientY - before.y) / before.height };
    this.frame.scrollLeft += after.x + share.x * after.width - point.clientX;
    this.frame.scrollTop += after.y + share.y * after.height - point.clientY;
  }

  setZoomed(zoomed) {
    this.zoomed = zoomed;
    this.box.dataset.zoomed = String(zoomed);
    this.zoomButton.firstChild.data = zoomed ? "Zoom out " : "Zoom in ";
    setScrolling(this.frame, zoomed, "The image, which scrolls");
    this.fit();
  }

  /** Give the image its size: as large as the frame and sense allow, or twice that and never below its own. */
  fit() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    if (this.state !== "shown" || width === 0) return;
    // Without scroll bars, which come and go with the size.
    const { offsetWidth, offsetHeight } = this.frame;
    const fitted = Math.min(MOST_ENLARGED, offsetWidth / width, offsetHeight / height);
    const scale = this.zoomed ? Math.max(1, 2 * fitted) : fitted;
    this.image.width = Math.max(1, Math.floor(scale * width));
    this.image.height = Math.max(1, Math.floor(scale * height));
    this.image.classList.toggle("tiny", Math.max(width, height) <= TINY);
  }

  /** Have the browser fetch the images of the tasks that come next. */
  preload(tasks) {
    const images = tasks.filter((task) => task.image_url !== undefined);
    this.preloaded = new Map(
      images.map(({ id, image_url: url }) => [id, this.preloaded.get(id) ?? fetched(url)]),
    );
  }

  focus() {
    (this.zoomed ? this.frame : this.element).focus({ preventScroll: true });
  }
}

function fetched(url) {
  const image = new Image();
  image.decoding = "sync"; // or it would be painted a moment after the rest
  image.src = url;
  return image;
}

const isBroken = (image) => image.complete && image.naturalWidth === 0;

function setScrolling(element, scrolls, name) {
  if (scrolls) {
    element.tabIndex = 0;
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", name);
  } else {
    for (const attribute of ["tabindex", "role", "aria-label"]) element.removeAttribute(attribute);
  }
}

function centerOf(element) {
  const { x, y, width, height } = element.getBoundingClientRect();
  return { clientX: x + width / 2, clientY: y + height / 2 };
}
