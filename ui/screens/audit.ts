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
  return one.closest("[title]") === null ? [`is cut without a tooltip: ${called(one)}`] : [];
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
