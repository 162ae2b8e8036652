// A worker template's task in a sandboxed frame, without cookies, storage or API. The frame communicates with this page
// only by messages (see task_frame.js).

export class TemplateView {
  /** `on` has `choice(name)`, `confirm()`, `key(key)` and `shown(submits)`: whether the template has a submit button. */
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
    this.waiting = { kind: "show", html: task.html, keys };
    if (!this.frame) this.open();
    else if (this.ready) this.tell(this.waiting);
    this.holder.hidden = false;
  }

  open() {
    this.frame = document.createElement("iframe");
    this.frame.title = "The task";
    this.frame.setAttribute("sandbox", "allow-scripts");
    this.frame.src = "/task-frame";
    this.holder.replaceChildren(this.frame);
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

  receive(message) {
    if (message?.kind === "ready") {
      this.ready = true;
      if (this.waiting) this.tell(this.waiting);
    } else if (message?.kind === "height") {
      this.frame.style.height = `${Math.min(20_000, Math.max(120, Math.ceil(Number(message.pixels)) || 0))}px`;
    } else if (message?.kind === "choice") this.on.choice(String(message.name));
    else if (message?.kind === "shown") this.on.shown(message.submits === true);
    else if (message?.kind === "confirm") this.on.confirm();
    else if (message?.kind === "key") this.on.key(String(message.key));
  }
}
