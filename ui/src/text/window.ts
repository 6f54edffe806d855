// The words around every screen: the rail, the banners, the palette and the switcher, keys, messages and empty lists.

import type { Filter } from "../accounts.ts";
import type { AtLogin } from "../bindings/AtLogin";
import type { Cloud } from "../bindings/Cloud";
import type { KeychainView } from "../bindings/KeychainView";
import type { Theme } from "../bindings/Theme";
import { issuers } from "./accounts.ts";
import { cloudNames, commandKey, listed, lowered, plural } from "./words.ts";

export const app = {
  name: "Multi-Cloud Manager",
  loading: "Loading accounts",
  watchFailed: "The accounts cannot be shown",
  retry: "Retry",
  unlock: "Unlock…",
  tryAgain: "Try again",
  cancel: "Cancel",
  close: "Close",
  save: "Save",
  dismiss: "Dismiss",
  clear: "Clear",
  undo: "Undo",
  copy: "Copy",
  copied: "Copied",
  selected: `Could not copy. The text is selected: press ${commandKey} C.`,
  reference: (reference: string) => `Reference ${reference}`,
  region: "Results of actions",
};

export const rail = {
  label: "Accounts, environments, activity and settings",
  filters: { all: "All accounts", "in-use": "In use", "needs-you": "Needs you" } as const,
  clouds: "Clouds",
  cloudAccounts: (cloud: Cloud) => `${cloudNames[cloud]} accounts`,
  more: "More",
  environments: "Environments",
  "in-use-by": "In use by",
  activity: "Activity",
  settings: "Settings",
  about: "About",
  count: (count: number) => plural(count, "account"),
};

/** The keychain's state, in the rail. */
export function keychainLine(keychain: KeychainView): string {
  switch (keychain.state) {
    case "unknown":
      return "Keychain: not checked yet";
    case "unlocked":
      return `Keychain: ${keychain.name}, unlocked`;
    case "locked":
      return `Keychain: ${keychain.name}, locked`;
    case "absent":
      return "No keychain on this machine";
    case "failed":
      return `Keychain: ${keychain.name}, failed`;
  }
}

/** Where secrets are, under the keychain's state. */
export function keychainPromise(keychain: KeychainView): string {
  return keychain.state === "absent" ? "Sign-ins live in memory until you quit" : "Nothing secret on disk";
}

/** Accounts, targets and commands by a few letters. */
export const palette = {
  title: "Command palette",
  search: "Search accounts, targets and commands",
  hint: "Switch to an account, or type what to do",
  list: "Results",
  results: (count: number) => plural(count, "result"),
  nothing: (query: string) => `No matches for “${query}”.`,
  of: (what: string, name: string) => `${what}: ${name}`,
  copy: (label: string) => `Copy ${lowered(label)}`,
  connect: "Connect account",
  environments: "Show environments",
  inUseBy: "Show what is in use by programs",
  activity: "Show activity",
  settings: "Open settings",
  about: "About this app",
  keyList: "Show keyboard shortcuts",
  pause: "Pause automatic renewal",
  resume: "Resume automatic renewal",
  theme: {
    light: "Use the light theme",
    dark: "Use the dark theme",
    system: "Match the system’s theme",
  } satisfies Record<Theme, string>,
  keys: [
    ["↑ ↓", "move"],
    ["Enter", "choose"],
    ["Esc", "close"],
  ] as const,
};

export const switcher = {
  title: "Switch account",
  list: "Accounts",
  more: (count: number) => `${plural(count, "more account")}. Type to narrow the list.`,
  none: "No account is connected yet. Connect one in the dashboard.",
  nothing: (query: string) => `No matches for “${query}”.`,
  keys: [
    ["↑ ↓", "move"],
    ["Enter", "use"],
    ["Esc", "close"],
  ] as const,
  again: "sign in",
  confirm: "confirm in the dashboard",
};

export const banners = {
  label: "What needs you",
  locked: (keychain: string) => `${keychain} is locked. Unlock it to use and renew your accounts.`,
  unlocking: "Your keychain asks for your permission. Answer in its dialog within two minutes.",
  absent: "This machine has no keychain. Sign-ins are lost when you quit. Start a keychain, then retry.",
  failed: (keychain: string) => `${keychain} returned an error.`,
  again: (count: number) => `${count} accounts need you to sign in.`,
  problem: (title: string) => (title.endsWith(".") ? title : `${title}.`),
  review: "Review",
  reviewOf: (name: string) => `Review ${name}`,
  againOne: (name: string) => `${name} needs you to sign in.`,
  /** `clouds` cannot be reached; `all` when no cloud that has an account can. */
  unreachable: (clouds: readonly Cloud[], all: boolean) => {
    if (all && clouds.length > 1)
      return "No cloud can be reached, so you may be offline. Accounts show their last known state. Renewal is retried automatically.";
    const names = listed(clouds.map((cloud) => cloudNames[cloud]));
    return `${names} cannot be reached. ${clouds.length === 1 ? "Its" : "Their"} accounts show their last known state. Renewal is retried automatically.`;
  },
  paused: "Automatic renewal is paused. Sessions will expire.",
  resume: "Resume",
};

