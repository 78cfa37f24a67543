import { describe, expect, it } from "vitest";

import { CID, OTHER, ack, delta, done, error, ready, row, sync, unsavedRow } from "./fakes";
import type { ServerFrame } from "./frames";
import {
  after,
  asked,
  idOf,
  open,
  opened,
  opening,
  reconnected,
  said,
  sentOf,
  textsOf,
} from "./stage";
import { INITIAL, awaiting, forgetful, lacks, retryable, waiting } from "./state";
import type { State } from "./state";

const committed = (
  message_id: string,
  seq: number | null,
  more: Partial<Extract<ServerFrame, { type: "committed" }>> = {},
): ServerFrame => ({ type: "committed", cid: CID, message_id, seq, ...more });

const degraded = ["postgres"];
const unsavedTexts = (state: State) => state.unsaved.map(({ text }) => text);

const accepted = after(open, said("a"), ack("a", null));
const answered = after(
  accepted,
  delta(0, "yes"),
  done(1, null, { message_id: "x", answers: ["a"] }),
);

describe("while the database is away", () => {
  it("what was said stays, in its place, until it is committed", () => {
    expect(unsavedTexts(accepted)).toEqual(["a"]);
    expect(waiting(accepted)).toEqual([]);
    expect(accepted.outbox).toMatchObject([{ status: "unsaved" }]);
    expect(forgetful(accepted)).toBe(true);
  });

  it("an answer is a message like any other, in the order it was given", () => {
    expect(answered.unsaved).toMatchObject([{ text: "a" }, { id: "x", text: "yes" }]);
    expect(answered.live).toBeNull();
    expect(awaiting(answered)).toBe(false);
    const more = after(
      answered,
      said("b"),
      ack("b", null),
      delta(0, "no", { turn: "t2" }),
      done(1, null, { turn: "t2", message_id: "y", answers: ["b"] }),
    );
    expect(unsavedTexts(more)).toEqual(["a", "yes", "b", "no"]);
  });

  it("CJ is awaited until every message has an answer", () => {
    expect(awaiting(accepted)).toBe(true);
    expect(awaiting(after(answered, said("b"), ack("b", null)))).toBe(true);
    const durable = after(asked, delta(0, "yes"), done(1, null, { answers: ["a"] }));
    expect(awaiting(durable)).toBe(false);
  });

  it("nothing that was said can be changed", () => {
    const before = [row(1, "user"), row(2, "assistant")];
    const without = after(INITIAL, opening, ready("s1", before, { degraded }));
    expect(retryable(without)).toBeNull();
    expect(forgetful(without)).toBe(true);
    expect(forgetful(after(without, ready("s2", [], { last_seq: 2 })))).toBe(false);
  });

  it("Redis alone being away is nobody's worry", () => {
    const slow = ready("s1", [row(1, "user"), row(2, "assistant")], { degraded: ["redis"] });
    expect(forgetful(after(INITIAL, opening, slow))).toBe(false);
  });

  it("an answer that was not heard whole is shown and asked for", () => {
    const partial = after(accepted, delta(1, "s"), done(2, null, { message_id: "x" }));
    expect(lacks(partial)).toBe(true);
    const whole = unsavedRow("x", "assistant", { text: "yes", answers: ["a"] });
    const buffer = [unsavedRow("m-a", "user", { client_id: "a" }), whole];
    const told = after(partial, sync("r", [], { unsaved: buffer, degraded }));
    expect(lacks(told)).toBe(false);
    expect(unsavedTexts(told)).toEqual(["m-a", "yes"]);
    expect(unsavedTexts(after(told, done(2, null, { message_id: "x" })))).toEqual(["m-a", "yes"]);
  });

  it("a page that was not there finds what is not saved, in the server's order", () => {
    const buffer = [
      unsavedRow("one", "user", { client_id: "c1" }),
      unsavedRow("two", "assistant", { answers: ["c1"] }),
    ];
    const found = after(INITIAL, opening, ready("s1", [], { unsaved: buffer, degraded }));
    expect(unsavedTexts(found)).toEqual(["one", "two"]);
    expect(awaiting(found)).toBe(false);
    const three = unsavedRow("three", "user", { client_id: "c3" });
    const more = after(found, { type: "message", cid: CID, seq: null, message: three });
    expect(unsavedTexts(after(more, sync("r", [], { unsaved: buffer, degraded })))).toEqual([
      "one",
      "two",
      "three",
    ]);
  });

  it("what the buffer holds of ours counts as accepted, when the ack was lost", () => {
    const buffer = [unsavedRow("m-a", "user", { client_id: "a" })];
    const found = after(open, said("a"), sync("r", [], { unsaved: buffer, degraded }));
    expect(found.outbox).toMatchObject([{ id: "a", status: "unsaved", message_id: "m-a" }]);
    expect(waiting(found)).toEqual([]);
  });

  it("the tab that streams an answer drops it when its row comes first", () => {
    const whole = unsavedRow("x", "assistant", { turn: "t1", answers: ["a"] });
    const streaming = after(accepted, delta(0, "ye"));
    const told = after(streaming, { type: "message", cid: CID, seq: null, message: whole });
    expect(told.live).toBeNull();
    expect(after(told, delta(1, "s")).live).toBeNull();
  });
});

