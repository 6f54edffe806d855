"""Fills the manifests of Homebrew, winget and Scoop: release-manifests.py VERSION REPOSITORY FILES OUTPUT.

REPOSITORY is the owner and name at the forge, FILES the folder with the release's files and their SHA256SUMS. A template
below src-tauri/bundle/manifests names a file's checksum as @SHA256(FILE)@; one without a checksum fails the run.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "src-tauri/bundle/manifests"
# Semantic Versioning 2.0.0, of which build metadata has no place in a file's name.
VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


def read_checksums(files):
    """The checksum of each file in SHA256SUMS, by its name."""
    sums = files / "SHA256SUMS"
    if not sums.exists():
        sys.exit(f"{sums} is missing. Run make checksums first.")
    pairs = (line.split(maxsplit=1) for line in sums.read_text().splitlines())
    return {name.lstrip("*"): checksum for checksum, name in pairs}


def main():
    version, repository, files, output = sys.argv[1:]
    if not VERSION.fullmatch(version):
        sys.exit(f"{version!r} is not a version. Use one such as 1.2.3, without a v.")
    homepage = f"https://github.com/{repository}"
    checksums = read_checksums(Path(files))

    def checksum(match):
        if match[1] not in checksums:
            sys.exit(f"{files}/SHA256SUMS has no {match[1]}. Build that package first.")
        return checksums[match[1]]

    for template in sorted(path for path in TEMPLATES.rglob("*") if path.is_file()):
        text = template.read_text()
        for name, value in {
            "VERSION": version,
            "HOMEPAGE": homepage,
            "DOWNLOADS": f"{homepage}/releases/download/v{version}",
        }.items():
            text = text.replace(f"@{name}@", value)
        text = re.sub(r"@SHA256\(([^)]+)\)@", checksum, text)
        file = Path(output) / template.relative_to(TEMPLATES)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        print(file)


main()
