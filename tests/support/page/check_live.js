// Opens the live page of a run in Chromium, does what is asked for step by step, and tells what it shows at the end, as JSON on
// one line.
//
//   node check_live.js URL [--width PIXELS] [--dark] STEP...
//
//   --until EXPRESSION       wait until this is true in the page; `live` is what volleyPage.live() tells, or null
//   --press SELECTOR         press an element
//   --type SELECTOR TEXT     write into a field, and press Enter
//   --offline, --online      take the network away from the page, and give it back
//   --say WORD               print a line, for whoever waits for it
//   --run PROGRAM            run a line of sh, which has to end with 0
//   --save FILE              press what saves the report, and keep it there
//   --screenshot FILE        of all of the page
//   --heap                   tell the bytes of memory the page has, when what is not used any more has gone
//
// {"live","panels","title","text","scripts","wide","unmarked","foreign"[,"heap_bytes"]}: scripts: elements that text of others would have made;
// wide and unmarked as check_page.js has them; foreign: what was asked of another origin, or what has broken.
// Exit 1 when a step cannot be done within 30 s. Modules come from the directory that VOLLEY_JS names (default build/js).
'use strict';

const { execFileSync } = require('child_process');
const path = require('path');
const { createRequire } = require('module');

const modules = path.resolve(process.env.VOLLEY_JS || 'build/js');
const { chromium } = createRequire(path.join(modules, 'package.json'))('playwright-core');
const STEP_MS = Number(process.env.VOLLEY_STEP_MS || 30000);

const ARGUMENTS = { '--until': 1, '--press': 1, '--type': 2, '--offline': 0, '--online': 0, '--say': 1, '--run': 1, '--save': 1,
  '--screenshot': 1, '--heap': 0 };

function argumentsOf([url, ...words]) {
  const asked = { url, width: 1280, steps: [] };
  for (let i = 0; i < words.length; i++) {
    const count = ARGUMENTS[words[i]];
    if (words[i] === '--width') asked.width = Number(words[++i]);
    else if (words[i] === '--dark') asked.dark = true;
    else if (count !== undefined && i + count < words.length) asked.steps.push([words[i], ...words.slice(i + 1, i += count + 1)]), i--;
    else throw new Error(`${words[i]}: not understood`);
  }
  return asked;
}

async function network(page, offline) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
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
  '--offline': (page) => network(page, true),
  '--online': (page) => network(page, false),
  '--say': (page, word) => console.log(word),
  '--run': (page, line) => execFileSync('sh', ['-c', line], { timeout: STEP_MS }),
  '--save': async (page, file) => {
    const [saved] = await Promise.all([page.waitForEvent('download', { timeout: STEP_MS }), page.click('[data-does=save]')]);
    await saved.saveAs(file);
  },
  '--screenshot': (page, file) => page.screenshot({ path: file, fullPage: true }),
  '--heap': async (page, told) => {
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
    told.heap_bytes = usedSize + (embedderHeapUsedSize || 0) + (backingStorageSize || 0);
    told.heap = { usedSize, embedderHeapUsedSize, backingStorageSize };
  },
};

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
    const { origin } = new URL(asked.url);
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    session.on('Network.requestWillBeSent', ({ request }) => {
      if (!request.url.startsWith(`${origin}/`) && !/^(data|blob):/.test(request.url)) foreign.push(request.url);
    });
    page.on('pageerror', (error) => foreign.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      foreign.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    await page.goto(asked.url, { waitUntil: 'commit' });
    for (const [name, ...values] of asked.steps) {
      try {
        await steps[name](page, ...values, told);
      } catch (error) {
        console.error(JSON.stringify(await page.evaluate(look).catch(() => null)));
        throw new Error(`${name} ${values.join(' ')}: ${error.message} ${foreign.join('; ')}`);
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
