// The page of guidelines: an owner edits them, looks at them, and saves a version.

import { ApiError, post } from "./api.js";
import { showHtml } from "./html.js";
import { notice } from "./messages.js";
import { localize } from "./moments.js";
import { freshPage, replaceParts } from "./parts.js";
import { smallPicture } from "./picture.js";
import { ready } from "./ready.js";

const byId = (id) => document.getElementById(id);
const PARTS = ["part-state", "part-history"];
const form = byId("edit");
let kept = form && written(); // as the page was loaded, or saved last
let busy = false;

function written() {
  const { short, text } = form.elements;
  const classes = [...form.querySelectorAll('[name="class"]')].map((each) => each.value);
  return JSON.stringify({ short: short.value, text: text.value, classes });
}

async function save() {
  if (busy) return;
  busy = true;
  byId("told").textContent = "";
  const { base, batch } = byId("part-state").dataset;
  const sent = written();
  try {
    const { version } = await post(`/api/batch/${encodeURIComponent(batch)}/guidelines`, { base: Number(base), ...JSON.parse(sent) });
    kept = sent;
    byId("notices").replaceChildren();
    await refresh();
    byId("told").textContent = `Saved as version ${version}.`;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    await refused(error, base);
  } finally {
    busy = false;
  }
}

/** If another owner was faster, their version is listed below, and the text here stays as it is. */
async function refused(error, base) {
  if (error.status === 409) await refresh().catch(() => {});
  const newest = byId("part-state").dataset.base;
  notice(
    newest === base
      ? `Not saved: ${error.message}`
      : `Not saved: ${error.message}. Your text is still here. Version ${newest} is open below: take over what you need, then save again.`,
  );
  if (newest !== base) byId(`version-${newest}`).open = true;
  byId("notices").scrollIntoView({ block: "nearest" });
}

async function refresh() {
  const fresh = await freshPage(`/guidelines?batch=${encodeURIComponent(byId("part-state").dataset.batch)}`);
  if (fresh) replaceParts(fresh, PARTS);
}

async function preview() {
  try {
    showHtml(byId("preview-html"), (await post("/api/guidelines/preview", { text: form.elements.text.value })).html);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notice(`No preview: ${error.message}`);
    return;
  }
  byId("previewed").hidden = false;
  byId("preview-title").focus();
}

async function addPictures(files) {
  for (const file of files) {
    try {
      const { source } = await post("/api/guidelines/pictures", { base64: await smallPicture(file) });
      const words = file.name.replace(/\.\w+$/, "").replace(/[[\]\\]/g, "");
      const { text } = form.elements;
      text.setRangeText(`![${words}](${source})`, text.selectionStart, text.selectionEnd, "end");
      byId("told").textContent = "Added. Preview shows it; Save keeps it.";
    } catch (error) {
      notice(`No picture: ${error.message}`);
      byId("notices").scrollIntoView({ block: "nearest" });
    }
  }
  form.elements.text.focus();
}

/** Pictures that are pasted into the text, or dropped on it. */
function takePictures(event, data) {
  const files = [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  if (!files.length) return;
  event.preventDefault();
  addPictures(files);
}

const chosen = byId("picture");
byId("add-picture")?.addEventListener("click", () => chosen.click());
chosen?.addEventListener("change", async () => {
  await addPictures([...chosen.files]);
  chosen.value = "";
});
form?.elements.text.addEventListener("paste", (event) => takePictures(event, event.clipboardData));
form?.elements.text.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); // else the browser opens the file
});
form?.elements.text.addEventListener("drop", (event) => takePictures(event, event.dataTransfer));
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
form?.addEventListener("input", () => (byId("told").textContent = ""));
byId("preview")?.addEventListener("click", preview);
window.addEventListener("beforeunload", (event) => {
  if (form && written() !== kept) event.preventDefault();
});
localize(document);
ready();
