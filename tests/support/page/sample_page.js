// Writes pages of made-up results, for tests, to look at, and to measure with.
//
//   node sample_page.js BUNDLE DIRECTORY [NAME...]   NAME.html of each sample, or of all
//
// BUNDLE is the script of pages (build/page/bundle.js). What a result is made of: docs/design/pictures.md, "The data".
'use strict';

const fs = require('fs');
const path = require('path');
const zlib = require('zlib');

let seed = 1;
const random = () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
};
const noise = (size) => 1 + (random() + random() + random() - 1.5) * size;
const round = (value) => (value === null ? null : Number(value.toPrecision(6)));

/** The load, a row each `step` seconds; at(second): what it is like then. thinned: rows have a low and a high. */
function loadTable(seconds, step, at, extra = {}) {
  const rows = Math.round(seconds / step);
  const start = [], end = [], columns = {};
  const put = (name, unit, i, low, high = low) => {
    columns[name] = columns[name] || { unit, help: '', low: Array(rows).fill(null), high: Array(rows).fill(null) };
    columns[name].low[i] = round(low);
    columns[name].high[i] = round(high);
  };
  for (let i = 0; i < rows; i++) {
    start.push(i * step);
    end.push((i + 1) * step);
    const state = at(i * step);
    const spread = extra.thinned ? 3 : 1;
    const rate = state.stall ? 0 : state.rate * noise(0.04);
    put('rate.target', 'requests/s', i, state.target || 50000);
    put('rate.achieved', 'requests/s', i, rate * (extra.thinned ? 0.9 : 1), rate);
    for (const [metric, factor] of [['response_time_us', 1], ['service_time_us', 0.8]])
      for (const [name, times] of [['mean', 1.2], ['p50', 1], ['p95', 2.1], ['p99', 4], ['p99_9', 11], ['max', 30]]) {
        const value = state.stall ? null : state.p50 * times * factor * noise(0.2);
        put(`${metric}.${name}`, 'us', i, value, value === null ? null : value * spread);
      }
    if (state.late) for (const name of ['p99', 'p99_9', 'max']) put(`response_time_us.${name}`, 'us', i, -state.late, -state.late);
    put('wait_us.p99', 'us', i, state.stall ? null : 12 * noise(0.5));
    put('wait_us.max', 'us', i, state.stall ? null : 80 * noise(0.5));
    put('slip_us.p99', 'us', i, 30 * noise(0.5));
    put('slip_us.max', 'us', i, 200 * noise(0.9));
    put('requests.errors', 'requests/s', i, state.errors || 0);
    put('requests.timed_out', 'requests/s', i, state.timedOut || 0);
    put('requests.lost', 'requests/s', i, state.lost || 0);
    put('requests.shed', 'requests/s', i, 0);
    put('requests.in_flight', 'requests', i, Math.round(state.stall ? 800 : 20 * noise(0.4)));
    put('requests.backlog', 'requests', i, state.stall ? 40000 : 0);
    put('requests.hits', 'keys/s', i, rate * 0.9);
    put('requests.misses', 'keys/s', i, rate * 0.1 * noise(0.2));
    put('connections.open', 'connections', i, state.stall ? 20 : 100);
    put('connections.lost', 'connections/s', i, state.lost ? 80 : 0);
    put('connections.opened', 'connections/s', i, state.reopened || 0);
    put('connections.failed', 'connections/s', i, state.stall ? 30 : 0);
    put('connections.recycled', 'connections/s', i, 0);
    put('worker_cpu_percent', 'percent', i, 62 * noise(0.05));
    put('bytes.out', 'bytes/s', i, rate * 120);
    put('bytes.in', 'bytes/s', i, rate * 600);
    for (let k = 0; k < (extra.fill || 0); k++) put(`filler.${k}`, 'requests/s', i, rate * noise(0.3));
  }
  for (const column of Object.values(columns)) if (!extra.thinned) delete column.high;
  return { of: 'load', name: '', start, end, columns };
}

