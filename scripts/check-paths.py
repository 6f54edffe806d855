"""Fails when a document names a file that does not exist, or a test a case that is not in the table of cases:
check-paths.py DOCUMENT...

Looks at links, and at words in backticks that begin with a folder of the repository. ARCHITECTURE.md writes paths from
src-tauri on; both roots count. Tests cite cases as `// C2`.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOTS = (ROOT, ROOT / "src-tauri")
CASES = ROOT / "src-tauri/core/tests/cases.md"
TOP = {entry.name for root in ROOTS for entry in root.iterdir() if entry.is_dir()}


def paths(document):
    """The paths that a document names, and for each the folders that it may start from."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r'\]\(([^)#]+)[^)]*\)|(?:src|srcset)="([^"]+)"', text):
        link = target[0] or target[1]
        if "://" not in link:
            yield link, (document.parent,)
    for word in re.findall(r"`([^` ]+)`", text):
        first, separator, rest = word.partition("/")
        if separator and first in TOP and "*" not in rest:
            yield word, ROOTS


def unknown_cases():
    """The cited cases without a row in the table."""
    rows = set(re.findall(r"^\| ([A-Z]\d+) \|", CASES.read_text(), flags=re.MULTILINE))
    for file in sorted((ROOT / "src-tauri").rglob("*.rs")):
        for cites in re.findall(r"// ([A-Z]\d+(?:, [A-Z]\d+)*)$", file.read_text(), flags=re.MULTILINE):
            yield from (
                f"{file}: case {case} is not in {CASES}" for case in cites.split(", ") if case not in rows
            )


def main():
    wrong = [
        f"{document}: {path} does not exist"
        for document in map(Path, sys.argv[1:])
        for path, roots in paths(document)
        if not any((root / path).exists() for root in roots)
    ] + list(unknown_cases())
    if wrong:
        sys.exit("\n".join(wrong))


main()
