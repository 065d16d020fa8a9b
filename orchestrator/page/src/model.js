// From the list of panels and the results to panels that have something to show: lines with their columns found.
import { median } from './data.js';
import { PANELS, SECTIONS } from './panels.js';
import { differences } from './difference.js';
import { curveSeries } from './curve.js';
import { turnless } from './frame.js';

/** One source in one table: its column in this unit, or null. */
function columnOf(source, table, unit) {
  if (typeof source !== 'string') return source[1](table);
  return table.column(source.slice(source.indexOf(' ') + 1), unit);
}

const tableOf = (source) => (typeof source === 'string' ? source.slice(0, source.indexOf(' ')) : source[0]);

/** The first source of a series that this result has; null: none. table: one of small multiples. */
function lineOf(series, result, unit, table) {
  for (const source of series.from) {
    const from = table || result.table(tableOf(source));
    const column = from ? columnOf(source, from, unit) : null;
    if (column) return { ...series, table: from, column: { ...column, unit }, result, source };
  }
  return null;
}

const happened = (line) => line.column.high.some((value) => value !== 0 && !Number.isNaN(value));

function linesOf(row, results, table) {
  const lines = results.flatMap((result) =>
    row.series.map((series) => lineOf(series, result, row.unit, table)).filter((line) => line !== null));
  if (!row.happened) return lines;
  // One that is 0 throughout says nothing in a picture of what went wrong, unless another result has something there.
  return lines.filter((line) => lines.some((other) => other.label === line.label && happened(other)));
}

/** Times far apart are told on a logarithmic axis. The same for all of a group. */
function logarithmic(lines) {
  const largest = extremesOf(lines)[1];
  const middles = lines.map((line) => median(line.column.high)).filter((middle) => middle > 0);
  return middles.length > 0 && largest > 50 * Math.min(...middles);
}

const extremesOf = (lines) => {
  let least = Infinity, most = -Infinity;
  for (const line of lines)
    for (const list of new Set([line.column.low, line.column.high]))
      for (const value of list) {
        const size = line.column.unit === 'us' ? Math.abs(value) : value;
        if (size < least) least = size;
        if (size > most) most = size;
      }
  return [least, most];
};

/** Of a panel over time whose tables have grown: what is made of their columns, and a scale that small panels share. */
export function renew(panel) {
  for (const line of panel.lines || []) {
    const column = typeof line.source === 'string' || !line.source ? null : line.source[1](line.table);
    if (column) line.column = { ...column, unit: line.column.unit };
    if (!panel.extremes) continue;
    const value = line.column.high[line.table.count - 1];
    const size = line.column.unit === 'us' ? Math.abs(value) : value;
    if (size < panel.extremes[0]) panel.extremes[0] = size;
    if (size > panel.extremes[1]) panel.extremes[1] = size;
  }
}

function timePanel(row, lines, extra) {
  return { row, kind: 'time', section: row.section, id: row.id, title: row.title, unit: row.unit, lines,
    log: row.scale === 'times' && logarithmic(lines), ...extra };
}

/** What a row has to be said of, once. */
const saidOf = (row, lines) => lines.map((line) => (row.said ? line.result[row.said] : '')).find((words) => words) || '';

const hasPhases = (result) => result.regions.some((region) => region.kind === 'phase');

/** Of a page that holds two results against one another. */
const ofComparison = (row, results, any) => results.filter((result) => result.comparison && any(result.comparison))
  .map(({ comparison }) => ({ row, kind: row.kind, section: row.section, id: row.id, title: row.title, unit: '', comparison, wide: true }));

