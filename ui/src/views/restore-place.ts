// Keeps the place with the app while the web view lives and brings it back when it is opened anew. A place that
// cannot be kept or brought back is not reported as a failure: the dashboard begins at its start.

import * as ipc from "../ipc.ts";
import { read, written, type Place } from "../place.ts";

const REST = 300;
const SCROLL_WITHIN = 1_000;

export class PlaceKeeper {
  readonly #now: () => Place;
  #kept: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `now` answers the place of this moment, with how far things are scrolled. */
  constructor(now: () => Place) {
    this.#now = now;
  }

  async restore(): Promise<Place> {
    this.#kept = await ipc.keptPlace().catch(() => null);
    return read(this.#kept);
  }

  /** Keeps the place once it has not changed for a moment. */
  soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), REST);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Keeps the place now, for example because the window closes. */
  keep(): void {
    clearTimeout(this.#timer);
    const text = written(this.#now());
    if (text === this.#kept) return;
    this.#kept = text;
    void ipc.keepPlace(text).catch(() => undefined);
  }
}

/** How far the screen and the details are scrolled. */
export function scrolled(): Place["scroll"] {
  return { screen: panes().screen?.scrollTop ?? 0, detail: panes().detail?.scrollTop ?? 0 };
}

/** Scrolls both as far as they were; lists that fill later are waited for a little, but not against the user. */
export function scrollTo(wanted: Place["scroll"]): void {
  const until = performance.now() + SCROLL_WITHIN;
  let set = scrolled();
  const again = (): void => {
    const at = scrolled();
    if (at.screen !== set.screen || at.detail !== set.detail) return;
    const { screen, detail } = panes();
    if (screen !== null) screen.scrollTop = wanted.screen;
    if (detail !== null) detail.scrollTop = wanted.detail;
    set = scrolled();
    const isThere = Math.abs(set.screen - wanted.screen) < 1 && Math.abs(set.detail - wanted.detail) < 1;
    if (!isThere && performance.now() < until) requestAnimationFrame(again);
  };
  again();
}

function panes(): { screen: HTMLElement | null; detail: HTMLElement | null } {
  return { screen: document.querySelector("main.page"), detail: document.querySelector("aside.page") };
}
