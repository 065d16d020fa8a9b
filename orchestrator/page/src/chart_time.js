// Lines over time.
import { axesShapes, boxOf, drawShapes, heights, marginOf, withRoomFor } from './chart.js';
import { frameShapes, widthOf } from './frame.js';
import { thin } from './thin.js';
import { clockOf, isWhole, scaleBetween, scaleOf, timeTicks } from './units.js';

const DASHES = ['solid', [6, 3], [2, 2], [8, 3, 2, 3]];

export const dashOf = (result) => DASHES[Math.min(result.index, DASHES.length - 1)];

/** Where seconds are in pixels, and back. */
export function timeScale(box, window) {
  const [from, to] = window;
  return { at: (seconds) => box.x + (seconds - from) / (to - from) * box.width,
    back: (x) => from + (x - box.x) / box.width * (to - from) };
}

/** An axis of time, as axesShapes takes it. */
export function timeAxis([min, max], box, small) {
  const { values, step } = timeTicks(min, max, Math.max(2, Math.floor(box.width / (small ? 64 : 74))));
  return { min, max, values, format: (seconds) => clockOf(seconds, step) };
}

const HOLLOW_MAX = 200;

/** Shapes of a line, place: from seconds and values to pixels. */
function shapesOf({ line, thinned }, place, theme) {
  const colour = theme.colour(line.colour);
  const style = { stroke: colour, fill: 'none', lineWidth: line.faint ? 1 : 1.5, lineJoin: 'round', lineCap: 'round' };
  const through = (flat, lineDash) => ({ type: 'through', shape: { to: { points: place(flat) } }, style: { ...style, lineDash } });
  const list = [through(thinned.solid, dashOf(line.result))];
  if (!thinned.open) return list;
  list.push(through(thinned.open, [1, 3]));
  if (thinned.hollow.length > 2 * HOLLOW_MAX) return list;
  const points = place(thinned.hollow);
  for (let i = 0; i < points.length; i += 2)
    list.push({ type: 'circle', shape: { cx: points[i], cy: points[i + 1], r: 3 },
      style: { fill: theme.ground, stroke: colour, lineWidth: 1.5 } });
  return list;
}

/** From seconds and values by turns, as thin tells them, to pixels. */
function placing(box, scale, { min, max, to }) {
  const per = box.height / (max - min);
  return (flat) => {
    const points = new Float32Array(flat.length);
    for (let i = 0; i < flat.length; i += 2) {
      points[i] = scale.at(flat[i]);
      points[i + 1] = box.y + (max - to(flat[i + 1])) * per;
    }
    return points;
  };
}

/** Lines, the thin ones behind the others, cut where the box of the panel ends. */
function linesShape(drawn, box, place, theme) {
  const children = [...drawn].sort((a, b) => Boolean(b.line.faint) - Boolean(a.line.faint)).flatMap((one) => shapesOf(one, place, theme));
  const clipPath = { type: 'rect', shape: { x: box.x, y: box.y - 1, width: box.width, height: box.height + 2 } };
  return { type: 'group', $mergeChildren: false, clipPath, children };
}

function extremes(drawn, panel) {
  if (panel.extremes) return panel.extremes;
  return [Math.min(...drawn.map((d) => d.thinned.least)), Math.max(...drawn.map((d) => d.thinned.most))];
}

/** What is drawn of a line, in numbers. */
function summaryOf({ hollow, points, gaps, least, most }) {
  return { points, gaps, open: hollow.length / 2,
    least: points > 0 ? least : null, most: points > 0 ? most : null };
}

/**
 * Draws a panel into its chart. off: labels of series that are not shown. Returns { unit, box, scale, names, lines }: the unit it
 * came to, where time is, what is named above it, how many labels at the side are cut, and what is drawn of each line.
 */
export function drawTime(chart, element, panel, view, theme, off) {
  const results = [...new Set(panel.lines.map((line) => line.result))];
  let margin = marginOf(panel, results[0]);
  let box = boxOf(element, margin);
  const drawn = panel.lines.filter((line) => !off.has(line.label))
    .map((line) => ({ line, thinned: thin(line.table, line.column, view, box.width) }));
  const [least, most] = extremes(drawn, panel);
  const unit = panel.log ? scaleBetween(panel.unit, most) : scaleOf(panel.unit, Math.max(Math.abs(most), Math.abs(least)));
  const height = heights(least, most, { log: panel.log, fit: panel.row.scale === 'fit', factor: unit.factor,
    lines: panel.small ? 3 : 5, signed: panel.signed, whole: isWhole(panel.unit), top: panel.row.top });
  margin = withRoomFor(height, margin);
  box = boxOf(element, margin);
  const scale = timeScale(box, view.window);
  const frame = frameShapes(results[0], panel.row, scale.at, box, theme, panel.small);
  drawShapes(chart, [...axesShapes(theme, box, timeAxis(view.window, box, panel.small), height), ...frame,
    linesShape(drawn, box, placing(box, scale, height), theme)]);
  return { unit: unit.text, box, scale, names: frame.filter((shape) => shape.type === 'text').map((shape) => shape.style.text),
    cut: height.values.filter((value) => widthOf(height.format(value)) + 6 > margin.left).length,
    lines: new Map(drawn.map((d) => [d.line, summaryOf(d.thinned)])) };
}
