// Signing in with IAM Identity Center on the Connect page.

import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import type { SignInStep } from "../bindings/SignInStep";
import type { SignInView } from "../bindings/SignInView";
import {
  awsView,
  cloudView,
  errorView,
  foundPortals,
  minutes,
  portal,
  signInView,
  usual,
} from "../fixtures.ts";
import { button, click, open, type Answers } from "./open.ts";

const clouds = [cloudView(awsView)];
const field = (name: string): HTMLInputElement => screen.getByLabelText(name);
const isDisabled = (name: string): boolean => (button(name) as HTMLButtonElement).disabled;

async function fill(name: string, value: string): Promise<void> {
  await fireEvent.input(field(name), { target: { value } });
}

async function openPortal(answers: Answers = {}) {
  const opened = await open({ accounts: usual, clouds }, { found_portals: () => foundPortals, ...answers });
  await click("Connect account");
  await click("Sign in with IAM Identity Center");
  return opened;
}

/** The Connect page while a sign-in to a portal is at a step. */
async function at(step: SignInStep, changes: Partial<SignInView> = {}, answers: Answers = {}) {
  const signIn = signInView(step, { cloud: "aws", startUrl: "https://aws.contoso.example", ...changes });
  const opened = await open({ accounts: usual, clouds, signIns: [signIn] }, answers);
  await click("Connect account");
  return opened;
}

