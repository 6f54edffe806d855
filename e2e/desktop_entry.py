"""The desktop entry of the package, as the bundler fills it in."""

import json
import re

from desktop import ROOT, SCHEME

SETTINGS = json.loads((ROOT / "tauri.conf.json").read_text())
TEMPLATES = sorted({package["desktopTemplate"] for package in SETTINGS["bundle"]["linux"].values()})


def rendered(template):
    """Fills a template with the values of `tauri.conf.json`: `{{name}}`, and `{{#if name}}…{{/if}}` around optional
    lines."""
    values = {
        "name": SETTINGS["productName"],
        "comment": SETTINGS["bundle"]["shortDescription"],
        "categories": "Development;",
        "icon": SETTINGS["mainBinaryName"],
        "exec": SETTINGS["mainBinaryName"],
        "mime_type": f"x-scheme-handler/{SCHEME}",
    }
    text = (ROOT / template).read_text()
    given = re.compile(r"\{\{#if (\w+)\}\}\n(.*?)\{\{/if\}\}\n", re.DOTALL)
    text = given.sub(lambda found: found[2] if values.get(found[1]) else "", text)
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)


def install(desktop, template, programs):
    """Installs the entry as a package would, in a system folder, with the program on the path."""
    folder = desktop.folder / "share/applications"
    folder.mkdir(parents=True)
    # The bundler's name for the entry.
    (folder / f"{SETTINGS['productName']}.desktop").write_text(rendered(template))
    desktop.env["XDG_DATA_DIRS"] = f"{desktop.folder}/share:/usr/local/share:/usr/share"
    desktop.env["PATH"] = f"{programs}:{desktop.env['PATH']}"
    desktop.run("update-desktop-database", folder)
