"""The app's links: the package's entry, the entry that the app writes, and what happens to both."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from desktop import BINARIES, SCHEME
from desktop_entry import TEMPLATES, install, rendered
from waiting import until

TYPE = f"x-scheme-handler/{SCHEME}"
PROGRAM = "multi-cloud-manager"
OPENERS = {"gio": ("gio", "open"), "xdg-open": ("xdg-open",)}


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_packages_entry_is_valid_and_opens_links(desktop, template):
    entry = desktop.folder / f"{PROGRAM}.desktop"
    entry.write_text(rendered(template))

    desktop.run("desktop-file-validate", entry)

    lines = entry.read_text().splitlines()
    assert f"Exec={PROGRAM} %u" in lines
    assert f"MimeType={TYPE}" in lines
    assert "{{" not in entry.read_text()


@pytest.mark.parametrize("opener", OPENERS)
def test_an_installed_app_relies_on_its_packages_entry_and_writes_none(desktop, user, start, opener):
    install(desktop, TEMPLATES[0], BINARIES)
    user.opens_links_with(*OPENERS[opener])
    app = start()

    app.click("button", "Azure")

    app.see("button", "Contoso")
    assert own_entries(desktop) == [], "the package's entry is enough, and is removed with it"


@pytest.mark.parametrize("opener", OPENERS)
def test_a_link_starts_an_app_that_is_not_running(desktop, clouds, user, opener):
    install(desktop, TEMPLATES[0], BINARIES)
    desktop.env |= clouds.env | user.env

    desktop.start(*OPENERS[opener], f"{SCHEME}://open", log="opener")

    [window] = until("the window is there", desktop.windows)
    until("the window is drawn", desktop.is_drawn)
    desktop.close_window(window)
    until("the app has ended", lambda: not desktop.windows())


@pytest.mark.parametrize("opener", OPENERS)
def test_a_moved_program_registers_its_new_place(desktop, clouds, user, opener):
    places = [desktop.folder / "first", desktop.folder / "second"]
    for place in places:
        place.mkdir()
    shutil.copy(BINARIES / PROGRAM, places[0])
    run_once(desktop, clouds, user, places[0])
    assert f"Exec={places[0] / PROGRAM} %u" in entry_of(desktop)
    shutil.move(places[0] / PROGRAM, places[1])
    assert default_of(desktop) is None, "an entry whose program is gone is skipped"

    run_once(desktop, clouds, user, places[1])

    assert f"Exec={places[1] / PROGRAM} %u" in entry_of(desktop)
    assert default_of(desktop) == f"{SCHEME}-handler.desktop"
    desktop.env |= clouds.env | user.env
    desktop.start(*OPENERS[opener], f"{SCHEME}://open", log="opener")
    [window] = until("the window is there", desktop.windows)
    desktop.close_window(window)
    until("the app has ended", lambda: not desktop.windows())


def test_a_link_to_an_account_opens_the_dashboard_at_it_and_does_nothing_else(desktop, clouds, user, start):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    app.see("button", "Northwind")
    [northwind] = [one["id"] for one in app.page.script(LISTED) if one["name"] == "Northwind"]
    app.click("button", "Settings")
    before, requests = kept(desktop), len(clouds.requests("azure-token"))

    desktop.run("gio", "open", f"{SCHEME}://open/{northwind}")

    app.see("heading", "Northwind")
    assert kept(desktop) == before, "nothing was changed"
    assert len(clouds.requests("azure-token")) == requests and len(user.visited()) == 1


LISTED = (
    "return [...document.querySelectorAll('[data-account]')]"
    ".map((row) => ({ id: row.dataset.account, name: row.textContent.trim() }))"
)


def run_once(desktop, clouds, user, place):
    """Starts a copy of the app, waits until it has registered itself, and ends it."""
    app = desktop.start(place / PROGRAM, "--hidden", log="app", env=clouds.env | user.env)
    until("it is registered", lambda: str(place) in "".join(entry_of(desktop)) and default_of(desktop))
    app.terminate()
    assert app.wait(timeout=30) == 0


def own_entries(desktop):
    """The link entries that the app wrote for this user."""
    return list((desktop.folder / "home/.local/share/applications").glob("*-handler.desktop"))


def entry_of(desktop):
    """The lines of the app's own entry."""
    return [line for entry in own_entries(desktop) for line in entry.read_text().splitlines()]


def default_of(desktop):
    """The entry that the desktop opens the app's links with."""
    said = desktop.run("gio", "mime", TYPE, check=False).stdout.splitlines()
    return said[0].rsplit(" ", 1)[1] if said and said[0].startswith("Default") else None


def kept(desktop):
    [file] = (desktop.folder / "home").rglob("accounts.db")
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return list(database.iterdump())
