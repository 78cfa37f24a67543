import { describe, expect, it } from "vitest";

import { CID, ack, delta, done, error, ready, row, sync } from "./fakes";
import { heard, liveFrom } from "./live";
import { after, asked, idOf, opened, reconnected, sentOf, textsOf } from "./stage";
import { awaiting, lacks } from "./state";

const turn = { id: "t1", gen: 1, from: 2, i: 4, text: "cd" };
const streaming = after(asked, delta(0, "a"), delta(1, "b"));

describe("what a sync tells of the turn that runs", () => {
  it("goes on from the chunk that was asked for", () => {
    expect(after(streaming, sync("r", [], { turn })).live).toMatchObject({ text: "abcd", next: 4 });
  });

  it("is joined with chunks that came before it and after it, each once", () => {
    const events = [delta(2, "c"), sync("r", [], { turn }), delta(3, "d"), delta(4, "e")];
    const last = after(streaming, ...events);
    expect(last.live?.text).toBe("abcde");
    expect(textsOf(after(last, done(5, 2)))).toEqual(["a", "abcde"]);
  });

  it("closes a gap that chunks were waiting behind", () => {
    const gap = after(streaming, delta(4, "e"), delta(5, "f"));
    expect(lacks(gap)).toBe(true);
    const closed = after(gap, sync("r", [], { turn }));
    expect(closed.live?.text).toBe("abcdef");
    expect(lacks(closed)).toBe(false);
  });

  it("changes nothing when it comes late", () => {
    const further = after(streaming, delta(2, "c"), delta(3, "d"), delta(4, "e"));
    expect(after(further, sync("r", [], { turn })).live?.text).toBe("abcde");
  });

  it("is told again for every boundary, with the same end", () => {
    const chunks = ["Hel", "lo", ", ", "you"];
    for (let held = 0; held <= chunks.length; held += 1) {
      const deltas = chunks.slice(0, held).map((text, i) => delta(i, text));
      const rest = { id: "t1", gen: 1, from: held, i: 4, text: chunks.slice(held).join("") };
      const end = after(asked, ...deltas, sync("r", [], { turn: rest }), done(4, 2));
      expect(textsOf(end)).toEqual(["a", "Hello, you"]);
    }
  });

  it("starts the text anew when another attempt was made meanwhile", () => {
    const again = { id: "t1", gen: 2, from: 0, i: 1, text: "new" };
    expect(after(streaming, sync("r", [], { turn: again })).live?.text).toBe("new");
  });

  it("of an older attempt is not listened to", () => {
    const newer = after(streaming, delta(0, "new", { gen: 2 }));
    expect(after(newer, sync("r", [], { turn })).live?.text).toBe("new");
  });

  it("of a turn that is over does not bring it back", () => {
    const over = after(streaming, done(2, 2));
    expect(after(over, sync("r", [], { turn })).live).toBeNull();
  });

  it("keeps the partial text when the rest is lost, until the answer replaces it", () => {
    const gone = { id: "t1", gen: 1, from: 0, i: 0, text: "" };
    const lost = after(streaming, sync("r", [], { recovered: false, turn: gone }));
    expect(lost.live?.text).toBe("ab");
    const later = after(lost, delta(7, "tail"));
    expect(later.live?.text).toBe("ab");
    expect(lacks(later)).toBe(false);
    const over = after(later, done(8, 2));
    expect(textsOf(over)).toEqual(["a"]);
    expect(lacks(over)).toBe(true);
    expect(textsOf(after(over, sync("r", [row(2, "assistant")])))).toEqual(["a", "assistant 2"]);
  });

  it("with the answer ends the turn that was silent", () => {
    const answer = row(2, "assistant", { turn: "t1" });
    const caught = after(streaming, sync("r", [answer]));
    expect(caught.live).toBeNull();
    expect(after(caught, delta(2, "ghost")).live).toBeNull();
  });

  it("says by its silence that nothing runs any more", () => {
    const answered = after(streaming, done(2, 2), delta(0, "x", { turn: "t2" }));
    expect(awaiting(answered)).toBe(true);
    expect(awaiting(after(answered, sync("r", [], { last_seq: 2 })))).toBe(false);
  });
});

describe("a turn of which only the end can be heard", () => {
  it("never passes for the whole of it", () => {
    const headless = liveFrom({ id: "t1", gen: 1, from: 0, i: 7, text: "" });
    expect(heard(headless, delta(7, "tail"))).toMatchObject({ next: 0, text: "", lost: true });
    expect(liveFrom(turn)).toMatchObject({ next: 0, text: "", lost: true });
  });
});

