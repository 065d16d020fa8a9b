// The table of a comparison: sorted by what is pressed, filtered by what is chosen; the row that is chosen shows its runs.
import { ANSWERS } from './comparison.js';
import { element } from './dom.js';
import { chooseRow, showRows, view } from './view.js';

const COLUMNS = 9; // at least; of modes, which are alike in the last two on the left, fewer

const unique = (list) => [...new Set(list)];

/** What a column is sorted by; by its place from the left, or from the right. */
function sortersOf(columns) {
  const answers = Object.keys(ANSWERS);
  const numeric = (of) => (row) => { const value = Number(of(row)); return Number.isNaN(value) ? Infinity : value; };
  const left = [(row) => answers.indexOf(row.answer) + (Number.isNaN(row.change) ? 0.9 : 0.8 / (1 + Math.abs(row.change))),
    (row) => row.command, (row) => row.metric, numeric((row) => row.pipeline), numeric((row) => row.ioThreads)]
    .slice(0, columns < COLUMNS ? -2 : undefined);
  const right = [numeric((row) => row.sides[0].mean), numeric((row) => row.sides[1].mean), numeric((row) => row.change),
    numeric((row) => row.p)];
  return [...left, ...(columns > left.length + right.length ? [(row) => row.apart] : []), ...right];
}

const compare = (a, b) => (typeof a === 'string' ? a.localeCompare(b, 'en', { numeric: true }) : (a > b) - (a < b));

class Answers {
  constructor(comparison, table) {
    this.rows = comparison.rows;
    this.table = table;
    this.body = table.tBodies[0];
    this.nodes = [...this.body.rows];
    this.sorted = { column: -1, down: false };
    this.chosen = { answer: '', command: '', metric: '' };
    this.count = element('span', { class: 'muted', role: 'status' });
  }

  start() {
    const heads = [...this.table.tHead.rows[0].cells];
    this.sorters = sortersOf(heads.length);
    heads.forEach((head, column) => {
      const button = element('button', { type: 'button', title: 'sort by this' }, head.textContent);
      button.addEventListener('click', () => this.sortBy(column, heads));
      head.replaceChildren(button);
    });
    for (const node of this.nodes) {
      node.tabIndex = 0;
      const choose = () => chooseRow(this.rows[Number(node.dataset.row)]);
      node.addEventListener('click', choose);
      node.addEventListener('keydown', (event) => this.key(event, node, choose));
    }
    this.table.closest('.points').before(this.controls());
    this.show();
    this.mark();
  }

  key(event, node, choose) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') choose();
    else if (event.key === 'ArrowDown' && node.nextElementSibling) node.nextElementSibling.focus();
    else if (event.key === 'ArrowUp' && node.previousElementSibling) node.previousElementSibling.focus();
    else return;
    event.preventDefault();
  }

  controls() {
    const select = (of, label, entries) => {
      const node = element('select', { id: `answers-${of}` }, element('option', { value: '' }, 'all'),
        ...entries.map(([value, words]) => element('option', { value }, words)));
      node.addEventListener('change', () => {
        this.chosen[of] = node.value;
        this.show();
      });
      return entries.length > 1 ? element('label', {}, label, ' ', node) : null;
    };
    const answers = Object.keys(ANSWERS).filter((answer) => this.rows.some((row) => row.answer === answer));
    const plain = (list) => unique(list).map((value) => [value, value]);
    return element('div', { class: 'filters' },
      select('answer', 'Answer', answers.map((answer) => [answer, ANSWERS[answer].text])),
      select('command', 'Command', plain(this.rows.map((row) => row.command))),
      select('metric', 'Metric', plain(this.rows.map((row) => row.metric))), this.count);
  }

  sortBy(column, heads) {
    this.sorted = { column, down: this.sorted.column === column && !this.sorted.down };
    heads.forEach((head, i) => {
      if (i === column) head.setAttribute('aria-sort', this.sorted.down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    this.show();
  }

  /** Rows that are shown, in their order: in the table, and for the panels. */
  show() {
    const rows = this.rows.filter((row) => Object.entries(this.chosen).every(([of, value]) => value === '' || row[of] === value));
    const { column, down } = this.sorted;
    if (column >= 0) rows.sort((a, b) => (down ? -1 : 1) * compare(this.sorters[column](a), this.sorters[column](b)) || a.index - b.index);
    this.body.replaceChildren(...rows.map((row) => this.nodes[row.index]));
    this.count.textContent = `${rows.length} of ${this.rows.length} rows`;
    showRows(rows);
  }

  mark() {
    for (const node of this.nodes) node.setAttribute('aria-selected', String(this.rows[Number(node.dataset.row)] === view.chosen));
  }
}

/** null: the page has no such table. */
export function answersOf(results) {
  const result = results.find((one) => one.comparison);
  const table = document.getElementById('answers');
  if (!result || !table || table.tBodies.length === 0 || table.tBodies[0].rows.length !== result.comparison.rows.length) return null;
  const surest = result.comparison.rows.filter((row) => !Number.isNaN(row.surest)).sort((a, b) => a.surest - b.surest)[0];
  view.chosen = surest || result.comparison.rows[0];
  const answers = new Answers(result.comparison, table);
  answers.start();
  return answers;
}
