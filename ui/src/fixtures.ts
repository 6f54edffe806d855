// Snapshots to test against and to look at. Not part of the built dashboard.

import type { AboutView } from "./bindings/AboutView";
import type { AccountView } from "./bindings/AccountView";
import type { AwsSource } from "./bindings/AwsSource";
import type { Caller } from "./bindings/Caller";
import type { CloudView } from "./bindings/CloudView";
import type { Code } from "./bindings/Code";
import type { DesktopView } from "./bindings/DesktopView";
import type { EnvironmentSettings } from "./bindings/EnvironmentSettings";
import type { EnvironmentView } from "./bindings/EnvironmentView";
import type { ErrorView } from "./bindings/ErrorView";
import type { ActivityKind } from "./bindings/ActivityKind";
import type { ActivityEvent } from "./bindings/ActivityEvent";
import type { FoundAccount } from "./bindings/FoundAccount";
import type { FoundElsewhere } from "./bindings/FoundElsewhere";
import type { FoundPortal } from "./bindings/FoundPortal";
import type { Cloud } from "./bindings/Cloud";
import type { Listed } from "./bindings/Listed";
import type { MemberView } from "./bindings/MemberView";
import type { OrganizationAccount } from "./bindings/OrganizationAccount";
import type { PendingRole } from "./bindings/PendingRole";
import type { PortalView } from "./bindings/PortalView";
import type { PreparedRole } from "./bindings/PreparedRole";
import type { RoleCheck } from "./bindings/RoleCheck";
import type { Preferences } from "./bindings/Preferences";
import type { SignInStep } from "./bindings/SignInStep";
import type { SignInView } from "./bindings/SignInView";
import type { Restored } from "./bindings/Restored";
import type { Snapshot } from "./bindings/Snapshot";
import type { StoredPlace } from "./bindings/StoredPlace";
import type { Status } from "./bindings/Status";
import type { Target } from "./bindings/Target";

const CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";

export const preferences: Preferences = {
  theme: "system",
  welcomed: true,
  sort: "last-used",
  group: "cloud",
  notify: true,
};

export const aboutView: AboutView = {
  version: "0.1.0",
  licence: "MIT OR Apache-2.0",
  logFolder: "/home/ada/.local/state/multi-cloud-manager/logs",
  updates: { kind: "feed", place: "api.github.com" },
  components: [
    { name: "Inter", version: "4", licence: "OFL-1.1" },
    { name: "svelte", version: "5.57.3", licence: "MIT" },
    { name: "tauri", version: "2.12.5", licence: "Apache-2.0 OR MIT" },
  ],
};

/** The moment at which every fixture is looked at. */
export const NOW = Date.parse("2026-11-24T15:00:00Z");

export function minutes(count: number): string {
  return new Date(NOW + count * 60_000).toISOString();
}

export function days(count: number): string {
  return minutes(count * 24 * 60);
}

export function errorView(code: Code, message: string): ErrorView {
  return { code, message, reference: "r-7f3a91" };
}

export const production: Target = {
  id: "1b7a0c44-52f1-4d0e-9a61-6f0a5d3b77e0",
  name: "Production",
  state: "Enabled",
  parent: null,
};

export const subscriptions: Target[] = [
  production,
  { id: "77d2be10-03aa-4c55-8c7e-1f6e9a20bb4c", name: "Staging", state: "Enabled", parent: null },
  { id: "09ce1234-9f0b-4a3e-b1de-7712cc0988a1", name: "Sandbox", state: "Enabled", parent: null },
  { id: "f3a8c0de-7b2f-4c11-92dd-00aa11bb2272", name: "Legacy billing", state: "Disabled", parent: null },
];

