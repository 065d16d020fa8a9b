// The panels of a page, below each other: drawn when they are seen, and again when what they show has changed.
import { answersOf } from './answers.js';
import { controlBar, listenToKeys, listenToPointer } from './controls.js';
import { element } from './dom.js';
import { panelsOf } from './model.js';
import { Group, PanelView } from './panel_view.js';
import { phaseTable } from './phases.js';
import { hideTooltip } from './tooltip.js';
import { listen, setTheme, setWindow, view } from './view.js';

/** Of many small panels, those that are far from what is seen give their memory back. */
const NEAR = '300px 0px', FAR = '2000px 0px';

export class Page {
  constructor(data, main) {
    this.data = data;
    this.main = main;
    this.views = [];
    this.observers = [];
    this.groups = new Map();
    this.waiting = false;
    this.bar = null;
    this.printing = false;
  }

  start() {
    window.addEventListener('beforeprint', () => this.print(true));
    window.addEventListener('afterprint', () => this.print(false));
    view.end = this.data.end;
    view.window = [0, view.end];
    this.shorten();
    if (this.data.results.length === 0) return;
    this.answers = answersOf(this.data.results);
    this.build(panelsOf(this.data));
    listen((what) => this.hear(what));
    document.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('scroll', hideTooltip, { passive: true });
  }

  /** No window is shorter than four rows. */
  shorten() {
    const steps = this.data.results.flatMap((result) => result.tables.map((table) => table.step)).filter((s) => s > 0);
    view.shortest = Math.min(view.end, 4 * Math.min(view.end / 4, ...steps));
  }

  /** In place of what there was. */
  build(sections) {
    for (const observer of this.observers) observer.disconnect();
    for (const panelView of this.views) panelView.dispose();
    this.observers = [];
    this.views = [];
    this.groups.clear();
    this.bar = controlBar(this.data.results);
    const nodes = sections.map((section) => this.section(section));
    if (nodes.length === 0) {
      this.main.replaceChildren();
      return;
    }
    this.main.replaceChildren(this.bar.node, ...nodes);
    this.watch();
  }

  section({ id, title, small, panels }) {
    const children = [element('h2', {}, title)];
    let grid = null, group = null;
    for (const panel of panels) {
      if (grid === null || panel.group !== group) {
        group = panel.group;
        if (group) children.push(this.group(group, panels.filter((other) => other.group === group)));
        grid = element('div', { class: small ? 'grid smalls' : 'grid' });
        children.push(grid);
      }
      grid.append(panel.kind === 'phases' ? phaseTable(panel) : this.add(panel));
    }
    return element('section', { id: `section-${id}`, class: 'panels' }, ...children);
  }

  group(title, panels) {
    const group = new Group(title, panels, this.switchedOff(title + panels[0].section), () => {
      for (const panelView of this.views) if (panelView.off === group.off) panelView.stale = true;
      this.draw();
    });
    this.groups.set(title + panels[0].section, group);
    return group.node;
  }

  add(panel) {
    const group = this.groups.get(panel.group + panel.section);
    const panelView = new PanelView(panel, group ? group.off : this.switchedOff(panel.id), () => {
      panelView.stale = true;
      this.draw();
    });
    listenToPointer(panelView, this.data.results);
    listenToKeys(panelView, this.data.results);
    this.views.push(panelView);
    return panelView.node;
  }

  /** Labels of lines that are not drawn. */
  switchedOff() {
    return new Set();
  }

  /** Draws what is seen, when it is seen, and again when its size has changed. */
  watch() {
    const of = new Map(this.views.map((panelView) => [panelView.node, panelView]));
    const near = new IntersectionObserver((entries) => {
      for (const entry of entries) of.get(entry.target).visible = entry.isIntersecting;
      this.draw();
    }, { rootMargin: NEAR });
    const far = new IntersectionObserver((entries) => {
      for (const entry of entries) if (!entry.isIntersecting && !this.printing) of.get(entry.target).dispose();
    }, { rootMargin: FAR });
    const size = new ResizeObserver((entries) => {
      if (this.printing) return;
      for (const entry of entries) of.get(entry.target.closest('.panel'))?.resize();
      this.later();
    });
    this.observers = [near, far, size];
    for (const panelView of this.views) {
      near.observe(panelView.node);
      size.observe(panelView.place);
      if (panelView.panel.small) far.observe(panelView.node);
    }
  }

