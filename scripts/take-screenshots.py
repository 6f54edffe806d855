"""Draws screens of the gallery into pictures: take-screenshots.py FOLDER.

Serves the built gallery on loopback, shows each screen in a window of the app's size, and saves it once the gallery
has put the screen's name into the title.
"""

import functools
import http.server
import sys
import threading
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402

GALLERY = Path(__file__).resolve().parent.parent / "ui/node_modules/.screens"
SIZE = (1200, 760)
PATIENCE = 60

# The name of each picture, and the screen and theme in it.
PICTURES = {
    "dashboard-light": ("accounts", "light"),
    "dashboard-dark": ("accounts", "dark"),
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The gallery's files, without a line for each."""

    def log_message(self, *_):
        pass


class Camera:
    """One window that shows the pictures in turn."""

    def __init__(self, address, folder):
        self.address = address
        self.folder = folder
        self.waiting = list(PICTURES.items())
        self.view = WebKit2.WebView()
        self.view.connect("notify::title", lambda *_: self.take())
        window = Gtk.OffscreenWindow()
        window.set_default_size(*SIZE)
        window.add(self.view)
        window.show_all()

    def show(self):
        if not self.waiting:
            Gtk.main_quit()
            return
        _, (screen, theme) = self.waiting[0]
        self.view.load_uri(f"{self.address}/?screen={screen}&theme={theme}")

    def take(self):
        name, (screen, _) = self.waiting[0]
        if self.view.get_title() != f"shown: {screen}":
            return

        def save(view, result):
            view.get_snapshot_finish(result).write_to_png(str(self.folder / f"{name}.png"))
            self.waiting.pop(0)
            self.show()

        region, options = WebKit2.SnapshotRegion.VISIBLE, WebKit2.SnapshotOptions.NONE
        self.view.get_snapshot(region, options, None, save)


def main():
    settings = Gtk.Settings.get_default()
    settings.set_property("gtk-font-name", "Cantarell 11")
    settings.set_property("gtk-xft-hinting", 0)
    # The page then moves nothing: prefers-reduced-motion.
    settings.set_property("gtk-enable-animations", False)
    handler = functools.partial(Quiet, directory=GALLERY)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    camera = Camera(f"http://127.0.0.1:{server.server_port}", Path(sys.argv[1]))
    GLib.timeout_add_seconds(PATIENCE, Gtk.main_quit)
    camera.show()
    Gtk.main()
    if camera.waiting:
        sys.exit(f"not shown within {PATIENCE} seconds: {camera.waiting[0][0]}")


main()
