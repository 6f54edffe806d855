// Where the keyboard stands in the list, and which rows are chosen for an action on several.

import { accountsOf, type Row } from "../accounts.ts";
import type { AccountId } from "../bindings/AccountId";

/** A pause after which typing begins a new name. */
const NEW_NAME = 900;

export class ListSelection {
  /** The key of the row that the keyboard was last on. */
  stoodOn = $state<string | null>(null);
  chosen = $state.raw<readonly AccountId[]>([]);
  /** Where a range begins. */
  #anchor: AccountId | null = null;
  #typed = "";
  #typedAt = 0;

  toggle(id: AccountId): void {
    const rest = this.chosen.filter((one) => one !== id);
    this.chosen = rest.length === this.chosen.length ? [...rest, id] : rest;
    this.#anchor = id;
  }

  /** Chooses every Account between the last chosen one and this one. */
  extendTo(id: AccountId, rows: readonly Row[]): void {
    const at = (wanted: AccountId | null): number => rows.findIndex((row) => row.account.id === wanted);
    const [from, to] = [at(this.#anchor ?? id), at(id)].toSorted((one, other) => one - other);
    if (from === undefined || to === undefined || from === -1) return this.toggle(id);
    this.#anchor ??= id;
    const between = rows.slice(from, to + 1).map((row) => row.account.id);
    const rest = this.chosen.filter((one) => !between.includes(one));
    this.chosen = [...rest, ...between];
  }

  chooseAll(rows: readonly Row[]): void {
    this.chosen = accountsOf(rows).map((account) => account.id);
  }

  clear(): void {
    this.chosen = [];
    this.#anchor = null;
  }

  /** Forgets Accounts that are no longer shown. */
  keep(shown: readonly AccountId[]): void {
    if (this.chosen.length === 0) return;
    const kept = this.chosen.filter((id) => shown.includes(id));
    if (kept.length !== this.chosen.length) this.chosen = kept;
  }

  /** Whether a name is being typed, so that the next letter belongs to it. */
  isTyping(now: number): boolean {
    return this.#typed !== "" && now - this.#typedAt < NEW_NAME;
  }

  /** The row whose name begins with what is typed; one letter again and again walks through its rows. */
  typeAhead(letter: string, rows: readonly Row[], current: number, now: number): number | null {
    this.#typed = this.isTyping(now) ? this.#typed + letter.toLowerCase() : letter.toLowerCase();
    this.#typedAt = now;
    const isRepeated = this.#typed.split("").every((one) => one === this.#typed[0]);
    const wanted = isRepeated ? (this.#typed[0] ?? "") : this.#typed;
    const start = isRepeated ? current + 1 : current;
    for (let step = 0; step < rows.length; step += 1) {
      const at = (Math.max(start, 0) + step) % rows.length;
      if (rows[at]?.account.name.toLowerCase().startsWith(wanted) === true) return at;
    }
    return null;
  }
}
