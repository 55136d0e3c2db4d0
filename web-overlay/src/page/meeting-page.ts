import type { LiveCaptionsElement } from "../captions-element";
import { setText } from "../dom";
import { HostPanel, showPanel } from "./host-panel";
import { shortcutFor } from "../controls/keys";
import type { Person } from "../room/meeting";
import { FirstTip } from "./first-tip";
import { watchSleep } from "./sleep-watch";
import { Consent } from "./consent";
import { byId, closeButton, make } from "./page-dom";
import { SpeakerNotice } from "./speaker-notice";
import { watchRest } from "./auto-hide";
import type { RoomJoining } from "../room/joining";
import { pageStrings, type PageWords } from "../strings/page-strings";
import { Toolbar } from "./toolbar";
import { say, type Language } from "../strings/strings";
import { Tiles } from "./tiles";

/** The meeting around the captions: participants, problems, and controls. */
export class MeetingPage {
  readonly #words: PageWords;
  readonly #language: Language;
  readonly #captions: LiveCaptionsElement;
  readonly #joining: RoomJoining;
  readonly #tiles: Tiles;
  readonly #toolbar: Toolbar;
  readonly #panel: HostPanel;
  readonly #notice: SpeakerNotice;
  readonly #tip: FirstTip;
  #note: "microphone" | "wish" | null = null;
  #slept: string | null = null;

