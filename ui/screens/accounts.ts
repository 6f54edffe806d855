// The screens of the list of accounts.

import {
  azure,
  days,
  errorView,
  everyStatus,
  fabrikam,
  google,
  googleWithoutAccess,
  manyAccounts,
  minutes,
  preferences,
  signInView,
  snapshot,
  subscriptions,
  usual,
} from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";
import { clouds, happened, targets } from "./shared.ts";
import { click, key, type } from "./steps.ts";

const everyState = Object.values(everyStatus);

export const accountScreens: Record<string, Screen> = {
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
};
