import { describe, expect, it } from "vitest";

import { CID, OTHER, ack, delta, done, ready, row } from "./fakes";
import type { ServerFrame } from "./frames";
import { INITIAL, awaiting, prevOf, reduce } from "./protocol";
import type { Act, State } from "./protocol";
import { hasHole, heldThrough } from "./transcript";

function after(state: State, ...events: (ServerFrame | Act)[]): State {
  return events.reduce(reduce, state);
}

const opening: Act = { type: "open", cid: null, start: "s1" };
const said = (id: string, text = id): Act => ({
  type: "say",
  id,
  text,
  at: "2030-01-02T03:04:05Z",
});
const open = after(INITIAL, opening, ready("s1", []));
const asked = after(open, said("a"), ack("a", 1));
const texts = (state: State) => state.transcript.messages.map(({ text }) => text);

describe("opening", () => {
  it("takes the conversation that answers its start", () => {
    expect(open).toMatchObject({ cid: CID, opening: null, textLimit: 8_000 });
  });

  it("does not take a conversation that nobody waits for any more", () => {
    const elsewhere = after(open, { type: "open", cid: OTHER, start: "s2" });
    expect(after(elsewhere, ready("s1", [row(1, "user")]))).toBe(elsewhere);
  });

  it("says so when there is no such conversation, and opens none", () => {
    const lost = after(
      INITIAL,
      { type: "open", cid: OTHER, start: "s1" },
      {
        type: "error",
        re: "s1",
        code: "not_found",
        message: "There is no such conversation.",
        retryable: false,
      },
    );
    expect(lost).toMatchObject({ cid: null, opening: null, notice: { code: "not_found" } });
  });

  it("keeps what waits to be sent when another conversation is opened", () => {
    const elsewhere = after(open, said("a"), { type: "open", cid: OTHER, start: "s2" });
    expect(elsewhere.outbox.map(({ id, cid }) => [id, cid])).toEqual([["a", CID]]);
  });

  it("shows a turn that runs with the text it has told so far", () => {
    const turn = { id: "t1", gen: 2, i: 3, text: "so far" };
    const joined = after(INITIAL, opening, ready("s1", [row(1, "user")], { turn }));
    expect(after(joined, delta(3, "!", { gen: 2 })).live?.text).toBe("so far!");
  });
});

describe("what was said", () => {
  it("moves into the conversation when it is durable", () => {
    expect(asked.outbox).toEqual([]);
    expect(asked.transcript.messages).toMatchObject([{ id: "m-a", seq: 1, text: "a" }]);
  });

  it("stays, marked, while it is accepted and not durable", () => {
    const accepted = after(open, said("a"), ack("a", null));
    expect(accepted.outbox).toMatchObject([{ id: "a", status: "unsaved" }]);
    expect(accepted.transcript.messages).toEqual([]);
  });

  it("moves into the conversation when it is committed later", () => {
    const committed: ServerFrame = { type: "committed", cid: CID, message_id: "m-a", seq: 1 };
    const saved = after(open, said("a"), ack("a", null), committed);
    expect(saved.outbox).toEqual([]);
    expect(texts(saved)).toEqual(["a"]);
  });

  it("is known to have arrived from its row alone, when the ack was lost", () => {
    const rows = [row(1, "user", { client_id: "a" })];
    expect(after(open, said("a"), ready("s2", rows)).outbox).toEqual([]);
  });

  it("goes to its own conversation when another one is open by the time of the ack", () => {
    const elsewhere = after(open, said("a"), { type: "open", cid: OTHER, start: "s2" });
    const acked = after(elsewhere, ack("a", 1));
    expect(acked.outbox).toEqual([]);
    expect(acked.transcript.messages).toEqual([]);
  });

  it("stays with its reason when it is refused for good", () => {
    const refusal: ServerFrame = {
      type: "error",
      re: "a",
      code: "too_large",
      message: "Too long.",
      retryable: false,
    };
    const refused = after(open, said("a"), refusal);
    expect(refused.outbox).toMatchObject([{ status: "failed", note: "Too long." }]);
    expect(refused.notice).toBeNull();
    expect(after(refused, { type: "discard", id: "a" }).outbox).toEqual([]);
  });

  it("goes on being sent when the refusal is for now", () => {
    const busy: ServerFrame = {
      type: "error",
      re: "a",
      code: "rate_limited",
      message: "Slow down.",
      retryable: true,
      retry_ms: 900,
    };
    expect(after(open, said("a"), busy).outbox).toMatchObject([{ status: "sending" }]);
  });

  it("names the message before it while that one is not durable, and not one that failed", () => {
    const failed: ServerFrame = {
      type: "error",
      re: "b",
      code: "bad_request",
      message: "No.",
      retryable: false,
    };
    const state = after(open, said("a"), said("b"), said("c"), failed);
    const prevs = state.outbox.map((one) => prevOf(state, one));
    expect(prevs).toEqual([null, "a", "a"]);
    const later = after(state, ack("a", 1));
    expect(later.outbox.map((one) => prevOf(later, one))).toEqual([null, null]);
  });
});

