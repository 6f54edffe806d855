// The screens of what other tools on this machine know.

import {
  awsView,
  cloudView,
  errorView,
  foundAccount,
  foundElsewhere,
  googleView,
  preferences,
  signInView,
  snapshot,
  usual,
} from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";
import { click, toEnd } from "./steps.ts";

const clouds = [cloudView(), googleView(), cloudView(awsView)];
const some = snapshot({ accounts: usual, clouds });
const at = [click("Connect account")];
const many = Array.from({ length: 40 }, (_, index) =>
  foundAccount({ id: `many-${index}`, name: `project-${index}` }),
);

export const foundScreens: Record<string, Screen> = {
  "connect-found": {
    snapshot: some,
    answers: { found_elsewhere: () => foundElsewhere },
    steps: [...at, toEnd],
  },
  "connect-found-many": {
    snapshot: some,
    answers: { found_elsewhere: () => ({ accounts: many, unread: [] }) },
    steps: [...at, click("Show all 40")],
  },
  "connect-found-unready": {
    snapshot: snapshot({ accounts: usual }),
    answers: { found_elsewhere: () => foundElsewhere },
    steps: [...at, toEnd],
  },
  "connect-found-failed": {
    snapshot: some,
    answers: {
      found_elsewhere: () => {
        throw errorView("storage-unreadable", "accounts.db is damaged. Restore it from a backup.");
      },
    },
    steps: at,
  },
  "connect-found-refused": {
    snapshot: some,
    answers: {
      found_elsewhere: () => foundElsewhere,
      connect_found: () => {
        throw errorView("not-found", "No file of another tool names this account now. Look again.");
      },
    },
    steps: [...at, click("Sign in to work")],
  },
  "connect-found-google-refused": {
    snapshot: {
      ...some,
      signIns: [
        signInView(
          {
            step: "failed",
            error: errorView("wrong-user", "gcloud names ada@contoso.example, not grace."),
          },
          {
            cloud: "gcp",
            found: { id: "1a2b3c4d", name: "work", tool: "gcloud", who: "ada@contoso.example" },
          },
        ),
      ],
    },
    answers: { found_elsewhere: () => foundElsewhere },
    steps: at,
  },
  "connect-found-portal": {
    snapshot: {
      ...some,
      signIns: [
        signInView(
          { step: "browser" },
          {
            cloud: "aws",
            startUrl: "https://contoso.awsapps.com/start",
            found: {
              id: "00000003",
              name: "the-portal-of-contoso-by-a-long-name-in-a-file",
              tool: "AWS CLI",
              who: "https://contoso.awsapps.com/start",
            },
          },
        ),
      ],
    },
    steps: at,
  },
  "first-run-found": {
    snapshot: snapshot({ clouds, preferences: { ...preferences, welcomed: false } }),
    answers: { found_elsewhere: () => foundElsewhere },
  },
};
