import { ConnectionError, ConnectionErrorReason, ConnectionState, DisconnectReason, isBrowserSupported, Room, RoomEvent, Track, type Participant } from "livekit-client";
import { isFields } from "../contract";
import { canEncrypt, Encryption } from "./encryption";

/** The server's answer to `api/join`. */
export interface Pass {
  readonly url: string;
  readonly token: string;
  readonly room: string;
  readonly identity: string;
  readonly can_speak: boolean;
}

export interface Person {
  readonly identity: string;
  readonly name: string;
  readonly isLocal: boolean;
  readonly isSpeaking: boolean;
  /** Whether they publish an audio track, muted or not. */
  readonly hasVoice: boolean;
  readonly isMuted: boolean;
}

export type Connection = "connecting" | "connected" | "reconnecting" | "disconnected";

/** Why the page has left the room. Only after `lost` does it make sense to rejoin by itself. */
export type Ending = "lost" | "replaced" | "removed" | "closed";

export type Lock = "no-key" | "other-key";

const endings: Partial<Record<DisconnectReason, Ending>> = {
  [DisconnectReason.DUPLICATE_IDENTITY]: "replaced",
  [DisconnectReason.PARTICIPANT_REMOVED]: "removed",
  [DisconnectReason.ROOM_DELETED]: "closed",
  [DisconnectReason.ROOM_CLOSED]: "closed",
};

/** The server does not admit this visitor, or no longer does. */
export class Refused extends Error {}

export const canMeet = isBrowserSupported;

/** Fetches a pass from the page's own server. Throws `Refused`, or another `Error` if the server gives no valid answer. */
export async function fetchPass(visitor: { readonly name: string | null; readonly role: string | null }): Promise<Pass> {
  const known = Object.entries(visitor).filter((entry): entry is [string, string] => entry[1] !== null);
  const response = await fetch(`api/join?${new URLSearchParams(known).toString()}`, { cache: "no-store" });
  if (response.status === 401 || response.status === 403) throw new Refused(`api/join answered ${response.status}`);
  if (!response.ok) throw new Error(`api/join answered ${response.status}`);
  const pass: unknown = await response.json();
  if (!isPass(pass)) throw new Error("api/join answered something else than a pass");
  return pass;
}

/** The demo's room: plays its audio, publishes the microphone, and calls back when anything changes. */
export class Meeting {
  readonly room: Room;
  readonly #encryption: Encryption | null;
  readonly #sounds = new Map<string, HTMLMediaElement>();
  // Joining with a new pass disconnects first, which the user need not see.
  #switching = false;
  #ending: Ending | null = null;
  #isLocked = false;

