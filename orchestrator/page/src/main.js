// A page: what stands in it without a script is there already; this adds the panels. The data are in the page, and nothing
// is fetched, but by the live page of a run or a suite under way.
import { read, unpack } from './data.js';
import { element } from './dom.js';
import { FlameView } from './flame.js';
import { startLive } from './live.js';
import { handlesOf, Page } from './page.js';
import { startSuite } from './suite.js';
import { setTheme } from './view.js';
import './notices.js';
import css from './page.css';

/** Stacks have no time: none of what panels share is theirs. */
function startFlame(raw, main) {
  const flame = new FlameView(raw.flame, String(raw.title));
  flame.start(main);
  window.volleyPage = { describe: () => flame.describe(), filters: () => [], filter: () => false, zoom: () => {},
    window: () => [0, 1] };
}

async function start() {
  const [source, main] = [document.getElementById('data'), document.getElementById('panels')];
  document.head.append(element('style', {}, css));
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  setTheme(dark.matches);
  dark.addEventListener('change', () => setTheme(dark.matches));
  const live = document.getElementById('live');
  if (!source && live) {
    (live.dataset.of === 'suite' ? startSuite : startLive)(live, main).catch((error) => {
      main.append(element('p', { class: 'failed' }, `The live page could not be shown: ${error.message}`));
    });
    return;
  }
  try {
    const raw = await unpack(source.textContent);
    if (raw.kind === 'flame') {
      startFlame(raw, main);
      return;
    }
    const page = new Page(read(raw), main);
    page.start();
    window.volleyPage = handlesOf(page);
  } catch (error) {
    main.append(element('p', { class: 'failed' }, `The panels could not be drawn: ${error.message}`));
    throw error;
  }
}

start();