describe("the message before", () => {
  it("is one of the same conversation", () => {
    const elsewhere: Act[] = [{ type: "open", cid: OTHER, start: "s2" }, said("b")];
    const state = after(open, said("a"), ...elsewhere);
    expect(state.outbox.map((one) => prevOf(state, one))).toEqual([null, null]);
  });
});

describe("an answer", () => {
  it("grows chunk by chunk and becomes a message", () => {
    const streaming = after(asked, delta(0, "Hel"), delta(1, "lo"));
    expect(streaming.live?.text).toBe("Hello");
    const whole = after(streaming, done(2, 2));
    expect(whole.live).toBeNull();
    expect(whole.transcript.messages[1]).toMatchObject({ text: "Hello", model: "scripted-v1" });
    expect(awaiting(whole)).toBe(false);
  });

  it("does not repeat a chunk that comes twice", () => {
    expect(after(asked, delta(0, "a"), delta(0, "a"), delta(1, "b")).live?.text).toBe("ab");
  });

  it("puts a chunk that comes early in its place", () => {
    const gap = after(asked, delta(0, "a"), delta(2, "c"));
    expect(gap.live?.text).toBe("a");
    expect(after(gap, delta(1, "b")).live?.text).toBe("abc");
  });

  it("starts anew with a higher attempt and does not listen to a lower one", () => {
    const again = after(asked, delta(0, "old"), delta(0, "new", { gen: 2 }));
    expect(again.live?.text).toBe("new");
    expect(after(again, delta(1, "stale")).live?.text).toBe("new");
  });

  it("leaves a hole to be asked for when a chunk is missing", () => {
    const holed = after(asked, delta(0, "a"), delta(2, "c"), done(3, 2));
    expect(texts(holed)).toEqual(["a"]);
    expect(hasHole(holed.transcript)).toBe(true);
    expect(heldThrough(holed.transcript)).toBe(1);
    expect(texts(after(holed, ready("s2", [row(2, "assistant")])))).toEqual(["a", "assistant 2"]);
  });

  it("is not put together from an attempt that was not the one committed", () => {
    expect(hasHole(after(asked, delta(0, "old"), done(1, 2, { gen: 2 })).transcript)).toBe(true);
  });

  it("is over once, whatever a worker that did not notice still says", () => {
    const over = after(asked, delta(0, "a"), done(1, 2));
    expect(after(over, delta(0, "ghost", { gen: 3 }), done(1, 2)).live).toBeNull();
    expect(texts(after(over, done(1, 2)))).toEqual(["a", "a"]);
  });

  it("that is not saved yet stays readable", () => {
    expect(after(asked, delta(0, "a"), done(1, null)).live?.text).toBe("a");
  });

  it("replaces what was streamed when its row comes first", () => {
    const caught = after(asked, delta(0, "par"), ready("s2", [row(2, "assistant")]));
    expect(caught.live).toBeNull();
    expect(texts(caught)).toEqual(["a", "assistant 2"]);
  });

  it("is over when its row is told as a message", () => {
    const row2: ServerFrame = {
      type: "message",
      cid: CID,
      seq: 2,
      message: row(2, "assistant", { status: "error" }),
    };
    expect(after(asked, delta(0, "par"), row2).live).toBeNull();
  });

  it("is remembered as over for a while and not for ever", () => {
    const turns = Array.from({ length: 30 }, (_, i) => done(0, i + 2, { turn: `t${String(i)}` }));
    expect(after(asked, ...turns).over).toEqual(turns.slice(10).map(({ turn }) => turn));
  });

  it("goes on streaming through a ready that brings nothing of it", () => {
    expect(after(asked, delta(0, "par"), ready("s2", [])).live?.text).toBe("par");
  });

  it("is awaited until it covers everything that was said", () => {
    const both = after(asked, said("b"), ack("b", 2), delta(0, "x"));
    expect(awaiting(after(both, done(1, 3, { answers_through: 1 })))).toBe(true);
    expect(awaiting(after(both, done(1, 3, { answers_through: 2 })))).toBe(false);
  });
});

