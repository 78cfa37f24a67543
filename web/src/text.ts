/** What may be said in one message, counted the way the server counts it. Pure. */

export const MAX_BYTES = 20_000;

/** Without what no message may hold: NUL, and halves of a character. */
export function clean(text: string): string {
  // eslint-disable-next-line no-control-regex -- NUL is exactly what is meant
  return text.replace(/\u0000/g, "").replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** Characters as people count them, more or less: code points, composed. */
export function lengthOf(text: string): number {
  return Array.from(text.normalize("NFC")).length;
}

/** Why `text` cannot be sent, in words, or null. */
export function objection(text: string, limit: number): string | null {
  const over = lengthOf(text) - limit;
  if (over > 0) return `${over.toLocaleString("en")} characters too many`;
  const bytes = new TextEncoder().encode(text.normalize("NFC")).length;
  return bytes > MAX_BYTES ? "Too long for one message in this script" : null;
}
