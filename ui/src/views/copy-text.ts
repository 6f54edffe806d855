// Puts a public text on the clipboard: an id or address to register, a command. What belongs to an Account is
// copied by the backend instead.

import type { Report } from "../components/notice.ts";
import { app } from "../text.ts";

export async function copyText(report: Report, value: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    report({ kind: "failed", error: { code: "unsupported", message: `${what}: ${app.copyFailed}`, reference: "" } });
    return false;
  }
}
