// What all panels share: the window of time, the phases that are looked at, the cursor, light or dark. Whoever draws
// listens; nobody draws in here.

const listeners = new Set();

export const view = {
  end: 1,            // seconds: the page's
  window: [0, 1],    // seconds: what time axes show
  spans: null,       // list of [from, to]: what is looked at; null: everything
  filter: '',        // its name; '': everything
  cursor: null,      // seconds; null: it is nowhere
  shortest: 1e-3,    // seconds: no window is shorter
  dark: false,
  rows: null,        // of a comparison: those that the table shows, in its order; null: all
  chosen: null,      // and the one whose runs are looked at
};

/** what: 'window', 'cursor', 'theme', 'rows'. */
function tell(what) {
  for (const listener of listeners) listener(what);
}

export function listen(listener) {
  listeners.add(listener);
}

export function setWindow(from, to) {
  const length = Math.min(view.end, Math.max(view.shortest, to - from));
  const start = Math.max(0, Math.min((from + to - length) / 2, view.end - length));
  const next = [start, start + length];
  if (next[0] === view.window[0] && next[1] === view.window[1]) return;
  view.window = next;
  tell('window');
}

/** Nearer for factors below 1, about the cursor, or the middle. */
export function zoom(factor) {
  const [from, to] = view.window;
  const about = view.cursor !== null && view.cursor >= from && view.cursor <= to ? view.cursor : (from + to) / 2;
  setWindow(about - (about - from) * factor, about + (to - about) * factor);
}

export function filterBy(name, spans) {
  view.filter = name;
  view.spans = spans;
  const all = spans || [[0, view.end]];
  view.window = [Math.max(0, Math.min(...all.map((s) => s[0]))), Math.min(view.end, Math.max(...all.map((s) => s[1])))];
  if (!(view.window[1] - view.window[0] > 0)) view.window = [view.window[0], view.window[0] + view.shortest];
  tell('window');
}

/** There is more to see: a window that reaches the end follows it, one that shows everything grows. */
export function extend(end) {
  const [from, to] = view.window;
  const begin = view.spans ? Math.min(...view.spans.map((span) => span[0])) : 0;
  const grown = end - view.end;
  const follows = to >= view.end - 1e-6;
  view.end = end;
  if (follows && grown > 0) view.window = [from <= begin + 1e-6 ? from : from + grown, end];
}

/** To all of what is looked at. */
export function resetWindow() {
  filterBy(view.filter, view.spans);
}

/** keyboard: the window follows it. */
export function setCursor(seconds, keyboard) {
  view.cursor = seconds;
  if (seconds !== null && keyboard && (seconds < view.window[0] || seconds > view.window[1])) {
    const half = (view.window[1] - view.window[0]) / 2;
    setWindow(seconds - half, seconds + half);
  }
  tell('cursor');
}

export function setTheme(dark) {
  view.dark = dark;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  tell('theme');
}

export function showRows(rows) {
  view.rows = rows;
  tell('rows');
}

export function chooseRow(row) {
  view.chosen = row;
  tell('rows');
}

export function looksAt(time) {
  return view.spans === null || view.spans.some(([from, to]) => time >= from && time <= to);
}
