// The one global of the dashboard: the last Snapshot. Screens read it; only App feeds it.

import type { Snapshot } from "./bindings/Snapshot";

export class SnapshotStore {
  current = $state.raw<Snapshot | null>(null);

  /** Takes a Snapshot unless what is shown is as new or newer. */
  accept(next: Snapshot): void {
    if (this.current !== null && next.revision <= this.current.revision) return;
    this.current = next;
  }

  /** Forgets what is shown, for a start from nothing. */
  clear(): void {
    this.current = null;
  }
}

export const snapshots = new SnapshotStore();
