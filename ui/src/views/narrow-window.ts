// Whether the window is so narrow that an Account's details cover the list. App.svelte's style has the same width.

export function detailsCoverList(): boolean {
  return window.matchMedia?.("(max-width: 60rem)").matches ?? false;
}
