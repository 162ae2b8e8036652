// What people are told while the model learns.

const LONG = 1.5; // times what is usual

/** A text about a wait as the workbench describes it, or an empty text where it knows nothing. */
export function waitText(wait, now = Date.now()) {
  if (!wait) return "";
  const learning = `The model is learning from the last round's ${batchOf(wait.last_total)}.`;
  if (wait.usual === null) return `${learning} This page continues by itself; from the next time on, it says when.`;
  const usually = `Lately, that took ${duration(wait.usual)}.`;
  if (wait.so_far > LONG * wait.usual + 10) return `${learning} ${usually} Now it takes longer. This page continues by itself.`;
  const left = wait.usual - wait.so_far;
  return `${learning} ${usually} This page continues by itself${left > 5 ? `, at about ${moment(now + 1000 * left)}` : ", any moment now"}.`;
}

const batchOf = (total) => (total === 1 ? "object" : `${total.toLocaleString()} objects`);

function duration(seconds) {
  if (seconds < 90) return `about ${Math.max(5, 5 * Math.round(seconds / 5))} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `about ${minutes} minutes`;
  return `about ${Math.round(minutes / 60)} hours`;
}

/** To the minute, unless it is close. */
function moment(at) {
  const near = at - Date.now() < 90_000;
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...(near && { second: "2-digit" }) });
}
