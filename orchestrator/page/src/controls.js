// The bar above the panels, keys, and the pointer within a panel.
import { pointText } from './chart_curve.js';
import { rowText } from './chart_forest.js';
import { commitText } from './chart_history.js';
import { element } from './dom.js';
import { prepareSpectrum } from './chart_spectrum.js';
import { theme as readTheme } from './theme.js';
import { regionsOf } from './frame.js';
import { legendOfResults } from './panel_view.js';
import { heatRows, hideTooltip, instantText, showTooltip, spectrumRows, timeRows } from './tooltip.js';
import { clockOf, quantity } from './units.js';
import { chooseRow, filterBy, resetWindow, setCursor, setTheme, setWindow, view, zoom } from './view.js';

/** What can be looked at alone: phases, kinds of phases that there are several of, all that is measured. */
export function filtersOf(results) {
  const list = [{ name: '', label: 'the whole run', spans: null }];
  const { told, warmups } = regionsOf(results[0]);
  const span = (region) => region.span || [region.start, region.end]; // one that is under way keeps its own
  for (const region of told) {
    const same = told.filter((other) => other.name === region.name).length > 1;
    const label = same ? `${region.name}, ${clockOf(region.start, 1)}` : region.name;
    list.push({ name: label, label, spans: [span(region)] });
  }
  for (const type of new Set(told.map((region) => region.type).filter((name) => name))) {
    const regions = told.filter((region) => region.type === type);
    if (regions.length > 1 && regions.length < told.length)
      list.push({ name: `type ${type}`, label: `all of type ${type}`, spans: regions.map(span) });
  }
  if (warmups.length > 0) {
    const measured = results[0].regions.filter((region) => region.kind === 'run').map((region) => {
      const warmup = warmups.find((w) => w.start >= region.start - 1e-6 && w.end <= region.end + 1e-6);
      return [warmup ? warmup.end : region.start, region.end];
    });
    if (measured.length > 0) list.push({ name: 'measured', label: 'without warm-up', spans: measured });
  }
  return list;
}

function button(label, title, action) {
  const node = element('button', { type: 'button', title }, label);
  node.addEventListener('click', action);
  return node;
}

/** { node, select, names, filter }: the bar, and a function that filters by a name; false: nothing is called so. */
export function controlBar(results) {
  const filters = filtersOf(results);
  const select = element('select', { id: 'filter' }, ...filters.map((filter, i) =>
    element('option', { value: String(i) }, filter.label)));
  const filter = (name) => {
    const index = filters.findIndex((other) => other.name === name);
    if (index < 0) return false;
    select.value = String(index);
    filterBy(filters[index].name, filters[index].spans);
    return true;
  };
  select.addEventListener('change', () => filter(filters[Number(select.value)].name));
  const themes = button('light / dark', 'light or dark', () => setTheme(!view.dark));
  themes.setAttribute('aria-label', 'switch between light and dark');
  const compared = results.some((result) => result.comparison), past = results.some((result) => result.history);
  const timed = !past && (!compared || results.some((result) => result.tables.length > 0));
  const hints = [compared && 'A row of the table, or of the changes, that is pressed shows its runs.',
    past && 'Keys: Tab to a panel, arrows from commit to commit.',
    timed && `Drag within a panel ${compared ? 'over time ' : ''}to zoom. Keys: arrows, + − 0${filters.length > 1 ? ', f' : ''}`];
  const times = timed ? [filters.length > 1 ? element('label', {}, 'Show ', select) : null,
    button('−', 'zoom out (-)', () => zoom(2)), button('+', 'zoom in (+)', () => zoom(0.5)),
    button('reset zoom', 'all of what is shown (0)', resetWindow)] : [];
  const node = element('nav', { class: 'controls', 'aria-label': 'what the panels show' }, ...times, themes,
    element('span', { class: 'muted hint' }, hints.filter((hint) => hint).join(' ')),
    timed && results.length > 1 ? legendOfResults(results) : null);
  return { node, filter, select, names: filters.map((other) => other.name) };
}

