// Which class the typed digits mean, where classes may have keys of one digit or more.

const PATIENCE = 1_200;

export class ClassKeys {
  /** `choose(index)` is called once the digits name one class; `typing(digits)` while they may name several. */
  constructor(choose, typing) {
    this.choose = choose;
    this.typing = typing;
    this.classes = [];
    this.digits = "";
    this.timer = 0;
  }

  set(classes) {
    this.classes = classes;
    this.clear();
  }

  /** Whether `key` was taken. */
  press(key) {
    if (!/^[0-9a-z]$/i.test(key)) return false;
    const digits = this.digits + key.toLowerCase();
    const candidates = this.classes.filter((each) => each.key.toLowerCase().startsWith(digits));
    if (candidates.length === 0) {
      const retried = this.digits !== "" && (this.clear(), this.press(key));
      return retried;
    }
    clearTimeout(this.timer);
    if (candidates.length === 1) {
      this.clear();
      this.choose(candidates[0].index);
      return true;
    }
    this.digits = digits;
    this.typing(digits);
    this.timer = setTimeout(() => this.settle(), PATIENCE);
    return true;
  }

  /** Take the digits typed so far as they are: true if they name a class. */
  settle() {
    const exact = this.classes.find((each) => each.key.toLowerCase() === this.digits);
    this.clear();
    if (exact) this.choose(exact.index);
    return Boolean(exact);
  }

  clear() {
    clearTimeout(this.timer);
    this.digits = "";
    this.typing("");
  }
}
