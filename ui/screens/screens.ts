// Every screen and state worth looking at, by name.

import type { RoleCheck } from "../src/bindings/RoleCheck";
import type { SignInStep } from "../src/bindings/SignInStep";
import type { SignInView } from "../src/bindings/SignInView";
import type { Snapshot } from "../src/bindings/Snapshot";
import {
  aboutView,
  aws,
  awsCaller,
  awsSources,
  awsView,
  azure,
  center,
  centerAccounts,
  centerRoles,
  cloudView,
  days,
  errorView,
  everyEvent,
  everyStatus,
  fabrikam,
  foundPortals,
  google,
  googleView,
  googleWithoutAccess,
  manyAccounts,
  manyEvents,
  manyTargets,
  minutes,
  noClientId,
  noGoogleClient,
  organizationAccounts,
  pendingRole,
  portal,
  preferences,
  preparedRole,
  signInView,
  snapshot,
  subscriptions,
  usual,
  verification,
  verified,
  verifying,
} from "../src/fixtures.ts";

import { backupScreens } from "./backup.ts";
import { environmentScreens } from "./environments.ts";
import { foundScreens } from "./found.ts";
import type { Screen } from "./screen.ts";

const targets = { targets: () => subscriptions };
const projects = ["contoso-data-prod", "contoso-data-test", "contoso-web"].map((id) => ({
  id,
  name: id,
  state: "ACTIVE",
  parent: "contoso.example",
}));
const happened = {
  activity: ({ account }: Record<string, unknown>) =>
    everyEvent.filter((one) => account === null || one.account === account),
};
const clouds = [
  cloudView(),
  googleView(),
  cloudView({ cloud: "aws", clientId: null, authority: "https://sts.amazonaws.com" }),
];
const steps: Record<string, SignInStep> = {
  starting: { step: "starting" },
  browser: { step: "browser" },
  "browser-failed": {
    step: "browser-failed",
    error: errorView(
      "browser-failed",
      "No browser could be started. Choose a browser in Settings, then try again.",
    ),
  },
  "https-forced": {
    step: "https-forced",
    error: errorView(
      "browser-failed",
      "Your browser used https for an address on this machine that answers only http. Allow http for localhost in its settings, or use another browser.",
    ),
  },
  elsewhere: {
    step: "elsewhere",
    link: "http://127.0.0.1:8400/open/3q2Jx0mZ5hRr8yQ",
    port: 8400,
  },
  finishing: { step: "finishing" },
  choice: {
    step: "choice",
    existing: "azure-6f1c0d52aa01",
    existingWho: "ada@contoso.example",
    who: "grace@contoso.example",
  },
  refused: {
    step: "failed",
    error: errorView(
      "sign-in-refused",
      "The sign-in was refused in the browser. Try again when you want to go on.",
    ),
  },
  expired: {
    step: "failed",
    error: errorView(
      "sign-in-expired",
      "Ten minutes went by without an answer from the browser. Start again.",
    ),
  },
  admin: {
    step: "failed",
    error: errorView(
      "admin-needed",
      "Contoso lets only administrators approve apps. Ask one to approve this app (65001).",
    ),
  },
};

function click(name: string): () => void {
  return () => {
    const all = [
      ...document.querySelectorAll<HTMLElement>("button, summary, [role=menuitem], input[type=checkbox]"),
    ];
    const found = all.find(
      (one) => (one.getAttribute("aria-label") ?? one.textContent ?? "").trim() === name,
    );
    if (found === undefined) throw new Error(`no button is called ${name}`);
    found.click();
  };
}

function type(name: string, text: string): () => void {
  return () => {
    const input = [...document.querySelectorAll("input")].find((one) =>
      [one.getAttribute("aria-label"), one.labels?.[0]?.textContent].includes(name),
    );
    if (input === undefined) throw new Error(`no field is called ${name}`);
    input.focus();
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
}

function choose(name: string, value: string): () => void {
  return () => {
    const select = [...document.querySelectorAll("select")].find((one) =>
      one.labels[0]?.textContent?.includes(name),
    );
    if (select === undefined) throw new Error(`no choice is called ${name}`);
    select.value = value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
}

function refuseClipboard(): void {
  Object.defineProperty(navigator, "clipboard", {
    value: { writeText: () => Promise.reject(new Error("refused")) },
  });
}

function key(name: string, more: KeyboardEventInit = {}): () => void {
  return () => {
    window.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, ...more }));
  };
}

