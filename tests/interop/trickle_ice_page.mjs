// trickle_ice_page.mjs BROWSER EXECUTABLE URL: opens the page of examples/web/trickle-ice with the ICE servers that the
// signalling server tells, gathers, and prints what the page then shows as one line of JSON.
import {withPage} from './browser.mjs';

const [name, executable, url] = process.argv.slice(2);
const PATIENCE_MS = 100_000;

function readPage() {
  const text = (root, selector) => root.querySelector(selector)?.innerText.trim() ?? '';
  // What stands in a cell before its small print.
  const first = (row, selector) => row.querySelector(selector).firstChild.textContent;
  const table = (id) => ({
    candidates: [...document.querySelectorAll(`#${id} tbody tr`)].map((row) => ({
      ms: Number(text(row, '.ms')), type: text(row, '.type'), protocol: text(row, '.protocol'),
      address: first(row, '.address'), port: Number(text(row, '.port')), priority: Number(first(row, '.priority'))})),
    errors: [...document.querySelectorAll(`#${id} .errors li`)].map((item) => item.innerText),
    summary: text(document, `#${id} .summary`),
  });
  const servers = [...document.querySelectorAll('#verdict tbody tr')].map((row) =>
    [...row.cells].map((cell) => cell.innerText.trim()));
  return {browser: table('browser'), floe: table('floe'), servers, width: document.documentElement.scrollWidth};
}

const shown = await withPage(name, executable, async (page) => {
  await page.setViewport({width: 390, height: 844});
  await page.goto(url);
  await page.waitForFunction(() => document.querySelector('.server') &&
    /A floe-ice is here/.test(document.querySelector('#link').innerText), {timeout: PATIENCE_MS});
  await page.click('#gather');
  await page.waitForFunction(() => [...document.querySelectorAll('.summary')].every((line) =>
    /all done/.test(line.innerText)), {timeout: PATIENCE_MS});
  return page.evaluate(readPage);
});
console.log(JSON.stringify(shown));
