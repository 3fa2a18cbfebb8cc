// page_driver.mjs BROWSER EXECUTABLE URL: opens the page on a phone-sized screen, then does with it what each line of the
// standard input says, {id, step, arguments}, and answers {id, value} or {id, error, shown}.
import {createInterface} from 'node:readline';

import {withPage} from './browser.mjs';

const [name, executable, url] = process.argv.slice(2);
const PATIENCE_MS = 90_000;

const steps = (page) => ({
  click: (selector) => page.click(selector),
  // Not by keys: the end of a line would be one that sends.
  fill: (selector, text) => page.$eval(selector, (field, value) => {
    field.focus();
    field.value = value;
    field.dispatchEvent(new Event('input'));
  }, text),
  upload: async (selector, path) => (await page.$(selector)).uploadFile(path),
  evaluate: (expression) => page.evaluate(expression),
  wait: async (expression) => { await page.waitForFunction(expression, {timeout: PATIENCE_MS, polling: 100}); },
});

await withPage(name, executable, async (page) => {
  await page.setViewport({width: 390, height: 844});
  await page.goto(url);
  console.log('ready');
  const known = steps(page);
  for await (const line of createInterface({input: process.stdin})) {
    const {id, step, arguments: given} = JSON.parse(line);
    try {
      console.log(JSON.stringify({id, value: await known[step](...given)}));
    } catch (error) {
      const shown = await page.evaluate('document.body.innerText').catch(() => '');
      console.log(JSON.stringify({id, error: error.message, shown}));
    }
  }
});
