import { describe, expect, it } from "vitest";

import { CID, ack, delta, done, ready, row } from "./fakes";
import type { ServerFrame } from "./frames";
import { after, asked, said, textsOf } from "./stage";
import { awaiting } from "./state";
import { hasHole, heldThrough } from "./transcript";

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
    expect(textsOf(holed)).toEqual(["a"]);
    expect(hasHole(holed.transcript)).toBe(true);
    expect(heldThrough(holed.transcript)).toBe(1);
    expect(textsOf(after(holed, ready("s2", [row(2, "assistant")])))).toEqual(["a", "assistant 2"]);
  });

  it("is not put together from an attempt that was not the one committed", () => {
    expect(hasHole(after(asked, delta(0, "old"), done(1, 2, { gen: 2 })).transcript)).toBe(true);
  });

  it("is over once, whatever a worker that did not notice still says", () => {
    const over = after(asked, delta(0, "a"), done(1, 2));
    expect(after(over, delta(0, "ghost", { gen: 3 }), done(1, 2)).live).toBeNull();
    expect(textsOf(after(over, done(1, 2)))).toEqual(["a", "a"]);
  });

  it("replaces what was streamed when its row comes first", () => {
    const caught = after(asked, delta(0, "par"), ready("s2", [row(2, "assistant")]));
    expect(caught.live).toBeNull();
    expect(textsOf(caught)).toEqual(["a", "assistant 2"]);
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
