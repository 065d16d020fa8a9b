// Two results held against one another, made ready to be drawn. docs/design/pictures.md says what the data are.
import { GREEN, GREY, VERMILION } from './panels.js';

/** How an answer is told, beside its colour. */
export const ANSWERS = {
  faster: { sign: '▲', text: 'faster', colour: GREEN },
  slower: { sign: '▼', text: 'slower', colour: VERMILION },
  same: { sign: '■', text: 'the same', colour: GREY },
  cannot_tell: { sign: '○', text: 'cannot be told', colour: 'ink' },
  one_sided: { sign: '–', text: 'on one side only', colour: GREY },
  missing: { sign: '–', text: 'not known', colour: GREY },
};

const text = (value) => (value === null || value === undefined ? '' : String(value));
const finite = (value) => (Number.isFinite(value) ? value : NaN);

function sideOf(raw) {
  const side = raw || {};
  return { runs: side.runs || 0, mean: finite(side.mean), stdev: finite(side.stdev), cv: finite(side.cv_percent),
    low: finite(side.low), high: finite(side.high), values: (side.values || []).filter(Number.isFinite) };
}

/** An interval without an upper end has none in JSON. */
const upper = (raw) => (Number.isFinite(raw.low_percent) && raw.high_percent === null ? Infinity : finite(raw.high_percent));

/** A row as the table has it, with what it is called. */
function rowOf(raw, index, modes) {
  const load = modes ? '' : `P${text(raw.pipeline) || '-'}/IO${text(raw.io_threads) || '-'}`;
  const metric = text(raw.metric);
  return {
    index, metric, load,
    command: text(raw.command), pipeline: text(raw.pipeline), ioThreads: text(raw.io_threads), apart: text(raw.apart),
    answer: Object.hasOwn(ANSWERS, raw.answer) ? raw.answer : 'one_sided', answerText: text(raw.answer_text),
    name: [text(raw.command), text(raw.apart), load, metric].filter((part) => part).join(' '),
    change: finite(raw.change_percent), low: finite(raw.low_percent), high: upper(raw),
    p: finite(raw.p_corrected), surest: finite(raw.p),
    unit: metric === 'rps' ? 'requests/s' : 'us', factor: metric.endsWith('_ms') ? 1000 : 1,
    sides: [sideOf(raw.base), sideOf(raw.other)],
  };
}

/** The latency matrix of compare-modes: { name, values: {P50: us, ...} } of each column. */
function matrixOf(modes) {
  return ((modes && modes.latency_matrix) || []).map((column) => ({ name: text(column.column),
    values: Object.fromEntries(['p50', 'p90', 'p95', 'p99'].map((name) => [name.toUpperCase(), finite(column[`${name}_ms`]) * 1000])) }))
    .filter((column) => Object.values(column.values).some(Number.isFinite));
}

export function comparisonOf(raw) {
  if (!raw || !Array.isArray(raw.rows) || raw.rows.length === 0) return null;
  const name = (side, instead) => text(side && side.name) || instead;
  const { modes } = raw;
  return { rows: raw.rows.map((row, index) => rowOf(row, index, modes)), matrix: matrixOf(modes), names: [name(raw.base, 'base'), name(raw.other, 'other')],
    thresholdPercent: finite(raw.threshold) * 100, confidencePercent: finite(raw.confidence) * 100 };
}

const FOREST_MAX = 60;

/** Of rows as they are shown those that have an interval, at most so many: the surest, in the order in which they stand. */
export function forestOf(rows) {
  const known = rows.filter((row) => !Number.isNaN(row.low) && !Number.isNaN(row.high));
  if (known.length <= FOREST_MAX) return { rows: known, leftOut: 0 };
  const surest = new Set([...known].sort((a, b) => a.surest - b.surest || a.index - b.index).slice(0, FOREST_MAX));
  return { rows: known.filter((row) => surest.has(row)), leftOut: known.length - FOREST_MAX };
}
