// The search over everything: asks the backend for what fits, the best first. The list and the switcher both show it.

import { tick } from "svelte";
import type { ErrorView } from "../bindings/ErrorView";
import type { FoundLine } from "../bindings/FoundLine";
import * as ipc from "../ipc.ts";
import { asErrorView } from "./attempt.ts";

export class AccountSearch {
  /** What fits; none while nothing is searched for. */
  found = $state.raw<FoundLine[] | null>(null);
  error = $state.raw<ErrorView | null>(null);
  searching = $state(false);
  #turn = 0;
  #last = Promise.resolve();

  /** Searches. An answer that a later question overtook is dropped. */
  ask(query: string): void {
    this.#last = this.#find(query);
  }

  /** Settles once the last question is answered, those that come meanwhile with it. Views ask in an effect, so that what
      was typed a moment ago is asked with the next tick. */
  async settled(): Promise<void> {
    await tick();
    let last;
    do {
      last = this.#last;
      await last;
    } while (last !== this.#last);
  }

  async #find(query: string): Promise<void> {
    const wanted = query.trim();
    const turn = ++this.#turn;
    if (wanted === "") {
      this.found = null;
      this.error = null;
      this.searching = false;
      return;
    }
    this.searching = true;
    try {
      const answer = await ipc.search(wanted);
      if (turn !== this.#turn) return;
      this.found = answer;
      this.error = null;
    } catch (error) {
      if (turn === this.#turn) this.error = asErrorView(error);
    } finally {
      if (turn === this.#turn) this.searching = false;
    }
  }
}
