// The words of connecting: the first run, the clouds and their setup, a sign-in, and what other tools know.

import type { Cloud } from "../bindings/Cloud";
import type { CloudView } from "../bindings/CloudView";
import type { FoundAccount } from "../bindings/FoundAccount";
import type { RedirectKind } from "../bindings/RedirectKind";
import type { RegionOrigin } from "../bindings/RegionOrigin";
import { terminal } from "./details.ts";
import { cloudNames } from "./words.ts";

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
