import { isFields } from "../contract";
import type { Wish } from "./facts";

const key = "live-captions.wishes";
const roomsLimit = 50;

type Wishes = Readonly<Record<string, Wish>>;
type Place = () => Storage;
const tab: Place = () => sessionStorage;
const device: Place = () => localStorage;

/**
 * Keeps what somebody chose for their own speech in a room. What refuses something stays on this device; an agreement
 * lasts for this tab only, because the next person at this device has not agreed.
 */
export function keepWish(room: string, wish: Wish): void {
  const refuses = !wish.captioned || !wish.kept;
  put(tab, room, wish);
  put(device, room, refuses ? wish : null);
}

/** What was chosen for a room in this tab, else on this device; null if nothing was. */
export function keptWish(room: string): Wish | null {
  return wishesIn(tab)[room] ?? wishesIn(device)[room] ?? null;
}

/** A browser that stores nothing forgets it with the page. */
function put(place: Place, room: string, wish: Wish | null): void {
  const others = Object.entries(wishesIn(place)).filter(([name]) => name !== room);
  const entries = wish ? [...others, [room, wish] as const] : others;
  try {
    place().setItem(key, JSON.stringify(Object.fromEntries(entries.slice(-roomsLimit))));
  } catch {
    return;
  }
}

function wishesIn(place: Place): Wishes {
  try {
    const stored: unknown = JSON.parse(place().getItem(key) ?? "{}");
    if (!isFields(stored)) return {};
    return Object.fromEntries(Object.entries(stored).filter((entry): entry is [string, Wish] => isWish(entry[1])));
  } catch {
    return {};
  }
}

function isWish(value: unknown): value is Wish {
  return isFields(value) && typeof value["captioned"] === "boolean" && typeof value["kept"] === "boolean";
}
