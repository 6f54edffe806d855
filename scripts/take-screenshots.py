"""Draws screens of the gallery into pictures: take-screenshots.py FOLDER [WIDTHxHEIGHT SCREEN...].

Without screens it takes the README's pictures; with some, or with `all`, each of them in both themes.
"""

import sys
from pathlib import Path

from gallery import Gallery

SIZE = "1200x760"

# The name of each picture of the README, and the screen and theme in it.
PICTURES = {
    "dashboard-light": ("accounts", "light"),
    "dashboard-dark": ("accounts", "dark"),
}


def main():
    folder, size, *screens = [*sys.argv[1:], SIZE][: max(2, len(sys.argv) - 1)]
    size = tuple(int(side) for side in size.split("x"))
    gallery = Gallery(size)
    gallery.resize(*size)
    if screens == ["all"]:
        screens = gallery.names()
    asked = {f"{screen}-{theme}": (screen, theme) for screen in screens for theme in ("light", "dark")}
    for name, (screen, theme) in (asked or PICTURES).items():
        gallery.show(screen, theme)
        gallery.picture(Path(folder) / f"{name}.png")


main()
