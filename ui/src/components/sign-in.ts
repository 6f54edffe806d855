// What a user can do with a sign-in in progress.

import type { SignInStep } from "../bindings/SignInStep";
import type { SignInView } from "../bindings/SignInView";

export type SignInIntents = {
  cancel: (signIn: SignInView) => void;
  reopen: (signIn: SignInView) => void;
  retry: (signIn: SignInView) => void;
  dismiss: (signIn: SignInView) => void;
  /** Connects a role of AWS that lets in without its External ID all the same. */
  accept: (signIn: SignInView) => void;
  /** Puts a code, or the page for it, on the clipboard. */
  copy: (value: string) => Promise<boolean>;
  /** Sends a code of the user's MFA device. */
  enterCode: (signIn: SignInView, code: string) => void;
  decide: (signIn: SignInView, decision: "replace" | "keep-both") => void;
};

/** Whether a sign-in still asks for attention: it runs, or it failed otherwise than by being cancelled. */
export function isOpen({ step }: SignInView): boolean {
  return step.step !== "done" && !isCancelled(step);
}

export function isCancelled(step: SignInStep): boolean {
  return step.step === "failed" && step.error.code === "sign-in-cancelled";
}
