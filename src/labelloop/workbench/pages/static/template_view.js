// A worker template's task in a sandboxed frame, without cookies, storage or API. The frame communicates with this page
// only by messages (see task_frame.js). Until the frame says that it shows the task, and after its page has left, there can
// be no answer.

const MOST_OPENED = 3; // times for one task

export class TemplateView {
  /**
   * `on` has `choice(name)`, `confirm()`, `key(key)`, `shown(submits)`, where `submits` is whether the template has a
   * submit button, and `lost()`, when the task is not shown any more.
   */
  constructor(on) {
    this.holder = document.getElementById("template-frame");
    this.on = on;
    this.waiting = null;
    this.frame = null;
    window.addEventListener("message", (event) => {
      if (this.frame && event.source === this.frame.contentWindow) this.receive(event.data);
    });
  }

  /** `keys` holds the key of each class, by the class's name. */
  show(task, keys) {
    this.waiting = { kind: "show", id: task.id, html: task.html, keys };
    this.isShown = false;
    this.opened = 0;
    if (!this.frame || this.frame.hidden) this.open();
    else if (this.ready) this.tell(this.waiting);
    this.holder.hidden = false;
  }

  /** Why there can be no answer now, or an empty string. */
  get hindrance() {
    if (this.isShown) return "";
    return this.opened > MOST_OPENED ? "This task cannot be shown. Skip it." : "Wait until the task is shown.";
  }

  open() {
    this.ready = false;
    this.frame = document.createElement("iframe");
    this.frame.title = "The task";
    this.frame.setAttribute("sandbox", "allow-scripts");
    this.frame.src = "/task-frame";
    let loaded = false;
    this.frame.addEventListener("load", ({ target }) => {
      // The second page in a frame is not ours.
      if (loaded && target === this.frame) this.reopen();
      loaded = true;
    });
    this.holder.replaceChildren(this.frame);
  }

  reopen() {
    this.isShown = false;
    this.opened += 1;
    if (this.opened <= MOST_OPENED) this.open();
    else this.frame.hidden = true;
    this.on.lost();
  }

  /** Moves the focus into the task, where keys work and Tab moves to the choices. */
  focus() {
    this.frame.focus({ preventScroll: true });
  }

  /** Shows that this class is chosen, or with null that none is chosen. */
  choose(name) {
    if (this.ready) this.tell({ kind: "choose", name });
  }

  hide() {
    this.holder.hidden = true;
  }

  tell(message) {
    // The frame's origin is opaque, so the message cannot name it.
    this.frame.contentWindow.postMessage(message, "*");
  }

  nowShown({ id, submits }) {
    if (id !== this.waiting.id) return;
    this.isShown = true;
    this.on.shown(submits === true);
  }

  receive(message) {
    if (message?.kind === "ready") {
      this.ready = true;
      if (this.waiting) this.tell(this.waiting);
    } else if (message?.kind === "height") {
      this.frame.style.height = `${Math.min(20_000, Math.max(120, Math.ceil(Number(message.pixels)) || 0))}px`;
    } else if (message?.kind === "choice") this.on.choice(String(message.name));
    else if (message?.kind === "shown") this.nowShown(message);
    else if (message?.kind === "left") this.reopen();
    else if (message?.kind === "confirm") this.on.confirm();
    else if (message?.kind === "key") this.on.key(String(message.key));
  }
}
