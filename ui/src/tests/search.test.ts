import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { describe, expect, test } from "vitest";
import { azure, errorView, fabrikam, subscriptions, usual } from "../fixtures.ts";
import { click, open, row, noRow } from "./open.ts";

describe("the search", () => {
  test("takes the focus on slash and on Ctrl F", async () => {
    await open({ accounts: usual });
    const box = screen.getByRole("searchbox", { name: "Search accounts" });

    await fireEvent.keyDown(window, { key: "f", ctrlKey: true });
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
    await waitFor(() => expect(row("Contoso › Staging")).toBeTruthy());

    expect(noRow("Fabrikam")).toBe(true);
    expect(named("search").at(-1)?.args).toEqual({ query: "stag" });
  });

  test("says in use only beside the target that is", async () => {
    const found = { target: subscriptions[1] };
    await open({ accounts: usual }, { search: () => [{ account: azure().id, ...found }] });
    expect(within(row("Contoso")).getByText("In use")).toBeTruthy();

    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "stag" } });
    await waitFor(() => expect(row("Contoso › Staging")).toBeTruthy());
    expect(screen.queryByText("In use", { selector: ".pill" })).toBeNull();

    found.target = subscriptions[0];
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "prod" } });
    await waitFor(() => expect(within(row("Contoso › Production")).getByText("In use")).toBeTruthy());
  });

  test("has a line for each target that fits, with what fits marked", async () => {
    const lines = [null, subscriptions[0], subscriptions[1]].map((target) => ({
      account: azure().id,
      target,
    }));
    await open({ accounts: usual }, { search: () => lines });
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "o pro" } });

    await waitFor(() => expect(row("Contoso › Production")).toBeTruthy());
    expect(row("Contoso")).toBeTruthy();
    expect(row("Contoso › Staging")).toBeTruthy();
    expect(screen.getByText("3 results for “o pro”")).toBeTruthy();
    const marks = [...row("Contoso › Production").querySelectorAll(".name mark")];
    expect(marks.map((mark) => mark.textContent)).toEqual(["o", "o", "o", "Pro", "o"]);
    expect(within(row("Contoso › Staging")).queryByText("In use")).toBeNull();
  });

  test("drops an answer that comes after a later question's", async () => {
    const late: ((found: unknown) => void)[] = [];
    await open({ accounts: usual }, { search: () => new Promise((resolve) => late.push(resolve)) });
    const box = screen.getByRole("searchbox");

    await fireEvent.input(box, { target: { value: "f" } });
    await fireEvent.input(box, { target: { value: "fa" } });
    await waitFor(() => expect(late).toHaveLength(2));
    late[1]?.([{ account: fabrikam().id, target: null }]);
    await waitFor(() => expect(noRow("Contoso")).toBe(true));
    late[0]?.([{ account: azure().id, target: null }]);
    await tick();
    await tick();

    expect(row("Fabrikam")).toBeTruthy();
    expect(noRow("Contoso")).toBe(true);
  });

  test("opens the best on Enter, once the last letter is answered", async () => {
    const answers: ((found: unknown) => void)[] = [];
    await open({ accounts: usual }, { search: () => new Promise((resolve) => answers.push(resolve)) });
    const box = screen.getByRole("searchbox");

    await fireEvent.input(box, { target: { value: "f" } });
    answers[0]?.([{ account: azure().id, target: null }]);
    await waitFor(() => expect(noRow("Fabrikam")).toBe(true));
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
          if (fails) throw errorView("storage-failed", "accounts.db cannot be read.");
          return [];
        },
      },
    );
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "fab" } });
    await screen.findByText("accounts.db cannot be read.");
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
