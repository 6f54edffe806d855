"""Connecting through the window, a browser and the redirect, and what remains after each outcome."""

import re

import pytest
from app import second_start
from desktop import SCHEME
from waiting import stays, until


def test_azure_connects_through_the_apps_own_scheme_and_survives_a_kill(desktop, clouds, user, start):
    app = start()
    app.see("heading", "Welcome to Multi-Cloud Manager")
    app.picture("first-run")

    app.click("button", "Azure")

    app.see("button", "Contoso")
    app.read("Contoso is connected.")
    app.picture("connected")
    [page] = user.visited()
    assert "redirect_uri=" + SCHEME.replace(":", "%3A") in page, "the answer came through the scheme"
    assert entries(desktop) == ["grant", "session"]

    app.kill()
    again = start()

    again.see("button", "Contoso")
    again.click("button", "Contoso")
    renewals = len(clouds.requests("azure-token", grant_type="refresh_token"))
    again.click("button", "Renew Contoso")
    again.read("Contoso was renewed.")
    assert len(clouds.requests("azure-token", grant_type="refresh_token")) == renewals + 1
    assert entries(desktop) == ["grant", "session"]
    assert len(user.visited()) == 1, "no second sign-in was needed"
    state = re.search(r"[?&]state=([^&]+)", page).group(1)
    assert written(desktop, [*clouds.secrets(), state]) == [], (
        "no secret is in a file or an output of the app"
    )


def test_azure_connects_over_loopback(desktop, user, start):
    app = start(MCM_REDIRECT_AZURE="loopback")

    app.click("button", "Azure")

    app.see("button", "Contoso")
    assert re.search(r"redirect_uri=http%3A%2F%2Flocalhost%3A\d+", user.visited()[0])
    inherited = user.inherited()
    assert "DISPLAY" in inherited
    assert inherited.isdisjoint({"GDK_GL", "WEBKIT_DISABLE_DMABUF_RENDERER"}), (
        "the browser does not inherit how the app is drawn"
    )
    assert entries(desktop) == ["grant", "session"]


def test_google_connects_over_loopback(desktop, user, start):
    app = start()

    app.click("button", "Google Cloud")

    app.see("button", "ada@contoso.example")
    assert re.search(r"redirect_uri=http%3A%2F%2F127.0.0.1%3A\d+", user.visited()[0])
    assert entries(desktop) == ["grant", "session"]


def test_google_connects_through_the_scheme_of_a_client_that_has_one(desktop, user, start):
    client = "202611240001-ios.apps.googleusercontent.com"
    user.opens_links_with("gio", "open")
    app = start(GOOGLE_CLIENT_ID=client, GOOGLE_CLIENT_SECRET="", MCM_REDIRECT_GCP="deep-link")

    app.click("button", "Google Cloud")

    app.see("button", "ada@contoso.example")
    assert "redirect_uri=com.googleusercontent.apps." in user.visited()[0]


def test_a_scheme_of_another_program_is_not_taken_over(desktop, user, start):
    handler = desktop.folder / "home/.local/share/applications/other.desktop"
    handler.parent.mkdir(parents=True)
    handler.write_text(
        f"[Desktop Entry]\nType=Application\nName=Other\nExec=/bin/true %u\nMimeType=x-scheme-handler/{SCHEME};\n"
    )
    desktop.run("xdg-mime", "default", "other.desktop", f"x-scheme-handler/{SCHEME}")
    user.does_nothing()
    app = start()

    app.click("button", "Azure")

    app.read("Another program opens this app’s links")
    app.picture("scheme-taken")
    user.signs_in()
    user.browse(until("the browser is opened", user.visited)[0])
    app.see("button", "Contoso")
    owner = desktop.run("xdg-mime", "query", "default", f"x-scheme-handler/{SCHEME}").stdout.strip()
    assert owner == "other.desktop"


