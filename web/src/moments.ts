/** Times as people read them, in their own language and zone. */

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function timeOf(at: string): string {
  return TIME.format(new Date(at));
}

export function fullOf(at: string): string {
  return FULL.format(new Date(at));
}

/** Those of the same day as `now` by the time, others by the date. */
export function shortOf(at: string, now: Date): string {
  const date = new Date(at);
  return isSameDay(date, now) ? TIME.format(date) : DATE.format(date);
}

export function dayOf(at: string, now: Date): string {
  const date = new Date(at);
  if (isSameDay(date, now)) return "Today";
  return date.getFullYear() === now.getFullYear() ? DAY.format(date) : DATE.format(date);
}

export function isSameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}
