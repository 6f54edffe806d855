// The results that are shown at the foot of the window: for a moment, or until they are dismissed.

import type { ErrorView } from "../bindings/ErrorView";
import { isSame, isSameError, type Notice } from "../components/notice.ts";

const SHOWN_FOR = 6_000;
/** What can be undone is shown for as long as a disconnect can. */
const UNDO_FOR = 10_000;
const AT_ONCE = 3;

export class Notices {
  list = $state.raw<(Notice & { id: number })[]>([]);
  #last = 0;

  report = (notice: Notice): void => {
    const id = ++this.#last;
    this.list = [...this.list.filter((one) => !isSame(one, notice)), { ...notice, id }].slice(-AT_ONCE);
    if (notice.kind === "failed") return;
    const isUndoable = notice.kind === "done" && notice.undo !== undefined;
    setTimeout(() => this.dismiss(id), isUndoable ? UNDO_FOR : SHOWN_FOR);
  };

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  /** Undoes what was reported last; answers whether there was something. */
  undoLast(): boolean {
    const last = this.list.findLast((one) => one.kind === "done" && one.undo !== undefined);
    if (last?.kind !== "done" || last.undo === undefined) return false;
    last.undo();
    this.dismiss(last.id);
    return true;
  }

  /** Those that say something that is not on the screen already. */
  beside(shown: readonly ErrorView[]): (Notice & { id: number })[] {
    return this.list.filter(
      (notice) => notice.kind !== "failed" || !shown.some((error) => isSameError(error, notice.error)),
    );
  }
}
