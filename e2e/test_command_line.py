"""The app and `mcm`: two processes on one store."""

from desktop import BINARIES
from waiting import until


def test_what_the_command_line_changes_is_seen_in_the_window_and_the_tray(desktop, clouds, person, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    app.see("button", "Northwind")
    desktop.env |= clouds.env | person.env

    desktop.run(BINARIES / "mcm", "use", "Northwind")

    tray.wait_for("  * Northwind", "  Contoso")
    token = desktop.run(BINARIES / "mcm", "token", "--active", "azure").stdout.strip()
    assert token in clouds.secrets(), "the command line hands out a token that the clouds know"
    desktop.run(BINARIES / "mcm", "logout", "Contoso")
    until("the row is gone", lambda: app.accounts() == ["Northwind"])
    until("the entry is gone", lambda: "  Contoso" not in tray.menu())
    assert len(person.visited()) == 1, "one sign-in served both"
