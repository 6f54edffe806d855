// Every sentence shown to the user. Sentence case, the clouds' own words, what happened and then what to do.
// The body of a failure comes from the backend, where the cause is known; its title stands in `titles`.

import {
  cloudId,
  lacksCloudAccess,
  roleName,
  shortened,
  spaced,
  who,
  type Colour,
  type Filter,
  type Row,
} from "./accounts.ts";
import type { AccountView } from "./bindings/AccountView";
import type { AtLogin } from "./bindings/AtLogin";
import type { AwsSource } from "./bindings/AwsSource";
import type { AwsSourceKind } from "./bindings/AwsSourceKind";
import type { BackedUp } from "./bindings/BackedUp";
import type { CheckState } from "./bindings/CheckState";
import type { Cloud } from "./bindings/Cloud";
import type { CloudView } from "./bindings/CloudView";
import type { Code } from "./bindings/Code";
import type { Copyable } from "./bindings/Copyable";
import type { ClusterView } from "./bindings/ClusterView";
import type { Enforcement } from "./bindings/Enforcement";
import type { ActivityEvent } from "./bindings/ActivityEvent";
import type { FoundAccount } from "./bindings/FoundAccount";
import type { FoundPortal } from "./bindings/FoundPortal";
import type { Identity } from "./bindings/Identity";
import type { KeychainView } from "./bindings/KeychainView";
import type { MemberView } from "./bindings/MemberView";
import type { Permissions } from "./bindings/Permissions";
import type { ReadingAccounts } from "./bindings/ReadingAccounts";
import type { RedirectKind } from "./bindings/RedirectKind";
import type { RegionOrigin } from "./bindings/RegionOrigin";
import type { Restored } from "./bindings/Restored";
import type { RoleCheckKind } from "./bindings/RoleCheckKind";
import type { RoleTemplates } from "./bindings/RoleTemplates";
import type { Grouping } from "./bindings/Grouping";
import type { SignInEnd } from "./bindings/SignInEnd";
import type { Sort } from "./bindings/Sort";
import type { Target } from "./bindings/Target";
import type { TargetsChange } from "./bindings/TargetsChange";
import type { Theme } from "./bindings/Theme";
import type { Icon } from "./environments.ts";
import { day, left, moment } from "./time.ts";

/** The key of a desktop's commands: macOS has its own. */
export const isMac = /Macintosh/.test(navigator.userAgent);
const commandKey = isMac ? "Cmd" : "Ctrl";

export const titles: Record<Code, string> = {
  "setting-missing": "A setting is missing",
  "setting-invalid": "A setting cannot be used",
  offline: "The cloud cannot be reached",
  "server-failed": "The cloud returned an error",
  throttled: "Too many requests",
  "sign-in-cancelled": "Sign-in cancelled",
  "sign-in-refused": "Sign-in refused",
  "sign-in-expired": "The sign-in timed out",
  "browser-failed": "Your browser did not open",
  "sign-in-rejected": "The response failed a security check and was discarded",
  "sign-in-again": "Sign in again",
  "source-expired": "The credentials used to call AWS do not work",
  "role-refused": "AWS did not let this caller assume the role",
  "not-enforced": "The role does not require the External ID",
  "clock-off": "This machine’s clock is wrong",
  "admin-needed": "Your administrator must act first",
  "policy-blocked": "Your organisation does not allow this now",
  "wrong-user": "A different user signed in",
  "already-connected": "Already connected",
  "keychain-locked": "The keychain is locked",
  "keychain-absent": "This machine has no keychain",
  "keychain-failed": "The keychain returned an error",
  "storage-failed": "A file could not be written or read",
  "storage-unreadable": "A file could not be read. It was not changed.",
  "not-found": "No longer exists",
  ambiguous: "The name matches more than one account",
  "invalid-input": "This cannot be used",
  busy: "Another process is using this account",
  unsupported: "Not supported by this cloud",
  internal: "Something went wrong in this app",
};

export const cloudNames: Record<Cloud, string> = { azure: "Azure", gcp: "Google Cloud", aws: "AWS" };
export const cloudLetters: Record<Cloud, string> = { azure: "Az", gcp: "Gc", aws: "Aw" };

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

export const accounts = {
  title: "Accounts",
  search: "Search accounts",
  searchHint: "Search accounts, tenants, projects, account ids",
  searchKey: "/",
  clearSearch: "Clear search",
  connect: "Connect account",
  list: (cloud: Cloud) => `${cloudNames[cloud]} accounts`,
  allAccounts: "All accounts",
  bestFirst: "by best match",
  by: {
    "last-used": "By last used",
    name: "By name",
    "time-left": "By time left",
  } satisfies Record<Sort, string>,
  sort: "Sort",
  sorts: { "last-used": "Last used", name: "Name", "time-left": "Time left" } satisfies Record<Sort, string>,
  group: "Group by",
  groupings: { cloud: "Cloud", none: "Nothing" } satisfies Record<Grouping, string>,
  arrange: "Sort and group",
  inUse: "In use",
  starred: "Starred",
  colour: (colour: string) => `Marked ${colour}`,
  /** What “In use” changes, and what not. */
  inUseMeans:
    "Commands that ask mcm for this cloud’s account get this one. Your browser, and sign-ins of az, gcloud and aws themselves, stay as they are.",
  nameOfTarget: (account: string, target: string) => `${account} › ${target}`,
  select: (name: string) => `Select ${name}`,
  menu: (name: string) => `More for ${name}`,
  further: (count: number) => `${plural(count, "account")} further down`,
  results: (count: number, query: string) => `${plural(count, "result")} for “${query}”`,
};

/** Several chosen accounts. */
export const selection = {
  label: "Selected accounts",
  count: (count: number) => `${plural(count, "account")} selected`,
  renew: "Renew",
  disconnect: "Disconnect…",
};

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

/** What rows and Targets are called; a role's regions are not counted. */
const nouns = {
  azure: { row: "tenant", target: "subscription", counted: true },
  gcp: { row: "account", target: "project", counted: true },
  aws: { row: "role", target: "region", counted: false },
} satisfies Record<Cloud, { row: string; target: string; counted: boolean }>;

