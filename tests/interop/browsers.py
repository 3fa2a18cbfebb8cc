"""Runs scripts of this folder in node with real browsers, for the tests of pages."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess

from programs import Failed
from stage import Skipped

HERE = pathlib.Path(__file__).resolve().parent
BROWSERS = {"chromium": ["chromium"], "firefox": ["firefox-esr", "firefox"]}
WEB = HERE.parents[1] / "examples" / "web"
# A browser takes some seconds to start, on a busy machine many.
PATIENCE = 120


def start_in_browser(stage, browser, script, *arguments):
    """Starts a script of this folder with a browser."""
    node, executable = (next(filter(None, map(shutil.which, names)), None) for names in (["node"], BROWSERS[browser]))
    if node is None or executable is None:
        raise Skipped(f"{browser if node else 'node'} is not installed; scripts/setup installs it")
    if not (pathlib.Path(stage.args.packages) / "node_modules" / "puppeteer-core").is_dir():
        raise Skipped("puppeteer-core is not installed; the test Interop.InstallsItsPackages says why")
    # Browsers keep their profile in TMPDIR: the stage's folder, which is removed.
    os.environ.update(FLOE_NODE_PACKAGES=stage.args.packages, TMPDIR=str(stage.folder))
    program = stage.start(browser, node, HERE / script, browser, executable, *arguments)
    stage.stack.callback(end, program)
    return program


def end(program):
    """Its input ends, or it is told to: either way it closes its browser."""
    if program.process.poll() is None:
        program.end_input()
        program.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.process.wait(10)  # The stage kills it afterwards.


def run_in_browser(stage, browser, script, *arguments):
    """Runs a script of this folder with a browser to its end; what its last line says in JSON."""
    program = start_in_browser(stage, browser, script, *arguments)
    program.expect_exit(0, PATIENCE)
    return json.loads(program.lines[-1])


class Page:
    """A page in a browser of its own, driven step by step through page_driver.mjs."""

    def __init__(self, stage, browser, url):
        self.program = start_in_browser(stage, browser, "page_driver.mjs", url)
        self.browser = browser
        self.steps = 0
        self.program.expect("^ready$", PATIENCE)

    def do(self, step, *arguments):
        self.steps += 1
        self.program.type(json.dumps({"id": self.steps, "step": step, "arguments": [str(one) for one in arguments]}))
        answer = json.loads(self.program.expect(rf'^{{"id":{self.steps}[,}}]', PATIENCE))
        if "error" in answer:
            raise Failed(f"{self.browser}, {step} {arguments}: {answer['error']}\nThe page shows:\n{answer['shown']}")
        return answer.get("value")

    def click(self, selector):
        self.do("click", selector)

    def fill(self, selector, text):
        self.do("fill", selector, text)

    def upload(self, selector, path):
        self.do("upload", selector, path)

    def evaluate(self, expression):
        return self.do("evaluate", expression)

    def wait(self, expression):
        """Until the expression is true in the page."""
        self.do("wait", expression)

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def wait_for_text(self, selector, words):
        self.wait(f"(document.querySelector({json.dumps(selector)})?.innerText ?? '').includes({json.dumps(words)})")
