import { expect, test } from "vitest";
import { snapshot } from "./fixtures.ts";
import { SnapshotStore } from "./snapshot.svelte.ts";

test("an older snapshot never replaces a newer one", () => {
  const store = new SnapshotStore();

  store.accept(snapshot({ revision: 7, paused: true }));
  store.accept(snapshot({ revision: 6, paused: false }));

  expect(store.current).toMatchObject({ revision: 7, paused: true });
});

test("a newer snapshot replaces the one shown", () => {
  const store = new SnapshotStore();

  store.accept(snapshot({ revision: 7 }));
  store.accept(snapshot({ revision: 8, unreachable: ["azure"] }));

  expect(store.current).toMatchObject({ revision: 8, unreachable: ["azure"] });
});
