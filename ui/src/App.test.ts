import { mockIPC } from "@tauri-apps/api/mocks";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import App from "./App.svelte";
import type { Snapshot } from "./bindings/Snapshot";
import type { PrepareRole } from "./bindings/PrepareRole";
import type { RoleCheck } from "./bindings/RoleCheck";
import type { SignInStep } from "./bindings/SignInStep";
import type { SignInView } from "./bindings/SignInView";
import {
  aws,
  awsCaller,
  awsSources,
  awsView,
  azure,
  cloudView,
  desktop,
  errorView,
  everyEvent,
  everyStatus,
  fabrikam,
  google,
  googleView,
  googleWithoutAccess,
  activityEvent,
  manyTargets,
  minutes,
  noClientId,
  noGoogleClient,
  NOW,
  organizationAccounts,
  pendingRole,
  preparedRole,
  signInView,
  snapshot,
  subscriptions,
  usual,
  verification,
  verified,
  verifying,
} from "./fixtures.ts";

type Answers = Record<string, (args: Record<string, unknown>) => unknown>;

/** The dashboard with a backend that gives scripted answers and records every call. */
async function open(first: Partial<Snapshot> | null, answers: Answers = {}) {
  const calls: { command: string; args: Record<string, unknown> }[] = [];
  let deliver: (next: Snapshot) => void = () => undefined;
  let revision = 1;
  mockIPC((command, payload) => {
    const args = payload as Record<string, unknown>;
    if (command === "watch") {
      const channel = args["channel"] as { onmessage: (next: Snapshot) => void };
      deliver = (next) => channel.onmessage(next);
      const answer = answers["watch"]?.(args);
      if (first !== null) deliver(snapshot({ ...first, revision }));
      return answer ?? null;
    }
    calls.push({ command, args });
    const answer = answers[command];
    if (answer !== undefined) return answer(args);
    if (["desktop", "set_at_login", "set_shortcut"].includes(command)) return desktop();
    return ["activity", "search", "organization", "storage", "targets"].includes(command) ? [] : null;
  });
  render(App);
  await tick();
  await tick();
  // The place is asked for before anything is drawn.
  for (
    let turn = 0;
    turn < 10 && first !== null && screen.queryByText("Loading accounts") !== null;
    turn += 1
  )
    await tick();
  return {
    calls,
    named: (command: string) => calls.filter((call) => call.command === command),
    send: async (next: Partial<Snapshot>) => {
      deliver(snapshot({ ...next, revision: ++revision }));
      await tick();
    },
  };
}

