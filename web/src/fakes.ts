/** A world of our own for tests: time moves when told to, and the server is the test itself. */

import type { Message, ServerFrame, Unsaved } from "./frames";
import type { Wire, World } from "./socket";

export class FakeWire implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  readonly sent: Record<string, unknown>[] = [];

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  /** The server says. */
  says(frame: ServerFrame | Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify({ v: 1, ...frame }) });
  }

  last(type: string): Record<string, unknown> {
    const found = this.sent.findLast((frame) => frame.type === type);
    if (found === undefined) throw new Error(`no ${type} was sent`);
    return found;
  }
}

export class FakeWorld implements World {
  readonly wires: FakeWire[] = [];
  readonly waits: number[] = [];
  reachable = true;
  private time = 0;
  private made = 0;
  private calls: { at: number; call: () => void }[] = [];

  now = () => this.time;
  date = () => "2030-01-02T03:04:05Z";
  random = () => 0.5;
  uuid = () => `00000000-0000-4000-8000-${String(++this.made).padStart(12, "0")}`;
  user: string | null = null;
  shop: string | null = null;
  session = () =>
    this.reachable
      ? Promise.resolve({
          user: this.user === null ? null : { id: this.user },
          shop: this.shop === null ? null : { domain: this.shop },
        })
      : Promise.reject(new Error("away"));

  later = (ms: number, call: () => void) => {
    const entry = { at: this.time + ms, call };
    this.waits.push(ms);
    this.calls.push(entry);
    return () => {
      this.calls = this.calls.filter((one) => one !== entry);
    };
  };

  dial = () => {
    const wire = new FakeWire();
    this.wires.push(wire);
    return wire;
  };

  get wire(): FakeWire {
    const wire = this.wires.at(-1);
    if (wire === undefined) throw new Error("nobody dialled");
    return wire;
  }

  /** Lets what was promised happen, without any time passing. */
  async settle(): Promise<void> {
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
  }

  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const due = this.calls.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.calls = this.calls.filter((one) => one !== due);
      this.time = due.at;
      due.call();
      await this.settle();
    }
    this.time = end;
  }

  /** The newest connection opens. */
  async opens(): Promise<FakeWire> {
    await this.settle();
    this.wire.onopen?.();
    return this.wire;
  }
}

export const CID = "11111111-1111-4111-8111-111111111111";
export const OTHER = "22222222-2222-4222-8222-222222222222";

export function row(seq: number, role: Message["role"], more: Partial<Message> = {}): Message {
  const text = `${role} ${String(seq)}`;
  const at = "2030-01-02T03:04:05Z";
  return { id: `m${String(seq)}`, seq, role, text, created_at: at, status: "complete", ...more };
}

/** Accepted and not saved. */
export function unsavedRow(
  id: string,
  role: Message["role"],
  more: Partial<Unsaved> = {},
): Unsaved {
  const at = "2030-01-02T03:04:05Z";
  return { id, seq: null, role, text: id, created_at: at, status: "complete", ...more };
}

type Frame<T extends ServerFrame["type"]> = Extract<ServerFrame, { type: T }>;

export function ready(re: string, messages: Message[], more: Partial<Frame<"ready">> = {}) {
  const frame: Frame<"ready"> = {
    type: "ready",
    re,
    cid: CID,
    workflow: "ad_hoc_support",
    connected: { shop: null },
    last_seq: messages.at(-1)?.seq ?? 0,
    messages,
    more: false,
    unsaved: [],
    limits: { text: 8_000 },
    degraded: [],
    ...more,
  };
  return frame;
}

export function sync(re: string, messages: Message[], more: Partial<Frame<"sync">> = {}) {
  const frame: Frame<"sync"> = {
    type: "sync",
    re,
    cid: CID,
    recovered: true,
    last_seq: messages.at(-1)?.seq ?? 0,
    messages,
    more: false,
    unsaved: [],
    degraded: [],
    ...more,
  };
  return frame;
}

export function error(code: string, more: Partial<Frame<"error">> = {}) {
  const frame: Frame<"error"> = {
    type: "error",
    code,
    message: "",
    retryable: true,
    ...more,
  };
  return frame;
}

export function ack(re: string, seq: number | null, more: Partial<Frame<"ack">> = {}) {
  const frame: Frame<"ack"> = {
    type: "ack",
    re,
    cid: CID,
    message_id: `m-${re}`,
    seq,
    dup: false,
    durable: seq !== null,
    ...more,
  };
  return frame;
}

export function delta(i: number, text: string, more: Partial<Frame<"delta">> = {}) {
  const frame: Frame<"delta"> = { type: "delta", cid: CID, turn: "t1", gen: 1, i, text, ...more };
  return frame;
}

export function done(n: number, seq: number | null, more: Partial<Frame<"done">> = {}) {
  const frame: Frame<"done"> = {
    type: "done",
    cid: CID,
    turn: "t1",
    gen: 1,
    seq,
    message_id: `m${String(seq)}`,
    n,
    status: "complete",
    created_at: "2030-01-02T03:04:06Z",
    durable: seq !== null,
    model: "scripted-v1",
    ...more,
  };
  return frame;
}
