// The data of a page: unpacked, and made ready to be looked up. docs/design/pictures.md says what they are.
import { comparisonOf } from './comparison.js';
import { historyOf } from './history.js';
import { factorTo } from './units.js';

export async function unpack(text) {
  const letters = atob(text.trim());
  const packed = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) packed[i] = letters.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).json();
}

export function numbers(list) {
  const values = new Float64Array(list.length);
  for (let i = 0; i < list.length; i++) values[i] = list[i] === null ? NaN : list[i];
  return values;
}

const SAMPLES = 2001;

/** Of the sizes of what is known; of very many, of as many as tell it. 0: nothing is known. */
export const median = (values) => quantile(values, 0.5);

function quantile(values, part) {
  const stride = Math.max(1, Math.floor(values.length / SAMPLES));
  const known = [];
  for (let i = 0; i < values.length; i += stride) if (!Number.isNaN(values[i])) known.push(Math.abs(values[i]));
  return known.length > 0 ? Float64Array.from(known).sort()[Math.floor(known.length * part)] : 0;
}

/** A table as in the data, and: mid of each row, and whether time is missing in front of it. */
export class Table {
  constructor(raw) {
    this.of = raw.of;
    this.name = raw.name || '';
    this.start = numbers(raw.start || []);
    this.end = numbers(raw.end || raw.start || []);
    this.count = this.start.length;
    this.raw = raw.columns || {};
    this.columns = new Map();
    this.mid = this.start.map((start, i) => (start + this.end[i]) / 2);
    this.length = median(this.start.map((start, i) => this.end[i] - start));
    const holes = this.start.slice(1).map((start, i) => start - this.end[i]);
    this.gap = new Uint8Array(this.count);
    for (const row of raw.gaps || []) this.gap[row] = 1;
    this.step = this.length || quantile(holes, 0.9);
  }

  /** { low, high, unit, help } in this unit; null: it is not there, or nothing of it is known. */
  column(name, unit) {
    const key = `${name} ${unit}`;
    if (!this.columns.has(key)) this.columns.set(key, this.read(name, unit));
    return this.columns.get(key);
  }

  read(name, unit) {
    const raw = Object.hasOwn(this.raw, name) ? this.raw[name] : null;
    if (raw === null || !Array.isArray(raw.low)) return null;
    const factor = unit ? factorTo(raw.unit, unit) : 1;
    const low = numbers(raw.low);
    const high = raw.high ? numbers(raw.high) : low;
    if (factor !== 1) {
      low.forEach((value, i) => { low[i] = value * factor; });
      if (high !== low) high.forEach((value, i) => { high[i] = value * factor; });
    }
    return low.every(Number.isNaN) ? null : { low, high, unit: unit || raw.unit, help: raw.help || '' };
  }

  /** The row that this instant is in, or is nearest to; -1: there is none near it. */
  rowAt(time) {
    const after = this.firstEnding(time);
    if (after < this.count && this.start[after] <= time) return after;
    const near = [after - 1, after].filter((i) => i >= 0 && i < this.count)
      .map((i) => [Math.min(Math.abs(time - this.start[i]), Math.abs(time - this.end[i])), i])
      .sort((a, b) => a[0] - b[0])[0];
    return near && near[0] <= Math.max(this.step, 1e-6) ? near[1] : -1;
  }

  /** A load that begins does not go on where the one before it ended. */
  breakAt(time) {
    let row = this.firstEnding(time + 1e-6);
    if (row < this.count && this.start[row] < time - this.step / 2) row++;
    if (row > 0 && row < this.count) this.gap[row] = 1;
  }

