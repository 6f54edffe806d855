import { readdirSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import {
  azure,
  aws,
  cloudView,
  everyEvent,
  fabrikam,
  google,
  googleView,
  googleWithoutAccess,
  minutes,
  NOW,
} from "./fixtures.ts";
import * as text from "./text.ts";

const codes = [...readFileSync("src/bindings/Code.ts", "utf8").matchAll(/"([a-z-]+)"/g)].map(
  (match) => match[1],
);

/** Every string and what every function makes of plausible arguments. */
function sentences(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(sentences);
  return [];
}

test("each error code has a title", () => {
  expect(codes.length).toBeGreaterThan(20);
  for (const code of codes)
    expect(text.titles, code).toHaveProperty([code as string], expect.stringMatching(/\S/));
});

test("no sentence ends in an exclamation mark or says oops", () => {
  const all = sentences({ ...text });
  expect(all.length).toBeGreaterThan(100);
  for (const sentence of all) expect(sentence).not.toMatch(/!\s*$|\boops\b/i);
  const files = readdirSync("src/text");
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) expect(readFileSync(`src/text/${file}`, "utf8"), file).not.toMatch(/[a-z]!["`]/);
});

test("no title is an error number", () => {
  for (const title of Object.values(text.titles)) expect(title).not.toMatch(/\d/);
});

test("a session says when it ends and what happens then", () => {
  expect(text.sessionLine(azure(), false, NOW)).toBe("15:42, in 42 min; renews automatically");
  expect(text.sessionLine(azure(), true, NOW)).toBe("15:42, in 42 min; does not renew while paused");
  expect(text.sessionLine(azure({ session: null }), false, NOW)).toMatch(/one is created on first use/);
  expect(
    text.sessionLine(azure({ session: { issuedAt: minutes(-60), expiresAt: minutes(-1) } }), false, NOW),
  ).toBe("Expired 14:59");
});

test("a sign-in says how long it lasts and why it ends", () => {
  expect(text.signInLine(azure(), NOW)).toBe("Until 21 Feb 2027 if unused; each use extends it");
  expect(text.signInLine(azure({ signInEnd: { at: minutes(90), why: "provider-limit" } }), NOW)).toBe(
    "Until 16:30; Entra ends it then",
  );
  expect(text.signInLine(google({ signInEnd: { at: minutes(90), why: "provider-limit" } }), NOW)).toBe(
    "Until 16:30; Google ends it then: the client is in testing (7 days), or access was granted for a limited time",
  );
  expect(text.signInLine(google(), NOW)).toMatch(/after six months without use/);
  expect(text.signInLine(azure({ signInEnd: { at: minutes(-90), why: "idle" } }), NOW)).toBe(
    "Expired 13:30; sign in again",
  );
  expect(text.signInLine(fabrikam(), NOW)).toBe("Expired");
  expect(text.signInLine(azure({ status: "sign-in-again" }), NOW)).toBe(
    "Expired. Sign in again for a new session.",
  );
});

test("a session says when it will not renew by itself, and why", () => {
  const after = (changes: Parameters<typeof azure>[0]): string | undefined =>
    text.sessionLine(azure(changes), false, NOW).split("; ")[1];

  expect(after({ status: "locked" })).toBe("does not renew while the keychain is locked");
  expect(after({ status: "offline" })).toBe("renews when Azure can be reached");
  expect(after({ retryAt: minutes(1) })).toBe("renewal failed and is retried automatically");
  expect(after({ signInEnd: { at: minutes(20), why: "provider-limit" } })).toMatch(/^then sign in again/);
  expect(after({ status: "sign-in-again" })).toBe("does not renew until you sign in again");
});

test("disconnecting a Google account says that every app of the client's project is signed out", () => {
  const facts = text.disconnectFacts(google(), { state: "unlocked", name: "Login keyring", error: null }, 0);
  expect(facts.ends.join(" ")).toMatch(
    /revoked.*ada@contoso\.example out of every app.*same Google Cloud project/s,
  );
  expect(facts.stays.join(" ")).toMatch(/cannot be reached.*myaccount\.google\.com/s);
});

test("a Google account without an address is called by its id", () => {
  expect(text.identityLine(googleWithoutAccess({ name: "Lab", renamed: true }))).toBe(
    "110248495921238986499 · Personal",
  );
});

test("the lines for Google's client file keep the access that is asked for", () => {
  expect(text.googleLines(googleView())).toContain('access = "full"  # or "read-only"');
  const readOnly = googleView({
    scopes: ["openid", "https://www.googleapis.com/auth/cloud-platform.read-only"],
  });
  expect(text.googleLines(readOnly)).toContain('access = "read-only"  # or "full"');
  expect(text.googleAccess(readOnly)).toMatch(/^Read-only/);
});

test("disconnecting an Azure account says that Entra revokes nothing", () => {
  const facts = text.disconnectFacts(azure(), { state: "unlocked", name: "Login keyring", error: null }, 0);
  expect(facts.removed[0]).toBe("The sign-in and its session in Login keyring");
  expect(facts.stays.join(" ")).toMatch(/no way to revoke a refresh token.*myaccount\.microsoft\.com/s);
});

test("disconnecting one of several tenants says that the sign-in stays for the others", () => {
  const facts = text.disconnectFacts(azure(), { state: "unlocked", name: "Login keyring", error: null }, 2);
  expect(facts.removed[0]).toBe("The session of this tenant in Login keyring");
  expect(facts.stays[0]).toBe("The sign-in of ada@contoso.example, for 2 other tenants connected with it.");
});

test("groups count in the clouds' own words", () => {
  expect(text.groupCount("azure", 5, 23)).toBe("5 tenants, 23 subscriptions");
  expect(text.groupCount("gcp", 1, 41)).toBe("1 account, 41 projects");
  expect(text.groupCount("aws", 6, 6)).toBe("6 roles");
});

test("the identity of each cloud is on one line", () => {
  expect(text.identityLine(azure())).toBe("ada@contoso.example");
  expect(text.identityLine(google())).toBe("contoso.example organisation");
  expect(text.identityLine(google({ name: "Data", renamed: true }))).toBe(
    "ada@contoso.example · contoso.example organisation",
  );
  expect(text.identityLine(aws())).toBe("1234 5678 9012 · ReadOnly");
});

test("nothing that can be copied is a credential", () => {
  const labels = text.copyEntries(azure()).map((entry) => entry.what);
  expect(labels).toEqual(["cloud-id", "target-id", "account-id", "token-command"]);
});

test("the command to register names every redirect and prints the client id", () => {
  const command = text.azureCommand(cloudView().redirectUris);
  expect(command).toContain("az ad app create");
  expect(command).toContain("io.github.multicloudmanager://auth/azure");
  expect(command).toContain("http://localhost");
  expect(command).toContain("--is-fallback-public-client true");
});

test("a changed list of targets is shown in the cloud's own words", () => {
  expect(text.changeLine("subscription", { added: 2, removed: 1 })).toBe("2 subscriptions added, 1 removed");
  expect(text.changeLine("project", { added: 1, removed: 0 })).toBe("1 project added");
  expect(text.changeLine("project", { added: 0, removed: 3 })).toBe("3 projects removed");
});

test("each thing that can happen has its words", () => {
  const kinds = [
    ...readFileSync("src/bindings/ActivityKind.ts", "utf8").matchAll(/"kind": "([a-z-]+)"/g),
  ].map((match) => match[1]);

  expect(new Set(everyEvent.map((one) => one.what.kind))).toEqual(new Set(kinds));
  for (const one of everyEvent) expect(text.activityLine(one).text, one.what.kind).toMatch(/^[A-Z0-9]\S*/);
});

test("macOS has its own key for commands", async () => {
  vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" });
  vi.resetModules();

  const onMac = await import("./text.ts");

  expect(onMac.keyboardKeys.list.map(([key]) => key)).toContain("Cmd Z");
  expect(onMac.keyboardKeys.list.flat().join(" ")).not.toContain("Ctrl");
  expect(text.keyboardKeys.list.map(([key]) => key)).toContain("Ctrl Z");
  vi.unstubAllGlobals();
});

test("a target says where it belongs and only an unusual state", () => {
  const project = { id: "web", name: "Web", parent: "folders/126547106612", state: "ACTIVE" };

  expect(text.aboutTarget(project)).toBe("web · Folder 126547106612");
  expect(text.aboutTarget({ ...project, id: "Web", parent: "organizations/7" })).toBe("Organisation 7");
  expect(text.aboutTarget({ ...project, parent: null, state: "DELETE_REQUESTED" })).toBe(
    "web · delete requested",
  );
});
