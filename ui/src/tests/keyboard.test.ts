import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { describe, expect, test } from "vitest";
import { aws, azure, errorView, fabrikam, google, minutes, signInView, usual } from "../fixtures.ts";
import { button, click, open, row } from "./open.ts";

const focused = (): Element => document.activeElement ?? document.body;
const press = (key: string, more: KeyboardEventInit = {}): Promise<boolean> =>
  fireEvent.keyDown(focused(), { key, ...more });

describe("the keys of the list", () => {
  test("a letter goes to the name that begins with it, and the details follow", async () => {
    await open({ accounts: [azure(), fabrikam(), google()] });
    await click("Contoso");
    button("Contoso").focus();

    await press("f");

    expect(focused()).toBe(button("Fabrikam"));
    expect(screen.getByRole("complementary", { name: "Details of Fabrikam" })).toBeTruthy();
    await press("Home");
    expect(screen.getByRole("complementary", { name: "Details of Contoso" })).toBeTruthy();
    await press("PageDown");
    expect(focused()).toBe(button(google().name));
  });

  test("several are selected, renewed and disconnected together", async () => {
    const { named } = await open(
      { accounts: [azure(), google()] },
      { disconnect: () => ({ undone: true, unrevoked: null }) },
    );
    button("Contoso").focus();
    await press("ArrowDown", { shiftKey: true });
    expect(screen.getByText("2 accounts selected")).toBeTruthy();
    await click("Renew");
    expect(named("renew").map((call) => call.args["account"])).toEqual([azure().id, google().id]);

    button("Contoso").focus();
    await press("a", { ctrlKey: true });
    await click("Disconnect…");
    const dialog = screen.getByRole("dialog", { name: "Disconnect 2 accounts?" });
    await fireEvent.click(within(dialog).getByRole("button", { name: "Disconnect" }));
    expect(named("disconnect")).toHaveLength(2);
  });

  test("F2 renames and Delete disconnects the row that has the focus", async () => {
    await open({ accounts: [azure()] });
    button("Contoso").focus();
    await press("F2");
    expect(screen.getByRole("dialog", { name: "Rename account" })).toBeTruthy();
    await click("Cancel");
    button("Contoso").focus();
    await press("Delete");
    expect(screen.getByRole("dialog", { name: "Disconnect Contoso?" })).toBeTruthy();
  });

  test("a double click uses, and a right click opens the menu with what can be copied", async () => {
    const { named } = await open({ accounts: [aws()] });
    await fireEvent.dblClick(button("contoso-prod"));
    expect(named("use_account")).toHaveLength(1);

    await fireEvent.contextMenu(row("contoso-prod"), { clientX: 40, clientY: 50 });
    const menu = within(screen.getByRole("menu"));
    await fireEvent.click(menu.getByRole("menuitem", { name: "credential_process line" }));
    expect(named("copy")[0]?.args).toEqual({ account: aws().id, what: "credential-process" });
  });

  test("a group is closed and opened, and nothing in it is reached meanwhile", async () => {
    await open({ accounts: [azure(), google()] });
    await click("Azure");
    expect(screen.queryByRole("list", { name: "Azure accounts" })).toBeNull();
    await press("ArrowDown");
    expect(focused()).toBe(button(google().name));
    await click("Azure");
    expect(row("Contoso")).toBeTruthy();
  });

  test("accounts are sorted and grouped as the user chooses", async () => {
    const { named, send } = await open({ accounts: [azure({ name: "zeta" }), google({ name: "alpha" })] });
    await click("By last used: Sort and group");
    await fireEvent.click(screen.getByRole("menuitemradio", { name: "Name" }));
    const preferences = named("save_preferences")[0]?.args["preferences"] as { sort: string };
    expect(preferences.sort).toBe("name");
    await send({
      accounts: [azure({ name: "zeta" }), google({ name: "alpha" })],
      preferences: { theme: "system", welcomed: true, sort: "name", group: "none", notify: true },
    });
    const list = within(screen.getByRole("list", { name: "All accounts" }));
    const names = list.getAllByRole("listitem").map((item) => item.getAttribute("aria-label")?.split(",")[0]);
    expect(names).toEqual(["alpha", "zeta"]);
  });
});

describe("the palette", () => {
  test("opens with Ctrl K everywhere and uses an account, a target or a command", async () => {
    const staging = { id: "s", name: "Staging", state: null, parent: null };
    const { named } = await open(
      { accounts: usual },
      { search: ({ query }) => (query === "stag" ? [{ account: azure().id, target: staging }] : []) },
    );
    await click("Settings");
    await press("k", { ctrlKey: true });
    const box = screen.getByRole("combobox", { name: "Search accounts, targets and commands" });
    expect(focused()).toBe(box);
    await fireEvent.input(box, { target: { value: "stag" } });
    await waitFor(() => expect(screen.getByRole("option", { name: /Contoso › Staging/ })).toBeTruthy());
    await fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(named("use_account")[0]?.args).toEqual({ account: azure().id, target: "s" }));
    expect(screen.queryByRole("dialog")).toBeNull();

    await press("k", { ctrlKey: true });
    const again = screen.getByRole("combobox", { name: "Search accounts, targets and commands" });
    await fireEvent.input(again, { target: { value: "copy role arn prod" } });
    await fireEvent.keyDown(again, { key: "Enter" });
    await waitFor(() => expect(named("copy")[0]?.args).toEqual({ account: aws().id, what: "role-arn" }));
  });

  test("closes on Escape and gives the keyboard back", async () => {
    await open({ accounts: usual });
    button("Contoso").focus();
    await press("k", { ctrlKey: true });
    await press("Escape");
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(focused()).toBe(button("Contoso"));
  });
});

