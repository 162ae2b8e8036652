// Shows the object to label: a text or an image.

import { ImageLight } from "./image_light.js";
import { ImageZoom } from "./image_zoom.js";
import { showText } from "./visible_text.js";

const MEDIUM = 160;
const LONG = 900;
const MOST_ENLARGED = 8;
const TINY = 64; // pixels: an image this small is not smoothed, because it would be blurred
const LOADING = "Loading the image…";
const FAILED = "The image could not be shown. Reload the page. If that does not help, skip it.";

const byId = (id) => document.getElementById(id);

export class ObjectView {
  /** `settled()` is called when an image that the page waited for is loaded or has failed. */
  constructor(settled) {
    this.element = byId("object");
    this.text = byId("object-text");
    this.box = byId("object-image-box");
    this.frame = byId("object-image-frame");
    this.note = byId("object-image-note");
    this.zoomButton = byId("zoom");
    this.preloaded = new Map();
    this.settled = settled;
    this.image = new Image();
    this.light = new ImageLight(() => this.image);
    this.magnifier = new ImageZoom(this.frame, (_factor, point) => this.showZoomed(point));
    this.awaitNoImage();
    this.listen();
  }

  listen() {
    this.frame.addEventListener("click", (event) => {
      if (event.target !== this.image || this.magnifier.dragged) return;
      this.zoom(event);
      this.focus();
    });
    this.zoomButton.addEventListener("click", (event) => {
      this.zoom();
      // After a click, Enter confirms. For a person who reached the button by keyboard, Enter keeps zooming.
      if (event.detail > 0) this.focus();
    });
    for (const [id, direction] of [["zoom-out", -1], ["zoom-in", 1]]) {
      byId(id).addEventListener("click", (event) => {
        this.zoomStep(direction);
        if (event.detail > 0) this.focus();
      });
    }
    new ResizeObserver(() => this.reachable()).observe(this.text);
    new ResizeObserver(() => this.fit()).observe(this.frame);
  }

  /** Why the object cannot be answered now, or an empty string. */
  get hindrance() {
    if (this.state === "loading") return "Wait until the image is shown.";
    return this.state === "failed" ? "An image that is not shown cannot be labeled. Skip it." : "";
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
    // An image whose preload failed may load now.
    const image = early && !isBroken(early) ? early : fetched(task.image_url);
    image.id = "object-image";
    image.alt = "The image to label";
    this.image = image;
    this.light.apply();
    this.magnifier.reset();
    this.showZoomed();
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

  /** For a text, and for a task in a worker template. */
  awaitNoImage() {
    this.image = new Image();
    this.setState("shown");
    this.magnifier.reset();
    this.showZoomed();
  }

  settle() {
    this.setState(isBroken(this.image) ? "failed" : "shown");
    this.magnifier.reset(1 / this.fitted);
    this.showZoomed();
  }

  setState(state) {
    this.state = state;
    this.box.dataset.state = state;
    this.note.hidden = state === "shown";
    this.note.classList.toggle("notice", state === "failed");
    this.note.textContent = state === "failed" ? FAILED : LOADING;
    for (const button of this.box.querySelectorAll("button.zoom")) button.disabled = state !== "shown";
  }

  /** Makes the text scrollable by keyboard if it scrolls. */
  reachable() {
    setScrolling(this.text, this.text.scrollHeight > this.text.clientHeight + 1, "The text, which scrolls");
  }

  /** Zooms in on a point of the screen, or out. */
  zoom(point = centerOf(this.frame)) {
    if (this.canZoom) this.magnifier.toggle(point);
  }

  /** Makes the image larger by a step, or with -1 smaller. */
  zoomStep(direction) {
    if (this.canZoom) this.magnifier.step(direction, centerOf(this.frame));
  }

  get canZoom() {
    return !this.box.hidden && this.state === "shown";
  }

  get zoomed() {
    return this.magnifier.zoomed;
  }

  /** Shows the image as large as it is zoomed, with what is at a point of the screen in its place. */
  showZoomed(point = centerOf(this.frame)) {
    const before = this.image.getBoundingClientRect();
    this.box.dataset.zoomed = String(this.zoomed);
    this.zoomButton.firstChild.data = this.zoomed ? "Zoom out " : "Zoom in ";
    byId("zoom-out").disabled = !this.zoomed || this.state !== "shown";
    setScrolling(this.frame, this.zoomed, "The image, which scrolls");
    this.fit();
    if (!this.zoomed || before.width === 0) return;
    const after = this.image.getBoundingClientRect();
    const share = { x: (point.clientX - before.x) / before.width, y: (point.clientY - before.y) / before.height };
    this.frame.scrollLeft += after.x + share.x * after.width - point.clientX;
    this.frame.scrollTop += after.y + share.y * after.height - point.clientY;
  }

  /** The scale at which the whole image is in the frame. */
  get fitted() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    // The size without scroll bars, which appear and disappear with it.
    const frame = this.frame.getBoundingClientRect();
    return Math.min(MOST_ENLARGED, frame.width / Math.max(1, width), frame.height / Math.max(1, height));
  }

  /** Sets the image's size: the frame's size, within limits, times the zoom. */
  fit() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    if (this.state !== "shown" || width === 0) return;
    const scale = this.fitted * this.magnifier.factor;
    this.image.width = Math.max(1, Math.floor(scale * width + 1e-6));
    this.image.height = Math.max(1, Math.floor(scale * height + 1e-6));
    this.image.classList.toggle("tiny", Math.max(width, height) <= TINY);
  }

  /** Makes the browser fetch the images of the next tasks. */
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
  image.decoding = "sync"; // otherwise it would appear a moment after the rest
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
