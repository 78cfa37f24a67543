/** A server for tests, small enough to be right: one conversation, an unreliable line to one page. */

import { CID, ack, delta, done, error, ready, row, sync } from "./fakes";
import type { FakeWire } from "./fakes";
import type { Message, ServerFrame, Unsaved } from "./frames";

type Sent = Record<string, unknown>;

interface Turn {
  readonly id: string;
  gen: number;
  chunks: string[];
}

const PAGE = 3;

export class FakeServer {
  readonly rows: Message[] = [];
  /** PostgreSQL is away: what is said and answered waits here. */
  away = false;
  buffer: Unsaved[] = [];
  turn: Turn | null = null;
  private turns = 0;
  private wire: FakeWire | null = null;
  private heard = 0;
  private late: ServerFrame[] = [];

  /** `chance(p)` says yes so often; a calm line loses nothing. */
  constructor(
    private readonly chance: (p: number) => boolean,
    public calm = false,
  ) {}

  /** Takes what the page has sent since, on whichever line it has now. */
  listen(wire: FakeWire): void {
    if (wire !== this.wire) [this.wire, this.heard, this.late] = [wire, 0, []];
    for (; this.heard < wire.sent.length; this.heard += 1) {
      const frame = wire.sent[this.heard];
      if (frame !== undefined && !this.lost()) this.take(frame);
    }
    for (const frame of this.late.splice(0)) wire.says(frame);
  }

  /** CJ's work goes on: a piece, a crash, the end. */
  work(): void {
    if (this.turn === null) this.begin();
    const { turn } = this;
    if (turn === null) return;
    if (this.chance(0.1)) {
      [turn.gen, turn.chunks] = [turn.gen + 1, []];
    } else if (turn.chunks.length > 0 && this.chance(0.3)) {
      this.end("complete");
    } else {
      turn.chunks.push(`${turn.id}.${String(turn.gen)}.${String(turn.chunks.length)} `);
      const i = turn.chunks.length - 1;
      this.tell(delta(i, turn.chunks[i] ?? "", { turn: turn.id, gen: turn.gen }));
    }
  }

  /** PostgreSQL is back: everything gets its row, in order. */
  drain(): void {
    this.away = false;
    for (const one of this.buffer.splice(0)) {
      const { answers: _answers, ...words } = one;
      const through = this.rows.filter(
        ({ client_id: id }) => _answers?.includes(id ?? "") === true,
      );
      const answers = _answers && { answers_through: Math.max(...through.map(({ seq }) => seq)) };
      const saved = { ...words, ...answers, seq: this.rows.length + 1 };
      this.rows.push(saved);
      const { id: message_id, client_id = null, seq } = saved;
      this.tell({ type: "committed", cid: CID, message_id, client_id, seq });
    }
  }

  get silent(): boolean {
    return this.turn === null && this.waiting().length === 0;
  }

  private waiting(): readonly (Message | Unsaved)[] {
    const answered = Math.max(0, ...this.rows.map(({ answers_through: seq }) => seq ?? 0));
    const here = new Set(this.buffer.flatMap(({ answers = [] }) => answers));
    const inputs = [...this.rows.filter(({ seq }) => seq > answered), ...this.buffer];
    return inputs.filter(({ role, client_id: id }) => role === "user" && !here.has(id ?? ""));
  }

  private begin(): void {
    if (this.waiting().length === 0) return;
    this.turns += 1;
    this.turn = { id: `t${String(this.turns)}`, gen: 1, chunks: [] };
  }

  private end(status: "complete" | "stopped"): void {
    const { turn } = this;
    if (turn === null) return;
    const { id, gen, chunks } = turn;
    const inputs = this.waiting();
    const message_id = `answer-${id}`;
    const words = row(0, "assistant", { id: message_id, text: chunks.join(""), status, turn: id });
    const said = { turn: id, gen, message_id, status };
    this.turn = null;
    if (this.away) {
      const answers = inputs.flatMap(({ client_id: input }) => (input == null ? [] : [input]));
      this.buffer.push({ ...words, seq: null, answers });
      this.tell(done(chunks.length, null, { ...said, answers }));
      return;
    }
    const seq = this.rows.length + 1;
    const through = { answers_through: seq - 1 };
    this.rows.push({ ...words, ...through, seq });
    this.tell(done(chunks.length, seq, { ...said, ...through }));
  }

