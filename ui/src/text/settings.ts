// The words of Settings and About: backups, and forgetting everything.

import type { BackedUp } from "../bindings/BackedUp";
import type { Restored } from "../bindings/Restored";
import type { Theme } from "../bindings/Theme";
import { plural } from "./words.ts";

export const settings = {
  title: "Settings",
  clouds: "Clouds",
  clientId: "Client id",
  fromEnvironment: (name: string) => `Set by ${name} in the environment. Change it there.`,
  fromFile: (origin: string) => `Read from ${origin}`,
  redirect: "Redirect method",
  server: "Sign-in server",
  howToRegister: "What to register",
  access: "Cloud access",
  accessNote: "Set by access under [gcp] in settings.toml",
  theme: "Appearance",
  themes: { system: "Match system", light: "Light", dark: "Dark" } satisfies Record<Theme, string>,
  sessions: "Sessions",
  pause: "Pause automatic renewal",
  pauseNote: "Sessions will expire. No background requests are made.",
  notifications: "Notifications",
  notify: "Notify me when an account needs me to sign in",
  notifyNote: "Once for each session that ends and cannot be renewed.",
  desktop: "Desktop",
  desktopLoading: "Checking the desktop",
  atLogin: "Start when you log in",
  atLoginNote: "Sessions are then renewed before you need them.",
  hidden: "Start minimised to the tray",
  hiddenNote: "Start the app again, or click its tray icon, to open the window.",
  trayLibraryMissing:
    "There is no tray icon, because the library libayatana-appindicator3 is not installed. Install it with your package manager, then start the app again.",
  browser: "Browser",
  browserNote: "Opens sign-in pages and consoles.",
  browserDefault: "System default",
  browserFromVariable: "Set by the variable MCM_BROWSER",
  browserNone: "No browser was found on this desktop. Install one, or set app.browser in settings.toml.",
  shortcut: "Shortcut for switching",
  shortcutNote: "Switch accounts from anywhere: type a name, press Enter.",
  shortcutImpossible:
    "Wayland does not allow global shortcuts. In your desktop’s keyboard settings, assign a shortcut to this command:",
  shortcutCommand: "multi-cloud-manager --switcher",
  shortcutWhat: "command of the switcher",
  shortcutSet: "Set keys…",
  shortcutChange: "Change…",
  shortcutOff: "Turn off",
  shortcutNone: "Off",
  shortcutPress: "Press the keys",
  shortcutHelp:
    "Hold two of Ctrl, Alt and Shift, or the Super key, and press a letter, a digit, F1 to F12 or the space bar. Nothing happens if another program uses the keys. Escape cancels.",
  stored: "What is stored and where",
  storedLoading: "Loading places",
  diagnostics: "Diagnostics",
  diagnosticsNote: "Version, system, states and counts. No names, tokens or addresses.",
  copyDiagnostics: "Copy diagnostics",
  forget: "Forget everything",
  forgetNote:
    "Removes every account, its keychain entries, its activity and older copies of its data. Settings and the log stay. Nothing changes at the cloud providers.",
  forgetOpen: "Forget everything…",
};

export const backup = {
  title: "Backup",
  note: "Accounts, names, colours, pins, environments and settings, encrypted under a passphrase. No secrets: restored accounts need a sign-in.",
  backUpOpen: "Back up…",
  restoreOpen: "Restore…",
  backUp: "Back up",
  restore: "Restore",
  backUpBody: "Writes everything but secrets to a file that only the passphrase opens.",
  restoreBody: "Adds what is missing here. What exists stays as it is.",
  file: "File",
  fileNote: "The whole path; ~ is your home folder.",
  passphrase: "Passphrase",
  passphraseNote: (least: number) =>
    `At least ${least} characters. Keep it: without it, the file cannot be opened.`,
  again: "Passphrase again",
  differs: "The two passphrases differ.",
  replaces: "Replace the file if it exists",
  running: { backup: "Encrypting", restore: "Opening" },
  written: ({ accounts, environments }: BackedUp, path: string) =>
    `Backed up ${plural(accounts, "account")} and ${plural(environments, "environment")} to ${path}.`,
  restoredTitle: "Backup restored",
  restored: ({ accounts, environments }: Restored) =>
    `${plural(accounts.length, "account")} and ${plural(environments.length, "environment")} restored.` +
    (accounts.length > 0 ? " Sign in to each account to use it." : ""),
  lists: ({ accounts, kept, environments, keptEnvironments, settings: added }: Restored) =>
    [
      { what: "Needs a sign-in", names: accounts.map(({ name }) => name) },
      { what: "Connected here already, and kept", names: kept },
      { what: "New environments", names: environments },
      { what: "Environments that exist here, and were kept", names: keptEnvironments },
      { what: "Settings that were missing here", names: added },
    ].filter(({ names }) => names.length > 0),
  close: "Close",
};

export const about = {
  loading: "Loading",
  version: (version: string) => `Version ${version}`,
  licence: "Licence",
  ownLicence: (licence: string) => `Free software under ${licence}.`,
  thirdParty: (count: number) => `Third-party licences: ${plural(count, "component")}`,
  help: "Help",
  helpBody: "Press ? for the keyboard shortcuts. In a terminal:",
  updates: "Updates",
  updatesFrom: (place: string) => `Asks ${place} for the newest version, now and only now.`,
  updatesOff: (origin: string) => `Checking is off: ${origin}.`,
  updatesManaged: "This installation is managed. Its package manager brings updates.",
  check: "Check for updates",
  checking: "Checking",
  newest: (version: string) => `Version ${version} is the newest.`,
  newer: (version: string) => `Version ${version} is available.`,
  newerPage: "page of the new version",
  log: "Log",
  logNote: "For diagnosis. A reference in an error message can be searched for here. Contains no secrets.",
  openLog: "Open folder",
};

export const forget = {
  title: "Forget everything",
  body: (count: number) =>
    `${count === 0 ? "No account is connected. What is left in the keychain and in the lists" : `${plural(count, "account")}, their entries in the keychain, and their activity`} of this app is removed from this machine. The settings and the log stay. This cannot be undone.`,
  word: "forget everything",
  type: "Type “forget everything” to confirm",
  confirm: "Forget everything",
  running: "Forgetting",
};