const kinds = {
  forest: (row, results) => ofComparison(row, results, ({ rows }) => rows.some((one) => !Number.isNaN(one.low))),
  runs: (row, results) => ofComparison(row, results, ({ rows }) => rows.some((one) => one.sides.some((side) => side.runs > 0))),

  matrix: (row, results) => ofComparison(row, results, ({ matrix }) => matrix.length > 0)
    .map((panel) => ({ ...panel, unit: row.unit, series: row.series })),

  history: (row, results) => results.filter((result) => result.history).flatMap(({ history }) => history.series
    .map((series) => ({ row, kind: 'history', section: row.section, id: `${row.id}:${series.index}`, title: series.name,
      unit: history.unit, history, series, wide: history.series.length === 1 }))),

  curve(row, results) {
    const series = curveSeries(row, results);
    return series.some((one) => !one.faint) ? [{ row, kind: 'curve', section: row.section, id: row.id, title: row.title,
      unit: row.unit, scale: row.scale, limits: row.limits, x: row.x, series }] : [];
  },

  time(row, results) {
    const lines = linesOf(row, results);
    return lines.length > 0 ? [timePanel(row, lines, { said: saidOf(row, lines) })] : [];
  },

  // A panel for each table of that name, each with a scale of its own: they have nothing in common.
  each(row, results) {
    const names = [...new Set(results.flatMap((result) =>
      result.tables.filter((table) => table.of === row.of).map((table) => table.name)))];
    return names.map((name) => ({ name, lines: results.flatMap((result) => {
      const table = result.tables.find((t) => t.of === row.of && t.name === name);
      return table ? linesOf(row, [result], table) : [];
    }) })).filter((panel) => panel.lines.length > 0)
      .map((panel, i) => timePanel(row, panel.lines, { id: `${row.id}:${i}`, title: panel.name }));
  },

  small(row, results) {
    const names = [...new Set(results.flatMap((result) =>
      result.tables.filter((table) => table.of === row.of).map((table) => table.name)))];
    const panels = names.map((name) => ({ name, lines: results.flatMap((result) => {
      const table = result.tables.find((t) => t.of === row.of && t.name === name);
      return table ? linesOf(row, [result], table) : [];
    }) })).filter((panel) => panel.lines.length > 0);
    if (panels.length === 0) return [];
    const all = panels.flatMap((panel) => panel.lines);
    const log = row.scale === 'times' && logarithmic(all);
    const extremes = extremesOf(all);
    return panels.map((panel, i) => timePanel(row, panel.lines,
      { id: `${row.id}:${i}`, small: true, group: row.title, title: panel.name, log, extremes }));
  },

  // All with one scale: beside each other they are to be compared.
  heat: (row, results) => results.filter((result) => result.heat).map((result, _, all) => ({ row, kind: 'heat',
    section: row.section, id: `${row.id}:${result.index}`, unit: row.unit, result, heat: result.heat,
    heats: all.map((other) => other.heat),
    title: results.length > 1 ? `${row.title}: ${result.name}` : row.title })),

  spectrum(row, results) {
    const curves = results.flatMap((result) => result.spectra.flatMap((spectrum) =>
      [['response', 'response_time_us'], ['service', 'service_time_us']]
        .map(([label, name]) => ({ label, result, name: turnless(String(spectrum.name ?? ''), hasPhases(result)), points: spectrum[name] || [] }))
        .filter((curve) => curve.points.length > 1)));
    return curves.length > 0 ? [{ row, kind: 'spectrum', section: row.section, id: row.id, unit: row.unit, curves,
      title: curves.some((curve) => curve.label === 'response') ? row.title : `${row.title} of service times` }] : [];
  },

  scatter(row, results) {
    const find = ([id, label], result) => {
      const panel = PANELS.find((other) => other.id === id);
      const line = lineOf(panel.series.find((series) => series.label === label), result, panel.unit);
      return line && { ...line, title: `${panel.title} ${label}`, unit: panel.unit };
    };
    const pairs = results.map((result) => ({ result, y: find(row.y, result),
      x: row.x.map((source) => find(source, result)).find((line) => line !== null) }))
      .filter((pair) => pair.x && pair.y);
    return pairs.length > 0 ? [{ row, kind: 'scatter', section: row.section, id: row.id, title: row.title,
      pairs }] : [];
  },

  // Of each table alike: two of its columns against each other.
  node_scatter(row, results) {
    const names = [...new Set(results.flatMap((result) =>
      result.tables.filter((table) => table.of === row.of).map((table) => table.name)))];
    const side = ([title, name, unit], table, result) => {
      const line = lineOf({ label: title, from: [`${row.of} ${name}`] }, result, unit, table);
      return line && { ...line, title, unit };
    };
    return names.map((name) => results.map((result) => {
      const table = result.tables.find((t) => t.of === row.of && t.name === name);
      return table ? { result, x: side(row.x, table, result), y: side(row.y, table, result) } : {};
    }).filter((pair) => pair.x && pair.y))
      .map((pairs, i) => ({ row, kind: 'scatter', section: row.section, id: `${row.id}:${i}`, small: true, group: row.title,
        title: names[i], unit: row.y[2], pairs }))
      .filter((panel) => panel.pairs.length > 0);
  },

  phases: (row, results) => results.map((result) => ({ result,
    regions: result.regions.filter((region) => region.figures && Object.keys(region.figures).length > 0) }))
    .filter(({ regions }) => regions.length > 1)
    .map(({ result, regions }) => ({ row, kind: 'phases', section: row.section, id: `${row.id}:${result.index}`, result,
      regions, title: results.length > 1 ? `${row.title}: ${result.name}` : row.title })),

  difference: (row, results) => differences(row, results, lineOf, PANELS)
    .map((lines, i) => timePanel(row, lines, { id: `${row.id}:${i}`, title: `${lines[0].of} against ${results[0].name}`,
      signed: true })),
};

/** Sections with their panels, those that have any. */
export function panelsOf(page) {
  const panels = PANELS.flatMap((row) => kinds[row.kind](row, page.results));
  return SECTIONS.map((section) => ({ ...section, panels: panels.filter((panel) => panel.section === section.id) }))
    .filter((section) => section.panels.length > 0);
}
