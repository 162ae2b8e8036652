// Which class the typed digits mean, where classes may have keys of one digit or more. No clock decides: digits that
// may name several classes wait for more, or for Enter.

export class ClassKeys {
  /**
   * `on` has `choose(index)` once the digits name one class, `typing(digits, index)` while they may name several
   * (`index`: the class with that number, or null; no digits: nothing is half typed), and `refuse(digits)`.
   */
  constructor(on) {
    this.on = on;
    this.classes = [];
    this.digits = "";
  }

  set(classes) {
    this.classes = classes;
    this.clear();
  }

  /** Whether `key` was taken. */
  press(key) {
    if (!/^\d$/.test(key)) return false;
    const digits = this.digits + key;
    const candidates = this.classes.filter((each) => mayMean(digits, each.key));
    this.digits = "";
    if (candidates.length === 0) this.on.refuse(digits);
    else if (candidates.length === 1) this.on.choose(candidates[0].index);
    else {
      this.digits = digits;
      this.on.typing(digits, this.numbered(digits));
    }
    return true;
  }

  /** Take the digits typed so far as a number: the index of the class with it, or null. */
  settle() {
    const { digits } = this;
    const index = this.numbered(digits);
    this.digits = "";
    if (index === null) this.on.refuse(digits);
    return index;
  }

  numbered(digits) {
    return this.classes.find((each) => Number(each.key) === Number(digits))?.index ?? null;
  }

  clear() {
    if (this.digits === "") return;
    this.digits = "";
    this.on.typing("", null);
  }
}

/** Whether they begin the key, with its zeros or without. */
function mayMean(digits, key) {
  return key.startsWith(digits) || String(Number(key)).startsWith(digits);
}
