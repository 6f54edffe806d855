import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import { cloudView, desktop, errorView, usual, preferences } from "../fixtures.ts";
import { type Answers, button, click, open } from "./open.ts";

describe("settings", () => {
  test("say where things are stored", async () => {
    await open(
      {},
      { storage: () => [{ label: "Accounts", path: "/home/ada/accounts.db", what: "Names. No secret." }] },
    );

    await click("Settings");

    expect(await screen.findByText("/home/ada/accounts.db")).toBeTruthy();
  });

  test("leave a client id from the environment alone", async () => {
    await open({ clouds: [cloudView({ clientIdOrigin: "AZURE_CLIENT_ID" })] });
    await click("Settings");

    expect((screen.getByRole("textbox", { name: "Client id" }) as HTMLInputElement).disabled).toBe(true);
    expect(screen.getByText(/Set by AZURE_CLIENT_ID in the environment/)).toBeTruthy();
  });

  test("choose the theme for the whole window", async () => {
    const { named, send } = await open({});
    await click("Settings");

    await fireEvent.click(screen.getByRole("radio", { name: "Dark" }));
    expect(named("save_preferences")[0]?.args).toEqual({ preferences: { ...preferences, theme: "dark" } });
    await send({ preferences: { ...preferences, theme: "dark" } });

    expect(document.documentElement.dataset["theme"]).toBe("dark");
  });

  test("turn notifications off and on, and leave every other preference alone", async () => {
    const { named, send } = await open({});
    await click("Settings");
    const box = () => screen.getByRole("checkbox", { name: /Notify me/ }) as HTMLInputElement;
    expect(box().checked).toBe(true);

    await fireEvent.click(box());
    await send({ preferences: { ...preferences, notify: false } });
    expect(box().checked).toBe(false);
    await fireEvent.click(box());

    expect(named("save_preferences").map((call) => call.args)).toEqual([
      { preferences: { ...preferences, notify: false } },
      { preferences: { ...preferences, notify: true } },
    ]);
  });

  test("forget everything only after the words were typed", async () => {
    const unrevoked = { code: "offline", message: "Google could not revoke access.", reference: "1" };
    const { named } = await open({ accounts: usual }, { forget_everything: () => [unrevoked] });
    await click("Settings");
    await click("Forget everything…");
    const dialog = screen.getByRole("dialog");
    const confirm = within(dialog).getByRole("button", { name: "Forget everything" }) as HTMLButtonElement;

    expect(confirm.disabled).toBe(true);
    await fireEvent.input(within(dialog).getByRole("textbox"), { target: { value: "forget everything" } });
    expect(confirm.disabled).toBe(false);
    await fireEvent.click(confirm);

    await waitFor(() => expect(named("forget_everything")).toHaveLength(1));
    expect(await screen.findByText(/Google could not revoke access/)).toBeTruthy();
  });
});

