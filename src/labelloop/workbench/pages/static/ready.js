// Buttons that do nothing without a script wait for it: a form sent before would load the page with its fields in the address.

export function ready(root = document) {
  for (const button of root.querySelectorAll("button[data-waits]")) button.disabled = false;
}
