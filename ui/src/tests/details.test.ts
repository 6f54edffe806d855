import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { describe, expect, test } from "vitest";
import type { Snapshot } from "../bindings/Snapshot";
import {
  azure,
  errorView,
  everyStatus,
  google,
  googleWithoutAccess,
  manyTargets,
  minutes,
  subscriptions,
  usual,
} from "../fixtures.ts";
import { button, click, open } from "./open.ts";

describe("the details", () => {
  test("open with what a user needs to trust the account", async () => {
    await open({ accounts: usual }, { targets: () => subscriptions });

    await click("Contoso");

    const detail = screen.getByRole("complementary", { name: "Details of Contoso" });
    expect(within(detail).getByText("15:42, in 42 min; renews automatically")).toBeTruthy();
    expect(within(detail).getByText("Until 21 Feb 2027 if unused; each use extends it")).toBeTruthy();
    expect(within(detail).getByText("Login keyring")).toBeTruthy();
    await waitFor(() => expect(within(detail).getAllByRole("radio")).toHaveLength(4));
  });

  test("choosing a target and using the account are sent", async () => {
    const { named } = await open({ accounts: [azure()] }, { targets: () => subscriptions });
    await click("Contoso");
    await waitFor(() => screen.getByRole("radio", { name: /Staging/ }));

    await fireEvent.click(screen.getByRole("radio", { name: /Staging/ }));
    await click("Use Contoso");

    expect(named("choose_target")[0]?.args).toEqual({ account: azure().id, target: subscriptions[1]?.id });
    expect(named("use_account")[0]?.args).toEqual({ account: azure().id, target: null });
  });

  test("renewing shows in its place and then says that it is done", async () => {
    let finish: (value: unknown) => void = () => undefined;
    await open({ accounts: [azure()] }, { renew: () => new Promise((resolve) => (finish = resolve)) });
    await click("Contoso");

    await click("Renew Contoso");
    expect((button("Renewing Contoso") as HTMLButtonElement).disabled).toBe(true);
    finish(null);

    await waitFor(() => button("Renewed Contoso"));
    expect(within(screen.getByRole("log")).getByText("Contoso was renewed.")).toBeTruthy();
  });

  test("a failed action says what happened, what to do and the reference", async () => {
    await open(
      { accounts: [azure()] },
      {
        renew: () => {
          throw errorView("throttled", "Entra asks to wait 30 seconds.");
        },
      },
    );
    await click("Contoso");
    await click("Renew Contoso");

    const log = screen.getByRole("log");
    await waitFor(() => within(log).getByText("Too many requests"));
    expect(within(log).getByText("Entra asks to wait 30 seconds.")).toBeTruthy();
    expect(within(log).getByText("Reference r-7f3a91")).toBeTruthy();
    expect(button("Renew Contoso")).toBeTruthy();
  });

  test("more than eight targets can be searched", async () => {
    await open({ accounts: [azure({ targetCount: 40 })] }, { targets: () => manyTargets(40) });
    await click("Contoso");
    const box = await screen.findByRole("searchbox", { name: "Search subscriptions" });

    await fireEvent.input(box, { target: { value: "team 07 prod" } });

    expect(screen.getAllByRole("radio")).toHaveLength(1);
  });

  test("targets are asked for again when they were read anew", async () => {
    const { named, send } = await open({ accounts: [azure()] });
    await click("Contoso");
    await tick();
    const before = named("targets").length;

    await send({ accounts: [azure()] });
    expect(named("targets")).toHaveLength(before);
    await send({ accounts: [azure({ targetsReadAt: "2026-11-24T15:00:00Z" })] });

    expect(named("targets")).toHaveLength(before + 1);
  });

  test("reading can be stopped", async () => {
    const { named } = await open({ accounts: [everyStatus.reading] });
    await click("Proseware");

    expect(screen.getByText("Loading subscriptions, 23 so far")).toBeTruthy();
    await click("Cancel loading subscriptions");

    expect(named("cancel_reading")).toHaveLength(1);
  });

  test("targets can be read again", async () => {
    const { named } = await open({ accounts: [azure()] });
    await click("Contoso");

    await click("Refresh");

    expect(named("read_targets")[0]?.args).toEqual({ account: azure().id });
  });

  test("say for a day how the list of targets changed", async () => {
    const changed = (at: string): Snapshot["accounts"] => [
      azure({ targetsChange: { added: 2, removed: 1, at } }),
    ];
    const { send } = await open({ accounts: changed(minutes(-60)) });
    await click("Contoso");
    expect(screen.getByText("2 subscriptions added, 1 removed · 14:00")).toBeTruthy();

    await send({ accounts: changed(minutes(-25 * 60)) });

    expect(screen.queryByText(/subscriptions added/)).toBeNull();
  });

  test("an offered tenant is added with one click", async () => {
    const { named } = await open({ accounts: usual });
    await click("Contoso");

    await click("Add Northwind Traders");

    expect(named("add_tenant")[0]?.args).toEqual({
      account: azure().id,
      tenantId: "aa11bb22-0000-4000-8000-000000000001",
    });
  });

  test("scopes that were not granted can be asked for again", async () => {
    const { named } = await open({ accounts: [azure({ missingScopes: ["user_impersonation"] })] });
    await click("Contoso");

    await click("Ask again");

    expect(screen.getByText("user_impersonation")).toBeTruthy();
    expect(named("connect")[0]?.args["account"]).toBe(azure().id);
  });

  test("say what a sign-in without cloud access means, once, and ask for it again", async () => {
    const account = googleWithoutAccess();
    const { named } = await open({ accounts: [account] });
    await click(account.name);
    const detail = screen.getByRole("complementary");

    expect(within(detail).getByRole("region", { name: "No cloud access" })).toBeTruthy();
    expect(within(detail).queryByText("Projects")).toBeNull();
    await click("Ask for it again");

    expect(named("connect")[0]?.args["account"]).toBe(account.id);
  });

  test("disconnecting a Google account says beforehand what ends at Google", async () => {
    await open({ accounts: [google()] });
    await click("ada@contoso.example");
    await click(/^More actions/);
    await fireEvent.click(screen.getByRole("menuitem", { name: /^Disconnect…/ }));

    const dialog = screen.getByRole("dialog");
    expect(within(dialog).getByRole("heading", { name: "Ends at Google" })).toBeTruthy();
    expect(within(dialog).getByText(/signs ada@contoso.example out of every app/)).toBeTruthy();
  });

  test("disconnecting asks first, says what stays, and is sent once", async () => {
    const { named } = await open(
      { accounts: [azure()] },
      { disconnect: () => ({ undone: false, unrevoked: null }) },
    );
    await click("Contoso");
    await click(/^More actions/);
    await fireEvent.click(screen.getByRole("menuitem", { name: /^Disconnect…/ }));
    expect(named("disconnect")).toEqual([]);
    const dialog = screen.getByRole("dialog", { name: "Disconnect Contoso?" });
    expect(within(dialog).getByText(/no way to revoke a refresh token/)).toBeTruthy();

    await fireEvent.click(within(dialog).getByRole("button", { name: "Disconnect" }));

    await waitFor(() => expect(named("disconnect")).toHaveLength(1));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  test("disconnecting says when the cloud could not revoke access", async () => {
    await open(
      { accounts: [google()] },
      {
        disconnect: () => ({
          undone: false,
          unrevoked: errorView("offline", "What you granted still stands at Google."),
        }),
      },
    );
    await click("ada@contoso.example");
    await click(/^More actions/);
    await fireEvent.click(screen.getByRole("menuitem", { name: /^Disconnect…/ }));
    await fireEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Disconnect" }));

    const log = screen.getByRole("log");
    expect(await within(log).findByText("Removed here, but Google could not revoke access")).toBeTruthy();
    expect(within(log).getByText("What you granted still stands at Google.")).toBeTruthy();
  });

  test("accounts whose names look alike show their ids, in the row and before they go", async () => {
    const alike = azure({ id: "azure-0000000000aa", name: "Cont\u043eso", looksLikeAnother: true });
    const fabrikam = azure({ id: "azure-0000000000bb", name: "Fabrikam" });
    await open({ accounts: [azure({ looksLikeAnother: true }), alike, fabrikam] });

    for (const id of [azure().id, alike.id]) expect(screen.getByText(id)).toBeTruthy();
    expect(screen.queryByText(fabrikam.id)).toBeNull();

    await click(alike.name);
    await click(/^More actions/);
    await fireEvent.click(screen.getByRole("menuitem", { name: /^Disconnect…/ }));
    expect(within(screen.getByRole("dialog")).getByText(new RegExp(alike.id))).toBeTruthy();
  });

  test("an empty name gives the cloud's own name back", async () => {
    const { named } = await open({ accounts: [azure({ name: "Work", renamed: true })] });
    await click("Work");
    await click(/^More actions/);
    await fireEvent.click(screen.getByRole("menuitem", { name: /^Rename…/ }));

    await fireEvent.input(screen.getByRole("textbox", { name: "Name" }), { target: { value: "  " } });
    await click("Save");

    expect(named("rename")[0]?.args).toEqual({ account: azure().id, name: null });
  });

  test("copying happens in the backend", async () => {
    const { named } = await open({ accounts: [azure()] });
    await click("Contoso");
    await click("Copy: Contoso");
    await fireEvent.click(screen.getByRole("menuitem", { name: /Subscription id/ }));

    expect(named("copy")[0]?.args).toEqual({ account: azure().id, what: "target-id" });
  });

  test("follow the arrows, close on Escape and give the focus back to the row", async () => {
    await open({ accounts: usual });
    button("Contoso").focus();
    await click("Contoso");

    await fireEvent.keyDown(document.activeElement as Element, { key: "ArrowDown" });
    expect(screen.getByRole("complementary", { name: "Details of Fabrikam" })).toBeTruthy();
    await fireEvent.keyDown(document.activeElement as Element, { key: "Escape" });

    await waitFor(() => expect(screen.queryByRole("complementary")).toBeNull());
    expect(document.activeElement).toBe(button("Fabrikam"));
  });

  test("close when their account is gone", async () => {
    const { send } = await open({ accounts: usual });
    await click("Contoso");

    await send({ accounts: usual.slice(1) });

    expect(screen.queryByRole("complementary")).toBeNull();
  });
});