/** Beside a group's heading: `5 tenants, 23 subscriptions`; without a cloud, how many accounts. */
export function groupCount(cloud: Cloud | null, rows: number, targets: number): string {
  if (cloud === null) return plural(rows, "account");
  const { row, target, counted } = nouns[cloud];
  return [plural(rows, row), ...(counted ? [plural(targets, target)] : [])].join(", ");
}

/** An account's name, with its id where the name looks like another's. */
export function distinctName({ id, name, looksLikeAnother }: AccountView): string {
  return looksLikeAnother ? `${name} (${id})` : name;
}

/** The line under an account's name. */
export function identityLine(account: AccountView): string {
  const { identity } = account;
  switch (identity.cloud) {
    case "azure":
      return identity.username;
    case "gcp": {
      const kind = identity.hostedDomain === null ? "Personal" : `${identity.hostedDomain} organisation`;
      return account.renamed ? `${who(identity)} · ${kind}` : kind;
    }
    case "aws":
      return [
        spaced(identity.accountId),
        roleName(identity.roleArn),
        ...(identity.enforced === "enforced"
          ? []
          : [`External ID: ${lowered(enforcement[identity.enforced])}`]),
      ].join(" · ");
    case "identity-center":
      return `${who(identity)} · IAM Identity Center`;
  }
}

/** What the targets of an account are called. */
export function targetNoun(account: AccountView): string {
  return account.identity.cloud === "identity-center" ? "role" : nouns[account.cloud].target;
}

/** What a screen reader says of a row after its name. */
export function rowSummary({ account, found }: Row, paused: boolean, now: number): string {
  const inUse = account.active && (found === null || found.id === account.target?.id);
  const parts = [
    cloudNames[account.cloud],
    ...(found === null ? [targetLine(account)] : []),
    ...(inUse ? [accounts.inUse.toLowerCase()] : []),
    timeLine(account, paused, now),
  ];
  return parts.join(", ");
}

/** The state and the time of a row's Session in words. */
function timeLine(account: AccountView, paused: boolean, now: number): string {
  const rest = account.session === null ? null : left(account.session.expiresAt, now);
  const remains = rest === null ? null : `${rest} left`;
  const state = {
    connected: account.renewing ? lowered(clock.renewing) : paused ? "renewal paused" : null,
    expired: lowered(clock.expired),
    "sign-in-again": account.neverSignedIn ? "needs you to sign in" : "needs you to sign in again",
    locked: "keychain locked",
    unknown: lowered(clock.unknown),
    offline: lowered(clock.unreachable),
  }[account.status];
  const parts = [state, remains].filter((part) => part !== null);
  return parts.length === 0 ? lowered(clock.onDemand) : parts.join(", ");
}

/** The chosen Target in a row. */
export function targetLine(account: AccountView): string {
  if (lacksCloudAccess(account)) return access.none;
  if (account.target !== null) return account.target.name;
  if (account.readingTargets !== null) return `Loading ${targetNoun(account)}s`;
  if (account.targetCount === 0) return `No ${targetNoun(account)}`;
  return `No ${targetNoun(account)} chosen`;
}