function serverTable(seconds, step, at, of = 'server', name = '') {
  const rows = Math.round(seconds / step);
  const start = [], columns = {};
  const sums = { cpu: 0, input: 0, output: 0, hits: 0, misses: 0 };
  const put = (column, unit, i, value) => {
    columns[column] = columns[column] || { unit, help: '', low: Array(rows).fill(null) };
    columns[column].low[i] = round(value);
  };
  for (let i = 0; i < rows; i++) {
    const time = i * step + step / 2;
    start.push(time);
    const state = at(time);
    const rate = state.stall ? 0 : state.rate * noise(0.05);
    const used = state.memory || 4e9;
    const ratio = (state.ratio || 1.2) * noise(0.01);
    sums.cpu += step * rate / 60000;
    sums.input += rate * 120 * step;
    sums.output += rate * 600 * step;
    sums.hits += rate * 0.9 * step;
    sums.misses += rate * 0.1 * noise(0.3) * step;
    if (state.stall && of === 'server' && random() < 0.8) continue;
    put('used_memory', 'bytes', i, used * noise(0.005));
    put('instantaneous_ops_per_sec', 'requests/s', i, rate);
    put('used_memory_rss', 'bytes', i, used * ratio);
    put('allocator_allocated', 'bytes', i, used * 0.99);
    put('allocator_active', 'bytes', i, used * 1.04);
    put('allocator_resident', 'bytes', i, used * 1.1);
    put('mem_fragmentation_ratio', 'ratio', i, ratio);
    put('allocator_frag_ratio', 'ratio', i, 1.04 * noise(0.01));
    put('allocator_rss_ratio', 'ratio', i, 1.06 * noise(0.01));
    put('rss_overhead_ratio', 'ratio', i, 1.02);
    put('used_cpu_user', 's', i, sums.cpu * 0.6);
    put('used_cpu_sys', 's', i, sums.cpu * 0.4);
    put('total_net_input_bytes', 'bytes', i, sums.input);
    put('total_net_output_bytes', 'bytes', i, sums.output);
    put('keyspace_hits', 'keys', i, sums.hits);
    put('keyspace_misses', 'keys', i, sums.misses);
    put('keys', 'keys', i, Math.round(used / 600));
    put('connected_clients', 'connections', i, 104);
    put('ops_per_second', 'requests/s', i, rate);
    put('p50_ms', 'ms', i, state.p50 / 1000);
    put('p99_ms', 'ms', i, state.p50 * 4 / 1000);
    put('replica_lag_bytes', 'bytes', i, 4000 * noise(1));
  }
  return { of, name, start, end: start, columns };
}

function heatOf(seconds, at, count) {
  const top_us = Array.from({ length: 85 }, (_, i) => 10 ** ((i + 1) / 10));
  const start = [], end = [], cells = [];
  const columns = Math.min(count, Math.round(seconds));
  for (let c = 0; c < columns; c++) {
    start.push(c * seconds / columns);
    end.push((c + 1) * seconds / columns);
    const state = at(start[c]);
    if (state.stall) continue;
    const middle = Math.log10(state.p50) * 10;
    for (let row = 0; row < 85; row++) {
      const n = Math.round(state.rate * Math.exp(-((row - middle) ** 2) / (row > middle ? 40 : 4)) * noise(0.4));
      if (n > 0) cells.push(c, row, n);
    }
  }
  return { start, end, top_us, cells };
}

function spectrum(base, factor, open) {
  const list = [];
  for (let i = 0; i < 90; i++) {
    const left = 0.5 ** Math.floor(i / 5) * (1 - (i % 5) / 10);
    const us = base * factor * (1 + (1 / left) ** 0.45);
    list.push([100 * (1 - left), round(open && i > 80 ? -us : us)]);
  }
  list.push([100, round(base * factor * 900)]);
  return list;
}

const failover = (t) => {
  const stall = t >= 61 && t < 65;
  return { rate: t > 65 && t < 70 ? 54000 : 50000, p50: t > 65 && t < 68 ? 4000 : 180, stall, late: t >= 65 && t < 67 ? 3.2e6 : 0,
    errors: t >= 60 && t < 61 ? 300 : 0, lost: t >= 60 && t < 61 ? 800 : 0, timedOut: stall ? 120 : 0,
    reopened: t >= 65 && t < 66 ? 80 : 0, memory: 4e9 + t * 1e6 };
};

