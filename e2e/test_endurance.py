"""A thousand repetitions leave nothing behind, and hostile floods cost little."""

import json
import re
import sqlite3
import time
from collections import Counter
from contextlib import closing

from app import BINARY, second_start
from desktop import SCHEME
from holdings import Holdings
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
from waiting import until

SWITCHES = 1_000
FLOOD = 1_000
OPENINGS = 20
# WebKit's table of visited links, a page of memory. wry 0.57 keeps each web view alive through its message handler, so an
# empty Tauri app leaves the same behind.
LEFT_BY_A_WEB_VIEW = "handle /memfd:WebKitSharedMemory (deleted)"
# How much the program's memory may grow. A leaked menu entry would cost more in a thousand switches.
SLACK = 8


def test_a_thousand_switches_leave_nothing_behind(desktop, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    app.see("button", "Northwind")
    tray.wait_for("  * Contoso", "  Northwind")
    names = {account["id"]: account["identity"]["tenantName"] for account in kept(desktop)["accounts"]}
    holdings = Holdings(desktop, app.pid)
    switch(desktop, tray, names, 100)
    counts, memory = holdings.counts(), holdings.memory()

    switch(desktop, tray, names, SWITCHES)

    holdings.settles_at(counts)
    assert holdings.memory() < memory + SLACK, f"{memory:.1f} MiB before"
    holdings.close()


def test_the_app_and_a_pending_sign_in_survive_a_flood_of_links_and_starts(desktop, clouds, user, start):
    user.does_nothing()
    app = start()
    app.click("button", "Azure")
    app.read("Finish signing in there.")
    page = until("the browser is opened", user.visited)[0]
    state = re.search(r"[?&]state=([^&]+)", page).group(1)
    before = len(log_lines(desktop))
    began = time.monotonic()

    answered = flood(desktop, hostile_starts(state))

    assert answered == FLOOD, "every start is answered"
    assert second_start(desktop, clouds.env | user.env, "--hidden") == 0, "and so is the next"
    lines = log_lines(desktop)[before:]
    assert len(lines) <= 1 + (time.monotonic() - began), lines
    assert not [line for line in lines if state in line or "forged" in line]
    app.read("Finish signing in there.")
    assert clouds.requests("azure-token") == [], "no forged code was redeemed"
    assert len(desktop.windows()) == 1
    user.signs_in()
    user.browse(page)
    app.see("button", "Contoso")


def test_twenty_times_closing_and_opening_leave_nothing_behind(desktop, clouds, user, tray):
    app = desktop.start(BINARY, log="app", env=clouds.env | user.env)
    holdings = Holdings(desktop, app.pid)
    close_and_open(desktop, tray, holdings, 3)
    counts, memory = holdings.counts(), holdings.memory()

    close_and_open(desktop, tray, holdings, OPENINGS)

    holdings.settles_at(counts, Counter({LEFT_BY_A_WEB_VIEW: OPENINGS}))
    assert holdings.memory() < memory + SLACK, f"{memory:.1f} MiB before"
    app.terminate()
    assert app.wait(timeout=30) == 0
    holdings.close()


def switch(desktop, tray, names, times):
    """Switches between two accounts again and again."""
    for _ in range(times):
        active = kept(desktop)["active"]["azure"]
        other = next(id for id in names if id != active)
        tray.choose(names[other])

        def is_in_use():
            return kept(desktop)["active"]["azure"] == other

        try:
            until(f"{names[other]} is in use", is_in_use, patience=5, look=0.005)
        except AssertionError:
            # libdbusmenu drops a click when the menu is rebuilt before it is handled. A user clicks again.
            tray.choose(names[other])
            until(f"{names[other]} is in use", is_in_use)
    # The menu is rebuilt a few times a second, so it follows the last switch.
    tray.wait_for(f"  * {names[other]}")


def close_and_open(desktop, tray, holdings, times):
    """Closes the window and opens it from the tray, one step after the other, and leaves it closed."""
    for _ in range(times):
        until("a process draws the page", lambda: holdings.processes()["process WebKitWebProcess"] == 1)
        until("the window is drawn", desktop.is_drawn)
        [window] = desktop.windows()
        desktop.close_window(window)
        until(
            "nothing of WebKit's runs any more",
            lambda: not any("WebKit" in name for name in holdings.processes()),
        )
        tray.choose("Open dashboard")
    until("the window is drawn", lambda: desktop.windows() and desktop.is_drawn())


def hostile_starts(state):
    """A thousand arguments, as from a page that opens links or a program that starts the app."""
    link = f"{SCHEME}://auth/azure?code=forged&state="
    kinds = [
        [link + "wrong"],
        [link],
        [f"{SCHEME}://auth/gcp?code=forged&state={state}"],
        [link + state + "&state=" + state],
        [link + "a" * 9_000],
        ["com.googleusercontent.apps.1-a:/oauth2redirect?code=forged&state=wrong"],
        [f"{SCHEME}://open/azure-000000000000"],
        ["--hidden", link + state],
        [],
        ["\x1b[31m%s%n' OR 1=1; --"],
    ]
    return [kinds[turn % len(kinds)] for turn in range(FLOOD)]


def flood(desktop, starts):
    """Sends the arguments of second starts as fast as the bus accepts them, and counts the answers."""
    name = f"{SCHEME}.SingleInstance"
    address = DBusAddress("/" + name.replace(".", "/"), name, "org.SingleInstance.DBus")
    bus = open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"])
    for arguments in starts:
        bus.send(new_method_call(address, "ExecuteCallback", "ass", ([str(BINARY), *arguments], "/")))
    answers = 0
    while answers < len(starts):
        answers += bus.receive(timeout=30).header.message_type == MessageType.method_return
    bus.close()
    return answers


def log_lines(desktop):
    logs = (desktop.folder / "home").rglob("app.*.log")
    return [line for log in logs for line in log.read_text().splitlines()]


def kept(desktop):
    """The accounts and those in use, of `accounts.db`."""
    [file] = (desktop.folder / "home").rglob("accounts.db")
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT id, identity FROM account").fetchall()
        active = dict(database.execute("SELECT cloud, account FROM active"))
    return {
        "accounts": [{"id": id, "identity": json.loads(identity)} for id, identity in rows],
        "active": active,
    }
