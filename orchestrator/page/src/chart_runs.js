// The single runs of the row that is chosen, a dot each: both sides below one another on one axis.
import { axis, baseOption, boxOf, heights, shapesSeries } from './chart.js';
import { FONT } from './frame.js';
import { BLUE, GREY } from './panels.js';
import { scaleOf } from './units.js';

export const SIDES = [GREY, BLUE];
const MARGIN = { left: 16, right: 20, top: 44, bottom: 26 };

/** Up and down, so that equal values are seen beside one another. */
const spread = (i) => ((i * 5) % 7 - 3) / 3;

const words = (text, x, y, fill) => ({ type: 'text', x, y, silent: true,
  style: { text, font: FONT, fill, align: 'left', verticalAlign: 'middle' } });

function sideShapes(side, name, lane, at, colour, theme) {
  const shapes = [words(`${name}, n=${side.runs}${side.values.length < side.runs ? `, the first ${side.values.length}` : ''}`,
    MARGIN.left, lane.y - lane.height / 2 + 8, theme.text)];
  if (!Number.isNaN(side.low)) shapes.push({ type: 'rect', silent: true,
    shape: { x: at(side.low), y: lane.y - 16, width: at(side.high) - at(side.low), height: 42 }, style: { fill: colour, opacity: 0.16 } });
  if (!Number.isNaN(side.mean)) shapes.push({ type: 'line', silent: true,
    shape: { x1: at(side.mean), x2: at(side.mean), y1: lane.y - 16, y2: lane.y + 26 }, style: { stroke: colour, lineWidth: 2.5 } });
  side.values.forEach((value, i) => shapes.push({ type: 'circle', silent: true,
    shape: { cx: at(value), cy: lane.y + 5 + spread(i) * 14, r: 4 },
    style: { fill: colour, opacity: 0.9, stroke: theme.ground, lineWidth: 0.5 } }));
  return shapes;
}

/** { unit, row, counts }. */
export function drawRuns(chart, element, panel, view, theme) {
  const row = view.chosen || panel.comparison.rows[0];
  const box = boxOf(element, MARGIN);
  const values = row.sides.flatMap((side) => [...side.values, side.mean, side.low, side.high]).filter((value) => !Number.isNaN(value))
    .map((value) => value * row.factor);
  const scale = scaleOf(row.unit, Math.max(...values, 0));
  const across = heights(Math.min(...values), Math.max(...values), { fit: true, factor: scale.factor,
    lines: Math.max(2, Math.floor(box.width / 80)) });
  const at = (value) => box.x + (across.to(value * row.factor) - across.min) / (across.max - across.min) * box.width;
  const option = baseOption(MARGIN);
  option.xAxis = axis(theme, { ...across, split: true });
  option.yAxis = { type: 'value', min: 0, max: 1, show: false };
  const shapes = [words(row.name, MARGIN.left, 10, theme.text), words(row.answerText, MARGIN.left, 26, theme.muted),
    ...row.sides.flatMap((side, i) => sideShapes(side, panel.comparison.names[i],
      { y: box.y + box.height * (i + 0.5) / 2, height: box.height / 2 }, at, theme.colour(SIDES[i]), theme))];
  option.series = [shapesSeries(shapes, 3)];
  chart.setOption(option, { notMerge: true, silent: true });
  return { unit: scale.text, box, row, counts: row.sides.map((side) => side.values.length) };
}
