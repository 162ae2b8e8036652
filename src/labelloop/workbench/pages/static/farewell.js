// The end of the work: the workbench is about to stop.

/** Removes the links, because their pages will be gone too. */
export function dropLinks() {
  document.querySelector("nav")?.remove();
}
