// What a person can do with a sign-in in progress.

import type { SignInView } from "../bindings/SignInView";

export type SignInIntents = {
  cancel: (signIn: SignInView) => void;
  reopen: (signIn: SignInView) => void;
  retry: (signIn: SignInView) => void;
  dismiss: (signIn: SignInView) => void;
  decide: (signIn: SignInView, decision: "replace" | "keep-both") => void;
};
