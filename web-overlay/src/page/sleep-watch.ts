const look_ms = 5_000;
// Browsers run the timers of a background page at least once a minute.
const asleep_ms = 100_000;

/** Calls back with the period in which the page did not run, because its tab was frozen or the computer slept. */
export function watchSleep(woke: (from: Date, to: Date) => void): void {
  let seen = Date.now();
  const look = () => {
    const now = Date.now();
    if (now - seen > asleep_ms) woke(new Date(seen), new Date(now));
    seen = now;
  };
  setInterval(look, look_ms);
  document.addEventListener("freeze", () => {
    seen = Date.now();
  });
  document.addEventListener("resume", () => {
    const from = seen;
    seen = Date.now();
    woke(new Date(from), new Date(seen));
  });
  document.addEventListener("visibilitychange", look);
}
