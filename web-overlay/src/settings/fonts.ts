import type { Settings } from "./settings";

const files: Partial<Record<Settings["font"], readonly [family: string, file: string]>> = {
  atkinson: ["Atkinson Hyperlegible", "atkinson-hyperlegible.woff2"],
  dyslexic: ["OpenDyslexic", "opendyslexic.woff2"],
};

/** Loads a bundled font into a document when it is first chosen. Resolves to false if that fails. */
export async function loadFont(font: Settings["font"], base: string, into: Document): Promise<boolean> {
  const [family, file] = files[font] ?? [];
  if (family === undefined || file === undefined) return true;
  if ([...into.fonts].some((face) => face.family.replaceAll('"', "") === family && face.status !== "error")) return true;
  const face = new FontFace(family, `url("${new URL(file, base).href}")`);
  into.fonts.add(face);
  try {
    await face.load();
    return true;
  } catch {
    into.fonts.delete(face);
    return false;
  }
}
