import { describe, expect, test } from "vitest";
import { NOW, days, minutes } from "./fixtures.ts";
import { countdown, day, duration, left, moment, share } from "./time.ts";

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

test("a wait that somebody watches counts seconds", () => {
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
