import { describe, expect, it } from "vitest";

import { extended, refreshed } from "./api";
import type { Conversation } from "./api";
import { CID, OTHER } from "./fakes";
import { cidAt, cidOf, isSignedIn, pathOf } from "./route";
import { clean, lengthOf, objection } from "./text";

describe("the text of a message", () => {
  it("is counted in characters, not in halves of them", () => {
    expect(lengthOf("a👍🏽é")).toBe(4);
    expect(lengthOf("e\u0301")).toBe(1);
  });

  it("loses what no message may hold", () => {
    expect(clean("a\u0000b\ud800c👍")).toBe("ab\ufffdc👍");
  });

  it("may be as long as the limit and no longer", () => {
    expect(objection("x".repeat(8_000), 8_000)).toBeNull();
    expect(objection("x".repeat(8_012), 8_000)).toBe("12 characters too many");
  });

  it("may take 20,000 bytes and no more", () => {
    expect(objection("字".repeat(6_666), 8_000)).toBeNull();
    expect(objection("字".repeat(6_667), 8_000)).not.toBeNull();
  });
});

describe("the address", () => {
  const cid = "11111111-1111-4111-8111-11111111111a";

  it("names the conversation that is open", () => {
    expect(cidOf(pathOf(cid))).toBe(cid);
    expect(cidOf(pathOf(cid).toUpperCase().replace("CHAT", "chat"))).toBe(cid);
  });

  it.each(["/", "/chat", "/chat/", "/chat/7", `/chat/${cid}/x`, `/x/${cid}`])(
    "%s names none",
    (path) => {
      expect(cidOf(path)).toBeNull();
    },
  );
});

describe("the way back from Shopify", () => {
  const back = `?oauth=complete&is_new=true&conversation_id=${OTHER}`;

  it("leads to the conversation in which CJ greets", () => {
    expect(cidAt({ pathname: "/chat", search: back })).toBe(OTHER);
    expect(cidAt({ pathname: `/chat/${CID}`, search: back })).toBe(OTHER);
    expect(isSignedIn(back)).toBe(true);
  });

  it.each(["", "?conversation_id=", "?conversation_id=../x", "?oauth=denied"])(
    "is no other address (%s)",
    (search) => {
      expect(cidAt({ pathname: `/chat/${CID}`, search })).toBe(CID);
      expect(cidAt({ pathname: "/chat", search })).toBeNull();
      expect(isSignedIn(search)).toBe(false);
    },
  );
});

describe("the list of conversations", () => {
  const one = (id: string, preview = id): Conversation => ({
    id,
    title: null,
    preview,
    updated_at: "2030-01-02T03:04:05Z",
  });
  const page = (next: string | null, ...ids: string[]) => ({
    conversations: ids.map((id) => one(id)),
    next,
  });
  const ids = (list: { conversations: readonly Conversation[] }) =>
    list.conversations.map(({ id }) => id);

  it("keeps what was loaded below its first page when that is read again", () => {
    const old = extended(page("p2", "a", "b"), page("p3", "c", "d"));
    const fresh = refreshed(old, page("p2", "c", "a"));
    expect(ids(fresh)).toEqual(["c", "a", "b", "d"]);
    expect(fresh.next).toBe("p3");
  });

  it("is its first page when there is no other", () => {
    expect(ids(refreshed(page(null, "a", "b"), page(null, "b")))).toEqual(["b"]);
    expect(ids(refreshed(null, page("p2", "a")))).toEqual(["a"]);
  });

  it("shows nobody twice when the pages moved in between", () => {
    expect(ids(extended(page("p2", "a", "b"), page(null, "b", "c")))).toEqual(["a", "b", "c"]);
  });
});
