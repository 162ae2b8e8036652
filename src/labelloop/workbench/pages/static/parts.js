// Parts of a page that are shown anew, while the rest of it stays: what somebody is writing, for example.

import { localize } from "./moments.js";

/** The page as it is now, or null if the workbench does not give it. */
export async function freshPage(address) {
  const response = await fetch(address, { cache: "no-store", redirect: "error" });
  return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
}

export function replaceParts(fresh, ids) {
  for (const id of ids) {
    const part = fresh.getElementById(id);
    if (!part) continue;
    localize(part);
    document.getElementById(id)?.replaceWith(document.adoptNode(part));
  }
}
