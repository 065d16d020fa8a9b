// A panel in the page: its heading, its series as switches, its chart, drawn when it is seen.
import { chartIn } from './chart.js';
import { drawCurve } from './chart_curve.js';
import { drawForest } from './chart_forest.js';
import { drawHeat, heatColour } from './chart_heat.js';
import { CHANGES, drawHistory } from './chart_history.js';
import { drawMatrix } from './chart_matrix.js';
import { drawRuns } from './chart_runs.js';
import { drawScatter, prepareScatter } from './chart_scatter.js';
import { drawSpectrum, prepareSpectrum } from './chart_spectrum.js';
import { dashOf, drawTime } from './chart_time.js';
import { ANSWERS } from './comparison.js';
import { SIGNS } from './curve.js';
import { element } from './dom.js';
import { theme as readTheme } from './theme.js';
import { number } from './units.js';
import { view } from './view.js';

const DRAW = { curve: drawCurve, time: drawTime, heat: drawHeat, spectrum: drawSpectrum, scatter: drawScatter,
  forest: drawForest, runs: drawRuns, matrix: drawMatrix, history: drawHistory };

/** Panels whose signs are told below the heading, each as a sign and what it means. */
const TOLD = { curve: (sign) => SIGNS[sign], forest: (sign) => [ANSWERS[sign].sign, ANSWERS[sign].text],
  history: (sign) => [CHANGES[sign].sign, CHANGES[sign].text] };

/** Switches of a panel: [label, colour, whether it is drawn thin]. */
function switchesOf(panel) {
  if (panel.kind === 'time')
    return [...new Map(panel.lines.map((line) => [line.label, [line.label, line.colour, line.faint]])).values()];
  if (panel.kind === 'matrix') return panel.series.map((one) => [one.label, one.colour]);
  if (panel.kind === 'curve')
    return [...new Map(panel.series.map((one) => [one.label, [one.label, one.colour, one.faint]])).values()];
  if (panel.kind === 'spectrum')
    return [...new Map(prepareSpectrum(panel).map((curve) => [curve.label, [curve.label, curve.colour, curve.service]])).values()];
  if (panel.kind === 'scatter') {
    prepareScatter(panel);
    return [...panel.groups].map(([name, colour]) => [name, colour]);
  }
  return [];
}

/** Of a load test in both modes which line is of which; null: there is one. */
function modesOf(panel) {
  const results = panel.kind === 'curve' ? [...new Set(panel.series.map((one) => one.result))] : [];
  return results.length > 1 && results[0].curve.modes ? legendOfResults(results) : null;
}

function describe(panel) {
  const names = switchesOf(panel).map(([label]) => label);
  return `${panel.group ? `${panel.group}, ` : ''}${panel.title}${panel.unit ? `, in ${panel.unit}` : ''}` +
    `${names.length > 0 ? `: ${names.join(', ')}` : ''}`;
}

/** off: the labels that are switched off; changed: called when a switch was used. */
function switchOf([label, colour, faint], off, changed) {
  const swatch = element('i', { class: faint ? 'swatch thin' : 'swatch' });
  const button = element('button', { type: 'button', 'aria-pressed': String(!off.has(label)), title: `show or hide ${label}` }, swatch, label);
  button.swatch = [swatch, colour];
  button.addEventListener('click', () => {
    if (off.has(label)) off.delete(label);
    else off.add(label);
    button.setAttribute('aria-pressed', String(!off.has(label)));
    changed();
  });
  return button;
}

/** Only what has changed: whatever is touched is laid out again. */
function paintSwitches(legend, theme) {
  for (const { swatch } of legend.children) {
    const colour = swatch ? theme.colour(swatch[1]) : '';
    if (!swatch || swatch[2] === colour) continue;
    swatch[0].style.background = swatch[2] = colour;
  }
}

/** Small panels have their switches in common, beside the heading of their group. */
export class Group {
  /** off: the labels of lines that are not drawn. */
  constructor(title, panels, off, changed) {
    this.off = off;
    const entries = new Map(panels.flatMap(switchesOf).map((entry) => [entry[0], entry]));
    this.legend = element('div', { class: 'series' }, ...[...entries.values()].map((entry) =>
      switchOf(entry, this.off, changed)));
    this.node = element('div', { class: 'group' }, element('h3', {}, title), this.legend);
    this.paint();
  }

  paint() {
    paintSwitches(this.legend, readTheme());
  }
}

export class PanelView {
  /** off: the labels of lines that are not drawn; changed: called when a switch was used. */
  constructor(panel, off, changed) {
    this.panel = panel;
    this.off = off;
    this.changed = changed;
    this.chart = null;
    this.drawn = null;
    this.stale = true;
    this.visible = false; // or nearly
    this.seen = false;
    this.build();
  }

