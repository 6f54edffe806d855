import { screen } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import type { UpdateSource } from "../bindings/UpdateSource";
import { aboutView, errorView } from "../fixtures.ts";
import { click, open } from "./open.ts";

describe("updates in About", () => {
  const openAbout = async (updates: UpdateSource, answer: () => unknown = () => null) => {
    const opened = await open({}, { about: () => ({ ...aboutView, updates }), check_for_updates: answer });
    await click("About");
    await screen.findByRole("heading", { name: "Updates" });
    return opened;
  };
  const feed: UpdateSource = { kind: "feed", place: "releases.example" };

  test("are looked for when the button is pressed, and never before", async () => {
    const newest = { version: "9.1.0", isNewer: true, page: "https://releases.example/9.1.0" };
    const { named } = await openAbout(feed, () => newest);
    expect(screen.getByText(/Asks releases\.example/)).toBeTruthy();
    expect(named("check_for_updates")).toHaveLength(0);

    await click("Check for updates");

    expect((await screen.findByRole("status")).textContent?.trim()).toBe("Version 9.1.0 is available.");
    expect(screen.getByText("https://releases.example/9.1.0")).toBeTruthy();
    expect(named("check_for_updates")).toHaveLength(1);
  });

  test("say so when there is none", async () => {
    await openAbout(feed, () => ({
      version: "0.1.0",
      isNewer: false,
      page: "https://releases.example/0.1.0",
    }));

    await click("Check for updates");

    expect(await screen.findByText("Version 0.1.0 is the newest.")).toBeTruthy();
    expect(screen.queryByText("https://releases.example/0.1.0")).toBeNull();
  });

  test("say why they could not be looked for", async () => {
    await openAbout(feed, () => {
      throw errorView("offline", "releases.example cannot be reached.");
    });

    await click("Check for updates");

    expect(await screen.findByText("releases.example cannot be reached.")).toBeTruthy();
  });

  test.each<[UpdateSource, RegExp]>([
    [{ kind: "managed" }, /This installation is managed/],
    [{ kind: "off", origin: "MCM_RELEASES" }, /Checking is off: MCM_RELEASES/],
  ])("cannot be looked for where %o", async (source, words) => {
    await openAbout(source);

    expect(screen.getByText(words)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Check for updates" })).toBeNull();
  });
});
