// The screens of environments, and of what runs with credentials.

import {
  environmentList,
  errorView,
  holderList,
  offeredContexts,
  snapshot,
  subscriptions,
  usual,
} from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";
import { click, type } from "./steps.ts";

const editing = { targets: () => subscriptions, offered_contexts: () => offeredContexts };

const some = snapshot({ accounts: usual, environments: environmentList });
const at = [click("Environments")];
const runs = (holders: () => unknown): Screen => ({
  snapshot: some,
  answers: { holders },
  steps: [click("In use by")],
});

export const environmentScreens: Record<string, Screen> = {
  environments: { snapshot: some, steps: at },
  "environments-none": { snapshot: snapshot({ accounts: usual }), steps: at },
  "environments-create": {
    snapshot: snapshot({
      accounts: usual,
      environments: environmentList,
    }),
    answers: editing,
    steps: [...at, click("Create from what is in use…")],
  },
  "environments-edit": {
    snapshot: some,
    answers: editing,
    steps: [...at, click("Edit prod-eu")],
  },
  "environments-cluster-added": {
    snapshot: some,
    answers: {
      ...editing,
      entered_cluster: ({ context }) => ({
        context,
        account: "aws-11aa22bb33cc",
        server: "https://9f8e7d6c5b4a39281706f5e4d3c2b1a0.gr7.eu-central-1.eks.amazonaws.com",
      }),
    },
    steps: [
      ...at,
      click("Edit prod-eu"),
      type("Add a cluster", "arn:aws:eks:eu-central-1:111122223333:cluster/orders"),
      click("Add"),
    ],
  },
  "environments-cluster-refused": {
    snapshot: some,
    answers: {
      ...editing,
      entered_cluster: () => {
        throw errorView(
          "invalid-input",
          "The context gke_contoso-data_europe-west1_main is a cluster of Google Cloud, where prod-eu names no account. Choose it at Google Cloud account.",
        );
      },
    },
    steps: [
      ...at,
      click("Edit prod-eu"),
      type("Add a cluster", "gke_contoso-data_europe-west1_main"),
      click("Add"),
    ],
  },
  "environments-confirm": { snapshot: some, steps: [...at, click("Confirm prod-us")] },
  "environments-delete": { snapshot: some, steps: [...at, click("Delete dev")] },
  "switcher-environments": { window: "switcher", snapshot: some },
  "in-use-by": runs(() => holderList),
  "in-use-by-none": runs(() => []),
  "in-use-by-loading": runs(() => new Promise(() => undefined)),
  "in-use-by-failed": runs(() => {
    throw errorView("storage-failed", "The list of what runs could not be read. Try again.");
  }),
};
