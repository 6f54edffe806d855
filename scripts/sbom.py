"""Writes the software bill of materials of the packages, in CycloneDX 1.5: sbom.py FILE TARGET.

One file for what the packages hold: the crates linked into their programs for a target, as `cargo tree` resolves them, and the npm
packages that the dashboard is built from. cargo-cyclonedx would write one for each crate instead, without npm's.
Nothing in it depends on the time or the machine, so the same commit gives the same bytes.
"""

import base64
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("multi-cloud-manager", "mcm-cli")
# What the dashboard imports; vite bundles them with what they need.
BUNDLED = ("svelte", "@tauri-apps/api")


def cargo(*arguments):
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def crates(target):
    """A component for each linked crate, and what each one depends on."""
    chosen = [word for program in PROGRAMS for word in ("--package", program)]
    tree = cargo(
        "tree", *chosen, "--edges", "normal", "--prefix", "none", "--format", "{p}", "--target", target
    )
    linked = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target))
    packages = {
        one["id"]: one for one in metadata["packages"] if (one["name"], f"v{one['version']}") in linked
    }
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in lock}

    def component(package):
        name, version = package["name"], package["version"]
        purl = f"pkg:cargo/{name}@{version}"
        component = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
        }
        if license := package["license"]:
            # The older way to write OR, which is no expression of SPDX.
            component["licenses"] = [{"expression": license.replace("/", " OR ")}]
        if checksum := checksums[name, version]:
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return component

    components = {key: component(package) for key, package in packages.items()}
    needs = {
        components[node["id"]]["bom-ref"]: sorted(
            components[one["pkg"]]["bom-ref"]
            for one in node["deps"]
            if one["pkg"] in components and any(kind["kind"] is None for kind in one["dep_kinds"])
        )
        for node in metadata["resolve"]["nodes"]
        if node["id"] in components
    }
    return list(components.values()), needs


def npm_packages():
    """A component for each npm package in the dashboard, and what each one depends on."""
    lock = json.loads((ROOT / "ui/package-lock.json").read_text())["packages"]
    components, needs, waiting = {}, {}, list(BUNDLED)
    while waiting:
        name = waiting.pop()
        if name in components:
            continue
        package = lock[f"node_modules/{name}"]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        algorithm, digest = package["integrity"].split("-", 1)
        components[name] = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": package["version"],
            "purl": purl,
            "licenses": [{"expression": package["license"]}],
            "hashes": [
                {"alg": algorithm.upper().replace("SHA", "SHA-"), "content": base64.b64decode(digest).hex()}
            ],
        }
        needs[name] = sorted(package.get("dependencies", {}))
        waiting += needs[name]
    refs = {name: component["bom-ref"] for name, component in components.items()}
    return list(components.values()), {
        refs[name]: [refs[one] for one in ones] for name, ones in needs.items()
    }


def main():
    linked, crate_needs = crates(sys.argv[2])
    bundled, npm_needs = npm_packages()
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    product = f"pkg:generic/multi-cloud-manager@{version}"
    roots = [one["bom-ref"] for one in linked if one["name"] in PROGRAMS]
    roots += [one["bom-ref"] for one in bundled if one["name"] in BUNDLED]
    needs = {product: sorted(roots)} | crate_needs | npm_needs
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": product,
                "name": "Multi-Cloud Manager",
                "version": version,
                "purl": product,
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
            }
        },
        "components": sorted(linked + bundled, key=lambda one: one["bom-ref"]),
        "dependencies": [{"ref": ref, "dependsOn": needs[ref]} for ref in sorted(needs)],
    }
    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill, indent=2) + "\n")
    print(f"{file}: {len(linked)} crates, {len(bundled)} npm packages")


main()