  firstEnding(time) {
    let from = 0, to = this.count;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.end[middle] < time) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** As text whatever it is: names come from outside. */
const text = (value) => (value === null || value === undefined ? '' : String(value));

/** A region or a mark. */
export const clean = (item) => ({ ...item, name: text(item.name), text: text(item.text), cause: text(item.cause),
  end: Math.max(item.end ?? item.start, item.start) });

function resultOf(raw, index, tableOf) {
  const tables = (raw.tables || []).map(tableOf).filter((table) => table.count > 0);
  const regions = (raw.regions || []).map(clean);
  const loads = tables.filter((table) => !table.of.startsWith('server'));
  for (const region of regions) if (region.kind !== 'warmup') loads.forEach((table) => table.breakAt(region.start));
  return {
    index,
    name: text(raw.name) || `result ${index + 1}`,
    startedMs: raw.started_ms,
    regions,
    marks: (raw.marks || []).map((mark, place) => ({ ...clean(mark), place })).sort((a, b) => a.start - b.start),
    tables,
    table: (of) => tables.find((table) => table.of === of),
    heat: raw.heat && raw.heat.cells && raw.heat.cells.length > 0 ? raw.heat : null,
    spectra: raw.spectra || [],
    curve: raw.curve && Array.isArray(raw.curve.points) && raw.curve.points.length > 0 ? raw.curve : null,
    comparison: comparisonOf(raw.comparison),
    history: historyOf(raw.history),
    ratios_left_out: text(raw.ratios_left_out),
  };
}

/** tableOf: makes a table of its data. */
export function read(raw, tableOf = (table) => new Table(table)) {
  const results = (raw.results || []).map((result, index) => resultOf(result, index, tableOf));
  const ends = results.flatMap((result) => [
    ...result.tables.map((table) => table.end[table.count - 1]), ...result.regions.map((r) => r.end),
    ...(result.heat ? [result.heat.end[result.heat.end.length - 1]] : [])]);
  return { kind: text(raw.kind), title: text(raw.title), results, end: Math.max(1e-3, ...ends) };
}

// ---- Columns that are made of others: a function of a table, to { low, high, unit } or null. ----

/** Percent of the first in both: of rates, or of counts that grow. */
export function share(first, second, grow) {
  return (table) => {
    const [hits, misses] = [first, second].map((name) => (grow ? derivative(name)(table) : table.column(name)));
    if (!hits || !misses) return null;
    const low = hits.low.map((_, i) => mean(hits, i) * 100 / (mean(hits, i) + mean(misses, i)));
    return columnOf(low, 'percent', '');
  };
}

/** Counts that grow are told in steps: of less time than this, what they grow by says little. */
const GROWTH_SECONDS = 0.2;

/** Calls tell(row, the row before it, seconds) for each row that has one long enough before it, and no gap between. */
function overTime(table, tell) {
  let from = 0;
  for (let i = 1; i < table.count; i++) {
    if (table.gap[i]) from = i;
    const seconds = (row) => table.end[i] - table.end[row];
    while (from + 1 < i && seconds(from + 1) >= GROWTH_SECONDS) from++;
    if (from < i && seconds(from) >= Math.min(GROWTH_SECONDS, table.step)) tell(i, from, seconds(from));
  }
}

function columnOf(low, unit, help) {
  return low.every(Number.isNaN) ? null : { low, high: low, unit, help };
}

/** By how much a count grows per second, times a factor. One that falls has begun anew: not known there. */
export function derivative(name, factor = 1, unit = '') {
  return (table) => {
    const column = table.column(name);
    if (!column) return null;
    const low = new Float64Array(table.count).fill(NaN);
    overTime(table, (row, before, seconds) => {
      const grown = column.high[row] - column.high[before];
      if (grown >= 0) low[row] = grown / seconds * factor;
    });
    return columnOf(low, unit, column.help);
  };
}

/** A count of what happened between a sample and the one before, per second. */
export function perSecond(name, unit) {
  return (table) => {
    const column = table.column(name);
    if (!column) return null;
    const low = new Float64Array(table.count).fill(NaN);
    overTime(table, (row, before, seconds) => {
      let sum = 0;
      for (let i = before + 1; i <= row; i++) sum += Number.isNaN(column.low[i]) ? 0 : mean(column, i);
      if (!Number.isNaN(column.low[row])) low[row] = sum / seconds;
    });
    return columnOf(low, unit, column.help);
  };
}

export function mean(column, i) {
  return (Math.abs(column.low[i]) + Math.abs(column.high[i])) / 2;
}
