import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

/** From the lowest layer to the highest; modules of one line do not know those beside them. */
const layers = [
  ["vtt.ts"],
  ["contract.ts", "dom.ts"],
  ["strings"],
  ["settings", "cues"],
  ["service"],
  ["controls"],
  ["view"],
  ["panels"],
  ["widget.ts"],
  ["captions-element.ts", "room"],
  ["page"],
  ["main.ts"],
];
const mostFiles = 20;

type Imports = ReadonlyMap<string, readonly string[]>;

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "testing.ts");
const imports: Imports = new Map(files.map((file) => [file, importsOf(file)]));

function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(`src/${file}`, "utf8"));
  return importedFiles.filter(({ fileName }) => fileName.startsWith(".") && !fileName.includes(".css")).map(({ fileName }) => `${posix.join(posix.dirname(file), fileName)}.ts`);
}

function moduleOf(file: string): string {
  return file.split("/")[0] ?? "";
}

function layerOf(file: string): number {
  return layers.findIndex((modules) => modules.includes(moduleOf(file)));
}

/** Takes away the files that import nothing that is left, until none is: what remains lies on a circle or imports one. */
function circlesIn(graph: Imports): string[] {
  const left = new Map(graph);
  const free = () => [...left].filter(([, wanted]) => !wanted.some((one) => left.has(one))).map(([file]) => file);
  for (let leaves = free(); leaves.length > 0; leaves = free()) for (const file of leaves) left.delete(file);
  return [...left.keys()];
}

test("every file has its layer, and every import leads to a file", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
  expect([...imports.values()].flat().filter((file) => !imports.has(file))).toEqual([]);
});

test("no file imports from a higher layer, or from a module beside its own", () => {
  const edges = files.flatMap((file) => (imports.get(file) ?? []).map((imported) => [file, imported] as const));
  const wrong = edges.filter(([file, imported]) => moduleOf(file) !== moduleOf(imported) && layerOf(imported) >= layerOf(file));
  expect(wrong.map((edge) => edge.join(" → "))).toEqual([]);
});

test("no import goes in a circle", () => {
  expect(circlesIn(imports)).toEqual([]);
  expect(circlesIn(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]], ["d", []]]))).toEqual(["a", "b", "c"]);
});

test("no folder is too full to be read at a glance", () => {
  const count = (folder: string) => files.filter((file) => posix.dirname(file) === folder).length;
  const folders = new Set(files.map((file) => posix.dirname(file)));
  expect([...folders].filter((folder) => count(folder) > mostFiles)).toEqual([]);
});
