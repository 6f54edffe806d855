// The screens beside the accounts: the palette, the switcher, activity, settings and About.

import {
  aboutView,
  cloudView,
  errorView,
  everyEvent,
  everyStatus,
  fabrikam,
  googleView,
  manyAccounts,
  manyEvents,
  snapshot,
  subscriptions,
  usual,
} from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";
import { clouds, happened } from "./shared.ts";
import { choose, click, key, type } from "./steps.ts";

export const windowScreens: Record<string, Screen> = {
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
};
