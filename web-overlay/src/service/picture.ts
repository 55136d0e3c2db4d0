const bytesLimit = 2_000_000;

/**
 * A participant's picture, a square; null if there is none at this address. Rejects if it cannot be read. The participant may have chosen the address:
 * it is fetched without cookies, and a redirection, which could lead to another origin, is not followed.
 */
export async function pictureAt(address: string): Promise<ImageBitmap | null> {
  const answer = await fetch(address, { credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" });
  if (!answer.ok || Number(answer.headers.get("content-length")) > bytesLimit) return null;
  return square(await answer.blob());
}

async function square(blob: Blob): Promise<ImageBitmap> {
  const whole = await createImageBitmap(blob);
  const side = Math.min(whole.width, whole.height);
  return createImageBitmap(whole, (whole.width - side) / 2, (whole.height - side) / 2, side, side);
}
