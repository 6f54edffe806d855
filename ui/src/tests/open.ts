// Opens the dashboard with a backend that gives scripted answers, for the tests beside this file.

import { mockIPC } from "@tauri-apps/api/mocks";
import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, vi } from "vitest";
import App from "../App.svelte";
import type { Snapshot } from "../bindings/Snapshot";
import { desktop, NOW, snapshot } from "../fixtures.ts";

export type Answers = Record<string, (args: Record<string, unknown>) => unknown>;

/** The dashboard with a backend that gives scripted answers and records every call. */
export async function open(first: Partial<Snapshot> | null, answers: Answers = {}) {
  const calls: { command: string; args: Record<string, unknown> }[] = [];
  let deliver: (next: Snapshot) => void = () => undefined;
  let revision = 1;
  mockIPC((command, payload) => {
    const args = payload as Record<string, unknown>;
    if (command === "watch") {
      const channel = args["channel"] as { onmessage: (next: Snapshot) => void };
      deliver = (next) => channel.onmessage(next);
      const answer = answers["watch"]?.(args);
      if (first !== null) deliver(snapshot({ ...first, revision }));
      return answer ?? null;
    }
    calls.push({ command, args });
    const answer = answers[command];
    if (answer !== undefined) return answer(args);
    if (command === "found_elsewhere") return { accounts: [], unread: [] };
    if (["desktop", "set_at_login", "set_shortcut"].includes(command)) return desktop();
    return [
      "activity",
      "found_portals",
      "offered_contexts",
      "search",
      "organization",
      "storage",
      "targets",
    ].includes(command)
      ? []
      : null;
  });
  render(App);
  await tick();
  await tick();
  // The place is asked for before anything is drawn.
  for (
    let turn = 0;
    turn < 10 && first !== null && screen.queryByText("Loading accounts") !== null;
    turn += 1
  )
    await tick();
  return {
    calls,
    named: (command: string) => calls.filter((call) => call.command === command),
    send: async (next: Partial<Snapshot>) => {
      deliver(snapshot({ ...next, revision: ++revision }));
      await tick();
    },
  };
}

export const button = (name: string | RegExp): HTMLElement => screen.getByRole("button", { name });
export const click = (name: string | RegExp): Promise<boolean> => fireEvent.click(button(name));

/** The row of an account, whose name a screen reader hears with its state. */
export const row = (name: string): HTMLElement =>
  screen.getByRole("listitem", { name: (whole) => whole.startsWith(`${name}, `) });
export const noRow = (name: string): boolean =>
  screen.queryByRole("listitem", { name: (whole) => whole.startsWith(`${name}, `) }) === null;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});
