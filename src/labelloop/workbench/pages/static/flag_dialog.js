// Asks what to write about an object. The object stays, and can be answered afterwards.

import { isHeld } from "./held_keys.js";

export class FlagDialog {
  /** `flagged(taskId, comment)` is called when the person has written something, or nothing. */
  constructor(flagged) {
    this.dialog = document.getElementById("flag-dialog");
    this.form = document.getElementById("flag-form");
    this.words = document.getElementById("flag-words");
    this.taskId = null;
    this.dialog.addEventListener("keydown", (event) => isHeld(event));
    document.getElementById("flag-cancel").addEventListener("click", () => this.dialog.close());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.dialog.close();
      flagged(this.taskId, this.words.value.trim());
    });
  }

  open(taskId) {
    this.taskId = taskId;
    this.form.reset();
    this.dialog.showModal();
    this.words.focus();
  }
}
