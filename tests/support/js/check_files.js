// Reads volley's files with other people's readers.
//
//   node check_files.js schema SCHEMA FILE...   exit 0 when every file is valid, else 1 and why;
//                                               a directory stands for the .json files in it
//   node check_files.js hlog FILE               one JSON line for each histogram line:
//                                               {"tag","start","length","count","p50","p99","max"}
//
// Modules come from the directory that VOLLEY_JS names (default build/js), where the Makefile
// installs what package.json beside this file lists.
'use strict';

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const modules = path.resolve(process.env.VOLLEY_JS || 'build/js');
const load = createRequire(path.join(modules, 'package.json'));

function checkSchema(schemaFile, files) {
  const Ajv = load('ajv/dist/2020').default;
  const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, allowUnionTypes: true });
  const validate = ajv.compile(JSON.parse(fs.readFileSync(schemaFile, 'utf8')));
  let valid = true;
  const expand = (name) =>
    fs.statSync(name).isDirectory()
      ? fs.readdirSync(name).filter((file) => file.endsWith('.json')).map((file) => path.join(name, file))
      : [name];
  const all = files.flatMap(expand);
  for (const file of all) {
    if (validate(JSON.parse(fs.readFileSync(file, 'utf8')))) continue;
    valid = false;
    for (const error of validate.errors.slice(0, 20))
      console.error(`${file}: ${error.instancePath || '/'} ${error.message}`);
  }
  console.log(`${all.length} files`);
  return valid && all.length > 0;
}

function printLog(file) {
  const hdr = load('hdr-histogram-js');
  const reader = new hdr.HistogramLogReader(fs.readFileSync(file, 'utf8'), 'packed');
  for (let h = reader.nextIntervalHistogram(); h; h = reader.nextIntervalHistogram()) {
    console.log(
      JSON.stringify({
        tag: h.tag,
        start: h.startTimeStampMsec / 1000,
        length: (h.endTimeStampMsec - h.startTimeStampMsec) / 1000,
        count: h.totalCount,
        p50: h.getValueAtPercentile(50),
        p99: h.getValueAtPercentile(99),
        max: h.maxValue,
      })
    );
  }
  return true;
}

const [mode, ...rest] = process.argv.slice(2);
let good = false;
if (mode === 'schema' && rest.length >= 2) good = checkSchema(rest[0], rest.slice(1));
else if (mode === 'hlog' && rest.length === 1) good = printLog(rest[0]);
else console.error('usage: check_files.js schema SCHEMA FILE... | hlog FILE');
process.exitCode = good ? 0 : 1;
