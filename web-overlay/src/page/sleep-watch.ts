const look_ms = 5_000;
// Timers of a page behind others run once a minute at the least.
const asleep_ms = 100_000;

/** Tells from when to when this page did not run: its tab was frozen, or the computer slept. */
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
