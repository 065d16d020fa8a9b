// Opens a page of volley in Chromium, and tells what is drawn in it, as JSON on one line.
//
//   node check_page.js FILE [--filter PHASE] [--zoom SECONDS SECONDS] [--width PIXELS] [--dark] [--print]
//                           [--keys PANEL KEYS] [--choose SELECTOR VALUE] [--press SELECTOR] [--type SELECTOR TEXT] [--plain] [--whole] [--screenshot FILE]
//
//   --filter      choose a phase, as the list of the page has it
//   --zoom        show that part of the time
//   --keys        go to the panel of this identifier, and press keys, separated by commas
//   --choose      choose an entry of a list, --press an element, after that; once each
//   --type        before the keys: write into a field
//   --print       lay it out for paper
//   --plain       with scripts blocked: prints {"text"} alone
//   --whole       the screenshot is of all of the page, with all panels drawn
//
// {"ready_ms","title","filters","window","focus","tooltip","wide","unmarked","folded","panels":[{"id","title","unit","group","series":[...]}]}, of a panel over time also names,
// what stands above it, of points groups
// unmarked: boxes that scroll, and do not look so, or cannot be scrolled by keys; folded: parts that are closed; ready_ms: from opening to the first panels; wide: pixels that stand out to the right of the window; tooltip: what stands at
// the cursor; of a series over time: rows, first, last (of its data), points, gaps, open, least, most (as drawn).
// Exit 1 when the console has an error, something was asked of the network, or what was asked for here cannot be done.
// Modules come from the directory that VOLLEY_JS names (default build/js); VOLLEY_CHROMIUM names the browser.
'use strict';

const path = require('path');
const { createRequire } = require('module');
const { pathToFileURL } = require('url');

const modules = path.resolve(process.env.VOLLEY_JS || 'build/js');
const { chromium } = createRequire(path.join(modules, 'package.json'))('playwright-core');

function argumentsOf(list) {
  const asked = { width: 1280, zoom: null };
  const values = { '--filter': 'filter', '--screenshot': 'screenshot', '--width': 'width', '--press': 'press' };
  const flags = { '--dark': 'dark', '--print': 'print', '--plain': 'plain', '--whole': 'whole' };
  for (let i = 0; i < list.length; i++) {
    const word = list[i];
    if (values[word] && i + 1 < list.length) asked[values[word]] = list[++i];
    else if (word === '--zoom' && i + 2 < list.length) asked.zoom = [Number(list[++i]), Number(list[++i])];
    else if (word === '--keys' && i + 2 < list.length) asked.keys = [list[++i], list[++i]];
    else if (word === '--type' && i + 2 < list.length) asked.type = [list[++i], list[++i]];
    else if (word === '--choose' && i + 2 < list.length) asked.choose = [list[++i], list[++i]];
    else if (flags[word]) asked[flags[word]] = true;
    else if (!asked.file && !word.startsWith('--')) asked.file = word;
    else throw new Error(`${word}: not understood`);
  }
  if (!asked.file) throw new Error('which FILE?');
  return asked;
}

/** Whatever must not happen, as text, while the page is open. */
function complaintsOf(page, file) {
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== file && !/^(data|blob):/.test(request.url())) complaints.push(`request: ${request.url()}`);
  });
  return complaints;
}

async function look(page, asked) {
  const begin = process.hrtime.bigint();
  await page.goto(pathToFileURL(path.resolve(asked.file)).href);
  if (asked.plain) return { text: await page.evaluate(() => document.body.innerText) };
  await page.waitForFunction(() => window.volleyPage !== undefined || document.querySelector('.failed') !== null, null,
    { polling: 20 });
  const failed = await page.evaluate(() => document.querySelector('.failed')?.textContent);
  if (failed) throw new Error(failed);
  const drawn = await page.evaluate(() => volleyPage.describe().length > 0);
  if (drawn) await page.waitForFunction(() => document.documentElement.dataset.ready === 'true', null, { polling: 20 });
  const ready_ms = await page.evaluate(() => performance.getEntriesByName('volley-ready')[0]?.startTime ?? null);
  if (asked.filter !== undefined && !(await page.evaluate((name) => volleyPage.filter(name), asked.filter)))
    throw new Error(`--filter ${asked.filter}: the page has ${await page.evaluate(() => volleyPage.filters().join(', '))}`);
  if (asked.zoom) await page.evaluate(([from, to]) => volleyPage.zoom(from, to), asked.zoom);
  if (asked.type) await page.fill(asked.type[0], asked.type[1], { timeout: 5000 });
  if (asked.keys) {
    const found = await page.evaluate((id) => {
      const panel = [...document.querySelectorAll('[data-panel]')].find((node) => node.dataset.panel === id);
      panel?.focus();
      return panel !== undefined;
    }, asked.keys[0]);
    if (!found) throw new Error(`--keys ${asked.keys[0]}: the page has no such panel`);
    for (const key of asked.keys[1].split(',')) await page.keyboard.press(key);
    // What a key shows is drawn in a frame that follows; keys that show nothing wait for this limit.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    await page.waitForSelector('.tooltip:not([hidden])', { timeout: 1500 }).catch(() => {});
  }
  if (asked.choose) await page.selectOption(asked.choose[0], asked.choose[1], { timeout: 5000 });
  if (asked.press) await page.click(asked.press, { timeout: 5000 });
  if (asked.print) await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
  const told = await page.evaluate(() => ({ folded: document.querySelectorAll('details:not([open])').length, filters: volleyPage.filters(), window: volleyPage.window(),
    panels: volleyPage.describe(), title: document.title,
    focus: document.activeElement.id, tooltip: document.querySelector('.tooltip:not([hidden])')?.innerText ?? null,
    unmarked: [...document.querySelectorAll('body *')].filter((node) => {
      const style = getComputedStyle(node);
      return /auto|scroll/.test(style.overflowX) && node.scrollWidth > node.clientWidth && (node.tabIndex < 0 || style.backgroundImage === 'none');
    }).length,
    wide: Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth) }));
  return { ready_ms: ready_ms === null ? null : Math.round(ready_ms), took_ms: Number((process.hrtime.bigint() - begin) / 1000000n),
    ...told };
}

async function shoot(page, asked) {
  if (asked.print) await page.emulateMedia({ media: 'print' });
  if (asked.whole) await page.setViewportSize({ width: Number(asked.width),
    height: Math.min(16000, await page.evaluate(() => document.documentElement.scrollHeight)) });
  if (!asked.plain) await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  if (asked.screenshot.endsWith('.pdf')) await page.pdf({ path: asked.screenshot, format: 'A4' });
  else await page.screenshot({ path: asked.screenshot, fullPage: asked.whole === true });
}

async function main() {
  const asked = argumentsOf(process.argv.slice(2));
  const browser = await chromium.launch({ executablePath: process.env.VOLLEY_CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const context = await browser.newContext({ viewport: { width: Number(asked.width), height: 900 },
      colorScheme: asked.dark ? 'dark' : 'light', javaScriptEnabled: !asked.plain });
    const page = await context.newPage();
    const complaints = complaintsOf(page, pathToFileURL(path.resolve(asked.file)).href);
    const told = await look(page, asked);
    if (asked.screenshot) await shoot(page, asked);
    console.log(JSON.stringify(told));
    for (const complaint of complaints) console.error(`${asked.file}: ${complaint}`);
    process.exitCode = complaints.length > 0 ? 1 : 0;
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(String(error.message || error));
  process.exitCode = 1;
});