export function manyTargets(count: number): Target[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${String(index).padStart(8, "0")}-1111-4222-8333-444455556666`,
    name: `Team ${String(index + 1).padStart(2, "0")} ${index % 2 === 0 ? "production" : "staging"}`,
    state: "Enabled",
    parent: index % 3 === 0 ? "Platform" : null,
  }));
}

export function azure(changes: Partial<AccountView> = {}, tenantName = "Contoso"): AccountView {
  return {
    id: "azure-6f1c0d52aa01",
    cloud: "azure",
    leavesAt: null,
    name: tenantName,
    looksLikeAnother: false,
    renamed: false,
    colour: null,
    starred: false,
    active: false,
    identity: {
      cloud: "azure",
      home: "0f6d2c11-7a3b-4c55-9e0a-2b1c3d4e5f60.6f1c0d52-8a4e-4b7e-9d10-5a6b7c8d9b41",
      tenantId: "6f1c0d52-8a4e-4b7e-9d10-5a6b7c8d9b41",
      tenantName,
      defaultDomain: "contoso.example",
      username: "ada@contoso.example",
    },
    status: "connected",
    neverSignedIn: false,
    renewalFailure: null,
    retryAt: null,
    renewing: false,
    session: { issuedAt: minutes(-18), expiresAt: minutes(42.5) },
    signInEnd: { at: days(89), why: "idle" },
    target: production,
    pinned: [],
    targetCount: 4,
    targetsReadAt: minutes(-30),
    targetsChange: null,
    readingTargets: null,
    readingAccounts: null,
    targetsError: null,
    offered: [],
    missingScopes: [],
    connectedAt: days(-40),
    usedAt: minutes(-20),
    ...changes,
  };
}

export function google(changes: Partial<AccountView> = {}): AccountView {
  return azure({
    id: "gcp-2277aa01cc19",
    cloud: "gcp",
    name: "ada@contoso.example",
    identity: {
      cloud: "gcp",
      issuer: "https://accounts.google.com",
      subject: "110248495921238986420",
      email: "ada@contoso.example",
      hostedDomain: "contoso.example",
    },
    session: { issuedAt: minutes(-42), expiresAt: minutes(18.5) },
    signInEnd: null,
    target: {
      id: "contoso-data-prod",
      name: "contoso-data-prod",
      state: "ACTIVE",
      parent: "contoso.example",
    },
    targetCount: 38,
    ...changes,
  });
}

export function aws(changes: Partial<AccountView> = {}): AccountView {
  return azure({
    id: "aws-aa90cc117e01",
    cloud: "aws",
    name: "contoso-prod",
    identity: {
      cloud: "aws",
      roleArn: "arn:aws:iam::123456789012:role/ReadOnly",
      accountId: "123456789012",
      partition: "aws",
      alias: "contoso-prod",
      externalId: "mcm-8d0c",
      enforced: "enforced",
      source: "profile:default",
      caller: "arn:aws:iam::123456789012:user/ada",
      sessionSeconds: 3_600,
      longestSessionSeconds: null,
    },
    session: { issuedAt: minutes(-54), expiresAt: minutes(6.5) },
    signInEnd: null,
    target: { id: "eu-central-1", name: "eu-central-1", state: null, parent: null },
    targetCount: 1,
    ...changes,
  });
}

/** A sign-in to IAM Identity Center with so many roles. */
export function center(count: number, changes: Partial<AccountView> = {}): AccountView {
  const [first = null] = centerRoles(1);
  return azure({
    id: "aws-center0000a1",
    cloud: "aws",
    name: "contoso",
    identity: {
      cloud: "identity-center",
      startUrl: portal.startUrl,
      typedUrl: "https://aws.contoso.example",
      region: portal.region,
      partition: "aws",
      userName: "ada@contoso.example",
    },
    session: { issuedAt: minutes(-18), expiresAt: minutes(42.5) },
    signInEnd: null,
    target: first,
    targetCount: count,
    ...changes,
  });
}

/** Roles of IAM Identity Center, three in each account. */
export function centerRoles(count: number): Target[] {
  const roles = ["AdministratorAccess", "PowerUser", "ReadOnly"];
  return Array.from({ length: count }, (_, at) => {
    const account = String(Math.floor(at / 3) + 1).padStart(3, "0");
    const [name, role] = [`Contoso team ${account}`, roles[at % 3] ?? ""];
    return { id: `012345678${account}/${role}`, name: `${name} / ${role}`, state: null, parent: name };
  });
}

export function centerAccounts(count: number, unread = 0): OrganizationAccount[] {
  return Array.from({ length: count }, (_, at) => ({
    accountId: `012345678${String(at + 1).padStart(3, "0")}`,
    name: `Contoso team ${String(at + 1).padStart(3, "0")}`,
    state: null,
    rolesReadAt: at < count - unread ? minutes(-30) : null,
  }));
}

export const awsView: Partial<CloudView> = {
  cloud: "aws",
  clientId: null,
  authority: "https://sts.amazonaws.com",
};

export const portal: PortalView = {
  startUrl: "https://contoso.awsapps.com/start",
  region: "eu-west-1",
  regionOrigin: "config-file",
};

export const foundPortals: FoundPortal[] = [
  {
    startUrl: portal.startUrl,
    region: portal.region,
    names: ["contoso", "prod", "dev", "staging", "billing"],
  },
  { startUrl: "https://d-9067a1b2c3.awsapps.com/start", region: null, names: ["lab"] },
];

export const awsSources: AwsSource[] = [
  { source: "default", kind: "environment", region: null, accountId: null, signInCommand: null },
  {
    source: "profile:work",
    kind: "identity-center",
    region: "eu-central-1",
    accountId: "111122223333",
    signInCommand: "aws sso login --profile work",
  },
  {
    source: "keychain:AKIAIOSFODNN7EXAMPLE",
    kind: "typed-keys",
    region: null,
    accountId: null,
    signInCommand: null,
  },
];

export const centerSource: AwsSource = {
  source: "identity-center:aws-center0000a1/012345678901/PowerUser",
  kind: "center-role",
  region: "eu-west-1",
  accountId: "012345678901",
  signInCommand: null,
};

export const awsCaller: Caller = {
  source: "default",
  arn: "arn:aws:iam::111122223333:user/ada",
  accountId: "111122223333",
  partition: "aws",
  principalArn: "arn:aws:iam::111122223333:user/ada",
  principalIsExact: true,
  isChained: false,
  region: null,
};

export const preparedRole: PreparedRole = {
  externalId: "mcm-8d0c52aa01cc19fe77aa01cc19fe4d5c",
  roleName: "MultiCloudManager-8d0c52aa",
  permissions: { kind: "view-only" },
  sessionSeconds: 3_600,
  caller: awsCaller,
  templates: {
    trustPolicy: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::111122223333:user/ada"},
      "Action": "sts:AssumeRole",
      "Condition": {"StringEquals": {"sts:ExternalId": "mcm-8d0c52aa01cc19fe77aa01cc19fe4d5c"}}
    }
  ]
}`,
    cloudformation: "Resources:\n  Role:\n    Type: AWS::IAM::Role",
    cloudformationCommand:
      "aws cloudformation deploy --template-file role.yaml --stack-name multi-cloud-manager",
    cli: "aws iam create-role --role-name MultiCloudManager-8d0c52aa",
    terraform: 'resource "aws_iam_role" "multi_cloud_manager" {}',
  },
};

