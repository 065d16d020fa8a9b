// ECharts, and what all of volley's charts have in common: axes with ticks of our own, no animation, text that is drawn.
import { graphic, init, use } from 'echarts/core';
import { CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { CanvasRenderer } from 'echarts/renderers';
import { FONT, roomForNames, widthOf } from './frame.js';
import { axisNumber, multiples, niceStep } from './units.js';

use([CustomChart, LineChart, ScatterChart, GridComponent, CanvasRenderer]);

/** What joins points in pixels, x and y by turns; where y is not known is a gap. A series of ECharts for each
 * line costs twice as much. In an object, since ECharts copies arrays of a shape number by number. */
graphic.registerShape('through', graphic.extendShape({
  shape: { to: null },
  buildPath(path, { to: { points } }) {
    let joins = false;
    for (let i = 0; i < points.length; i += 2) {
      const y = points[i + 1];
      if (Number.isNaN(y)) joins = false;
      else if (joins) path.lineTo(points[i], y);
      else {
        path.moveTo(points[i], y);
        joins = true;
      }
    }
  },
}));

/** A chart in an element, as large as that is. */
export function chartIn(element) {
  return init(element, null, { renderer: 'canvas', devicePixelRatio: Math.max(window.devicePixelRatio || 1, 1) });
}

const MARGIN = { left: 48, right: 26, top: 8, bottom: 24 };
export const MARGIN_SMALL = { left: 44, right: 18, top: 6, bottom: 22 };

/** Of a panel over time, with room for the names of what happened. */
export const marginOf = (panel, result) => (panel.small ? MARGIN_SMALL : { ...MARGIN, top: roomForNames(result) });

/** Wider on the left where a number of the axis needs it, as 0.00002 s of a logarithmic one. */
export function withRoomFor({ values, format }, margin) {
  const least = Math.ceil(Math.max(...values.map((value) => widthOf(format(value))))) + 10;
  return least > margin.left ? { ...margin, left: least } : margin;
}

export function boxOf(element, margin) {
  return { x: margin.left, y: margin.top, width: Math.max(10, element.clientWidth - margin.left - margin.right),
    height: Math.max(10, element.clientHeight - margin.top - margin.bottom) };
}

export function baseOption(margin) {
  return { animation: false, backgroundColor: 'transparent', textStyle: { fontFamily: 'system-ui, sans-serif' },
    grid: { ...margin, containLabel: false, outerBoundsMode: 'none' }, series: [] };
}

export function axis(theme, { min, max, values, format, split, name }) {
  return {
    type: 'value', min, max, name: name || '', nameLocation: 'middle', nameGap: 24,
    nameTextStyle: { color: theme.muted, fontSize: 11 },
    axisLine: { show: !split, onZero: false, lineStyle: { color: theme.line } },
    axisTick: { show: !split, customValues: values, length: 3, lineStyle: { color: theme.line } },
    axisLabel: { customValues: values, formatter: format, color: theme.muted, font: FONT, fontSize: 11, hideOverlap: true,
      margin: split ? 6 : 9 }, // clear of the lowest label of the other axis
    splitLine: { show: split, lineStyle: { color: theme.line, width: 1 } },
    axisPointer: { show: false },
  };
}

const DECADES_LABELS = 6, LABELS_LEAST = 3;

/** Labels between two powers of ten: decades, or where they are few 1, 2, 5, 10 and so on. */
export function decades(min, max) {
  const values = multiples(min, max, Math.max(1, Math.ceil((max - min) / DECADES_LABELS)));
  if (values.length >= LABELS_LEAST) return values;
  return multiples(Math.floor(min), max, 1).flatMap((v) => [1, 2, 5].map((n) => v + Math.log10(n)))
    .filter((v) => v >= min - 1e-9 && v <= max + 1e-9);
}

/**
 * How values become heights: { min, max, values, to, from, format } of an axis between two values. Logarithmic heights are
 * powers of ten; what is below the axis lies at its bottom.
 */
export function heights(least, most, { log, fit, factor, lines, signed, whole, top = Infinity }) {
  if (!(most >= least)) [least, most] = [0, 1];
  if (log) {
    const floor = Math.max(least, most / 1e9, 1e-3);
    const min = Math.floor(Math.log10(floor) * 3) / 3;
    let max = Math.ceil(Math.log10(most) * 3 + 0.2) / 3;
    if (!(max > min)) max = min + 1;
    const shift = Math.log10(factor);
    return { min, max, values: decades(min, max), to: (v) => (v === null ? null : Math.max(min, Math.log10(Math.max(v, 1e-300)))),
      from: (h) => 10 ** h, format: (h) => axisNumber(10 ** (h - shift)) };
  }
  let [min, max] = [least / factor, most / factor];
  if (!fit && !signed) min = Math.min(0, min);
  if (signed) [min, max] = [Math.min(min, 0), Math.max(max, 0)];
  if (max === min) [min, max] = fit ? [min - Math.abs(min || 1) * 0.1, max + Math.abs(max || 1) * 0.1] : [min, min + 1];
  const step = Math.max(whole ? 1 : 0, niceStep((max - min) * 1.02, lines));
  min = min < 0 || fit ? Math.floor(min / step + 1e-9) * step : 0;
  max = Math.min(Math.ceil(max / step * 1.0001 - 1e-9) * step, top / factor);
  return { min, max, values: multiples(min, max, step), to: (v) => (v === null ? null : v / factor),
    from: (h) => h * factor, format: (h) => axisNumber(h, Math.max(Math.abs(min), Math.abs(max))) };
}

/** Points of stretches from [x1, y1] to [x2, y2], as `through` takes them. */
const stretches = (list) => Float32Array.from(list.flatMap(([x1, y1, x2, y2]) => [x1, y1, x2, y2, NaN, NaN]));

/** Axes of a panel over time, as shapes, since those of ECharts cost as much as all lines; x and y: { min, max, values, format }. */
export function axesShapes(theme, box, x, y) {
  const [bottom, right] = [Math.round(box.y + box.height) + 0.5, box.x + box.width];
  const across = (value) => Math.round(box.x + (value - x.min) / (x.max - x.min) * box.width) + 0.5;
  const up = (value) => Math.round(box.y + (y.max - value) / (y.max - y.min) * box.height) + 0.5;
  const style = { stroke: theme.line, fill: 'none', lineWidth: 1 };
  const line = (list) => ({ type: 'through', shape: { to: { points: stretches(list) } }, style });
  const label = (text, at, top, align, verticalAlign) => ({ type: 'text', x: at, y: top,
    style: { text, font: FONT, fill: theme.muted, align, verticalAlign } });
  let free = -Infinity;
  const along = x.values.map((value) => [x.format(value), across(value)]).filter(([text, at]) => {
    const half = widthOf(text) / 2;
    if (at - half < free) return false;
    free = at + half + 4;
    return true;
  });
  return [line(y.values.map((value) => [box.x, up(value), right, up(value)])),
    line([[box.x, bottom, right, bottom], ...x.values.map((value) => [across(value), bottom, across(value), bottom + 3])]),
    ...y.values.map((value) => label(y.format(value), box.x - 6, up(value), 'right', 'middle')),
    ...along.map(([text, at]) => label(text, at, bottom + 9, 'center', 'top'))];
}

/** A chart of shapes alone. */
export function drawShapes(chart, shapes) {
  chart.setOption({ animation: false, backgroundColor: 'transparent', series: [shapesSeries(shapes, 1)] }, { notMerge: true, silent: true });
}

/** Shapes of our own, in pixels, behind the lines: a series with one item, clipped to nothing. */
export function shapesSeries(shapes, z) {
  return { type: 'custom', coordinateSystem: 'none', data: [0], silent: true, z, animation: false, clip: false,
    renderItem: () => ({ type: 'group', $mergeChildren: false, children: shapes }) };
}
