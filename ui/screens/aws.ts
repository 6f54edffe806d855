// The screens of AWS: IAM Identity Center, and connecting a role.

import type { RoleCheck } from "../src/bindings/RoleCheck";
import type { SignInStep } from "../src/bindings/SignInStep";
import type { SignInView } from "../src/bindings/SignInView";
import type { Snapshot } from "../src/bindings/Snapshot";
import {
  aws,
  awsCaller,
  awsSources,
  awsView,
  center,
  centerAccounts,
  centerRoles,
  cloudView,
  errorView,
  foundPortals,
  minutes,
  organizationAccounts,
  pendingRole,
  portal,
  preparedRole,
  signInView,
  snapshot,
  usual,
  verification,
  verified,
  verifying,
} from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";
import { clouds } from "./shared.ts";
import { click, toEnd, type } from "./steps.ts";

const awsAnswers = {
  aws_sources: () => awsSources,
  aws_caller: () => awsCaller,
  pending_roles: () => [pendingRole],
  prepare_role: () => preparedRole,
};
const atAws = [click("Connect account"), click("Assume a role")];
const portalAnswers = { found_portals: () => foundPortals };
const atPortal = [click("Connect account"), click("Sign in with IAM Identity Center")];
const portalSignIn = (step: SignInStep, changes: Partial<SignInView> = {}): Screen => ({
  snapshot: snapshot({
    accounts: usual,
    clouds,
    signIns: [
      signInView(step, { cloud: "aws", redirect: "loopback", startUrl: portal.startUrl, portal, ...changes }),
    ],
  }),
  answers: portalAnswers,
  steps: [click("Connect account")],
});
const centerDetail = (changes: Parameters<typeof center>[1], count = 3_000): Screen => ({
  snapshot: snapshot({ accounts: [...usual, center(count, { active: true, ...changes })], clouds }),
  answers: { targets: () => centerRoles(count), organization: () => centerAccounts(Math.ceil(count / 3)) },
  steps: [click("contoso")],
});
const centerDisconnect = (more: (() => void)[]): Screen => ({
  ...centerDetail({}, 9),
  steps: [click("contoso"), click("More actions: contoso"), click("Disconnect… Del"), ...more],
});
const awsSignIn = (checks: RoleCheck[], step: SignInStep): Snapshot => {
  const signIn = signInView(step, { cloud: "aws", ...verification(checks) });
  return snapshot({ accounts: usual, clouds: [cloudView(awsView)], signIns: [signIn] });
};
const awsRefused = verifying.map((check): RoleCheck =>
  check.what === "right-id" ? { ...check, state: "failed", until: null } : check,
);
const awsLoose = verified.map((check): RoleCheck => {
  if (check.what === "no-id") return { ...check, state: "failed" };
  return check.what === "identity" ? { ...check, state: "waiting", attempts: 0, became: null } : check;
});

