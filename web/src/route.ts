/** Which conversation is open stands in the address: an id, which opens nothing for anybody else. */

const ROUTE = /^\/chat\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/?$/i;

export function cidOf(path: string): string | null {
  return ROUTE.exec(path)?.[1]?.toLowerCase() ?? null;
}

export function pathOf(cid: string | null): string {
  return cid === null ? "/chat" : `/chat/${cid}`;
}

/** The conversation that is to be opened: also where Shopify's way back leads to. */
export function cidAt({ pathname, search }: { pathname: string; search: string }): string | null {
  const told = new URLSearchParams(search).get("conversation_id");
  return cidOf(pathOf(told)) ?? cidOf(pathname);
}

/** Did the browser come here from signing in at Shopify? */
export function isSignedIn(search: string): boolean {
  return new URLSearchParams(search).get("oauth") === "complete";
}
