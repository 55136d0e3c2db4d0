const rest_ms = 4_000;

/**
 * Marks `root` with `data-rest` while nobody touches the page, so that its style can put the controls away.
 * `isBusy`: whether something on the page needs them in sight.
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