function failoverResult(name, slower = 1) {
  const at = (t) => ({ ...failover(t), p50: failover(t).p50 * slower, rate: failover(t).rate / (slower > 1 ? 1.08 : 1) });
  return {
    name, started_ms: 1780000000000,
    regions: [{ kind: 'run', name: 'GET', start: 0, end: 180 }, { kind: 'warmup', name: 'warm-up', start: 0, end: 10 }],
    marks: [
      { source: 'chaos', text: 'kill node 2', start: 60, end: 60.01, ok: true, cause: null },
      { source: 'outage', text: 'outage of the target', start: 60.2, end: 65.1, ok: true, cause: null },
      { source: 'outage', text: 'outage of 127.0.0.1:7002', start: 60.1, end: 66, ok: true, cause: null },
      { source: 'ctl', text: 'rate 54000/s', start: 65.5, end: 65.5, ok: true, cause: null },
      { source: 'note', text: 'replica promoted, says somebody who writes a lot', start: 66, end: 66, ok: true, cause: null },
      { source: 'slowlog', text: 'KEYS * took 41 ms', start: 120, end: 120.041, ok: true, cause: null },
      { source: 'chaos', text: 'pause node 1', start: 150, end: 151, ok: false, cause: 'the node did not answer' },
    ],
    tables: [loadTable(180, 1, at), serverTable(180, 1, at)],
    heat: heatOf(180, at, 180),
    spectra: [{ name: 'GET', response_time_us: spectrum(100, slower, true), service_time_us: spectrum(80, slower) }],
  };
}

const PHASES = [['initial_load', 'load'], ['settle', 'idle'], ['shrink_1', 'delete-fraction'], ['resize_1', 'overwrite-resize'],
  ['mixed_1', 'mixed'], ['rest_1', 'idle'], ['shrink_2', 'delete-fraction'], ['resize_2', 'overwrite-resize'],
  ['mixed_2', 'mixed'], ['rest_2', 'idle'], ['cleanup', 'delete-fraction'], ['recovery', 'idle']];

function scenario() {
  const lengths = [600, 60, 60, 120, 90, 30, 60, 120, 90, 30, 240, 300];
  let from = 0;
  const regions = PHASES.map(([name, type], i) => {
    const start = from;
    from += lengths[i];
    return { kind: 'phase', name, type, start, end: from };
  });
  const at = (t) => {
    const region = regions.find((r) => t < r.end) || regions[11];
    const part = (t - region.start) / (region.end - region.start);
    const idle = region.type === 'idle';
    const memory = { load: 8e9 * part, 'delete-fraction': 8e9 - 3e9 * part, idle: region.start < 700 ? 8e9 : 5e9 }[region.type] || 6e9;
    return { rate: idle ? 0.0001 : region.type === 'load' ? 90000 : 40000, p50: idle ? 100 : region.type === 'mixed' ? 250 : 160,
      memory: Math.max(memory, 1e8), ratio: 1.05 + t / 3000, target: idle ? null : 40000 };
  };
  const tables = [loadTable(from, 1, at), serverTable(from, 1, at)];
  for (const region of regions) {
    region.figures = {};
    for (const [name, column] of Object.entries(tables[1].columns)) {
      const values = column.low.filter((v, i) => v !== null && tables[1].start[i] >= region.start && tables[1].start[i] < region.end);
      region.figures[name] = values.reduce((a, b) => a + b, 0) / values.length;
    }
  }
  return { name: 'memory_fragmentation_analysis', started_ms: 1780000000000, regions,
    marks: [{ source: 'note', text: 'MEMORY PURGE', start: 1400, end: 1401, ok: true, cause: null }], tables,
    heat: heatOf(from, at, 1000), spectra: [] };
}

/** Stands still for 2 s at 7000, and is slow for a row at 9000. */
const steady = (t) => ({ rate: 50000, p50: 180 + 60 * Math.sin(t / 900), stall: t > 7000 && t < 7002,
  memory: 4e9 + t * 1e5 });

function long(hours, thinned) {
  const seconds = hours * 3600;
  const at = (t) => (t >= 9000 && t < 9000 + (thinned ? 7 : 1) ? { ...steady(t), p50: 40000 } : steady(t));
  return { name: `${hours} h`, started_ms: 1780000000000,
    regions: [{ kind: 'run', name: 'SET', start: 0, end: seconds }],
    marks: [{ source: 'outage', text: 'outage of the target', start: 7000, end: 7002, ok: true, cause: null }],
    tables: [loadTable(seconds, thinned ? seconds / 14400 : 1, at, { fill: 60, thinned }),
      serverTable(seconds, thinned ? seconds / 8640 : 10, at)],
    heat: heatOf(seconds, at, 1000),
    spectra: [{ name: 'SET', response_time_us: spectrum(100, 1), service_time_us: spectrum(80, 1) }] };
}

