import { describe, expect, it } from "vitest";

import { CID, OTHER, ack, delta, done, error, ready, row } from "./fakes";
import type { Message, ServerFrame } from "./frames";
import { after, idOf, open, opened, opening, reconnected, retried, said, sentOf } from "./stage";
import { INITIAL, awaiting, retries, retryable, waiting } from "./state";
import type { State } from "./state";
import { hasHole, shown } from "./transcript";

const rows = [row(1, "user"), row(2, "assistant"), row(3, "user"), row(4, "assistant")];
const talked = after(INITIAL, opening, ready("s1", rows));
const shownOf = (state: State) => shown(state.transcript).map(({ text }) => text);

const superseded = (from: number, by: number): ServerFrame => ({
  type: "state",
  cid: CID,
  what: "superseded",
  data: { from, by },
});
const told = (message: Message): ServerFrame => ({
  type: "message",
  cid: CID,
  seq: message.seq,
  message,
});

describe("an answer that is made anew", () => {
  const again = after(talked, retried("r", "m4"));
  const taken = after(again, ack("r", 5, { turn: "t1" }));

  it("stands until the server has taken the wish", () => {
    expect(shownOf(again)).toHaveLength(4);
    expect(retries(again).get("m4")).toMatchObject({ id: "r", text: null });
    expect(waiting(again)).toEqual([]);
  });

  it("makes room for CJ at work, and then for the new one", () => {
    expect(shownOf(taken)).toEqual(["user 1", "assistant 2", "user 3"]);
    expect(awaiting(taken)).toBe(true);
    const over = after(taken, delta(0, "new"), done(1, 6, { answers_through: 5 }));
    expect(shownOf(over)).toEqual(["user 1", "assistant 2", "user 3", "new"]);
    expect(hasHole(over.transcript)).toBe(false);
  });

  it("is put away once, in whichever order that is told", () => {
    const frames = [superseded(4, 5), ack("r", 5), superseded(4, 5)];
    expect(shownOf(after(again, ...frames))).toEqual(shownOf(taken));
    expect(shownOf(after(again, ...frames.toReversed()))).toEqual(shownOf(taken));
  });

  it("in another tab is put away here too", () => {
    const control = row(5, "user", { hidden: true, supersedes_from: 4 });
    expect(shownOf(after(talked, told(control)))).toHaveLength(3);
    const early = after(talked, superseded(4, 5));
    expect(shownOf(early)).toHaveLength(3);
    expect(hasHole(early.transcript)).toBe(true);
  });

  it("can be the newest one, when nothing is awaited and nothing on its way", () => {
    expect(retryable(talked)?.id).toBe("m4");
    expect(retryable(again)).toBeNull();
    expect(retryable(taken)).toBeNull();
    expect(retryable(after(talked, said("x")))).toBeNull();
    expect(retryable(open)).toBeNull();
  });

  it("can be one that failed", () => {
    const failed = [row(1, "user"), row(2, "assistant", { status: "error" })];
    expect(retryable(after(INITIAL, opening, ready("s1", failed)))?.id).toBe("m2");
  });
});

describe("a message that is said anew", () => {
  it("takes its place, and what came after is put away", () => {
    const edited = after(talked, retried("e", "m1", "better"), ack("e", 5));
    expect(shownOf(edited)).toEqual(["better"]);
    expect(edited.transcript.messages.at(-1)).toMatchObject({ seq: 5, supersedes_from: 1 });
  });

  it("stays what it was when the new text is refused", () => {
    const refusal = error("bad_request", { re: "e", retryable: false, message: "No." });
    const refused = after(talked, retried("e", "m1", "better"), refusal);
    expect(shownOf(refused)).toHaveLength(4);
    expect(retries(refused).get("m1")).toMatchObject({ status: "failed", note: "No." });
    const again = after(refused, retried("f", "m1", "best"));
    expect(again.outbox.map(({ id }) => id)).toEqual(["f"]);
  });

  it("is refused while the database is away: what is said meanwhile must not wait behind it", () => {
    const refusal = error("storage_degraded", { re: "e", cid: CID });
    const refused = after(talked, retried("e", "m1", "better"), refusal);
    expect(retries(refused).get("m1")?.status).toBe("failed");
  });

  it("waits while CJ speaks", () => {
    const busy = error("busy", { re: "e", cid: CID });
    const waits = after(talked, retried("e", "m1", "better"), busy);
    expect(retries(waits).get("m1")).toMatchObject({
      status: "sending",
      note: "Waiting until CJ has finished…",
    });
  });

  it("is shown at the end when its message has gone from view", () => {
    const edit = row(5, "user", { supersedes_from: 1 });
    const gone = after(talked, retried("e", "m3", "better"), told(edit));
    expect(waiting(gone).map(({ text }) => text)).toEqual(["better"]);
  });

  it("is known to have arrived from its row alone", () => {
    const arrived = row(5, "user", { client_id: "e", supersedes_from: 1 });
    const found = after(talked, retried("e", "m1", "better"), told(arrived));
    expect(found.outbox).toEqual([]);
  });
});