// ---- Pointer. ----

const DRAG_LEAST = 4; // pixels

function tellTime(panelView, results, x, y, us, spoken) {
  const { panel, drawn, off } = panelView;
  const { scale, box } = drawn;
  const near = (scale.back(box.x + 3) - scale.back(box.x));
  const step = (view.window[1] - view.window[0]) / box.width;
  const { head, names } = instantText(panel.result ? [panel.result] : results, view.cursor, near, step);
  const rows = panel.kind === 'heat' ? heatRows(panel.heat, view.cursor, us)
    : timeRows(panel, view.cursor, readTheme(), off, results.length > 1);
  showTooltip(x, y, head, rows, names, spoken);
}

function hoverTime(panelView, results, event) {
  const { place, drawn, panel } = panelView;
  const area = place.getBoundingClientRect();
  const { box, scale } = drawn;
  const x = Math.min(box.x + box.width, Math.max(box.x, event.clientX - area.left));
  setCursor(Math.min(view.end, scale.back(x)));
  let us = null;
  if (panel.kind === 'heat') {
    const { min, max } = drawn.height;
    us = 10 ** (max - (event.clientY - area.top - box.y) / box.height * (max - min));
  }
  tellTime(panelView, results, event.clientX, event.clientY, us);
}

function hoverSpectrum(panelView, event) {
  const { place, drawn, panel, off } = panelView;
  const x = (event.clientX - place.getBoundingClientRect().left - drawn.box.x) / drawn.box.width * drawn.right;
  if (x < 0 || x > drawn.right) return hideTooltip();
  const curves = prepareSpectrum(panel).filter((curve) => !off.has(curve.label));
  const { head, rows } = spectrumRows(curves, x, readTheme());
  return showTooltip(event.clientX, event.clientY, head, rows);
}

function hoverScatter(panelView, event) {
  const { place, drawn, panel } = panelView;
  const area = place.getBoundingClientRect();
  const { box, horizontal, vertical } = drawn;
  let best = null, nearest = 12 ** 2;
  for (const point of drawn.shown) {
    const px = box.x + (horizontal.to(point.x) - horizontal.min) / (horizontal.max - horizontal.min) * box.width;
    const py = box.y + (vertical.max - vertical.to(point.y)) / (vertical.max - vertical.min) * box.height;
    const distance = (px - event.clientX + area.left) ** 2 + (py - event.clientY + area.top) ** 2;
    if (distance < nearest) [best, nearest] = [point, distance];
  }
  if (best === null) return hideTooltip();
  setCursor(best.time);
  const { x, y } = panel.pairs[0];
  const { head, names } = instantText([best.result], best.time, 0, 1);
  return showTooltip(event.clientX, event.clientY, head,
    [[null, y.title, quantity(best.y, y.unit)], [null, x.title, quantity(best.x, x.unit)]], names);
}

function tellPoint(panelView, point, x, y, spoken) {
  const { panel, drawn } = panelView;
  const { head, rows, names } = pointText(panel, point, drawn.series, readTheme());
  showTooltip(x, y, head, rows, names, spoken);
}

const NEAR = 30; // pixels

function hoverCurve(panelView, event) {
  const area = panelView.place.getBoundingClientRect();
  let best = null, nearest = NEAR ** 2;
  for (const place of panelView.drawn.shown) {
    const distance = (place.x - event.clientX + area.left) ** 2 + (place.y - event.clientY + area.top) ** 2;
    if (distance < nearest) [best, nearest] = [place, distance];
  }
  panelView.choose(best ? best.dot.point : null);
  if (best === null) return hideTooltip();
  return tellPoint(panelView, best.dot.point, event.clientX, event.clientY);
}

/** The next point in the direction, by load. */
function stepPoint(panelView, step) {
  const points = [...new Set([...panelView.drawn.shown].sort((a, b) => a.x - b.x).map((place) => place.dot.point))];
  if (points.length === 0) return;
  const at = points.indexOf(panelView.chosen);
  const index = at < 0 ? (step > 0 ? 0 : points.length - 1) : Math.max(0, Math.min(points.length - 1, at + step));
  const place = panelView.choose(points[index]);
  const area = panelView.place.getBoundingClientRect();
  tellPoint(panelView, points[index], area.left + place.x, area.top + 40, true);
}

