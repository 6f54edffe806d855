// What can be done with an Account, for the list and for its details: each action with the words for its result.

import { needsYou } from "../accounts.ts";
import type { AccountId } from "../bindings/AccountId";
import type { AccountView } from "../bindings/AccountView";
import type { Target } from "../bindings/Target";
import type { MenuEntry } from "../components/menu.ts";
import type { Report } from "../components/notice.ts";
import * as ipc from "../ipc.ts";
import { copyEntries, detail, done, menu } from "../text.ts";
import { attempt } from "./attempt.ts";

/** A question about an Account that a dialog asks. */
export type Question = { about: "rename" | "disconnect"; account: AccountId };

export class AccountActions {
  readonly #report: Report;
  readonly #show: (account: AccountId) => void;
  readonly #ask: (question: Question) => void;

  constructor(report: Report, show: (account: AccountId) => void, ask: (question: Question) => void) {
    this.#report = report;
    this.#show = show;
    this.#ask = ask;
  }

  async use(account: AccountView, target: Target | null = null): Promise<void> {
    const words = target === null ? done.using(account.name) : done.usingTarget(account.name, target.name);
    await attempt(this.#report, () => ipc.useAccount(account.id, target?.id ?? null), words);
  }

  /** Renews the Session, or signs in again where only that helps. */
  async renew(account: AccountView): Promise<boolean> {
    if (needsYou(account)) {
      await this.signInAgain(account);
      return false;
    }
    return attempt(this.#report, () => ipc.renew(account.id), done.renewed(account.name));
  }

  async signInAgain(account: AccountView): Promise<void> {
    this.#show(account.id);
    await attempt(this.#report, () => ipc.connect(account.cloud, null, account.id));
  }

  async openConsole(account: AccountView, signOutFirst = false): Promise<void> {
    await attempt(this.#report, () => ipc.openConsole(account.id, signOutFirst));
  }

  copyMenu(account: AccountView): MenuEntry[] {
    return copyEntries(account).map(({ what, label, hint }) => ({
      kind: "action",
      label,
      hint,
      run: () => void attempt(this.#report, () => ipc.copy(account.id, what), done.copied(label)),
    }));
  }

  /** Name, colour, star and leaving: what the details keep behind ⋯. */
  ownMenu(account: AccountView): MenuEntry[] {
    const star = (): Promise<boolean> =>
      attempt(this.#report, () => ipc.setStar(account.id, !account.starred));
    const signedOut: MenuEntry[] = [
      { kind: "action", label: menu.signOutFirst, run: () => void this.openConsole(account, true) },
      { kind: "line" },
    ];
    return [
      // Elsewhere the sign-in page asks which account it is to be.
      ...(account.cloud === "aws" ? signedOut : []),
      { kind: "action", label: account.starred ? menu.unstar : menu.star, run: () => void star() },
      {
        kind: "action",
        label: menu.rename,
        run: () => this.#ask({ about: "rename", account: account.id }),
      },
      {
        kind: "colours",
        chosen: account.colour,
        choose: (colour) => void attempt(this.#report, () => ipc.setColour(account.id, colour)),
      },
      { kind: "line" },
      {
        kind: "action",
        label: menu.disconnect,
        danger: true,
        run: () => this.#ask({ about: "disconnect", account: account.id }),
      },
    ];
  }

  /** Everything, for a row. `found` is the Target that a search found in it. */
  rowMenu(account: AccountView, found: Target | null): MenuEntry[] {
    const entries: MenuEntry[] = [];
    if (found !== null) {
      entries.push({
        kind: "action",
        label: menu.useTarget(found.name),
        hint: "u",
        run: () => void this.use(account, found),
      });
    } else if (!account.active) {
      entries.push({ kind: "action", label: menu.use, hint: "u", run: () => void this.use(account) });
    }
    entries.push(
      {
        kind: "action",
        label: needsYou(account) ? menu.signInAgain : menu.renew,
        hint: "r",
        run: () => void this.renew(account),
      },
      { kind: "action", label: detail.console[account.cloud], run: () => void this.openConsole(account) },
      { kind: "line" },
      ...this.ownMenu(account),
    );
    return entries;
  }
}