function lanes() {
  const base = failoverResult('16 classes, 64 nodes');
  for (let i = 0; i < 16; i++) {
    const full = loadTable(180, 1, (t) => ({ ...failover(t), rate: 3000 + i * 100, p50: 150 + i * 30 }));
    base.tables.push({ ...full, of: 'class', name: `class ${i}: GETRANGE`, columns: Object.fromEntries(
      ['requests.ok', 'requests.errors', 'response_time_us.p50', 'response_time_us.p99', 'response_time_us.max'].map((name) =>
        [name, full.columns[name === 'requests.ok' ? 'rate.achieved' : name]])) });
  }
  for (let i = 0; i < 64; i++) {
    const full = loadTable(180, 1, (t) => ({ ...failover(t), stall: i === 2 && failover(t).stall, rate: 780 + (i % 7) * 20, p50: 180 }));
    base.tables.push({ ...full, of: 'node', name: `10.0.${i >> 4}.${i}:7${String(i).padStart(3, '0')}`, columns: {
      'requests.ok': full.columns['rate.achieved'], 'requests.errors': full.columns['requests.errors'],
      'requests.timed_out': full.columns['requests.timed_out'], 'requests.lost': full.columns['requests.lost'] } });
    base.tables.push(serverTable(180, 5, (t) => ({ ...failover(t), stall: false, memory: 1e8 + i * 1e6 + t * 1e5 }), 'server_node',
      `10.0.${i >> 4}.${i}:7${String(i).padStart(3, '0')}`));
  }
  return base;
}

const EVIL = '<img src=x onerror="document.title=\'broken\'; fetch(\'http://127.0.0.1:9/\')">';

/** A search: a probe that had a mishap, one of which only a bound is known, and rates that were tested again. */
function search() {
  const text = '<img src=x onerror=alert(1)>';
  const point = (number, load, outcome, p99, client = []) => ({ number, load, outcome, end: 'whole', retest: number > 5,
    reason: outcome === 'held' ? '' : text, seconds: 1, windows: 5, windows_passed: outcome === 'held' ? 5 : 1,
    verdict: 'GREEN', doubts: [], client, figures: { 'rate.target': load, 'rate.achieved': Math.min(load, 21000),
      'response_time_us.p50': 100, 'response_time_us.p75': 120, 'response_time_us.p99': p99, 'response_time_us.max': 90000,
      failed_percent: 0 } });
  const figures = Object.fromEntries(['rate.target', 'rate.achieved', 'response_time_us.p50', 'response_time_us.p75',
    'response_time_us.p99', 'response_time_us.max', 'failed_percent'].map((name) => [name, { unit: '', help: '' }]));
  return { name: text, regions: [], marks: [], tables: [], spectra: [], curve: { of: 'find-max', swept: 'qps',
    unit: 'requests/s', loop: 'open', test: text, status: 'found', error: null, interrupted: false,
    found: { rate: 20000, first_failing: 20800, lower: 20000, upper: 20800, confidence: 0.95 },
    limit: { kind: 'objective', name: text, evidence: text }, objectives: [{ text, limit_us: 1000 }], figures,
    points: [point(1, 1000, 'held', 200), point(2, 10000, 'held', 300), point(3, 40000, 'not held', -9e6, ['slip']),
      point(4, 20800, 'not judged', 5000), point(5, 20000, 'held', 700), point(6, 20800, 'not held', 1500),
      point(7, 20000, 'held', 900)] } };
}

/** The runs of a sweep over time, each with a warm-up. */
function steps(count) {
  const regions = Array.from({ length: count }, (_, i) => [
    { kind: 'run', name: `clients ${i + 1}`, start: i * 3, end: i * 3 + 3 },
    { kind: 'warmup', name: 'warm-up', start: i * 3, end: i * 3 + 1 }]).flat();
  return { name: 'steps', regions, marks: [], tables: [loadTable(count * 3, 1, (t) => ({ rate: 1000 * (1 + Math.floor(t / 3)), p50: 100 }))],
    spectra: [] };
}