const button = (name: string | RegExp): HTMLElement => screen.getByRole("button", { name });
const click = (name: string | RegExp): Promise<boolean> => fireEvent.click(button(name));
const row = (name: string): HTMLElement => screen.getByRole("listitem", { name });

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

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
    ["offline", "42 min, offline"],
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
    await open({ accounts: usual });

    await click("Review");

    expect(screen.getAllByRole("listitem").filter((item) => item.hasAttribute("aria-label"))).toHaveLength(1);
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
    const boxes: { box: Element; near: () => void }[] = [];
    class Watcher {
      readonly #tell: IntersectionObserverCallback;
      constructor(tell: IntersectionObserverCallback) {
        this.#tell = tell;
      }
      observe(box: Element): void {
        const near = [{ isIntersecting: true }] as IntersectionObserverEntry[];
        boxes.push({ box, near: () => this.#tell(near, this as unknown as IntersectionObserver) });
      }
      disconnect(): void {
        boxes.splice(0, boxes.length, ...boxes.filter((one) => one.box.isConnected));
      }
    }
    vi.stubGlobal("IntersectionObserver", Watcher);
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

    button("Tenant 0").focus();
    await fireEvent.keyDown(document.activeElement as Element, { key: "End" });
    expect(document.activeElement).toBe(button("Tenant 999"));
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

describe("the search", () => {
  test("takes the focus on Ctrl K and on slash", async () => {
    await open({ accounts: usual });
    const box = screen.getByRole("searchbox", { name: "Search accounts" });

    await fireEvent.keyDown(window, { key: "k", ctrlKey: true });
    expect(document.activeElement).toBe(box);
    box.blur();
    await fireEvent.keyDown(window, { key: "/" });
    expect(document.activeElement).toBe(box);
  });

  test("shows what the backend found, with the target that fitted", async () => {
    const { named } = await open(
      { accounts: usual },
      { search: () => [{ account: azure().id, target: subscriptions[1] }] },
    );

    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "stag" } });
    await waitFor(() => expect(within(row("Contoso")).getByText("Staging")).toBeTruthy());

    expect(screen.queryByRole("listitem", { name: "Fabrikam" })).toBeNull();
    expect(named("search").at(-1)?.args).toEqual({ query: "stag" });
  });

  test("says in use only beside the target that is", async () => {
    const found = { target: subscriptions[1] };
    await open({ accounts: usual }, { search: () => [{ account: azure().id, ...found }] });
    expect(within(row("Contoso")).getByText("In use")).toBeTruthy();

    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "stag" } });
    await waitFor(() => expect(within(row("Contoso")).getByText("Staging")).toBeTruthy());
    expect(within(row("Contoso")).queryByText("In use")).toBeNull();

    found.target = subscriptions[0];
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "prod" } });
    await waitFor(() => expect(within(row("Contoso")).getByText("In use")).toBeTruthy());
  });

  test("drops an answer that comes after a later question's", async () => {
    const late: ((found: unknown) => void)[] = [];
    await open({ accounts: usual }, { search: () => new Promise((resolve) => late.push(resolve)) });
    const box = screen.getByRole("searchbox");

    await fireEvent.input(box, { target: { value: "f" } });
    await fireEvent.input(box, { target: { value: "fa" } });
    await waitFor(() => expect(late).toHaveLength(2));
    late[1]?.([{ account: fabrikam().id, target: null }]);
    await waitFor(() => expect(screen.queryByRole("listitem", { name: "Contoso" })).toBeNull());
    late[0]?.([{ account: azure().id, target: null }]);
    await tick();
    await tick();

    expect(row("Fabrikam")).toBeTruthy();
    expect(screen.queryByRole("listitem", { name: "Contoso" })).toBeNull();
  });

  test("opens the best on Enter, once the last letter is answered", async () => {
    const answers: ((found: unknown) => void)[] = [];
    await open({ accounts: usual }, { search: () => new Promise((resolve) => answers.push(resolve)) });
    const box = screen.getByRole("searchbox");

    await fireEvent.input(box, { target: { value: "f" } });
    answers[0]?.([{ account: azure().id, target: null }]);
    await waitFor(() => expect(screen.queryByRole("listitem", { name: "Fabrikam" })).toBeNull());
    await fireEvent.input(box, { target: { value: "fa" } });
    await fireEvent.keyDown(box, { key: "Enter" });
    answers[1]?.([{ account: fabrikam().id, target: null }]);

    await screen.findByRole("complementary", { name: "Details of Fabrikam" });
  });

  test("that fails keeps the rows and offers another try", async () => {
    let fails = true;
    await open(
      { accounts: usual },
      {
        search: () => {
          if (fails) throw errorView("storage-failed", "accounts.json cannot be read.");
          return [];
        },
      },
    );
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "fab" } });
    await screen.findByText("accounts.json cannot be read.");
    expect(row("Fabrikam")).toBeTruthy();

    fails = false;
    await click("Try again");

    await screen.findByText("No matches for “fab”");
  });

  test("asks for nothing when it is empty", async () => {
    const { named } = await open({ accounts: usual });
    expect(named("search")).toEqual([]);
  });
});

