import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import type { SignInStep } from "../bindings/SignInStep";
import { azure, errorView, fabrikam, signInView, usual } from "../fixtures.ts";
import { type Answers, button, click, open } from "./open.ts";

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

  test("asks for the code of an MFA device, and again when AWS refused it", async () => {
    const device = "arn:aws:iam::111122223333:mfa/ada";
    const { named } = await connecting({ step: "mfa-code", device, wasRefused: true });

    const field = screen.getByRole("textbox", { name: "Code of your MFA device" });
    expect(screen.getByRole("alert").textContent).toContain("AWS refused this code");
    await fireEvent.input(field, { target: { value: "314159" } });
    await click("Continue");

    expect(named("enter_mfa_code")[0]?.args).toEqual({ signIn: 1, code: "314159" });
    expect((field as HTMLInputElement).value).toBe("");
  });

  test("offers another try when no browser opened", async () => {
    const { named } = await connecting({
      step: "browser-failed",
      error: errorView("browser-failed", "Choose a browser in Settings."),
    });

    expect(screen.getByText("Your browser did not open")).toBeTruthy();
    await click("Try again");

    expect(named("reopen_browser")).toHaveLength(1);
  });

  test("says that the browser insists on https, and can open it again", async () => {
    const { named } = await connecting({
      step: "https-forced",
      error: errorView("browser-failed", "Allow http for localhost."),
    });

    expect(screen.getByText("Your browser insists on https")).toBeTruthy();
    expect(screen.getByText("Allow http for localhost.")).toBeTruthy();
    await click("Try again");

    expect(named("reopen_browser")).toHaveLength(1);
  });

  test.each([
    ["sign-in-refused", "Sign-in refused"],
    ["sign-in-expired", "The sign-in timed out"],
    ["admin-needed", "Your administrator must act first"],
    ["sign-in-rejected", "The response failed a security check and was discarded"],
    ["wrong-user", "A different user signed in"],
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
