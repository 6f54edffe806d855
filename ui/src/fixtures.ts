// Snapshots to test against and to look at. Not part of the built dashboard.
// Each file of the folder has one kind.

export * from "./fixtures/accounts.ts";
export * from "./fixtures/aws.ts";
export * from "./fixtures/base.ts";
export * from "./fixtures/elsewhere.ts";
export * from "./fixtures/environments.ts";
export * from "./fixtures/events.ts";
export * from "./fixtures/window.ts";
