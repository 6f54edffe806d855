"""What a release is made with: versions and the changelog, the gathered files, signatures, manifests, configurations."""

import hashlib
import json
import os
import plistlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUNDLE = ROOT / "src-tauri/bundle"
COMPLETIONS = ["completions/_mcm", "completions/mcm.bash", "completions/mcm.fish", "completions/mcm.ps1"]
FILES = [
    "mcm_1.2.3_linux-x86_64.tar.gz",
    "mcm_1.2.3_macos-universal.tar.gz",
    "multi-cloud-manager_1.2.3_universal.dmg",
    "multi-cloud-manager_1.2.3_windows-x64.zip",
    "multi-cloud-manager_1.2.3_x64-setup.exe",
]


@pytest.fixture
def copy(tmp_path):
    """The files that a version stands in, as they are here."""
    for name in ("Cargo.toml", "Cargo.lock", "CHANGELOG.md", "scripts/changelog.py", "scripts/version"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def changelog(copy, *words, status=0):
    done = run(sys.executable, copy / "scripts/changelog.py", *words, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_a_cut_moves_the_version_and_the_text_in_every_place(copy):
    before = tomllib.loads((copy / "Cargo.lock").read_text())["package"]

    changelog(copy, "cut", "7.8.9")

    assert run(copy / "scripts/version").stdout == "7.8.9\n"
    after = tomllib.loads((copy / "Cargo.lock").read_text())["package"]
    for old, new in zip(before, after, strict=True):
        own = "source" not in old
        assert new == (old | {"version": "7.8.9"} if own else old), old["name"]
    text = (copy / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[Unreleased\]\n\n## \[7\.8\.9\] - \d{4}-\d\d-\d\d\n\n### Added\n", text, re.M)
    assert "Nothing has been released yet" not in text
    changelog(copy, "check", "7.8.9")
    assert changelog(copy, "notes", "7.8.9").stdout.startswith("### Added\n")


def test_a_second_cut_keeps_the_first_section_below_its_own(copy):
    changelog(copy, "cut", "7.8.9")
    path = copy / "CHANGELOG.md"
    first = changelog(copy, "notes", "7.8.9").stdout
    path.write_text(
        path.read_text().replace("## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n\n- One thing.\n")
    )

    changelog(copy, "cut", "7.9.0-rc.1")

    assert changelog(copy, "notes", "7.9.0-rc.1").stdout == "### Fixed\n\n- One thing.\n"
    assert changelog(copy, "notes", "7.8.9").stdout == first
    assert path.read_text().index("[7.9.0-rc.1]") < path.read_text().index("[7.8.9]")


@pytest.mark.parametrize(
    "words", [("check", "7.8.9"), ("notes", "7.8.9"), ("cut", "v7.8.9"), ("cut", ""), ("cut", "1.2")]
)
def test_a_version_that_is_not_there_or_none_is_refused(copy, words):
    before = (copy / "CHANGELOG.md").read_text()
    assert words[1] in changelog(copy, *words, status=1).stderr
    assert (copy / "CHANGELOG.md").read_text() == before


def test_a_tag_of_another_version_is_refused(copy):
    changelog(copy, "cut", "7.8.9")
    assert "7.8.9, not 7.8.8" in changelog(copy, "check", "7.8.8", status=1).stderr
    changelog(copy, "cut", "7.8.9", status=1)


def test_no_other_file_states_the_version():
    for name in (
        "tauri.conf.json",
        "src-tauri/bundle/macos/tauri.json",
        "src-tauri/bundle/windows/tauri.json",
    ):
        assert "version" not in json.loads((ROOT / name).read_text()), name
    assert "version" not in json.loads((ROOT / "ui/package.json").read_text())


@pytest.fixture
def release(tmp_path):
    """A release's files, with their checksums."""
    release = tmp_path / "v1.2.3"
    release.mkdir()
    for name in FILES:
        (release / name).write_text(f"the bytes of {name}")
    sums = run("sha256sum", "--", *FILES, cwd=release).stdout
    (release / "SHA256SUMS").write_text(sums)
    return release


def fill(release, output, version="1.2.3", check=True):
    return run(
        sys.executable,
        ROOT / "scripts/release-manifests.py",
        version,
        "owner/name",
        release,
        output,
        check=check,
    )


def test_every_manifest_names_the_files_of_the_release_and_their_checksums(release, tmp_path):
    fill(release, tmp_path / "out")

    filled = {path.name: path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert len(filled) == 6
    for name, text in filled.items():
        assert not re.search(r"@[A-Z0-9]+[@(]", text), f"{name} has a place that was not filled"
    everything = "\n".join(filled.values()).replace("#{version}", "1.2.3").replace("$version", "1.2.3")
    base = "https://github.com/owner/name/releases/download/v1.2.3"
    for name in FILES:
        assert f"{base}/{name}" in everything, name
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() in everything, name
    scoop = json.loads(filled["multi-cloud-manager.json"])
    assert scoop["version"] == "1.2.3" and scoop["bin"] == "mcm.exe"
    installer = filled["MulticloudManager.MultiCloudManager.installer.yaml"]
    assert "InstallerSha256: " + checksum(release, "multi-cloud-manager_1.2.3_x64-setup.exe") in installer
    for name, text in filled.items():
        if name.endswith(".yaml"):
            assert "PackageIdentifier: MulticloudManager.MultiCloudManager\nPackageVersion: 1.2.3\n" in text
        if name.endswith(".rb") and shutil.which("ruby"):
            run("ruby", "-c", next((tmp_path / "out").rglob(name)))


@pytest.mark.parametrize("name", FILES)
def test_a_manifest_without_its_file_is_not_written(release, tmp_path, name):
    sums = release / "SHA256SUMS"
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if name not in line))

    refused = fill(release, tmp_path / "out", check=False)

    assert refused.returncode == 1 and name in refused.stderr


def test_manifests_want_checksums_and_a_version(release, tmp_path):
    assert "v1.2.3" in fill(release, tmp_path / "out", "v1.2.3", check=False).stderr
    (release / "SHA256SUMS").unlink()
    assert "make checksums" in fill(release, tmp_path / "out", check=False).stderr


@pytest.mark.parametrize("password", ["", "correct horse"])
def test_the_checksums_are_signed_with_the_key_of_the_secrets(release, tmp_path, password):
    key, public = tmp_path / "key", tmp_path / "key.pub"
    options = () if password else ("-W",)
    run("minisign", "-G", *options, "-p", public, "-s", key, input=f"{password}\n{password}\n")

    secrets = {"MINISIGN_SECRET_KEY": key.read_text(), "MINISIGN_PASSWORD": password}
    done = run(ROOT / "scripts/sign-release", release, env=os.environ | secrets)

    assert "SHA256SUMS.minisig" in done.stdout
    run("minisign", "-V", "-p", public, "-m", release / "SHA256SUMS")
    (release / "SHA256SUMS").write_text("changed")
    assert run("minisign", "-V", "-p", public, "-m", release / "SHA256SUMS", check=False).returncode != 0


def test_without_the_key_nothing_is_signed_and_that_is_said(release):
    env = {name: value for name, value in os.environ.items() if not name.startswith("MINISIGN_")}
    done = run(ROOT / "scripts/sign-release", release, env=env)
    assert done.stdout.startswith("NOT SIGNED: ") and not (release / "SHA256SUMS.minisig").exists()
    done = run(ROOT / "scripts/sign-windows", "mcm.exe", env=env)
    assert done.stderr.startswith("NOT SIGNED: mcm.exe")


SYSTEMS = {
    "Linux": (
        ["deb/a b.deb", "rpm/a b.rpm"],
        ["_amd64.deb", "_x86_64.rpm"],
        "mcm_{}_linux-x86_64.tar.gz",
        "linux",
    ),
    "Darwin": (["dmg/a b.dmg"], ["_universal.dmg"], "mcm_{}_macos-universal.tar.gz", "macos"),
    "MINGW64": (
        ["nsis/a b-setup.exe"],
        ["_x64-setup.exe"],
        "multi-cloud-manager_{}_windows-x64.zip",
        "windows",
    ),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_systems_packages_come_under_fixed_names_with_archive_and_bill_of_materials(tmp_path, system):
    packages, named, archive, short = SYSTEMS[system]
    version = run(ROOT / "scripts/version").stdout.strip()
    for package in packages:
        file = tmp_path / "bundle" / package
        file.parent.mkdir(parents=True)
        file.write_text(package)
    suffix = ".exe" if system == "MINGW64" else ""
    (tmp_path / "programs").mkdir()
    programs = ["mcm", "mcm-full", *(["multi-cloud-manager"] if suffix else [])]
    for program in programs:
        file = tmp_path / "programs" / f"{program}{suffix}"
        file.write_text(program)
        file.chmod(0o755)

    first = gather(tmp_path, system, "first")
    second = gather(tmp_path, system, "second")

    archive = archive.format(version)
    expected = [archive, *(f"multi-cloud-manager_{version}{end}" for end in (*named, f"_{short}.cdx.json"))]
    assert sorted(path.name for path in first.iterdir()) == sorted(expected)
    held = members(first / archive)
    wanted = [f"{program}{suffix}" for program in programs] + ["man/mcm.1", "LICENSE-MIT", "LICENSE-APACHE"]
    assert held == sorted(wanted + COMPLETIONS)
    if archive.endswith(".tar.gz"):
        assert (first / archive).read_bytes() == (second / archive).read_bytes()
    bill = json.loads((first / f"multi-cloud-manager_{version}_{short}.cdx.json").read_text())
    crates = {one["name"] for one in bill["components"]}
    assert {"mcm-core", "tauri", "svelte"} <= crates and "sandbox-clouds" not in crates
    own = {
        "linux": "secret-service",
        "macos": "apple-native-keyring-store",
        "windows": "windows-native-keyring-store",
    }
    assert {name for name in own.values() if name in crates} == {own[short]}


def test_a_package_that_was_not_built_is_named(tmp_path):
    env = os.environ | {
        "RELEASE_SYSTEM": "Darwin",
        "BUNDLE": str(tmp_path),
        "RELEASE_FILES": str(tmp_path / "out"),
    }
    refused = run(ROOT / "scripts/release-files", env=env, check=False)
    assert refused.returncode == 1 and "make package" in refused.stderr


def test_every_file_that_the_configurations_name_is_there():
    linux = json.loads((ROOT / "tauri.conf.json").read_text())["bundle"]["linux"]
    macos = json.loads((BUNDLE / "macos/tauri.json").read_text())["bundle"]
    windows = json.loads((BUNDLE / "windows/tauri.json").read_text())["bundle"]
    named = [*linux["deb"]["files"].values(), *linux["rpm"]["files"].values()]
    named += [*macos["macOS"]["files"].values(), macos["macOS"]["entitlements"], macos["macOS"]["infoPlist"]]
    named += [*windows["resources"], windows["windows"]["nsis"]["installerHooks"]]
    named += [windows["windows"]["nsis"]["installerIcon"], windows["windows"]["signCommand"]["args"][0]]
    for name in named:
        assert name.startswith("target/release/") or (ROOT / name).exists(), name
    for one in (macos, windows):
        assert one["externalBin"] == ["target/bundled/mcm", "target/bundled/mcm-full"]


def test_macos_gets_no_exception_from_the_hardened_runtime():
    macos = json.loads((BUNDLE / "macos/tauri.json").read_text())["bundle"]["macOS"]
    assert macos["hardenedRuntime"] is True
    assert plistlib.loads((BUNDLE / "macos/entitlements.plist").read_bytes()) == {}
    assert plistlib.loads((BUNDLE / "macos/Info.plist").read_bytes())["LSMultipleInstancesProhibited"] is True


def test_every_step_of_the_release_is_a_target_that_is_there():
    workflow = (ROOT / ".github/workflows/release.yml").read_text()
    targets = set(re.findall(r"^ +- run: make (?:--silent )?([a-z-]+)", workflow, re.M))
    assert targets >= {"check", "test", "package", "release-files", "checksums", "sign", "release-manifests"}
    defined = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert targets <= defined


def gather(tmp_path, system, name):
    env = os.environ | {
        "RELEASE_SYSTEM": system,
        "BUNDLE": str(tmp_path / "bundle"),
        "PROGRAMS": str(tmp_path / "programs"),
        "RELEASE_FILES": str(tmp_path / name),
    }
    run(ROOT / "scripts/release-files", env=env)
    return tmp_path / name


def members(archive):
    if archive.suffix == ".zip":
        names = [name for name in zipfile.ZipFile(archive).namelist() if not name.endswith("/")]
    else:
        with tarfile.open(archive) as opened:
            files = [one for one in opened.getmembers() if one.isfile()]
            assert all(one.mode & 0o111 for one in files if one.name.startswith("./mcm"))
            names = [one.name.removeprefix("./") for one in files]
    return sorted(names)


def checksum(release, name):
    return hashlib.sha256((release / name).read_bytes()).hexdigest()


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done
