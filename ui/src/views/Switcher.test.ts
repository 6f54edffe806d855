import { mockIPC } from "@tauri-apps/api/mocks";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, expect, test } from "vitest";
import type { Snapshot } from "../bindings/Snapshot";
import {
  azure,
  center,
  centerRoles,
  environmentList,
  errorView,
  fabrikam,
  google,
  manyAccounts,
  production,
  snapshot,
  usual,
} from "../fixtures.ts";
import Switcher from "./Switcher.svelte";

type Answers = Record<string, (args: Record<string, unknown>) => unknown>;

/** The switcher with a backend that gives scripted answers and records every call. */
async function open(shown: Partial<Snapshot>, answers: Answers = {}) {
  const calls: { command: string; args: Record<string, unknown> }[] = [];
  let send: (next: Snapshot) => void = () => undefined;
  mockIPC((command, payload) => {
    const args = payload as Record<string, unknown>;
    if (command === "watch") {
      send = (args["channel"] as { onmessage: (next: Snapshot) => void }).onmessage;
      send(snapshot(shown));
      return null;
    }
    calls.push({ command, args });
    if (command === "typed_ahead") return answers[command]?.(args) ?? "";
    return answers[command]?.(args) ?? (command === "search" ? [] : null);
  });
  render(Switcher);
  await tick();
  await tick();
  return {
    named: (command: string) => calls.filter((call) => call.command === command).map((call) => call.args),
    send: (next: Partial<Snapshot>) => send(snapshot(next)),
  };
}

const box = (): HTMLElement => screen.getByRole("combobox", { name: "Search accounts" });
const press = (key: string): Promise<boolean> => fireEvent.keyDown(box(), { key });
const options = (): string[] =>
  screen
    .getAllByRole("option")
    .map((option) => option.querySelector(".name")?.textContent?.replace(/\s+/g, " ") ?? "");

/** The option that the box says it stands on, which must be the one that is marked. */
function current(): string {
  const option = document.getElementById(box().getAttribute("aria-activedescendant") ?? "");
  expect(screen.getAllByRole("option", { selected: true })).toEqual([option]);
  return option?.querySelector(".name")?.textContent ?? "";
}

afterEach(cleanup);

test("shows the accounts as the dashboard does, with the keyboard in the search", async () => {
  await open({ accounts: usual });

  const list = screen.getByRole("listbox", { name: "Accounts" });
  expect(
    within(list)
      .getAllByRole("group")
      .map((group) => group.getAttribute("aria-labelledby")),
  ).toEqual(["group-azure", "group-gcp", "group-aws"]);
  expect(options()).toHaveLength(usual.length);
  expect(box().getAttribute("aria-controls")).toBe(list.id);
  expect(document.activeElement).toBe(box());
  expect(within(list).queryAllByRole("button")).toEqual([]);
  expect(current()).toBe(options()[0]);
});

test("moves with the arrows, around the ends, and uses on Enter", async () => {
  const { named } = await open({ accounts: [azure(), fabrikam(), google()] });

  await press("ArrowDown");
  expect(current()).toBe("Fabrikam");
  await press("ArrowUp");
  await press("ArrowUp");
  expect(current()).toBe(google().name);
  await press("PageUp");
  expect(current()).toBe("Contoso");
  await press("PageDown");
  await press("Enter");

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: google().id, target: null }]));
});

test("a pinned role is an entry of its own, and is used with its account", async () => {
  const [first, second, third] = centerRoles(3);
  const pinned = [
    ...[second, third].flatMap((target) => (target === undefined ? [] : [{ target, listed: true }])),
    { target: { id: "012345678999/Gone", name: "Gone", state: null, parent: null }, listed: false },
  ];
  const account = center(3, { active: true, target: third ?? null, pinned });
  const { named } = await open({ accounts: [account] });

  const [whole] = screen.getAllByRole("option");
  expect(whole?.querySelector(".target")?.textContent?.trim()).toBe(third?.name);
  const entries = [second, third].map((target) => `${account.name}›${target?.name}`);
  expect(options()).toEqual([account.name, ...entries]);
  expect(options()).not.toContain(`${account.name}›${first?.name}`);
  expect(screen.getAllByText("In use")).toHaveLength(2);
  await press("ArrowDown");
  await press("Enter");

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: account.id, target: second?.id }]));
});