/** The line under a Target's name: its id where the name is another, where it belongs, and a state that is not the usual. */
export function aboutTarget({ id, name, parent, state }: Target): string {
  const parts = [
    id === name ? null : (pairAccount(id) ?? shortened(id)),
    // The name of a role of Identity Center begins with its account's.
    (parent !== null && name.startsWith(`${parent} / `) ? null : parent)
      ?.replace(/^folders\//, "Folder ")
      .replace(/^organizations\//, "Organisation ") ?? null,
    state === null || /^(enabled|active)$/i.test(state) ? null : state.toLowerCase().replaceAll("_", " "),
  ];
  return parts.filter((part) => part !== null).join(" · ");
}

/** The account of a role of Identity Center, whose id is `123456789012/ROLE`. */
function pairAccount(id: string): string | null {
  return /^\d{12}\//.test(id) ? spaced(id.slice(0, 12)) : null;
}

/** The issuer of a Cloud's sign-ins. */
const issuers: Record<Cloud, string> = { azure: "Entra", gcp: "Google", aws: "AWS" };

/** A sign-in that was granted without access to the Cloud. */
export const access = {
  none: "No cloud access",
  why: {
    azure:
      "Entra signed you in without access to Azure, so subscriptions cannot be loaded. Ask for access again. If that fails, your administrator must approve it.",
    gcp: "Google signed you in, but access to Google Cloud was not granted, so projects cannot be loaded. Ask for access again and keep Google Cloud selected on Google’s page.",
    aws: "The role grants no access. Ask for it again.",
  } satisfies Record<Cloud, string>,
  ask: "Ask for it again",
  askShort: "Ask again",
  askFor: (name: string) => `Ask again for cloud access of ${name}`,
};

export const clock = {
  /** What an account needs: one that was restored has never been signed in to here. */
  signIn: ({ neverSignedIn }: AccountView) => (neverSignedIn ? "Sign in" : "Sign in again"),
  signInTo: (account: AccountView) => `${clock.signIn(account)} to ${account.name}`,
  /** The session still works although it cannot renew. */
  worksFor: (rest: string) => `Works for ${rest}`,
  locked: "Locked",
  unknown: "Keychain unavailable",
  unreachable: "Unreachable",
  expired: "Expired",
  onDemand: "Renews on use",
  renewing: "Renewing",
  renewingWith: (rest: string) => `${rest}, renewing`,
  retryingWith: (rest: string) => `${rest}, retrying`,
  unreachableWith: (rest: string) => `${rest}, unreachable`,
  lockedWith: (rest: string) => `${rest}, locked`,
  pausedWith: (rest: string) => `${rest}, paused`,
  signInBy: (when: string) => `Sign in by ${when}`,
  leavesIn: (rest: string) => `Disconnects in ${rest}`,
  undoLeaving: (name: string) => `Undo disconnecting ${name}`,
  retriesIn: (rest: string) => `Next try in ${rest}`,
};

export const detail = {
  label: (name: string) => `Details of ${name}`,
  close: "Close details",
  back: "Back to accounts",
  use: "Use",
  useOf: (name: string) => `Use ${name}`,
  isInUse: (name: string) => `In use: ${name}`,
  renew: "Renew",
  renewing: "Renewing",
  renewed: "Renewed",
  signInAgain: "Sign in again",
  console: { azure: "Open portal", gcp: "Open console", aws: "Open console" } satisfies Record<Cloud, string>,
  consoleOf: (cloud: Cloud, name: string) => `${detail.console[cloud]}: ${name}`,
  copy: "Copy",
  copyOf: (name: string) => `Copy: ${name}`,
  moreOf: (name: string) => `More actions: ${name}`,
  leaves: (name: string, rest: string) =>
    `${name} is disconnected in ${rest}. Until then it works as before.`,
  signedInAs: {
    azure: "Signed in as",
    gcp: "Signed in as",
    aws: "Role",
    "identity-center": "Signed in as",
  } satisfies Record<Identity["cloud"], string>,
  place: {
    azure: "Tenant",
    gcp: "Organisation",
    aws: "Account id",
    "identity-center": "Start URL",
  } satisfies Record<Identity["cloud"], string>,
  noUser: "Not known: no role is assigned",
  enteredAs: (typed: string) => `Entered as ${typed}`,
  region: "Region",
  tenantId: "Tenant id",
  roleArn: "Role ARN",
  externalId: "External ID",
  calledBy: "Assumed by",
  partition: "Partition",
  sessionsLast: "Sessions last",
  noOrganisation: "None, a personal account",
  sessionEnds: "Session ends",
  signInLasts: "Sign-in lasts",
  keptIn: "Kept in",
  memoryOnly: "Memory only, until you quit",
  connected: "Connected",
  missingScopes: "Not granted",
  missingScopesNote: "The cloud granted fewer scopes than requested, so some actions will be refused.",
  askAgain: "Ask again",
  nextTry: (rest: string) => `Next try in ${rest}.`,
  organization: "Accounts of the organisation",
  organizationNote: "This role may list them. Connect a role in each that you want to use.",
  centerAccounts: "AWS accounts",
  centerAccountsNote: "Assigned to you, also those in which you have no role.",
  organizationSearch: "Search accounts",
  hasRole: "Connected",
  offered: "Other tenants you can add",
  add: "Add",
  adding: "Adding",
  addTenant: (name: string) => `Add ${name}`,
};

/** What a terminal needs to work as an Account. */
export const terminal = {
  title: "Use in a terminal",
  exec: "Run one command as this account",
  awsConfig: "Add to ~/.aws/config",
  whoami: "Show which identity each tool uses in a shell",
};

export function terminalCommands(
  account: AccountView,
  isOnlyName: boolean,
): { what: string; command: string }[] {
  const name = isOnlyName && /^[\w.@-]+$/.test(account.name) ? account.name : account.id;
  return [
    { what: terminal.exec, command: `mcm exec ${name} -- terraform plan` },
    ...(account.cloud === "aws" ? [{ what: terminal.awsConfig, command: `mcm configure aws ${name}` }] : []),
    { what: terminal.whoami, command: "mcm whoami" },
  ];
}

/** When the Session expires and what happens then. */
export function sessionLine(account: AccountView, paused: boolean, now: number): string {
  if (account.session === null) {
    return account.status === "connected" ? "No session yet; one is created on first use" : "No session";
  }
  const rest = left(account.session.expiresAt, now);
  const at = moment(account.session.expiresAt, now);
  if (rest === null) return `Expired ${at}`;
  return `${at}, in ${rest}; ${sessionAfter(account, paused)}`;
}

function sessionAfter({ status, cloud, session, signInEnd, retryAt }: AccountView, paused: boolean): string {
  if (status === "sign-in-again") return "does not renew until you sign in again";
  if (status === "locked") return "does not renew while the keychain is locked";
  if (status === "unknown") return "does not renew without the keychain";
  if (paused) return "does not renew while paused";
  if (session !== null && signInEnd !== null && Date.parse(signInEnd.at) <= Date.parse(session.expiresAt)) {
    return "then sign in again, because the sign-in ends too";
  }
  if (status === "offline") return `renews when ${cloudNames[cloud]} can be reached`;
  return retryAt === null ? "renews automatically" : "renewal failed and is retried automatically";
}

/** How long the sign-in itself lasts, and why it ends. */
export function signInLine(account: AccountView, now: number): string {
  if (account.neverSignedIn && account.status === "sign-in-again") return "Not signed in on this machine yet";
  if (account.status === "sign-in-again" && account.identity.cloud !== "aws") {
    return account.session !== null && left(account.session.expiresAt, now) !== null
      ? "Expired. Sign in again for a new session."
      : "Expired";
  }
  const end: SignInEnd | null = account.signInEnd;
  if (end === null) return endless[account.identity.cloud];
  if (left(end.at, now) === null) return `Expired ${moment(end.at, now)}; sign in again`;
  switch (end.why) {
    case "idle":
      return `Until ${day(end.at, now)} if unused; each use extends it`;
    case "provider-limit":
      return `Until ${moment(end.at, now)}; ${limits[account.cloud]}`;
  }
}

/** How long a sign-in lasts when the cloud names no expiry. */
const endless: Record<Identity["cloud"], string> = {
  azure: "Until you or your organisation end it",
  gcp: "Until you or your organisation end it, or after six months without use",
  aws: "Until the role’s trust policy changes",
  "identity-center": "Until your organisation ends it; AWS does not say when",
};

/** Why a Cloud names an expiry in advance. */
const limits: Record<Cloud, string> = {
  azure: "Entra ends it then",
  gcp: "Google ends it then: the client is in testing (7 days), or access was granted for a limited time",
  aws: "the maximum that the role allows",
};

export const targets = {
  heading: (noun: string) => `${raised(noun)}s`,
  search: (noun: string) => `Search ${noun}s`,
  loading: (noun: string) => `Loading ${noun}s`,
  reading: (noun: string, count: number, accounts: ReadingAccounts | null) => {
    const found = count === 0 ? "" : `, ${count.toLocaleString("en-GB")} so far`;
    const done =
      accounts === null
        ? ""
        : ` · ${accounts.read.toLocaleString("en-GB")} of ${plural(accounts.total, "account")}`;
    return `Loading ${noun}s${found}${done}`;
  },
  cancel: "Cancel",
  cancelReading: (noun: string) => `Cancel loading ${noun}s`,
  readAgain: "Refresh",
  further: (noun: string, count: number) => `${plural(count, noun)} further down`,
  pin: (name: string) => `Pin ${name} to the tray and the switcher`,
  unpin: (name: string) => `Remove the pin of ${name}`,
  pinTitle: "Pin to the tray and the switcher",
  unpinTitle: "Remove pin",
  goneNote: "Pinned, but no longer assigned to you",
  unread: (count: number) =>
    `The roles of ${plural(count, "account")} are not loaded yet. Refresh continues where it stopped.`,
  none: {
    azure: "This sign-in sees no subscription. Ask for a role on one, then refresh.",
    gcp: "This sign-in sees no project. Ask for a role on one, then refresh.",
    aws: "No region is known for this role.",
    "identity-center": "No role is assigned to you. Ask your administrator for one, then refresh.",
  } satisfies Record<Identity["cloud"], string>,
  noneFits: (query: string) => `No matches for “${query}”.`,
  readAt: (when: string) => `Refreshed ${when}`,
  changedAt: (what: string, when: string) => `${what} · ${when}`,
};

/** How a list of Targets changed: `2 subscriptions added, 1 removed`. */
export function changeLine(
  noun: string,
  { added, removed }: Pick<TargetsChange, "added" | "removed">,
): string {
  if (added === 0) return `${plural(removed, noun)} removed`;
  const more = `${plural(added, noun)} added`;
  return removed === 0 ? more : `${more}, ${removed.toLocaleString("en-GB")} removed`;
}

export const activity = {
  title: "Activity",
  intro: "What this app and mcm did with your accounts on this machine. Event log. Contains no secrets.",
  filter: "Account",
  all: "All accounts",
  gone: (name: string) => `${name} (disconnected)`,
  loading: "Loading activity",
  most: (count: number) => `These are the newest ${count.toLocaleString("en-GB")}. Older ones are not shown.`,
  emptyTitle: "No activity yet",
  empty: "Sign-ins, renewals and issued credentials are listed here.",
  emptyOf: (name: string) => `No activity for ${name} yet`,
  emptyOfBody: "Its events are listed here, newest first.",
  today: "Today",
  yesterday: "Yesterday",
  show: (name: string) => `Show ${name}`,
  recent: "Recent",
  recentNone: "Nothing yet",
  showAll: "All activity",
  of: (name: string) => `All activity of ${name}`,
};

/** An activity event in words; `program` made the request, and `note` is the reference to search the log for. */
export function activityLine({ cloud, what }: Pick<ActivityEvent, "cloud" | "what">): {
  text: string;
  program: string | null;
  note: string | null;
} {
  const plain = (text: string): ReturnType<typeof activityLine> => ({ text, program: null, note: null });
  switch (what.kind) {
    case "connected":
      return plain("Connected");
    case "signed-in-again":
      return plain("Signed in again");
    case "renewed":
      return plain("Renewed");
    case "renewal-failed":
      return {
        ...plain(`Session could not be renewed: ${lowered(titles[what.code])}`),
        note: what.reference === "" ? null : app.reference(what.reference),
      };
    case "handed-out":
      return {
        ...plain(
          what.environment === undefined ? "Credentials for" : `Credentials in ${what.environment} for`,
        ),
        program: what.to,
        note: what.resource ?? null,
      };
    case "used":
      return plain(`Now in use for ${cloudNames[cloud]}`);
    case "targets-changed":
      // An event does not say whether an AWS account is a role with regions, or a sign-in with roles.
      return plain(changeLine(cloud === "aws" ? "target" : nouns[cloud].target, what));
    case "restored":
      return plain("Restored from a backup");
    case "disconnected":
      return plain("Disconnected");
  }
}

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

export const iconNames: Record<Icon, string> = {
  cloud: "Cloud",
  flask: "Flask",
  lock: "Lock",
  rocket: "Rocket",
  star: "Star",
  tools: "Tools",
};

export const colourNames: Record<Colour, string> = {
  blue: "Blue",
  green: "Green",
  amber: "Amber",
  red: "Red",
  violet: "Violet",
  grey: "Grey",
};

/** The entries of the copy menu, with what each puts on the clipboard. */
export function copyEntries(account: AccountView): { what: Copyable; label: string; hint: string | null }[] {
  const id = cloudId(account.identity);
  const entries: { what: Copyable; label: string; hint: string | null }[] = [];
  if (id !== null)
    entries.push({ what: "cloud-id", label: cloudIdLabel[account.identity.cloud], hint: shortened(id) });
  if (account.target !== null) {
    entries.push({
      what: "target-id",
      label: targetIdLabel[account.identity.cloud],
      hint: shortened(account.target.id),
    });
  }
  if (account.identity.cloud === "aws") {
    entries.push({ what: "role-arn", label: "Role ARN", hint: roleName(account.identity.roleArn) });
  }
  entries.push({ what: "account-id", label: "Id for mcm", hint: shortened(account.id) });
  if (account.identity.cloud === "aws") {
    entries.push({ what: "credential-process", label: "credential_process line", hint: null });
  }
  if (account.cloud !== "aws") {
    entries.push({ what: "token-command", label: "Shell line that prints a token", hint: null });
  }
  return entries;
}

const cloudIdLabel: Record<Identity["cloud"], string> = {
  azure: "Tenant id",
  gcp: "Organisation",
  aws: "Account id",
  "identity-center": "Start URL",
};
const targetIdLabel: Record<Identity["cloud"], string> = {
  azure: "Subscription id",
  gcp: "Project id",
  aws: "Region",
  "identity-center": "Account and role",
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

export const signIn = {
  starting: "Preparing the sign-in",
  browser: "Finish signing in there. This window updates automatically.",
  httpsForced: "Your browser insists on https",
  schemeTaken: "Another program opens this app’s links, so this sign-in uses localhost instead.",
  waits: (rest: string) => `Expires in ${rest}`,
  finishing: "Checking the response",
  openAgain: "Open again",
  cancel: "Cancel sign-in",
  again: (name: string) => `Signing in again to ${name}`,
  verifying: "Verifying the role",
  to: (cloud: Cloud) => `Signing in to ${cloudNames[cloud]}`,
  done: (updated: boolean) => (updated ? "Signed in again" : "Connected"),
  another: "Connect another",
  code: "Enter this code on any device. This window updates automatically.",
  codeLabel: "Code",
  codePage: "Page for the code",
  mfaCode: "Code of your MFA device",
  mfaDevice: (device: string) => `From ${device}`,
  mfaRefused: "AWS refused this code. Wait for the next one; each code works once.",
  mfaSend: "Continue",
  codeNote: "Enter only a code that you asked for here. Never enter one that was sent to you.",
  openPage: "Open page",
  foundIn: (tool: string) => `Found in ${tool}`,
  ownAddress: "Asked",
  ownAddressNote: "not an address of AWS; it leads to the portal",
  portal: "Portal",
  region: "Region",
  regionFrom: {
    given: "entered by you",
    "start-url": "from the start URL",
    "config-file": "from AWS’s config file",
    "portal-page": "from the portal’s page",
  } satisfies Record<RegionOrigin, string>,
  choiceTitle: (existing: string, now: string) =>
    existing === now ? "You are already connected here" : "Another user is connected here",
  choice: (existing: string, now: string) =>
    existing === now
      ? `${now} is connected under another address of the same place. Replace that account, or keep both.`
      : `${existing} is already connected, and ${now} has now signed in. Replace the account, or keep both.`,
  replace: "Replace",
  keepBoth: "Keep both",
};

/** The checks of a role, and their state. */
export const roleChecks = {
  label: "Checks of the role",
  what: {
    "right-id": "Assume the role with the External ID",
    "no-id": "Refused without an External ID",
    "wrong-id": "Refused with a wrong External ID",
    identity: "Check the assumed identity",
  } satisfies Record<RoleCheckKind, string>,
  state: {
    waiting: "Waiting",
    running: "Running",
    retrying: "Retrying",
    passed: "Passed",
    failed: "Failed",
    unknown: "No clear answer",
  } satisfies Record<CheckState, string>,
  attempts: (count: number, rest: string | null) =>
    rest === null
      ? `try ${count}`
      : `try ${count}, for another ${rest}; a new role takes a while to become active`,
  caller: (arn: string) => `As ${arn}`,
  heard: (what: string, state: string) => `${what}: ${state}`,
};

/** The sign-in with IAM Identity Center. */
export const portalConnect = {
  title: "Sign in with IAM Identity Center",
  back: "All clouds",
  found: "Found in AWS’s config file",
  aboutFound: ({ region, names }: Pick<FoundPortal, "region" | "names">) =>
    [region ?? "region not named", named(names)].join(" · "),
  startUrl: "Start URL",
  startUrlHint: "https://d-1234567890.awsapps.com/start",
  startUrlNote: "As in your browser, or your organisation’s own address that leads to it.",
  region: "Region, if you know it",
  regionHint: "Found automatically",
  regionNote: "Otherwise it is read from the address, AWS’s config file or the portal’s page, and shown.",
  deviceCode: "Enter a code on another device instead",
  deviceCodeNote: "Anyone who gets you to enter their code gets your access. Use a browser here if you can.",
  start: "Sign in",
  note: "One sign-in gives every account and role that is assigned to you. Nothing is written to ~/.aws.",
};

/** Names in a sentence: `Azure and AWS`. */
function listed(names: readonly string[]): string {
  return new Intl.ListFormat("en-GB").format(names);
}

/** The first of several names, and how many more there are. */
function named(names: readonly string[]): string {
  const most = 3;
  const more = names.length - most;
  return [...names.slice(0, most), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

/** The three steps to a role of AWS. */
export const awsConnect = {
  title: "Connect an AWS role",
  back: "All clouds",
  who: "1. Who you are",
  source: "Credentials from",
  sourcesLoading: "Looking for credentials",
  sourceName: ({ source, kind }: Pick<AwsSource, "source" | "kind">) => {
    const [where, name = ""] = source.split(/:(.*)/s);
    if (where === "profile") return `Profile ${name}: ${sourceKinds[kind]}`;
    if (where === "identity-center") {
      const [account = "", role = ""] = name.split("/").slice(-2);
      return `IAM Identity Center: ${role} in ${spaced(account)}`;
    }
    if (where === "keychain") return `Keychain: access keys ${name}`;
    return `Default chain: ${sourceKinds[kind]}`;
  },
  callerLoading: "Checking the identity with AWS",
  caller: "You are",
  account: "Account id",
  principal: "Trusted as",
  inexact: "AWS omits the path of a role. If this role has one, add it to the principal.",
  chained: "These are a role’s credentials, so AWS limits sessions to one hour.",
  signInWith: "Sign in again with",
  keys: "Enter access keys",
  keysNote: "AWS confirms whose they are. They are stored in the keychain only.",
  keyId: "Access key id",
  secret: "Secret access key",
  token: "Session token, if there is one",
  mfaDevice: "ARN of the MFA device, if AWS requires one",
  addKeys: "Check and save",
  removeKeys: "Remove these keys",
  keysAdded: "Access keys saved in the keychain.",
  keysRemoved: "Access keys removed.",
  create: "2. Create the role",
  createNote: "In the account that you want to use. The role trusts you only together with the External ID.",
  permissions: "What the role may do",
  permissionKinds: {
    "view-only": "View only: names and states (ViewOnlyAccess)",
    "read-only": "Read only: also contents (ReadOnlyAccess)",
    nothing: "Nothing yet",
    policy: "A policy of my own",
  } satisfies Record<Permissions["kind"], string>,
  policyArn: "Policy ARN",
  life: "Session length",
  lifeNote:
    "A session renews automatically. The templates let the role give this long, and an hour at least.",
  lifeChained: "AWS allows one hour at most, because a role’s credentials assume this one.",
  dictated: "Use an External ID from my organisation",
  externalId: "External ID",
  prepare: "Create External ID and templates",
  prepareAgain: "Update templates",
  another: "Create another External ID",
  roleName: "Role name",
  roleNameOwn: "Generated name",
  roleNameNote: "1 to 64 letters, digits and _ + = , . @ -",
  forms: "The role as",
  form: {
    trustPolicy: "Trust policy",
    cloudformation: "CloudFormation",
    cli: "AWS CLI",
    terraform: "Terraform",
  } satisfies Record<Exclude<keyof RoleTemplates, "cloudformationCommand">, string>,
  deploy: "Command that deploys it",
  waiting: "Waiting for a role",
  goOn: (id: string) => `Continue with ${id}`,
  goOnShort: "Continue",
  drop: (id: string) => `Discard ${id}`,
  dropShort: "Discard",
  dropped: "Discarded. Its External ID is not used again.",
  verify: "3. Verify",
  verifyNote: "After creating the role, paste its ARN.",
  roleArn: "Role ARN",
  roleArnHint: "arn:aws:iam::123456789012:role/MultiCloudManager",
  start: "Verify and connect",
  policyLine: "Condition for the trust policy",
  seePolicy: "To see the trust policy",
  accept: "Connect as not enforced",
  acceptNote:
    "Every principal that the role trusts can then use it without the External ID. The row says so.",
};

const sourceKinds: Record<AwsSourceKind, string> = {
  environment: "the environment",
  "default-chain": "what the AWS tools find",
  "identity-center": "IAM Identity Center",
  login: "aws login",
  "static-keys": "access keys in a file",
  process: "a program",
  role: "another role",
  ourselves: "this app, which cannot be its own source",
  "typed-keys": "typed access keys",
  "center-role": "a role of IAM Identity Center",
  nothing: "nothing found yet",
};

/** The condition that makes a role require its External ID. */
export function conditionLine(externalId: string): string {
  return `"Condition": {"StringEquals": {"sts:ExternalId": ${JSON.stringify(externalId)}}}`;
}

/** The length of a session in words. */
export function life(seconds: number): string {
  const minutes = seconds / 60;
  if (minutes < 60) return `${minutes.toLocaleString("en-GB")} minutes`;
  return minutes === 60 ? "1 hour" : `${(minutes / 60).toLocaleString("en-GB")} hours`;
}

/** How long the sessions of a role are, and how long they may be. */
export function lifeLine(seconds: number, longest: number | null): string {
  if (longest === null || longest <= seconds) return life(seconds);
  return `${life(seconds)}; the role gives up to ${life(longest)}`;
}

/** The command that shows the trust policy of a role; nothing where that is no role's ARN. */
export function trustPolicyCommand(roleArn: string): string | null {
  const name = /:role\/(?:[!-~]+\/)?([\w+=,.@-]+)$/.exec(roleArn)?.[1];
  return name === undefined
    ? null
    : `aws iam get-role --role-name ${name} --query Role.AssumeRolePolicyDocument`;
}

/** Whether a role requires its External ID. */
export const enforcement: Record<Enforcement, string> = {
  enforced: "Enforced",
  "not-enforced": "Not enforced",
  unknown: "Enforcement unknown",
};

export const connect = {
  title: "Connect account",
  intro: "Choose a cloud. Your browser opens for the sign-in; passwords never pass through this app.",
  needs: {
    azure: "Signs you in to your home tenant. You can add your other tenants afterwards, one click each.",
    gcp: "Signs you in with your Google account. Its projects are loaded afterwards.",
    aws: "Assumes a role that you create with an External ID made for this connection.",
  } satisfies Record<Cloud, string>,
  portal: "Sign in with IAM Identity Center",
  portalNeeds:
    "One sign-in in your browser for every account and role that your organisation assigned to you.",
  role: "Assume a role",
  sandbox: "Sandbox clouds on this machine: nothing leaves it",
  tenantToggle: "Sign in to a specific tenant",
  tenant: "Tenant id or domain",
  tenantHint: "contoso.onmicrosoft.com",
  server: "Sign-in server",
  comesBack: "Redirect",
  back: "Back to accounts",
  unavailable: "This build cannot connect it.",
  none: "This build cannot connect any cloud.",
};

export const redirects: Record<RedirectKind, { label: string; note: string }> = {
  "deep-link": {
    label: "App link",
    note: "The browser asks once whether it may open this app.",
  },
  loopback: { label: "Localhost", note: "The browser ends on a page served by this machine." },
};

/** Google takes links for one type of client only. */
export function redirectNote(cloud: Cloud, kind: RedirectKind): string {
  const { note } = redirects[kind];
  return cloud === "gcp" && kind === "deep-link"
    ? `${note} Google allows it for clients of type iOS only.`
    : note;
}

export const setup = {
  title: (cloud: Cloud) => `Register this app with ${cloudNames[cloud]}`,
  intro: {
    azure: "Once per organisation, in Microsoft Entra ID: a public client, without any secret.",
    gcp: "Once per organisation, in the Google Cloud console: an OAuth client of type desktop app.",
    aws: "Once per account: a role that trusts you with an External ID.",
  } satisfies Record<Cloud, string>,
  command: "With the Azure CLI; it prints the client id",
  byHand: "Or by hand",
  platform: "Platform",
  platformName: "Mobile and desktop applications",
  redirectUris: "Redirect URIs",
  scopes: "Scopes",
  publicClient: "Allow public client flows",
  yes: "Yes",
  clientId: "Client id",
  clientIdHint: {
    azure: "00000000-0000-0000-0000-000000000000",
    gcp: "000000000000-example.apps.googleusercontent.com",
    aws: "",
  } satisfies Record<Cloud, string>,
  clientIdAlone:
    "The client id alone is enough only for a client that has no secret. Google’s desktop clients have one.",
  notGuid: "A client id is a GUID, for example 1b7a2c3d-0000-4000-8000-0123456789ab.",
  readAt: (origin: string) => `Read from ${origin}`,
  copyWhat: (what: string) => `Copy ${what}`,
};

/** What to do in the Google Cloud console before the first sign-in. */
export const googleSetup = {
  project: "Choose a project for the client",
  projectBody: "Any project will do. Enable the Cloud Resource Manager API in it, which lists the projects.",
  enable: "gcloud services enable cloudresourcemanager.googleapis.com --project PROJECT_ID",
  enableWhat: "command that enables the API",
  consent: "Set up the consent screen",
  consentBody: "In the console, under Google Auth Platform, Branding and then Audience:",
  audiences: [
    ["Internal", "All users are in one Workspace organisation. Sign-ins do not expire."],
    [
      "External, in testing",
      "Add each user as a test user, at most 100. Google ends their sign-ins after 7 days.",
    ],
    ["External, in production", "For all other users. Google verifies the app for the cloud scopes."],
  ] as const,
  scopes: "Add the scopes",
  scopesBody: "Under Data Access:",
  readOnly:
    "Read-only access is enough to see accounts, projects and sessions here. Choose full access if command lines must change resources. Set it with access, in the lines of step 5.",
  client: "Create the client",
  clientBody:
    "Under Clients, of type Desktop app; one of type Web application is refused. Enter no redirect URI: Google redirects desktop clients to 127.0.0.1, at any port.",
  clientByLink:
    "The redirect is set to the reversed client id, which Google allows for iOS clients only. For a Desktop app client, choose localhost in Settings.",
  file: "Name its file",
  fileBody:
    "Download the client’s JSON file and name it in settings.toml; the path counts from that file’s folder. Then start this app again.",
  fileWhat: "lines for settings.toml",
};

/** The lines of `settings.toml` for Google's downloaded file, with the access that is asked for now. */
export function googleLines(cloud: CloudView): string {
  const asked = isReadOnly(cloud) ? "read-only" : "full";
  const other = isReadOnly(cloud) ? "full" : "read-only";
  return `[gcp]\nclient_secret_file = "client_secret_….json"\naccess = "${asked}"  # or "${other}"`;
}

/** The access that a sign-in to Google requests. */
export function googleAccess(cloud: CloudView): string {
  return isReadOnly(cloud)
    ? "Read-only: enough to look"
    : "Full: command lines can change what you can change";
}

function isReadOnly(cloud: CloudView): boolean {
  return cloud.scopes.some((scope) => scope.endsWith("/cloud-platform.read-only"));
}

/** The command that registers this app in Entra and prints the client id. */
export function azureCommand(redirectUris: readonly string[]): string {
  return [
    'az ad app create --display-name "Multi-Cloud Manager"',
    "  --sign-in-audience AzureADMultipleOrgs",
    "  --public-client-redirect-uris",
    ...redirectUris.map((uri) => `    ${uri}`),
    "  --is-fallback-public-client true",
    "  --query appId --output tsv",
  ].join(" \\\n");
}

export const firstRun = {
  title: "Welcome to Multi-Cloud Manager",
  what: "Sign in to your clouds once, see which identity you are and how long it lasts, and switch with one key.",
  how: "Tokens stay in this machine’s keychain, and your command lines get short-lived credentials from there.",
  skip: "Look around first",
  /** What there is to do, in order. */
  steps: {
    connect: { title: "1. Connect a cloud" },
    shortcut: {
      title: "2. Choose the switcher’s shortcut",
      body: "It opens a list of your accounts in any program: type a name, press Enter.",
    },
    terminal: {
      title: "3. Try it in a terminal",
      body: "Run any command as an account, without a key in a file:",
    },
  },
  command: "mcm exec ACCOUNT -- terraform plan",
  nextTitle: (name: string) => `${name} is ready. Two steps are left.`,
  next: "You find both again: the shortcut in Settings, the commands in the details of each account.",
  inDetails: (name: string) => `The commands are in the details of ${name}, under “${terminal.title}”.`,
  close: "Close steps",
};

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

export const found = {
  title: "Found on this computer",
  note: "What other tools know. Their tokens are never read, and nothing is stored before you sign in.",
  signIn: "Sign in",
  signInTo: (name: string) => `Sign in to ${name}`,
  connected: "Connected",
  notReady: (cloud: Cloud) => `Set up ${cloudNames[cloud]} first.`,
  all: (count: number) => `Show all ${count}`,
  /** Who it is, the tools that name it, and what they have there. */
  about: ({ signIn, tools, names }: FoundAccount) => {
    const subject = {
      tenant: () => (signIn.kind === "tenant" ? signIn.username : ""),
      google: () => (signIn.kind === "google" ? signIn.email : ""),
      portal: () => (signIn.kind === "portal" ? signIn.startUrl.replace(/^https:\/\//, "") : ""),
      role: () => (signIn.kind === "role" ? signIn.roleArn : ""),
    }[signIn.kind]();
    const inTools = [...new Set(tools.map(({ tool }) => tool))].join(", ");
    const [first, second, ...more] = names;
    const listed = [first, second].filter((name) => name !== undefined).join(", ");
    const rest = more.length > 0 ? ` and ${more.length} more` : "";
    return [subject, inTools, listed + rest].filter((part) => part !== "").join(" · ");
  },
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

export const rename = {
  title: "Rename account",
  label: "Name",
  note: "Used here and in mcm. Leave it empty for the cloud’s name.",
};

export const disconnectDialog = {
  title: (names: readonly string[]) =>
    names.length === 1 ? `Disconnect ${names[0] ?? ""}?` : `Disconnect ${names.length} accounts?`,
  ends: "Ends at Google",
  removed: "Removed from this machine",
  stays: "Stays until you end it",
  center: "IAM Identity Center",
  forget: "Forget here",
  signOut: "Sign out of IAM Identity Center too",
  signOutNote:
    "Signing out ends your session there. The browser and other programs, such as the AWS CLI, have to sign in again.",
  undo: "It happens after 10 seconds. Until then you can undo it.",
  confirm: "Disconnect",
};

/** What disconnecting removes, and what it cannot. */
export function disconnectFacts(
  account: AccountView,
  keychain: KeychainView,
  siblings: number,
  everywhere = false,
): { ends: string[]; removed: string[]; stays: string[] } {
  const kept = keychain.state === "absent" ? "memory" : keychain.name;
  const removed = [
    siblings === 0 ? `The sign-in and its session in ${kept}` : `The session of this tenant in ${kept}`,
    `Name, colour and star of the account, and its list of ${targetNoun(account)}s`,
  ];
  if (account.active) removed.push(`Its use as the active ${cloudNames[account.cloud]} account`);
  switch (account.identity.cloud) {
    case "azure":
      return {
        ends: [],
        removed,
        stays: [
          ...(siblings === 0
            ? []
            : [
                `The sign-in of ${account.identity.username}, for ${plural(siblings, "other tenant")} connected with it.`,
              ]),
          "Entra offers no way to revoke a refresh token. A copy made elsewhere would work until it ends.",
          "To end every sign-in of this user, sign out everywhere at myaccount.microsoft.com.",
        ],
      };
    case "gcp":
      return {
        ends: [
          "What you granted is revoked.",
          `That signs ${who(account.identity)} out of every app whose client is in the same Google Cloud project as this one’s, on every machine.`,
        ],
        removed,
        stays: [
          "Access tokens already issued may work for up to an hour.",
          "If Google cannot be reached, the account is removed here. Then end the grant at myaccount.google.com/connections.",
        ],
      };
    case "aws":
      return {
        ends: [],
        removed,
        stays: [
          "The role and its trust policy stay in AWS. Remove the role there if it is not needed.",
          "Credentials already issued work until they expire.",
        ],
      };
    case "identity-center":
      return {
        ends: [],
        removed,
        stays: [
          ...(everywhere
            ? []
            : ["You stay signed in to IAM Identity Center in the browser and in other programs."]),
          "Credentials already issued work until they expire.",
        ],
      };
  }
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

function plural(count: number, one: string): string {
  return `${count.toLocaleString("en-GB")} ${count === 1 ? one : `${one}s`}`;
}

function raised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** A sentence with a lowercase start, inside another sentence. */
function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

export const environments = {
  title: "Environments",
  intro:
    "One name for an AWS role, an Azure subscription and a Google project. Terminals and folders choose one, or you use it everywhere.",
  loading: "Loading environments",
  emptyTitle: "No environments yet",
  empty: "Name the accounts that you use together, and switch to all of them at once.",
  create: "Create environment…",
  fromInUse: "Create from what is in use…",
  use: "Use everywhere",
  useOf: (name: string) => `Use everywhere: ${name}`,
  environment: "Environment",
  named: (name: string) => `Environment ${name}`,
  members: (members: readonly MemberView[]) => {
    const line = ({ accountName, target, targetName }: MemberView): string => {
      const place = targetName ?? target;
      return place === null ? accountName : `${accountName}, ${place}`;
    };
    return members.map(line).join(" · ");
  },
  edit: "Edit…",
  editOf: (name: string) => `Edit ${name}`,
  remove: "Delete…",
  removeOf: (name: string) => `Delete ${name}`,
  inUse: "In use",
  protected: "Protected",
  exclusive: "Exclusive",
  gone: "Gone",
  accountGone: (account: string) => `${account} is no longer connected`,
  targetGone: (target: string) => `${target} is no longer listed`,
  confirm: "Confirm…",
  confirmOf: (name: string) => `Confirm ${name}`,
  end: "End now",
  endOf: (name: string) => `End now: ${name}`,
  confirmedFor: (left: string) => `Confirmed, ${left} left`,
  terminal: (name: string) => `mcm shell ${name}`,
  region: (region: string) => `AWS works in ${region}`,
  googlePlace: (place: string) => `Google works in ${place}`,
  clusters: (clusters: readonly ClusterView[]) =>
    `${clusters.length === 1 ? "Cluster" : "Clusters"}: ${clusters.map(({ context }) => context).join(", ")}`,
  form: {
    create: "Create an environment",
    edit: (name: string) => `Edit ${name}`,
    name: "Name",
    nameNote: "Letters, digits, dots, hyphens and underscores.",
    none: "None",
    account: (cloud: Cloud) => `${cloudNames[cloud]} account`,
    target: "Works in",
    anyTarget: "Whatever is chosen for the account",
    clusters: "Kubernetes clusters that stay",
    clustersNote: (name: string) =>
      `Add a cluster of your kubeconfig in a terminal: mcm environment edit ${name} --cluster CONTEXT`,
    region: "AWS region",
    googleRegion: "Google region",
    googleZone: "Google zone",
    placeNote: "Leave it empty to use the account’s.",
    colour: "Colour",
    noColour: "No colour",
    icon: "Icon",
    noIcon: "No icon",
    exclusive: "Exclusive",
    exclusiveNote: "Tools of clouds that are not named find no identity.",
    protected: "Protected",
    protectedNote: "You type its name before each use, and the use ends by itself.",
    minutes: "One use lasts",
    minutesOf: (count: number) => `${count} minutes`,
  },
  dialog: {
    confirm: (name: string) => `Confirm ${name}`,
    confirmBody: (minutes: number) =>
      `Terminals and editors may use it without asking again for ${minutes} minutes. A coding agent’s shell may not.`,
    confirmAction: "Confirm",
    remove: (name: string) => `Delete ${name}?`,
    removeBody: "Its accounts stay connected. Terminals that use it keep what they have until they end.",
    removeAction: "Delete",
    save: (name: string) => `Change ${name}?`,
    saveBody: "It is protected, so a change needs its name.",
    saveAction: "Save",
    type: (name: string) => `Type ${name} to go on`,
  },
  created: (name: string) => `${name} was created.`,
  saved: (name: string) => `${name} was changed.`,
  deleted: (name: string) => `${name} was deleted.`,
  restored: (name: string) => `${name} is back.`,
  using: (name: string) => `All accounts of ${name} are in use.`,
  confirmed: (name: string) => `${name} is confirmed.`,
  ended: (name: string) => `The use of ${name} ended. What ran in it gets no new credential.`,
};

export const inUseBy = {
  title: "In use by",
  intro: "Commands and shells that get credentials now. What they hold already stays valid until it expires.",
  loading: "Loading what runs",
  emptyTitle: "Nothing runs",
  empty: "mcm exec and mcm shell appear here while they run.",
  shell: "shell",
  process: (pid: number) => `process ${pid}`,
  environment: "Environment",
  accounts: "Accounts",
  terminal: "Terminal",
  noTerminal: "No terminal",
  since: "Since",
  last: "Last credential",
  none: "None yet",
  holdsUntil: (until: string) => `valid until ${until}`,
  readOnly: "Read-only",
  revoked: "Revoked",
  over: "Time is over",
  left: (left: string) => `${left} left`,
  revoke: "Revoke",
  revokeOf: (program: string, pid: number) => `Revoke ${program}, process ${pid}`,
  wasRevoked: (program: string) => `${program} was revoked. It gets no new credential.`,
};