// ---- Commits. ----

function tellCommit(panelView, place, x, y, spoken) {
  panelView.chosen = place;
  panelView.cursor.hidden = false;
  panelView.placeCursor(place.x, panelView.drawn.box);
  const { head, rows, names } = commitText(panelView.panel, place);
  showTooltip(x, y, head, rows, names, spoken);
}

function leaveCommits(panelView) {
  panelView.chosen = null;
  panelView.cursor.hidden = true;
}

function hoverHistory(panelView, event) {
  const x = event.clientX - panelView.place.getBoundingClientRect().left;
  const nearest = panelView.drawn.shown.reduce((best, place) =>
    (best === null || Math.abs(place.x - x) < Math.abs(best.x - x) ? place : best), null);
  tellCommit(panelView, nearest, event.clientX, event.clientY);
}

/** The next commit in the direction. */
function stepCommit(panelView, step) {
  const { shown } = panelView.drawn;
  const at = panelView.chosen ? panelView.chosen.i + step : step > 0 ? 0 : shown.length - 1;
  const place = shown[Math.max(0, Math.min(shown.length - 1, at))];
  const area = panelView.place.getBoundingClientRect();
  tellCommit(panelView, place, area.left + place.x, area.top + 40, true);
}

const placeAt = (panelView, y) => panelView.drawn.places.find((place) => y >= place.top && y < place.top + place.step);

function hoverForest(panelView, event) {
  const place = placeAt(panelView, event.clientY - panelView.place.getBoundingClientRect().top);
  if (!place) return hideTooltip();
  const { head, rows, names } = rowText(panelView.panel, place.row);
  return showTooltip(event.clientX, event.clientY, head, rows, names);
}

/** The next row in the direction; it is chosen, and told. */
function stepRow(panelView, step) {
  const { places } = panelView.drawn;
  const at = places.findIndex((place) => place.row === view.chosen);
  const place = places[at < 0 ? 0 : Math.max(0, Math.min(places.length - 1, at + step))];
  if (!place) return;
  chooseRow(place.row);
  const area = panelView.place.getBoundingClientRect();
  const { head, rows, names } = rowText(panelView.panel, place.row);
  showTooltip(area.left + 40, area.top + place.y, head, rows, names, true);
}

