// The steps that lead to a screen, as a user takes them.

export type Step = () => void;

export function click(name: string): Step {
  return () => {
    const all = [
      ...document.querySelectorAll<HTMLElement>("button, summary, [role=menuitem], input[type=checkbox]"),
    ];
    const found = all.find(
      (one) => (one.getAttribute("aria-label") ?? one.textContent ?? "").trim() === name,
    );
    if (found === undefined) throw new Error(`no button is called ${name}`);
    found.click();
  };
}

export function type(name: string, text: string): Step {
  return () => {
    const input = [...document.querySelectorAll("input")].find((one) =>
      [one.getAttribute("aria-label"), one.labels?.[0]?.textContent].includes(name),
    );
    if (input === undefined) throw new Error(`no field is called ${name}`);
    input.focus();
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
}

export function choose(name: string, value: string): Step {
  return () => {
    const select = [...document.querySelectorAll("select")].find((one) =>
      one.labels[0]?.textContent?.includes(name),
    );
    if (select === undefined) throw new Error(`no choice is called ${name}`);
    select.value = value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
}

export function refuseClipboard(): void {
  Object.defineProperty(navigator, "clipboard", {
    value: { writeText: () => Promise.reject(new Error("refused")) },
  });
}

export function key(name: string, more: KeyboardEventInit = {}): Step {
  return () => {
    window.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, ...more }));
  };
}

export function toEnd(): void {
  document.querySelector("main.page")?.scrollTo(0, 100_000);
}
