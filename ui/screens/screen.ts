// One screen of the gallery: what the window gets, and the steps that lead to it.

import type { Snapshot } from "../src/bindings/Snapshot";

export type Screen = {
  /** The window that it is in; the dashboard's where it does not say. */
  window?: "switcher";
  /** Nothing keeps the dashboard waiting for its first one. */
  snapshot: Snapshot | null;
  answers?: Record<string, (args: Record<string, unknown>) => unknown>;
  steps?: (() => void | Promise<void>)[];
};
