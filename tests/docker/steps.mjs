// What `docker build --progress=rawjson` wrote to FILE:
//
//     node steps.mjs FILE          a line a step: `CACHED`, `FAILED` or the seconds it took, a tab, the step's name. Steps that nothing needed are not there
//     node steps.mjs FILE --log    what the steps printed
import { readFileSync } from 'node:fs';

const [file, log] = process.argv.slice(2);
const steps = new Map();
for (const { logs, vertexes } of documents(readFileSync(file, 'utf8'))) {
  for (const { data } of (log && logs) || []) process.stdout.write(Buffer.from(data, 'base64'));
  // A step is told of in pieces; the last word counts.
  for (const vertex of vertexes ?? []) steps.set(vertex.digest, { ...steps.get(vertex.digest), ...vertex });
}
for (const { name, cached, started, completed, error } of steps.values()) {
  if (log && error) console.log(`${name}: ${error}`);
  if (log || !completed) continue;
  const seconds = started ? ((Date.parse(completed) - Date.parse(started)) / 1000).toFixed(1) : '0.0';
  console.log(`${error ? 'FAILED' : cached ? 'CACHED' : seconds}\t${name}`);
}

// One document after the other, on one line each or indented, and text between them where docker itself had something to say.
function* documents(text) {
  let open = '';
  for (const line of text.split('\n')) {
    open = open || line.startsWith('{') ? `${open}${line}\n` : '';
    if (!line.startsWith('}') && !(line.startsWith('{') && line.endsWith('}'))) continue;
    try {
      yield JSON.parse(open);
    } catch {
      // Text that looks like a document.
    }
    open = '';
  }
}
