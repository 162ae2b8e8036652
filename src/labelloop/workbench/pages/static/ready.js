// Forms that only a script can send wait for it: sent before, a browser would load the page with the fields in its address.

export function ready() {
  for (const button of document.querySelectorAll("button[data-waits]")) button.disabled = false;
}
