// The classes to choose from: radio buttons with their keys, and a search box if there are many.

const MANY = 9;
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

  show(classes) {
    this.classes = classes;
    this.filterRow.hidden = !this.many;
    this.list.replaceChildren(...classes.map((each) => choice("class", each.index, each.name, each.key)));
    this.clear();
  }

  /** Shows the model's guess next to its class, if the owner wants that. */
  guess(guess) {
    for (const old of this.list.querySelectorAll(".guess")) old.remove();
    const row = guess ? this.input(guess.label)?.closest(".choice") : null;
    if (!row) return;
    const note = document.createElement("span");
    note.className = "guess";
    note.textContent = `model: ${Math.round(100 * guess.confidence)}%`;
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
    const wanted = plain(this.filter.value);
    let found = 0;
    for (const row of this.list.children) {
      row.hidden = !plain(row.dataset.name).includes(wanted);
      if (!row.hidden) found += 1;
    }
    this.nothing.hidden = found > 0;
    this.nothing.replaceChildren("No class matches “", isolated(this.filter.value.trim()), "”.");
  }

  /** The first class that matches the filter, or null. */
  firstFound() {
    const row = [...this.list.children].find((each) => !each.hidden);
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

/** Text with its own direction. */
function isolated(text) {
  const element = document.createElement("bdi");
  element.textContent = text;
  return element;
}

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
