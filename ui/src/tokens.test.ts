import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { COLOURS } from "./accounts.ts";

const css = readFileSync("src/tokens.css", "utf8");
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map((match) => [
    match[1] as string,
    { light: match[2] as string, dark: match[3] as string },
  ]),
);

/** WCAG 2.2, 1.4.3: text against what it stands on. */
const texts: [string, string][] = [
  ...["canvas", "surface", "panel", "hover", "sunken", "accent-soft"].flatMap(
    (ground): [string, string][] => [
      ["text", ground],
      ["text-soft", ground],
      ["text-faint", ground],
    ],
  ),
  ["accent-text", "accent"],
  ["accent-text", "accent-strong"],
  ["accent", "panel"],
  ["good-text", "good-soft"],
  ["warn-text", "warn-soft"],
  ["bad-text", "bad-soft"],
  ["warn-text", "canvas"],
  ["bad-text", "canvas"],
  ["bad-text", "surface"],
  ["azure", "surface"],
  ["azure", "accent-soft"],
  ["gcp", "accent-soft"],
  ["aws", "accent-soft"],
];

/** WCAG 2.2, 1.4.11: borders of fields, bars and the focus against what they stand on. */
const parts: [string, string][] = [
  ["line-strong", "surface"],
  ["line-strong", "panel"],
  ["focus", "canvas"],
  ["focus", "surface"],
  ["good", "surface"],
  ["warn", "surface"],
  ["bad", "surface"],
];

describe.each(["light", "dark"] as const)("in the %s scheme", (scheme) => {
  test.each(texts)("%s can be read on %s", (ink, ground) => {
    expect(contrast(colour(ink, scheme), colour(ground, scheme))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(parts)("%s can be seen on %s", (ink, ground) => {
    expect(contrast(colour(ink, scheme), colour(ground, scheme))).toBeGreaterThanOrEqual(3);
  });
});

function colour(name: string, scheme: "light" | "dark"): string {
  const found = colours.get(name);
  if (found === undefined) throw new Error(`tokens.css has no colour ${name}`);
  return found[scheme];
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test.each(COLOURS)("the colour %s of accounts and environments has its token and its class", (colour) => {
  expect(colours.has(`label-${colour}`)).toBe(true);
  expect(readFileSync("src/base.css", "utf8")).toContain(`.label-${colour} {`);
});
