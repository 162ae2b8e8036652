// The tasks that this page holds. It leases them from the workbench in advance and renews the leases while the person is
// at work. It gives them up when the person is away or the page is hidden.

import { ApiError, get, post, postOnLeaving } from "./api.js";

const REFILL_BELOW = 3;
const MOST_HOLDING = 40;
const POLL_FIRST = 2_000;
const POLL_LONGEST = 10_000; // farewell.py waits that long for pages
const POLL_HIDDEN = 60_000;
const WATCH = 5_000;

export class Supply extends EventTarget {
  /** Fires `batch`, `guidelines`, `tasks`, `progress` (detail), `away`, and `failed` (detail: an ApiError). */
  constructor(outbox) {
    super();
    this.outbox = outbox;
    this.batch = null;
    this.tasks = []; // the first is the one shown
    this.ahead = 1; // how many tasks the page may hold: the workbench says so, because few may be left for many people
    this.mayHoldMore = false;
    this.state = "loading";
    this.wait = null; // how long nothing is there: seconds so far, what is usual, and objects of the last batch
    this.pollWait = POLL_FIRST;
    this.lastAction = Date.now();
    this.ended = false;
    this.away = false;
    this.isGivenBack = false;
    this.refilling = false;
    this.isReconnected = false; // since the request that is running began
    setInterval(() => this.watch(), WATCH);
    document.addEventListener("visibilitychange", () => (document.hidden ? this.giveBack() : this.refill()));
    window.addEventListener("online", () => this.reconnected());
    window.addEventListener("pagehide", () => this.giveBack());
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.refill());
  }

  /** The person has done something. */
  acted() {
    this.lastAction = Date.now();
  }

  comeBack() {
    this.away = false;
    this.acted();
    return this.refill();
  }

  /** Removes tasks, because they are answered. */
  take(answered) {
    this.tasks = this.tasks.filter((task) => !answered.includes(task));
    if (this.tasks.length < REFILL_BELOW) this.refillAfterSending();
  }

  putBack(task) {
    this.tasks = [withDeadline(task), ...this.tasks.filter((each) => each.id !== task.id)];
    this.fire("tasks");
  }

  /** If no task is left, the answers must be saved first: whether all is done depends on them. */
  async refillAfterSending() {
    if (this.tasks.length === 0) await this.outbox.flush();
    await this.refill();
  }

  async refill() {
    if (this.refilling || this.ended || this.away) return;
    this.refilling = true;
    clearTimeout(this.pollTimer);
    try {
      await this.fetchTasks();
      this.fire("tasks");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.mayHoldMore = false;
      this.ended = error.signedOut;
      this.fire("failed", error);
    } finally {
      this.refilling = false;
      this.planRefill();
    }
  }

  planRefill() {
    if (this.isReconnected) {
      this.isReconnected = false;
      this.refill();
      return;
    }
    // The page was hidden and shown again while this request was running.
    if ((this.isGivenBack || this.mayHoldMore) && !document.hidden) this.pollLater(0);
    else if (this.tasks.length < REFILL_BELOW) this.pollLater();
    // A page with enough tasks must also learn that a batch was closed or paused, or that the work is over.
    else if (!document.hidden) this.pollLater(POLL_LONGEST);
  }

  /** Browsers say so a moment too early at times, and a request that began before fails: neither may cost a long wait. */
  reconnected() {
    this.pollWait = POLL_FIRST;
    this.isReconnected = this.refilling;
    this.refill();
  }

  async fetchTasks() {
    const held = this.tasks.map((task) => task.id);
    this.isGivenBack = false;
    const holding = [...held, ...this.outbox.taskIds()].slice(0, MOST_HOLDING);
    const count = Math.max(0, this.ahead - held.length);
    const answer = await post("/api/tasks/next", { count, holding });
    if (answer.tasks.some((task) => !this.isOfBatch(task.id))) await this.fetchBatch();
    else if (answer.batch === this.batch?.id && answer.guidelines > this.batch.guidelines.version) await this.fetchGuidelines();
    this.state = answer.state;
    this.wait = answer.wait;
    this.mayHoldMore = answer.ahead > this.ahead && answer.tasks.length === count;
    this.ahead = answer.ahead ?? this.ahead;
    this.ended = this.state === "ended";
    if (this.ended || this.state === "none" || this.state === "closed") this.tasks = [];
    const lost = new Set(held.filter((id) => !answer.held.includes(id)));
    this.tasks = this.tasks.filter((task) => !lost.has(task.id));
    // The workbench renews a lease when half of it is over.
    for (const task of this.tasks) if (held.includes(task.id)) renew(task);
    const known = new Set([...this.tasks.map((task) => task.id), ...this.outbox.taskIds()]);
    this.tasks.push(...answer.tasks.filter((task) => !known.has(task.id)).map(withDeadline));
    this.giveBackSurplus();
    if (answer.tasks.length) this.pollWait = POLL_FIRST;
    if (document.hidden) {
      this.isGivenBack = false; // What went back while the workbench answered may be leased again.
      this.giveBack();
    }
    if (answer.progress) this.fire("progress", answer.progress);
  }

  async fetchBatch() {
    const { batch } = await get("/api/batch");
    if (batch === null || batch.id === this.batch?.id) return;
    this.batch = batch;
    this.fire("batch");
  }

  /** An owner has changed them while people label the batch. */
  async fetchGuidelines() {
    const { batch } = await get("/api/batch");
    if (batch?.id !== this.batch.id) return;
    this.batch.guidelines = batch.guidelines;
    this.fire("guidelines");
  }

  isOfBatch(taskId) {
    return this.batch !== null && taskId.startsWith(`${this.batch.id}~`);
  }

  pollLater(wait = document.hidden ? POLL_HIDDEN : this.pollWait) {
    if (this.ended || this.away) return;
    this.pollWait = Math.min(POLL_LONGEST, this.pollWait * 1.4);
    clearTimeout(this.pollTimer);
    this.pollTimer = setTimeout(() => this.poll(), wait);
  }

  /** A hidden page with enough tasks asks again only when it becomes visible. */
  poll() {
    if (!document.hidden || this.tasks.length < REFILL_BELOW) this.refill();
  }

  watch() {
    const now = Date.now();
    for (const { deadline, lease_seconds: lease } of this.tasks) {
      if (now > deadline) {
        this.leave();
        return;
      }
      if (deadline - now < 450 * lease && now - this.lastAction < 1000 * lease) {
        this.refill();
        return;
      }
    }
  }

  /** Others wait for these. The one that is shown stays, and so does what an undo has brought back. */
  giveBackSurplus() {
    const surplus = this.tasks.slice(this.ahead).filter((task) => !task.earlier);
    if (surplus.length === 0) return;
    this.tasks = this.tasks.filter((task) => !surplus.includes(task));
    postOnLeaving("/api/tasks/release", { tasks: surplus.map((task) => task.id) });
  }

  /** The page is hidden, so others may get its tasks. Until somebody asks for them, they still belong to this page. */
  giveBack() {
    if (this.isGivenBack || this.tasks.length === 0) return;
    this.isGivenBack = true;
    postOnLeaving("/api/tasks/release", { tasks: this.tasks.map((task) => task.id) });
  }

  /** The person is away: the tasks go back, and others can get them. */
  leave() {
    this.tasks = [];
    this.state = "none";
    this.away = true;
    this.fire("away");
  }

  fire(kind, detail = null) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

function renew(task) {
  const left = task.deadline - Date.now();
  if (left < 500 * task.lease_seconds) task.deadline = Date.now() + 1000 * task.lease_seconds;
}

const withDeadline = (task) => ({ ...task, deadline: Date.now() + 1000 * task.lease_seconds });
