// The words of an account's details: its session and sign-in, its targets, its activity, and a terminal.

import type { AccountView } from "../bindings/AccountView";
import type { ActivityEvent } from "../bindings/ActivityEvent";
import type { Cloud } from "../bindings/Cloud";
import type { Identity } from "../bindings/Identity";
import type { ReadingAccounts } from "../bindings/ReadingAccounts";
import type { SignInEnd } from "../bindings/SignInEnd";
import type { TargetsChange } from "../bindings/TargetsChange";
import { day, left, moment } from "../time.ts";
import { titles } from "./errors.ts";
import { app } from "./window.ts";
import { cloudNames, lowered, nouns, plural, raised } from "./words.ts";

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
