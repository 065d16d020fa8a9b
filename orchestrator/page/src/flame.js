// A flame graph, the root at the top: one row a call, as wide as the share of samples that are in it. What it is made of is
// kept in arrays, since there can be 200,000 frames; docs/design/pictures.md says what the data are.
import { element } from './dom.js';
import { FONT, widthOf } from './frame.js';
import { theme as readTheme } from './theme.js';
import { hideTooltip, showTooltip } from './tooltip.js';
import { number } from './units.js';
import { listen, setTheme, view } from './view.js';

const ROW = 19, TEXT_LEAST = 24, CRUMBS = 7;
const PAPER_ROW = 14, PAPER_HEIGHT = 900, TEXT_ROW = 12; // on paper all of it is on one sheet

/** The same in light and dark: black is read on all of them. */
const KINDS = {
  s: { name: 'server', colour: '#4fc3a1' },
  l: { name: 'library', colour: '#56b4e9' },
  k: { name: 'kernel', colour: '#e69f00' },
  u: { name: 'unknown', colour: '#b8bec4' },
};
const FOUND = '#f0e442';

/** Frames in the order of the data: callers in front of what they call. */
class Stacks {
  constructor(raw) {
    this.names = raw.names.map(String);
    this.name = Uint32Array.from(raw.name);
    this.depth = Uint16Array.from(raw.depth);
    this.self = Float64Array.from(raw.self);
    this.kinds = String(raw.kinds);
    this.count = this.name.length;
    this.total = Float64Array.from(this.self);
    this.parent = new Int32Array(this.count).fill(-1);
    this.end = new Uint32Array(this.count);   // behind the last frame below it
    this.start = new Float64Array(this.count); // samples to the left of it
    this.found = null;                        // of a search: how many frames in front of each match
    this.read();
  }

  read() {
    const path = [];
    for (let i = 0; i < this.count; i++) {
      while (path.length > this.depth[i]) this.end[path.pop()] = i;
      if (path.length > 0) this.parent[i] = path[path.length - 1];
      path.push(i);
    }
    for (const open of path) this.end[open] = this.count;
    for (let i = this.count - 1; i > 0; i--) this.total[this.parent[i]] += this.total[i];
    const used = new Float64Array(this.count);
    for (let i = 1; i < this.count; i++) {
      const parent = this.parent[i];
      this.start[i] = this.start[parent] + used[parent];
      used[parent] += this.total[i];
    }
  }

  nameOf(i) {
    return this.names[this.name[i]];
  }

  kindOf(i) {
    return i === 0 ? KINDS.u : KINDS[this.kinds[i]] || KINDS.u;
  }

  /** As in the table. */
  share(samples, of = 0) {
    return `${(samples / this.total[of] * 100).toFixed(2)} %`;
  }

  /** Frames whose name has the text, or is what stands in quotes; null: no search. Samples below another match count once. */
  search(text) {
    this.found = null;
    if (text === '') return null;
    const whole = text.length > 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : null;
    const part = text.toLowerCase();
    const wanted = this.names.map((name) => (whole === null ? name.toLowerCase().includes(part) : name === whole));
    this.found = new Uint32Array(this.count + 1);
    let [samples, behind] = [0, 0];
    for (let i = 0; i < this.count; i++) {
      const matches = i > 0 && wanted[this.name[i]];
      this.found[i + 1] = this.found[i] + matches;
      if (!matches || i < behind) continue;
      samples += this.total[i];
      behind = this.end[i];
    }
    return { frames: this.found[this.count], samples };
  }

  matches(from, to = from + 1) {
    return this.found !== null && this.found[to] > this.found[from];
  }
}

/** Rectangles below a frame in so many pixels: { node, row, x, width, count }. Neighbours that are narrower than a pixel are one. */
function layOut(stacks, root, width) {
  const list = [], scale = width / stacks.total[root];
  const base = stacks.depth[root];
  for (let i = root; i < stacks.end[root];) {
    const row = stacks.depth[i] - base, x = (stacks.start[i] - stacks.start[root]) * scale;
    const wide = stacks.total[i] * scale;
    if (wide >= 1) {
      list.push({ node: i, row, x, width: wide, count: 1, samples: stacks.total[i], end: i + 1 });
      i++;
      continue;
    }
    let [end, samples, count] = [i, 0, 0];
    while (end < stacks.end[root] && stacks.parent[end] === stacks.parent[i] && stacks.total[end] * scale < 1) {
      samples += stacks.total[end];
      count++;
      end = stacks.end[end];
    }
    list.push({ node: i, row, x, width: samples * scale, count, samples, end });
    i = end;
  }
  return list;
}

