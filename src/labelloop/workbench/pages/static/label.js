// The labeling page. It shows one object at a time, prefetches the next ones, and sends answers through the outbox.

import { ApiError, post } from "./api.js";
import { ClassesView } from "./classes_view.js";
import { ClassKeys } from "./class_keys.js";
import { GridView, together } from "./grid_view.js";
import { FlagDialog } from "./flag_dialog.js";
import { History, keepSeenGuidelines, keepSetting, seenGuidelines, setting } from "./device.js";
import { showHtml } from "./html.js";
import { hidePanel, notice, say, showConnection, showPanel, showProgress } from "./messages.js";
import { ObjectView } from "./object_view.js";
import { isHeld } from "./held_keys.js";
import { Outbox } from "./outbox.js";
import { lookForReplies } from "./replies.js";
import { SkipDialog } from "./skip_dialog.js";
import * as stopwatch from "./stopwatch.js";
import { Supply } from "./supply.js";
import { TemplateView } from "./template_view.js";
import { waitText } from "./waiting.js";

const byId = (id) => document.getElementById(id);
const visitor = document.querySelector('meta[name="visitor"]').content;
const taskPath = (id, what) => `/api/tasks/${encodeURIComponent(id)}/${what}`;
const IN_A_GROUP = "Take the object out of the group first: then it comes alone.";
const SETTINGS = { "at-once": false, keys: true };

class LabelPage {
  constructor() {
    this.shown = null;
    this.choice = null;
    this.cut = false;
    this.refused = 0; // refused answers since the page was loaded
    this.left = new Map(); // tasks answered since the page was loaded, with the answers: undo works without the workbench
    this.trouble = ""; // what does not work in the workbench, as it says itself
    this.seen = seenGuidelines(visitor);
    this.undos = 0; // answers still to be taken back
    this.history = new History(visitor);
    this.object = new ObjectView(() => this.imageSettled());
    this.grid = new GridView(() => this.gridChanged());
    this.alone = new Set(); // tasks that were taken out of a group, or skipped one by one
    this.classes = new ClassesView((index) => this.choose(index));
    this.keys = new ClassKeys({
      choose: (index) => this.chooseByKey(index),
      typing: (digits, index) => this.typing(digits, index),
      refuse: (digits) => this.refuseKey(digits),
    });
    this.skipDialog = new SkipDialog((reason) => this.leave("skip", { reason }));
    this.flagDialog = new FlagDialog((taskId, comment) => this.flag(taskId, comment));
    this.template = new TemplateView({
      choice: (name) => this.chooseByName(name),
      confirm: () => this.confirm(),
      key: (key) => this.key(key),
      shown: (submits) => this.templateShown(submits),
      lost: () => this.updateButtons(),
    });
    this.outbox = new Outbox(visitor, (entry) => post(taskPath(entry.taskId, entry.kind), entry.body));
    this.supply = new Supply(this.outbox);
    this.listen();
  }

  start() {
    showPanel("loading");
    this.outbox.flush();
    this.supply.refill();
    lookForReplies();
  }

  get batch() {
    return this.supply.batch;
  }

  // What is shown ------------------------------------------------------------------------------------------------

  showBatch() {
    const { batch } = this;
    const keys = classKeys(batch.classes.length);
    batch.classes.forEach((each, index) => (each.key = keys[index]));
    byId("title").textContent = batch.title;
    byId("keys-classes").replaceChildren(kbd(keys[0]), " … ", kbd(keys.at(-1)));
    byId("keys-filter").hidden = keys.length <= 9 || batch.worker_template;
    for (const row of document.querySelectorAll(".keys-image")) row.hidden = !this.hasZoom;
    byId("classes-field").hidden = batch.worker_template;
    byId("instructions").hidden = batch.worker_template;
    byId("object").hidden = batch.worker_template;
    byId("keys-grid").hidden = !batch.grid || batch.worker_template;
    byId("title").classList.toggle("visually-hidden", batch.worker_template);
    byId("work").classList.toggle("in-template", batch.worker_template);
    byId("confirm").hidden = batch.worker_template; // until it is known that the template has no such button
    this.classes.show(batch.classes);
    byId("work").classList.toggle("long-list", this.classes.isLong && !batch.worker_template);
    this.keys.set(batch.classes);
    this.history.keep(this.history.ids.filter((id) => this.supply.isOfBatch(id)));
    this.showGuidelines();
  }

