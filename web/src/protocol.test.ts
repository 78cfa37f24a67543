import { describe, expect, it } from "vitest";

import { CID, OTHER, ack, delta, ready, row, sync } from "./fakes";
import type { ServerFrame } from "./frames";
import { prevOf } from "./outbox";
import { after, asked, open, opening, said, textsOf } from "./stage";
import { INITIAL } from "./state";
import type { Act } from "./state";
import { hasHole, heldThrough } from "./transcript";

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
    expect(textsOf(saved)).toEqual(["a"]);
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
    const prevs = state.outbox.map((one) => prevOf(state.outbox, one));
    expect(prevs).toEqual([null, "a", "a"]);
    const later = after(state, ack("a", 1));
    expect(later.outbox.map((one) => prevOf(later.outbox, one))).toEqual([null, null]);
  });
});

describe("the message before", () => {
  it("is one of the same conversation", () => {
    const elsewhere: Act[] = [{ type: "open", cid: OTHER, start: "s2" }, said("b")];
    const state = after(open, said("a"), ...elsewhere);
    expect(state.outbox.map((one) => prevOf(state.outbox, one))).toEqual([null, null]);
  });
});

describe("news", () => {
  it("of another tab stands in its place", () => {
    const frame: ServerFrame = { type: "message", cid: CID, seq: 2, message: row(2, "user") };
    expect(textsOf(after(asked, frame))).toEqual(["a", "user 2"]);
  });

  it("with a higher seq shows that something was missed", () => {
    const frame: ServerFrame = { type: "message", cid: CID, seq: 4, message: row(4, "user") };
    const holed = after(asked, frame);
    expect(heldThrough(holed.transcript)).toBe(1);
    const missed = [row(2, "assistant"), row(3, "user", { hidden: true })];
    expect(hasHole(after(holed, sync("r", missed, { last_seq: 4 })).transcript)).toBe(false);
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