/** Cut to so many pixels. */
function shortened(text, room) {
  if (room < TEXT_LEAST) return '';
  let length = Math.min(text.length, Math.ceil(room / 2));
  if (length === text.length && widthOf(text) <= room) return text;
  while (length > 1 && widthOf(`${text.slice(0, length)}…`) > room) length = Math.floor(length * 0.92);
  return length > 1 ? `${text.slice(0, length)}…` : '';
}

export class FlameView {
  constructor(raw, title) {
    this.stacks = new Stacks(raw);
    this.title = title;
    this.root = 0;
    this.before = []; // what was shown before it
    this.boxes = [];
    this.rowHeight = ROW;
    this.at = 0;      // of the boxes: where the keyboard is
    this.result = null;
    this.printing = false;
    this.build();
    this.listen();
  }

  build() {
    const button = (label, hint, action) => {
      const node = element('button', { type: 'button', title: hint }, label);
      node.addEventListener('click', action);
      return node;
    };
    this.input = element('input', { type: 'search', id: 'flame-search', autocomplete: 'off', spellcheck: 'false' });
    this.matched = element('span', { class: 'muted', role: 'status', id: 'flame-matched' });
    this.crumbs = element('nav', { class: 'crumbs', 'aria-label': 'callers of what is shown' });
    this.canvas = element('canvas', {});
    this.plot = element('div', { class: 'flame-plot', tabindex: '0', role: 'application', 'data-panel': 'flame',
      'aria-label': 'Flame graph. Arrows go from frame to frame, Enter shows one alone, Escape goes back.' }, this.canvas);
    const present = Object.entries(KINDS).filter(([letter]) => this.stacks.kinds.indexOf(letter, 1) > 0);
    const legend = [...present.map(([, kind]) => [kind.colour, kind.name]), [FOUND, 'found']].map(([colour, name]) => {
      const swatch = element('i', { class: 'swatch' });
      swatch.style.background = colour;
      return element('span', {}, swatch, name);
    });
    this.node = element('section', { id: 'section-flame', class: 'panels flame' },
      element('h2', {}, 'Where the samples are'),
      element('div', { class: 'controls flame-controls' }, element('label', {}, 'Search ', this.input), this.matched,
        button('reset', 'all of it again', () => this.show(0)),
        button('light / dark', 'switch between light and dark', () => setTheme(!view.dark)),
        element('span', { class: 'muted hint' }, 'A click shows a frame alone. Keys: arrows, Enter, Escape')),
      element('div', { class: 'flame-head' }, this.crumbs, element('span', { class: 'flame-legend' }, ...legend)),
      this.plot,
      element('p', { class: 'said' }, 'Callers stand above what they call, the heaviest at the left; width is the share of ' +
        'samples, not time from left to right. Frames narrower than a pixel are drawn as one.'));
  }

