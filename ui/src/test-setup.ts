// jsdom lacks what these two need.

import { clearMocks } from "@tauri-apps/api/mocks";
import { afterEach } from "vitest";
import { snapshots } from "./snapshot.svelte.ts";

HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
Element.prototype.scrollIntoView ??= () => undefined;

afterEach(() => {
  clearMocks();
  snapshots.clear();
  delete document.documentElement.dataset["theme"];
});
