import "./captions-element";
import { fetchPass, Meeting, type Pass, type Person } from "./meeting";
import { languageFor, strings, type StringKey } from "./strings";
import { drawTiles } from "./tiles";

const query = new URLSearchParams(location.search);
const language = languageFor(query.get("lang") ?? navigator.language);
const words = strings[language];

const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
};
const page = {
  captions: document.querySelector("live-captions"),
  roomName: byId("room-name"),
  connection: byId("connection"),
  tiles: byId("tiles"),
  trouble: byId("trouble"),
  troubleWhat: byId("trouble-what"),
  troubleAdvice: byId("trouble-advice"),
  retry: byId("retry"),
  sound: byId("sound"),
  speak: byId("speak"),
  toggle: byId("toggle"),
};

type Trouble = "unreachable" | "left" | "no-microphone";

const meeting = new Meeting(draw);
let pass: Pass | null = null;
let canSpeak = false;
let isSpeaker = false;
let isEntering = false;
let trouble: Trouble | null = null;

async function enter(speak: boolean): Promise<void> {
  if (isEntering) return;
  isEntering = true;
  trouble = null;
  draw();
  try {
    pass = await fetchPass(query.get("name"), speak);
    canSpeak ||= pass.can_speak;
    await meeting.enter(pass);
    isSpeaker = speak;
  } catch (error) {
    console.warn("could not join:", error);
    trouble = "unreachable";
  }
  isEntering = false;
  draw();
}

async function speak(): Promise<void> {
  if (!isSpeaker) await enter(true);
  if (!isSpeaker) return;
  try {
    await meeting.setMicrophone(!meeting.isMicrophoneOn);
    trouble = null;
  } catch (error) {
    console.warn("no microphone:", error);
    trouble = "no-microphone";
  }
  draw();
}

function draw(): void {
  if (meeting.connection === "connected" && trouble !== "no-microphone") trouble = null;
  if (meeting.connection === "disconnected" && pass && !isEntering) trouble ??= "left";
  const connection = isEntering ? "connecting" : meeting.connection;
  page.roomName.textContent = pass?.room ?? words["page.title"];
  setText(page.connection, words[`page.${connection}`]);
  page.connection.dataset["state"] = connection;
  drawTiles(page.tiles, connection === "disconnected" ? [] : people(), words);
  page.tiles.hidden = connection === "disconnected";
  page.sound.hidden = !meeting.needsSoundClick;
  page.speak.hidden = !canSpeak || connection === "disconnected";
  page.speak.textContent = words[!isSpeaker ? "page.join-and-speak" : meeting.isMicrophoneOn ? "page.mute" : "page.unmute"];
  drawTrouble();
}

/** A voice too quiet for the media server to point out is still one that is being captioned. */
function people(): Person[] {
  const captioned = page.captions?.speakers ?? [];
  return meeting.people.map((one) => ({ ...one, isSpeaking: one.isSpeaking || captioned.includes(one.identity) }));
}

const troubleWords: Record<Trouble, readonly [StringKey, StringKey | null]> = {
  unreachable: ["page.unreachable", "page.unreachable.advice"],
  left: ["page.left", "page.left.advice"],
  "no-microphone": ["page.no-microphone", null],
};

function drawTrouble(): void {
  page.trouble.hidden = trouble === null;
  if (trouble === null) return;
  const [what, advice] = troubleWords[trouble];
  setText(page.troubleWhat, words[what]);
  setText(page.troubleAdvice, advice ? words[advice] : "");
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function toggleCaptions(): void {
  if (!page.captions) return;
  page.captions.hidden = !page.captions.hidden;
  page.toggle.setAttribute("aria-pressed", String(!page.captions.hidden));
}

function start(): void {
  document.documentElement.lang = language;
  document.title = words["page.title"];
  page.tiles.ariaLabel = words["page.participants"];
  byId("toolbar").ariaLabel = words["page.toolbar"];
  byId("toggle-label").textContent = words["page.captions"];
  page.retry.textContent = words["page.retry"];
  page.sound.textContent = words["page.sound"];
  if (page.captions) {
    page.captions.setAttribute("locale", language);
    page.captions.toggleAttribute("measure", query.has("measure"));
    page.captions.room = meeting.room;
    page.captions.addEventListener("speakers", draw);
  }
  page.toggle.addEventListener("click", toggleCaptions);
  page.retry.addEventListener("click", () => void (trouble === "no-microphone" ? speak() : enter(isSpeaker)));
  page.sound.addEventListener("click", () => void meeting.turnOnSound());
  page.speak.addEventListener("click", () => void speak());
  void enter(false);
}

start();
