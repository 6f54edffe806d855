"""The window and the process: one instance, closed and reopened, ended cleanly, closed to foreign pages."""

import signal

from app import BINARY, descendants, second_start, web_processes
from desktop import SCHEME
from waiting import stays, until


def test_a_second_start_brings_the_window_forward(desktop, clouds, user, start):
    app = start()
    app.see("button", "Azure")
    cover(desktop)

    assert second_start(desktop, clouds.env | user.env) == 0

    until("the dashboard is in front", lambda: desktop.active_window() == "Multi-Cloud Manager")
    assert len(desktop.windows()) == 1


def test_a_link_that_only_opens_the_app_brings_the_window_forward(desktop, start):
    app = start()
    app.see("button", "Azure")
    cover(desktop)

    desktop.run("xdg-open", f"{SCHEME}://open")

    until("the dashboard is in front", lambda: desktop.active_window() == "Multi-Cloud Manager")


def test_a_flood_of_starts_leaves_one_calm_window(desktop, clouds, user, start):
    app = start()
    app.see("button", "Azure")
    command = [str(BINARY), f"{SCHEME}://auth/azure?code=forged&state=wrong"]
    starts = [desktop.start(*command, log="flood", env=clouds.env | user.env) for _ in range(20)]

    assert {one.wait(timeout=60) for one in starts} == {0}

    app.click("button", "Look around first")
    app.read("No account yet")
    until("there is one window", lambda: len(desktop.windows()) == 1)


def test_closing_the_window_keeps_the_tray_and_frees_the_web_view(desktop, clouds, user, tray):
    app = desktop.start(BINARY, log="app", env=clouds.env | user.env)
    [window] = until("the window is there", desktop.windows)
    until("a process draws the page", lambda: web_processes(app.pid))

    desktop.close_window(window)

    until("the web view is gone", lambda: not web_processes(app.pid) and not desktop.windows())
    tray.wait_for("Open dashboard")
    stays("the app stays", lambda: app.poll() is None)
    tray.choose("Open dashboard")
    until("the window is back", lambda: desktop.windows() and web_processes(app.pid))
    until("the window is drawn", desktop.is_drawn)
    desktop.shot("reopened")
    tray.choose("Quit")
    assert app.wait(timeout=30) == 0


def test_closing_the_window_without_a_tray_ends_the_app(desktop, clouds, user):
    app = desktop.start(BINARY, log="app", env=clouds.env | user.env)
    [window] = until("the window is there", desktop.windows)

    desktop.close_window(window)

    assert app.wait(timeout=30) == 0


def test_a_hidden_start_shows_no_window_until_requested(desktop, clouds, user, tray):
    app = desktop.start(BINARY, "--hidden", log="app", env=clouds.env | user.env)
    tray.wait_for("Open dashboard")
    assert second_start(desktop, clouds.env | user.env, "--hidden") == 0
    stays(
        "there is no window and no process of the web view",
        lambda: not desktop.windows() and not descendants(app.pid),
    )

    assert second_start(desktop, clouds.env | user.env) == 0

    until("the window is there", desktop.windows)
    app.send_signal(signal.SIGTERM)
    assert app.wait(timeout=30) == 0


def test_the_page_can_call_nothing_but_the_commands(start):
    app = start()
    app.see("button", "Azure")
    page = app.page

    assert page.script("return typeof window.__TAURI__") == "undefined"
    invoke = "return window.__TAURI_INTERNALS__.invoke(...arguments).then(() => 'allowed', (error) => String(error))"
    for command, arguments in [
        ("plugin:event|listen", {"event": "deep-link://new-url", "target": {"kind": "Any"}, "handler": 1}),
        ("plugin:event|emit", {"event": "deep-link://new-url", "payload": [f"{SCHEME}://auth/azure?code=x"]}),
        ("plugin:webview|create_webview_window", {"options": {"label": "x", "url": "https://example.com"}}),
        ("plugin:window|close", {"label": "main"}),
        ("get_token", {}),
    ]:
        assert "not allowed" in page.script(invoke, command, arguments), command
    assert page.script("return Object.isFrozen(Object.prototype)")
    assert page.script("return window.open('https://example.com') === null")
    inline = (
        "const script = document.createElement('script'); script.textContent = 'window.forged = true';"
        "document.head.append(script); return window.forged === undefined"
    )
    assert page.script(inline)
    assert (
        page.script("return fetch('http://127.0.0.1:1/').then(() => 'allowed', () => 'refused')") == "refused"
    )
    address = page.script("return location.href")
    page.script("setTimeout(() => { location.href = 'https://example.com/' }, 0)")
    stays("the window shows no other page", lambda: page.script("return location.href") == address)


def cover(desktop):
    """Puts another window in front."""
    desktop.start("xev", "-name", "In front", log="xev")
    until("another window is in front", lambda: desktop.active_window() == "In front")
