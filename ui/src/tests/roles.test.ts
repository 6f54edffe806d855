// The roles of a sign-in to IAM Identity Center, in its details.

import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { AccountView } from "../bindings/AccountView";
import { center, centerAccounts, centerRoles, minutes } from "../fixtures.ts";
import { type Watched, watchNothing } from "./near.ts";
import { type Answers, click, open } from "./open.ts";

let boxes: Watched[] = [];

afterEach(() => {
  boxes = [];
  vi.unstubAllGlobals();
});

async function details(count: number, changes: Partial<AccountView> = {}, answers: Answers = {}) {
  const roles = centerRoles(count);
  const opened = await open({ accounts: [center(count, changes)] }, { targets: () => roles, ...answers });
  await click("contoso");
  await waitFor(() => expect(drawn()).toBeGreaterThan(0));
  return opened;
}

// Questions by role look at every element, which takes long where there are thousands.
const drawn = (): number => document.querySelectorAll("input[type=radio]").length;

describe("the roles of IAM Identity Center", () => {
  test("are drawn a screenful at a time, three thousand as twenty", async () => {
    boxes = watchNothing();
    await details(3_000, { target: centerRoles(3_000)[2_999] ?? null });

    // The first block, and the one with the chosen role.
    expect(drawn()).toBe(50);
    expect(boxes).toHaveLength(118);
    expect(boxes[0]?.box.getAttribute("aria-label")).toBe("25 roles further down");
    boxes[0]?.near();
    await tick();
    expect(drawn()).toBe(75);
  });

  test("are found by account, id and role in any order, with a screenful drawn", async () => {
    boxes = watchNothing();
    await details(3_000);
    const search = screen.getByLabelText("Search roles");

    await fireEvent.input(search, { target: { value: "readonly team" } });
    expect(drawn()).toBe(25);
    await fireEvent.input(search, { target: { value: "poweruser 012345678777" } });
    expect(drawn()).toBe(1);
    expect(screen.getByText("Contoso team 777 / PowerUser")).toBeTruthy();
  });

  test("say how far their loading is, and can be cancelled", async () => {
    const reading = { readingTargets: 1_240, readingAccounts: { read: 420, total: 1_000 } };
    const { named } = await details(9, reading);

    expect(screen.getByText("Loading roles, 1,240 so far · 420 of 1,000 accounts")).toBeTruthy();
    await click("Cancel loading roles");
    expect(named("cancel_reading")[0]?.args).toEqual({ account: center(1).id });
  });

  test("that a cancelled loading did not reach are counted, with the way to go on", async () => {
    const { named } = await details(9, {}, { organization: () => centerAccounts(12, 9) });

    expect(await screen.findByText(/roles of 9 accounts are not loaded yet/)).toBeTruthy();
    await click("Refresh");
    expect(named("read_targets")).toHaveLength(1);
  });

  test("say what changed between two readings", async () => {
    await details(9, { targetsChange: { added: 2, removed: 1, at: minutes(-5) } });
    expect(screen.getByText(/^2 roles added, 1 removed · /)).toBeTruthy();
  });

  test("can be pinned; a pin stays when its role is gone, marked, and can be taken away", async () => {
    // I29
    const [first, second] = centerRoles(2);
    const id = "012345678999/Gone";
    const gone = { id, name: id, state: null, parent: null };
    const pinned = [
      ...(first === undefined ? [] : [{ target: first, listed: true }]),
      { target: gone, listed: false },
    ];
    const { named } = await details(9, { pinned });
    const pin = (name: string): HTMLElement => screen.getByRole("button", { name });

    expect(pin(`Pin ${first?.name} to the tray and the switcher`).getAttribute("aria-pressed")).toBe("true");
    expect(screen.getByText("Pinned, but no longer assigned to you")).toBeTruthy();
    await click(`Pin ${second?.name} to the tray and the switcher`);
    await click(`Pin ${first?.name} to the tray and the switcher`);
    await click(`Remove the pin of ${id}`);

    expect(named("pin_target").map(({ args }) => [args["target"], args["pinned"]])).toEqual([
      [second?.id, true],
      [first?.id, false],
      [id, false],
    ]);
  });

  test("belong to an account whose details name the user, the portal and what ends the sign-in", async () => {
    await details(3, {}, { organization: () => centerAccounts(1) });
    const aside = within(screen.getByRole("complementary", { name: "Details of contoso" }));

    expect(aside.getByText("ada@contoso.example")).toBeTruthy();
    expect(aside.getByText("https://contoso.awsapps.com/start")).toBeTruthy();
    expect(aside.getByText("Entered as https://aws.contoso.example")).toBeTruthy();
    expect(aside.getByText("Until your organisation ends it; AWS does not say when")).toBeTruthy();
    expect(aside.getByText("AWS accounts")).toBeTruthy();
    expect(aside.queryByText(/Connect a role in each/)).toBeNull();
  });

  test("are forgotten here when disconnected, or signed out of everywhere when the user chooses that", async () => {
    for (const [choice, everywhere] of [
      [null, false],
      ["Sign out of IAM Identity Center too", true],
    ] as const) {
      const { named } = await details(3, {}, { disconnect: () => ({ undone: false, unrevoked: null }) });
      await click(/^More actions/);
      await fireEvent.click(screen.getByRole("menuitem", { name: /^Disconnect…/ }));
      const dialog = screen.getByRole("dialog", { name: "Disconnect contoso?" });
      const here = within(dialog).getByRole<HTMLInputElement>("radio", { name: "Forget here" });
      expect(here.checked).toBe(true);
      expect(
        within(dialog).getByText(/other programs, such as the AWS CLI, have to sign in again/),
      ).toBeTruthy();
      if (choice !== null) await fireEvent.click(within(dialog).getByRole("radio", { name: choice }));
      expect(within(dialog).queryByText(/^You stay signed in/) === null).toBe(everywhere);

      await fireEvent.click(within(dialog).getByRole("button", { name: "Disconnect" }));

      await waitFor(() => expect(named("disconnect")).toHaveLength(1));
      expect(named("disconnect")[0]?.args).toMatchObject({ everywhere });
      cleanup();
    }
  });
});