export const awsScreens: Record<string, Screen> = {
  "center-roles": centerDetail({
    targetsChange: { added: 2, removed: 1, at: minutes(-20) },
    pinned: [
      ...centerRoles(2).map((target) => ({ target, listed: true })),
      {
        target: { id: "012345678999/Gone", name: "012345678999/Gone", state: null, parent: null },
        listed: false,
      },
    ],
  }),
  "center-reading": centerDetail(
    { readingTargets: 1_260, readingAccounts: { read: 420, total: 1_000 } },
    1_260,
  ),
  "center-none": centerDetail(
    { targetCount: 0, target: null, targetsReadAt: minutes(-1), targetsChange: null },
    0,
  ),
  "center-again": centerDetail(
    {
      status: "sign-in-again",
      session: null,
      renewalFailure: errorView(
        "sign-in-again",
        "Your organisation ended this sign-in to IAM Identity Center, or it expired. Sign in again.",
      ),
    },
    9,
  ),
  "center-disconnect": centerDisconnect([]),
  "center-sign-out": centerDisconnect([
    () => document.querySelectorAll<HTMLInputElement>("dialog input[type=radio]")[1]?.click(),
  ]),
  "portal-form": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: portalAnswers,
    steps: [...atPortal, type("Start URL", "https://contoso.awsapps.com/start")],
  },
  "portal-empty": { snapshot: snapshot({ accounts: usual, clouds }), steps: atPortal },
  "portal-starting": portalSignIn({ step: "starting" }, { portal: null }),
  "portal-browser": portalSignIn({ step: "browser" }),
  "portal-code": portalSignIn(
    {
      step: "code",
      code: "BCDF-GHJK",
      page: "https://device.sso.eu-west-1.amazonaws.com/",
      expiresAt: minutes(8.5),
    },
    { deviceCode: true },
  ),
  "portal-region-unknown": portalSignIn(
    {
      step: "failed",
      error: errorView(
        "invalid-input",
        "The region of https://contoso.awsapps.com/start is not known. Enter it at Region; your administrator knows it.",
      ),
    },
    { portal: null },
  ),
  "portal-refused": portalSignIn({
    step: "failed",
    error: errorView("sign-in-refused", "The sign-in was refused in the browser. Nothing was changed."),
  }),
  "portal-choice": portalSignIn({
    step: "choice",
    existing: "aws-1",
    existingWho: "ada@contoso.example",
    who: "grace@contoso.example",
  }),
  "aws-who": { snapshot: snapshot({ accounts: usual, clouds }), answers: awsAnswers, steps: atAws },
  "aws-expired": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: {
      ...awsAnswers,
      aws_sources: () => awsSources.slice(1),
      aws_caller: () => {
        throw errorView(
          "source-expired",
          "The session of profile work is over. Sign in again, then try again.",
        );
      },
    },
    steps: atAws,
  },
  "aws-role": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: awsAnswers,
    steps: [...atAws, click("Create External ID and templates")],
  },
  "aws-mfa": {
    snapshot: awsSignIn(verifying, {
      step: "mfa-code",
      device: "arn:aws:iam::111122223333:mfa/ada-phone",
      wasRefused: false,
    }),
    answers: awsAnswers,
    steps: [click("Connect account"), toEnd],
  },
  "aws-mfa-refused": {
    snapshot: awsSignIn(verifying, {
      step: "mfa-code",
      device: "arn:aws:iam::111122223333:mfa/ada-phone",
      wasRefused: true,
    }),
    answers: awsAnswers,
    steps: [click("Connect account"), toEnd],
  },
  "aws-verifying": {
    snapshot: awsSignIn(verifying, { step: "verifying" }),
    answers: awsAnswers,
    steps: [click("Connect account"), toEnd],
  },
  "aws-verified": {
    snapshot: awsSignIn(verified, { step: "verifying" }),
    answers: awsAnswers,
    steps: [click("Connect account"), toEnd],
  },
  "aws-refused": {
    snapshot: awsSignIn(awsRefused, {
      step: "failed",
      error: errorView(
        "role-refused",
        `AWS refused to let ${awsCaller.arn} assume arn:aws:iam::123456789012:role/ReadOnly, and does not say why.
What is left:
(1) account 123456789012 has no role ReadOnly with exactly this path
(2) its trust policy names another principal than ${awsCaller.arn}
(3) its trust policy asks for another External ID than ${preparedRole.externalId}
(4) a policy of yours or of your organisation (service control policy, permissions boundary) forbids sts:AssumeRole
Ruled out: the caller's credentials, the partition and the clock.
To compare with the trust policy:
Principal: ${awsCaller.arn}
External ID: ${preparedRole.externalId}
To see the trust policy, run this with credentials of account 123456789012:
aws iam get-role --role-name ReadOnly --query Role.AssumeRolePolicyDocument`,
      ),
    }),
    answers: awsAnswers,
    steps: [
      click("Connect account"),
      click("Create External ID and templates"),
      type("Role ARN", "arn:aws:iam::123456789012:role/ReadOnly"),
      toEnd,
    ],
  },
  "aws-not-enforced": {
    snapshot: awsSignIn(awsLoose, {
      step: "failed",
      error: errorView(
        "not-enforced",
        "arn:aws:iam::123456789012:role/ReadOnly can be assumed without an External ID, so the External ID protects nothing. The credentials of these attempts were dropped and nothing was connected.",
      ),
    }),
    answers: awsAnswers,
    steps: [click("Connect account"), click("Create External ID and templates"), toEnd],
  },
  "aws-detail": {
    snapshot: snapshot({ accounts: [aws({ active: true })], clouds }),
    answers: { organization: () => organizationAccounts },
    steps: [click("contoso-prod")],
  },
};
