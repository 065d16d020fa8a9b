// Figures against load: a line through the middle of what was measured at each load, every point with the sign of what came of
// it, what was found as lines and a band, limits as dashes.
import { axis, baseOption, boxOf, heights, shapesSeries } from './chart.js';
import { limitsOf, marksOf, SIGNS } from './curve.js';
import { dashOf } from './chart_time.js';
import { FONT, widthOf } from './frame.js';
import { SKY } from './panels.js';
import { axisNumber, isWhole, multiples, niceStep, number, quantity, scaleBetween, scaleOf } from './units.js';

const FAR_APART = 20; // loads: beyond that their axis is logarithmic
const NAMED_MAX = 16; // loads of a sweep or a load test: so many have a tick each
const NAME_ROW = 14;

/** The axis of loads: { min, max, values, format, to }. */
function loadAxis(loads, width, sweep) {
  const [least, most] = [Math.min(...loads), Math.max(...loads)];
  if (most > FAR_APART * least && least > 0) {
    const [min, max] = [Math.log10(least / 1.15), Math.log10(most * 1.15)];
    const steps = max - min > width / 130 ? [1] : [1, 2, 5];
    const values = sweep && loads.length <= NAMED_MAX ? loads.map(Math.log10)
      : multiples(Math.floor(min), max, 1).flatMap((decade) => steps.map((n) => decade + Math.log10(n)))
        .filter((value) => value >= min && value <= max);
    return { min, max, values, to: Math.log10, log: true,
      format: (x) => { const load = Number((10 ** x).toPrecision(6)); return axisNumber(load, load >= 1000 ? most : load); } };
  }
  const room = (most - least) * 0.04 || most * 0.1 || 1;
  const [min, max] = [Math.max(0, least - room), most + room];
  const values = sweep && loads.length <= NAMED_MAX ? loads
    : multiples(min, max, niceStep(max - min, Math.max(2, Math.floor(width / 74))));
  return { min, max, values, to: (x) => x, format: (x) => axisNumber(x, most), log: false };
}

// ---- Shapes, in pixels. ----

const line = (x1, y1, x2, y2, stroke, width, dash, opacity = 1) => ({ type: 'line', shape: { x1, y1, x2, y2 }, silent: true,
  style: { stroke, lineWidth: width, lineDash: dash, opacity } });
const text = (words, x, y, fill, align = 'left') => ({ type: 'text', x, y, silent: true,
  style: { text: words, font: FONT, fill, align, verticalAlign: 'top' } });

function signShapes(dot, x, y, colour, theme) {
  const shapes = [];
  const sign = dot.open ? 'open' : dot.point.outcome;
  if (sign === 'open') {
    shapes.push({ type: 'polygon', shape: { points: [[x - 4, y + 3], [x + 4, y + 3], [x, y - 4.5]] }, silent: true,
      style: { fill: theme.ground, stroke: colour, lineWidth: 1.5 } });
  } else if (sign === 'not held') {
    for (const slope of [-1, 1]) shapes.push(line(x - 4, y - 4 * slope, x + 4, y + 4 * slope, colour, 2));
  } else {
    const hollow = sign === 'not judged';
    shapes.push({ type: 'circle', shape: { cx: x, cy: y, r: 3.2 }, silent: true,
      style: { fill: hollow ? theme.ground : colour, stroke: colour, lineWidth: hollow ? 1.5 : 0 } });
  }
  return shapes;
}

/** Of one point once, about the lowest of its signs: the figures are of volley as much as of the server. */
const clientShape = (x, y, theme) => ({ type: 'rect', shape: { x: x - 6.5, y: y - 6.5, width: 13, height: 13 }, silent: true,
  style: { fill: 'none', stroke: theme.muted, lineWidth: 1 } });

/** Names in a row, from the left, each as near to its line as it can be; what does not fit at all is left out. */
function nameShapes(marks, at, box, theme, top) {
  const shapes = [];
  const rows = [-Infinity, -Infinity];
  for (const { load, text: words } of [...marks].sort((a, b) => a.load - b.load)) {
    const width = widthOf(words);
    const x = Math.max(box.x, Math.min(at(load) - width / 2, box.x + box.width - width));
    const row = rows.findIndex((end) => x > end + 8);
    if (row < 0) continue;
    rows[row] = x + width;
    shapes.push(text(words, x, top + NAME_ROW * (1 - row), theme.text));
  }
  return shapes;
}

