// Where a user is in the dashboard. It outlives the web view in the app's memory, as a text that only this file
// reads and writes: ids and names of screens, and the search. It is never written to disk.

import { CLOUDS, type Filter } from "./accounts.ts";
import type { AccountId } from "./bindings/AccountId";

/** The screens beside the accounts that the rail leads to. */
export type OtherScreen = "environments" | "in-use-by" | "activity" | "settings" | "about";
export type Screen = "accounts" | "connect" | OtherScreen;

export type Place = {
  screen: Screen;
  filter: Filter;
  /** The Account whose details are shown. */
  opened: AccountId | null;
  query: string;
  /** The Account that Activity is narrowed to. */
  activityOf: AccountId | null;
  /** The groups of the list that are closed. */
  collapsed: string[];
  /** The Account whose connection was the first, until the steps after it are closed. */
  firstConnected: AccountId | null;
  /** The zoom in percent. */
  zoom: number;
  /** How far the screen and the details are scrolled, in pixels. */
  scroll: { screen: number; detail: number };
};

export const start: Place = {
  screen: "accounts",
  filter: "all",
  opened: null,
  query: "",
  activityOf: null,
  collapsed: [],
  firstConnected: null,
  zoom: 100,
  scroll: { screen: 0, detail: 0 },
};

/** The most that the backend keeps, in bytes. */
export const MOST = 2_048;

const screens: readonly unknown[] = [
  "accounts",
  "connect",
  "environments",
  "in-use-by",
  "activity",
  "settings",
  "about",
] satisfies Screen[];
const filters: readonly unknown[] = ["all", "in-use", "needs-you", ...CLOUDS] satisfies Filter[];

/** The place as a text that fits; a search that is too long to keep is left out. */
export function written(place: Place): string {
  const text = JSON.stringify(place);
  return new TextEncoder().encode(text).length <= MOST ? text : JSON.stringify({ ...place, query: "" });
}

/** The place that a text names; what cannot be understood is as at the start. */
export function read(text: string | null): Place {
  const kept = parsed(text);
  const scroll = isRecord(kept["scroll"]) ? kept["scroll"] : {};
  return {
    screen: screens.includes(kept["screen"]) ? (kept["screen"] as Screen) : start.screen,
    filter: filters.includes(kept["filter"]) ? (kept["filter"] as Filter) : start.filter,
    opened: asText(kept["opened"]),
    query: asText(kept["query"]) ?? start.query,
    activityOf: asText(kept["activityOf"]),
    collapsed: Array.isArray(kept["collapsed"])
      ? kept["collapsed"].filter((one) => typeof one === "string")
      : start.collapsed,
    firstConnected: asText(kept["firstConnected"]),
    zoom: asLength(kept["zoom"]) || start.zoom,
    scroll: { screen: asLength(scroll["screen"]), detail: asLength(scroll["detail"]) },
  };
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function asText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function asLength(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
