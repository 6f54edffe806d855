"""The app's life: start at login, returning to the last place, links that start it, and every way to end it."""

import json
import re
import signal

from app import BINARY, program_of, web_processes
from desktop import BINARIES, SCHEME
from waiting import stays, until

FOLDER = "home/.config/io.github.multicloudmanager.dev"
ENTRY = "home/.config/autostart/io.github.multicloudmanager.dev.desktop"


def test_start_at_login_is_the_desktops_own_entry_and_starts_hidden(desktop, clouds, user, start, tray):
    app = start()
    entry = desktop.folder / ENTRY
    app.click("button", "Look around first")
    app.click("button", "Settings")
    assert not entry.exists(), "it is off by default"

    app.click("checkbox", "Start when you log in Sessions are then renewed before you need them.")

    app.read("The app starts in the tray when you log in")
    assert f"\nExec={BINARY} --hidden\n" in entry.read_text()
    app.close()
    desktop.env |= clouds.env | user.env
    desktop.start("gio", "launch", entry, log="launch")
    started = until(
        "the app is in the tray", lambda: tray.process() not in (None, app.pid) and tray.process()
    )
    stays(
        "no page is drawn and no window shown", lambda: not web_processes(started) and not desktop.windows()
    )
    tray.choose("Quit")
    until("the app ends", lambda: program_of(started) != str(BINARY))


def test_an_entry_whose_program_has_moved_is_fixed_and_a_disabled_one_is_left_alone(
    desktop, clouds, user, tray
):
    entry = desktop.folder / ENTRY
    entry.parent.mkdir(parents=True)
    text = "[Desktop Entry]\nType=Application\nName=App\nExec=/gone/multi-cloud-manager --hidden\n"
    for written, expected in [
        (text, text.replace("/gone/multi-cloud-manager", str(BINARY))),
        (text + "X-GNOME-Autostart-enabled=false\n", text + "X-GNOME-Autostart-enabled=false\n"),
    ]:
        entry.write_text(written)
        app = desktop.start(BINARY, "--hidden", log="app", env=clouds.env | user.env)
        until("the app is in the tray", lambda: tray.process() == app.pid)
        until("the entry is as expected", lambda: entry.read_text() == expected)
        app.send_signal(signal.SIGTERM)
        assert app.wait(timeout=30) == 0
        assert entry.read_text() == expected


def test_the_window_comes_back_to_where_it_was(desktop, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    app.see("button", "Northwind")
    app.page.one("searchbox").type("o")
    app.click("button", "Northwind")
    app.see("heading", "Northwind")
    app.page.script(
        "const pane = document.querySelector('aside.page'); pane.scrollTop = 120; pane.dispatchEvent(new Event('scroll'))"
    )
    app.read("Northwind")
    until(
        "the results of actions have disappeared",
        lambda: not re.search("(is|was) (connected|added)", app.page.text()),
    )
    desktop.still_shot("place-before")
    [window] = desktop.windows()

    desktop.close_window(window)

    until("the window is gone", lambda: not desktop.windows())
    tray.choose("Open dashboard")
    until("the window is back", lambda: desktop.windows())
    until("the window is drawn", desktop.is_drawn)

    def is_as_it_was():
        desktop.shot("place-after")
        # The times may be a minute shorter.
        return desktop.difference("place-before", "place-after") < 500

    until("everything is back in its place", is_as_it_was)


def test_a_link_opens_an_account_in_an_app_that_is_hidden_or_not_running(desktop, clouds, user, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    [account] = accounts(desktop)
    link = f"{SCHEME}://open/{account}"
    app.close()

    stopped = start(link)
    stopped.see("heading", "Contoso")
    stopped.read("Signed in as")
    stopped.close()

    desktop.env |= clouds.env | user.env
    hidden = desktop.start(BINARY, "--hidden", log="app")
    until("the app is in the tray", lambda: tray.process() == hidden.pid)
    tray.wait_for("  * Contoso")
    stays("no page is drawn", lambda: not web_processes(hidden.pid))
    desktop.run("xdg-open", link)
    until("the window is there", desktop.windows)
    until("the window is drawn", desktop.is_drawn)
    desktop.shot("opened-by-link")
    hidden.send_signal(signal.SIGTERM)
    assert hidden.wait(timeout=30) == 0


def test_quitting_waits_until_a_renewal_is_stored_and_for_nothing_else(desktop, clouds, start, tray):
    clouds.change(azure_rotation="strict")
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    tray.wait_for("  * Contoso")
    clouds.fault("azure-token", {"latency": 2_000}, times=1)
    clouds.fault("azure-subscriptions", "hang")
    before = len(clouds.requests("azure-token"))
    app.click("button", "Renew Contoso")
    until("the renewal has been sent", lambda: len(clouds.requests("azure-token")) > before)

    tray.choose("Quit")

    until("the app ends", app.is_gone)
    clouds.clear_faults()
    again = start()
    again.see("button", "Contoso")
    again.click("button", "Contoso")
    again.click("button", "Renew Contoso")
    again.read("Contoso was renewed.")


def test_every_way_that_a_session_ends_is_a_clean_quit(desktop, clouds, user, tray):
    bus = next(program for program in desktop.running if program.args[0] == "dbus-daemon")
    folder = desktop.folder / FOLDER
    for end in [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]:
        app = desktop.start(BINARY, log="app", env=clouds.env | user.env)
        until("the window is drawn", lambda: desktop.windows() and desktop.is_drawn())
        app.send_signal(end)
        assert app.wait(timeout=30) == 0, end
        until("the window is gone", lambda: not desktop.windows())
    app = desktop.start(BINARY, "--hidden", log="app", env=clouds.env | user.env)
    until("the app is in the tray", lambda: tray.process() == app.pid)

    bus.kill()

    assert app.wait(timeout=30) == 0, "the session bus went away, as at logout"
    assert not [path for path in folder.rglob("*") if path.name.startswith(".tmp")], "nothing is half-written"


def test_without_a_session_bus_the_app_shows_its_window_and_ends_with_it(desktop, clouds, user):
    env = clouds.env | user.env | {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={desktop.folder}/nowhere"}
    app = desktop.start(BINARY, log="app", env=env)
    [window] = until("the window is there", desktop.windows)
    until("the window is drawn", desktop.is_drawn)

    desktop.close_window(window)

    assert app.wait(timeout=30) == 0


def accounts(desktop):
    listed = desktop.run(BINARIES / "mcm", "accounts", "--json").stdout
    return [account["id"] for account in json.loads(listed)["accounts"]]
