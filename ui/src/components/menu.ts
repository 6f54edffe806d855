// What a menu can hold.

import type { Colour } from "../accounts.ts";

export type MenuEntry =
  | {
      kind: "action";
      label: string;
      hint?: string | null;
      danger?: boolean;
      checked?: boolean;
      run: () => void;
    }
  | { kind: "line" }
  | { kind: "heading"; label: string }
  | { kind: "colours"; chosen: string | null; choose: (colour: Colour | null) => void };
