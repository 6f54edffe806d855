import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import {
  awsSources,
  awsView,
  cloudView,
  errorView,
  foundElsewhere,
  googleView,
  signInView,
  usual,
} from "../fixtures.ts";
import { type Answers, button, click, open } from "./open.ts";

const clouds = [cloudView(), googleView(), cloudView(awsView)];
const failed = errorView("wrong-user", "gcloud names ada@contoso.example, but you signed in as grace.");

describe("what other tools know", () => {
  const connecting = async (answers: Answers = {}) => {
    const opened = await open(
      { accounts: usual, clouds },
      {
        found_elsewhere: () => foundElsewhere,
        connect_found: () => 7,
        aws_sources: () => awsSources,
        pending_roles: () => [],
        ...answers,
      },
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

    const found = { id: "1a2b3c4d", name: "work", tool: "gcloud", who: "ada@contoso.example" };
    const signIn = signInView({ step: "failed", error: failed }, { id: 7, cloud: "gcp", found });
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

  test("keeps the account of the other tool when a portal is tried again, with the region that was typed", async () => {
    const { named, send } = await connecting();
    await fireEvent.click(button("Sign in to corp"));
    await screen.findByRole("textbox", { name: "Start URL" });
    const portal = "https://contoso.awsapps.com/start";
    const found = { id: "00000003", name: "corp", tool: "AWS CLI", who: portal };
    const error = errorView("invalid-input", "The region is not known.");
    await send({
      accounts: usual,
      clouds,
      signIns: [signInView({ step: "failed", error }, { id: 7, cloud: "aws", startUrl: portal, found })],
    });
    expect(screen.getByText("Found in AWS CLI")).toBeTruthy();
    expect(screen.getByText("corp")).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>("Start URL").value).toBe(portal);

    await fireEvent.input(screen.getByLabelText("Region, if you know it"), {
      target: { value: "eu-west-1" },
    });
    await click("Try again");
    await waitFor(() => expect(named("connect_found")).toHaveLength(2));
    expect(named("connect_found")[1]?.args).toEqual({
      id: "00000003",
      region: "eu-west-1",
      deviceCode: false,
    });
    expect(named("connect")).toHaveLength(0);

    // Another portal in the field is another account.
    await fireEvent.input(screen.getByLabelText("Start URL"), {
      target: { value: "https://fabrikam.awsapps.com/start" },
    });
    await click("Try again");
    await waitFor(() => expect(named("connect")).toHaveLength(1));
    expect(named("connect_found")).toHaveLength(2);
  });

  test("keeps the account of the other tool when a role is tried again or accepted", async () => {
    const { named, send } = await connecting();
    await fireEvent.click(button("Sign in to reader"));
    const found = {
      id: "00000004",
      name: "reader",
      tool: "AWS CLI",
      who: "arn:aws:iam::444455556666:role/Reader",
    };
    const at = (code: "role-refused" | "not-enforced", id: number) =>
      send({
        accounts: usual,
        clouds,
        signIns: [
          signInView({ step: "failed", error: errorView(code, "Refused.") }, { id, cloud: "aws", found }),
        ],
      });
    await at("role-refused", 7);
    await click("Try again");
    await waitFor(() => expect(named("connect_found")).toHaveLength(2));
    expect(named("connect_found")[1]?.args).toEqual({ id: "00000004" });

    await at("not-enforced", 8);
    await click("Connect as not enforced");
    await waitFor(() => expect(named("connect_found")).toHaveLength(3));
    expect(named("connect_found")[2]?.args).toEqual({ id: "00000004", acceptNotEnforced: true });
    expect(named("connect")).toHaveLength(0);
  });
});
