"""The switcher: keys open it from any program, the user types, and it closes. xdotool sends the keys through the screen."""

import signal

from app import BINARY, second_start, web_processes
from waiting import until

TITLE = "^Switch account$"


def test_keys_set_on_the_screen_open_the_switcher_and_enter_switches(desktop, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    app.see("button", "Northwind")
    tray.wait_for("  * Contoso", "  Northwind")
    app.click("button", "Settings")
    app.click("button", "Set keys…")
    app.see("button", "Press the keys")

    press(desktop, "ctrl+alt+k")

    app.read(r"Ctrl\+Alt\+K opens the list")
    app.picture("settings-desktop")
    switch_to(desktop, "northw", "switcher-light")
    tray.wait_for("  * Northwind", "  Contoso")
    app.click("radio", "Dark")
    switch_to(desktop, "conto", "switcher-dark")
    tray.wait_for("  * Contoso", "  Northwind")
    app.click("button", "Turn off")
    app.read("The shortcut is off")
    app.page.script("addEventListener('keydown', (event) => (window.lastKey = event.code))")
    press(desktop, "ctrl+alt+k")
    # Keys that the app still listened for would not reach the window.
    until("the keys reach the window", lambda: app.page.script("return window.lastKey") == "KeyK")
    assert not switchers(desktop)


def test_typing_before_the_page_is_ready_is_not_lost(desktop, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    tray.wait_for("  * Contoso", "  Northwind")
    dashboard = len(app.web_processes())
    moments = {
        "the switcher has the keyboard": lambda: True,
        "a process for its page runs": lambda: len(app.web_processes()) > dashboard,
        "its list is drawn": lambda: is_drawn(desktop),
    }
    turns = [("northw", "  * Northwind", "  Contoso"), ("conto", "  * Contoso", "  Northwind")]
    for moment, has_come in moments.items():
        for letters, used, other in turns:
            assert second_start(desktop, {}, "--switcher") == 0
            until("the switcher has the keyboard", lambda: desktop.active_window() == "Switch account")
            until(moment, has_come)

            desktop.run("xdotool", "key", "--delay", 5, *letters, "Return")

            tray.wait_for(used, other)
            until("the switcher is gone", lambda: not switchers(desktop))


def test_a_target_is_found_and_used(desktop, start, tray):
    app = start()
    app.click("button", "Azure")
    tray.wait_for("  Production")
    open_with(desktop, app)

    desktop.run("xdotool", "type", "stagi")
    desktop.run("xdotool", "key", "Return")

    tray.wait_for("  * Staging", "  Production")


def test_an_account_that_needs_it_is_signed_in_to_from_the_switcher(desktop, clouds, user, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    clouds.revoke("ada@contoso.example")
    app.click("button", "Renew Contoso")
    tray.wait_for("  * Contoso · sign in again")
    open_with(desktop, app)

    desktop.run("xdotool", "key", "Return")

    tray.wait_for("  * Contoso")
    assert len(user.visited()) == 2
    until("the switcher is gone", lambda: not switchers(desktop))
    app.read("Signed in to Contoso again.")


def test_escape_its_own_keys_and_another_window_close_the_switcher(desktop, clouds, user, tray):
    settings(desktop).write_text('[app]\nshortcut = "Ctrl+Alt+K"\n')
    app = desktop.start(BINARY, "--hidden", log="app", env=clouds.env | user.env)
    tray.wait_for("Open dashboard")
    assert not web_processes(app.pid), "nothing draws a page yet"
    ways_out = [
        lambda: desktop.run("xdotool", "key", "Escape"),
        lambda: press(desktop, "ctrl+alt+k"),
        lambda: desktop.start("xev", "-name", "In front", log="xev"),
    ]
    for way_out in ways_out:
        press(desktop, "ctrl+alt+k")
        shown(desktop)

        way_out()

        until("the switcher is gone", lambda: not switchers(desktop))
        until("its web view is gone", lambda: not web_processes(app.pid))
    assert not desktop.windows(), "the dashboard was never opened"
    tray.wait_for("Open dashboard")
    app.send_signal(signal.SIGTERM)
    assert app.wait(timeout=30) == 0


def test_the_switcher_opens_by_a_command_and_without_a_tray_leaves_the_app_running(desktop, clouds, user):
    app = desktop.start(BINARY, "--hidden", log="app", env=clouds.env | user.env)
    names = (
        "gdbus",
        "call",
        "--session",
        "--dest",
        "org.freedesktop.DBus",
        "--object-path",
        "/",
        "--method",
        "org.freedesktop.DBus.ListNames",
    )
    until("the app listens for second starts", lambda: "SingleInstance" in desktop.run(*names).stdout)

    for _ in ("the first time", "and again, by the same process"):
        assert second_start(desktop, clouds.env | user.env, "--switcher") == 0

        shown(desktop)
        desktop.run("xdotool", "key", "Escape")
        until("the switcher is gone", lambda: not switchers(desktop))
        until("its web view is gone", lambda: not web_processes(app.pid))
    assert app.poll() is None
    app.send_signal(signal.SIGTERM)
    assert app.wait(timeout=30) == 0


def test_keys_that_another_program_uses_are_reported(desktop, start):
    # Openbox uses them to open its file manager.
    settings(desktop).write_text('[app]\nshortcut = "Super+E"\n')
    app = start()
    app.click("button", "Look around first")
    app.click("button", "Settings")

    app.read(r"Another program uses Super\+E\. Choose other keys")


def test_under_wayland_the_screen_points_to_the_desktops_own_settings(start):
    app = start(XDG_SESSION_TYPE="wayland")
    app.click("button", "Look around first")
    app.click("button", "Settings")

    app.read("multi-cloud-manager --switcher")
    assert app.page.one("button", "Set keys…") is None


def press(desktop, keys):
    """Presses keys, the modifiers first."""
    desktop.run("xdotool", "key", keys)


def open_with(desktop, app):
    """Opens the switcher with the command, and waits until it accepts keys."""
    assert second_start(desktop, {}, "--switcher") == 0
    shown(desktop)


def switch_to(desktop, typed, picture):
    press(desktop, "ctrl+alt+k")
    shown(desktop)
    desktop.run("xdotool", "type", typed)
    desktop.shot(picture)
    desktop.run("xdotool", "key", "Return")
    until("the switcher is gone", lambda: not switchers(desktop))


def shown(desktop):
    """Waits until the switcher has the keyboard and its list is drawn."""
    until("the switcher has the keyboard", lambda: desktop.active_window() == "Switch account")
    until("the switcher is drawn", lambda: is_drawn(desktop))


def is_drawn(desktop):
    [window] = switchers(desktop)
    drawn = desktop.run("import", "-window", window, "-format", "%k", "info:-", check=False)
    return drawn.returncode == 0 and int(drawn.stdout) > 32


def switchers(desktop):
    return desktop.run("xdotool", "search", "--onlyvisible", "--name", TITLE, check=False).stdout.split()


def settings(desktop):
    folder = desktop.folder / "home/.config/io.github.multicloudmanager.dev"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    return folder / "settings.toml"