  /** The object that is shown stays, and so does what is chosen. */
  showGuidelines() {
    const { guidelines, run } = this.batch;
    const { short, html, classes, version } = guidelines;
    const isLong = html !== "" || classes.some(Boolean);
    byId("short-instructions").textContent = short || "Choose the class that fits best.";
    showHtml(byId("full-instructions"), html);
    byId("full-instructions-section").hidden = html === "";
    byId("open-full-instructions").hidden = !isLong;
    this.classes.describe(classes);
    if (this.seen?.run === run && this.seen.version < version) this.tellChange();
    this.seen = { run, version };
    keepSeenGuidelines(visitor, this.seen);
  }

  tellChange() {
    const read = { text: "Read them", press: () => this.openHelp() };
    notice("The guidelines have changed.", byId("guidelines-news"), read);
  }

  showNext() {
    const { tasks, state, ended, away } = this.supply;
    if (tasks.length) {
      if (this.shown?.id !== tasks[0].id || this.canGroup) this.show(tasks[0]);
      this.object.preload(tasks.slice(1));
    } else if (state === "ended" || (!ended && !away)) {
      this.shown = null;
      this.grid.hide();
      if (this.trouble) showPanel("troubled", null, this.trouble);
      else if (this.cut) showPanel(this.unreachable());
      else showPanel(state, null, "", state === "none" ? waitText(this.supply.wait) : "");
    }
    this.updateButtons();
  }

  /** If there is nothing left to do or to send, nothing is lost: perhaps the work is over. */
  unreachable() {
    const isIdle = ["none", "closed", "done", "held", "paused"].includes(this.supply.state);
    return isIdle && this.outbox.keys().length === 0 ? "gone" : "unreachable";
  }

  show(task) {
    this.shown = task;
    this.choice = null;
    stopwatch.restart();
    hidePanel();
    this.keys.clear();
    this.hint("");
    this.classes.clear();
    this.classes.guess(task.guess, task.prior);
    const { group } = this;
    if (this.batch.worker_template) this.showInTemplate(task);
    else if (group.length) this.showGroup(group);
    else this.showObject(task);
    if (task.earlier) this.showEarlier(task.earlier);
    else if (task.prior && !this.grid.isShown) this.showPrior(task.prior);
    say("Next object.");
  }

  /** What the person had said about an object whose answer is taken back. */
  showEarlier({ label, reason }) {
    if (label === undefined) {
      this.hint(`You had skipped it: ${reason}.`);
      return;
    }
    this.choose(label);
    this.showChoice();
    this.hint(`You had chosen ${this.batch.classes[label].name}.`);
  }

  /** A label that there was before is chosen already: Enter confirms it, another class corrects it. */
  showPrior({ label }) {
    this.choose(label);
    this.showChoice();
    this.hint("Labeled so before: confirm it, or correct it.");
  }

  /** The tasks to show together, or none. */
  get group() {
    return this.batch.grid && !this.batch.worker_template ? together(this.supply.tasks, this.alone) : [];
  }

  /** Whether an object that is shown alone may be joined by others that have come, because nothing is chosen yet. */
  get canGroup() {
    return !this.grid.isShown && this.choice === null && this.keys.digits === "" && this.group.length > 0;
  }

  /** One answer is for all of them, without those that are taken out. */
  showGroup(tasks) {
    this.object.image.clear();
    this.object.element.hidden = true;
    this.grid.show(tasks);
    this.gridChanged();
    this.focusOn(this.grid);
  }

  gridChanged() {
    if (!this.grid.isShown) return;
    const { length } = this.grid.included;
    byId("grid-count").textContent = length === 1 ? "1 object gets the class." : `${length} objects get the class.`;
    this.updateButtons();
  }

  /** Those of a group that its answer is not for come next, one by one. */
  ungroup(tasks = this.grid.tasks) {
    for (const { id } of tasks) this.alone.add(id);
  }

  takeOut(index) {
    const told = this.grid.toggle(index);
    if (told) say(told);
    return told !== null;
  }

  oneByOne() {
    this.ungroup();
    this.shown = null;
    this.showNext();
  }

  showObject(task) {
    this.template.hide();
    this.grid.hide();
    this.object.element.hidden = false;
    this.object.show(task);
    this.focusOn(this.object);
  }

  showInTemplate(task) {
    this.object.image.clear();
    this.template.show(task, this.keysByName());
  }

