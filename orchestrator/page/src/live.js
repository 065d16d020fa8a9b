// The page of a run under way: a snapshot first, then what each interval adds, as server-sent events. What it holds is bounded
// as what a report holds (live_table.js), so that a page can stay open for days. When the process is gone the data stay.
import { clean, read } from './data.js';
import { element } from './dom.js';
import { Control } from './live_control.js';
import { Head } from './live_head.js';
import { download, fileNameOf, reportOf } from './live_save.js';
import { clockNow, LiveSession } from './live_session.js';
import { addToHeat, growingHeat, GrowingTable } from './live_table.js';
import { panelsOf, renew } from './model.js';
import { handlesOf, Page } from './page.js';
import { extend, filterBy, view } from './view.js';

const SURVEY_MS = 30000;       // at least so often: which panels there are
const MARKS_MAX = 2048;        // as the server keeps
const TIMINGS = 4096;

/** Panels as the page has them, in words: while that is the same, their places stay. */
const shapeOf = (sections) => JSON.stringify(sections.map((section) => [section.id, section.panels.map((panel) =>
  [panel.kind === 'phases' ? [panel.id, panel.regions.length] : panel.id, panel.title, (panel.lines || []).map((line) => line.label),
    (panel.curves || []).map((curve) => `${curve.name} ${curve.label}`)])]));

class LivePage extends Page {
  constructor(data, main) {
    super(data, main);
    this.off = new Map();
    this.shape = '';
    this.surveyed = { rows: 0, at: 0 };
    this.timings = { took: new Float32Array(TIMINGS), count: 0, appended: 0 };
  }

  switchedOff(name) {
    if (!this.off.has(name)) this.off.set(name, new Set());
    return this.off.get(name);
  }

  build(sections) {
    const [filter, focus] = [view.filter, document.activeElement?.closest('[data-panel]')?.dataset.panel];
    super.build(sections);
    this.shape = this.shapeNow(sections);
    const index = this.bar.names.indexOf(filter);
    const shown = view.window;
    if (index >= 0) this.bar.filter(filter);
    else filterBy('', null);
    if (index >= 0) view.window = shown;
    this.views.find((panelView) => focus !== undefined && panelView.panel.id === focus)?.node.focus({ preventScroll: true });
  }

  shapeNow(sections) {
    const regions = this.data.results[0].regions.map((region) => `${region.kind} ${region.name} ${region.under_way === true}`);
    return `${shapeOf(sections)} ${regions}`;
  }

  /** Which panels there are now, and how they are drawn: what did not change keeps its place. */
  survey() {
    const sections = panelsOf(this.data);
    this.surveyed = { rows: this.rows(), at: performance.now() };
    if (this.shapeNow(sections) !== this.shape) {
      this.build(sections);
      return;
    }
    const panels = sections.flatMap((section) => section.panels).filter((panel) => panel.kind !== 'phases');
    panels.forEach((panel, i) => {
      this.views[i].panel = panel;
      this.views[i].stale = true;
    });
    this.later();
  }

  rows() {
    return this.data.results[0].table('load')?.count ?? 0;
  }

  /** Other data in place of these; whoever holds the list of results goes on with it. */
  replace(data) {
    const { results } = this.data;
    results.splice(0, results.length, ...data.results);
    this.data = { ...data, results };
    extend(data.end);
    this.shorten();
    if (view.filter !== '') this.shape = ''; // what it looks at is another region now
    this.survey();
  }

  /** Rows were added, up to this second. */
  grown(end) {
    extend(end);
    this.shorten();
    const { rows, at } = this.surveyed;
    if (this.rows() - rows >= Math.max(1, rows / 16) || performance.now() - at > SURVEY_MS) this.survey();
    for (const panelView of this.views) if (panelView.hasTime) panelView.stale = true;
    this.later();
  }

  /** What is near, but not seen, waits until it is: there is something new all the time. */
  watch() {
    super.watch();
    const of = new Map(this.views.map((panelView) => [panelView.node, panelView]));
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) of.get(entry.target).seen = entry.isIntersecting;
      this.draw();
    });
    this.observers.push(seen);
    for (const panelView of this.views) seen.observe(panelView.node);
  }

  draw(all) {
    const from = performance.now();
    const drawn = this.views.filter((panelView) => panelView.stale && (all || panelView.seen || (panelView.visible && !panelView.chart)));
    for (const panelView of drawn) {
      renew(panelView.panel);
      panelView.draw();
    }
    this.tellReady();
    for (const panelView of drawn) panelView.flush();
    if (this.timings.appended > 0)
      this.timings.took[this.timings.count++ % TIMINGS] = performance.now() - from + this.timings.appended;
    this.timings.appended = 0;
  }
}

