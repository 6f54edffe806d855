import { expect, test } from "vitest";
import {
  disabledLast,
  fits,
  groups,
  lacksClientId,
  lacksCloudAccess,
  rowTotal,
  shortened,
  siblings,
  spaced,
  who,
} from "./accounts.ts";
import {
  aws,
  azure,
  cloudView,
  fabrikam,
  google,
  googleView,
  googleWithoutAccess,
  noClientId,
  production,
  subscriptions,
} from "./fixtures.ts";

const all = [azure({ active: true }), fabrikam(), google(), aws()];

test("a sign-in to IAM Identity Center counts as the roles that it gives", () => {
  const center = aws({
    targetCount: 6,
    identity: {
      cloud: "identity-center",
      startUrl: "https://d-1234567890.awsapps.com/start",
      typedUrl: "https://d-1234567890.awsapps.com/start",
      region: "eu-central-1",
      partition: "aws",
      userName: "ada",
    },
  });
  const [shown] = groups([aws(), center], "all", null);
  expect(rowTotal(shown?.rows ?? [])).toBe(7);
});

test("rows stand under their clouds, in the order of the snapshot", () => {
  const shown = groups([fabrikam({ starred: true }), azure(), aws()], "all", null);

  expect(shown.map((group) => [group.cloud, group.rows.map((row) => row.account.name)])).toEqual([
    ["azure", ["Fabrikam", "Contoso"]],
    ["aws", ["contoso-prod"]],
  ]);
});

test("a search keeps its own order and carries the target that fitted", () => {
  const shown = groups(all, "all", [
    { account: fabrikam().id, target: null },
    { account: azure().id, target: production },
    { account: "azure-gone", target: null },
  ]);

  expect(shown).toHaveLength(1);
  expect(
    groups(all, "all", [
      { account: aws().id, target: null },
      { account: azure().id, target: null },
    ]).map((group) => group.cloud),
  ).toEqual(["aws", "azure"]);
  expect(shown[0]?.rows.map((row) => [row.account.name, row.found?.name ?? null])).toEqual([
    ["Fabrikam", null],
    ["Contoso", "Production"],
  ]);
});

test("the rail narrows to what is in use, what needs the user, and each cloud", () => {
  expect(all.filter((one) => fits(one, "in-use")).map((one) => one.name)).toEqual(["Contoso"]);
  expect(all.filter((one) => fits(one, "needs-you")).map((one) => one.name)).toEqual(["Fabrikam"]);
  expect(all.filter((one) => fits(one, "aws")).map((one) => one.name)).toEqual(["contoso-prod"]);
});

test("an Azure user's tenants live from the same grant, other clouds' accounts do not", () => {
  expect(siblings(azure(), all)).toBe(1);
  expect(siblings(google(), [google(), google({ id: "gcp-2" })])).toBe(0);
});

test("a cloud that cannot start for want of a client id is to be registered", () => {
  expect(lacksClientId(cloudView(noClientId))).toBe(true);
  expect(lacksClientId(cloudView())).toBe(false);
  expect(lacksClientId(cloudView({ cloud: "aws", ready: false, clientId: null }))).toBe(false);
});

test("a cloud whose client is known and another setting is wrong is not to be registered again", () => {
  const problem = { origin: "settings.toml", message: "It cannot be used." };
  const wrong = (name: string) => googleView({ ready: false, problems: [{ ...problem, name }] });

  expect(lacksClientId(wrong("client_secret_file"))).toBe(true);
  expect(lacksClientId(wrong("GOOGLE_CLIENT_ID"))).toBe(true);
  expect(lacksClientId(wrong("access"))).toBe(false);
});

test("cloud access is missing only when its own scope is", () => {
  expect(lacksCloudAccess(googleWithoutAccess())).toBe(true);
  expect(
    lacksCloudAccess(google({ missingScopes: ["https://www.googleapis.com/auth/cloud-platform.read-only"] })),
  ).toBe(true);
  expect(
    lacksCloudAccess(azure({ missingScopes: ["https://management.azure.com/user_impersonation"] })),
  ).toBe(true);
  expect(lacksCloudAccess(google({ missingScopes: ["email"] }))).toBe(false);
  expect(lacksCloudAccess(google())).toBe(false);
});

test("a Google account without an address is known by its id", () => {
  expect(who(googleWithoutAccess().identity)).toBe("110248495921238986499");
});

test("disabled targets come last, in the clouds' own words for disabled", () => {
  const [first, second] = subscriptions;
  if (first === undefined || second === undefined) throw new Error("two subscriptions are needed");
  const listed = [
    { ...first, name: "A", state: "Disabled" },
    { ...first, name: "B", state: "DELETE_REQUESTED" },
    { ...second, name: "C", state: "Warned" },
    { ...second, name: "D", state: null },
  ];

  expect(disabledLast(listed).map((target) => target.name)).toEqual(["C", "D", "A", "B"]);
});

test("ids are written in readable groups", () => {
  expect(spaced("123456789012")).toBe("1234 5678 9012");
  expect(shortened("6f1c0d52-8a4e-4b7e-9d10-5a6b7c8d9b41")).toBe("6f1c0d52-…-9b41");
  expect(shortened("contoso-data-prod")).toBe("contoso-data-prod");
});
