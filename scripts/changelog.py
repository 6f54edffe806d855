"""Versions and the changelog: changelog.py check VERSION | cut VERSION | notes VERSION.

`cut` gives what stands under Unreleased a version and today's date, and writes the version to Cargo.toml and Cargo.lock,
the one place that everything else reads it from. `check` fails when a tag's version is not that one. `notes` prints what
a version brought.
"""

import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
MANIFEST = ROOT / "Cargo.toml"
LOCK = ROOT / "Cargo.lock"
VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
OWN = re.compile(r'(\[workspace\.package\]\nversion = ")([^"]+)(")')
HEADING = re.compile(r"^## \[([^\]]+)\].*$", re.M)


def section(text, name):
    """What stands below a heading, and where; None when there is no such heading."""
    headings = list(HEADING.finditer(text))
    for number, heading in enumerate(headings):
        if heading[1] == name:
            end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
            return text[heading.end() : end].strip(), heading.start(), end
    return None


def members():
    """The packages of this repository, as Cargo.lock lists them: those without a source."""
    packages = re.split(r"(?=^\[\[package\]\]\n)", LOCK.read_text(), flags=re.M)
    return packages, [one for one in packages if one.startswith("[[package]]") and "\nsource = " not in one]


def check(version):
    present = OWN.search(MANIFEST.read_text())[2]
    if present != version:
        sys.exit(
            f"Cargo.toml says {present}, not {version}. Run make cut-release VERSION={version}, or fix the tag."
        )
    notes = section(CHANGELOG.read_text(), version)
    if not notes or not notes[0]:
        sys.exit(f"CHANGELOG.md has no text for {version}. Run make cut-release VERSION={version} first.")


def cut(version):
    text = CHANGELOG.read_text()
    if section(text, version):
        sys.exit(f"CHANGELOG.md already has a section for {version}.")
    body, start, end = section(text, "Unreleased") or ("", 0, 0)
    if not body:
        sys.exit("Nothing stands under Unreleased in CHANGELOG.md.")
    body = body.removeprefix("Nothing has been released yet. The first version will bring:").strip()
    today = datetime.datetime.now(datetime.UTC).date()
    cut = f"## [Unreleased]\n\n## [{version}] - {today}\n\n{body}\n"
    rest = text[end:]
    CHANGELOG.write_text(text[:start] + cut + (f"\n{rest}" if rest else ""))

    before = OWN.search(MANIFEST.read_text())[2]
    MANIFEST.write_text(OWN.sub(rf"\g<1>{version}\g<3>", MANIFEST.read_text()))
    packages, own = members()
    own = set(own)
    renamed = [
        one.replace(f'version = "{before}"', f'version = "{version}"', 1) if one in own else one
        for one in packages
    ]
    LOCK.write_text("".join(renamed))


def notes(version):
    found = section(CHANGELOG.read_text(), version)
    if not found:
        sys.exit(f"CHANGELOG.md has no section for {version}.")
    print(found[0])


def main():
    tasks = {"check": check, "cut": cut, "notes": notes}
    if len(sys.argv) != 3 or sys.argv[1] not in tasks:
        sys.exit(__doc__)
    if not VERSION.fullmatch(sys.argv[2]):
        sys.exit(f"{sys.argv[2]!r} is not a version. Use one such as 1.2.3, without a v.")
    tasks[sys.argv[1]](sys.argv[2])


main()
