// What sentences are made of: the clouds' names, numbers with their nouns, lists of names. No screen of its own.

import type { Cloud } from "../bindings/Cloud";

/** The key of a desktop's commands: macOS has its own. */
export const isMac = /Macintosh/.test(navigator.userAgent);

export const commandKey = isMac ? "Cmd" : "Ctrl";

export const cloudNames: Record<Cloud, string> = { azure: "Azure", gcp: "Google Cloud", aws: "AWS" };

export const cloudLetters: Record<Cloud, string> = { azure: "Az", gcp: "Gc", aws: "Aw" };

/** What rows and Targets are called; a role's regions are not counted. */
export const nouns = {
  azure: { row: "tenant", target: "subscription", counted: true },
  gcp: { row: "account", target: "project", counted: true },
  aws: { row: "role", target: "region", counted: false },
} satisfies Record<Cloud, { row: string; target: string; counted: boolean }>;

/** Names in a sentence: `Azure and AWS`. */
export function listed(names: readonly string[]): string {
  return new Intl.ListFormat("en-GB").format(names);
}

/** The first of several names, and how many more there are. */
export function named(names: readonly string[]): string {
  const most = 3;
  const more = names.length - most;
  return [...names.slice(0, most), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

export function plural(count: number, one: string): string {
  return `${count.toLocaleString("en-GB")} ${count === 1 ? one : `${one}s`}`;
}

export function raised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** A sentence with a lowercase start, inside another sentence. */
export function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
