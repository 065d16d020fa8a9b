// What stands behind and above the lines of every panel over time: phases as tinted areas, outages as red ones, what was
// done as lines, each with its name at the top edge where it fits.
import { OTHERS } from './panels.js';
import { lasting, quantity } from './units.js';

const canvas = document.createElement('canvas').getContext('2d');
export const FONT = '11px system-ui, sans-serif';

export function widthOf(text) {
  canvas.font = FONT;
  return canvas.measureText(text).width;
}

/** Regions of a result that are told apart: phases, or else runs, when there are several; and warm-ups. */
export function regionsOf(result) {
  const phases = result.regions.filter((region) => region.kind === 'phase');
  const runs = result.regions.filter((region) => region.kind === 'run');
  const told = phases.length > 0 ? phases : runs.length > 1 ? runs : [];
  return { told, warmups: result.regions.filter((region) => region.kind === 'warmup') };
}

const GROUPS_MAX = 7, REST = 'others';

/** Turns of a loop have one name, and a number behind it; of runs a number is part of what they are: LRANGE_100. */
export const turnless = (name, ofPhase) => (ofPhase && name.replace(/_\d+$/, '')) || name;

/** Turns of a loop are of one group; with many names the type decides, and beyond that all others are one, in grey. */
export function groupsOf(result) {
  const { told } = regionsOf(result);
  const base = (region) => turnless(region.name, region.kind === 'phase');
  const distinct = (of) => [...new Set(told.map(of))];
  const many = distinct(base).length > GROUPS_MAX;
  // Runs of a search: their load tells them apart, and some colours would tell nothing.
  if (many && told.every((region) => region.kind === 'run')) return { of: () => '', colourOf: () => 'grey', colours: new Map() };
  const of = many && told.every((region) => region.type) ? (region) => String(region.type) : base;
  const names = distinct(of);
  const colours = new Map(names.slice(0, GROUPS_MAX).map((name, i) => [name, OTHERS[i]]));
  if (names.length > GROUPS_MAX) colours.set(REST, 'grey');
  const group = (region) => (colours.has(of(region)) ? of(region) : REST);
  return { of: group, colourOf: (region) => colours.get(group(region)), colours };
}

/** Shortened to so many pixels; '': they would not tell much of it. */
function fitted(text, room) {
  if (widthOf(text) <= room) return text;
  if (room < 80) return '';
  let length = text.length - 1;
  while (length > 3 && widthOf(`${text.slice(0, length)}…`) > room) length = Math.min(length - 1, Math.floor(length * 0.9));
  return length > 3 ? `${text.slice(0, length).trimEnd()}…` : '';
}

/** Overlapping stretches as one, so that their tints do not add up. */
function united(marks) {
  const list = [];
  for (const { start, end } of [...marks].sort((a, b) => a.start - b.start)) {
    const last = list[list.length - 1];
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else list.push([start, end]);
  }
  return list;
}

/** The mean of a phase for this panel, as text: "" when there is none. */
function figureOf(region, row) {
  const name = row.figure;
  const value = name && region.figures ? region.figures[name] : undefined;
  if (typeof value !== 'number') return '';
  return quantity(name.endsWith('_ms') ? value * 1000 : value, row.unit === 'requests/s' ? '/s' : row.unit === 'keys' ? 'keys'
    : row.unit);
}

const ROW_HEIGHT = 14, MARK_ROWS = 2;
const MARK_TEXT_MAX = 200, MARK_TEXT_LEAST = 80, FEW_MARKS = 4;

/** Rows of names above a panel: { regions, marks }. */
function rowsOf(result) {
  const { told, warmups } = regionsOf(result);
  return { regions: told.length > 0 ? 1 : 0, marks: result.marks.length > 0 ? MARK_ROWS : warmups.length > 0 ? 1 : 0 };
}

/** Pixels above a panel's box: room for the names. */
export function roomForNames(result) {
  const { regions, marks } = rowsOf(result);
  return 7 + ROW_HEIGHT * (regions + marks);
}

const textShape = (text, x, y, fill) => ({ type: 'text', x, y, style: { text, font: FONT, fill, verticalAlign: 'top' },
  silent: true });
const rectShape = (x, y, width, height, fill, opacity) => ({ type: 'rect', shape: { x, y, width, height },
  style: { fill, opacity }, silent: true });

const LEAD = 2; // pixels between where a region begins and its name

/** A name within its region; text '': there is no room. */
function nameWithin(region, row, x0, x1, left) {
  const room = x1 - left - 4;
  const figure = figureOf(region, row);
  const text = figure && widthOf(`${region.name} ${figure}`) <= room ? `${region.name} ${figure}` : fitted(region.name, room);
  return { region, text, x: left + LEAD, end: left + LEAD + widthOf(text) + 6 };
}

