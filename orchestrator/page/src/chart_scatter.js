// Two figures against each other, a point for each row of the coarser table, coloured by phase.
import { axis, baseOption, boxOf, heights, MARGIN_SMALL } from './chart.js';
import { mean, median } from './data.js';
import { groupsOf, regionsOf } from './frame.js';
import { looksAt } from './view.js';
import { BLUE } from './panels.js';
import { scaleBetween, scaleOf } from './units.js';

const SYMBOLS = ['circle', 'triangle', 'rect', 'diamond'];

/** Region by time, for rows in order. */
function groupFinder(result) {
  const groups = groupsOf(result);
  const { told } = regionsOf(result);
  let at = 0;
  return { groups, find: (time) => {
    while (at < told.length && told[at].end < time) at++;
    return at < told.length && told[at].start <= time ? groups.of(told[at]) : '';
  } };
}

/** Points found once: { x, y, time, group, result }. */
export function prepareScatter(panel) {
  if (panel.ready) return panel.ready;
  panel.groups = new Map();
  panel.ready = panel.pairs.flatMap(({ x, y, result }) => {
    const { groups, find } = groupFinder(result);
    const coarse = x.table.count <= y.table.count ? x.table : y.table;
    const list = [];
    for (let i = 0; i < coarse.count; i++) {
      const time = coarse.mid[i];
      const rows = [x, y].map((side) => (side.table === coarse ? i : side.table.rowAt(time)));
      if (rows.includes(-1)) continue;
      const [a, b] = [mean(x.column, rows[0]), mean(y.column, rows[1])];
      if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
      const group = find(time);
      if (groups.colours.has(group)) panel.groups.set(group, groups.colours.get(group));
      list.push({ x: a, y: b, time, group, result });
    }
    return list;
  });
  return panel.ready;
}

/** One of those that lie on the same pixels, by group. */
function distinct(points, horizontal, vertical, box) {
  const seen = new Set();
  return points.filter((point) => {
    const px = Math.round((horizontal.to(point.x) - horizontal.min) / (horizontal.max - horizontal.min) * box.width / 2);
    const py = Math.round((vertical.to(point.y) - vertical.min) / (vertical.max - vertical.min) * box.height / 2);
    const key = `${px} ${py} ${point.group} ${point.result.index}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** { unit, ... }: the axis of one side of the points. */
function sideOf(values, unit, lines) {
  let least = Infinity, most = -Infinity;
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const log = unit === 'us' && most > 50 * median(values);
  const scale = log ? scaleBetween(unit, most) : scaleOf(unit, Math.max(0, most));
  return { unit: scale.text, ...heights(least, most, { log, fit: true, factor: scale.factor, lines }) };
}

export function drawScatter(chart, element, panel, view, theme, off) {
  const margin = { ...MARGIN_SMALL, bottom: 36, top: 10, right: 22 };
  const box = boxOf(element, margin);
  const points = prepareScatter(panel).filter((point) => point.time >= view.window[0] && point.time <= view.window[1] &&
    looksAt(point.time) && !off.has(point.group));
  const { x, y } = panel.pairs[0];
  const horizontal = sideOf(points.map((point) => point.x), x.unit, Math.max(3, Math.floor(box.width / 80)));
  const vertical = sideOf(points.map((point) => point.y), y.unit, 5);
  const option = baseOption(margin);
  option.xAxis = axis(theme, { ...horizontal, split: false, name: `${x.title}, ${horizontal.unit}` });
  option.yAxis = axis(theme, { ...vertical, split: true });
  const shown = distinct(points, horizontal, vertical, box);
  const names = [...new Set(shown.map((point) => point.group))];
  option.series = names.flatMap((group) => panel.pairs.map(({ result }) => ({
    type: 'scatter', silent: true, animation: false, symbolSize: 5, symbol: SYMBOLS[result.index % SYMBOLS.length],
    itemStyle: { color: theme.colour(panel.groups.get(group) || (names.length > 1 ? 'grey' : BLUE)), opacity: 0.7 },
    data: shown.filter((point) => point.group === group && point.result === result)
      .map((point) => [horizontal.to(point.x), vertical.to(point.y)]),
  })));
  chart.setOption(option, { notMerge: true, silent: true });
  return { unit: vertical.unit, box, horizontal, vertical, shown };
}
