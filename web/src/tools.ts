/** What CJ is doing, in words that need no knowledge of its tools. Pure. */

const TOPICS = ["orders", "products", "customers", "inventory", "sales", "discounts"];

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
