import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import { errorView, restored, restoredRow, usual } from "../fixtures.ts";
import { type Answers, button, click, open, row } from "./open.ts";

describe("a backup", () => {
  const type = (name: RegExp, value: string) =>
    fireEvent.input(screen.getByLabelText(name), { target: { value } });
  const dialog = () => within(screen.getByRole("dialog"));
  const settings = async (answers: Answers) => {
    const opened = await open({ accounts: usual }, answers);
    await click("Settings");
    return opened;
  };

  test("is written once the passphrase is long enough and the same twice", async () => {
    const { named } = await settings({ back_up: () => ({ accounts: 3, environments: 1 }) });
    await click("Back up…");
    const write = dialog().getByRole("button", { name: "Back up" }) as HTMLButtonElement;

    await type(/^Passphrase$/, "short");
    await type(/^Passphrase again$/, "short");
    expect(write.disabled).toBe(true);
    await type(/^Passphrase$/, "correct horse");
    await type(/^Passphrase again$/, "correct mouse");
    expect(dialog().getByText("The two passphrases differ.")).toBeTruthy();
    expect(write.disabled).toBe(true);
    await type(/^Passphrase again$/, "correct horse");
    await type(/^File$/, "backup.age");
    expect(write.disabled).toBe(true);
    await type(/^File$/, "/home/ada/backup.age");
    await fireEvent.click(write);

    await waitFor(() => expect(named("back_up")).toHaveLength(1));
    expect(named("back_up")[0]?.args).toEqual({
      path: "/home/ada/backup.age",
      passphrase: "correct horse",
      replaces: false,
    });
    expect(await screen.findByText(/Backed up 3 accounts and 1 environment/)).toBeTruthy();
    expect(screen.queryByRole("dialog")).toBeNull();
    await click("Back up…");
    expect((screen.getByLabelText(/^Passphrase$/) as HTMLInputElement).value).toBe("");
  });

  test("that cannot be opened says why, and the dialog stays", async () => {
    await settings({
      restore: () => {
        throw errorView("invalid-input", "The passphrase does not open backup.age.");
      },
    });
    await click("Restore…");
    await type(/^Passphrase$/, "wrong");
    await fireEvent.click(dialog().getByRole("button", { name: "Restore" }));

    expect(await screen.findByText(/does not open/)).toBeTruthy();
    expect(screen.getByRole("dialog")).toBeTruthy();
  });

  test("that was restored lists what is new and what was kept", async () => {
    await settings({ restore: () => restored });
    await click("Restore…");
    await type(/^Passphrase$/, "correct horse");
    await fireEvent.click(dialog().getByRole("button", { name: "Restore" }));

    expect(await screen.findByText(/1 account and 1 environment restored/)).toBeTruthy();
    for (const name of ["Head office", "Contoso", "prod-eu", "dev", "app.theme"])
      expect(dialog().getByText(name)).toBeTruthy();
    await fireEvent.click(dialog().getByRole("button", { name: "Close" }));
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  test('brings accounts that say "Sign in", not "again"', async () => {
    await open({ accounts: [restoredRow(), ...usual] });

    expect(within(row("Head office")).getByRole("button", { name: "Sign in to Head office" })).toBeTruthy();
    expect(button("Sign in again to Fabrikam")).toBeTruthy();
  });
});
