import { expect, test } from "vitest";
import { MOST, read, start, written, type Place } from "./place.ts";

const place: Place = {
  screen: "activity",
  filter: "gcp",
  opened: "azure-6f1c0d52aa01",
  query: "contoso “prod”",
  activityOf: "gcp-2277aa01cc19",
  collapsed: ["aws"],
  firstConnected: "azure-6f1c0d52aa01",
  zoom: 125,
  scroll: { screen: 640, detail: 12.5 },
};

test("a place that was written is read as it was", () => {
  expect(read(written(place))).toEqual(place);
});

test.each([
  null,
  "",
  "{",
  "null",
  "[]",
  "7",
  '{"screen":"elsewhere","filter":"oracle","opened":7,"scroll":{"screen":"far"}}',
])("%j is read as the start", (text) => {
  expect(read(text)).toEqual(start);
});

test("a search that is too long to keep is left out, and the rest is kept", () => {
  const text = written({ ...place, query: "é".repeat(MOST) });

  expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(MOST);
  expect(read(text)).toEqual({ ...place, query: "" });
});
