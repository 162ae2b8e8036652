// Measures for how many seconds the page was visible.

let spent = 0;
let since = performance.now();

export function restart() {
  spent = 0;
  since = document.hidden ? null : performance.now();
}

export function seconds() {
  turn();
  return Math.round(spent / 100) / 10;
}

function turn() {
  if (since !== null) spent += performance.now() - since;
  since = document.hidden ? null : performance.now();
}

document.addEventListener("visibilitychange", turn);
