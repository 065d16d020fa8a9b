// Phases and their figures: a table whose cells are tinted, each figure on a scale of its own.
import { element } from './dom.js';
import { number, scaleOf } from './units.js';

function textOf(value, unit, scale) {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'n/a';
  return unit === 'bytes' ? number(value / scale.factor) : number(value);
}

function columnsOf(panel) {
  return panel.row.series.map(([label, name, unit]) => {
    const values = panel.regions.map((region) => region.figures[name]);
    const known = values.filter((value) => typeof value === 'number' && Number.isFinite(value));
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const scale = unit === 'bytes' ? scaleOf(unit, most) : { factor: 1, text: unit };
    return { label, unit, values, known, least, most, scale };
  }).filter((column) => column.known.length > 0 && !(column.least === 0 && column.most === 0));
}

export function phaseTable(panel) {
  const columns = columnsOf(panel);
  const head = element('tr', {}, element('th', { scope: 'col' }, 'phase'), ...columns.map((column) =>
    element('th', { scope: 'col', class: 'number' }, column.label, ' ', element('span', { class: 'unit' },
      column.scale.text === column.label ? '' : column.scale.text))));
  const rows = panel.regions.map((region, i) => element('tr', {}, element('th', { scope: 'row', title: region.name }, region.name),
    ...columns.map((column) => {
      const text = textOf(column.values[i], column.unit, column.scale);
      const cell = element('td', { class: text === 'n/a' ? 'number muted' : 'number heat' }, text);
      const differ = column.most - column.least > Math.abs(column.most) / 100;
      const part = differ ? (column.values[i] - column.least) / (column.most - column.least) : NaN;
      if (Number.isFinite(part)) cell.style.setProperty('--part', `${Math.round(part * 100)}%`);
      return cell;
    })));
  return element('figure', { class: 'panel wide', 'data-panel': panel.id, role: 'group', 'aria-label': panel.title },
    element('figcaption', {}, element('h3', {}, panel.title)),
    element('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': panel.title }, element('table', { class: 'phases' }, element('thead', {}, head),
      element('tbody', {}, ...rows))),
    element('p', { class: 'muted' }, 'Each column has a scale of its own: the strongest colour is its largest value. Those of the load are of the whole phase, those of samples are means.'));
}
