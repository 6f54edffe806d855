// What the screens read out of Accounts: who they are, which group they stand in, which need the user.
// Facts only; the sentences are in text.ts.

import type { AccountId } from "./bindings/AccountId";
import type { AccountView } from "./bindings/AccountView";
import type { Cloud } from "./bindings/Cloud";
import type { CloudView } from "./bindings/CloudView";
import type { Colour } from "./bindings/Colour";
import type { FoundLine } from "./bindings/FoundLine";
import type { Identity } from "./bindings/Identity";
import type { Preferences } from "./bindings/Preferences";
import type { Sort } from "./bindings/Sort";
import type { Target } from "./bindings/Target";

export const CLOUDS: readonly Cloud[] = ["azure", "gcp", "aws"];

const colours: Record<Colour, true> = {
  blue: true,
  green: true,
  amber: true,
  red: true,
  violet: true,
  grey: true,
};
export const COLOURS = Object.keys(colours) as Colour[];
export type { Colour };

/** The scopes that stand for a Cloud's resources: Google's `cloud-platform` with or without its end, Azure's own. */
const CLOUD_ACCESS = /\/auth\/cloud-platform(\.|$)|\/user_impersonation$/;

/** The settings that say which client signs in. */
const NAMES_CLIENT = /_CLIENT_ID$|^client_secret_file$/;

/** What the rail narrows the list to. */
export type Filter = "all" | "in-use" | "needs-you" | Cloud;

/** A row: an Account, or one of its Targets that a search found. */
export type Row = {
  /** Names the row among the others. */
  key: string;
  account: AccountView;
  found: Target | null;
};

/** Rows under one heading; a Cloud's, or all of them when nothing is grouped. */
export type Group = { key: string; cloud: Cloud | null; rows: Row[] };

/** How the list is sorted and grouped. */
export type Arrangement = Pick<Preferences, "sort" | "group">;

export const usualArrangement: Arrangement = { sort: "last-used", group: "cloud" };

export function needsYou(account: AccountView): boolean {
  return account.status === "sign-in-again";
}

export function fits(account: AccountView, filter: Filter): boolean {
  if (filter === "all") return true;
  if (filter === "in-use") return account.active;
  if (filter === "needs-you") return needsYou(account);
  return account.cloud === filter;
}

/**
 * Rows in groups. A search keeps its own order, the group of the best row first; else the Snapshot orders by last use,
 * and the user may choose another order. Starred Accounts always come first.
 */
export function groups(
  accounts: readonly AccountView[],
  filter: Filter,
  found: readonly FoundLine[] | null,
  { sort, group }: Arrangement = usualArrangement,
): Group[] {
  const rows =
    found === null ? sorted(accounts, sort).map((account) => rowOf(account)) : asFound(accounts, found);
  const kept = rows.filter((row) => fits(row.account, filter));
  if (kept.length === 0) return [];
  if (group === "none") return [{ key: "all", cloud: null, rows: kept }];
  const clouds = found === null ? CLOUDS : [...new Set(kept.map((row) => row.account.cloud))];
  return clouds
    .map((cloud) => ({ key: cloud, cloud, rows: kept.filter((row) => row.account.cloud === cloud) }))
    .filter((one) => one.rows.length > 0);
}

function sorted(accounts: readonly AccountView[], sort: Sort): AccountView[] {
  const byStar = (one: AccountView, other: AccountView): number =>
    Number(other.starred) - Number(one.starred);
  const orders: Record<Sort, (one: AccountView, other: AccountView) => number> = {
    "last-used": (one, other) => (other.usedAt ?? "").localeCompare(one.usedAt ?? ""),
    name: (one, other) => one.name.localeCompare(other.name, "en-GB", { numeric: true }),
    "time-left": (one, other) =>
      // Without a session there is no time left; it comes first.
      (one.session?.expiresAt ?? "").localeCompare(other.session?.expiresAt ?? ""),
  };
  return accounts.toSorted((one, other) => byStar(one, other) || orders[sort](one, other));
}

/** The rows, each Account followed by its pinned Targets that are still listed, as rows of their own. */
export function withPins(all: readonly Group[]): Group[] {
  const pins = ({ pinned }: AccountView): Target[] =>
    pinned.filter((one) => one.listed).map(({ target }) => target);
  const rowsOf = (row: Row): Row[] => [row, ...pins(row.account).map((found) => rowOf(row.account, found))];
  return all.map((group) => ({ ...group, rows: group.rows.flatMap(rowsOf) }));
}

/** The signed-in user or role, as the Cloud calls it. */
export function who(identity: Identity): string {
  switch (identity.cloud) {
    case "azure":
      return identity.username;
    case "gcp":
      return identity.email ?? identity.subject;
    case "aws":
      return roleName(identity.roleArn);
    case "identity-center":
      return identity.userName ?? identity.startUrl;
  }
}

