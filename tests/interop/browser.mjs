// Real browsers for the tests: `node SCRIPT BROWSER EXECUTABLE ...` with FLOE_NODE_PACKAGES naming the folder where
// `npm ci` has put node_modules.
import {createRequire} from 'node:module';
import {join} from 'node:path';

const puppeteer = createRequire(join(process.env.FLOE_NODE_PACKAGES, 'package.json'))('puppeteer-core');

const LAUNCH = {
  chromium: {
    browser: 'chrome',
    pipe: true,  // It ends when the pipe does, whatever has become of this script.
    // As root, which containers run as, Chromium has no sandbox. It offers no loopback addresses unless told to.
    args: ['--no-sandbox', '--allow-loopback-in-peer-connection'],
  },
  firefox: {
    browser: 'firefox',
    extraPrefsFirefox: {'media.peerconnection.ice.loopback': true},
  },
};

// A camera and a microphone that nobody has to allow. A browser that lets a page use them hides no addresses from it, so
// only tests of media have them.
if (process.env.FLOE_FAKE_MEDIA) {
  LAUNCH.chromium.args.push('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
  Object.assign(LAUNCH.firefox.extraPrefsFirefox, {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'media.autoplay.default': 0,
    'media.autoplay.blocking_policy': 0,
  });
}

// Opens the browser, calls `visit` with a fresh page, and closes the browser whatever comes. What goes wrong inside of
// the page shows in the output.
export async function withPage(name, executablePath, visit) {
  const browser = await puppeteer.launch({executablePath, headless: true, ...LAUNCH[name]});
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(`page: ${error.message}`));
    page.on('console', (message) => console.error(`page: ${message.text()}`));
    return await visit(page);
  } finally {
    await browser.close();
  }
}
