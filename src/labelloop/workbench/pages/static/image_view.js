// Shows an image as large as its frame allows; it can be zoomed, and made brighter or darker.

import { ImageLight } from "./image_light.js";
import { ImageZoom } from "./image_zoom.js";

const MOST_ENLARGED = 8;
const TINY = 64; // pixels: an image this small is not smoothed, because it would be blurred
const LOADING = "Loading the image…";
const FAILED = "The image could not be shown. Reload the page.";

const byId = (id) => document.getElementById(id);

export class ImageView {
  /**
   * Works on the box of `image_parts.html.j2`. `settled()` is called when an image that the page waited for is loaded
   * or has failed, `focus()` after the image was zoomed. `otherwise` says what to do about an image that failed.
   */
  constructor({ settled = () => {}, focus = () => this.focus(), otherwise = "" } = {}) {
    this.box = byId("object-image-box");
    this.frame = byId("object-image-frame");
    this.note = byId("object-image-note");
    this.zoomButton = byId("zoom");
    this.settled = settled;
    this.refocus = focus;
    this.failed = `${FAILED} ${otherwise}`.trim();
    this.image = new Image();
    this.light = new ImageLight(() => this.image);
    this.magnifier = new ImageZoom(this.frame, (_factor, point) => this.showZoomed(point));
    this.clear();
    this.listen();
  }

  listen() {
    this.frame.addEventListener("click", (event) => {
      if (event.target !== this.image || this.magnifier.dragged) return;
      this.zoom(event);
      this.refocus();
    });
    this.listenToButton("zoom", () => this.zoom());
    this.listenToButton("zoom-out", () => this.zoomStep(-1));
    this.listenToButton("zoom-in", () => this.zoomStep(1));
    new ResizeObserver(() => this.fit()).observe(this.frame);
  }

  listenToButton(id, act) {
    byId(id).addEventListener("click", (event) => {
      act();
      // After a click, Enter confirms. For a person who reached the button by keyboard, Enter keeps zooming.
      if (event.detail > 0) this.refocus();
    });
  }

  /** What each key does. `told(text)` is called with what brightness or contrast is now. */
  commands(told = () => {}) {
    const zoomed = (act) => () => {
      act();
      this.refocus();
    };
    const change = (name, direction) => () => told(this.light.step(name, direction));
    return {
      z: zoomed(() => this.zoom()),
      "+": zoomed(() => this.zoomStep(1)),
      "=": zoomed(() => this.zoomStep(1)), // the same key without Shift
      "-": zoomed(() => this.zoomStep(-1)),
      b: change("brightness", 1),
      d: change("brightness", -1),
      c: change("contrast", 1),
      v: change("contrast", -1),
      r: () => this.light.reset(),
    };
  }

  show(image) {
    image.id = "object-image";
    this.image = image;
    this.light.apply();
    this.magnifier.reset();
    this.showZoomed();
    if (image.parentElement !== this.frame) this.frame.replaceChildren(image);
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

  /** For an object without an image. */
  clear() {
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
    this.note.textContent = state === "failed" ? this.failed : LOADING;
    for (const button of this.box.querySelectorAll("button.zoom")) button.disabled = state !== "shown";
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

  focus() {
    if (this.zoomed) this.frame.focus({ preventScroll: true });
  }
}

/** The view of the image that the server has put into the page, or null if it has put none. */
export function imageThatIsThere(otherwise = "") {
  const image = document.querySelector("#object-image-frame img");
  if (!image) return null;
  const view = new ImageView({ otherwise });
  view.show(image);
  return view;
}

export const isBroken = (image) => image.complete && image.naturalWidth === 0;

/** Makes what scrolls reachable by keyboard, with a name. */
export function setScrolling(element, scrolls, name) {
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
