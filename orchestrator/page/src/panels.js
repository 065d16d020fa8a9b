// Every picture of a page, a row each, in the order in which they stand there. A new picture, or a new line in one, is a
// row. What a row names and no result has is left out, and a panel of which nothing is left is absent.
import { derivative, perSecond, share } from './data.js';

/** Okabe and Ito's colours; ink is black, or what black is in the dark. A series has one colour in every picture. */
export const INK = 'ink', GREY = 'grey', ORANGE = '#E69F00', SKY = '#56B4E9', GREEN = '#009E73', BLUE = '#0072B2',
  VERMILION = '#D55E00', PURPLE = '#CC79A7';

/** For whatever has no colour of its own: phases, runs. */
export const OTHERS = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, INK, '#F0E442'];

/**
 * A series: label, colour, and where it comes from: "table column", or [table, function of it]. The first source that a
 * result has is taken.
 */
const line = (label, colour, ...from) => ({ label, colour, from });
const thinLine = (label, colour, ...from) => ({ label, colour, from, faint: true });

const times = (name, samples) => [
  ['p50', BLUE], ['p95', SKY], ['p99', VERMILION], ['p99_9', ORANGE], ['max', PURPLE],
].map(([statistic, colour]) => line(statistic.replace('_', '.'), colour, `load ${name}.${statistic}`,
  ...(samples ? [`server ${statistic}_ms`] : [])));

const server = (label, colour, name) => line(label, colour, `server ${name}`);

/** Of a point of a search or a sweep, in an open loop or in a closed one. */
const ofPoint = (statistic, colour) => line(statistic.replace('_', '.'), colour, `response_time_us.${statistic}`,
  `service_time_us.${statistic}`);

export const SECTIONS = [
  { id: 'answers', title: 'What has changed, and how surely' },
  { id: 'history', title: 'From commit to commit' },
  { id: 'curve', title: 'Against load' },
  { id: 'client', title: 'What the client saw' },
  { id: 'server', title: 'What the server did' },
  { id: 'distribution', title: 'How response times are distributed' },
  { id: 'comparison', title: 'Where the results differ' },
  { id: 'class', title: 'By class of requests', small: true },
  { id: 'node', title: 'By node', small: true },
  { id: 'phases', title: 'By phase' },
  { id: 'correlation', title: 'What goes together' },
];

/**
 * kind: forest (changes of a comparison), runs (of the row that is chosen there), matrix (latencies of both modes), history (a panel for each configuration), curve (figures against load), time (lines over time), heat, spectrum, scatter, phases, small (a panel for each table of that name, all with one
 * scale), node_scatter (likewise, two of its columns), difference. scale: zero (from 0), fit (between the smallest and the largest), times (from 0, or logarithmic when
 * the largest is more than 50 times the median), load (logarithmic when loads are far apart). curve: points of a search or a
 * sweep against their load, or with x: number in the order of time; top: there is nothing above; limits: with what was asked for as lines; rest: with all
 * other statistics of these. figure: of a phase, told beside its name. said: a member of a result, words
 * that stand below the panel.
 */