/** What a choice in a menu does. */
export const menu = {
  open: "Show details",
  use: "Use",
  useTarget: (target: string) => `Use with ${target}`,
  renew: "Renew",
  signOutFirst: "Open console, signing out of it first",
  star: "Star",
  unstar: "Remove star",
  rename: "Rename…",
  colour: "Colour",
  noColour: "No colour",
  copy: "Copy",
  disconnect: "Disconnect…",
};

export const done = {
  copied: (label: string) => `${label} copied.`,
  using: (name: string) => `${name} is in use.`,
  atLogin: {
    off: "The app does not start when you log in.",
    window: "The app starts with its window when you log in.",
    hidden: "The app starts in the tray when you log in.",
  } satisfies Record<AtLogin, string>,
  shortcutSet: (keys: string) => `${keys} opens the list of your accounts.`,
  browserChosen: (name: string) => `${name} opens sign-in pages now.`,
  browserDefault: "The system’s default browser opens sign-in pages now.",
  shortcutOff: "The shortcut is off.",
  usingTarget: (name: string, target: string) => `${name} is in use with ${target}.`,
  pinned: (target: string) => `${target} is pinned.`,
  unpinned: (target: string) => `${target} is no longer pinned.`,
  chosen: (account: string, target: string) => `${account} now uses ${target}.`,
  coloured: (name: string) => `The colour of ${name} was changed.`,
  staysConnected: (name: string) => `${name} stays connected.`,
  renewed: (name: string) => `${name} was renewed.`,
  renamed: (name: string) => `Renamed to ${name}.`,
  nameRemoved: "The cloud’s name is shown again.",
  disconnected: (name: string) => `${name} was disconnected.`,
  unrevoked: (cloud: Cloud) => `Removed here, but ${issuers[cloud]} could not revoke access`,
  forgottenHere: "Everything is removed here, but access was not revoked everywhere",
  connected: (name: string) => `${name} is connected.`,
  updated: (name: string) => `Signed in to ${name} again.`,
  cancelled: "Sign-in cancelled.",
  tenantAdded: (name: string) => `${name} was added.`,
  clientIdSaved: "Client id saved.",
  redirectSaved: "Redirect saved.",
  diagnosticsCopied: "Diagnostics copied. They contain no secrets.",
  forgotten: "All accounts and saved sign-ins removed. Nothing changes at the cloud providers.",
  paused: "Automatic renewal paused.",
  resumed: "Automatic renewal resumed.",
  unlocked: "The keychain is unlocked.",
};

export const empty = {
  noneTitle: "No account yet",
  none: "Connect a cloud to see its accounts, their sessions and what is in use.",
  inUseTitle: "No account in use",
  inUse: "Choose Use on an account. Command lines that ask for the active account then get it.",
  needsYouTitle: "Nothing needs you",
  needsYou: "Every account is signed in. Sessions renew automatically.",
  cloudTitle: (cloud: Cloud) => `No ${cloudNames[cloud]} account yet`,
  cloud: "Connect one to see it here.",
  searchTitle: (query: string) => `No matches for “${query}”`,
  search: "Search looks at names, tenants, e-mails, project and account ids.",
  showAll: "Search all accounts",
};

/** What an empty list says for the rail's choice. */
export function emptyList(filter: Filter): { title: string; body: string } {
  if (filter === "in-use") return { title: empty.inUseTitle, body: empty.inUse };
  if (filter === "needs-you") return { title: empty.needsYouTitle, body: empty.needsYou };
  if (filter === "all") return { title: empty.noneTitle, body: empty.none };
  return { title: empty.cloudTitle(filter), body: empty.cloud };
}

export const keyboardKeys = {
  title: "Keyboard shortcuts",
  list: [
    [`${commandKey} K`, "Find an account, a target or a command"],
    [`/ or ${commandKey} F`, "Search the list"],
    ["↑ ↓ Home End", "Move between accounts"],
    ["Letters", "Go to a name that begins with them"],
    ["Enter", "Show details"],
    ["u", "Use the account"],
    ["r", "Renew, or sign in again"],
    ["F2", "Rename"],
    ["Del", "Disconnect"],
    ["Shift ↑ ↓", `Select several; ${commandKey} Space adds one, ${commandKey} A all`],
    [`${commandKey} Z`, "Undo the last change"],
    [`${commandKey} + − 0`, "Zoom in, out and back"],
    ["Esc", "Close, go back or clear"],
    ["?", "This list"],
  ] as const,
};

/** The button that takes back what a message says. */
export function undoOf(text: string): string {
  return `${app.undo}: ${text}`;
}