export const pendingRole: PendingRole = {
  externalId: "mcm-77aa01cc19fe4d5c8d0c52aa01cc19fe",
  source: "profile:work",
  principalArn: "arn:aws:iam::111122223333:role/Engineer",
  roleName: "MultiCloudManager-77aa01cc",
  permissions: { kind: "read-only" },
  sessionSeconds: 14_400,
  madeAt: days(-1),
};

export const verifying: RoleCheck[] = [
  { what: "right-id", state: "retrying", attempts: 3, until: minutes(0.7), became: null },
  { what: "no-id", state: "waiting", attempts: 0, until: null, became: null },
  { what: "wrong-id", state: "waiting", attempts: 0, until: null, became: null },
  { what: "identity", state: "waiting", attempts: 0, until: null, became: null },
];

/** The state of a role's checks, and the caller they are made for. */
export function verification(checks: RoleCheck[]): Pick<SignInView, "verification"> {
  return { verification: { caller: awsCaller.arn, checks } };
}

/** The checks of a role that demands its External ID. */
export const verified: RoleCheck[] = verifying.map((check) => ({
  ...check,
  state: "passed",
  attempts: 1,
  until: null,
  became:
    check.what === "identity" ? "arn:aws:sts::123456789012:assumed-role/ReadOnly/multi-cloud-manager" : null,
}));

export const organizationAccounts: OrganizationAccount[] = [
  { accountId: "111122223333", name: "Contoso identity", state: "ACTIVE" },
  { accountId: "123456789012", name: "Contoso production", state: "ACTIVE" },
  { accountId: "777788889999", name: "Contoso staging", state: "SUSPENDED" },
];

