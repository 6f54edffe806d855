// Every command of the backend, and nothing else. The only file that imports @tauri-apps; only views call it.
// No token, code, state or sign-in URL passes through here in either direction. Access keys that a user types for
// AWS, and the passphrase of a backup, go to the backend once and never come back.

import { Channel, invoke } from "@tauri-apps/api/core";
import type { AboutView } from "./bindings/AboutView";
import type { AccountId } from "./bindings/AccountId";
import type { AtLogin } from "./bindings/AtLogin";
import type { AwsSource } from "./bindings/AwsSource";
import type { BackedUp } from "./bindings/BackedUp";
import type { Caller } from "./bindings/Caller";
import type { Cloud } from "./bindings/Cloud";
import type { ClusterView } from "./bindings/ClusterView";
import type { Code } from "./bindings/Code";
import type { ConnectPortal } from "./bindings/ConnectPortal";
import type { ConnectRole } from "./bindings/ConnectRole";
import type { Copyable } from "./bindings/Copyable";
import type { DisconnectEnd } from "./bindings/DisconnectEnd";
import type { DesktopView } from "./bindings/DesktopView";
import type { EnteredKeys } from "./bindings/EnteredKeys";
import type { EnteredEnvironment } from "./bindings/EnteredEnvironment";
import type { ErrorView } from "./bindings/ErrorView";
import type { FoundLine } from "./bindings/FoundLine";
import type { FoundElsewhere } from "./bindings/FoundElsewhere";
import type { FoundPortal } from "./bindings/FoundPortal";
import type { ActivityEvent } from "./bindings/ActivityEvent";
import type { NewestVersion } from "./bindings/NewestVersion";
import type { Listed } from "./bindings/Listed";
import type { OfferedContext } from "./bindings/OfferedContext";
import type { OrganizationAccount } from "./bindings/OrganizationAccount";
import type { PendingRole } from "./bindings/PendingRole";
import type { Preferences } from "./bindings/Preferences";
import type { PreparedRole } from "./bindings/PreparedRole";
import type { PrepareRole } from "./bindings/PrepareRole";
import type { RedirectKind } from "./bindings/RedirectKind";
import type { Restored } from "./bindings/Restored";
import type { SignInId } from "./bindings/SignInId";
import type { Snapshot } from "./bindings/Snapshot";
import type { SourceChoice } from "./bindings/SourceChoice";
import type { StoredPlace } from "./bindings/StoredPlace";
import type { Target } from "./bindings/Target";

/** What a command that failed throws. */
export class Failure extends Error implements ErrorView {
  readonly code: Code;
  readonly reference: string;

  constructor(view: ErrorView) {
    super(view.message);
    this.name = "Failure";
    this.code = view.code;
    this.reference = view.reference;
  }
}

/** What to do when another user signed in to a tenant or address that is connected already. */
export type Decision = "replace" | "keep-both";

/** Hands every Snapshot to `receive`, the present one first. */
export function watch(receive: (snapshot: Snapshot) => void): Promise<void> {
  return call("watch", { channel: new Channel<Snapshot>(receive) });
}

/** What a new sign-in to AWS is for: a role, or a portal of IAM Identity Center. A row that signs in again knows it. */
export type AwsRequest = { role?: ConnectRole; portal?: ConnectPortal; deviceCode?: boolean };

/** Starts a sign-in: to `tenant` when one is given, for the row `account` when it signs in again. */
export function connect(
  cloud: Cloud,
  tenant: string | null,
  account: AccountId | null,
  wanted: AwsRequest = {},
): Promise<SignInId> {
  return call("connect", { cloud, tenant, account, ...wanted });
}

/** What the files of other tools on this machine name, without their tokens. */
export function foundElsewhere(): Promise<FoundElsewhere> {
  return call("found_elsewhere");
}

/** What the user says of the sign-in to an account that was found, beside what the files say. */
export type FoundRequest = { region?: string; deviceCode?: boolean; acceptNotEnforced?: boolean };

/** Starts the sign-in to an account that was found. */
export function connectFound(id: string, wanted: FoundRequest = {}): Promise<SignInId> {
  return call("connect_found", { id, ...wanted });
}

/** Writes everything but secrets to a file, encrypted under a passphrase. */
export function backUp(path: string, passphrase: string, replaces: boolean): Promise<BackedUp> {
  return call("back_up", { path, passphrase, replaces });
}

/** Adds what a backup holds and this machine lacks. */
export function restore(path: string, passphrase: string): Promise<Restored> {
  return call("restore", { path, passphrase });
}

/** The portals of IAM Identity Center that AWS's config file names. */
export function foundPortals(): Promise<FoundPortal[]> {
  return call("found_portals");
}

/** Where this machine has credentials for AWS. */
export function awsSources(): Promise<AwsSource[]> {
  return call("aws_sources");
}

