/** What an answer rests on, in words for people. Pure. */

import type { Source } from "./frames";

/** "orders of the last 7 and 60 days", or null where CJ saw all of them. */
export function windowOf(sources: readonly Source[]): string | null {
  const found = new Set(sources.flatMap(({ window }) => (window == null ? [] : [window.days])));
  const days = [...found].sort((a, b) => a - b);
  if (days.length === 0) return null;
  const last = String(days.pop());
  const all = days.length === 0 ? last : `${days.join(", ")} and ${last}`;
  return `orders of the last ${all} days`;
}

/** Since when all of it was known: the moment of the oldest look. */
export function asOf(sources: readonly Source[]): string | null {
  const moments = sources.flatMap(({ as_of }) => (as_of == null ? [] : [as_of]));
  return moments.sort((a, b) => Date.parse(a) - Date.parse(b)).at(0) ?? null;
}