/** A Google account whose user left Google Cloud unticked, and whose address Google does not vouch for. */
export function googleWithoutAccess(changes: Partial<AccountView> = {}): AccountView {
  return google({
    id: "gcp-5511aa01cc77",
    name: "110248495921238986499",
    identity: {
      cloud: "gcp",
      issuer: "https://accounts.google.com",
      subject: "110248495921238986499",
      email: null,
      hostedDomain: null,
    },
    missingScopes: [CLOUD_PLATFORM],
    target: null,
    targetCount: 0,
    targetsReadAt: null,
    targetsError: errorView("sign-in-refused", "Access to Google Cloud was not granted at the sign-in."),
    ...changes,
  });
}

/** Another tenant of the same user. */
export function fabrikam(changes: Partial<AccountView> = {}): AccountView {
  return azure(
    {
      id: "azure-77aa01cc19fe",
      identity: {
        cloud: "azure",
        home: "0f6d2c11-7a3b-4c55-9e0a-2b1c3d4e5f60.6f1c0d52-8a4e-4b7e-9d10-5a6b7c8d9b41",
        tenantId: "77aa01cc-19fe-4d5c-8b7a-0011223344ff",
        tenantName: "Fabrikam",
        defaultDomain: "fabrikam.example",
        username: "ada_contoso.example#EXT#@fabrikam.example",
      },
      status: "sign-in-again",
      renewalFailure: errorView("sign-in-again", "Fabrikam requires a new multi-factor sign-in."),
      session: null,
      signInEnd: null,
      target: null,
      targetCount: 7,
      ...changes,
    },
    "Fabrikam",
  );
}

export function cloudView(changes: Partial<CloudView> = {}): CloudView {
  return {
    cloud: "azure",
    ready: true,
    sandbox: false,
    problems: [],
    clientId: "1b7a2c3d-0000-4000-8000-0123456789ab",
    clientIdOrigin: "settings.toml",
    redirect: "deep-link",
    redirectUris: ["io.github.multicloudmanager://auth/azure", "http://localhost"],
    scopes: ["openid", "profile", "offline_access", "https://management.azure.com/user_impersonation"],
    authority: "https://login.microsoftonline.com",
    ...changes,
  };
}

export function googleView(changes: Partial<CloudView> = {}): CloudView {
  return cloudView({
    cloud: "gcp",
    clientId: "412345678901-k3v9.apps.googleusercontent.com",
    clientIdOrigin: "client_secret_412345678901.json, named by settings.toml",
    redirect: "loopback",
    redirectUris: ["http://127.0.0.1"],
    scopes: ["openid", "email", "profile", CLOUD_PLATFORM],
    authority: "https://accounts.google.com",
    ...changes,
  });
}

export const noGoogleClient: Partial<CloudView> = {
  ready: false,
  clientId: null,
  clientIdOrigin: null,
  problems: [
    {
      name: "GOOGLE_CLIENT_ID",
      origin:
        "GOOGLE_CLIENT_ID, and gcp.client_id and gcp.client_secret_file in ~/.config/io.github.multicloudmanager/settings.toml",
      message:
        "GOOGLE_CLIENT_ID is not set. Create an OAuth client of type Desktop app in the Google Cloud console, download its JSON file, and set gcp.client_secret_file to the path of that file.",
    },
  ],
};

export const noClientId: Partial<CloudView> = {
  ready: false,
  clientId: null,
  clientIdOrigin: null,
  problems: [
    {
      name: "AZURE_CLIENT_ID",
      origin: "the environment and ~/.config/io.github.multicloudmanager/settings.toml",
      message: "AZURE_CLIENT_ID is not set. Register this app as shown below and enter its client id.",
    },
  ],
};

export function signInView(step: SignInStep, changes: Partial<SignInView> = {}): SignInView {
  return {
    id: 1,
    cloud: "azure",
    account: null,
    redirect: "deep-link",
    schemeTaken: false,
    startedAt: minutes(-1),
    expiresAt: minutes(9.2),
    step,
    deviceCode: false,
    found: null,
    startUrl: null,
    ownAddress: null,
    portal: null,
    verification: null,
    ...changes,
  };
}

