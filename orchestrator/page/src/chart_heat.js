// How many requests took how long, over time: darker is more.
import { axesShapes, boxOf, decades, drawShapes, heights, marginOf } from './chart.js';
import { timeAxis, timeScale } from './chart_time.js';
import { frameShapes } from './frame.js';
import { scaleBetween } from './units.js';

/** Cells as arrays, found once: by column, its cells. */
export function prepareHeat(heat) {
  if (heat.columns) return heat;
  const columns = heat.start.map(() => []);
  let top = 0, bottom = Infinity;
  for (let i = 0; i + 2 < heat.cells.length; i += 3) {
    const column = heat.cells[i], row = heat.cells[i + 1], count = heat.cells[i + 2];
    if (!columns[column] || !(count > 0) || row >= heat.top_us.length) continue;
    columns[column].push([row, count]);
    top = Math.max(top, row);
    bottom = Math.min(bottom, row);
  }
  heat.columns = columns;
  heat.rows = [Math.min(bottom, top), top];
  return heat;
}

export function edgesOf(heat, row) {
  const below = heat.top_us.length > 1 ? heat.top_us[1] / heat.top_us[0] : 2;
  return [row > 0 ? heat.top_us[row - 1] : heat.top_us[0] / below, heat.top_us[row]];
}

/** { cells, least, most }: requests per second by column of pixels and row: however many columns lie on a pixel, the picture is
 * as dark. */
function gather(heat, view, scale, box) {
  const width = Math.ceil(box.width);
  const grid = new Map();
  const seconds = new Float64Array(width + 1);
  heat.columns.forEach((cells, i) => {
    if (heat.end[i] < view.window[0] || heat.start[i] > view.window[1]) return;
    const middle = (heat.start[i] + heat.end[i]) / 2;
    if (view.spans !== null && !view.spans.some(([from, to]) => middle >= from && middle <= to)) return;
    const x0 = Math.max(0, Math.min(width, Math.floor(scale.at(heat.start[i]) - box.x)));
    const x1 = Math.min(width, Math.max(x0 + 1, Math.floor(scale.at(heat.end[i]) - box.x)));
    seconds[x0] += heat.end[i] - heat.start[i];
    for (const [row, count] of cells) {
      const key = row * 65536 + x0;
      const cell = grid.get(key);
      if (cell) {
        cell.count += count;
        cell.x1 = Math.max(cell.x1, x1);
      } else grid.set(key, { count, row, x0, x1 });
    }
  });
  const cells = [...grid.values()].filter((cell) => seconds[cell.x0] > 0);
  let least = Infinity, most = 0;
  for (const cell of cells) {
    cell.rate = cell.count / seconds[cell.x0];
    if (cell.rate < least) least = cell.rate;
    if (cell.rate > most) most = cell.rate;
  }
  return { cells, least, most };
}

const LIGHT = [[222, 235, 247], [86, 180, 233], [0, 114, 178], [8, 30, 58]];
const DARK = [[18, 44, 66], [0, 114, 178], [86, 180, 233], [250, 250, 235]];

/** [red, green, blue] of a part from 0, few, to 1, many. */
function heatParts(part, dark) {
  const stops = dark ? DARK : LIGHT;
  const place = Math.min(0.9999, Math.max(0, part)) * (stops.length - 1);
  const [a, b] = [stops[Math.floor(place)], stops[Math.floor(place) + 1]];
  return a.map((from, i) => Math.round(from + (b[i] - from) * (place % 1)));
}

export const heatColour = (part, dark) => `rgb(${heatParts(part, dark).join()})`;

const SHADES = 256;

/** A colour as a word in the order of the bytes of a picture. */
const wordOf = ([red, green, blue]) => new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0];

const shadesOf = (dark) => Uint32Array.from({ length: SHADES }, (_, i) => wordOf(heatParts(i / (SHADES - 1), dark)));
const SHADES_OF = { false: shadesOf(false), true: shadesOf(true) };

/** By pixels: tens of thousands of cells are too many for shapes. The canvas is kept with its panel. */
function picture(panel, heat, found, height, box, dark) {
  const ratio = window.devicePixelRatio || 1;
  const [width, tall] = [Math.ceil(box.width * ratio), Math.ceil(box.height * ratio)];
  if (!panel.sheet || panel.sheet.canvas.width !== width || panel.sheet.canvas.height !== tall) {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, tall];
    const context = canvas.getContext('2d');
    panel.sheet = { canvas, context, image: context.createImageData(width, tall) };
  }
  const { canvas, context, image } = panel.sheet;
  const words = new Uint32Array(image.data.buffer);
  words.fill(0);
  const shades = SHADES_OF[dark];
  const y = (us) => Math.round((height.max - height.to(us)) / (height.max - height.min) * canvas.height);
  const tops = Int32Array.from(heat.top_us, (_, row) => y(edgesOf(heat, row)[1]));
  const bottoms = Int32Array.from(heat.top_us, (_, row) => y(edgesOf(heat, row)[0]));
  const shade = (SHADES - 1) / (Math.log(found.most / found.least) || 1);
  for (const cell of found.cells) {
    const word = shades[Math.round(Math.log(cell.rate / found.least) * shade)];
    const left = Math.round(cell.x0 * ratio), right = Math.min(width, Math.round(cell.x1 * ratio));
    const top = tops[cell.row], end = Math.min(tall, Math.max(top + 1, bottoms[cell.row]));
    for (let line = Math.max(0, top); line < end; line++)
      for (let at = line * width + left; at < line * width + right; at++) words[at] = word;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export function drawHeat(chart, element, panel, view, theme) {
  const heat = prepareHeat(panel.heat);
  const heats = panel.heats.map(prepareHeat);
  const margin = marginOf(panel, panel.result);
  const box = boxOf(element, margin);
  const scale = timeScale(box, view.window);
  const least = Math.min(...heats.map((one) => edgesOf(one, one.rows[0])[0]));
  const most = Math.max(...heats.map((one) => edgesOf(one, one.rows[1])[1]));
  const unit = scaleBetween(panel.unit, most);
  const height = { ...heights(least, most, { log: true, factor: unit.factor }), min: Math.log10(least), max: Math.log10(most) };
  height.values = decades(height.min, height.max);
  height.to = (us) => Math.log10(us);
  const shown = heats.map((one) => gather(one, view, scale, box));
  const found = { cells: shown[heats.indexOf(heat)].cells, least: Math.min(...shown.map((one) => one.least)),
    most: Math.max(...shown.map((one) => one.most)) };
  const image = picture(panel, heat, found, height, box, view.dark);
  const ratio = window.devicePixelRatio || 1;
  drawShapes(chart, [...axesShapes(theme, box, timeAxis(view.window, box), height),
    ...frameShapes(panel.result, panel.row, scale.at, box, theme),
    { type: 'image', style: { image, x: box.x, y: box.y, width: image.width / ratio, height: image.height / ratio } }]);
  return { unit: unit.text, box, scale, height, least: found.least, most: found.most, cells: found.cells.length };
}