describe("banners", () => {
  test("a locked keychain offers to unlock it", async () => {
    const { named } = await open({ keychain: { state: "locked", name: "Login keyring", error: null } });

    await click("Unlock…");

    expect(screen.getByText(/Login keyring is locked/)).toBeTruthy();
    expect(named("retry_keychain")).toHaveLength(1);
  });

  test("being offline is said, with what was last known still shown", async () => {
    await open({ accounts: [everyStatus.offline], offline: true });

    expect(screen.getByText(/You are offline/)).toBeTruthy();
    expect(row("Wingtip")).toBeTruthy();
  });

  test("no banner is shown when no action is needed", async () => {
    await open({ accounts: [azure()] });
    expect(screen.queryByRole("region", { name: "What needs you" })).toBeNull();
  });
});

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
    await click("Use");

    expect(named("choose_target")[0]?.args).toEqual({ account: azure().id, target: subscriptions[1]?.id });
    expect(named("use_account")[0]?.args).toEqual({ account: azure().id, target: null });
  });

  test("renewing shows in its place and then says that it is done", async () => {
    let finish: (value: unknown) => void = () => undefined;
    await open({ accounts: [azure()] }, { renew: () => new Promise((resolve) => (finish = resolve)) });
    await click("Contoso");

    await click("Renew");
    expect((button("Renewing") as HTMLButtonElement).disabled).toBe(true);
    finish(null);

    await waitFor(() => button("Renewed"));
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
    await click("Renew");

    const log = screen.getByRole("log");
    await waitFor(() => within(log).getByText("Too many requests"));
    expect(within(log).getByText("Entra asks to wait 30 seconds.")).toBeTruthy();
    expect(within(log).getByText("Reference r-7f3a91")).toBeTruthy();
    expect(button("Renew")).toBeTruthy();
  });

  test("more than eight targets can be searched", async () => {
    await open({ accounts: [azure({ targetCount: 40 })] }, { targets: () => manyTargets(40) });
    await click("Contoso");
    const box = await screen.findByRole("searchbox", { name: "Search subscriptions" });

    await fireEvent.input(box, { target: { value: "team 07" } });

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
    await click("More actions");
    await fireEvent.click(screen.getByRole("menuitem", { name: "Disconnect…" }));

    const dialog = screen.getByRole("dialog");
    expect(within(dialog).getByRole("heading", { name: "Ends at Google" })).toBeTruthy();
    expect(within(dialog).getByText(/signs ada@contoso.example out of every app/)).toBeTruthy();
  });

  test("disconnecting asks first, says what stays, and is sent once", async () => {
    const { named } = await open({ accounts: [azure()] });
    await click("Contoso");
    await click("More actions");
    await fireEvent.click(screen.getByRole("menuitem", { name: "Disconnect…" }));
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
      { disconnect: () => errorView("offline", "What you granted still stands at Google.") },
    );
    await click("ada@contoso.example");
    await click("More actions");
    await fireEvent.click(screen.getByRole("menuitem", { name: "Disconnect…" }));
    await fireEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Disconnect" }));

    const log = screen.getByRole("log");
    expect(await within(log).findByText("Removed here, but Google could not revoke access")).toBeTruthy();
    expect(within(log).getByText("What you granted still stands at Google.")).toBeTruthy();
  });

  test("an empty name gives the cloud's own name back", async () => {
    const { named } = await open({ accounts: [azure({ name: "Work", renamed: true })] });
    await click("Work");
    await click("More actions");
    await fireEvent.click(screen.getByRole("menuitem", { name: "Rename…" }));

    await fireEvent.input(screen.getByRole("textbox", { name: "Name" }), { target: { value: "  " } });
    await click("Save");

    expect(named("rename")[0]?.args).toEqual({ account: azure().id, name: null });
  });

  test("copying happens in the backend", async () => {
    const { named } = await open({ accounts: [azure()] });
    await click("Contoso");
    await click("Copy");
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

describe("a sign-in", () => {
  const failed = (code: Parameters<typeof errorView>[0]): SignInStep => ({
    step: "failed",
    error: errorView(code, "What to do about it."),
  });

  async function connecting(step: SignInStep, answers: Answers = {}) {
    const opened = await open({ accounts: usual, signIns: [signInView(step)] }, answers);
    await click("Connect account");
    return opened;
  }

  test("starts with one click, and with a tenant when one is asked for", async () => {
    const { named } = await open({ accounts: usual }, { connect: () => 1 });
    await click("Connect account");

    await click("Azure");
    await waitFor(() => expect((button("Azure") as HTMLButtonElement).disabled).toBe(false));
    await fireEvent.input(screen.getByRole("textbox", { name: "Tenant id or domain" }), {
      target: { value: " contoso.example " },
    });
    await click("Azure");

    expect(named("connect").map((call) => call.args)).toEqual([
      { cloud: "azure", tenant: null, account: null },
      { cloud: "azure", tenant: "contoso.example", account: null },
    ]);
  });

  test("waits for the browser, which can be opened again", async () => {
    const { named } = await connecting({ step: "browser" });

    expect(screen.getByText("Finish signing in there. This window updates automatically.")).toBeTruthy();
    await click("Open again");

    expect(named("reopen_browser")[0]?.args).toEqual({ signIn: 1 });
    expect(screen.queryByText(/copy/i)).toBeNull();
  });

  test("cancel is sent once", async () => {
    const { named } = await connecting({ step: "browser" });

    await click("Cancel sign-in");
    await fireEvent.click(button("Cancel sign-in"));

    expect(named("cancel_sign_in").map((call) => call.args)).toEqual([{ signIn: 1 }]);
  });

  test("says when another program answers the app's links", async () => {
    await open({ accounts: usual, signIns: [signInView({ step: "browser" }, { schemeTaken: true })] });
    expect(screen.getByText(/Another program opens this app’s links/)).toBeTruthy();
  });

  test("offers another try when no browser opened", async () => {
    const { named } = await connecting({
      step: "browser-failed",
      error: errorView("browser-failed", "Set BROWSER."),
    });

    expect(screen.getByText("Your browser did not open")).toBeTruthy();
    await click("Try again");

    expect(named("reopen_browser")).toHaveLength(1);
  });

  test.each([
    ["sign-in-refused", "Sign-in refused"],
    ["sign-in-expired", "The sign-in timed out"],
    ["admin-needed", "Your administrator must act first"],
    ["sign-in-rejected", "The response failed a security check and was discarded"],
    ["wrong-person", "A different user signed in"],
    ["offline", "The cloud cannot be reached"],
  ] as const)("that ended with %s says so and can be tried again", async (code, title) => {
    const { calls } = await connecting(failed(code));

    expect(screen.getByText(title)).toBeTruthy();
    expect(screen.getByText("What to do about it.")).toBeTruthy();
    await click("Try again");

    await waitFor(() => expect(calls.some((call) => call.command === "connect")).toBe(true));
    const order = calls.map((call) => call.command).filter((command) => /sign_in|connect/.test(command));
    expect(order).toEqual(["dismiss_sign_in", "connect"]);
  });

  test.each([
    ["Keep both", "keep-both"],
    ["Replace", "replace"],
  ])("of a different user asks, and %s is sent once", async (name, decision) => {
    const { named } = await connecting({
      step: "choice",
      existing: azure().id,
      existingWho: "ada@contoso.example",
      who: "grace@contoso.example",
    });

    expect(
      screen.getByText(/ada@contoso.example is already connected, and grace@contoso.example/),
    ).toBeTruthy();
    await click(name);
    await fireEvent.click(button(name));

    expect(named("decide_duplicate").map((call) => call.args)).toEqual([{ signIn: 1, decision }]);
  });

  test("that worked shows the new row, says so and is put away", async () => {
    const { named, send } = await connecting({ step: "browser" });

    await send({
      accounts: usual,
      signIns: [signInView({ step: "done", account: azure().id, updated: false })],
    });

    await waitFor(() => screen.getByRole("complementary", { name: "Details of Contoso" }));
    expect(within(screen.getByRole("log")).getByText("Contoso is connected.")).toBeTruthy();
    expect(named("dismiss_sign_in")).toHaveLength(1);
  });

  test("that was cancelled is said and put away, and another can start", async () => {
    const { named, send } = await connecting({ step: "browser" });

    await send({ accounts: usual, signIns: [signInView(failed("sign-in-cancelled"))] });

    const notice = await waitFor(() => within(screen.getByRole("log")).getByText("Sign-in cancelled."));
    expect(notice.closest(".notice")?.querySelector("svg")).toBeNull();
    expect(named("dismiss_sign_in")).toHaveLength(1);
    expect(button("Azure")).toBeTruthy();
  });

  test("for a row that is there shows in that row's details", async () => {
    await open({ accounts: usual, signIns: [signInView({ step: "browser" }, { account: fabrikam().id })] });

    await click("Fabrikam");

    const detail = screen.getByRole("complementary", { name: "Details of Fabrikam" });
    expect(within(detail).getByRole("button", { name: "Cancel sign-in" })).toBeTruthy();
    expect(screen.getAllByRole("button", { name: "Cancel sign-in" })).toHaveLength(1);
  });
});

describe("the first run", () => {
  const fresh = { preferences: { theme: "system", welcomed: false } } as const;

  test("says what the app does and offers the clouds that there are", async () => {
    await open({ ...fresh });

    expect(screen.getByRole("heading", { name: "Welcome to Multi-Cloud Manager" })).toBeTruthy();
    expect(button("Azure")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "AWS" })).toBeNull();
  });

  test("can be passed", async () => {
    const { named } = await open({ ...fresh });

    await click("Look around first");

    expect(named("save_preferences")[0]?.args).toEqual({ preferences: { theme: "system", welcomed: true } });
  });

  test("says that sandbox clouds stay on this machine", async () => {
    await open({ ...fresh, clouds: [cloudView({ sandbox: true })] });
    expect(screen.getByText("Sandbox clouds on this machine: nothing leaves it")).toBeTruthy();
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
  const fresh = { preferences: { theme: "system", welcomed: false } } as const;
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
  const fresh = { preferences: { theme: "system", welcomed: false } } as const;

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

describe("activity", () => {
  const ofOne = ({ account }: Record<string, unknown>): unknown =>
    everyEvent.filter((one) => account === null || one.account === account);

  test("says what happened to which account, by day, the newest first", async () => {
    await open({ accounts: usual }, { activity: ofOne });

    await click("Activity");
    const today = await screen.findByRole("region", { name: "Today" });

    const lines = within(today).getAllByRole("listitem");
    expect(lines).toHaveLength(6);
    expect(lines[0]?.textContent).toMatch(/14:42\s+Az\s+Contoso\s+Renewed/);
    expect(lines[1]?.textContent).toMatch(/Credentials for\s+terraform/);
    expect(lines[3]?.textContent).toMatch(/Session could not be renewed: sign in again\s+Reference r-7f3a91/);
    expect(lines[4]?.textContent).toMatch(/2 subscriptions added, 1 removed/);
    expect(screen.getByRole("region", { name: "Yesterday" })).toBeTruthy();
    expect(screen.getByRole("region", { name: "21 Nov" })).toBeTruthy();
  });

  test("is narrowed to an account, also to one that is gone", async () => {
    const { named } = await open({ accounts: usual }, { activity: ofOne });
    await click("Activity");
    await screen.findByRole("region", { name: "Today" });
    const choice = screen.getByRole("combobox", { name: "Account" }) as HTMLSelectElement;

    await fireEvent.change(choice, { target: { value: "azure-00000000dead" } });

    await waitFor(() => expect(screen.getAllByRole("region")).toHaveLength(1));
    expect(choice.selectedOptions[0]?.textContent).toBe("Old lab (disconnected)");
    expect(named("activity").map((call) => call.args["account"])).toEqual([null, "azure-00000000dead"]);
    expect(screen.queryByRole("button", { name: "Show Old lab" })).toBeNull();
  });

  test("opens the account that it is about", async () => {
    await open({ accounts: usual }, { activity: ofOne });
    await click("Activity");

    await fireEvent.click(await screen.findByRole("button", { name: "Show Fabrikam" }));

    expect(screen.getByRole("complementary", { name: "Details of Fabrikam" })).toBeTruthy();
  });

  test("that is empty says what will stand there", async () => {
    await open({ accounts: usual });

    await click("Activity");

    expect(await screen.findByText("No activity yet")).toBeTruthy();
  });

  test("that cannot be read says why and can be tried again", async () => {
    let fails = true;
    await open(
      { accounts: usual },
      {
        activity: (args) => {
          if (fails) throw errorView("storage-failed", "activity.jsonl could not be read.");
          return ofOne(args);
        },
      },
    );
    await click("Activity");
    await screen.findByText("activity.jsonl could not be read.");

    fails = false;
    await click("Try again");

    expect(await screen.findByRole("region", { name: "Today" }, { timeout: 2_000 })).toBeTruthy();
  });

  test("is read again for newer snapshots, at most once a second", async () => {
    vi.useFakeTimers({ now: NOW, toFake: ["Date", "setTimeout"] });
    const { named, send } = await open({ accounts: usual });
    await click("Activity");
    await vi.advanceTimersByTimeAsync(0);
    expect(named("activity")).toHaveLength(1);

    for (let count = 0; count < 5; count += 1) await send({ accounts: usual });
    await vi.advanceTimersByTimeAsync(900);
    expect(named("activity")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(named("activity")).toHaveLength(2);

    await vi.advanceTimersByTimeAsync(5_000);
    expect(named("activity")).toHaveLength(2);
    await send({ accounts: usual });
    expect(named("activity")).toHaveLength(3);
  });

  test("of one account stands in its details, the last five, with the way to all of it", async () => {
    const many = Array.from({ length: 9 }, (_, index) =>
      activityEvent(azure(), minutes(-index), { kind: "renewed" }),
    );
    const { named } = await open({ accounts: usual }, { activity: () => many });
    await click("Contoso");
    const recent = await screen.findByRole("region", { name: "Recent" });
    await waitFor(() => expect(within(recent).getAllByRole("listitem")).toHaveLength(5));
    expect(within(recent).getAllByRole("listitem")[1]?.textContent).toMatch(/14:59\s+Renewed/);

    await click("All activity of Contoso");

    expect((screen.getByRole("combobox", { name: "Account" }) as HTMLSelectElement).value).toBe(azure().id);
    expect(named("activity").map((call) => call.args["account"])).toEqual([azure().id, azure().id]);
  });

  test("shows no late answer for an account that is no longer asked for", async () => {
    const late: ((list: unknown) => void)[] = [];
    await open({ accounts: usual }, { activity: () => new Promise((resolve) => late.push(resolve)) });
    await click("Activity");
    await fireEvent.change(screen.getByRole("combobox"), { target: { value: fabrikam().id } });
    await waitFor(() => expect(late).toHaveLength(2));

    late[1]?.([]);
    await screen.findByText("No activity for Fabrikam yet");
    late[0]?.(everyEvent);
    await tick();

    expect(screen.queryByRole("region", { name: "Today" })).toBeNull();
  });
});

describe("settings", () => {
  test("say where things are stored", async () => {
    await open(
      {},
      { storage: () => [{ label: "Accounts", path: "/home/ada/accounts.json", what: "Names. No secret." }] },
    );

    await click("Settings");

    expect(await screen.findByText("/home/ada/accounts.json")).toBeTruthy();
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
    expect(named("save_preferences")[0]?.args).toEqual({ preferences: { theme: "dark", welcomed: true } });
    await send({ preferences: { theme: "dark", welcomed: true } });

    expect(document.documentElement.dataset["theme"]).toBe("dark");
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

describe("the place", () => {
  const kept = (place: object) => ({ kept_place: () => JSON.stringify(place) });

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
    await click("AWS");
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
    await fireEvent.click(within(detail).getByRole("button", { name: "Open console" }));
    await waitFor(() => expect(named("open_console").at(-1)?.args["signOutFirst"]).toBe(false));
    await fireEvent.click(within(detail).getByRole("button", { name: "More actions" }));
    await fireEvent.click(screen.getByRole("menuitem", { name: "Open console, signing out of it first" }));
    await waitFor(() => expect(named("open_console").at(-1)?.args["signOutFirst"]).toBe(true));
    expect(named("open_console").every((call) => call.args["account"] === aws().id)).toBe(true);

    await click(azure().name);
    await fireEvent.click(
      within(screen.getByRole("complementary")).getByRole("button", { name: "More actions" }),
    );
    expect(screen.queryByRole("menuitem", { name: /signing out/ })).toBeNull();
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
        throw errorView("storage-unreadable", "accounts.json is of a newer version. Update this app.");
      },
    });
    await waitFor(() => screen.getByText("accounts.json is of a newer version. Update this app."));

    await click("Retry");

    await waitFor(() => expect(attempts).toBe(2));
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
