"""A real panel: Xfce's, with only its tray. Pointer and keys reach it through the screen."""

import re

from tray import Tray
from waiting import until

HEIGHT = 28
TOP = 800 - HEIGHT

# One panel along the bottom of the screen, and the tray as its only plug-in.
SETTINGS = f"""<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=10;x=640;y={TOP + HEIGHT // 2}"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="{HEIGHT}"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"""


class Panel(Tray):
    """The panel's process, which a test can end and start again."""

    def __init__(self, desktop):
        super().__init__(desktop)
        self.desktop = desktop
        channel = desktop.folder / "home/.config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"
        channel.parent.mkdir(parents=True)
        channel.write_text(SETTINGS)
        self.start()

    def start(self):
        self.process = self.desktop.start("xfce4-panel", "--disable-wm-check", log="panel")

    def kill(self):
        """Ends the panel as a crash would, with its plug-ins."""
        self.process.kill()
        self.process.wait()
        until("the panel's tray is gone", lambda: not self.items())

    def close(self):
        self.process.terminate()
        self.process.wait()
        super().close()

    def place(self):
        """The icons' left, top, width and height on the screen; None when the panel is empty."""
        picture = self.desktop.folder / "screen.png"
        self.desktop.run("import", "-window", "root", picture)
        strip = ("-crop", f"1280x{HEIGHT}+0+{TOP}", "+repage", "-fuzz", "10%", "-trim", "-format", "%w %h %O")
        seen = self.desktop.run("convert", picture, *strip, "info:", check=False).stdout
        box = re.fullmatch(r"(\d+) (\d+) \+(\d+)\+(\d+)", seen)
        if box is None:
            return None
        width, height, left, top = map(int, box.groups())
        is_icon = 8 <= width <= HEIGHT and 8 <= height <= HEIGHT
        return (left, TOP + top, width, height) if is_icon else None

    def press_icon(self):
        """Opens the menu with a click on the icon."""
        left, top, width, height = until("the icon is visible", self.place)
        self.desktop.run("xdotool", "mousemove", left + width // 2, top + height // 2, "click", 1)
