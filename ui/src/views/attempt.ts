// Runs a command and reports what it came to.

import type { ErrorView } from "../bindings/ErrorView";
import type { Report } from "../components/notice.ts";
import { Failure } from "../ipc.ts";

/** Runs `command`; a success says `text` when there is one, with a way to undo it. Answers whether it worked. */
export async function attempt(
  report: Report,
  command: () => Promise<unknown>,
  text?: string,
  undo?: () => void,
): Promise<boolean> {
  try {
    await command();
  } catch (error) {
    report({ kind: "failed", error: asErrorView(error) });
    return false;
  }
  if (text !== undefined) report({ kind: "done", text, ...(undo === undefined ? {} : { undo }) });
  return true;
}

export function asErrorView(error: unknown): ErrorView {
  if (error instanceof Failure)
    return { code: error.code, message: error.message, reference: error.reference };
  return { code: "internal", message: error instanceof Error ? error.message : String(error), reference: "" };
}
