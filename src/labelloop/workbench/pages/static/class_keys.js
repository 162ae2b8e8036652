// Finds the class for the typed digits. Keys may have one digit or more. There is no timeout: if the digits may mean
// several classes, the page waits for more digits or for Enter.

export class ClassKeys {
  /**
   * `on` has three functions. `choose(index)` is called when the digits name one class. `typing(digits, index)` is
   * called while they may name several: `index` is the class with that number, or null; `digits` is empty when nothing
   * is half typed any more. `refuse(digits)` is called when they name no class.
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

  /** Returns whether `key` was used. */
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

  /** Reads the digits typed so far as a number. Returns the index of the class with this number, or null. */
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

/** Whether the key starts with these digits, with or without its leading zeros. */
function mayMean(digits, key) {
  return key.startsWith(digits) || String(Number(key)).startsWith(digits);
}