describe("when the database is back", () => {
  it("each message gets its place, and nothing changes its order", () => {
    const one = after(answered, committed("m-a", 1, { client_id: "a" }));
    expect([textsOf(one), unsavedTexts(one)]).toEqual([["a"], ["yes"]]);
    expect(one.outbox).toEqual([]);
    expect(awaiting(one)).toBe(false);
    const both = after(one, committed("x", 2));
    expect([textsOf(both), unsavedTexts(both)]).toEqual([["a", "yes"], []]);
    expect(both.transcript.messages[1]).toMatchObject({ id: "x", answers_through: 1 });
    expect(lacks(both)).toBe(false);
    expect(forgetful(both)).toBe(false);
  });

  it("an answer covers its own inputs and not the one that came in between", () => {
    const meanwhile = after(accepted, said("b"), ack("b", null));
    const answer = [delta(0, "yes"), done(1, null, { message_id: "x", answers: ["a"] })];
    const saved = after(
      meanwhile,
      ...answer,
      committed("m-a", 1),
      committed("m-b", 2),
      committed("x", 3),
    );
    expect(textsOf(saved)).toEqual(["a", "b", "yes"]);
    expect(awaiting(saved)).toBe(true);
  });

  it("a frame that comes twice changes nothing", () => {
    const once = after(answered, committed("m-a", 1), committed("x", 2));
    const twice = after(once, committed("m-a", 1), committed("x", 2));
    expect(textsOf(twice)).toEqual(["a", "yes"]);
  });

  it("one that has another row in its place stands in until that row is here", () => {
    const replaced = after(answered, committed("m-a", 1, { client_id: "a", replaced: true }));
    expect(unsavedTexts(replaced)).toEqual(["a", "yes"]);
    expect(replaced.outbox).toEqual([]);
    expect(lacks(replaced)).toBe(true);
    const rows = [row(1, "user", { client_id: "a" }), row(2, "assistant")];
    const fetched = after(replaced, committed("x", 2, { replaced: true }), ready("s2", rows));
    expect(textsOf(fetched)).toEqual(["user 1", "assistant 2"]);
    expect(fetched.unsaved).toEqual([]);
    expect(lacks(fetched)).toBe(false);
  });

  it("an answer that was dropped for one still to come goes at once", () => {
    const dropped = after(answered, committed("m-a", 1), committed("x", null, { replaced: true }));
    expect(dropped.unsaved).toEqual([]);
    expect(awaiting(dropped)).toBe(true);
  });

  it("an answer goes that was lost, when its message is answered again", () => {
    const again = after(answered, ack("a", 1), delta(0, "Yes.", { turn: "t9" }));
    expect(unsavedTexts(again)).toEqual(["yes"]);
    const over = after(again, done(1, 2, { turn: "t9", message_id: "z", answers_through: 1 }));
    expect([textsOf(over), unsavedTexts(over)]).toEqual([["a", "Yes."], []]);
  });

  it("what neither store knows is not shown any longer, but for what is offered again", () => {
    const foreign = unsavedRow("other", "user", { client_id: "o" });
    const lost = after(answered, { type: "message", cid: CID, seq: null, message: foreign });
    const back = after(lost, ready("s2", []));
    expect(back.unsaved).toEqual([]);
    expect(waiting(back).map(({ text }) => text)).toEqual(["a"]);
  });

  it("a message of a conversation that is not open leaves the outbox all the same", () => {
    const elsewhere = after(accepted, { type: "open", cid: OTHER, start: "s2" });
    expect(after(elsewhere, committed("m-a", 1)).outbox).toEqual([]);
    expect(after(elsewhere, committed("m-a", 1)).transcript.messages).toEqual([]);
  });

  it("the row of an answer that was told in parts is asked for", () => {
    const partial = after(accepted, done(2, null, { message_id: "x", answers: ["a"] }));
    const saved = after(partial, committed("m-a", 1), committed("x", 2));
    expect(lacks(saved)).toBe(true);
    expect(textsOf(after(saved, ready("s2", [row(2, "assistant", { id: "x" })])))).toEqual([
      "a",
      "assistant 2",
    ]);
  });
});

