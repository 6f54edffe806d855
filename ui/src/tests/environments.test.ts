import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import type { FoundLine } from "../bindings/FoundLine";
import {
  aws,
  azure,
  environmentList,
  errorView,
  holderList,
  offeredContexts,
  subscriptions,
  usual,
} from "../fixtures.ts";
import { button, click, open } from "./open.ts";

const card = (name: string): HTMLElement => screen.getByRole("listitem", { name });

describe("environments", () => {
  test("say what they name, which is in use, and what is gone", async () => {
    await open({ accounts: usual, environments: environmentList });

    await click("Environments");

    expect(within(card("dev")).getByText("In use")).toBeTruthy();
    expect(within(card("dev")).getByText("Contoso, Sandbox")).toBeTruthy();
    expect(within(card("prod-eu")).getByText("Protected")).toBeTruthy();
    expect(within(card("prod-eu")).getByText("Confirmed, 12 min left")).toBeTruthy();
    expect(within(card("prod-eu")).getByText("Clusters: shop, search")).toBeTruthy();
    expect(within(card("old-lab")).getByText("Old lab is no longer connected")).toBeTruthy();
    expect(within(card("dev")).getByRole("button", { name: "Use everywhere: dev" })).toHaveProperty(
      "disabled",
      true,
    );
    expect(within(card("prod-us")).queryByRole("button", { name: /everywhere/ })).toBeNull();
  });

  test("that do not exist yet begin with what is in use", async () => {
    const { named } = await open({ accounts: usual }, { targets: () => subscriptions });
    await click("Environments");
    expect(screen.getByText("No environments yet")).toBeTruthy();

    await click("Create from what is in use…");
    await fireEvent.input(screen.getByLabelText("Name"), { target: { value: "dev" } });
    await click("Save");

    const [saved] = named("save_environment");
    expect(saved?.args["before"]).toBeNull();
    expect(saved?.args["environment"]).toMatchObject({
      name: "dev",
      members: { azure: { account: usual[0]?.id, target: usual[0]?.target?.id } },
    });
    await waitFor(() => expect(screen.getByText("dev was created.")).toBeTruthy());
  });

  test("that are protected are confirmed by their name, and by nothing else", async () => {
    const { named } = await open({ accounts: usual, environments: environmentList });
    await click("Environments");
    await click("Confirm prod-us");
    const dialog = screen.getByRole("dialog", { name: "Confirm prod-us" });
    expect(within(dialog).getByText(/for 60 minutes/)).toBeTruthy();
    const confirm = within(dialog).getByRole("button", { name: "Confirm" });
    const box = within(dialog).getByLabelText("Type prod-us to go on");

    await fireEvent.input(box, { target: { value: "prod" } });
    expect(confirm).toHaveProperty("disabled", true);
    await fireEvent.input(box, { target: { value: "PROD-us" } });
    await fireEvent.click(confirm);

    expect(named("confirm_environment")[0]?.args).toEqual({ name: "prod-us", typed: "PROD-us" });
  });

  test("count down, and end when the user says so", async () => {
    const { named } = await open({ accounts: usual, environments: environmentList });
    await click("Environments");

    await click("End now: prod-eu");

    expect(named("end_environment")[0]?.args).toEqual({ name: "prod-eu" });
  });

  test("are deleted with a way back", async () => {
    const { named } = await open({ accounts: usual, environments: environmentList });
    await click("Environments");
    await click("Delete dev");
    await fireEvent.click(
      within(screen.getByRole("dialog", { name: "Delete dev?" })).getByRole("button", { name: "Delete" }),
    );
    expect(named("delete_environment")[0]?.args).toEqual({ name: "dev", typed: "" });

    await fireEvent.click(await screen.findByRole("button", { name: /Undo/ }));

    expect(named("restore_environment")[0]?.args).toEqual({ name: "dev" });
  });

  test("that are protected are changed only with their name", async () => {
    const { named } = await open({ accounts: usual, environments: environmentList });
    await click("Environments");
    await click("Edit prod-us");
    await fireEvent.click(screen.getByLabelText(/^Protected/));
    await click("Save");
    expect(named("save_environment")).toHaveLength(0);
    const dialog = screen.getByRole("dialog", { name: "Change prod-us?" });
    await fireEvent.input(within(dialog).getByRole("textbox"), { target: { value: "prod-us" } });
    await fireEvent.click(within(dialog).getByRole("button", { name: "Save" }));

    const [saved] = named("save_environment");
    expect(saved?.args).toMatchObject({
      before: "prod-us",
      typed: "prod-us",
      environment: { settings: { isProtected: false } },
    });
  });

  test("keep the clusters that the user leaves in, and lose those of an account that goes", async () => {
    const environments = environmentList.map((one) => ({
      ...one,
      settings: { ...one.settings, isProtected: false },
    }));
    const { named } = await open({ accounts: usual, environments }, { targets: () => subscriptions });
    await click("Environments");
    await click("Edit prod-eu");
    const clusters = screen.getByRole("group", { name: "Kubernetes clusters" });
    expect(within(clusters).getAllByRole("checkbox")).toHaveLength(2);

    await fireEvent.click(within(clusters).getByRole("checkbox", { name: /^shop/ }));
    await click("Save");
    expect(named("save_environment")[0]?.args["environment"]).toMatchObject({ clusters: ["search"] });
    await screen.findByText("prod-eu was changed.");

    await click("Edit prod-eu");
    await fireEvent.change(screen.getByLabelText("Azure account"), { target: { value: "" } });
    expect(screen.queryByRole("checkbox", { name: /^search/ })).toBeNull();
    await click("Save");
    expect(named("save_environment")[1]?.args["environment"]).toMatchObject({ clusters: ["shop"] });
  });

  test("take over a cluster of the user's kubeconfig, once its account is named", async () => {
    const server = "https://orders.gr7.eu-central-1.eks.amazonaws.com";
    let refused = true;
    const { named } = await open(
      { accounts: usual, environments: environmentList },
      {
        targets: () => subscriptions,
        offered_contexts: () => offeredContexts,
        entered_cluster: ({ context }) => {
          if (refused) throw errorView("invalid-input", "The context orders is a cluster of AWS.");
          return { context, account: aws().id, server };
        },
      },
    );
    await click("Environments");
    await click("Edit dev");
    const box = screen.getByRole("combobox", { name: "Add a cluster" });
    await waitFor(() =>
      expect([...((box as HTMLInputElement).list?.options ?? [])].map(({ value }) => value)).toEqual(
        offeredContexts.map(({ context }) => context),
      ),
    );
    expect(screen.getByText(/^A context of your kubeconfig: shop, arn:.* and 2 more\./)).toBeTruthy();
    expect(button("Add")).toHaveProperty("disabled", true);

    await fireEvent.input(box, { target: { value: " orders" } });
    await fireEvent.keyDown(box, { key: "Enter" });
    expect(within(await screen.findByRole("alert")).getByText(/is a cluster of AWS/)).toBeTruthy();
    expect(named("save_environment")).toHaveLength(0);

    refused = false;
    await fireEvent.change(screen.getByLabelText("AWS account"), { target: { value: aws().id } });
    await click("Add");
    expect(
      (await screen.findByRole("checkbox", { name: /^orders/ })).closest("label")?.textContent,
    ).toContain(server);
    expect(named("entered_cluster")[1]?.args).toMatchObject({
      before: "dev",
      context: "orders",
      environment: { members: { aws: { account: aws().id } } },
    });
    expect(screen.queryByRole("alert")).toBeNull();
    expect(box).toHaveProperty("value", "");

    await click("Save");
    expect(named("save_environment")[0]?.args["environment"]).toMatchObject({
      clusters: ["orders"],
      addedClusters: ["orders"],
    });
  });

  test("take no added cluster that is unchecked, or whose account goes", async () => {
    const { named } = await open(
      { accounts: usual, environments: environmentList },
      {
        targets: () => subscriptions,
        entered_cluster: ({ context }) => ({ context, account: azure().id, server: "https://a.azmk8s.io" }),
      },
    );
    await click("Environments");
    await click("Create environment…");
    await fireEvent.input(screen.getByLabelText("Name"), { target: { value: "new" } });
    await fireEvent.change(screen.getByLabelText("Azure account"), { target: { value: azure().id } });
    const box = screen.getByRole("combobox", { name: "Add a cluster" });
    for (const context of ["one", "two"]) {
      await fireEvent.input(box, { target: { value: context } });
      await click("Add");
      await screen.findByRole("checkbox", { name: new RegExp(`^${context}`) });
    }
    expect(named("entered_cluster")[0]?.args["before"]).toBeNull();

    await fireEvent.click(screen.getByRole("checkbox", { name: /^one/ }));
    await click("Save");
    expect(named("save_environment")[0]?.args["environment"]).toMatchObject({
      clusters: ["two"],
      addedClusters: ["two"],
    });
    await screen.findByText("new was created.");
  });

  test("are used from the palette", async () => {
    const { named } = await open(
      {
        accounts: usual,
        environments: environmentList.map((one) => ({ ...one, inUse: false })),
      },
      { search: () => [{ environment: "dev" }] },
    );
    await fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
    await fireEvent.input(screen.getByRole("combobox"), { target: { value: "dev" } });
    await fireEvent.click(await screen.findByRole("option", { name: /Environment dev/ }));

    expect(named("use_environment")[0]?.args).toEqual({ name: "dev" });
  });

  test("are found by the main search where the backend ranks them, used, and confirmed when protected", async () => {
    const environments = environmentList.map((one) => ({ ...one, inUse: false }));
    let found: FoundLine[] = [{ account: azure().id, target: null }, { environment: "dev" }];
    const { named } = await open({ accounts: usual, environments }, { search: () => found });
    const box = screen.getByRole("searchbox");
    const type = (value: string) => fireEvent.input(box, { target: { value } });
    const order = (): (string | null)[] =>
      screen
        .getAllByRole("button")
        .map((button) => button.dataset["environment"] ?? button.dataset["account"] ?? null)
        .filter((name) => name !== null);

    await type("d");
    await screen.findByRole("button", { name: "Environment dev" });
    expect(order()).toEqual([azure().id, "dev"]);
    expect(screen.getByText("2 results for “d”")).toBeTruthy();
    await click("Use everywhere: dev");
    expect(named("use_environment")[0]?.args).toEqual({ name: "dev" });

    found = [{ environment: "prod-us" }, { account: azure().id, target: null }];
    await type("prod");
    await screen.findByRole("button", { name: "Environment prod-us" });
    expect(order()).toEqual(["prod-us", azure().id]);
    await fireEvent.keyDown(box, { key: "ArrowDown" });
    const row = screen.getByRole("button", { name: "Environment prod-us" });
    expect(document.activeElement).toBe(row);
    await fireEvent.keyDown(row, { key: "ArrowDown" });
    expect(document.activeElement).toHaveProperty("dataset.account", azure().id);
    await click("Confirm prod-us");

    expect(await screen.findByRole("dialog", { name: "Confirm prod-us" })).toBeTruthy();
    expect(named("use_environment")).toHaveLength(1);
  });

  test("have an icon of a small set", async () => {
    const { named } = await open({ accounts: usual, environments: environmentList });
    await click("Environments");
    await click("Edit dev");
    await fireEvent.change(screen.getByLabelText("Icon"), { target: { value: "rocket" } });
    await click("Save");

    expect(named("save_environment")[0]?.args).toMatchObject({
      environment: { settings: { icon: "rocket" } },
    });
  });
});

