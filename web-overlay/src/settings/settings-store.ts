import { readChoices, type Choices } from "./settings";

const key = "live-captions.settings";

/** What was chosen on this device; nothing where it cannot be read. */
export function loadChoices(): Choices {
  try {
    return readChoices(JSON.parse(localStorage.getItem(key) ?? "{}"))?.choices ?? {};
  } catch {
    return {};
  }
}

/** Keeps the choices on this device; false where that is forbidden or there is no room. */
export function saveChoices(choices: Choices): boolean {
  try {
    localStorage.setItem(key, JSON.stringify(choices));
    return true;
  } catch {
    return false;
  }
}

/** Calls back when another page of this device chose otherwise. Returns what ends it. */
export function watchChoices(changed: (choices: Choices) => void): () => void {
  const listener = (event: StorageEvent) => {
    if (event.key === key || event.key === null) changed(loadChoices());
  };
  addEventListener("storage", listener);
  return () => {
    removeEventListener("storage", listener);
  };
}
