// What happened, as a view shows it: read at once, and again when a newer Snapshot says that something changed,
// at most once a second. What an earlier question answers late is dropped.

import type { AccountId } from "../bindings/AccountId";
import type { ErrorView } from "../bindings/ErrorView";
import type { ActivityEvent } from "../bindings/ActivityEvent";
import * as ipc from "../ipc.ts";
import { asErrorView } from "./attempt.ts";

const REST = 1_000;

export class ActivityFeed {
  /** The newest first; nothing until they were read for this Account. */
  list = $state.raw<readonly ActivityEvent[] | null>(null);
  error = $state.raw<ErrorView | null>(null);

  #account: AccountId | null = null;
  #turn = 0;
  #busy = false;
  #due = false;

  /** Belongs to the component that makes it, and ends with it. */
  constructor(account: () => AccountId | null, revision: () => number) {
    $effect(() => {
      this.#account = account();
      this.list = null;
      this.#busy = false;
      this.read();
      return () => (this.#turn += 1);
    });
    let shown: number | null = null;
    $effect(() => {
      const newest = revision();
      if (shown !== null && newest !== shown) this.read();
      shown = newest;
    });
  }

  /** Reads them now, or as soon as the last reading has rested. */
  read(): void {
    this.#due = true;
    if (!this.#busy) void this.#readOnce();
  }

  async #readOnce(): Promise<void> {
    const turn = ++this.#turn;
    this.#busy = true;
    this.#due = false;
    try {
      const list = await ipc.activity(this.#account);
      if (turn !== this.#turn) return;
      this.list = list;
      this.error = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.error = asErrorView(error);
    }
    setTimeout(() => {
      if (turn !== this.#turn) return;
      this.#busy = false;
      if (this.#due) void this.#readOnce();
    }, REST);
  }
}