describe("signing in with IAM Identity Center", () => {
  test("stands beside assuming a role", async () => {
    await open({ accounts: usual, clouds });
    await click("Connect account");

    expect(button("Assume a role")).toBeTruthy();
    expect(button("Sign in with IAM Identity Center")).toBeTruthy();
  });

  test("takes a start URL as it was typed, and leaves the region to be found", async () => {
    const { named } = await openPortal({ connect: () => 1 });
    expect(isDisabled("Sign in")).toBe(true);

    await fill("Start URL", " https://d-1234567890.awsapps.com/start#/?tab=accounts ");
    await click("Sign in");

    expect(named("connect").map((call) => call.args)).toEqual([
      {
        cloud: "aws",
        tenant: null,
        account: null,
        portal: { startUrl: "https://d-1234567890.awsapps.com/start#/?tab=accounts" },
        deviceCode: false,
      },
    ]);
  });

  test("offers the portals that AWS's config file names", async () => {
    const { named } = await openPortal({ connect: () => 1 });
    const [first] = foundPortals;
    await waitFor(() => expect(screen.getAllByRole("radio")).toHaveLength(foundPortals.length));

    await fireEvent.click(screen.getByRole("radio", { name: /contoso\.awsapps\.com/ }));
    await click("Sign in");

    expect(screen.getByText("eu-west-1 · contoso, prod, dev, 2 more")).toBeTruthy();
    expect(screen.getByText("region not named · lab")).toBeTruthy();
    expect(named("connect")[0]?.args["portal"]).toEqual({ startUrl: first?.startUrl });
  });

  test("sends the region and the request for a code when they are given, with a warning about codes", async () => {
    const { named } = await openPortal({ connect: () => 1 });

    await fill("Start URL", "https://aws.contoso.example");
    await fill("Region, if you know it", "eu-central-1");
    await fireEvent.click(field("Enter a code on another device instead"));
    expect(screen.getByText(/Anyone who gets you to enter their code/)).toBeTruthy();
    await click("Sign in");

    expect(named("connect")[0]?.args).toMatchObject({
      portal: { startUrl: "https://aws.contoso.example", region: "eu-central-1" },
      deviceCode: true,
    });
  });

  test.each([
    ["given", "entered by you"],
    ["start-url", "from the start URL"],
    ["config-file", "from AWS’s config file"],
    ["portal-page", "from the portal’s page"],
  ] as const)("shows the portal and how its region was found: %s", async (regionOrigin, words) => {
    // I10
    await at({ step: "browser" }, { portal: { ...portal, regionOrigin } });

    expect(screen.getByText("contoso.awsapps.com/start")).toBeTruthy();
    expect(screen.getByText("eu-west-1")).toBeTruthy();
    expect(screen.getByText(words)).toBeTruthy();
    expect(screen.getByText("Finish signing in there. This window updates automatically.")).toBeTruthy();
  });

  test.each([
    ["before it answers", null],
    ["when it led to the portal", portal],
  ] as const)("names the organisation's own address that is asked: %s", async (_, found) => {
    // I9
    await at({ step: "starting" }, { ownAddress: "aws.contoso.example", portal: found });

    expect(screen.getByText("aws.contoso.example", { exact: false }).textContent).toContain(
      "not an address of AWS",
    );
  });

  test("waits with what was typed still there, and can be cancelled", async () => {
    const { named } = await at({ step: "browser" }, { portal });

    expect(field("Start URL").value).toBe("https://aws.contoso.example");
    expect(field("Start URL").disabled).toBe(true);
    expect(screen.queryByRole("button", { name: "Sign in" })).toBeNull();
    await click("Cancel sign-in");

    expect(named("cancel_sign_in").map((call) => call.args)).toEqual([{ signIn: 1 }]);
  });

  test("tries again with the region that was entered after a failure", async () => {
    const error = errorView("invalid-input", "The region of https://aws.contoso.example is not known.");
    const { named } = await at({ step: "failed", error }, {}, { connect: () => 2 });
    expect(screen.getByText(error.message)).toBeTruthy();

    await fill("Region, if you know it", "eu-north-1");
    await click("Try again");

    await waitFor(() => expect(named("connect")).toHaveLength(1));
    expect(named("dismiss_sign_in")[0]?.args).toEqual({ signIn: 1 });
    expect(named("connect")[0]?.args["portal"]).toEqual({
      startUrl: "https://aws.contoso.example",
      region: "eu-north-1",
    });
  });

  test("tries again from the list of accounts with the same portal and the same way", async () => {
    const error = errorView("sign-in-expired", "The sign-in timed out.");
    const signIn = signInView(
      { step: "failed", error },
      {
        cloud: "aws",
        startUrl: "https://aws.contoso.example",
        deviceCode: true,
        portal: { ...portal, regionOrigin: "given" },
      },
    );
    const { named } = await open({ accounts: usual, clouds, signIns: [signIn] }, { connect: () => 2 });

    await click("Try again");

    await waitFor(() => expect(named("connect")).toHaveLength(1));
    expect(named("connect")[0]?.args).toMatchObject({
      portal: { startUrl: "https://aws.contoso.example", region: "eu-west-1" },
      deviceCode: true,
    });
  });

  test("shows a code with its page, opens the page, and counts the code's time", async () => {
    const page = "https://device.sso.eu-west-1.amazonaws.com/";
    const step: SignInStep = { step: "code", code: "BCDF-GHJK", page, expiresAt: minutes(4.5) };
    const { named } = await at(step, { portal, deviceCode: true });

    expect(screen.getByText("BCDF-GHJK")).toBeTruthy();
    expect(screen.getByText(page)).toBeTruthy();
    expect(screen.getByText("Expires in 4 min")).toBeTruthy();
    expect(screen.getByText(/Never enter one that was sent to you/)).toBeTruthy();
    await click("Open page");

    expect(named("reopen_browser")[0]?.args).toEqual({ signIn: 1 });
  });

  test("asks what to do with another user's sign-in, and distinguishes the same user from another", async () => {
    // I26, I27
    const step = { step: "choice", existing: "aws-1", existingWho: "ada@contoso.example" } as const;
    const { named, send } = await at({ ...step, who: "grace@contoso.example" }, { portal });
    expect(screen.getByText("Another user is connected here")).toBeTruthy();
    await click("Keep both");
    expect(named("decide_duplicate")[0]?.args).toEqual({ signIn: 1, decision: "keep-both" });

    const same = signInView({ ...step, who: "ada@contoso.example" }, { cloud: "aws", id: 2, startUrl: "x" });
    await send({ accounts: usual, clouds, signIns: [same] });
    expect(screen.getByText("You are already connected here")).toBeTruthy();
    await click("Replace");
    expect(named("decide_duplicate")[1]?.args).toEqual({ signIn: 2, decision: "replace" });
  });
});
