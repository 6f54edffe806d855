// What stands in for the browser's watch on what comes near the visible part of a list.

import { vi } from "vitest";

/** A box that is watched, and how a test says that it came near. */
export type Watched = { box: Element; near: () => void };

/** Nothing is near until a test says so. Returns what is watched. */
export function watchNothing(): Watched[] {
  const boxes: Watched[] = [];
  class Watcher {
    readonly #notify: IntersectionObserverCallback;
    constructor(notify: IntersectionObserverCallback) {
      this.#notify = notify;
    }
    observe(box: Element): void {
      const near = [{ isIntersecting: true }] as IntersectionObserverEntry[];
      boxes.push({ box, near: () => this.#notify(near, this as unknown as IntersectionObserver) });
    }
    disconnect(): void {
      boxes.splice(0, boxes.length, ...boxes.filter((one) => one.box.isConnected));
    }
  }
  vi.stubGlobal("IntersectionObserver", Watcher);
  return boxes;
}
