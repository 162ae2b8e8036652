// Copy buttons.

const SHOWN = 2_000;

/** Copies what is in a field, and says on the button whether that worked. */
export async function copyFrom(field, button) {
  field.select();
  // Browsers give pages a clipboard over HTTPS and on this machine only. Elsewhere there is only the old way.
  const worked = await writeText(field.value).catch(() => document.execCommand("copy"));
  button.textContent = worked ? "Copied" : "Press Ctrl+C";
  setTimeout(() => (button.textContent = "Copy"), SHOWN);
}

async function writeText(text) {
  await navigator.clipboard.writeText(text);
  return true;
}
