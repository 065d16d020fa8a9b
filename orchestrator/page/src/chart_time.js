// Lines over time.
import { axis, baseOption, boxOf, heights, marginOf, shapesSeries, withRoomFor } from './chart.js';
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

export function timeAxis(theme, window, box, small) {
  const ticks = timeTicks(window[0], window[1], Math.max(2, Math.floor(box.width / (small ? 64 : 74))));
  return axis(theme, { min: window[0], max: window[1], values: ticks.values, split: false,
    format: (seconds) => clockOf(seconds, ticks.step) });
}

function seriesOf(drawn, to, theme) {
  const { line, thinned } = drawn;
  const colour = theme.colour(line.colour);
  // One array of numbers: lists of pairs are copied one by one, several times. What is not known is a gap.
  const place = (list) => {
    const flat = new Float64Array(2 * list.length);
    list.forEach(([x, y], i) => {
      flat[2 * i] = x;
      flat[2 * i + 1] = y === null ? NaN : to(y);
    });
    return flat;
  };
  const common = { type: 'line', silent: true, showSymbol: false, animation: false, connectNulls: false, z: line.faint ? 2 : 3,
    itemStyle: { color: colour }, emphasis: { disabled: true } };
  const width = line.faint ? 1 : 1.5;
  const list = [{ ...common, data: place(thinned.solid),
    lineStyle: { color: colour, width, type: dashOf(line.result), join: 'round', cap: 'round' } }];
  if (thinned.open) {
    list.push({ ...common, data: place(thinned.open), lineStyle: { color: colour, width, type: [1, 3] } });
    if (thinned.hollow.length <= 200)
      list.push({ type: 'scatter', data: place(thinned.hollow), symbolSize: 6, silent: true, animation: false, z: 4,
        itemStyle: { color: theme.ground, borderColor: colour, borderWidth: 1.5 }, emphasis: { disabled: true } });
  }
  return list;
}

function extremes(drawn, panel) {
  if (panel.extremes) return panel.extremes;
  return [Math.min(...drawn.map((d) => d.thinned.least)), Math.max(...drawn.map((d) => d.thinned.most))];
}

/** What is drawn of a line, in numbers. */
function summaryOf({ solid, hollow, points, least, most }) {
  return { points, gaps: solid.filter(([, y]) => y === null).length, open: hollow ? hollow.length : 0,
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
  const option = baseOption(margin);
  option.xAxis = timeAxis(theme, view.window, box, panel.small);
  option.yAxis = axis(theme, { ...height, split: true });
  const frame = frameShapes(results[0], panel.row, scale.at, box, theme, panel.small);
  option.series = [shapesSeries(frame, 1),
    ...drawn.flatMap((d) => seriesOf(d, height.to, theme))];
  chart.setOption(option, { notMerge: true, silent: true });
  return { unit: unit.text, box, scale, names: frame.filter((shape) => shape.type === 'text').map((shape) => shape.style.text),
    cut: height.values.filter((value) => widthOf(height.format(value)) + 6 > margin.left).length,
    lines: new Map(drawn.map((d) => [d.line, summaryOf(d.thinned)])) };
}
