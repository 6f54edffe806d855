// The screens of one account’s details.

import {
  azure,
  days,
  errorView,
  google,
  googleView,
  googleWithoutAccess,
  manyTargets,
  minutes,
  signInView,
  snapshot,
  subscriptions,
  usual,
} from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";
import { clouds, targets } from "./shared.ts";
import { click } from "./steps.ts";

const projects = ["contoso-data-prod", "contoso-data-test", "contoso-web"].map((id) => ({
  id,
  name: id,
  state: "ACTIVE",
  parent: "contoso.example",
}));

const detail = (
  account: Parameters<typeof azure>[0],
  answer: () => unknown = () => subscriptions,
): Screen => ({
  snapshot: snapshot({ accounts: [azure({ active: true, ...account }), ...usual.slice(1)] }),
  answers: { targets: answer },
  steps: [click("Contoso")],
});

export const detailScreens: Record<string, Screen> = {
  "detail-disconnecting": detail({ leavesAt: minutes(8 / 60) }),
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
};
