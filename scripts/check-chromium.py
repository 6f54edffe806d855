"""Checks every screen of the gallery in Chromium: check-chromium.py [SCREEN...].

Windows draws the app with it. By axe-core in both themes, as check-screens.py does in WebKitGTK, and that what is chosen is
marked. Prints a line for each fault and fails when there is one. The rules are in ui/screens/audit.ts.
"""

import contextlib
import functools
import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e"))
from webdriver import Driver  # noqa: E402

BUILT = ROOT / "ui/node_modules/.screens"
SIZE = (1200, 760)
# What each process needs at least to be worth its start.
SHARE = 20
PATIENCE = 120
RUN = """
const [text, given, done] = arguments;
const run = Object.getPrototypeOf(async function () {}).constructor;
new run("given", text)(given).then((value) => done({ value }), (error) => done({ error: String(error) }));
"""
# The page puts a screen's name into its title when its steps were taken.
WAIT = """
while (!/^(shown|failed): /.test(document.title)) await new Promise((done) => requestAnimationFrame(done));
return document.title;
"""
AUDIT = "return (await audit())[given[0]](given[1]);"
TURN_DARK = "document.documentElement.dataset.theme = 'dark';"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The gallery's files, without a line for each."""

    def log_message(self, *_):
        pass


class Chromium:
    """One window without a screen that shows one screen of the gallery at a time."""

    def __init__(self, port, profile):
        handler = functools.partial(Quiet, directory=BUILT)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        self.driver = Driver(port)
        arguments = [
            "--headless=new",
            "--disable-gpu",
            "--force-prefers-reduced-motion",
            f"--window-size={SIZE[0]},{SIZE[1]}",
            f"--user-data-dir={profile}",
        ]
        if os.geteuid() == 0:
            # Its sandbox refuses the administrator, as in a container. It shows files of this project alone.
            arguments.append("--no-sandbox")
        capabilities = {
            "alwaysMatch": {
                "goog:chromeOptions": {"args": arguments},
                "timeouts": {"script": PATIENCE * 1000, "pageLoad": PATIENCE * 1000},
            }
        }
        session = self.driver.ask("POST", "/session", {"capabilities": capabilities}, PATIENCE)
        self.path = f"/session/{session['sessionId']}"

    def end(self):
        self.driver.ask("DELETE", self.path, patience=PATIENCE)

    def show(self, screen):
        """Shows a screen, and returns what its page says of that."""
        url = f"{self.address}/?screen={screen}&theme=light"
        self.driver.ask("POST", f"{self.path}/url", {"url": url}, PATIENCE)
        return self.run(WAIT)

    def run(self, text, given=None):
        """Runs the body of an async function in the page, and returns its value."""
        body = {"script": RUN, "args": [text, given]}
        answer = self.driver.ask("POST", f"{self.path}/execute/async", body, PATIENCE)
        if "error" in answer:
            raise RuntimeError(f"the page's script failed: {answer['error']}")
        return answer.get("value")


def faults_of(browser, screen):
    """What is wrong with a screen, with the theme."""
    title = browser.show(screen)
    if title != f"shown: {screen}":
        return [title]
    faults = [f"light: {fault}" for fault in browser.run(AUDIT, ["accessibility", "all"])]
    faults += [f"light: {fault}" for fault in browser.run(AUDIT, ["selection", None])]
    browser.run(TURN_DARK)
    faults += [f"dark: {fault}" for fault in browser.run(AUDIT, ["accessibility", "colours"])]
    return faults + [f"dark: {fault}" for fault in browser.run(AUDIT, ["selection", None])]


@contextlib.contextmanager
def chromium():
    """A browser with a driver of its own."""
    started = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        try:
            said = (re.search(r"successfully on port (\d+)", line) for line in started.stdout)
            port = next(int(found[1]) for found in said if found)
            browser = Chromium(port, profile)
            try:
                yield browser
            finally:
                browser.end()
        finally:
            started.terminate()
            started.wait()


def check(screens):
    """Prints the faults of some screens, and returns how many there are."""
    count = 0
    with chromium() as browser:
        for screen in screens:
            faults = faults_of(browser, screen)
            count += len(faults)
            for fault in faults:
                print(f"{screen}, {fault}", flush=True)
    return count


def names():
    """The names of all screens."""
    with chromium() as browser:
        browser.show("every")
        return browser.run("return screenNames;")


def main():
    if sys.argv[1:]:
        sys.exit(min(1, check(sys.argv[1:])))
    screens = names()
    processes = max(1, min(os.cpu_count() or 1, len(screens) // SHARE))
    shares = [screens[at::processes] for at in range(processes)]
    running = [subprocess.Popen([sys.executable, __file__, *share]) for share in shares]
    if not all([one.wait() == 0 for one in running]):
        sys.exit("These screens have faults.")
    print(f"{len(screens)} screens in Chromium, in both themes: no fault")


main()