test("lists the environments first, as the tray does, and uses one everywhere once the user moved to it", async () => {
  const { named } = await open({ accounts: [azure(), fabrikam()], environments: environmentList });
  expect(options()).toEqual(["dev", "prod-eu", "old-lab", "prod-us", "Contoso", "Fabrikam"]);

  // Enter alone changes one cloud, and never all of them.
  expect(current()).toBe("Contoso");
  await press("Enter");
  await waitFor(() => expect(named("switch_to")).toEqual([{ account: azure().id, target: null }]));
  expect(named("switch_to_environment")).toEqual([]);

  await press("ArrowUp");
  expect(current()).toBe("prod-us");
  expect(screen.getByText("confirm in the dashboard")).toBeTruthy();
  await press("ArrowDown");
  await press("ArrowDown");
  await press("ArrowDown");
  expect(current()).toBe("dev");
  await press("Enter");
  await waitFor(() => expect(named("switch_to_environment")).toEqual([{ name: "dev" }]));
  expect(named("switch_to")).toHaveLength(1);
});

test("shows an environment where the search ranks it, and why it could not be used", async () => {
  let found: unknown[] = [{ account: azure().id, target: null }, { environment: "old-lab" }];
  const { named } = await open(
    { accounts: usual, environments: environmentList },
    {
      search: () => found,
      switch_to_environment: () => {
        throw errorView(
          "not-found",
          "The environment old-lab names the account Old lab, which is not connected.",
        );
      },
    },
  );
  await fireEvent.input(box(), { target: { value: "l" } });
  await waitFor(() => expect(options()).toEqual(["Contoso", "old-lab"]));
  expect(current()).toBe("Contoso");

  found = [{ environment: "old-lab" }, { account: azure().id, target: null }];
  await fireEvent.input(box(), { target: { value: "lab" } });
  await waitFor(() => expect(options()).toEqual(["old-lab", "Contoso"]));
  await press("Enter");

  expect(within(await screen.findByRole("alert")).getByText(/old-lab names the account/)).toBeTruthy();
  expect(named("switch_to_environment")).toEqual([{ name: "old-lab" }]);
});

test("types, and uses the best that was found with its target", async () => {
  const { named } = await open(
    { accounts: usual },
    {
      search: () => [
        { account: google().id, target: null },
        { account: azure().id, target: production },
      ],
    },
  );

  await fireEvent.input(box(), { target: { value: "prod" } });
  await waitFor(() => expect(options()).toEqual([google().name, "Contoso›Production"]));
  expect(current()).toBe(google().name);
  expect(screen.getByText("2 results for “prod”")).toBeTruthy();
  await press("ArrowDown");
  await press("Enter");

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: azure().id, target: production.id }]));
});

test("Enter right behind the last letter waits for what that letter finds", async () => {
  let answer: (found: unknown) => void = () => undefined;
  const { named } = await open(
    { accounts: usual },
    { search: () => new Promise((resolve) => (answer = resolve)) },
  );

  await fireEvent.input(box(), { target: { value: "fab" } });
  await press("Enter");
  expect(named("switch_to")).toEqual([]);
  answer([{ account: fabrikam().id, target: null }]);

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: fabrikam().id, target: null }]));
});

test("takes over what was typed while it loaded, Enter with it", async () => {
  const { named } = await open(
    { accounts: usual },
    { typed_ahead: () => "fab\n", search: () => [{ account: fabrikam().id, target: null }] },
  );

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: fabrikam().id, target: null }]));
  expect(named("search")[0]).toEqual({ query: "fab" });
});