/** The page's data of a snapshot: what is under way is a region that grows, and marks of the run are told from others. */
function dataOf(raw) {
  const { live } = raw;
  const [result] = raw.results;
  result.marks = [...(result.marks || []), ...(live.marks || []).map((mark) => ({ ...mark, of_run: true }))];
  if (live.region) {
    const { start, warmup_end: warm } = live.region;
    const growing = (region) => ({ ...region, under_way: true, span: [start, start] });
    result.regions = [...result.regions, growing({ ...live.region, end: start })];
    if (warm > start) result.regions.push(growing({ kind: 'warmup', name: 'warm-up', start, end: start, most: warm }));
  }
  if (live.phase) result.regions = [...result.regions, { ...live.phase, under_way: true, span: [live.phase.start, live.phase.end] }];
  const data = read(raw, (table) => new GrowingTable(table));
  for (const one of data.results) if (one.heat) one.heat = growingHeat(one.heat);
  const { tables } = data.results[0];
  const lanes = live.lanes || [];
  for (const table of tables) {
    if (table.of === 'load') table.setOrder(live.columns);
    else if (table.of === 'server') table.setOrder(live.samples || []);
    else table.setOrder(lanes.find((lane) => lane.of === table.of && lane.name === table.name)?.columns || []);
  }
  data.lanes = lanes.map((lane) => tables.find((table) => table.of === lane.of && table.name === lane.name) || null);
  return data;
}

class Live extends LiveSession {
  constructor(line, main) {
    super(line, '/api/page.json', {
      missed: 'the panels were had anew, and are complete; of marks and alerts of that time some may be missing.',
      lost: 'the report can be saved below.' });
    this.main = main;
    this.control = line.dataset.control === '1' ? new Control() : null;
    this.page = null;
    this.bundle = null;
    this.alerts = new Map();
  }

  async start() {
    const raw = await this.begin();
    fetch('/page.js').then((answer) => answer.text()).then((text) => { this.bundle = text; }, () => {});
    this.head = new Head(this.line, this.said.node);
    this.save = element('button', { type: 'button', 'data-does': 'save' }, 'Save the report');
    this.complete = element('a', { href: '/report.html', hidden: '', download: '' }, 'the complete report');
    this.save.addEventListener('click', () => this.saveReport());
    document.querySelector('header').append(...(this.control ? [this.control.node] : []),
      element('p', { class: 'live-save' }, this.save, ' ', this.complete));
    const data = dataOf(raw);
    this.page = new LivePage(data, this.main);
    this.page.start();
    this.take(raw, data);
    window.volleyPage = { ...handlesOf(this.page), live: () => this.describe(),
      forget: () => { this.page.timings.count = 0; } };
  }

  take(raw, data) {
    this.lanes = data.lanes;
    this.title = String(raw.title);
    this.kind = String(raw.kind);
    this.head.title(this.title);
    this.show(raw.live.state);
    this.grow();
    this.hush();
    if (raw.live.ended) this.end({ interrupted: raw.live.state.interrupted, error: raw.live.state.error, linger_seconds: 0 }, true);
    else this.listen(raw.live.next, this.hears());
  }

  replace(raw) {
    const data = dataOf(raw);
    this.page.replace(data);
    this.take(raw, data);
  }

  // ---- Events. ----

  hears() {
    return {
      interval: (row) => this.interval(row),
      sample: (sample) => this.sample(sample),
      scraped: (value) => this.scraped(value),
      mark: (mark) => this.mark(mark),
      run: (run) => this.runEnded(run),
      state: (state) => (state.session === this.session ? this.show(state) : this.other()),
      alert: (alert) => this.alert(alert),
      structure: () => this.renew(),
      end: (told) => this.end(told, false),
    };
  }

  result() {
    return this.page.data.results[0];
  }

  interval({ start, end, load, lanes, heat }) {
    const from = performance.now();
    const result = this.result();
    const table = result.table('load');
    if (!table || !result.heat || table.lacks(load)) this.renew();
    const before = table ? table.count : 0;
    if (table && !table.add(start, end, load)) this.renew();
    if (table && table.count > before) this.beginsWithRun(result, table);
    if (result.heat && !addToHeat(result.heat, start, end, heat)) this.renew();
    lanes.forEach((values, i) => {
      if (values === null) return; // scraped: comes by itself
      const lane = this.lanes[i];
      if (!lane || lane.lacks(values) || !lane.add(start, end, values)) this.renew();
    });
    this.grow(end);
    this.page.timings.appended += performance.now() - from;
  }

  /** The first row of a run does not go on where the one before it ended. */
  beginsWithRun(result, table) {
    const row = table.count - 1;
    const run = result.regions.find((region) => region.under_way && region.kind === 'run');
    if (run && row > 0 && table.mid[row - 1] < run.start && table.mid[row] > run.start) table.gap[row] = 1;
  }

