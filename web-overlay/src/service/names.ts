import { cleanName } from "../strings/strings";

/** As much of a participant as its name needs. */
interface Named {
  readonly identity: string;
  readonly name?: string | undefined;
  readonly kind: number;
}

// LiveKit's SIP and CONNECTOR (WhatsApp, Twilio), as numbers: importing the enum would bundle LiveKit into the element.
const phones: readonly number[] = [3, 7];
const telephoneNumber = /\+?\d[\d\s().\-/]{3,}\d/g;

/** The name that a participant has given itself, or "": of telephone numbers only the last two digits are visible. */
export function ownName({ identity, name, kind }: Named): string {
  const given = cleanName(name ?? "");
  return phones.includes(kind) ? (given || identity).replace(telephoneNumber, masked) : given;
}

function masked(number: string): string {
  let hidden = number.replace(/\D/g, "").length - 2;
  return number.replace(/\d/g, (digit) => ((hidden -= 1) >= 0 ? "•" : digit));
}
