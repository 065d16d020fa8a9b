// What a page holds of a run under way: tables and a heat map with room for what is still to come, which join rows as the
// server does (page_table.c), so that both are full at the same time.
import { prepareHeat } from './chart_heat.js';
import { median, Table } from './data.js';
import { factorTo } from './units.js';

const MEASURED_ROWS = 64; // of how long a row is, these tell enough

function roomy(Kind, room, values) {
  const array = new Kind(room).fill(NaN);
  for (let i = 0; i < values.length; i++) array[i] = values[i] === null ? NaN : values[i];
  return array;
}

/** Spare places are not known, as are values that are null. */
export class GrowingTable extends Table {
  constructor(raw) {
    super({ ...raw, columns: {} });
    this.room = Math.max(raw.rows_max || 0, this.count);
    this.joined = raw.joined || 1;
    this.last = raw.last || this.joined;
    this.gapSeconds = raw.gap_seconds ?? Infinity;
    for (const name of ['start', 'end', 'mid']) this[name] = roomy(Float64Array, this.room, this[name]);
    const gaps = this.gap;
    this.gap = new Uint8Array(this.room);
    this.gap.set(gaps);
    this.stores = new Map(Object.entries(raw.columns || {}).map(([name, column]) => [name, this.storeOf(column)]));
    this.order = [];
  }

  /** Six digits are all that there is of the load; counts of servers grow beyond them. */
  storeOf({ unit, help, low, high }) {
    const Kind = this.of === 'server' ? Float64Array : Float32Array;
    const lows = roomy(Kind, this.room, low);
    return { unit, help: help || '', low: lows, high: high || this.joined > 1 ? roomy(Kind, this.room, high || low) : lows };
  }

  /** In which order values come. */
  setOrder(names) {
    this.order = names.map((name) => this.stores.get(name) || null);
  }

  column(name, unit) {
    const store = this.stores.get(name);
    if (!store || store.low.subarray(0, this.count).every(Number.isNaN)) return null;
    const factor = unit ? factorTo(store.unit, unit) : 1;
    const { low, high, help } = factor === 1 ? store : { low: store.low.map((value) => value * factor),
      high: store.high.map((value) => value * factor), help: store.help };
    return { low, high, unit: unit || store.unit, help };
  }

  /** false: it is full, and has to be had anew. */
  add(start, end, values) {
    const joins = this.count > 0 && this.last < this.joined && !(start - this.end[this.count - 1] > this.gapSeconds);
    if (!joins && this.count === this.room) return false;
    if (joins) this.last++;
    else this.begin(start);
    const row = this.count - 1;
    this.end[row] = end;
    this.mid[row] = (this.start[row] + end) / 2;
    this.order.forEach((store, i) => {
      const value = values[i];
      if (store === null || value === null || value === undefined) return;
      if (!joins) store.low[row] = store.high[row] = value;
      else {
        if (!(Math.abs(value) >= Math.abs(store.low[row]))) store.low[row] = value;
        if (!(Math.abs(value) <= Math.abs(store.high[row]))) store.high[row] = value;
      }
    });
    if (this.count <= MEASURED_ROWS) this.measure();
    return true;
  }

  begin(start) {
    const row = this.count++;
    this.last = 1;
    this.start[row] = start;
    if (row > 0 && start - this.end[row - 1] > this.gapSeconds) this.gap[row] = 1;
  }

  measure() {
    const lengths = this.start.subarray(0, this.count).map((start, i) => this.end[i] - start);
    const steps = this.start.subarray(1, this.count).map((start, i) => start - this.start[i]);
    this.length = median(lengths);
    this.step = this.length || median(steps);
    if (this.length === 0 && this.count > 2) this.gapSeconds = Math.max(2.5 * this.step, 1.5);
  }

  /** Whether something is told that no column is there for. */
  lacks(values) {
    return values.some((value, i) => value && !this.order[i]);
  }

  /** As in the data of a page. */
  write() {
    const list = (values) => Array.from(values.subarray(0, this.count), (value) =>
      (Number.isNaN(value) ? null : values instanceof Float32Array ? Number(value.toPrecision(6)) : value));
    const gaps = [...this.gap.keys()].filter((row) => this.gap[row] === 1);
    const columns = Object.fromEntries([...this.stores].map(([name, { unit, help, low, high }]) =>
      [name, { unit, help, low: list(low), ...(high === low ? {} : { high: list(high) }) }]));
    return { of: this.of, name: this.name, start: list(this.start), end: list(this.end), gaps, columns };
  }
}

/** Cells as arrays of columns, and nothing else. */
export function growingHeat(raw) {
  const heat = prepareHeat(raw);
  heat.any = heat.cells.length > 0;
  delete heat.cells;
  return heat;
}

const HEAT_COLUMNS_MAX = 1024;

/** cells: row, count, row, count ... false: it is full. */
export function addToHeat(heat, start, end, cells) {
  if (heat.last >= heat.joined) {
    if (heat.columns.length === HEAT_COLUMNS_MAX) return false;
    heat.columns.push([]);
    heat.start.push(start);
    heat.end.push(end);
    heat.last = 0;
  }
  const column = heat.columns[heat.columns.length - 1];
  heat.end[heat.end.length - 1] = end;
  heat.last++;
  for (let i = 0; i + 1 < cells.length; i += 2) {
    const [row, count] = [cells[i], cells[i + 1]];
    const found = column.find((cell) => cell[0] === row);
    if (found) found[1] += count;
    else column.push([row, count]);
    heat.rows = heat.any ? [Math.min(heat.rows[0], row), Math.max(heat.rows[1], row)] : [row, row];
    heat.any = true;
  }
  return true;
}

export function writeHeat({ start, end, top_us, columns }) {
  return { start, end, top_us, cells: columns.flatMap((cells, i) => cells.flatMap(([row, count]) => [i, row, count])) };
}
