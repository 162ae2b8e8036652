// Asks why an object is skipped.

import { choice } from "./classes_view.js";
import { isHeld } from "./held_keys.js";

const REASONS = [
  "I cannot tell which class fits",
  "None of the classes fits",
  "It cannot be read or seen",
  "It is offensive or disturbing",
  "Another reason",
];

export class SkipDialog {
  /** `skipped(reason)` is called when the person has given a reason. */
  constructor(skipped) {
    this.dialog = document.getElementById("skip-dialog");
    this.form = document.getElementById("skip-form");
    this.words = document.getElementById("skip-other");
    this.skipped = skipped;
    this.keys = true;
    const rows = REASONS.map((reason, index) => choice("reason", reason, reason, String(index + 1)));
    document.getElementById("skip-reasons").append(...rows);
    this.inputs = [...this.form.querySelectorAll('input[name="reason"]')];
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    document.getElementById("skip-cancel").addEventListener("click", () => this.dialog.close());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  /** `keys`: whether single keys choose a reason. */
  open(keys) {
    this.keys = keys;
    this.form.reset();
    this.inputs[0].checked = true;
    this.dialog.showModal();
    this.inputs[0].focus();
  }

  submit() {
    const chosen = new FormData(this.form).get("reason");
    const words = this.words.value.trim();
    this.dialog.close();
    if (!words) this.skipped(chosen);
    else this.skipped(chosen === REASONS.at(-1) ? words : `${chosen}: ${words}`);
  }

  onKey(event) {
    if (isHeld(event)) return;
    const input = this.inputs[Number(event.key) - 1];
    if (!this.keys || !input || event.target === this.words) return;
    event.preventDefault();
    input.checked = true;
    input.focus();
  }
}