  /** `key` is the shared key of an encrypted room, or null. */
  constructor(key: string | null, changed: () => void) {
    this.#encryption = key !== null && canEncrypt() ? new Encryption(key) : null;
    const room = (this.room = new Room({ adaptiveStream: true, dynacast: true, ...this.#encryption?.options }));
    room.on(RoomEvent.TrackSubscribed, (track) => {
      if (track.kind === Track.Kind.Audio) this.#sounds.set(track.sid ?? "", track.attach());
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      for (const element of track.detach()) element.remove();
      this.#sounds.delete(track.sid ?? "");
    });
    room.on(RoomEvent.Connected, () => {
      this.#ending = null;
      this.#isLocked = false;
    });
    room.on(RoomEvent.EncryptionError, (error) => {
      console.warn("cannot decrypt:", error);
      this.#isLocked = true;
      changed();
    });
    room.on(RoomEvent.Disconnected, (reason) => {
      if (!this.#switching) this.#ending = endings[reason ?? DisconnectReason.UNKNOWN_REASON] ?? "lost";
      changed();
    });
    room.on(RoomEvent.ConnectionStateChanged, changed);
    room.on(RoomEvent.ParticipantConnected, changed);
    room.on(RoomEvent.ParticipantDisconnected, changed);
    room.on(RoomEvent.ParticipantNameChanged, changed);
    room.on(RoomEvent.ParticipantAttributesChanged, changed);
    room.on(RoomEvent.ActiveSpeakersChanged, changed);
    room.on(RoomEvent.TrackPublished, changed);
    room.on(RoomEvent.TrackUnpublished, changed);
    room.on(RoomEvent.LocalTrackPublished, changed);
    room.on(RoomEvent.LocalTrackUnpublished, changed);
    room.on(RoomEvent.TrackMuted, changed);
    room.on(RoomEvent.TrackUnmuted, changed);
    room.on(RoomEvent.AudioPlaybackStatusChanged, changed);
  }

  get connection(): Connection {
    switch (this.room.state) {
      case ConnectionState.Connected:
        return "connected";
      case ConnectionState.Reconnecting:
      case ConnectionState.SignalReconnecting:
        return "reconnecting";
      case ConnectionState.Connecting:
        return "connecting";
      case ConnectionState.Disconnected:
        return this.#switching ? "connecting" : "disconnected";
    }
  }

  /** Why the page has left the room; null while it has not. */
  get ending(): Ending | null {
    return this.#ending;
  }

  get isEncrypted(): boolean {
    return this.#encryption !== null;
  }

  /** Why the others' audio cannot be decrypted; null if it can. */
  get lock(): Lock | null {
    if (this.#encryption) return this.#isLocked ? "other-key" : null;
    const published = [...this.room.remoteParticipants.values()].flatMap((one) => [...one.trackPublications.values()]);
    return this.#isLocked || published.some((one) => one.isEncrypted) ? "no-key" : null;
  }

  get needsSoundClick(): boolean {
    return this.connection === "connected" && !this.room.canPlaybackAudio && this.#sounds.size > 0;
  }

  get isMicrophoneOn(): boolean {
    return this.room.localParticipant.isMicrophoneEnabled;
  }

  /** All participants except the caption bot, in the order in which they joined; the local one comes last. */
  get people(): Person[] {
    const { localParticipant, remoteParticipants } = this.room;
    const remote = [...remoteParticipants.values()].filter((one) => !(one.isAgent && one.attributes["captions.session"]));
    // `joinedAt` is exact to the second only, so ties are likely.
    remote.sort((a, b) => (a.joinedAt?.getTime() ?? 0) - (b.joinedAt?.getTime() ?? 0) || a.identity.localeCompare(b.identity));
    return [...remote, ...(localParticipant.identity ? [localParticipant] : [])].map(personOf);
  }

  /** Throws `Refused` if the media server rejects the pass, another error if it cannot be reached. */
  async enter(pass: Pass): Promise<void> {
    this.#switching = true;
    try {
      await this.room.disconnect();
      await this.#encryption?.turnOn(this.room);
      await this.room.connect(pass.url, pass.token);
    } catch (error) {
      if (error instanceof ConnectionError && error.reason === ConnectionErrorReason.NotAllowed) throw new Refused(error.message);
      throw error;
    } finally {
      this.#switching = false;
    }
  }

  async turnOnSound(): Promise<void> {
    await this.room.startAudio();
  }

  async setMicrophone(on: boolean): Promise<void> {
    await this.room.localParticipant.setMicrophoneEnabled(on);
  }
}

function personOf(participant: Participant): Person {
  const voices = [...participant.audioTrackPublications.values()];
  return {
    identity: participant.identity,
    name: participant.name ?? "",
    isLocal: participant.isLocal,
    isSpeaking: participant.isSpeaking,
    hasVoice: voices.length > 0,
    isMuted: voices.every((voice) => voice.isMuted),
  };
}

function isPass(value: unknown): value is Pass {
  return isFields(value) && ["url", "token", "room", "identity"].every((key) => typeof value[key] === "string") && typeof value["can_speak"] === "boolean";
}
