// The words of the list of accounts: rows, their state and time, their menus and dialogs.

import {
  type Colour,
  type Row,
  cloudId,
  lacksCloudAccess,
  roleName,
  shortened,
  spaced,
  who,
} from "../accounts.ts";
import type { AccountView } from "../bindings/AccountView";
import type { Cloud } from "../bindings/Cloud";
import type { Copyable } from "../bindings/Copyable";
import type { Grouping } from "../bindings/Grouping";
import type { Identity } from "../bindings/Identity";
import type { KeychainView } from "../bindings/KeychainView";
import type { Sort } from "../bindings/Sort";
import type { Target } from "../bindings/Target";
import type { Icon } from "../environments.ts";
import { left } from "../time.ts";
import { enforcement } from "./aws.ts";
import { cloudNames, lowered, nouns, plural } from "./words.ts";

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
export const issuers: Record<Cloud, string> = { azure: "Entra", gcp: "Google", aws: "AWS" };

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