/** Hovering moves the cursor of all panels, dragging zooms, a double click shows everything again. */
export function listenToPointer(panelView, results) {
  const { plot, selection } = panelView;
  let from = null;
  const within = (event) => {
    const { box } = panelView.drawn;
    return Math.min(box.x + box.width, Math.max(box.x, event.clientX - plot.getBoundingClientRect().left));
  };
  plot.addEventListener('pointerdown', (event) => {
    if (!panelView.hasTime || !panelView.drawn || event.button !== 0) return;
    from = within(event);
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener('pointermove', (event) => {
    if (!panelView.drawn) return;
    if (panelView.panel.kind === 'runs' || panelView.panel.kind === 'matrix') return;
    if (panelView.panel.kind === 'forest') hoverForest(panelView, event);
    else if (panelView.panel.kind === 'history') hoverHistory(panelView, event);
    else if (panelView.panel.kind === 'curve') hoverCurve(panelView, event);
    else if (panelView.panel.kind === 'spectrum') hoverSpectrum(panelView, event);
    else if (panelView.panel.kind === 'scatter') hoverScatter(panelView, event);
    else hoverTime(panelView, results, event);
    if (from === null) return;
    const to = within(event);
    selection.hidden = Math.abs(to - from) < DRAG_LEAST;
    selection.style.left = `${Math.min(from, to)}px`;
    selection.style.width = `${Math.abs(to - from)}px`;
  });
  const end = (event) => {
    if (from === null) return;
    const ends = [from, within(event)].sort((a, b) => a - b).map((x) => panelView.drawn.scale.back(x));
    const dragged = !selection.hidden;
    from = null;
    selection.hidden = true;
    if (dragged && event.type === 'pointerup') setWindow(ends[0], ends[1]);
  };
  plot.addEventListener('click', (event) => {
    const place = panelView.panel.kind === 'forest' && panelView.drawn
      && placeAt(panelView, event.clientY - panelView.place.getBoundingClientRect().top);
    if (place) chooseRow(place.row);
  });
  plot.addEventListener('pointerup', end);
  plot.addEventListener('pointercancel', end);
  plot.addEventListener('dblclick', () => panelView.hasTime && resetWindow());
  plot.addEventListener('pointerleave', () => {
    hideTooltip();
    if (panelView.panel.kind === 'curve') panelView.choose(null);
    if (panelView.panel.kind === 'history') leaveCommits(panelView);
    setCursor(null);
  });
}

// ---- Keys. ----

/** The row beside the cursor, in the direction, of whatever the panel shows. */
function stepCursor(panelView, rows) {
  const table = panelView.panel.lines ? panelView.panel.lines[0].table : panelView.panel.heat;
  const mid = table.mid ? table.mid.subarray(0, table.count) : table.start.map((start, i) => (start + table.end[i]) / 2);
  const at = view.cursor === null ? (view.window[0] + view.window[1]) / 2 : view.cursor;
  let row = mid.findIndex((time) => time >= at - 1e-9);
  if (row < 0) row = mid.length - 1;
  if (view.cursor !== null) row = rows > 0 && mid[row] > at + 1e-9 ? row + rows - 1 : row + rows;
  setCursor(mid[Math.max(0, Math.min(mid.length - 1, row))], true);
}

/** Keys within a panel. A step is a row, or with shift a twentieth of the window. */
export function listenToKeys(panelView, results) {
  panelView.node.addEventListener('keydown', (event) => {
    if (event.target !== panelView.node || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (panelView.panel.kind === 'curve' && panelView.drawn && (key === 'ArrowLeft' || key === 'ArrowRight')) {
      stepPoint(panelView, key === 'ArrowLeft' ? -1 : 1);
      event.preventDefault();
      return;
    }
    if (panelView.panel.kind === 'history' && panelView.drawn && (key === 'ArrowLeft' || key === 'ArrowRight')) {
      stepCommit(panelView, key === 'ArrowLeft' ? -1 : 1);
      event.preventDefault();
      return;
    }
    if (panelView.panel.kind === 'forest' && panelView.drawn && (key === 'ArrowUp' || key === 'ArrowDown')) {
      stepRow(panelView, key === 'ArrowUp' ? -1 : 1);
      event.preventDefault();
      return;
    }
    if (key === '+' || key === '=') zoom(0.5);
    else if (key === '-') zoom(2);
    else if (key === '0') resetWindow();
    else if (key === 'Escape') setCursor(null);
    else if (panelView.hasTime && (key === 'ArrowLeft' || key === 'ArrowRight')) {
      const sign = key === 'ArrowLeft' ? -1 : 1;
      if (event.shiftKey) {
        const start = view.cursor === null ? view.window[0] : view.cursor;
        const to = start + sign * (view.window[1] - view.window[0]) / 20;
        setCursor(Math.max(0, Math.min(view.end, to)), true);
      } else stepCursor(panelView, sign);
    } else return;
    event.preventDefault();
    if (panelView.drawn && panelView.stale) panelView.draw();
    if (panelView.hasTime && panelView.drawn && view.cursor !== null) {
      const area = panelView.place.getBoundingClientRect();
      tellTime(panelView, results, area.left + panelView.drawn.scale.at(view.cursor), area.top + 40, null, true);
    } else hideTooltip();
  });
  panelView.node.addEventListener('blur', () => {
    hideTooltip();
    if (panelView.panel.kind === 'curve') panelView.choose(null);
    if (panelView.panel.kind === 'history') leaveCommits(panelView);
  });
}
