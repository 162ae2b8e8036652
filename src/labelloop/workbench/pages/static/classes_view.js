// The classes to choose from: radio buttons with their keys, and a search box if there are many.

const MANY = 9;
const LONG_LIST = 20; // classes: the list scrolls by itself, so that the object stays in sight
const LONG_NAME = 60; // letters; in a narrow column, such a name would make its whole row too high

export class ClassesView {
  /** `chosen(index)` is called when a person picks a class. */
  constructor(chosen) {
    this.list = document.getElementById("classes");
    this.filterRow = document.getElementById("filter-row");
    this.filter = document.getElementById("filter");
    this.nothing = document.getElementById("no-class");
    this.chosen = chosen;
    this.filter.addEventListener("input", () => this.applyFilter());
    this.list.addEventListener("change", (event) => this.chosen(Number(event.target.value)));
  }

  get many() {
    return this.classes.length > MANY;
  }

  get isLong() {
    return this.classes.length > LONG_LIST;
  }

  show(classes) {
    this.classes = classes;
    this.filterRow.hidden = !this.many;
    this.list.replaceChildren(...classes.map((each) => choice("class", each.index, each.name, each.key)));
    this.clear();
  }

  /** Shows a line about each class below its name; `lines` are in the order of the classes. */
  describe(lines) {
    const rows = [...this.list.children];
    for (const row of rows) {
      row.querySelector(".about")?.remove();
      row.removeAttribute("title");
    }
    rows.forEach((row, index) => lines[index] && addLine(row, lines[index]));
    const named = this.classes.filter((each) => lines[each.index]);
    document.getElementById("about-classes").hidden = named.length === 0;
    document.getElementById("described-classes").replaceChildren(...named.map((each) => described(each.name, lines[each.index])));
  }

  /** Shows the model's guess, or a label that there was before, next to its class, if the owner wants that. */
  guess(guess, prior) {
    for (const old of this.list.querySelectorAll(".guess")) old.remove();
    if (guess) this.note(guess, "model");
    if (prior) this.note(prior, "before");
  }

  note({ label, confidence }, whose) {
    const row = this.input(label)?.closest(".choice");
    if (!row) return;
    const note = document.createElement("span");
    note.className = "guess";
    note.textContent = confidence === null ? whose : `${whose}: ${Math.round(100 * confidence)}%`;
    row.querySelector(".name").after(note);
  }

  input(index) {
    return this.list.querySelector(`input[value="${Number(index)}"]`);
  }

  /** Shows that this class is chosen, or with null that none is chosen. */
  choose(index) {
    for (const input of this.list.querySelectorAll("input")) input.checked = input.value === String(index);
    if (index !== null) this.input(index).closest(".choice").scrollIntoView({ block: "nearest" });
  }

  clear() {
    this.choose(null);
    this.clearFilter();
  }

  clearFilter() {
    this.filter.value = "";
    this.applyFilter();
  }

  applyFilter() {
    const words = plain(this.filter.value).split(/\s+/).filter(Boolean);
    for (const row of this.list.children) {
      const name = plain(row.dataset.name);
      row.hidden = !words.every((word) => name.includes(word));
    }
    this.mark(words.length ? this.found[0] : undefined);
    this.nothing.hidden = this.found.length > 0;
    this.nothing.replaceChildren("No class matches “", isolated(this.filter.value.trim()), "”.");
  }

  /** The rows that match the filter. */
  get found() {
    return [...this.list.children].filter((each) => !each.hidden);
  }

  /** Highlights the row that Enter takes, or with undefined none. */
  mark(row) {
    this.list.querySelector(".marked")?.classList.remove("marked");
    row?.classList.add("marked");
    row?.scrollIntoView({ block: "nearest" });
  }

  /** Highlights the next row that matches, or with -1 the one before. Returns the name of its class, or null. */
  moveMark(step) {
    const { found } = this;
    if (found.length === 0) return null;
    const at = found.findIndex((row) => row.classList.contains("marked"));
    const row = found[at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length];
    this.mark(row);
    return row.dataset.name;
  }

  /** The class that is highlighted, or null. */
  get marked() {
    const row = this.list.querySelector(".marked");
    return row ? Number(row.querySelector("input").value) : null;
  }
}

/** A radio button with its name and its key. Names come from outside, so they are set as text. */
export function choice(group, value, name, key) {
  const row = document.createElement("label");
  row.className = "choice";
  row.classList.toggle("wide", name.length > LONG_NAME);
  row.dataset.name = name;
  const input = document.createElement("input");
  input.type = "radio";
  input.name = group;
  input.value = String(value);
  const text = isolated(name);
  text.className = "name";
  row.append(input, text);
  if (key) {
    const hint = document.createElement("kbd");
    hint.textContent = key;
    row.append(hint);
  }
  return row;
}

/** A long line is cut: then a tooltip has it whole, and the help has all of them. */
function addLine(row, text) {
  const line = document.createElement("span");
  line.className = "about";
  line.dir = "auto";
  line.textContent = text;
  row.title = text;
  row.querySelector(".name").append(line);
}

function described(name, text) {
  const entry = document.createElement("div");
  const term = document.createElement("dt");
  const line = document.createElement("dd");
  term.append(isolated(name));
  line.dir = "auto";
  line.textContent = text;
  entry.append(term, line);
  return entry;
}

/** Text with its own direction. */
function isolated(text) {
  const element = document.createElement("bdi");
  element.textContent = text;
  return element;
}

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
