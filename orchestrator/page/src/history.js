// How figures went from commit to commit, made ready to be drawn. docs/design/pictures.md says what the data are.

const text = (value) => (value === null || value === undefined ? '' : String(value));

function seriesOf(raw, index) {
  const commits = raw.commits.map(([date, commit, mean, runs, deviation, red]) => ({ date: text(date), commit: text(commit), mean,
    runs: runs || 0, deviation: deviation || 0, red: red || 0 }));
  const changes = (raw.changes || []).filter((change) => change.place > 0 && change.place < commits.length);
  const begins = [0, ...changes.map((change) => change.place)];
  const levels = begins.map((begin, i) => ({ begin, end: i + 1 < begins.length ? begins[i + 1] : commits.length,
    level: i === 0 ? (changes.length > 0 ? changes[0].before : NaN) : changes[i - 1].after }));
  return { index, commits, changes, levels: changes.length > 0 ? levels : [],
    name: [text(raw.command), text(raw.configuration)].filter((part) => part).join(', ') };
}

export function historyOf(raw) {
  if (!raw || !Array.isArray(raw.series)) return null;
  const metric = text(raw.metric);
  const unit = metric === 'rps' ? 'requests/s' : metric.endsWith('_ms') ? 'us' : metric;
  return { metric, unit, factor: metric.endsWith('_ms') ? 1000 : 1,
    series: raw.series.filter((one) => Array.isArray(one.commits) && one.commits.length > 0).map(seriesOf) };
}
