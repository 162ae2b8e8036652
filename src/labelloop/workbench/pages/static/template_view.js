// A worker template's task, in a sandboxed frame: it has no cookies, no storage and no API, and speaks with this page
// by messages alone (see task_frame.js).

export class TemplateView {
  /** `on` has `choice(name)`, `confirm()`, `key(key)` and `shown(submits)`: whether it has a button for that. */
  constructor(on) {
    this.holder = document.getElementById("template-frame");
    this.on = on;
    this.waiting = null;
    this.frame = null;
    window.addEventListener("message", (event) => {
      if (this.frame && event.source === this.frame.contentWindow) this.receive(event.data);
    });
  }

  /** `keys` is each class's key by its name. */
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

  /** Into the task, where keys are heard and Tab goes on to what it offers. */
  focus() {
    this.frame.focus({ preventScroll: true });
  }

  /** Show that this class is chosen, or with null that none is. */
  choose(name) {
    if (this.ready) this.tell({ kind: "choose", name });
  }

  hide() {
    this.holder.hidden = true;
  }

  tell(message) {
    // The frame's origin is opaque: it has no name to address.
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
