// The latency matrix of two modes: a line for each of its columns, a dot for each percentile.
import { axis, baseOption, boxOf, heights, shapesSeries } from './chart.js';
import { FONT, widthOf } from './frame.js';
import { scaleBetween, scaleOf } from './units.js';

const ROW = 26, ROW_NARROW = 40, NARROW = 520; // pixels: below so much a name stands above its line
const FAR_APART = 50;

function lineShapes(values, at, y, colours, theme) {
  const known = values.map(([, us]) => at(us));
  const shapes = [{ type: 'line', silent: true, shape: { x1: Math.min(...known), x2: Math.max(...known), y1: y, y2: y },
    style: { stroke: theme.muted, lineWidth: 1 } }];
  for (const [name, us] of values) shapes.push({ type: 'circle', silent: true, shape: { cx: at(us), cy: y, r: 5 },
    style: { fill: theme.colour(colours.get(name)), stroke: theme.ground, lineWidth: 0.5 } });
  return shapes;
}

/** { unit, box, columns }. */
export function drawMatrix(chart, element, panel, view, theme, off) {
  const { matrix } = panel.comparison;
  const narrow = element.clientWidth < NARROW;
  const names = narrow ? 0 : Math.max(...matrix.map((column) => widthOf(column.name)));
  const margin = { left: narrow ? 20 : names + 22, right: 24, top: 6, bottom: 26 };
  const height = `${Math.max(3, matrix.length) * (narrow ? ROW_NARROW : ROW) + margin.top + margin.bottom}px`;
  if (element.parentNode.style.height !== height) {
    element.parentNode.style.height = height;
    chart.resize();
  }
  const box = boxOf(element, margin);
  const colours = new Map(panel.series.filter((one) => !off.has(one.label)).map((one) => [one.label, one.colour]));
  const shown = matrix.map((column) => ({ ...column,
    known: Object.entries(column.values).filter(([name, us]) => colours.has(name) && us > 0) }));
  const all = shown.flatMap((column) => column.known.map(([, us]) => us));
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const log = most > FAR_APART * least;
  const scale = log ? scaleBetween(panel.unit, most) : scaleOf(panel.unit, Math.max(most, 0));
  const across = heights(log ? least : 0, most, { log, factor: scale.factor, lines: Math.max(2, Math.floor(box.width / 80)) });
  const at = (us) => box.x + (across.to(us) - across.min) / (across.max - across.min) * box.width;
  const step = box.height / matrix.length;
  const shapes = shown.flatMap(({ name, known }, i) => {
    const y = box.y + (i + (narrow ? 0.7 : 0.5)) * step;
    return [{ type: 'text', silent: true, x: narrow ? box.x : box.x - 14, y: narrow ? box.y + i * step + 9 : y,
      style: { text: name, font: FONT, fill: theme.text, align: narrow ? 'left' : 'right', verticalAlign: 'middle' } },
    ...(known.length > 0 ? lineShapes(known, at, y, colours, theme) : [])];
  });
  const option = baseOption(margin);
  option.xAxis = axis(theme, { ...across, split: true });
  option.yAxis = { type: 'value', min: 0, max: 1, show: false };
  option.series = [shapesSeries(shapes, 3)];
  chart.setOption(option, { notMerge: true, silent: true });
  return { unit: log ? `${scale.text}, logarithmic` : scale.text, box, columns: matrix };
}
