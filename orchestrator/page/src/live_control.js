// Buttons that steer a run under way, as the control socket does: there where the run was begun with --allow-control.
import { element } from './dom.js';

const SURE_MS = 5000; // for as long, a second press means it
const FACTORS = { '': 1, k: 1e3, m: 1e6 };

/** Answers of JSON; throws what to tell. */
export async function post(path, body) {
  const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(String(told.error || `status ${answer.status}`));
  return told;
}

/** "20k": 20000; NaN: it is none. */
export function rateOf(text) {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([km]?)\s*$/i.exec(text);
  return match ? Number(match[1]) * FACTORS[match[2].toLowerCase()] : NaN;
}

function form(label, attributes, action, send) {
  const field = element('input', { ...attributes, 'aria-label': label });
  const node = element('form', {}, field, element('button', { type: 'submit' }, action));
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    send(field);
  });
  return node;
}

export class Control {
  constructor() {
    this.paused = false;
    this.told = element('output', { 'aria-live': 'polite' });
    this.pause = element('button', { type: 'button', 'data-does': 'pause' }, 'Pause');
    this.stop = element('button', { type: 'button', 'data-does': 'stop' }, 'Stop');
    this.pause.addEventListener('click', () => this.send({ pause: !this.paused }, this.paused ? 'resumed' : 'paused'));
    this.stop.addEventListener('click', () => this.askToStop());
    const rate = form('rate, requests per second', { name: 'rate', inputmode: 'decimal', size: '8', placeholder: 'rate', autocomplete: 'off' },
      'Set rate', (field) => this.setRate(field));
    const note = form('note', { name: 'note', size: '16', maxlength: '200', placeholder: 'note', autocomplete: 'off' }, 'Add note', (field) => this.note(field));
    this.node = element('div', { class: 'live-control', role: 'group', 'aria-label': 'steer the run' }, this.pause, rate, note, this.stop,
      this.told);
  }

  async send(command, done) {
    try {
      await post('/api/control', command);
      this.told.textContent = done;
      return true;
    } catch (error) {
      this.told.textContent = `not done: ${error.message}`;
      return false;
    }
  }

  async setRate(field) {
    const rate = rateOf(field.value);
    if (!(rate > 0)) this.told.textContent = 'not done: the rate has to be a number above 0, such as 500, 20k or 1.5m';
    else await this.send({ rate }, `the rate is ${field.value.trim()} requests per second`);
  }

  async note(field) {
    if (field.value.trim() === '') return;
    if (await this.send({ note: field.value }, 'noted')) field.value = '';
  }

  askToStop() {
    if (this.asked && performance.now() - this.asked < SURE_MS) {
      this.asked = 0;
      this.stop.textContent = 'Stop';
      this.send({ stop: true }, 'the run stops, with its report');
      return;
    }
    this.asked = performance.now();
    this.stop.textContent = 'Really stop?';
    setTimeout(() => {
      if (this.asked && performance.now() - this.asked >= SURE_MS - 50) this.stop.textContent = 'Stop';
    }, SURE_MS);
  }

  show(state) {
    this.paused = state.steering === 'paused';
    const text = this.paused ? 'Resume' : 'Pause';
    if (this.pause.textContent !== text) this.pause.textContent = text;
  }

  end() {
    for (const part of this.node.querySelectorAll('button, input')) part.disabled = true;
  }
}

/** Asks for the token until it is the right one. */
export function logIn(place) {
  return new Promise((resolve) => {
    const field = element('input', { type: 'password', autocomplete: 'off', 'aria-label': 'token', name: 'token' });
    const told = element('output', { 'aria-live': 'polite' });
    const node = element('form', { class: 'live-login' }, element('label', {}, 'Token, as in the file of --listen-token: ', field), ' ',
      element('button', { type: 'submit' }, 'Open'), ' ', told);
    node.addEventListener('submit', async (event) => {
      event.preventDefault();
      try {
        await post('/api/login', { token: field.value });
        node.remove();
        resolve();
      } catch (error) {
        told.textContent = error.message;
        field.select();
      }
    });
    place.replaceChildren(node);
    field.focus();
  });
}
