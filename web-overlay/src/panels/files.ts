/** Downloads a text as a file. `near` is an element of the window in which the user clicked. */
export function offerFile(name: string, type: string, text: string, near: HTMLElement): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.hidden = true;
  near.append(link);
  link.click();
  link.remove();
  // By then the browser has begun to read the blob, and keeps what it needs.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
