// The result of an action, as the live region says it.

import type { ErrorView } from "../bindings/ErrorView";

export type Notice =
  | { kind: "done"; text: string; undo?: () => void }
  /** Neither a success nor a failure, for example what the user cancelled. */
  | { kind: "plain"; text: string }
  | { kind: "failed"; error: ErrorView; title?: string };

/** How a view reports what an action came to. */
export type Report = (notice: Notice) => void;

/** Whether two results say the same, so that a repeated one is not shown twice. */
export function isSame(one: Notice, other: Notice): boolean {
  if (one.kind !== "failed") return other.kind === one.kind && one.text === other.text;
  return other.kind === "failed" && isSameError(one.error, other.error);
}

export function isSameError(one: ErrorView, other: ErrorView): boolean {
  return one.code === other.code && one.message === other.message;
}
