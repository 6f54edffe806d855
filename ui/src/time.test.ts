import { describe, expect, test } from "vitest";
import { NOW, days, minutes } from "./fixtures.ts";
import {
  countdown,
  day,
  daysAgo,
  duration,
  isWithinDay,
  left,
  moment,
  nearest,
  share,
  time,
} from "./time.ts";

const MINUTE = 60_000;

describe("a duration", () => {
  test.each([
    [20_000, "under 1 min"],
    [MINUTE, "1 min"],
    [42.9 * MINUTE, "42 min"],
    [65 * MINUTE, "1 h 05 min"],
    [25 * 60 * MINUTE, "1 day"],
    [90 * 24 * 60 * MINUTE, "90 days"],
  ])("of %d ms reads %s", (milliseconds, words) => {
    expect(duration(milliseconds)).toBe(words);
  });
});

test("nothing is left of what has ended", () => {
  expect(left(minutes(-1), NOW)).toBeNull();
  expect(left(minutes(0), NOW)).toBeNull();
});

test("a wait on screen counts seconds", () => {
  expect(countdown(minutes(0.7), NOW)).toBe("42 s");
  expect(countdown(minutes(2.05), NOW)).toBe("2 min 03 s");
  expect(countdown(minutes(-1), NOW)).toBe("0 s");
});

test("the share of a session stays between nothing and all of it", () => {
  expect(share({ issuedAt: minutes(-30), expiresAt: minutes(30) }, NOW)).toBe(0.5);
  expect(share({ issuedAt: minutes(-90), expiresAt: minutes(-30) }, NOW)).toBe(0);
  expect(share({ issuedAt: minutes(5), expiresAt: minutes(30) }, NOW)).toBe(1);
  expect(share({ issuedAt: minutes(5), expiresAt: minutes(5) }, NOW)).toBe(0);
});

test("a moment today is a time, another day names the day, another year the year", () => {
  expect(moment(minutes(42), NOW)).toBe("15:42");
  expect(moment(days(2), NOW)).toBe("26 Nov, 15:00");
  expect(day(days(89), NOW)).toBe("21 Feb 2027");
});

test("days are counted by midnights, not by hours", () => {
  expect(daysAgo("2026-11-24T00:01:00Z", NOW)).toBe(0);
  expect(daysAgo("2026-11-23T23:59:00Z", NOW)).toBe(1);
  expect(daysAgo(days(-40), NOW)).toBe(40);
  expect(time("2026-11-23T23:59:00Z")).toBe("23:59");
});

test("what happened a day ago is no longer of today", () => {
  expect(isWithinDay(minutes(-23 * 60), NOW)).toBe(true);
  expect(isWithinDay(days(-1), NOW)).toBe(false);
});

test("an end is worth preparing for within three days", () => {
  expect(nearest(minutes(200), NOW)).toBe("18:20");
  expect(nearest(days(2.1), NOW)).toBe("26 Nov");
  expect(nearest(days(4), NOW)).toBeNull();
  expect(nearest(minutes(-1), NOW)).toBeNull();
});