  templateShown(submits) {
    byId("confirm").hidden = submits;
    if (this.choice !== null) this.showChoice();
    else this.hint("");
    this.updateButtons();
    this.focusOn(this.template);
  }

  focusOn(view) {
    if (document.querySelector("dialog[open]")) return;
    view.focus();
    window.scrollTo({ top: 0 });
  }

  /** Keys typed before the image was visible do not count. */
  imageSettled() {
    stopwatch.restart();
    this.keys.clear();
    this.hint("");
    this.updateButtons();
    say(this.object.image.state === "shown" ? "Image shown." : this.object.image.note.textContent);
  }

  keysByName() {
    return Object.fromEntries(this.batch.classes.map((each) => [each.name, each.key]));
  }

  /** Why no class can be chosen now, or an empty string. */
  get obstacle() {
    if (this.undos > 0) return "Wait until your answer is taken back.";
    if (this.grid.isShown) return this.grid.hindrance;
    return this.batch?.worker_template ? this.template.hindrance : this.object.hindrance;
  }

  /** Why there can be no answer now, or an empty string. */
  get hindrance() {
    return this.obstacle || (this.choice === null ? "Choose a class first." : "");
  }

  /** Shows a text next to the buttons, in place of the previous one. */
  hint(text) {
    byId("hint").textContent = text;
  }

  updateButtons() {
    const isReady = this.shown !== null && (this.keys.digits !== "" || this.hindrance === "");
    // A really disabled button could not say what is missing.
    byId("confirm").setAttribute("aria-disabled", String(!isReady));
    byId("classes-field").disabled = this.object.hindrance !== "";
    byId("undo").disabled = this.history.last === undefined;
  }

  updateConnection() {
    const signedOut = this.supply.ended && this.supply.state !== "ended";
    const { problem } = this.outbox;
    showConnection(this.outbox.keys().length, this.cut || problem !== null, {
      signedOut: signedOut || problem?.signedOut,
      trouble: problem?.isTold ? problem.message : this.trouble,
    });
  }

  // What a person does -------------------------------------------------------------------------------------------

  choose(index) {
    if (!this.shown) return;
    this.choice = index;
    this.keys.clear();
    this.hint("");
    this.updateButtons();
  }

  chooseByKey(index) {
    if (!this.shown) return;
    if (this.obstacle) {
      this.hint(this.obstacle);
      return;
    }
    this.choose(index);
    this.showChoice();
    if (this.setting("at-once")) this.confirm();
    else say(`${this.batch.classes[index].name} chosen. Enter confirms.`);
  }

  /** Shows the class that was chosen by key, or that none is chosen. */
  showChoice() {
    if (!this.batch.worker_template) this.classes.choose(this.choice);
    else this.template.choose(this.batch.classes[this.choice]?.name ?? null);
  }

  chooseByName(name) {
    const found = this.batch.classes.find((each) => each.name === name);
    if (found) this.choose(found.index);
    else notice(`The worker template offers “${name}”, which is not a class of this run. Tell the owner of the run.`);
  }

  typing(digits, index) {
    if (digits && this.obstacle) {
      this.keys.clear();
      this.hint(this.obstacle);
      return;
    }
    const end = index === null ? "" : `, or press Enter for ${this.batch.classes[index].key}`;
    this.hint(digits && `${digits}… Type the next digit${end}.`);
    this.updateButtons();
  }

  /** The person meant another class than the one chosen before. */
  refuseKey(digits) {
    this.choice = null;
    this.showChoice();
    this.hint(`No class has the key ${digits}.`);
    this.updateButtons();
  }

  confirm() {
    if (!this.shown || !this.takeDigits()) return;
    if (this.hindrance) this.hint(this.hindrance);
    else if (this.grid.isShown) this.leaveGroup(this.grid.included, this.choice);
    else this.leave("answer", { label: this.choice, seconds: stopwatch.seconds() });
  }

  leaveGroup(tasks, label) {
    this.ungroup(this.grid.tasks.filter((task) => !tasks.includes(task)));
    this.leaveAll(tasks, "answer", { label, seconds: stopwatch.seconds() / tasks.length });
  }

  /** Chooses the class that the digits typed so far name. Returns false if they name none. */
  takeDigits() {
    if (this.keys.digits === "") return true;
    const index = this.keys.settle();
    if (index !== null) this.choose(index);
    return index !== null;
  }

  leave(kind, body) {
    if (this.shown) this.leaveAll([this.shown], kind, body);
  }

