import { readChoices, type Choices } from "./settings";

const key = "live-captions.settings";

/** The choices stored on this device; none if they cannot be read. */
export function loadChoices(): Choices {
  try {
    return readChoices(JSON.parse(localStorage.getItem(key) ?? "{}"))?.choices ?? {};
  } catch {
    return {};
  }
}

/** Stores the choices on this device. Returns false if storage is forbidden or full. */
export function saveChoices(choices: Choices): boolean {
  try {
    localStorage.setItem(key, JSON.stringify(choices));
    return true;
  } catch {
    return false;
  }
}

/** Calls back when another page on this device changes the choices. Returns a function that ends this. */
export function watchChoices(changed: (choices: Choices) => void): () => void {
  const listener = (event: StorageEvent) => {
    if (event.key === key || event.key === null) changed(loadChoices());
  };
  addEventListener("storage", listener);
  return () => {
    removeEventListener("storage", listener);
  };
}
