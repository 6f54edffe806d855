// The screens of connecting an account: the clouds, each step of a sign-in, and the first run.

import type { SignInStep } from "../src/bindings/SignInStep";
import {
  cloudView,
  errorView,
  googleView,
  noClientId,
  noGoogleClient,
  preferences,
  signInView,
  snapshot,
  usual,
} from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";
import { clouds } from "./shared.ts";
import { click, refuseClipboard } from "./steps.ts";

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

export const connectingScreens: Record<string, Screen> = {
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
  ...Object.fromEntries(
    Object.entries(steps).map(([name, step]) => [
      `connect-${name}`,
      {
        snapshot: snapshot({ accounts: usual, signIns: [signInView(step)] }),
        steps: [click("Connect account")],
      },
    ]),
  ),
};
