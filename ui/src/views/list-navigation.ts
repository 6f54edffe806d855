// The keys that move in a list of options, while the keyboard stays in the search box: the palette's and the switcher's.

/** Where a key moves from an option: the arrows go round, the page keys stop at the ends. Null for any other key. */
export function optionAfter(key: string, at: number, count: number, page: number): number | null {
  const within = (to: number): number => Math.max(0, Math.min(to, count - 1));
  switch (key) {
    case "ArrowDown":
      return (at + 1) % count;
    case "ArrowUp":
      return (at + count - 1) % count;
    case "PageDown":
      return within(at + page);
    case "PageUp":
      return within(at - page);
    default:
      return null;
  }
}
