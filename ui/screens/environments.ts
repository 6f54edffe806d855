// The screens of environments, and of what runs with credentials.

import { environmentList, errorView, holderList, snapshot, subscriptions, usual } from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";

export function environmentScreens(click: (name: string) => () => void): Record<string, Screen> {
  const some = snapshot({ accounts: usual, environments: environmentList });
  const at = [click("Environments")];
  const runs = (holders: () => unknown): Screen => ({
    snapshot: some,
    answers: { holders },
    steps: [click("In use by")],
  });
  return {
    environments: { snapshot: some, steps: at },
    "environments-none": { snapshot: snapshot({ accounts: usual }), steps: at },
    "environments-create": {
      snapshot: snapshot({
        accounts: usual,
        environments: environmentList,
      }),
      answers: { targets: () => subscriptions },
      steps: [...at, click("Create from what is in use…")],
    },
    "environments-edit": {
      snapshot: some,
      answers: { targets: () => subscriptions },
      steps: [...at, click("Edit prod-eu")],
    },
    "environments-confirm": { snapshot: some, steps: [...at, click("Confirm prod-us")] },
    "environments-delete": { snapshot: some, steps: [...at, click("Delete dev")] },
    "in-use-by": runs(() => holderList),
    "in-use-by-none": runs(() => []),
    "in-use-by-loading": runs(() => new Promise(() => undefined)),
    "in-use-by-failed": runs(() => {
      throw errorView("storage-failed", "The list of what runs could not be read. Try again.");
    }),
  };
}
