// What the screens read out of environments: which a search found, and what using one does. Facts only; the sentences are in
// text.ts.

import type { EnvironmentView } from "./bindings/EnvironmentView";
import type { FoundLine } from "./bindings/FoundLine";

export const ICONS = ["cloud", "flask", "lock", "rocket", "star", "tools"] as const;
export type Icon = (typeof ICONS)[number];

/** What can be done with an environment, by its name. */
export type EnvironmentActions = {
  use: (name: string) => void;
  confirm: (name: string) => void;
  show: () => void;
};

/** The environments that a search found, the best first; all of them while nothing is searched for. */
export function environmentsFound(
  environments: readonly EnvironmentView[],
  found: readonly FoundLine[] | null,
): readonly EnvironmentView[] {
  if (found === null) return environments;
  const byName = new Map(environments.map((one) => [one.name, one]));
  return found.flatMap((line) => {
    const environment = "environment" in line ? byName.get(line.environment) : undefined;
    return environment === undefined ? [] : [environment];
  });
}

/** Whether environments stand before accounts: as in the tray, but where a search found a better account. */
export function environmentsLead(found: readonly FoundLine[] | null): boolean {
  const best = found?.[0];
  return best === undefined || "environment" in best;
}

/** Uses an environment; a protected one is confirmed first. */
export function useOrConfirm({ name, settings }: EnvironmentView, actions: EnvironmentActions): void {
  if (settings.isProtected) actions.confirm(name);
  else actions.use(name);
}
