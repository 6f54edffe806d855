"""The switcher: opened by keys from any program, typed into, and gone. Keys come from xdotool, as a person's would."""

import signal
import time

from app import BINARY, second_start, web_processes
from waiting import stays, until

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
    press(desktop, "ctrl+alt+k")
    stays("nothing opens", lambda: not switchers(desktop))


def test_who_types_at_once_is_not_too_fast(desktop, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    tray.wait_for("  * Contoso", "  Northwind")
    turns = [("northw", "  * Northwind", "  Contoso"), ("conto", "  * Contoso", "  Northwind")]
    # Before the page is there, while it takes over what was typed, and after.
    for at in range(10):
        letters, used, other = turns[at % 2]
        assert second_start(desktop, {}, "--switcher") == 0
        until("the switcher has the keyboard", lambda: desktop.active_window() == "Switch account")
        time.sleep(at * 0.03)

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


def test_an_account_that_needs_it_is_signed_in_to_from_the_switcher(desktop, clouds, person, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    clouds.revoke("ada@contoso.example")
    app.click("button", "Renew")
    tray.wait_for("  * Contoso · sign in again")
    open_with(desktop, app)

    desktop.run("xdotool", "key", "Return")

    tray.wait_for("  * Contoso")
    assert len(person.visited()) == 2
    until("the switcher is gone", lambda: not switchers(desktop))
    app.read("Contoso is signed in again.")


def test_the_switcher_goes_by_escape_by_its_own_keys_and_when_it_is_left(desktop, clouds, person, tray):
    (settings(desktop)).write_text('[app]\nshortcut = "Ctrl+Alt+K"\n')
    app = desktop.start(BINARY, "--hidden", log="app", env=clouds.env | person.env)
    tray.wait_for("Open dashboard")
    stays("nothing draws a page", lambda: not web_processes(app.pid))
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
    assert not desktop.windows(), "the dashboard was never asked for"
    stays("the app goes on", lambda: app.poll() is None)
    app.send_signal(signal.SIGTERM)
    assert app.wait(timeout=30) == 0


def test_the_switcher_opens_by_a_command_and_without_a_tray_leaves_the_app_running(desktop, clouds, person):
    app = desktop.start(BINARY, "--hidden", log="app", env=clouds.env | person.env)
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
    until("the app hears of further starts", lambda: "SingleInstance" in desktop.run(*names).stdout)

    assert second_start(desktop, clouds.env | person.env, "--switcher") == 0

    shown(desktop)
    desktop.run("xdotool", "key", "Escape")
    until("the switcher is gone", lambda: not switchers(desktop))
    stays("the app goes on", lambda: app.poll() is None)
    app.send_signal(signal.SIGTERM)
    assert app.wait(timeout=30) == 0


def test_keys_that_another_program_has_are_told_of(desktop, start):
    # Openbox opens its file manager with them.
    settings(desktop).write_text('[app]\nshortcut = "Super+E"\n')
    app = start()
    app.click("button", "Look around first")
    app.click("button", "Settings")

    app.read(r"Another program has Super\+E\. Choose other keys")


def test_a_wayland_session_is_told_of_the_desktops_own_way(start):
    app = start(XDG_SESSION_TYPE="wayland")
    app.click("button", "Look around first")
    app.click("button", "Settings")

    app.read("multi-cloud-manager --switcher")
    assert app.page.one("button", "Set keys…") is None


def press(desktop, keys):
    """Presses keys as a person does, the modifiers first."""
    desktop.run("xdotool", "key", keys)


def open_with(desktop, app):
    """Opens the switcher by the command, and waits until it can be typed into."""
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
    [window] = switchers(desktop)

    def is_drawn():
        drawn = desktop.run("import", "-window", window, "-format", "%k", "info:-", check=False)
        return drawn.returncode == 0 and int(drawn.stdout) > 32

    until("the switcher is drawn", is_drawn)


def switchers(desktop):
    return desktop.run("xdotool", "search", "--onlyvisible", "--name", TITLE, check=False).stdout.split()


def settings(desktop):
    folder = desktop.folder / "home/.config/io.github.multicloudmanager.dev"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    return folder / "settings.toml"