/** Names of regions: each within its own, as far as there is room; of narrow ones, where nothing is in the way, whole, with a line
 * from where they begin. seen: [region, x0, x1], in pixels. */
function regionNames(seen, row, right) {
  const names = [], narrow = [];
  let free = -Infinity;
  for (const [region, x0, x1] of seen) {
    const name = nameWithin(region, row, x0, x1, Math.max(x0, free));
    if (name.text === '') {
      narrow.push([region, x0]);
      continue;
    }
    names.push(name);
    free = name.end;
  }
  for (const [region, x0] of narrow) {
    const name = { region, text: region.name, x: x0 + LEAD + 1, end: x0 + LEAD + widthOf(region.name) + 7, from: x0 };
    if (name.end <= right && !names.some((other) => other.x < name.end && other.end > x0)) names.push(name);
  }
  return names;
}

/** Returns which are named. */
function regionShapes(shapes, result, row, at, box, theme, small) {
  const { told, warmups } = regionsOf(result);
  const groups = groupsOf(result);
  const inOrder = [...told.map((region) => [region, theme.colour(groups.colourOf(region))]),
    ...warmups.map((region) => [region, theme.muted])].sort((a, b) => a[0].start - b[0].start);
  const seen = [];
  for (const [region, colour] of inOrder) {
    const [x0, x1] = [Math.max(box.x, at(region.start)), Math.min(box.x + box.width, at(region.end))];
    if (x1 <= box.x || x0 >= box.x + box.width || x1 <= x0) continue;
    shapes.push(rectShape(x0, box.y, x1 - x0, box.height, colour, theme.tint));
    if (at(region.start) > box.x) shapes.push(rectShape(x0, box.y, 1, box.height, theme.muted, 0.35));
    if (region.kind !== 'warmup') seen.push([region, x0, x1]);
  }
  if (small) return [];
  const names = regionNames(seen, row, box.x + box.width);
  for (const { text, x, from } of names) {
    shapes.push(textShape(text, x, 2, theme.text));
    if (from > box.x) shapes.push(rectShape(from, 2, 1, box.y - 2, theme.muted, 0.35));
  }
  return names.map((name) => name.region);
}

/** Names in rows: one goes where it meets no other one, and no line that comes down from a row above. */
class Names {
  constructor(rows, longest = MARK_TEXT_MAX) {
    this.longest = longest;
    this.taken = Array.from({ length: rows }, () => []);
  }

  room(row, x, right) {
    const list = this.taken[row];
    if (list.some(([from, to]) => x >= from - 3 && x < to)) return 0;
    return Math.min(right, ...list.filter(([from]) => from > x).map(([from]) => from)) - x;
  }

  /** { row, text, x } or null. */
  place(label, x, left, right) {
    let best = null;
    for (let row = 0; row < this.taken.length; row++) {
      const crossed = this.taken.slice(row + 1).some((list) => list.some(([from, to]) => x > from - 2 && x < to));
      const room = Math.min(this.longest, this.room(row, x, right)) - 6;
      if (!crossed && room >= Math.min(MARK_TEXT_LEAST, widthOf(label)) && (best === null || room > best.room)) best = { row, room };
      if (best && best.room >= widthOf(label)) break;
    }
    const text = best ? fitted(label, best.room) : '';
    if (text === '') return this.placeBefore(label, x, left);
    return this.take(best.row, text, x, [x, x + widthOf(text) + 7]);
  }

  /** To the left of its line, whole, where there is no room to the right. */
  placeBefore(label, x, left) {
    const from = x - widthOf(label) - 6;
    if (from < left) return null;
    for (let row = 0; row < this.taken.length; row++) {
      const met = this.taken.slice(row).some((list, i) => list.some(([a, b]) => (i === 0 ? a < x + 2 && b > from : x > a - 2 && x < b)));
      if (!met) return this.take(row, label, x, [from, x + 2]);
    }
    return null;
  }

  take(row, text, x, extent) {
    this.taken[row].push(extent);
    for (let below = row + 1; below < this.taken.length; below++) this.taken[below].push([x - 1, x + 2]);
    return { row, text, x: extent[0] };
  }
}

/** The weightier ones get their names first. */
const WEIGHT = ['outage', 'chaos', 'alert', 'note', 'ctl'];

/** What servers keep of slow commands can be hundreds in a second: beyond some they are ticks at the foot, without names. */
const KEPT_BY_SERVERS = new Set(['slowlog', 'commandlog', 'latency']), KEPT_MAX = 12, TICK_HEIGHT = 6;