function bandOf(result, at, box) {
  const { lower, upper } = result.curve.found || {};
  if (!Number.isFinite(lower) && !Number.isFinite(upper)) return [];
  const inside = (x) => Math.max(box.x, Math.min(box.x + box.width, x));
  const from = Number.isFinite(lower) ? inside(at(lower)) : box.x;
  const to = Number.isFinite(upper) ? inside(at(upper)) : box.x + box.width;
  return [{ type: 'rect', shape: { x: from, y: box.y, width: Math.max(2, to - from), height: box.height }, silent: true,
    style: { fill: SKY, opacity: 0.22 } }];
}

function foundShapes(results, at, box, theme) {
  const shapes = results.flatMap((result) => bandOf(result, at, box));
  const marks = results.flatMap((result) => marksOf(result).map((mark) => ({ ...mark, result })));
  for (const { load, weak, result } of marks)
    shapes.push(line(at(load), box.y, at(load), box.y + box.height, theme.text, weak ? 1 : 1.5,
      result !== results[0] ? [6, 3] : weak ? [2, 2] : null, 0.8));
  const named = marks.map((mark) => ({ ...mark,
    text: `${results.length > 1 ? `${mark.result.name}: ` : ''}${mark.text} ${number(mark.load)}` }));
  return [...shapes, ...nameShapes(named, at, box, theme, 8)];
}

function limitShapes(result, height, box, theme) {
  const shapes = [];
  for (const { us, text: words } of limitsOf(result)) {
    const y = box.y + (height.max - height.to(us)) / (height.max - height.min) * box.height;
    if (y < box.y || y > box.y + box.height) continue;
    shapes.push(line(box.x, y, box.x + box.width, y, theme.text, 1, [5, 4], 0.8));
    shapes.push(text(words, box.x + 4, y - 14, theme.text));
  }
  return shapes;
}

/** The probes along the search: where what was found lies among the rates. */
function bandShapes(result, height, box, theme) {
  const y = (value) => box.y + (height.max - height.to(value)) / (height.max - height.min) * box.height;
  const { rate, lower, upper } = result.curve.found || {};
  const shapes = [];
  if (Number.isFinite(lower) || Number.isFinite(upper)) {
    const top = Number.isFinite(upper) ? Math.max(box.y, y(upper)) : box.y;
    const bottom = Number.isFinite(lower) ? Math.min(box.y + box.height, y(lower)) : box.y + box.height;
    shapes.push({ type: 'rect', shape: { x: box.x, y: top, width: box.width, height: Math.max(2, bottom - top) }, silent: true,
      style: { fill: SKY, opacity: 0.22 } });
  }
  if (Number.isFinite(rate)) shapes.push(line(box.x, y(rate), box.x + box.width, y(rate), theme.text, 1.5, null, 0.8));
  return shapes;
}

function heightOf(series, panel, limits, offered) {
  const values = series.flatMap((one) => one.dots.map((dot) => dot.y));
  let [least, most] = [Math.min(...values.filter((value) => value > 0 || panel.scale !== 'times')), Math.max(...values)];
  // Few points, of which most may lie where the server is overloaded: the smallest counts, and no median.
  const log = panel.scale === 'times' ? most > 50 * least
    : panel.scale === 'load' ? offered && least > 0 && most > FAR_APART * least : false;
  // A limit is in sight, unless all that was measured would lie at one edge for it.
  const reach = log ? 30 : 2;
  for (const { us } of limits.filter((limit) => limit.us < most * reach && limit.us > least / reach))
    [least, most] = [Math.min(least, us * 0.7), Math.max(most, us * (log ? 1.5 : 1.1))];
  const unit = log ? scaleBetween(panel.unit, most) : scaleOf(panel.unit, most);
  const height = heights(least, most, { log, factor: unit.factor, lines: 5, whole: isWhole(panel.unit) });
  if (panel.unit === 'percent' && most <= 100 && height.max > 100)
    [height.max, height.values] = [100, height.values.filter((value) => value <= 100)];
  return { unit: unit.text, ...height };
}

function countOf(series) {
  const signs = new Set(series.flatMap((one) => one.dots.map((dot) => (dot.open ? 'open' : dot.point.outcome))));
  if (series.some((one) => one.dots.some((dot) => dot.point.client.length > 0))) signs.add('client');
  return Object.keys(SIGNS).filter((sign) => signs.has(sign));
}

