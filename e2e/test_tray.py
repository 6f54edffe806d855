"""The tray, read and clicked over D-Bus as a panel would do it."""

from waiting import until


def test_the_tray_shows_the_accounts_in_use_and_switches(start, tray):
    app = start()
    tray.wait_for("(No account connected)", "Connect account…", "Quit")
    app.click("button", "Azure")
    app.see("button", "Contoso")
    tray.wait_for("  * Contoso", "  Production")
    app.click("button", "Add Northwind")
    app.see("button", "Northwind")
    tray.wait_for("  Northwind")

    tray.choose("Northwind")

    tray.wait_for("  * Northwind", "  Contoso")
    assert any(line.startswith("Azure: Northwind · ") for line in tray.menu())
    app.picture("two-tenants")
    tray.choose("Northwind trading")
    tray.wait_for("  * Northwind trading")
    app.click("button", "Northwind")
    app.read("Northwind trading")


def test_a_tick_shows_the_state_whatever_was_clicked(start, tray):
    app = start()
    app.click("button", "Azure")
    tray.wait_for("  * Contoso")

    tray.choose("Contoso")

    until("the one in use is ticked", lambda: "  * Contoso" in tray.menu())
    tray.choose("Pause automatic renewal")
    tray.wait_for("* Pause automatic renewal")
    app.read("Automatic renewal is paused.")
    tray.choose("Pause automatic renewal")
    tray.wait_for("Pause automatic renewal")


def test_an_account_that_needs_it_is_signed_in_to_from_the_tray(clouds, user, start, tray):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    good = tray.icon()
    clouds.revoke("ada@contoso.example")
    app.click("button", "Renew Contoso")
    tray.wait_for("  * Contoso · sign in again")
    assert tray.icon() != good
    app.picture("sign-in-again")

    tray.choose("Contoso · sign in again")

    tray.wait_for("  * Contoso")
    assert len(user.visited()) == 2
    app.see("button", "Contoso")


def test_without_the_trays_library_the_app_starts_and_ends_with_its_window(desktop, start, tray):
    libraries = desktop.folder / "no-libraries"
    libraries.mkdir()
    for name in ("libayatana-appindicator3", "libappindicator3"):
        for ending in (".so.1", ".so"):
            # What is no library is found first, and cannot be opened.
            (libraries / f"{name}{ending}").write_text("not a library\n")

    app = start(LD_LIBRARY_PATH=str(libraries))

    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.click("button", "Settings")
    app.read(
        "There is no tray icon, because the library libayatana-appindicator3 is not installed. Install it"
    )
    app.picture("no-tray-library")
    # Nothing could be reached after the window was closed.
    [window] = desktop.windows()
    desktop.close_window(window)
    until("the app ends with its window", app.is_gone)


def test_quitting_from_the_tray_ends_the_app(start, tray):
    app = start()
    tray.wait_for("Quit")

    tray.choose("Quit")

    until("the app ends", app.is_gone)
