const rest_ms = 4_000;

/**
 * Sets `data-rest` on `root` while nobody uses the page, so that the style sheet can hide the controls.
 * `isBusy` returns whether something on the page needs them in sight.
 */
export function watchRest(root: HTMLElement, isBusy: () => boolean): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  function rest(): void {
    if (isBusy()) wake();
    else root.dataset["rest"] = "";
  }
  function wake(): void {
    delete root.dataset["rest"];
    clearTimeout(timer);
    timer = setTimeout(rest, rest_ms);
  }
  for (const kind of ["pointermove", "pointerdown", "keydown", "focusin"]) addEventListener(kind, wake, { passive: true });
  wake();
}
