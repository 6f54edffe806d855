// The zoom of the window's page, in steps as browsers have them.

import * as ipc from "../ipc.ts";

const STEPS = [50, 67, 75, 80, 90, 100, 110, 125, 150, 175, 200, 250, 300] as const;

export const USUAL_ZOOM = 100;

/** The zoom that a key asks for; nothing for another key. */
export function zoomFor(event: KeyboardEvent, now: number): number | null {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
  switch (event.key) {
    case "+":
    case "=":
      return STEPS.find((step) => step > now) ?? now;
    case "-":
    case "_":
      return STEPS.findLast((step) => step < now) ?? now;
    case "0":
      return USUAL_ZOOM;
    default:
      return null;
  }
}

/** Zooms; a web view that cannot stays as it is. */
export function applyZoom(percent: number): void {
  void ipc.zoom(percent).catch(() => undefined);
}
