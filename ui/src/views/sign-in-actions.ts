// What a user does with a sign-in in progress, as commands.

import type { AccountView } from "../bindings/AccountView";
import type { ConnectPortal } from "../bindings/ConnectPortal";
import type { ConnectRole } from "../bindings/ConnectRole";
import type { SignInView } from "../bindings/SignInView";
import type { Report } from "../components/notice.ts";
import type { SignInIntents } from "../components/sign-in.ts";
import * as ipc from "../ipc.ts";
import { attempt } from "./attempt.ts";
import { copyText } from "./copy-text.ts";

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
  const again = (signIn: SignInView, wanted: ipc.AwsRequest): Promise<boolean> =>
    attempt(report, async () => {
      await ipc.dismissSignIn(signIn.id);
      if (signIn.found !== null) await ipc.connectFound(signIn.found.id, ofFound(wanted));
      else await ipc.connect(signIn.cloud, tenant(signIn), signIn.account, wanted);
    });
  // A row knows its role and its portal itself.
  const wanted = (signIn: SignInView): ipc.AwsRequest => {
    const byCode = signIn.deviceCode ? { deviceCode: true } : {};
    if (signIn.cloud !== "aws" || signIn.account !== null) return byCode;
    if (signIn.startUrl !== null) return { portal: portalOf(signIn, signIn.startUrl), ...byCode };
    const role = roleFor();
    return role === null ? {} : { role };
  };
  return {
    cancel: (signIn) => void attempt(report, () => ipc.cancelSignIn(signIn.id)),
    reopen: (signIn) => void attempt(report, () => ipc.reopenBrowser(signIn.id)),
    dismiss: (signIn) => void attempt(report, () => ipc.dismissSignIn(signIn.id)),
    copy: copyText,
    enterCode: (signIn, code) => void attempt(report, () => ipc.enterMfaCode(signIn.id, code)),
    decide: (signIn, decision) => void attempt(report, () => ipc.decideDuplicate(signIn.id, decision)),
    retry: (signIn) => void again(signIn, wanted(signIn)),
    accept: (signIn) => void again(signIn, accepting(wanted(signIn))),
  };
}

/** The portal of a sign-in, with its region where the user named it: one that was found is found again. */
function portalOf({ portal }: SignInView, startUrl: string): ConnectPortal {
  return portal?.regionOrigin === "given" ? { startUrl, region: portal.region } : { startUrl };
}

/** What another try keeps of a sign-in to an account of another tool; the files say the rest. */
function ofFound({ role, portal, deviceCode }: ipc.AwsRequest): ipc.FoundRequest {
  return {
    ...(portal?.region === undefined ? {} : { region: portal.region }),
    ...(deviceCode === undefined ? {} : { deviceCode }),
    ...(role?.acceptNotEnforced === true ? { acceptNotEnforced: true } : {}),
  };
}

function accepting(wanted: ipc.AwsRequest): ipc.AwsRequest {
  return { ...wanted, role: { ...wanted.role, acceptNotEnforced: true } };
}
