// The page of a suite under way: how far it is, what is measured now, results as they come, the newest first, and notices of its
// log. What it holds is bounded. Everything goes in as text.
import { element } from './dom.js';
import { put } from './live_head.js';
import { clockNow, LiveSession } from './live_session.js';
import { clockOf, number } from './units.js';

const ROWS_MAX = 500;
const NOTICES_MAX = 50; // as the server keeps

const numberOr = (value) => (Number.isFinite(value) ? number(value) : '');

/** Of a result: caption, class of the cells, and how each is read. */
const COLUMNS = [
  ['commit', null, (result) => result.reference || result.commit],
  ['combination', 'text', (result) => result.combination],
  ['command', null, (result) => result.command],
  ['run', 'number', (result) => numberOr(result.run)],
  ['requests/s', 'number', (result) => numberOr(result.rps)],
  ['p50, ms', 'number', (result) => numberOr(result.p50_latency_ms)],
  ['p99, ms', 'number', (result) => numberOr(result.p99_latency_ms)],
  ['how', 'text', (result) => (result.error ? `failed: ${result.error}` : result.verdict)],
];

const rowOf = (result) => element('tr', { class: result.error ? 'cut' : null },
  ...COLUMNS.map(([, name, read]) => element('td', { class: name }, String(read(result) ?? ''))));

const noticeOf = (notice) => element('li', { class: notice.level === 'error' ? 'cut' : null }, `${notice.level}: ${notice.text}`);

/** The newest first, and no more than so many. */
function add(list, node, most) {
  list.prepend(node);
  if (list.childElementCount > most) list.lastElementChild.remove();
}

class Suite extends LiveSession {
  constructor(line, main) {
    super(line, '/api/run.json', { missed: 'its results were had anew, and are complete; of notices some may be missing.',
      lost: 'its results are in the directory of --results-dir.' });
    this.main = main;
  }

  async start() {
    const raw = await this.begin();
    this.build();
    this.replace(raw);
    setInterval(() => this.show(), 1000);
    window.volleyPage = { live: () => this.describe(), describe: () => [] };
  }

  build() {
    this.phase = element('b', { class: 'phase' });
    this.counts = element('span');
    this.bar = element('progress', { max: '1', 'aria-label': 'runs that are done' });
    this.now = element('ul', { class: 'muted', 'aria-label': 'measured now' });
    this.rows = element('tbody');
    this.more = element('p', { class: 'muted', hidden: '' });
    this.notices = element('ol');
    this.line.replaceChildren(this.phase, ' ', this.counts);
    this.line.after(this.said.node, element('p', {}, this.bar), this.now);
    const captions = COLUMNS.map(([caption, name]) => element('th', { scope: 'col', class: name === 'number' ? name : null }, caption));
    this.main.append(
      element('h2', {}, 'Results'), element('div', { class: 'scroll rows', tabindex: '0', role: 'region', 'aria-label': 'results' },
        element('table', {}, element('thead', {}, element('tr', {}, ...captions)), this.rows)), this.more,
      element('h2', {}, 'Notices'), this.notices);
  }

  replace(raw) {
    this.state = raw.state;
    this.begun = performance.now() - 1000 * (raw.state.elapsed_seconds ?? 0);
    this.count = raw.results.length + raw.results_left_out;
    this.rows.replaceChildren(...raw.results.slice(-ROWS_MAX).reverse().map(rowOf));
    this.notices.replaceChildren(...raw.notices.slice(-NOTICES_MAX).reverse().map(noticeOf));
    this.show();
    if (raw.state.ended) this.end(true);
    else this.listen(raw.next, {
      state: (members) => this.change(members),
      result: (result) => this.add(result),
      notice: (notice) => add(this.notices, noticeOf(notice), NOTICES_MAX),
    });
  }

  change(members) {
    Object.assign(this.state, members);
    this.show();
    if (members.ended) this.end(false);
  }

  add(result) {
    add(this.rows, rowOf(result), ROWS_MAX);
    this.count++;
    this.show();
  }

  show() {
    if (this.over) return; // what was there at the end stays
    const { phase, combination, beside, reference, commit, run, ended } = this.state;
    const [planned, measured, failed, skipped] = ['planned', 'measured', 'failed', 'skipped'].map((name) => this.state[name] || 0);
    const done = measured + failed + skipped;
    const seconds = ended && this.state.elapsed_seconds ? this.state.elapsed_seconds : (performance.now() - this.begun) / 1000;
    put(this.phase, phase || 'beginning');
    put(this.counts, `${number(done)} of ${number(planned)} runs: ${number(measured)} measured, ${number(failed)} failed, ` +
      `${number(skipped)} there already; ${clockOf(seconds, 1)}`);
    this.bar.value = planned > 0 ? done / planned : 0;
    const now = combination && !ended ? [combination, ...(beside || [])].map((text) => `${reference || commit}: ${text}, run ${run}`) : [];
    if ([...this.now.children].map((item) => item.textContent).join('\n') !== now.join('\n'))
      this.now.replaceChildren(...now.map((text) => element('li', {}, text)));
    const hidden = this.count - this.rows.childElementCount;
    this.more.hidden = hidden <= 0;
    put(this.more, `${number(hidden)} older ones are not shown.`);
  }

  end(late) {
    const { error } = this.state;
    this.finish();
    this.said.say('connection', '');
    this.said.say('end', `The suite ${error ? `has failed: ${error}` : 'has ended'}${late ? '' : ` (${clockNow()})`}. What is shown here stays; ` +
      'all of its results are in the directory of --results-dir.');
  }

  /** As plain data: for tests. */
  describe() {
    return { session: this.session, over: this.over, lost: this.lost > 0, snapshots: this.snapshots, state: this.state,
      results: this.rows.childElementCount, now: this.now.innerText, said: this.said.node.innerText };
  }
}

export function startSuite(line, main) {
  return new Suite(line, main).start();
}
