import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mockIPC } from "@tauri-apps/api/mocks";
import { expect, test } from "vitest";
import * as ipc from "./ipc.ts";
import { errorView } from "./fixtures.ts";

function calls(): [string, unknown][] {
  const seen: [string, unknown][] = [];
  mockIPC((command, args) => {
    seen.push([command, args]);
    return null;
  });
  return seen;
}

test("a command goes out under its name with its arguments", async () => {
  const seen = calls();

  await ipc.connect("azure", null, "azure-1");
  await ipc.addTenant("azure-1", "t-2");
  await ipc.decideDuplicate(3, "keep-both");
  await ipc.chooseTarget("azure-1", "s-1");
  await ipc.activity(null);
  await ipc.keepPlace("{}");
  await ipc.keptPlace();

  expect(seen).toEqual([
    ["connect", { cloud: "azure", tenant: null, account: "azure-1" }],
    ["add_tenant", { account: "azure-1", tenantId: "t-2" }],
    ["decide_duplicate", { signIn: 3, decision: "keep-both" }],
    ["choose_target", { account: "azure-1", target: "s-1" }],
    ["activity", { account: null }],
    ["keep_place", { place: "{}" }],
    ["kept_place", {}],
  ]);
});

test("a failure keeps its code, its sentence and its reference", async () => {
  mockIPC(() => {
    throw errorView("keychain-locked", "Login keyring is locked.");
  });

  const failure = await ipc.renew("azure-1").catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(ipc.Failure);
  expect(failure).toMatchObject({
    code: "keychain-locked",
    message: "Login keyring is locked.",
    reference: "r-7f3a91",
  });
});

test("a failure of another kind is a defect of ours", async () => {
  mockIPC(() => {
    throw new Error("command renew not allowed");
  });

  await expect(ipc.renew("azure-1")).rejects.toMatchObject({
    code: "internal",
    message: "command renew not allowed",
  });
});

test("no other file talks to the backend", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|svelte)$/.test(file) && !/test/.test(file) && file !== "ipc.ts")
    .filter((file) => readFileSync(join("src", file), "utf8").includes("@tauri-apps"));

  expect(files).toEqual([]);
});
