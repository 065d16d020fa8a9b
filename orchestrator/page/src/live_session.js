// What pages of something under way have in common: a snapshot first, then what is told as it happens (/events), each once; and what
// is said when volley does not answer, is there again, or is another one. When the process is gone the data stay.
import { element } from './dom.js';
import { logIn } from './live_control.js';

const SNAPSHOT_MS = 2000;      // no two within this
const RETRY_MS = 1000;         // until a snapshot is asked for again

export const clockNow = () => new Date().toLocaleTimeString('en-GB');

const aboutOf = (raw) => raw.live || raw;

/** Sentences above a page, each under a name of its own. */
class Said {
  constructor() {
    this.node = element('div', { class: 'said-live', role: 'status' });
    this.saying = new Map();
  }

  /** '': no more. */
  say(name, text, ...nodes) {
    if ((this.saying.get(name)?.text ?? '') === text) return;
    this.saying.get(name)?.node.remove();
    this.saying.delete(name);
    if (text === '') return;
    const node = element('p', { 'data-said': name }, text, ...nodes);
    this.saying.set(name, { text, node });
    this.node.append(node);
  }
}

/** Who extends it has replace(raw), which takes another snapshot. */
export class LiveSession {
  /** line: the paragraph of the page that tells of it; path: of the snapshot; words: what is said of events that it has `missed`, and
   * of what is still to be had when the connection is `lost`. */
  constructor(line, path, words) {
    Object.assign(this, { line, path, words });
    this.said = new Said();
    this.source = null;
    this.session = null;
    this.lost = 0;
    this.fetched = 0;
    this.waiting = null;
    this.over = false;
    this.snapshots = 0;
  }

  /** The first snapshot, when the token is the right one. */
  async begin() {
    let raw = await this.snapshot();
    while (raw === null) {
      await logIn(this.line);
      raw = await this.snapshot();
    }
    this.session = aboutOf(raw).session;
    return raw;
  }

  /** null: the token is missing. */
  async snapshot() {
    const answer = await fetch(this.path);
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    this.fetched = performance.now();
    this.snapshots++;
    return answer.json();
  }

  /** Anew, but not too often, and not before there is an answer: until then the page goes on with what it has. */
  renew() {
    if (this.waiting !== null || this.over) return;
    const wait = Math.max(0, this.fetched + SNAPSHOT_MS - performance.now());
    this.waiting = setTimeout(async () => {
      try {
        const raw = await this.snapshot();
        if (this.over) return;
        this.waiting = null;
        if (raw === null) throw new Error('the token is missing');
        if (aboutOf(raw).session !== this.session) this.other();
        else this.replace(raw);
      } catch (error) {
        if (this.over) return; // the process has gone since
        this.waiting = null;
        this.fetched = performance.now() - SNAPSHOT_MS + RETRY_MS;
        this.lose();
        this.renew();
      }
    }, wait);
  }

  /** Events from this number on; hears: what is done with each, by name. */
  listen(from, hears) {
    this.hush();
    const source = new EventSource(`/events?from=${from}`);
    const all = { ...hears, other: () => this.other(), gap: ({ from: first, first: kept }) => {
      this.said.say('gap', `At ${clockNow()} this page had missed ${kept - first} events that volley no longer keeps: ${this.words.missed}`);
      this.renew();
    } };
    this.source = source;
    for (const [name, action] of Object.entries(all))
      source.addEventListener(name, (event) => this.source === source && action(JSON.parse(event.data)));
    source.addEventListener('open', () => this.source === source && this.found());
    source.addEventListener('error', () => {
      if (this.source !== source || this.over) return;
      this.lose();
      if (source.readyState === EventSource.CLOSED) this.renew();
    });
  }

  hush() {
    this.source?.close();
    this.source = null;
  }

  // ---- Comings and goings. ----

  lose() {
    if (this.lost) return;
    this.lost = Date.now();
    this.said.say('connection', `The connection was lost at ${clockNow()}: what is shown here is from before. ` +
      `This page tries again, once a second; if volley has ended, ${this.words.lost}`);
  }

  found() {
    if (!this.lost) return;
    const seconds = Math.max(1, Math.round((Date.now() - this.lost) / 1000));
    this.lost = 0;
    this.said.say('connection', `The connection is back since ${clockNow()}: it was lost for ${seconds} s, and what went on meanwhile ` +
      'has been fetched.');
  }

  other() {
    if (this.over) return;
    this.finish();
    const look = element('button', { type: 'button' }, 'Look at it');
    look.addEventListener('click', () => window.location.reload());
    this.said.say('connection', '');
    this.said.say('end', `Since ${clockNow()} another session of volley listens at this address. What is shown here is of the one before, ` +
      'whose end this page did not see. ', look);
  }

  finish() {
    this.over = true;
    this.lost = 0;
    this.hush();
  }
}
