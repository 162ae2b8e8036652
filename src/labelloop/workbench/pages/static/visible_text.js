// Shows the text to label so that no character is invisible. The rule is the same as for `printable` in
// labelloop.reporting.text.

// Control characters, format characters (bidirectional, zero-width), unassigned and private ones, and blank letters.
// A joiner after a non-Latin letter or a symbol stays, because some scripts and emoji need it.
const HIDDEN =
  /(?:(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u3164\uffa0\u2800]|(?<!(?![\0-\u024f])[\p{L}\p{M}\p{S}])[\u200c\u200d])+/gu;
const MOST_MARKS = 2000;
const MOST_IN_A_MARK = 6;

const NAMES = {
  0x00ad: "soft hyphen", 0x200b: "zero-width space", 0x200c: "zero-width non-joiner", 0x200d: "zero-width joiner",
  0x200e: "left-to-right mark", 0x200f: "right-to-left mark", 0x202a: "left-to-right embedding",
  0x202b: "right-to-left embedding", 0x202c: "end of direction", 0x202d: "left-to-right override",
  0x202e: "right-to-left override", 0x2060: "word joiner", 0x2066: "left-to-right isolate",
  0x2067: "right-to-left isolate", 0x2068: "first strong isolate", 0x2069: "end of isolate", 0xfeff: "byte order mark",
};

/** Puts `text` into `element` as text nodes, with a mark for each run of invisible characters. */
export function showText(element, text) {
  const whole = text.replace(/\r\n?/g, "\n");
  const fragment = document.createDocumentFragment();
  let from = 0;
  let marks = 0;
  for (const found of whole.matchAll(HIDDEN)) {
    fragment.append(whole.slice(from, found.index));
    // Thousands of elements are slow, so further ones are plain text.
    fragment.append(marks < MOST_MARKS ? mark(found[0]) : `[${codes(found[0])}]`);
    marks += 1;
    from = found.index + found[0].length;
  }
  fragment.append(whole.slice(from));
  element.replaceChildren(fragment);
}

function mark(run) {
  const element = document.createElement("mark");
  element.className = "hidden-character";
  element.dir = "ltr"; // so it does not influence the direction of the text
  element.textContent = codes(run);
  const name = NAMES[run.codePointAt(0)];
  if (name) element.title = name;
  return element;
}

function codes(run) {
  const groups = [];
  for (const character of run) {
    const last = groups.at(-1);
    if (last?.character === character) last.times += 1;
    else groups.push({ character, times: 1 });
  }
  const told = groups.slice(0, MOST_IN_A_MARK).map(({ character, times }) => {
    const code = `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    return times > 1 ? `${code} ×${times}` : code;
  });
  const more = groups.length - told.length;
  return told.join(" ") + (more > 0 ? ` and ${more} more` : "");
}
