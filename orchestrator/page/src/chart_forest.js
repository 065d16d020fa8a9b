// Changes with their intervals, a line each: what is known of the difference, and how surely.
import { axis, baseOption, boxOf, shapesSeries } from './chart.js';
import { ANSWERS, forestOf } from './comparison.js';
import { FONT, widthOf } from './frame.js';
import { SKY } from './panels.js';
import { axisNumber, multiples, niceStep, number } from './units.js';

const ROW = 19, ROW_NARROW = 34, NARROW = 620; // pixels: below so much a name stands above its line
const NAMES_MAX = 380;

function fitted(words, room) {
  if (widthOf(words) <= room) return words;
  let length = words.length - 1;
  while (length > 3 && widthOf(`${words.slice(0, length)}…`) > room) length--;
  return `${words.slice(0, length).trimEnd()}…`;
}

/** As far as changes go, and not as far as the widest of intervals: that would leave nothing to be seen of the rest. */
function reachOf(rows, threshold) {
  const widest = Math.max(...rows.map((row) => Math.abs(row.change)), threshold || 0) * 2.5;
  const least = Math.max(-widest, -100, Math.min(0, ...rows.map((row) => row.low))); // nothing falls by more than all of it
  const most = Math.min(widest, Math.max(0, ...rows.map((row) => row.high)));
  return most > least ? [least, most] : [-1, 1];
}

function signShapes(row, x, y, colour, theme) {
  const polygon = (points) => ({ type: 'polygon', shape: { points }, silent: true, style: { fill: colour } });
  if (row.answer === 'faster') return polygon([[x - 5, y + 4], [x + 5, y + 4], [x, y - 5]]);
  if (row.answer === 'slower') return polygon([[x - 5, y - 4], [x + 5, y - 4], [x, y + 5]]);
  if (row.answer === 'same')
    return { type: 'rect', shape: { x: x - 3.5, y: y - 3.5, width: 7, height: 7 }, silent: true, style: { fill: colour } };
  return { type: 'circle', shape: { cx: x, cy: y, r: 3.6 }, silent: true,
    style: { fill: theme.ground, stroke: colour, lineWidth: 1.5 } };
}

const line = (x1, y1, x2, y2, stroke, width, dash = null) => ({ type: 'line', shape: { x1, y1, x2, y2 }, silent: true,
  style: { stroke, lineWidth: width, lineDash: dash } });

/** An interval; an end that lies beyond the box has no stroke across it. */
function intervalShapes(row, at, box, y, colour) {
  const inside = (x) => Math.max(box.x, Math.min(box.x + box.width, x));
  const shapes = [line(inside(at(row.low)), y, inside(at(row.high)), y, colour, 2)];
  for (const end of [at(row.low), at(row.high)])
    if (end >= box.x && end <= box.x + box.width) shapes.push(line(end, y - 4, end, y + 4, colour, 1.5));
  return shapes;
}

function behind(at, box, threshold, theme) {
  const inside = (x) => Math.max(box.x, Math.min(box.x + box.width, x));
  const [from, to] = [inside(at(-threshold)), inside(at(threshold))];
  const shapes = [line(at(0), box.y, at(0), box.y + box.height, theme.text, 1)];
  if (threshold > 0) shapes.unshift({ type: 'rect', shape: { x: from, y: box.y, width: to - from, height: box.height }, silent: true,
    style: { fill: SKY, opacity: 0.14 } });
  return shapes;
}

/** { unit, box, places, leftOut }: places are the rows with the pixels of their lines. */
export function drawForest(chart, element, panel, view, theme) {
  const { rows, leftOut } = forestOf(view.rows || panel.comparison.rows);
  const narrow = element.clientWidth < NARROW;
  const names = narrow ? 0 : Math.min(NAMES_MAX, element.clientWidth * 0.42, Math.max(60, ...rows.map((row) => widthOf(row.name))));
  const margin = { left: narrow ? 14 : names + 18, right: 24, top: 6, bottom: 40 };
  const height = `${Math.max(3, rows.length) * (narrow ? ROW_NARROW : ROW) + margin.top + margin.bottom}px`;
  if (element.parentNode.style.height !== height) {
    element.parentNode.style.height = height;
    chart.resize();
  }
  const box = boxOf(element, margin);
  const [least, most] = reachOf(rows, panel.comparison.thresholdPercent);
  const room = (most - least) * 0.03;
  const [min, max] = [least - room, most + room];
  const at = (change) => box.x + (change - min) / (max - min) * box.width;
  const step = box.height / Math.max(1, rows.length);
  const places = rows.map((row, i) => ({ row, y: box.y + (i + (narrow ? 0.72 : 0.5)) * step, top: box.y + i * step, step }));
  const front = places.flatMap(({ row, y, top }) => {
    const colour = theme.colour(ANSWERS[row.answer].colour);
    const words = fitted(row.name, narrow ? box.width : names);
    return [...(row === view.chosen ? [{ type: 'rect', shape: { x: 0, y: top, width: element.clientWidth, height: step }, silent: true,
      style: { fill: theme.text, opacity: 0.08 } }] : []),
    { type: 'text', x: narrow ? box.x : box.x - 12, y: narrow ? top + 9 : y, silent: true,
      style: { text: words, font: FONT, fill: theme.text, align: narrow ? 'left' : 'right', verticalAlign: 'middle' } },
    ...intervalShapes(row, at, box, y, colour),
    ...(at(row.change) >= box.x && at(row.change) <= box.x + box.width ? [signShapes(row, at(row.change), y, colour, theme)] : [])];
  });
  const option = baseOption(margin);
  option.xAxis = axis(theme, { min, max, values: multiples(min, max, niceStep(max - min, Math.max(2, Math.floor(box.width / 70)))),
    format: (value) => `${value > 0 ? '+' : ''}${axisNumber(value)}`, split: true, name: 'change of the mean, percent' });
  option.yAxis = { type: 'value', min: 0, max: 1, show: false };
  option.series = [shapesSeries(behind(at, box, panel.comparison.thresholdPercent, theme), 1), shapesSeries(front, 3)];
  chart.setOption(option, { notMerge: true, silent: true });
  return { unit: leftOut > 0 ? `the ${rows.length} surest; ${number(leftOut)} more are in the table` : '', box, places, leftOut,
    signs: Object.keys(ANSWERS).filter((answer) => rows.some((row) => row.answer === answer)) };
}

/** What is known of a row: { head, rows, names }. */
export function rowText(panel, row) {
  const { names } = panel.comparison;
  const sides = row.sides.map((side, i) => [null, names[i], side.runs === 0 ? 'n/a'
    : `${number(side.mean)}, n=${side.runs}${side.runs > 1 ? `, CV=${number(side.cv)} %` : ''}`]);
  const signed = (value) => `${value > 0 ? '+' : ''}${number(value)}`;
  const change = Number.isNaN(row.change) ? [] : [[null, 'change', `${signed(row.change)} %`]];
  const interval = Number.isNaN(row.low) ? [] : [[null, `${number(panel.comparison.confidencePercent)} % interval`,
    `${signed(row.low)} ${row.high === Infinity ? '% or more' : `to ${signed(row.high)} %`}`]];
  return { head: [row.name], rows: [...sides, ...change, ...interval], names: [row.answerText] };
}
