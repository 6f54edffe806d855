import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

export default ts.config(
  { ignores: ["dist/", "src/bindings/"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: globals.browser } },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig } },
  },
  {
    rules: {
      // The compiler checks names better than the linter can.
      "no-undef": "off",
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.object.name='console']",
          message: "Show it to the user or leave it out.",
        },
      ],
    },
  },
  {
    files: ["src/**/*.{ts,svelte}"],
    ignores: ["src/ipc.ts", "src/**/*.test.ts", "src/test-setup.ts", "src/tests/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["@tauri-apps/*"], message: "Only ipc.ts talks to the backend." }] },
      ],
    },
  },
  {
    files: ["src/components/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["@tauri-apps/*", "**/ipc", "**/ipc.ts"],
              message: "Components emit intent; views call ipc.ts.",
            },
            { group: ["**/views/*", "**/snapshot.svelte*"], message: "Components take data." },
          ],
        },
      ],
    },
  },
  {
    files: ["**/*.svelte"],
    rules: {
      "svelte/no-at-html-tags": "error",
      "no-restricted-syntax": [
        "error",
        // `style:name` is set through the CSSOM, which the Content-Security-Policy allows.
        {
          selector: "SvelteAttribute[key.name='style']",
          message: "The Content-Security-Policy refuses inline styles.",
        },
      ],
      "svelte/button-has-type": "error",
    },
  },
);
