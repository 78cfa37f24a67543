import { describe, expect, it } from "vitest";

import { encode, parse } from "./frames";

describe("a frame", () => {
  it("says which version it speaks", () => {
    expect(JSON.parse(encode({ type: "ping", id: "p" }))).toEqual({ v: 1, type: "ping", id: "p" });
  });

  it("of a kind that is not known is ignored", () => {
    expect(parse('{"v":1,"type":"fireworks"}')).toBeNull();
  });

  it.each([["not JSON"], ["null"], ["7"], ["{}"], [new ArrayBuffer(1)]])(
    "that is none (%s) is ignored",
    (data) => {
      expect(parse(data)).toBeNull();
    },
  );

  it.each([
    ["Internal server error", "internal", true],
    ["Endpoint request timed out", "timeout", true],
    ["Forbidden", "unsupported", false],
  ])("of API Gateway itself (%s) is an error in our words", (message, code, retryable) => {
    const frame = parse(JSON.stringify({ message, connectionId: "c=", requestId: "r=" }));
    expect(frame).toMatchObject({ type: "error", code, retryable });
    expect(frame).not.toMatchObject({ message });
  });
});
