"""Environments in the tray, the switcher and the window: used, confirmed by name, ended and revoked."""

import re
import subprocess

from app import second_start
from desktop import BINARIES
from test_switcher import open_with, shown, switchers
from waiting import until

MCM = BINARIES / "mcm"
# Asks the endpoint of mcm exec for each line that it is given, and prints the status.
ASK = (
    "while read -r line; do curl -s -o /dev/null -w '%{http_code}\\n' -H \"X-IDENTITY-HEADER: $IDENTITY_HEADER\" "
    '"$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://management.azure.com/"; done'
)


def test_an_environment_in_the_tray_puts_its_accounts_in_use_where_they_are(desktop, start, tray):
    app = start()
    connect(app, tray)
    create(desktop, "dev", "Contoso/Staging")
    create(desktop, "other", "Northwind")
    tray.wait_for("Environments", "  dev", "  other")

    tray.choose("dev")

    tray.wait_for("  * dev", "  other", "  * Contoso", "  * Staging")
    app.click("button", "Environments")
    until("the window follows", lambda: "In use" in card(app, "dev"))
    assert "In use" not in card(app, "other")

    tray.choose("other")

    tray.wait_for("  dev", "  * other", "  * Northwind")
    until("the window follows", lambda: "In use" in card(app, "other"))


def test_the_switcher_uses_an_environment_and_leads_to_a_protected_one(desktop, start, tray):
    app = start()
    connect(app, tray)
    create(desktop, "dev", "Northwind")
    create(desktop, "prod", "Contoso", "--protected")
    tray.wait_for("  dev", "  prod · protected")
    open_with(desktop, app)

    desktop.run("xdotool", "type", "dev")
    desktop.run("xdotool", "key", "Return")

    tray.wait_for("  * dev", "  * Northwind")
    until("the switcher is gone", lambda: not switchers(desktop))
    assert second_start(desktop, {}, "--switcher") == 0
    shown(desktop)

    desktop.run("xdotool", "type", "prod")
    desktop.run("xdotool", "key", "Return")

    app.see("button", "Confirm prod")
    tray.wait_for("  * Northwind", "  prod · protected")


def test_a_protected_environment_is_confirmed_counts_down_and_ends_with_what_runs_in_it(desktop, start, tray):
    app = start()
    connect(app, tray)
    create(desktop, "prod", "Contoso", "--protected")
    refused = desktop.run(MCM, "exec", "-E", "prod", "--", "true", check=False)
    assert refused.returncode == 1 and "Run this at a terminal" in refused.stderr
    app.click("button", "Environments")
    app.click("button", "Confirm prod")
    box = app.see("textbox", "Type prod to go on")
    box.type("prod")
    app.click("button", "Confirm")
    app.read("prod is confirmed")
    until(
        "the tray counts down",
        lambda: any(re.match(r"  prod · 1[45] min left$", line) for line in tray.menu()),
    )
    command = Command(desktop, "-E", "prod")
    assert command.ask() == "200"
    app.click("button", "In use by")
    app.read("sh\\s")
    app.picture("in-use-by")

    app.click("button", "Environments")
    app.click("button", "End now: prod")

    app.read("The use of prod ended")
    tray.wait_for("  prod · protected")
    assert command.ask() == "403"
    refused = desktop.run(MCM, "exec", "-E", "prod", "--", "true", check=False)
    assert refused.returncode == 1, "the confirmation is taken back"
    app.click("button", "In use by")
    until("it is shown as revoked", lambda: "Revoked" in card(app, "sh"))
    command.end()
    app.read("Nothing runs")


def test_one_program_is_revoked_and_the_others_go_on(desktop, start, tray):
    app = start()
    connect(app, tray)
    create(desktop, "dev", "Contoso")
    one, other = Command(desktop, "-E", "dev"), Command(desktop, "Northwind")
    assert [one.ask(), other.ask()] == ["200", "200"]
    app.click("button", "In use by")

    app.click("button", f"Revoke sh, process {one.process.pid}")

    app.read("sh was revoked")
    assert [one.ask(), other.ask()] == ["403", "200"]
    listed = desktop.run(MCM, "sessions").stdout
    assert "revoked" in listed.lower()
    one.end()
    other.end()


class Command:
    """A command of `mcm exec` that asks its endpoint when the test says so."""

    number = 0

    def __init__(self, desktop, *whose):
        Command.number += 1
        name = f"command-{Command.number}"
        self.log = desktop.folder / f"{name}.out"
        words = [MCM, "exec", *whose, "--", "sh", "-c", ASK]
        self.process = desktop.start(*words, log=name, stdin=subprocess.PIPE, stdout=self.log.open("wb"))

    def ask(self):
        """The status of an answer to a new question."""
        before = len(self._answers())
        self.process.stdin.write(b"ask\n")
        self.process.stdin.flush()
        return until("the endpoint answers", lambda: self._answers()[before:])[0]

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)

    def _answers(self):
        return self.log.read_text().split("\n")[:-1]


def connect(app, tray):
    """Connects two accounts."""
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Add Northwind")
    tray.wait_for("  * Contoso", "  Northwind", "  Production")


def create(desktop, name, account, *options):
    desktop.run(MCM, "environment", "create", name, "--azure", account, *options)


def card(app, name):
    """The text of an entry of the list with this name."""
    found = "[...document.querySelectorAll('li[aria-label]')].find((one) => one.ariaLabel === arguments[0])"
    return app.page.script(f"return {found}?.textContent ?? ''", name)
