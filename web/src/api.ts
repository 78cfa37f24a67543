/** The HTTP side of the page: who am I, and what did we talk about. */

export interface Session {
  readonly user: { readonly id: string } | null;
  readonly shop: { readonly domain: string } | null;
}

export interface Conversation {
  readonly id: string;
  readonly title: string | null;
  readonly preview: string | null;
  readonly updated_at: string;
}

export interface Conversations {
  readonly conversations: readonly Conversation[];
  readonly next: string | null;
}

const PATIENCE_MS = 10_000;
const SESSION = "/api/v1/session";

/** Sets the session cookie where there is none. */
export async function getSession(): Promise<Session> {
  return (await get(SESSION)) as Session;
}

/** After this the browser is nobody that CJ knows. */
export async function endSession(): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(SESSION, { method: "DELETE", signal });
  if (!answer.ok) throw new Error(`${SESSION} answered ${String(answer.status)}`);
}

/** What the server said instead, in words for people. */
export class Refused extends Error {}

/** Where the owner of a shop agrees to its connection. Rejects with Refused. */
export async function getConsentUrl(shop: string, cid: string | null): Promise<string> {
  const asked = { shop, mode: "json", ...(cid === null ? {} : { conversation_id: cid }) };
  const answer = await fetch(`/api/v1/shopify/install?${new URLSearchParams(asked).toString()}`, {
    headers: { accept: "application/json" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return consentUrlIn(await answer.json());
}

/** Only an address of the web: a browser would run some others as scripts. */
export function consentUrlIn(answer: unknown): string {
  const { url, error } = (answer ?? {}) as { url?: unknown; error?: { message?: unknown } };
  if (typeof url === "string" && /^https?:\/\//.test(url)) return url;
  const { message } = error ?? {};
  throw new Refused(typeof message === "string" ? message : "CJ cannot do that right now.");
}

/** One page of the list, newest first; `cursor` is the `next` of the page before. */
export async function getConversations(cursor: string | null): Promise<Conversations> {
  const query = cursor === null ? "" : `?${new URLSearchParams({ cursor }).toString()}`;
  return (await get(`/api/v1/conversations${query}`)) as Conversations;
}

/** The list with a fresh first page; what was loaded below it stays. */
export function refreshed(old: Conversations | null, first: Conversations): Conversations {
  if (old === null || first.next === null) return first;
  const ids = new Set(first.conversations.map(({ id }) => id));
  const below = old.conversations.filter(({ id }) => !ids.has(id));
  if (below.length === 0) return first;
  return { conversations: [...first.conversations, ...below], next: old.next };
}

/** The list with one more page below. */
export function extended(old: Conversations, page: Conversations): Conversations {
  const ids = new Set(old.conversations.map(({ id }) => id));
  const more = page.conversations.filter(({ id }) => !ids.has(id));
  return { conversations: [...old.conversations, ...more], next: page.next };
}

async function get(path: string): Promise<unknown> {
  const answer = await fetch(path, {
    headers: { accept: "application/json" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!answer.ok) throw new Error(`${path} answered ${String(answer.status)}`);
  return answer.json();
}
