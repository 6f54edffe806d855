import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { describe, expect, test, vi } from "vitest";
import {
  azure,
  errorView,
  everyStatus,
  fabrikam,
  google,
  googleWithoutAccess,
  minutes,
  NOW,
  usual,
} from "../fixtures.ts";
import { watchNothing } from "./near.ts";
import { button, click, open, row } from "./open.ts";

describe("the list", () => {
  test("has one row for each account, under its cloud with a count", async () => {
    await open({ accounts: usual });

    expect(screen.getByRole("list", { name: "Azure accounts" })).toBeTruthy();
    expect(
      within(screen.getByRole("list", { name: "Azure accounts" })).getAllByRole("listitem"),
    ).toHaveLength(2);
    expect(screen.getByText("2 tenants, 11 subscriptions")).toBeTruthy();
    expect(within(row("Contoso")).getByText("In use")).toBeTruthy();
    expect(within(row("Contoso")).getByText("Production")).toBeTruthy();
  });

  test.each([
    ["connected", "42 min"],
    ["renewing", "4 min, renewing"],
    ["expired", "Expired"],
    ["sign-in-again", "Sign in again"],
    ["locked", "Locked"],
    ["unknown", "Keychain unavailable"],
    ["offline", "42 min, unreachable"],
    ["noSession", "Renews on use"],
    ["reading", "Loading subscriptions"],
  ] as const)("says in words when an account is %s", async (state, words) => {
    const account = everyStatus[state];
    await open({ accounts: [account] });

    expect(within(row(account.name)).getByText(words)).toBeTruthy();
  });

  test("shows the clock of the snapshot's times as they pass", async () => {
    vi.useFakeTimers({ now: NOW, toFake: ["Date", "setInterval"] });
    await open({ accounts: [azure()] });
    expect(within(row("Contoso")).getByText("42 min")).toBeTruthy();

    vi.setSystemTime(NOW + 10 * 60_000);
    await vi.advanceTimersByTimeAsync(5_000);

    expect(within(row("Contoso")).getByText("32 min")).toBeTruthy();
  });

  test("says when a session does not renew because renewing is paused", async () => {
    await open({ accounts: [azure()], paused: true });
    expect(within(row("Contoso")).getByText("42 min, paused")).toBeTruthy();
  });

  test("says when a sign-in ends soon", async () => {
    await open({ accounts: [azure({ signInEnd: { at: minutes(200), why: "provider-limit" } })] });
    expect(within(row("Contoso")).getByText("Sign in by 18:20")).toBeTruthy();
  });

  test("says that a sign-in came without cloud access, and asks for it again", async () => {
    const account = googleWithoutAccess();
    const { named } = await open({ accounts: [account] });

    expect(within(row(account.name)).getByText("No cloud access")).toBeTruthy();
    await fireEvent.click(within(row(account.name)).getByText("Ask again"));

    expect(named("connect")[0]?.args).toEqual({ cloud: "gcp", tenant: null, account: account.id });
  });

  test("narrows to what needs the user from the banner", async () => {
    await open({
      accounts: [...usual, azure({ id: "azure-2", name: "Northwind", status: "sign-in-again" })],
    });

    await click("Review");

    expect(screen.getAllByRole("listitem").filter((item) => item.hasAttribute("aria-label"))).toHaveLength(2);
    expect(row("Fabrikam")).toBeTruthy();
  });

  test("is empty with the next step when there is no account", async () => {
    await open({});

    expect(screen.getByText("No account yet")).toBeTruthy();
    expect(button("Connect account")).toBeTruthy();
  });

  test("moves with the arrows and acts with u and r", async () => {
    const { named } = await open({ accounts: usual });
    button("Contoso").focus();

    await fireEvent.keyDown(document.activeElement as Element, { key: "ArrowDown" });
    expect(document.activeElement).toBe(button("Fabrikam"));
    await fireEvent.keyDown(document.activeElement as Element, { key: "u" });
    await fireEvent.keyDown(document.activeElement as Element, { key: "ArrowUp" });
    await fireEvent.keyDown(document.activeElement as Element, { key: "r" });

    expect(named("use_account").map((call) => call.args["account"])).toEqual([fabrikam().id]);
    expect(named("renew").map((call) => call.args["account"])).toEqual([azure().id]);
  });

  test("ignores u and r where no row has the focus", async () => {
    const { named } = await open({ accounts: usual });
    button("Settings").focus();
    await fireEvent.keyDown(button("Settings"), { key: "u" });
    await fireEvent.keyDown(document.body, { key: "u" });
    await fireEvent.keyDown(document.body, { key: "r" });

    expect(named("use_account")).toEqual([]);
    expect(named("renew")).toEqual([]);
  });

  test("keeps the beginning of a cut name in any script, and shows the whole name on hover", async () => {
    const name = "شركة كونتوسو للتجارة";
    await open({ accounts: [azure({ name })] });

    expect(button(name).getAttribute("dir")).toBe("auto");
    expect(button(name).title).toBe(name);
  });

  test("draws a screenful of a thousand rows, and the others when they come near", async () => {
    const boxes = watchNothing();
    const accounts = Array.from({ length: 1_000 }, (_, at) =>
      azure({ id: `azure-${at}`, name: `Tenant ${at}` }),
    );
    await open({ accounts });
    const drawn = (): number => document.querySelectorAll("button[data-account]").length;
    expect(drawn()).toBe(25);
    expect(boxes).toHaveLength(39);
    expect(boxes[0]?.box.getAttribute("aria-label")).toBe("25 accounts further down");

    boxes[0]?.near();
    await tick();
    expect(drawn()).toBe(50);

    const button = (id: string) => document.querySelector<HTMLElement>(`[data-account="${id}"]`);
    button("azure-0")?.focus();
    await fireEvent.keyDown(document.activeElement as Element, { key: "End" });
    expect(document.activeElement).toBe(button("azure-999"));
    expect(drawn()).toBe(75);
    vi.unstubAllGlobals();
  });

  test("signs in again on r where only that helps", async () => {
    const { named } = await open({ accounts: [fabrikam()] });
    button("Fabrikam").focus();

    await fireEvent.keyDown(document.activeElement as Element, { key: "r" });

    expect(named("renew")).toEqual([]);
    expect(named("connect")[0]?.args).toEqual({
      cloud: "azure",
      tenant: null,
      account: fabrikam().id,
    });
  });
});