  private take(frame: Sent): void {
    const re = String(frame.id);
    if (frame.type === "start" || frame.type === "resume") this.page(frame, re);
    if (frame.type === "message") this.hear(frame, re);
    if (frame.type === "retry") this.change(frame, re);
    if (frame.type === "stop") {
      const over = this.turn?.id !== frame.turn;
      this.tell(ack(re, null, { message_id: null, dup: over, durable: true }));
      if (!over) this.end("stopped");
    }
  }

  private page({ type, after_seq, ...asked }: Sent, re: string): void {
    const left =
      typeof after_seq === "number" ? this.rows.slice(after_seq) : this.rows.slice(-PAGE);
    const { turn } = this;
    const mine = turn !== null && asked.turn === turn.id && asked.gen === turn.gen;
    const from = mine ? Number(asked.i) : 0;
    const page = {
      last_seq: this.rows.length,
      more: left.length > PAGE,
      unsaved: [...this.buffer],
      degraded: this.away ? ["postgres"] : [],
      ...(turn && { turn: { ...turn, from, i: turn.chunks.length, text: textFrom(turn, from) } }),
    };
    const messages = left.slice(0, PAGE);
    this.tell(type === "start" ? ready(re, messages, page) : sync(re, messages, page));
  }

  private hear({ text, prev }: Sent, re: string): void {
    const known = [...this.rows, ...this.buffer].find(({ client_id: id }) => id === re);
    if (known !== undefined) {
      this.tell(ack(re, known.seq, { message_id: known.id, dup: true, ...this.running() }));
    } else if (typeof prev === "string" && !this.knows(prev)) {
      this.tell(error("out_of_order", { re, cid: CID, retry_ms: 500 }));
    } else {
      this.keep(row(0, "user", { id: `m-${re}`, client_id: re, text: String(text) }), re);
    }
  }

  private change({ of, text }: Sent, re: string): void {
    const known = this.rows.find(({ client_id: id }) => id === re);
    const target = this.rows.find(({ id }) => id === of);
    const refuse = (code: string, retryable: boolean) => {
      this.tell(error(code, { re, cid: CID, retryable }));
    };
    if (known !== undefined) this.tell(ack(re, known.seq, { message_id: known.id, dup: true }));
    else if (this.away || this.buffer.length > 0) refuse("storage_degraded", true);
    else if (target === undefined) refuse("not_found", false);
    else if (!this.silent) refuse("busy", true);
    else {
      const words = typeof text === "string" ? { text } : { text: "", hidden: true };
      const more = { id: `m-${re}`, client_id: re, supersedes_from: target.seq, ...words };
      this.keep(row(0, "user", more), re);
      const data = { from: target.seq, by: this.rows.length };
      this.tell({ type: "state", cid: CID, what: "superseded", data });
    }
  }

  private keep(message: Message, re: string): void {
    if (this.away) this.buffer.push({ ...message, seq: null });
    else this.rows.push({ ...message, seq: this.rows.length + 1 });
    this.begin();
    const seq = this.away ? null : this.rows.length;
    this.tell(ack(re, seq, { message_id: message.id, ...this.running() }));
  }

  private running(): { turn?: string } {
    return this.turn === null || this.away ? {} : { turn: this.turn.id };
  }

  private knows(client: string): boolean {
    return [...this.rows, ...this.buffer].some(({ client_id: id }) => id === client);
  }

  private lost(): boolean {
    return !this.calm && this.chance(0.1);
  }

  /** Lost, twice, or behind what comes after it. */
  private tell(frame: ServerFrame): void {
    if (this.wire === null || this.lost()) return;
    if (!this.calm && this.chance(0.1)) this.late.push(frame);
    else this.wire.says(frame);
    if (!this.calm && this.chance(0.1)) this.late.push(frame);
  }
}

function textFrom({ chunks }: Turn, from: number): string {
  return chunks.slice(from).join("");
}
