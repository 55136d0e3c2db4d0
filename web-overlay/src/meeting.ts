import { ConnectionState, Room, RoomEvent, Track, type Participant } from "livekit-client";
import { isFields } from "./contract";

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
  readonly isMuted: boolean;
}

export type Connection = "connecting" | "connected" | "reconnecting" | "disconnected";

/** Asks the server that served this page for a way into its room. */
export async function fetchPass(name: string | null, speak: boolean): Promise<Pass> {
  const query = new URLSearchParams({ ...(name ? { name } : {}), speak: speak ? "1" : "0" });
  const response = await fetch(`api/join?${query.toString()}`);
  if (!response.ok) throw new Error(`api/join answered ${response.status}`);
  const pass: unknown = await response.json();
  if (!isPass(pass)) throw new Error("api/join answered something else than a pass");
  return pass;
}

/** The demo's room: sound comes out, the microphone goes in, and it tells when anything changed. */
export class Meeting {
  readonly room = new Room({ adaptiveStream: true, dynacast: true });
  readonly #sounds = new Map<string, HTMLMediaElement>();
  // A change of token goes through a disconnection that is not the user's affair.
  #switching = false;

  constructor(changed: () => void) {
    const { room } = this;
    room.on(RoomEvent.TrackSubscribed, (track) => {
      if (track.kind === Track.Kind.Audio) this.#sounds.set(track.sid ?? "", track.attach());
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      for (const element of track.detach()) element.remove();
      this.#sounds.delete(track.sid ?? "");
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

  get needsSoundClick(): boolean {
    return this.connection === "connected" && !this.room.canPlaybackAudio && this.#sounds.size > 0;
  }

  get isMicrophoneOn(): boolean {
    return this.room.localParticipant.isMicrophoneEnabled;
  }

  /** Everybody but the caption bot, in the order in which they came. */
  get people(): Person[] {
    const { localParticipant, remoteParticipants } = this.room;
    const remote = [...remoteParticipants.values()].filter((one) => !(one.isAgent && one.attributes["captions.session"]));
    // The instant of joining is known to the second only.
    remote.sort((a, b) => (a.joinedAt?.getTime() ?? 0) - (b.joinedAt?.getTime() ?? 0) || a.identity.localeCompare(b.identity));
    return [...remote, ...(localParticipant.identity ? [localParticipant] : [])].map(personOf);
  }

  async enter(pass: Pass): Promise<void> {
    this.#switching = true;
    try {
      await this.room.disconnect();
      await this.room.connect(pass.url, pass.token);
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
  return {
    identity: participant.identity,
    name: participant.name?.trim() ? participant.name : participant.identity,
    isLocal: participant.isLocal,
    isSpeaking: participant.isSpeaking,
    isMuted: !participant.isMicrophoneEnabled,
  };
}

function isPass(value: unknown): value is Pass {
  return isFields(value) && ["url", "token", "room", "identity"].every((key) => typeof value[key] === "string") && typeof value["can_speak"] === "boolean";
}
