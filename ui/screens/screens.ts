// Every screen and state worth looking at, by name. Each file has those of one part of the window.

import { accountScreens } from "./accounts.ts";
import { awsScreens } from "./aws.ts";
import { backupScreens } from "./backup.ts";
import { connectingScreens } from "./connecting.ts";
import { detailScreens } from "./details.ts";
import { environmentScreens } from "./environments.ts";
import { foundScreens } from "./found.ts";
import type { Screen } from "./screen.ts";
import { windowScreens } from "./window.ts";

export const screens: Record<string, Screen> = {
  ...accountScreens,
  ...detailScreens,
  ...connectingScreens,
  ...awsScreens,
  ...foundScreens,
  ...environmentScreens,
  ...windowScreens,
  ...backupScreens,
};