const everyState = Object.values(everyStatus);
const detail = (
  account: Parameters<typeof azure>[0],
  answer: () => unknown = () => subscriptions,
): Screen => ({
  snapshot: snapshot({ accounts: [azure({ active: true, ...account }), ...usual.slice(1)] }),
  answers: { targets: answer },
  steps: [click("Contoso")],
});

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
const toEnd = (): void => document.querySelector("main.page")?.scrollTo(0, 100_000);

export const screens: Record<string, Screen> = {
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
  loading: { snapshot: null },
  "watch-failed": {
    snapshot: null,
    answers: {
      watch: () => {
        throw errorView("storage-unreadable", "accounts.db is of a newer version. Update this app.");
      },
    },
  },
  accounts: {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: { ...targets, ...happened },
    steps: [click("Contoso")],
  },
  "accounts-come-back": {
    snapshot: snapshot({ accounts: manyAccounts(1_000) }),
    answers: {
      ...targets,
      kept_place: () =>
        JSON.stringify({
          screen: "accounts",
          opened: "azure-000000000413",
          scroll: { screen: 23_600, detail: 0 },
        }),
    },
  },
  "accounts-names": {
    snapshot: snapshot({
      accounts: [
        azure({
          active: true,
          name: "شركة كونتوسو للتجارة والخدمات السحابية المحدودة في الشرق الأوسط وشمال أفريقيا",
        }),
        fabrikam({
          name: "Fabrikam Manufacturing International Holdings, production and staging of every region",
        }),
        google({ name: "コントソ株式会社クラウドサービス本部東京第二データセンター運用管理部門本番環境" }),
        ...usual.slice(3),
      ],
      clouds,
    }),
    answers: targets,
    steps: [() => document.querySelector<HTMLElement>("button[data-row]")?.click()],
  },
  "accounts-first-connected": {
    snapshot: snapshot({
      accounts: [azure({ active: true })],
      clouds,
      signIns: [signInView({ step: "done", account: azure().id, updated: false })],
      preferences: { ...preferences, welcomed: false },
    }),
    answers: targets,
    steps: [click("Close details")],
  },
  "accounts-list": { snapshot: snapshot({ accounts: usual, clouds }) },
  "accounts-empty": { snapshot: snapshot() },
  "accounts-states": { snapshot: snapshot({ accounts: everyState }) },
  "accounts-azure": {
    snapshot: snapshot({ accounts: usual.slice(0, 2) }),
    answers: targets,
    steps: [click("Contoso")],
  },
  "accounts-coloured": {
    snapshot: snapshot({
      accounts: usual.map((account, index) => ({
        ...account,
        colour: (["red", null, "blue", "violet", "amber", "green"] as const)[index] ?? null,
        starred: index % 3 === 0,
      })),
      clouds,
    }),
  },
  "accounts-many": { snapshot: snapshot({ accounts: manyAccounts(1_000) }) },
  "accounts-menu": { snapshot: snapshot({ accounts: usual, clouds }), steps: [click("More for Fabrikam")] },
  "accounts-needs-you": { snapshot: snapshot({ accounts: usual, clouds }), steps: [click("Needs you")] },
  "accounts-none-need-you": { snapshot: snapshot({ accounts: [azure()] }), steps: [click("Needs you")] },
  "accounts-locked": {
    snapshot: snapshot({
      accounts: usual.map((account) => ({ ...account, status: "locked" as const, renewing: false })),
      clouds,
      keychain: { state: "locked", name: "Login keyring", error: null },
    }),
  },
  "accounts-offline": {
    snapshot: snapshot({
      accounts: usual.map((account) => ({ ...account, status: "offline" as const, renewing: false })),
      clouds,
      unreachable: ["azure", "gcp", "aws"],
    }),
  },
  "accounts-unreachable": {
    snapshot: snapshot({
      accounts: usual.map((account, at) =>
        account.cloud === "azure"
          ? { ...account, status: "offline" as const, session: at === 0 ? account.session : null }
          : account,
      ),
      clouds,
      unreachable: ["azure"],
    }),
  },
  "accounts-problems": {
    snapshot: snapshot({
      accounts: usual,
      clouds,
      paused: true,
      keychain: { state: "absent", name: "Secret Service", error: null },
      problems: [
        errorView("storage-unreadable", "settings.toml, line 4: redirect is neither deep-link nor loopback."),
      ],
    }),
  },
  "accounts-paused": {
    snapshot: snapshot({ accounts: usual, clouds, paused: true }),
    steps: [click("Contoso")],
  },
  "accounts-sign-in-ends": {
    snapshot: snapshot({
      accounts: [
        azure({ signInEnd: { at: minutes(200), why: "provider-limit" } }),
        google({ signInEnd: { at: days(2.1), why: "provider-limit" } }),
        googleWithoutAccess(),
      ],
      clouds,
    }),
    answers: targets,
    steps: [click("Contoso")],
  },
  "accounts-signing-in": {
    snapshot: snapshot({ accounts: usual, clouds, signIns: [signInView({ step: "browser" })] }),
  },
  "accounts-search": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: {
      search: () => [
        { account: usual[5]?.id, target: null },
        { account: usual[0]?.id, target: subscriptions[0] },
        { account: usual[0]?.id, target: subscriptions[1] },
      ],
    },
    steps: [type("Search accounts", "staging")],
  },
  "accounts-search-none": {
    snapshot: snapshot({ accounts: usual, clouds }),
    steps: [type("Search accounts", "zebra")],
  },
  palette: {
    snapshot: snapshot({ accounts: usual, clouds }),
    steps: [key("k", { ctrlKey: true })],
  },
  "palette-search": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: {
      search: () => [
        { account: usual[4]?.id, target: null },
        { account: usual[0]?.id, target: subscriptions[0] },
      ],
    },
    steps: [key("k", { ctrlKey: true }), type("Search accounts, targets and commands", "prod")],
  },
  "accounts-selected": {
    snapshot: snapshot({ accounts: usual, clouds }),
    steps: [click("Select Contoso"), click("Select Fabrikam")],
  },
  "accounts-closed-group": { snapshot: snapshot({ accounts: usual, clouds }), steps: [click("Azure")] },
  "accounts-arrange": {
    snapshot: snapshot({ accounts: usual, clouds }),
    steps: [click("By last used: Sort and group")],
  },
  "accounts-one-list": {
    snapshot: snapshot({
      accounts: usual,
      clouds,
      preferences: { ...preferences, sort: "time-left", group: "none" },
    }),
  },
  "accounts-disconnecting": {
    snapshot: snapshot({
      accounts: usual.map((one, at) => (at === 1 ? { ...one, leavesAt: minutes(8 / 60) } : one)),
      clouds,
    }),
  },
  "accounts-undo": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: targets,
    steps: [click("More for Contoso"), click("Violet")],
  },
  "detail-disconnecting": detail({ leavesAt: minutes(8 / 60) }),
  about: {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: { about: () => aboutView },
    steps: [click("About")],
  },
  "about-newer": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: {
      about: () => aboutView,
      check_for_updates: () => ({
        version: "9.1.0",
        isNewer: true,
        page: "https://github.com/multicloudmanager/multi-cloud-manager/releases/tag/v9.1.0",
      }),
    },
    steps: [click("About"), click("Check for updates")],
  },
  "accounts-keys": { snapshot: snapshot({ accounts: usual, clouds }), steps: [key("?")] },
  "accounts-failed-action": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: {
      ...targets,
      renew: () => {
        throw errorView("throttled", "Entra asks to wait 30 seconds. It is tried again by itself.");
      },
    },
    steps: [click("Contoso"), click("Renew Contoso")],
  },
  "detail-renewing": detail({ renewing: true }),
  "detail-renewed": { ...detail({}), steps: [click("Contoso"), click("Renew Contoso")] },
  "detail-not-active": { ...detail({ active: false }) },
  "detail-many-targets": detail({ targetCount: 40 }, () => manyTargets(40)),
  "detail-no-targets": detail({ target: null, targetCount: 0 }, () => []),
  "detail-reading": detail(
    { target: null, targetCount: 0, readingTargets: 23, targetsReadAt: null },
    () => [],
  ),
  "detail-targets-changed": detail({ targetsChange: { added: 2, removed: 1, at: minutes(-30) } }),
  "detail-targets-failed": detail({
    targetsError: errorView(
      "server-failed",
      "Azure Resource Manager answered with 503. Refresh in a moment.",
    ),
  }),
  "detail-no-access": {
    snapshot: snapshot({ accounts: [...usual, googleWithoutAccess()], clouds }),
    steps: [click("110248495921238986499")],
  },
  "detail-google": {
    snapshot: snapshot({
      accounts: [google({ active: true, signInEnd: { at: days(2.1), why: "provider-limit" } })],
      clouds: [googleView()],
    }),
    answers: { targets: () => projects },
    steps: [click("ada@contoso.example")],
  },
  "detail-google-disconnect": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: { targets: () => projects },
    steps: [
      click("ada@contoso.example"),
      click("More actions: ada@contoso.example"),
      click("Disconnect… Del"),
    ],
  },
  "detail-missing-scopes": detail({ missingScopes: ["https://management.azure.com/user_impersonation"] }),
  "detail-failure": detail({
    status: "expired",
    session: { issuedAt: minutes(-70), expiresAt: minutes(-10) },
    retryAt: minutes(0.7),
    renewalFailure: errorView("server-failed", "Entra answered with 503. It is tried again by itself."),
  }),
  "detail-sign-in-again": {
    snapshot: snapshot({ accounts: usual }),
    answers: targets,
    steps: [click("Fabrikam")],
  },
  "detail-signing-in": {
    snapshot: snapshot({
      accounts: usual,
      signIns: [signInView({ step: "browser" }, { account: "azure-77aa01cc19fe" })],
    }),
    answers: targets,
    steps: [click("Fabrikam")],
  },
  "detail-copy": { ...detail({}), steps: [click("Contoso"), click("Copy: Contoso")] },
  "detail-more": { ...detail({}), steps: [click("Contoso"), click("More actions: Contoso")] },
  "detail-rename": {
    ...detail({}),
    steps: [click("Contoso"), click("More actions: Contoso"), click("Rename… F2")],
  },
  "detail-disconnect": {
    ...detail({}),
    steps: [click("Contoso"), click("More actions: Contoso"), click("Disconnect… Del")],
  },
  connect: { snapshot: snapshot({ accounts: usual }), steps: [click("Connect account")] },
  "connect-three": { snapshot: snapshot({ accounts: usual, clouds }), steps: [click("Connect account")] },
  "connect-sandbox": {
    snapshot: snapshot({
      accounts: usual,
      clouds: [
        cloudView({ sandbox: true, authority: "http://127.0.0.1:41999", clientIdOrigin: "AZURE_CLIENT_ID" }),
      ],
    }),
    steps: [click("Connect account"), click("Sign in to a specific tenant")],
  },
  "connect-no-client-id": {
    snapshot: snapshot({ accounts: usual, clouds: [cloudView(noClientId), ...clouds.slice(1)] }),
    steps: [click("Connect account")],
  },
  "connect-no-google-client": {
    snapshot: snapshot({ accounts: usual, clouds: [cloudView(), googleView(noGoogleClient)] }),
    steps: [click("Connect account")],
  },
  "connect-google-refused-setting": {
    snapshot: snapshot({
      accounts: usual,
      clouds: [
        cloudView(),
        googleView({
          ready: false,
          problems: [
            {
              name: "access",
              origin: "gcp.access in ~/.config/io.github.multicloudmanager/settings.toml",
              message: 'gcp.access is "readonly". Set it to read-only or full.',
            },
          ],
        }),
      ],
    }),
    steps: [click("Connect account")],
  },
  "connect-scheme-taken": {
    snapshot: snapshot({
      accounts: usual,
      signIns: [signInView({ step: "browser" }, { schemeTaken: true })],
    }),
    steps: [click("Connect account")],
  },
  "first-run": {
    snapshot: snapshot({ preferences: { ...preferences, welcomed: false } }),
  },
  "first-run-sandbox": {
    snapshot: snapshot({
      clouds: [
        cloudView({ sandbox: true, authority: "http://127.0.0.1:41999", clientIdOrigin: "AZURE_CLIENT_ID" }),
      ],
      preferences: { ...preferences, welcomed: false },
    }),
  },
  "first-run-no-client-id": {
    snapshot: snapshot({
      clouds: [cloudView(noClientId)],
      preferences: { ...preferences, welcomed: false },
    }),
  },
  activity: {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: happened,
    steps: [click("Activity")],
  },
  "activity-of-one": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: happened,
    steps: [click("Contoso"), click("All activity of Contoso")],
  },
  "activity-many": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: { activity: () => manyEvents(500) },
    steps: [click("Activity")],
  },
  "activity-empty": { snapshot: snapshot({ clouds }), steps: [click("Activity")] },
  "activity-empty-of-one": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: { activity: ({ account }) => (account === null ? everyEvent : []) },
    steps: [click("Activity"), choose("Account", fabrikam().id)],
  },
  "activity-loading": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: { activity: () => new Promise(() => undefined) },
    steps: [click("Activity")],
  },
  "activity-failed": {
    snapshot: snapshot({ accounts: usual, clouds }),
    answers: {
      activity: () => {
        throw errorView(
          "storage-failed",
          "accounts.db could not be read. Check its permissions, then try again.",
        );
      },
    },
    steps: [click("Activity")],
  },
  settings: { snapshot: snapshot({ accounts: usual }), steps: [click("Settings")] },
  switcher: { window: "switcher", snapshot: snapshot({ accounts: usual }) },
  "switcher-states": { window: "switcher", snapshot: snapshot({ accounts: Object.values(everyStatus) }) },
  "switcher-empty": { window: "switcher", snapshot: snapshot({}) },
  "switcher-many": { window: "switcher", snapshot: snapshot({ accounts: manyAccounts(1_000) }) },
  "settings-google": {
    snapshot: snapshot({ accounts: usual, clouds: [googleView()] }),
    steps: [click("Settings"), click("What to register")],
  },
  "first-run-copy-refused": {
    snapshot: snapshot({
      clouds: [cloudView(noClientId)],
      preferences: { ...preferences, welcomed: false },
    }),
    steps: [refuseClipboard, click("Copy http://localhost")],
  },
  "first-run-two": {
    snapshot: snapshot({
      clouds: [cloudView(), googleView(noGoogleClient)],
      preferences: { ...preferences, welcomed: false },
    }),
  },
  "settings-environment": {
    snapshot: snapshot({
      accounts: usual,
      clouds: [cloudView({ clientIdOrigin: "AZURE_CLIENT_ID", sandbox: true })],
    }),
    steps: [click("Settings")],
  },
  "settings-forget": {
    snapshot: snapshot({ accounts: usual }),
    steps: [click("Settings"), click("Forget everything…")],
  },
  ...Object.fromEntries(
    Object.entries(steps).map(([name, step]) => [
      `connect-${name}`,
      {
        snapshot: snapshot({ accounts: usual, signIns: [signInView(step)] }),
        steps: [click("Connect account")],
      },
    ]),
  ),
  ...environmentScreens(click, type),
  ...backupScreens(click, type),
  ...foundScreens(click),
};
