"""Checking for updates: the app asks the releases feed when the user presses the button, and never otherwise."""

import http.server
import json
import threading

import pytest


class Feed(http.server.BaseHTTPRequestHandler):
    """A releases feed, which notes what it was asked."""

    def do_GET(self):
        self.server.asked.append(self.path)
        body = json.dumps({"tag_name": "v99.1.0", "html_url": "https://forge.example/99"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def feed():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_the_feed_is_asked_when_the_button_is_pressed_and_never_before(feed, start):
    app = start(MCM_RELEASES=f"http://127.0.0.1:{feed.server_port}/latest")
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "About")
    app.see("button", "Check for updates")
    assert feed.asked == []

    app.click("button", "Check for updates")

    app.read("Version 99.1.0 is available.")
    assert feed.asked == ["/latest"]
