import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, describe, expect, test } from "vitest";
import {
  azure,
  cloudView,
  desktop,
  googleView,
  noClientId,
  noGoogleClient,
  preferences,
  signInView,
} from "../fixtures.ts";
import { button, click, open } from "./open.ts";

describe("the first run", () => {
  const fresh = { preferences: { ...preferences, welcomed: false } } as const;

  test("says what the app does and offers the clouds that there are", async () => {
    await open({ ...fresh });

    expect(screen.getByRole("heading", { name: "Welcome to Multi-Cloud Manager" })).toBeTruthy();
    expect(button("Azure")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Assume a role" })).toBeNull();
  });

  test("can be passed", async () => {
    const { named } = await open({ ...fresh });

    await click("Look around first");

    expect(named("save_preferences")[0]?.args).toEqual({ preferences });
  });

  test("says once that sandbox clouds stay on this machine", async () => {
    const clouds = [cloudView({ sandbox: true }), googleView({ sandbox: true })];
    await open({ ...fresh, clouds });
    expect(screen.getAllByText("Sandbox clouds on this machine: nothing leaves it")).toHaveLength(1);
  });

  test("says beside one cloud that it alone is the sandbox's", async () => {
    await open({ ...fresh, clouds: [cloudView({ sandbox: true }), googleView()] });
    const card = screen.getByRole("region", { name: "Azure" });
    expect(within(card).getByText("Sandbox clouds on this machine: nothing leaves it")).toBeTruthy();
  });

  test("names its three steps, and the first connection leaves two of them", async () => {
    const { named, send } = await open(fresh, {
      desktop: () => desktop(),
      set_shortcut: () => desktop({ shortcut: { possible: true, keys: "Ctrl+Alt+K", error: null } }),
    });
    expect(screen.getAllByRole("heading", { level: 2 }).map((one) => one.textContent)).toEqual([
      "1. Connect a cloud",
      "2. Choose the switcher’s shortcut",
      "3. Try it in a terminal",
    ]);

    await send({
      ...fresh,
      accounts: [azure()],
      signIns: [signInView({ step: "done", account: azure().id, updated: false })],
    });
    await send({ accounts: [azure()] });

    const steps = screen.getByRole("region", { name: "Contoso is ready. Two steps are left." });
    await fireEvent.click(await within(steps).findByRole("button", { name: "Set keys…" }));
    await fireEvent.keyDown(within(steps).getByRole("button", { name: "Press the keys" }), {
      key: "k",
      code: "KeyK",
      ctrlKey: true,
      altKey: true,
    });
    expect(named("set_shortcut")[0]?.args).toEqual({ keys: "Ctrl+Alt+K" });
    expect(await within(steps).findByText("Ctrl + Alt + K")).toBeTruthy();
    const details = screen.getByRole("complementary", { name: "Details of Contoso" });
    expect(within(details).getByText("mcm exec Contoso -- terraform plan")).toBeTruthy();
    expect(within(steps).queryByText("mcm exec Contoso -- terraform plan")).toBeNull();
    await click("Close details");
    expect(within(steps).getByText("mcm exec Contoso -- terraform plan")).toBeTruthy();
    expect(within(steps).getByText("mcm whoami")).toBeTruthy();

    await click("Close steps");

    expect(screen.queryByRole("region", { name: /Two steps are left/ })).toBeNull();
  });

  test("shows what to register and takes a client id of the right form", async () => {
    const { named } = await open({ ...fresh, clouds: [cloudView(noClientId)] });

    expect(screen.getByText(/az ad app create/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Azure" })).toBeNull();
    const field = screen.getByRole("textbox", { name: "Client id" });
    await fireEvent.input(field, { target: { value: "not-a-guid" } });
    await click("Save");
    expect(screen.getByRole("alert").textContent).toMatch(/is a GUID/);
    expect(named("save_client_id")).toEqual([]);
    await fireEvent.input(field, { target: { value: "1b7a2c3d-0000-4000-8000-0123456789ab" } });
    await click("Save");

    expect(named("save_client_id")[0]?.args).toEqual({
      cloud: "azure",
      clientId: "1b7a2c3d-0000-4000-8000-0123456789ab",
    });
  });
});

describe("a text to copy", () => {
  const fresh = { preferences: { ...preferences, welcomed: false } } as const;
  const clipboard = (writeText: () => Promise<void>): void => {
    Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText } });
  };
  afterEach(() => Reflect.deleteProperty(navigator, "clipboard"));

  test("says that it was copied", async () => {
    clipboard(() => Promise.resolve());
    await open({ ...fresh, clouds: [cloudView(noClientId)] });

    await click("Copy http://localhost");

    await waitFor(() => expect(button("Copy http://localhost").textContent?.trim()).toBe("Copied"));
  });

  test("is selected where the web view refuses to copy", async () => {
    clipboard(() => Promise.reject(new DOMException("refused", "NotAllowedError")));
    await open({ ...fresh, clouds: [cloudView(noClientId)] });

    await click("Copy http://localhost");

    expect(await screen.findByText("Could not copy. The text is selected: press Ctrl C.")).toBeTruthy();
    expect(getSelection()?.toString()).toBe("http://localhost");
    expect(within(screen.getByRole("log")).queryByText(/could not be copied/)).toBeNull();
  });

  test("of an account is copied by the backend, the whole of it", async () => {
    const { named } = await open({ accounts: [azure()] });
    await click("Contoso");

    await click("Copy Tenant id");

    await waitFor(() => expect(named("copy")[0]?.args).toEqual({ account: azure().id, what: "cloud-id" }));
  });
});

describe("setting Google Cloud up", () => {
  const fresh = { preferences: { ...preferences, welcomed: false } } as const;

  test("shows each step in the console, with the lines for settings.toml", async () => {
    await open({ ...fresh, clouds: [googleView(noGoogleClient)] });

    for (const step of ["Choose a project for the client", "Set up the consent screen", "Add the scopes"]) {
      expect(screen.getByRole("heading", { name: step })).toBeTruthy();
    }
    expect(screen.getByText(/test user, at most 100/)).toBeTruthy();
    expect(screen.getByText(/client_secret_file = "client_secret_….json"/)).toBeTruthy();
    expect(screen.getByText(/Enter no redirect URI/)).toBeTruthy();
    expect(screen.queryByText(/az ad app create/)).toBeNull();
  });

  test("takes a client id", async () => {
    const { named } = await open({ ...fresh, clouds: [googleView(noGoogleClient)] });

    await fireEvent.input(screen.getByRole("textbox", { name: "Client id" }), {
      target: { value: "412345678901-k3v9.apps.googleusercontent.com" },
    });
    await click("Save");

    expect(named("save_client_id")[0]?.args).toEqual({
      cloud: "gcp",
      clientId: "412345678901-k3v9.apps.googleusercontent.com",
    });
  });

  test("says in the settings which access a sign-in asks for", async () => {
    await open({ clouds: [googleView()] });

    await click("Settings");

    expect(screen.getByText(/Full: command lines can change/)).toBeTruthy();
    expect(screen.getByText(/for clients of type iOS only/)).toBeTruthy();
  });
});