function tickShapes(shapes, marks, at, box, theme) {
  const foot = box.y + box.height;
  for (const x of new Set(marks.map((mark) => Math.round(at(mark.start)))))
    shapes.push({ type: 'line', shape: { x1: x, y1: foot - TICK_HEIGHT, x2: x, y2: foot },
      style: { stroke: theme.text, lineWidth: 1, opacity: 0.7 }, silent: true });
}

function markShapes(shapes, result, at, box, theme, small, named) {
  const right = box.x + box.width;
  for (const [start, end] of united(result.marks.filter((mark) => mark.source === 'outage'))) {
    const [x0, x1] = [Math.max(box.x, at(start)), Math.min(right, Math.max(at(end), at(start) + 2))];
    if (x1 > box.x && x0 < right) shapes.push(rectShape(x0, box.y, x1 - x0, box.height, theme.red, 0.25));
  }
  const within = result.marks.filter((mark) => at(mark.start) >= box.x - 0.5 && at(mark.start) <= right + 0.5);
  const kept = within.filter((mark) => KEPT_BY_SERVERS.has(mark.source));
  const crowded = small || kept.length > KEPT_MAX;
  const seen = crowded ? within.filter((mark) => !KEPT_BY_SERVERS.has(mark.source)) : within;
  if (crowded) tickShapes(shapes, kept, at, box, theme);
  const weight = (mark) => (WEIGHT.indexOf(mark.source) + WEIGHT.length + 1) % (WEIGHT.length + 1);
  const lines = new Map();
  for (const mark of seen) {
    const x = Math.round(at(mark.start));
    if (mark.source !== 'outage' && !lines.has(x)) lines.set(x, { top: box.y, failed: mark.ok === false });
  }
  if (!small) nameMarks(shapes, [...seen, ...warmupsSeen(result, at, box, named)].sort((a, b) => weight(a) - weight(b) ||
    (a.place ?? 0) - (b.place ?? 0)), lines, result, at, [box.x, right], theme);
  for (const [x, { top, failed }] of lines)
    shapes.push({ type: 'line', shape: { x1: x, y1: top, x2: x, y2: box.y + box.height },
      style: { stroke: failed ? theme.red : theme.text, lineWidth: 1, lineDash: [3, 2], opacity: 0.7 }, silent: true });
}

/** Names of warm-ups stand among those of marks, below those of their runs, which begin there, too. */
const warmupsSeen = (result, at, box, named) => regionsOf(result).warmups
  .filter((region) => rowsOf(result).regions === 0 || named.some((run) => Math.abs(run.start - region.start) < 1e-6))
  .filter((region) => at(region.end) > box.x && at(region.start) < box.x + box.width)
  .map((region) => ({ source: 'warmup', text: region.name, start: region.start, end: region.end }));

const TRIES_MAX = 200;

function nameMarks(shapes, marks, lines, result, at, [left, right], theme) {
  const { regions, marks: rows } = rowsOf(result);
  const names = new Names(rows, marks.length > FEW_MARKS ? MARK_TEXT_MAX : Infinity); // a few may be told at length
  for (const mark of marks.slice(0, TRIES_MAX)) {
    const outage = mark.source === 'outage';
    const x = Math.max(left, Math.round(at(mark.start)));
    const label = outage ? `${mark.text} ${lasting(mark.end - mark.start)}` : mark.text;
    const placed = names.place(label, x, mark.source === 'warmup' ? x : left, right);
    if (placed === null) continue;
    const y = 2 + ROW_HEIGHT * (regions + placed.row);
    shapes.push(textShape(placed.text, placed.x + 3, y, outage ? theme.redText : theme.text));
    if (mark.source === 'warmup') continue;
    if (lines.has(x)) lines.get(x).top = Math.min(lines.get(x).top, y);
    else lines.set(x, { top: y, failed: false, outage });
  }
}

/** Shapes for a box in pixels; at: seconds to pixels. Names stand above the box. */
export function frameShapes(result, row, at, box, theme, small) {
  const shapes = [];
  const named = regionShapes(shapes, result, row, at, box, theme, small);
  markShapes(shapes, result, at, box, theme, small, named);
  return shapes;
}

/** What is at this instant, for the tooltip: regions, and marks within so many seconds of it. */
export function namesAt(result, time, near) {
  const { told, warmups } = regionsOf(result);
  return {
    regions: [...told, ...warmups].filter((region) => time >= region.start && time <= region.end),
    marks: result.marks.filter((mark) => time >= mark.start - near && time <= mark.end + near),
  };
}
