// The report of what a live page holds, as one file: the same as volley writes, made in the browser, so that it can be had
// when the process is gone.
import { element } from './dom.js';
import { writeHeat } from './live_table.js';

const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";
const BASE64_BYTES = 0x6000; // a multiple of 3

async function packed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const parts = [];
  for (let i = 0; i < bytes.length; i += BASE64_BYTES) parts.push(btoa(String.fromCharCode(...bytes.subarray(i, i + BASE64_BYTES))));
  return parts.join('');
}

const plain = ({ span, under_way, of_run, place, ...item }) => item;

function dataOf(page) {
  return { schema: 'volley.page/1', kind: page.kind, title: page.title, results: page.results.map((result) => ({
    name: result.name, started_ms: result.startedMs, regions: result.regions.map(plain), marks: result.marks.map(plain),
    spectra: result.spectra, ratios_left_out: result.ratios_left_out || undefined, tables: result.tables.map((table) => table.write()),
    heat: result.heat ? writeHeat(result.heat) : undefined })) };
}

/** What is read without a script: what stands above the panels, without what is to be pressed. */
function headerOf(note) {
  const header = document.querySelector('header').cloneNode(true);
  for (const node of header.querySelectorAll('.live-control, .live-save, .said-live, .newest')) node.remove();
  for (const details of header.querySelectorAll('details')) details.open = true;
  header.querySelector('#live')?.removeAttribute('id');
  header.append(element('p', {}, note));
  return header.outerHTML;
}

/** The script stands in pages as it is, where its own tags have no place: neither the whole word is written here. */
const TAG = ['scr', 'ipt'].join('');
const opening = (attributes = '') => `<${TAG} ${attributes}>`;
const closing = `</${TAG}>`;

export async function reportOf(page, bundle, style, note) {
  const data = await packed(JSON.stringify(dataOf(page)));
  return new Blob(['<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">\n`, `<style>${style}</style>\n`,
    element('title', {}, page.title).outerHTML, '\n</head>\n<body>\n', headerOf(note),
    '\n<main id="panels"></main>\n<section id="tables"></section>\n', opening('id="data" type="text/plain"'), data,
    closing, '\n', opening(), bundle, closing, '\n</body>\n</html>\n'], { type: 'text/html' });
}

/** "volley-a-label.html" */
export function fileNameOf(title) {
  const name = title.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60);
  return name === '' || name.startsWith('volley') ? `${name || 'volley'}.html` : `volley-${name}.html`;
}

export function download(blob, name) {
  const link = element('a', { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
