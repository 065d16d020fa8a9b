// Percentiles: the x axis goes by nines, each as wide as the one before.
import { axis, baseOption, boxOf, heights, MARGIN_SMALL } from './chart.js';
import { dashOf } from './chart_time.js';
import { BLUE, OTHERS, SKY } from './panels.js';
import { multiples, scaleBetween, scaleOf } from './units.js';

const nines = (percent) => -Math.log10(1 - percent / 100);

export const percentAt = (x) => 100 * (1 - 10 ** -x);

/** "99.9" of 3: as many nines as it takes. */
export function nineText(x) {
  if (x <= 0) return '0';
  return x <= 2 ? String(Number(percentAt(x).toFixed(0))) : `99.${'9'.repeat(Math.round(x) - 2)}`;
}

/** Colour by run, runs of one name alike; response stronger than service. */
function colourOf(curve, names) {
  if (names.length === 1) return curve.label === 'response' ? BLUE : SKY;
  return OTHERS[names.indexOf(curve.name) % OTHERS.length];
}

/** Curves with x, in nines; what is 100 percent stands where the last one before it stands. */
export function prepareSpectrum(panel) {
  if (panel.ready) return panel.ready;
  const names = [...new Set(panel.curves.map((curve) => curve.name))];
  const kinds = new Set(panel.curves.map((curve) => curve.label));
  panel.ready = panel.curves.map((curve) => {
    const finite = curve.points.filter(([percent]) => percent < 100);
    const last = finite.length > 0 ? nines(finite[finite.length - 1][0]) : 0;
    const points = curve.points.filter(([, us]) => us !== null).map(([percent, us]) =>
      ({ x: percent < 100 ? nines(percent) : last, us: Math.abs(us), open: us < 0, percent }));
    const label = names.length === 1 ? curve.label : kinds.size === 1 ? curve.name : `${curve.name} ${curve.label}`;
    return { ...curve, points, label, colour: colourOf(curve, names), service: kinds.size > 1 && curve.label === 'service' };
  });
  return panel.ready;
}

export function drawSpectrum(chart, element, panel, view, theme, off) {
  const margin = { ...MARGIN_SMALL, bottom: 36, top: 10, right: 22 };
  const box = boxOf(element, margin);
  const curves = prepareSpectrum(panel).filter((curve) => !off.has(curve.label));
  const all = curves.flatMap((curve) => curve.points);
  const values = all.map((point) => point.us).filter((us) => us > 0);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const medians = curves.map((curve) => curve.points.find((point) => point.percent >= 50)).filter((point) => point);
  const log = most > 50 * Math.min(...medians.map((point) => point.us));
  const unit = log ? scaleBetween(panel.unit, most) : scaleOf(panel.unit, most);
  const height = heights(least, most, { factor: unit.factor, lines: 5, log });
  const right = Math.max(1, ...all.map((point) => point.x));
  const option = baseOption(margin);
  option.xAxis = axis(theme, { min: 0, max: right, values: multiples(0, right, 1), format: nineText, split: false,
    name: 'percent of the requests' });
  option.yAxis = axis(theme, { ...height, split: true });
  option.series = curves.flatMap((curve) => {
    const colour = theme.colour(curve.colour);
    const common = { type: 'line', silent: true, showSymbol: false, animation: false, emphasis: { disabled: true } };
    const style = { color: colour, width: curve.service ? 1 : 2, opacity: curve.service ? 0.75 : 1 };
    const list = (keep) => curve.points.map((point, i) => [point.x, keep(point, i) ? height.to(point.us) : null]);
    const series = [{ ...common, data: list((point) => !point.open),
      lineStyle: { ...style, type: dashOf(curve.result) } }];
    if (curve.points.some((point) => point.open))
      series.push({ ...common, lineStyle: { ...style, type: [1, 3] },
        data: list((point, i) => point.open || (curve.points[i + 1] && curve.points[i + 1].open)) });
    return series;
  });
  chart.setOption(option, { notMerge: true, silent: true });
  return { unit: unit.text, box, right, curves };
}