describe("the keys of every screen", () => {
  test.each(["Settings", "Activity", "About"])(
    "? lists the keys and Escape leads back from %s",
    async (name) => {
      await open({ accounts: usual }, { about: () => new Promise(() => undefined) });
      await click(name);
      await press("?");
      expect(screen.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeTruthy();
      await click("Close");
      await press("Escape");
      await waitFor(() => expect(screen.getByRole("list", { name: "Azure accounts" })).toBeTruthy());
      expect(focused()).toBe(button("Contoso"));
    },
  );

  test("Ctrl with plus, minus and zero zooms, and the zoom is kept with the place", async () => {
    const { named } = await open({ accounts: usual });
    for (const key of ["+", "=", "-", "0"]) await press(key, { ctrlKey: true });
    expect(named("zoom").map((call) => call.args["percent"])).toEqual([110, 125, 110, 100]);
  });
});

describe("the focus", () => {
  const clouds = undefined;

  test("stays with a sign-in that starts, fails and is dismissed", async () => {
    const { send } = await open({ accounts: [azure()], ...(clouds ?? {}) });
    await click("Connect account");
    button("Azure").focus();
    const signIn = signInView({ step: "browser" });
    await send({ accounts: [azure()], signIns: [signIn] });
    expect(screen.getByRole("region", { name: "Azure" }).contains(focused())).toBe(true);

    const error = errorView("sign-in-refused", "The sign-in was refused.");
    await send({ accounts: [azure()], signIns: [signInView({ step: "failed", error })] });
    expect(screen.getByRole("alert").textContent).toContain("The sign-in was refused.");
    expect(screen.getByRole("region", { name: "Azure" }).contains(focused())).toBe(true);

    await send({ accounts: [azure()], signIns: [] });
    await tick();
    expect(focused()).toBe(button("Azure"));
  });

  test("is on the new row after a sign-in", async () => {
    const { send } = await open({ accounts: [azure()] });
    await click("Connect account");
    const done = signInView({ step: "done", account: google().id, updated: false });
    await send({ accounts: [azure(), google()], signIns: [done] });
    await waitFor(() => expect(focused()).toBe(button(google().name)));
  });

  test("is on another row when its own was disconnected", async () => {
    const { send } = await open({ accounts: [azure(), google()] });
    button("Contoso").focus();
    await send({ accounts: [google()] });
    await tick();
    expect(focused()).not.toBe(document.body);
    expect((focused() as HTMLElement).tabIndex).toBe(0);
  });

  test("is on another row of the same list when its own was disconnected", async () => {
    const { send } = await open({ accounts: [azure(), fabrikam()] });
    button("Contoso").focus();
    await send({ accounts: [fabrikam()] });
    await waitFor(() => expect(focused()).toBe(button("Fabrikam")));
  });

  test("goes on from a row's menu button when Tab leaves the menu", async () => {
    await open({ accounts: [azure()] });
    await click("More for Contoso");
    await press("Tab");
    expect(screen.queryByRole("menu")).toBeNull();
    expect(focused()).toBe(button("More for Contoso"));
  });
});

describe("undo", () => {
  test("of a disconnect is offered in its row for as long as it can be", async () => {
    const leaving = azure({ leavesAt: minutes(9 / 60) });
    const { named } = await open({ accounts: [leaving] });
    expect(within(row("Contoso")).getByText("Disconnects in 9 s")).toBeTruthy();
    await click("Undo disconnecting Contoso");
    expect(named("undo_disconnect")[0]?.args).toEqual({ account: azure().id });
  });

  test("of a switch puts the one before back into use, also with Ctrl Z", async () => {
    const { named } = await open({ accounts: [azure({ active: true }), fabrikam()] });
    button("Fabrikam").focus();
    await press("u");
    await screen.findByText("Fabrikam is in use.");
    await press("z", { ctrlKey: true });
    await waitFor(() => expect(named("use_account")).toHaveLength(2));
    expect(named("use_account")[1]?.args).toEqual({ account: azure().id, target: azure().target?.id });
  });

  test("of a new name gives the old one back", async () => {
    const { named } = await open({ accounts: [azure()] });
    button("Contoso").focus();
    await press("F2");
    await fireEvent.input(screen.getByRole("textbox", { name: "Name" }), { target: { value: "Work" } });
    await click("Save");
    await fireEvent.click(await screen.findByRole("button", { name: "Undo: Renamed to Work." }));
    await waitFor(() => expect(named("rename").map((call) => call.args["name"])).toEqual(["Work", null]));
  });
});

describe("a failure", () => {
  test("that the details say is not said at the foot as well", async () => {
    const error = errorView("throttled", "Entra asks to wait 30 seconds.");
    const { send } = await open(
      { accounts: [azure()] },
      {
        renew: () => {
          throw error;
        },
      },
    );
    await click("Contoso");
    await click("Renew Contoso");
    await waitFor(() => expect(screen.getAllByText("Entra asks to wait 30 seconds.")).toHaveLength(1));
    await send({ accounts: [azure({ renewalFailure: error })] });
    await waitFor(() => expect(screen.getAllByText("Entra asks to wait 30 seconds.")).toHaveLength(1));
    const details = screen.getByRole("complementary");
    expect(within(details).getByText("Entra asks to wait 30 seconds.")).toBeTruthy();
  });
});