  leaveAll(tasks, kind, body) {
    const { version } = this.batch.guidelines;
    for (const task of tasks) {
      this.outbox.add({ taskId: task.id, kind, body: { ...body, guidelines: version } });
      this.history.add(task.id);
      this.left.set(task.id, { task, earlier: body });
    }
    this.grid.hide();
    this.shown = null;
    this.supply.take(tasks);
    if (this.supply.tasks.length) this.showNext();
    else this.wait();
  }

  wait() {
    this.shown = null;
    if (this.trouble) showPanel("troubled", null, this.trouble);
    else showPanel(this.cut ? "unreachable" : "loading");
    this.updateButtons();
  }

  /** Takes the last answer back. Several in quick succession are taken back one after the other. */
  async undo() {
    this.undos += 1;
    if (this.undos > 1) return; // the loop of the first one sees it
    try {
      while (this.undos > 0) this.undos = (await this.undoLast()) ? this.undos - 1 : 0;
    } finally {
      this.undos = 0;
      this.updateButtons();
    }
  }

  /** Returns whether it worked. */
  async undoLast() {
    const taskId = this.history.last;
    if (taskId === undefined) return false;
    try {
      await this.takeBack(taskId);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.mayPass) this.history.forget(taskId);
      notice(error.mayPass ? "You need a connection to take that back." : `Not taken back: ${error.message}`);
      return false;
    }
    say("Taken back.");
    return true;
  }

  async takeBack(taskId) {
    let { task, earlier } = this.left.get(taskId) ?? {};
    if (!task || !this.outbox.takeBack(taskId)) {
      await this.outbox.flush();
      const answer = await post(taskPath(taskId, "undo"), {});
      task = answer.task;
      earlier = answer.earlier ?? earlier;
      if (answer.progress) showProgress(answer.progress);
    }
    this.history.forget(taskId);
    this.left.delete(taskId);
    if (this.batch === null) await this.supply.fetchBatch();
    this.shown = null;
    this.supply.putBack({ ...task, earlier });
  }

  openSkipDialog() {
    if (this.undos > 0) this.hint(this.obstacle);
    else if (this.grid.isShown) this.hint(IN_A_GROUP);
    else if (this.shown) this.skipDialog.open(this.setting("keys"));
  }

  openFlagDialog() {
    if (this.grid.isShown) this.hint(IN_A_GROUP);
    else if (this.shown) this.flagDialog.open(this.shown.id);
  }

  async flag(taskId, comment) {
    try {
      await post(taskPath(taskId, "flag"), { comment });
      if (this.shown?.id === taskId) this.hint("Flagged. Now answer it, or skip it.");
      say("Flagged.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      notice(error.mayPass ? "Not flagged: you need a connection for that." : `Not flagged: ${error.message}`);
    }
  }

  openHelp() {
    if (byId("help").open) return;
    byId("help").showModal();
    byId("help").scrollTop = 0; // it may have been scrolled the last time
  }

  // Keys ---------------------------------------------------------------------------------------------------------

  setting(name) {
    return setting(name, SETTINGS[name]);
  }

  /** Returns whether the key did something. */
  key(key) {
    this.supply.acted();
    if (key === "Enter") return this.enter();
    if (!this.setting("keys")) return false;
    const command = this.commands()[key.toLowerCase()];
    if (command) command();
    return Boolean(command) || (this.shown !== null && this.keys.press(key));
  }

  commands() {
    const always = { backspace: () => this.backspace(), "?": () => this.openHelp() };
    if (!this.shown) return always;
    const { batch } = this;
    return {
      ...always,
      s: () => this.openSkipDialog(),
      f: () => this.openFlagDialog(),
      ...(this.classes.many && !batch.worker_template && { "/": () => this.classes.filter.focus() }),
      ...(this.hasZoom && this.object.image.commands(say)),
    };
  }

  get hasZoom() {
    return this.batch.kind === "image" && !this.batch.worker_template && !this.grid.isShown;
  }

  /** Takes back a half-typed key if there is one, otherwise the last answer. */
  backspace() {
    if (this.keys.digits) this.keys.clear();
    else this.undo();
  }

  enter() {
    if (!this.shown) return false;
    this.confirm();
    return true;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (this.grid.isShown && event.shiftKey && /^Digit[1-9]$/.test(event.code) && this.setting("keys")) {
      if (this.takeOut(Number(event.code.at(-1)) - 1)) event.preventDefault();
      return;
    }
    if (isHeld(event) && (event.key === "Enter" || event.target !== this.classes.filter)) return;
    if (event.target === this.classes.filter) this.onFilterKey(event);
    else if (event.key === "Enter" && event.target.closest("button, a, summary")) return;
    else if (this.key(event.key)) event.preventDefault();
  }

  onFilterKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined && event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault();
    if (step !== undefined) {
      say(this.classes.moveMark(step) ?? this.classes.nothing.textContent);
      return;
    }
    const index = event.key === "Enter" ? this.classes.marked : null;
    if (event.key === "Enter" && index === null) {
      if (this.classes.nothing.hidden) this.hint("Type a part of the name, or choose with the arrow keys.");
      else say(this.classes.nothing.textContent);
      return;
    }
    this.classes.clearFilter();
    this.object.focus();
    if (index !== null) this.chooseByKey(index);
  }

  // Listening ----------------------------------------------------------------------------------------------------

  listen() {
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", () => this.supply.acted());
    byId("answer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.confirm();
    });
    this.classes.filter.addEventListener("focus", () => {
      this.keys.clear();
      this.hint("");
    });
    byId("undo").addEventListener("click", () => this.undo());
    byId("one-by-one").addEventListener("click", () => this.oneByOne());
    byId("skip").addEventListener("click", () => this.openSkipDialog());
    byId("flag").addEventListener("click", () => this.openFlagDialog());
    byId("open-help").addEventListener("click", () => this.openHelp());
    byId("open-full-instructions").addEventListener("click", () => this.openHelp());
    for (const name of Object.keys(SETTINGS)) {
      const box = byId(`setting-${name}`);
      box.checked = this.setting(name);
      box.addEventListener("change", () => keepSetting(name, box.checked));
    }
    this.listenToSupply();
    this.listenToOutbox();
  }

  listenToSupply() {
    this.supply.addEventListener("batch", () => this.showBatch());
    this.supply.addEventListener("guidelines", () => this.showGuidelines());
    this.supply.addEventListener("progress", ({ detail }) => showProgress(detail));
    this.supply.addEventListener("tasks", () => {
      this.reached(true);
      this.showNext();
    });
    this.supply.addEventListener("away", () => {
      this.shown = null;
      showPanel("away", { text: "Go on", press: () => this.supply.comeBack() });
    });
    this.supply.addEventListener("failed", ({ detail }) => this.failed(detail));
  }

  listenToOutbox() {
    this.outbox.addEventListener("change", () => {
      this.updateConnection();
      // The page must say so at once, and not when it needs the next object.
      if (this.outbox.problem?.signedOut) this.supply.refill();
    });
    this.outbox.addEventListener("accepted", ({ detail }) => {
      this.reached(true);
      if (detail.answer.progress) showProgress(detail.answer.progress);
    });
    this.outbox.addEventListener("refused", ({ detail: { entry, error } }) => {
      this.history.forget(entry.taskId);
      this.updateButtons();
      this.refused += 1;
      const what = this.refused === 1 ? `One ${entry.kind} was` : `${this.refused} answers were`;
      notice(`${what} not taken: ${error.message}`);
      // Perhaps the other tasks that the page holds cannot be labeled any more either.
      this.supply.refill();
    });
    window.addEventListener("beforeunload", (event) => {
      if (!this.outbox.persistent) event.preventDefault();
    });
  }

  reached(isReached) {
    const isBack = isReached && this.cut;
    this.cut = !isReached;
    if (isReached) this.trouble = "";
    this.updateConnection();
    if (!isBack) return;
    // One of the two was successful, so the other need not wait for its next attempt.
    this.outbox.flush();
    this.supply.refill();
  }

  failed(error) {
    if (error.signedOut) {
      this.shown = null;
      showPanel("signedOut", { text: "Load again", press: () => location.reload() }, error.message);
      this.updateConnection();
      return;
    }
    if (error.mayPass) {
      this.trouble = error.isTold ? error.message : "";
      this.reached(false);
      this.showNext();
    } else {
      this.reached(true);
      this.shown = null;
      notice(error.message);
      showPanel("broken");
    }
  }
}

/** One digit for up to nine classes, otherwise as many digits as necessary. */
function classKeys(number) {
  const width = number <= 9 ? 1 : String(number).length;
  return Array.from({ length: number }, (_, index) => String(index + 1).padStart(width, "0"));
}

function kbd(text) {
  const element = document.createElement("kbd");
  element.textContent = text;
  return element;
}

new LabelPage().start();
