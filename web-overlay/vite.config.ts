import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { minify } from "terser";
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

/** Writes the types, with the extensions of files, which TypeScript wants in packages that it resolves as Node does. */
const types: Plugin = {
  name: "types",
  closeBundle() {
    execFileSync("tsc", ["-p", "tsconfig.package.json"], { stdio: "inherit" });
    const written = readdirSync("dist/types", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".d.ts"));
    for (const file of written.map((name) => `dist/types/${name}`)) {
      writeFileSync(file, readFileSync(file, "utf8").replace(/(from |import\()"(\.{1,2}\/[^"]+)"/g, '$1"$2.js"'));
    }
  },
};

/** Minifies what Vite leaves as it is in a library. */
const minified: Plugin = {
  name: "minified",
  async generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === "chunk") chunk.code = (await minify(chunk.code, { module: true, ecma: 2020, compress: { passes: 2 } })).code ?? chunk.code;
    }
  },
};

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
const element = (outDir: string, ...more: Plugin[]) => ({
  base: "./",
  publicDir: false as const,
  plugins: [minified, reportElementSize(outDir), copyFonts(outDir), ...more],
  build: {
    outDir,
    emptyOutDir: outDir !== pageDir,
    target: "es2022",
    cssMinify: true,
    // A library's imports stay plain ones, which other people's bundlers can follow.
    lib: { entry: "src/captions-element.ts", formats: ["es" as const], fileName: () => elementFile },
    rollupOptions: { output: { chunkFileNames: "[name].js" } },
  },
});

export default defineConfig(({ mode }) => (mode === "element" ? element(pageDir) : mode === "package" ? element(packageDir, types) : page));
