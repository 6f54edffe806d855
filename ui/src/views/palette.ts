// What the palette offers: entries for what a search found, and commands by their names. Commands rank as the backend's
// search ranks: the whole name, its beginning, the beginning of a word, any other part.

import { isInUse, needsYou, rowOf } from "../accounts.ts";
import type { AccountView } from "../bindings/AccountView";
import type { Cloud } from "../bindings/Cloud";
import type { EnvironmentView } from "../bindings/EnvironmentView";
import type { FoundLine } from "../bindings/FoundLine";
import type { Theme } from "../bindings/Theme";
import { useOrConfirm, type EnvironmentActions } from "../environments.ts";
import {
  accounts as accountWords,
  clock,
  copyEntries,
  detail,
  environments as environmentWords,
  menu,
  palette as words,
} from "../text.ts";
import type { AccountActions } from "./account-actions.ts";

export type PaletteEntry = {
  key: string;
  label: string;
  /** What choosing it does. */
  hint: string;
  cloud: Cloud | null;
  run: () => void;
};

export type PaletteCommand = PaletteEntry & {
  /** Shown only when it is searched for. */
  isHidden?: boolean;
};

/** Lines for what a search found: choosing one uses it. */
export function foundEntries(
  { accounts, environments }: { accounts: readonly AccountView[]; environments: readonly EnvironmentView[] },
  found: readonly FoundLine[] | null,
  actions: AccountActions,
  environmentActions: EnvironmentActions,
): PaletteEntry[] {
  const byId = new Map(accounts.map((account) => [account.id, account]));
  const lines: readonly FoundLine[] =
    found ??
    accounts
      .filter((one) => !one.active)
      .slice(0, 6)
      .map(({ id }) => ({ account: id, target: null }));
  return lines.flatMap((line) => {
    if ("environment" in line) {
      const environment = environments.find((one) => one.name === line.environment);
      return environment === undefined ? [] : [environmentEntry(environment, environmentActions)];
    }
    const { target } = line;
    const account = byId.get(line.account);
    if (account === undefined) return [];
    const row = rowOf(account, target);
    return {
      key: `use ${row.key}`,
      label: target === null ? account.name : accountWords.nameOfTarget(account.name, target.name),
      hint: isInUse(row) ? accountWords.inUse : needsYou(account) ? clock.signIn(account) : menu.use,
      cloud: account.cloud,
      run: () => void (needsYou(account) ? actions.signInAgain(account) : actions.use(account, target)),
    };
  });
}

function environmentEntry(environment: EnvironmentView, actions: EnvironmentActions): PaletteEntry {
  const { name, inUse, settings } = environment;
  return {
    key: `environment ${name}`,
    label: environmentWords.named(name),
    hint: inUse
      ? environmentWords.inUse
      : settings.isProtected
        ? environmentWords.confirm
        : environmentWords.use,
    cloud: null,
    run: () => useOrConfirm(environment, actions),
  };
}

/** What can be done with each Account. */
export function accountCommands(accounts: readonly AccountView[], actions: AccountActions): PaletteCommand[] {
  const chosen = accounts.filter((account) => account.leavesAt === null);
  return chosen.flatMap((account) => {
    const command = (name: string, label: string, run: () => void): PaletteCommand => ({
      key: `${name} ${account.id}`,
      label: words.of(label, account.name),
      hint: "",
      cloud: account.cloud,
      isHidden: true,
      run,
    });
    return [
      command(
        "renew",
        needsYou(account) ? clock.signIn(account) : menu.renew,
        () => void actions.renew(account),
      ),
      command("console", detail.console[account.cloud], () => void actions.openConsole(account)),
      command("details", menu.open, () => actions.show(account)),
      ...copyEntries(account).map(({ what, label }) =>
        command(`copy-${what}`, words.copy(label), () => actions.copy(account, what, label)),
      ),
      command("rename", menu.rename.replace("…", ""), () => actions.rename(account)),
      command("disconnect", menu.disconnect.replace("…", ""), () => actions.askToDisconnect([account])),
    ];
  });
}

/** What can be done in the window. */
export function windowCommands(run: {
  connect: () => void;
  environments: () => void;
  inUseBy: () => void;
  activity: () => void;
  settings: () => void;
  about: () => void;
  keys: () => void;
  pause: (paused: boolean) => void;
  theme: (theme: Theme) => void;
  isPaused: boolean;
}): PaletteCommand[] {
  const command = (key: string, label: string, act: () => void, isHidden = false): PaletteCommand => ({
    key,
    label,
    hint: "",
    cloud: null,
    isHidden,
    run: act,
  });
  return [
    command("connect", words.connect, run.connect),
    command("environments", words.environments, run.environments),
    command("in-use-by", words.inUseBy, run.inUseBy, true),
    command("activity", words.activity, run.activity),
    command("settings", words.settings, run.settings),
    command("pause", run.isPaused ? words.resume : words.pause, () => run.pause(!run.isPaused)),
    command("keys", words.keyList, run.keys),
    command("about", words.about, run.about),
    command("light", words.theme.light, () => run.theme("light"), true),
    command("dark", words.theme.dark, () => run.theme("dark"), true),
    command("system", words.theme.system, () => run.theme("system"), true),
  ];
}

/** The commands whose names have every word of a query, the best first; without one, those that are not hidden. */
export function matching(commands: readonly PaletteCommand[], query: string): PaletteCommand[] {
  const wanted = query
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (wanted.length === 0) return commands.filter((command) => command.isHidden !== true);
  const ranked = commands.flatMap((command) => {
    const label = command.label.toLowerCase();
    return wanted.every((word) => label.includes(word))
      ? [{ command, rank: rank(label, wanted.join(" ")) }]
      : [];
  });
  return ranked.toSorted((one, other) => one.rank - other.rank).map(({ command }) => command);
}

function rank(label: string, query: string): number {
  if (label === query) return 0;
  if (label.startsWith(query)) return 1;
  for (let at = label.indexOf(query); at !== -1; at = label.indexOf(query, at + 1)) {
    if (!/[\p{L}\p{N}]/u.test(label.charAt(at - 1))) return 2;
  }
  return 3;
}
