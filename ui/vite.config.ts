import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

// The window's Content-Security-Policy allows no inline script, no inline style and no data: URL, so nothing may be inlined.
export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  build: {
    rollupOptions: { input: ["index.html", "switcher.html"] },
    assetsInlineLimit: 0,
    modulePreload: false,
    target: ["chrome120", "safari17"],
  },
  server: { strictPort: true },
  clearScreen: false,
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts"],
    setupFiles: ["./src/test-setup.ts"],
    env: { TZ: "UTC" },
    restoreMocks: true,
    // The whole dashboard is drawn in each, on machines that do other work too.
    testTimeout: 20_000,
  },
});
