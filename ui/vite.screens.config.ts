import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Serves every screen and state from fixtures, for looking at them. Not part of `npm run build`.
export default defineConfig({
  root: "screens",
  plugins: [svelte({ configFile: "../svelte.config.js" })],
  server: { port: 4173, strictPort: true, fs: { allow: [".."] } },
  build: { outDir: "../node_modules/.screens", emptyOutDir: true, chunkSizeWarningLimit: 2_000 },
});
