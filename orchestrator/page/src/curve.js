// What find-max, sweep and load-test have found, made ready to be drawn: figures of their points against load. docs/design/pictures.md says
// what the data are.
import { GREEN, GREY, INK } from './panels.js';

/** What came of a point: how it is told, and its sign, which tells it apart from colour. */
export const SIGNS = {
  held: ['●', 'held'],
  measured: ['●', 'measured'],
  'not held': ['×', 'not held'],
  'not judged': ['○', 'not judged'],
  open: ['△', 'at least so much'],
  client: ['□', 'volley or its machine was busy'],
};

const REST = [GREEN, INK, GREY];

/** Colours of percentiles that no row names: those that were asked for. */
function restOf(row, figures) {
  const named = new Set(row.series.flatMap((series) => series.from));
  return Object.keys(figures)
    .filter((name) => row.rest.some((path) => name.startsWith(`${path}.p`)) && !named.has(name))
    .map((name, i) => ({ label: name.slice(name.indexOf('.') + 1).replace('_', '.'), colour: REST[i % REST.length], from: [name] }));
}

function middleOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** A line through the middle of what was judged at each load; null where only a bound is known. */
function lineThrough(dots) {
  const loads = [...new Set(dots.map((dot) => dot.x))];
  return loads.flatMap((x) => {
    const judged = dots.filter((dot) => dot.x === x && dot.point.outcome !== 'not judged');
    if (judged.length === 0) return [];
    const open = judged.filter((dot) => dot.open).length;
    return [[x, 2 * open > judged.length ? null : middleOf(judged.map((dot) => dot.y))]];
  });
}

/** { label, colour, unit, dots: [{x, y, open, point}], line } by load; null: the result has no such figure. */
function seriesOf(series, result, row) {
  const { curve } = result;
  if (series.of && series.of !== curve.of) return null;
  const name = series.from.find((from) => from === 'load' || curve.points.some((point) => Number.isFinite(point.figures[from])));
  if (!name) return null;
  const value = (point) => (name === 'load' ? point.load : point.figures[name]);
  const times = row.unit === 'us';
  const dots = curve.points.filter((point) => Number.isFinite(value(point)))
    .map((point) => ({ x: row.x === 'number' ? point.number : point.load, y: times ? Math.abs(value(point)) : value(point),
      open: times && value(point) < 0, point }))
    .sort((a, b) => a.x - b.x || a.point.number - b.point.number);
  if (dots.length === 0) return null;
  const line = row.x === 'number' ? dots.map((dot) => [dot.x, dot.y]) : lineThrough(dots);
  return { ...series, name, result, dots, line };
}

/** A result, or of a load test in both modes one for each, which is drawn as results over one another are. */
function modesOf(result, place, results) {
  const { modes } = result.curve;
  if (!modes) return [result];
  return modes.map((mode, i) => ({ ...result, index: result.index * modes.length + i,
    name: results.length > 1 ? `${result.name}, ${mode}` : mode,
    curve: { ...result.curve, marked: result.curve.marked[mode], points: result.curve.points.filter((point) => point.mode === mode) } }));
}

/** The series of a row that results have; what is 0 throughout says nothing of what went wrong. */
export function curveSeries(row, results) {
  const base = results.find((result) => result.curve);
  const alike = (curve) => curve && curve.swept === base.curve.swept && (!row.of || row.of === curve.of);
  return results.filter((result) => alike(result.curve)).flatMap(modesOf).flatMap((result) =>
    [...row.series, ...(row.rest ? restOf(row, result.curve.figures) : [])].map((series) => seriesOf(series, result, row))
      .filter((series) => series !== null && (!row.happened || series.dots.some((dot) => dot.y > 0))));
}

/** Lines across a panel of times: what was asked for. */
export const limitsOf = (result) => (result.curve.objectives || []).filter((objective) => Number.isFinite(objective.limit_us))
  .map((objective) => ({ us: objective.limit_us, text: String(objective.text) }));

/** Where something is to be seen along the load: { load, text, weak }. */
export function marksOf({ curve }) {
  const list = [];
  const put = (load, text, weak) => {
    const same = list.find((mark) => mark.load === load);
    if (same) same.text += `, ${text}`;
    else if (Number.isFinite(load)) list.push({ load, text, weak });
  };
  if (curve.found) put(curve.found.rate, 'sustainable', false);
  if (curve.marked) {
    put(curve.marked.degradation, 'degradation point', true);
    put(curve.marked.breaking, 'breaking point', true);
  }
  return list;
}