export function desktop(over: Partial<DesktopView> = {}): DesktopView {
  return {
    atLogin: "off",
    shortcut: { possible: true, keys: null, error: null },
    browser: {
      possible: true,
      chosen: null,
      other: null,
      fromVariable: false,
      installed: [
        { id: "chromium.desktop", name: "Chromium" },
        { id: "firefox.desktop", name: "Firefox" },
      ],
    },
    trayLibraryMissing: false,
    ...over,
  };
}

export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    revision: 1,
    at: minutes(0),
    accounts: [],
    clouds: [cloudView()],
    signIns: [],
    keychain: { state: "unlocked", name: "Login keyring", error: null },
    unreachable: [],
    paused: false,
    problems: [],
    preferences,
    environments: [],
    ...changes,
  };
}

export function environmentView(
  changes: Partial<EnvironmentView> = {},
  settings: Partial<EnvironmentSettings> = {},
): EnvironmentView {
  return {
    name: "dev",
    members: [
      member("azure", "azure-6f1c0d52aa01", "Contoso", "Sandbox"),
      member("gcp", "gcp-77aa01cc19bd", "ada@contoso.example", "contoso-data-test"),
    ],
    clusters: [],
    settings: {
      colour: "green",
      icon: null,
      region: null,
      googleRegion: "europe-west1",
      googleZone: null,
      isProtected: false,
      isExclusive: false,
      minutes: 15,
      ...settings,
    },
    inUse: false,
    confirmedUntil: null,
    ...changes,
  };
}

function member(cloud: Cloud, account: string, accountName: string, target: string): MemberView {
  return { cloud, account, accountName, target, targetName: target, accountGone: false, targetGone: false };
}

/** One in use, one confirmed, one whose account is gone. */
export const environmentList: EnvironmentView[] = [
  environmentView({ inUse: true }),
  environmentView(
    {
      name: "prod-eu",
      confirmedUntil: minutes(12),
      members: [
        member("azure", "azure-6f1c0d52aa01", "Contoso", "Production"),
        member("aws", "aws-11aa22bb33cc", "contoso-production", "eu-central-1"),
      ],
      clusters: [
        {
          context: "shop",
          account: "aws-11aa22bb33cc",
          server: "https://0a1b.gr7.eu-central-1.eks.amazonaws.com",
        },
        {
          context: "search",
          account: "azure-6f1c0d52aa01",
          server: "https://search.hcp.westeurope.azmk8s.io",
        },
      ],
    },
    { colour: "red", isProtected: true, region: "eu-central-1" },
  ),
  environmentView(
    {
      name: "old-lab",
      members: [{ ...member("azure", "azure-00000000dead", "Old lab", "Lab"), accountGone: true }],
    },
    { colour: null, isExclusive: true, googleRegion: null },
  ),
  environmentView({ name: "prod-us" }, { colour: "amber", isProtected: true, minutes: 60 }),
];

export const holderList: Listed[] = [
  {
    id: "Ab12Cd",
    kind: "exec",
    environment: "prod-eu",
    accounts: ["azure-6f1c0d52aa01"],
    program: "terraform",
    pid: 4711,
    terminal: "/dev/pts/3",
    since: minutes(-9),
    until: minutes(6),
    readOnly: false,
    held: [{ account: "azure-6f1c0d52aa01", issuedAt: minutes(-2), expiresAt: minutes(48) }],
    revoked: false,
  },
  {
    id: "Ef34Gh",
    kind: "shell",
    environment: "dev",
    accounts: ["azure-6f1c0d52aa01"],
    program: "zsh",
    pid: 5120,
    terminal: null,
    since: minutes(-200),
    until: null,
    readOnly: true,
    held: [],
    revoked: true,
  },
];

/** One row for each Status and for each state that a row can be in besides. */
export const everyStatus: Record<Status | "renewing" | "noSession" | "reading", AccountView> = {
  connected: azure({ id: "azure-000000000001", active: true }),
  renewing: azure(
    {
      id: "azure-000000000002",
      renewing: true,
      session: { issuedAt: minutes(-56), expiresAt: minutes(4.5) },
    },
    "Northwind",
  ),
  expired: azure(
    {
      id: "azure-000000000003",
      status: "expired",
      session: { issuedAt: minutes(-70), expiresAt: minutes(-10) },
      retryAt: minutes(0.7),
      renewalFailure: errorView(
        "server-failed",
        "Entra is temporarily unavailable (HTTP 503). Retrying automatically.",
      ),
    },
    "Adventure Works",
  ),
  "sign-in-again": fabrikam({ id: "azure-000000000004" }),
  locked: azure({ id: "azure-000000000005", status: "locked", session: null }, "Tailspin Toys"),
  unknown: azure({ id: "azure-000000000009", status: "unknown", session: null }, "Wingtip Toys"),
  offline: azure({ id: "azure-000000000006", status: "offline" }, "Wingtip"),
  noSession: azure({ id: "azure-000000000007", session: null, target: null }, "Litware"),
  reading: azure(
    { id: "azure-000000000008", target: null, targetCount: 0, targetsReadAt: null, readingTargets: 23 },
    "Proseware",
  ),
};

