// What is wrong with the screen that is shown: by axe-core's rules, and by where its parts lie. Each fault is a line.

import axe from "axe-core";

const CONTROLS = "button, a[href], input, select, textarea, summary, [role='option']";
/** A rounding of sizes is no fault. */
const SLACK = 1.5;
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
/** The rules whose answer depends on the theme. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** The violations of WCAG 2.2 A and AA and of axe-core's best practice; or of the rules about colours alone. */
export async function accessibility(rules: "all" | "colours"): Promise<string[]> {
  const { violations } = await axe.run(document, {
    runOnly: rules === "all" ? { type: "tag", values: TAGS } : { type: "rule", values: COLOURS },
    // Off unless they are asked for by name.
    rules:
      rules === "all"
        ? { "label-content-name-mismatch": { enabled: true }, "target-size": { enabled: true } }
        : {},
    resultTypes: ["violations"],
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.html.slice(0, 160)}`),
  );
}

const CHOSEN = "[aria-current='page'], [aria-selected='true'], .row.open";
const LEAST_CONTRAST = 3;

/** WCAG 1.4.11: what is chosen is marked by a line of 3:1 at least, not by a tint alone. */
export function selection(): string[] {
  return [...document.querySelectorAll<HTMLElement>(CHOSEN)].filter(isDrawn).flatMap((one) => {
    const style = getComputedStyle(one);
    const ground = groundOf(one.parentElement);
    const lines = [
      style.boxShadow,
      style.outlineStyle === "none" ? "" : style.outlineColor,
      style.borderTopWidth === "0px" ? "" : style.borderTopColor,
    ];
    const colours = lines.flatMap((line) => line.match(/rgba?\([^)]*\)/g) ?? []);
    const best = Math.max(1, ...colours.map((colour) => contrast(parts(colour), ground)));
    return best >= LEAST_CONTRAST ? [] : [`is chosen without a mark, ${best.toFixed(2)}:1: ${called(one)}`];
  });
}

function groundOf(one: HTMLElement | null): number[] {
  for (let around = one; around !== null; around = around.parentElement) {
    const colour = parts(getComputedStyle(around).backgroundColor);
    if ((colour[3] ?? 1) > 0) return colour;
  }
  return [255, 255, 255];
}

function parts(colour: string): number[] {
  return (colour.match(/[\d.]+/g) ?? []).map(Number);
}

function contrast(one: number[], other: number[]): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: number[]): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** What is cut off, covered, or needs a scrollbar that it should not need. */
export function layout(): string[] {
  const all = [...document.querySelectorAll<HTMLElement>("*")].filter(isDrawn);
  const front = document.querySelector("dialog:modal, [role='menu']");
  const controls = all.filter((one) => one.matches(CONTROLS) && (front === null || front.contains(one)));
  return [
    ...all.flatMap(scrollFaults),
    ...all.flatMap(textFaults),
    ...controls.flatMap(clipFaults),
    ...controls.flatMap(coverFaults),
  ];
}

function isDrawn(one: HTMLElement): boolean {
  if (!(one instanceof HTMLElement) || one.closest(".heard") !== null) return false;
  const { width, height } = one.getBoundingClientRect();
  return width > 0 && height > 0 && one.checkVisibility({ visibilityProperty: true });
}

function scrollFaults(one: HTMLElement): string[] {
  const style = getComputedStyle(one);
  const faults: string[] = [];
  const isRoot = one === document.documentElement || one === document.body;
  const scrollsX = isScrolling(style.overflowX);
  const tooWide = one.scrollWidth > one.clientWidth + SLACK;
  // Long lines of code are read line by line.
  if ((isRoot || scrollsX) && tooWide && one.closest("pre") === null && !one.matches("input, textarea"))
    faults.push(`has a horizontal scrollbar: ${called(one)}, ${one.scrollWidth} in ${one.clientWidth}`);
  if (isRoot && one.scrollHeight > one.clientHeight + SLACK)
    faults.push(`is higher than the window: ${called(one)}, ${one.scrollHeight} in ${one.clientHeight}`);
  const borders = Number.parseFloat(style.borderLeftWidth) + Number.parseFloat(style.borderRightWidth);
  const bar = one.offsetWidth - one.clientWidth - borders;
  if (!isRoot && isScrolling(style.overflowY) && one.scrollHeight > one.clientHeight + SLACK && bar < 1)
    faults.push(`its scrollbar lies above the page, also above a dialog: ${called(one)}`);
  return faults;
}

/** A text that is cut needs an ellipsis and says itself whole in a tooltip. */
function textFaults(one: HTMLElement): string[] {
  const style = getComputedStyle(one);
  if (isScrolling(style.overflowX) || one.matches("input, select, textarea")) return [];
  if (one.scrollWidth <= one.clientWidth + SLACK || one.clientWidth === 0) return [];
  if (style.overflowX === "visible" || style.display.startsWith("inline")) return [];
  if (style.textOverflow !== "ellipsis") return [`is cut without a sign: ${called(one)}`];
  if (one.closest("[title]") === null) return [`is cut without a tooltip: ${called(one)}`];
  return isBeginningSeen(one) ? [] : [`loses its beginning: ${called(one)}`];
}

/** Whether the first letter of a text lies inside its box, which it does not when the text is cut at the wrong end. */
function isBeginningSeen(one: HTMLElement): boolean {
  const texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  let first = texts.nextNode();
  while (first !== null && (first.textContent ?? "").trim() === "") first = texts.nextNode();
  if (first === null) return true;
  const letter = document.createRange();
  const at = (first.textContent ?? "").search(/\S/);
  letter.setStart(first, at);
  letter.setEnd(first, at + 1);
  const box = one.getBoundingClientRect();
  const seen = letter.getBoundingClientRect();
  return seen.left >= box.left - SLACK && seen.right <= box.right + SLACK;
}

function clipFaults(one: HTMLElement): string[] {
  const box = one.getBoundingClientRect();
  let needsRoomBelow = true;
  for (let around = one.parentElement; around !== null; around = around.parentElement) {
    const style = getComputedStyle(around);
    const room = around.getBoundingClientRect();
    const left = room.left + around.clientLeft;
    const top = room.top + around.clientTop;
    if (style.overflowX !== "visible" && around !== document.documentElement) {
      if (box.left < left - SLACK || box.right > left + around.clientWidth + SLACK)
        return [`is cut at the side: ${called(one)} in ${called(around)}`];
    }
    if (isScrolling(style.overflowY)) needsRoomBelow = false;
    else if (style.overflowY !== "visible" && needsRoomBelow) {
      if (box.top < top - SLACK || box.bottom > top + around.clientHeight + SLACK)
        return [`is cut above or below: ${called(one)} in ${called(around)}`];
    }
    if (style.position === "fixed") break;
  }
  if (box.left < -SLACK || box.right > innerWidth + SLACK) return [`is outside the window: ${called(one)}`];
  if (needsRoomBelow && (box.top < -SLACK || box.bottom > innerHeight + SLACK))
    return [`is outside the window: ${called(one)}`];
  return [];
}

/** A control that something else lies above cannot be clicked. */
function coverFaults(one: HTMLElement): string[] {
  const box = one.getBoundingClientRect();
  const x = box.left + box.width / 2;
  const y = box.top + box.height / 2;
  if (!isInSight(one, x, y)) return [];
  const hit = document.elementFromPoint(x, y);
  if (hit === null || one.contains(hit) || hit.contains(one)) return [];
  const label = (one as HTMLInputElement).labels?.[0];
  if (label?.contains(hit) === true) return [];
  // What is scrolled goes under a heading that stays.
  for (let around: Element | null = hit; around !== null; around = around.parentElement)
    if (getComputedStyle(around).position === "sticky") return [];
  return [`is covered: ${called(one)} by ${called(hit)}`];
}

function isInSight(one: HTMLElement, x: number, y: number): boolean {
  if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return false;
  for (let around = one.parentElement; around !== null; around = around.parentElement) {
    if (getComputedStyle(around).overflowY === "visible") continue;
    const room = around.getBoundingClientRect();
    if (y < room.top || y > room.bottom || x < room.left || x > room.right) return false;
  }
  return true;
}

function isScrolling(overflow: string): boolean {
  return overflow === "auto" || overflow === "scroll";
}

function called(one: Element): string {
  const name = (one.getAttribute("aria-label") ?? one.textContent ?? "").trim().replace(/\s+/g, " ");
  const shape = [...one.classList].filter((part) => !part.startsWith("svelte-")).join(".");
  return `${one.localName}${shape === "" ? "" : `.${shape}`} “${name.slice(0, 50)}”`;
}
