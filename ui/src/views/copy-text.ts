// Puts a public text on the clipboard: an address to register, a command. What belongs to an Account is copied by
// the backend instead.

/** Answers whether it worked; a web view may refuse it, and then the text is there to be selected. */
export async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return false;
  }
}
