// What a user does with a sign-in in progress, as commands.

import type { AccountView } from "../bindings/AccountView";
import type { ConnectRole } from "../bindings/ConnectRole";
import type { SignInView } from "../bindings/SignInView";
import type { Report } from "../components/notice.ts";
import type { SignInIntents } from "../components/sign-in.ts";
import * as ipc from "../ipc.ts";
import { attempt } from "./attempt.ts";

/** `tenantFor` and `roleFor` answer what a new sign-in asks for, so that another try asks for the same. */
export function signInIntents(
  report: Report,
  accounts: () => readonly AccountView[],
  tenantFor: (signIn: SignInView) => string | null = () => null,
  roleFor: () => ConnectRole | null = () => null,
): SignInIntents {
  const tenant = (signIn: SignInView): string | null => {
    // Core takes the tenant of an Account that signs in again from that Account.
    const isKnown = accounts().some((one) => one.id === signIn.account);
    return isKnown ? null : tenantFor(signIn);
  };
  const again = (signIn: SignInView, role: ConnectRole | null): Promise<boolean> =>
    attempt(report, async () => {
      await ipc.dismissSignIn(signIn.id);
      await ipc.connect(signIn.cloud, tenant(signIn), signIn.account, role);
    });
  // A row knows its role itself.
  const role = (signIn: SignInView): ConnectRole | null =>
    signIn.cloud === "aws" && signIn.account === null ? roleFor() : null;
  return {
    cancel: (signIn) => void attempt(report, () => ipc.cancelSignIn(signIn.id)),
    reopen: (signIn) => void attempt(report, () => ipc.reopenBrowser(signIn.id)),
    dismiss: (signIn) => void attempt(report, () => ipc.dismissSignIn(signIn.id)),
    decide: (signIn, decision) => void attempt(report, () => ipc.decideDuplicate(signIn.id, decision)),
    retry: (signIn) => void again(signIn, role(signIn)),
    accept: (signIn) => void again(signIn, { ...role(signIn), acceptNotEnforced: true }),
  };
}