/** Who the credentials of a source belong to, as AWS says. */
export function awsCaller(source: SourceChoice): Promise<Caller> {
  return call("aws_caller", { source });
}

/** Puts typed access keys into the keychain, once AWS has said whose they are. */
export function addAccessKeys(keys: EnteredKeys): Promise<Caller> {
  return call("add_access_keys", { keys });
}

export function removeAccessKeys(accessKeyId: string): Promise<void> {
  return call("remove_access_keys", { accessKeyId });
}

/** Makes and keeps an External ID, and answers the role that demands it in every form. */
export function prepareRole(request: PrepareRole): Promise<PreparedRole> {
  return call("prepare_role", { request });
}

/** The connections that wait for their role. */
export function pendingRoles(): Promise<PendingRole[]> {
  return call("pending_roles");
}

export function dropPendingRole(externalId: string): Promise<void> {
  return call("drop_pending_role", { externalId });
}

export function cancelSignIn(signIn: SignInId): Promise<void> {
  return call("cancel_sign_in", { signIn });
}

export function dismissSignIn(signIn: SignInId): Promise<void> {
  return call("dismiss_sign_in", { signIn });
}

/** Answers a sign-in that asks for a code of an MFA device. */
export function enterMfaCode(signIn: SignInId, code: string): Promise<void> {
  return call("enter_mfa_code", { signIn, code });
}

export function reopenBrowser(signIn: SignInId): Promise<void> {
  return call("reopen_browser", { signIn });
}

export function decideDuplicate(signIn: SignInId, decision: Decision): Promise<void> {
  return call("decide_duplicate", { signIn, decision });
}

/** Adds another tenant that the sign-in of `account` may enter; answers its row. */
export function addTenant(account: AccountId, tenantId: string): Promise<AccountId> {
  return call("add_tenant", { account, tenantId });
}

export function renew(account: AccountId): Promise<void> {
  return call("renew", { account });
}

/** Reads the Targets from the cloud. */
export function readTargets(account: AccountId): Promise<void> {
  return call("read_targets", { account });
}

export function cancelReading(account: AccountId): Promise<void> {
  return call("cancel_reading", { account });
}

/** The Targets as they were last read. */
export function targets(account: AccountId): Promise<Target[]> {
  return call("targets", { account });
}

/** What happened to one Account or to all, the newest first. */
export function activity(account: AccountId | null): Promise<ActivityEvent[]> {
  return call("activity", { account });
}

/** Puts an Account to use in its Cloud, with one of its Targets when one is named. */
export function useAccount(account: AccountId, target: string | null): Promise<void> {
  return call("use_account", { account, target });
}

export function chooseTarget(account: AccountId, target: string): Promise<void> {
  return call("choose_target", { account, target });
}

/** Pins a Target, so that it is an entry of its own in the tray and the switcher, or takes the pin away. */
export function pinTarget(account: AccountId, target: string, pinned: boolean): Promise<void> {
  return call("pin_target", { account, target, pinned });
}

/** Gives a name, or the cloud's own again. */
export function rename(account: AccountId, name: string | null): Promise<void> {
  return call("rename", { account, name });
}

export function setColour(account: AccountId, colour: string | null): Promise<void> {
  return call("set_colour", { account, colour });
}

export function setStar(account: AccountId, starred: boolean): Promise<void> {
  return call("set_star", { account, starred });
}

/**
 * Disconnects in ten seconds, unless that is undone; everywhere also ends the user's session at IAM Identity Center. Answers why the cloud could not revoke access, when it could not: the
 * account is gone from here all the same.
 */
export function disconnect(account: AccountId, everywhere: boolean): Promise<DisconnectEnd> {
  return call("disconnect", { account, everywhere });
}

export function undoDisconnect(account: AccountId): Promise<void> {
  return call("undo_disconnect", { account });
}

/** The version, the licences and where the log is. */
export function about(): Promise<AboutView> {
  return call("about");
}

/** Asks the releases feed, which nothing else does. */
export function checkForUpdates(): Promise<NewestVersion> {
  return call("check_for_updates");
}

export function openLogFolder(): Promise<void> {
  return call("open_log_folder");
}

/** Zooms the page of this window. */
export function zoom(percent: number): Promise<void> {
  return call("zoom", { percent });
}

/** Searches names, tenants, e-mails, project and account ids. */
export function search(query: string): Promise<FoundLine[]> {
  return call("search", { query });
}

/** Puts a text on the clipboard, in Rust. */
export function copy(account: AccountId, what: Copyable): Promise<void> {
  return call("copy", { account, what });
}

/** AWS alone can end the browser's other console session on the way. */
export function openConsole(account: AccountId, signOutFirst: boolean): Promise<void> {
  return call("open_console", { account, signOutFirst });
}

