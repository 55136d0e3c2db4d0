import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const pageDir = "../captioner/overlay";
const packageDir = "dist";
const elementFile = "live-captions.js";
const elementLimit = 45_000;

const fonts = {
  "atkinson-hyperlegible.woff2": "atkinson-hyperlegible/files/atkinson-hyperlegible-latin-400-normal.woff2",
  "atkinson-hyperlegible.txt": "atkinson-hyperlegible/LICENSE",
  "opendyslexic.woff2": "opendyslexic/files/opendyslexic-latin-400-normal.woff2",
  "opendyslexic.txt": "opendyslexic/LICENSE",
};

/** Copies the fonts next to the module under stable names. The element loads a font only when its reader chooses it. */
function copyFonts(outDir: string): Plugin {
  return {
    name: "fonts",
    closeBundle() {
      mkdirSync(`${outDir}/fonts`, { recursive: true });
      for (const [to, from] of Object.entries(fonts)) copyFileSync(`node_modules/@fontsource/${from}`, `${outDir}/fonts/${to}`);
    },
  };
}

function reportElementSize(outDir: string): Plugin {
  return {
    name: "element-size",
    closeBundle() {
      const size = gzipSync(readFileSync(`${outDir}/${elementFile}`)).length;
      console.log(`${elementFile}: ${(size / 1000).toFixed(1)} kB gzipped (limit ${elementLimit / 1000} kB)`);
      if (size > elementLimit) throw new Error(`${elementFile} is too big`);
    },
  };
}

/** Forwards requests to `make demo ARGS="--port 8000"`, which admits the page to its room. */
const server = { proxy: { "/api": "http://127.0.0.1:8000" } };
const page = { base: "./", server, build: { outDir: pageDir, emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 900 } };

/** Builds the element alone, with its fonts: next to the page, or for the npm package. */
const element = (outDir: string) => ({
  base: "./",
  publicDir: false as const,
  plugins: [reportElementSize(outDir), copyFonts(outDir)],
  build: {
    outDir,
    emptyOutDir: outDir !== pageDir,
    target: "es2022",
    modulePreload: false as const,
    rollupOptions: {
      input: "src/captions-element.ts",
      preserveEntrySignatures: "strict" as const,
      output: { entryFileNames: elementFile },
    },
  },
});

export default defineConfig(({ mode }) => (mode === "element" ? element(pageDir) : mode === "package" ? element(packageDir) : page));