  /** With the next frame, however often it is asked for until then. */
  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw(all) {
    for (const panelView of this.views) if (panelView.stale && (all || panelView.visible)) panelView.draw();
    this.tellReady();
  }

  tellReady() {
    if (document.documentElement.dataset.ready) return;
    document.documentElement.dataset.ready = 'true';
    performance.mark('volley-ready');
  }

  hear(what) {
    if (what === 'cursor') {
      for (const panelView of this.views) panelView.moveCursor();
      return;
    }
    if (what === 'rows' && this.answers) this.answers.mark();
    for (const panelView of this.views) panelView.stale = true;
    for (const group of this.groups.values()) group.paint();
    this.later();
  }

  key(event) {
    if (event.key !== 'f' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || !this.bar.select.isConnected) return;
    this.bar.select.focus();
    event.preventDefault();
  }

  /** Paper is white, and one column wide; all panels are on it. */
  print(begin) {
    if (this.printing === begin) return;
    this.printing = begin;
    document.documentElement.classList.toggle('printing', begin);
    if (begin) this.darkBefore = view.dark;
    setTheme(begin ? false : this.darkBefore);
    if (begin) this.opened = [...document.querySelectorAll('details:not([open])')];
    for (const details of this.opened) details.open = begin;
    for (const panelView of this.views) panelView.resize();
    this.draw(begin);
    if (begin) this.views.forEach((panelView) => panelView.flush());
  }

  /** What is drawn, as plain data: for tests, and for whoever is curious. */
  describe() {
    this.draw(true);
    return this.views.map(({ panel, drawn }) => ({ id: panel.id, title: panel.title, unit: drawn.unit,
      group: panel.group || null, ...describers[panel.kind](drawn) }));
  }
}

const number = (value) => (Number.isNaN(value) ? null : value);

/** Of a line, values of its first and last row in the unit of the data, and what is drawn in the window. */
function describeLine([line, summary]) {
  const last = line.table.count - 1;
  return { label: line.label, result: line.result.name, unit: line.column.unit, rows: line.table.count,
    first: number(line.column.high[0]), last: number(line.column.high[last]), ...summary };
}

const describers = {
  curve: ({ series, signs }) => ({ signs, series: series.map((one) => ({ label: one.label, result: one.result.name,
    points: one.dots.length, first: one.dots[0].y, last: one.dots[one.dots.length - 1].y,
    open: one.dots.filter((dot) => dot.open).length,
    held: one.dots.filter((dot) => dot.point.outcome === 'held').length })) }),
  time: ({ lines, names, cut }) => ({ names, cut, series: [...lines].map(describeLine) }),
  heat: ({ cells, most, height }) => ({ cells, most, bottom: height.min, top: height.max }),
  spectrum: ({ curves }) => ({ series: curves.map((curve) => ({ label: curve.label, result: curve.result.name,
    points: curve.points.length, first: curve.points[0].us, last: curve.points[curve.points.length - 1].us })) }),
  forest: ({ places, leftOut, signs }) => ({ signs, rows: places.map((place) => place.row.name), left_out: leftOut }),
  history: ({ shown, changes, signs }) => ({ signs, commits: shown.length, changes: changes.map((change) => change.place) }),
  runs: ({ row, counts }) => ({ row: row.name, counts }),
  matrix: ({ columns }) => ({ columns: columns.map(({ name, values }) => ({ name, ...values })) }),
  scatter: ({ shown }) => ({ points: shown.length, groups: [...new Set(shown.map((point) => point.group))] }),
};

/** For tests, and for whoever is curious: in a page, as window.volleyPage. */
export const handlesOf = (page) => ({
  describe: () => page.describe(),
  filters: () => (page.bar ? page.bar.names : []),
  filter: (name) => page.bar !== null && page.bar.filter(name),
  zoom: setWindow,
  window: () => [...view.window],
});
