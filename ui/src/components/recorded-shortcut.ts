// A shortcut out of the keys that a user presses, as the backend writes it: `Ctrl+Alt+K`. Whether it may be one is the
// backend's to say.

type Pressed = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey">;

/** The modifiers that are held, each with a `+` behind it. */
export function held(event: Pressed): string {
  const names = [
    [event.ctrlKey, "Ctrl"],
    [event.altKey, "Alt"],
    [event.shiftKey, "Shift"],
    [event.metaKey, "Super"],
  ] as const;
  return names.map(([isHeld, name]) => (isHeld ? `${name}+` : "")).join("");
}

/** The keys that were pressed; none while only modifiers are held, or for a key that no shortcut has. */
export function pressed(event: Pressed): string | null {
  const key = keyOf(event);
  return key === null ? null : held(event) + key;
}

/** What is on the key in this user's layout; where that is no Latin letter, what is there in the usual one. */
function keyOf({ key, code }: Pressed): string | null {
  if (/^[a-z0-9]$/i.test(key)) return key.toUpperCase();
  if (/^F([1-9]|1[0-2])$/.test(key)) return key;
  if (code === "Space") return "Space";
  return /^(?:Key|Digit)([A-Z0-9])$/.exec(code)?.[1] ?? null;
}