describe("a row's menu", () => {
  test("takes the focus, moves with the arrows and gives the focus back on Escape", async () => {
    await open({ accounts: usual });
    await click("More for Fabrikam");

    expect(document.activeElement).toBe(screen.getByRole("menuitem", { name: "Use u" }));
    await fireEvent.keyDown(document.activeElement as Element, { key: "ArrowDown" });
    expect(document.activeElement).toBe(screen.getByRole("menuitem", { name: "Sign in again r" }));
    await fireEvent.keyDown(document.activeElement as Element, { key: "Escape" });

    expect(screen.queryByRole("menu")).toBeNull();
    expect(document.activeElement).toBe(button("More for Fabrikam"));
  });

  test("gives a star and a colour", async () => {
    const { named } = await open({ accounts: [azure()] });

    await click("More for Contoso");
    await fireEvent.click(screen.getByRole("menuitem", { name: "Star" }));
    await click("More for Contoso");
    await fireEvent.click(screen.getByRole("menuitemradio", { name: "Violet" }));

    expect(named("set_star")[0]?.args).toEqual({ account: azure().id, starred: true });
    expect(named("set_colour")[0]?.args).toEqual({ account: azure().id, colour: "violet" });
  });
});

describe("banners", () => {
  test("a locked keychain offers to unlock it", async () => {
    let answer: () => void = () => undefined;
    const { named } = await open(
      { keychain: { state: "locked", name: "Login keyring", error: null } },
      { retry_keychain: () => new Promise<void>((resolve) => (answer = resolve)) },
    );
    expect(screen.getByText(/Login keyring is locked/)).toBeTruthy();

    await click("Unlock…");

    expect(screen.getByText(/Answer in its dialog within two minutes/)).toBeTruthy();
    expect(named("retry_keychain")).toHaveLength(1);
    answer();
    await waitFor(() => expect(screen.getByText(/Login keyring is locked/)).toBeTruthy());
  });

  test("one cloud that cannot be reached is named, once, with what was last known still shown", async () => {
    await open({ accounts: [everyStatus.offline, google()], unreachable: ["azure"] });

    expect(screen.getByText(/^Azure cannot be reached\. Its accounts show/)).toBeTruthy();
    expect(screen.queryByText(/offline/i)).toBeNull();
    expect(row("Wingtip")).toBeTruthy();
  });

  test("a file that could not be read is a sentence with one full stop", async () => {
    await open({ problems: [errorView("storage-unreadable", "settings.toml, line 4: no.")] });

    expect(screen.getByText(/It was not changed\. settings\.toml, line 4: no\. Reference/)).toBeTruthy();
  });

  test("only when no cloud can be reached the network is suspected", async () => {
    await open({ accounts: [everyStatus.offline, google()], unreachable: ["azure", "gcp"] });

    expect(screen.getByText(/^No cloud can be reached, so you may be offline/)).toBeTruthy();
  });

  test("a cloud without an account has no banner", async () => {
    await open({ accounts: [google()], unreachable: ["aws"] });

    expect(screen.queryByText(/cannot be reached/)).toBeNull();
  });

  test("no banner is shown when no action is needed", async () => {
    await open({ accounts: [azure()] });
    expect(screen.getByRole("region", { name: "What needs you" }).children).toHaveLength(0);
  });
});
