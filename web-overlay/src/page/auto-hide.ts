const rest_ms = 4_000;

/**
 * Sets `data-rest` on `root` once nobody uses the page any more, so that the style sheet can hide the controls.
 * Before the first move, touch or key they stay: nobody has seen them yet.
 * `isBusy` returns whether something on the page needs them in sight.
 */
export function watchRest(root: HTMLElement, isBusy: () => boolean, rested: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  function rest(): void {
    if (isBusy()) wake();
    else {
      root.dataset["rest"] = "";
      rested();
    }
  }
  function wake(): void {
    delete root.dataset["rest"];
    clearTimeout(timer);
    timer = setTimeout(rest, rest_ms);
  }
  for (const kind of ["pointermove", "pointerdown", "keydown", "focusin"]) addEventListener(kind, wake, { passive: true });
}
