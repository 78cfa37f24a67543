/** What travels over the socket, both ways. Pure: strings in, values out. */

/** A look into the store that an answer rests on. */
export interface Source {
  readonly tool: string;
  /** Since when this was known. */
  readonly as_of?: string | null;
  readonly cached?: boolean | null;
  /** The orders that Shopify shows; null: all of them. */
  readonly window?: { readonly days: number } | null;
}

interface Words {
  readonly id: string;
  readonly role: "user" | "assistant" | "system";
  readonly text: string;
  readonly created_at: string;
  readonly status: Status;
  readonly model?: string | null;
  /** Triggers and regenerations: they fill their place in `seq` and are not shown. */
  readonly hidden?: boolean;
  readonly client_id?: string | null;
  readonly answers_from?: number | null;
  readonly answers_through?: number | null;
  /** Rows from there up to this one are put away: it was said anew, or is to be answered anew. */
  readonly supersedes_from?: number | null;
  readonly turn?: string | null;
  readonly sources?: readonly Source[] | null;
}

/** A row of the conversation: in PostgreSQL, for good. */
export interface Message extends Words {
  readonly seq: number;
}

/** Accepted while the database is away, and not in its place yet. */
export interface Unsaved extends Words {
  readonly seq: null;
  /** The client ids of the inputs that this answers. */
  readonly answers?: readonly string[];
}

export type Status = "complete" | "stopped" | "interrupted" | "error";

/** A turn that runs: `text` holds its chunks from `from` to before `i`, the next one. */
export interface RunningTurn {
  readonly id: string;
  readonly gen: number;
  readonly from?: number;
  readonly i: number;
  readonly text: string;
}

interface Page {
  readonly re: string;
  readonly cid: string;
  readonly last_seq: number;
  readonly messages: readonly Message[];
  readonly more: boolean;
  readonly unsaved: readonly Unsaved[];
  /** The stores that CJ has to do without. */
  readonly degraded: readonly string[];
  readonly turn?: RunningTurn | null;
}

export interface Ready extends Page {
  readonly type: "ready";
  readonly workflow: string;
  /** The shop whose data CJ can look into, by its domain. */
  readonly connected: { readonly shop: string | null };
  readonly limits: { readonly text: number };
}

export interface Sync extends Page {
  readonly type: "sync";
  /** False: the chunks that are not here are gone; the finished answer will bring its text. */
  readonly recovered: boolean;
}

export interface Ack {
  readonly type: "ack";
  readonly re: string;
  readonly cid: string;
  /** Null for what is no message: a stop. */
  readonly message_id: string | null;
  readonly seq: number | null;
  readonly turn?: string | null;
  readonly dup: boolean;
  readonly durable: boolean;
}

export interface Committed {
  readonly type: "committed";
  readonly cid: string;
  readonly message_id: string;
  readonly client_id?: string | null;
  readonly seq: number | null;
  /** Another row has this place: the same input under another id, or the answer that counts. */
  readonly replaced?: boolean;
}

export interface Said {
  readonly type: "message";
  readonly cid: string;
  readonly seq: number | null;
  readonly message: Message | Unsaved;
}

export interface Delta {
  readonly type: "delta";
  readonly cid: string;
  readonly turn: string;
  readonly gen: number;
  readonly i: number;
  readonly text: string;
}

export interface Tool {
  readonly type: "tool";
  readonly cid: string;
  readonly turn: string;
  readonly gen: number;
  readonly call: string;
  readonly name: string;
  readonly status: "started" | "ok" | "error";
}

export interface Done {
  readonly type: "done";
  readonly cid: string;
  readonly turn: string;
  readonly gen: number;
  readonly seq: number | null;
  readonly message_id: string;
  readonly n: number;
  readonly status: Status;
  readonly created_at: string;
  readonly durable: boolean;
  readonly model?: string | null;
  /** Of one that is not durable: the client ids of its inputs. */
  readonly answers?: readonly string[];
  readonly answers_from?: number | null;
  readonly answers_through?: number | null;
  readonly sources?: readonly Source[] | null;
}

export interface StateChange {
  readonly type: "state";
  readonly cid: string;
  readonly what: string;
  readonly data: unknown;
}

export interface Problem {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly re?: string;
  readonly cid?: string;
  readonly retry_ms?: number;
}

export interface Pong {
  readonly type: "pong";
  readonly re: string;
}

export type ServerFrame =
  Ready | Sync | Ack | Committed | Said | Delta | Tool | Done | StateChange | Problem | Pong;

export type ClientFrame =
  | { type: "start"; id: string; cid?: string; workflow?: string; after_seq?: number }
  | { type: "message"; id: string; cid: string; text: string; prev?: string }
  | { type: "retry"; id: string; cid: string; of: string; text?: string }
  | { type: "stop"; id: string; cid: string; turn: string }
  | {
      type: "resume";
      id: string;
      cid: string;
      after_seq: number;
      turn?: string;
      gen?: number;
      i?: number;
    }
  | { type: "action"; id: string; cid: string; name: string; data: unknown }
  | { type: "oauth_complete"; id: string; cid: string }
  | { type: "ping"; id: string };

const KNOWN: ReadonlySet<string> = new Set<ServerFrame["type"]>([
  "ready",
  "sync",
  "ack",
  "committed",
  "message",
  "delta",
  "tool",
  "done",
  "state",
  "error",
  "pong",
]);

/** The frame as it travels. */
export function encode(frame: ClientFrame): string {
  return JSON.stringify({ v: 1, ...frame });
}

/** The frame in `data`, or null for what this page does not know: it is ignored, as agreed. */
export function parse(data: unknown): ServerFrame | null {
  const frame = parseObject(data);
  if (frame === null) return null;
  if (typeof frame.type === "string") {
    return KNOWN.has(frame.type) ? (frame as unknown as ServerFrame) : null;
  }
  return typeof frame.message === "string" && "requestId" in frame
    ? ofGateway(frame.message)
    : null;
}

function parseObject(data: unknown): Record<string, unknown> | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** API Gateway speaks for itself when the function behind it could not. */
function ofGateway(message: string): Problem {
  if (message === "Forbidden") {
    const text = "CJ does not understand this page. Reload it to go on.";
    return { type: "error", code: "unsupported", message: text, retryable: false };
  }
  const code = message === "Endpoint request timed out" ? "timeout" : "internal";
  const text = "CJ could not take that just now. It is offered again.";
  return { type: "error", code, message: text, retryable: true };
}
