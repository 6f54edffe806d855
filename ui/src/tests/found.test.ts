import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import { awsView, cloudView, errorView, foundElsewhere, googleView, signInView, usual } from "../fixtures.ts";
import { type Answers, button, click, open } from "./open.ts";

const clouds = [cloudView(), googleView(), cloudView(awsView)];
const failed = errorView("wrong-user", "gcloud names ada@contoso.example, but you signed in as grace.");

describe("what other tools know", () => {
  const connecting = async (answers: Answers = {}) => {
    const opened = await open(
      { accounts: usual, clouds },
      { found_elsewhere: () => foundElsewhere, connect_found: () => 7, ...answers },
    );
    await click("Connect account");
    await screen.findByRole("heading", { name: "Found on this computer" });
    return opened;
  };
  const entry = (name: string) => {
    const found = screen.getAllByRole("listitem").find((one) => within(one).queryByText(name) !== null);
    if (found === undefined) throw new Error(`${name} is not listed`);
    return within(found);
  };

  test("is listed with its tool, and what is connected says so", async () => {
    const { named } = await connecting();

    expect(entry("Contoso").getByText("Connected")).toBeTruthy();
    expect(entry("Contoso").queryByRole("button")).toBeNull();
    expect(entry("work").getByText("ada@contoso.example · gcloud · contoso-web")).toBeTruthy();
    expect(entry("open").queryByRole("button")).toBeNull();
    expect(entry("open").getByText(/External ID/)).toBeTruthy();
    expect(screen.getByText(/Leapp encrypts/)).toBeTruthy();
    expect(named("connect_found")).toHaveLength(0);
  });

  test("is signed in to when the user says so, and again for the same account", async () => {
    const { named, send } = await connecting();
    await click("Sign in to work");
    await waitFor(() => expect(named("connect_found")).toHaveLength(1));
    expect(named("connect_found")[0]?.args).toEqual({ id: "1a2b3c4d" });

    const signIn = signInView({ step: "failed", error: failed }, { id: 7, cloud: "gcp" });
    await send({ accounts: usual, clouds, signIns: [signIn] });
    await click("Try again");

    await waitFor(() => expect(named("connect_found")).toHaveLength(2));
    expect(named("connect")).toHaveLength(0);
  });

  test("opens the page of AWS for a portal", async () => {
    await connecting();
    await fireEvent.click(button("Sign in to corp"));

    expect(await screen.findByRole("textbox", { name: /start URL/i })).toBeTruthy();
  });
});
