// The address that a server was asked for first, but for those that it redirects to.
//
//     node first-asked.mjs REQUESTS    REQUESTS is server.mjs's log
import { readFileSync } from 'node:fs';

const lines = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const targets = new Set(lines.map(({ location }) => location));
console.log(lines.find(({ url, method }) => !targets.has(url) && /^(GET|HEAD)$/.test(method)).url);
