import { en } from "./strings-en";
import { fr } from "./strings-fr";

const pageEn = {
  "page.title": "Live captions",
  "page.connecting": "Connecting…",
  "page.connected": "Connected",
  "page.reconnecting": "Connection lost. Reconnecting…",
  "page.disconnected": "Disconnected",
  "page.unreachable": "Could not reach the meeting server.",
  "page.unreachable.advice": "Check that the demo is still running in its terminal, then try again.",
  "page.left": "The connection to the room has ended.",
  "page.left.advice": "The room may have been closed, or somebody joined with the same name.",
  "page.retry": "Try again",
  "page.empty": "Nobody else is here yet.",
  "page.participants": "Participants",
  "page.you": "you",
  "page.speaking": "speaking",
  "page.muted": "microphone off",
  "page.toolbar": "Meeting controls",
  "page.captions": "Captions",
  "page.sound": "Turn on sound",
  "page.join-and-speak": "Join and speak",
  "page.mute": "Mute",
  "page.unmute": "Unmute",
  "page.no-microphone": "The microphone could not be used. Allow it in the browser, then try again.",
} as const;

const pageFr: Record<keyof typeof pageEn, string> = {
  "page.title": "Sous-titres en direct",
  "page.connecting": "Connexion…",
  "page.connected": "Connecté",
  "page.reconnecting": "Connexion perdue. Reconnexion…",
  "page.disconnected": "Déconnecté",
  "page.unreachable": "Le serveur de réunion est injoignable.",
  "page.unreachable.advice": "Vérifiez que la démo tourne encore dans son terminal, puis réessayez.",
  "page.left": "La connexion à la salle est terminée.",
  "page.left.advice": "La salle a peut-être été fermée, ou quelqu’un est entré avec le même nom.",
  "page.retry": "Réessayer",
  "page.empty": "Personne d’autre n’est encore là.",
  "page.participants": "Participants",
  "page.you": "vous",
  "page.speaking": "parle",
  "page.muted": "micro coupé",
  "page.toolbar": "Commandes de la réunion",
  "page.captions": "Sous-titres",
  "page.sound": "Activer le son",
  "page.join-and-speak": "Rejoindre et parler",
  "page.mute": "Couper le micro",
  "page.unmute": "Activer le micro",
  "page.no-microphone": "Le micro n’a pas pu être utilisé. Autorisez-le dans le navigateur, puis réessayez.",
};

export type StringKey = keyof typeof en | keyof typeof pageEn;
export type Language = "en" | "fr";
export type Words = Readonly<Record<StringKey, string>>;

export const strings: Readonly<Record<Language, Words>> = { en: { ...en, ...pageEn }, fr: { ...fr, ...pageFr } };

/** The best language we have for a BCP 47 tag. */
export function languageFor(tag: string): Language {
  return tag.toLowerCase().split("-")[0] === "fr" ? "fr" : "en";
}

/** A sentence with what its `{…}` stand for. */
export function say(sentence: string, facts: Readonly<Record<string, string | number>>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole));
}
