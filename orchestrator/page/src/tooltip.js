// What stands at the cursor, in words: one box for the whole page.
import { element } from './dom.js';
import { namesAt } from './frame.js';
import { edgesOf } from './chart_heat.js';
import { percentAt } from './chart_spectrum.js';
import { clockOf, number, quantity, wallClock } from './units.js';

const box = element('div', { class: 'tooltip', role: 'status', hidden: '' });

export function hideTooltip() {
  box.hidden = true;
}

/** Beside a point of the window, where there is room. rows: [swatch colour or null, label, value, ...]; spoken: also
 * to those who hear the page. */
export function showTooltip(x, y, head, rows, names = [], spoken = false) {
  box.setAttribute('aria-live', spoken ? 'polite' : 'off');
  if (!box.isConnected) document.body.append(box);
  box.replaceChildren(
    ...head.map((text) => element('div', { class: 'tooltip-head' }, text)),
    element('table', {}, ...rows.map(([colour, label, ...values]) => {
      const swatch = element('i', { class: 'swatch' });
      if (colour) swatch.style.background = colour;
      return element('tr', {}, element('td', {}, colour ? swatch : ''), element('td', {}, label),
        ...values.map((value) => element('td', { class: 'number' }, value)));
    })),
    ...names.map((text) => element('div', { class: 'tooltip-name' }, text)));
  box.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = box;
  const [right, bottom] = [document.documentElement.clientWidth, window.innerHeight];
  const left = x + 14 + width <= right ? x + 14 : x - 14 - width;
  box.style.left = `${Math.max(4, Math.min(left, right - width - 4))}px`;
  box.style.top = `${Math.max(4, Math.min(y + 14, bottom - height - 4))}px`;
}

/** "1.2 ms", ">= 1.2 ms", "0.9 ms to 1.4 ms": of a row. */
export function valueText(column, row, unit) {
  const tell = (value) => (unit === 'us' && value < 0 ? `>= ${quantity(-value, unit)}` : quantity(value, unit));
  const [low, high] = [column.low[row], column.high[row]];
  if (Number.isNaN(low)) return 'n/a';
  return low === high ? tell(low) : `${tell(low)} to ${tell(high)}`;
}

const NAMES_MAX = 6;

/** Heads and names of an instant: time from the start, wall clock, phases, marks. */
export function instantText(results, time, near, step) {
  const base = results[0];
  const head = [clockOf(time, Math.min(1, step))];
  if (base.startedMs) head.push(wallClock(base.startedMs + time * 1000));
  const names = [];
  for (const result of results) {
    const found = namesAt(result, time, near);
    const of = results.length > 1 ? `${result.name}: ` : '';
    names.push(...found.regions.map((region) => of + region.name),
      ...found.marks.map((mark) => `${of}${mark.source === 'outage' ? '' : `${mark.source}: `}${mark.text}` +
        (mark.end > mark.start ? `, ${quantity((mark.end - mark.start) * 1e6, 'us')}` : '') +
        (mark.ok === false && mark.cause ? `: ${mark.cause}` : '')));
  }
  if (names.length > NAMES_MAX) names.splice(NAMES_MAX, names.length, `and ${names.length - NAMES_MAX} more`);
  return { head, names };
}

export function timeRows(panel, time, theme, off, several) {
  return panel.lines.filter((line) => !off.has(line.label)).map((line) => {
    const row = line.table.rowAt(time);
    const label = several && !panel.signed ? `${line.label}, ${line.result.name}` : line.label;
    return [theme.colour(line.colour), label, row < 0 ? 'n/a' : valueText(line.column, row, panel.unit)];
  });
}

/** us: the height the pointer is at, or null: the column alone. */
export function heatRows(heat, time, us) {
  const column = heat.start.findIndex((start, i) => time >= start && time <= heat.end[i]);
  if (column < 0) return [[null, 'requests', 'n/a']];
  const cells = heat.columns[column];
  const rows = [[null, 'requests', number(cells.reduce((sum, cell) => sum + cell[1], 0))]];
  if (us === null) return rows;
  const row = heat.top_us.findIndex((top) => us <= top);
  if (row >= 0) {
    const found = cells.find((cell) => cell[0] === row);
    rows.push([null, edgesOf(heat, row).map((edge) => quantity(edge, 'us')).join(' to '), number(found ? found[1] : 0)]);
  }
  return rows;
}

export function spectrumRows(curves, x, theme) {
  const nearest = (curve) => curve.points.reduce((best, point) =>
    (best === null || Math.abs(point.x - x) < Math.abs(best.x - x) ? point : best), null);
  return { head: [`${number(percentAt(x))} percent`], rows: curves.map((curve) => {
    const point = nearest(curve);
    return [theme.colour(curve.colour), `${curve.label}, ${Number(point.percent.toFixed(5))} %`,
      (point.open ? '>= ' : '') + quantity(point.us, 'us')];
  }) };
}
