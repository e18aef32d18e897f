// check-page.mjs SITE: the built example in headless Chromium, as a person uses it: runs the Python that stands in its editor, formats it, and runs it again.
// The last line is what the page showed at the end; exit code 1 if anything went wrong.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { found } from './chromium.mjs';

const [site] = process.argv.slice(2);
const user = `<script type="module">
  // At each change of the page, not from time to time: what is already loaded runs within milliseconds.
  const until = (holds) =>
    new Promise((settle) => {
      const look = () => holds() && (observer.disconnect(), settle());
      const observer = new MutationObserver(look);
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      look();
    });
  const button = (text) => [...document.querySelectorAll('button')].find((button) => button.textContent === text);
  const click = async (text) => {
    await until(() => button(text) && !button(text).disabled);
    await fetch('/at', { method: 'POST', body: text });
    const working = until(() => document.querySelector('button:disabled'));
    button(text).click();
    await working;
    await until(() => !document.querySelector('button:disabled'));
    return document.querySelector('pre').textContent;
  };
  const code = () => document.querySelector('.cm-content').textContent;
  const before = code();
  const first = await click('Run');
  const formatting = await click('Format');
  const after = code();
  const second = await click('Run');
  const found = { first, formatting, second, isFormatted: before !== after, problems: [] };
  await fetch('/found', { method: 'POST', body: JSON.stringify(found) });
</script>`;
const page = (await readFile(join(site, 'index.html'), 'utf8')).replace('</body>', `${user}</body>`);
const result = await found({ '/': page, '/api/version': '{"version": "test"}' }, { '/': site });
const { first, formatting, second, isFormatted, problems } = result;
// gsw's answer for 1,000 m at 45° north, which went through pandas and openpyxl.
const table = (text) => text?.slice(text.indexOf('\n= '));
if (!/^pandas [\d.]+ on numpy [\d.]+$/m.test(first) || !/^1000 +1010\.6$/m.test(table(first))) problems.push(`Run showed: ${first}`);
if (formatting !== '' || !isFormatted) problems.push(`Format showed: ${formatting}, and ${isFormatted ? 'changed' : 'did not change'} the code`);
if (table(second) !== table(first)) problems.push(`Run showed after Format: ${second}`);
for (const problem of problems) console.error(problem);
console.log(`${/^pandas.*$/m.exec(first)?.[0]}; ${isFormatted ? 'formatted' : 'not formatted'}`);
process.exit(problems.length ? 1 : 0);
