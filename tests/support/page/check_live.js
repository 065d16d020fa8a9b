// Opens the live page of a run in Chromium, does what is asked for step by step, and tells what it shows at the end, as JSON on
// one line.
//
//   node check_live.js FILE [--width PIXELS] [--dark] STEP...
//
// FILE has the URL, or gets it: "ready" is printed as soon as it is waited for.
//
//   --until EXPRESSION       wait until this is true in the page; `live` is what volleyPage.live() tells, or null
//   --press SELECTOR         press an element
//   --type SELECTOR TEXT     write into a field, and press Enter
//   --offline, --online      take the network away from the page, and give it back
//   --say WORD               print a line, for whoever waits for it
//   --served COUNT           wait until the server has had so many intervals, whatever the page knows
//   --fetch PATH FILE        keep what the server answers to the page there
//   --save FILE              press what saves the report, and keep it there
//   --look FILE              open this page beside it, 800 pixels wide, and tell its panels as "there"
//   --screenshot FILE        of all of the page
//   --forget                 how long drawing took so far
//   --heap                   tell the bytes of memory the page has, when what is not used any more has gone
//
// {"live","panels","title","text","scripts","wide","unmarked","foreign"[,"heap_bytes"][,"there":{"panels"}]}: scripts: elements that text of others would have made;
// wide and unmarked as check_page.js has them; foreign: what was asked of another origin, or what has broken.
// Exit 1 when a step cannot be done within 30 s. Modules come from the directory that VOLLEY_JS names (default build/js).
'use strict';

const fs = require('fs');
const net = require('net');
const path = require('path');
const { createRequire } = require('module');
const { pathToFileURL } = require('url');

const modules = path.resolve(process.env.VOLLEY_JS || 'build/js');
const { chromium } = createRequire(path.join(modules, 'package.json'))('playwright-core');
const STEP_MS = Number(process.env.VOLLEY_STEP_MS || 30000);

const ARGUMENTS = { '--until': 1, '--press': 1, '--type': 2, '--offline': 0, '--online': 0, '--say': 1, '--served': 1, '--fetch': 2, '--save': 1,
  '--look': 1, '--screenshot': 1, '--heap': 0, '--forget': 0 };

function argumentsOf([file, ...words]) {
  const asked = { file, width: 1280, steps: [] };
  for (let i = 0; i < words.length; i++) {
    const count = ARGUMENTS[words[i]];
    if (words[i] === '--width') asked.width = Number(words[++i]);
    else if (words[i] === '--dark') asked.dark = true;
    else if (count !== undefined && i + count < words.length) asked.steps.push([words[i], ...words.slice(i + 1, i += count + 1)]), i--;
    else throw new Error(`${words[i]}: not understood`);
  }
  return asked;
}

/** Between the page and the server, so that connections can be cut: the browser's own way to be offline leaves streams alone. */
class Wire {
  constructor(url) {
    this.to = new URL(url);
    this.sockets = new Set();
    this.cut = false;
  }

