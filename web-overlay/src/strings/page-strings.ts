import { en } from "./page-strings-en";
import { fr } from "./page-strings-fr";
import type { Language } from "./strings";

export type PageKey = keyof typeof en;
export type PageWords = Readonly<Record<PageKey, string>>;

export const pageStrings: Readonly<Record<Language, PageWords>> = { en, fr };