  build() {
    const { panel } = this;
    this.unit = element('span', { class: 'unit' }, panel.unit || '');
    const heading = element(panel.small ? 'h4' : 'h3', {}, panel.title, ' ', this.unit);
    this.legend = element('div', { class: 'series' }, ...(panel.small ? [] : switchesOf(panel)).map((entry) =>
      switchOf(entry, this.off, () => this.changed())));
    this.signs = element('div', { class: 'signs muted' });
    this.cursor = element('div', { class: 'cursor', hidden: '' });
    this.selection = element('div', { class: 'selection', hidden: '' });
    this.place = element('div', { class: 'chart' });
    this.plot = element('div', { class: 'plot' }, this.place, this.cursor, this.selection);
    this.node = element('figure', { class: `panel ${panel.kind}${panel.small ? ' small' : ''}${panel.wide ? ' wide' : ''}`, tabindex: '0', role: 'group',
      'aria-label': describe(panel), 'data-panel': panel.id },
    element('figcaption', {}, heading, panel.small ? null : this.legend, modesOf(panel), TOLD[panel.kind] ? this.signs : null),
    this.plot,
    panel.said ? element('p', { class: 'said' }, panel.said) : null);
  }

  get hasTime() {
    return this.panel.kind === 'time' || this.panel.kind === 'heat';
  }

  draw() {
    if (!this.chart) this.chart = chartIn(this.place);
    const theme = readTheme();
    this.drawn = DRAW[this.panel.kind](this.chart, this.place, this.panel, view, theme, this.off);
    if (this.unit.textContent !== this.drawn.unit) this.unit.textContent = this.drawn.unit;
    paintSwitches(this.legend, theme);
    if (this.panel.kind === 'heat') this.scaleOfHeat();
    const tell = TOLD[this.panel.kind];
    if (tell) this.signs.textContent = this.drawn.signs.map((sign) => tell(sign).join('\u00a0').replaceAll(' ', '\u00a0')).join('  ');
    this.stale = false;
    this.moveCursor();
  }

  /** Few and many, as colours. */
  scaleOfHeat() {
    const steps = [0, 0.25, 0.5, 0.75, 1].map((part) => {
      const swatch = element('i', { class: 'swatch' });
      swatch.style.background = heatColour(part, view.dark);
      return swatch;
    });
    const { least, most } = this.drawn;
    const round = (rate) => Number(rate.toPrecision(2));
    const told = `${round(least)} ${round(most)} ${view.dark}`;
    if (this.scaleTold === told) return;
    this.scaleTold = told;
    this.legend.replaceChildren(most > 0 ? element('span', { class: 'muted' }, `${number(round(least))} `, ...steps,
      ` ${number(round(most))} requests/s took so long`) : '');
  }

  /** Now, not with the next frame: before printing. */
  flush() {
    if (this.chart) this.chart.getZr().flush();
  }

  resize() {
    if (this.chart) this.chart.resize();
    this.stale = true;
  }

  dispose() {
    if (this.chart) this.chart.dispose();
    this.chart = null;
    this.drawn = null;
    this.stale = true;
  }

  /** Of a panel against load: the point that is chosen; null: none. */
  choose(point) {
    this.chosen = point;
    const place = point && this.drawn ? this.drawn.shown.find((one) => one.dot.point === point) : null;
    this.cursor.hidden = !place;
    if (place) this.placeCursor(place.x, this.drawn.box);
    return place;
  }

  placeCursor(x, box) {
    this.cursor.style.transform = `translateX(${x}px)`;
    this.cursor.style.top = `${box.y}px`;
    this.cursor.style.height = `${box.height}px`;
  }

  moveCursor() {
    if (!this.hasTime || !this.drawn) return;
    const { box, scale } = this.drawn;
    const x = view.cursor === null ? NaN : scale.at(view.cursor);
    const seen = x >= box.x - 0.5 && x <= box.x + box.width + 0.5;
    this.cursor.hidden = !seen;
    if (seen) this.placeCursor(x, box);
  }
}

/** Results as a legend of their own: which line is dashed. */
export function legendOfResults(results) {
  return element('div', { class: 'results' }, ...results.map((result) => {
    const dash = dashOf(result);
    const style = dash === 'solid' ? '' : Array.isArray(dash) && dash[0] > 2 ? 'dashed' : 'dotted';
    return element('span', {}, element('i', { class: `stroke ${style}` }), result.name);
  }));
}
