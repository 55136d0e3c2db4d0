const attribute = "picture";
const picturesLimit = 200;

/** The address of a participant's picture: what its attribute `picture` names on the page's own origin; null for anything else. */
export function pictureAddress(attributes: Readonly<Record<string, string>>, page: string): string | null {
  const named = attributes[attribute];
  if (named === undefined || named === "" || !URL.canParse(named, page)) return null;
  const address = new URL(named, page);
  // The origin of a blob: address is that of its page, too.
  return /^https?:$/.test(address.protocol) && address.origin === new URL(page).origin ? address.href : null;
}

/** Pictures by address, each fetched once. */
export class Pictures {
  readonly #pictures = new Map<string, ImageBitmap | null>();
  readonly #arrived: () => void;

  constructor(arrived: () => void) {
    this.#arrived = arrived;
  }

  /** The picture; null while it is on its way and if there is none. */
  of(address: string): ImageBitmap | null {
    if (!this.#pictures.has(address)) void this.#fetch(address);
    return this.#pictures.get(address) ?? null;
  }

  async #fetch(address: string): Promise<void> {
    if (this.#pictures.size === picturesLimit) this.#pictures.delete([...this.#pictures.keys()][0] ?? "");
    this.#pictures.set(address, null);
    try {
      const { pictureAt } = await import("./picture");
      this.#pictures.set(address, await pictureAt(address));
      this.#arrived();
    } catch (error) {
      // The initials stay.
      console.warn("no picture:", error);
    }
  }
}
