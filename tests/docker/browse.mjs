// browse.mjs ADDRESS: the example as a person uses it, in headless Chromium: opens the page, presses Run and waits for what Python says.
//
// Prints what was seen as one JSON document: `footer` and `output` are texts of the page, `problems` whatever was asked for and not had, here or elsewhere.
// Chromium is spoken to through a pipe, so it can be started where there is no network but the page's own.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [address] = process.argv.slice(2);
const PATIENCE = 180_000;
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--remote-debugging-pipe'];
const profile = await mkdtemp(join(tmpdir(), 'larder-chromium-'));
const browser = spawn('chromium', [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
const [, , , commands, answers] = browser.stdio;
const waiting = new Map();
const problems = [];
const asked = new Map();
let said = '';

answers.on('data', (data) => {
  const parts = (said + data).split('\0');
  said = parts.pop();
  for (const part of parts) hear(JSON.parse(part));
});

function hear({ id, method, params, result, error }) {
  if (id) {
    const { settle, fail } = waiting.get(id);
    return error ? fail(new Error(error.message)) : settle(result);
  }
  if (method === 'Network.requestWillBeSent') {
    asked.set(params.requestId, params.request.url);
    if (!/^(data|blob):/.test(params.request.url) && !params.request.url.startsWith(address)) problems.push(`asks elsewhere: ${params.request.url}`);
  }
  if (method === 'Network.responseReceived' && params.response.status >= 400 && !params.response.url.endsWith('/favicon.ico')) {
    problems.push(`${params.response.status}: ${params.response.url}`);
  }
  if (method === 'Network.loadingFailed' && !params.canceled) problems.push(`${params.errorText}: ${asked.get(params.requestId)}`);
  if (method === 'Runtime.exceptionThrown') problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
}

let last = 0;
function send(method, params = {}, sessionId = undefined) {
  const id = ++last;
  commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  return new Promise((settle, fail) => waiting.set(id, { settle, fail }));
}

async function visit() {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const page = (method, params) => send(method, params, sessionId);
  for (const domain of ['Page', 'Runtime', 'Network']) await page(`${domain}.enable`);
  await page('Page.navigate', { url: address });
  // Runs in the page.
  const use = async () => {
    const until = async (holds) => {
      while (!holds()) await new Promise((settle) => setTimeout(settle, 50));
    };
    const button = () => [...document.querySelectorAll('button')].find((button) => button.textContent === 'Run' && !button.disabled);
    const footer = () => document.querySelector('footer')?.textContent.replace(/\s+/g, ' ').trim();
    await until(() => button() && !footer().includes('…'));
    button().click();
    await until(() => document.querySelector('button:disabled'));
    await until(() => !document.querySelector('button:disabled'));
    return { footer: footer(), output: document.querySelector('pre').textContent };
  };
  const { result, exceptionDetails } = await page('Runtime.evaluate', { expression: `(${use})()`, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

let late;
const seen = await Promise.race([
  visit(),
  new Promise((_, fail) => (late = setTimeout(() => fail(new Error('nothing came back for three minutes')), PATIENCE))),
  new Promise((_, fail) => browser.on('error', fail)),
  new Promise((_, fail) => browser.on('exit', (code) => fail(new Error(`chromium ended with ${code}`)))),
]).catch((error) => ({ problems: [String(error)] }));
clearTimeout(late);
const ended = new Promise((settle) => (browser.exitCode === null ? browser.once('exit', settle) : settle()));
browser.kill();
await ended;
await rm(profile, { recursive: true, force: true, maxRetries: 5 });
console.log(JSON.stringify({ ...seen, problems: [...problems, ...(seen.problems ?? [])] }));
process.exit(0);
