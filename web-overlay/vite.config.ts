import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const outDir = "../captioner/overlay";
const elementFile = "live-captions.js";
const elementLimit = 40_000;

function reportElementSize(): Plugin {
  return {
    name: "element-size",
    closeBundle() {
      const size = gzipSync(readFileSync(`${outDir}/${elementFile}`)).length;
      console.log(`${elementFile}: ${(size / 1000).toFixed(1)} kB gzipped (limit ${elementLimit / 1000} kB)`);
      if (size > elementLimit) throw new Error(`${elementFile} is too big`);
    },
  };
}

const page = { base: "./", build: { outDir, emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 900 } };
const element = {
  base: "./",
  plugins: [reportElementSize()],
  build: {
    outDir,
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false as const,
    rollupOptions: {
      input: "src/captions-element.ts",
      preserveEntrySignatures: "strict" as const,
      output: { entryFileNames: elementFile },
    },
  },
};

export default defineConfig(({ mode }) => (mode === "element" ? element : page));
