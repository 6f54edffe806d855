"""The gallery of screens (ui/screens) in WebKitGTK, as the app draws it: shown, sized, zoomed, asked and pictured.

Runs with the system's Python, which has WebKitGTK's bindings, on a screen. The gallery must be built.
"""

import functools
import http.server
import json
import threading
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402

BUILT = Path(__file__).resolve().parent.parent / "ui/node_modules/.screens"
PATIENCE = 60
# How a title begins when a screen has taken its steps.
ENDS = ("shown: ", "failed: ")


class NotShown(Exception):
    """One of a screen's steps could not be taken."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The gallery's files, without a line for each."""

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Serves them. A page that is left breaks off what it was still loading."""

    def handle_error(self, *_):
        pass


class Gallery:
    """One window that shows one screen at a time."""

    def __init__(self, size):
        settings = Gtk.Settings.get_default()
        settings.set_property("gtk-font-name", "Cantarell 11")
        settings.set_property("gtk-xft-hinting", 0)
        # The page then moves nothing: prefers-reduced-motion.
        settings.set_property("gtk-enable-animations", False)
        handler = functools.partial(Quiet, directory=BUILT)
        server = Server(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        self.view = WebKit2.WebView()
        self.window = Gtk.Window()
        self.window.set_default_size(*size)
        self.window.add(self.view)
        self.window.show_all()

    def names(self):
        """The names of all screens."""
        self.show("every", "light")
        return self.run("return screenNames;")

    def show(self, screen, theme):
        """Shows a screen, and waits until its steps were taken: the page then puts its name into the title."""
        # Another screen's title, or this one's from before, is not an answer.
        self.view.load_uri("about:blank")
        self._turn(lambda: not self.view.get_title(), f"{screen} is left")
        self.view.load_uri(f"{self.address}/?screen={screen}&theme={theme}")
        self._turn(lambda: (self.view.get_title() or "").startswith(ENDS), f"{screen} is shown")
        if self.view.get_title() != f"shown: {screen}":
            raise NotShown(self.view.get_title())

    def resize(self, width, height, zoom=1.0):
        """Sizes the window, and waits until the page has the size."""
        self.view.set_zoom_level(zoom)
        self.window.resize(width, height)
        self.run(
            "const [width, height] = given;"
            "while (innerWidth !== width || innerHeight !== height)"
            " await new Promise((done) => requestAnimationFrame(done));"
            "for (let i = 0; i < 3; i++) await new Promise((done) => requestAnimationFrame(done));",
            [int(width / zoom), int(height / zoom)],
        )

    def run(self, text, given=None):
        """Runs the body of an async function in the page, and returns its value."""
        body = (
            f"const given = {json.dumps(given)}; return JSON.stringify(await (async () => {{ {text} }})());"
        )
        answer = []

        def answered(view, result):
            try:
                answer.append(view.call_async_javascript_function_finish(result).to_string())
            except GLib.Error as error:
                answer.append(error)

        self.view.call_async_javascript_function(body, -1, None, None, None, None, answered)
        self._turn(lambda: answer, f"the page answers: {text[:60]}")
        if isinstance(answer[0], GLib.Error):
            raise RuntimeError(f"the page's script failed: {answer[0].message}")
        return None if answer[0] == "undefined" else json.loads(answer[0])

    def picture(self, file):
        """Saves a picture of what the window shows."""
        saved = []

        def save(view, result):
            view.get_snapshot_finish(result).write_to_png(str(file))
            saved.append(True)

        region, options = WebKit2.SnapshotRegion.VISIBLE, WebKit2.SnapshotOptions.NONE
        self.view.get_snapshot(region, options, None, save)
        self._turn(lambda: saved, f"{file} is drawn")

    def _turn(self, is_so, what):
        """Lets GTK work until something is so."""
        late = []
        timer = GLib.timeout_add_seconds(PATIENCE, lambda: late.append(True))
        while not is_so():
            Gtk.main_iteration()
            if late:
                raise TimeoutError(f"within {PATIENCE} s: {what}")
        GLib.source_remove(timer)
