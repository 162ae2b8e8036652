// A key that is held down repeats itself. It must not answer objects that nobody has seen.

/** Whether the event is only such a repetition. Enter then does not press a button or send a form either. */
export function isHeld(event) {
  if (event.repeat && event.key === "Enter") event.preventDefault();
  return event.repeat;
}
