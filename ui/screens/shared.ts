// What screens of several files have: clouds, targets and what happened.

import { cloudView, everyEvent, googleView, subscriptions } from "../src/fixtures.ts";

export const targets = { targets: () => subscriptions };

export const clouds = [
  cloudView(),
  googleView(),
  cloudView({ cloud: "aws", clientId: null, authority: "https://sts.amazonaws.com" }),
];

export const happened = {
  activity: ({ account }: Record<string, unknown>) =>
    everyEvent.filter((one) => account === null || one.account === account),
};
