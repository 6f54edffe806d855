import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import type { PrepareRole } from "../bindings/PrepareRole";
import type { RoleCheck } from "../bindings/RoleCheck";
import type { SignInView } from "../bindings/SignInView";
import {
  aws,
  awsCaller,
  awsSources,
  awsView,
  centerSource,
  azure,
  cloudView,
  errorView,
  organizationAccounts,
  pendingRole,
  preparedRole,
  signInView,
  usual,
  verified,
  verifying,
  verification,
} from "../fixtures.ts";
import { type Answers, button, click, open, row } from "./open.ts";

describe("connecting AWS", () => {
  const clouds = [cloudView(awsView)];
  const answers: Answers = {
    aws_sources: () => awsSources,
    aws_caller: ({ source }) => ({ ...awsCaller, source }),
    pending_roles: () => [pendingRole],
    prepare_role: () => preparedRole,
    add_access_keys: () => awsCaller,
  };
  const arn = "arn:aws:iam::123456789012:role/ReadOnly";
  const field = (name: string): HTMLElement => screen.getByLabelText(name);
  const loose = signInView(
    { step: "failed", error: errorView("not-enforced", "The role can be assumed without an External ID.") },
    { cloud: "aws", id: 7 },
  );

  async function openAws(more: Answers = {}) {
    const opened = await open({ accounts: usual, clouds }, { ...answers, ...more });
    await click("Connect account");
    await click("Assume a role");
    return opened;
  }

  test("says first who calls, for the source that is chosen", async () => {
    const { named } = await openAws();
    expect(await screen.findAllByText(awsCaller.arn)).not.toHaveLength(0);

    await fireEvent.change(field("Credentials from"), { target: { value: "profile:work" } });

    await waitFor(() =>
      expect(named("aws_caller").map((call) => call.args["source"])).toEqual(["default", "profile:work"]),
    );
    expect(named("prepare_role")).toEqual([]);
  });

  test("offers roles of IAM Identity Center as who calls, and says that they shorten sessions", async () => {
    // I38
    const { named } = await openAws({
      aws_sources: () => [...awsSources, centerSource],
      aws_caller: ({ source }) => ({ ...awsCaller, source, isChained: source === centerSource.source }),
    });
    await screen.findByRole("option", { name: "IAM Identity Center: PowerUser in 0123 4567 8901" });

    await fireEvent.change(field("Credentials from"), { target: { value: centerSource.source } });

    expect(await screen.findByText(/AWS limits sessions to one hour/)).toBeTruthy();
    expect(named("aws_caller").at(-1)?.args).toEqual({ source: centerSource.source });
  });

  test("says how to sign in again when the credentials have ended", async () => {
    await openAws({
      aws_caller: ({ source }) => {
        if (source === "default") return awsCaller;
        throw errorView("source-expired", "The session of profile work has expired.");
      },
    });
    await fireEvent.change(await screen.findByLabelText("Credentials from"), {
      target: { value: "profile:work" },
    });

    expect(await screen.findByText("The session of profile work has expired.")).toBeTruthy();
    expect(screen.getByText("aws sso login --profile work")).toBeTruthy();
    expect((button("Create External ID and templates") as HTMLButtonElement).disabled).toBe(true);
  });

  test("typed keys are sent once and do not stay in the page", async () => {
    const { named } = await openAws();
    await screen.findByLabelText("Credentials from");
    await fireEvent.input(field("Access key id"), { target: { value: "AKIAIOSFODNN7EXAMPLE" } });
    await fireEvent.input(field("Secret access key"), { target: { value: "wJalrXUtnFEMI" } });
    await click("Check and save");

    await waitFor(() =>
      expect((field("Credentials from") as HTMLSelectElement).value).toBe("keychain:AKIAIOSFODNN7EXAMPLE"),
    );
    expect(named("add_access_keys")[0]?.args["keys"]).toEqual({
      accessKeyId: "AKIAIOSFODNN7EXAMPLE",
      secretAccessKey: "wJalrXUtnFEMI",
      sessionToken: null,
    });
    expect((field("Secret access key") as HTMLInputElement).value).toBe("");
  });

  test("makes the templates, keeps them in step with the choice, and verifies the role", async () => {
    const { named } = await openAws();
    await screen.findAllByText(awsCaller.arn);
    await click("Create External ID and templates");
    expect(await screen.findByRole("tab", { name: "Trust policy", selected: true })).toBeTruthy();
    expect(screen.getByText(preparedRole.externalId)).toBeTruthy();

    await fireEvent.keyDown(screen.getByRole("tab", { name: "Trust policy" }), { key: "ArrowLeft" });
    expect(screen.getByText(preparedRole.templates.terraform)).toBeTruthy();
    await fireEvent.change(field("What the role may do"), { target: { value: "read-only" } });
    await waitFor(() => expect(named("prepare_role")).toHaveLength(2));
    expect(named("prepare_role")[1]?.args["request"]).toEqual({
      source: "default",
      externalId: preparedRole.externalId,
      another: false,
      permissions: { kind: "read-only" },
      sessionSeconds: 3_600,
      roleName: preparedRole.roleName,
    });

    await fireEvent.input(field("Role ARN"), { target: { value: ` ${arn} ` } });
    await click("Verify and connect");
    await waitFor(() => expect(named("connect")).toHaveLength(1));
    expect(named("connect")[0]?.args).toEqual({
      cloud: "aws",
      tenant: null,
      account: null,
      role: {
        roleArn: arn,
        source: "default",
        externalId: preparedRole.externalId,
        acceptNotEnforced: false,
      },
    });
  });

  test("shows each check, keeps them beside a refusal, and connects as not enforced only when asked", async () => {
    const { named, send } = await openAws();
    await screen.findAllByText(awsCaller.arn);
    await fireEvent.input(field("Role ARN"), { target: { value: arn } });
    const verifies = (checks: RoleCheck[]): SignInView =>
      signInView({ step: "verifying" }, { cloud: "aws", id: 7, ...verification(checks) });
    await send({ accounts: usual, clouds, signIns: [verifies(verifying)] });
    const checks = within(screen.getByRole("list", { name: "Checks of the role" })).getAllByRole("listitem");
    expect(checks.map((one) => one.textContent?.replace(/\s+/g, " ").trim())).toEqual([
      "Assume the role with the External ID try 3, for another 42 s; a new role takes a while to become active Retrying",
      "Refused without an External ID Waiting",
      "Refused with a wrong External ID Waiting",
      "Check the assumed identity Waiting",
    ]);
    await send({ accounts: usual, clouds, signIns: [verifies(verified)] });
    expect(
      screen.getByText("arn:aws:sts::123456789012:assumed-role/ReadOnly/multi-cloud-manager"),
    ).toBeTruthy();
    expect(screen.getByText("Check the assumed identity: Passed").getAttribute("role")).toBe("status");

    const loosened: RoleCheck[] = verified.map((check) =>
      check.what === "no-id" ? { ...check, state: "failed" } : check,
    );
    await send({ accounts: usual, clouds, signIns: [{ ...loose, ...verification(loosened) }] });
    expect(within(screen.getByRole("list", { name: "Checks of the role" })).getByText("Failed")).toBeTruthy();
    expect(named("connect")).toEqual([]);
    await click("Connect as not enforced");

    await waitFor(() => expect(named("connect")).toHaveLength(1));
    expect(named("connect")[0]?.args["role"]).toEqual({
      roleArn: arn,
      source: "default",
      acceptNotEnforced: true,
    });
  });

  test("asks for the name, the life and the policy that were chosen, and says what AWS does not take", async () => {
    let refuses = false;
    const { named } = await openAws({
      prepare_role: ({ request }) => {
        if (refuses) throw errorView("invalid-input", "A role's name has 1 to 64 letters.");
        const { roleName, sessionSeconds, permissions } = request as PrepareRole;
        return {
          ...preparedRole,
          roleName: roleName ?? preparedRole.roleName,
          sessionSeconds: sessionSeconds ?? 14_400,
          permissions: permissions ?? { kind: "read-only" },
        };
      },
    });
    const lastRequest = (): unknown => named("prepare_role").at(-1)?.args["request"];
    await screen.findAllByText(awsCaller.arn);
    await fireEvent.change(field("Session length"), { target: { value: "14400" } });
    await fireEvent.input(field("Role name"), { target: { value: " Auditor " } });
    expect(named("prepare_role")).toEqual([]);
    await click("Create External ID and templates");
    await screen.findByRole("tab", { name: "Trust policy", selected: true });
    const request = {
      source: "default",
      another: false,
      permissions: { kind: "view-only" },
      sessionSeconds: 14_400,
    };
    expect(lastRequest()).toEqual({ ...request, roleName: "Auditor" });

    await fireEvent.change(field("Session length"), { target: { value: "900" } });
    const kept = { externalId: preparedRole.externalId, roleName: "Auditor", sessionSeconds: 900 };
    await waitFor(() => expect(lastRequest()).toEqual({ ...request, ...kept }));
    await fireEvent.change(field("What the role may do"), { target: { value: "policy" } });
    const policy = { kind: "policy", arn: "arn:aws:iam::aws:policy/SecurityAudit" };
    await fireEvent.input(field("Policy ARN"), { target: { value: policy.arn } });
    await fireEvent.change(field("Policy ARN"));
    await waitFor(() => expect(lastRequest()).toEqual({ ...request, ...kept, permissions: policy }));
    await click("Create another External ID");
    await waitFor(() =>
      expect(lastRequest()).toEqual({ ...request, another: true, permissions: policy, sessionSeconds: 900 }),
    );

    refuses = true;
    await fireEvent.input(field("Role name"), { target: { value: "a b" } });
    await fireEvent.change(field("Role name"));
    expect((await screen.findByRole("alert")).textContent).toContain("A role's name has 1 to 64 letters.");
    expect((field("Role name") as HTMLInputElement).value).toBe("a b");
  });

  test("goes on with a connection that waits, as it was prepared", async () => {
    const { named } = await openAws();
    await click(`Continue with ${pendingRole.externalId}`);
    await waitFor(() => expect(named("prepare_role")).toHaveLength(1));
    expect(named("prepare_role")[0]?.args["request"]).toEqual({
      externalId: pendingRole.externalId,
      source: pendingRole.source,
      another: false,
    });
  });

  test("this app is no source, and is not asked while there is another", async () => {
    const ours = { source: "default", kind: "ourselves", region: null, accountId: null, signInCommand: null };
    const { named } = await openAws({ aws_sources: () => [ours, ...awsSources.slice(1)] });
    await waitFor(() =>
      expect(named("aws_caller").map((call) => call.args["source"])).toEqual(["profile:work"]),
    );
    const options = [...(field("Credentials from") as HTMLSelectElement).options];
    expect(options.map((option) => option.disabled)).toEqual([true, false, false]);
    expect(options[0]?.textContent).toContain("this app");
  });

  test("a refusal comes with the command that shows the trust policy, to copy", async () => {
    const { send } = await openAws();
    await screen.findAllByText(awsCaller.arn);
    await fireEvent.input(field("Role ARN"), { target: { value: arn } });
    const error = errorView("role-refused", "AWS refused.\nWhat is left:\n(1) one\n(2) two");
    await send({
      accounts: usual,
      clouds,
      signIns: [signInView({ step: "failed", error }, { cloud: "aws", id: 7 })],
    });

    expect(
      screen.getByText("aws iam get-role --role-name ReadOnly --query Role.AssumeRolePolicyDocument"),
    ).toBeTruthy();
    expect(button("Copy To see the trust policy")).toBeTruthy();
  });

  test("drops a connection that waits for its role", async () => {
    const { named } = await openAws();
    await screen.findByRole("button", { name: `Discard ${pendingRole.externalId}` });
    await click(`Discard ${pendingRole.externalId}`);

    await waitFor(() =>
      expect(named("drop_pending_role").at(-1)?.args).toEqual({ externalId: pendingRole.externalId }),
    );
  });

  test("a row that is not enforced says so, and its details name the role", async () => {
    const account = aws();
    if (account.identity.cloud !== "aws") throw new Error("not a role");
    await open({ accounts: [{ ...account, identity: { ...account.identity, enforced: "not-enforced" } }] });
    expect(within(row("contoso-prod")).getByText(/External ID: not enforced/)).toBeTruthy();

    await click("contoso-prod");

    const detail = screen.getByRole("complementary");
    expect(within(detail).getByText(arn)).toBeTruthy();
    expect(within(detail).getByText("Not enforced")).toBeTruthy();
  });

  test("the details of a role say its partition, its sessions, and the organisation that it may list", async () => {
    const account = aws();
    if (account.identity.cloud !== "aws") throw new Error("not a role");
    const identity = { ...account.identity, longestSessionSeconds: 43_200 };
    const { named } = await open(
      { accounts: [{ ...account, identity }] },
      { organization: () => organizationAccounts },
    );
    await click("contoso-prod");
    const detail = screen.getByRole("complementary");
    const list = await within(detail).findByRole("list", { name: "Accounts of the organisation" });
    const rows = within(list).getAllByRole("listitem");
    expect(rows.map((one) => one.textContent?.replace(/\s+/g, " ").trim())).toEqual([
      "Contoso identity 1111 2222 3333",
      "Contoso production 1234 5678 9012 Connected",
      "Contoso staging 7777 8888 9999 · SUSPENDED",
    ]);
    expect(named("organization")[0]?.args).toEqual({ account: account.id });
    expect(within(detail).getByText("1 hour; the role gives up to 12 hours")).toBeTruthy();
    expect(within(detail).getByText("aws", { exact: true })).toBeTruthy();
  });

  test("a role that may not list the organisation shows nothing of it", async () => {
    await open({ accounts: [aws()] }, { organization: () => [] });
    await click("contoso-prod");
    expect(screen.getByRole("complementary")).toBeTruthy();
    expect(screen.queryByText("Accounts of the organisation")).toBeNull();
  });

  test("the console of a role opens as it is, or after signing out of it, and only AWS’s offers that", async () => {
    const { named } = await open({ accounts: [aws(), azure()] }, { organization: () => [] });
    await click("contoso-prod");
    const detail = screen.getByRole("complementary");
    await fireEvent.click(within(detail).getByRole("button", { name: "Open console: contoso-prod" }));
    await waitFor(() => expect(named("open_console").at(-1)?.args["signOutFirst"]).toBe(false));
    await fireEvent.click(within(detail).getByRole("button", { name: "More actions: contoso-prod" }));
    await fireEvent.click(screen.getByRole("menuitem", { name: "Open console, signing out of it first" }));
    await waitFor(() => expect(named("open_console").at(-1)?.args["signOutFirst"]).toBe(true));
    expect(named("open_console").every((call) => call.args["account"] === aws().id)).toBe(true);

    await click(azure().name);
    await fireEvent.click(
      within(screen.getByRole("complementary")).getByRole("button", { name: "More actions: Contoso" }),
    );
    expect(screen.queryByRole("menuitem", { name: /signing out/ })).toBeNull();
  });
});
