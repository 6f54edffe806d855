"""The installer for Windows that makensis makes here, installed and removed under wine, with stand-ins for our programs."""

import subprocess

import pytest
from desktop import ROOT
from waiting import until
from wine import PROGRAMS, USER, make_installer, stand_ins

INSTALLED = USER / "AppData/Local/Multi-Cloud Manager"
FOLDER = rf"C:\users\{USER.name}\AppData\Local\Multi-Cloud Manager"
LINK = USER / "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Multi-Cloud Manager.lnk"
SCHEME_KEY = r"HKCU\Software\Classes\io.github.multicloudmanager"
UNINSTALL_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Multi-Cloud Manager"
PRODUCT_KEY = r"HKCU\Software\Multi-Cloud Manager maintainers"
RUN_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run"
PATH = (r"HKCU\Environment", "Path")


@pytest.fixture
def installer(desktop):
    return make_installer(stand_ins(desktop.folder), desktop.folder)


def test_a_silent_installation_brings_everything_and_its_removal_takes_everything(wine, installer):
    wine.run(installer, "/S")

    files = sorted(str(path.relative_to(INSTALLED)) for path in INSTALLED.rglob("*") if path.is_file())
    assert files == sorted(
        [
            *PROGRAMS,
            "uninstall.exe",
            "LICENSE-MIT",
            "LICENSE-APACHE",
            "man/mcm.1",
            "completions/_mcm",
            "completions/mcm.bash",
            "completions/mcm.fish",
            "completions/mcm.ps1",
        ]
    )
    assert f'"{FOLDER}\\multi-cloud-manager.exe" "%1"' in wine.registry(rf"{SCHEME_KEY}\shell\open\command")
    assert wine.registry(UNINSTALL_KEY, "DisplayVersion") == version()
    assert LINK.exists()
    assert wine.registry(*PATH) == rf"C:\tools;{FOLDER}"
    assert "mcm" in wine.run("cmd", "/c", "mcm").stdout, "a new console finds it on PATH"
    run_entry = ("/v", "io.github.multicloudmanager", "/d", "ours", "/f")
    wine.run("reg", "add", RUN_KEY, *run_entry)

    remove(wine)

    assert not INSTALLED.exists() and not LINK.exists()
    assert wine.registry(SCHEME_KEY) is None and wine.registry(UNINSTALL_KEY) is None
    assert wine.registry(RUN_KEY, "io.github.multicloudmanager") is None, "nothing starts at login"
    assert wine.registry(*PATH) == r"C:\tools"


@pytest.mark.parametrize("kind", ["REG_EXPAND_SZ", "REG_SZ"])
def test_a_path_longer_than_an_nsis_string_stays_as_it_was(wine, installer, kind):
    long = ";".join(rf"%USERPROFILE%\tools\{number:04}" for number in range(150))
    wine.set_path(long, kind)

    wine.run(installer, "/S")
    wine.run(installer, "/S")

    assert wine.registry(*PATH) == rf"{long};{FOLDER}", "once, also after an update"
    remove(wine)
    assert wine.registry(*PATH) == long
    assert f"    {kind}    " in wine.run("reg", "query", PATH[0], "/v", PATH[1]).stdout


def test_a_path_that_names_the_folder_among_others_loses_only_the_folder(wine, installer):
    wine.run(installer, "/S")
    wine.set_path(rf"{FOLDER} Two;{FOLDER};C:\other;{FOLDER.upper()}")

    remove(wine)

    assert wine.registry(*PATH) == rf"{FOLDER} Two;C:\other"


def test_without_a_path_the_folder_is_the_only_one_and_none_is_left(wine, installer):
    wine.run("reg", "delete", PATH[0], "/v", PATH[1], "/f")

    wine.run(installer, "/S")

    assert wine.registry(*PATH) == FOLDER
    remove(wine)
    assert wine.registry(*PATH) is None


def test_the_link_of_another_program_survives_the_removal(wine, installer):
    wine.run(installer, "/S")
    wine.run("reg", "add", rf"{SCHEME_KEY}\shell\open\command", "/ve", "/d", "another.exe", "/f")

    remove(wine)

    assert "another.exe" in wine.registry(rf"{SCHEME_KEY}\shell\open\command")
    wine.run("reg", "delete", SCHEME_KEY, "/f")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_running_program_stops_a_silent_update_before_it_changes_anything(wine, installer, name):
    wine.run(installer, "/S")
    running = wine.start(INSTALLED / name, "stay")
    try:
        assert running.stdout.readline().strip() == name, "it runs"
        (INSTALLED / "LICENSE-MIT").write_text("as it was")

        assert wine.run(installer, "/S", check=False).returncode == 2

        assert (INSTALLED / "LICENSE-MIT").read_text() == "as it was"
    finally:
        wine.run("taskkill", "/f", "/im", name, check=False)
        running.communicate(timeout=30)
    until("the update goes on", lambda: wine.run(installer, "/S", check=False).returncode == 0)


def test_files_of_the_user_in_the_folder_stay(wine, installer):
    wine.run(installer, "/S")
    (INSTALLED / "notes.txt").write_text("mine")

    remove(wine)

    assert [path.name for path in INSTALLED.iterdir()] == ["notes.txt"]
    (INSTALLED / "notes.txt").unlink()
    INSTALLED.rmdir()


def test_tauris_installer_takes_our_hooks(tmp_path):
    hooks = ROOT / "src-tauri/bundle/windows/tauri-hooks.nsh"
    script = tmp_path / "script.nsi"
    # As Tauri's script has them: for x86, with its own variable and definition.
    script.write_text(
        f'Unicode true\n!define BUNDLEID "x"\nVar UpdateMode\n!include "{hooks}"\nOutFile "{tmp_path}/made.exe"\n'
        "Function un.onInit\nStrCpy $UpdateMode 0\nFunctionEnd\n"
        "Section\n!insertmacro NSIS_HOOK_POSTINSTALL\nWriteUninstaller u.exe\nSectionEnd\n"
        "Section Uninstall\n!insertmacro NSIS_HOOK_POSTUNINSTALL\nSectionEnd\n"
    )
    subprocess.run(["makensis", "-V2", "-WX", script], check=True)


def remove(wine):
    """Removes it silently. The uninstaller starts a copy of itself, which goes on after the first one has ended."""
    wine.run(INSTALLED / "uninstall.exe", "/S")
    until("it is removed", lambda: not (INSTALLED / "uninstall.exe").exists())
    until("its last key is gone", lambda: wine.registry(PRODUCT_KEY) is None)


def version():
    return subprocess.run(
        [ROOT / "scripts/version"], check=True, capture_output=True, text=True
    ).stdout.strip()
