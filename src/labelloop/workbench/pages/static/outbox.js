// Answers that are being sent. The browser keeps them until the workbench has them. Each has its own key, so two tabs
// never overwrite each other. Sending again is safe, because the API accepts the same answer twice.

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 20_000;

export class Outbox extends EventTarget {
  /** `send(entry)` returns a promise of the API's answer, or throws an ApiError. */
  constructor(visitor, send) {
    super();
    this.prefix = `labelloop.outbox.${visitor}.`;
    this.send = send;
    this.memory = new Map(); // used if the browser stores nothing
    this.sending = null; // the key that is being sent
    this.wait = FIRST_WAIT;
    this.problem = null;
    this.timer = 0;
    this.counter = 0;
    window.addEventListener("online", () => this.reconnected());
    window.addEventListener("storage", (event) => {
      if (event.key === null || event.key.startsWith(this.prefix)) this.changed();
    });
  }

  get persistent() {
    return this.memory.size === 0;
  }

  keys() {
    const kept = [];
    for (let index = 0; index < localStorageLength(); index += 1) {
      const key = localStorage.key(index);
      if (key?.startsWith(this.prefix)) kept.push(key);
    }
    return [...kept, ...this.memory.keys()].sort();
  }

  entries() {
    return this.keys().map((key) => this.read(key)).filter(Boolean);
  }

  /** Ids of the tasks that are answered on this page but not yet saved in the workbench. */
  taskIds() {
    return this.entries().map((entry) => entry.taskId);
  }

  add(entry) {
    this.counter += 1;
    const order = `${String(Date.now()).padStart(15, "0")}.${String(this.counter).padStart(6, "0")}`;
    const key = `${this.prefix}${order}.${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    try {
      localStorage.setItem(key, JSON.stringify(entry));
    } catch {
      this.memory.set(key, entry);
    }
    this.flush();
  }

  /** Takes an entry back before it is sent. Returns whether this was in time. */
  takeBack(taskId) {
    const key = this.keys().findLast((each) => this.read(each)?.taskId === taskId);
    if (key === undefined || key === this.sending) return false;
    this.remove(key);
    return true;
  }

  read(key) {
    if (this.memory.has(key)) return this.memory.get(key);
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }

  remove(key) {
    this.memory.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // The browser stores nothing.
    }
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Sends all entries, the oldest first. Only one tab sends at a time. */
  flush() {
    clearTimeout(this.timer);
    this.changed();
    this.running ??= this.locked(() => this.sendAll()).finally(() => {
      this.running = null;
      if (this.keys().length && !this.problem?.signedOut) this.timer = setTimeout(() => this.flush(), this.problem ? this.wait : 0);
    });
    return this.running;
  }

  /** An attempt that began before fails: the next one must not wait long. */
  reconnected() {
    this.wait = FIRST_WAIT;
    this.flush();
  }

  locked(work) {
    // There are no locks outside a secure context (a phone on the laptop's address). Sending twice does no harm.
    return navigator.locks ? navigator.locks.request(`${this.prefix}sender`, work) : work();
  }

  async sendAll() {
    let key;
    while ((key = this.keys()[0]) !== undefined) {
      const entry = this.read(key);
      if (entry === null) {
        this.remove(key);
        continue;
      }
      this.sending = key;
      this.changed();
      try {
        const answer = await this.send(entry);
        this.remove(key);
        this.succeeded(entry, answer);
      } catch (error) {
        if (!this.failed(key, entry, error)) return;
      } finally {
        this.sending = null;
        this.changed();
      }
    }
  }

  succeeded(entry, answer) {
    this.wait = FIRST_WAIT;
    this.problem = null;
    this.dispatchEvent(new CustomEvent("accepted", { detail: { entry, answer } }));
  }

  /** Returns whether the next entry may be sent. */
  failed(key, entry, error) {
    if (!("mayPass" in error)) throw error;
    if (error.mayPass || error.signedOut) {
      this.problem = error;
      this.wait = Math.min(LONGEST_WAIT, this.wait * 2) * (0.75 + Math.random() / 2);
      return false;
    }
    this.remove(key);
    this.problem = null;
    this.dispatchEvent(new CustomEvent("refused", { detail: { entry, error } }));
    return true;
  }
}

function localStorageLength() {
  try {
    return localStorage.length;
  } catch {
    return 0;
  }
}