  constructor(captions: LiveCaptionsElement, joining: RoomJoining, language: Language) {
    const words = pageStrings[language];
    const draw = () => {
      this.draw();
    };
    this.#words = words;
    this.#language = language;
    this.#captions = captions;
    this.#joining = joining;
    const consent = new Consent(captions.captions, () => captions.cues().some(({ speaker }) => speaker === joining.pass?.identity), draw);
    const toggleRoom = () => {
      this.#toggleRoom();
    };
    byId("tiles").ariaLabel = words.participants;
    this.#tiles = new Tiles(byId("tiles"), words);
    this.#panel = new HostPanel(byId("panel"), captions, consent, words, language, toggleRoom);
    this.#notice = new SpeakerNotice(byId("notice"), captions, consent, words);
    this.#tip = new FirstTip(byId("tip"), words);
    this.#toolbar = new Toolbar(words, {
      microphone: () => void this.#toggleMicrophone(),
      captions: () => {
        this.#toggleCaptions();
      },
      settings: () => {
        this.#open("openSettings");
      },
      history: () => {
        this.#open("openHistory");
      },
      room: toggleRoom,
      sound: () => void joining.meeting.turnOnSound(),
    });
    captions.addEventListener("speakers", draw);
    captions.addEventListener("panel", () => {
      this.#closeOtherPanel();
    });
    captions.captions.addEventListener("change", draw);
    this.#prepare(draw, toggleRoom);
  }

  draw(): void {
    const { meeting, pass, isEntering, trouble } = this.#joining;
    const connection = isEntering ? "connecting" : meeting.connection;
    const isAway = connection === "disconnected" || (isEntering && trouble !== null);
    const people = isAway ? [] : this.#people();
    const hasMicrophone = pass?.can_speak === true && connection !== "disconnected";
    const isIn = connection === "connected";
    const lock = isIn ? meeting.lock : null;
    setText(byId("room-name"), pass?.room ?? this.#words.title);
    setText(byId("kept"), this.#captions.captions.facts?.transcript === true ? this.#words.kept : "");
    setText(byId("connection"), this.#words[`connection.${lock ?? (isIn && meeting.isEncrypted ? "encrypted" : connection)}`]);
    byId("connection").dataset["state"] = lock ?? connection;
    // Without the key nothing else that the page could say about captions would be true here.
    document.body.toggleAttribute("data-locked", lock !== null);
    setText(byId("alone"), isIn && people.length === 1 ? this.#words.nobody : "");
    byId("tiles").hidden = isAway;
    this.#tiles.draw(people);
    this.#drawTrouble();
    this.#drawNote();
    this.#toolbar.draw({ microphone: hasMicrophone ? meeting.isMicrophoneOn : null, captions: !this.#captions.hidden, panel: this.#captions.panel, sound: meeting.needsSoundClick });
    this.#panel.draw(people, hasMicrophone);
    this.#notice.draw(hasMicrophone && lock === null);
    this.#tip.draw(isIn && lock === null);
    // Something new that needs the controls brings them back.
    if (this.#needsControls()) delete document.body.dataset["rest"];
  }

  #prepare(draw: () => void, toggleRoom: () => void): void {
    const words = this.#words;
    byId("retry").textContent = words.retry;
    byId("retry").addEventListener("click", () => void this.#joining.enter());
    byId("panel").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#toggleRoom();
    });
    this.#captions.shortcuts = [
      { key: "c", label: words["key.captions"], run: () => { this.#toggleCaptions(); } },
      { key: "m", label: words["key.microphone"], run: () => void this.#toggleMicrophone() },
      { key: "r", label: words["key.room"], run: toggleRoom },
    ];
    // Hidden captions do not listen for keys, but the key that shows them again must work.
    document.addEventListener("keydown", (event) => {
      if (!this.#captions.hidden || this.#captions.settings.singleKeys === false) return;
      shortcutFor(event, this.#captions.shortcuts)?.run();
    });
    watchSleep((from, to) => {
      this.#slept = say(words["note.asleep"], { from: this.#clock(from), to: this.#clock(to) });
      draw();
    });
    watchRest(document.body, () => this.#needsControls(), () => this.#tip.dismiss());
  }

  #needsControls(): boolean {
    const { meeting, trouble } = this.#joining;
    const isCalm = meeting.connection === "connected" && trouble === null && !meeting.needsSoundClick;
    const isOpen = !byId("panel").hidden || !byId("note").hidden || this.#notice.isShown || this.#captions.panel !== null;
    const isUsed = document.querySelector(".toolbar :focus-visible, .toolbar:hover, .bar:hover") !== null;
    return !isCalm || isOpen || isUsed || this.#captions.hidden;
  }

  /** Counts captioned participants as speaking: the media server does not report quiet voices. */
  #people(): Person[] {
    const captioned = this.#captions.speakers;
    return this.#joining.meeting.people.map((one) => ({ ...one, name: this.#captions.nameOf(one.identity), isSpeaking: one.isSpeaking || captioned.includes(one.identity) }));
  }

  #drawTrouble(): void {
    const { trouble, isEntering } = this.#joining;
    const isWrong = trouble !== null && this.#joining.meeting.connection !== "connected";
    byId("trouble").hidden = !isWrong;
    if (!isWrong) return;
    setText(byId("trouble-what"), this.#words[`trouble.${trouble}`]);
    setText(byId("trouble-advice"), this.#words[`trouble.${trouble}.advice`]);
    byId("retry").ariaBusy = String(isEntering);
  }

  #drawNote(): void {
    const note = byId("note");
    const { connection, lock } = this.#joining.meeting;
    const locked = connection === "connected" && lock !== null ? this.#words[`note.${lock}`] : null;
    const text = locked ?? (this.#note ? this.#words[`note.${this.#note}`] : this.#slept);
    note.hidden = text === null;
    if (text === null || note.firstElementChild?.textContent === text) return;
    const close = closeButton(this.#words["note.close"], () => {
      this.#note = null;
      this.#slept = null;
      this.draw();
    });
    // What stays true cannot be closed.
    note.replaceChildren(make("p", "", text), ...(locked === null ? [close] : []));
  }

  #toggleCaptions(): void {
    this.#captions.hidden = !this.#captions.hidden;
    this.draw();
  }

  async #toggleMicrophone(): Promise<void> {
    const { meeting, pass } = this.#joining;
    if (pass?.can_speak !== true || meeting.connection === "disconnected") return;
    try {
      const on = !meeting.isMicrophoneOn;
      const isTold = !on || (await this.#captions.captions.told());
      if (isTold) await meeting.setMicrophone(on);
      this.#note = isTold ? null : "wish";
    } catch (error) {
      console.warn("no microphone:", error);
      this.#note = "microphone";
    }
    this.draw();
  }

  #toggleRoom(): void {
    const panel = byId("panel");
    if (panel.hidden) this.#captions.closePanel();
    showPanel(panel, byId("room"), panel.hidden);
    this.draw();
  }

  /** Opens or closes a caption panel, and shows the captions, which it belongs to. */
  #open(name: "openSettings" | "openHistory"): void {
    const isOpen = this.#captions.panel === (name === "openSettings" ? "settings" : "history");
    this.#captions.hidden = false;
    if (isOpen) this.#captions.closePanel();
    else this.#captions[name]();
    this.draw();
  }

  /** Closes the room's panel when a caption panel opens, because both use the same place. */
  #closeOtherPanel(): void {
    const { panel } = this.#captions;
    if (panel !== null) this.#tip.dismiss();
    document.body.dataset["drawer"] = panel ?? "";
    if (panel !== null && !byId("panel").hidden) showPanel(byId("panel"), byId("room"), false);
    this.draw();
  }

  #clock(at: Date): string {
    return at.toLocaleTimeString(this.#language, { hour: "2-digit", minute: "2-digit" });
  }
}