describe("the desktop's settings", () => {
  const settings = async (answers: Answers) => {
    const opened = await open({ accounts: usual }, answers);
    await click("Settings");
    await screen.findByRole("checkbox", { name: /Start when you log in/ });
    return opened;
  };
  const box = (name: RegExp): HTMLInputElement => screen.getByRole("checkbox", { name });

  test("starts at login, hidden unless the window is asked for", async () => {
    const { named } = await settings({
      set_at_login: ({ atLogin }) => desktop({ atLogin: atLogin as "off" | "window" | "hidden" }),
    });
    expect(box(/Start when/).checked).toBe(false);
    expect(box(/Start minimised/).disabled).toBe(true);

    await fireEvent.click(box(/Start when/));
    await waitFor(() => expect(box(/Start minimised/).checked).toBe(true));
    await fireEvent.click(box(/Start minimised/));
    await waitFor(() => expect(box(/Start minimised/).checked).toBe(false));
    await fireEvent.click(box(/Start when/));
    await waitFor(() => expect(box(/Start when/).checked).toBe(false));

    expect(named("set_at_login").map((call) => call.args["atLogin"])).toEqual(["hidden", "window", "off"]);
  });

  test("a change that failed is said and leaves the box as it was", async () => {
    await settings({
      set_at_login: () => {
        throw errorView("storage-failed", "The folder autostart could not be written.");
      },
    });

    await fireEvent.click(box(/Start when/));

    expect(await screen.findByText("The folder autostart could not be written.")).toBeTruthy();
    await waitFor(() => expect(box(/Start when/).checked).toBe(false));
  });

  test("a browser is chosen, and a choice that failed is taken back", async () => {
    const base = desktop().browser;
    const { named } = await settings({
      choose_browser: ({ id }) => {
        if (id === "chromium.desktop") throw errorView("not-found", "It is not installed any more.");
        return desktop({ browser: { ...base, chosen: id as string | null } });
      },
    });
    const list: HTMLSelectElement = screen.getByLabelText("Browser");
    expect(list.value).toBe("");

    await fireEvent.change(list, { target: { value: "firefox.desktop" } });
    expect(await screen.findByText("Firefox opens sign-in pages now.")).toBeTruthy();
    await waitFor(() => expect(list.value).toBe("firefox.desktop"));
    await fireEvent.change(list, { target: { value: "chromium.desktop" } });
    expect(await screen.findByText("It is not installed any more.")).toBeTruthy();
    await waitFor(() => expect(list.value).toBe("firefox.desktop"));

    expect(named("choose_browser").map((call) => call.args["id"])).toEqual([
      "firefox.desktop",
      "chromium.desktop",
    ]);
  });

  test("a browser set elsewhere is shown, and a variable cannot be changed here", async () => {
    const base = desktop().browser;
    await settings({
      desktop: () => desktop({ browser: { ...base, other: "lynx %s", fromVariable: true } }),
    });

    const list: HTMLSelectElement = screen.getByLabelText("Browser");
    expect(list.disabled).toBe(true);
    expect(list.selectedOptions[0]?.textContent).toBe("lynx %s");
    expect(screen.getByText("Set by the variable MCM_BROWSER")).toBeTruthy();
  });

  test("a missing tray library is said, and what to do", async () => {
    await settings({ desktop: () => desktop({ trayLibraryMissing: true }) });
    expect(screen.getByText(/libayatana-appindicator3 is not installed. Install it/)).toBeTruthy();
  });

  test("a shortcut is recorded, refused when it is taken, and turned off", async () => {
    const { named } = await settings({
      set_shortcut: ({ keys }) => {
        if (keys === "Ctrl+Alt+T") throw errorView("invalid-input", "Another program has Ctrl+Alt+T.");
        return desktop({ shortcut: { possible: true, keys: keys as string | null, error: null } });
      },
    });
    const record = async (init: KeyboardEventInit): Promise<void> => {
      await fireEvent.keyDown(screen.getByRole("button", { name: "Press the keys" }), init);
    };

    await click("Set keys…");
    await record({ key: "t", code: "KeyT", ctrlKey: true, altKey: true });
    expect(await screen.findByText("Another program has Ctrl+Alt+T.")).toBeTruthy();
    await click("Set keys…");
    await record({ key: "Control", code: "ControlLeft", ctrlKey: true });
    await fireEvent.keyDown(screen.getByRole("button", { name: "Ctrl + …" }), {
      key: "k",
      code: "KeyK",
      ctrlKey: true,
      altKey: true,
    });
    expect(await screen.findByText("Ctrl + Alt + K")).toBeTruthy();
    await click("Change…");
    await record({ key: "Escape", code: "Escape" });
    await waitFor(() => expect(document.activeElement).toBe(button("Change…")));
    await click("Turn off");
    await waitFor(() => expect(screen.getByText("Off")).toBeTruthy());

    expect(named("set_shortcut").map((call) => call.args["keys"])).toEqual([
      "Ctrl+Alt+T",
      "Ctrl+Alt+K",
      null,
    ]);
  });

  test("where no program may listen for keys, the desktop's own way is shown", async () => {
    await settings({ desktop: () => desktop({ shortcut: { possible: false, keys: null, error: null } }) });

    expect(screen.getByText("multi-cloud-manager --switcher")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Set keys…" })).toBeNull();
  });
});