describe("the chat", () => {
  it("asks what became of a turn that has been silent for fifteen seconds", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    wire.says(ack(idOf(wire, "message"), 1, { turn: "t1" }));
    wire.says(delta(0, "I was"));
    await world.pass(14_500);
    expect(sentOf(wire, "resume")).toHaveLength(0);
    await world.pass(1_000);
    const from = { after_seq: 1, turn: "t1", gen: 1, i: 1 };
    expect(wire.last("resume")).toMatchObject({ cid: CID, ...from });
  });

  it("names no chunk of a turn that has not spoken", async () => {
    const { world, wire, chat } = await opened();
    chat.say("one");
    wire.says(ack(idOf(wire, "message"), 1, { turn: "t1" }));
    await world.pass(15_500);
    expect(wire.last("resume")).toMatchObject({ after_seq: 1 });
    expect(wire.last("resume")).not.toHaveProperty("turn");
  });

  it("comes back in the middle of a turn from where it was cut off", async () => {
    const { world, wire, chat } = await opened([row(1, "user")]);
    wire.says(delta(0, "a"));
    const again = await reconnected(world);
    expect(again.sent).toMatchObject([{ type: "resume", after_seq: 1, turn: "t1", gen: 1, i: 1 }]);
    chat.say("two");
    expect(sentOf(again, "message")).toEqual([]);
    again.says(sync(idOf(again, "resume"), [], { last_seq: 1, turn: { ...turn, from: 1 } }));
    expect(sentOf(again, "message")).toHaveLength(1);
    expect(chat.current().live?.text).toBe("acd");
  });

  it("reads on while a sync says that more follows", async () => {
    const { world, wire } = await opened([row(1, "user")]);
    wire.says(delta(0, "a"));
    const again = await reconnected(world);
    const page = [row(2, "assistant", { answers_through: 1 }), row(3, "user")];
    again.says(sync(idOf(again, "resume"), page, { last_seq: 4, more: true }));
    await world.pass(250);
    expect(again.last("resume")).toMatchObject({ after_seq: 3 });
  });

  it("asks for a chunk that others have overtaken, and only while it may be had", async () => {
    const { world, wire } = await opened([row(1, "user")]);
    wire.says(delta(0, "a"));
    wire.says(delta(4, "e"));
    await world.pass(750);
    expect(wire.last("resume")).toMatchObject({ i: 1 });
    const gone = { id: "t1", gen: 1, from: 0, i: 0, text: "" };
    const lost = sync(idOf(wire, "resume"), [], { last_seq: 1, recovered: false, turn: gone });
    wire.says(lost);
    await world.pass(10_000);
    expect(sentOf(wire, "resume")).toHaveLength(1);
  });

  it("asks again when a resume was told to wait", async () => {
    const { world, wire } = await opened([row(1, "user")]);
    await world.pass(15_250);
    const re = idOf(wire, "resume");
    wire.says(error("unavailable", { re, cid: CID, retry_ms: 3_000 }));
    await world.pass(2_500);
    expect(sentOf(wire, "resume")).toHaveLength(1);
    await world.pass(1_000);
    expect(sentOf(wire, "resume")).toHaveLength(2);
  });

  it("is not disturbed by what goes wrong in another conversation", async () => {
    const { world, wire, chat } = await opened([row(1, "user")]);
    const before = chat.current();
    wire.says(error("internal", { cid: "elsewhere", re: "x" }));
    expect(chat.current()).toBe(before);
    await world.pass(5_000);
    expect(wire.sent).toHaveLength(1);
  });

  it("shows nothing more of a conversation that is not there any more", async () => {
    const { world, chat } = await opened([row(1, "user"), row(2, "assistant")]);
    const again = await reconnected(world);
    const re = idOf(again, "start");
    again.says(error("not_found", { re, cid: CID, retryable: false, message: "Gone." }));
    expect(chat.current()).toMatchObject({ cid: null, notice: { text: "Gone." } });
    expect(textsOf(chat.current())).toEqual([]);
  });

  it("says once that somebody came back from signing in", async () => {
    const { world, wire, chat } = await opened();
    expect(sentOf(wire, "oauth_complete")).toHaveLength(0);
    chat.hint();
    const again = await reconnected(world);
    expect(sentOf(again, "oauth_complete")).toHaveLength(0);
    again.says(ready(idOf(again, "start"), []));
    expect(sentOf(again, "oauth_complete")).toMatchObject([{ cid: CID }]);
    again.says(ready(idOf(again, "oauth_complete"), []));
    const third = await reconnected(world);
    third.says(ready(idOf(third, "start"), []));
    expect(sentOf(third, "oauth_complete")).toHaveLength(0);
  });
});
