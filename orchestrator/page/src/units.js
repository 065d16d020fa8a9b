// How numbers, times and units are written. Axes shorten; tooltips tell all that is known.

// Unit of the data, and what it is drawn in: the largest step that is not above the largest value. Memory is told in
// powers of 1024, as servers tell it; what goes over the network in powers of 1000.
const STEPS = {
  us: [[1, 'us'], [1e3, 'ms'], [1e6, 's']],
  s: [[1, 's']],
  bytes: [[1, 'bytes'], [2 ** 10, 'kB'], [2 ** 20, 'MB'], [2 ** 30, 'GB'], [2 ** 40, 'TB']],
  'bytes/s': [[1, 'bytes/s'], [1e3, 'kB/s'], [1e6, 'MB/s'], [1e9, 'GB/s']],
};

// Units that are told as another one: factor, unit.
const SAME = { ms: [1e3, 'us'], ns: [1e-3, 'us'] };

export function factorTo(from, to) {
  return SAME[from] && SAME[from][1] === to ? SAME[from][0] : 1;
}

/** { factor, text }: values of the unit are divided by factor, and are then in what text says. */
export function scaleOf(unit, largest) {
  let scale = { factor: 1, text: unit };
  for (const [factor, text] of STEPS[unit] || [])
    if (Math.abs(largest) >= factor) scale = { factor, text };
  return scale;
}

/** Of a logarithmic axis: the smallest step that has four digits at its top at most. */
export const scaleBetween = (unit, most) => scaleOf(unit, (STEPS[unit] || [[1]]).map(([factor]) => factor)
  .find((factor) => most / factor < 8e3) ?? most);

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** As in a tooltip or a table: four figures at least, separators, no zeros that say nothing. */
export function number(value) {
  if (!Number.isFinite(value)) return 'n/a';
  const size = Math.abs(value);
  if (size >= 1000 || Number.isInteger(value)) return grouped.format(value);
  const digits = size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
  return String(Number(value.toFixed(digits)));
}

/** Things that there are no halves of. */
export const isWhole = (unit) => ['keys', 'connections', 'requests'].includes(unit);

/** A value of this unit for people, in the step that fits it alone. */
export function quantity(value, unit) {
  const scale = scaleOf(unit, value);
  return `${number(value / scale.factor)} ${scale.text}`;
}

/** How long something took: from two minutes on in minutes, hours or days. */
export function lasting(seconds) {
  const [factor, word] = [[86400, 'days'], [3600, 'h'], [60, 'min']].find(([least]) => seconds >= 2 * least) || [];
  return factor ? `${Number((seconds / factor).toFixed(1))} ${word}` : quantity(seconds * 1e6, 'us');
}

const AXIS = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']];

/** As on an axis up to most: 12.3k where that is 10,000 or more, all in the same thousands. */
export function axisNumber(value, most = value) {
  if (value === 0) return '0';
  for (const [factor, letter] of AXIS)
    if (Math.abs(most) >= factor * (factor === 1e3 ? 10 : 2)) return Number((value / factor).toPrecision(4)) + letter;
  return Math.abs(value) >= 1000 ? grouped.format(value) : String(Number(value.toPrecision(4)));
}

/** mm:ss from the start, with hours when there are any and parts when the step is below a second. */
export function clockOf(seconds, step) {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
  const whole = Number(seconds.toFixed(digits));
  const sign = whole < 0 ? '-' : '';
  const all = Math.abs(whole);
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60;
  const rest = (all % 60).toFixed(digits).padStart(digits > 0 ? 3 + digits : 2, '0');
  const text = `${String(minutes).padStart(2, '0')}:${rest}`;
  return sign + (hours > 0 ? `${hours}:${text}` : text);
}

export function wallClock(milliseconds) {
  const at = new Date(milliseconds);
  const two = (n) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
    `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.` +
    String(at.getMilliseconds()).padStart(3, '0');
}

const TIME_STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600,
  900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

export function timeTicks(from, to, most) {
  const step = TIME_STEPS.find((s) => (to - from) / s <= most) || TIME_STEPS[TIME_STEPS.length - 1];
  return { step, values: multiples(from, to, step) };
}

export function niceStep(span, most) {
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999999);
}

export function multiples(from, to, step) {
  const values = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9 && values.length < 200; i++)
    values.push(Number((i * step).toPrecision(12)));
  return values;
}