def test_a_cancelled_sign_in_leaves_nothing(desktop, user, start):
    user.does_nothing()
    app = start()
    app.click("button", "Azure")
    app.read("Finish signing in there. This window updates automatically.")
    app.picture("waiting-for-the-browser")

    app.click("button", "Cancel sign-in")

    app.see("button", "Azure")
    user.signs_in()
    desktop.run(user.program, user.visited()[0])
    stays("no account comes from a cancelled sign-in", lambda: app.accounts() == [])
    assert entries(desktop) == []


def test_a_refused_consent_is_reported_and_leaves_nothing(desktop, user, start):
    user.refuses()
    app = start()

    app.click("button", "Azure")

    app.read("Sign-in refused")
    app.picture("refused")
    assert app.accounts() == []
    assert entries(desktop) == []


def test_disconnecting_leaves_nothing_in_the_keychain(desktop, start):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    assert entries(desktop) == ["grant", "session"]

    app.click("button", "More for Contoso")
    app.picture("row-menu")
    app.click("menuitem", "Disconnect… Del")
    app.see("heading", "Disconnect Contoso?")
    app.picture("disconnect")
    app.click("button", "Disconnect")

    app.see("button", "Undo disconnecting Contoso")
    app.picture("disconnecting")
    app.read("Contoso was disconnected.")
    until("the row is gone", lambda: app.accounts() == [])
    assert desktop.keychain_entries() == []


@pytest.mark.parametrize("opener", ["gio", "xdg-open"])
def test_every_way_to_open_links_reaches_the_app(desktop, user, start, opener):
    user.does_nothing()
    app = start()
    app.click("button", "Azure")
    page = until("the browser is opened", user.visited)[0]

    state = re.search(r"[?&]state=([^&]+)", page).group(1)
    link = f"{SCHEME}://auth/azure?error=access_denied&state={state}"
    desktop.run(*{"gio": ("gio", "open", link), "xdg-open": ("xdg-open", link)}[opener])

    app.read("Sign-in refused")


def test_malformed_links_change_nothing(desktop, clouds, user, start):
    user.does_nothing()
    app = start()
    app.click("button", "Azure")
    app.read("Finish signing in there.")
    page = until("the browser is opened", user.visited)[0]
    state = re.search(r"[?&]state=([^&]+)", page).group(1)

    link = f"{SCHEME}://auth/azure?code=forged&state="
    for arguments in [
        (link,),
        (link + "wrong",),
        (f"{SCHEME}://auth/gcp?code=forged&state={state}",),
        (f"{SCHEME}://auth/azure/../azure?code=forged&state={state}",),
        (f"{SCHEME}.evil://auth/azure?code=forged&state={state}",),
        ("--quiet", link + state),
        (link + state, link + state),
        (link + state + "&x=" + "a" * 9000,),
        (f"{SCHEME}://open/../../etc/passwd",),
        (f"{SCHEME}://open/azure-000000000000",),
        ("\x1b[31m%s%n' OR 1=1; --",),
    ]:
        assert second_start(desktop, clouds.env | user.env, *arguments) == 0, arguments

    app.read("Finish signing in there.")
    assert clouds.requests("azure-token") == [], "no forged code was redeemed"
    user.signs_in()
    user.browse(page)
    app.see("button", "Contoso")


def written(desktop, secrets):
    """The files that contain one of these secrets: the app's, its outputs, and the web view's."""
    files = [path for path in (desktop.folder / "home").rglob("*") if path.is_file()]
    files += [desktop.folder / "driver.log", desktop.folder / "bus.log"]
    assert any(path.name == "accounts.db" for path in files) and any(
        path.suffix == ".log" for path in files[:-2]
    )
    return [path for path in files if any(secret.encode() in path.read_bytes() for secret in secrets)]


def entries(desktop):
    """The kinds of entries in the keychain."""
    return [name.split("-")[0] for name in desktop.keychain_entries()]
