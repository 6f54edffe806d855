// @vitest-environment node
import { build, type Rollup } from "vite";
import { expect, test } from "vitest";

test(
  "the built pages hold nothing inline, nothing from elsewhere and no fixture",
  { timeout: 60_000 },
  async () => {
    const built = (await build({ logLevel: "silent", build: { write: false } })) as Rollup.RollupOutput;
    const files = built.output.map((file) => ({
      name: file.fileName,
      text: file.type === "chunk" ? file.code : String(file.source),
    }));
    const html = files.filter((file) => file.name.endsWith(".html"));
    const css = files.filter((file) => file.name.endsWith(".css"));

    expect(html.map((file) => file.name)).toEqual(["index.html", "switcher.html"]);
    expect(css.length).toBeGreaterThan(0);
    for (const { text } of html) {
      expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=/i);
      expect(text).not.toMatch(/<script(?![^>]*\ssrc=)/i);
      expect(text).not.toMatch(/https?:\/\//);
    }
    for (const { text } of css) expect(text).not.toMatch(/data:|https?:\/\/|@import/);
    // The bundled font comes with the pages, and only in the two ranges that are declared.
    expect(files.filter((file) => file.name.endsWith(".woff2"))).toHaveLength(2);
    for (const { text } of files) {
      expect(text).not.toMatch(/<[a-z]+[^>`"']*\sstyle=/);
      expect(text).not.toContain("contoso.example");
      expect(text).not.toContain("modulepreload");
    }
  },
);
