// Zooms the image to label in steps or by fingers, and moves it by drag.

const STEP = 1.5;
const MOST = 8; // times the fitted size
const CLICK = 4; // pixels: a drag is longer

/** The size of an image in its frame. 1 is fitted, and nothing is smaller. */
export class ImageZoom {
  /** `changed(factor, point)` is called with a new factor, and the point of the screen to keep in its place. */
  constructor(frame, changed) {
    this.frame = frame;
    this.changed = changed;
    this.factor = 1;
    this.closer = 2; // what one press shows
    this.fingers = new Map();
    this.dragged = false;
    this.listen();
  }

  get zoomed() {
    return this.factor > 1;
  }

  /** For another image; `natural` is the factor at which one of its pixels is one of the screen's. */
  reset(natural = 1) {
    this.factor = 1;
    this.closer = Math.max(2, natural);
  }

  toggle(point) {
    this.set(this.zoomed ? 1 : this.closer, point);
  }

  step(direction, point) {
    this.set(this.factor * STEP ** direction, point);
  }

  set(factor, point) {
    const most = Math.max(MOST, this.closer);
    const within = Math.min(most, Math.max(1, factor));
    if (within === this.factor) return;
    this.factor = within < 1.01 ? 1 : within;
    this.changed(this.factor, point);
  }

  listen() {
    const { frame } = this;
    frame.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.onDown(event));
    frame.addEventListener("pointermove", (event) => this.onMove(event));
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, ({ pointerId }) => this.fingers.delete(pointerId));
    frame.addEventListener("dragstart", (event) => event.preventDefault());
  }

  /** Two fingers on a touchpad, or the wheel with Control. */
  onWheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.set(this.factor * Math.exp(-event.deltaY / 200), event);
  }

  onDown(event) {
    if (this.fingers.size === 0) this.dragged = false;
    this.fingers.set(event.pointerId, event);
    if (event.pointerType === "mouse" && this.zoomed) this.frame.setPointerCapture(event.pointerId);
  }

  onMove(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    if (this.fingers.size === 2) this.pinch(before, event);
    else if (event.pointerType === "mouse" && this.zoomed) this.drag(before, event);
    else return;
    this.fingers.set(event.pointerId, event);
  }

  pinch(before, after) {
    const [other] = [...this.fingers.values()].filter(({ pointerId }) => pointerId !== after.pointerId);
    const middle = { clientX: (after.clientX + other.clientX) / 2, clientY: (after.clientY + other.clientY) / 2 };
    this.dragged = true;
    this.set((this.factor * distance(after, other)) / Math.max(1, distance(before, other)), middle);
  }

  /** Fingers need none: the frame scrolls. */
  drag(before, after) {
    if (!this.dragged && distance(before, after) < CLICK) return;
    this.dragged = true;
    this.frame.scrollLeft -= after.clientX - before.clientX;
    this.frame.scrollTop -= after.clientY - before.clientY;
  }
}

const distance = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
