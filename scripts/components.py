"""Writes the parts of the programs and their licences for the About screen: components.py BILL.

BILL is the file that sbom.py writes. A line has a name, a version and a licence, between tabs.
"""

import json
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "src-tauri/app/third_party_licences.tsv"
# Bundled as a file, without a package that the bill follows.
FONTS = [("Inter", "4", "OFL-1.1")]
# This project's own.
OWN = ("multi-cloud-manager", "mcm-core", "mcm-cli")


def main():
    bill = json.loads(Path(sys.argv[1]).read_text())
    parts = [
        (
            one["name"],
            one["version"],
            one["licenses"][0]["expression"] if "licenses" in one else "see its source",
        )
        for one in bill["components"]
        if one["name"] not in OWN
    ]
    lines = ["\t".join(part) + "\n" for part in sorted(parts + FONTS, key=lambda part: part[0].lower())]
    FILE.write_text("".join(lines))


main()
