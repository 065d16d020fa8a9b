// What stands above the panels of a run under way: what it does, its numbers so far, its verdict so far, and alerts. Everything goes
// in as text.
import { element } from './dom.js';
import { clockOf, number, quantity } from './units.js';

/** Of a statistic of times in JSON: a number, {at_least_us}, or null. */
function timeText(value) {
  if (value && typeof value === 'object') return Number.isFinite(value.at_least_us) ? `>= ${quantity(value.at_least_us, 'us')}` : '-';
  return Number.isFinite(value) ? quantity(value, 'us') : '-';
}

const whole = (value) => (Number.isFinite(value) ? number(Math.round(value)) : '-');

const timesOf = (part) => (part?.response_time_us?.count > 0 || !part?.service_time_us ? part?.response_time_us : part.service_time_us) || {};

const failedOf = (part) => (part?.requests ? ['errors', 'timed_out', 'lost'].reduce((sum, name) => sum + (part.requests[name] || 0), 0)
  : NaN);

/** The five numbers: caption, how each is read of what is so far, and of an interval. */
const NUMBERS = [
  ['requests/s', (part) => whole(part?.rate?.achieved)],
  ['p50', (part) => timeText(timesOf(part).p50)],
  ['p99', (part) => timeText(timesOf(part).p99)],
  ['max', (part) => timeText(timesOf(part).max)],
  ['errors', (part) => whole(part?.failed ?? failedOf(part))],
];

const CLASSES = { GREEN: 'green', AMBER: 'amber', RED: 'red' };

/** Nothing is touched that is the same as before: what somebody has selected stays. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** "GET at 127.0.0.1:6379, 00:07 of 00:12, asked for: 5,000/s". */
function progressOf(state) {
  const parts = [];
  if (state.op) parts.push(state.target ? `${state.op} at ${state.target}` : state.op);
  if (Number.isFinite(state.elapsed_seconds)) {
    const planned = Number.isFinite(state.planned_seconds) ? ` of ${clockOf(state.planned_seconds, 1)}` : '';
    parts.push(clockOf(state.elapsed_seconds, 1) + planned);
  }
  if (Number.isFinite(state.planned_requests)) {
    const done = state.so_far?.requests;
    const sent = done ? `${number(done.sent ?? done.ok ?? 0)} of ` : '';
    parts.push(`${sent}${number(state.planned_requests)} requests`);
  }
  if (state.rate_asked) parts.push(`asked for${state.rate_changes > 0 ? ' at the beginning' : ''}: ${state.rate_asked}`);
  return parts.join(', ');
}

export class Head {
  /** line: the paragraph of the page that tells of it; said: what stands behind it. */
  constructor(line, said) {
    this.line = line;
    this.heading = document.querySelector('h1');
    this.phase = element('b', { class: 'phase' });
    this.progress = element('span');
    this.verdict = element('details', { class: 'verdict', hidden: '' });
    this.level = element('b');
    this.why = element('span');
    this.reasons = element('ul');
    this.verdict.append(element('summary', {}, this.level, ' ', this.why), this.reasons);
    this.alerts = element('ul', { class: 'alerts', hidden: '', 'aria-label': 'alerts' });
    this.numbers = NUMBERS.map(([caption]) => ({ big: element('b', {}, '-'), more: element('span'),
      newest: element('div', { class: 'newest' }, '\u00a0'), caption }));
    line.replaceChildren(this.phase, ' ', this.progress);
    line.after(said, this.verdict, this.alerts, element('div', { class: 'numbers' }, ...this.numbers.map((one) =>
      element('div', { class: 'number' }, one.big, one.caption, one.more, one.newest))));
  }

  title(text) {
    document.title = text;
    put(this.heading, text);
  }

  show(state) {
    this.state = state;
    const steering = ['paused', 'stopping'].includes(state.steering) && state.phase !== 'ended' ? state.steering : state.phase;
    put(this.phase, steering || '');
    put(this.progress, progressOf(state));
    const of = state.so_far, newest = state.interval;
    NUMBERS.forEach(([, read], i) => {
      put(this.numbers[i].big, read(of));
      put(this.numbers[i].newest, newest && state.phase !== 'ended' ? `now ${read(newest)}` : '\u00a0');
    });
    const target = of?.rate?.target ?? newest?.rate?.target;
    put(this.numbers[0].more, Number.isFinite(target) && target > 0 ? ` of ${whole(target)}/s asked for` : '');
    this.showVerdict(state.verdict, state.phase === 'ended');
    this.showAlerts(state.alerts);
  }

  showVerdict(verdict, over) {
    this.verdict.hidden = !verdict;
    if (!verdict) return;
    const checks = Array.isArray(verdict.checks) ? verdict.checks : [];
    this.verdict.className = `verdict verdict-${CLASSES[verdict.level] || 'none'}`;
    put(this.level, String(verdict.level));
    put(this.why, `${over ? '' : 'so far'}${checks.length > 0 ? `${over ? '' : ': '}${checks.map((check) => check.name).join(', ')}` : ''}`);
    const texts = checks.map((check) => `${check.name}: ${check.text}${check.advice ? ` \u2014 ${check.advice}` : ''}`);
    if ([...this.reasons.children].map((item) => item.textContent).join('\n') !== texts.join('\n'))
      this.reasons.replaceChildren(...texts.map((text) => element('li', {}, text)));
  }

  /** Those that fire, and those that are about to. */
  showAlerts(alerts) {
    const told = (Array.isArray(alerts) ? alerts : []).filter((alert) => ['firing', 'pending'].includes(alert.state));
    const texts = told.map((alert) => {
      const since = new Date(alert.since_ms ?? alert.since ?? NaN); /* of the state a number, of an event a text */
      const value = `${alert.at_least ? 'at least ' : ''}${number(alert.value)}${alert.unit ? ` ${alert.unit}` : ''}`;
      const server = alert.server ?? alert.labels?.server; /* that it is about, of several */
      return `${alert.alert} (${alert.severity || 'no severity'}) ${alert.state}${server ? ` on ${server}` : ''}` +
        `${Number.isNaN(since.getTime()) ? '' : ` since ${since.toLocaleTimeString('en-GB')}`}` +
        `${Number.isFinite(alert.value) ? `: ${value}` : ''}` +
        `${Number.isFinite(alert.threshold) ? `, limit ${number(alert.threshold)}` : ''}` +
        `${alert.summary ? `; ${alert.summary}` : ''}`;
    });
    this.alerts.hidden = texts.length === 0;
    if ([...this.alerts.children].map((item) => item.textContent).join('\n') !== texts.join('\n'))
      this.alerts.replaceChildren(...texts.map((text, i) => element('li', { class: told[i].state === 'firing' ? 'cut' : null }, text)));
  }
}
