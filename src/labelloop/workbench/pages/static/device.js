// What the browser stores: a person's settings, the guidelines they have seen, and for each tab the answers that undo can take back after a reload.

const MOST_UNDONE = 100;

export function setting(name, standard) {
  const kept = stored(() => localStorage.getItem(`labelloop.setting.${name}`));
  return kept === null ? standard : kept === "on";
}

export function keepSetting(name, on) {
  stored(() => localStorage.setItem(`labelloop.setting.${name}`, on ? "on" : "off"));
}

/** The run and the version of the guidelines that a person has seen last on this device, or null. */
export function seenGuidelines(visitor) {
  return stored(() => JSON.parse(localStorage.getItem(guidelinesKey(visitor))));
}

export function keepSeenGuidelines(visitor, seen) {
  stored(() => localStorage.setItem(guidelinesKey(visitor), JSON.stringify(seen)));
}

const guidelinesKey = (visitor) => `labelloop.guidelines.${visitor}`;

/** The ids of the tasks that a person answered in this tab, in order. */
export class History {
  constructor(visitor) {
    this.key = `labelloop.history.${visitor}`;
    const kept = stored(() => JSON.parse(sessionStorage.getItem(this.key)));
    this.ids = Array.isArray(kept) ? kept : [];
  }

  get last() {
    return this.ids.at(-1);
  }

  add(id) {
    this.keep([...this.ids, id].slice(-MOST_UNDONE));
  }

  forget(id) {
    this.keep(this.ids.filter((each) => each !== id));
  }

  keep(ids) {
    this.ids = ids;
    stored(() => sessionStorage.setItem(this.key, JSON.stringify(ids)));
  }
}

function stored(use) {
  try {
    return use();
  } catch {
    return null; // the browser stores nothing
  }
}