/** The accounts of the usual screen. */
export const usual: AccountView[] = [
  azure({
    active: true,
    offered: [
      {
        tenantId: "aa11bb22-0000-4000-8000-000000000001",
        name: "Northwind Traders",
        defaultDomain: "northwind.example",
      },
      { tenantId: "aa11bb22-0000-4000-8000-000000000002", name: null, defaultDomain: null },
    ],
  }),
  fabrikam(),
  google({ active: true }),
  google({
    id: "gcp-9911aa01cc19",
    name: "ada.freelance@example.net",
    identity: {
      cloud: "gcp",
      issuer: "https://accounts.google.com",
      subject: "110248495921238986421",
      email: "ada.freelance@example.net",
      hostedDomain: null,
    },
    session: { issuedAt: minutes(-5), expiresAt: minutes(55.5) },
    target: { id: "side-project-7", name: "side-project-7", state: "ACTIVE", parent: null },
    targetCount: 3,
  }),
  aws({ active: true, renewing: true }),
  aws({
    id: "aws-bb90cc117e02",
    name: "contoso-staging",
    identity: {
      cloud: "aws",
      roleArn: "arn:aws:iam::210987654321:role/Deploy",
      accountId: "210987654321",
      partition: "aws",
      alias: "contoso-staging",
      externalId: "mcm-77aa",
      enforced: "enforced",
      source: "profile:default",
      caller: "arn:aws:iam::123456789012:user/ada",
      sessionSeconds: 3_600,
      longestSessionSeconds: null,
    },
    session: { issuedAt: minutes(-9), expiresAt: minutes(51.5) },
  }),
];

export function manyAccounts(count: number): AccountView[] {
  return Array.from({ length: count }, (_, index) =>
    azure(
      {
        id: `azure-${String(index).padStart(12, "0")}`,
        session: { issuedAt: minutes(-18), expiresAt: minutes((index % 58) + 1.5) },
      },
      `Tenant ${String(index + 1).padStart(4, "0")}`,
    ),
  );
}

export const places: StoredPlace[] = [
  {
    label: "Keychain",
    path: "Login keyring, service io.github.multicloudmanager",
    what: "Refresh tokens and current sessions. The only place with secrets.",
  },
  {
    label: "Accounts",
    path: "/home/ada/.local/share/io.github.multicloudmanager/accounts.db",
    what: "Names, tenants, chosen subscriptions. No secret.",
  },
  {
    label: "Settings",
    path: "/home/ada/.config/io.github.multicloudmanager/settings.toml",
    what: "Client ids and preferences. No secret.",
  },
  {
    label: "Log",
    path: "/home/ada/.local/state/io.github.multicloudmanager/log",
    what: "What happened, redacted. The last seven days.",
  },
];

export function activityEvent(account: AccountView, at: string, what: ActivityKind): ActivityEvent {
  return { at, account: account.id, cloud: account.cloud, name: account.name, what };
}

/** One of each kind, over three days, with an account that is gone. */
export const everyEvent: ActivityEvent[] = [
  activityEvent(azure(), minutes(-18), { kind: "renewed" }),
  activityEvent(azure(), minutes(-20), { kind: "handed-out", to: "terraform" }),
  activityEvent(google(), minutes(-26), { kind: "used" }),
  activityEvent(fabrikam(), minutes(-31), {
    kind: "renewal-failed",
    code: "sign-in-again",
    reference: "r-7f3a91",
  }),
  activityEvent(azure(), minutes(-357), { kind: "targets-changed", added: 2, removed: 1 }),
  activityEvent(azure(), minutes(-358), { kind: "signed-in-again" }),
  activityEvent(google(), days(-1), { kind: "renewal-failed", code: "offline", reference: "r-02bd44" }),
  activityEvent(google(), days(-1.1), { kind: "targets-changed", added: 0, removed: 3 }),
  activityEvent(azure({ id: "azure-00000000dead", name: "Old lab" }), days(-3), { kind: "disconnected" }),
  activityEvent(aws(), days(-3.1), { kind: "handed-out", to: "aws" }),
  activityEvent(restoredRow(), days(-4), { kind: "restored" }),
  activityEvent(aws(), days(-40), { kind: "connected" }),
];