  listen() {
    this.input.addEventListener('input', () => this.search(this.input.value.trim()));
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.find('');
    });
    this.plot.addEventListener('pointermove', (event) => {
      const box = this.boxAt(event);
      this.canvas.style.cursor = box ? 'pointer' : '';
      if (box) this.tell(box, event.clientX, event.clientY, false);
      else hideTooltip();
    });
    this.plot.addEventListener('pointerleave', hideTooltip);
    this.plot.addEventListener('blur', () => {
      hideTooltip();
      this.draw();
    });
    this.plot.addEventListener('focus', () => this.draw());
    this.plot.addEventListener('click', (event) => {
      const box = this.boxAt(event);
      if (box) this.enter(box);
    });
    this.plot.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('scroll', hideTooltip, { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.plot);
    listen((what) => {
      if (what === 'theme') this.draw();
    });
    for (const cell of document.querySelectorAll('#functions td.name')) {
      const name = cell.textContent;
      const find = element('button', { type: 'button', title: 'find it in the graph' }, name);
      find.addEventListener('click', () => this.find(`"${name}"`));
      cell.replaceChildren(find);
    }
  }

  find(text) {
    this.input.value = text;
    this.search(text);
  }

  search(text) {
    this.result = this.stacks.search(text);
    const { result } = this;
    this.matched.textContent = result === null ? '' : result.frames === 0 ? 'nothing is called so'
      : `${number(result.frames)} ${result.frames === 1 ? 'frame' : 'frames'}, ${this.stacks.share(result.samples)} of all samples`;
    this.draw();
  }

  boxAt(event) {
    const area = this.canvas.getBoundingClientRect();
    const [x, row] = [event.clientX - area.left, Math.floor((event.clientY - area.top) / this.rowHeight)];
    const within = (box) => box.row === row && x >= box.x && x < box.x + Math.max(1, box.width);
    return this.boxes.find(within) || null;
  }

  /** Of narrow ones their caller, or, where that is shown already, the heaviest of them. */
  enter(box) {
    const parent = this.stacks.parent[box.node];
    const node = box.count === 1 || parent === this.root ? box.node : parent;
    if (node !== this.root) this.show(node);
  }

  show(node, back) {
    if (!back && node !== this.root) this.before.push(this.root);
    this.root = node;
    this.at = 0;
    hideTooltip();
    this.plot.scrollTop = 0;
    this.drawCrumbs();
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = { Enter: () => this.enter(this.boxes[this.at]),
      Escape: () => this.before.length > 0 && this.show(this.before.pop(), true),
      0: () => this.show(0), Home: () => this.go(0),
      ArrowLeft: () => this.go(this.beside(-1)), ArrowRight: () => this.go(this.beside(1)),
      ArrowUp: () => this.go(this.boxes.findIndex((box) => box.node === this.stacks.parent[this.boxes[this.at].node])),
      ArrowDown: () => this.go(this.boxes.findIndex((box) => this.stacks.parent[box.node] === this.boxes[this.at].node &&
        this.boxes[this.at].count === 1)) };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  }

  /** The next box of the same row; -1: there is none. */
  beside(step) {
    const { row } = this.boxes[this.at];
    for (let i = this.at + step; i >= 0 && i < this.boxes.length; i += step) if (this.boxes[i].row === row) return i;
    return -1;
  }

  go(index) {
    if (index < 0) return;
    this.at = index;
    const box = this.boxes[index];
    const [top, height] = [box.row * ROW, this.plot.clientHeight];
    if (top < this.plot.scrollTop) this.plot.scrollTop = top;
    if (top + ROW > this.plot.scrollTop + height) this.plot.scrollTop = top + ROW - height;
    this.draw();
    const area = this.canvas.getBoundingClientRect();
    this.tell(box, area.left + box.x + Math.min(box.width, 40) / 2, area.top + top + ROW, true);
  }

  tell(box, x, y, spoken) {
    const { stacks } = this;
    const parent = stacks.parent[box.node];
    const kind = box.count === 1 ? stacks.kindOf(box.node) : KINDS.u;
    const rows = [[null, 'samples', number(box.samples)], [null, 'of all', stacks.share(box.samples)]];
    if (this.root > 0) rows.push([null, 'of what is shown', stacks.share(box.samples, this.root)]);
    if (parent >= 0) rows.push([null, 'of its caller', stacks.share(box.samples, parent)]);
    if (box.count === 1) rows.push([null, 'self', `${number(stacks.self[box.node])}, ${stacks.share(stacks.self[box.node])}`]);
    if (box.count === 1 && box.node > 0) rows.push([kind.colour, kind.name, '']);
    const head = box.count === 1 ? stacks.nameOf(box.node) : `${number(box.count)} frames that are narrower than a pixel`;
    showTooltip(x, y, [head], rows, [], spoken);
  }

  draw() {
    const width = Math.floor(this.plot.clientWidth);
    if (width < 2) return;
    const held = this.boxes[this.at];
    this.boxes = layOut(this.stacks, this.root, width);
    if (held && held.node !== this.boxes[this.at]?.node)
      this.at = Math.max(0, this.boxes.findIndex((box) => box.node === held.node));
    const rows = this.boxes.reduce((most, box) => Math.max(most, box.row + 1), 1);
    this.rowHeight = this.printing ? Math.min(PAPER_ROW, PAPER_HEIGHT / rows) : ROW;
    const height = Math.ceil(rows * this.rowHeight);
    const ratio = Math.min(this.printing ? 3 : window.devicePixelRatio || 1, 12000 / height);
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = this.canvas.getContext('2d');
    const colours = readTheme();
    context.scale(ratio, ratio);
    context.font = FONT;
    context.textBaseline = 'middle';
    for (const box of this.boxes) this.drawBox(context, box, colours);
    if (document.activeElement === this.plot) this.drawFocus(context, colours);
  }

  drawBox(context, box, colours) {
    const { stacks, rowHeight } = this;
    const found = box.count === 1 ? stacks.matches(box.node) : stacks.matches(box.node, box.end);
    const below = !found && this.result !== null;
    const y = box.row * rowHeight, width = Math.max(0.5, box.width - (box.width > 3 ? 1 : 0));
    context.globalAlpha = below ? 0.3 : 1;
    context.fillStyle = found ? FOUND : box.count > 1 ? colours.muted : stacks.kindOf(box.node).colour;
    context.fillRect(box.x, y, width, rowHeight - Math.min(1, rowHeight / 4));
    context.globalAlpha = 1;
    if (box.count > 1 || rowHeight < TEXT_ROW) return;
    const text = shortened(stacks.nameOf(box.node), width - 8);
    context.fillStyle = below ? colours.text : '#000000';
    if (text !== '') context.fillText(text, box.x + 4, y + rowHeight / 2);
  }

  drawFocus(context, colours) {
    const box = this.boxes[this.at];
    context.strokeStyle = colours.text;
    context.lineWidth = 2;
    context.strokeRect(box.x + 1, box.row * this.rowHeight + 1, Math.max(2, box.width - 3), this.rowHeight - 3);
  }

  /** The callers of what is shown; of many the nearest. */
  drawCrumbs() {
    const callers = [];
    for (let i = this.root; i >= 0; i = this.stacks.parent[i]) callers.unshift(i);
    const shown = callers.length > CRUMBS ? [callers[0], ...callers.slice(1 - CRUMBS)] : callers;
    const nodes = shown.map((node, i) => {
      const last = i === shown.length - 1;
      const crumb = element('button', { type: 'button', 'aria-current': last ? 'true' : null }, this.stacks.nameOf(node));
      crumb.addEventListener('click', () => this.show(node));
      return crumb;
    });
    const left = callers.length - shown.length;
    if (left > 0) nodes.splice(1, 0, element('span', { class: 'muted' }, `… ${left} more …`));
    this.crumbs.replaceChildren(...nodes);
  }

  print(begin) {
    if (this.printing === begin) return;
    this.printing = begin;
    document.documentElement.classList.toggle('printing', begin);
    if (begin) this.darkBefore = view.dark;
    setTheme(begin ? false : this.darkBefore);
    this.draw();
  }

  start(main) {
    document.documentElement.classList.add('flames');
    main.replaceChildren(this.node);
    this.drawCrumbs();
    window.addEventListener('beforeprint', () => this.print(true));
    window.addEventListener('afterprint', () => this.print(false));
    this.draw();
    document.documentElement.dataset.ready = 'true';
    performance.mark('volley-ready');
  }

  /** What is drawn, as plain data: for tests, and for whoever is curious. */
  describe() {
    const { stacks } = this;
    const tellBox = (box) => ({ name: box.count === 1 ? stacks.nameOf(box.node) : '', count: box.count, row: box.row,
      samples: box.samples, self: box.count === 1 ? stacks.self[box.node] : 0, kind: stacks.kindOf(box.node).name,
      x: box.x, width: box.width });
    return [{ id: 'flame', title: this.title, unit: 'samples', frames: stacks.count - 1, samples: stacks.total[0],
      shown: stacks.nameOf(this.root), at: this.boxes[this.at] ? stacks.nameOf(this.boxes[this.at].node) : null,
      boxes: this.boxes.length, matched: this.result, drawn: this.boxes.slice(0, 200).map(tellBox) }];
  }
}
