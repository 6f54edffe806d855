// Shows one screen in one state: `?screen=accounts&theme=dark`. Without a screen, the list of them.

import { mockIPC } from "@tauri-apps/api/mocks";
import { mount, tick } from "svelte";
import App from "../src/App.svelte";
import "../src/fonts.css";
import "../src/tokens.css";
import "../src/base.css";
import type { Snapshot } from "../src/bindings/Snapshot";
import type { Theme } from "../src/bindings/Theme";
import { desktop, NOW, places } from "../src/fixtures.ts";
import Switcher from "../src/views/Switcher.svelte";
import { screens } from "./screens.ts";

const asked = new URLSearchParams(location.search);
const screen = screens[asked.get("screen") ?? ""];
const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");

// What checks the screens asks for this: scripts/check-screens.py.
Object.assign(window, { screenNames: Object.keys(screens), audit: () => import("./audit.ts") });

if (screen === undefined) {
  const list = document.createElement("ul");
  for (const name of Object.keys(screens)) {
    const link = document.createElement("a");
    link.href = `?screen=${name}`;
    link.textContent = name;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  target.append(list);
  document.title = `shown: ${asked.get("screen")}`;
} else {
  try {
    await show(target);
  } catch (error) {
    document.title = `failed: ${String(error)}`;
    throw error;
  }
}

async function show(target: HTMLElement): Promise<void> {
  if (screen === undefined) return;
  Date.now = () => NOW;
  mockIPC(async (command, payload) => {
    const args = payload as Record<string, unknown>;
    const answer = screen.answers?.[command];
    if (answer !== undefined) return answer(args);
    switch (command) {
      case "watch":
        if (screen.snapshot !== null)
          (args["channel"] as { onmessage: (next: Snapshot) => void }).onmessage(themed(screen.snapshot));
        return null;
      case "desktop":
        return desktop();
      case "storage":
        return places;
      case "found_elsewhere":
        return { accounts: [], unread: [] };
      case "activity":
      case "found_portals":
      case "offered_contexts":
      case "search":
      case "organization":
      case "targets":
        return [];
      default:
        return null;
    }
  });
  mount(screen.window === "switcher" ? Switcher : App, { target });
  for (const step of screen.steps ?? []) {
    await settle();
    await step();
  }
  await settle();
  await document.fonts.ready;
  // Signals that a screenshot can be taken.
  document.title = `shown: ${asked.get("screen")}`;
}

function themed(snapshot: Snapshot): Snapshot {
  const theme = (asked.get("theme") ?? "light") as Theme;
  return { ...snapshot, preferences: { ...snapshot.preferences, theme } };
}

async function settle(): Promise<void> {
  await tick();
  await new Promise((resolve) => setTimeout(resolve, 30));
}
