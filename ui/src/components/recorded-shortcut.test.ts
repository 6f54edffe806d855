import { expect, test } from "vitest";
import { held, pressed } from "./recorded-shortcut.ts";

const event = (
  key: string,
  code: string,
  ...modifiers: ("ctrlKey" | "altKey" | "shiftKey" | "metaKey")[]
) => ({
  key,
  code,
  ctrlKey: modifiers.includes("ctrlKey"),
  altKey: modifiers.includes("altKey"),
  shiftKey: modifiers.includes("shiftKey"),
  metaKey: modifiers.includes("metaKey"),
});

test.each([
  ["Ctrl+Alt+K", event("k", "KeyK", "ctrlKey", "altKey")],
  ["Ctrl+Shift+K", event("K", "KeyK", "ctrlKey", "shiftKey")],
  ["Super+Space", event(" ", "Space", "metaKey")],
  ["Ctrl+Alt+F12", event("F12", "F12", "ctrlKey", "altKey")],
  ["Ctrl+Shift+1", event("!", "Digit1", "ctrlKey", "shiftKey")],
])("%s is what was pressed", (keys, pressedKeys) => {
  expect(pressed(pressedKeys)).toBe(keys);
});

test("a letter is the one on the key, and where that is none the usual one", () => {
  expect(pressed(event("a", "KeyQ", "ctrlKey", "altKey"))).toBe("Ctrl+Alt+A");
  expect(pressed(event("л", "KeyK", "ctrlKey", "altKey"))).toBe("Ctrl+Alt+K");
});

test("modifiers alone and keys that move or edit are none yet", () => {
  expect(pressed(event("Control", "ControlLeft", "ctrlKey"))).toBeNull();
  expect(pressed(event("Enter", "Enter", "ctrlKey", "altKey"))).toBeNull();
  expect(pressed(event("F13", "F13", "ctrlKey", "altKey"))).toBeNull();
  expect(held(event("Control", "ControlLeft", "ctrlKey", "shiftKey"))).toBe("Ctrl+Shift+");
});
