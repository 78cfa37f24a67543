/** Keeps the page's state and the server's in step: asks, sends, offers again. */

import type { Ack, Problem, ServerFrame } from "./frames";
import { isRetry } from "./outbox";
import { missedSomething } from "./live";
import { Offers } from "./offers";
import { reduce } from "./protocol";
import { question } from "./question";
import { Socket } from "./socket";
import type { Status, World } from "./socket";
import { INITIAL, awaiting, forgetful, lacks } from "./state";
import type { Act, State } from "./state";
import { heldThrough } from "./transcript";

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
const RETRY_MS = 2_000;

export class Chat {
  private view: View = { ...INITIAL, status: "connecting" };
  private readonly listeners = new Set<() => void>();
  private readonly socket: Socket;
  private readonly offers: Offers;
  private cancelTick: (() => void) | null = null;
  /** This connection was told which conversation it looks at, and messages may follow. */
  private joined = false;
  /** The newest question, and when the next one is due. */
  private asked = "";
  private askAt = Infinity;
  /** When what is missing is not expected to come by itself any more. */
  private holeAt = Infinity;
  private holeTries = 0;
  private heardAt = 0;
  private stopAt = 0;
  private cameBack = false;

  constructor(private readonly world: World) {
    this.socket = new Socket(world, {
      session: ({ user, shop }) => {
        this.apply({ type: "met", user: user?.id ?? null, store: shop?.domain ?? null });
      },
      status: (status) => {
        this.onStatus(status);
      },
      frame: (frame) => {
        this.onFrame(frame);
      },
    });
    this.offers = new Offers((frame) => this.socket.send(frame));
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

  /** Somebody came back from signing in: CJ is told so, once a conversation is open. */
  hint(): void {
    this.cameBack = true;
  }

  /** Opens a conversation; without an id, the empty one that waits, or a new one. */
  open(cid: string | null): void {
    this.joined = false;
    this.holeTries = 0;
    this.apply({ type: "open", cid, start: this.world.uuid() });
    this.ask();
  }

  readonly say = (text: string): void => {
    this.send({ type: "say", id: this.world.uuid(), text, at: this.world.date() });
  };

  /** Another answer in place of this one. */
  readonly tryAgain = (of: string): void => {
    this.change(of, null);
  };

  /** Another text in place of this message, to be answered anew. */
  readonly edit = (of: string, text: string): void => {
    this.change(of, text);
  };

  readonly discard = (id: string): void => {
    this.apply({ type: "discard", id });
  };

  /** CJ stops speaking; what it has said stays. */
  readonly silence = (): void => {
    if (!awaiting(this.view) || this.view.stop !== null) return;
    this.stopAt = 0;
    this.apply({ type: "stop", id: this.world.uuid() });
    this.pushStop();
  };

  readonly dismiss = (): void => {
    this.apply({ type: "dismiss" });
  };

  readonly earlier = (): void => {
    this.apply({ type: "earlier" });
    this.ask();
  };

  private change(of: string, text: string | null): void {
    this.send({ type: "retry", id: this.world.uuid(), of, text, at: this.world.date() });
  }

  private send(act: Act): void {
    this.apply(act);
    this.heardAt = this.world.now();
    this.offer();
  }

  private onStatus(status: Status): void {
    this.joined = false;
    this.set({ ...this.view, status });
    if (status === "online") this.ask();
  }

  private onFrame(frame: ServerFrame): void {
    const before = this.view;
    this.apply(frame);
    if (this.view.stop?.turn !== before.stop?.turn) this.stopAt = 0;
    this.answer(frame, before);
    if ("cid" in frame && frame.cid === this.view.cid) this.heardAt = this.world.now();
    this.watchHole(before);
  }

  private answer(frame: ServerFrame, before: State): void {
    if (frame.type === "ready" || frame.type === "sync") this.onPage(frame.cid);
    if (frame.type === "ack") this.onAck(frame, before);
    if (frame.type === "error") this.onError(frame, before);
    if (frame.type === "done") this.onDone(before);
  }

  private onDone(before: State): void {
    this.offers.hurry(this.view.outbox.filter(isRetry));
    if (missedSomething(before.live)) this.ask(); // is the store connected still?
  }

  private onPage(cid: string): void {
    if (this.view.opening !== null || cid !== this.view.cid) return;
    this.askAt = Infinity;
    if (!this.joined) this.join(cid);
    this.offer();
  }

  private join(cid: string): void {
    this.joined = true;
    this.stopAt = 0;
    this.offers.hurry(this.view.outbox);
    if (this.cameBack) this.socket.send({ type: "oauth_complete", id: this.world.uuid(), cid });
    this.cameBack = false;
  }

  private onAck({ re, dup }: Ack, before: State): void {
    this.offers.accepted(this.view.outbox, re, this.world.now());
    this.offer(); // what waited behind it
    if (re !== before.stop?.id) return;
    this.stopAt = Infinity;
    if (dup) this.ask(); // it was over already: what became of it has not come
  }

  private onError({ re, code, retryable, retry_ms }: Problem, before: State): void {
    const at = retryable ? this.world.now() + (retry_ms ?? RETRY_MS) : Infinity;
    if (code === "unauthenticated" && retryable) this.socket.renew();
    else if (re === undefined) this.startOver(at);
    else if (re === this.asked) this.askAt = at;
    else if (re === before.stop?.id) this.stopAt = at;
    else this.offers.holdBack(this.view.outbox, re, at);
  }

  /** Nobody can say which frame it was: what has no answer is sent again, and that is harmless. */
  private startOver(at: number): void {
    if (at === Infinity) return;
    for (const { id } of this.view.outbox) this.offers.holdBack(this.view.outbox, id, at);
    if (!this.joined || this.askAt < Infinity) this.askAt = at;
    this.stopAt = Math.min(this.stopAt, at);
  }

  private watchHole(before: State): void {
    const missing = lacks(this.view);
    const paging = heldThrough(this.view.transcript) !== heldThrough(before.transcript);
    if (paging || !missing) {
      this.holeTries = 0;
      this.holeAt = Infinity;
    }
    if (missing && this.holeAt === Infinity && this.askAt === Infinity) {
      const wait = Math.min(HOLE_MAX_MS, HOLE_MS * 2 ** this.holeTries);
      this.holeTries += 1;
      this.holeAt = this.world.now() + (paging ? 0 : wait);
    }
  }

  private readonly tick = (): void => {
    this.cancelTick = this.world.later(TICK_MS, this.tick);
    const now = this.world.now();
    const open = awaiting(this.view) || forgetful(this.view);
    const silent = this.joined && open && now - this.heardAt >= SILENCE_MS;
    if (silent || Math.min(this.askAt, this.holeAt) <= now) this.ask();
    this.offer();
  };

  /** Says which conversation this connection looks at, and what is here already. */
  private ask(): void {
    this.asked = this.view.opening ?? this.world.uuid();
    const frame = question(this.view, this.asked);
    const now = this.world.now();
    this.heardAt = now;
    this.askAt = frame === null ? Infinity : now + ACK_MS;
    this.holeAt = Infinity;
    if (frame !== null) this.socket.send(frame);
  }

  /** Sends what waits and is due. */
  private offer(): void {
    if (!this.joined) return;
    this.offers.make(this.view.outbox, this.world.now());
    this.pushStop();
  }

  private pushStop(): void {
    const { stop, cid } = this.view;
    const now = this.world.now();
    if (stop === null || cid === null || !this.joined || this.stopAt > now) return;
    this.stopAt = now + (stop.turn === null ? RETRY_MS : ACK_MS);
    if (stop.turn === null) this.ask();
    else this.socket.send({ type: "stop", id: stop.id, cid, turn: stop.turn });
  }

  private apply(event: ServerFrame | Act): void {
    const next = reduce(this.view, event);
    if (next !== this.view) this.set({ ...next, status: this.view.status });
  }

  private set(view: View): void {
    this.view = view;
    for (const listener of this.listeners) listener();
  }
}
