/** What CJ is doing, in words that need no knowledge of its tools. Pure. */

import { toolOf } from "./live";
import { greets } from "./state";
import type { State } from "./state";

const TOPICS = ["orders", "products", "customers", "inventory", "sales", "discounts"];

/** Of this moment; null: nothing that there are words for. */
export function doingOf(state: State): string | null {
  const tool = toolOf(state.live);
  if (tool !== null) return wordsFor(tool);
  if (!greets(state) || (state.live?.text ?? "") !== "") return null;
  return state.shop == null ? "CJ is about to say hello…" : "CJ is looking at your store…";
}

/** "Looking at orders…" for `get_shopify_recent_orders`. */
export function wordsFor(tool: string): string {
  const name = tool.toLowerCase();
  const words = new Set(name.split(/[^a-z]+/));
  const topic = TOPICS.find((one) => words.has(one) || words.has(one.replace(/s$/, "")));
  if (topic !== undefined) return `Looking at ${topic}…`;
  return words.has("store") || words.has("shop")
    ? "Looking at your store…"
    : "Looking something up…";
}
