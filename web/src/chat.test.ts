import { describe, expect, it } from "vitest";

import { CID, OTHER, ack, delta, done, ready, row, sync } from "./fakes";
import { idOf, opened, reconnected, sentOf } from "./stage";

describe("the chat", () => {
  it("opens a conversation with a start that names none", async () => {
    const { wire, chat } = await opened();
    expect(sentOf(wire, "start")).toEqual([{ v: 1, type: "start", id: idOf(wire, "start") }]);
    expect(chat.current()).toMatchObject({ cid: CID, status: "online" });
  });

  it("opens an earlier one by its id", async () => {
    const { wire, chat } = await opened();
    chat.open(OTHER);
    expect(wire.last("start")).toMatchObject({ cid: OTHER });
    expect(wire.last("start")).not.toHaveProperty("after_seq");
  });

  it("sends what is said at once, and names the one before while it has no ack", async () => {
    const { wire, chat } = await opened();
    chat.say("one");
    chat.say("two");
    const [one, two] = sentOf(wire, "message");
    expect(one).not.toHaveProperty("prev");
    expect(two).toMatchObject({ text: "two", prev: one?.id });
    wire.says(ack(String(one?.id), 1));
    wire.says(ack(String(two?.id), 2));
    chat.say("three");
    expect(sentOf(wire, "message")[2]).not.toHaveProperty("prev");
  });

  it("comes back with what it has, and only then sends its outbox again, in order", async () => {
    const { world, wire, chat } = await opened([row(1, "user"), row(2, "assistant")]);
    chat.say("one");
    chat.say("two");
    const again = await reconnected(world);
    expect(again.sent).toMatchObject([{ type: "start", cid: CID, after_seq: 2 }]);
    chat.say("three");
    expect(sentOf(again, "message")).toEqual([]);
    again.says(ready(idOf(again, "start"), [], { last_seq: 2 }));
    expect(sentOf(again, "message").map(({ text }) => text)).toEqual(["one", "two", "three"]);
    expect(
      sentOf(again, "message")
        .map(({ id }) => id)
        .slice(0, 2),
    ).toEqual(sentOf(wire, "message").map(({ id }) => id));
  });

  it("does not send again what turns out to have arrived", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    const again = await reconnected(world);
    const arrived = row(1, "user", { client_id: idOf(wire, "message") });
    again.says(ready(idOf(again, "start"), [arrived]));
    expect(sentOf(again, "message")).toEqual([]);
    expect(chat.current().outbox).toEqual([]);
  });

  it("offers a message again when it was asked to wait, and not sooner", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    const re = idOf(wire, "message");
    const wait = { type: "error", re, code: "rate_limited", message: "", retryable: true };
    wire.says({ ...wait, retry_ms: 3_000 });
    await world.pass(2_750);
    expect(sentOf(wire, "message")).toHaveLength(1);
    await world.pass(500);
    expect(sentOf(wire, "message").map(({ id }) => id)).toEqual([re, re]);
  });

  it("offers a message that has no ack again after ten seconds", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    await world.pass(9_500);
    expect(sentOf(wire, "message")).toHaveLength(1);
    await world.pass(1_000);
    expect(sentOf(wire, "message")).toHaveLength(2);
  });

  it("offers an unsaved message every five seconds until it is committed", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    const id = idOf(wire, "message");
    wire.says(ack(id, null));
    await world.pass(5_250);
    wire.says(ack(id, null, { dup: true }));
    await world.pass(5_250);
    expect(sentOf(wire, "message")).toHaveLength(3);
    wire.says({ type: "committed", cid: CID, message_id: `m-${id}`, seq: 1 });
    wire.says(done(0, 2, { turn: "other" }));
    await world.pass(10_000);
    expect(sentOf(wire, "message")).toHaveLength(3);
  });

  it("never offers again what was refused for good", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    const re = idOf(wire, "message");
    wire.says({ type: "error", re, code: "id_conflict", message: "No.", retryable: false });
    await world.pass(30_000);
    const again = await reconnected(world);
    again.says(ready(idOf(again, "start"), []));
    expect(sentOf(wire, "message")).toHaveLength(1);
    expect(sentOf(again, "message")).toEqual([]);
  });

  it("sends again after API Gateway said that the function failed", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    wire.says({ message: "Internal server error", connectionId: "c=", requestId: "r=" });
    await world.pass(2_250);
    expect(sentOf(wire, "message")).toHaveLength(2);
  });

  it("asks for what it missed, once a hole has not closed by itself", async () => {
    const { world, wire, chat } = await opened([row(1, "user")]);
    wire.says(delta(1, "late"));
    wire.says(done(2, 2));
    expect(sentOf(wire, "resume")).toHaveLength(0);
    await world.pass(750);
    expect(wire.last("resume")).toMatchObject({ cid: CID, after_seq: 1 });
    wire.says(sync(idOf(wire, "resume"), [row(2, "assistant")]));
    await world.pass(30_000);
    expect(wire.sent).toHaveLength(2);
    expect(chat.current().transcript.messages).toHaveLength(2);
  });

  it("does not ask when a hole closes by itself", async () => {
    const { world, wire } = await opened([row(1, "user"), row(2, "assistant")]);
    wire.says({ type: "message", cid: CID, seq: 4, message: row(4, "assistant") });
    await world.pass(250);
    wire.says({ type: "message", cid: CID, seq: 3, message: row(3, "user") });
    await world.pass(5_000);
    expect(sentOf(wire, "start")).toHaveLength(1);
  });

  it("asks less and less often for what does not come", async () => {
    const { world, wire } = await opened([row(1, "user"), row(2, "assistant")]);
    wire.says({ type: "message", cid: CID, seq: 5, message: row(5, "user", { hidden: true }) });
    wire.says({ type: "message", cid: CID, seq: 6, message: row(6, "assistant") });
    const asked: number[] = [];
    while (asked.length < 5) {
      await world.pass(250);
      if (sentOf(wire, "start").length === asked.length + 1) continue;
      asked.push(world.now());
      wire.says(ready(idOf(wire, "start"), [], { last_seq: 6 }));
    }
    const gaps = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
    expect(gaps).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it("leaves a conversation alone in which nothing is awaited", async () => {
    const { world, wire } = await opened([row(1, "user"), row(2, "assistant")]);
    await world.pass(60_000);
    expect(wire.sent).toHaveLength(1);
  });

  it("makes a new connection when its session is not known any more", async () => {
    const { world, wire } = await opened();
    wire.says({ type: "error", code: "unauthenticated", message: "", retryable: true });
    await world.pass(250);
    const again = await world.opens();
    expect(wire.closed).toBe(true);
    expect(sentOf(again, "start")).toHaveLength(1);
  });

  it("asks once for a conversation that is not there", async () => {
    const { world, wire, chat } = await opened();
    chat.open(OTHER);
    const re = idOf(wire, "start");
    wire.says({ type: "error", re, code: "not_found", message: "No such.", retryable: false });
    await world.pass(30_000);
    expect(sentOf(wire, "start")).toHaveLength(2);
    expect(chat.current()).toMatchObject({ cid: null, notice: { text: "No such." } });
  });

  it("does not insist on a conversation that is gone when it comes back", async () => {
    const { world } = await opened();
    const again = await reconnected(world);
    const re = idOf(again, "start");
    again.says({ type: "error", re, code: "not_found", message: "No such.", retryable: false });
    await world.pass(30_000);
    expect(sentOf(again, "start")).toHaveLength(1);
  });

  it("reads on without waiting while page after page of what it missed comes", async () => {
    const { world } = await opened([row(1, "user"), row(2, "assistant")]);
    const again = await reconnected(world);
    for (const seq of [3, 4, 5, 6]) {
      const page = [row(seq, "assistant")];
      again.says(ready(idOf(again, "start"), page, { last_seq: 6, more: seq < 6 }));
      await world.pass(250);
    }
    expect(sentOf(again, "start").map(({ after_seq }) => after_seq)).toEqual([2, 3, 4, 5]);
  });

  it("asks again for a conversation when it was told to wait", async () => {
    const { world, wire, chat } = await opened();
    chat.open(OTHER);
    const re = idOf(wire, "start");
    const wait = { code: "unavailable", message: "", retryable: true, retry_ms: 3_000 };
    wire.says({ type: "error", re, ...wait });
    await world.pass(3_250);
    expect(sentOf(wire, "start").map(({ id }) => id)).toEqual([
      sentOf(wire, "start")[0]?.id,
      re,
      re,
    ]);
    wire.says(ready(re, [], { cid: OTHER }));
    expect(chat.current().cid).toBe(OTHER);
  });

  it("sends to its own conversation what was said before another was opened", async () => {
    const { world, chat } = await opened();
    world.wire.onclose?.();
    chat.say("one");
    chat.open(OTHER);
    await world.pass(250);
    const again = await world.opens();
    again.says(ready(idOf(again, "start"), [], { cid: OTHER }));
    expect(sentOf(again, "message")).toMatchObject([{ cid: CID, text: "one" }]);
  });

  it("loads earlier messages from where they are asked for", async () => {
    const tail = Array.from({ length: 15 }, (_, i) => row(86 + i, "assistant"));
    const { wire, chat } = await opened(tail);
    chat.earlier();
    expect(wire.last("start")).toMatchObject({ cid: CID, after_seq: 35 });
  });

  it("tells its listeners of every change, and of nothing else", async () => {
    const { wire, chat } = await opened();
    let changes = 0;
    const leave = chat.subscribe(() => {
      changes += 1;
    });
    wire.says({ type: "pong", re: "p" });
    expect(changes).toBe(0);
    chat.say("one");
    expect(changes).toBeGreaterThan(0);
    leave();
    const before = changes;
    chat.say("two");
    expect(changes).toBe(before);
  });
});