function hostile() {
  const result = failoverResult(`${EVIL} {a|b} %s \u202e`);
  result.regions = [0, 1, 2].map((i) => ({ kind: 'phase', name: `${EVIL}${'x'.repeat(i * 60)}`, type: '</script><script>', start: i * 60,
    end: i * 60 + 60, figures: { ops_per_second: i * 1000, used_memory: 1e6 * i, __proto__: 3 } }));
  result.regions.push({ kind: 'phase', name: 'empty', type: '', start: 180, end: 180 });
  result.marks.forEach((mark) => { mark.text = EVIL + mark.text; mark.cause = EVIL; });
  const lane = loadTable(180, 1, failover);
  result.tables.push({ ...lane, of: 'class', name: EVIL, columns: { 'requests.ok': lane.columns['rate.achieved'] } });
  result.tables.push({ ...lane, of: 'node', name: EVIL, columns: { 'requests.ok': lane.columns['rate.achieved'] } });
  result.tables.push({ ...serverTable(180, 5, failover), of: 'server_node', name: EVIL });
  result.ratios_left_out = EVIL;
  result.tables.push({ ...lane, of: 'class', name: 'constructor', columns: { 'requests.ok': lane.columns['rate.achieved'] } });
  result.spectra = [0, 1, 2].map((i) => ({ name: `${EVIL}${i}`, response_time_us: spectrum(100 * (i + 1), 1), service_time_us: spectrum(80, 1) }));
  return result;
}

const SAMPLES = {
  failover: () => ['runs', [failoverResult('failover')]],
  scenario: () => ['scenario', [scenario()]],
  hours4: () => ['runs', [long(4, false)]],
  hours24: () => ['runs', [long(24, true)]],
  lanes: () => ['runs', [lanes()]],
  hostile: () => ['runs', [hostile()]],
  alike: () => ['runs', [failoverResult('once'), failoverResult('once more')]],
  two: () => ['runs', [failoverResult('valkey 8.0'), failoverResult('valkey 8.1, io-threads 4', 1.3)]],
  tiny: () => ['runs', [{ name: 'tiny', started_ms: 1780000000000, regions: [], marks: [], tables: [loadTable(1, 1, failover)], spectra: [] }]],
  search: () => ['curve', [search()]],
  steps: () => ['runs', [steps(3)]],
  steps16: () => ['runs', [steps(16)]],
  nothing: () => ['runs', []],
  empty: () => ['runs', [{ name: 'empty', regions: [], marks: [], tables: [], spectra: [] }]],
};

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');

function pageOf(name, bundle) {
  const [kind, results] = SAMPLES[name]();
  const json = JSON.stringify({ schema: 'volley.page/1', kind, title: name, results }).replace(/</g, '\\u003c');
  const packed = zlib.gzipSync(json).toString('base64');
  const title = escape(results.length > 0 ? results[0].name : name);
  const figures = [['requests/s', '49,871', ' of 50,000/s asked for'], ['p50', '181 us', ''], ['p99', '740 us', ''],
    ['max', '5.104 s', ''], ['errors', '1,220', '']];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<style>body{font-family:system-ui,"DejaVu Sans",sans-serif;margin:1rem}
table{border-collapse:collapse}th,td{text-align:left;padding:.2rem .6rem}
td.number{text-align:right;font-variant-numeric:tabular-nums}.scroll{overflow-x:auto}
.numbers{display:flex;flex-wrap:wrap;gap:1.5rem}.numbers b{display:block;font-size:1.6rem}</style><title>${title}</title></head><body><header><h1>${title}</h1>
<p>${title} &#183; 127.0.0.1:7000 &#183; 2026-05-28 12:00:00 UTC</p>
<div class="verdict verdict-amber"><b>AMBER</b> completed<ul><li><b>outage</b>: the target was in an outage for 4.9 s &#8212; look at the server's log</li></ul></div>
<div class="numbers">${figures.map(([name, value, of]) => `<div class="number"><b>${value}</b>${name}${of}</div>`).join('')}</div></header>
<main id="panels"></main><section id="tables"><h2>Figures</h2><table><thead><tr><th>figure</th><th>value</th></tr></thead>
<tbody><tr><td>requests.ok</td><td class="number">8,976,801</td></tr><tr><td>requests.lost</td><td class="number">800</td></tr></tbody></table>
<h2>Command line</h2><div class="scroll" tabindex="0"><pre>volley bench -h 127.0.0.1 -p 7000 --cluster --rate 50000 --duration 180 --chaos "kill:60" --extended-metrics --label failover</pre></div></section>
<script id="data" type="text/plain">${packed}</script><script>${bundle}</script></body></html>
`;
}

const [bundleFile, directory, ...names] = process.argv.slice(2);
const bundle = fs.readFileSync(bundleFile, 'utf8');
for (const name of names.length > 0 ? names : Object.keys(SAMPLES)) {
  seed = 1;
  fs.writeFileSync(path.join(directory, `${name}.html`), pageOf(name, bundle));
}
