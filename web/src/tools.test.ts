import { describe, expect, it } from "vitest";

import { CID, delta, done } from "./fakes";
import type { Tool } from "./frames";
import { toolOf } from "./live";
import { after, asked } from "./stage";
import { wordsFor } from "./tools";

function tool(call: string, status: Tool["status"], more: Partial<Tool> = {}): Tool {
  return { type: "tool", cid: CID, turn: "t1", gen: 1, call, name: call, status, ...more };
}

describe("what CJ looks at", () => {
  it("is told while it looks, and no longer", () => {
    const looking = after(asked, tool("get_orders", "started"));
    expect(toolOf(looking.live)).toBe("get_orders");
    const found = after(looking, tool("get_orders", "ok"), delta(0, "Three."));
    expect(toolOf(found.live)).toBeNull();
    expect(found.live?.text).toBe("Three.");
  });

  it("is the newest thing of several", () => {
    const two = after(asked, tool("a", "started"), tool("b", "started"));
    expect(toolOf(two.live)).toBe("b");
    expect(toolOf(after(two, tool("b", "error")).live)).toBe("a");
  });

  it("is over when its end came before its beginning", () => {
    expect(toolOf(after(asked, tool("a", "ok"), tool("a", "started")).live)).toBeNull();
  });

  it("goes with the answer, and with the attempt", () => {
    const looking = after(asked, delta(0, "a"), tool("a", "started"));
    expect(toolOf(after(looking, delta(0, "b", { gen: 2 })).live)).toBeNull();
    const over = after(looking, done(1, 2));
    expect(over.live).toBeNull();
    expect(after(over, tool("a", "started")).live).toBeNull();
    const newer = after(asked, delta(0, "b", { gen: 2 }));
    expect(toolOf(after(newer, tool("a", "started")).live)).toBeNull();
  });

  it.each([
    ["get_shopify_recent_orders", "Looking at orders…"],
    ["get_shopify_orders_last_week", "Looking at orders…"],
    ["find-product", "Looking at products…"],
    ["get_shopify_store_counts", "Looking at your store…"],
    ["fireworks", "Looking something up…"],
    ["get_shopify_something", "Looking something up…"],
  ])("is called by its name (%s)", (name, words) => {
    expect(wordsFor(name)).toBe(words);
  });
});
