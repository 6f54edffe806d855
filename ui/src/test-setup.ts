// jsdom lacks what these two need.

import { clearMocks } from "@tauri-apps/api/mocks";
import { afterEach } from "vitest";
import { snapshots } from "./snapshot.svelte.ts";

if (typeof document !== "undefined") {
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
    this.open = true;
  };
  Element.prototype.scrollIntoView ??= () => undefined;
}

afterEach(() => {
  if (typeof window !== "undefined") clearMocks();
  snapshots.clear();
  if (typeof document !== "undefined") delete document.documentElement.dataset["theme"];
});
