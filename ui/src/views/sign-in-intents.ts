// What a person does with a sign-in in progress, as commands.

import { tenantOf } from "../accounts.ts";
import type { AccountView } from "../bindings/AccountView";
import type { SignInView } from "../bindings/SignInView";
import type { Report } from "../components/notice.ts";
import type { SignInIntents } from "../components/sign-in.ts";
import * as ipc from "../ipc.ts";
import { attempt } from "./attempt.ts";

/** `tenantFor` answers the tenant that a new sign-in asked for, so that another try asks for the same one. */
export function signInIntents(
  report: Report,
  accounts: () => readonly AccountView[],
  tenantFor: (signIn: SignInView) => string | null = () => null,
): SignInIntents {
  const tenant = (signIn: SignInView): string | null => {
    const account = accounts().find((one) => one.id === signIn.account);
    return account === undefined ? tenantFor(signIn) : tenantOf(account.identity);
  };
  return {
    cancel: (signIn) => void attempt(report, () => ipc.cancelSignIn(signIn.id)),
    reopen: (signIn) => void attempt(report, () => ipc.reopenBrowser(signIn.id)),
    dismiss: (signIn) => void attempt(report, () => ipc.dismissSignIn(signIn.id)),
    decide: (signIn, decision) => void attempt(report, () => ipc.decideDuplicate(signIn.id, decision)),
    retry: (signIn) =>
      void attempt(report, async () => {
        await ipc.dismissSignIn(signIn.id);
        await ipc.connect(signIn.cloud, tenant(signIn), signIn.account);
      }),
  };
}