test("Enter waits for what was typed before it, though that arrives later", async () => {
  let arrive: (typed: string) => void = () => undefined;
  const { named } = await open(
    { accounts: usual },
    {
      typed_ahead: () => new Promise((resolve) => (arrive = resolve)),
      search: ({ query }) => (query === "fabri" ? [{ account: fabrikam().id, target: null }] : []),
    },
  );

  await fireEvent.input(box(), { target: { value: "ri" } });
  await press("Enter");
  arrive("fab");

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: fabrikam().id, target: null }]));
});

test("Enter waits for the search that a change of the accounts began anew", async () => {
  const answers: ((found: unknown) => void)[] = [];
  const { named, send } = await open(
    { accounts: usual, revision: 1 },
    { search: () => new Promise((resolve) => answers.push(resolve)) },
  );
  await fireEvent.input(box(), { target: { value: "fab" } });
  await press("Enter");
  await waitFor(() => expect(answers).toHaveLength(1));
  send({ accounts: usual, revision: 2 });
  await waitFor(() => expect(answers).toHaveLength(2));
  const found = [{ account: fabrikam().id, target: null }];

  answers[0]?.(found);
  await new Promise((resolve) => setTimeout(resolve));
  expect(named("switch_to")).toEqual([]);
  answers[1]?.(found);

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: fabrikam().id, target: null }]));
});

test("a search that failed switches to nothing, but to a row that the user moves to", async () => {
  const { named } = await open(
    { accounts: [azure(), fabrikam()] },
    {
      search: () => {
        throw errorView("internal", "The search failed.");
      },
    },
  );

  await fireEvent.input(box(), { target: { value: "fab" } });
  await press("Enter");
  await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("The search failed."));
  expect(named("switch_to")).toEqual([]);
  await press("ArrowDown");
  await press("Enter");

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: fabrikam().id, target: null }]));
});

test("the window's focus, which may come after the first letters, selects none of them", async () => {
  await open(
    { accounts: usual },
    { typed_ahead: () => "fab", search: () => [{ account: fabrikam().id, target: null }] },
  );
  await waitFor(() => expect(options()).toEqual(["Fabrikam"]));

  await fireEvent.focus(window);

  const input = box() as HTMLInputElement;
  expect(document.activeElement).toBe(input);
  expect([input.selectionStart, input.selectionEnd]).toEqual([3, 3]);
});

test("an option is used by a click", async () => {
  const { named } = await open({ accounts: [azure(), fabrikam()] });

  await fireEvent.click(screen.getByRole("option", { name: /Fabrikam/ }));

  await waitFor(() => expect(named("switch_to")).toEqual([{ account: fabrikam().id, target: null }]));
});

test("says what failed and stays", async () => {
  await open(
    { accounts: [azure()] },
    {
      switch_to: () => {
        throw errorView("busy", "Another program holds accounts.db. Try again.");
      },
    },
  );

  await press("Enter");

  await waitFor(() =>
    expect(screen.getByRole("alert").textContent).toContain("Another program holds accounts.db"),
  );
  expect(document.activeElement).toBe(box());
});

test("Escape closes, and belongs to an input method while it composes", async () => {
  const { named } = await open({ accounts: usual });

  await fireEvent.keyDown(box(), { key: "Escape", isComposing: true });
  expect(named("close_switcher")).toEqual([]);
  await press("Escape");

  expect(named("close_switcher")).toHaveLength(1);
});

test("draws the first of a thousand and says how many more there are", async () => {
  await open({ accounts: manyAccounts(1_000) });

  expect(options()).toHaveLength(50);
  expect(screen.getByText("950 more accounts. Type to narrow the list.")).toBeTruthy();
});

test("says why there is nothing to choose", async () => {
  const { named } = await open({ accounts: [] });
  expect(screen.getByText("No account is connected yet. Connect one in the dashboard.")).toBeTruthy();

  await press("Enter");
  await press("ArrowDown");

  expect(named("switch_to")).toEqual([]);
  expect(box().hasAttribute("aria-activedescendant")).toBe(false);
});

test("says when nothing fits", async () => {
  await open({ accounts: usual });

  await fireEvent.input(box(), { target: { value: "zzz" } });

  await waitFor(() => expect(screen.getByText("No matches for “zzz”.")).toBeTruthy());
});