describe("what is put away", () => {
  it("stays so when it is read from history, change upon change", () => {
    const history = [
      row(1, "user"),
      row(2, "assistant"),
      row(3, "user", { hidden: true, supersedes_from: 2 }),
      row(4, "assistant"),
      row(5, "user", { text: "edited", supersedes_from: 1 }),
      row(6, "assistant"),
    ];
    expect(shownOf(after(INITIAL, opening, ready("s1", history)))).toEqual([
      "edited",
      "assistant 6",
    ]);
  });

  it("in another conversation changes nothing here", () => {
    expect(after(talked, { ...superseded(1, 5), cid: OTHER } as ServerFrame)).toBe(talked);
  });
});

describe("the chat", () => {
  it("sends a retry with its message, and an edit with its text", async () => {
    const { wire, chat } = await opened(rows);
    chat.tryAgain("m4");
    expect(wire.last("retry")).toEqual({
      v: 1,
      type: "retry",
      id: idOf(wire, "retry"),
      cid: CID,
      of: "m4",
    });
    wire.says(ack(idOf(wire, "retry"), 5));
    chat.edit("m3", "better");
    expect(wire.last("retry")).toMatchObject({ of: "m3", text: "better" });
  });

  it("keeps an edit that was made offline, and what was said after it behind it", async () => {
    const { world, chat } = await opened(rows);
    world.wire.onclose?.();
    chat.edit("m1", "better");
    chat.say("and then");
    await world.pass(250);
    const again = await world.opens();
    again.says(ready(idOf(again, "start"), [], { last_seq: 4 }));
    expect(sentOf(again, "retry")).toHaveLength(1);
    expect(sentOf(again, "message")).toEqual([]);
    again.says(ack(idOf(again, "retry"), 5));
    await world.pass(250);
    expect(sentOf(again, "message")).toMatchObject([{ text: "and then" }]);
    expect(sentOf(again, "message")[0]).not.toHaveProperty("prev");
  });

  it("sends an edit only when what was said before it has its place", async () => {
    const { world, wire, chat } = await opened(rows);
    chat.say("one");
    chat.edit("m3", "better");
    expect(sentOf(wire, "retry")).toEqual([]);
    wire.says(ack(idOf(wire, "message"), 5));
    await world.pass(250);
    expect(sentOf(wire, "retry")).toHaveLength(1);
  });

  it("sends it again, under the same id, when the connection took its ack along", async () => {
    const { world, wire, chat } = await opened(rows);
    chat.tryAgain("m4");
    const again = await reconnected(world);
    again.says(ready(idOf(again, "start"), [], { last_seq: 4 }));
    expect(idOf(again, "retry")).toBe(idOf(wire, "retry"));
    again.says(ack(idOf(again, "retry"), 5, { dup: true }));
    expect(chat.current().outbox).toEqual([]);
  });

  it("sends what was told that CJ is busy as soon as CJ is done", async () => {
    const { world, wire, chat } = await opened([...rows, row(5, "user")]);
    wire.says(delta(0, "a"));
    chat.edit("m3", "better");
    wire.says(error("busy", { re: idOf(wire, "retry"), cid: CID, retry_ms: 20_000 }));
    await world.pass(5_000);
    expect(sentOf(wire, "retry")).toHaveLength(1);
    wire.says(done(1, 6));
    await world.pass(250);
    expect(sentOf(wire, "retry")).toHaveLength(2);
  });
});