/** { unit, box, shown, series, signs }: shown are the dots with their pixels. */
export function drawCurve(chart, element, panel, view, theme, off) {
  const over = panel.x !== 'number';
  const margin = { left: 48, right: 22, top: over ? 14 + 2 * NAME_ROW : 12, bottom: 36 };
  const box = boxOf(element, margin);
  const series = panel.series.filter((one) => !off.has(one.label));
  const all = panel.series.flatMap((one) => one.dots);
  const results = [...new Set(panel.series.map((one) => one.result))];
  const [result] = results;
  const loads = [...new Set(all.map((dot) => dot.x))].sort((a, b) => a - b);
  const horizontal = loadAxis(loads, box.width, over && result.curve.of !== 'find-max');
  const height = heightOf(series.length > 0 ? series : panel.series, panel, panel.limits ? limitsOf(result) : [],
    !over || (horizontal.log && result.curve.swept === 'qps'));
  const at = (load) => box.x + (horizontal.to(load) - horizontal.min) / (horizontal.max - horizontal.min) * box.width;
  const yOf = (value) => box.y + (height.max - Math.min(height.max, height.to(value))) / (height.max - height.min) * box.height;

  const shown = series.flatMap((one) => (one.faint ? [] : one.dots.map((dot) => ({ dot, one, x: at(dot.x), y: yOf(dot.y) }))));
  const busy = new Map();
  for (const place of shown) if (place.dot.point.client.length > 0) {
    const before = busy.get(place.dot.point);
    if (!before || before.y < place.y) busy.set(place.dot.point, place);
  }
  const option = baseOption(margin);
  option.xAxis = axis(theme, { ...horizontal, split: false, name: over ? result.curve.swept === 'qps'
    ? 'asked for, requests/s' : result.curve.unit : 'probe, in the order of time' });
  option.yAxis = axis(theme, { ...height, split: true });
  const behind = [...(over ? foundShapes(results, at, box, theme) : bandShapes(result, height, box, theme)),
    ...(panel.limits ? limitShapes(result, height, box, theme) : [])];
  option.series = [shapesSeries(behind, 1), ...series.map((one) => ({ type: 'line', silent: true, showSymbol: false,
    animation: false, connectNulls: false, z: one.faint ? 2 : 3, emphasis: { disabled: true },
    data: one.line.map(([x, y]) => [horizontal.to(x), height.to(y)]),
    lineStyle: { color: theme.colour(one.colour), width: one.faint || !over ? 1 : 1.5, opacity: over ? 1 : 0.5,
      type: one.faint ? [4, 4] : dashOf(one.result) } })),
  shapesSeries([...[...busy.values()].map((place) => clientShape(place.x, place.y, theme)),
    ...shown.flatMap(({ dot, one, x, y }) => signShapes(dot, x, y, theme.colour(one.colour), theme))], 5)];
  chart.setOption(option, { notMerge: true, silent: true });
  return { unit: height.unit, box, shown, series, signs: countOf(series.filter((one) => !one.faint)) };
}

const BESIDE_MAX = 4; // columns: a phone has no room for more

/** Probes at one load lie over one another: they are told side by side, this one among them. */
function pointsBeside(point, series) {
  const of = series.find((one) => one.dots.some((dot) => dot.point === point));
  if (!of) return [point];
  const { x } = of.dots.find((dot) => dot.point === point);
  const points = [...new Set(series.filter((one) => one.result === of.result)
    .flatMap((one) => one.dots.filter((dot) => dot.x === x).map((dot) => dot.point)))].sort((a, b) => a.number - b.number);
  const from = Math.max(0, Math.min(points.indexOf(point) - BESIDE_MAX + 1, points.length - BESIDE_MAX));
  return points.slice(from, from + BESIDE_MAX);
}

/** What is known of a point, a word before it where several are told. */
function wordsOf(point, several) {
  const before = several ? `${point.number}: ` : '';
  return [point.reason && before + point.reason, point.client.length > 0 && `${before}volley: ${point.client.join(', ')}`];
}

/** What stands at a point: { head, rows, names }. */
export function pointText(panel, point, series, theme) {
  const { result } = series.find((one) => one.dots.some((dot) => dot.point === point)) || panel.series[0];
  const points = pointsBeside(point, series);
  const kind = { sweep: 'step', 'load-test': 'run' }[result.curve.of] || 'probe';
  const told = points.map((one) => `${kind} ${one.number}${one.retest ? ', again' : ''}: ${one.outcome}` +
    (Number.isFinite(one.windows) ? `, kept in ${one.windows_passed} of ${one.windows} windows` : ''));
  const value = (one, at) => {
    const dot = one.dots.find((other) => other.point === at);
    return dot ? (dot.open ? '>= ' : '') + quantity(dot.y, panel.unit) : '';
  };
  const rows = series.filter((one) => points.some((at) => value(one, at) !== ''))
    .map((one) => [theme.colour(one.colour), one.label, ...points.map((at) => value(one, at))]);
  if (points.length > 1) rows.unshift([null, kind, ...points.map((one) => String(one.number))]);
  const several = panel.series.some((one) => one.result !== result);
  return { head: [`${number(point.load)} ${result.curve.unit}`, ...told], rows,
    names: [several && result.name, ...points.flatMap((one) => wordsOf(one, points.length > 1))].filter((words) => words) };
}