  async open() {
    const server = net.createServer((near) => {
      if (this.cut) {
        near.destroy();
        return;
      }
      const far = net.connect(Number(this.to.port), this.to.hostname);
      for (const [from, to] of [[near, far], [far, near]]) {
        this.sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          this.sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
    server.unref();
    return `http://127.0.0.1:${server.address().port}/`;
  }

  take(cut) {
    this.cut = cut;
    if (cut) for (const socket of this.sockets) socket.destroy();
  }
}

const steps = {
  '--until': async (page, expression) => {
    const end = Date.now() + STEP_MS;
    while (!await page.evaluate(`(live => ${expression})(window.volleyPage?.live ? volleyPage.live() : null)`)) {
      if (Date.now() > end) throw new Error('it did not come to that');
      await page.waitForTimeout(20);
    }
  },
  '--press': (page, selector) => page.click(selector, { timeout: STEP_MS }),
  '--type': async (page, selector, text) => {
    await page.fill(selector, text, { timeout: STEP_MS });
    await page.press(selector, 'Enter');
  },
  '--offline': (page, { wire }) => wire.take(true),
  '--online': (page, { wire }) => wire.take(false),
  '--say': (page, word) => console.log(word),
  '--served': async (page, count, { wire }) => {
    const end = Date.now() + STEP_MS;
    while ((await (await fetch(new URL('/api/intervals?from=0', wire.to))).json()).next < Number(count)) {
      if (Date.now() > end) throw new Error('it did not come to that');
      await page.waitForTimeout(20);
    }
  },
  '--fetch': async (page, from, file) =>
    fs.writeFileSync(file, await page.evaluate((url) => fetch(url).then((answer) => answer.text()), from)),
  '--save': async (page, file) => {
    const [saved] = await Promise.all([page.waitForEvent('download', { timeout: STEP_MS }), page.click('[data-does=save]')]);
    await saved.saveAs(file);
  },
  '--look': async (page, file, { told, foreign, watch }) => {
    const url = pathToFileURL(path.resolve(file)).href;
    const other = await page.context().newPage();
    await watch(other, url);
    other.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) foreign.push(`console: ${message.text()}`);
    });
    await other.setViewportSize({ width: 800, height: 900 });
    await other.goto(url);
    await other.waitForFunction(() => document.documentElement.dataset.ready === 'true', null, { polling: 20, timeout: STEP_MS });
    told.there = { panels: await other.evaluate(() => volleyPage.describe()) };
    await other.close();
  },
  '--screenshot': (page, file) => page.screenshot({ path: file, fullPage: true }),
  '--forget': (page) => page.evaluate(() => volleyPage.forget()),
  '--heap': async (page, { told }) => {
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
    told.heap_bytes = usedSize + (embedderHeapUsedSize || 0) + (backingStorageSize || 0);
    told.heap = { usedSize, embedderHeapUsedSize, backingStorageSize };
  },
};

async function urlOf(file) {
  console.log('ready');
  const end = Date.now() + STEP_MS;
  for (;;) {
    const url = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : ''; // made, and not yet written
    if (url !== '') return url;
    if (Date.now() > end) throw new Error(`${file}: there is no URL`);
    await new Promise((done) => { setTimeout(done, 20); });
  }
}

/** In the page. */
const look = () => ({
  live: window.volleyPage?.live ? volleyPage.live() : null,
  panels: window.volleyPage ? volleyPage.describe() : [],
  title: document.title, text: document.body.innerText,
  scripts: document.querySelectorAll('b[id=hurt], img[src=x], script[id=hurt]').length,
  unmarked: [...document.querySelectorAll('body *')].filter((node) => {
    const style = getComputedStyle(node);
    return /auto|scroll/.test(style.overflowX) && node.scrollWidth > node.clientWidth && (node.tabIndex < 0 || style.backgroundImage === 'none');
  }).length,
  wide: Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
});

async function main() {
  const asked = argumentsOf(process.argv.slice(2));
  const browser = await chromium.launch({ executablePath: process.env.VOLLEY_CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const context = await browser.newContext({ viewport: { width: asked.width, height: 900 }, acceptDownloads: true,
      colorScheme: asked.dark ? 'dark' : 'light' });
    const page = await context.newPage();
    const told = {}, foreign = [];
    const url = await urlOf(asked.file);
    const wire = new Wire(url);
    const here = await wire.open();
    const watch = async (watched, own) => {
      const session = await context.newCDPSession(watched);
      await session.send('Network.enable');
      session.on('Network.requestWillBeSent', ({ request }) => {
        if (!request.url.startsWith(own) && !/^(data|blob):/.test(request.url)) foreign.push(request.url);
      });
      watched.on('pageerror', (error) => foreign.push(`error: ${error.message}`));
      watched.on('dialog', (dialog) => {
        foreign.push(`dialog: ${dialog.message()}`);
        dialog.dismiss();
      });
    };
    await watch(page, here);
    await page.goto(here, { waitUntil: 'commit' });
    for (const [name, ...values] of asked.steps) {
      try {
        await steps[name](page, ...values, { told, foreign, wire, watch });
      } catch (error) {
        console.error(`${name} ${values.join(' ')}: ${error.message} ${foreign.join('; ')}`);
        throw new Error(JSON.stringify(await page.evaluate(look).catch(() => null)));
      }
    }
    console.log(JSON.stringify({ ...await page.evaluate(look), ...told, foreign }));
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(String(error.message || error));
  process.exitCode = 1;
});
