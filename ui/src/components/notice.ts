// The result of an action, as the live region says it.

import type { ErrorView } from "../bindings/ErrorView";

export type Notice = { kind: "done"; text: string } | { kind: "failed"; error: ErrorView };

/** How a view reports what an action came to. */
export type Report = (notice: Notice) => void;