describe("news", () => {
  it("of another tab stands in its place", () => {
    const frame: ServerFrame = { type: "message", cid: CID, seq: 2, message: row(2, "user") };
    expect(texts(after(asked, frame))).toEqual(["a", "user 2"]);
  });

  it("with a higher seq shows that something was missed", () => {
    const frame: ServerFrame = { type: "message", cid: CID, seq: 4, message: row(4, "user") };
    const holed = after(asked, frame);
    expect(heldThrough(holed.transcript)).toBe(1);
    const sync: ServerFrame = {
      type: "sync",
      re: "r",
      cid: CID,
      recovered: false,
      messages: [row(2, "assistant"), row(3, "user", { hidden: true })],
      more: false,
    };
    expect(hasHole(after(holed, sync).transcript)).toBe(false);
  });

  it("of another conversation changes nothing", () => {
    const frame: ServerFrame = { type: "message", cid: OTHER, seq: 1, message: row(1, "user") };
    expect(after(asked, frame, delta(0, "x", { cid: OTHER }))).toBe(asked);
  });

  it("without a meaning for this page changes nothing", () => {
    expect(after(asked, { type: "pong", re: "p" })).toBe(asked);
    expect(after(asked, { type: "state", cid: CID, what: "title", data: "x" })).toBe(asked);
  });

  it("of trouble elsewhere is not shown here", () => {
    const elsewhere: ServerFrame = {
      type: "error",
      cid: OTHER,
      code: "model_unavailable",
      message: "No model.",
      retryable: true,
    };
    expect(after(asked, elsewhere)).toBe(asked);
  });

  it("of trouble is shown until it is dismissed", () => {
    const problem: ServerFrame = {
      type: "error",
      code: "internal",
      message: "Something went wrong.",
      retryable: true,
    };
    const troubled = after(asked, problem);
    expect(troubled.notice?.text).toBe("Something went wrong.");
    expect(after(troubled, { type: "dismiss" }).notice).toBeNull();
  });
});

describe("earlier messages", () => {
  const tail = Array.from({ length: 15 }, (_, i) => row(86 + i, "user"));
  const late = after(INITIAL, opening, ready("s1", tail, { more: true }));

  it("are no hole before they are asked for", () => {
    expect(late.transcript.floor).toBe(85);
    expect(hasHole(late.transcript)).toBe(false);
  });

  it("are asked for in steps, down to the first", () => {
    const step = after(late, { type: "earlier" });
    expect(heldThrough(step.transcript)).toBe(35);
    expect(after(step, { type: "earlier" }).transcript.floor).toBe(0);
  });
});
