import { describe, expect, it } from "vitest";

import { CID, ack, delta, done, error, row, sync } from "./fakes";
import { after, asked, idOf, opened, reconnected, said, sentOf } from "./stage";
import { awaiting } from "./state";
import type { Act } from "./state";

const stop: Act = { type: "stop", id: "x" };
const working = after(asked, said("b"), ack("b", 2, { turn: "t1" }));

describe("the wish to stop", () => {
  it("is for the turn that the ack named, before its first word", () => {
    expect(after(working, stop).stop).toEqual({ id: "x", turn: "t1" });
  });

  it("learns which turn it is for when that speaks", () => {
    const wish = after(asked, stop);
    expect(wish.stop).toEqual({ id: "x", turn: null });
    expect(after(wish, delta(0, "a")).stop).toEqual({ id: "x", turn: "t1" });
  });

  it("is over with its turn, whose text stays and says so", () => {
    const stopped = after(asked, delta(0, "Hel"), stop, done(1, 2, { status: "stopped" }));
    expect(stopped.stop).toBeNull();
    expect(stopped.transcript.messages[1]).toMatchObject({ text: "Hel", status: "stopped" });
    expect(awaiting(stopped)).toBe(false);
  });

  it("leaves an empty answer when nothing was said yet", () => {
    const stopped = after(working, stop, done(0, 3, { status: "stopped" }));
    expect(stopped.transcript.messages[2]).toMatchObject({ text: "", status: "stopped" });
    expect(stopped.live).toBeNull();
  });

  it("is not for the turn after", () => {
    const next = after(asked, delta(0, "a"), stop, delta(0, "b", { turn: "t2" }));
    expect(next.stop).toBeNull();
  });

  it("is one, however often it is said", () => {
    expect(after(working, stop, { type: "stop", id: "y" }).stop?.id).toBe("x");
  });

  it("that could not be heard just now alarms nobody", () => {
    const wish = after(working, stop);
    expect(after(wish, error("unavailable", { re: "x", cid: CID })).notice).toBeNull();
  });
});

describe("the chat", () => {
  it("stops nothing while nothing is awaited", async () => {
    const { wire, chat } = await opened([row(1, "user"), row(2, "assistant")]);
    chat.silence();
    expect(chat.current().stop).toBeNull();
    expect(wire.sent).toHaveLength(1);
  });

  it("sends a stop once it is heard, and not again", async () => {
    const { world, wire, chat } = await opened([row(1, "user")]);
    wire.says(delta(0, "a"));
    chat.silence();
    chat.silence();
    expect(wire.last("stop")).toMatchObject({ cid: CID, turn: "t1" });
    wire.says(ack(idOf(wire, "stop"), null, { message_id: null, turn: "t1", durable: true }));
    await world.pass(12_000);
    expect(sentOf(wire, "stop")).toHaveLength(1);
  });

  it("asks which turn runs when it has not heard, and stops that", async () => {
    const { wire, chat } = await opened([row(1, "user")]);
    chat.silence();
    expect(sentOf(wire, "stop")).toEqual([]);
    const turn = { id: "t7", gen: 1, from: 0, i: 0, text: "" };
    wire.says(sync(idOf(wire, "resume"), [], { last_seq: 1, turn }));
    expect(wire.last("stop")).toMatchObject({ turn: "t7" });
  });

  it("sends a stop again on another connection, while the turn is not over", async () => {
    const { world, wire, chat } = await opened([row(1, "user")]);
    wire.says(delta(0, "a"));
    chat.silence();
    wire.says(ack(idOf(wire, "stop"), null, { message_id: null, turn: "t1", durable: true }));
    const again = await reconnected(world);
    const turn = { id: "t1", gen: 1, from: 1, i: 1, text: "" };
    again.says(sync(idOf(again, "resume"), [], { last_seq: 1, turn }));
    expect(again.last("stop")).toMatchObject({ id: idOf(wire, "stop"), turn: "t1" });
  });

  it("sends a stop again that had no answer, or was told to wait", async () => {
    const { world, wire, chat } = await opened([row(1, "user")]);
    wire.says(delta(0, "a"));
    chat.silence();
    await world.pass(10_250);
    expect(sentOf(wire, "stop")).toHaveLength(2);
    wire.says(error("unavailable", { re: idOf(wire, "stop"), cid: CID, retry_ms: 1_000 }));
    await world.pass(1_250);
    expect(sentOf(wire, "stop")).toHaveLength(3);
  });

  it("asks for the answer when the turn was over already", async () => {
    const { wire, chat } = await opened([row(1, "user")]);
    wire.says(delta(0, "a"));
    chat.silence();
    wire.says(ack(idOf(wire, "stop"), null, { message_id: null, dup: true, durable: true }));
    wire.says(sync(idOf(wire, "resume"), [row(2, "assistant")]));
    expect(chat.current()).toMatchObject({ stop: null, live: null });
  });
});
