// What a screen reader reads out: announcements, names of rows and buttons, and names in other scripts.

import { screen, within } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import { azure, errorView, fabrikam, google, minutes, signInView, usual } from "../fixtures.ts";
import { button, open, row } from "./open.ts";

describe("announced", () => {
  test("is a banner that comes, in a region that was there before", async () => {
    const { send } = await open({ accounts: [azure()] });
    const region = screen.getByRole("region", { name: "What needs you" });
    expect(region.getAttribute("aria-live")).toBe("polite");

    await send({ accounts: [azure(), fabrikam()] });

    expect(screen.getByRole("region", { name: "What needs you" })).toBe(region);
    expect(within(region).getByText(/Fabrikam needs you to sign in/)).toBeTruthy();
  });

  test("is a sign-in that fails, with what happened", async () => {
    const { send } = await open({ accounts: usual, signIns: [signInView({ step: "browser" })] });
    const error = errorView("sign-in-refused", "The sign-in was refused in the browser.");

    await send({ accounts: usual, signIns: [signInView({ step: "failed", error })] });

    const alert = screen.getByRole("alert");
    expect(alert.textContent).toContain("Sign-in refused");
    expect(alert.textContent).toContain("The sign-in was refused in the browser.");
  });

  test("is that another user is connected here", async () => {
    const { send } = await open({ accounts: usual, signIns: [signInView({ step: "finishing" })] });

    await send({
      accounts: usual,
      signIns: [
        signInView({
          step: "choice",
          existing: azure().id,
          existingWho: "ada@contoso.example",
          who: "grace@contoso.example",
        }),
      ],
    });

    expect(screen.getByRole("alert").textContent).toContain("Another user is connected here");
  });
});

describe("the name of a row", () => {
  test("has the cloud, the target, whether it is in use, and the time", async () => {
    await open({
      accounts: [
        azure({ active: true, session: { issuedAt: minutes(-18), expiresAt: minutes(42) } }),
        google({ active: false }),
      ],
    });

    expect(row("Contoso").getAttribute("aria-label")).toBe("Contoso, Azure, Production, in use, 42 min left");
    expect(row("ada@contoso.example").getAttribute("aria-label")).not.toContain("in use");
  });

  test("is part of the names of its buttons", async () => {
    await open({ accounts: [azure(), fabrikam()] });

    expect(button("Sign in again to Fabrikam")).toBeTruthy();
    expect(button("More for Contoso")).toBeTruthy();
    expect(screen.getByRole("checkbox", { name: "Select Contoso" })).toBeTruthy();
  });
});

test("a name in another script runs in its own direction, and has a tooltip that is whole", async () => {
  const name = "شركة كونتوسو للتجارة والخدمات السحابية المحدودة";
  await open({ accounts: [azure({ name })] });

  const shown = button(name);
  expect(shown.getAttribute("dir")).toBe("auto");
  expect(shown.title).toBe(name);
});