  /** What is under way reaches to the end. */
  grow(end) {
    const to = Math.max(end ?? 0, view.end);
    for (const region of this.result().regions)
      if (region.under_way) region.span[1] = region.end = Math.min(Math.max(region.start, to), region.most ?? Infinity);
    this.page.grown(to);
  }

  sample({ at, server }) {
    const table = this.result().table('server');
    if (!table || table.lacks(server) || !table.add(at, at, server)) this.renew();
    this.page.grown(Math.max(view.end, at));
  }

  scraped({ at, name, value }) {
    const table = this.result().tables.find((one) => one.of === 'scraped' && one.name === name);
    if (!table || !table.add(at, at, [value])) this.renew();
    this.page.grown(Math.max(view.end, at));
  }

  addMark(mark) {
    const { marks } = this.result();
    marks.push({ ...clean(mark), place: marks.length });
    marks.sort((a, b) => a.start - b.start);
    if (marks.length > MARKS_MAX) marks.shift();
  }

  mark(mark) {
    this.addMark({ ...mark, of_run: true });
    this.page.grown(view.end);
  }

  /** Its region, its percentiles, and all its marks, instead of what was known meanwhile. */
  runEnded({ regions, marks, spectra }) {
    const result = this.result();
    result.regions.splice(0, result.regions.length, ...result.regions.filter((region) => !region.under_way || region.kind === 'phase'), ...regions.map(clean));
    result.marks.splice(0, result.marks.length, ...result.marks.filter((mark) => !mark.of_run));
    for (const mark of marks) this.addMark(mark);
    result.spectra = [...result.spectra, ...spectra];
    this.page.grown(Math.max(view.end, ...regions.map((region) => region.end)));
    this.page.survey();
  }

  /** Where the state does not list alerts, events do. */
  alert(alert) {
    const key = [alert.alert, alert.severity, alert.labels?.server].join('\n'); // a KPI has two rules, and a monitor's server its own
    this.alerts.set(key, alert);
    if (alert.state === 'resolved') this.alerts.delete(key);
    if (this.state && !Array.isArray(this.state.alerts)) this.head.showAlerts([...this.alerts.values()]);
  }

  show(state) {
    const known = this.state;
    this.state = state;
    if (!state.so_far && known?.so_far && state.phase !== 'running') // between runs the last one's stay
      this.state = { ...state, so_far: known.so_far, verdict: known.verdict };
    this.head.show(Array.isArray(state.alerts) ? this.state : { ...this.state, alerts: [...this.alerts.values()] });
    this.control?.show(state);
  }

  // ---- Its end. ----

  end({ interrupted, error, linger_seconds: linger }, late) {
    if (this.over) return;
    this.finish();
    const how = error ? `has failed: ${error}` : interrupted ? 'was interrupted' : 'has finished';
    this.said.say('connection', '');
    this.said.say('end', `The session ${how}${late ? '' : ` (${clockNow()})`}. What is shown here stays, and can be saved.`);
    this.complete.hidden = !(late || linger > 0);
    if (!late && linger > 0) setTimeout(() => { this.complete.hidden = true; }, linger * 1000);
  }

  finish() {
    super.finish();
    this.control?.end();
    this.page.survey();
  }

  async saveReport() {
    if (this.bundle === null) {
      this.said.say('save', 'The script of the page could not be fetched when it was opened: the report cannot be saved from here.');
      return;
    }
    const result = this.result();
    const note = `Saved from the live page at ${new Date().toISOString()}${this.over ? '' : ', while the run was under way'}.`;
    download(await reportOf({ kind: this.kind, title: this.title, results: [result] }, this.bundle,
      document.querySelector('style').textContent, note), fileNameOf(this.title));
  }

  /** As plain data: for tests. */
  describe() {
    const result = this.result();
    const took = Array.from(this.page.timings.took.subarray(0, Math.min(TIMINGS, this.page.timings.count)));
    const load = result.table('load');
    const requests = [...(load ? load.stores : [])].filter(([name, { unit }]) => name.startsWith('requests.') && unit === 'requests/s');
    const sums = Object.fromEntries(requests.map(([name, { low }]) => [name.slice('requests.'.length),
      Array.from(low.subarray(0, load.count)).reduce((sum, rate, i) => sum + Math.round(rate * (load.end[i] - load.start[i]) || 0), 0)]));
    return { sums, session: this.session, over: this.over, lost: this.lost > 0, snapshots: this.snapshots, state: this.state,
      rows: this.page.rows(), seconds: load ? load.end[load.count - 1] : 0, said: this.said.node.innerText, marks: result.marks.map((mark) => `${mark.source}: ${mark.text}`),
      regions: result.regions.map((region) => `${region.kind} ${region.name}`), took };
  }
}

export function startLive(line, main) {
  return new Live(line, main).start();
}
