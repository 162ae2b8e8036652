// The end of the work: the workbench is about to stop.

/** What the links lead to goes with it. */
export function dropLinks() {
  document.querySelector("nav")?.remove();
}
