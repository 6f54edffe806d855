"""The packages of `make package`: their content, and the installed app from its first link to its removal.

Installs the .deb on this machine and removes it again: run as root, where the package is not installed.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from app import App
from desktop import ROOT, SCHEME
from waiting import stays, until

BUNDLES = ROOT / "target/release/bundle"
NAME = "multi-cloud-manager"
PROGRAM = Path("/usr/bin") / NAME
ENTRY = "Multi-Cloud Manager.desktop"
LICENCES = [f"usr/share/doc/{NAME}/LICENSE-{name}" for name in ("MIT", "APACHE")]
TYPE = f"x-scheme-handler/{SCHEME}"
OPENERS = {"gio": ("gio", "open"), "xdg-open": ("xdg-open",)}


def test_the_deb_holds_the_app_and_mcm_and_nothing_of_the_sandbox(tmp_path):
    check_content(run("dpkg-deb", "--contents", deb()), "vendor-completions")
    run("dpkg-deb", "-x", deb(), tmp_path)
    check_entry((tmp_path / "usr/share/applications" / ENTRY).read_text())
    assert run("dpkg-deb", "--field", deb(), "Package").strip() == NAME


def test_the_rpm_holds_the_app_and_mcm_and_nothing_of_the_sandbox(tmp_path):
    check_content(run("rpm", "-qpl", rpm()), "site-functions")
    # In Debian 12 its status is 1 for a complete archive too; cpio checks it instead.
    archive = subprocess.run(["rpm2cpio", rpm()], capture_output=True, check=False).stdout
    run("cpio", "--quiet", "-idm", input=archive, cwd=tmp_path)
    check_entry((tmp_path / "usr/share/applications" / ENTRY).read_text())
    assert run("rpm", "-qp", "--scripts", rpm()).strip() == "", "nothing runs as root when it is installed"
    needs = run("rpm", "-qpR", rpm())
    assert "xdg-utils" in needs and "desktop-file-utils" in needs


def test_the_deb_depends_on_every_library_that_its_programs_load(tmp_path):
    run("dpkg-deb", "-x", deb(), tmp_path)
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian/control").write_text(f"Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n")
    programs = [f"-e{tmp_path}/usr/bin/{name}" for name in (NAME, "mcm-full")]
    needed = run("dpkg-shlibdeps", "-O", "--warnings=0", *programs, cwd=tmp_path).removeprefix(
        "shlibs:Depends="
    )
    reached = closure(names(run("dpkg-deb", "--field", deb(), "Depends")))

    assert set(names(needed)) <= reached, (
        "each library comes with a dependency of the package, direct or indirect"
    )
    assert "libayatana-appindicator3-1" in reached, "loaded by name when the tray is created"


def test_mcm_loads_no_library_before_it_hands_out_a_credential(tmp_path):
    run("dpkg-deb", "-x", deb(), tmp_path)
    assert "NEEDED" not in run("readelf", "--dynamic", tmp_path / "usr/bin/mcm")


def test_the_bill_of_materials_names_what_is_linked_and_nothing_of_the_sandbox():
    bill = json.loads((BUNDLES / f"{NAME}.cdx.json").read_text())
    names = {component["name"] for component in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert {NAME, "mcm-core", "tauri", "aws-sdk-sts", "svelte"} <= names
    assert names.isdisjoint({"sandbox-clouds", "empty-app", "proptest"})


@pytest.mark.parametrize("opener", OPENERS)
def test_the_installed_app_signs_in_through_its_link(installed, desktop, clouds, user, opener):
    user.opens_links_with(*OPENERS[opener])
    app = App(desktop, clouds.env | user.env, binary=PROGRAM)

    app.click("button", "Azure")

    app.see("button", "Contoso")
    app.close()
    assert accounts(desktop, clouds) == ["Contoso"]
    assert own_entries(desktop) == [], "the entry of the package is enough"


@pytest.mark.parametrize("opener", OPENERS)
def test_a_sign_in_completes_in_the_tray_after_the_window_was_closed(
    installed, desktop, clouds, user, tray, opener
):
    user.opens_links_with(*OPENERS[opener])
    user.does_nothing()
    app = App(desktop, clouds.env | user.env, binary=PROGRAM)
    app.click("button", "Azure")
    page = until("the browser is opened", user.visited)[0]
    [window] = desktop.windows()
    desktop.close_window(window)
    until("the window is gone", lambda: not desktop.windows())

    user.signs_in()
    user.browse(page)

    tray.wait_for("  * Contoso")
    until("the window comes back", desktop.windows)
    app.close()
    assert accounts(desktop, clouds) == ["Contoso"]


@pytest.mark.parametrize("opener", OPENERS)
def test_a_link_starts_the_installed_app(installed, desktop, clouds, opener):
    desktop.env |= clouds.env

    desktop.start(*OPENERS[opener], f"{SCHEME}://open", log="opener")

    [window] = until("the window is there", desktop.windows)
    until("the window is drawn", desktop.is_drawn)
    desktop.close_window(window)
    until("the app has ended", lambda: not desktop.windows())


def test_a_newer_package_takes_over_the_link_and_the_accounts(installed, desktop, clouds, user, tmp_path):
    app = App(desktop, clouds.env | user.env, binary=PROGRAM)
    app.click("button", "Azure")
    app.see("button", "Contoso")
    app.close()

    install(newer(tmp_path))

    assert run("dpkg-query", "--show", "--showformat", "${Version}", NAME) == "99.0.0"
    user.opens_links_with("gio", "open")
    again = App(desktop, clouds.env | user.env, binary=PROGRAM)
    again.see("button", "Contoso")
    again.click("button", "Connect account")
    again.click("button", "Azure")
    again.read("Signed in to Contoso again")
    again.close()


def test_removing_the_package_leaves_no_entry_that_leads_nowhere(installed, desktop, clouds, user):
    desktop.env |= clouds.env | user.env
    copy = desktop.folder / "copy" / NAME
    copy.parent.mkdir()
    shutil.copy(PROGRAM, copy)
    for program in (copy, PROGRAM):
        app = desktop.start(program, "--hidden", log="app")
        until("it is registered", lambda: f"Exec={program} %u" in entry_lines(desktop))
        app.terminate()
        assert app.wait(timeout=30) == 0

    remove()

    assert not any(path.exists() for path in (PROGRAM, Path("/usr/bin/mcm"), Path("/usr/bin/mcm-full")))
    assert "No default" in desktop.run("gio", "mime", TYPE).stdout, "the entry that the app wrote is skipped"
    assert desktop.run("gio", "open", f"{SCHEME}://open", check=False).returncode != 0
    stays("nothing starts", lambda: not desktop.windows())
    copy.parent.rename(desktop.folder / "kept")
    app = desktop.start(desktop.folder / "kept" / NAME, "--hidden", log="app")
    until("a copy fixes it", lambda: f"Exec={desktop.folder}/kept/{NAME} %u" in entry_lines(desktop))
    app.terminate()
    assert app.wait(timeout=30) == 0


@pytest.fixture
def installed():
    assert os.geteuid() == 0, "run as root: it installs the package"
    assert not is_installed(), f"{NAME} is installed here already; remove it first"
    install(deb())
    yield
    if is_installed():
        remove()


def check_content(listing, zsh_folder):
    programs = [f"usr/bin/{name}" for name in (NAME, "mcm-full")]
    completions = [
        f"usr/share/{file}"
        for file in (
            "bash-completion/completions/mcm",
            "fish/vendor_completions.d/mcm.fish",
            f"zsh/{zsh_folder}/_mcm",
        )
    ]
    documents = ("usr/share/man/man1/mcm.1", *LICENCES, f"usr/share/applications/{ENTRY}")
    for path in (*programs, *completions, *documents):
        assert re.search(rf"[ /]{re.escape(path)}$", listing, re.MULTILINE), path
    assert "usr/share/icons/hicolor/128x128/" in listing
    assert "sandbox" not in listing and "empty-app" not in listing


def check_entry(text):
    lines = text.splitlines()
    assert f"Exec={NAME} %u" in lines
    assert f"MimeType={TYPE}" in [line.rstrip(";") for line in lines]


def deb():
    return only(BUNDLES / "deb", "*.deb")


def rpm():
    return only(BUNDLES / "rpm", "*.rpm")


def only(folder, pattern):
    found = list(folder.glob(pattern))
    assert len(found) == 1, f"{folder} holds {len(found)} packages; make package makes one"
    return found[0]


def newer(folder):
    """The same package with a higher version."""
    run("dpkg-deb", "-R", deb(), folder / "newer")
    control = folder / "newer/DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*", "Version: 99.0.0", control.read_text(), flags=re.MULTILINE))
    run("dpkg-deb", "--root-owner-group", "-b", folder / "newer", folder / "newer.deb")
    return folder / "newer.deb"


def install(package):
    run("apt-get", "install", "-qq", "-y", "--no-install-recommends", package)


def remove():
    run("apt-get", "purge", "-qq", "-y", NAME)


def is_installed():
    show = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", NAME], capture_output=True, text=True
    )
    return show.stdout == "installed"


def names(depends):
    """The names in a `Depends` field."""
    return [re.match(r"[\w.+-]+", one.strip())[0] for one in re.split(r"[,|]", depends) if one.strip()]


def closure(packages):
    """These packages and all that they depend on."""
    options = (
        "--recurse",
        *(
            f"--no-{kind}"
            for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
        ),
    )
    said = run("apt-cache", "depends", *options, *packages)
    return {re.match(r"[\w.+-]+", line)[0] for line in said.splitlines() if re.match(r"\w", line)} | set(
        packages
    )


def accounts(desktop, clouds):
    """The account names that the installed `mcm` lists."""
    desktop.env |= clouds.env
    listed = json.loads(desktop.run("/usr/bin/mcm", "accounts", "--json").stdout)["accounts"]
    return [account["displayName"] for account in listed]


def own_entries(desktop):
    """The link entries that the app wrote for this user."""
    return list((desktop.folder / "home/.local/share/applications").glob("*-handler.desktop"))


def entry_lines(desktop):
    return [line for entry in own_entries(desktop) for line in entry.read_text().splitlines()]


def run(*command, input=None, cwd=None):
    """Runs a program to its end and returns its output."""
    words = [str(word) for word in command]
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(words, input=input, capture_output=True, cwd=cwd, env=env)
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stderr.decode(errors='replace')}"
    return done.stdout.decode()
