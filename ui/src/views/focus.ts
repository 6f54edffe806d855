// Where the keyboard is, and where it goes when what it was on goes away. A view moves it on purpose; this file catches
// what none of them moved.

const FOCUSABLE =
  "button:not(:disabled), a[href], input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex='0']";

/** Whether a dialog or a menu is in front of everything else. */
export function isCovered(): boolean {
  return document.querySelector("dialog[open], [role='menu']") !== null;
}

/** Whether a key that is pressed here belongs to a text or a choice. */
export function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && target.type !== "radio" && target.type !== "checkbox";
}

/** Whether nothing has the focus. */
export function isFocusLost(): boolean {
  const active = document.activeElement;
  return active === null || active === document.body || !active.isConnected;
}

/**
 * Moves the focus to the nearest place that is left when the element that had it is removed or disabled. Answers how to
 * stop.
 */
export function keepFocus(root: HTMLElement): () => void {
  let chain: HTMLElement[] = [];
  const remember = (event: FocusEvent): void => {
    chain = [];
    for (let one = event.target; one instanceof HTMLElement && one !== root; one = one.parentElement) {
      chain.push(one);
    }
  };
  const forget = (event: PointerEvent): void => {
    // A click beside everything takes the focus away on purpose.
    if (event.target instanceof Element && event.target.closest(FOCUSABLE) === null) chain = [];
  };
  const restore = (): void => {
    const [last, ...around] = chain;
    if (last === undefined || !isFocusLost()) return;
    if (last.isConnected && !last.matches(":disabled")) return;
    const near = around.find((one) => one.isConnected && nearest(one) !== null);
    (near === undefined ? nearest(root) : nearest(near))?.focus();
  };
  const watcher = new MutationObserver(restore);
  root.addEventListener("focusin", remember);
  root.addEventListener("pointerdown", forget);
  watcher.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled"] });
  return () => {
    watcher.disconnect();
    root.removeEventListener("focusin", remember);
    root.removeEventListener("pointerdown", forget);
  };
}

/** The first control of a place that Tab comes to, or the place itself. */
function nearest(place: HTMLElement): HTMLElement | null {
  const controls = [...place.querySelectorAll<HTMLElement>(FOCUSABLE)];
  return controls.find((one) => one.tabIndex >= 0) ?? (place.tabIndex >= 0 ? place : null);
}