describe("in use by", () => {
  test("lists what runs, where, and what it holds, and cuts it off", async () => {
    let list = holderList;
    const { named } = await open({ accounts: usual }, { holders: () => list });
    await click("In use by");
    const terraform = await screen.findByRole("listitem", { name: "terraform" });
    for (const words of ["prod-eu", "Contoso", "/dev/pts/3", "6 min left", "process 4711"])
      expect(within(terraform).getByText(words)).toBeTruthy();
    expect(within(terraform).getByText(/valid until/)).toBeTruthy();
    expect(within(card("zsh")).getByText("Revoked")).toBeTruthy();

    list = holderList.map((one) => ({ ...one, revoked: true }));
    await click("Revoke terraform, process 4711");

    expect(named("revoke_holder")[0]?.args).toEqual({ id: "Ab12Cd" });
    await waitFor(() => expect(screen.queryByRole("button", { name: /Revoke/ })).toBeNull());
  });

  test("says when nothing runs, and why it cannot be read", async () => {
    let fails = true;
    await open(
      { accounts: usual },
      {
        holders: () => {
          if (fails) throw errorView("storage-failed", "The list could not be read.");
          return [];
        },
      },
    );
    await click("In use by");
    await screen.findByText("The list could not be read.");

    fails = false;
    await click("Try again");

    expect(await screen.findByText("Nothing runs")).toBeTruthy();
  });
});
