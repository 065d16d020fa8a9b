// What is drawn of a column in a window of time: as few points as show the same picture. The smallest and the largest of
// each pixel stay, and a gap stays a gap. Values below 0 of times are "at least so much": drawn open.

/** Rows [first, last) of a table that reach into [from, to], and a neighbour on each side. */
export function rowsWithin(table, from, to) {
  const first = Math.max(0, table.firstEnding(from) - 1);
  let last = table.firstEnding(to);
  while (last < table.count && table.start[last] <= to) last++;
  return [first, Math.min(table.count, last + 1)];
}

const inside = (spans, time) => spans === null || spans.some(([from, to]) => time >= from && time <= to);

class Points {
  constructor() {
    this.x = [];
    this.y = [];
    this.open = [];
    this.half = []; // of the row that it stands for
    this.anyOpen = false;
  }

  add(x, value, censors, half) {
    const open = censors && value < 0;
    this.x.push(x);
    this.half.push(half);
    this.y.push(open ? -value : value);
    this.open.push(open);
    if (open) this.anyOpen = true;
  }

  gap(x) {
    if (this.y.length > 0 && this.y[this.y.length - 1] !== null) {
      this.x.push(x);
      this.y.push(null);
      this.open.push(false);
      this.half.push(0);
    }
  }

  /** Smallest and largest of one place; the nearer one to the last point goes first. */
  pair(x, low, high, censors, half) {
    const last = this.y.length > 0 ? this.y[this.y.length - 1] : null;
    const [a, b] = [Math.abs(low), Math.abs(high)];
    if (low === high) this.add(x, low, censors, half);
    else if (last !== null && Math.abs(last - b) < Math.abs(last - a)) {
      this.add(x, high, censors, half);
      this.add(x, low, censors, half);
    } else {
      this.add(x, low, censors, half);
      this.add(x, high, censors, half);
    }
  }
}

const magnitude = (value, censors) => (censors ? Math.abs(value) : value);

function addRows(points, table, column, [first, last], spans, censors) {
  for (let i = first; i < last; i++) {
    if (table.gap[i]) points.gap(table.start[i]);
    if (Number.isNaN(column.low[i]) || !inside(spans, table.mid[i])) points.gap(table.mid[i]);
    else points.pair(table.mid[i], column.low[i], column.high[i], censors, (table.end[i] - table.start[i]) / 2);
  }
}

function addBuckets(points, table, column, [first, last], spans, censors, width) {
  let i = first;
  while (i < last) {
    const bucket = Math.floor(table.mid[i] / width);
    let low = NaN, high = NaN, lowAt = 0, highAt = 0, gap = false;
    if (table.gap[i]) points.gap(table.start[i]);
    for (const begin = i; i < last && Math.floor(table.mid[i] / width) === bucket; i++) {
      if (table.gap[i] && i > begin) gap = true;
      if (Number.isNaN(column.low[i]) || !inside(spans, table.mid[i])) {
        gap = true;
        continue;
      }
      if (!(magnitude(column.low[i], censors) >= magnitude(low, censors))) [low, lowAt] = [column.low[i], i];
      if (!(magnitude(column.high[i], censors) <= magnitude(high, censors))) [high, highAt] = [column.high[i], i];
    }
    const middle = (bucket + 0.5) * width;
    if (!Number.isNaN(low)) {
      if (lowAt < highAt) {
        points.add(middle - width / 4, low, censors, 0);
        points.add(middle + width / 4, high, censors, 0);
      } else if (highAt < lowAt) {
        points.add(middle - width / 4, high, censors, 0);
        points.add(middle + width / 4, low, censors, 0);
      } else points.pair(middle, low, high, censors, 0);
    }
    if (gap) points.gap(middle + width / 2);
  }
}

/** Points as x and y by turns, NaN where there is none. One between two gaps is no line: it gets the length of its row, that of a dot
 * at least. */
function widened({ x, y, half }, least, value) {
  const flat = [];
  for (let i = 0; i < y.length; i++) {
    const here = value(i);
    const alone = here !== null && (i === 0 || value(i - 1) === null) && (i + 1 === y.length || value(i + 1) === null);
    if (alone) {
      const reach = Math.max(half[i], least);
      flat.push(x[i] - reach, here, x[i] + reach, here);
    } else flat.push(x[i], here === null ? NaN : here);
  }
  return flat;
}

/**
 * { solid, open, hollow, points, gaps, least, most }: second and value by turns, NaN for none, of what was measured, and of what is
 * at least so much, joined to its neighbours, and alone; how many points and gaps; smallest and largest value in the window.
 */
export function thin(table, column, view, pixels) {
  const [from, to] = view.window;
  const censors = column.unit === 'us';
  const rows = rowsWithin(table, from, to);
  const width = (to - from) / Math.max(50, pixels);
  const points = new Points();
  if (rows[1] - rows[0] <= 2 * pixels) addRows(points, table, column, rows, view.spans, censors);
  else addBuckets(points, table, column, rows, view.spans, censors, width);

  const { x, y, open } = points;
  let least = Infinity, most = -Infinity, count = 0, gaps = 0;
  for (let i = 0; i < y.length; i++) {
    if (y[i] === null || (points.anyOpen && open[i])) gaps++;
    if (y[i] === null) continue;
    count++;
    if (y[i] < least) least = y[i];
    if (y[i] > most) most = y[i];
  }
  const dot = 1.5 * width;
  const thinned = { points: count, gaps, least, most };
  if (!points.anyOpen) return { ...thinned, solid: widened(points, dot, (i) => y[i]), open: null, hollow: [] };
  const near = (i) => open[i] || open[i - 1] || open[i + 1];
  return {
    ...thinned,
    solid: widened(points, dot, (i) => (open[i] ? null : y[i])),
    open: widened(points, dot, (i) => (near(i) ? y[i] : null)),
    hollow: x.flatMap((at, i) => (open[i] ? [at, y[i]] : [])),
  };
}
