// Every sentence shown to the user. Sentence case, the clouds' own words, what happened and then what to do.
// The body of a failure comes from the backend, where the cause is known; its title stands in `titles`.
// Each file of the folder has the words of one part of the window.

export * from "./text/accounts.ts";
export * from "./text/aws.ts";
export * from "./text/connecting.ts";
export * from "./text/details.ts";
export * from "./text/environments.ts";
export * from "./text/errors.ts";
export * from "./text/settings.ts";
export * from "./text/window.ts";
export { cloudLetters, cloudNames, isMac } from "./text/words.ts";