export const PANELS = [
  { id: 'forest', kind: 'forest', section: 'answers', title: 'Change, with its interval' },
  { id: 'runs', kind: 'runs', section: 'answers', title: 'Single runs' },
  { id: 'matrix', kind: 'matrix', section: 'answers', title: 'Latency matrix', unit: 'us',
    series: [line('P50', BLUE), line('P90', GREEN), line('P95', SKY), line('P99', VERMILION)] },
  { id: 'history', kind: 'history', section: 'history', title: 'From commit to commit' },

  { id: 'curve_times', kind: 'curve', section: 'curve', title: 'Latency against load', unit: 'us', scale: 'times', limits: true,
    rest: ['response_time_us', 'service_time_us'],
    series: [ofPoint('p50', BLUE), ofPoint('p95', SKY), ofPoint('p99', VERMILION), ofPoint('p99_9', ORANGE),
      ofPoint('max', PURPLE), { ...ofPoint('mean', INK), of: 'load-test' }] },
  { id: 'curve_rate', kind: 'curve', section: 'curve', title: 'Answered against load', unit: 'requests/s', scale: 'load',
    series: [thinLine('asked for', GREY, 'rate.target'), line('answered', GREEN, 'rate.achieved')] },
  { id: 'curve_errors', kind: 'curve', section: 'curve', title: 'Errors', unit: 'percent', scale: 'zero', happened: true,
    series: [line('of the requests that ended', INK, 'failed_percent')] },
  { id: 'curve_backlog', kind: 'curve', section: 'curve', title: 'Backlog at the end', unit: 'requests', scale: 'zero',
    happened: true, series: [line('backlog', VERMILION, 'requests.backlog')] },
  { id: 'curve_lateness', kind: 'curve', section: 'curve', title: "volley's own delay", unit: 'us', scale: 'times',
    happened: true,
    series: [line('slip p99', SKY, 'slip_us.p99'), line('loop lag p99', ORANGE, 'loop_lag_us.p99')] },
  { id: 'curve_cpu', kind: 'curve', section: 'curve', title: 'CPU of the workers', unit: 'percent', scale: 'zero',
    series: [line('busy', BLUE, 'worker_cpu_percent')] },
  { id: 'curve_memory', kind: 'curve', section: 'curve', title: 'Memory of the server', unit: 'MB', scale: 'zero',
    series: [line('used', BLUE, 'server_mb')] },
  { id: 'curve_volley', kind: 'curve', section: 'curve', title: 'Memory of volley', unit: 'MB', scale: 'zero',
    series: [line('at its most', BLUE, 'volley_mb')] },
  { id: 'curve_buffer', kind: 'curve', section: 'curve', title: 'Memory that the buffer takes', unit: 'MB', scale: 'zero',
    series: [line('buffer less bypass', VERMILION, 'difference_mb'), line('of full buffers', GREY, 'expected_difference_mb')] },
  { id: 'curve_search', kind: 'curve', section: 'curve', title: 'How the search went', unit: 'requests/s', scale: 'load',
    of: 'find-max', x: 'number', series: [line('rate of the probe', GREEN, 'load')] },

  // visualize compare: one figure, whichever it is, in a column that is called as its unit
  ...['bytes', 'ratio', 'percent', 'keys', 's', 'ms', 'requests/s', 'requests', 'connections'].map((unit) => ({
    id: `compared_${unit}`, kind: 'time', section: 'server', title: 'Compared', unit, scale: 'fit',
    series: [line('value', BLUE, `compared ${unit}`)] })),

  // of a monitor's report
  { id: 'availability', kind: 'time', section: 'client', title: 'Availability', unit: 'percent', scale: 'zero', top: 100,
    series: [server('PINGs answered', GREEN, 'availability')] },
  { id: 'rate', kind: 'time', section: 'client', title: 'Rate', unit: 'requests/s', scale: 'zero', figure: 'ops_per_second',
    series: [thinLine('target', GREY, 'load rate.target'),
      line('achieved', GREEN, 'load rate.achieved', 'server ops_per_second')] },
  { id: 'response', kind: 'time', section: 'client', title: 'Response time', unit: 'us', scale: 'times', figure: 'p99_ms',
    series: times('response_time_us', true) },
  { id: 'heat', kind: 'heat', section: 'client', title: 'Response times, how many', unit: 'us' },
  { id: 'errors', kind: 'time', section: 'client', title: 'Errors', unit: 'requests/s', scale: 'zero', happened: true,
    series: [line('errors', INK, 'load requests.errors', ['server', perSecond('errors', 'requests/s')]),
      line('timed out', ORANGE, 'load requests.timed_out'), line('lost', VERMILION, 'load requests.lost'),
      line('shed', GREY, 'load requests.shed')] },
  { id: 'service', kind: 'time', section: 'client', title: 'Service time', unit: 'us', scale: 'times',
    series: times('service_time_us', false) },
  { id: 'lateness', kind: 'time', section: 'client', title: 'Wait and slip', unit: 'us', scale: 'times', happened: true,
    series: [line('wait p99', ORANGE, 'load wait_us.p99'), line('wait max', VERMILION, 'load wait_us.max'),
      line('slip p99', SKY, 'load slip_us.p99'), line('slip max', BLUE, 'load slip_us.max')] },
  { id: 'waiting', kind: 'time', section: 'client', title: 'Requests that wait', unit: 'requests', scale: 'zero',
    happened: true,
    series: [line('in flight', BLUE, 'load requests.in_flight'), line('backlog', VERMILION, 'load requests.backlog')] },
  { id: 'connections', kind: 'time', section: 'client', title: 'Connections', unit: 'connections', scale: 'zero',
    series: [line('open', BLUE, 'load connections.open'), line('of the server', ORANGE, 'server connected_clients')] },
  { id: 'reconnections', kind: 'time', section: 'client', title: 'Connections lost and opened', unit: 'connections/s',
    scale: 'zero', happened: true,
    series: [line('lost', VERMILION, 'load connections.lost'), line('failed', INK, 'load connections.failed'),
      line('opened again', GREEN, 'load connections.opened'),
      line('recycled', GREY, 'load connections.recycled')] },
  { id: 'worker_cpu', kind: 'time', section: 'client', title: 'CPU of the workers', unit: 'percent', scale: 'zero',
    series: [line('busy', BLUE, 'load worker_cpu_percent')] },

  { id: 'memory', kind: 'time', section: 'server', title: 'Memory', unit: 'bytes', scale: 'zero', figure: 'used_memory',
    series: [server('used', BLUE, 'used_memory'), server('RSS', ORANGE, 'used_memory_rss'),
      server('allocated', SKY, 'allocator_allocated'), server('active', GREEN, 'allocator_active'),
      server('resident', PURPLE, 'allocator_resident')] },
  { id: 'fragmentation', kind: 'time', section: 'server', title: 'Fragmentation', unit: 'ratio', scale: 'fit',
    figure: 'mem_fragmentation_ratio', said: 'ratios_left_out',
    series: [server('RSS / used', ORANGE, 'mem_fragmentation_ratio'),
      server('allocator', SKY, 'allocator_frag_ratio'), server('allocator RSS', PURPLE, 'allocator_rss_ratio'),
      server('RSS overhead', GREEN, 'rss_overhead_ratio')] },
  { id: 'server_cpu', kind: 'time', section: 'server', title: 'CPU of the server', unit: 'percent', scale: 'zero',
    series: [line('process', INK, ['server', derivative('process_cpu_seconds', 100, 'percent')]),
      line('user', BLUE, ['server', derivative('used_cpu_user', 100, 'percent')]),
      line('system', ORANGE, ['server', derivative('used_cpu_sys', 100, 'percent')])] },
  { id: 'keys', kind: 'time', section: 'server', title: 'Keys', unit: 'keys', scale: 'zero', figure: 'keys',
    series: [line('keys', BLUE, 'server keys', 'load keys')] },
  { id: 'gone', kind: 'time', section: 'server', title: 'Keys evicted and expired', unit: 'keys/s', scale: 'zero',
    happened: true,
    series: [line('evicted', VERMILION, ['server', derivative('evicted_keys', 1, 'keys/s')]),
      line('expired', SKY, ['server', derivative('expired_keys', 1, 'keys/s')])] },
  { id: 'hits', kind: 'time', section: 'server', title: 'Hit rate', unit: 'percent', scale: 'fit',
    series: [line('hits', GREEN, ['server', share('keyspace_hits', 'keyspace_misses', true)],
      ['load', share('requests.hits', 'requests.misses', false)])] },
  { id: 'network', kind: 'time', section: 'server', title: 'Network', unit: 'bytes/s', scale: 'zero',
    series: [line('into the server', BLUE, ['server', derivative('total_net_input_bytes', 1, 'bytes/s')],
      'load bytes.out'),
    line('out of it', ORANGE, ['server', derivative('total_net_output_bytes', 1, 'bytes/s')], 'load bytes.in')] },
  { id: 'lag', kind: 'time', section: 'server', title: 'Replication lag', unit: 's', scale: 'zero',
    series: [line('furthest behind', PURPLE, 'load replication_lag_seconds')] },
  { id: 'lag_bytes', kind: 'time', section: 'server', title: 'Replication lag', unit: 'bytes', scale: 'zero',
    series: [line('furthest behind', PURPLE, 'server replica_lag_bytes')] },
  { id: 'balance', kind: 'time', section: 'server', title: 'Memory of nodes against each other', unit: 'ratio',
    scale: 'zero', series: [server('largest / smallest', VERMILION, 'node_memory_max_min'),
      server('deviation / mean', BLUE, 'node_memory_cv')] },

  { id: 'spectrum', kind: 'spectrum', section: 'distribution', title: 'Percentiles', unit: 'us' },

  { id: 'difference', kind: 'difference', section: 'comparison', unit: 'percent', scale: 'zero',
    of: [['Rate', 'rate', 'achieved'], ['p50', 'response', 'p50'], ['p99', 'response', 'p99'], ['Maximum', 'response', 'max'],
      ['Memory used', 'memory', 'used'], ['RSS', 'memory', 'RSS'], ['Fragmentation', 'fragmentation', 'RSS / used']] },

  { id: 'scraped', kind: 'each', section: 'server', of: 'scraped', title: 'Scraped', unit: '', scale: 'fit',
    series: [line('value', BLUE, 'scraped value')] },

  { id: 'class_rate', kind: 'small', section: 'class', of: 'class', title: 'Rate', unit: 'requests/s', scale: 'zero',
    series: [line('ok', GREEN, 'class rate.achieved', 'class requests.ok'),
      line('errors', INK, 'class requests.errors')] },
  { id: 'class_times', kind: 'small', section: 'class', of: 'class', title: 'Response time', unit: 'us', scale: 'times',
    series: [['p50', BLUE], ['p99', VERMILION], ['max', PURPLE]].map(([statistic, colour]) =>
      line(statistic, colour, `class response_time_us.${statistic}`)) },
  { id: 'node_rate', kind: 'small', section: 'node', of: 'node', title: 'Answered', unit: 'requests/s', scale: 'zero',
    series: [line('ok', GREEN, 'node requests.ok'), line('errors', INK, 'node requests.errors'),
      line('timed out', ORANGE, 'node requests.timed_out'), line('lost', VERMILION, 'node requests.lost')] },
  { id: 'node_memory', kind: 'small', section: 'node', of: 'server_node', title: 'Memory', unit: 'bytes', scale: 'zero',
    series: [line('used', BLUE, 'server_node used_memory'), line('RSS', ORANGE, 'server_node used_memory_rss')] },
  { id: 'node_keys', kind: 'small', section: 'node', of: 'server_node', title: 'Keys', unit: 'keys', scale: 'zero',
    series: [line('keys', BLUE, 'server_node keys')] },

  { id: 'node_rate_memory', kind: 'node_scatter', section: 'node', of: 'server_node', title: 'Rate against memory',
    x: ['memory used', 'used_memory', 'bytes'], y: ['rate', 'instantaneous_ops_per_sec', 'requests/s'] },

  { id: 'phases', kind: 'phases', section: 'phases', title: 'Figures of phases',
    series: [['requests/s', 'ops_per_second', 'requests/s'], ['p50', 'p50_ms', 'ms'], ['p95', 'p95_ms', 'ms'],
      ['p99', 'p99_ms', 'ms'], ['max', 'max_ms', 'ms'], ['errors', 'errors', 'requests'],
      ['used memory', 'used_memory', 'bytes'], ['RSS', 'used_memory_rss', 'bytes'],
      ['fragmentation', 'mem_fragmentation_ratio', 'ratio'], ['allocator fragmentation', 'allocator_frag_ratio', 'ratio'],
      ['keys', 'keys', 'keys'], ['clients', 'connected_clients', 'connections'],
      ['replica lag', 'replica_lag_bytes', 'bytes']] },

  ...[
    ['Rate against memory', ['rate', 'achieved'], ['memory', 'used']],
    ['Rate against fragmentation', ['rate', 'achieved'], ['fragmentation', 'RSS / used']],
    ['p99 against memory', ['response', 'p99'], ['memory', 'used']],
    ['p99 against CPU of the server', ['response', 'p99'], ['server_cpu', 'process'], ['server_cpu', 'user']],
    ['p99 against rate', ['response', 'p99'], ['rate', 'achieved']],
    ['p99 against fragmentation', ['response', 'p99'], ['fragmentation', 'RSS / used']],
  ].map(([title, y, ...x]) => ({ id: title.toLowerCase().replaceAll(' ', '_'), kind: 'scatter', section: 'correlation',
    title, y, x })),
];
