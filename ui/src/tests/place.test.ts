import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, describe, expect, test } from "vitest";
import { azure, errorView, fabrikam, usual } from "../fixtures.ts";
import { button, click, open, row } from "./open.ts";

describe("the place", () => {
  const kept = (place: object) => ({ kept_place: () => JSON.stringify(place) });

  test("has the steps after the first connection, except while the user searches", async () => {
    const named = "Fabrikam is ready. Two steps are left.";
    await open(
      { accounts: usual },
      {
        ...kept({ firstConnected: fabrikam().id }),
        search: () => [{ account: fabrikam().id, target: null }],
      },
    );

    expect(await screen.findByRole("region", { name: named })).toBeTruthy();
    const field = screen.getByRole("searchbox", { name: "Search accounts" });
    await fireEvent.input(field, { target: { value: "fab" } });
    expect(screen.queryByRole("region", { name: named })).toBeNull();
    await fireEvent.input(field, { target: { value: "" } });
    expect(await screen.findByRole("region", { name: named })).toBeTruthy();
  });

  test("is where it was when the window comes back", async () => {
    const opened = fabrikam().id;
    const { named } = await open(
      { accounts: usual },
      {
        ...kept({
          screen: "accounts",
          filter: "azure",
          opened,
          query: "fab",
          scroll: { screen: 120, detail: 40 },
        }),
        search: () => [{ account: opened, target: null }],
      },
    );

    expect(await screen.findByRole("complementary", { name: "Details of Fabrikam" })).toBeTruthy();
    expect((screen.getByRole("searchbox", { name: "Search accounts" }) as HTMLInputElement).value).toBe(
      "fab",
    );
    expect(named("search")[0]?.args).toEqual({ query: "fab" });
    expect(button("Azure accounts").getAttribute("aria-current")).toBe("page");
    await waitFor(() => expect(screen.getByRole("main").scrollTop).toBe(120));
    expect(screen.getByRole("complementary").scrollTop).toBe(40);
  });

  test("is Activity of the account that it was narrowed to", async () => {
    const { named } = await open({ accounts: usual }, kept({ screen: "activity", activityOf: azure().id }));

    await screen.findByRole("heading", { name: "Activity" });
    expect(named("activity")[0]?.args).toEqual({ account: azure().id });
  });

  test("is kept as ids, once the user stays there", async () => {
    const { named } = await open({ accounts: usual });

    await click("Needs you");
    await click("Fabrikam");
    await waitFor(() => expect(named("keep_place")).toHaveLength(1));

    const place = JSON.parse(String(named("keep_place")[0]?.args["place"])) as Record<string, unknown>;
    expect(place).toMatchObject({ screen: "accounts", filter: "needs-you", opened: fabrikam().id });
    expect(JSON.stringify(place)).not.toMatch(/Fabrikam|@/);
  });

  test("is kept at once when the window closes", async () => {
    const { named } = await open({ accounts: usual });
    await click("Settings");
    expect(named("keep_place")).toHaveLength(0);

    await fireEvent(window, new Event("pagehide"));

    expect(named("keep_place")).toHaveLength(1);
  });

  test("that cannot be brought back is the start", async () => {
    await open(
      { accounts: usual },
      {
        kept_place: () => {
          throw errorView("internal", "No place.");
        },
      },
    );

    expect(await screen.findByRole("list", { name: "Azure accounts" })).toBeTruthy();
    expect(within(screen.getByRole("log")).queryByText("No place.")).toBeNull();
  });

  test("of an account that has gone is the list", async () => {
    await open({ accounts: usual }, kept({ screen: "accounts", opened: "azure-gone" }));

    expect(await screen.findByRole("list", { name: "Azure accounts" })).toBeTruthy();
    expect(screen.queryByRole("complementary")).toBeNull();
  });
});

describe("the address", () => {
  afterEach(() => history.replaceState(null, "", "/"));

  test("opens Connect at the start, whatever place was kept", async () => {
    history.replaceState(null, "", "#connect");
    await open({ accounts: usual }, { kept_place: () => JSON.stringify({ screen: "settings" }) });

    expect(await screen.findByRole("heading", { name: "Connect account" })).toBeTruthy();
    expect(location.hash).toBe("");
  });

  test("selects an account when it changes, whatever the list was narrowed to, and again", async () => {
    await open({ accounts: usual });
    await click("Google Cloud accounts");

    for (let turn = 0; turn < 2; turn += 1) {
      location.hash = `#account/${fabrikam().id}`;
      expect(await screen.findByRole("complementary", { name: "Details of Fabrikam" })).toBeTruthy();
      await waitFor(() => expect(location.hash).toBe(""));
      await click("Close details");
    }
    expect(row("Fabrikam")).toBeTruthy();
  });

  test("that means nothing changes nothing and is cleared", async () => {
    history.replaceState(null, "", "#settings/../%E0%A4%A");
    await open({ accounts: usual });

    expect(await screen.findByRole("list", { name: "Azure accounts" })).toBeTruthy();
    await waitFor(() => expect(location.hash).toBe(""));
  });
});

describe("the start", () => {
  test("shows that accounts are being loaded", async () => {
    await open(null);
    expect(screen.getByRole("status").textContent).toBe("Loading accounts");
  });

  test("that failed says why and can be retried", async () => {
    let attempts = 0;
    await open(null, {
      watch: () => {
        attempts += 1;
        throw errorView("storage-unreadable", "accounts.db is of a newer version. Update this app.");
      },
    });
    await waitFor(() => screen.getByText("accounts.db is of a newer version. Update this app."));

    await click("Retry");

    await waitFor(() => expect(attempts).toBe(2));
  });
});