/** The tenant, organisation or account id. */
export function cloudId(identity: Identity): string | null {
  switch (identity.cloud) {
    case "azure":
      return identity.tenantId;
    case "gcp":
      return identity.hostedDomain;
    case "aws":
      return identity.accountId;
    case "identity-center":
      return identity.startUrl;
  }
}

export function roleName(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

/** `123456789012` as `1234 5678 9012`. */
export function spaced(accountId: string): string {
  return accountId.replace(/(\d{4})(?=\d)/g, "$1 ");
}

/** A long id with its middle left out, for where the whole does not fit. */
export function shortened(id: string): string {
  return id.length > 20 ? `${id.slice(0, 8)}-…-${id.slice(-4)}` : id;
}

/** Whether the app has to be registered with the Cloud, and its client id entered, before a user can sign in. */
export function lacksClientId(cloud: CloudView): boolean {
  if (cloud.ready || cloud.cloud === "aws") return false;
  return cloud.clientId === null || cloud.problems.some((problem) => NAMES_CLIENT.test(problem.name));
}

/** Whether the user signed in and left out the scope without which nothing of the Cloud can be read or used. */
export function lacksCloudAccess(account: AccountView): boolean {
  return account.missingScopes.some((scope) => CLOUD_ACCESS.test(scope));
}

/** How many other Accounts live from the same Grant: an Azure user's tenants share one. */
export function siblings(account: AccountView, accounts: readonly AccountView[]): number {
  const { id, identity } = account;
  if (identity.cloud !== "azure") return 0;
  return accounts.filter(
    (one) => one.id !== id && one.identity.cloud === "azure" && one.identity.home === identity.home,
  ).length;
}

/** How many tenants, accounts or roles rows stand for: a sign-in to IAM Identity Center stands for each of its roles. */
export function rowTotal(rows: readonly Row[]): number {
  const counted = (account: AccountView): number =>
    account.identity.cloud === "identity-center" ? account.targetCount : 1;
  return accountsOf(rows).reduce((sum, account) => sum + counted(account), 0);
}

export function targetTotal(rows: readonly Row[]): number {
  return accountsOf(rows).reduce((sum, account) => sum + account.targetCount, 0);
}

/** The Accounts of rows, each once. */
export function accountsOf(rows: readonly Row[]): AccountView[] {
  return [...new Set(rows.map((row) => row.account))];
}

/** Whether a row is what is in use: an Account that a search found by another Target is not. */
export function isInUse({ account, found }: Row): boolean {
  return account.active && (found === null || found.id === account.target?.id);
}

/** A text in parts, those that a search matched marked. */
export function marked(text: string, query: string): { text: string; isMatch: boolean }[] {
  const lower = text.toLowerCase();
  // Some letters change their length in lower case, and then nothing says where a match stands.
  if (lower.length !== text.length) return [{ text, isMatch: false }];
  const isMatch = new Array<boolean>(text.length).fill(false);
  for (const word of query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")) {
    for (let at = lower.indexOf(word); at !== -1; at = lower.indexOf(word, at + 1)) {
      isMatch.fill(true, at, at + word.length);
    }
  }
  const parts: { text: string; isMatch: boolean }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const last = parts.at(-1);
    if (last !== undefined && last.isMatch === isMatch[at]) last.text += text[at] ?? "";
    else parts.push({ text: text[at] ?? "", isMatch: isMatch[at] ?? false });
  }
  return parts;
}

/** The clouds' own words, in lower case, for a Target that refuses all work. */
const DISABLED = ["disabled", "deleted", "delete_requested"];

export function isDisabled(target: Target): boolean {
  return DISABLED.includes(target.state?.toLowerCase() ?? "");
}

/** The Targets in their order, with the disabled ones last. */
export function disabledLast(targets: readonly Target[]): Target[] {
  return [...targets.filter((one) => !isDisabled(one)), ...targets.filter(isDisabled)];
}

export function rowOf(account: AccountView, found: Target | null = null): Row {
  return { key: found === null ? account.id : `${account.id} ${found.id}`, account, found };
}

function asFound(accounts: readonly AccountView[], found: readonly FoundLine[]): Row[] {
  const byId = new Map<AccountId, AccountView>(accounts.map((account) => [account.id, account]));
  const rows = new Map<string, Row>();
  for (const line of found) {
    const account = "account" in line ? byId.get(line.account) : undefined;
    if (account === undefined || !("account" in line)) continue;
    const row = rowOf(account, line.target);
    if (!rows.has(row.key)) rows.set(row.key, row);
  }
  return [...rows.values()];
}

/** Whether an account is a sign-in to IAM Identity Center. */
export function isCenter(account: AccountView): boolean {
  return account.identity.cloud === "identity-center";
}
