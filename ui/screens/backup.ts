// The screens of a backup, and of an account that was restored from one.

import { azure, errorView, restored, restoredRow, snapshot, usual } from "../src/fixtures.ts";
import type { Screen } from "./screen.ts";
import { click, type } from "./steps.ts";

const some = snapshot({ accounts: usual });
const restoring = [click("Settings"), click("Restore…"), type("Passphrase", "correct horse")];

export const backupScreens: Record<string, Screen> = {
  "settings-backup": { snapshot: some, steps: [click("Settings"), click("Back up…")] },
  "settings-backup-differs": {
    snapshot: some,
    steps: [
      click("Settings"),
      click("Back up…"),
      type("Passphrase", "correct horse"),
      type("Passphrase again", "correct mouse"),
    ],
  },
  "settings-backup-failed": {
    snapshot: some,
    answers: {
      back_up: () => {
        throw errorView(
          "invalid-input",
          "/home/ada/multi-cloud-manager.age exists already. Choose another name, or choose Replace the file if it exists.",
        );
      },
    },
    steps: [
      click("Settings"),
      click("Back up…"),
      type("Passphrase", "correct horse"),
      type("Passphrase again", "correct horse"),
      click("Back up"),
    ],
  },
  "settings-restore": { snapshot: some, steps: [click("Settings"), click("Restore…")] },
  "settings-restoring": {
    snapshot: some,
    answers: { restore: () => new Promise(() => undefined) },
    steps: [...restoring, click("Restore")],
  },
  "settings-restored": {
    snapshot: some,
    answers: { restore: () => restored },
    steps: [...restoring, click("Restore")],
  },
  "accounts-restored": {
    snapshot: snapshot({ accounts: [restoredRow(), azure()] }),
    steps: [click("Head office")],
  },
};
