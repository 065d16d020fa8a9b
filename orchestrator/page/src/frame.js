// What stands behind and above the lines of every panel over time: phases as tinted areas, outages as red ones, what was
// done as lines, each with its name at the top edge where it fits.
import { OTHERS } from './panels.js';
import { quantity } from './units.js';

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

const GROUPS_MAX = 7;

/** Turns of a loop are of one group; with many names the type decides, and beyond that all others share grey. */
export function groupsOf(result) {
  const { told } = regionsOf(result);
  const base = (region) => region.name.replace(/_\d+$/, '') || region.name;
  const distinct = (of) => [...new Set(told.map(of))];
  const byType = distinct(base).length > GROUPS_MAX && told.every((region) => region.type);
  const of = byType ? (region) => String(region.type) : base;
  const names = distinct(of);
  const colours = new Map(names.map((name, i) => [name, i < GROUPS_MAX ? OTHERS[i] : 'grey']));
  return { names, of, colourOf: (region) => colours.get(of(region)), colours };
}

/** Shortened to so many pixels; '': not even a few letters fit. */
function fitted(text, room) {
  if (widthOf(text) <= room) return text;
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

const REGION_Y = 2, MARK_Y = 16;
const MARK_TEXT_MAX = 180, MARK_TEXT_LEAST = 70;

function regionShapes(shapes, result, row, at, box, theme, small) {
  const { told, warmups } = regionsOf(result);
  const groups = groupsOf(result);
  let free = -Infinity;
  const place = (region, colour, opacity) => {
    const [x0, x1] = [Math.max(box.x, at(region.start)), Math.min(box.x + box.width, at(region.end))];
    if (x1 <= box.x || x0 >= box.x + box.width || x1 <= x0) return;
    shapes.push({ type: 'rect', shape: { x: x0, y: box.y, width: x1 - x0, height: box.height },
      style: { fill: colour, opacity }, silent: true });
    if (at(region.start) > box.x)
      shapes.push({ type: 'rect', shape: { x: x0, y: box.y, width: 1, height: box.height },
        style: { fill: theme.muted, opacity: 0.35 }, silent: true });
    if (small) return;
    const room = x1 - Math.max(x0, free) - 6;
    const figure = figureOf(region, row);
    const text = figure && widthOf(`${region.name} ${figure}`) <= room ? `${region.name} ${figure}`
      : fitted(region.name, room);
    if (text === '') return;
    shapes.push({ type: 'text', x: Math.max(x0, free) + 3, y: REGION_Y,
      style: { text, font: FONT, fill: theme.text, verticalAlign: 'top' }, silent: true });
    free = Math.max(x0, free) + 3 + widthOf(text) + 6;
  };
  const inOrder = [...told.map((r) => [r, theme.colour(groups.colourOf(r)), theme.tint]),
    ...warmups.map((r) => [r, theme.muted, theme.tint])].sort((a, b) => a[0].start - b[0].start);
  for (const [region, colour, opacity] of inOrder) place(region, colour, opacity);
}

function markShapes(shapes, result, at, box, theme, small) {
  const right = box.x + box.width;
  const outages = result.marks.filter((mark) => mark.source === 'outage');
  for (const [start, end] of united(outages)) {
    const x0 = Math.max(box.x, at(start));
    const x1 = Math.min(right, Math.max(at(end), at(start) + 2));
    if (x1 > box.x && x0 < right)
      shapes.push({ type: 'rect', shape: { x: x0, y: box.y, width: x1 - x0, height: box.height },
        style: { fill: theme.red, opacity: 0.25 }, silent: true });
  }
  let free = -Infinity, lastLine = -Infinity;
  result.marks.forEach((mark, i) => {
    const x = at(mark.start);
    if (x < box.x - 0.5 || x > right + 0.5) return;
    const outage = mark.source === 'outage';
    if (!outage && x - lastLine >= 1) {
      shapes.push({ type: 'line', shape: { x1: x, y1: small ? box.y : MARK_Y + 2, x2: x, y2: box.y + box.height },
        style: { stroke: mark.ok === false ? theme.red : theme.text, lineWidth: 1, lineDash: [3, 2], opacity: 0.7 },
        silent: true });
      lastLine = x;
    }
    if (small || x < free) return;
    const label = outage ? `${mark.text} ${quantity((mark.end - mark.start) * 1e6, 'us')}` : mark.text;
    let next = i + 1;
    while (next < result.marks.length && at(result.marks[next].start) <= x + 1) next++;
    const room = Math.min(right, next < result.marks.length ? Math.max(at(result.marks[next].start), x + MARK_TEXT_LEAST)
      : right) - x - 6;
    const text = fitted(label, Math.min(MARK_TEXT_MAX, room));
    if (text === '') return;
    shapes.push({ type: 'text', x: x + 3, y: MARK_Y,
      style: { text, font: FONT, fill: outage ? theme.redText : theme.text, verticalAlign: 'top' }, silent: true });
    free = x + 3 + widthOf(text) + 4;
  });
}

/** Shapes for a box in pixels; at: seconds to pixels. Names stand above the box. */
export function frameShapes(result, row, at, box, theme, small) {
  const shapes = [];
  regionShapes(shapes, result, row, at, box, theme, small);
  markShapes(shapes, result, at, box, theme, small);
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
