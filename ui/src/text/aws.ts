// The words of AWS alone: roles, their checks and sources, and portals of IAM Identity Center.

import { spaced } from "../accounts.ts";
import type { AwsSource } from "../bindings/AwsSource";
import type { AwsSourceKind } from "../bindings/AwsSourceKind";
import type { CheckState } from "../bindings/CheckState";
import type { Enforcement } from "../bindings/Enforcement";
import type { FoundPortal } from "../bindings/FoundPortal";
import type { Permissions } from "../bindings/Permissions";
import type { RoleCheckKind } from "../bindings/RoleCheckKind";
import type { RoleTemplates } from "../bindings/RoleTemplates";
import { named } from "./words.ts";

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
