"""The app and `mcm`: two processes on one store."""

import json
import subprocess

from desktop import BINARIES
from waiting import until


def test_changes_by_the_command_line_appear_in_the_window_and_the_tray(desktop, clouds, user, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    app.see("button", "Northwind")
    desktop.env |= clouds.env | user.env

    desktop.run(BINARIES / "mcm", "use", "Northwind")

    tray.wait_for("  * Northwind", "  Contoso")
    token = desktop.run(BINARIES / "mcm", "token", "--active", "azure").stdout.strip()
    assert token in clouds.secrets(), "the command line prints a token that the clouds issued"
    desktop.run(BINARIES / "mcm", "logout", "Contoso")
    until("the row is gone", lambda: app.accounts() == ["Northwind"])
    until("the entry is gone", lambda: "  Contoso" not in tray.menu())
    assert len(user.visited()) == 1, "one sign-in served both"


def test_fifty_terminals_and_the_app_renew_a_session_once_and_keep_the_sign_in(
    desktop, clouds, user, start, tray
):
    clouds.change(azure_rotation="strict", access_token_life_ms=4000)
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    tray.choose("Pause automatic renewal")
    tray.wait_for("* Pause automatic renewal")
    clouds.change(access_token_life_ms=3_600_000)
    desktop.env |= clouds.env | user.env
    until("the session has expired", lambda: not has_session(desktop))
    before = len(clouds.requests("azure-token", grant_type="refresh_token"))

    terminals = [
        subprocess.Popen(
            [BINARIES / "mcm", "token", "Contoso"], env=desktop.env, stdout=subprocess.PIPE, text=True
        )
        for _ in range(50)
    ]
    tray.choose("Pause automatic renewal")

    tokens = {terminal.communicate(timeout=60)[0] for terminal in terminals}
    assert len(tokens) == 1 and tokens.pop().strip() in clouds.secrets()
    assert len(clouds.requests("azure-token", grant_type="refresh_token")) == before + 1
    app.click("button", "Contoso")
    app.click("button", "Renew Contoso")
    app.read("Contoso was renewed.")


def has_session(desktop):
    """Whether the only account has a session that has not expired."""
    [account] = json.loads(desktop.run(BINARIES / "mcm", "accounts", "--json").stdout)["accounts"]
    return account["sessionExpiresAt"] is not None