export function manyEvents(count: number): ActivityEvent[] {
  return Array.from({ length: count }, (_, index) =>
    activityEvent(index % 3 === 0 ? google() : azure(), minutes(-7 * index), { kind: "renewed" }),
  );
}

/** An account that came from a backup, not signed in to on this machine. */
export function restoredRow(): AccountView {
  return fabrikam({
    id: "azure-0000000000bb",
    name: "Head office",
    status: "sign-in-again",
    neverSignedIn: true,
    session: null,
    signInEnd: null,
    renewalFailure: errorView("sign-in-again", "Head office was restored from a backup. Sign in to use it."),
  });
}

export const restored: Restored = {
  accounts: [{ id: restoredRow().id, name: "Head office", identity: restoredRow().identity }],
  kept: ["Contoso", "ada@contoso.example"],
  environments: ["prod-eu"],
  keptEnvironments: ["dev"],
  settings: ["app.theme", "azure.tenant"],
};

export const foundAccount = (changes: Partial<FoundAccount> = {}): FoundAccount => ({
  id: "1a2b3c4d",
  cloud: "gcp",
  name: "work",
  signIn: { kind: "google", email: "ada@contoso.example" },
  tools: [{ tool: "gcloud", file: "~/.config/gcloud/configurations/config_work" }],
  names: ["contoso-web"],
  obstacle: null,
  connected: null,
  ...changes,
});

/** What every tool may know, and one that says nothing. */
export const foundElsewhere: FoundElsewhere = {
  accounts: [
    foundAccount({
      id: "00000001",
      cloud: "azure",
      name: "Contoso",
      signIn: {
        kind: "tenant",
        tenantId: "3f6b1f0e-2a52-4d6f-9d3c-1c1b8f0f5a11",
        username: "ada@contoso.example",
      },
      tools: [{ tool: "Azure CLI", file: "~/.azure/azureProfile.json" }],
      names: ["Production", "Staging", "Sandbox"],
      connected: "azure-6f1c0d52aa01",
    }),
    foundAccount(),
    foundAccount({
      id: "00000003",
      cloud: "aws",
      name: "corp",
      signIn: {
        kind: "portal",
        startUrl: "https://contoso.awsapps.com/start",
        region: "eu-west-1",
      },
      tools: [
        { tool: "AWS CLI", file: "~/.aws/config" },
        { tool: "aws-sso-cli", file: "~/.config/aws-sso/config.yaml" },
      ],
      names: ["corp", "corp-reader"],
    }),
    foundAccount({
      id: "00000004",
      cloud: "aws",
      name: "reader",
      signIn: {
        kind: "role",
        roleArn: "arn:aws:iam::444455556666:role/team/of/the/platform/WithALongNameOfARole",
        externalId: "organisation-wide-0001",
        profile: "keys",
      },
      tools: [{ tool: "AWS CLI", file: "~/.aws/config" }],
      names: ["reader"],
    }),
    foundAccount({
      id: "00000005",
      cloud: "aws",
      name: "open",
      signIn: {
        kind: "role",
        roleArn: "arn:aws:iam::444455556666:role/Open",
        externalId: null,
        profile: "keys",
      },
      tools: [{ tool: "AWS CLI", file: "~/.aws/config" }],
      names: ["open"],
      obstacle:
        "The profile names no External ID, and this app connects only roles that require one. Create one: mcm login aws --print cli",
    }),
  ],
  unread: [
    {
      tool: "Leapp",
      file: "~/.Leapp/Leapp-lock.json",
      why: "Leapp encrypts its sessions with a key of this machine, so they cannot be read. Sign in to them here; what Leapp wrote to ~/.aws/config is found there.",
    },
  ],
};
