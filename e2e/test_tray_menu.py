"""The tray's menu in action: a choice is visible everywhere, consoles open, names stay names."""

import json

from desktop import BINARIES
from waiting import until


def test_a_choice_in_the_tray_reaches_the_window_and_the_command_line_at_once(desktop, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    tray.wait_for("  * Contoso", "  Northwind")

    tray.choose("Northwind")

    tray.wait_for("  * Northwind", "  Contoso")
    [active] = [account for account in accounts(desktop) if account["active"]]
    assert active["displayName"] == "Northwind"
    until(
        "the window follows",
        lambda: "In use" in row(app, "Northwind") and "In use" not in row(app, "Contoso"),
    )


def test_the_console_of_the_account_in_use_opens_from_the_tray(clouds, user, start, tray):
    app = start()
    app.click("button", "Azure")
    tray.wait_for("  * Contoso", "  Production")
    user.does_nothing()
    before = len(user.visited())

    tray.choose("Open Azure portal")

    until("the browser is opened", lambda: len(user.visited()) == before + 1)
    [account] = [account for account in accounts(app.desktop) if account["active"]]
    assert user.visited()[-1].startswith("https://portal.azure.")
    assert account["tenantId"] in user.visited()[-1]


def test_a_name_cannot_forge_entries_or_access_keys(desktop, start, tray):
    app = start()
    app.click("button", "Azure")
    tray.wait_for("  * Contoso", "  Production")
    numbers = tray.numbers()

    desktop.run(BINARIES / "mcm", "rename", "Contoso", "R&D _ops_ \u202etiuQ")

    # In D-Bus menus an underscore marks the access key, and two stand for one underscore.
    tray.wait_for("  * R&D __ops__ tiuQ")
    assert tray.numbers() == numbers, "the same entries, with new labels"


def accounts(desktop):
    return json.loads(desktop.run(BINARIES / "mcm", "accounts", "--json").stdout)["accounts"]


def row(app, name):
    names = "[...document.querySelectorAll('li button[data-account]')]"
    found = f"{names}.find((one) => one.textContent.trim() === arguments[0])"
    return app.page.script(f"return {found}?.closest('li').textContent ?? ''", name)
