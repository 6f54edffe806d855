"""Checks every screen of the gallery in WebKitGTK: check-screens.py [SCREEN...].

In both themes by axe-core, for WCAG 2.2 A and AA and its best practice, and that what is chosen is marked. At 720x480, 1280x800, 1280x800 with 200 % zoom,
and at 720x480 after details were open at 1200: nothing is cut off, covered, or needs a horizontal scrollbar. Prints a
line for each fault and fails when there is one. The rules are in ui/screens/audit.ts.
"""

import collections
import os
import subprocess
import sys

from gallery import Gallery, NotShown

WIDE = (1200, 760)
SMALL = (720, 480)
SIZES = {"720x480": (*SMALL, 1), "1280x800": (1280, 800, 1), "200 %": (1280, 800, 2)}
# What each process needs at least to be worth its start.
SHARE = 20

AUDIT = "return (await audit())[given[0]](given[1]);"
# A menu closes when its window is resized.
HAS_MENU = "return document.querySelector('[role=menu]') !== null;"
TURN_DARK = "document.documentElement.dataset.theme = 'dark';"
CLOSE_DETAILS = (
    "const close = document.querySelector('aside.detail header button');"
    "if (close === null) return false;"
    "close.click();"
    "for (let i = 0; i < 2; i++) await new Promise((done) => requestAnimationFrame(done));"
    "return true;"
)


def faults_of(gallery, screen):
    """What is wrong with a screen, each fault with the conditions that it was seen under."""
    faults = collections.defaultdict(list)

    def audit(condition, kind, rules=None):
        for fault in gallery.run(AUDIT, [kind, rules]):
            faults[fault].append(condition)

    gallery.resize(*WIDE)
    gallery.show(screen, "light")
    has_menu = gallery.run(HAS_MENU)
    audit("light", "accessibility", "all")
    audit("light", "selection")
    gallery.run(TURN_DARK)
    audit("dark", "accessibility", "colours")
    audit("dark", "selection")
    for name, size in SIZES.items():
        gallery.resize(*size)
        if has_menu:
            gallery.show(screen, "light")
        audit(name, "layout")
    gallery.resize(*WIDE)
    gallery.resize(*SMALL)
    audit("shrunk", "layout")
    if gallery.run(CLOSE_DETAILS):
        audit("details closed", "layout")
    return faults


def check(gallery, screens):
    """Prints the faults of some screens, and returns how many there are."""
    count = 0
    for screen in screens:
        try:
            faults = faults_of(gallery, screen)
        except NotShown as failure:
            faults = {str(failure): ["every"]}
        for fault, conditions in faults.items():
            print(f"{screen} ({', '.join(conditions)}): {fault}", flush=True)
        count += len(faults)
    return count


def check_all(screens):
    """Shares the screens among processes, and returns whether all are in order."""
    processes = max(1, min(os.cpu_count() or 1, len(screens) // SHARE))
    shares = [screens[at::processes] for at in range(processes)]
    running = [subprocess.Popen([sys.executable, __file__, *share]) for share in shares]
    return all([one.wait() == 0 for one in running])


def main():
    if sys.argv[1:]:
        sys.exit(min(1, check(Gallery(WIDE), sys.argv[1:])))
    screens = Gallery(WIDE).names()
    if not check_all(screens):
        sys.exit("These screens have faults.")
    print(f"{len(screens)} screens, in both themes and at {len(SIZES) + 1} sizes: no fault")


main()
