// A figure from commit to commit: a dot each, the spread of its runs, the levels, and where one ends.
import { axis, baseOption, boxOf, heights, shapesSeries } from './chart.js';
import { FONT, widthOf } from './frame.js';
import { BLUE, GREEN, VERMILION } from './panels.js';
import { number, quantity, scaleOf } from './units.js';

const MARGIN = { left: 56, right: 20, top: 26, bottom: 24 };
const DOTS_MAX = 600; // more would be a band

const line = (x1, y1, x2, y2, stroke, lineWidth, lineDash = null, opacity = 1) => ({ type: 'line', silent: true,
  shape: { x1, y1, x2, y2 }, style: { stroke, lineWidth, lineDash, opacity } });

/** Signs of changes, as they are told below the heading. */
export const CHANGES = { better: { sign: '▲', text: 'better from here on', colour: GREEN },
  worse: { sign: '▼', text: 'worse from here on', colour: VERMILION }, red: { sign: '○', text: 'with RED runs' } };

const percent = (change) => `${Math.abs(change.change_percent).toFixed(1)} %`;

function changeShapes(change, x, box, theme) {
  const { sign, colour } = CHANGES[change.worse ? 'worse' : 'better'];
  const words = `${sign} ${percent(change)}`;
  const left = Math.max(box.x, Math.min(x - widthOf(words) / 2, box.x + box.width - widthOf(words)));
  return [line(x, box.y, x, box.y + box.height, theme.colour(colour), 1.5, [4, 3]),
    { type: 'text', silent: true, x: left, y: box.y - 14, style: { text: words, font: FONT, fill: theme.text,
      verticalAlign: 'middle' } }];
}

/** Dates along the axis, as many as there is room for, each once. */
function datesOf(commits, box) {
  const most = Math.max(2, Math.floor(box.width / 90));
  const step = Math.max(1, Math.ceil((commits.length - 1) / (most - 1)));
  const places = commits.map((_, i) => i).filter((i) => i % step === 0);
  return places.filter((i, k) => k === 0 || commits[i].date !== commits[places[k - 1]].date);
}

/** { unit, box, shown, signs }: shown are the commits with their pixels. */
export function drawHistory(chart, element, panel, view, theme) {
  const { series } = panel;
  const { factor } = panel.history;
  const { commits, changes, levels } = series;
  const box = boxOf(element, MARGIN);
  const ends = commits.flatMap(({ mean, deviation }) => [(mean - deviation) * factor, (mean + deviation) * factor]);
  const scale = scaleOf(panel.history.unit, ends.reduce((most, value) => Math.max(most, value), 0));
  const height = heights(ends.reduce((a, b) => Math.min(a, b), Infinity), ends.reduce((a, b) => Math.max(a, b), -Infinity),
    { fit: true, factor: scale.factor, lines: 4 });
  const x = (i) => box.x + (commits.length > 1 ? i / (commits.length - 1) : 0.5) * box.width;
  const y = (value) => box.y + (height.max - height.to(value * factor)) / (height.max - height.min) * box.height;
  const blue = theme.colour(BLUE);
  const shown = commits.map((commit, i) => ({ commit, i, x: x(i), y: y(commit.mean) }));
  const behind = [
    ...shown.filter(({ commit }) => commit.deviation > 0).map(({ commit, x: at }) =>
      line(at, y(commit.mean - commit.deviation), at, y(commit.mean + commit.deviation), blue, 1, null, 0.35)),
    ...levels.map(({ begin, end, level }) => line(x(begin), y(level), x(end - 1), y(level), theme.text, 1, null, 0.7)),
    ...changes.flatMap((change) => changeShapes(change, (x(change.place) + x(change.place - 1)) / 2, box, theme))];
  const dots = commits.length > DOTS_MAX ? [] : shown.map(({ commit, x: cx, y: cy }) => ({ type: 'circle', silent: true,
    shape: { cx, cy, r: 2.6 }, style: { fill: commit.red > 0 ? theme.ground : blue, stroke: blue, lineWidth: 1 } }));
  const places = datesOf(commits, box);
  const option = baseOption(MARGIN);
  const last = Math.max(1, commits.length - 1);
  option.xAxis = axis(theme, { min: commits.length > 1 ? 0 : -0.5, max: commits.length > 1 ? last : 0.5, values: places,
    format: (i) => (commits[i] ? commits[i].date : '') });
  option.yAxis = axis(theme, { ...height, split: true });
  option.series = [shapesSeries(behind, 2), { type: 'line', silent: true, showSymbol: false, animation: false, z: 3,
    emphasis: { disabled: true }, lineStyle: { color: blue, width: 1, opacity: 0.55 },
    data: commits.map((commit, i) => [i, height.to(commit.mean * factor)]) }, shapesSeries(dots, 4)];
  chart.setOption(option, { notMerge: true, silent: true });
  return { unit: scale.text, box, shown, changes, signs: [...['better', 'worse'].filter((sign) =>
    changes.some((change) => change.worse === (sign === 'worse'))), ...(commits.some((commit) => commit.red > 0) ? ['red'] : [])] };
}

/** What is known of a commit: { head, rows, names }. */
export function commitText(panel, { commit, i }) {
  const { unit, factor } = panel.history;
  const value = (of) => quantity(of * factor, unit);
  const rows = [[null, 'mean', value(commit.mean)], [null, 'runs', String(commit.runs)]];
  if (commit.runs > 1) rows.push([null, 'σ', value(commit.deviation)],
    [null, 'CV', `${number(commit.mean ? 100 * commit.deviation / Math.abs(commit.mean) : 0)} %`]);
  if (commit.red > 0) rows.push([null, 'RED', `${commit.red} of them`]);
  const change = panel.series.changes.find((one) => one.place === i);
  const before = panel.series.commits[i - 1];
  if (before && before.mean) rows.push([null, 'to the one before', `${commit.mean >= before.mean ? '+' : ''}${number(100 * (commit.mean / before.mean - 1))} %`]);
  return { head: [commit.commit, commit.date], rows, names: change
    ? [`${change.worse ? 'worse' : 'better'} by ${percent(change)} from here on: ` +
      `${value(change.before)} to ${value(change.after)}`] : [] };
}