describe("the chat", () => {
  it("offers its unsaved messages every five seconds, and answers stay meanwhile", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    const id = idOf(wire, "message");
    wire.says(ack(id, null));
    wire.says(delta(0, "yes"));
    wire.says(done(1, null, { message_id: "x", answers: [id] }));
    for (let n = 2; n < 5; n += 1) {
      await world.pass(5_250);
      expect(sentOf(wire, "message")).toHaveLength(n);
      wire.says(ack(id, null, { dup: true }));
      expect(unsavedTexts(chat.current())).toEqual(["one", "yes"]);
    }
    wire.says(committed(`m-${id}`, 1, { client_id: id }));
    wire.says(committed("x", 2));
    await world.pass(10_000);
    expect(sentOf(wire, "message")).toHaveLength(4);
    expect(textsOf(chat.current())).toEqual(["one", "yes"]);
  });

  it("looks now and then whether the database is back, when it has nothing to offer", async () => {
    const { world, wire, chat } = await opened([row(1, "user"), row(2, "assistant")]);
    const again = await reconnected(world);
    again.says(ready(idOf(again, "start"), [], { last_seq: 2, degraded }));
    await world.pass(15_250);
    expect(sentOf(again, "start")).toHaveLength(2);
    again.says(ready(idOf(again, "start"), [], { last_seq: 2 }));
    await world.pass(60_000);
    expect(sentOf(again, "start")).toHaveLength(2);
    expect([forgetful(chat.current()), wire.closed]).toEqual([false, true]);
  });

  it("loses nothing of a hundred messages that are too many for now", async () => {
    const { world, wire, chat } = await opened();
    for (let n = 0; n < 100; n += 1) chat.say(String(n));
    const arrived: string[] = [];
    let tokens = 5;
    let heard = 0;
    for (let round = 0; arrived.length < 100 && round < 1_000; round += 1) {
      for (; heard < wire.sent.length; heard += 1) {
        const frame = wire.sent[heard];
        if (frame?.type !== "message") continue;
        const id = String(frame.id);
        const { prev } = frame;
        if (typeof prev === "string" && !arrived.includes(prev)) {
          wire.says(error("out_of_order", { re: id, cid: CID, retry_ms: 500 }));
        } else if (tokens > 0) {
          tokens -= 1;
          arrived.push(id);
          wire.says(ack(id, arrived.length));
        } else wire.says(error("rate_limited", { re: id, cid: CID, retry_ms: 3_000 }));
      }
      tokens = Math.min(5, tokens + 1);
      await world.pass(3_000);
    }
    expect(textsOf(chat.current())).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
    expect(chat.current().outbox).toEqual([]);
    expect(sentOf(wire, "message").length).toBeLessThan(400);
  });

  it("says of a message that has to wait only that, and holds the next one back", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    const re = idOf(wire, "message");
    wire.says(error("rate_limited", { re, cid: CID, retry_ms: 3_000, message: "Too many." }));
    expect(chat.current().outbox).toMatchObject([{ note: "Sending in a moment…" }]);
    expect(chat.current().notice).toBeNull();
    chat.say("two");
    await world.pass(2_500);
    expect(sentOf(wire, "message")).toHaveLength(1);
    await world.pass(750);
    wire.says(ack(re, 1));
    expect(sentOf(wire, "message").map(({ text }) => text)).toEqual(["one", "one", "two"]);
  });
});
