"""The tray on a real panel, and on a desktop without one."""

import re

from desktop import BINARIES
from waiting import stays, until


def test_a_real_panel_shows_the_icon_and_its_menu_and_the_dashboard_follows(desktop, start, panel):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    app.see("button", "Northwind")
    until("the icon is visible", panel.place)
    panel.wait_for("  * Contoso", "  Northwind")

    panel.choose("Northwind")

    panel.wait_for("  * Northwind", "  Contoso")
    until("the dashboard follows", lambda: in_use(app) == ["Northwind"])
    panel.press_icon()
    until("the menu is open", lambda: menus(desktop))
    desktop.shot("panel")


def test_pointer_and_keys_choose_an_entry(desktop, start, panel):
    app = start()
    app.click("button", "Look around first")
    panel.wait_for("Pause automatic renewal")

    panel.press_icon()
    until("the menu is open", lambda: menus(desktop))
    desktop.run(
        "xdotool", "key", "--delay", "50", *["Down"] * steps_to(panel, "Pause automatic renewal"), "Return"
    )

    app.read("Automatic renewal is paused.")
    panel.wait_for("* Pause automatic renewal")


def test_the_tray_survives_a_restart_of_the_panel(desktop, clouds, user, panel):
    app = desktop.start(BINARIES / "multi-cloud-manager", "--hidden", log="app", env=clouds.env | user.env)
    until("the icon is visible", panel.place)
    for _ in range(3):
        panel.kill()
        until("the icon is gone", lambda: panel.place() is None)
        panel.start()
        until("the icon is visible", panel.place)

    panel.choose("Open dashboard")

    [window] = until("the window is there", desktop.windows)
    desktop.close_window(window)
    until("the window is gone", lambda: not desktop.windows())
    stays("the app stays in the tray", lambda: app.poll() is None)
    panel.choose("Quit")
    assert app.wait(timeout=30) == 0
    until("the icon is gone", lambda: panel.place() is None)


def test_without_a_tray_closing_the_window_ends_the_app_and_says_so_once(
    desktop, clouds, user, notifications
):
    for turn in range(2):
        app = desktop.start(BINARIES / "multi-cloud-manager", log="app", env=clouds.env | user.env)
        [window] = until("the window is there", desktop.windows)

        desktop.close_window(window)

        assert app.wait(timeout=30) == 0
        assert [summary for summary, _, _ in notifications.shown] == ["Multi-Cloud Manager has quit"], turn
    body, _ = notifications.wait_for("Multi-Cloud Manager has quit")
    assert "shows no tray" in body


def test_an_app_and_a_panel_that_start_together_show_one_icon(desktop, clouds, user, panel):
    """The library falls back to another kind of icon, so there could be two."""
    app = desktop.start(BINARIES / "multi-cloud-manager", "--hidden", log="app", env=clouds.env | user.env)

    until("the icon is visible", panel.place)

    stays("there is one icon", panel.place, 2.0)
    assert app.poll() is None


def in_use(app):
    """The rows marked as in use."""
    return app.page.script(
        "return [...document.querySelectorAll('li [data-account]')]"
        ".filter((name) => /\\bIn use\\b/.test(name.closest('li').innerText)).map((name) => name.textContent.trim())"
    )


def menus(desktop):
    """The open menus: windows of the panel's tray without a frame."""
    seen = desktop.run("xdotool", "search", "--onlyvisible", "--class", "wrapper", check=False).stdout
    return [window for window in seen.split() if height(desktop, window) > 60]


def height(desktop, window):
    geometry = desktop.run("xdotool", "getwindowgeometry", window, check=False).stdout
    found = re.search(r"Geometry: \d+x(\d+)", geometry)
    return int(found.group(1)) if found else 0


def steps_to(tray, label):
    """The number of arrow presses that reach a top-level entry; disabled entries are skipped."""
    entries = [line.removeprefix("* ") for line in tray.menu() if not line.startswith(" ")]
    return [line for line in entries if line != "--" and not line.startswith("(")].index(label) + 1
