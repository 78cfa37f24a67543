/** Keeps the page's state and the server's in step: asks, sends, offers again. */

import type { ServerFrame } from "./frames";
import { INITIAL, awaiting, prevOf, reduce } from "./protocol";
import type { Act, Outgoing, State } from "./protocol";
import { Socket } from "./socket";
import type { Status, World } from "./socket";
import { hasHole, heldThrough } from "./transcript";

export interface View extends State {
  readonly status: Status;
}

const TICK_MS = 250;
/** Frames of two senders may overtake each other: a hole this young may close by itself. */
const HOLE_MS = 500;
const HOLE_MAX_MS = 30_000;
/** No word of an open turn for so long: its worker may have died. */
const SILENCE_MS = 15_000;
const ACK_MS = 10_000;
const UNSAVED_MS = 5_000;
const RETRY_MS = 2_000;

export class Chat {
  private view: View = { ...INITIAL, status: "connecting" };
  private readonly listeners = new Set<() => void>();
  private readonly socket: Socket;
  private cancelTick: (() => void) | null = null;
  /** This connection was told which conversation it looks at, and messages may follow. */
  private joined = false;
  /** The newest `start`, and when the next one is due. */
  private asked = "";
  private askAt = Infinity;
  /** When a hole in `seq` is not expected to close by itself any more. */
  private holeAt = Infinity;
  private holeTries = 0;
  private heardAt = 0;
  private readonly offerAt = new Map<string, number>();

  constructor(private readonly world: World) {
    this.socket = new Socket(world, {
      status: (status) => {
        this.onStatus(status);
      },
      frame: (frame) => {
        this.onFrame(frame);
      },
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): View => this.view;

  start(): void {
    this.socket.start();
    this.cancelTick ??= this.world.later(TICK_MS, this.tick);
  }

  stop(): void {
    this.cancelTick?.();
    this.cancelTick = null;
    this.socket.stop();
  }

  hurry(): void {
    this.socket.hurry();
  }

  /** Opens a conversation; without an id, the empty one that waits, or a new one. */
  open(cid: string | null): void {
    this.joined = false;
    this.holeTries = 0;
    this.apply({ type: "open", cid, start: this.world.uuid() });
    this.ask();
  }

  readonly say = (text: string): void => {
    const id = this.world.uuid();
    this.apply({ type: "say", id, text, at: this.world.date() });
    this.heardAt = this.world.now();
    this.offer();
  };

  readonly discard = (id: string): void => {
    this.apply({ type: "discard", id });
  };

  readonly dismiss = (): void => {
    this.apply({ type: "dismiss" });
  };

  readonly earlier = (): void => {
    this.apply({ type: "earlier" });
    this.ask();
  };

  private onStatus(status: Status): void {
    this.joined = false;
    this.set({ ...this.view, status });
    if (status === "online") this.ask();
  }

  private onFrame(frame: ServerFrame): void {
    const before = this.view;
    this.apply(frame);
    if (frame.type === "ready") this.onReady(frame.cid);
    if (frame.type === "ack") this.offerAgain(frame.re, UNSAVED_MS);
    if (frame.type === "error") this.onError(frame, before);
    if ("cid" in frame && frame.cid === this.view.cid) this.heardAt = this.world.now();
    this.watchHole(before);
  }

  private onReady(cid: string): void {
    if (this.view.opening !== null || cid !== this.view.cid) return;
    const first = !this.joined;
    this.joined = true;
    this.askAt = Infinity;
    if (first) this.offerAt.clear();
    this.offer();
  }

  private onError(error: Extract<ServerFrame, { type: "error" }>, before: State): void {
    const wait = error.retry_ms ?? RETRY_MS;
    if (error.code === "unauthenticated" && error.retryable) this.socket.renew();
    else if (before.outbox.some(({ id }) => id === error.re)) this.offerAgain(error.re, wait);
    else if (error.retryable) this.offerAllAgain(wait);
    else if (error.re === this.asked) this.askAt = Infinity;
  }

  private offerAgain(id: string | undefined, wait: number): void {
    const waits = this.view.outbox.find((said) => said.id === id);
    if (waits !== undefined) this.offerAt.set(waits.id, this.world.now() + wait);
  }

  /** Nobody can say which frame it was: what has no answer is sent again, and that is harmless. */
  private offerAllAgain(wait: number): void {
    const at = this.world.now() + wait;
    for (const { id } of this.view.outbox) this.offerAt.set(id, at);
    if (!this.joined || this.askAt < Infinity) this.askAt = at;
  }

  private watchHole(before: State): void {
    const { transcript } = this.view;
    const paging = heldThrough(transcript) !== heldThrough(before.transcript);
    if (paging || !hasHole(transcript)) {
      this.holeTries = 0;
      this.holeAt = Infinity;
    }
    if (hasHole(transcript) && this.holeAt === Infinity && this.askAt === Infinity) {
      const wait = Math.min(HOLE_MAX_MS, HOLE_MS * 2 ** this.holeTries);
      this.holeTries += 1;
      this.holeAt = this.world.now() + (paging ? 0 : wait);
    }
  }

  private readonly tick = (): void => {
    this.cancelTick = this.world.later(TICK_MS, this.tick);
    const now = this.world.now();
    const silent = this.joined && awaiting(this.view) && now - this.heardAt >= SILENCE_MS;
    if (silent || Math.min(this.askAt, this.holeAt) <= now) this.ask();
    this.offer();
  };

  /** Says which conversation this connection looks at, and what is here already. */
  private ask(): void {
    const { cid, opening, transcript } = this.view;
    if (cid === null && opening === null) {
      this.askAt = Infinity; // there is none to look at
      return;
    }
    const now = this.world.now();
    this.heardAt = now;
    this.askAt = now + ACK_MS;
    this.holeAt = Infinity;
    this.asked = opening ?? this.world.uuid();
    this.socket.send({
      type: "start",
      id: this.asked,
      ...(cid === null ? {} : { cid }),
      ...(opening === null ? { after_seq: heldThrough(transcript) } : {}),
    });
  }

  /** Sends what waits in the outbox and is due, in the order it was said. */
  private offer(): void {
    if (!this.joined) return;
    const now = this.world.now();
    for (const said of this.view.outbox) {
      const due = (this.offerAt.get(said.id) ?? 0) <= now;
      if (said.status !== "failed" && due) this.send(said, now);
    }
  }

  private send(said: Outgoing, now: number): void {
    const { id, cid, text } = said;
    const prev = prevOf(this.view, said);
    const sent = this.socket.send({ type: "message", id, cid, text, ...(prev ? { prev } : {}) });
    if (sent) this.offerAt.set(id, now + (said.status === "unsaved" ? UNSAVED_MS : ACK_MS));
  }

  private apply(event: ServerFrame | Act): void {
    const next = reduce(this.view, event);
    if (next !== this.view) this.set({ ...next, status: this.view.status });
    for (const id of this.offerAt.keys()) {
      if (!this.view.outbox.some((said) => said.id === id)) this.offerAt.delete(id);
    }
  }

  private set(view: View): void {
    this.view = view;
    for (const listener of this.listeners) listener();
  }
}
