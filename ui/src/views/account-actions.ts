// What can be done with an Account, for the list, its details and the palette: each action with the words for its
// result, and how to undo it.

import { needsYou } from "../accounts.ts";
import type { AccountId } from "../bindings/AccountId";
import type { AccountView } from "../bindings/AccountView";
import type { Copyable } from "../bindings/Copyable";
import type { Target } from "../bindings/Target";
import type { MenuEntry } from "../components/menu.ts";
import type { Report } from "../components/notice.ts";
import * as ipc from "../ipc.ts";
import { clock, copyEntries, detail, done, menu } from "../text.ts";
import { asErrorView, attempt } from "./attempt.ts";

/** A question about Accounts that a dialog asks. */
export type Question = { about: "rename" | "disconnect"; accounts: AccountId[] };

export class AccountActions {
  readonly #report: Report;
  readonly #accounts: () => readonly AccountView[];
  readonly #show: (account: AccountId) => void;
  readonly #ask: (question: Question) => void;

  constructor(
    report: Report,
    accounts: () => readonly AccountView[],
    show: (account: AccountId) => void,
    ask: (question: Question) => void,
  ) {
    this.#report = report;
    this.#accounts = accounts;
    this.#show = show;
    this.#ask = ask;
  }

  show(account: AccountView): void {
    this.#show(account.id);
  }

  async use(account: AccountView, target: Target | null = null): Promise<void> {
    const before = this.#accounts().find((one) => one.cloud === account.cloud && one.active) ?? null;
    const words = target === null ? done.using(account.name) : done.usingTarget(account.name, target.name);
    const undo =
      before === null
        ? undefined
        : () => void attempt(this.#report, () => ipc.useAccount(before.id, before.target?.id ?? null));
    await attempt(this.#report, () => ipc.useAccount(account.id, target?.id ?? null), words, undo);
  }

  async choose(account: AccountView, target: Target): Promise<void> {
    const before = account.target;
    const undo =
      before === null
        ? undefined
        : () => void attempt(this.#report, () => ipc.chooseTarget(account.id, before.id));
    await attempt(
      this.#report,
      () => ipc.chooseTarget(account.id, target.id),
      done.chosen(account.name, target.name),
      undo,
    );
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

  rename(account: AccountView): void {
    this.#ask({ about: "rename", accounts: [account.id] });
  }

  askToDisconnect(accounts: readonly AccountView[]): void {
    this.#ask({ about: "disconnect", accounts: accounts.map((account) => account.id) });
  }

  /** Gives a name; none is the cloud's. */
  async setName(account: AccountView, name: string | null): Promise<void> {
    const before = account.renamed ? account.name : null;
    await attempt(
      this.#report,
      () => ipc.rename(account.id, name),
      name === null ? done.nameRemoved : done.renamed(name),
      () => void attempt(this.#report, () => ipc.rename(account.id, before)),
    );
  }

  async #setColour(account: AccountView, colour: string | null): Promise<void> {
    const before = account.colour;
    await attempt(
      this.#report,
      () => ipc.setColour(account.id, colour),
      done.coloured(account.name),
      () => void attempt(this.#report, () => ipc.setColour(account.id, before)),
    );
  }

  /** Disconnects in a moment, unless the user undoes it; everywhere also signs out of IAM Identity Center. */
  async disconnect(account: AccountView, everywhere = false): Promise<void> {
    const { id, name, cloud } = account;
    let end;
    try {
      end = await ipc.disconnect(id, everywhere);
    } catch (error) {
      this.#report({ kind: "failed", error: asErrorView(error) });
      return;
    }
    if (end.undone) return;
    if (end.unrevoked === null) this.#report({ kind: "done", text: done.disconnected(name) });
    else this.#report({ kind: "failed", error: end.unrevoked, title: done.unrevoked(cloud) });
  }

  async undoDisconnect(account: AccountView): Promise<void> {
    await attempt(this.#report, () => ipc.undoDisconnect(account.id), done.staysConnected(account.name));
  }

  copy(account: AccountView, what: Copyable, label: string): void {
    void attempt(this.#report, () => ipc.copy(account.id, what), done.copied(label));
  }

  copyMenu(account: AccountView): MenuEntry[] {
    return copyEntries(account).map(({ what, label, hint }) => ({
      kind: "action",
      label,
      hint,
      run: () => this.copy(account, what, label),
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
      { kind: "action", label: menu.rename, hint: "F2", run: () => this.rename(account) },
      {
        kind: "colours",
        chosen: account.colour,
        choose: (colour) => void this.#setColour(account, colour),
      },
      { kind: "line" },
      {
        kind: "action",
        label: menu.disconnect,
        hint: "Del",
        danger: true,
        run: () => this.askToDisconnect([account]),
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
        label: needsYou(account) ? clock.signIn(account) : menu.renew,
        hint: "r",
        run: () => void this.renew(account),
      },
      { kind: "action", label: detail.console[account.cloud], run: () => void this.openConsole(account) },
      { kind: "line" },
      { kind: "heading", label: menu.copy },
      ...this.copyMenu(account),
      { kind: "line" },
      ...this.ownMenu(account),
    );
    return entries;
  }
}
