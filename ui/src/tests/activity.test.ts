import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { describe, expect, test, vi } from "vitest";
import { azure, errorView, everyEvent, fabrikam, activityEvent, minutes, NOW, usual } from "../fixtures.ts";
import { click, open } from "./open.ts";

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
          if (fails) throw errorView("storage-failed", "accounts.db could not be read.");
          return ofOne(args);
        },
      },
    );
    await click("Activity");
    await screen.findByText("accounts.db could not be read.");

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
