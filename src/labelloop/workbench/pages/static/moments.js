// Moments, which the server writes in UTC, in the reader's time zone.

const DAY = 24 * 3_600_000;

export function localize(root) {
  for (const time of root.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.textContent = moment.toLocaleString([], formatOf(moment));
  }
}

function formatOf(moment) {
  const minutes = { hour: "2-digit", minute: "2-digit" };
  const now = new Date();
  if (moment.toDateString() === now.toDateString()) return minutes;
  if (Math.abs(moment - now) < 6 * DAY) return { weekday: "short", ...minutes };
  return { year: "numeric", month: "short", day: "numeric", ...minutes };
}