/** The accounts of the organisation as they were last read, for information. */
export function organization(account: AccountId): Promise<OrganizationAccount[]> {
  return call("organization", { account });
}

export function saveClientId(cloud: Cloud, clientId: string): Promise<void> {
  return call("save_client_id", { cloud, clientId });
}

export function saveRedirect(cloud: Cloud, redirect: RedirectKind): Promise<void> {
  return call("save_redirect", { cloud, redirect });
}

export function savePreferences(preferences: Preferences): Promise<void> {
  return call("save_preferences", { preferences });
}

/** How the app sits on this desktop. */
export function desktop(): Promise<DesktopView> {
  return call("desktop");
}

export function setAtLogin(atLogin: AtLogin): Promise<DesktopView> {
  return call("set_at_login", { atLogin });
}

/** Chooses an installed browser for sign-in pages by its id, or the system's. */
export function chooseBrowser(id: string | null): Promise<DesktopView> {
  return call("choose_browser", { id });
}

/** Sets the keys that open the switcher, or none. */
export function setShortcut(keys: string | null): Promise<DesktopView> {
  return call("set_shortcut", { keys });
}

/**
 * From the switcher: puts an Account to use, with a Target when one is named, or starts the sign-in that it needs. The
 * switcher is gone then.
 */
export function switchTo(account: AccountId, target: string | null): Promise<void> {
  return call("switch_to", { account, target });
}

/** From the switcher: uses an environment everywhere, or opens the dashboard where a protected one is confirmed. */
export function switchToEnvironment(name: string): Promise<void> {
  return call("switch_to_environment", { name });
}

/** What was typed into the switcher before its page could hear it, with a line break for Enter. */
export function typedAhead(): Promise<string> {
  return call("typed_ahead");
}

export function closeSwitcher(): Promise<void> {
  return call("close_switcher");
}

/** Creates an environment, or changes the one named `before`. A protected one needs its name, as it was typed. */
export function saveEnvironment(
  before: string | null,
  environment: EnteredEnvironment,
  typed = "",
): Promise<void> {
  return call("save_environment", { before, environment, typed });
}

/** The contexts of the user's kubeconfig, of the clouds here. */
export function offeredContexts(): Promise<OfferedContext[]> {
  return call("offered_contexts");
}

/** The cluster that a context would add to an environment as it is entered. */
export function enteredCluster(
  before: string | null,
  environment: EnteredEnvironment,
  context: string,
): Promise<ClusterView> {
  return call("entered_cluster", { before, environment, context });
}

/** Deletes an environment, until `restoreEnvironment` brings it back. */
export function deleteEnvironment(name: string, typed = ""): Promise<void> {
  return call("delete_environment", { name, typed });
}

export function restoreEnvironment(name: string): Promise<void> {
  return call("restore_environment", { name });
}

/** Puts every account of an environment in use. */
export function useEnvironment(name: string): Promise<void> {
  return call("use_environment", { name });
}

/** Confirms a protected environment for its minutes, by its name as it was typed. */
export function confirmEnvironment(name: string, typed: string): Promise<void> {
  return call("confirm_environment", { name, typed });
}

/** Ends the use of a protected environment, and revokes what runs in it. */
export function endEnvironment(name: string): Promise<void> {
  return call("end_environment", { name });
}

/** What runs with credentials. */
export function holders(): Promise<Listed[]> {
  return call("holders");
}

/** Cuts off something that runs. */
export function revokeHolder(id: string): Promise<void> {
  return call("revoke_holder", { id });
}

/** Tries the keychain again; the system may ask the user to unlock it. */
export function retryKeychain(): Promise<void> {
  return call("retry_keychain");
}

export function copyDiagnostics(): Promise<void> {
  return call("copy_diagnostics");
}

/** Returns which providers could not revoke access. */
export function forgetEverything(): Promise<ErrorView[]> {
  return call("forget_everything");
}

export function pause(paused: boolean): Promise<void> {
  return call("pause", { paused });
}

export function storage(): Promise<StoredPlace[]> {
  return call("storage");
}

/** Keeps where the user is until the app ends: at most 2 KiB, in memory only. */
export function keepPlace(place: string): Promise<void> {
  return call("keep_place", { place });
}

/** The place that was kept, when there is one. */
export function keptPlace(): Promise<string | null> {
  return call("kept_place");
}

async function call<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (error) {
    throw asFailure(error);
  }
}

function asFailure(error: unknown): Failure {
  if (isErrorView(error)) return new Failure(error);
  const message = error instanceof Error ? error.message : String(error);
  return new Failure({ code: "internal", message, reference: "" });
}

function isErrorView(error: unknown): error is ErrorView {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    "message" in error &&
    "reference" in error
  );
}
