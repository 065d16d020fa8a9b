// Where results differ by more than chance: the base and another one, cut into as many pieces as tell something.
import { mean } from './data.js';

const PIECES = 60;

/** The mean of a column in each piece of [0, end]; NaN: nothing is known there. */
function pieces(line, end) {
  const sums = new Float64Array(PIECES), counts = new Float64Array(PIECES);
  const { table, column } = line;
  for (let i = 0; i < table.count; i++) {
    const piece = Math.min(PIECES - 1, Math.floor(table.mid[i] / end * PIECES));
    const value = mean(column, i);
    if (piece < 0 || Number.isNaN(value)) continue;
    sums[piece] += value;
    counts[piece]++;
  }
  return sums.map((sum, i) => sum / counts[i]);
}

/**
 * Whether the pieces of a difference are more than noise: their mean is further from 0 than twice its standard error, which
 * neighbours that differ from each other tell (a trend does not count as noise), and is 1 % at least.
 */
export function tellsSomething(values) {
  const known = [...values].filter((value) => !Number.isNaN(value));
  if (known.length < 8) return false;
  const average = known.reduce((sum, value) => sum + value, 0) / known.length;
  const steps = known.slice(1).map((value, i) => (value - known[i]) ** 2 / 2);
  const error = Math.sqrt(steps.reduce((sum, value) => sum + value, 0) / steps.length / known.length);
  return Math.abs(average) > Math.max(1, 2 * error);
}

/** A table of one column, in percent of the base. */
function lineOfDifference(title, base, other) {
  const end = Math.min(base.table.end[base.table.count - 1], other.table.end[other.table.count - 1]);
  if (!(end > 0)) return null;
  const [a, b] = [pieces(base, end), pieces(other, end)];
  const low = a.map((value, i) => (b[i] - value) / value * 100).map((v) => (Number.isFinite(v) ? v : NaN));
  if (!tellsSomething(low)) return null;
  const start = low.map((_, i) => i * end / PIECES);
  const table = { of: 'difference', name: '', count: PIECES, start, end: start.map((s) => s + end / PIECES),
    mid: start.map((s) => s + end / PIECES / 2), gap: new Uint8Array(PIECES), length: end / PIECES, step: end / PIECES };
  for (const method of ['rowAt', 'firstEnding']) table[method] = base.table[method];
  return { of: title, label: other.result.name, colour: base.colour, table, result: other.result,
    column: { low, high: low, unit: 'percent', help: '' } };
}

/** Lists of lines, one for each figure that differs. */
export function differences(row, results, lineOf, panels) {
  if (results.length < 2) return [];
  return row.of.map(([title, id, label]) => {
    const panel = panels.find((other) => other.id === id);
    const series = panel.series.find((s) => s.label === label);
    const lines = results.map((result) => lineOf(series, result, panel.unit));
    if (lines[0] === null) return [];
    return lines.slice(1).filter((line) => line !== null)
      .map((line) => lineOfDifference(title, lines[0], line)).filter((line) => line !== null);
  }).filter((lines) => lines.length > 0);
}
