/** One connection to CJ that comes back by itself. What the frames mean is not its business. */

import type { Session } from "./api";
import { encode, parse } from "./frames";
import type { ClientFrame, ServerFrame } from "./frames";

/** What is used of a WebSocket. */
export interface Wire {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(data: string): void;
  close(): void;
}

/** What the world outside does for the page; tests bring their own. */
export interface World {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** The time of day, ISO 8601. */
  date(): string;
  /** At least 0, below 1. */
  random(): number;
  uuid(): string;
  /** Calls back once; what it returns takes that back. */
  later(ms: number, call: () => void): () => void;
  /** Makes sure that there is a session cookie; rejects when CJ cannot be reached. */
  session(): Promise<Session>;
  dial(): Wire;
}

export type Status = "connecting" | "online" | "offline";

export interface Listener {
  /** Whose cookie the connection is made with. */
  session(session: Session): void;
  status(status: Status): void;
  frame(frame: ServerFrame): void;
}

export const BACKOFF_MIN_MS = 500;
export const BACKOFF_MAX_MS = 30_000;
/** API Gateway closes what is idle for ten minutes. */
export const PING_MS = 240_000;
/** Every frame has an answer, and 29 s is the longest one may take: after this the line is dead. */
export const ANSWER_MS = 35_000;

export class Socket {
  private wire: Wire | null = null;
  private attempt = 0;
  private wanted = false;
  private hangUp: () => void = nothing;
  private cancelRetry: () => void = nothing;
  private cancelPing: () => void = nothing;
  private cancelDeadline: (() => void) | null = null;
  /** Which connection is the present one. */
  private generation = 0;

  constructor(
    private readonly world: World,
    private readonly listener: Listener,
  ) {}

  /** Connects, and again whenever the connection is lost, until `stop`. */
  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    void this.connect();
  }

  stop(): void {
    this.wanted = false;
    this.drop();
  }

  /** Does not wait any longer: the network is back, or somebody looks at the page again. */
  hurry(): void {
    if (!this.wanted || this.wire !== null) return;
    this.attempt = 0;
    void this.connect();
  }

  /** Closes this connection and makes another, with whatever session cookie there is by then. */
  renew(): void {
    if (this.wire !== null) this.lost();
  }

  /** False when there is no connection to send on. */
  send(frame: ClientFrame): boolean {
    if (this.wire === null) return false;
    this.wire.send(encode(frame));
    this.expectNews();
    return true;
  }

  private expectNews(): void {
    this.cancelDeadline ??= this.world.later(ANSWER_MS, () => {
      this.lost();
    });
  }

  private newsCame(): void {
    this.cancelDeadline?.();
    this.cancelDeadline = null;
  }

  private async connect(): Promise<void> {
    this.drop();
    const generation = this.generation;
    this.expectNews();
    let session: Session;
    try {
      session = await this.world.session();
    } catch {
      if (generation === this.generation) this.lost();
      return;
    }
    if (generation !== this.generation) return;
    this.listener.session(session);
    this.dial(generation);
  }

  private dial(generation: number): void {
    const wire = this.world.dial();
    const current = (act: () => void) => () => {
      if (generation === this.generation) act();
    };
    wire.onopen = current(() => {
      this.wire = wire;
      this.newsCame();
      this.ping();
      this.listener.status("online");
    });
    wire.onclose = current(() => {
      this.lost();
    });
    wire.onmessage = ({ data }) => {
      if (generation === this.generation) this.hear(data);
    };
    this.hangUp = () => {
      wire.close();
    };
  }

  private hear(data: unknown): void {
    this.newsCame();
    const frame = parse(data);
    // An answer shows that CJ is well; a handshake, or a refusal, does not.
    if (frame !== null && frame.type !== "error") this.attempt = 0;
    if (frame !== null) this.listener.frame(frame);
  }

  private ping(): void {
    this.cancelPing = this.world.later(PING_MS, () => {
      this.send({ type: "ping", id: this.world.uuid() });
      this.ping();
    });
  }

  /** Tries again later: full jitter, so that not everybody comes back at the same instant. */
  private lost(): void {
    this.drop();
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.attempt);
    // One lost connection in two hours is how API Gateway works: nobody needs to be alarmed.
    this.listener.status(this.attempt === 0 ? "connecting" : "offline");
    this.attempt += 1;
    this.cancelRetry = this.world.later(this.world.random() * ceiling, () => void this.connect());
  }

  private drop(): void {
    this.generation += 1; // whatever the old connection still says is not heard
    this.cancelRetry();
    this.cancelPing();
    this.newsCame();
    this.wire = null;
    this.hangUp();
    this.hangUp = nothing;
  }
}

function nothing(): void {
  // there is nothing to take back
}
